package waive

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/suggest"
)

// Limits on a waivers file, which may come with a repository that is audited.
const (
	// maxFile is its size: YAML trees are many times larger than their text.
	maxFile = 1 << 20
	// maxWaivers is how many it holds: every finding is held against each.
	maxWaivers = 5000
)

// An Error is one thing wrong in a waivers file. Its text is several lines, the
// last of which may be a hint.
type Error struct {
	Path      string
	Line, Col int // from 1; 0 where the file as a whole is meant
	Msg       string
	Hint      string
	Source    string // the line, made safe to print
}

// Error gives the whole report, without a final line break.
func (e *Error) Error() string {
	s := e.Path
	if e.Line > 0 {
		s += fmt.Sprintf(":%d:%d", e.Line, e.Col)
	}
	s += ": " + e.Msg
	// A caret is only of use under a line that fits.
	if e.Source != "" && len(e.Source) <= 150 {
		s += "\n    " + e.Source + "\n    " + strings.Repeat(" ", max(e.Col-1, 0)) + "^"
	}
	if e.Hint != "" {
		s += "\n    hint: " + e.Hint
	}
	return s
}

// Parse reads a waivers file: a mapping with version 1 and the key waivers, as
// in an inventory. It gives every waiver, or everything that is wrong as
// [*Error]s, joined. A waiver that ends more than a year after at is refused;
// one that has ended is kept, to be reported.
func Parse(path string, data []byte, at time.Time) (*List, error) {
	s := &source{path: path, lines: strings.Split(string(data), "\n"), at: at}
	if len(data) > maxFile {
		return nil, s.error(1, 1, "a waiver is for one finding of one key: whole lists of them hide forgeries", "the file is larger than %d KiB", maxFile>>10)
	}
	root := s.document(data)
	list := new(List)
	if root != nil {
		list = s.file(root)
	}
	if len(s.errs) > 0 {
		return nil, errors.Join(s.errs...)
	}
	return list, nil
}

// ParseNode reads the list of waivers that is part of another file, such as an
// inventory, whose path and bytes are for messages.
func ParseNode(path string, data []byte, waivers *yaml.Node, at time.Time) (*List, error) {
	s := &source{path: path, lines: strings.Split(string(data), "\n"), at: at}
	list := s.list(waivers)
	if len(s.errs) > 0 {
		return nil, errors.Join(s.errs...)
	}
	return list, nil
}

// A source is a file while it is checked.
type source struct {
	path  string
	lines []string
	at    time.Time
	errs  []error
}

func (s *source) error(line, col int, hint, format string, args ...any) *Error {
	e := &Error{Path: s.path, Line: line, Col: col, Msg: printable(fmt.Sprintf(format, args...)), Hint: hint}
	if line > 0 && line <= len(s.lines) {
		e.Source = strings.TrimRight(printable(strings.TrimRight(s.lines[line-1], "\r")), " ")
	}
	return e
}

func (s *source) bad(n *yaml.Node, hint, format string, args ...any) {
	s.errs = append(s.errs, s.error(n.Line, n.Column, hint, format, args...))
}

var unprintable = regexp.MustCompile(`[\pC\x{2028}\x{2029}]`)

// printable replaces what could steer a terminal.
func printable(s string) string {
	return unprintable.ReplaceAllString(strings.ReplaceAll(s, "\t", " "), "\ufffd")
}

// document gives the one document of data, or nil after reporting why not.
func (s *source) document(data []byte) *yaml.Node {
	fail := func(err error) *yaml.Node {
		line, col, msg := 1, 1, err.Error()
		var le *yaml.LoadError
		if errors.As(err, &le) {
			line, col, msg = le.Mark.Line, le.Mark.Column, le.Message
		}
		text := ""
		if line > 0 && line <= len(s.lines) {
			text = s.lines[line-1]
		}
		s.errs = append(s.errs, s.error(max(line, 1), max(col, 1), suggest.YAML(msg, text), "not valid YAML: %s", msg))
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return fail(err)
	}
	var doc, second yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		s.errs = append(s.errs, s.error(1, 1, "write waivers: [] to waive nothing", "the file is empty"))
		return nil
	} else if err != nil {
		return fail(err)
	}
	if err := loader.Load(&second); err == nil {
		s.bad(&second, "write all waivers in one list", "a second document in the file")
		return nil
	} else if !errors.Is(err, io.EOF) {
		return fail(err)
	}
	return doc.Content[0]
}

// mapping calls the function of every key of a mapping, strictly.
func (s *source) mapping(n *yaml.Node, what string, hints map[string]string, fields map[string]func(*yaml.Node)) map[string]bool {
	seen := map[string]bool{}
	if n.Kind != yaml.MappingNode {
		s.bad(n, "write its keys below it, indented, or in braces: {key: value}", "%s: want a mapping", what)
		return nil
	}
	var known []string
	for k := range fields {
		known = append(known, k)
	}
	slices.Sort(known)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		f := fields[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || f == nil:
			hint := hints[key.Value]
			if hint == "" {
				hint = "known are " + strings.Join(known, ", ")
			}
			s.bad(key, hint, "%s: unknown key %q", what, key.Value)
		case seen[key.Value]:
			s.bad(key, "keep one of the two", "%s: the key %q stands twice", what, key.Value)
		case value.Kind == yaml.AliasNode || value.Anchor != "" || value.Style&yaml.TaggedStyle != 0:
			s.bad(value, "write the value out", "%s: anchors, aliases and tags are not used here", key.Value)
		default:
			f(value)
		}
		seen[key.Value] = true
	}
	return seen
}

func (s *source) file(root *yaml.Node) *List {
	list := new(List)
	seen := s.mapping(root, "waivers file", nil, map[string]func(*yaml.Node){
		"version": func(n *yaml.Node) {
			if n.Value != "1" {
				s.bad(n, "this program reads version 1", "version %q is not 1", n.Value)
			}
		},
		"waivers": func(n *yaml.Node) { list = s.list(n) },
	})
	for _, key := range []string{"version", "waivers"} {
		if seen != nil && !seen[key] {
			s.bad(root, map[string]string{"version": "add version: 1", "waivers": "add waivers: [] to waive nothing"}[key], "the key %q is missing", key)
		}
	}
	return list
}

func (s *source) list(n *yaml.Node) *List {
	list := new(List)
	if n.Kind != yaml.SequenceNode {
		s.bad(n, "begin each waiver with a dash", "waivers: want a list")
		return list
	}
	if len(n.Content) > maxWaivers {
		s.bad(n, "a waiver is for one finding of one key: mend what so many are for, or raise the bar", "waivers: %d entries, more than %d", len(n.Content), maxWaivers)
		return list
	}
	for _, c := range n.Content {
		list.waivers = append(list.waivers, s.waiver(c))
	}
	return list
}

var ruleForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)

func (s *source) waiver(n *yaml.Node) *Waiver {
	w := &Waiver{Place: fmt.Sprintf("%s:%d:%d", s.path, n.Line, n.Column), src: s, line: n.Line, col: n.Column}
	seen := s.mapping(n, "waiver", nil, map[string]func(*yaml.Node){
		"rule": func(n *yaml.Node) {
			w.Rule, w.line, w.col = n.Value, n.Line, n.Column
			if !ruleForm.MatchString(n.Value) {
				s.bad(n, "a waiver is for one rule, named by its id", "rule %q is no rule id", n.Value)
			}
		},
		"match":  func(n *yaml.Node) { s.match(n, &w.Match) },
		"reason": func(n *yaml.Node) { w.Reason = s.text(n, "reason") },
		"owner":  func(n *yaml.Node) { w.Owner = s.text(n, "owner") },
		"expires": func(n *yaml.Node) {
			var err error
			w.Expires, err = time.Parse(time.DateOnly, n.Value)
			switch last := s.at.AddDate(1, 0, 0); {
			case err != nil:
				s.bad(n, "year-month-day, the last day on which it counts; at most a year ahead", "expires: want a date such as 2027-05-01")
			case w.Expires.After(last):
				s.bad(n, "the last day allowed is "+last.UTC().Format(time.DateOnly), "expires: %s is more than a year ahead", n.Value)
			}
		},
	})
	for _, key := range []string{"rule", "match", "reason", "owner", "expires"} {
		if seen != nil && !seen[key] {
			s.bad(n, missing[key], "waiver: the key %q is missing", key)
		}
	}
	return w
}

// missing says of each key of a waiver what belongs there.
var missing = map[string]string{
	"rule": "add rule: ID, of the finding that is accepted", "reason": "say why it is accepted: reason: lab appliance, SEC-118",
	"match": "name the key it is found at: match: {spki: \"sha256/…\"}", "owner": "say who answers for it: owner: network-security",
	"expires": "add the last day on which it counts: expires: 2027-05-01",
}

func (s *source) text(n *yaml.Node, key string) string {
	text := strings.TrimSpace(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		s.bad(n, "write it in quotes", "%s: want text", key)
	case text == "":
		s.bad(n, missing[key], "%s is empty", key)
	case unprintable.MatchString(strings.ReplaceAll(text, "\n", " ")):
		s.bad(n, "type it anew: what is copied from a web page or a document can hold characters that are not seen", "%s holds a character that does not print", key)
	}
	return text
}

// noNames is the hint for identities that anybody can claim.
const noNames = "a name is what a forger copies: use spki, certificate, fingerprint or endpoint"

var nameHints = map[string]string{
	"name": noNames, "names": noNames, "dn": noNames, "subject": noNames, "issuer": noNames, "cn": noNames,
	"common_name": noNames, "domain": noNames, "host": noNames, "san": noNames, "dns": noNames, "serial": noNames,
}

func (s *source) match(n *yaml.Node, m *Match) {
	set := func(into *string, key string, check func(string) (string, error)) func(*yaml.Node) {
		return func(n *yaml.Node) {
			v, err := check(n.Value)
			if n.Kind != yaml.ScalarNode || err != nil {
				s.bad(n, "copy it from the JSON report of the finding", "%s: %v", key, cmp.Or(err, errScalar))
				return
			}
			*into = v
		}
	}
	seen := s.mapping(n, "match", nameHints, map[string]func(*yaml.Node){
		"spki":        set(&m.SPKI, "spki", checkSPKI),
		"certificate": set(&m.Certificate, "certificate", func(v string) (string, error) { return checkHex(v, "sha256:", 32, errCertificate) }),
		"fingerprint": set(&m.Fingerprint, "fingerprint", func(v string) (string, error) { return checkHex(v, "v1:", 16, errFingerprint) }),
		"endpoint":    set(&m.Endpoint, "endpoint", endpoint),
	})
	if seen != nil && len(seen) != 1 {
		s.bad(n, "one of spki, certificate, fingerprint, endpoint", "match: want exactly one identity")
	}
}

var errScalar = errors.New("want a single value")
