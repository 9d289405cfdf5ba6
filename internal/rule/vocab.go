package rule

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/certassay/certassay/internal/facts"
)

// factTag is the struct tag that makes a field of internal/facts a fact.
const factTag = "fact"

// A field is one fact, or one group of facts, at one path. Two groups of one Go
// type are two fields with records of their own, so that a path is always known.
type field struct {
	name, path, doc string
	index           int         // in its Go struct
	offset          uintptr     // likewise
	pointer         bool        // it is a pointer there
	position        int         // in its record
	typ             *types.Type // as CEL sees it
	nilable         bool        // nil means unknown
	bit             int         // in bits; -1 where it is always known or stands in a list
	parent          *field
	group           *record // what is inside a struct, or nil
	elem            *record // what is inside each element of a list of structs, or nil
	cel             *types.FieldType
	unknown         *unknownFact
}

// A record is the fields of one Go struct at one path.
type record struct {
	name   string // CEL type name, "facts.chain.links[]"
	typ    *types.Type
	fields map[string]*field
	order  []*field
	size   uintptr // of the Go struct
	holes  []hole  // only where it is not in a list
}

// A vocabulary is every fact that a rule can read, read off internal/facts. It
// never changes once built.
type vocabulary struct {
	root    *record
	records map[string]*record // by CEL type name
	bits    int
	adapter types.Adapter
}

// maxBits is how many facts can be unknown on their own.
const maxBits = 512

// bits is a set of facts that can be unknown, by [field.bit].
type bits [maxBits / 64]uint64

func (b *bits) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b *bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b *bits) add(c *bits) {
	for i := range b {
		b[i] |= c[i]
	}
}

func (b *bits) meets(c *bits) bool {
	for i := range b {
		if b[i]&c[i] != 0 {
			return true
		}
	}
	return false
}

func newVocabulary() (*vocabulary, error) {
	base, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("preparing CEL types: %w", err)
	}
	v := &vocabulary{records: map[string]*record{}}
	v.adapter = base
	v.root = v.record(reflect.TypeFor[facts.Facts](), nil, "", false)
	if v.bits > maxBits {
		return nil, fmt.Errorf("the vocabulary holds %d facts that can be unknown, more than %d", v.bits, maxBits)
	}
	return v, nil
}

func (v *vocabulary) record(t reflect.Type, parent *field, path string, inList bool) *record {
	r := &record{name: "facts." + path, fields: map[string]*field{}, size: t.Size()}
	r.typ = types.NewObjectType(r.name)
	v.records[r.name] = r
	for i := range t.NumField() {
		sf := t.Field(i)
		name := tagName(sf, factTag)
		if name == "" {
			continue
		}
		f := &field{name: name, path: join(path, name), doc: sf.Tag.Get("doc"), index: i, offset: sf.Offset, pointer: sf.Type.Kind() == reflect.Pointer, position: len(r.order), bit: -1, parent: parent}
		f.unknown = &unknownFact{f.path}
		v.shape(f, sf.Type, inList)
		if f.nilable && !inList {
			f.bit = v.bits
			v.bits++
		}
		f.cel = &types.FieldType{Type: f.typ, IsSet: func(any) bool { return true }, GetFrom: f.getter(v)}
		r.fields[name] = f
		r.order = append(r.order, f)
	}
	if !inList {
		r.findHoles()
	}
	return r
}

// shape finds the CEL type of a field and what is inside it. A Go type that
// rules have no word for is a mistake in internal/facts.
func (v *vocabulary) shape(f *field, t reflect.Type, inList bool) {
	if t.Kind() == reflect.Pointer {
		f.nilable, t = true, t.Elem()
	}
	switch {
	case t == timeType:
		f.typ = types.TimestampType
	case t.Kind() == reflect.Bool:
		f.typ = types.BoolType
	case t.Kind() == reflect.Int64:
		f.typ = types.IntType
	case t.Kind() == reflect.Float64:
		f.typ = types.DoubleType
	case t.Kind() == reflect.String:
		f.typ = types.StringType
	case t.Kind() == reflect.Struct:
		f.group = v.record(t, f, f.path, inList)
		f.typ = f.group.typ
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		f.nilable, f.typ = true, types.NewListType(types.StringType)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Int64:
		f.nilable, f.typ = true, types.NewListType(types.IntType)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		f.nilable = true
		f.elem = v.record(t.Elem(), f, f.path+"[]", true)
		f.typ = types.NewListType(f.elem.typ)
	default:
		panic(fmt.Sprintf("rule: fact %s has the type %s, which rules cannot read", f.path, t))
	}
}

func (r *record) allUnknown(out *bits) {
	for _, f := range r.order {
		if f.bit >= 0 {
			out.set(f.bit)
		}
		if f.group != nil {
			f.group.allUnknown(out)
		}
	}
}

// names gives the names of a record's facts.
func (r *record) names() []string {
	out := make([]string, len(r.order))
	for i, f := range r.order {
		out[i] = f.name
	}
	return out
}

// A Word is one fact that rules can read.
type Word struct {
	Path string `json:"path"` // "chain.links[].is_ca"
	Type string `json:"type"` // in CEL; "group" for what only holds other facts
	Doc  string `json:"doc"`
	// Unknown says that this fact can be unknown while the group around it is
	// known.
	Unknown bool `json:"can_be_unknown"`
}

// Vocabulary lists every fact that rules can read, in the order of the structs
// that hold them.
func Vocabulary() ([]Word, error) {
	v, err := newVocabulary()
	if err != nil {
		return nil, err
	}
	return v.root.words(nil), nil
}

func (r *record) words(out []Word) []Word {
	for _, f := range r.order {
		w := Word{Path: f.path, Doc: f.doc, Unknown: f.nilable, Type: f.typ.String()}
		switch {
		case f.group != nil:
			w.Type = "group"
		case f.elem != nil:
			w.Type = "list(group)"
		case f.typ.Kind() == types.TimestampKind:
			w.Type = "timestamp"
		}
		out = append(out, w)
		for _, inner := range []*record{f.group, f.elem} {
			if inner != nil {
				out = inner.words(out)
			}
		}
	}
	return out
}

// all lists every fact, by path.
func (v *vocabulary) all() []*field {
	var out []*field
	for _, r := range v.records {
		out = append(out, r.order...)
	}
	slices.SortFunc(out, func(a, b *field) int { return strings.Compare(a.path, b.path) })
	return out
}
