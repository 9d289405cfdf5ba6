package rule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/certassay/certassay/internal/finding"
)

// Schema gives the JSON Schema (draft 2020-12) of rule files, for editors. The
// loader checks more: expressions, facts, and what depends on the place of the
// file.
func Schema() ([]byte, error) {
	v, err := newVocabulary()
	if err != nil {
		return nil, err
	}
	root := structSchema(reflect.TypeFor[File](), v)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "certassay rule"
	return encode(root)
}

// VocabularyJSON gives [Vocabulary] as an indented JSON document.
func VocabularyJSON() ([]byte, error) {
	words, err := Vocabulary()
	if err != nil {
		return nil, err
	}
	return encode(words)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	return b.Bytes(), nil
}

type schema = map[string]any

// structSchema gives the schema of a struct of the file format.
func structSchema(t reflect.Type, v *vocabulary) schema {
	props, required := schema{}, []string{}
	for i := range t.NumField() {
		sf := t.Field(i)
		name := tagName(sf, "yaml")
		p := fieldSchema(name, sf.Type, v)
		p["description"] = sf.Tag.Get("doc")
		props[name] = p
		if sf.Tag.Get("need") != "no" {
			required = append(required, name)
		}
	}
	return schema{"type": "object", "additionalProperties": false, "properties": props, "required": required}
}

func fieldSchema(name string, t reflect.Type, v *vocabulary) schema {
	switch name {
	case "id":
		return schema{"type": "string", "pattern": idForm.String()}
	case "version":
		return schema{"type": "integer", "minimum": 1}
	case "since":
		return schema{"type": "string", "pattern": sinceForm.String()}
	case "status":
		return schema{"enum": Statuses}
	case "class":
		return schema{"enum": finding.Classes}
	case "severity":
		return schema{"enum": finding.Severities}
	case "confidence":
		return schema{"enum": finding.Confidences}
	case "subject":
		return schema{"enum": Subjects}
	case "want":
		return schema{"enum": []string{finding.Found.String(), finding.Pass.String(), finding.NotApplicable.String(), finding.Inconclusive.String()}}
	case "title":
		return schema{"type": "string", "minLength": 1, "maxLength": maxTitle}
	case "aliases":
		return schema{"type": "array", "items": schema{"type": "string", "pattern": idForm.String()}}
	case "tags":
		return schema{"type": "array", "items": schema{"type": "string", "pattern": tagForm.String()}}
	case "references":
		return schema{"type": "array", "minItems": 1, "items": schema{"type": "string", "pattern": "^https://"}}
	case "show":
		return schema{"type": "object", "propertyNames": schema{"pattern": showForm.String()}, "additionalProperties": schema{"type": "string"}}
	case "facts":
		return v.root.schema()
	case "tests":
		return schema{"type": "array", "minItems": 3, "items": structSchema(t.Elem(), v)}
	case "applies":
		return schema{"type": "string"}
	}
	if t.Kind() == reflect.Slice {
		return schema{"type": "array", "minItems": 1, "items": schema{"type": "string", "minLength": 1}}
	}
	return schema{"type": "string", "minLength": 1}
}

// schema gives the schema of a group of facts in a test.
func (r *record) schema() schema {
	props := schema{}
	for _, f := range r.order {
		p := f.schema()
		p["description"] = f.doc
		props[f.name] = p
	}
	return schema{"type": "object", "additionalProperties": false, "properties": props}
}

func (f *field) schema() schema {
	switch {
	case f.group != nil:
		return f.group.schema()
	case f.elem != nil:
		return schema{"type": "array", "items": f.elem.schema()}
	}
	name := map[string]string{"bool": "boolean", "int": "integer", "double": "number"}
	if t, ok := name[f.typ.String()]; ok {
		return schema{"type": t}
	}
	if params := f.typ.Parameters(); len(params) == 1 {
		item := "string"
		if t, ok := name[params[0].String()]; ok {
			item = t
		}
		return schema{"type": "array", "items": schema{"type": item}}
	}
	if f.typ.String() == "google.protobuf.Timestamp" {
		return schema{"type": "string", "format": "date-time"}
	}
	return schema{"type": "string"}
}
