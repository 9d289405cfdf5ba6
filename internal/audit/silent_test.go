package audit

import (
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// An endpoint that shows no certificate is inconclusive, and what it said before
// TLS is still judged.
func TestSilentEndpoint(t *testing.T) {
	a := auditor(t, shippedRules(t), nil, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	subject := func(outcomes ...evidence.PreambleOutcome) *evidence.Subject {
		s := &evidence.Subject{ID: "smtp://mail.example.org:25/203.0.113.7", Kind: evidence.Endpoint, Name: "mail.example.org", Protocol: "smtp"}
		for _, o := range outcomes {
			s.Handshakes = append(s.Handshakes, evidence.Handshake{Profile: "default", Preamble: &evidence.Preamble{Outcome: o, Said: "250 SIZE"}})
		}
		return s
	}
	for _, c := range []struct {
		outcomes []evidence.PreambleOutcome
		rule     string
		verdict  finding.Verdict
	}{
		{nil, "", finding.Undetermined},
		{[]evidence.PreambleOutcome{"refused"}, "", finding.Undetermined},
		{[]evidence.PreambleOutcome{"missing"}, "path-starttls-missing", finding.Undetermined},
		{[]evidence.PreambleOutcome{"ready", "missing"}, "path-starttls-varies", finding.Suspicious},
	} {
		got := a.Judge(subject(c.outcomes...)).Subject
		var rules []string
		for _, f := range got.Findings {
			rules = append(rules, f.Rule)
		}
		if got.Verdict != c.verdict || c.rule != "" && !slices.Equal(rules, []string{c.rule}) || c.rule == "" && len(rules) > 0 {
			t.Errorf("preambles %v: %s with %v, want %s with %q", c.outcomes, got.Verdict, rules, c.verdict, c.rule)
		}
	}
}
