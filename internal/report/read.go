package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// MaxReport is the largest report that [Read] takes, in bytes: reading needs all
// of it in memory, and a report from elsewhere must not exhaust that.
const MaxReport = 1 << 30

// A ReadError says why a report cannot be read, and what can be done about it.
type ReadError struct {
	Problem string // the sentence, in lower case
	Advice  string // what a person can do; never empty
	Err     error  // the cause; may be nil
}

// Error gives the problem and its cause.
func (e *ReadError) Error() string {
	if e.Err == nil {
		return "reading report: " + e.Problem
	}
	return "reading report: " + e.Problem + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *ReadError) Unwrap() error { return e.Err }

// Hint says what a person can do.
func (e *ReadError) Hint() string { return e.Advice }

const (
	adviceFormat = `reports that can be read are written with "--report json=FILE" or "--report jsonl=FILE"`
	adviceWhole  = "the file was cut short or changed; write the report again, the evidence bundle is enough for that"
)

// Read reads a whole report in the format json or jsonl. It refuses what is
// incomplete, contradicts itself, uses a word it does not know where a verdict
// depends on it, or is larger than [MaxReport]. Fields it does not know are
// passed over, because newer versions add some.
func Read(r io.Reader) (*Document, error) { return read(r, MaxReport) }

func read(r io.Reader, limit int64) (*Document, error) {
	limited := &io.LimitedReader{R: r, N: limit + 1}
	dec := json.NewDecoder(limited)
	dec.UseNumber() // a large number in a detail stays what it is
	var d Document
	err := decode(dec, &d)
	if limited.N <= 0 {
		return nil, &ReadError{Problem: fmt.Sprintf("it is larger than %d bytes", limit), Advice: "split the run, or look at the file with jq"}
	}
	if err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, &ReadError{Problem: "it contradicts itself", Err: err, Advice: adviceWhole}
	}
	d.fillLists()
	return &d, nil
}

// anyLine is what a line of a report can be: a whole document, a subject, or
// the last line of jsonl.
type anyLine struct {
	Schema       *string                `json:"schema"`
	Tool         Tool                   `json:"tool"`
	Run          evidence.Run           `json:"run"`
	Summary      *Summary               `json:"summary"`
	Subjects     *[]Subject             `json:"subjects"`
	Certificates map[string]Certificate `json:"certificates"`
	Rules        map[string]Rule        `json:"rules"`
	Warnings     []Warning              `json:"warnings"`
	Baseline     *Baseline              `json:"baseline"`
	ID           *string                `json:"id"`
}

// decode reads a document, or lines up to the last one, and nothing after it.
func decode(dec *json.Decoder, d *Document) error {
	d.Certificates, d.Rules = map[string]Certificate{}, map[string]Rule{}
	for n := 1; ; n++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return syntax(n, err)
		}
		l, err := unmarshal[anyLine](raw)
		if err != nil {
			return &ReadError{Problem: fmt.Sprintf("object %d", n), Err: err, Advice: adviceFormat}
		}
		for hash, c := range l.Certificates {
			c.Hash = hash
			d.Certificates[hash] = c
		}
		for id, r := range l.Rules {
			d.Rules[id] = r
		}
		switch {
		case l.Schema != nil && *l.Schema != SchemaName:
			return &ReadError{Problem: fmt.Sprintf("its schema is %.80q, not %q", *l.Schema, SchemaName),
				Advice: "use the certassay that wrote it, or a newer one"}
		case l.Schema == nil && l.ID != nil:
			s, err := unmarshal[Subject](raw)
			if err != nil {
				return &ReadError{Problem: fmt.Sprintf("subject %d", n), Err: err, Advice: adviceFormat}
			}
			d.Subjects = append(d.Subjects, *s)
			continue
		case l.Schema == nil || l.Summary == nil, l.Subjects != nil && n > 1:
			return &ReadError{Problem: fmt.Sprintf("object %d is no part of a report", n), Advice: adviceFormat}
		}
		d.Schema, d.Tool, d.Run, d.Summary, d.Warnings, d.Baseline = *l.Schema, l.Tool, l.Run, *l.Summary, l.Warnings, l.Baseline
		if l.Subjects != nil {
			d.Subjects = *l.Subjects
		}
		if err := dec.Decode(&raw); !errors.Is(err, io.EOF) {
			return &ReadError{Problem: "something follows its end", Advice: adviceWhole}
		}
		return nil
	}
}

// syntax explains why the n-th object could not be read.
func syntax(n int, err error) error {
	var bad *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF) && n == 1:
		return &ReadError{Problem: "it is empty", Advice: adviceFormat}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &ReadError{Problem: "it ends before the report does", Advice: adviceWhole}
	case errors.As(err, &bad):
		return &ReadError{Problem: fmt.Sprintf("it is not JSON at byte %d", bad.Offset), Err: err, Advice: adviceFormat}
	}
	return fmt.Errorf("reading report: %w", err)
}

func unmarshal[T any](raw []byte) (*T, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v := new(T)
	return v, dec.Decode(v)
}

// check finds what a report cannot say.
func (d *Document) check() error {
	var counted Summary
	for i := range d.Subjects {
		s := &d.Subjects[i]
		if _, err := finding.ParseVerdict(string(s.Verdict)); err != nil {
			return fmt.Errorf("subject %.200q: %w", s.ID, err)
		}
		for _, hash := range s.certificateNames() {
			if _, ok := d.Certificates[hash]; !ok {
				return fmt.Errorf("subject %.200q: certificate %.80q is not in the report", s.ID, hash)
			}
		}
		for j := range s.Findings {
			if !sound(&s.Findings[j]) {
				return fmt.Errorf("subject %.200q: finding %d lacks rule, fingerprint, severity, class or confidence", s.ID, j+1)
			}
		}
		counted.Add(s)
	}
	if err := d.Baseline.check(); err != nil {
		return err
	}
	for hash := range d.Certificates {
		if _, err := parseHash(hash); err != nil {
			return err
		}
	}
	if counted != d.Summary {
		return fmt.Errorf("the summary does not count what is there (%d subjects announced, %d found)",
			d.Summary.Subjects, counted.Subjects)
	}
	return nil
}

// sound says whether a finding has all that a report depends on.
func sound(f *finding.Finding) bool {
	return f.Rule != "" && f.Fingerprint != "" && f.Severity != finding.NoSeverity &&
		slices.Contains(finding.Classes, f.Class) && slices.Contains(finding.Confidences, f.Confidence)
}

// check finds what a comparison cannot say.
func (b *Baseline) check() error {
	if b == nil {
		return nil
	}
	for i, c := range append(slices.Clone(b.Resolved), b.Unchecked...) {
		if !sound(&c.Finding) {
			return fmt.Errorf("baseline: finding %d lacks rule, fingerprint, severity, class or confidence", i+1)
		}
	}
	return nil
}

// fillLists makes nil lists of the document empty.
func (d *Document) fillLists() {
	if d.Subjects == nil {
		d.Subjects = []Subject{}
	}
	for i := range d.Subjects {
		d.Subjects[i].fillLists()
	}
	if d.Warnings == nil {
		d.Warnings = []Warning{}
	}
	d.Baseline = d.Baseline.filled()
}
