package audit

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
	"github.com/certassay/certassay/internal/trust"
)

// completer lets every third subject wait and writes down what is asked of it.
type completer struct {
	noted     int
	completed map[string]int // how many had been noted
	early     int
}

func (c *completer) Lacks(s *evidence.Subject) bool { return s.Target[len(s.Target)-1] == '1' }
func (c *completer) Note(*evidence.Subject)         { c.noted++ }
func (c *completer) Complete(s *evidence.Subject, all bool) {
	c.completed[s.Target] = c.noted
	if !all {
		c.early++
	}
}

// Whatever waits, subjects are delivered in the order of the input, each once and
// judged, and no more wait than there is room for.
func TestScanKeepsOrder(t *testing.T) {
	store, err := trust.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules := shippedRules(t)
	for _, tt := range []struct {
		name     string
		n, size  int
		enriched bool
		early    bool
	}{
		{name: "few", n: 40},
		{name: "enriched", n: 40, enriched: true},
		{name: "more than wait", n: 2*maxWaiting + 30, early: true},
		{name: "large ones", n: 40, size: maxWaitingBytes / 10, early: true},
		{name: "none", n: 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			big := make(evidence.DER, tt.size)
			collector := func(_ context.Context, what target.Target) []*evidence.Subject {
				s := collect.Failed(what, evidence.Failure{Stage: evidence.StageDial, Error: "nobody there"})
				s.Target = what.Host
				s.Probes = []evidence.Handshake{{OCSP: big}}
				return []*evidence.Subject{s}
			}
			c := &completer{completed: map[string]int{}}
			o := Options{Rules: rules, Trust: store, Completer: c}
			if tt.enriched {
				o.Enrichers = []Enricher{func(_ context.Context, s *evidence.Subject) { s.Name = "enriched" }}
			}
			var want, got []string
			targets := func(yield func(target.Target) bool) {
				for i := range tt.n {
					if !yield(target.Target{Host: fmt.Sprintf("h%d", i), Port: 443}) {
						return
					}
				}
			}
			for i := range tt.n {
				want = append(want, fmt.Sprintf("h%d", i))
			}
			err := New(o).Scan(t.Context(), targets, []Collector{collector}, collect.Limits{Concurrency: 8}, func(s *evidence.Subject, j Judged) error {
				if got = append(got, s.Target); j.Subject == nil || tt.enriched && s.Name != "enriched" {
					t.Errorf("%s is delivered without a judgement, or as it came", s.Target)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("order differs (-want +got):\n%s", diff)
			}
			if c.noted != tt.n || (c.early > 0) != tt.early {
				t.Errorf("%d noted, %d completed before all were: want %d, some: %v", c.noted, c.early, tt.n, tt.early)
			}
			for name, noted := range c.completed {
				if !tt.early && noted != tt.n {
					t.Errorf("%s was completed when %d were noted", name, noted)
				}
			}
		})
	}
}
