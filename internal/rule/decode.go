package rule

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// decode fills v from node n, strictly: unknown and repeated keys, values of
// another type, null, aliases and tags are errors. tag is the struct tag that
// names fields. Structs are addressed by path for later errors.
func (s *source) decode(n *yaml.Node, v reflect.Value, tag, path string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		s.node(n, "write the value out", "anchors and aliases are not used here")
		return
	}
	if n.Style&yaml.TaggedStyle != 0 {
		s.node(n, "", "YAML tags such as %s are not used here", n.Tag)
		return
	}
	if tag != factTag { // the facts of many tests share their paths
		s.nodes[path] = n
	}
	switch {
	case v.Type() == timeType:
		s.decodeTime(n, v, path)
	case v.Type() == treeType && n.Kind == yaml.MappingNode:
		v.Set(reflect.ValueOf(tree(n))) // decoded again, strictly, against the vocabulary
	case v.Kind() == reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		s.decode(n, p.Elem(), tag, path)
		v.Set(p)
	case v.Kind() == reflect.Struct:
		s.decodeStruct(n, v, tag, path)
	case v.Kind() == reflect.Map:
		s.decodeMap(n, v, path)
	case v.Kind() == reflect.Slice:
		s.decodeList(n, v, tag, path)
	default:
		s.decodeScalar(n, v, path)
	}
}

var (
	timeType = reflect.TypeFor[time.Time]()
	treeType = reflect.TypeFor[map[string]any]()
)

func (s *source) decodeScalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		s.wrong(n, v, path)
		return
	}
	switch v.Kind() {
	case reflect.String:
		if n.Tag != "!!str" {
			s.wrong(n, v, path)
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		if n.Tag != "!!bool" {
			s.wrong(n, v, path)
			return
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Int, reflect.Int64:
		// Decimal only: 010 means eight to some readers and ten to others.
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if n.Tag != "!!int" || err != nil || strconv.FormatInt(i, 10) != n.Value {
			s.wrong(n, v, path)
			return
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.Value, 64)
		if n.Tag != "!!float" && n.Tag != "!!int" || err != nil {
			s.wrong(n, v, path)
			return
		}
		v.SetFloat(f)
	default:
		panic(fmt.Sprintf("rule: no decoding for %s at %s", v.Type(), path))
	}
}

// wrong reports a value of another type than the field has.
func (s *source) wrong(n *yaml.Node, v reflect.Value, path string) {
	want := map[reflect.Kind]string{
		reflect.String: "text", reflect.Bool: "true or false", reflect.Int: "a decimal number", reflect.Int64: "a decimal number",
		reflect.Float64: "a number", reflect.Struct: "a mapping", reflect.Map: "a mapping", reflect.Slice: "a list",
	}[v.Kind()]
	hint := ""
	switch {
	case n.Tag == "!!null":
		hint = "leave the key out"
	case n.Kind == yaml.ScalarNode && v.Kind() == reflect.String:
		hint = "put it in quotes"
	case n.Kind == yaml.ScalarNode && v.Kind() == reflect.Slice:
		hint = "put it in brackets: [" + n.Value + "]"
	}
	if path != "" {
		path += ": "
	}
	s.node(n, hint, "%swant %s, found %s", path, want, describe(n))
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
		return "text"
	}
	return strings.TrimPrefix(n.Tag, "!!") + " " + n.Value
}

func (s *source) decodeTime(n *yaml.Node, v reflect.Value, path string) {
	t, err := time.Parse(time.RFC3339, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		s.node(n, "", "%s: want a time such as 2026-03-15T00:00:00Z", path)
		return
	}
	v.Set(reflect.ValueOf(t.UTC()))
}

// pairs calls f for every key of a mapping and reports repeated ones.
func (s *source) pairs(n *yaml.Node, f func(key, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			s.node(key, "", "want a key, found %s", describe(key))
			continue
		}
		if line, ok := seen[key.Value]; ok {
			s.node(key, "", "key %q is already there in line %d", key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		f(key, value)
	}
}

func (s *source) decodeStruct(n *yaml.Node, v reflect.Value, tag, path string) {
	if n.Kind != yaml.MappingNode {
		s.wrong(n, v, path)
		return
	}
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		if name := tagName(v.Type().Field(i), tag); name != "" {
			fields[name] = i
			names = append(names, name)
		}
	}
	s.pairs(n, func(key, value *yaml.Node) {
		i, ok := fields[key.Value]
		if !ok {
			hint := didYouMean(key.Value, names)
			if hint == "" {
				hint = "known are " + strings.Join(names, ", ")
			}
			s.node(key, hint, "unknown %s %q", noun(tag), join(path, key.Value))
			return
		}
		before := len(s.errs)
		s.decode(value, v.Field(i), tag, join(path, key.Value))
		if tag != factTag {
			s.keys[join(path, key.Value)] = key
			s.sound[join(path, key.Value)] = len(s.errs) == before
		}
	})
}

// tagName is the name that a struct tag gives a field, without options.
func tagName(f reflect.StructField, tag string) string {
	name, _, _ := strings.Cut(f.Tag.Get(tag), ",")
	return name
}

func noun(tag string) string {
	if tag == factTag {
		return "fact"
	}
	return "key"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (s *source) decodeMap(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		s.wrong(n, v, path)
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	s.pairs(n, func(key, value *yaml.Node) {
		elem := reflect.New(v.Type().Elem()).Elem()
		s.keys[join(path, key.Value)] = key
		s.decode(value, elem, "", join(path, key.Value))
		v.SetMapIndex(reflect.ValueOf(key.Value), elem)
	})
}

func (s *source) decodeList(n *yaml.Node, v reflect.Value, tag, path string) {
	if n.Kind != yaml.SequenceNode {
		s.wrong(n, v, path)
		return
	}
	// Never nil: an empty list says "none", a missing one "unknown".
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		s.decode(c, v.Index(i), tag, fmt.Sprintf("%s[%d]", path, i))
	}
}
