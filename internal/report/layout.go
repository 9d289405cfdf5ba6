package report

import (
	"maps"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/certassay/certassay/internal/finding"
)

// A style is an ANSI sequence that a terminal may be given. What a style
// conveys is always in words as well.
type style string

const (
	plain  style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "1;31"
	yellow style = "33"
	green  style = "32"
	cyan   style = "36"
)

// paint puts s in a style, if colours are wanted.
func (o *Options) paint(st style, s string) string {
	if !o.Color || st == plain || s == "" {
		return s
	}
	return "\x1b[" + string(st) + "m" + s + "\x1b[0m"
}

func verdictStyle(v finding.Verdict) style {
	switch v {
	case finding.Forged:
		return red
	case finding.Suspicious:
		return yellow
	case finding.OK:
		return green
	}
	return cyan
}

func severityStyle(s finding.Severity) style {
	switch {
	case s >= finding.High:
		return red
	case s == finding.Medium:
		return yellow
	}
	return plain
}

// columns is how many columns a terminal gives to s, which has been escaped.
func columns(s string) int {
	for i := range len(s) {
		if s[i] >= 0x7f {
			return uniseg.StringWidth(s)
		}
	}
	return len(s)
}

// fit makes s exactly n columns wide: it pads with spaces, or cuts and says so.
func fit(s string, n int) string {
	s = clip(s, n)
	return s + strings.Repeat(" ", n-columns(s))
}

// clip cuts s to at most n columns; the last one is … where something is lost.
func clip(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	head, _ := split(s, n-1)
	return head + "…"
}

// split cuts s after at most n columns, between characters as people see them.
func split(s string, n int) (head, tail string) {
	width, state := 0, -1
	for rest := s; rest != ""; {
		_, next, w, newState := uniseg.FirstGraphemeClusterInString(rest, state)
		if width+w > n {
			cut := len(s) - len(rest)
			return s[:cut], rest
		}
		width, rest, state = width+w, next, newState
	}
	return s, ""
}

// wrap breaks s at spaces into lines of at most n columns. A word that is longer
// is cut, but not a link or a hash, which have to stay in one piece to be of use.
func wrap(s string, n int) (lines []string) {
	line := ""
	for word := range strings.SplitSeq(s, " ") {
		if line != "" && columns(line)+1+columns(word) <= n {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for columns(word) > n && !strings.HasPrefix(word, "https://") && !strings.HasPrefix(word, "sha256:") {
			head, tail := split(word, n)
			if head == "" {
				break // one character is wider than the line
			}
			lines = append(lines, head)
			word = tail
		}
		line = word
	}
	return append(lines, line)
}

// Limits of text, with the attack each one stops. What is cut is in the JSON
// report.
const (
	// maxText bounds one text from outside: a certificate with a megabyte of
	// common name would push everything else off the screen.
	maxText = 1000
	// maxItems bounds a list from outside.
	maxItems = 20
	// maxChain bounds the certificates drawn: a server can send a hundred.
	maxChain = 12
)

// outside makes a text that may come from outside fit to print, also in the log
// of a CI job: "##[", "##vso[" and "##teamcity[" give commands anywhere in a line.
func outside(s string) string {
	if len(s) > 4*maxText {
		s = strings.ToValidUTF8(s[:4*maxText], "") + "…"
	}
	return strings.ReplaceAll(clip(Escape(s), maxText), "##", `#\u{23}`)
}

// prose makes text of a rule fit to print: its line ends mean nothing.
func prose(s string) string { return outside(strings.Join(strings.Fields(s), " ")) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
