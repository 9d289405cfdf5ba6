package forge

import (
	"crypto/elliptic"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

// parameters are those of a domain as a key writes them out.
func parameters(t testing.TB, d domain, generator []byte, cofactor *big.Int) []byte {
	t.Helper()
	size := (d.p.BitLen() + 7) / 8
	type field struct {
		Type  asn1.ObjectIdentifier
		Prime *big.Int
	}
	type curve struct{ A, B []byte }
	v := struct {
		Version   int
		Field     field
		Curve     curve
		Generator []byte
		Order     *big.Int
		Cofactor  *big.Int `asn1:"optional"`
	}{
		1, field{asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1}, d.p},
		curve{d.a.FillBytes(make([]byte, size)), d.b.FillBytes(make([]byte, size))}, generator, d.n, cofactor,
	}
	return encode(t, v)
}

func point(d domain, x, y *big.Int) []byte {
	size := (d.p.BitLen() + 7) / 8
	return append(append([]byte{4}, x.FillBytes(make([]byte, size))...), y.FillBytes(make([]byte, size))...)
}

func explicitKey(params, public []byte) *cert.Key {
	return &cert.Key{Algorithm: cert.ECDSA, Params: params, Public: public, Curve: "explicit"}
}

// Every constant is right: the generator is on the curve, and no two curves have
// one field. That the order is right is known for the NIST curves only.
func TestDomains(t *testing.T) {
	fields := map[string]string{}
	for _, d := range domains {
		right := new(big.Int).Exp(d.x, big.NewInt(3), d.p)
		right.Add(right, new(big.Int).Mul(d.a, d.x)).Add(right, d.b).Mod(right, d.p)
		if left := new(big.Int).Exp(d.y, big.NewInt(2), d.p); left.Cmp(right) != 0 {
			t.Errorf("%s: the generator is not on the curve", d.name)
		}
		if !d.p.ProbablyPrime(8) || !d.n.ProbablyPrime(8) {
			t.Errorf("%s: field or order is not prime", d.name)
		}
		if other, ok := fields[d.p.Text(16)]; ok {
			t.Errorf("%s and %s have one field", d.name, other)
		}
		fields[d.p.Text(16)] = d.name
	}
}

func TestReadCurve(t *testing.T) {
	one := big.NewInt(1)
	for _, d := range domains {
		g := point(d, d.x, d.y)
		double := append([]byte{4}, g[1:]...)
		double[len(double)-1] ^= 1
		compressed := append([]byte{2 + byte(d.y.Bit(0))}, g[1:1+(len(g)-1)/2]...)
		opposite := append([]byte{3 - byte(d.y.Bit(0))}, compressed[1:]...)
		public := make([]byte, len(g))
		public[0] = 4
		changed := func(f func(d *domain)) domain { c := d; f(&c); return c }
		less := func(v *big.Int) *big.Int { return new(big.Int).Sub(v, one) }
		for _, tt := range []struct {
			name   string
			params []byte
			public []byte
			want   Curve
		}{
			{"standard", parameters(t, d, g, one), public, Curve{Kind: Standard, Like: d.name}},
			{"no cofactor", parameters(t, d, g, nil), public, Curve{Kind: Standard, Like: d.name}},
			{"compressed generator", parameters(t, d, compressed, one), public, Curve{Kind: Standard, Like: d.name}},
			{"key 1", parameters(t, d, g, one), g, Curve{Kind: Standard, Like: d.name, GeneratorIsKey: true}},
			{"CurveBall", parameters(t, d, double, one), double, Curve{Kind: ForeignGenerator, Like: d.name, GeneratorIsKey: true}},
			{"CurveBall with another key", parameters(t, d, double, one), public, Curve{Kind: ForeignGenerator, Like: d.name}},
			{"opposite generator", parameters(t, d, opposite, one), public, Curve{Kind: ForeignGenerator, Like: d.name}},
			{"no generator", parameters(t, d, nil, one), public, Curve{Kind: ForeignGenerator, Like: d.name}},
			{"other order", parameters(t, changed(func(c *domain) { c.n = less(d.n) }), g, one), public, Curve{Kind: Altered, Like: d.name, Differs: "order"}},
			{"other a", parameters(t, changed(func(c *domain) { c.a = one }), g, one), public, Curve{Kind: Altered, Like: d.name, Differs: "coefficients"}},
			{"other b", parameters(t, changed(func(c *domain) { c.b = less(d.b) }), g, one), public, Curve{Kind: Altered, Like: d.name, Differs: "coefficients"}},
			{"other cofactor", parameters(t, d, g, big.NewInt(8)), public, Curve{Kind: Altered, Like: d.name, Differs: "cofactor"}},
			{"other field", parameters(t, changed(func(c *domain) { c.p = new(big.Int).Sub(d.p, big.NewInt(2)) }), g, one), public, Curve{Kind: Unnamed}},
			{"cut", parameters(t, d, g, one)[:40], public, Curve{Kind: Unreadable}},
		} {
			if got := ReadCurve(explicitKey(tt.params, tt.public)); got != tt.want {
				t.Errorf("%s, %s: ReadCurve = %+v, want %+v", d.name, tt.name, got, tt.want)
			}
		}
	}
}

func TestReadCurveUnwritten(t *testing.T) {
	for name, tt := range map[string]struct {
		key  *cert.Key
		want CurveKind
	}{
		"named":       {parsed(t, &scalarKey(t, elliptic.P256(), 9).PublicKey), Named},
		"RSA":         {parsed(t, testRSA().Public()), ""},
		"implicit":    {&cert.Key{Algorithm: cert.ECDSA, Params: []byte{5, 0}}, Implicit},
		"absent":      {&cert.Key{Algorithm: cert.ECDSA}, Implicit},
		"binary":      {explicitKey(encode(t, struct{ V, F int }{1, 2}), nil), Unreadable},
		"other thing": {explicitKey([]byte{4, 1, 1}, nil), Unreadable},
	} {
		if got := ReadCurve(tt.key); got.Kind != tt.want {
			t.Errorf("ReadCurve(%s) = %+v, want %q", name, got, tt.want)
		}
	}
}

// No parameters stop the reader; a standard curve is one to the last bit.
func FuzzReadCurve(f *testing.F) {
	f.Add(parameters(f, domains[1], point(domains[1], domains[1].x, domains[1].y), nil), []byte{4})
	f.Fuzz(func(t *testing.T, params, public []byte) {
		got := ReadCurve(explicitKey(params, public))
		if got.Kind == "" {
			t.Errorf("ReadCurve(%x) has no kind", params)
		}
		if (got.Like != "") != (got.Kind == Standard || got.Kind == ForeignGenerator || got.Kind == Altered) {
			t.Errorf("ReadCurve(%x) = %+v: a curve like none, or no likeness", params, got)
		}
	})
}
