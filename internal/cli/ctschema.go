package cli

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/watch"
)

// The documents that the commands about logs write.
type (
	searchDocument struct {
		Schema string       `json:"schema"`
		Hits   []*searchHit `json:"hits"`
		Logs   []*searchLog `json:"logs"`
	}
	searchLine struct {
		Hit *searchHit `json:"hit,omitempty"`
		Log *searchLog `json:"log,omitempty"`
	}
	logsDocument struct {
		Schema string     `json:"schema"`
		Logs   []*logLine `json:"logs"`
	}
	proveDocument struct {
		Schema       string        `json:"schema"`
		Certificates []*provenCert `json:"certificates"`
	}
	entryDocument struct {
		Schema string `json:"schema"`
		*shownEntry
	}
	statusDocument struct {
		Schema string `json:"schema"`
		// Running is null where no watch runs.
		Running *watchHolder `json:"running"`
		*watch.Health
	}
)

// The names of these forms. Fields are only ever added to one.
const (
	searchSchema = "certassay/ct-search/v1"
	logsSchema   = "certassay/ct-logs/v1"
	proveSchema  = "certassay/ct-prove/v1"
	entrySchema  = "certassay/ct-entry/v1"
	statusSchema = "certassay/ct-status/v1"
)

// ctSchema gives the JSON Schema (draft 2020-12) of what the commands about logs
// write. It is made from the types that are written, and allows fields that it
// does not know.
func ctSchema() ([]byte, error) {
	g := &schemaMaker{defs: map[string]any{}, names: map[reflect.Type]string{}}
	var all []any
	for _, d := range []struct {
		title, name string
		of          any
	}{
		{"ct search -f json", searchSchema, searchDocument{}}, {"a line of ct search -f jsonl", "", searchLine{}},
		{"ct logs -f json", logsSchema, logsDocument{}}, {"ct prove -f json", proveSchema, proveDocument{}},
		{"a line of ct prove -f jsonl", "", provenCert{}}, {"ct entry -f json", entrySchema, entryDocument{}},
		{"ct watch --status -f json", statusSchema, statusDocument{}}, {"a notification of ct watch", watch.Schema, watch.Message{}},
	} {
		s := g.object(reflect.TypeOf(d.of))
		s["title"] = d.title
		if d.name != "" {
			s["properties"].(map[string]any)["schema"] = map[string]any{"const": d.name}
		} else if d.title == "a line of ct search -f jsonl" {
			s["minProperties"], s["additionalProperties"] = 1, false
		}
		all = append(all, s)
	}
	out, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://github.com/certassay/certassay/schema/ct-v1.json",
		"title": "what certassay ct writes", "anyOf": all, "$defs": g.defs,
	}, "", " ")
	return append(out, '\n'), err
}

// A schemaMaker makes schemas of types as encoding/json writes them.
type schemaMaker struct {
	defs  map[string]any
	names map[reflect.Type]string
}

// object is the schema of a struct, embedded ones flattened.
func (g *schemaMaker) object(t reflect.Type) map[string]any {
	props, required := map[string]any{}, []string{}
	g.fields(t, props, &required, false)
	return map[string]any{"type": "object", "properties": props, "required": required}
}

func (g *schemaMaker) fields(t reflect.Type, props map[string]any, required *[]string, optional bool) {
	for f := range t.Fields() {
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case key == "-":
		case f.Anonymous && key == "":
			inner, pointer := f.Type, f.Type.Kind() == reflect.Pointer
			if pointer {
				inner = inner.Elem()
			}
			g.fields(inner, props, required, optional || pointer)
		case key != "":
			props[key] = g.typ(f.Type)
			if options == "" && !optional {
				*required = append(*required, key)
			}
		}
	}
}

var (
	asJSON = reflect.TypeFor[json.Marshaler]()
	asText = reflect.TypeFor[encoding.TextMarshaler]()
)

// typ is the schema of a field. What Go writes as null may be null.
func (g *schemaMaker) typ(t reflect.Type) map[string]any {
	orNull := func(kind string) []string { return []string{kind, "null"} }
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[finding.Verdict]():
		return map[string]any{"enum": finding.Verdicts}
	case t.Kind() != reflect.Pointer && (t.Implements(asText) || t.Implements(asJSON)):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{g.typ(t.Elem()), map[string]any{"type": "null"}}}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return map[string]any{"type": orNull("string"), "contentEncoding": "base64"}
		}
		return map[string]any{"type": orNull("array"), "items": g.typ(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": orNull("object"), "additionalProperties": g.typ(t.Elem())}
	case reflect.Struct:
		return g.ref(t)
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Interface:
		return map[string]any{}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Uint, reflect.Uint64, reflect.Uint32:
		return map[string]any{"type": "integer", "minimum": 0}
	}
	return map[string]any{"type": "integer"}
}

// ref is a reference to the definition of a struct, which is made once.
func (g *schemaMaker) ref(t reflect.Type) map[string]any {
	name, ok := g.names[t]
	if !ok {
		for name = t.Name(); g.defs[name] != nil; {
			name += "_"
		}
		g.names[t], g.defs[name] = name, map[string]any{} // ends recursion
		g.defs[name] = g.object(t)
	}
	return map[string]any{"$ref": "#/$defs/" + name}
}
