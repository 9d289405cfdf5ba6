package weak

import (
	"math/big"
	"testing"
)

// Each small prime is found in a modulus of each length, by words and as
// math/big does, and nothing else is.
func TestHasSmall(t *testing.T) {
	for _, bits := range []int{64, 127, 512, 1024, 2048, 2049, 3072, 4096, MaxModulusBits} {
		honest := number("small", bits)
		for smallPart(honest).Cmp(one) != 0 {
			honest.Add(honest, two)
		}
		if hasSmall(wordsOf(honest)) {
			t.Errorf("hasSmall(%d bits without a small factor) = true", bits)
		}
		step := max(1, bits/512) // of primes, so that it takes a second
		for p, i := uint64(2), 0; p <= largestSmallPrime; p++ {
			x := new(big.Int).SetUint64(p)
			if !x.ProbablyPrime(0) {
				continue
			}
			if i++; p > 3 && p < 65521 && i%step != 0 {
				continue
			}
			if !hasSmall(wordsOf(x.Mul(x, honest))) {
				t.Errorf("hasSmall(%d times a number of %d bits) = false", p, bits)
			}
		}
		if p := big.NewInt(65539); hasSmall(wordsOf(p.Mul(p, honest))) {
			t.Errorf("hasSmall(65539 times a number of %d bits) = true", bits)
		}
	}
}

// The quick ways and those of math/big agree on all numbers.
func FuzzNumbers(f *testing.F) {
	f.Add([]byte{1})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add(product(prime("p", 1024), prime("q", 1024)).Bytes())
	f.Add(product(prime("p", 2048), prime("q", 2048), big.NewInt(65537)).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		n := new(big.Int).SetBytes(b)
		if len(b) > 2048 || n.Cmp(one) <= 0 {
			return
		}
		if got, want := hasSmall(wordsOf(n)), smallPart(n).Cmp(one) != 0; got != want {
			t.Errorf("hasSmall(%x) = %v, want %v", b, got, want)
		}
		if got, want := isqrt(n), new(big.Int).Sqrt(n); got.Cmp(want) != 0 {
			t.Errorf("isqrt(%x) = %x, want %x", b, got, want)
		}
	})
}

func TestRoot(t *testing.T) {
	for bits := 2; bits < 4200; bits += 1 + bits/40 {
		n := number("root", bits)
		square := product(n, n)
		for _, x := range []*big.Int{n, square, new(big.Int).Sub(square, one), new(big.Int).Add(square, one)} {
			if got, want := isqrt(x), new(big.Int).Sqrt(x); got.Cmp(want) != 0 {
				t.Errorf("isqrt(%x) = %x, want %x", x, got, want)
			}
		}
	}
	for i := int64(1); i < 5000; i++ {
		if x := big.NewInt(i); isqrt(x).Cmp(new(big.Int).Sqrt(x)) != 0 {
			t.Errorf("isqrt(%d) = %d", i, isqrt(x))
		}
	}
}

// Every small prime is in the table once, and no product is too long for a limb.
func TestSmallTable(t *testing.T) {
	groups, seen := smallPrimes(), map[uint64]int{}
	for i := range groups {
		rest := groups[i].product
		for _, d := range groups[i].primes {
			if d != nothing {
				p := inverse(d.inverse)
				seen[p]++
				rest /= p
			}
		}
		if rest != 1 || groups[i].product >= 1<<limbBits {
			t.Errorf("group %d has the product %d", i, groups[i].product)
		}
	}
	if all := oddPrimes(); len(all) != 6542 || len(seen) != len(all) {
		t.Errorf("%d primes, %d of them in groups", len(all), len(seen))
	}
	for p, n := range seen {
		if n != 1 || !new(big.Int).SetUint64(p).ProbablyPrime(0) {
			t.Errorf("%d is there %d times", p, n)
		}
	}
	t.Logf("%d groups", len(groups))
}

func BenchmarkHasSmall(b *testing.B) {
	words := wordsOf(product(prime("p", 1024), prime("q", 1024)))
	for b.Loop() {
		hasSmall(words)
	}
}
