package weak

import (
	"crypto/ecdh"
	"crypto/rand"
	"math/big"
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

// orders are the orders of the generators, from the sources of [domains].
var orders = map[string]string{
	"P-192":           "ffffffffffffffffffffffff99def836146bc9b1b4d22831",
	"P-224":           "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
	"P-256":           "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
	"P-384":           "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
	"P-521":           "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
	"secp256k1":       "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
	"brainpoolP256r1": "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
	"brainpoolP384r1": "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
	"brainpoolP512r1": "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069",
	"SM2":             "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123",
}

func TestGeneratorsHaveTheirOrder(t *testing.T) {
	for _, d := range domains {
		c := curves[d.name]()
		n := fromHex(orders[d.name])
		// (n-1)G is -G: same x, other y.
		x, y := c.multiply(new(big.Int).Sub(n, one))
		if x.Cmp(c.x) != 0 || new(big.Int).Add(y, c.y).Cmp(c.p) != 0 {
			t.Errorf("%s: the generator does not have the order %v", d.name, n)
		}
	}
}

// multiply computes kG for k > 0 by double and add, from the top.
func (c *curve) multiply(k *big.Int) (x, y *big.Int) {
	x, y = c.x, c.y
	for i := k.BitLen() - 2; i >= 0; i-- {
		x, y = c.double(x, y)
		if k.Bit(i) == 1 {
			x, y = c.add(x, y)
		}
	}
	return x, y
}

func (c *curve) double(x, y *big.Int) (*big.Int, *big.Int) {
	d := *c
	d.x, d.y = x, y
	return d.add(x, y)
}

func (c *curve) octets(x, y *big.Int) []byte {
	out := make([]byte, 1+2*c.size)
	out[0] = 4
	x.FillBytes(out[1 : 1+c.size])
	y.FillBytes(out[1+c.size:])
	return out
}

func TestEC(t *testing.T) {
	for _, d := range domains {
		c := curves[d.name]()
		at := func(k string) []byte { x, y := c.multiply(fromHex(k)); return c.octets(x, y) }
		honest, hundred := at("123456789abcdef0123456789abcdef01234567"), at("100")
		bent := slices.Clone(honest)
		bent[len(bent)-1] ^= 1
		compress := func(b []byte) []byte { return append([]byte{2 + b[len(b)-1]&1}, b[1:1+c.size]...) }
		hybrid := func(b []byte, wrong byte) []byte {
			b = slices.Clone(b)
			b[0] = 6 + (b[len(b)-1]&1 ^ wrong)
			return b
		}
		negative, y := c.multiply(fromHex("100"))
		minus := c.octets(negative, new(big.Int).Sub(c.p, y))
		// x + p is the same number in another encoding, where it fits.
		tests := []struct {
			name  string
			form  cert.Point
			point []byte
			want  []Name
		}{
			{"honest", cert.Uncompressed, honest, nil},
			{"honest compressed", cert.Compressed, compress(honest), nil},
			{"honest hybrid", cert.Hybrid, hybrid(honest, 0), nil},
			{"hybrid with the other parity", cert.Hybrid, hybrid(honest, 1), []Name{OffCurve}},
			{"y changed", cert.Uncompressed, bent, []Name{OffCurve}},
			{"coordinates above p", cert.Uncompressed, append([]byte{4}, slices.Repeat([]byte{0xff}, 2*c.size)...), []Name{OffCurve}},
			{"generator", cert.Uncompressed, at("1"), []Name{TrivialScalar}},
			{"256G", cert.Uncompressed, hundred, []Name{TrivialScalar}},
			{"256G compressed", cert.Compressed, compress(hundred), []Name{TrivialScalar}},
			{"-256G", cert.Uncompressed, minus, []Name{TrivialScalar}},
			{"257G", cert.Uncompressed, at("101"), nil},
			{"infinity", cert.Infinity, []byte{0}, []Name{PointInfinity}},
			{"short", cert.Uncompressed, honest[:len(honest)-2], []Name{PointLength}},
			{"compressed and long", cert.Compressed, honest, []Name{PointLength}},
		}
		for _, test := range tests {
			got, ok := EC(d.name, test.form, test.point)
			if !ok || !slices.Equal(namesOf(got), test.want) {
				t.Errorf("EC(%s, %s) = %v, %v, want %v", d.name, test.name, got, ok, test.want)
			}
		}
	}
}

func TestCompressedOffCurve(t *testing.T) {
	c := curves["P-256"]()
	for x := int64(1); ; x++ {
		if big.Jacobi(c.right(big.NewInt(x)), c.p) < 0 {
			point := append([]byte{2}, big.NewInt(x).FillBytes(make([]byte, 32))...)
			if got, _ := EC("P-256", cert.Compressed, point); !slices.Equal(namesOf(got), []Name{OffCurve}) {
				t.Errorf("EC(no y for x = %d) = %v, want off-curve", x, got)
			}
			return
		}
	}
}

func TestECUnknown(t *testing.T) {
	for _, name := range []string{"explicit", "1.2.3", ""} {
		if got, ok := EC(name, cert.Uncompressed, make([]byte, 65)); ok {
			t.Errorf("EC(%q) = %v, want an unknown curve", name, got)
		}
	}
	if got, ok := EC("P-256", cert.BadPoint, make([]byte, 65)); ok {
		t.Errorf("EC(malformed point) = %v, want an unknown form", got)
	}
}

// Every key that crypto/ecdh accepts is on the curve, and the other way round.
func TestECAgreesWithECDH(t *testing.T) {
	for name, c := range map[string]ecdh.Curve{"P-256": ecdh.P256(), "P-384": ecdh.P384(), "P-521": ecdh.P521()} {
		for range 20 {
			key, err := c.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			b := key.PublicKey().Bytes()
			if got, ok := EC(name, cert.Uncompressed, b); !ok || len(got) > 0 {
				t.Errorf("EC(%s, %x) = %v, %v", name, b, got, ok)
			}
			b[len(b)-3] ^= 0x10
			if got, _ := EC(name, cert.Uncompressed, b); !slices.Equal(namesOf(got), []Name{OffCurve}) {
				t.Errorf("EC(%s, changed %x) = %v, want off-curve", name, b, got)
			}
		}
	}
}

func BenchmarkEC256(b *testing.B) {
	c := curves["P-256"]()
	point := c.octets(c.multiply(fromHex("123456789abcdef0123456789abcdef01234567")))
	EC("P-256", cert.Uncompressed, point)
	for b.Loop() {
		EC("P-256", cert.Uncompressed, point)
	}
}

func BenchmarkSmallMultiples(b *testing.B) {
	c := curves["P-256"]()
	for b.Loop() {
		c.smallMultiples()
	}
}
