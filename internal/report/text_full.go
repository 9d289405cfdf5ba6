package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/finding"
)

// A page is text being laid out.
type page struct {
	strings.Builder
	o     *Options
	width int
}

func newPage(o *Options) *page { return &page{o: o, width: min(o.Width, 100)} }

func (p *page) blank() { p.WriteByte('\n') }

// para writes a paragraph behind an indent and a label; further lines stand
// under the first one's text. The text has been escaped.
func (p *page) para(indent int, label, text string) {
	hang := indent + columns(stripStyle(label))
	for i, line := range wrap(text, max(p.width-hang, 20)) {
		margin := indent
		if i == 0 {
			line = label + line
		} else {
			margin = hang
		}
		p.line(strings.Repeat(" ", margin), line)
	}
}

// line writes one line. Where lines begin is known only here, and "::" there,
// indented or not, is a command to GitHub.
func (p *page) line(margin, text string) {
	if command, ok := strings.CutPrefix(strings.TrimLeft(text, " "), "::"); ok {
		text = `\u{3a}:` + command
	}
	p.WriteString(strings.TrimRight(margin+text, " ") + "\n")
}

// stripStyle takes our own colours out of a label, for measuring.
func stripStyle(s string) string {
	for {
		before, after, ok := strings.Cut(s, "\x1b[")
		if !ok {
			return s
		}
		_, after, _ = strings.Cut(after, "m")
		s = before + after
	}
}

// full explains one subject.
func (t *textWriter) full(j judged) string {
	p, s := newPage(&t.o), j.subject
	target := s.Target
	if target == "" {
		target = s.ID
	}
	if s.Address != "" {
		target += " (" + s.Address + ")"
	}
	p.para(0, t.o.paint(verdictStyle(s.Verdict), verdictWord(s.Verdict))+"  ", outside(target))
	p.para(2, "", inWords(s))
	if where := listed(s); where != "" {
		p.para(2, "", "Listed at "+where+".")
	}
	p.chain(s, j.certs)
	p.paths(s)
	p.connection(s.Handshake)
	p.findings(s, t.o.Rule)
	p.unchecked(s)
	if len(s.Notes) > 0 {
		p.blank()
	}
	for _, note := range firstOf(s.Notes) {
		p.para(2, "note: ", outside(note))
	}
	p.blank()
	return p.String()
}

// connection describes the handshake in one paragraph.
func (p *page) connection(h *Handshake) {
	if h == nil {
		return
	}
	var parts []string
	for _, part := range []struct{ label, value string }{
		{"TLS ", h.Version}, {"", h.Cipher}, {"", h.Group}, {"ALPN ", h.ALPN}} {
		if part.value != "" {
			parts = append(parts, part.label+outside(part.value))
		}
	}
	switch {
	case h.Possession:
		parts = append(parts, "the server proved that it holds the key")
	case len(parts) == 0:
		parts = append(parts, "TLS was not reached")
	default:
		parts = append(parts, "the server did NOT prove that it holds the key")
	}
	if h.OCSPStapled {
		parts = append(parts, "OCSP stapled")
	}
	parts = append(parts, fmt.Sprintf("%d ms", h.ElapsedMS))
	switch {
	case h.Hops == 1:
		parts = append(parts, "1 hop away")
	case h.Hops > 1:
		parts = append(parts, fmt.Sprintf("%d hops away", h.Hops))
	}
	p.blank()
	p.heading("Connection")
	p.para(4, "", strings.Join(parts, ", "))
	if h.Reset != "" {
		p.para(4, "! ", outside(h.Reset))
	}
}

func (p *page) heading(s string) { p.para(2, "", p.o.paint(bold, s)) }

// pressing says whether somebody has to act on a finding now: it speaks against
// the certificate, or the harm is high.
func pressing(f *finding.Finding) bool {
	return f.Class.Accuses() || f.Class == finding.CompromisedKey || f.Severity >= finding.High
}

// findings explains each pressing finding, the gravest first and a rule once,
// and lists the others. All of them are explained where that was asked for.
func (p *page) findings(s *Subject, rule func(string) (Rule, bool)) {
	explained := map[string]bool{}
	var others []finding.Finding
	i := -1
	for _, f := range byGravity(s.Findings) {
		if !p.o.Verbose && !pressing(&f) {
			others = append(others, f)
			continue
		}
		if i++; i == maxItems {
			p.blank()
			p.para(2, "", fmt.Sprintf("… and %s; the JSON report has all of them.", count(len(s.Findings)-i-len(others), "more finding")))
			break
		}
		p.blank()
		severity := strings.ToUpper(f.Severity.String())
		if f.Waiver != nil {
			severity += " (waived)"
		}
		p.para(2, fmt.Sprintf("%d. %s  ", i+1, p.o.paint(severityStyle(f.Severity), severity)), prose(f.Title))
		p.para(5, "", about(s, &f))
		p.para(5, "", sure(f.Confidence))
		if f.Waiver != nil {
			p.para(5, "Waived ", outside(fmt.Sprintf("until %s by %s: %s", f.Waiver.Expires, f.Waiver.Owner, f.Waiver.Reason)))
		}
		if f.Message != "" {
			p.para(5, "> ", outside(f.Message))
		}
		p.details(f.Details)
		if r, ok := rule(f.Rule); ok && !explained[f.Rule] {
			explained[f.Rule] = true
			p.explanation(&r)
		}
	}
	p.noted(others)
}

// noted lists findings in one line each.
func (p *page) noted(findings []finding.Finding) {
	if len(findings) == 0 {
		return
	}
	p.blank()
	p.heading("Also noted (\"certassay rules explain ID\" says more)")
	for i, f := range findings {
		if i == maxItems {
			p.para(4, "", fmt.Sprintf("… and %s", count(len(findings)-i, "more")))
			return
		}
		severity := p.o.paint(severityStyle(f.Severity), f.Severity.String())
		p.para(4, severity+"  ", outside(fmt.Sprintf("%s: %s", f.Rule, cmp.Or(f.Message, f.Title))))
	}
}

// about says which rule and which certificate a finding is of.
func about(s *Subject, f *finding.Finding) string {
	text := fmt.Sprintf("%s, %s", f.Rule, f.Class)
	if i := slices.Index(s.Chain, f.Certificate); i >= 0 {
		text += fmt.Sprintf(", certificate #%d", i)
	} else if f.Certificate != "" {
		text += ", certificate " + f.Certificate
	}
	return outside(text + against(f))
}

// sure is a confidence in words.
func sure(c finding.Confidence) string {
	switch c {
	case finding.Proof:
		return "Proof: these facts prove it."
	case finding.Strong:
		return "Strong: innocent causes are rare."
	case finding.Weak:
		return "Weak: a hint, often harmless by itself."
	}
	return "Confidence: " + outside(string(c))
}

// details prints the named values of a finding.
func (p *page) details(details map[string]any) {
	for i, key := range sortedKeys(details) {
		if i == maxItems {
			p.para(7, "", "…")
			return
		}
		p.para(7, outside(key)+": ", outside(value(details[key])))
	}
}

// value prints a detail: lists with commas, everything else as JSON would, but
// texts without quotes.
func value(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []string:
		return strings.Join(firstOf(v), ", ")
	case []any:
		var parts []string
		for _, e := range firstOf(v) {
			parts = append(parts, value(e))
		}
		return strings.Join(parts, ", ")
	}
	b, err := marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// firstOf bounds a list.
func firstOf[T any](list []T) []T { return list[:min(len(list), maxItems)] }

// explanation says what a rule means and what to do.
func (p *page) explanation(r *Rule) {
	if r.Why != "" {
		p.para(5, "Why it matters: ", prose(r.Why))
	}
	for i, b := range firstOf(r.Benign) {
		label := "It could also be: "
		if i > 0 {
			label = "               or: "
		}
		p.para(5, label, prose(b))
	}
	if r.Remediation != "" {
		p.para(5, "What to do: ", prose(r.Remediation))
	}
	for _, link := range firstOf(r.References) {
		p.para(5, "See ", prose(link))
	}
}

// inPlainWords leaves out the path of the unknown fact where a reason follows it:
// "unknown: chain.anchor_expected: only its owner can say".
func inPlainWords(reason string) string {
	if fact, ok := strings.CutPrefix(reason, "unknown: "); ok {
		if _, why, ok := strings.Cut(fact, ": "); ok {
			return why
		}
	}
	return reason
}

// unchecked says what could not be checked or done, and why. What the verdict
// needs comes first.
func (p *page) unchecked(s *Subject) {
	gaps := slices.Clone(s.Inconclusive)
	slices.SortStableFunc(gaps, func(a, b finding.Gap) int {
		switch {
		case a.Needed == b.Needed:
			return 0
		case a.Needed:
			return -1
		}
		return 1
	})
	if len(gaps) > 0 {
		p.blank()
		p.heading("Could not be checked")
	}
	for i, gap := range gaps {
		if i == maxItems {
			p.para(4, "", fmt.Sprintf("… and %s", count(len(gaps)-i, "more rule")))
			break
		}
		needed := ""
		if gap.Needed {
			needed = "(needed for the verdict) "
		}
		p.para(4, outside(gap.Rule)+": ", needed+outside(inPlainWords(gap.Reason)))
	}
	if len(s.Errors) > 0 {
		p.blank()
		p.heading("Went wrong")
	}
	for _, e := range firstOf(s.Errors) {
		p.para(4, outside(e.Stage)+": ", outside(e.Error))
		if e.Hint != "" {
			p.para(4, "hint: ", outside(e.Hint))
		}
	}
}
