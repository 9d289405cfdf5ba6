package rule

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// inside gives the position in the file of the character at offset (in runes)
// of a scalar's value, as well as it can be found: it walks value and source
// side by side and stops where they part.
func (s *source) inside(n *yaml.Node, offset int) (line, col int) {
	w := walker{lines: s.lines, line: n.Line - 1, col: n.Column - 1}
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.FoldedStyle, yaml.LiteralStyle:
		w.line, w.col = w.line+1, 0
		w.skipSpace()
		w.block, w.indent = true, w.col
	case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		w.col++
	}
	for i, r := range []rune(n.Value) {
		if i == offset || !w.advance(r, n.Style) {
			break
		}
	}
	return w.line + 1, w.col + 1
}

// A walker follows a scalar's value through the lines it was written on.
type walker struct {
	lines     []string
	line, col int    // from 0, col in runes
	runes     []rune // the line
	read      int    // which line runes is, from 1
	block     bool
	indent    int // of a block scalar: what is not part of the value
}

func (w *walker) peek() (rune, bool) {
	if w.line >= len(w.lines) {
		return 0, false
	}
	if w.read != w.line+1 {
		w.runes, w.read = []rune(strings.TrimRight(w.lines[w.line], "\r")), w.line+1
	}
	if w.col >= len(w.runes) {
		return '\n', w.line+1 < len(w.lines)
	}
	return w.runes[w.col], true
}

func (w *walker) next(r rune) {
	if r == '\n' {
		w.line, w.col = w.line+1, 0
		return
	}
	w.col++
}

func (w *walker) skipSpace() {
	for r, ok := w.peek(); ok && (r == ' ' || r == '\t' || r == '\n'); r, ok = w.peek() {
		w.next(r)
	}
}

// advance steps over the source of one character of the value. It is false
// where the two no longer agree, and then stays where it is.
func (w *walker) advance(want rune, style yaml.Style) bool {
	r, ok := w.peek()
	switch {
	case !ok:
		return false
	case w.block && r == '\n':
		w.fold()
		return want == ' ' || want == '\n' || w.advance(want, style)
	case (want == ' ' || want == '\n') && (r == '\n' || r == ' ' && w.restBlank()):
		w.skipSpace() // a fold
		return true
	case r == '\\' && style&yaml.DoubleQuotedStyle != 0:
		w.col += 2
		return true
	case r == '\'' && want == '\'' && style&yaml.SingleQuotedStyle != 0:
		w.col += 2
		return true
	case r != want:
		return false
	}
	w.next(r)
	return true
}

// fold steps over the end of a line of a block scalar and the indentation of the
// next one.
func (w *walker) fold() {
	w.next('\n')
	for r, ok := w.peek(); ok && r == ' ' && w.col < w.indent; r, ok = w.peek() {
		w.col++
	}
}

// restBlank says that nothing but blanks follows on this line.
func (w *walker) restBlank() bool {
	return strings.TrimSpace(string(w.runes[min(w.col, len(w.runes)):])) == ""
}
