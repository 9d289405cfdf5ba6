package weak

import (
	"math/big"

	"github.com/certassay/certassay/internal/cert"
)

// maxTrivialScalar is how many multiples of the generator are known by heart.
const maxTrivialScalar = 256

// EC gives everything that is wrong with a point on a named curve. public is the
// octets of the point (SEC 1 section 2.3.3). It is false where the curve or the
// form of the point is not known.
func EC(name string, form cert.Point, public []byte) (results []Result, ok bool) {
	given, known := curves[name]
	if form == cert.Infinity {
		return []Result{{Name: PointInfinity, Recovered: true}}, true
	}
	if !known || form == cert.BadPoint || len(public) == 0 {
		return nil, false
	}
	c := given()
	both := form != cert.Compressed
	if len(public)-1 != c.size && !both || len(public)-1 != 2*c.size && both {
		return []Result{{Name: PointLength}}, true
	}
	x := public[1 : 1+c.size]
	if !c.contains(form, x, public[1+c.size:], public[0]) {
		return []Result{{Name: OffCurve}}, true
	}
	if c.multiples()[string(x)] {
		// The other point with this x belongs to the order minus the scalar,
		// which is as well known.
		results = append(results, Result{TrivialScalar, true})
	}
	return results, true
}

// contains says whether the point is on the curve, in the prime order group as
// all curves of [domains] have cofactor 1.
func (c *curve) contains(form cert.Point, xb, yb []byte, tag byte) bool {
	x := new(big.Int).SetBytes(xb)
	if x.Cmp(c.p) >= 0 {
		return false
	}
	right := c.right(x)
	if form == cert.Compressed {
		// There is a y where the right side is a square.
		return big.Jacobi(right, c.p) >= 0
	}
	y := new(big.Int).SetBytes(yb)
	if y.Cmp(c.p) >= 0 || form == cert.Hybrid && uint(tag&1) != y.Bit(0) {
		return false
	}
	y.Mul(y, y).Mod(y, c.p)
	return y.Cmp(right) == 0
}

// right is x^3 + ax + b modulo p.
func (c *curve) right(x *big.Int) *big.Int {
	r := new(big.Int).Mul(x, x)
	r.Add(r, c.a).Mul(r, x).Add(r, c.b)
	return r.Mod(r, c.p)
}

// smallMultiples are the x coordinates of G, 2G, ... as octets. It takes some
// milliseconds, once for a curve.
func (c *curve) smallMultiples() map[string]bool {
	out := map[string]bool{}
	x, y := c.x, c.y
	for range maxTrivialScalar {
		out[string(x.FillBytes(make([]byte, c.size)))] = true
		x, y = c.add(x, y)
	}
	return out
}

// add is (x, y) + G by the formulas for affine coordinates (SEC 1 section
// 2.2.1). No multiple of G below the order is its negative.
func (c *curve) add(x, y *big.Int) (*big.Int, *big.Int) {
	num, den := new(big.Int), new(big.Int)
	if x.Cmp(c.x) == 0 {
		num.Mul(x, x).Mul(num, big.NewInt(3)).Add(num, c.a)
		den.Lsh(y, 1)
	} else {
		num.Sub(c.y, y)
		den.Sub(c.x, x)
	}
	slope := num.Mul(num, den.ModInverse(den.Mod(den, c.p), c.p))
	slope.Mod(slope, c.p)
	x3 := new(big.Int).Mul(slope, slope)
	x3.Sub(x3, x).Sub(x3, c.x).Mod(x3, c.p)
	y3 := new(big.Int).Sub(x, x3)
	y3.Mul(y3, slope).Sub(y3, y).Mod(y3, c.p)
	return x3, y3
}
