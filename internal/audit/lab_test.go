package audit

import (
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/rules"
)

func shippedRules(t testing.TB) *rule.Set {
	t.Helper()
	set, err := rule.Load(rules.FS, rule.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func auditor(t testing.TB, set *rule.Set, roots [][]byte, at time.Time) *Auditor {
	t.Helper()
	var sets []trust.Set
	if len(roots) > 0 {
		sets = append(sets, trust.Set{Name: "lab", Certificates: roots})
	}
	store, err := trust.New(sets, nil)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Rules: set, Trust: store, At: at})
}

func subjectOf(c lab.Case) *evidence.Subject {
	s := &evidence.Subject{ID: c.Name, Kind: evidence.Chain, Name: c.Host}
	for _, der := range c.Chain {
		s.Certificates = append(s.Certificates, der)
	}
	return s
}

// Every case of the lab gets a verdict that it allows.
func TestLabVerdicts(t *testing.T) {
	set := shippedRules(t)
	for _, c := range lab.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			a := auditor(t, set, c.Roots, c.At)
			j := a.judge(subjectOf(c))
			verdict := finding.Judge(j.findings, j.gaps, true)
			if !c.Holds(string(verdict)) {
				t.Errorf("verdict of %s = %s, want %s (%v)\nfindings: %v\ngaps: %v", c.Name, verdict, c.Want, c.Tells, ids(j), j.gaps)
			}
			// An owner's CA may do as it likes; from a stranger's an oddity that
			// settles nothing is still said.
			if c.Want == "" {
				if j := auditor(t, set, nil, c.At).judge(subjectOf(c)); len(j.findings) == 0 {
					t.Errorf("%s: nothing was reported, want %v", c.Name, c.Tells)
				}
			}
		})
	}
}

func ids(j *judgement) []string {
	var out []string
	for _, f := range j.findings {
		out = append(out, f.Rule+"/"+string(f.Confidence))
	}
	slices.Sort(out)
	return out
}
