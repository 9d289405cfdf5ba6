package audit

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
)

// What an enricher adds is there when the subject is judged, and in the evidence
// that is saved.
func TestEnrichersRunBeforeJudgement(t *testing.T) {
	c := lab.Cases()[0]
	a := auditor(t, shippedRules(t), c.Roots, c.At)
	var mu sync.Mutex
	calls := 0
	a.enrichers = []Enricher{
		func(_ context.Context, s *evidence.Subject) {
			mu.Lock()
			defer mu.Unlock()
			calls++
			s.Failures = append(s.Failures, evidence.Failure{Stage: evidence.StageCollect, Error: "first"})
		},
		func(_ context.Context, s *evidence.Subject) { s.Failures[0].Error += ", then second" },
	}
	subjects := []*evidence.Subject{subjectOf(c), subjectOf(c), subjectOf(c)}
	err := a.Check(t.Context(), slices.Values(subjects), func(s *evidence.Subject, j Judged) error {
		if want := "first, then second"; s.Failures[0].Error != want || j.Subject.Errors[0].Error != want || j.Subject.Complete {
			t.Errorf("evidence says %v, report says %v; want %q in both", s.Failures, j.Subject.Errors, want)
		}
		return nil
	})
	if err != nil || calls != len(subjects) {
		t.Errorf("%d calls, error %v; want %d and none", calls, err, len(subjects))
	}
}
