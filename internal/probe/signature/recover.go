package signature

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cryptobyte_asn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/cert"
)

// Recovered gives the public keys under which an ECDSA signature verifies, each as
// SubjectPublicKeyInfo in DER: two, and rarely up to four (SEC 1 version 2.0 section
// 4.1.6). One of them made the signature, if anybody did: for any signature there are
// such keys, and none of them means anything but one that is known otherwise, were it
// by its hash alone. Nobody makes a signature under a given key that he has not.
//
// It is nil for other algorithms and for curves but P-256 and P-384, of which the
// length of the numbers tells which one it is. The cost is below 2 ms.
func Recovered(c *cert.Certificate) [][]byte {
	alg := c.SignatureAlgorithm()
	if alg.Err != nil || alg.Key != cert.ECDSA || c.TBS == nil || c.SignatureErr != nil || c.SignatureUnused != 0 {
		return nil
	}
	hash := hashes[alg.Hash]
	r, s := new(big.Int), new(big.Int)
	in := cryptobyte.String(c.Signature)
	var pair cryptobyte.String
	if hash == 0 || len(c.Signature) > maxECDSA || !in.ReadASN1(&pair, cryptobyte_asn1.SEQUENCE) || !in.Empty() ||
		!pair.ReadASN1Integer(r) || !pair.ReadASN1Integer(s) || !pair.Empty() {
		return nil
	}
	curve := elliptic.P256()
	if max(r.BitLen(), s.BitLen()) > curve.Params().BitSize {
		curve = elliptic.P384()
	}
	if n := curve.Params().N; r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(n) >= 0 || s.Cmp(n) >= 0 {
		return nil
	}
	h := hash.New()
	h.Write(c.TBS)
	return recovered(curve, h.Sum(nil), r, s)
}

// maxECDSA is longer than any signature under P-384.
const maxECDSA = 128

// recovered solves s·R = e·G + r·Q for Q, for each point R whose x is r modulo the
// order of the curve.
func recovered(curve elliptic.Curve, digest []byte, r, s *big.Int) (out [][]byte) {
	p := curve.Params()
	inverse := new(big.Int).ModInverse(r, p.N)
	u := new(big.Int).Mul(s, inverse)
	v := truncated(digest, p.N)
	v.Neg(v).Mul(v, inverse)
	u.Mod(u, p.N)
	v.Mod(v, p.N)
	gx, gy := curve.ScalarBaseMult(v.Bytes()) //nolint:staticcheck // no kept package does this with a point of another's choice, and nothing here is secret
	for x := new(big.Int).Set(r); x.Cmp(p.P) < 0; x.Add(x, p.N) {
		for _, sign := range []byte{2, 3} {
			compressed := append([]byte{sign}, x.FillBytes(make([]byte, (p.BitSize+7)/8))...)
			rx, ry := elliptic.UnmarshalCompressed(curve, compressed)
			if rx == nil {
				break // nor is the other one on the curve
			}
			qx, qy := curve.ScalarMult(rx, ry, u.Bytes()) //nolint:staticcheck // as above
			qx, qy = curve.Add(qx, qy, gx, gy)            //nolint:staticcheck // as above
			size := (p.BitSize + 7) / 8
			point := slices.Concat([]byte{4}, qx.FillBytes(make([]byte, size)), qy.FillBytes(make([]byte, size)))
			key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
			if err != nil {
				continue // the point at infinity is no key
			}
			if spki, err := x509.MarshalPKIXPublicKey(key); err == nil {
				out = append(out, spki)
			}
		}
	}
	return out
}

// truncated is the leftmost bits of a digest as a number (FIPS 186-5 section 6.4.2).
func truncated(digest []byte, n *big.Int) *big.Int {
	e := new(big.Int).SetBytes(digest)
	if excess := 8*len(digest) - n.BitLen(); excess > 0 {
		e.Rsh(e, uint(excess))
	}
	return e
}
