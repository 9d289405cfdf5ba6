package ocsp

import (
	"crypto"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/cert"
)

// NonceSize is how long a nonce is (RFC 9654 section 2.1).
const NonceSize = 32

// Request writes a request for one certificate, named with SHA-1 as every
// responder takes it (RFC 5019 section 2.1.1): here it guards nothing. nonce may
// be nil.
func Request(c, issuer *cert.Certificate, nonce []byte) []byte {
	id := NewID(c, issuer, crypto.SHA1)
	var b cryptobyte.Builder
	seq := asn1.SEQUENCE
	b.AddASN1(seq, func(b *cryptobyte.Builder) { // OCSPRequest
		b.AddASN1(seq, func(b *cryptobyte.Builder) { // TBSRequest
			b.AddASN1(seq, func(b *cryptobyte.Builder) { // requestList
				b.AddASN1(seq, func(b *cryptobyte.Builder) { // Request
					b.AddASN1(seq, id.write)
				})
			})
			if nonce != nil {
				b.AddASN1(explicit(2), func(b *cryptobyte.Builder) {
					b.AddASN1(seq, func(b *cryptobyte.Builder) {
						b.AddASN1(seq, func(b *cryptobyte.Builder) {
							b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(oidNonce)) })
							b.AddASN1(asn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nonce) })
						})
					})
				})
			}
		})
	})
	return b.BytesOrPanic()
}

func (id ID) write(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) {
			for _, h := range hashes {
				if h.hash == id.Hash {
					b.AddBytes([]byte(h.oid))
				}
			}
		})
		b.AddASN1NULL()
	})
	b.AddASN1OctetString(id.NameHash)
	b.AddASN1OctetString(id.KeyHash)
	b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(id.Serial) })
}

// RequestNonce gives the nonce of a request; nil where there is none, or it is no
// request.
func RequestNonce(der []byte) (value []byte) {
	in := cryptobyte.String(der)
	var outer, tbs, extensions cryptobyte.String
	var has bool
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !outer.ReadASN1(&tbs, asn1.SEQUENCE) || !tbs.SkipOptionalASN1(explicit(0)) ||
		!tbs.SkipOptionalASN1(explicit(1)) || !tbs.SkipASN1(asn1.SEQUENCE) || !tbs.ReadOptionalASN1(&extensions, &has, explicit(2)) || !has {
		return nil
	}
	each(extensions, func(oid, v cryptobyte.String) {
		if string(oid) == oidNonce {
			value = nonce(v)
		}
	})
	return value
}
