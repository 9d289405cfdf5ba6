package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/finding"
)

// clock goes on by step each time it is asked.
func clock(step time.Duration) func() time.Time {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time { now = now.Add(step); return now }
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, ProgressOptions{Terminal: true, Total: 100, Width: 200, Now: clock(time.Second)})
	for range 24 {
		p.Done(&Subject{Verdict: finding.OK})
	}
	out.Reset()
	p.Done(&Subject{Verdict: finding.Forged, Findings: make([]finding.Finding, 2)})
	want := "\r25 of 100 (25 %), 1.0/s, 1m15s left, 2 findings, 1 forged or suspicious\x1b[K"
	if got := out.String(); got != want {
		t.Errorf("progress is %q, want %q", got, want)
	}
	out.Reset()
	var results bytes.Buffer
	if _, err := p.Around(&results).Write([]byte("row\n")); err != nil {
		t.Fatal(err)
	}
	p.Finish()
	p.Done(&Subject{})
	p.Finish()
	if got := out.String(); got != "\r\x1b[K" || results.String() != "row\n" {
		t.Errorf("wrote %q around %q, want the line cleared once", got, results.String())
	}
}

func TestProgressWithoutTotal(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, ProgressOptions{Terminal: true, Width: 20, Now: clock(time.Second)})
	p.Done(&Subject{})
	if got, want := out.String(), "\r1 subject, 1.0/s, …\x1b[K"; got != want {
		t.Errorf("progress is %q, want %q: cut to fit, no time left", got, want)
	}
}

func TestProgressDrawsSeldom(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, ProgressOptions{Terminal: true, Now: clock(time.Millisecond)})
	for range 1000 {
		p.Done(&Subject{})
		p.Tick()
	}
	if n := strings.Count(out.String(), "\r"); n > 11 {
		t.Errorf("drawn %d times in two seconds, want at most 11", n)
	}
}

func TestProgressWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, ProgressOptions{Total: 3})
	p.Done(&Subject{})
	p.Tick()
	p.Finish()
	if out.Len() > 0 {
		t.Errorf("wrote %q, want nothing", out.String())
	}
}
