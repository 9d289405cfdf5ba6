package waive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/certassay/certassay/internal/finding"
)

// reportSchema is the only kind of document that can be a baseline.
const reportSchema = "certassay/report/v1"

// maxBaseline is the size of a baseline in bytes: a report on 100 000 endpoints
// is smaller.
const maxBaseline = 1 << 30

// A Known is one finding of an earlier report.
type Known struct {
	Fingerprint string
	Rule        string
	Subject     string // id of the subject it was first met at
}

// A Baseline is the findings of an earlier report. Its zero value knows none. It
// is safe for concurrent use.
type Baseline struct {
	known map[string]Known

	mu  sync.Mutex
	met map[string]bool // fingerprints that were found again; guarded by mu
}

var (
	errNotReport = errors.New("not a report: want a document with the schema " + reportSchema)
	errTooLarge  = fmt.Errorf("larger than %d MiB", maxBaseline>>20)
	errTrailing  = errors.New("there is more after the report")
)

var fingerprintForm = regexp.MustCompile(`^v1:[0-9a-f]{32}$`)

// ReadBaseline reads an earlier report in JSON. Of its findings it keeps those
// that a baseline may make known: not the ones of confidence proof, nor those
// that were waived. What else is in the report does not matter; a finding
// without a proper fingerprint is an error, as is anything after the report.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	var doc struct {
		Schema   string
		Subjects []struct {
			ID       string
			Findings []struct {
				Rule, Fingerprint string
				Confidence        finding.Confidence
				Waiver            *json.RawMessage
			}
		}
	}
	limited := &io.LimitedReader{R: r, N: maxBaseline + 1}
	dec := json.NewDecoder(limited)
	err := dec.Decode(&doc)
	switch {
	case limited.N <= 0:
		return nil, fmt.Errorf("reading baseline: %w", errTooLarge)
	case err != nil:
		return nil, fmt.Errorf("reading baseline: %w", err)
	case doc.Schema != reportSchema:
		return nil, fmt.Errorf("reading baseline: %w", errNotReport)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading baseline: %w", errTrailing)
	}
	b := &Baseline{known: map[string]Known{}}
	for _, s := range doc.Subjects {
		for i, f := range s.Findings {
			if !fingerprintForm.MatchString(f.Fingerprint) {
				return nil, fmt.Errorf("reading baseline: subject %q: finding %d: fingerprint %q: %w", s.ID, i, f.Fingerprint, errFingerprint)
			}
			if f.Confidence == finding.Proof || f.Waiver != nil {
				continue
			}
			if _, ok := b.known[f.Fingerprint]; !ok {
				b.known[f.Fingerprint] = Known{f.Fingerprint, f.Rule, s.ID}
			}
		}
	}
	return b, nil
}

// Apply marks the findings that the baseline knows. A finding of confidence
// proof stays new, whatever the baseline says: only a waiver that names it can
// silence it.
func (b *Baseline) Apply(findings []finding.Finding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range findings {
		f := &findings[i]
		if _, ok := b.known[f.Fingerprint]; !ok {
			continue
		}
		if b.met == nil {
			b.met = map[string]bool{}
		}
		b.met[f.Fingerprint] = true
		if f.Confidence != finding.Proof {
			f.Status = finding.Known
		}
	}
}

// Resolved lists what the baseline knows and no call of [Baseline.Apply] met
// since, by subject, rule and fingerprint. After an incomplete run it means
// nothing.
func (b *Baseline) Resolved() []Known {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Known
	for fp, k := range b.known {
		if !b.met[fp] {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(x, y Known) int {
		return strings.Compare(x.Subject+"\x00"+x.Rule+"\x00"+x.Fingerprint, y.Subject+"\x00"+y.Rule+"\x00"+y.Fingerprint)
	})
	return out
}
