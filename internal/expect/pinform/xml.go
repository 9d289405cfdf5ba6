package pinform

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits on XML. They stop a file that nests or repeats until memory is full.
const (
	maxDepth    = 32
	maxElements = 100_000
)

// An element is one of XML with what is in it.
type element struct {
	name      string
	attrs     []xml.Attr
	raw       []byte // text, without that of its children
	children  []*element
	line, col int
}

// parseXML reads a document. Names have no namespaces here. Declarations are
// refused but for the document type that property lists begin with, so that no
// entity can be defined; encoding/xml knows the five of XML itself.
func parseXML(data []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("it is in %.20q, and only UTF-8 is read", charset)
	}
	var stack []*element
	var root *element
	n := 0
	for {
		line, col := d.InputPos()
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			l, c := d.InputPos()
			return nil, errorf(l, c, "", "reading XML: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			if !harmless(string(t)) {
				return nil, errorf(line, col, "take the declaration out; no file of pins needs one", "XML with declarations of its own is refused")
			}
		case xml.StartElement:
			if n++; n > maxElements || len(stack) >= maxDepth {
				return nil, errorf(line, col, "", "XML has more than %d elements or nests deeper than %d", maxElements, maxDepth)
			}
			e := &element{name: t.Name.Local, attrs: t.Attr, line: line, col: col}
			switch {
			case len(stack) > 0:
				parent := stack[len(stack)-1]
				parent.children = append(parent.children, e)
			case root == nil:
				root = e
			default:
				return nil, errorf(line, col, "", "XML has a second root element, %s", e.name)
			}
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				e := stack[len(stack)-1]
				e.raw = append(e.raw, t...)
			}
		}
	}
	if root == nil {
		return nil, errors.New("reading XML: it holds no element")
	}
	return root, nil
}

// harmless says that a declaration is a document type without definitions.
func harmless(directive string) bool {
	fields := strings.Fields(directive)
	return len(fields) > 1 && fields[0] == "DOCTYPE" && fields[1] == "plist" && !strings.ContainsAny(directive, "[<")
}

// text is what stands in an element, without the space around it.
func (e *element) text() string { return strings.TrimSpace(string(e.raw)) }

// attr gives an attribute, whatever its namespace.
func (e *element) attr(name string) (string, bool) {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// errorf is an error about an element.
func (e *element) errorf(hint, format string, args ...any) error {
	return errorf(e.line, e.col, hint, "<"+e.name+">: %w", fmt.Errorf(format, args...))
}
