package batch

import (
	"maps"
	"math/big"
	"slices"
)

const (
	// maxPairwise is up to how many moduli are compared each with each. A set
	// of certificates that was made for it could have 100 000 share primes,
	// which would take a day.
	maxPairwise = 256
	// maxWith is how many partners are named beyond that; all of them would be
	// as many as pairs.
	maxWith = 16
)

// suspects are the moduli that share something with somebody, by place, with
// the divisor that they have in common with all others.
type suspects map[int]*big.Int

// add notes the divisor g of the modulus n. One that takes n apart is better
// than n itself.
func (s suspects) add(place int, g, n *big.Int) {
	if g.Cmp(one) == 0 || s[place] != nil && s[place].Cmp(n) < 0 {
		return
	}
	s[place] = g
}

// resolve says who shares with whom.
func (s suspects) resolve(moduli []*big.Int) []Hit {
	if len(s) == 0 {
		return nil
	}
	places := slices.Sorted(maps.Keys(s))
	if len(places) > maxPairwise {
		return s.byFactor(places, moduli)
	}
	hits := make([]Hit, len(places))
	each(len(places), func(i int) {
		hits[i].Index = places[i]
		for _, at := range places {
			if at != places[i] && share(moduli[places[i]], moduli[at]) {
				hits[i].With = append(hits[i].With, at)
			}
		}
	})
	return hits
}

func share(a, b *big.Int) bool {
	return new(big.Int).GCD(nil, nil, a, b).Cmp(one) > 0
}

// byFactor puts together moduli that fall into the same factors. Moduli of two
// primes that share only one of them fall into these.
func (s suspects) byFactor(places []int, moduli []*big.Int) []Hit {
	holders := map[string][]int{}
	factors := func(at int) [2]string {
		return [2]string{string(s[at].Bytes()), string(new(big.Int).Quo(moduli[at], s[at]).Bytes())}
	}
	for _, at := range places {
		for _, f := range factors(at) {
			if len(holders[f]) <= maxWith {
				holders[f] = append(holders[f], at)
			}
		}
	}
	hits := make([]Hit, len(places))
	for i, at := range places {
		hits[i].Index = at
		if s[at].Cmp(moduli[at]) == 0 {
			continue // its factors are not known
		}
		for _, f := range factors(at) {
			for _, other := range holders[f] {
				if other != at && s[other].Cmp(moduli[other]) != 0 && len(hits[i].With) < maxWith {
					hits[i].With = append(hits[i].With, other)
				}
			}
		}
		slices.Sort(hits[i].With)
		hits[i].With = slices.Compact(hits[i].With)
	}
	return hits
}
