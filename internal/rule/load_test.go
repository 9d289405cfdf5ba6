package rule_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/rules"
)

// base is a rule without fault; tests change one thing of it.
const base = `id: key-test
version: 1
status: stable
since: v0.1.0
title: A title
summary: What it looks at.
why: Why.
benign: [Something else.]
class: policy
severity: low
confidence: weak
references: [https://www.rfc-editor.org/rfc/rfc5280]
remediation: What to do.
subject: certificate
when: cert.key.bits < 2048 && cert.key.algorithm == "rsa"
message: "{{bits}} bits"
show: {bits: cert.key.bits}
tests:
  - {name: short, want: finding, facts: {cert: {key: {bits: 1024, algorithm: rsa}}}}
  - {name: long, want: pass, facts: {cert: {key: {bits: 2048, algorithm: rsa}}}}
  - {name: other, want: pass, facts: {cert: {key: {bits: 256, algorithm: ecdsa}}}}
  - {name: nothing, want: inconclusive, facts: {}}
`

func file(text string) fstest.MapFS {
	return fstest.MapFS{"key/key-test.yaml": {Data: []byte(text)}}
}

// edit replaces one line of base, known by its key.
func edit(t testing.TB, key, lines string) string {
	t.Helper()
	var out []string
	found := false
	for line := range strings.Lines(base) {
		if strings.HasPrefix(line, key+":") {
			found = true
			if lines == "" {
				continue
			}
			line = lines + "\n"
		}
		out = append(out, line)
	}
	if !found {
		t.Fatalf("no key %q in the base rule", key)
	}
	return strings.Join(out, "")
}

func TestLoadBase(t *testing.T) {
	set, err := rule.Load(file(base), rule.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if f := rule.Test(set); len(f) > 0 {
		t.Error(f[0])
	}
	r, err := set.Rule("key-test")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"cert.key.algorithm", "cert.key.bits"}, r.Reads()); diff != "" {
		t.Errorf("Reads() differs (-want +got):\n%s", diff)
	}
	if r.Scope() != rule.ScopeCertificate || r.Needed() || r.Limited() {
		t.Errorf("Scope() = %v, Needed() = %v, Limited() = %v, want certificate, false, false", r.Scope(), r.Needed(), r.Limited())
	}
}

// Each mistake is named, at its place.
func TestLoadErrors(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // parts of the message
	}{
		{"unknown key", base + "severty: low\n", []string{`rules/key/key-test.yaml:23:1: unknown key "severty"`, `did you mean "severity"?`}},
		{"repeated key", base + "id: key-test\n", []string{`:23:1: key "id" is already there in line 1`}},
		{"second document", base + "---\nid: x\n", []string{"a second document"}},
		{"broken second document", base + "---\nid: [\n", []string{"not valid YAML"}},
		{"no document", "# nothing\n", []string{"holds no rule"}},
		{"a list", "[1]", []string{":1:1: want a mapping, found a list"}},
		{"bad YAML", "id: [a\n", []string{"rules/key/key-test.yaml:1:5: not valid YAML"}},
		{"alias", edit(t, "why", "why: *a"), []string{"unknown anchor"}},
		{"anchor", edit(t, "title", "title: &a A title"), []string{":5:8: anchors and aliases"}},
		{"tag", edit(t, "title", "title: !!binary aGk="), []string{":5:8: YAML tags"}},
		{"null", edit(t, "title", "title:"), []string{":5:7: title: want text, found nothing", "leave the key out"}},
		{"number for text", edit(t, "title", "title: 1.10"), []string{":5:8: title: want text, found float 1.10", "quotes"}},
		{"text for list", edit(t, "benign", "benign: none"), []string{":8:9: benign: want a list, found text", "[none]"}},
		{"octal", edit(t, "version", "version: 010"), []string{":2:10: version: want a decimal number"}},
		{"no version", edit(t, "version", ""), []string{"key-test.yaml:1:1: missing: version"}},
		{"version 0", edit(t, "version", "version: 0"), []string{":2:10: version 0 is below 1"}},
		{"no benign", edit(t, "benign", "benign: []"), []string{":8:9: benign is empty"}},
		{"blank why", edit(t, "why", `why: " "`), []string{":7:6: why is empty"}},
		{"id form", edit(t, "id", "id: Key_Test"), []string{`:1:5: id "Key_Test" is malformed`}},
		{"id family", edit(t, "id", "id: kee-test"), []string{`begins with "kee", which is no family`, `did you mean "key"?`}},
		{"id and file", edit(t, "id", "id: key-rest"), []string{`does not fit the name of the file`, "key-rest.yaml"}},
		{"status", edit(t, "status", "status: stabel"), []string{`:3:9: unknown status "stabel"`, `did you mean "stable"?`}},
		{"since", edit(t, "since", "since: 0.1.0"), []string{`:4:8: since "0.1.0" is not a version`}},
		{"class", edit(t, "class", "class: forgry"), []string{`unknown class "forgry"`, `did you mean "forgery"?`}},
		{"severity", edit(t, "severity", "severity: dire"), []string{`:10:11: unknown severity "dire"`}},
		{"confidence", edit(t, "confidence", "confidence: sure"), []string{`unknown confidence "sure"`}},
		{"subject", edit(t, "subject", "subject: cert"), []string{`unknown subject "cert"`}},
		{"plain http", edit(t, "references", "references: [http://example.org]"), []string{`:12:14: reference "http://example.org" is not an https link`}},
		{"no references", edit(t, "references", "references: []"), []string{"references is empty"}},
		{"control character", edit(t, "title", `title: "a\u202eb"`), []string{"title holds a character that does not print"}},
		{"alias form", base + "aliases: [X]\n", []string{`:23:11: alias "X" is malformed`}},
		{"alias is id", base + "aliases: [key-test]\n", []string{"given twice or is the id itself"}},
		{"tag form", base + "tags: [A b]\n", []string{`tag "A b" is malformed`}},

		{"unknown fact", edit(t, "when", "when: cert.key.bitts < 2048"), []string{`:15:15: when: undefined field 'bitts'`, `did you mean "bits"?`, "\n    when: cert.key.bitts < 2048\n                  ^"}},
		{"unknown group", edit(t, "when", "when: crt.key.bits < 2048"), []string{`:15:7: when: undeclared reference to 'crt'`, `did you mean "cert"?`}},
		{"folded", edit(t, "when", "when: >\n  cert.key.bits < 2048\n    &&\n  cert.key.algoritm == 'rsa'"), []string{`:18:11: when: undefined field 'algoritm'`}},
		{"folded plain", edit(t, "when", "when: >\n  cert.key.bits < 2048 &&\n  cert.key.algoritm == 'rsa'"), []string{`:17:11: when: undefined field 'algoritm'`}},
		{"literal", edit(t, "when", "when: |\n  cert.key.bits < 2048 &&\n    cert.key.algoritm == 'rsa'"), []string{`:17:13: when: undefined field 'algoritm'`}},
		{"plain lines", edit(t, "when", "when: cert.key.bits < 2048 &&\n  cert.key.algoritm == 'rsa'"), []string{`:16:11: when: undefined field 'algoritm'`}},
		{"single quotes", edit(t, "when", "when: '\"it''s\" != \"\" && cert.key.algoritm == \"\"'"), []string{`:15:33: when: undefined field 'algoritm'`}},
		{"double quotes", edit(t, "when", `when: "\"\" != cert.key.algoritm"`), []string{`:15:24: when: undefined field 'algoritm'`}},
		{"syntax", edit(t, "when", "when: cert.key.bits < < 2048"), []string{`:15:23: when: Syntax error`}},
		{"type", edit(t, "when", "when: cert.key.bits == 'x'"), []string{`:15:21: when: found no matching overload`}},
		{"not a condition", edit(t, "when", "when: cert.key.bits"), []string{`:15:7: when: want true or false, the expression gives int`}},
		{"no facts read", edit(t, "when", "when: 1 < 2"), []string{`when reads no fact`}},
		{"has", edit(t, "when", "when: has(cert.key)"), []string{`:15:10: when: has() is not used`, "inconclusive by itself"}},
		{"dyn", edit(t, "when", "when: dyn(cert.key.bits) < 1"), []string{`dyn() is not used`}},
		{"struct", edit(t, "when", "when: 'facts.cert{} == facts.cert{} && cert.key.bits < 1'"), []string{`cannot make facts`}},
		{"groups compared", edit(t, "when", "when: cert.subject == cert.issuer"), []string{"when:"}},
		{"one group compared", edit(t, "when", "when: cert.subject == cert.subject"), []string{`:15:11: when: a group of facts cannot be compared`}},
		{"shadow", edit(t, "when", "when: scts.exists(cert, cert.mimic)"), []string{`:15:19: when: the variable cert hides`}},
		{"bad pattern", edit(t, "when", "when: cert.sha256.matches('(')"), []string{"when:"}},
		{"long", edit(t, "when", "when: cert.key.bits < 1"+strings.Repeat(" && cert.key.bits < 1", 250)), []string{"more than 4096"}},
		{"deep", edit(t, "when", "when: "+strings.Repeat("(", 300)+"cert.key.bits < 1"+strings.Repeat(")", 300)), []string{"when:"}},
		{"applies", base + "applies: cert.rol == ''\n", []string{`:23:14: applies: undefined field 'rol'`, "no test wants the outcome not-applicable"}},
		{"show name", edit(t, "show", "show: {Bits: cert.key.bits, bits: cert.key.bits}"), []string{`:17:8: the name "Bits" in show is malformed`}},
		{"show value", edit(t, "show", "show: {bits: cert.key}"), []string{`:17:14: show.bits: want a plain value`}},
		{"show expression", edit(t, "show", "show: {bits: cert.kee.bits}"), []string{`:17:18: show.bits: undefined field 'kee'`}},
		{"placeholder", edit(t, "message", `message: "{{bit}}"`), []string{`uses {{bit}}, which show does not have`, `did you mean "bits"?`}},
		{"braces", edit(t, "message", `message: "{{bits}} }}"`), []string{`braces that belong to no placeholder`}},

		{"unknown fact in a test", base + "  - {name: x, want: pass, facts: {cert: {kee: {}}}}\n", []string{`:23:42: unknown fact "cert.kee"`, `did you mean "key"?`}},
		{"fact of another type", base + "  - {name: x, want: pass, facts: {cert: {key: {bits: many}}}}\n", []string{`:23:54: cert.key.bits: want a decimal number, found text`}},
		{"fact null", base + "  - {name: x, want: pass, facts: {cert: null}}\n", []string{`want a mapping, found nothing`}},
		{"bad time", base + "  - {name: x, want: pass, facts: {at: today}}\n", []string{`at: want a time`}},
		{"outcome", base + "  - {name: x, want: passed, facts: {}}\n", []string{`:23:21: unknown outcome "passed"`}},
		{"test key", base + "  - {name: x, wants: pass, facts: {}}\n", []string{`unknown key "tests[4].wants"`}},
		{"test name twice", base + "  - {name: long, want: pass, facts: {}}\n", []string{`:23:12: a second test named "long"`}},
		{"no facts", base + "  - {name: x, want: pass}\n", []string{`:23:5: test "x" has no facts`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := rule.Load(file(tt.text), rule.Options{})
			if err == nil || set != nil {
				t.Fatalf("Load accepts\n%s", tt.text)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Load gives\n%v\nwant it to say %q", err, want)
				}
			}
		})
	}
}

// Missing tests of one kind are each an error.
func TestLoadWantsTests(t *testing.T) {
	for _, o := range []finding.Outcome{finding.Found, finding.Pass, finding.Inconclusive} {
		var kept []string
		for line := range strings.Lines(base) {
			if !strings.Contains(line, "want: "+o.String()) {
				kept = append(kept, line)
			}
		}
		_, err := rule.Load(file(strings.Join(kept, "")), rule.Options{})
		if want := "no test wants the outcome " + o.String(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load without a test for %s = %v, want %q", o, err, want)
		}
	}
}

// Everything wrong with every file is said at once, by place.
func TestLoadReportsAllErrors(t *testing.T) {
	bad := strings.NewReplacer("status: stable", "status: good", "class: policy", "class: bad", "bits <", "bitz <").Replace(base)
	pack := fstest.MapFS{"key-other.yaml": {Data: []byte("id: 1\nidd: 2\n")}}
	_, err := rule.Load(file(bad), rule.Options{Packs: []rule.Pack{{Dir: "/home/me/pack", FS: pack}}})
	var got []string
	for _, e := range flatten(err) {
		var re *rule.Error
		if !errors.As(e, &re) {
			t.Fatalf("%T is no *rule.Error: %v", e, e)
		}
		got = append(got, fmt.Sprintf("%s:%d:%d", re.Path, re.Line, re.Col))
	}
	want := []string{
		"rules/key/key-test.yaml:3:9", "rules/key/key-test.yaml:9:8", "rules/key/key-test.yaml:15:15",
		"/home/me/pack/key-other.yaml:1:1", "/home/me/pack/key-other.yaml:1:5", "/home/me/pack/key-other.yaml:2:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors differ (-want +got):\n%s\n%v", diff, err)
	}
}

func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	return []error{err}
}

func TestLoadPlaces(t *testing.T) {
	good := &fstest.MapFile{Data: []byte(base)}
	renamed := &fstest.MapFile{Data: []byte(strings.Replace(base, "id: key-test", "id: key-mine", 1))}
	large := &fstest.MapFile{Data: []byte(base + "#" + strings.Repeat("x", 64<<10))}
	tests := []struct {
		name          string
		shipped, pack fstest.MapFS
		want          string // in the error; empty for none
	}{
		{"shipped", fstest.MapFS{"key/key-test.yaml": good}, nil, ""},
		{"shipped at the top", fstest.MapFS{"key-test.yaml": good}, nil, "rules/key-test.yaml: a rule file in the wrong place\n    hint: move it to key/key-test.yaml"},
		{"wrong family", fstest.MapFS{"sct/key-test.yaml": good}, nil, `does not fit the directory "sct"`},
		{"no family", fstest.MapFS{"keys/x.yaml": good}, nil, "wrong place"},
		{"too deep", fstest.MapFS{"key/more/key-test.yaml": good}, nil, "move it to key/key-test.yaml"},
		{"pack at the top", nil, fstest.MapFS{"key-test.yaml": good}, ""},
		{"pack in a family", nil, fstest.MapFS{"key/key-test.yaml": good}, ""},
		{"pack too deep", nil, fstest.MapFS{"a/b/key-test.yaml": good}, "wrong place"},
		{"pack in another directory", nil, fstest.MapFS{"mine/key-test.yaml": good}, "wrong place"},
		{"other files", nil, fstest.MapFS{"README.md": good, ".git/x.yaml": good, "key/notes.txt": good}, ""},
		{"yml", nil, fstest.MapFS{"key/key-test.yml": good}, "rule files end in .yaml"},
		{"too large", nil, fstest.MapFS{"key/key-test.yaml": large}, "larger than 64 KiB"},
		{"a pipe", nil, fstest.MapFS{"key/key-test.yaml": {Mode: fs.ModeNamedPipe}}, "not a regular file"},
		{"clash", fstest.MapFS{"key/key-test.yaml": good}, fstest.MapFS{"key-test.yaml": good}, `pack/key-test.yaml: the id "key-test" is taken by rules/key/key-test.yaml`},
		{"clash by alias", fstest.MapFS{"key/key-test.yaml": good}, fstest.MapFS{"key-mine.yaml": {Data: append([]byte("aliases: [key-test]\n"), renamed.Data...)}}, `the id "key-test" is taken by`},
		{"two rules", fstest.MapFS{"key/key-test.yaml": good}, fstest.MapFS{"key-mine.yaml": renamed}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := rule.Load(tt.shipped, rule.Options{Packs: []rule.Pack{{Dir: "pack", FS: tt.pack}}})
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("Load = %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("Load = %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := rule.Load(rules.FS, rule.Options{Packs: []rule.Pack{{Dir: "gone", FS: os.DirFS("/does/not/exist")}}}); err == nil {
		t.Error("Load accepts a pack that is not there")
	}
}

// An error of a long line shows the part that matters, and nothing that steers a
// terminal.
func TestErrorText(t *testing.T) {
	e := &rule.Error{Path: "p", Line: 1, Col: 301, Msg: "bad", Source: strings.Repeat("a", 300) + "X" + strings.Repeat("b", 300)}
	lines := strings.Split(e.Error(), "\n")
	if len(lines) != 3 || len(lines[1]) > 120 {
		t.Fatalf("Error() = %q", e.Error())
	}
	if at := strings.IndexByte(lines[2], '^'); lines[1][at] != 'X' {
		t.Errorf("the caret points at %q in\n%s", lines[1][at], e.Error())
	}
	_, err := rule.Load(file("id: \"a\\eb\"\n\"x\u202ey\": 1\n"), rule.Options{})
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\u202e") {
		t.Errorf("Load = %q, want no control characters", err)
	}
}
