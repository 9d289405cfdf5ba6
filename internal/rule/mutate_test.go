package rule

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestMutants(t *testing.T) {
	e, err := newEngine()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		src  string
		want []mutant
	}{
		{"a.b", nil},
		{"a && b", []mutant{{"a", "b"}, {"b", "a"}}},
		{"a && b && c && d", []mutant{{"a", "b && c && d"}, {"b", "a && c && d"}, {"c", "a && b && d"}, {"d", "a && b && c"}}},
		{"a || (b && !c)", []mutant{
			{"a", "b && !c"}, {"b && !c", "a"}, {"b", "a || !c"}, {"!c", "a || b"}, {"the ! before c", "a || b && c"}}},
		{"x.exists(l, l.a && !l.b)", []mutant{
			{"l.a", "x.exists(l, !l.b)"}, {"!l.b", "x.exists(l, l.a)"}, {"the ! before l.b", "x.exists(l, l.a && l.b)"}}},
		{"!(a || b)", []mutant{{"the ! before a || b", "a || b"}, {"a", "!b"}, {"b", "!a"}}},
		{"(a ? b || c : d) == true", []mutant{{"b", "(a ? c : d) == true"}, {"c", "(a ? b : d) == true"}}},
	}
	for _, tt := range tests {
		got, err := e.mutants(tt.src)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(mutant{})); diff != "" {
			t.Errorf("mutants(%s) differ (-want +got):\n%s", tt.src, diff)
		}
	}
}

const untested = `id: key-test
version: 1
status: deprecated
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
applies: cert.role == "leaf"
when: cert.key.bits < 2048 && cert.key.algorithm == "rsa"
message: short
tests:
  - {name: short, want: finding, facts: {cert: {role: leaf, key: {bits: 1024, algorithm: rsa}}}}
  - {name: long, want: pass, facts: {cert: {role: leaf, key: {bits: 2048, algorithm: rsa}}}}
  - {name: nothing, want: inconclusive, facts: {}}
  - {name: issuer, want: not-applicable, facts: {cert: {role: issuer}}}
`

// A term that no test needs is reported, also of rules that do not run; a rule
// whose own tests fail is reported by Test and by nothing else.
func TestMutateFindsSurvivors(t *testing.T) {
	set, err := Load(fstest.MapFS{"key/key-test.yaml": {Data: []byte(untested)}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Mutate(set)
	if err != nil {
		t.Fatal(err)
	}
	r := set.all[0]
	want := []Survivor{{r, "when", `cert.key.algorithm == "rsa"`, "cert.key.bits < 2048"}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *Rule) bool { return a == b })); diff != "" {
		t.Errorf("Mutate differs (-want +got):\n%s", diff)
	}
	r.examples[0].want = r.examples[1].want
	if got, err := Mutate(set); err != nil || got != nil {
		t.Errorf("Mutate of a failing rule = %v, %v, want nothing", got, err)
	}
	failures := Test(set)
	if len(failures) != 1 || failures[0].Test != "short" || failures[0].Line != 19 {
		t.Fatalf("Test = %v, want the test in line 19", failures)
	}
	if want := `rules/key/key-test.yaml:19: test "short" of key-test gives finding, want pass`; failures[0].Error() != want {
		t.Errorf("Error() = %q, want %q", failures[0].Error(), want)
	}
}

// Without the whole of applies.
func TestMutateDropsApplies(t *testing.T) {
	set, err := Load(fstest.MapFS{"key/key-test.yaml": {Data: []byte(untested)}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := set.all[0]
	r.examples = r.examples[:3] // without the one that is not applicable
	got, err := Mutate(set)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Key != "applies" {
		t.Errorf("Mutate = %v, want applies and one operand", got)
	}
}
