// Package forge says how a signature that does not verify was made: it names the
// forger's trick.
//
// A check by a library answers yes or no. This package takes the signatures that
// were refused and looks at what the key makes of them. The tricks that worked
// against careless verifiers leave their mark: an RSA block with octets behind
// the hash (CVE-2006-4339), with lengths that no DER encoder writes
// (CVE-2014-1568), or with the hash of other bytes; an ECDSA signature of zeros
// (CVE-2022-21449). It also reads elliptic curves that are written out
// (CVE-2020-0601), and finds signatures that give the private key away.
//
// What is found is a fact about numbers. That the hash of exactly these bytes
// stands in the block by accident has a chance below 2^-100.
//
// # Design
//
// Nothing here decides whether a signature is good: crypto/rsa, crypto/ecdsa and
// package cert do. A block is never parsed to accept it, only to say what is
// wrong with it. A private key that was recovered is checked against the public
// one and forgotten; no function returns it.
package forge

// A Trick says how a signature differs from an honest one. The zero value says
// that nothing was looked at. The values are those of the fact
// chain.signatures[].trick and never change their meaning.
type Trick string

// What is found in RSA signatures.
const (
	// TrailingGarbage: octets stand behind the hash (CVE-2006-4339).
	TrailingGarbage Trick = "trailing-garbage"
	// BERLength: a length has a form that DER does not allow (CVE-2014-1568).
	BERLength Trick = "ber-length"
	// ParameterGarbage: octets in the parameters of the hash algorithm.
	ParameterGarbage Trick = "parameter-garbage"
	// DigestInfo: tags or structure around the hash are not those of DigestInfo.
	DigestInfo Trick = "digest-info"
	// HashName: the hash is that of the signed part, under another algorithm's
	// name than that by which it was computed.
	HashName Trick = "hash-name"
	// HashSubstitution: a well-formed signature with another hash algorithm than
	// the certificate states. For ECDSA too.
	HashSubstitution Trick = "hash-substitution"
	// RawDigest: the bare hash, without DigestInfo.
	RawDigest Trick = "raw-digest"
	// BlockType: the block begins with another type than 1.
	BlockType Trick = "block-type"
	// LeadingBytes: the block does not begin as one, and ends with the hash.
	LeadingBytes Trick = "leading-bytes"
	// PaddingBytes: the padding holds other octets than 0xff.
	PaddingBytes Trick = "padding-bytes"
	// ShortPadding: fewer than eight octets of padding.
	ShortPadding Trick = "short-padding"
	// MissingNull: exact but for the NULL parameters, which old signers left out.
	MissingNull Trick = "missing-null"
	// Transplant: a well-formed signature of this key over other bytes.
	Transplant Trick = "transplant"
	// UnknownPayload: padded well, by this key, around something unknown.
	UnknownPayload Trick = "unknown-payload"
	// WrongPrimitive: made by this key with another scheme than stated: PSS,
	// PKCS #1 v1.5 or OAEP in place of each other.
	WrongPrimitive Trick = "wrong-primitive"
	// Trivial: a made-up value, such as 0, 1 or one less than the modulus. For
	// ECDSA and DSA, r or s is within 2^64 of zero or of the order.
	Trivial Trick = "trivial-value"
	// WrongLength: exact in value, with octets more or less than the modulus has.
	WrongLength Trick = "wrong-length"
)

// What is found in ECDSA and DSA signatures.
const (
	// Zero: r or s is zero, which a verifier that forgets to look accepts for
	// every message and every key (CVE-2022-21449).
	Zero Trick = "zero"
	// OutOfRange: r or s is negative or not below the order of the group.
	OutOfRange Trick = "out-of-range"
	// NotAPair: not a sequence of two integers, in any encoding.
	NotAPair Trick = "not-a-pair"
	// NotDER: two integers in the range, not in the encoding that DER requires.
	NotDER Trick = "not-der"
)

// What is found in signatures of every kind.
const (
	// NotReduced: exact, after the modulus or the order of the group is taken
	// away: somebody added it to change the certificate's fingerprint.
	NotReduced Trick = "not-reduced"
	// Reencoded: exact, after it is encoded as it must be.
	Reencoded Trick = "reencoded"
	// ForeignKey: nothing in it shows that this key was used.
	ForeignKey Trick = "foreign-key"
	// Exact: there is nothing wrong with it.
	Exact Trick = "exact"
)

// A Result is what was found in one signature under one key.
type Result struct {
	Trick Trick
	// Detail says more in a few words, such as "indefinite length"; may be empty.
	Detail string
	// NoPrivateKey says that the signature's power does not reach the modulus:
	// it was computed as a root in whole numbers, which everybody can.
	NoPrivateKey bool
	// Hash is the name of the algorithm whose digest was found, and Digest the
	// one in the signature; empty where none was.
	Hash   string
	Digest []byte
}
