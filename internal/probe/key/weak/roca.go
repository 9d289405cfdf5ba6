package weak

import "math/big"

// Infineon's library makes primes k*M + (65537^a mod M) with M the product of
// the first primes (Nemec et al., "The Return of Coppersmith's Attack", CCS
// 2017). A modulus from it is therefore a power of 65537 modulo each of them.

// rocaGenerator is the number whose powers the primes are.
const rocaGenerator = 65537

// rocaPrimes are those modulo which 65537 generates a small part of the group
// only, in products that fit into a word. One in 2^27.8 honest moduli passes all.
var rocaPrimes = [...]struct {
	product uint64
	primes  []uint64
}{
	{11 * 13 * 17 * 19 * 37 * 53 * 61 * 71 * 73 * 79 * 97, []uint64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97}},
	{103 * 107 * 109 * 127 * 151 * 157, []uint64{103, 107, 109, 127, 151, 157}},
}

// rocaPowers holds the powers of 65537 modulo each prime of [rocaPrimes].
var rocaPowers = func() map[uint64][]bool {
	out := map[uint64][]bool{}
	for _, g := range rocaPrimes {
		for _, p := range g.primes {
			is := make([]bool, p)
			for x := uint64(1); !is[x]; x = x * rocaGenerator % p {
				is[x] = true
			}
			out[p] = is
		}
	}
	return out
}()

// rocaModulus is the product of the 39 primes up to 167, the M of the shortest
// keys; that of longer ones is a multiple of it. rocaOrder is the order of 65537
// modulo it, and rocaOrderParts are the prime powers that make up the order.
var (
	rocaModulus    = fromHex("924CBA6AE99DFA084537FACC54948DF0C23DA044D8CABE0EDD75BC6")
	rocaOrder      = big.NewInt(2454106387091158800)
	rocaOrderParts = [...]int64{16, 81, 25, 7, 11, 13, 17, 23, 29, 37, 41, 53, 83}
)

func fromHex(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("weak: constant " + s + " is not hexadecimal")
	}
	return n
}

// roca recognises such a modulus: first by its residues, then exactly. An honest
// modulus passes both with a chance of 2^-155. Factoring one takes a computer
// minutes to months, and is not done here.
func roca(k *modulus) (Result, bool) {
	for _, g := range rocaPrimes {
		r := k.residue(g.product)
		for _, p := range g.primes {
			if !rocaPowers[p][r%p] {
				return Result{}, false
			}
		}
	}
	return Result{Name: ROCA}, isPowerOfGenerator(new(big.Int).Mod(k.n, rocaModulus))
}

// isPowerOfGenerator says whether x is a power of 65537 modulo M: Pohlig and
// Hellman's reduction, one prime power of the order at a time.
func isPowerOfGenerator(x *big.Int) bool {
	if new(big.Int).Exp(x, rocaOrder, rocaModulus).Cmp(one) != 0 {
		return false
	}
	g := big.NewInt(rocaGenerator)
	for _, part := range rocaOrderParts {
		exp := new(big.Int).Quo(rocaOrder, big.NewInt(part))
		if !amongPowers(new(big.Int).Exp(x, exp, rocaModulus), new(big.Int).Exp(g, exp, rocaModulus), part) {
			return false
		}
	}
	return true
}

// amongPowers says whether x is one of the first count powers of g modulo M.
func amongPowers(x, g *big.Int, count int64) bool {
	y := big.NewInt(1)
	for range count {
		if y.Cmp(x) == 0 {
			return true
		}
		y.Mul(y, g).Mod(y, rocaModulus)
	}
	return false
}
