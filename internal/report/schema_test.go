package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// A generator makes the schema from the source: types and tags, with their
// comments as descriptions.
type generator struct {
	types map[string]*ast.TypeSpec
	docs  map[string]string
	defs  map[string]any
}

// closed are the types that are one of a few words.
var closed = map[string]any{
	"Class":      finding.Classes,
	"Severity":   []string{"critical", "high", "medium", "low", "info"},
	"Confidence": finding.Confidences,
	"Status":     []finding.Status{finding.New, finding.Known},
	"Verdict":    finding.Verdicts,
	"Kind":       []evidence.Kind{evidence.Endpoint, evidence.Chain, evidence.Certificate, evidence.LogEntry, evidence.Corpus},
}

func generate(t *testing.T) []byte {
	t.Helper()
	g := &generator{types: map[string]*ast.TypeSpec{}, docs: map[string]string{}, defs: map[string]any{}}
	// Later directories win: report.Subject, not evidence.Subject.
	for _, dir := range []string{"../evidence", "../finding", "."} {
		g.load(t, dir)
	}
	root := g.object(t, "Document")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://github.com/certassay/certassay/schema/report-v1.json"
	root["title"] = "certassay report"
	root["properties"].(map[string]any)["schema"].(map[string]any)["const"] = SchemaName
	root["$defs"] = g.defs
	out, err := json.MarshalIndent(root, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

func (g *generator) load(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources in %s (error %v)", dir, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range gen.Specs {
				if ts, ok := spec.(*ast.TypeSpec); ok {
					g.types[ts.Name.Name] = ts
					g.docs[ts.Name.Name] = oneLine(ts.Doc.Text() + gen.Doc.Text())
				}
			}
		}
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// object gives the schema of a struct.
func (g *generator) object(t *testing.T, name string) map[string]any {
	st, ok := g.types[name].Type.(*ast.StructType)
	if !ok {
		t.Fatalf("type %s is no struct", name)
	}
	props, required := map[string]any{}, []string{}
	for _, field := range st.Fields.List {
		tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
		key, options, _ := strings.Cut(tag, ",")
		if key == "-" {
			continue
		}
		p := g.typ(t, field.Type)
		if doc := oneLine(field.Doc.Text() + field.Comment.Text()); doc != "" {
			p["description"] = doc
		}
		props[key] = p
		if options == "" {
			required = append(required, key)
		}
	}
	return map[string]any{"type": "object", "description": g.docs[name], "properties": props, "required": required}
}

// typ gives the schema of a field's type.
func (g *generator) typ(t *testing.T, e ast.Expr) map[string]any {
	switch e := e.(type) {
	case *ast.ArrayType:
		return map[string]any{"type": "array", "items": g.typ(t, e.Elt)}
	case *ast.MapType:
		return map[string]any{"type": "object", "additionalProperties": g.typ(t, e.Value)}
	case *ast.StarExpr:
		return map[string]any{"anyOf": []any{g.typ(t, e.X), map[string]any{"type": "null"}}}
	case *ast.SelectorExpr:
		if e.Sel.Name == "Time" {
			return map[string]any{"type": "string", "format": "date-time"}
		}
		return g.typ(t, e.Sel)
	case *ast.Ident:
		switch e.Name {
		case "string":
			return map[string]any{"type": "string"}
		case "bool":
			return map[string]any{"type": "boolean"}
		case "int", "int64":
			return map[string]any{"type": "integer"}
		case "any":
			return map[string]any{}
		}
		if words, ok := closed[e.Name]; ok {
			return map[string]any{"type": "string", "enum": words}
		}
		if g.defs[e.Name] == nil {
			g.defs[e.Name] = map[string]any{} // ends recursion
			g.defs[e.Name] = g.object(t, e.Name)
		}
		return map[string]any{"$ref": "#/$defs/" + e.Name}
	}
	t.Fatalf("no schema for %T", e)
	return nil
}

func TestSchemaIsCurrent(t *testing.T) {
	want := generate(t)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("schema.json", want, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(Schema(), want) {
		t.Error("schema.json does not fit the types: run go generate")
	}
}

// The contract of the report names these fields; none may go.
func TestSchemaKeepsTheContract(t *testing.T) {
	var s struct {
		Required []string
		Defs     map[string]struct {
			Required []string
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	for def, fields := range map[string]string{
		"":              "schema tool run summary subjects certificates",
		"Tool":          "version rules_digest data",
		"Run":           "command started finished at vantage complete contacted",
		"Summary":       "subjects verdicts findings waived",
		"VerdictCounts": "forged suspicious ok inconclusive",
		"Subject":       "id kind target address verdict complete anchor chain findings inconclusive errors",
		"Finding":       "rule version class severity confidence title message fingerprint status waiver",
		"Gap":           "rule reason",
		"Failure":       "stage error",
		"Certificate":   "subject issuer serial not_before not_after dns_names spki_sha256 parsers pem",
		"Parsers":       "stdlib zcrypto ctgo",
	} {
		required := s.Required
		if def != "" {
			required = s.Defs[def].Required
		}
		for field := range strings.FieldsSeq(fields) {
			if !strings.Contains(" "+strings.Join(required, " ")+" ", " "+field+" ") {
				t.Errorf("schema of %q does not require %q", def, field)
			}
		}
	}
}

func validate(t *testing.T, report []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(report))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return compiled.Validate(value)
}

func TestSchemaFitsReports(t *testing.T) {
	if err := validate(t, render(t, "json", Options{}, testDocument())); err != nil {
		t.Errorf("a report does not fit the schema: %v", err)
	}
	if err := validate(t, render(t, "json", Options{}, &Document{})); err != nil {
		t.Errorf("the report of nothing does not fit the schema: %v", err)
	}
	full := string(render(t, "json", Options{}, testDocument()))
	for name, change := range map[string][2]string{
		"verdict":       {`"verdict":"forged"`, `"verdict":"fine"`},
		"no chain":      {`"chain":[`, `"chian":[`},
		"null findings": {`"findings":[],"inconclusive":[{`, `"findings":null,"inconclusive":[{`},
		"other schema":  {SchemaName, "certassay/report/v0"},
	} {
		broken := strings.Replace(full, change[0], change[1], 1)
		if broken == full {
			t.Fatalf("%s: the report has no %s", name, change[0])
		}
		if validate(t, []byte(broken)) == nil {
			t.Errorf("%s: the schema lets it pass", name)
		}
	}
}
