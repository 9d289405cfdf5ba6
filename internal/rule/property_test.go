package rule_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/rules"
)

// every loads every shipped rule, experimental ones too.
func every(t testing.TB) *rule.Set {
	t.Helper()
	set, err := rule.Load(rules.FS, rule.Options{Experimental: true})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// outcomes evaluates all scopes and gives the outcome of each rule.
func outcomes(set *rule.Set, f *facts.Facts) map[string]finding.Outcome {
	out := map[string]finding.Outcome{}
	for s := rule.ScopeCertificate; s <= rule.ScopeCorpus; s++ {
		for _, r := range set.Eval(nil, s, f) {
			out[r.Rule.ID] = r.Outcome
		}
	}
	return out
}

// full gives facts in which nothing is unknown.
func full(t testing.TB) *facts.Facts {
	t.Helper()
	f := new(facts.Facts)
	fill(reflect.ValueOf(f).Elem(), 0)
	return f
}

// fill makes everything known. The seed varies the values: bits of it turn
// truth values, numbers and texts.
func fill(v reflect.Value, seed uint64) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 1, 1+int(seed%300), 0, 0, 0, 0, time.UTC)))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), seed)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("fact") != "" {
				fill(v.Field(i), next(seed+uint64(i)))
			}
		}
	case v.Kind() == reflect.Slice:
		n := 1 + int(seed%3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), next(seed+uint64(i)))
		}
	case v.Kind() == reflect.Bool:
		v.SetBool(seed>>3&1 == 1)
	case v.Kind() == reflect.Int64:
		v.SetInt(int64(seed >> 5 % 300))
	case v.Kind() == reflect.Float64:
		v.SetFloat(float64(seed>>5%300) / 300)
	case v.Kind() == reflect.String:
		words := []string{"", "ok", "error", "none", "public", "leaf", "issuer", "rsa", "sha1", "bad-signature"}
		v.SetString(words[seed>>7%uint64(len(words))])
	default:
		panic(fmt.Sprintf("no filling for %s", v.Type()))
	}
}

// next is SplitMix64: values that look unrelated, the same in every run.
func next(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// holes calls visit for every fact that can be unknown, while it is unknown.
func holes(v reflect.Value, path string, visit func(path string)) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			sf := v.Type().Field(i)
			if sf.Tag.Get("fact") == "" {
				continue
			}
			fv, p := v.Field(i), path+"."+sf.Tag.Get("fact")
			if fv.Kind() == reflect.Pointer || fv.Kind() == reflect.Slice {
				kept := reflect.New(fv.Type()).Elem()
				kept.Set(fv)
				fv.SetZero()
				visit(p)
				fv.Set(kept)
			}
			holes(fv, p, visit)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		holes(v.Elem(), path, visit)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			holes(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	}
}

// No facts never give a pass, nor any other answer.
func TestNoFactsGiveNoAnswer(t *testing.T) {
	for id, o := range outcomes(every(t), new(facts.Facts)) {
		if o != finding.Inconclusive {
			t.Errorf("%s without facts = %v, want inconclusive", id, o)
		}
	}
}

// Forgetting a fact or a group leaves an answer or makes it inconclusive,
// nothing else.
func TestForgettingNeverChangesAnAnswer(t *testing.T) {
	set := every(t)
	subjects := []*facts.Facts{}
	for seed := range uint64(24) {
		f := new(facts.Facts)
		fill(reflect.ValueOf(f).Elem(), next(seed))
		subjects = append(subjects, f)
	}
	decided := map[string]bool{}
	for _, f := range subjects {
		before := outcomes(set, f)
		for id, o := range before {
			if o != finding.Inconclusive {
				decided[id] = true
			}
		}
		holes(reflect.ValueOf(f).Elem(), "", func(path string) {
			for id, o := range outcomes(set, f) {
				if o != before[id] && o != finding.Inconclusive {
					t.Errorf("without %s, %s = %v, with it %v", path, id, o, before[id])
				}
			}
		})
	}
	// Facts that never decide a rule would make the test empty.
	for _, r := range set.Active() {
		if !decided[r.ID] {
			t.Errorf("%s was inconclusive with everything known", r.ID)
		}
	}
}

// The same holds for the facts of the tests in the rule files, which decide the
// rules in the ways that matter.
func TestForgettingInExamples(t *testing.T) {
	set := every(t)
	for _, r := range set.Active() {
		for _, ex := range rule.FactsOf(r) {
			before := rule.Evaluate(set, r, ex)
			holes(reflect.ValueOf(ex).Elem(), "", func(path string) {
				if got := rule.Evaluate(set, r, ex); got != before && got != finding.Inconclusive {
					t.Errorf("%s: without %s = %v, with it %v", r.ID, path, got, before)
				}
			})
		}
	}
}

// Whatever facts say, evaluating does not change them or depend on what was
// evaluated before.
func TestEvalIsPure(t *testing.T) {
	set := every(t)
	f, g := full(t), full(t)
	first := outcomes(set, f)
	outcomes(set, new(facts.Facts))
	if !reflect.DeepEqual(f, g) {
		t.Error("Eval changes its facts")
	}
	if again := outcomes(set, f); !reflect.DeepEqual(first, again) {
		t.Errorf("Eval = %v, then %v", first, again)
	}
	got := set.Eval(nil, rule.ScopeChain, f)
	if !slices.IsSortedFunc(got, func(a, b rule.Result) int {
		if a.Rule.ID < b.Rule.ID {
			return -1
		}
		return 1
	}) {
		t.Error("results are not sorted by id")
	}
}
