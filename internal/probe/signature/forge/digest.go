package forge

import (
	"bytes"
	"crypto"
	_ "crypto/md5"  // registers the hash
	_ "crypto/sha1" // registers the hash
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"

	"github.com/certassay/certassay/internal/cert"
)

// A digester is a hash that can stand in a DigestInfo.
type digester struct {
	name string
	hash crypto.Hash
	oid  string // content octets
}

// digesters are tried in this order (RFC 8017 appendix B.1, and the SHA-3
// identifiers of NIST).
var digesters = [...]digester{
	{"sha256", crypto.SHA256, "\x60\x86\x48\x01\x65\x03\x04\x02\x01"},
	{"sha1", crypto.SHA1, "\x2b\x0e\x03\x02\x1a"},
	{"sha384", crypto.SHA384, "\x60\x86\x48\x01\x65\x03\x04\x02\x02"},
	{"sha512", crypto.SHA512, "\x60\x86\x48\x01\x65\x03\x04\x02\x03"},
	{"md5", crypto.MD5, "\x2a\x86\x48\x86\xf7\x0d\x02\x05"},
	{"sha224", crypto.SHA224, "\x60\x86\x48\x01\x65\x03\x04\x02\x04"},
	{"sha512-224", crypto.SHA512_224, "\x60\x86\x48\x01\x65\x03\x04\x02\x05"},
	{"sha512-256", crypto.SHA512_256, "\x60\x86\x48\x01\x65\x03\x04\x02\x06"},
	{"sha3-224", crypto.SHA3_224, "\x60\x86\x48\x01\x65\x03\x04\x02\x07"},
	{"sha3-256", crypto.SHA3_256, "\x60\x86\x48\x01\x65\x03\x04\x02\x08"},
	{"sha3-384", crypto.SHA3_384, "\x60\x86\x48\x01\x65\x03\x04\x02\x09"},
	{"sha3-512", crypto.SHA3_512, "\x60\x86\x48\x01\x65\x03\x04\x02\x0a"},
}

func digesterByName(name string) (digester, bool) {
	for _, d := range digesters {
		if d.name == name {
			return d, true
		}
	}
	return digester{}, false
}

func (d digester) sum(b []byte) []byte {
	h := d.hash.New()
	h.Write(b)
	return h.Sum(nil)
}

// info is the DigestInfo of RFC 8017 section 9.2, with or without the NULL.
func (d digester) info(digest []byte, null bool) []byte {
	alg := append([]byte{0x06, byte(len(d.oid))}, d.oid...)
	if null {
		alg = append(alg, 0x05, 0x00)
	}
	body := append([]byte{0x30, byte(len(alg))}, alg...)
	body = append(append(body, 0x04, byte(len(digest))), digest...)
	return append([]byte{0x30, byte(len(body))}, body...)
}

// block is the encoded message of k octets that an honest signer makes of a
// payload; nil where it does not fit.
func block(k int, payload []byte) []byte {
	if k < len(payload)+11 {
		return nil
	}
	em := bytes.Repeat([]byte{0xff}, k)
	em[0], em[1], em[k-len(payload)-1] = 0, 1, 0
	copy(em[k-len(payload):], payload)
	return em
}

// deviation names the first thing in a payload that is not the DigestInfo of
// this digest. The payload is known to hold the digest.
func (d digester) deviation(t, digest []byte) (Trick, string) {
	// Each element is read after the other one has turned out well. What is
	// inside the parentheses of DigestInfo is checked before what follows.
	outer, rest, trick, detail := element(t, 0x30, "DigestInfo")
	if trick != "" {
		return trick, detail
	}
	alg, after, trick, detail := element(outer, 0x30, "algorithm")
	if trick != "" {
		return trick, detail
	}
	oid, params, trick, detail := element(alg, 0x06, "identifier")
	if trick != "" {
		return trick, detail
	}
	null := bytes.Equal(params, []byte{0x05, 0x00})
	octets, behind, trick, detail := element(after, 0x04, "hash")
	switch {
	case string(oid) != d.oid:
		return HashName, "the hash algorithm is named " + cert.OID(oid).String()
	case !null && len(params) > 0:
		return ParameterGarbage, "octets in the parameters of the hash algorithm"
	case trick != "":
		return trick, detail
	case !bytes.Equal(octets, digest):
		return DigestInfo, "octets around the hash"
	case len(behind) > 0:
		return DigestInfo, "an element behind the hash"
	case len(rest) > 0:
		return TrailingGarbage, "octets behind DigestInfo"
	}
	return MissingNull, "no parameters"
}

// element reads one element of the expected type, and names what DER forbids
// about it.
func element(b []byte, id byte, what string) (body, rest []byte, _ Trick, detail string) {
	if len(b) < 2 || b[0] != id {
		return nil, nil, DigestInfo, "no " + what + " where one must be"
	}
	switch n := int(b[1]); {
	case n == 0x80:
		return nil, nil, BERLength, "indefinite length of " + what
	case n > 0x80:
		// No part of a DigestInfo is as long as that.
		return nil, nil, BERLength, "long form of the length of " + what
	case 2+n > len(b):
		return nil, nil, DigestInfo, what + " ends behind the block"
	default:
		return b[2 : 2+n], b[2+n:], "", ""
	}
}
