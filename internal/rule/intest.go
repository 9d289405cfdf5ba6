package rule

import (
	"fmt"

	"github.com/certassay/certassay/internal/finding"
)

// A Failure is a test in a rule file that does not come out as it says.
type Failure struct {
	Rule *Rule
	Line int // of the test in Rule.Path
	Test string
	Want finding.Outcome
	Got  finding.Outcome
	// Reason is why the outcome was inconclusive, where it was.
	Reason string
}

// Error says what was wanted and what came.
func (f Failure) Error() string {
	s := fmt.Sprintf("%s:%d: test %q of %s gives %s, want %s", f.Rule.Path, f.Line, f.Test, f.Rule.ID, f.Got, f.Want)
	if f.Reason != "" {
		s += " (" + f.Reason + ")"
	}
	return s
}

// Test runs the tests of every rule that was loaded, whether it runs or not, and
// gives those that fail, by rule and in the order written.
func Test(s *Set) []Failure {
	var out []Failure
	for _, r := range s.all {
		for _, ex := range r.examples {
			res := s.engine.newRun(ex.facts).rule(r)
			if res.Outcome != ex.want {
				out = append(out, Failure{r, ex.line, ex.name, ex.want, res.Outcome, res.Reason})
			}
		}
	}
	return out
}

// Tests is how many tests the rule's file has.
func (r *Rule) Tests() int { return len(r.examples) }

// passes says that every test of r gives what it should.
func (e *engine) passes(r *Rule) bool {
	for _, ex := range r.examples {
		if e.newRun(ex.facts).rule(r).Outcome != ex.want {
			return false
		}
	}
	return true
}
