package cli

import (
	"bufio"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/certassay/certassay/internal/cli/bundle"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/report"
)

// open reads what a source is: a bundle, which is verified and read later, or a
// report.
func (s *source) open() error {
	b, err := bundle.Open(s.File, bufio.NewReader(strings.NewReader("")))
	if err != nil {
		return err
	}
	if b != nil {
		run := b.Reader.Run()
		s.Kind, s.bundle, s.Started, s.at = "bundle", b, run.Started, run.At
		return nil
	}
	f, err := os.Open(s.File)
	if err != nil {
		return fmt.Errorf("reading what to compare: %w", err)
	}
	defer f.Close()
	if err := s.read(f); err != nil {
		return fmt.Errorf("reading %s: %w", s.File, err)
	}
	return nil
}

// read takes the subjects of a report as evidence.
func (s *source) read(r io.Reader) error {
	doc, err := report.Read(r)
	if err != nil {
		return err
	}
	s.Kind, s.Started, s.at = "report", doc.Run.Started.UTC(), doc.Run.At.UTC()
	s.subjects, err = observed(doc)
	return err
}

var errOtherBytes = errors.New("a certificate of the report is not what its hash says")

// observed gives the endpoints of a report as evidence: the certificates, byte for
// byte, and where, when and from where they were seen. What the handshakes told
// besides is not in a report.
func observed(doc *report.Document) (out []*evidence.Subject, err error) {
	for i := range doc.Subjects {
		r := &doc.Subjects[i]
		if r.Kind != evidence.Endpoint {
			continue
		}
		e := &evidence.Subject{
			ID: r.ID, Kind: r.Kind, Target: r.Target, Name: r.Name, Protocol: r.Protocol, Address: r.Address,
			Vantage: r.Vantage, Seen: r.Seen.UTC(), Failures: r.Errors,
		}
		if e.Vantage == "" { // of an earlier version
			e.Vantage = "direct"
			if _, via, ok := strings.Cut(r.ID, "?via="); ok {
				e.Vantage = via
			}
		}
		if e.Seen.IsZero() {
			e.Seen = doc.Run.Started.UTC()
		}
		for _, hash := range r.Chain {
			block, _ := pem.Decode([]byte(doc.Certificates[hash].PEM))
			if block == nil || evidence.Hash(sha256.Sum256(block.Bytes)) != hash {
				return nil, fmt.Errorf("%w: %.80q", errOtherBytes, hash)
			}
			e.Certificates = append(e.Certificates, block.Bytes)
		}
		out = append(out, e)
	}
	return out, nil
}

// subjectsOf yields the endpoints of all sources, each with the label of its
// source in its vantage and ID.
func subjectsOf(sources []*source, failure *error) iter.Seq[*evidence.Subject] {
	return func(yield func(*evidence.Subject) bool) {
		for _, s := range sources {
			for e, err := range s.all() {
				if err != nil {
					*failure = err
					return
				}
				if e.Kind != evidence.Endpoint {
					s.Other++
					continue
				}
				if len(e.Certificates) == 0 {
					s.Other++
				} else {
					s.Services++
				}
				if !yield(s.relabel(e)) {
					return
				}
			}
		}
	}
}

func (s *source) all() iter.Seq2[*evidence.Subject, error] {
	if s.bundle != nil {
		return s.bundle.Reader.Subjects()
	}
	return func(yield func(*evidence.Subject, error) bool) {
		for _, e := range s.subjects {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// relabel says in a copy of a subject where it comes from: "direct" of two bundles
// is two places.
func (s *source) relabel(e *evidence.Subject) *evidence.Subject {
	out := *e
	out.ID += "?from=" + s.Label
	switch e.Vantage {
	case "", "direct":
		out.Vantage = s.Label
	default:
		out.Vantage = s.Label + " via " + e.Vantage
	}
	return &out
}
