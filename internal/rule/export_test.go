package rule

import (
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
)

// FactsOf gives the facts of the tests of a rule.
func FactsOf(r *Rule) []*facts.Facts {
	var out []*facts.Facts
	for _, ex := range r.examples {
		out = append(out, ex.facts)
	}
	return out
}

// Evaluate evaluates one rule, whether it runs or not.
func Evaluate(s *Set, r *Rule, f *facts.Facts) finding.Outcome {
	return s.engine.newRun(f).rule(r).Outcome
}
