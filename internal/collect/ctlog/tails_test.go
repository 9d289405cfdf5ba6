package ctlog

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// The first question hides nothing: with and without it, the same names match.
func TestTailsHideNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	labels := []string{"a", "com", "example", "a-much-longer-label-of-a-name", "xn--bcher-kva"}
	name := func() string {
		parts := make([]string, 1+r.IntN(3))
		for i := range parts {
			parts[i] = labels[r.IntN(len(labels))]
		}
		return strings.Join(parts, ".")
	}
	passed, asked, matched := 0, 0, 0
	for range 3000 {
		watch := make([]string, 1+r.IntN(3))
		for i := range watch {
			watch[i] = []string{"", ".", "*."}[r.IntN(3)] + name()
		}
		m, err := NewMatcher(watch)
		if err != nil {
			t.Fatal(err)
		}
		plainly, _ := NewMatcher(watch) // the same again
		plainly.tails.all = true
		for range 10 {
			n := []string{"", "*."}[r.IntN(2)] + name()
			found := func(m *Matcher) string {
				s := search{m: m, budget: maxComparisons}
				s.name([]byte(n), []byte(n))
				return fmt.Sprint(s.hits)
			}
			got, want := found(m), found(plainly)
			if got != want {
				t.Fatalf("watching %q, %q gives %s, want %s", watch, n, got, want)
			}
			if asked++; want != "[]" {
				matched++
			} else if m.tails.may([]byte(strings.TrimPrefix(n, "*."))) {
				passed++
			}
		}
	}
	if matched < asked/20 {
		t.Errorf("%d of %d names match: the test compares nothing", matched, asked)
	}
	t.Logf("%d names: %d match, %d of the others were looked up", asked, matched, passed)
}

// Of names that have nothing to do with those watched, few are looked up.
func TestTailsRuleOut(t *testing.T) {
	var watch []string
	for i := range 10_000 {
		watch = append(watch, fmt.Sprintf(".watched%d.example", i))
	}
	m, err := NewMatcher(watch)
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	const n = 100_000
	for i := range n {
		if m.tails.may(fmt.Appendf(nil, "www.host%d.test", i)) {
			passed++
		}
	}
	if passed > n/20 {
		t.Errorf("%d of %d names are looked up in vain", passed, n)
	}
}
