package report

import (
	"fmt"
	"html"
	"strings"
)

// inCode puts a text from outside into a code span, where Markdown, mentions,
// references to issues and automatic links mean nothing. What would end the span
// or the cell of a table is written like control characters are.
func inCode(s string) string {
	s = codeReplacer.Replace(outside(s))
	if strings.Trim(s, " ") == "" {
		return "(empty)" // an empty span is none
	}
	return "`" + s + "`"
}

var codeReplacer = strings.NewReplacer("`", `\u{60}`, "|", `\u{7c}`)

// inHTMLCode is the same where Markdown is off, as between <summary> and its end.
func inHTMLCode(s string) string {
	return "<code>" + html.EscapeString(codeReplacer.Replace(outside(s))) + "</code>"
}

// inProse makes text of a rule fit to stand in a line of Markdown: punctuation
// that means something is escaped, and an empty comment breaks what platforms
// look for in text: mentions, references to issues, and automatic links.
func inProse(s string) string {
	return proseReplacer.Replace(prose(s))
}

// The word joins of GitHub and GitLab survive every escape, since they are made
// after Markdown has been understood; a comment between ends the word.
var proseReplacer = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`,
	"|", `\|`, "~", `\~`, "&", `\&`, "$", `\$`, "!", `\!`,
	"@", "@<!-- -->", "#", `\#<!-- -->`, "://", ":<!-- -->//", "www.", "www<!-- -->.", "WWW.", "WWW<!-- -->.")

// inLink makes a link of a reference, or shows it where it is not a plain one.
func inLink(link string) string {
	if plainLink(link) {
		return "<" + link + ">"
	}
	return inCode(link)
}

// ruleMarkdown is what a rule means, for Markdown. The title has been escaped.
func ruleMarkdown(r *Rule, title string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n", proseReplacer.Replace(title))
	if r.Summary != "" {
		fmt.Fprintf(&b, "\n%s\n", inProse(r.Summary))
	}
	b.WriteString(ruleMeaning(r))
	return b.String()
}

// ruleMeaning is why a rule matters, what else it could be, and what to do.
func ruleMeaning(r *Rule) string {
	var b strings.Builder
	if r.Why != "" {
		fmt.Fprintf(&b, "\n**Why it matters:** %s\n", inProse(r.Why))
	}
	if len(r.Benign) > 0 {
		b.WriteString("\n**It could also be:**\n\n")
	}
	for _, benign := range firstOf(r.Benign) {
		fmt.Fprintf(&b, "- %s\n", inProse(benign))
	}
	if r.Remediation != "" {
		fmt.Fprintf(&b, "\n**What to do:** %s\n", inProse(r.Remediation))
	}
	if len(r.References) > 0 {
		b.WriteString("\n**See:**\n\n")
	}
	for _, link := range firstOf(r.References) {
		fmt.Fprintf(&b, "- %s\n", inLink(link))
	}
	return b.String()
}
