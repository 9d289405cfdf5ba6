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
	// maxMarkdown is how long a Markdown report can be, in bytes: GitHub takes
	// comments of 65 536 characters, and drops longer ones whole.
	maxMarkdown = 65_000
	// maxMarkdownRows bounds the table, and with it what is kept in memory.
	maxMarkdownRows = 100
	// maxMarkdownRow bounds one row: long names must not push the rest out.
	maxMarkdownRow = 400
)

// A markdownWriter writes one comment for a pull request: counts, a table of what
// is not ok, the gravest first, and behind it what was found of each, folded. It
// is never longer than maxMarkdown; what does not fit is counted.
type markdownWriter struct {
	out  io.Writer
	o    Options
	kept []entry
	// omitted counts the subjects that are not ok and are not kept.
	omitted int
	// narrowed says what was not looked for, or is not shown.
	narrowed string
}

// entry is one subject as it will be written.
type entry struct {
	verdict finding.Verdict
	// group is whose it is, as a cell of the table, or empty.
	group        string
	row, details string
}

// groupCell names the group of a subject, and who owns it.
func groupCell(s *Subject) string {
	text := outside(s.Group)
	if s.Owner != "" {
		text = strings.TrimSpace(text + " (" + outside(s.Owner) + ")")
	}
	if text == "" {
		return ""
	}
	return inCode(clip(text, 60))
}

func (w *markdownWriter) Begin(tool Tool, _ evidence.Run) error {
	w.narrowed = tool.narrowed()
	return nil
}

func (w *markdownWriter) Subject(s *Subject, certs []Certificate) error {
	s.fillLists()
	if s.Verdict == finding.OK && !slices.ContainsFunc(s.Findings, func(f finding.Finding) bool { return f.Waiver == nil && pressing(&f) }) {
		return nil
	}
	at := len(w.kept)
	for at > 0 && s.Verdict.Worse(w.kept[at-1].verdict) {
		at--
	}
	if at == maxMarkdownRows {
		w.omitted++
		return nil
	}
	w.kept = slices.Insert(w.kept, at, entry{s.Verdict, groupCell(s), markdownRow(s), w.details(s, certs)})
	if len(w.kept) > maxMarkdownRows {
		w.kept = w.kept[:maxMarkdownRows]
		w.omitted++
	}
	return nil
}

// markdownRow is a subject in the table.
func markdownRow(s *Subject) string {
	why := ""
	if sorted := byGravity(s.Findings); len(sorted) > 0 && sorted[0].Waiver == nil {
		f := &sorted[0]
		why = fmt.Sprintf("%s: %s", f.Severity, inProse(cmp.Or(f.Title, f.Rule)))
		if n := len(sorted) - 1; n > 0 {
			why += fmt.Sprintf(" (+%d)", n)
		}
	} else if text := reason(s); text != "" {
		why = inCode(clip(text, maxMarkdownRow/2))
	}
	if len(why) > maxMarkdownRow {
		why = "see below"
	}
	return fmt.Sprintf("| **%s** | %s | %s | %s |\n", verdictWord(s.Verdict),
		inCode(clip(subjectName(s), 80)), inCode(clip(outside(s.Anchor), 20)), why)
}

// details is all that was found of a subject, folded.
func (w *markdownWriter) details(s *Subject, certs []Certificate) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<details>\n<summary><b>%s</b> %s</summary>\n\n%s\n", verdictWord(s.Verdict), inHTMLCode(subjectName(s)), inWords(s))
	if where := listed(s); where != "" {
		fmt.Fprintf(&b, "\nListed at %s\n", inCode(clip(where, maxMarkdownRow)))
	}
	b.WriteString(markdownChain(s, certs))
	explained := map[string]bool{}
	for i, f := range byGravity(s.Findings) {
		if i == maxItems {
			fmt.Fprintf(&b, "\n… and %s.\n", count(len(s.Findings)-i, "more finding"))
			break
		}
		b.WriteString(markdownFinding(s, &f))
		if r, ok := w.o.Rule(f.Rule); ok && pressing(&f) && !explained[f.Rule] {
			explained[f.Rule] = true
			b.WriteString(ruleMeaning(&r))
		}
	}
	b.WriteString(markdownUnchecked(s))
	for _, note := range firstOf(s.Notes) {
		fmt.Fprintf(&b, "\nNote: %s\n", inCode(clip(outside(note), maxMarkdownRow)))
	}
	b.WriteString("\n</details>\n\n")
	return b.String()
}

// markdownChain lists the certificates in the order served.
func markdownChain(s *Subject, certs []Certificate) string {
	if len(s.Chain) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n| | Certificate | Key | Valid | Signed by |\n| --- | --- | --- | --- | --- |\n")
	byHash := byHash(certs)
	for i, l := range links(s) {
		if i == maxChain {
			fmt.Fprintf(&b, "| | … and %s | | | |\n", count(len(s.Chain)-i, "more"))
			break
		}
		c := byHash[l.Certificate]
		fmt.Fprintf(&b, "| `#%d` | %s | %s | %s | %s |\n", i, inCode(cmp.Or(c.Subject, "(no subject)")), inCode(c.Key),
			inCode(day(c.NotBefore)+" to "+day(c.NotAfter)), inCode(signedBy(&l)))
	}
	fmt.Fprintf(&b, "\nAnchor: %s\n", inCode(strings.Join(append([]string{s.Anchor}, firstOf(s.Programs)...), ", ")))
	return b.String()
}

// byHash finds certificates; one that is missing is empty.
func byHash(certs []Certificate) map[string]Certificate {
	m := map[string]Certificate{}
	for _, c := range certs {
		m[c.Hash] = c
	}
	return m
}

// signedBy says in a few words who signed a certificate.
func signedBy(l *Link) string {
	switch {
	case l.SignedBy != nil && *l.SignedBy == l.Index:
		return "itself"
	case l.SignedBy != nil:
		return fmt.Sprintf("#%d", *l.SignedBy)
	case l.SignedByRoot != "":
		return "known root " + l.SignedByRoot
	case l.NamesIssuer != nil:
		return fmt.Sprintf("NOT #%d, which it names", *l.NamesIssuer)
	}
	return "unknown"
}

func markdownFinding(s *Subject, f *finding.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n#### %s: %s\n\n", strings.ToUpper(f.Severity.String()), inProse(cmp.Or(f.Title, f.Rule)))
	fmt.Fprintf(&b, "%s %s\n", inCode(about(s, f)), sure(f.Confidence))
	if v := f.Waiver; v != nil {
		fmt.Fprintf(&b, "\n**Waived** until %s by %s: %s\n", inCode(v.Expires), inCode(v.Owner), inCode(v.Reason))
	}
	if f.Message != "" {
		fmt.Fprintf(&b, "\n> %s\n", inCode(f.Message))
	}
	for i, key := range sortedKeys(f.Details) {
		if i == 0 {
			b.WriteString("\n")
		}
		if i == maxItems {
			break
		}
		fmt.Fprintf(&b, "- %s: %s\n", inCode(key), inCode(value(f.Details[key])))
	}
	return b.String()
}

// markdownUnchecked is what the verdict needs and could not be had.
func markdownUnchecked(s *Subject) string {
	var b strings.Builder
	for _, g := range s.Inconclusive {
		if g.Needed && b.Len() < 4*maxText {
			fmt.Fprintf(&b, "\n**Could not be checked:** %s %s\n", inCode(g.Rule), inCode(inPlainWords(g.Reason)))
		}
	}
	for _, e := range firstOf(s.Errors) {
		fmt.Fprintf(&b, "\n**Went wrong:** %s %s\n", inCode(e.Stage), inCode(e.Error))
		if e.Hint != "" {
			fmt.Fprintf(&b, "Hint: %s\n", inCode(e.Hint))
		}
	}
	return b.String()
}

func (w *markdownWriter) End(e Ending) error {
	var b strings.Builder
	b.WriteString("### certassay: " + headline(&e.Summary) + "\n\n" + inProse(totals(&e.Summary)) + "\n\n")
	if !e.Run.Complete {
		b.WriteString("**Incomplete:** the run was interrupted, or something could not be collected or checked.\n\n")
	}
	if w.narrowed != "" {
		b.WriteString("**Narrowed:** " + inProse(w.narrowed) + "\n\n")
	}
	for i, warning := range e.Warnings {
		if i == maxItems {
			fmt.Fprintf(&b, "… and %s.\n\n", count(len(e.Warnings)-i, "more warning"))
			break
		}
		fmt.Fprintf(&b, "**Warning:** %s\n\n", inCode(clip(outside(strings.TrimSpace(warning.Message+" "+warning.Hint)), maxMarkdownRow)))
	}
	b.WriteString(markdownBaseline(e.Baseline))
	grouped := slices.ContainsFunc(w.kept, func(e entry) bool { return e.group != "" })
	switch {
	case grouped:
		b.WriteString("| Group | Verdict | Target | Anchor | Worst finding |\n| --- | --- | --- | --- | --- |\n")
	case len(w.kept) > 0:
		b.WriteString("| Verdict | Target | Anchor | Worst finding |\n| --- | --- | --- | --- |\n")
	}
	for _, e := range w.kept {
		if grouped {
			b.WriteString("| " + e.group + " ")
		}
		b.WriteString(e.row)
	}
	b.WriteString("\n")
	const room = 300 // for the note
	folded := 0
	for _, e := range w.kept {
		if b.Len()+len(e.details) > maxMarkdown-room {
			break
		}
		b.WriteString(e.details)
		folded++
	}
	if cut := len(w.kept) - folded; cut > 0 || w.omitted > 0 {
		fmt.Fprintf(&b, "_Cut to fit a comment: %d more without details, %d more not in the table. The JSON report has all._\n", cut, w.omitted)
	}
	_, err := io.WriteString(w.out, b.String())
	return err
}

// markdownBaseline is what became of the findings of an earlier report.
func markdownBaseline(baseline *Baseline) string {
	var b strings.Builder
	lines := baseline.lines()
	if baseline == nil {
		return ""
	}
	if len(lines) == 0 {
		return baseline.sentence() + "\n\n"
	}
	fmt.Fprintf(&b, "<details>\n<summary>%s</summary>\n\n", baseline.sentence())
	for _, line := range lines {
		fmt.Fprintf(&b, "- %s\n", inCode(clip(line, maxMarkdownRow)))
	}
	b.WriteString("\n</details>\n\n")
	return b.String()
}

// headline is the one thing to know.
func headline(s *Summary) string {
	for _, v := range finding.Verdicts {
		if n := s.Verdicts.Of(v); n > 0 && v != finding.OK {
			return fmt.Sprintf("%d of %s %s", n, count(s.Subjects, "subject"), v)
		}
	}
	if s.Subjects == 0 {
		return "nothing was judged"
	}
	head := count(s.Subjects, "subject") + " ok"
	if s.Subjects > 1 {
		head = "all " + head
	}
	if grave := gravest(&s.Findings); grave != "" {
		head += ", with " + grave
	}
	return head
}
