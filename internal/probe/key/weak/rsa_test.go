package weak

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"slices"
	"testing"
)

func namesOf(results []Result) []Name {
	var out []Name
	for _, r := range results {
		out = append(out, r.Name)
	}
	return out
}

// number is bits of a hash of seed, the same on every run, with both top bits
// and the lowest one set.
func number(seed string, bits int) *big.Int {
	var b []byte
	for i := uint32(0); len(b)*8 < bits; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(seed), i))
		b = append(b, sum[:]...)
	}
	n := new(big.Int).SetBytes(b[:(bits+7)/8])
	n.Rsh(n, uint(n.BitLen()-min(bits, n.BitLen())))
	n.SetBit(n, bits-1, 1).SetBit(n, bits-2, 1)
	return n.SetBit(n, 0, 1)
}

func prime(seed string, bits int) *big.Int { return nextPrime(number(seed, bits)) }

func nextPrime(n *big.Int) *big.Int {
	p := new(big.Int).Set(n)
	for p.SetBit(p, 0, 1); !p.ProbablyPrime(0); {
		p.Add(p, big.NewInt(2))
	}
	return p
}

func product(factors ...*big.Int) *big.Int {
	n := big.NewInt(1)
	for _, f := range factors {
		n.Mul(n, f)
	}
	return n
}

// octets is n as a DER integer's contents.
func octets(n *big.Int) []byte { return append([]byte{0}, n.Bytes()...) }

// infineon is a prime of the shape that ROCA is about.
func infineon(seed string, bits int) *big.Int {
	a := new(big.Int).Exp(big.NewInt(rocaGenerator), number(seed+" a", 60), rocaModulus)
	k := number(seed, bits-rocaModulus.BitLen())
	for p := new(big.Int); ; k.Add(k, one) {
		if p.Mul(k, rocaModulus).Add(p, a); p.ProbablyPrime(0) {
			return p
		}
	}
}

var (
	f4  = big.NewInt(65537)
	two = big.NewInt(2)
)

func TestRSA(t *testing.T) {
	p, q := prime("p", 512), prime("q", 512)
	n := product(p, q)
	far := new(big.Int).Add(p, new(big.Int).Lsh(one, 400))
	// A private exponent of 200 bits for a modulus of 1024.
	phi := product(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := nextPrime(number("d", 200))
	short := new(big.Int).ModInverse(d, phi)
	long := new(big.Int).ModInverse(nextPrime(number("d", 500)), phi)
	sparse := new(big.Int)
	for _, bit := range []int{1023, 900, 611, 400, 123, 0} {
		sparse.SetBit(sparse, bit, 1)
	}
	for HasSmallFactor(sparse) {
		sparse.Add(sparse, two)
	}
	vanity := new(big.Int).SetBytes(append(slices.Repeat([]byte{0xff, 0xfe, 0x7f, 0xff, 0xdf, 0xbf, 0xff, 0xfb, 0xf7}, 7), number("low", 520).Bytes()...))
	for HasSmallFactor(vanity) {
		vanity.Add(vanity, two)
	}
	pattern := new(big.Int).SetBytes(append(append(number("top", 512).Bytes(), slices.Repeat([]byte("certassa"), 3)...), number("tail", 320).Bytes()...))
	for HasSmallFactor(pattern) {
		pattern.Add(pattern, two)
	}
	tests := []struct {
		name string
		n, e *big.Int
		want []Result
	}{
		{"honest", n, f4, nil},
		{"honest, exponent 3", n, big.NewInt(3), nil},
		{"honest, rare exponent", n, big.NewInt(43147), nil},
		{"honest, long exponents both", n, long, nil},
		{"exponent 0", n, new(big.Int), []Result{{ExponentNotPositive, false}}},
		{"exponent 1", n, one, []Result{{ExponentOne, true}}},
		{"exponent 65536", n, big.NewInt(65536), []Result{{ExponentEven, false}}},
		{"exponent is the modulus", n, n, []Result{{ExponentTooLarge, false}}},
		{"Wiener", n, short, []Result{{SmallPrivateExponent, true}}},
		{"modulus 0", new(big.Int), f4, []Result{{ExponentTooLarge, false}, {ModulusNotPositive, false}}},
		{"modulus 1", one, f4, []Result{{ExponentTooLarge, false}, {ModulusNotPositive, false}}},
		{"close primes", product(p, nextPrime(new(big.Int).Add(p, two))), f4, []Result{{ClosePrimes, true}}},
		{"primes differ in 400 bits", product(p, nextPrime(far)), f4, nil},
		{"square", product(p, p), f4, []Result{{ModulusPower, true}}},
		{"cube", product(p, p, p), f4, []Result{{ModulusPower, true}}},
		{"fifth power", product(p, p, p, p, p), f4, []Result{{ModulusPower, true}}},
		{"seventh power", product(p, p, p, p, p, p, p), f4, []Result{{ModulusPower, true}}},
		{"cube of a composite", product(n, n, n), f4, []Result{{ModulusPower, false}}},
		{"65537 times a prime", product(big.NewInt(65537), p), f4, []Result{{SmallFactor, true}}},
		{"65539 times a prime", product(big.NewInt(65539), p, q), f4, nil},
		{"3 times a composite", product(big.NewInt(3), n), f4, []Result{{SmallFactor, false}}},
		{"81 times 8 times a prime", product(big.NewInt(81*8), p), f4, []Result{{SmallFactor, true}}},
		{"power of two", new(big.Int).Lsh(one, 1024), f4, []Result{{SmallFactor, true}, {ModulusPower, false}, {BiasedModulus, false}, {PatternedModulus, false}}},
		{"prime of odd size", prime("odd", 1020), f4, []Result{{ModulusPrime, true}}},
		{"prime under a rare exponent", prime("even", 1024), big.NewInt(17), []Result{{ModulusPrime, true}}},
		{"ROCA", product(infineon("a", 512), infineon("b", 512)), f4, []Result{{ROCA, false}}},
		{"one prime of Infineon's", product(infineon("a", 512), q), f4, nil},
		{"few one bits", sparse, f4, []Result{{BiasedModulus, false}, {PatternedModulus, false}}},
		{"front of the owner's choice", vanity, f4, nil},
		{"repeating octets", pattern, f4, []Result{{PatternedModulus, false}}},
	}
	for _, test := range tests {
		got, ok := RSA(octets(test.n), octets(test.e))
		if !ok || !slices.Equal(got, test.want) {
			t.Errorf("RSA(%s) = %v, %v, want %v", test.name, got, ok, test.want)
		}
	}
}

func TestRSANegative(t *testing.T) {
	n := octets(product(prime("p", 512), prime("q", 512)))
	got, _ := RSA(n[1:], octets(f4))
	if want := []Name{ModulusNotPositive}; !slices.Equal(namesOf(got), want) {
		t.Errorf("RSA(negative modulus) = %v, want %v", got, want)
	}
	got, _ = RSA(n, []byte{0x81})
	if want := []Name{ExponentNotPositive}; !slices.Equal(namesOf(got), want) {
		t.Errorf("RSA(negative exponent) = %v, want %v", got, want)
	}
	if got, _ := RSA(nil, nil); !slices.Contains(namesOf(got), ModulusNotPositive) {
		t.Errorf("RSA(nothing) = %v, want %v", got, ModulusNotPositive)
	}
}

func TestRSATooLarge(t *testing.T) {
	if got, ok := RSA(octets(number("n", MaxModulusBits+8)), octets(f4)); ok {
		t.Errorf("RSA(%d bits) = %v, want unknown", MaxModulusBits+8, got)
	}
	if _, ok := RSA(octets(number("n", MaxModulusBits)), octets(f4)); !ok {
		t.Errorf("RSA(%d bits) is unknown", MaxModulusBits)
	}
}

// The residues of two moduli must be those of math/big.
func TestResidue(t *testing.T) {
	n := number("n", 1000)
	k := newModulus(octets(n))
	for _, m := range []uint64{1, 2, 64, sieves[0].product, sieves[1].product, rocaPrimes[0].product, rocaPrimes[1].product, 1<<64 - 59} {
		want := new(big.Int).Mod(n, new(big.Int).SetUint64(m)).Uint64()
		if got := k.residue(m); got != want {
			t.Errorf("residue(%d) = %d, want %d", m, got, want)
		}
	}
}

// M is the product of the first 39 primes, and the parts make up the order.
func TestRocaConstants(t *testing.T) {
	m, found := big.NewInt(1), 0
	for p := int64(2); found < 39; p++ {
		if big.NewInt(p).ProbablyPrime(0) {
			m.Mul(m, big.NewInt(p))
			found++
		}
	}
	if m.Cmp(rocaModulus) != 0 {
		t.Errorf("product of 39 primes = %X, want %X", m, rocaModulus)
	}
	order := big.NewInt(1)
	g := big.NewInt(rocaGenerator)
	for _, part := range rocaOrderParts {
		order.Mul(order, big.NewInt(part))
	}
	if order.Cmp(rocaOrder) != 0 || new(big.Int).Exp(g, order, rocaModulus).Cmp(one) != 0 {
		t.Errorf("65537^%v is not 1", order)
	}
	for _, p := range []int64{2, 3, 5, 7, 11, 13, 17, 23, 29, 37, 41, 53, 83} {
		if new(big.Int).Exp(g, new(big.Int).Quo(order, big.NewInt(p)), rocaModulus).Cmp(one) == 0 {
			t.Errorf("the order of 65537 divides %v / %d", order, p)
		}
	}
}

// Random moduli are honest ones as far as these checks go: the counts of false
// alarms must be zero.
func TestRandomModuli(t *testing.T) {
	count := 5000
	if testing.Short() {
		count = 1000
	}
	buf := make([]byte, 128)
	for range count {
		if _, err := rand.Read(buf); err != nil {
			t.Fatal(err)
		}
		buf[0] |= 0xc0
		buf[127] |= 1
		k := newModulus(buf)
		for name, check := range map[string]func(*modulus) (Result, bool){
			"closePrimes": closePrimes, "power": power, "roca": roca, "biased": biased, "patterned": patterned,
		} {
			if r, found := check(k); found {
				t.Errorf("%s(%x) = %v", name, buf, r)
			}
		}
	}
}

// Recovered is a promise: whoever claims it must be right for any input.
func FuzzRSA(f *testing.F) {
	p := prime("p", 64)
	for _, n := range []*big.Int{product(p, p), product(p, nextPrime(new(big.Int).Add(p, two))), big.NewInt(15), new(big.Int).Lsh(one, 100)} {
		f.Add(octets(n), octets(f4))
	}
	f.Add([]byte{0xff}, []byte{0x80})
	f.Fuzz(func(t *testing.T, n, e []byte) {
		if len(n) > 300 || len(e) > 300 {
			return
		}
		got, ok := RSA(n, e)
		if !ok {
			t.Fatal("a short modulus is unknown")
		}
		v := new(big.Int).SetBytes(n)
		for _, r := range got {
			switch {
			case r.Name == ModulusPrime && !v.ProbablyPrime(20):
				t.Errorf("RSA(%x) calls it prime", n)
			case r.Recovered && (r.Name == ClosePrimes || r.Name == SmallPrivateExponent || r.Name == ModulusPower) && v.ProbablyPrime(20):
				t.Errorf("RSA(%x) = %v for a prime", n, r)
			}
		}
		again, _ := RSA(append([]byte{0}, n...), e)
		if len(n) > 0 && !negative(n) && !slices.Equal(got, again) {
			t.Errorf("RSA(%x) = %v, with a zero in front %v", n, got, again)
		}
	})
}

func benchmarkCheck(b *testing.B, check func(*modulus) (Result, bool)) {
	k := newModulus(octets(product(prime("p", 1024), prime("q", 1024))))
	check(k)
	for b.Loop() {
		check(k)
	}
}

func BenchmarkSmallFactor(b *testing.B) { benchmarkCheck(b, smallFactor) }
func BenchmarkClosePrimes(b *testing.B) { benchmarkCheck(b, closePrimes) }
func BenchmarkPower(b *testing.B)       { benchmarkCheck(b, power) }
func BenchmarkROCA(b *testing.B)        { benchmarkCheck(b, roca) }
func BenchmarkBiased(b *testing.B)      { benchmarkCheck(b, biased) }
func BenchmarkPatterned(b *testing.B)   { benchmarkCheck(b, patterned) }

func BenchmarkROCAHit(b *testing.B) {
	k := newModulus(octets(product(infineon("a", 1024), infineon("b", 1024))))
	for b.Loop() {
		if _, found := roca(k); !found {
			b.Fatal("not found")
		}
	}
}

func BenchmarkWiener(b *testing.B) {
	n := product(prime("p", 1024), prime("q", 1024))
	e := number("e", 2047)
	for b.Loop() {
		wiener(n, e)
	}
}

func BenchmarkRSA2048(b *testing.B) {
	n, e := octets(product(prime("p", 1024), prime("q", 1024))), octets(f4)
	RSA(n, e)
	for b.Loop() {
		RSA(n, e)
	}
}

// The dearest key that a certificate can hold.
func BenchmarkRSAHostile(b *testing.B) {
	n, e := octets(number("n", maxCostlyBits)), octets(number("e", maxCostlyBits-1))
	for b.Loop() {
		RSA(n, e)
	}
}

func BenchmarkRSALargest(b *testing.B) {
	n, e := octets(number("n", MaxModulusBits)), octets(number("e", MaxModulusBits-1))
	for b.Loop() {
		RSA(n, e)
	}
}
