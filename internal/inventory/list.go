package inventory

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/suggest"
	"github.com/certassay/certassay/internal/target"
)

// maxList is the size of a list: a million targets are smaller. maxNesting is
// how deep JSON may be nested: every level costs stack.
const (
	maxList    = 64 << 20
	maxNesting = 64
)

// standardInput is the name of the list that comes from standard input.
const standardInput = "-"

// A listing is a list of targets while it is read.
type listing struct {
	l     *loader
	src   *source // of the list itself
	group *Group
	count int
}

// targetsFrom reads the list that a group names.
func (l *loader) targetsFrom(n *yaml.Node, f *includer, g *Group) {
	src := f.src
	var file, format, column, field *yaml.Node
	keep := func(into **yaml.Node) func(*yaml.Node) { return func(n *yaml.Node) { *into = n } }
	hints := map[string]string{"command": "certassay starts no program: pipe its output in and write file: \"-\"", "url": "fetch it first, and pipe it in: file: \"-\""}
	seen := src.mapping(n, "targets_from", hints, fields{"file": keep(&file), "format": keep(&format), "column": keep(&column), "field": keep(&field)})
	src.need(n, "targets_from", seen, "file")
	if file == nil {
		return
	}
	name := src.text(file, "file")
	kind := "txt"
	if ext := strings.TrimPrefix(path.Ext(name), "."); ext == "csv" || ext == "json" || ext == "jsonl" {
		kind = strings.TrimSuffix(ext, "l")
	}
	if format != nil {
		if kind = src.word(format, "format", "txt", "csv", "json"); kind == "" {
			return
		}
	}
	for _, o := range []struct {
		n         *yaml.Node
		key, kind string
	}{{column, "column", "csv"}, {field, "field", "json"}} {
		if o.n != nil && kind != o.kind {
			src.bad(o.n, "say format: "+o.kind+" if it is one", "%s is for a list in %s, and this one is %s", o.key, o.kind, kind)
			return
		}
	}
	if name == "" {
		return
	}
	data, display, ok := l.listData(name, file, f)
	if !ok {
		return
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	in := &listing{l: l, src: newSource(display, data, l.errs), group: g}
	switch kind {
	case "csv":
		in.csv(data, column, src)
	case "json":
		in.json(data, field, src)
	default:
		in.txt(data)
	}
	if in.count == 0 {
		l.inv.Empty = append(l.inv.Empty, src.place(file))
	}
}

func (l *loader) listData(name string, n *yaml.Node, f *includer) (data []byte, display string, ok bool) {
	if name != standardInput {
		full, ok := l.inside(f.src, n, f.dir, name)
		if !ok {
			return nil, "", false
		}
		data, ok = l.read(full, maxList, n, f.src)
		if ok {
			l.inv.Files = append(l.inv.Files, l.display(full))
		}
		return data, l.display(full), ok
	}
	display = "standard input"
	switch {
	case l.o.Stdin == nil:
		f.src.bad(n, "pipe the list into: certassay audit", "the targets come from standard input, which is not read here")
		return nil, "", false
	case l.stdin:
		f.src.bad(n, "put all that comes from there into one list, or name a file", "standard input can be read once only")
		return nil, "", false
	}
	l.stdin = true
	data, err := io.ReadAll(io.LimitReader(l.o.Stdin, maxList+1))
	if err != nil || len(data) > maxList {
		f.src.bad(n, "split the list, or write it to files", "reading targets from standard input: more than %d MiB, or it failed: %v", maxList>>20, err)
		return nil, "", false
	}
	return data, display, true
}

// add takes one target of a list. The same target twice in the lists of one group
// is no mistake: inventories of machines have a line for each interface.
func (in *listing) add(text string, at expect.Place) {
	in.count++
	spec, err := target.Parse(text, target.Defaults{})
	if err != nil {
		in.src.at(at, targetHint, "%v", err)
		return
	}
	e := &Entry{Spec: spec, Group: in.group, Place: at}
	if other, err := in.l.add(e, in.src); err != nil && other.Group != in.group {
		in.src.at(at, otherGroup, "the target is already listed in group %q: %s", other.Group.Name, other.Place)
	}
}

func (in *listing) txt(data []byte) {
	for spec, err := range target.List(bytes.NewReader(data), in.src.name, target.Defaults{}) {
		in.count++
		if err != nil {
			in.l.errs.add(err)
			continue
		}
		e := &Entry{Spec: spec, Group: in.group, Place: expect.Place{File: in.src.name, Line: spec.Line(), Col: 1}}
		if other, err := in.l.add(e, in.src); err != nil && other.Group != in.group {
			in.src.at(e.Place, otherGroup, "the target is already listed in group %q: %s", other.Group.Name, other.Place)
		}
	}
}

// csv reads a column, by its name in the first row or by its number.
func (in *listing) csv(data []byte, column *yaml.Node, by *source) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	index := -1
	want := "target"
	if column != nil {
		want = column.Value
		if i, err := strconv.Atoi(want); err == nil && column.Kind == yaml.ScalarNode {
			if index = i - 1; i < 1 || i > 1000 {
				by.bad(column, "column: fqdn names it, column: 2 counts", "column: want the name in the first row, or a number from 1")
				return
			}
		} else if want = by.text(column, "column"); want == "" {
			return
		}
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var p *csv.ParseError
		if errors.As(err, &p) {
			in.src.at(expect.Place{File: in.src.name, Line: p.Line, Col: p.Column}, "a quote inside of a quoted value is written twice; say format: txt for a list with a target in each line", "not valid CSV: %v", p.Err)
			return
		}
		if index < 0 {
			if index = slices.Index(row, want); index < 0 {
				line, col := r.FieldPos(0)
				in.src.at(expect.Place{File: in.src.name, Line: line, Col: col}, unknownColumn(want, row), "no column is called %q", want)
				return
			}
			continue
		}
		if index >= len(row) || strings.TrimSpace(row[index]) == "" {
			line, col := r.FieldPos(min(index, len(row)-1))
			in.src.at(expect.Place{File: in.src.name, Line: line, Col: col}, "fill it in, or take the row out", "the row has no value in column %q", want)
			continue
		}
		line, col := r.FieldPos(index)
		in.add(strings.TrimSpace(row[index]), expect.Place{File: in.src.name, Line: line, Col: col})
	}
}

func unknownColumn(want string, row []string) string {
	if near := suggest.Nearest(want, row); near != "" {
		return fmt.Sprintf("did you mean column: %q?", near)
	}
	return fmt.Sprintf("name one with column: NAME, or column: 1 for a list without a first row of names; there are %.200q", row)
}

// json reads every text that a path of fields leads to. Lists on the way are
// walked; several documents may follow each other.
func (in *listing) json(data []byte, field *yaml.Node, by *source) {
	var want []string
	if field != nil {
		text := by.text(field, "field")
		if text == "" {
			return
		}
		want = strings.Split(text, ".")
	}
	w := &jsonWalk{in: in, data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	for {
		err := w.value(want, true, 0)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			hint := "one JSON document, or one after the other; say format: txt for a list with a target in each line"
			if errors.Is(err, errShape) {
				hint = "name the way to the targets with field, such as field: hosts.name"
			}
			in.src.at(w.place(), hint, "%v", err)
			return
		}
	}
}

type jsonWalk struct {
	in   *listing
	data []byte
	dec  *json.Decoder
	// line and start are of the last place that was asked for, so that lines
	// are counted once.
	line, start, at int
}

var (
	errShape   = errors.New("a target has to be text")
	errNesting = fmt.Errorf("nested deeper than %d", maxNesting)
)

// place is where the decoder stands.
func (w *jsonWalk) place() expect.Place {
	end := min(int(w.dec.InputOffset()), len(w.data))
	for ; w.at < end; w.at++ {
		if w.data[w.at] == '\n' {
			w.line++
			w.start = w.at + 1
		}
	}
	return expect.Place{File: w.in.src.name, Line: w.line + 1, Col: max(1, end-w.start)}
}

// value reads one value. taken says that it lies on the way.
func (w *jsonWalk) value(want []string, taken bool, depth int) error {
	token, err := w.dec.Token()
	if err != nil {
		if errors.Is(err, io.EOF) && depth == 0 {
			return io.EOF
		}
		return fmt.Errorf("not valid JSON: %w", orUnexpected(err))
	}
	if depth > maxNesting {
		return errNesting
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return w.scalar(token, want, taken)
	}
	found := false
	for w.dec.More() {
		next, on := want, taken
		if delim == '{' {
			key, err := w.dec.Token()
			if err != nil {
				return fmt.Errorf("not valid JSON: %w", orUnexpected(err))
			}
			if on = taken && len(want) > 0 && key == want[0]; on {
				next, found = want[1:], true
			}
		}
		if err := w.value(next, on, depth+1); err != nil {
			return err
		}
	}
	if _, err := w.dec.Token(); err != nil {
		return fmt.Errorf("not valid JSON: %w", orUnexpected(err))
	}
	switch {
	case !taken || delim == '[' || found:
		return nil
	case len(want) == 0:
		return errShape
	}
	return fmt.Errorf("the object has no field %q", want[0])
}

func (w *jsonWalk) scalar(token json.Token, want []string, taken bool) error {
	if !taken {
		return nil
	}
	text, ok := token.(string)
	if !ok || len(want) > 0 {
		return errShape
	}
	p := w.place()
	p.Col = max(1, p.Col-len(text)-1)
	w.in.add(text, p)
	return nil
}

func orUnexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
