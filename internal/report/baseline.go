package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// Baseline is how the findings of a report compare with those of an earlier one.
// [Diff] of the two reports says the same.
type Baseline struct {
	// At is the time of judgement of the earlier report.
	At time.Time `json:"at"`
	// New counts the findings that the earlier report does not have. Waived ones
	// are not counted, here or below.
	New int `json:"new"`
	// Known counts the findings that it makes known.
	Known int `json:"known"`
	// Standing counts those that it has and does not silence: proofs, and what
	// was waived then.
	Standing int `json:"standing"`
	// Resolved are findings of the earlier report whose every subject was judged
	// again, with the rule decided, and does not have them any more.
	Resolved []Change `json:"resolved"`
	// Unchecked are the others that were not found again: a subject is gone or
	// incomplete, or the rule was not decided.
	Unchecked []Change `json:"unchecked"`
}

// Count adds the findings of one subject.
func (b *Baseline) Count(s *Subject) {
	for i := range s.Findings {
		switch f := &s.Findings[i]; {
		case f.Waiver != nil:
		case f.Status == finding.Known:
			b.Known++
		case f.Standing:
			b.Standing++
		default:
			b.New++
		}
	}
}

// filled gives the comparison with lists where they are expected.
func (b *Baseline) filled() *Baseline {
	if b == nil {
		return nil
	}
	out := *b
	out.At = out.At.UTC()
	for _, list := range []*[]Change{&out.Resolved, &out.Unchecked} {
		*list = append([]Change{}, *list...)
	}
	return &out
}

// Decided says whether a rule had an answer for a subject all of whose evidence
// was there: where it is not among the findings, there is nothing to be found.
func (s *Subject) Decided(rule string) bool {
	return s.Whole() && !slices.ContainsFunc(s.Inconclusive, func(g finding.Gap) bool { return g.Rule == rule })
}

// Whole says whether there was a chain to judge and all evidence about it.
func (s *Subject) Whole() bool { return s.Complete && len(s.Chain) > 0 }

// left says whether rule and severity of a finding are among what the run was
// told to leave out: that it is not in the report says nothing.
func (t *Tool) left(f *finding.Finding) bool {
	return slices.Contains(t.RulesLeftOut, f.Rule) || f.Severity < t.LeastSeverity
}

// sentence counts; empty without a baseline. It needs no escaping.
func (b *Baseline) sentence() string {
	if b == nil {
		return ""
	}
	standing := ""
	if b.Standing > 0 {
		standing = fmt.Sprintf("%d still there that no baseline silences, ", b.Standing)
	}
	return fmt.Sprintf("Against the baseline of %s: %d new, %s%d known, %d resolved, %d not checked again.",
		b.date(), b.New, standing, b.Known, len(b.Resolved), len(b.Unchecked))
}

func (b *Baseline) date() string {
	if b.At.IsZero() {
		return "an unknown day"
	}
	return b.At.UTC().Format("2006-01-02 15:04 UTC")
}

// against says what a baseline says of a finding, behind a comma; empty where that
// is nothing.
func against(f *finding.Finding) string {
	switch {
	case f.Status == finding.Known:
		return ", known from the baseline"
	case f.Standing:
		return ", in the baseline, which does not silence it"
	}
	return ""
}

// line is a change in one line: what was found, and of whom. It is escaped.
func (c *Change) line() string {
	f := &c.Finding
	text := fmt.Sprintf("%s: %s (%s)", f.Severity, prose(f.Title), outside(f.Rule))
	if f.Waiver != nil {
		text += ", waived"
	}
	if len(c.Subjects) == 0 {
		return text
	}
	const named = 3
	ids := make([]string, 0, named)
	for _, id := range c.Subjects[:min(len(c.Subjects), named)] {
		ids = append(ids, outside(id))
	}
	if n := len(c.Subjects) - len(ids); n > 0 {
		ids = append(ids, fmt.Sprintf("%d more", n))
	}
	return text + ": " + strings.Join(ids, ", ")
}

// lines are what became of the findings that are gone, each behind a word; of a
// long list the first. They are escaped.
func (b *Baseline) lines() (out []string) {
	if b == nil {
		return nil
	}
	for _, part := range []struct {
		word string
		list []Change
	}{{"resolved", b.Resolved}, {"not checked again", b.Unchecked}} {
		for i := range firstOf(part.list) {
			out = append(out, part.word+": "+part.list[i].line())
		}
		if n := len(part.list) - maxItems; n > 0 {
			out = append(out, fmt.Sprintf("… and %d more %s", n, part.word))
		}
	}
	return out
}

// subjectOf is as much of a subject as its id tells.
func subjectOf(id string) *Subject {
	s := &Subject{ID: id, Target: id, Kind: evidence.Endpoint}
	switch {
	case id == corpusID:
		s.Kind = evidence.Corpus
	case !strings.Contains(id, "://"):
		s.Kind = evidence.Chain
		s.Target, _, _ = strings.Cut(id, "#")
	}
	return s
}

// baseline tells what a comparison gave: a line of numbers, and what is gone.
func (p *page) baseline(b *Baseline) {
	if b == nil {
		return
	}
	p.para(0, "", b.sentence())
	for _, part := range []struct {
		style style
		word  string
		list  []Change
	}{{green, "RESOLVED", b.Resolved}, {yellow, "NOT CHECKED AGAIN", b.Unchecked}} {
		list := part.list
		if !p.o.Verbose {
			list = firstOf(list)
		}
		for i := range list {
			p.para(2, p.o.paint(part.style, part.word)+"  ", list[i].line())
		}
		if n := len(part.list) - len(list); n > 0 {
			p.para(2, "", fmt.Sprintf("… and %d more", n))
		}
	}
	p.blank()
}
