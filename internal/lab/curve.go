package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The identifiers of RFC 3279 section 2.3.5.
const (
	idECPublicKey = "1.2.840.10045.2.1"
	idPrimeField  = "1.2.840.10045.1.1"
)

// A curve is the parameters of an elliptic curve with a = -3, as those of NIST
// have it, to be written out in a key.
type curve struct {
	elliptic.CurveParams

	cofactor int64
}

func curveOf(k *Key) *curve {
	return &curve{*k.Public().(*ecdsa.PublicKey).Params(), 1}
}

// spki is a key on the curve with all its parameters in place of a name
// (SpecifiedECDomain, SEC 1 appendix C.2).
func (c *curve) spki(x, y *big.Int) []byte {
	return sequence(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid(idECPublicKey))
			b.AddASN1(asn1.SEQUENCE, c.addParameters)
		})
		b.AddASN1BitString(c.point(x, y))
	})
}

func (c *curve) addParameters(b *cryptobyte.Builder) {
	b.AddASN1Int64(1)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid(idPrimeField))
		b.AddASN1BigInt(c.P)
	})
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(c.octets(new(big.Int).Sub(c.P, big.NewInt(3))))
		b.AddASN1OctetString(c.octets(c.B))
	})
	b.AddASN1OctetString(c.point(c.Gx, c.Gy))
	b.AddASN1BigInt(c.N)
	b.AddASN1Int64(c.cofactor)
}

func (c *curve) octets(v *big.Int) []byte { return v.FillBytes(make([]byte, (c.BitSize+7)/8)) }

// point is the uncompressed form (SEC 1 section 2.3.3).
func (c *curve) point(x, y *big.Int) []byte {
	return append(append([]byte{4}, c.octets(x)...), c.octets(y)...)
}
