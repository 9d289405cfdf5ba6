package weak

import (
	"math/bits"
	"slices"
	"sync"
)

// blockLimbs is how many limbs of a modulus one row of the table takes: those of the
// most common size of 2048 bits. Longer ones take several turns.
const blockLimbs = 36

// limbBits is one less than a word has, so that the sum of two limbs fits into one.
const limbBits = 63

// A smallGroup is a product of small odd primes that fits into a limb.
type smallGroup struct {
	product, inverse uint64 // inverse is that of product modulo 2^64
	// powers are 2^(63 i) modulo product, each two of them in exchanged places.
	powers [blockLimbs]uint64
	// pairs are the products of the pairs of powers, summed.
	pairs triple
	// block is 2^(63 blockLimbs) modulo product.
	block  uint64
	primes [groupPrimes]divisor
}

// groupPrimes is how many primes a group has: of the largest no more fit into a limb.
const groupPrimes = 4

// A triple is a number of three words.
type triple struct{ high, mid, low uint64 }

// A divisor tells multiples of an odd prime p without a division: x is one if
// x/p modulo 2^64 is at most (2^64-1)/p.
type divisor struct{ inverse, most uint64 }

// nothing divides no number but zero, which every prime divides.
var nothing = divisor{inverse: 1}

// smallPrimes is what trial division is done with: 0.7 MB that take 2 ms to make.
var smallPrimes = sync.OnceValue(func() (groups []smallGroup) {
	primes := oddPrimes()
	for len(primes) > 0 {
		g := smallGroup{product: 1, primes: [groupPrimes]divisor{nothing, nothing, nothing, nothing}}
		// What the largest leave of a limb one of the smallest fills.
		for i := range g.primes {
			at := len(primes) - 1
			if at >= 0 && !g.fits(primes[at]) {
				at = 0
			}
			if at < 0 || !g.fits(primes[at]) {
				break
			}
			g.primes[i] = divisor{inverse(primes[at]), (1<<64 - 1) / primes[at]}
			g.product *= primes[at]
			primes = slices.Delete(primes, at, at+1)
		}
		groups = append(groups, g.complete())
	}
	return groups
})

// fits says that the product with another prime is shorter than a limb.
func (g *smallGroup) fits(p uint64) bool {
	hi, lo := bits.Mul64(g.product, p)
	return hi == 0 && lo < 1<<limbBits
}

// oddPrimes are those up to [largestSmallPrime].
func oddPrimes() (out []uint64) {
	composite := make([]bool, largestSmallPrime+1)
	for p := uint64(3); p <= largestSmallPrime; p += 2 {
		if composite[p] {
			continue
		}
		out = append(out, p)
		for m := 3 * p; m <= largestSmallPrime; m += 2 * p {
			composite[m] = true
		}
	}
	return out
}

// complete is the group with all that follows from its product.
func (g smallGroup) complete() smallGroup {
	g.inverse = inverse(g.product)
	power := 1 % g.product
	for i := range g.powers {
		g.powers[i^1] = power
		_, power = bits.Div64(power>>(64-limbBits), power<<limbBits, g.product)
	}
	g.block, g.pairs = power, pairs(&g.powers, new([blockLimbs]uint64))
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
// primes that fit into limbs, as sums of limbs times powers that are known, which
// takes a third of the time of a division of the product of all primes, and no memory.
func hasSmall(words []uint64) bool {
	if len(words) == 0 || words[len(words)-1]&1 == 0 {
		return true
	}
	blocks := split(words)
	own := make([]triple, len(blocks))
	for i := range blocks {
		own[i] = pairs(&blocks[i], new([blockLimbs]uint64))
	}
	last := len(blocks) - 1
	groups := smallPrimes()
	for i := range groups {
		g := &groups[i]
		rest := g.residue(&blocks[last], &own[last])
		for j := last - 1; j >= 0; j-- {
			hi, lo := bits.Mul64(rest, g.block)
			lo, carry := bits.Add64(lo, g.residue(&blocks[j], &own[j]), 0)
			rest = bits.Rem64(hi+carry, lo, g.product)
		}
		p := &g.primes
		if rest*p[0].inverse <= p[0].most || rest*p[1].inverse <= p[1].most ||
			rest*p[2].inverse <= p[2].most || rest*p[3].inverse <= p[3].most {
			return true
		}
	}
	return false
}

// split gives the limbs of a number, the lowest first.
func split(words []uint64) [][blockLimbs]uint64 {
	n := (64*len(words) + limbBits - 1) / limbBits
	blocks := make([][blockLimbs]uint64, (n+blockLimbs-1)/blockLimbs)
	word := func(i int) uint64 {
		if i < len(words) {
			return words[len(words)-1-i]
		}
		return 0
	}
	for i := range n {
		at := i * limbBits
		limb := word(at/64)>>(at%64) | word(at/64+1)<<(64-at%64)
		blocks[i/blockLimbs][i%blockLimbs] = limb & (1<<limbBits - 1)
	}
	return blocks
}

// pairs is the sum of the products of each two sums of limbs. That of a block and of
// powers is, less what it is of each alone, the sum of all limbs times their powers:
// Winograd's inner product, with half of the multiplications.
func pairs(block, powers *[blockLimbs]uint64) (sum triple) {
	var high, mid, low, carry uint64
	for i := 0; i < blockLimbs; i += 6 {
		b, p := (*[6]uint64)(block[i:i+6]), (*[6]uint64)(powers[i:i+6])
		h, l := bits.Mul64(b[0]+p[0], b[1]+p[1])
		low, carry = bits.Add64(low, l, 0)
		mid, carry = bits.Add64(mid, h, carry)
		high, _ = bits.Add64(high, 0, carry)
		h, l = bits.Mul64(b[2]+p[2], b[3]+p[3])
		low, carry = bits.Add64(low, l, 0)
		mid, carry = bits.Add64(mid, h, carry)
		high, _ = bits.Add64(high, 0, carry)
		h, l = bits.Mul64(b[4]+p[4], b[5]+p[5])
		low, carry = bits.Add64(low, l, 0)
		mid, carry = bits.Add64(mid, h, carry)
		high, _ = bits.Add64(high, 0, carry)
	}
	return triple{high, mid, low}
}

func (t triple) minus(x *triple) triple {
	low, borrow := bits.Sub64(t.low, x.low, 0)
	mid, borrow := bits.Sub64(t.mid, x.mid, borrow)
	high, _ := bits.Sub64(t.high, x.high, borrow)
	return triple{high, mid, low}
}

// residue is the block's residue times 2^-128 modulo the product, which the same
// primes divide: Montgomery's form, as no power of two shares a factor with them. own
// is what [pairs] is of the block alone.
func (g *smallGroup) residue(block *[blockLimbs]uint64, own *triple) uint64 {
	sum := pairs(block, &g.powers).minus(own).minus(&g.pairs)
	// Each step takes a multiple of the product away that ends in the same word.
	h, _ := bits.Mul64(sum.low*g.inverse, g.product)
	low, borrow := bits.Sub64(sum.mid, h, 0)
	high, borrow := bits.Sub64(sum.high, 0, borrow)
	if borrow != 0 {
		var carry uint64
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
