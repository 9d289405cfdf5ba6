package batch

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// number is bits of a hash of seed, the same on every run, with the two upper
// bits and the lowest one set.
func number(seed string, bits int) *big.Int {
	var b []byte
	for i := uint32(0); len(b)*8 < bits; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(seed), i))
		b = append(b, sum[:]...)
	}
	n := new(big.Int).SetBytes(b[:bits/8])
	return n.SetBit(n, bits-1, 1).SetBit(n, bits-2, 1).SetBit(n, 0, 1)
}

func prime(seed string, bits int) *big.Int {
	p := number(seed, bits)
	for !p.ProbablyPrime(0) {
		p.Add(p, big.NewInt(2))
	}
	return p
}

// primes are distinct ones of 256 bits.
func primes(count int) []*big.Int {
	out := make([]*big.Int, count)
	for i := range out {
		out[i] = prime("prime "+strconv.Itoa(i), 256)
	}
	return out
}

func product(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }

// naive compares each with each.
func naive(moduli []*big.Int) (hits []Hit) {
	for i, a := range moduli {
		var with []int
		for j, b := range moduli {
			if i != j && new(big.Int).GCD(nil, nil, a, b).Cmp(one) != 0 {
				with = append(with, j)
			}
		}
		if with != nil {
			hits = append(hits, Hit{i, with})
		}
	}
	return hits
}

func TestShared(t *testing.T) {
	p := primes(12)
	n := func(i, j int) *big.Int { return product(p[i], p[j]) }
	tests := []struct {
		name   string
		moduli []*big.Int
		want   []Hit
	}{
		{"none", nil, nil},
		{"one", []*big.Int{n(0, 1)}, nil},
		{"two apart", []*big.Int{n(0, 1), n(2, 3)}, nil},
		{"two that share", []*big.Int{n(0, 1), n(1, 2)}, []Hit{{0, []int{1}}, {1, []int{0}}}},
		{"the same twice", []*big.Int{n(0, 1), n(0, 1)}, nil},
		{"the same twice beside one that shares", []*big.Int{n(0, 1), n(0, 1), n(1, 2)}, []Hit{{0, []int{2}}, {2, []int{0}}}},
		{"a ring: each is its own divisor with the rest", []*big.Int{n(0, 1), n(1, 2), n(2, 0)}, []Hit{{0, []int{1, 2}}, {1, []int{0, 2}}, {2, []int{0, 1}}}},
		{"odd number of leaves", []*big.Int{n(0, 1), n(2, 3), n(4, 5), n(6, 7), n(5, 8)}, []Hit{{2, []int{4}}, {4, []int{2}}}},
		{"one divides the other", []*big.Int{n(0, 1), product(n(0, 1), p[2])}, []Hit{{0, []int{1}}, {1, []int{0}}}},
		{"a square and its root's product", []*big.Int{n(0, 0), n(0, 1)}, []Hit{{0, []int{1}}, {1, []int{0}}}},
		{"small primes are damage", []*big.Int{product(n(0, 1), big.NewInt(3)), product(n(2, 3), big.NewInt(3)), new(big.Int).Lsh(n(4, 5), 3)}, nil},
		{"zero, negative, short, missing", []*big.Int{new(big.Int), new(big.Int).Neg(n(0, 1)), n(0, 1), big.NewInt(15), nil}, nil},
		{"sizes far apart", []*big.Int{n(0, 1), product(number("long", 8192), p[1]), n(2, 3)}, []Hit{{0, []int{1}}, {1, []int{0}}}},
	}
	// What is long was chosen without small factors.
	long := number("long", 8192)
	for i := range tests[len(tests)-1].moduli {
		if i == 1 {
			for m := product(long, p[1]); ; m = product(long.Add(long, big.NewInt(2)), p[1]) {
				if len(usable([]*big.Int{m})) == 1 {
					tests[len(tests)-1].moduli[1] = m
					break
				}
			}
		}
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, Shared(test.moduli, nil)); diff != "" {
			t.Errorf("Shared(%s):\n%s", test.name, diff)
		}
	}
}

// Many moduli over few primes: nearly all share, in every pattern of chunks.
func TestSharedAgainstNaive(t *testing.T) {
	p := primes(40)
	for round := range 12 {
		var moduli []*big.Int
		seen := map[string]bool{}
		for i := 0; len(moduli) < 3+round; i++ {
			sum := sha256.Sum256([]byte{byte(round), byte(i)})
			a, b := int(sum[0])%len(p), int(sum[1])%len(p)
			n := product(p[a], p[b])
			if !seen[n.String()] {
				seen[n.String()] = true
				moduli = append(moduli, n)
			}
		}
		want := naive(moduli)
		for _, limit := range []int{1, 512, 1024, 2048, 4096, 1 << 30} {
			if diff := cmp.Diff(want, shared(moduli, nil, limit)); diff != "" {
				t.Errorf("round %d, chunks of %d bits:\n%s", round, limit, diff)
			}
		}
	}
}

// Enough moduli that the root takes Newton's division and fast multiplication,
// and two that share a prime among them. Numbers that are no products of two
// primes share medium ones by chance, too.
func TestSharedLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	moduli := unrelated(600)
	p := prime("p", 1024)
	moduli[17] = product(p, prime("q", 1024))
	moduli[501] = product(p, prime("r", 1024))
	var got []int
	for _, h := range Shared(moduli, nil) {
		got = append(got, h.Index)
	}
	if diff := cmp.Diff(textbook(moduli), got); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(got, 17) || !slices.Contains(got, 501) {
		t.Errorf("hits %v, want 17 and 501 among them", got)
	}
}

// textbook gives the moduli that share something, by one division each.
func textbook(moduli []*big.Int) (out []int) {
	p := big.NewInt(1)
	for _, n := range moduli {
		p.Mul(p, n)
	}
	hit := make([]bool, len(moduli))
	each(len(moduli), func(i int) {
		n := moduli[i]
		r := new(big.Int).Mod(p, product(n, n))
		hit[i] = r.GCD(nil, nil, r.Quo(r, n), n).Cmp(one) != 0
	})
	for i := range hit {
		if hit[i] {
			out = append(out, i)
		}
	}
	return out
}

// unrelated are numbers of 2048 bits. They are no products of two primes, which
// would take hours to make; what small primes they have in common is taken out.
func unrelated(count int) []*big.Int {
	out := make([]*big.Int, count)
	each(count, func(i int) {
		n := number("modulus "+strconv.Itoa(i), 2048)
		for len(usable([]*big.Int{n})) == 0 {
			n.Add(n, big.NewInt(2))
		}
		out[i] = n
	})
	return out
}

func TestProgress(t *testing.T) {
	p := primes(20)
	var moduli []*big.Int
	for i := range 10 {
		moduli = append(moduli, product(p[2*i], p[2*i+1]))
	}
	for _, limit := range []int{1024, 1 << 30} {
		last, of := 0, 0
		shared(moduli, func(done, total int) {
			if done != last+1 || of != 0 && total != of || done > total {
				t.Errorf("progress %d of %d after %d of %d", done, total, last, of)
			}
			last, of = done, total
		}, limit)
		if last == 0 || last != of {
			t.Errorf("progress ended at %d of %d", last, of)
		}
	}
}

// Every two places are together in a run, and no run is much above the limit.
func TestPlan(t *testing.T) {
	moduli := make([]*big.Int, 23)
	var places []int
	for i := range moduli {
		moduli[i] = number(strconv.Itoa(i), 256)
		places = append(places, i)
	}
	for _, limit := range []int{1, 512, 1024, 2560, 1 << 20} {
		met := map[[2]int]bool{}
		for _, run := range plan(places, moduli, limit) {
			if len(run)*256 > max(limit, 512) {
				t.Errorf("limit %d: a run of %d moduli of 256 bits", limit, len(run))
			}
			if !slices.IsSorted(run) {
				t.Errorf("limit %d: run %v is out of order", limit, run)
			}
			for _, a := range run {
				for _, b := range run {
					met[[2]int{a, b}] = true
				}
			}
		}
		if len(met) != len(places)*len(places) {
			t.Errorf("limit %d: %d of %d pairs meet", limit, len(met), len(places)*len(places))
		}
	}
}

// A set that was made to share everything ends in time and names every member.
func TestSharedByMany(t *testing.T) {
	p := primes(2 * (maxPairwise + 8))
	var moduli []*big.Int
	for i := range maxPairwise {
		moduli = append(moduli, product(p[0], p[i+1]))
	}
	rest := p[maxPairwise+1:]
	ring := []*big.Int{product(rest[0], rest[1]), product(rest[1], rest[2]), product(rest[2], rest[0])}
	pair := []*big.Int{product(rest[3], rest[4]), product(rest[3], rest[5])}
	moduli = append(append(moduli, ring...), pair...)
	moduli = append(moduli, product(rest[6], rest[7]))
	hits := Shared(moduli, nil)
	if len(hits) != len(moduli)-1 {
		t.Fatalf("%d of %d moduli hit, want all but one", len(hits), len(moduli))
	}
	for i, h := range hits {
		inRing := i >= maxPairwise && i < maxPairwise+3
		if h.Index != i || inRing != (len(h.With) == 0) || len(h.With) > maxWith {
			t.Errorf("hit %d = %v", i, h)
		}
		for _, at := range h.With {
			if at == i || !share(moduli[i], moduli[at]) {
				t.Errorf("hit %d names %d, which shares nothing", i, at)
			}
		}
	}
	last := len(hits) - 1
	if diff := cmp.Diff([]int{last - 1}, hits[last].With); diff != "" {
		t.Errorf("the pair:\n%s", diff)
	}
}

// Newton's reciprocal is off by some units, of which the guard leaves room for
// 2^80.
func TestReciprocal(t *testing.T) {
	for _, size := range []int{2048, 100_000, 700_000} {
		d := number("d", size)
		for _, precision := range []int{size + guard, newtonBits - 1, newtonBits, 3 * newtonBits} {
			got := reciprocal(d, precision)
			want := new(big.Int).Lsh(one, uint(size+precision))
			want.Quo(want, d)
			if off := want.Sub(want, got); off.BitLen() > 8 {
				t.Errorf("reciprocal(%d bits, %d) is off by %d bits", size, precision, off.BitLen())
			}
		}
	}
}

func BenchmarkShared(b *testing.B) {
	counts := []int{1000, 10_000}
	if os.Getenv("CERTASSAY_LARGE") != "" {
		counts = append(counts, 100_000)
	}
	for _, count := range counts {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			moduli := unrelated(count)
			for b.Loop() {
				Shared(moduli, nil)
			}
		})
	}
}
