package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/certassay/certassay/internal/finding"
)

// A table prints rows as they come: its columns are fixed by the width of the
// terminal, not by the contents.
type table struct {
	o      *Options
	widths [5]int // verdict, target, address, anchor, reason
}

func newTable(o *Options) *table {
	const verdict, anchor, gaps = 12, 9, 4
	rest := max(o.Width-verdict-anchor-gaps, 30)
	target, address := rest*3/10, min(rest*25/100, 21)
	return &table{o, [5]int{verdict, target, address, anchor, rest - target - address}}
}

func (t *table) header() string {
	return t.line(bold, "VERDICT", "TARGET", "ADDRESS", "ANCHOR", "WORST FINDING")
}

func (t *table) row(s *Subject) string {
	target := s.Target
	if target == "" {
		target = s.ID
	}
	return t.line(verdictStyle(s.Verdict), verdictWord(s.Verdict),
		outside(target), outside(s.Address), outside(s.Anchor), reason(s))
}

// maxIdentity and minReason bound what a row gives up for its target and address.
const maxIdentity, minReason = 256, 12

// line sets five cells; the style is that of the first. Target and address are not
// cut where they are longer than their columns, for nobody could tell which row is
// whose: the reason gives way, and then the edge of the screen.
func (t *table) line(first style, cells ...string) string {
	var b strings.Builder
	over := 0
	for i, cell := range cells {
		switch i {
		case 1, 2:
			cell = clip(cell, maxIdentity)
			over += max(columns(cell)-t.widths[i], 0)
			cell = fit(cell, max(columns(cell), t.widths[i]))
		case len(cells) - 1:
			cell = strings.TrimRight(fit(cell, max(t.widths[i]-over, minReason)), " ")
		default:
			cell = fit(cell, t.widths[i])
		}
		if i == 0 {
			cell = t.o.paint(first, cell)
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(cell)
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

// reason says in a few words why a subject has its verdict.
func reason(s *Subject) string {
	if text := worst(s); text != "" {
		if n := len(s.Findings) - 1; n > 0 {
			return fmt.Sprintf("(+%d) %s", n, text)
		}
		return text
	}
	return unsettled(s)
}

// worst is the gravest finding in a few words, and nothing where all are waived.
func worst(s *Subject) string {
	if len(s.Findings) == 0 {
		return ""
	}
	f := byGravity(s.Findings)[0]
	if f.Waiver != nil {
		return ""
	}
	return fmt.Sprintf("%s: %s", f.Severity, prose(cmp.Or(f.Title, f.Rule)))
}

// unsettled says in a few words why a subject without findings is not ok.
func unsettled(s *Subject) string {
	if s.Verdict == finding.OK {
		return ""
	}
	if len(s.Errors) > 0 {
		return outside(s.Errors[0].Stage + ": " + s.Errors[0].Error)
	}
	for _, gap := range s.Inconclusive {
		if gap.Needed {
			return outside(gap.Rule + ": " + inPlainWords(gap.Reason))
		}
	}
	return ""
}

// verdictWord is the verdict as text prints it.
func verdictWord(v finding.Verdict) string {
	if v == "" {
		return "NO VERDICT"
	}
	return strings.ToUpper(outside(string(v)))
}
