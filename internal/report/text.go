package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

const (
	// fewSubjects is how many subjects are explained in full without a table.
	fewSubjects = 5
	// maxExplained bounds the explanations after a table, and with it what is
	// kept in memory: the gravest are kept.
	maxExplained = 20
)

// A textWriter writes for people: a few subjects in full, many as a table with
// the explanation of what is not ok behind it.
type textWriter struct {
	out   io.Writer
	o     Options
	table *table // nil until there are many subjects
	// kept are the first subjects as long as they are few, and later those that
	// are explained behind the table.
	kept     []judged
	narrowed string
	omitted  int // subjects that are not ok and are not explained
}

// judged is one subject with its certificates.
type judged struct {
	subject *Subject
	certs   []Certificate
}

func newText(w io.Writer, o Options) *textWriter {
	if o.Width == 0 {
		o.Width = 80
	}
	o.Width = max(o.Width, 40)
	return &textWriter{out: w, o: o}
}

func (t *textWriter) Begin(tool Tool, _ evidence.Run) error {
	t.narrowed = tool.narrowed()
	if t.o.Subjects > fewSubjects && !t.o.Quiet && !t.o.Verbose {
		return t.startTable()
	}
	return nil
}

func (t *textWriter) startTable() error {
	t.table = newTable(&t.o)
	return t.print(t.table.header())
}

func (t *textWriter) Subject(s *Subject, certs []Certificate) error {
	s.fillLists()
	j := judged{s, certs}
	switch {
	case t.o.Quiet && s.Verdict == finding.OK:
		return nil
	case t.o.Quiet:
		return t.print(newTable(&t.o).row(s))
	case t.o.Verbose:
		return t.print(t.full(j))
	case t.table != nil:
		return t.tabulate(j)
	}
	t.kept = append(t.kept, j)
	if len(t.kept) <= fewSubjects {
		return nil
	}
	first := t.kept
	t.kept = nil
	if err := t.startTable(); err != nil {
		return err
	}
	for _, j := range first {
		if err := t.tabulate(j); err != nil {
			return err
		}
	}
	return nil
}

// tabulate prints the row of a subject, and keeps it if it needs explaining.
func (t *textWriter) tabulate(j judged) error {
	if j.subject.Verdict != finding.OK {
		t.keep(j)
	}
	return t.print(t.table.row(j.subject))
}

// keep holds the gravest subjects, the earlier first among equals.
func (t *textWriter) keep(j judged) {
	at := len(t.kept)
	for at > 0 && j.subject.Verdict.Worse(t.kept[at-1].subject.Verdict) {
		at--
	}
	t.kept = slices.Insert(t.kept, at, j)
	if len(t.kept) > maxExplained {
		t.kept = t.kept[:maxExplained]
		t.omitted++
	}
}

func (t *textWriter) End(e Ending) error {
	if t.o.Quiet {
		return nil
	}
	if t.table != nil {
		if err := t.print("\n"); err != nil {
			return err
		}
	}
	for _, j := range t.kept {
		if err := t.print(t.full(j)); err != nil {
			return err
		}
	}
	p := newPage(&t.o)
	if t.omitted > 0 {
		p.para(0, "", fmt.Sprintf("%d more that are not ok are in the table only; -v explains all of them.", t.omitted))
		p.blank()
	}
	p.baseline(e.Baseline)
	for _, w := range e.Warnings {
		p.para(0, "warning: ", outside(w.Message))
		if w.Hint != "" {
			p.para(0, "hint: ", outside(w.Hint))
		}
	}
	if t.narrowed != "" {
		p.para(0, t.o.paint(yellow, "NARROWED")+": ", t.narrowed)
	}
	if !e.Run.Complete {
		p.para(0, t.o.paint(yellow, "INCOMPLETE")+": ", "the run was interrupted, or something could not be collected or checked.")
	}
	p.para(0, "", totals(&e.Summary))
	return t.print(p.String())
}

func (t *textWriter) print(s string) error {
	_, err := io.WriteString(t.out, s)
	return err
}

// totals is the last line: everything that is not zero.
func totals(s *Summary) string {
	if s.Subjects == 0 {
		return "Nothing was judged."
	}
	var verdicts, findings []string
	for _, v := range finding.Verdicts {
		if n := s.Verdicts.Of(v); n > 0 {
			verdicts = append(verdicts, fmt.Sprintf("%d %s", n, v))
		}
	}
	for _, sev := range finding.Severities {
		if n := s.Findings.Of(sev); n > 0 {
			findings = append(findings, fmt.Sprintf("%d %s", n, sev))
		}
	}
	if s.Waived > 0 {
		findings = append(findings, fmt.Sprintf("%d waived", s.Waived))
	}
	if findings == nil {
		findings = []string{"none"}
	}
	return fmt.Sprintf("%s: %s. Findings: %s.", count(s.Subjects, "subject"),
		strings.Join(verdicts, ", "), strings.Join(findings, ", "))
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// byGravity orders findings for people: what counts first, waived ones last. Where
// the verdict speaks against the certificate that is what it rests on, before any
// fault of policy however grave: who reads only the first must read the reason.
func byGravity(findings []finding.Finding) []finding.Finding {
	verdict := finding.Judge(findings, nil, true)
	accused := verdict == finding.Forged || verdict == finding.Suspicious
	aside := func(f finding.Finding) int {
		if accused && !f.Class.Accuses() && f.Class != finding.CompromisedKey {
			return 1
		}
		return 0
	}
	waived := func(f finding.Finding) int {
		if f.Waiver != nil {
			return 1
		}
		return 0
	}
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b finding.Finding) int {
		return cmp.Or(
			cmp.Compare(waived(a), waived(b)),
			cmp.Compare(aside(a), aside(b)),
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(slices.Index(finding.Confidences, a.Confidence), slices.Index(finding.Confidences, b.Confidence)))
	})
	return sorted
}
