package rule

import (
	"io/fs"
	"path"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/rules"
)

// A file that is accepted, written again, is accepted with the same digest. Its
// rule gives no pass without facts, and can be explained.
func FuzzLoad(f *testing.F) {
	seed(f, func(text string) { f.Add(text) })
	f.Add(untested)
	e, err := newEngine()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id := "key-test"
		if _, after, ok := strings.Cut(text, "id: "); ok {
			id = strings.TrimSpace(strings.SplitN(after, "\n", 2)[0])
		}
		p := place{base: id + ".yaml"}
		r, err := e.load("x.yaml", p, []byte(text))
		if err != nil {
			return
		}
		again, err := yaml.Dump(r.file)
		if err != nil {
			t.Fatalf("writing an accepted rule: %v", err)
		}
		r2, err := e.load("x.yaml", p, again)
		if err != nil {
			t.Fatalf("an accepted rule, written again, is refused: %v\n%s", err, again)
		}
		if r.digest() != r2.digest() {
			t.Errorf("the digest changes when the rule is written again:\n%s", again)
		}
		if o := e.newRun(new(facts.Facts)).rule(r).Outcome; o == finding.Pass {
			t.Errorf("no facts give a pass: %s", r.When)
		}
		Explain(r)
	})
}

// seed gives the text of the shipped rules.
func seed(f *testing.F, add func(string)) {
	err := fs.WalkDir(rules.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".yaml" {
			return err
		}
		text, err := fs.ReadFile(rules.FS, name)
		add(string(text))
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
}

// Facts that are accepted have nothing in them that was not written, and give
// the same facts when written again.
func FuzzDecodeFacts(f *testing.F) {
	f.Add("{}")
	f.Add("at: 2026-01-01T00:00:00Z\ncert: {serial: {bits: 3}, names: {dns: [a]}}")
	f.Add("scts: [{verdict: ok, time: 2026-01-01T00:00:00+01:00}]\nchain: {links: []}")
	decode := func(text []byte) (*facts.Facts, any, bool) {
		s := newSource("x", text)
		root := s.parseYAML(text)
		if root == nil {
			return nil, nil, false
		}
		out := new(facts.Facts)
		s.decode(root, reflect.ValueOf(out).Elem(), factTag, "")
		return out, tree(root), len(s.errs) == 0
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, plain, ok := decode([]byte(text))
		if !ok {
			return
		}
		again, err := yaml.Dump(plain)
		if err != nil {
			t.Fatal(err)
		}
		got2, _, ok := decode(again)
		if !ok || !reflect.DeepEqual(got, got2) {
			t.Errorf("facts differ when written again:\n%s", again)
		}
		if m, _ := plain.(map[string]any); len(m) == 0 && !reflect.DeepEqual(got, new(facts.Facts)) {
			t.Errorf("decode(%q) = %+v, want nothing known", text, got)
		}
	})
}

// An expression never panics the compiler, and every fault lies inside it.
func FuzzCompile(f *testing.F) {
	for _, src := range []string{"cert.key.bits < 9", "scts.exists(s, s.mimic)", "a.b(", "has(cert)", "'\\u00e9' == cert.sha256", "[1][", "\n\n!x"} {
		f.Add(src)
	}
	e, err := newEngine()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, faults := e.compile(src, wantBool)
		if (p == nil) == (faults == nil) {
			t.Errorf("compile(%q) = %v, %v", src, p, faults)
		}
		for _, x := range faults {
			if x.offset < 0 {
				t.Errorf("compile(%q): fault at %d", src, x.offset)
			}
		}
	})
}
