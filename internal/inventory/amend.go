package inventory

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/expect"
)

// A Change is what [Amend] writes of one target.
type Change struct {
	// Target is what a person would write, as [target.Parse] reads it.
	Target string
	// Place is where the target is listed in the file, as [Entry.Place] says;
	// the zero value adds it to Group.
	Place expect.Place
	// Group is the name of the group that a new target is added to. One that is
	// not there is made, with Trust as the names of its sets, unless that is
	// empty.
	Group string
	Trust []string
	// Keys and Issuers are what the lists of the target have to hold; a list
	// that is empty here is left as it is. What a list has already stays as it
	// is written.
	Keys    []expect.Pin
	Issuers []expect.Issuer
	// Replace takes everything else out of these lists.
	Replace bool
	// Comment is written above what is learnt of a target that had no
	// expectations of its own; empty for none. Notes says things of issuers, by
	// the text of their pins, which stand behind them.
	Comment string
	Notes   map[string]string
}

// errForm is for what is written in a way that Amend does not touch.
var errForm = errors.New("it is written in a form that is not edited here")

// Amend writes changes into the text of an inventory that [Load] has read. Every
// byte that does not belong to a change stays as it is: comments, order, blank
// lines, habits of quoting.
//
// # Design
//
// Encoding the tree of nodes anew would lose blank lines and habits, and a person
// would have to read a diff of the whole file to find one pin in it. So text is
// put in at the places that nodes have. What came out has to be loaded again and
// compared with what was meant before anybody relies on it: see [Options].Overlay.
func Amend(text []byte, changes []Change) ([]byte, error) {
	a := &amendment{text: text, eol: "\n"}
	if bytes.Contains(text, []byte("\r\n")) {
		a.eol = "\r\n"
	}
	a.starts = []int{0}
	for i, b := range text {
		if b == '\n' {
			a.starts = append(a.starts, i+1)
		}
	}
	var doc yaml.Node
	if err := yaml.Load(text, &doc); err != nil {
		return nil, fmt.Errorf("reading the inventory again: %w", err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errForm
	}
	a.root = doc.Content[0]
	added := map[string][]Change{}
	var order []string
	for _, c := range changes {
		if c.Place.Line == 0 {
			if added[c.Group] == nil {
				order = append(order, c.Group)
			}
			added[c.Group] = append(added[c.Group], c)
			continue
		}
		if err := a.change(&c); err != nil {
			return nil, fmt.Errorf("%s: writing what was learnt of %s: %w", c.Place, c.Target, err)
		}
	}
	for _, group := range order {
		if err := a.add(group, added[group]); err != nil {
			return nil, fmt.Errorf("adding targets to group %q: %w", group, err)
		}
	}
	return a.apply()
}

// An amendment is a file while changes are written into it.
type amendment struct {
	text   []byte
	starts []int // of lines
	eol    string
	root   *yaml.Node
	edits  []edit
	made   bool // a list of groups was begun at the end of the file
}

// An edit puts text in the place of some bytes.
type edit struct {
	from, to int
	text     string
}

func (a *amendment) insert(at int, text string) {
	a.edits = append(a.edits, edit{at, at, text})
}

func (a *amendment) apply() ([]byte, error) {
	slices.SortStableFunc(a.edits, func(x, y edit) int { return cmp.Compare(x.from, y.from) })
	var out []byte
	at := 0
	for _, e := range a.edits {
		if e.from < at || e.to > len(a.text) {
			return nil, errForm
		}
		out = append(out, a.text[at:e.from]...)
		if e.from > 0 && e.from == len(a.text) && len(out) > 0 && out[len(out)-1] != '\n' {
			out = append(out, a.eol...)
		}
		out = append(out, e.text...)
		at = e.to
	}
	return append(out, a.text[at:]...), nil
}

// offset is where a node begins.
func (a *amendment) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(a.starts) {
		return len(a.text)
	}
	at := a.starts[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(a.text[at:])
		at += size
	}
	return at
}

// lineAfter is the beginning of the line behind the last one of a node.
func (a *amendment) lineAfter(n *yaml.Node) int {
	if line := a.lastLine(n); line < len(a.starts) {
		return a.starts[line]
	}
	return len(a.text)
}

// lastLine is the last line of a node, which for a scalar is its first.
func (a *amendment) lastLine(n *yaml.Node) int {
	last := n.Line
	if flow(n) {
		last, _ = slices.BinarySearch(a.starts, a.flowEnd(n))
	}
	for _, c := range n.Content {
		last = max(last, a.lastLine(c))
	}
	return last
}

func flow(n *yaml.Node) bool {
	return n.Style&yaml.FlowStyle != 0 && (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode)
}

// flowEnd is where the bracket stands that closes a node; the end of the text
// where there is none.
func (a *amendment) flowEnd(n *yaml.Node) int {
	depth, quote := 0, byte(0)
	before := byte('[')
	for i := a.offset(n); i < len(a.text); i++ {
		c := a.text[i]
		switch {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && strings.IndexByte("[{,:", before) >= 0:
			quote = c
		case c == '#' && (i == 0 || a.text[i-1] == ' ' || a.text[i-1] == '\n' || a.text[i-1] == '\t'):
			for i+1 < len(a.text) && a.text[i+1] != '\n' {
				i++
			}
			continue
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			if depth--; depth == 0 {
				return i
			}
		}
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			before = c
		}
	}
	return len(a.text)
}

// under gives the value of a key, nil where it is not there.
func under(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func indent(column int) string { return strings.Repeat(" ", max(column-1, 0)) }

// change writes into a target that is listed.
func (a *amendment) change(c *Change) error {
	if len(c.Keys)+len(c.Issuers) == 0 {
		return nil
	}
	list, item := a.find(c.Place)
	switch {
	case item == nil:
		return errForm
	case item.Kind == yaml.ScalarNode && flow(list):
		end, ok := a.scalarEnd(item)
		if !ok {
			return errForm
		}
		a.insert(a.offset(item), "{target: ")
		a.insert(end, ", "+c.flowExpect()+"}")
	case item.Kind == yaml.ScalarNode:
		a.insert(a.offset(item), "target: ")
		a.insert(a.lineAfter(item), a.lines(c.blockExpect(indent(item.Column))))
	case item.Kind != yaml.MappingNode:
		return errForm
	default:
		return a.mapping(c, item)
	}
	return nil
}

// find gives the item of a list of targets that stands at a place, or whose
// target does.
func (a *amendment) find(p expect.Place) (list, item *yaml.Node) {
	groups := under(a.root, "groups")
	if groups == nil {
		return nil, nil
	}
	is := func(n *yaml.Node) bool { return n != nil && n.Line == p.Line && n.Column == p.Col }
	for _, g := range groups.Content {
		targets := under(g, "targets")
		if targets == nil {
			continue
		}
		for _, item := range targets.Content {
			if is(item) || item.Kind == yaml.MappingNode && is(under(item, "target")) {
				return targets, item
			}
		}
	}
	return nil, nil
}

// scalarEnd is where a scalar of one line ends; false where it cannot be told.
func (a *amendment) scalarEnd(n *yaml.Node) (int, bool) {
	at := a.offset(n)
	raw := n.Value
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		quote := a.text[at : at+1]
		raw = string(quote) + n.Value + string(quote)
	}
	return at + len(raw), bytes.HasPrefix(a.text[at:], []byte(raw))
}

// mapping writes into a target with settings of its own.
func (a *amendment) mapping(c *Change, item *yaml.Node) error {
	exp := under(item, "expect")
	switch {
	case exp == nil && flow(item):
		a.insert(a.offset(item)+1, c.flowExpect()+", ")
		return nil
	case exp == nil:
		a.insert(a.lineAfter(under(item, "target")), a.lines(c.blockExpect(indent(item.Content[0].Column))))
		return nil
	case exp.Kind != yaml.MappingNode:
		return errForm
	}
	for _, l := range c.lists() {
		have := under(exp, l.key)
		switch {
		case len(l.items) == 0:
		case have == nil && flow(exp):
			text := l.key + ": " + l.flow()
			if len(exp.Content) > 0 {
				text += ", "
			}
			a.insert(a.offset(exp)+1, text)
		case have == nil:
			a.insert(a.lineAfter(exp), a.lines(l.block(indent(exp.Content[0].Column))))
		case have.Kind != yaml.SequenceNode:
			return errForm
		case flow(have):
			a.flowList(have, l, c.Replace)
		default:
			a.blockList(have, l, c.Replace)
		}
	}
	return nil
}

// missing are the items of l that a list does not have.
func (l *learnt) missing(have *yaml.Node) *learnt {
	out := &learnt{key: l.key}
	for _, item := range l.items {
		if !slices.ContainsFunc(have.Content, func(n *yaml.Node) bool { return l.pinOf(n) == item.pin }) {
			out.items = append(out.items, item)
		}
	}
	return out
}

// pinOf is the pin of an item as written.
func (l *learnt) pinOf(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		for _, key := range []string{"pin", "ca"} {
			if v := under(n, key); v != nil {
				n = v
			}
		}
	}
	if p, err := expect.ParsePin(n.Value); err == nil {
		return p.String()
	}
	return n.Value
}

func (a *amendment) flowList(have *yaml.Node, l *learnt, replace bool) {
	if replace {
		a.edits = append(a.edits, edit{a.offset(have), a.flowEnd(have) + 1, l.flow()})
		return
	}
	text := strings.TrimSuffix(strings.TrimPrefix(l.missing(have).flow(), "["), "]")
	if text != "" && len(have.Content) > 0 {
		text = ", " + text
	}
	a.insert(a.flowEnd(have), text)
}

func (a *amendment) blockList(have *yaml.Node, l *learnt, replace bool) {
	for _, n := range have.Content {
		wanted := slices.ContainsFunc(l.items, func(i item) bool { return i.pin == l.pinOf(n) })
		if replace && !wanted {
			a.edits = append(a.edits, edit{a.starts[n.Line-1], a.lineAfter(n), ""})
		}
	}
	var lines []string
	for _, i := range l.missing(have).items {
		lines = append(lines, indent(have.Column)+"- "+i.line())
	}
	if len(lines) > 0 {
		a.insert(a.lineAfter(have), a.lines(lines))
	}
}

// add puts new targets into a group, which is made where it is not there.
func (a *amendment) add(name string, changes []Change) error {
	groups := under(a.root, "groups")
	if groups != nil {
		for _, g := range groups.Content {
			if n := under(g, "name"); n != nil && n.Value == name {
				return a.intoGroup(g, n, changes)
			}
		}
	}
	switch {
	case flow(a.root):
		return errForm
	case groups == nil:
		if !a.made {
			a.insert(len(a.text), "groups:"+a.eol)
			a.made = true
		}
		a.insert(len(a.text), a.lines(newGroup("  ", name, changes)))
	case flow(groups):
		if len(groups.Content) > 0 {
			return errForm
		}
		a.edits = append(a.edits, edit{a.offset(groups), a.flowEnd(groups) + 1, strings.TrimSuffix(a.eol+a.lines(newGroup("  ", name, changes)), a.eol)})
	case groups.Kind != yaml.SequenceNode:
		return errForm
	default:
		a.insert(a.lineAfter(groups), a.lines(newGroup(indent(groups.Column), name, changes)))
	}
	return nil
}

func newGroup(in, name string, changes []Change) []string {
	out := []string{in + "- name: " + scalar(name)}
	if t := changes[0].Trust; len(t) > 0 {
		out = append(out, in+"  trust: ["+strings.Join(quoted(t), ", ")+"]")
	}
	return append(append(out, in+"  targets:"), newTargets(in+"    ", changes)...)
}

func newTargets(in string, changes []Change) (out []string) {
	for i := range changes {
		c := &changes[i]
		if len(c.Keys)+len(c.Issuers) == 0 {
			out = append(out, in+"- "+scalar(c.Target))
			continue
		}
		out = append(out, in+"- target: "+scalar(c.Target))
		out = append(out, c.blockExpect(in+"  ")...)
	}
	return out
}

func (a *amendment) intoGroup(g, name *yaml.Node, changes []Change) error {
	targets := under(g, "targets")
	switch {
	case targets == nil && flow(g):
		return errForm
	case targets == nil:
		in := indent(g.Content[0].Column)
		a.insert(a.lineAfter(name), a.lines(append([]string{in + "targets:"}, newTargets(in+"  ", changes)...)))
	case targets.Kind != yaml.SequenceNode:
		return errForm
	case flow(targets):
		var items []string
		for i := range changes {
			items = append(items, changes[i].flowTarget())
		}
		text := strings.Join(items, ", ")
		if len(targets.Content) > 0 {
			text = ", " + text
		}
		a.insert(a.flowEnd(targets), text)
	default:
		a.insert(a.lineAfter(targets), a.lines(newTargets(indent(targets.Column), changes)))
	}
	return nil
}

func (a *amendment) lines(lines []string) string {
	return strings.Join(lines, a.eol) + a.eol
}
