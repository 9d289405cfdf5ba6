package rule_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/rules"
)

// A scaffold is a whole rule: it loads from a directory, its tests pass, and no
// change of it goes unnoticed.
func TestScaffold(t *testing.T) {
	for _, family := range rule.Families {
		id := family + "-brand-new"
		text, err := rule.Scaffold(id)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, id+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		set, err := rule.Load(fstest.MapFS{}, rule.Options{Packs: []rule.Pack{{Dir: dir, FS: os.DirFS(dir)}}})
		if err != nil {
			t.Fatalf("the scaffold of %s does not load:\n%v", id, err)
		}
		if f := rule.Test(set); len(f) > 0 {
			t.Errorf("the scaffold of %s fails its tests: %v", id, f)
		}
		if s, err := rule.Mutate(set); err != nil || len(s) > 0 {
			t.Errorf("Mutate(scaffold of %s) = %v, %v", id, s, err)
		}
	}
	for _, id := range []string{"", "chain", "Chain-x", "chain_x", "other-x", "chain-x/../y", "chain-x.yaml"} {
		if text, err := rule.Scaffold(id); err == nil {
			t.Errorf("Scaffold(%q) = %q, want an error", id, text)
		}
	}
}

// What is generated from the rules is as committed. UPDATE=1 refreshes it, as
// does "go generate ./rules".
func TestGeneratedFiles(t *testing.T) {
	schema, err := rule.Schema()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"INDEX.md": []byte(rule.Index(load(t))), "schema.json": schema} {
		path := filepath.Join("..", "..", "rules", name)
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("rules/%s is out of date; run \"go generate ./rules\"", name)
		}
	}
}

// The schema accepts what the loader accepts, and knows every key.
func TestSchema(t *testing.T) {
	text, err := rule.Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rule.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("rule.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(data []byte) error {
		var v any
		if err := yaml.Load(data, &v); err != nil {
			t.Fatal(err)
		}
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		inst, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(inst)
	}
	for _, r := range load(t).All() {
		data, err := rules.FS.ReadFile(strings.TrimPrefix(r.Path, "rules/"))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(data); err != nil {
			t.Errorf("the schema refuses %s: %v", r.Path, err)
		}
	}
	for _, bad := range []string{base + "extra: 1\n", edit(t, "benign", ""), edit(t, "class", "class: bad"), strings.Replace(base, "facts: {cert:", "facts: {crt:", 1)} {
		if validate([]byte(bad)) == nil {
			t.Errorf("the schema accepts\n%s", bad)
		}
	}
}

func TestVocabulary(t *testing.T) {
	words, err := rule.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]rule.Word{}
	for _, w := range words {
		if w.Doc == "" {
			t.Errorf("fact %s has no doc", w.Path)
		}
		if _, ok := got[w.Path]; ok {
			t.Errorf("fact %s is there twice", w.Path)
		}
		got[w.Path] = w
	}
	for path, want := range map[string]struct {
		typ     string
		unknown bool
	}{
		"at":                   {"timestamp", true},
		"cert":                 {"group", true},
		"cert.serial.bits":     {"int", false},
		"cert.names.dns":       {"list(string)", true},
		"cert.self_issued":     {"bool", true},
		"scts[].verdict":       {"string", true},
		"chain.links":          {"list(group)", true},
		"chain.links[].is_ca":  {"bool", false},
		"endpoint.tls_version": {"string", false},
	} {
		if w := got[path]; w.Type != want.typ || w.Unknown != want.unknown {
			t.Errorf("fact %s = %q, can be unknown: %v; want %q, %v", path, w.Type, w.Unknown, want.typ, want.unknown)
		}
	}
	text, err := rule.VocabularyJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back []rule.Word
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(words, back); diff != "" {
		t.Errorf("VocabularyJSON differs (-want +got):\n%s", diff)
	}
}

const explained = `key-test
A title

  policy, severity low, confidence weak
  experimental: runs only when asked for

What it looks at
  What it looks at.

Why it matters
  A reason that is long enough to be wrapped, since nobody reads lines of two
  hundred characters in a terminal at night, or at any other time.

What else could explain it
  - Something else.

What to do
  What to do.

Sources
  - https://www.rfc-editor.org/rfc/rfc5280

How it decides
  only where
    cert.role == 'leaf'
  a finding where
    cert.key.bits < 2048 && cert.key.algorithm == "rsa"

Facts it needs
  - cert.role
  - cert.key.algorithm
  - cert.key.bits

version 1, since v0.1.0, certificate scope, rules/key/key-test.yaml
formerly key-old
tags: weak
`

func TestExplain(t *testing.T) {
	set := one(t, map[string]string{
		"status": "status: experimental",
		"why": "why: >\n  A reason that is long enough to be wrapped, since nobody reads lines of two hundred\n" +
			"  characters in a terminal at night, or at any other time.",
		"since": "since: v0.1.0\napplies: cert.role == 'leaf'\naliases: [key-old]\ntags: [weak]",
		"+":     "  - {name: na, want: not-applicable, facts: {}}\n",
	})
	r, err := set.Rule("key-old")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(explained, rule.Explain(r)); diff != "" {
		t.Errorf("Explain differs (-want +got):\n%s", diff)
	}
}

// The index has every rule once in its table and once in full, and prose cannot
// break out of it.
func TestIndex(t *testing.T) {
	set := load(t)
	index := rule.Index(set)
	for _, r := range set.All() {
		if n := strings.Count(index, "| ["+r.ID+"](#"+r.ID+") |"); n != 1 {
			t.Errorf("%s is %d times in the table", r.ID, n)
		}
		if n := strings.Count(index, "\n### "+r.ID+"\n"); n != 1 {
			t.Errorf("%s is %d times in full", r.ID, n)
		}
	}
	evil := rule.Index(one(t, map[string]string{"title": `title: "a | b <script> [x](y) *z*"`}))
	if want := `a \| b &lt;script&gt; \[x](y) \*z\*`; !strings.Contains(evil, want) || strings.Contains(evil, "<script>") {
		t.Errorf("Index does not escape a title:\n%s", evil)
	}
}
