package cert

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"sync"
	"time"
)

// A Certificate is what the walker found in some bytes. A field that could not
// be read is zero and its error says why; the error of a field that stands
// behind an unreadable one is the same.
type Certificate struct {
	// Raw is all that was given to Parse, including any trailing bytes.
	Raw []byte
	// TBS is the signed part with its header.
	TBS []byte
	// Version is 1, 2, 3, or what the field says plus one; 0 where VersionErr
	// is set.
	Version    int
	VersionErr error
	// Serial is the content octets of the serial number as written.
	Serial    []byte
	SerialErr error
	// SigAlgInner and SigAlgOuter are the AlgorithmIdentifiers, with header,
	// inside and outside the signed part.
	SigAlgInner []byte
	SigAlgOuter []byte
	Issuer      Name
	Subject     Name
	// Validity is the sequence of two times with its header.
	Validity     []byte
	NotBefore    time.Time
	NotBeforeErr error
	NotAfter     time.Time
	NotAfterErr  error
	// SPKI is the SubjectPublicKeyInfo with its header; nil where the walk
	// did not get there.
	SPKI []byte
	// Key is what SPKI says; its error is beside it.
	Key Key
	// IssuerUniqueID and SubjectUniqueID are nil where absent.
	IssuerUniqueID  []byte
	SubjectUniqueID []byte
	// Extensions are in the order written, duplicates included.
	Extensions    []Extension
	ExtensionsErr error
	// Signature is the signature's octets; SignatureUnused the number of bits
	// of the last one that do not count, 0 in every honest certificate.
	Signature       []byte
	SignatureUnused int
	SignatureErr    error

	// Err says why the walk ended early; nil where every mandatory field was
	// found. A field's own error does not end the walk.
	Err error
	// Quirks are all departures that were met.
	Quirks Quirks

	// elements is the number of values, and longestOID the octets of the
	// longest object identifier or registeredID.
	elements, longestOID int

	// What is asked for many times over, each computed by the first who asks:
	// see SHA256, Name.Normal and Stdlib.
	issuer, subject nameMemo
	hashed, shown   sync.Once
	keyHashed       sync.Once
	sha256, keySum  [32]byte
	stdlib          Result[x509.Certificate]
	named           sync.Once
	alt             View[[]GeneralName] // empty where there are more than maxRemembered
}

// An Extension is one entry of the list of extensions (RFC 5280 section 4.2).
type Extension struct {
	// Raw is the whole entry with its header.
	Raw []byte
	OID OID
	// Critical is true for any boolean but 0x00, as OpenSSL reads it.
	Critical bool
	// Value is the contents of the OCTET STRING.
	Value []byte
	// Err says why OID or Value could not be read.
	Err error
}

// SHA256 is the certificate's fingerprint. It is computed once, by the first
// call, and Raw must not be changed after it.
func (c *Certificate) SHA256() [32]byte {
	c.hashed.Do(func() { c.sha256 = sha256.Sum256(c.Raw) })
	return c.sha256
}

// SPKISHA256 is the hash of the public key with its algorithm (RFC 7469
// section 2.4). It is computed once, by the first call. Without a key it is false.
func (c *Certificate) SPKISHA256() (sum [32]byte, ok bool) {
	if c.SPKI == nil {
		return sum, false
	}
	c.keyHashed.Do(func() { c.keySum = sha256.Sum256(c.SPKI) })
	return c.keySum, true
}

// Pin is the pin of the public key as people write it, "sha256/" and base64; empty
// without a key.
func (c *Certificate) Pin() string {
	sum, ok := c.SPKISHA256()
	if !ok {
		return ""
	}
	return PinOf(sum)
}

// PinOf is the pin that is the hash of a SubjectPublicKeyInfo.
func PinOf(spki [32]byte) string {
	return "sha256/" + base64.StdEncoding.EncodeToString(spki[:])
}

// ShareIssuer says that a certificate's subject is the issuer of c, where these are
// the same bytes: what is decoded of that name is then decoded once, for all that
// the CA issued. It has to come before anything is asked of c.
func (c *Certificate) ShareIssuer(ca *Certificate) {
	if c.Issuer.Raw != nil && ca.Subject.memo != nil && bytes.Equal(c.Issuer.Raw, ca.Subject.Raw) {
		c.Issuer.memo = ca.Subject.memo
	}
}

// SelfIssued says that issuer and subject are the same bytes. Where either
// could not be read it is false.
func (c *Certificate) SelfIssued() bool {
	return c.Subject.Raw != nil && bytes.Equal(c.Subject.Raw, c.Issuer.Raw)
}

// Readable says that the outer structure is that of a certificate: at least a
// public key was found behind the fields that precede it.
func (c *Certificate) Readable() bool { return c.SPKI != nil }

// SerialNegative says that the serial number is below zero.
func (c *Certificate) SerialNegative() bool {
	return len(c.Serial) > 0 && c.Serial[0]&0x80 != 0
}

// SerialMinimal says that the serial number is written in the fewest octets.
func (c *Certificate) SerialMinimal() bool { return minimalInteger(c.Serial) }

func minimalInteger(b []byte) bool {
	if len(b) < 2 {
		return len(b) == 1
	}
	return !(b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80)
}

// bitLen is the number of bits of a non-negative integer's content octets.
func bitLen(b []byte) int {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) == 0 {
		return 0
	}
	n := 8 * (len(b) - 1)
	for x := b[0]; x > 0; x >>= 1 {
		n++
	}
	return n
}
