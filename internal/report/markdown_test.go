package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// shapeOf is what a text must not change of a Markdown document: its lines, and
// in each the marks that mean something and are not escaped.
func shapeOf(markdown []byte) (shape []string) {
	ours := strings.NewReplacer("<!-- -->", "", `\\`, "", "\\`", "", `\*`, "", `\_`, "", `\[`, "", `\]`, "", `\<`, "", `\>`, "",
		`\|`, "", `\~`, "", `\&`, "", `\$`, "", `\!`, "", `\#`, "")
	html := regexp.MustCompile(`&[#0-9a-z]+;`)
	code := regexp.MustCompile("`[^`]*`|<code>[^<]*</code>")
	other := regexp.MustCompile("[^`*_\\[\\]<>|~&$!]")
	for line := range strings.Lines(string(markdown)) {
		line = code.ReplaceAllString(line, "`")
		line = html.ReplaceAllString(ours.Replace(line), "")
		if strings.ContainsAny(line, "@#") {
			line = regexp.MustCompile(`(^\s*#+ )|[@#]`).ReplaceAllString(line, "")
		}
		shape = append(shape, other.ReplaceAllString(line, ""))
	}
	return shape
}

func checkMarkdown(t *testing.T, s string) {
	t.Helper()
	want := shapeOf(render(t, "markdown", Options{}, hostile("xx")))
	got := shapeOf(render(t, "markdown", Options{}, hostile("x"+s+"x")))
	if len(got) != len(want) {
		t.Fatalf("%q makes %d lines of %d", s, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q changes the marks of line %d from %q to %q", s, i+1, want[i], got[i])
		}
	}
}

func TestMarkdownHostile(t *testing.T) {
	for _, s := range hostileTexts {
		checkMarkdown(t, s)
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("`|<@#[x](y)")
	f.Add("\\|\\`\n\n# x")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) < 12 { // longer texts are cut, which is another shape
			checkMarkdown(t, s)
		}
	})
}

// Platforms look for mentions and links in text, after Markdown; not in code.
func TestMarkdownPings(t *testing.T) {
	const s = "@org/team owner/repo#1 www.evil.example http://evil.example"
	out := string(render(t, "markdown", Options{}, hostile(s)))
	out = regexp.MustCompile("`[^`\n]*`|<code>.*</code>").ReplaceAllString(out, "")
	for _, bad := range []string{"@org", "#1", "www.evil", "http://evil"} {
		if strings.Contains(out, bad) {
			t.Errorf("%q stands outside of code", bad)
		}
	}
}

func TestMarkdownFits(t *testing.T) {
	for name, d := range map[string]*Document{
		"many": many(400), "long": hostile(strings.Repeat("é<|", 5000)),
	} {
		out := string(render(t, "markdown", Options{}, d))
		if len(out) > maxMarkdown {
			t.Errorf("%s: %d bytes, want at most %d", name, len(out), maxMarkdown)
		}
		if strings.Count(out, "<details>") != strings.Count(out, "</details>") {
			t.Errorf("%s: cut within the details of a subject", name)
		}
	}
	out := string(render(t, "markdown", Options{}, many(400)))
	if !strings.Contains(out, "200 more not in the table") {
		t.Errorf("what does not fit is not counted: …%s", out[len(out)-200:])
	}
	if first := out[strings.Index(out, "| **"):]; !strings.HasPrefix(first, "| **FORGED**") {
		t.Errorf("the gravest are not first: %.60s", first)
	}
}

func TestCodeSpan(t *testing.T) {
	for in, want := range map[string]string{
		"a`b|c": "`a\\u{60}b\\u{7c}c`", "": "(empty)", "  ": "(empty)", `\`: "`\\`", "a\nb": "`a\\u{a}b`",
	} {
		if got := inCode(in); got != want {
			t.Errorf("inCode(%q) = %s, want %s", in, got, want)
		}
	}
	if got, want := inHTMLCode("<b>`"), fmt.Sprintf("<code>&lt;b&gt;%s</code>", `\u{60}`); got != want {
		t.Errorf("inHTMLCode = %s, want %s", got, want)
	}
}
