// Package ocsp reads OCSP responses and writes requests (RFC 6960). It verifies
// nothing: it gives what a response says, and the octets that were signed.
//
// # Design
//
// golang.org/x/crypto/ocsp is not used: it verifies the signature with the key of
// the certificate that the response brings along, whatever the size of that key. A
// response of 51 kB costs it 1.3 s, and this package some microseconds. It also knows one
// answer of a response alone, and neither nonces nor the extended revoked
// definition, by which a CA says that it never issued a serial number.
package ocsp

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // of certificate identifiers
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/cert"
)

// Limits on a response, with the attack each one stops.
const (
	// MaxSize is above any honest response with its responder's certificate
	// (about 5 kB). A handshake message can hold 16 MB.
	MaxSize = 64 << 10
	// maxAnswers bounds the answers that are read; an honest response holds one.
	maxAnswers = 64
	// maxCertificates bounds the certificates, each of which costs a signature
	// check; an honest response holds one.
	maxCertificates = 8
)

// Identifiers as content octets.
const (
	oidBasic          = "\x2b\x06\x01\x05\x05\x07\x30\x01\x01"     // RFC 6960 section 4.2.1
	oidNonce          = "\x2b\x06\x01\x05\x05\x07\x30\x01\x02"     // RFC 9654
	oidExtendedRevoke = "\x2b\x06\x01\x05\x05\x07\x30\x01\x09"     // RFC 6960 section 4.4.8
	oidSCTs           = "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x05" // RFC 6962 section 3.3
)

// OIDNoCheck is id-pkix-ocsp-nocheck as content octets: a responder's certificate
// with this extension is not asked about itself (RFC 6960 section 4.2.2.2.1).
const OIDNoCheck = "\x2b\x06\x01\x05\x05\x07\x30\x01\x05"

// Errors of [Parse].
var (
	ErrForm = errors.New("reading OCSP response: not a basic response in DER")
	ErrSize = errors.New("reading OCSP response: longer than 64 KiB")
)

// A Code is the responseStatus of a response (RFC 6960 section 4.2.1).
type Code int

// String names it as the standard does.
func (c Code) String() string {
	switch c {
	case 0:
		return "successful"
	case 1:
		return "malformedRequest"
	case 2:
		return "internalError"
	case 3:
		return "tryLater"
	case 5:
		return "sigRequired"
	case 6:
		return "unauthorized"
	}
	return "not a status"
}

// A Response is what an OCSP response says. Its slices lie within the bytes given
// to [Parse].
type Response struct {
	Code Code
	// Data is the signed part with its header; nil where there is none, as in a
	// response that says tryLater. All below is zero then.
	Data []byte
	// Algorithm is the AlgorithmIdentifier of the signature with its header.
	Algorithm, Signature []byte
	// Name is the responder's name with its header, KeyHash the SHA-1 of its
	// key; one of the two is nil.
	Name, KeyHash []byte
	// Produced is when it was signed, by its own word.
	Produced time.Time
	Answers  []Answer
	// More says that there are more answers than are read.
	More bool
	// Nonce is the value of the nonce; nil where there is none.
	Nonce []byte
	// ExtendedRevoke says that the responder calls serial numbers revoked that
	// were never issued (RFC 6960 section 4.4.8).
	ExtendedRevoke bool
	// Certificates are those that it brings along, in DER.
	Certificates [][]byte
}

// A State is what an answer says of a certificate.
type State int

// The states, as RFC 6960 tags them.
const (
	Good State = iota
	Revoked
	Unknown
)

// NoReason is the reason of an answer that gives none.
const NoReason = -1

// An Answer is a SingleResponse.
type Answer struct {
	ID    ID
	State State
	// RevokedAt and Reason are of a revoked one; the reason is one of RFC 5280
	// section 5.3.1, or [NoReason].
	RevokedAt time.Time
	Reason    int
	// This and Next are thisUpdate and nextUpdate; Next is zero where absent.
	This, Next time.Time
	// scts is the value of the SCT list extension; nil where there is none.
	scts []byte
}

// An ID names a certificate.
type ID struct {
	// Hash is what the two hashes were made with; 0 where that is not known.
	Hash crypto.Hash
	// NameHash and KeyHash are of the issuer; Serial is the content octets.
	NameHash, KeyHash, Serial []byte
}

// NewID names a certificate by its issuer.
func NewID(c, issuer *cert.Certificate, h crypto.Hash) ID {
	return ID{Hash: h, NameHash: hash(h, c.Issuer.Raw), KeyHash: hash(h, keyBits(issuer.SPKI)), Serial: c.Serial}
}

// Names says whether it is the name of c under this issuer, whatever hash it uses.
func (id ID) Names(c, issuer *cert.Certificate) bool {
	if id.Hash == 0 || issuer.SPKI == nil {
		return false
	}
	want := NewID(c, issuer, id.Hash)
	return bytes.Equal(id.Serial, want.Serial) && bytes.Equal(id.KeyHash, want.KeyHash) &&
		(bytes.Equal(id.NameHash, want.NameHash) || bytes.Equal(id.NameHash, hash(id.Hash, issuer.Subject.Raw)))
}

func hash(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
}

// keyBits are the octets of a public key within its SubjectPublicKeyInfo.
func keyBits(spki []byte) []byte {
	in := cryptobyte.String(spki)
	var seq, bits cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !seq.SkipASN1(asn1.SEQUENCE) || !seq.ReadASN1(&bits, asn1.BIT_STRING) || len(bits) == 0 {
		return nil
	}
	return bits[1:]
}

// Is says whether the response says that c made it.
func (r *Response) Is(c *cert.Certificate) bool {
	if r.KeyHash != nil {
		return bytes.Equal(r.KeyHash, hash(crypto.SHA1, keyBits(c.SPKI)))
	}
	return r.Name != nil && (cert.Name{Raw: r.Name}).Normal() == c.Subject.Normal()
}

// For gives the answer for a serial number, content octets as written; nil where
// there is none.
func (r *Response) For(serial []byte) *Answer {
	for i := range r.Answers {
		if bytes.Equal(r.Answers[i].ID.Serial, serial) {
			return &r.Answers[i]
		}
	}
	return nil
}

var errSCTs = errors.New("reading OCSP response: the SCT list is not an OCTET STRING")

// SCTList gives the SignedCertificateTimestampList of an answer (RFC 6962 section
// 3.3); nil where there is none. SCTs bring a signature of their own.
func (a *Answer) SCTList() ([]byte, error) {
	if a == nil || a.scts == nil {
		return nil, nil
	}
	value := cryptobyte.String(a.scts)
	var scts cryptobyte.String
	if !value.ReadASN1(&scts, asn1.OCTET_STRING) || !value.Empty() {
		return nil, errSCTs
	}
	return scts, nil
}
