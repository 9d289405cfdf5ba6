package batch

import (
	"math/big"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

var one = big.NewInt(1)

// A node is a product of moduli and the sum of that product divided by each.
type node struct{ product, sum *big.Int }

// A tree holds the nodes of each level, the moduli first and the root last.
type tree [][]node

// treeSteps is how many steps [divisors] takes for n moduli.
func treeSteps(n int) int { return 2*bits.Len(uint(max(n, 1)-1)) + 2 }

// divisors gives the greatest common divisor of each modulus with the product of
// all others. Moduli are distinct and above one.
func divisors(moduli []*big.Int, s *steps) []*big.Int {
	t := grow(moduli, s)
	top := t[len(t)-1][0]
	f := divide(new(big.Int).Rem(top.sum, top.product), top.product)
	s.done()
	cofactors := t.descend(f, s)
	each(len(moduli), func(i int) {
		cofactors[i].GCD(nil, nil, cofactors[i], moduli[i])
	})
	s.done()
	return cofactors
}

// grow multiplies up to the root. It leaves no sums below it.
func grow(moduli []*big.Int, s *steps) tree {
	level := make([]node, len(moduli))
	for i, n := range moduli {
		level[i] = node{n, one}
	}
	t := tree{level}
	for len(level) > 1 {
		up := make([]node, (len(level)+1)/2)
		each(len(up), func(i int) { up[i] = join(level[2*i : min(2*i+2, len(level))]) })
		for i := range level {
			level[i].sum = nil
		}
		t, level = append(t, up), up
		s.done()
	}
	return t
}

func join(pair []node) node {
	if len(pair) == 1 {
		return pair[0]
	}
	a, b := pair[0], pair[1]
	sum := mul(a.sum, b.product)
	return node{mul(a.product, b.product), sum.Add(sum, mul(b.sum, a.product))}
}

// descend takes the fraction of the root down to the moduli and gives the number
// below each modulus whose fraction arrives there. It consumes the tree.
func (t tree) descend(f fraction, s *steps) []*big.Int {
	fs := []fraction{f}
	for depth := len(t) - 2; depth >= 0; depth-- {
		level := t[depth]
		down := make([]fraction, len(level))
		each(len(level), func(i int) {
			down[i] = fs[i/2]
			if sibling := i ^ 1; sibling < len(level) {
				down[i] = fs[i/2].times(level[sibling].product, level[i].product.BitLen()+guard)
			}
		})
		fs, t[depth+1] = down, nil
		s.done()
	}
	out := make([]*big.Int, len(fs))
	each(len(fs), func(i int) { out[i] = fs[i].of(t[0][i].product) })
	return out
}

// each calls f for every number below n, on all processors.
func each(n int, f func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	group.Wait()
}
