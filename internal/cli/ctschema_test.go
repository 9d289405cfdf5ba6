package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Everything that the commands about logs write is what the schema says, and
// nothing else is.
func TestCTSchema(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Run(t.Context(), []string{"schema", "ct"}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	doc, err := jsonschema.UnmarshalJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("ct.json", doc); err != nil {
		t.Fatal(err)
	}
	parts := map[string]*jsonschema.Schema{}
	for i, part := range doc.(map[string]any)["anyOf"].([]any) {
		s, err := compiler.Compile("ct.json#/anyOf/" + string(rune('0'+i)))
		if err != nil {
			t.Fatal(err)
		}
		parts[part.(map[string]any)["title"].(string)] = s
	}
	l := newCTLab(t, true)
	l.addForged(t)
	log, broken := l.flag(t, nil), l.breaking(t, l.log.Time).flag(t, nil)
	state := filepath.Join(t.TempDir(), "state")
	accepted := 0
	for _, c := range []struct {
		title string
		args  []string
	}{
		{"ct search -f json", []string{"search", ".lab.example", "-f", "json", "--log", log}},
		{"ct search -f json", []string{"search", "--all", "-f", "json", "--from", "290", "--to", "400", "--log", log}},
		{"a line of ct search -f jsonl", []string{"search", ".lab.example", "-f", "jsonl", "--log", log}},
		{"ct logs -f json", []string{"logs", "--check", "-f", "json", "--log", log}},
		{"ct logs -f json", []string{"logs", "--all", "-f", "json"}},
		{"ct prove -f json", []string{"prove", l.chain, "-f", "json", "--log", log}},
		{"ct prove -f json", []string{"prove", l.chain, "-f", "json", "--log", broken}},
		{"a line of ct prove -f jsonl", []string{"prove", l.chain, l.roots, "-f", "jsonl", "--log", broken}},
		{"ct entry -f json", []string{"entry", "-f", "json", log, "42"}},
		{"a notification of ct watch", []string{"watch", ".lab.example", "--log", log, "--state", state, "--once", "--start=1000"}},
		{"ct watch --status -f json", []string{"watch", "--status", "-f", "json", "--state", state}},
	} {
		_, text, errs := runCT(t, c.args...)
		whole := []string{text}
		if strings.HasPrefix(c.title, "a ") {
			whole = strings.Split(strings.TrimSpace(text), "\n")
		}
		for _, one := range whole {
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(one))
			if err != nil {
				t.Fatalf("%q: %v\n%s%s", c.args, err, one, errs)
			}
			for title, part := range parts {
				switch err := part.Validate(value); {
				case title == c.title && err != nil:
					t.Errorf("%q: %v\n%s", c.args, err, one)
				case title != c.title && err == nil:
					t.Errorf("%q is also %q", c.args, title)
				default:
					accepted++
				}
			}
		}
	}
	if accepted == 0 {
		t.Error("nothing was compared")
	}
}
