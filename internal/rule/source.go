package rule

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// An Error is one thing wrong in one rule file. Its text is several lines: where
// and what, the source line with a caret, and a hint where there is one.
type Error struct {
	Path      string // as the reader would open it
	Line, Col int    // from 1; 0 where the file as a whole is meant
	Msg       string
	Hint      string // what to do about it; may be empty
	Source    string // the line, made safe to print; may be empty
}

// Error gives the whole report, without a final line break.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Col)
	}
	b.WriteString(": " + e.Msg)
	if e.Source != "" {
		before, line := window(e.Source, e.Col)
		fmt.Fprintf(&b, "\n    %s\n    %s^", line, strings.Repeat(" ", before))
	}
	if e.Hint != "" {
		b.WriteString("\n    hint: " + e.Hint)
	}
	return b.String()
}

// maxShown is how many characters of a source line an error shows: a one-line
// file of 64 KiB must not flood the terminal.
const maxShown = 110

// window cuts line to what fits around column col and gives the number of
// characters before the caret.
func window(line string, col int) (int, string) {
	r := []rune(line)
	at := min(max(col-1, 0), len(r))
	from := 0
	if at > maxShown*2/3 {
		from = at - maxShown/2
	}
	to := min(from+maxShown, len(r))
	return at - from, string(r[from:to])
}

// printable replaces what could steer a terminal: rule packs come from others.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c:
			return '\ufffd'
		}
		return r
	}, s)
}

// A source is one rule file while it is checked. It collects what is wrong.
type source struct {
	path  string
	lines []string
	nodes map[string]*yaml.Node // values by key path: "when", "show.bad", "tests[0].want"
	keys  map[string]*yaml.Node // the keys themselves
	sound map[string]bool       // keys that are there and were decoded without fault
	errs  []*Error
}

func newSource(path string, data []byte) *source {
	return &source{
		path:  path,
		lines: strings.Split(string(data), "\n"),
		nodes: map[string]*yaml.Node{},
		keys:  map[string]*yaml.Node{},
		sound: map[string]bool{},
	}
}

// at reports an error at a position; line 0 means the file as a whole.
func (s *source) at(line, col int, hint, format string, args ...any) {
	e := &Error{Path: s.path, Line: line, Col: max(col, 1), Msg: printable(fmt.Sprintf(format, args...)), Hint: printable(hint)}
	if line > 0 && line <= len(s.lines) {
		e.Source = strings.TrimRight(printable(strings.TrimRight(s.lines[line-1], "\r")), " ")
	}
	s.errs = append(s.errs, e)
}

// node reports an error at a YAML node.
func (s *source) node(n *yaml.Node, hint, format string, args ...any) {
	s.at(n.Line, n.Column, hint, format, args...)
}

// key reports an error at the value of a key, or at the top of the file where
// the key is missing.
func (s *source) key(path, hint, format string, args ...any) {
	if n := s.nodes[path]; n != nil {
		s.node(n, hint, format, args...)
		return
	}
	s.at(1, 1, hint, format, args...)
}
