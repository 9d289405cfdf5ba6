package report

import (
	"bytes"
	"fmt"
	"io"

	"github.com/certassay/certassay/internal/finding"
)

// maxSARIFResults is how many results GitHub takes in one run; it refuses an
// upload with more, and so the rest would be lost with them. Of those it takes it
// shows the 5000 gravest.
const maxSARIFResults = 25_000

// sarifResults are results in the order they came, of which End writes no more
// than the limit: the gravest, and the earlier ones among equals.
type sarifResults struct {
	lines spool
	ranks []finding.Severity // of each line; none for what is resolved
	limit int
}

func (r *sarifResults) add(rank finding.Severity, v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	r.ranks = append(r.ranks, rank)
	_, err = r.lines.Write(append(line, '\n'))
	return err
}

// keep says which results are within the limit.
func (r *sarifResults) keep() (keep []bool, left int) {
	var counts, room [finding.Critical + 1]int
	for _, rank := range r.ranks {
		counts[rank]++
	}
	left = r.limit
	for rank := finding.Critical; ; rank-- {
		room[rank] = min(left, counts[rank])
		left -= room[rank]
		if rank == finding.NoSeverity {
			break
		}
	}
	keep = make([]bool, len(r.ranks))
	for i, rank := range r.ranks {
		keep[i] = room[rank] > 0
		room[rank]--
	}
	return keep, max(0, len(r.ranks)-r.limit)
}

// copyTo writes what is within the limit as elements of a list.
func (r *sarifResults) copyTo(w io.Writer) error {
	keep, _ := r.keep()
	return r.lines.copyTo(&elements{out: w, keep: keep})
}

// elements turns lines into elements of a JSON list, those that are to be kept.
type elements struct {
	out     io.Writer
	keep    []bool
	at      int // line
	inLine  bool
	written bool
}

func (e *elements) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part, next := rest, []byte(nil)
		end := bytes.IndexByte(rest, '\n')
		if end >= 0 {
			part, next = rest[:end], rest[end+1:]
		}
		if e.at < len(e.keep) && e.keep[e.at] {
			if err := e.write(part); err != nil {
				return 0, err
			}
		}
		e.inLine = end < 0
		if end >= 0 {
			e.at++
		}
		rest = next
	}
	return len(p), nil
}

// write writes a part of one line.
func (e *elements) write(part []byte) error {
	start := ""
	if !e.inLine {
		start = ",\n  "
		if !e.written {
			start = "\n  "
		}
		e.written = true
	}
	_, err := fmt.Fprintf(e.out, "%s%s", start, part)
	return err
}
