package audit

import (
	"testing"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/report"
)

// The owner's root vouches where the owner says so, and for no other subject,
// although both have the same certificates and are judged by one auditor.
func TestExpectedTrustIsPerSubject(t *testing.T) {
	var honest lab.Case
	for _, c := range lab.Cases() {
		if c.Name == "honest" {
			honest = c
		}
	}
	a := labAuditor(t, shippedRules(t), honest.Roots, honest.At)
	outside := a.trust.Only()
	a.expect = func(s *evidence.Subject) *Expected {
		switch s.ID {
		case "outside":
			return &Expected{
				Expectation: &expect.Expectation{Group: "web", Owner: "web-team"},
				Trust:       outside, Source: &report.Source{File: "certassay.yaml", Line: 7, Column: 5},
			}
		}
		return nil
	}
	for range 2 { // the second time from memory
		for id, want := range map[string]string{"inside": "inventory", "outside": "none"} {
			s := subjectOf(honest)
			s.ID = id
			r := a.Judge(s).Subject
			if r.Anchor != want {
				t.Errorf("%s: anchor %s, want %s", id, r.Anchor, want)
			}
			if (r.Source != nil) != (id == "outside") || (r.Group == "web" && r.Owner == "web-team") != (id == "outside") {
				t.Errorf("%s: source %v, group %q, owner %q", id, r.Source, r.Group, r.Owner)
			}
		}
	}
}
