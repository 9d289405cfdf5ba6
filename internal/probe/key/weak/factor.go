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

// A sieve says which residues are squares, modulo several numbers at once.
type sieve struct {
	product uint64 // of the moduli, below 2^32
	squares []residues
}

type residues struct {
	m  uint64
	is []bool
}

// sieves are asked one after the other. Three of four numbers are no square modulo 64,
// four of five of the rest fall to each further modulus of the first sieve, and half of
// them to each of the second, which is asked for one number of a hundred.
var sieves = [...]sieve{newSieve(64, 63, 65, 11), newSieve(17, 19, 23, 29, 31)}

func newSieve(moduli ...uint64) sieve {
	s := sieve{product: 1}
	for _, m := range moduli {
		is := make([]bool, m)
		for i := range m {
			is[i*i%m] = true
		}
		s.product *= m
		s.squares = append(s.squares, residues{m, is})
	}
	return s
}

func (s *sieve) maybeSquare(r uint64) bool {
	for i := range s.squares {
		if !s.squares[i].is[r%s.squares[i].m] {
			return false
		}
	}
	return true
}

// closePrimes is Fermat's method: n = a^2 - b^2 for a just above the root of n.
// Candidates for a are sieved by residues, so that a round costs nanoseconds.
func closePrimes(k *modulus) (Result, bool) {
	root, exact := k.sqrt()
	if k.n.Bit(0) == 0 || exact {
		// Even numbers are no difference of squares half the time and have a
		// factor anyway; squares are found as powers.
		return Result{}, false
	}
	a := new(big.Int).Add(root, one)
	b2, b := new(big.Int), new(big.Int)
	var ra, rn [len(sieves)]uint64
	for j := range sieves {
		m := sieves[j].product
		ra[j], rn[j] = b.Mod(a, b2.SetUint64(m)).Uint64(), k.residue(m)
	}
	for i := range uint64(fermatRounds) {
		maybe := true
		for j := range sieves {
			m := sieves[j].product
			x := (ra[j] + i) % m
			if maybe = sieves[j].maybeSquare((x*x + m - rn[j]) % m); !maybe {
				break
			}
		}
		if !maybe {
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

// residue is n mod m, for m of any size.
func (k *modulus) residue(m uint64) uint64 {
	var r uint64
	for _, w := range k.words {
		_, r = bits.Div64(r, w, m)
	}
	return r
}
