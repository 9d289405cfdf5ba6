package batch

import (
	"math/big"
	"math/bits"

	// The only module for fast multiplication of large integers in pure Go; it
	// imports nothing.
	"github.com/remyoudompheng/bigfft"
)

// A fraction is numerator/2^width: a number from zero to one, some units of the
// last place off.
type fraction struct {
	numerator *big.Int
	width     int
}

// guard is by how many bits a fraction is wider than the number that it is
// multiplied with in the end. The division costs some of them and each level of
// a tree one; no tree has 64 levels.
const guard = 96

// divide gives a/b, for a below b, to guard bits more than b has.
func divide(a, b *big.Int) fraction {
	width := b.BitLen() + guard
	x := mul(a, reciprocal(b, width))
	x.Rsh(x, uint(b.BitLen()))
	return fraction{low(x, width), width}
}

// times is what stands behind the point of f*n, cut to width bits.
func (f fraction) times(n *big.Int, width int) fraction {
	width = min(width, f.width)
	x := low(mul(f.numerator, n), f.width)
	// Shifted into an integer of its own: the product's memory is twice as large.
	return fraction{new(big.Int).Rsh(x, uint(f.width-width)), width}
}

// of is f*n, rounded to an integer.
func (f fraction) of(n *big.Int) *big.Int {
	x := new(big.Int).Mul(f.numerator, n)
	x.Add(x, new(big.Int).Lsh(one, uint(f.width-1)))
	return x.Rsh(x, uint(f.width))
}

// newtonBits is where Newton's method is faster than division, measured.
const newtonBits = 60_000

// reciprocal gives 2^(size+precision)/d, where size is the bits of d, some units
// off.
func reciprocal(d *big.Int, precision int) *big.Int {
	size := d.BitLen()
	if precision < newtonBits {
		x := new(big.Int).Lsh(one, uint(size+precision))
		return x.Quo(x, d)
	}
	half := precision/2 + 8
	front, _ := top(d, half+16)
	x := reciprocal(front, half)
	// One step doubles the correct bits: x (2 - d x), with the powers of two
	// that x and d stand for.
	front, dropped := top(d, precision+32)
	y := mul(mul(x, x), front)
	y.Rsh(y, uint(2*half+size-precision-dropped))
	x.Lsh(x, uint(precision-half+1))
	return x.Sub(x, y)
}

// top is the upper bits of d, and how many were dropped below.
func top(d *big.Int, count int) (front *big.Int, dropped int) {
	if dropped = d.BitLen() - count; dropped <= 0 {
		return d, 0
	}
	return new(big.Int).Rsh(d, uint(dropped)), dropped
}

// fftBits is where the multiplication of Schönhage and Strassen is faster than
// Karatsuba's, measured.
const fftBits = 256_000

// mul is a*b in memory of its own.
func mul(a, b *big.Int) *big.Int {
	if min(a.BitLen(), b.BitLen()) > fftBits {
		return bigfft.Mul(a, b)
	}
	return new(big.Int).Mul(a, b)
}

// low is x modulo 2^width, for x not negative, in the memory of x.
func low(x *big.Int, width int) *big.Int {
	words := x.Bits()
	whole := width / bits.UintSize
	if whole >= len(words) {
		return x
	}
	words[whole] &= 1<<(width%bits.UintSize) - 1
	return x.SetBits(words[:whole+1])
}
