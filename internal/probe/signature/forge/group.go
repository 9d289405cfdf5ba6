package forge

import (
	"crypto/dsa" //nolint:staticcheck // old certificates are judged, not made
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/big"

	"github.com/certassay/certassay/internal/cert"
)

// A group is a public key in the group where its signatures are computed.
type group interface {
	order() *big.Int
	// verifies checks a pair of numbers inside the range.
	verifies(digest []byte, p Pair) bool
	// private says that d is the private key.
	private(d *big.Int) bool
}

func groupOf(key *cert.Key) (group, error) {
	if key.Err != nil {
		return nil, key.Err
	}
	if key.Algorithm == cert.DSA {
		return newDSAGroup(key)
	}
	curve := nist(key.Curve)
	if curve == nil {
		return nil, fmt.Errorf("a key on the curve %q", key.Curve)
	}
	point := key.Public
	if key.Point == cert.Compressed {
		x, y := elliptic.UnmarshalCompressed(curve, point)
		if x == nil {
			return nil, errors.New("a point that is not on the curve")
		}
		point = elliptic.Marshal(curve, x, y) //nolint:staticcheck // there is no other way from coordinates to octets
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("reading point: %w", err)
	}
	return ecGroup{pub}, nil
}

func nist(name string) elliptic.Curve {
	switch name {
	case "P-224":
		return elliptic.P224()
	case "P-256":
		return elliptic.P256()
	case "P-384":
		return elliptic.P384()
	case "P-521":
		return elliptic.P521()
	}
	return nil
}

type ecGroup struct{ pub *ecdsa.PublicKey }

func (g ecGroup) order() *big.Int { return g.pub.Params().N }

func (g ecGroup) verifies(digest []byte, p Pair) bool {
	return p.inside(g.order()) && ecdsa.Verify(g.pub, digest, p.R, p.S)
}

func (g ecGroup) private(d *big.Int) bool {
	n := g.order()
	if d.Sign() <= 0 || d.Cmp(n) >= 0 {
		return false
	}
	key, err := ecdsa.ParseRawPrivateKey(g.pub.Curve, d.FillBytes(make([]byte, (n.BitLen()+7)/8)))
	return err == nil && key.PublicKey.Equal(g.pub)
}

// A dsaGroup is a DSA key (FIPS 186-4 section 4.1).
type dsaGroup struct{ pub *dsa.PublicKey }

// newDSAGroup reads Dss-Parms and the key (RFC 3279 section 2.3.2).
func newDSAGroup(key *cert.Key) (group, error) {
	seq, _, err := cert.Next(key.Params)
	if err != nil {
		return nil, fmt.Errorf("reading DSA parameters: %w", err)
	}
	pub := new(dsa.PublicKey)
	b := seq.Body
	for _, v := range [...]**big.Int{&pub.P, &pub.Q, &pub.G} {
		if *v, b, err = positive(b); err != nil {
			return nil, fmt.Errorf("reading DSA parameters: %w", err)
		}
	}
	if pub.Y, _, err = positive(key.Public); err != nil {
		return nil, fmt.Errorf("reading DSA key: %w", err)
	}
	if pub.P.BitLen() > cert.MaxDSABits || pub.Q.BitLen() > cert.MaxDSAOrder || pub.Q.BitLen() < 128 ||
		pub.G.BitLen() > cert.MaxDSABits || pub.Y.BitLen() > cert.MaxDSABits {
		return nil, fmt.Errorf("a DSA key of %d bits with an order of %d bits", pub.P.BitLen(), pub.Q.BitLen())
	}
	return dsaGroup{pub}, nil
}

// positive reads an INTEGER above zero.
func positive(b []byte) (*big.Int, []byte, error) {
	e, rest, err := cert.Next(b)
	if err != nil {
		return nil, nil, err
	}
	if e.ID != 0x02 || len(e.Body) == 0 || e.Body[0]&0x80 != 0 {
		return nil, nil, errors.New("no positive integer")
	}
	v := new(big.Int).SetBytes(e.Body)
	if v.Sign() == 0 {
		return nil, nil, errors.New("zero")
	}
	return v, rest, nil
}

func (g dsaGroup) order() *big.Int { return g.pub.Q }

func (g dsaGroup) verifies(digest []byte, p Pair) bool {
	// crypto/dsa leaves it to the caller to shorten the hash.
	if size := g.pub.Q.BitLen() / 8; len(digest) > size {
		digest = digest[:size]
	}
	return p.inside(g.pub.Q) && dsa.Verify(g.pub, digest, p.R, p.S)
}

func (g dsaGroup) private(d *big.Int) bool {
	return d.Sign() > 0 && new(big.Int).Exp(g.pub.G, d, g.pub.P).Cmp(g.pub.Y) == 0
}

// number is the hash as a number: its leftmost bits (FIPS 186-5 section 6.4.1).
func number(digest []byte, order *big.Int) *big.Int {
	z := new(big.Int).SetBytes(digest)
	if extra := 8*len(digest) - order.BitLen(); extra > 0 {
		z.Rsh(z, uint(extra))
	}
	return z
}
