package vantage

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/facts"
)

// A Set collects the answers of a run. The zero value is ready; it is not safe
// for concurrent use. The facts do not depend on the order of the answers.
type Set struct {
	answers map[string][]Answer
	past    map[string][]Offer
	// Truncated says that there were more than are compared.
	Truncated bool
}

// Add takes an answer in.
func (s *Set) Add(a Answer) {
	if a.Service == "" {
		return
	}
	if s.answers == nil {
		s.answers = map[string][]Answer{}
	}
	list, known := s.answers[a.Service]
	if !known && len(s.answers) >= maxServices || len(list) >= maxAnswers {
		s.Truncated = true
		return
	}
	s.answers[a.Service] = append(list, a)
}

// Refer adds what a service agreed to in an earlier report.
func (s *Set) Refer(service string, o Offer) {
	if s.past == nil {
		s.past = map[string][]Offer{}
	}
	if list := s.past[service]; len(list) < maxAnswers && (len(list) > 0 || len(s.past) < maxServices) {
		s.past[service] = append(list, o)
	}
}

// Facts compares the answers of each service. Neither list is nil.
func (s *Set) Facts() (answers []facts.Answers, losses []facts.Loss) {
	answers, losses = []facts.Answers{}, []facts.Loss{}
	for service, list := range s.answers {
		if f, differ := compare(service, list); differ {
			answers = append(answers, f)
		}
		losses = append(losses, lost(service, list, s.past[service])...)
	}
	slices.SortFunc(answers, func(a, b facts.Answers) int { return strings.Compare(a.Service, b.Service) })
	slices.SortFunc(losses, func(a, b facts.Loss) int {
		return strings.Compare(a.Service+"\n"+a.Vantage+"\n"+a.Than, b.Service+"\n"+b.Vantage+"\n"+b.Than)
	})
	return answers, losses
}

func compare(service string, list []Answer) (facts.Answers, bool) {
	keys, issuers, vouched := map[[32]byte]bool{}, map[[32]byte]bool{}, map[[32]byte]bool{}
	var roots, logged, expected []*Answer
	for i := range list {
		a := &list[i]
		keys[a.Key], issuers[a.Issuer] = true, true
		if a.Anchored {
			vouched[a.Key] = true
			roots = append(roots, a)
		}
		if is(a.Logged) {
			logged = append(logged, a)
		}
		if is(a.Expected) {
			expected = append(expected, a)
		}
	}
	var odd, unlogged, unexpected []*Answer
	for i := range list {
		a := &list[i]
		switch {
		case a.Incomplete && a.Logged == nil: // there is an SCT, and nobody to verify it by
		case !a.Anchored && !is(a.Logged) && beside(a, roots):
			odd = append(odd, a)
		case a.Public && not(a.Logged) && beside(a, logged):
			unlogged = append(unlogged, a)
		}
		if not(a.Expected) && beside(a, expected) {
			unexpected = append(unexpected, a)
		}
	}
	f := facts.Answers{
		Service: service, Keys: int64(len(keys)), Issuers: int64(len(issuers)), Vouched: int64(len(vouched)),
		Odd: leaves(odd), OddFrom: places(odd), Unlogged: leaves(unlogged), Unexpected: int64(len(byKey(unexpected))),
	}
	if len(odd) > 0 {
		f.Apart = apart(odd, roots)
	}
	return f, len(keys) > 1
}

func is(b *bool) bool  { return b != nil && *b }
func not(b *bool) bool { return b != nil && !*b }

// beside says that one of others is another leaf key of about the same time.
func beside(a *Answer, others []*Answer) bool {
	return slices.ContainsFunc(others, func(o *Answer) bool { return o.Key != a.Key && together(a, o) })
}

// apart names the first respect in which no odd answer is like a vouched one.
func apart(odd, roots []*Answer) string {
	for _, by := range []struct {
		name string
		of   func(*Answer) string
	}{
		{"vantage", func(a *Answer) string { return a.Vantage }},
		{"address", func(a *Answer) string { return a.Vantage + "\n" + a.Address }},
		{"hello", func(a *Answer) string { return a.Vantage + "\n" + a.Address + "\n" + a.Hello }},
	} {
		if !slices.ContainsFunc(odd, func(a *Answer) bool {
			return slices.ContainsFunc(roots, func(b *Answer) bool { return by.of(a) == by.of(b) })
		}) {
			return by.name
		}
	}
	return "mixed"
}

func byKey(list []*Answer) map[[32]byte]bool {
	out := map[[32]byte]bool{}
	for _, a := range list {
		out[a.Key] = true
	}
	return out
}

// leaves are the hashes of the answers, once each, in order.
func leaves(list []*Answer) []string {
	out := []string{}
	for _, a := range list {
		out = append(out, "sha256:"+hex.EncodeToString(a.Leaf[:]))
	}
	return listed(out)
}

// places say from where, of whom and how answers were had.
func places(list []*Answer) []string {
	out := []string{}
	for _, a := range list {
		place := a.Vantage
		if a.Address != "" {
			place += " " + a.Address
		}
		if a.Hello != "" && a.Hello != "default" {
			place += " (" + a.Hello + ")"
		}
		out = append(out, place)
	}
	return listed(out)
}

func listed(list []string) []string {
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), maxListed)]
}
