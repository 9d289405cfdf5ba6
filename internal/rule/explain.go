package rule

import (
	"fmt"
	"slices"
	"strings"
)

// textWidth is where explanations wrap.
const textWidth = 80

// Explain gives the whole of a rule as text for somebody who was woken by it:
// what it means first, how it works last. Lines end in \n.
func Explain(r *Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", r.ID, wrap(r.Title, ""))
	fmt.Fprintf(&b, "  %s, severity %s, confidence %s\n", r.Class, r.Severity, r.Confidence)
	switch r.Status {
	case Experimental:
		b.WriteString("  experimental: runs only when asked for\n")
	case Deprecated:
		b.WriteString("  deprecated: never runs\n")
	}
	section(&b, "What it looks at", wrap(r.Summary, "  "))
	section(&b, "Why it matters", wrap(r.Why, "  "))
	section(&b, "What else could explain it", bullets(r.Benign))
	section(&b, "What to do", wrap(r.Remediation, "  "))
	section(&b, "Sources", bullets(r.References))
	section(&b, "How it decides", condition(r))
	section(&b, "Facts it needs", bullets(r.Reads()))
	fmt.Fprintf(&b, "\nversion %d, since %s, %s scope, %s\n", r.Version, r.Since, r.scope, r.Path)
	if len(r.Aliases) > 0 {
		fmt.Fprintf(&b, "formerly %s\n", strings.Join(r.Aliases, ", "))
	}
	if len(r.Tags) > 0 {
		fmt.Fprintf(&b, "tags: %s\n", strings.Join(r.Tags, ", "))
	}
	return b.String()
}

func section(b *strings.Builder, title, body string) {
	fmt.Fprintf(b, "\n%s\n%s\n", title, body)
}

func condition(r *Rule) string {
	out := indent(r.When)
	if r.Applies != "" {
		out = "  only where\n" + indent(r.Applies) + "\n  a finding where\n" + out
	}
	return out
}

// indent keeps an expression as it was written.
func indent(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") }

func bullets(items []string) string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = "  - " + strings.TrimLeft(wrap(item, "    "), " ")
	}
	return strings.Join(out, "\n")
}

// wrap breaks text at spaces. Words longer than a line, such as links, stay
// whole.
func wrap(text, prefix string) string {
	var lines []string
	for para := range strings.SplitSeq(text, "\n") {
		line := prefix
		for _, word := range strings.Fields(para) {
			switch {
			case line == prefix:
				line += word
			case len(line)+1+len(word) > textWidth:
				lines = append(lines, line)
				line = prefix + word
			default:
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Index gives a page in Markdown about every rule that was loaded: a table by
// family, and the full text of each.
func Index(s *Set) string {
	var b strings.Builder
	b.WriteString("# Rules\n\nGenerated from the rule files by `go generate ./rules`; do not edit.\n")
	fmt.Fprintf(&b, "\n%d rules. A finding of class forgery, interception or misissuance with confidence proof makes a subject\n"+
		"*forged*; with strong, or a compromised key with proof, *suspicious*; as do two weak ones of different families.\n", len(s.all))
	for _, family := range Families {
		i := slices.IndexFunc(s.all, func(r *Rule) bool { return r.Family() == family })
		if i < 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| Rule | What it finds | Class | Severity | Confidence | Status |\n| --- | --- | --- | --- | --- | --- |\n", family)
		for _, r := range s.all {
			if r.Family() == family {
				fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s | %s |\n", r.ID, r.ID, cell(r.Title), r.Class, r.Severity, r.Confidence, r.Status)
			}
		}
	}
	b.WriteString("\n# In full\n")
	for _, r := range s.all {
		indexRule(&b, r)
	}
	return b.String()
}

func indexRule(b *strings.Builder, r *Rule) {
	fmt.Fprintf(b, "\n### %s\n\n**%s** (%s, %s, %s)\n\n", r.ID, inline(r.Title), r.Class, r.Severity, r.Confidence)
	fmt.Fprintf(b, "%s\n\n*Why it matters.* %s\n\n*What else could explain it.*\n\n", inline(r.Summary), inline(r.Why))
	for _, x := range r.Benign {
		fmt.Fprintf(b, "- %s\n", inline(x))
	}
	fmt.Fprintf(b, "\n*What to do.* %s\n\n*How it decides* (%s scope):\n\n```cel\n", inline(r.Remediation), r.scope)
	if r.Applies != "" {
		fmt.Fprintf(b, "// only where\n%s\n// a finding where\n", r.Applies)
	}
	fmt.Fprintf(b, "%s\n```\n\nSources: ", r.When)
	for i, ref := range r.References {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "<%s>", ref)
	}
	b.WriteString("\n")
}

var (
	inlineEscaper = strings.NewReplacer("<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "\n", " ")
	cellEscaper   = strings.NewReplacer("|", `\|`)
)

// inline makes prose safe inside Markdown, and cell inside a table.
func inline(s string) string { return inlineEscaper.Replace(s) }
func cell(s string) string   { return cellEscaper.Replace(inline(s)) }
