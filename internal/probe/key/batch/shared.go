package batch

import (
	"math/big"
	"slices"

	"github.com/certassay/certassay/internal/probe/key/weak"
)

// A Hit is a modulus that shares a prime with others. That it does was verified:
// it has a divisor above one in common with each of With, or with their product
// where With is empty. The divisor is somebody's private key and is not given.
type Hit struct {
	// Index is the modulus's place in what was passed, the first one where it
	// stands several times.
	Index int
	// With are the places of moduli that it shares a prime with, ascending: all
	// of them if few moduli share, and some or none if very many do.
	With []int
}

// Progress is told how many of total steps are done. Steps take roughly equally
// long. It is called from the goroutine that called [Shared].
type Progress func(done, total int)

const (
	// chunkBits is how many bits of moduli are worked on at once: 128 Ki moduli
	// of 2048 bits, which take about 3 GB.
	chunkBits = 128 << 10 * 2048
	// minBits is the size from which a modulus takes part. Shorter ones can be
	// factored one by one, and any two share a factor sooner or later.
	minBits = 256
)

// Shared gives all moduli that share a prime with another one, in the order in
// which they were passed. Equal moduli are one key and no finding. Moduli that
// are even, not positive or shorter than 256 bits are left out, and so are those
// with a prime factor up to 65537: they are damaged, and would share it with
// each other. progress may be nil.
func Shared(moduli []*big.Int, progress Progress) []Hit {
	return shared(moduli, progress, chunkBits)
}

func shared(moduli []*big.Int, progress Progress, limit int) []Hit {
	runs := plan(usable(moduli), moduli, limit)
	s := &steps{report: progress}
	for _, run := range runs {
		s.total += treeSteps(len(run))
	}
	found := suspects{}
	for _, run := range runs {
		ns := make([]*big.Int, len(run))
		for i, at := range run {
			ns[i] = moduli[at]
		}
		for i, g := range divisors(ns, s) {
			found.add(run[i], g, ns[i])
		}
	}
	return found.resolve(moduli)
}

// steps counts for a [Progress]. The zero value counts in silence.
type steps struct {
	report      Progress
	made, total int
}

func (s *steps) done() {
	if s.made++; s.report != nil {
		s.report(s.made, s.total)
	}
}

// usable are the places of the distinct moduli that take part.
func usable(moduli []*big.Int) []int {
	fits := make([]bool, len(moduli))
	each(len(moduli), func(i int) {
		n := moduli[i]
		fits[i] = n != nil && n.Sign() > 0 && n.BitLen() >= minBits && !weak.HasSmallFactor(n)
	})
	seen := make(map[string]bool, len(moduli))
	var out []int
	for i, n := range moduli {
		if !fits[i] {
			continue
		}
		if key := string(n.Bytes()); !seen[key] {
			seen[key] = true
			out = append(out, i)
		}
	}
	return out
}

// plan gives the sets of places to work on, each of about limit bits at most,
// such that every two places are together in one.
func plan(places []int, moduli []*big.Int, limit int) [][]int {
	halves := split(places, moduli, limit/2)
	switch len(halves) {
	case 0:
		return nil
	case 1, 2:
		return [][]int{places}
	}
	var runs [][]int
	for i, a := range halves {
		for _, b := range halves[:i] {
			runs = append(runs, slices.Concat(b, a))
		}
	}
	return runs
}

// split cuts places into parts of at most limit bits, of one modulus at least.
func split(places []int, moduli []*big.Int, limit int) (parts [][]int) {
	start, sum := 0, 0
	for i, at := range places {
		size := moduli[at].BitLen()
		if i > start && sum+size > limit {
			parts = append(parts, places[start:i])
			start, sum = i, 0
		}
		sum += size
	}
	if start < len(places) {
		parts = append(parts, places[start:])
	}
	return parts
}
