package rule

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parseYAML gives the one document of data, or nil after reporting why not.
func (s *source) parseYAML(data []byte) *yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		s.at(0, 0, "", "reading YAML: %v", err)
		return nil
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		s.at(0, 0, "", "the file holds no rule")
		return nil
	case err != nil:
		s.yamlError(err)
		return nil
	}
	// The library stops silently after the document it was asked for.
	switch err := loader.Load(&second); {
	case err == nil:
		s.node(&second, "put every rule into a file of its own", "a second document in the file")
		return nil
	case !errors.Is(err, io.EOF):
		s.yamlError(err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		s.at(0, 0, "", "the file holds no rule")
		return nil
	}
	return doc.Content[0]
}

func (s *source) yamlError(err error) {
	var one *yaml.LoadError
	if !errors.As(err, &one) {
		s.at(0, 0, "", "reading YAML: %v", err)
		return
	}
	msg := one.Message
	if one.ContextMsg != "" {
		msg = one.ContextMsg + ": " + msg
	}
	mark := one.Mark
	if mark.Line > len(s.lines) || mark.Line > 1 && mark.Line == len(s.lines) && s.lines[mark.Line-1] == "" {
		mark = one.ContextMark // "not before the end of the file" helps nobody
	}
	s.at(mark.Line, mark.Column, "", "not valid YAML: %s", msg)
}

// tree gives a node as plain values with their written form: maps, lists,
// strings, int64 and bool. Nil stands for what a strict reader refuses anyway.
func tree(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = tree(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		l := slices.Grow([]any{}, len(n.Content))
		for _, c := range n.Content {
			l = append(l, tree(c))
		}
		return l
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!bool":
			return strings.EqualFold(n.Value, "true")
		case "!!int":
			if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
				return i
			}
			return nil
		case "!!float":
			if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
				return f
			}
			return nil
		case "!!str", "!!timestamp":
			return n.Value
		}
	}
	return nil
}
