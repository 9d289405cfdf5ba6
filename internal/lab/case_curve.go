package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"
)

// curves are keys that bring the parameters of their curve with them.
func (l *Lab) curves() []Case {
	leaf := func(name, want, tell string, change func(*curve)) Case {
		public := l.LeafKey.Public().(*ecdsa.PublicKey)
		c := curveOf(l.LeafKey)
		change(c)
		return l.odd(name, want, tell, func(t *Template) { t.SPKI = c.spki(public.X, public.Y) })
	}
	return []Case{
		l.curveBall("curve-ball", 1000003).firing("signature-curve-parameters"),
		l.curveBall("curve-ball-generator-is-key", 1).firing("signature-curve-parameters"),
		leaf("curve-written-out", "", "P-256 written out in place of its name", func(*curve) {}).firing("signature-curve-written-out"),
		leaf("curve-order-altered", "suspicious", "P-256 with another order", func(c *curve) { c.N = new(big.Int).Sub(c.N, big.NewInt(2)) }).
			firing("signature-curve-altered"),
		leaf("curve-coefficient-altered", "suspicious", "P-256 with another coefficient", func(c *curve) { c.B = new(big.Int).Add(c.B, big.NewInt(1)) }).
			firing("signature-curve-altered"),
		leaf("curve-cofactor-altered", "suspicious", "P-256 with another cofactor", func(c *curve) { c.cofactor = 2 }).
			firing("signature-curve-altered"),
	}
}

// curveBall is the forgery of CVE-2020-0601: a root with the genuine one's name
// and public key Q, on a curve whose generator is G' = Q/d for a number d of the
// forger's. Then d is the private key.
func (l *Lab) curveBall(name string, d int64) Case {
	genuine := l.Root.Key.Public().(*ecdsa.PublicKey)
	c := curveOf(l.Root.Key)
	private := big.NewInt(d)
	c.Gx, c.Gy = divided(genuine, private, c.N)
	sign := func(tbs []byte) []byte {
		nonce := new(big.Int).SetBytes(SHA256ECDSA.digest(tbs))
		// r is of nonce times G'.
		x, _ := elliptic.P384().ScalarMult(c.Gx, c.Gy, nonce.Bytes())
		return signNoncing(private, nonce, x.Mod(x, c.N), c.N, SHA384ECDSA.digest(tbs))
	}
	root := rootTemplate(l.Root.Name, l.Root.Key, l.At)
	root.Serial, root.SPKI = SerialOf(name), c.spki(genuine.X, genuine.Y)
	t := l.LeafTemplate()
	t.Issuer, t.Key, t.Serial = l.Root.Name, ForgedKey(), SerialOf("leaf of "+name)
	t.Set(SKI(t.Key.ID), AKI(l.Root.KeyID))
	return l.forged(name, "forged", []string{"a root with a known root's public key on a curve with another generator (CVE-2020-0601)"},
		t.SignWith(SHA384ECDSA, sign), root.SignWith(SHA384ECDSA, sign))
}

// divided is the point Q/d.
func divided(q *ecdsa.PublicKey, d, order *big.Int) (x, y *big.Int) {
	return q.Curve.ScalarMult(q.X, q.Y, new(big.Int).ModInverse(d, order).Bytes())
}
