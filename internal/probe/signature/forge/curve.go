package forge

import (
	"errors"
	"math/big"

	"github.com/certassay/certassay/internal/cert"
)

// A CurveKind says how a key gives its elliptic curve. The zero value is that of
// keys without one.
type CurveKind string

// The kinds. The values are those of the fact cert.curve.kind.
const (
	// Named: by an object identifier, as RFC 5480 requires.
	Named CurveKind = "named"
	// Implicit: inherited from the issuer, or missing.
	Implicit CurveKind = "implicit"
	// Standard: written out, and in every value a curve that has a name.
	Standard CurveKind = "standard"
	// ForeignGenerator: a named curve with another generator, so that a private
	// key can be had for any public key (CVE-2020-0601).
	ForeignGenerator CurveKind = "foreign-generator"
	// Altered: the field of a named curve with another coefficient, order or
	// cofactor.
	Altered CurveKind = "altered"
	// Unnamed: none of the known curves.
	Unnamed CurveKind = "unnamed"
	// Unreadable: parameters that cannot be read, or not over a prime field.
	Unreadable CurveKind = "unreadable"
)

// maxField bounds the bits of the numbers of a curve; the largest in use has 521.
const maxField = 1024

// A Curve is what the parameters of an elliptic curve key mean.
type Curve struct {
	Kind CurveKind
	// Like is the known curve with the same field; empty where there is none.
	Like string
	// Differs is the first parameter of an altered curve that is not that of
	// Like: coefficients, order or cofactor.
	Differs string
	// GeneratorIsKey says that the public key is the generator, or its negative:
	// the private key is 1, or one less than the order.
	GeneratorIsKey bool
}

// ReadCurve reads the parameters of a key. The zero Curve is returned for keys
// that are on no elliptic curve of the kind of RFC 5480.
func ReadCurve(key *cert.Key) Curve {
	switch {
	case key.Algorithm != cert.ECDSA:
		return Curve{}
	case len(key.Params) == 0 || key.Params[0] == 0x05:
		return Curve{Kind: Implicit}
	case key.Params[0] == 0x06:
		return Curve{Kind: Named}
	}
	e, err := readExplicit(key.Params)
	if err != nil {
		return Curve{Kind: Unreadable}
	}
	c := e.compare()
	c.GeneratorIsKey = sameX(e.generator, key.Public, e.p)
	return c
}

// explicit is SpecifiedECDomain over a prime field (SEC 1 appendix C.2).
type explicit struct {
	p, a, b, n, h *big.Int // h is nil where absent
	generator     []byte
}

var errCurve = errors.New("no parameters of a prime curve")

func readExplicit(params []byte) (*explicit, error) {
	seq, _, err := cert.Next(params)
	if err != nil || seq.ID != 0x30 {
		return nil, errCurve
	}
	var field, curve [3]cert.Element
	all, err := elements(seq.Body, 6)
	if err != nil || len(all) < 5 || all[1].ID != 0x30 || all[2].ID != 0x30 || all[3].ID != 0x04 {
		return nil, errCurve
	}
	if err := fill(field[:2], all[1].Body); err != nil {
		return nil, err
	}
	if err := fill(curve[:2], all[2].Body); err != nil {
		return nil, err
	}
	const primeField = "\x2a\x86\x48\xce\x3d\x01\x01"
	if string(field[0].Body) != primeField || curve[0].ID != 0x04 || curve[1].ID != 0x04 {
		return nil, errCurve
	}
	e := &explicit{generator: all[3].Body, a: new(big.Int).SetBytes(curve[0].Body), b: new(big.Int).SetBytes(curve[1].Body)}
	if e.p, _, err = positive(field[1].Full); err != nil {
		return nil, err
	}
	if e.n, _, err = positive(all[4].Full); err != nil {
		return nil, err
	}
	if len(all) > 5 && all[5].ID == 0x02 {
		if e.h, _, err = positive(all[5].Full); err != nil {
			return nil, err
		}
	}
	for _, v := range [...]*big.Int{e.p, e.a, e.b, e.n} {
		if v.BitLen() > maxField {
			return nil, errCurve
		}
	}
	return e, nil
}

// elements reads at most that many elements.
func elements(b []byte, most int) (out []cert.Element, err error) {
	for len(b) > 0 && len(out) < most {
		var e cert.Element
		if e, b, err = cert.Next(b); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func fill(out []cert.Element, b []byte) error {
	all, err := elements(b, len(out))
	if err != nil || len(all) < len(out) {
		return errCurve
	}
	copy(out, all)
	return nil
}

func (e *explicit) compare() Curve {
	for _, d := range domains {
		switch {
		case e.p.Cmp(d.p) != 0:
			continue
		case e.a.Cmp(d.a) != 0 || e.b.Cmp(d.b) != 0:
			return Curve{Kind: Altered, Like: d.name, Differs: "coefficients"}
		case e.n.Cmp(d.n) != 0:
			return Curve{Kind: Altered, Like: d.name, Differs: "order"}
		case !samePoint(e.generator, d.x, d.y):
			return Curve{Kind: ForeignGenerator, Like: d.name}
		case e.h != nil && e.h.Cmp(big.NewInt(1)) != 0:
			return Curve{Kind: Altered, Like: d.name, Differs: "cofactor"}
		}
		return Curve{Kind: Standard, Like: d.name}
	}
	return Curve{Kind: Unnamed}
}

// samePoint compares a point in any form with coordinates (SEC 1 section 2.3.3).
func samePoint(octets []byte, x, y *big.Int) bool {
	if len(octets) == 0 {
		return false
	}
	rest := octets[1:]
	switch octets[0] {
	case 2, 3:
		return new(big.Int).SetBytes(rest).Cmp(x) == 0 && uint(octets[0]&1) == y.Bit(0)
	case 4, 6, 7:
		half := len(rest) / 2
		return len(rest)%2 == 0 && new(big.Int).SetBytes(rest[:half]).Cmp(x) == 0 && new(big.Int).SetBytes(rest[half:]).Cmp(y) == 0
	}
	return false
}

// sameX says that two points in any form have the same first coordinate.
func sameX(a, b []byte, p *big.Int) bool {
	size := (p.BitLen() + 7) / 8
	if len(a) < 1+size || len(b) < 1+size {
		return false
	}
	return string(a[1:1+size]) == string(b[1:1+size])
}
