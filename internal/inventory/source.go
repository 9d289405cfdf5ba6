package inventory

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/suggest"
)

// An Error is one thing wrong in an inventory or a list that it names. Its text
// is several lines, the last of which may be a hint.
type Error struct {
	Place  expect.Place
	Msg    string
	Hint   string
	Source string // the line, made safe to print
}

// Error gives the whole report, without a final line break.
func (e *Error) Error() string {
	s := e.Place.String() + ": " + e.Msg
	// A caret is only of use under a line that fits.
	if e.Source != "" && len(e.Source) <= 150 {
		s += "\n    " + e.Source + "\n    " + strings.Repeat(" ", max(e.Place.Col-1, 0)) + "^"
	}
	if e.Hint != "" {
		s += "\n    hint: " + e.Hint
	}
	return s
}

// maxErrors is how many errors are shown. A file of another kind that was given
// by mistake has one in each line.
const maxErrors = 50

// A source is a file while it is checked. Its errors are shared by all files of
// an inventory.
type source struct {
	name  string // as a person would find it
	lines []string
	errs  *problems
}

// problems are what is wrong so far.
type problems struct {
	shown []error
	more  int
}

func (p *problems) add(err error) {
	if len(p.shown) < maxErrors {
		p.shown = append(p.shown, err)
		return
	}
	p.more++
}

// join gives them in the order of the files, as they were met, and of the lines.
func (p *problems) join() error {
	files := map[string]int{}
	// rank tells our own errors from those of lists and waivers, which hold their
	// place in their text.
	rank := func(err error) (e *Error, last int) {
		if !errors.As(err, &e) {
			return &Error{}, 1
		}
		return e, 0
	}
	for _, err := range p.shown {
		if e, last := rank(err); last == 0 && files[e.Place.File] == 0 {
			files[e.Place.File] = len(files) + 1
		}
	}
	slices.SortStableFunc(p.shown, func(a, b error) int {
		x, xLast := rank(a)
		y, yLast := rank(b)
		return cmp.Or(cmp.Compare(xLast, yLast), cmp.Compare(files[x.Place.File], files[y.Place.File]),
			cmp.Compare(x.Place.Line, y.Place.Line), cmp.Compare(x.Place.Col, y.Place.Col))
	})
	if p.more > 0 {
		return errors.Join(append(slices.Clone(p.shown), fmt.Errorf("and %d more", p.more))...)
	}
	return errors.Join(p.shown...)
}

func newSource(name string, data []byte, errs *problems) *source {
	return &source{name: name, lines: strings.Split(string(data), "\n"), errs: errs}
}

func (s *source) place(n *yaml.Node) expect.Place {
	return expect.Place{File: s.name, Line: n.Line, Col: n.Column}
}

// at reports what is wrong at a place of this file.
func (s *source) at(p expect.Place, hint, format string, args ...any) {
	e := &Error{Place: p, Msg: printable(fmt.Sprintf(format, args...)), Hint: printable(hint)}
	if p.Line > 0 && p.Line <= len(s.lines) {
		e.Source = strings.TrimRight(printable(s.lines[p.Line-1]), " \ufffd")
	}
	s.errs.add(e)
}

func (s *source) bad(n *yaml.Node, hint, format string, args ...any) {
	s.at(s.place(n), hint, format, args...)
}

var unprintable = regexp.MustCompile(`[\pC\x{2028}\x{2029}]`)

// printable replaces what could steer a terminal.
func printable(s string) string {
	return unprintable.ReplaceAllString(strings.ReplaceAll(s, "\t", " "), "\ufffd")
}

// unreadable gives the place of the first byte that YAML does not take, in lines and
// columns from 1; the library does not say where it met a control character.
func unreadable(data []byte) (line, col int) {
	i := bytes.IndexFunc(data, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r)
	})
	before := data[:max(i, 0)]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}

// document gives the one document of data, or nil after reporting why not.
func (s *source) document(data []byte) *yaml.Node {
	fail := func(err error) *yaml.Node {
		at, msg := expect.Place{File: s.name}, err.Error()
		var le *yaml.LoadError
		if errors.As(err, &le) {
			at.Line, at.Col, msg = le.Mark.Line, le.Mark.Column, le.Message
		}
		if at.Line == 0 {
			at.Line, at.Col = unreadable(data)
		}
		line := ""
		if at.Line > 0 && at.Line <= len(s.lines) {
			line = s.lines[at.Line-1]
		}
		s.at(at, suggest.YAML(msg, line), "not valid YAML: %s", msg)
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return fail(err)
	}
	var doc, second yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		s.at(expect.Place{File: s.name, Line: 1, Col: 1}, `begin with "version: 1"`, "the file is empty")
		return nil
	} else if err != nil {
		return fail(err)
	}
	if err := loader.Load(&second); err == nil {
		s.bad(&second, "write one inventory in one file, and name others under include", "a second document in the file")
		return nil
	} else if !errors.Is(err, io.EOF) {
		return fail(err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	if !s.plain(doc.Content[0]) {
		return nil
	}
	return doc.Content[0]
}

// plain refuses what makes one place of a file mean another.
func (s *source) plain(n *yaml.Node) bool {
	ok := true
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		s.bad(n, "write the value out, or put it into defaults", "anchors and aliases are not used here")
		ok = false
	case n.Style&yaml.TaggedStyle != 0:
		s.bad(n, "write the value alone: its type follows from the key", "YAML tags such as %s are not used here", n.Tag)
		ok = false
	}
	for _, c := range n.Content {
		ok = s.plain(c) && ok
	}
	return ok
}

// fields are the keys that a mapping may have, and what reads their values.
type fields map[string]func(*yaml.Node)

func (f fields) names() []string {
	var out []string
	for k := range f {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// mapping calls the function of every key of a mapping, strictly. hints are for
// keys that people are likely to try. It gives the keys that were there, nil
// where n is no mapping.
func (s *source) mapping(n *yaml.Node, what string, hints map[string]string, known fields) map[string]bool {
	if n.Kind != yaml.MappingNode {
		s.wrong(n, what, "a mapping")
		return nil
	}
	lines := map[string]int{}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || read == nil:
			s.bad(key, unknownHint(key.Value, hints, known.names()), "%s: unknown key %q", what, shorten(key.Value))
		case seen[key.Value]:
			s.bad(key, "keep one of the two; what belongs to both goes into one value", "%s: the key %q is already there in line %d", what, key.Value, lines[key.Value])
		default:
			seen[key.Value], lines[key.Value] = true, key.Line
			read(value)
		}
	}
	return seen
}

func unknownHint(key string, hints map[string]string, known []string) string {
	if h := hints[key]; h != "" {
		return h
	}
	if near := suggest.Nearest(key, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known are " + strings.Join(known, ", ")
}

// need reports keys that have to be there.
func (s *source) need(n *yaml.Node, what string, seen map[string]bool, keys ...string) {
	for _, key := range keys {
		if seen != nil && !seen[key] {
			s.bad(n, "add "+key+": …", "%s: the key %q is missing", what, key)
		}
	}
}

// list calls read for every item of a list.
func (s *source) list(n *yaml.Node, what string, read func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		s.wrong(n, what, "a list")
		return
	}
	for _, item := range n.Content {
		read(item)
	}
}

// maxText is the length of a name, owner or note: reports print them in lines.
const maxText = 300

// text gives a value that is text, "" after reporting why it is not.
func (s *source) text(n *yaml.Node, what string) string {
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag != "!!str":
		s.wrong(n, what, "text")
	case strings.TrimSpace(n.Value) == "":
		s.bad(n, "write a value, or leave it out", "%s is empty", what)
	case len(n.Value) > maxText:
		s.bad(n, "shorten it: reports print it in a line", "%s has %d bytes, more than %d", what, len(n.Value), maxText)
	case unprintable.MatchString(n.Value):
		s.bad(n, "type it anew: what is copied from a web page or a document can hold characters that are not seen", "%s holds a character that does not print", what)
	default:
		return n.Value
	}
	return ""
}

// word gives a value that is one of some words.
func (s *source) word(n *yaml.Node, what string, words ...string) string {
	if n.Kind == yaml.ScalarNode && slices.Contains(words, n.Value) {
		return n.Value
	}
	want := strings.Join(words, " or ")
	if n.Kind != yaml.ScalarNode {
		s.wrong(n, what, want)
		return ""
	}
	hint := "write one of these words"
	if near := suggest.Nearest(n.Value, words); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	s.bad(n, hint, "%s: want %s, found %q", what, want, shorten(n.Value))
	return ""
}

// boolean gives a value that is true or false.
func (s *source) boolean(n *yaml.Node, what string) (value, ok bool) {
	switch strings.ToLower(n.Value) {
	case "true", "false":
		if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" {
			return strings.EqualFold(n.Value, "true"), true
		}
	}
	s.wrong(n, what, "true or false")
	return false, false
}

// wrong reports a value of another type.
func (s *source) wrong(n *yaml.Node, what, want string) {
	hint := map[string]string{
		"a list": "begin each item with a dash, or put them in brackets: [one, two]", "text": "one value is wanted here",
		"a mapping": "write its keys below it, indented, or in braces: {key: value}", "true or false": "write true or false, without quotes",
	}[want]
	switch {
	case hint == "":
		hint = "certassay schema inventory prints the form of every value"
	case n.Tag == "!!null":
		hint = "leave the key out"
	case n.Kind == yaml.ScalarNode && want == "text":
		hint = "put it in quotes"
	case n.Kind == yaml.ScalarNode && want == "a list":
		hint = "put it in brackets: [" + shorten(n.Value) + "]"
	}
	s.bad(n, hint, "%s: want %s, found %s", what, want, describe(n))
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!str":
		return fmt.Sprintf("%q", shorten(n.Value))
	}
	return shorten(n.Value)
}

// maxShown is how much of a value is repeated: a file that was named by mistake
// must not end up in a log.
const maxShown = 60

func shorten(value string) string {
	if r := []rune(value); len(r) > maxShown {
		return string(r[:maxShown]) + "…"
	}
	return value
}
