package weak

import (
	"math/bits"
	"sync"
)

// blockWords is how many words of a modulus one row of the table takes: those of
// the most common size of 2048 bits. Longer ones take several turns.
const blockWords = 32

// A smallGroup is a product of small odd primes that fits into a word.
type smallGroup struct {
	product, inverse uint64 // inverse is that of product modulo 2^64
	// powers are 2^(64 i) modulo product.
	powers [blockWords]uint64
	// block is 2^(64 blockWords) modulo product.
	block uint64
	first int // of its primes among those of the table
}

// A divisor tells multiples of an odd prime p without a division: x is one if
// x/p modulo 2^64 is at most (2^64-1)/p.
type divisor struct{ inverse, most uint64 }

// A smallTable is what trial division is done with: 0.4 MB that take 2 ms to make.
type smallTable struct {
	groups []smallGroup
	primes []divisor
}

var smallPrimes = sync.OnceValue(func() *smallTable {
	t := &smallTable{}
	product, first := uint64(1), 0
	composite := make([]bool, largestSmallPrime+1)
	for p := uint64(3); p <= largestSmallPrime; p += 2 {
		if composite[p] {
			continue
		}
		for m := 3 * p; m <= largestSmallPrime; m += 2 * p {
			composite[m] = true
		}
		if hi, _ := bits.Mul64(product, p); hi != 0 {
			t.groups = append(t.groups, newSmallGroup(product, first))
			product, first = 1, len(t.primes)
		}
		product *= p
		t.primes = append(t.primes, divisor{inverse(p), (1<<64 - 1) / p})
	}
	t.groups = append(t.groups, newSmallGroup(product, first))
	return t
})

func newSmallGroup(product uint64, first int) smallGroup {
	g := smallGroup{product: product, inverse: inverse(product), first: first}
	power := 1 % product
	for i := range g.powers {
		g.powers[i] = power
		_, power = bits.Div64(power, 0, product)
	}
	g.block = power
	return g
}

// inverse is that of an odd number modulo 2^64: each turn doubles the bits that
// are right, of which x itself has three.
func inverse(x uint64) uint64 {
	y := x
	for range 5 {
		y *= 2 - x*y
	}
	return y
}

// hasSmall says that a prime up to [largestSmallPrime] divides the number whose
// words are given, the highest first. It holds the number against products of
// primes that fit into words, as sums of words times powers that are known, which
// takes half the time of a division of the product of all primes, and no memory.
func hasSmall(words []uint64) bool {
	if len(words) == 0 || words[len(words)-1]&1 == 0 {
		return true
	}
	blocks := make([][blockWords]uint64, (len(words)+blockWords-1)/blockWords)
	for i := range words {
		blocks[i/blockWords][i%blockWords] = words[len(words)-1-i]
	}
	t := smallPrimes()
	for i := range t.groups {
		g := &t.groups[i]
		rest := g.residue(&blocks[len(blocks)-1])
		for j := len(blocks) - 2; j >= 0; j-- {
			hi, lo := bits.Mul64(rest, g.block)
			lo, carry := bits.Add64(lo, g.residue(&blocks[j]), 0)
			rest = bits.Rem64(hi+carry, lo, g.product)
		}
		last := len(t.primes)
		if i+1 < len(t.groups) {
			last = t.groups[i+1].first
		}
		for _, d := range t.primes[g.first:last] {
			if rest*d.inverse <= d.most {
				return true
			}
		}
	}
	return false
}

// residue is the block's residue times 2^-128 modulo the product, which the same
// primes divide: Montgomery's form, as no power of two shares a factor with them.
func (g *smallGroup) residue(block *[blockWords]uint64) uint64 {
	var high, mid, low, carry uint64
	for i := 0; i < blockWords; i += 4 {
		h, l := bits.Mul64(block[i], g.powers[i])
		low, carry = bits.Add64(low, l, 0)
		mid, carry = bits.Add64(mid, h, carry)
		high += carry
		h, l = bits.Mul64(block[i+1], g.powers[i+1])
		low, carry = bits.Add64(low, l, 0)
		mid, carry = bits.Add64(mid, h, carry)
		high += carry
		h, l = bits.Mul64(block[i+2], g.powers[i+2])
		low, carry = bits.Add64(low, l, 0)
		mid, carry = bits.Add64(mid, h, carry)
		high += carry
		h, l = bits.Mul64(block[i+3], g.powers[i+3])
		low, carry = bits.Add64(low, l, 0)
		mid, carry = bits.Add64(mid, h, carry)
		high += carry
	}
	// Each step takes a multiple of the product away that ends in the same word.
	h, _ := bits.Mul64(low*g.inverse, g.product)
	low, borrow := bits.Sub64(mid, h, 0)
	if high, borrow = bits.Sub64(high, 0, borrow); borrow != 0 {
		low, carry = bits.Add64(low, g.product, 0)
		high += carry
	}
	h, _ = bits.Mul64(low*g.inverse, g.product)
	rest, borrow := bits.Sub64(high, h, 0)
	if borrow != 0 {
		rest += g.product
	}
	return rest
}
