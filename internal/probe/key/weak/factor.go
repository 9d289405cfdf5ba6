package weak

import (
	"math/big"
	"math/bits"
	"sync"
)

// largestSmallPrime bounds trial division: the largest prime that a public
// exponent usually is, and far more than a damaged modulus needs.
const largestSmallPrime = 65537

// primorial is the product of all primes up to [largestSmallPrime], a constant
// of 94 kbit that takes 2 ms to make.
var primorial = sync.OnceValue(func() *big.Int {
	composite := make([]bool, largestSmallPrime+1)
	var level []*big.Int
	for p := 2; p <= largestSmallPrime; p++ {
		if composite[p] {
			continue
		}
		level = append(level, big.NewInt(int64(p)))
		for m := 2 * p; m <= largestSmallPrime; m += p {
			composite[m] = true
		}
	}
	for len(level) > 1 {
		var up []*big.Int
		for i := 0; i+1 < len(level); i += 2 {
			up = append(up, new(big.Int).Mul(level[i], level[i+1]))
		}
		if len(level)%2 == 1 {
			up = append(up, level[len(level)-1])
		}
		level = up
	}
	return level[0]
})

// smallPart is the product of the distinct small primes that divide n.
func smallPart(n *big.Int) *big.Int {
	r := new(big.Int).Mod(primorial(), n)
	return r.GCD(nil, nil, r, n)
}

// HasSmallFactor says that a prime up to 65537 divides n. It is false for n
// below 2.
func HasSmallFactor(n *big.Int) bool {
	return n.Cmp(one) > 0 && hasSmall(wordsOf(n))
}

// smallFactor divides small primes out. The private key is recovered where
// nothing or a single prime is left.
func smallFactor(k *modulus) (Result, bool) {
	if !hasSmall(k.words) {
		return Result{}, false
	}
	g := smallPart(k.n)
	if g.Cmp(one) == 0 {
		return Result{}, false
	}
	rest := new(big.Int).Set(k.n)
	for g.Cmp(one) > 0 {
		if q, r := new(big.Int).QuoRem(rest, g, new(big.Int)); r.Sign() == 0 {
			rest = q
		} else {
			g.GCD(nil, nil, g, rest)
		}
	}
	recovered := rest.Cmp(one) == 0 ||
		rest.BitLen() <= maxCostlyBits && rest.ProbablyPrime(0)
	return Result{SmallFactor, recovered}, true
}

// fermatRounds is how far Fermat's method goes. The keys of CVE-2022-26320 fall
// in the first round. For primes of 1024 bits that were chosen independently
// the chance is below 2^-500.
const fermatRounds = 100

// squares says which residues are squares. Three of four numbers are no square
// modulo 64, and four of five of the rest fall to each further modulus.
var squares = [...]struct {
	m  uint64
	is []bool
}{{64, squaresMod(64)}, {63, squaresMod(63)}, {65, squaresMod(65)}, {11, squaresMod(11)}}

func squaresMod(m uint64) []bool {
	is := make([]bool, m)
	for i := range m {
		is[i*i%m] = true
	}
	return is
}

// squareModulus is the product of the moduli of [squares].
const squareModulus = 64 * 63 * 65 * 11

// closePrimes is Fermat's method: n = a^2 - b^2 for a just above the root of n.
// Candidates for a are sieved by residues, so that a round costs nanoseconds.
func closePrimes(k *modulus) (Result, bool) {
	root, exact := k.sqrt()
	if k.n.Bit(0) == 0 || exact {
		// Even numbers are no difference of squares half the time and have a
		// factor anyway; squares are found as powers.
		return Result{}, false
	}
	m := big.NewInt(squareModulus)
	a := new(big.Int).Add(root, one)
	r := new(big.Int).Mod(a, m).Uint64()
	n := k.residue(squareModulus)
	b2, b := new(big.Int), new(big.Int)
	for i := range uint64(fermatRounds) {
		if x := (r + i) % squareModulus; !maybeSquare((x*x + squareModulus - n) % squareModulus) {
			continue
		}
		x := new(big.Int).Add(a, b2.SetUint64(i))
		b2.Mul(x, x).Sub(b2, k.n)
		if b.Sqrt(b2); new(big.Int).Mul(b, b).Cmp(b2) != 0 {
			continue
		}
		p, q := new(big.Int).Add(x, b), new(big.Int).Sub(x, b)
		if q.Cmp(one) > 0 && p.Mul(p, q).Cmp(k.n) == 0 {
			return Result{ClosePrimes, true}, true
		}
	}
	return Result{}, false
}

func maybeSquare(r uint64) bool {
	for i := range squares {
		if !squares[i].is[r%squares[i].m] {
			return false
		}
	}
	return true
}

// residue is n mod m, for m of any size.
func (k *modulus) residue(m uint64) uint64 {
	var r uint64
	for _, w := range k.words {
		_, r = bits.Div64(r, w, m)
	}
	return r
}
