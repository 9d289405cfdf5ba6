package waive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/finding"
)

// reportSchema is the only kind of document that can be a baseline.
const reportSchema = "certassay/report/v1"

// maxBaseline is the size of a baseline in bytes: a report on 100 000 endpoints
// is smaller.
const maxBaseline = 1 << 30

// A Past is one finding of an earlier report and the subjects that had it, in the
// order of that report.
type Past struct {
	Finding  finding.Finding
	Subjects []string
}

// A Baseline is the findings of an earlier report. Its zero value knows none. It
// is safe for concurrent use.
type Baseline struct {
	at    time.Time
	past  []Past
	index map[string]int // of a fingerprint in past
	// silences holds the fingerprints that the baseline may make known.
	silences map[string]bool
	// of are the findings of each subject as places in past; a subject without
	// findings is there as well, if there was a chain to judge.
	of map[string][]int

	mu    sync.Mutex
	met   map[string]bool         // fingerprints that were found again; guarded by mu
	again map[int]map[string]bool // of past: by subject, whether it was decided again; guarded by mu
	whole map[string]bool         // subjects that were looked at again, and whole; guarded by mu
}

var (
	errNotReport = errors.New("not a report: want a document with the schema " + reportSchema)
	errTooLarge  = fmt.Errorf("larger than %d MiB", maxBaseline>>20)
	errTrailing  = errors.New("there is more after the report")
)

var fingerprintForm = regexp.MustCompile(`^v1:[0-9a-f]{32}$`)

type (
	pastSubject struct {
		ID       string            `json:"id"`
		Chain    []string          `json:"chain"`
		Findings []finding.Finding `json:"findings"`
	}
	// pastLine is a whole report, a subject of one in JSON Lines, or the last
	// line there.
	pastLine struct {
		Schema string `json:"schema"`
		Run    struct {
			At time.Time `json:"at"`
		} `json:"run"`
		Subjects []pastSubject `json:"subjects"`
		pastSubject
	}
)

// ReadBaseline reads an earlier report in JSON or JSON Lines. Only some of its
// findings can make later ones known: not those of confidence proof, nor those
// that were waived; the others are kept to say what became of them. What else is
// in the report does not matter; a finding without a proper fingerprint is an
// error, as is anything after the report, or an end before its last line.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	limited := &io.LimitedReader{R: r, N: maxBaseline + 1}
	dec := json.NewDecoder(limited)
	dec.UseNumber() // a large number in a detail stays what it is
	b, err := decodeBaseline(dec)
	if limited.N <= 0 {
		err = errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("reading baseline: %w", err)
	}
	return b, nil
}

func decodeBaseline(dec *json.Decoder) (*Baseline, error) {
	b := &Baseline{index: map[string]int{}, silences: map[string]bool{}, of: map[string][]int{}}
	for {
		var l pastLine
		if err := dec.Decode(&l); err != nil {
			return nil, err
		}
		switch {
		case l.Schema == "" && l.ID != "":
			if err := b.add(&l.pastSubject); err != nil {
				return nil, err
			}
			continue
		case l.Schema != reportSchema:
			return nil, errNotReport
		}
		for i := range l.Subjects {
			if err := b.add(&l.Subjects[i]); err != nil {
				return nil, err
			}
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return nil, errTrailing
		}
		b.at = l.Run.At
		return b, nil
	}
}

func (b *Baseline) add(s *pastSubject) error {
	if len(s.Chain) > 0 {
		b.of[s.ID] = append([]int{}, b.of[s.ID]...)
	}
	for i, f := range s.Findings {
		if !fingerprintForm.MatchString(f.Fingerprint) {
			return fmt.Errorf("subject %q: finding %d: fingerprint %q: %w", s.ID, i, f.Fingerprint, errFingerprint)
		}
		if f.Rule == "" || f.Severity == finding.NoSeverity || !slices.Contains(finding.Classes, f.Class) || !slices.Contains(finding.Confidences, f.Confidence) {
			return fmt.Errorf("subject %q: finding %d lacks rule, severity, class or confidence", s.ID, i)
		}
		at, ok := b.index[f.Fingerprint]
		if !ok {
			at = len(b.past)
			b.index[f.Fingerprint] = at
			b.past = append(b.past, Past{Finding: f})
		}
		// A subject's findings stand together: its id can only be the last.
		if ids := &b.past[at].Subjects; len(*ids) == 0 || (*ids)[len(*ids)-1] != s.ID {
			*ids = append(*ids, s.ID)
			b.of[s.ID] = append(b.of[s.ID], at)
		}
		if f.Confidence != finding.Proof && f.Waiver == nil {
			b.silences[f.Fingerprint] = true
		}
	}
	return nil
}

// At is the time of judgement of the earlier report; zero where it does not say.
func (b *Baseline) At() time.Time { return b.at }

// Apply marks the findings that the baseline knows. A finding of confidence
// proof stays new, whatever the baseline says: only a waiver that names it can
// silence it. It is marked as standing.
func (b *Baseline) Apply(findings []finding.Finding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range findings {
		f := &findings[i]
		if _, ok := b.index[f.Fingerprint]; !ok {
			continue
		}
		if b.met == nil {
			b.met = map[string]bool{}
		}
		b.met[f.Fingerprint] = true
		if b.silences[f.Fingerprint] && f.Confidence != finding.Proof {
			f.Status = finding.Known
		} else {
			f.Standing = true
		}
	}
}

// Saw says that a subject was judged again: whole, if all of its evidence was
// there, and decided says then which rules had an answer. Of a subject that comes
// twice the last word counts.
func (b *Baseline) Saw(subject string, whole bool, decided func(rule string) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	past, ok := b.of[subject]
	if !ok {
		return
	}
	if b.again == nil {
		b.again, b.whole = map[int]map[string]bool{}, map[string]bool{}
	}
	b.whole[subject] = whole
	for _, at := range past {
		if b.again[at] == nil {
			b.again[at] = map[string]bool{}
		}
		b.again[at][subject] = whole && decided(b.past[at].Finding.Rule)
	}
}

// Whole says whether every subject of the baseline other than those named was
// judged again, and whole: what is said of all of them together can be compared.
func (b *Baseline) Whole(except string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.of {
		if id != except && !b.whole[id] {
			return false
		}
	}
	return true
}

// Settle tells what became of findings that no call of [Baseline.Apply] met, in
// the order of the earlier report: resolved are those whose every subject was
// judged again with that rule decided, as [Baseline.Saw] was told; of the others
// nothing can be said, for nobody looked, or could.
func (b *Baseline) Settle() (resolved, unchecked []Past) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for at, p := range b.past {
		if b.met[p.Finding.Fingerprint] {
			continue
		}
		settled := true
		for _, id := range p.Subjects {
			settled = settled && b.again[at][id]
		}
		if settled {
			resolved = append(resolved, p)
		} else {
			unchecked = append(unchecked, p)
		}
	}
	return resolved, unchecked
}
