package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// A time of judgement before a proven one never gives a pass, and says why.
func TestClockBehind(t *testing.T) {
	l := lab.New(lab.Config{})
	issued := l.At.Add(-30 * 24 * time.Hour)
	for _, tt := range []struct {
		name   string
		at     time.Time
		kind   evidence.Kind
		want   finding.Verdict
		behind bool
	}{
		{"in time", l.At, evidence.Endpoint, finding.OK, false},
		{"a minute after issue", issued.Add(2 * time.Minute), evidence.Chain, finding.OK, false},
		{"a week before the SCTs", issued.Add(-7 * 24 * time.Hour), evidence.Endpoint, finding.Undetermined, true},
		{"the same of a file", issued.Add(-7 * 24 * time.Hour), evidence.Chain, finding.Undetermined, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store, err := trust.New([]trust.Set{{Name: "lab", Certificates: l.Roots()}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			a := New(Options{Rules: shippedRules(t), Trust: store, Logs: labLogs(t), At: tt.at})
			s := chainOf(l, l.Chain()...)
			s.Kind = tt.kind
			s.Handshakes = []evidence.Handshake{{Completed: true, Possession: true, Certificates: s.Certificates}}
			j := a.judge(s)
			if got := finding.Judge(j.findings, j.gaps, true); got != tt.want || found(j, "time-clock-behind") != tt.behind {
				t.Errorf("verdict = %s, want %s: %v, %v", got, tt.want, ids(j), j.gaps)
			}
			reason := ""
			for _, g := range j.gaps {
				if g.Rule == "time-begins-in-future" {
					reason = g.Reason
				}
			}
			if strings.Contains(reason, "SCT of Lab Log") != tt.behind {
				t.Errorf("reason = %q", reason)
			}
		})
	}
}

// A certificate from the future is refused even where nothing else is wrong with
// it, and its honest twin is not.
func TestBeginsInFuture(t *testing.T) {
	l := lab.New(lab.Config{})
	for _, tt := range []struct {
		name  string
		begin time.Duration
		want  bool
	}{
		{"in a week", 7 * 24 * time.Hour, true},
		{"a week ago", -7 * 24 * time.Hour, false},
	} {
		leaf := l.LeafTemplate()
		leaf.NotBefore = l.At.Add(tt.begin)
		leaf.NotAfter = leaf.NotBefore.Add(40 * 24 * time.Hour)
		// The lab is unknown here, as an interceptor's CA is.
		s := chainOf(l, leaf.Sign(l.Intermediate.Key, ""), l.Intermediate.DER)
		s.Kind = evidence.Endpoint
		if j := auditor(t, shippedRules(t), nil, l.At).judge(s); found(j, "time-begins-in-future") != tt.want {
			t.Errorf("%s: %v, %v", tt.name, ids(j), j.gaps)
		}
	}
}
