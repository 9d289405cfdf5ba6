package weak

import "math/big"

// powers are the exponents that are looked for. Higher ones leave a base so
// short that the key would be small, too. Each has primes q that are 1 modulo
// the exponent: a power is one modulo q as well, as one in k residues is, and
// the test costs a division of words.
var powers = [...]struct {
	k int
	q []uint64
}{
	{3, []uint64{7, 13, 19, 31, 37, 43, 61, 67}},
	{5, []uint64{11, 31, 41, 61, 71, 101}},
	{7, []uint64{29, 43, 71, 113, 127}},
}

// power finds n = b^k. The private key is recovered where b is prime: phi of a
// prime power is known.
func power(k *modulus) (Result, bool) {
	if b, exact := k.sqrt(); exact {
		return k.powerOf(b)
	}
	for _, p := range powers {
		if !k.maybePower(p.k, p.q) {
			continue
		}
		b := kthRoot(k.n, p.k)
		if new(big.Int).Exp(b, big.NewInt(int64(p.k)), nil).Cmp(k.n) == 0 {
			return k.powerOf(b)
		}
	}
	return Result{}, false
}

func (k *modulus) powerOf(b *big.Int) (Result, bool) {
	return Result{ModulusPower, b.BitLen() <= maxCostlyBits && b.ProbablyPrime(0)}, true
}

// maybePower says that n is a k-th power or zero modulo each of primes.
func (k *modulus) maybePower(exp int, primes []uint64) bool {
	for _, q := range primes {
		r := k.residue(q)
		x := uint64(1)
		for range (q - 1) / uint64(exp) {
			x = x * r % q
		}
		if x > 1 {
			return false
		}
	}
	return true
}

// kthRoot is the largest number whose k-th power is at most n, by bisection of
// its bits.
func kthRoot(n *big.Int, k int) *big.Int {
	exp := big.NewInt(int64(k))
	root, try := new(big.Int), new(big.Int)
	for i := (n.BitLen()-1)/k + 1; i >= 0; i-- {
		try.SetBit(root, i, 1)
		if new(big.Int).Exp(try, exp, nil).Cmp(n) <= 0 {
			root.Set(try)
		}
	}
	return root
}
