package rule_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/rules"
)

func ptr[T any](v T) *T { return &v }

// one loads a rule made of base with other lines.
func one(t testing.TB, lines map[string]string) *rule.Set {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(base) {
		key, _, _ := strings.Cut(line, ":")
		if l, ok := lines[key]; ok {
			line = l + "\n"
		}
		b.WriteString(line)
	}
	b.WriteString(lines["+"])
	set, err := rule.Load(file(b.String()), rule.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// eval evaluates a set of one rule.
func eval(t testing.TB, set *rule.Set, f *facts.Facts) rule.Result {
	t.Helper()
	r, err := set.Rule("key-test")
	if err != nil {
		t.Fatal(err)
	}
	got := set.Eval(nil, r.Scope(), f)
	if len(got) != 1 || got[0].Rule != r {
		t.Fatalf("Eval gives %d results, want one of %s", len(got), r.ID)
	}
	return got[0]
}

func TestEval(t *testing.T) {
	const applies = "applies: cert.role == 'leaf'\n"
	const never = "  - {name: na, want: not-applicable, facts: {}}\n"
	tests := []struct {
		name, when, more string
		facts            facts.Facts
		want             finding.Outcome
		reason           string
	}{
		{"true", "cert.key.bits < 9", "", facts.Facts{Cert: &facts.Cert{Key: &facts.Key{Bits: 8}}}, finding.Found, ""},
		{"false", "cert.key.bits < 9", "", facts.Facts{Cert: &facts.Cert{Key: &facts.Key{Bits: 9}}}, finding.Pass, ""},
		{"group unknown", "cert.key.bits < 9", "", facts.Facts{Cert: &facts.Cert{}}, finding.Inconclusive, "unknown: cert.key"},
		{"outer group unknown", "cert.key.bits < 9", "", facts.Facts{}, finding.Inconclusive, "unknown: cert"},
		{"reason", "cert.key.bits < 9", "", facts.Facts{Cert: &facts.Cert{}, Reasons: map[string]string{"cert.key": "it is garbled"}},
			finding.Inconclusive, "unknown: cert.key: it is garbled"},
		{"reason of the group around", "cert.key.bits < 9", "", facts.Facts{Cert: &facts.Cert{}, Reasons: map[string]string{"cert": "none came"}},
			finding.Inconclusive, "unknown: cert.key: none came"},
		// An unknown fact that the rest could do without still makes it
		// inconclusive: a rule says what it needs.
		{"unknown beside true", "cert.role == 'leaf' || cert.self_issued", "", facts.Facts{Cert: &facts.Cert{Role: "leaf"}},
			finding.Inconclusive, "unknown: cert.self_issued"},
		{"time", "cert.validity.not_after < at", "", facts.Facts{
			At: ptr(time.Unix(9, 0)), Cert: &facts.Cert{Valid: &facts.Valid{NotAfter: time.Unix(8, 0)}}}, finding.Found, ""},
		{"time unknown", "cert.validity.not_after < at", "", facts.Facts{Cert: &facts.Cert{Valid: &facts.Valid{}}}, finding.Inconclusive, "unknown: at"},
		{"list unknown", "size(cert.names.dns) == 0", "", facts.Facts{Cert: &facts.Cert{Names: &facts.Names{}}}, finding.Inconclusive, "unknown: cert.names.dns"},
		{"list empty", "size(cert.names.dns) == 0", "", facts.Facts{Cert: &facts.Cert{Names: &facts.Names{DNS: []string{}}}}, finding.Found, ""},
		{"list of texts", "'b' in cert.names.dns", "", facts.Facts{Cert: &facts.Cert{Names: &facts.Names{DNS: []string{"a", "b"}}}}, finding.Found, ""},
		{"list of groups", "chain.links.exists(l, l.is_ca && l.name_known && !l.key_known)", "",
			facts.Facts{Chain: &facts.Chain{Links: []facts.Link{{}, {IsCA: true, NameKnown: true}}}}, finding.Found, ""},
		{"index", "chain.links[0].is_ca", "", facts.Facts{Chain: &facts.Chain{Links: []facts.Link{{IsCA: true}}}}, finding.Found, ""},
		{"index outside", "chain.links[1].is_ca", "", facts.Facts{Chain: &facts.Chain{Links: []facts.Link{{IsCA: true}}}},
			finding.Inconclusive, "evaluating the rule: index out of bounds: 1"},
		{"unknown in a list", "scts.exists(s, s.verdict == 'ok')", "", facts.Facts{SCTs: []facts.SCT{{}}}, finding.Inconclusive, "unknown: scts[].verdict"},
		{"reason in a list", "scts.exists(s, s.verdict == 'ok')", "", facts.Facts{SCTs: []facts.SCT{{}}, Reasons: map[string]string{"scts": "no issuer"}},
			finding.Inconclusive, "unknown: scts[].verdict: no issuer"},
		// In a list the elements are independent: one that shows it is enough.
		{"unknown beside one that shows it", "scts.exists(s, s.verdict == 'ok')", "",
			facts.Facts{SCTs: []facts.SCT{{}, {Verdict: ptr("ok")}}}, finding.Found, ""},
		{"unknown beside one that does not", "scts.exists(s, s.verdict == 'ok')", "",
			facts.Facts{SCTs: []facts.SCT{{}, {Verdict: ptr("bad")}}}, finding.Inconclusive, "unknown: scts[].verdict"},
		{"unknown that does not matter", "scts.exists(s, s.log_known && s.verdict == 'ok')", "", facts.Facts{SCTs: []facts.SCT{{}}}, finding.Pass, ""},
		{"unknown filtered", "size(scts.filter(s, s.verdict == 'ok')) == 0", "", facts.Facts{SCTs: []facts.SCT{{}}}, finding.Inconclusive, "unknown: scts[].verdict"},
		{"negated", "!scts.exists(s, s.verdict == 'ok')", "", facts.Facts{SCTs: []facts.SCT{{}}}, finding.Inconclusive, "unknown: scts[].verdict"},
		{"applies", "cert.key.bits < 9", applies + never, facts.Facts{Cert: &facts.Cert{Role: "leaf", Key: &facts.Key{Bits: 8}}}, finding.Found, ""},
		{"does not apply", "cert.key.bits < 9", applies + never, facts.Facts{Cert: &facts.Cert{Role: "issuer"}}, finding.NotApplicable, ""},
		{"applies unknown", "cert.key.bits < 9", applies + never, facts.Facts{}, finding.Inconclusive, "unknown: cert"},
		{"applies, then unknown", "cert.key.bits < 9", applies + never, facts.Facts{Cert: &facts.Cert{Role: "leaf"}}, finding.Inconclusive, "unknown: cert.key"},
		{"division", "1 / cert.key.bits == 1", "", facts.Facts{Cert: &facts.Cert{Key: &facts.Key{}}}, finding.Inconclusive, "evaluating the rule: division by zero"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// applies precedes tests in the file, its example follows them.
			lines := map[string]string{"when": "when: >\n  " + tt.when}
			if tt.more != "" {
				lines["since"] = "since: v0.1.0\n" + strings.TrimSpace(applies)
				lines["+"] = never
			}
			got := eval(t, one(t, lines), &tt.facts)
			if got.Outcome != tt.want || got.Reason != tt.reason {
				t.Errorf("Eval(%s) = %v, %q, want %v, %q", tt.when, got.Outcome, got.Reason, tt.want, tt.reason)
			}
			if got.Outcome != finding.Found && (got.Message != "" || got.Details != nil) {
				t.Errorf("Eval(%s) explains %v: %q", tt.when, got.Outcome, got.Message)
			}
		})
	}
}

func TestEvalExplains(t *testing.T) {
	set := one(t, map[string]string{
		"when":    "when: cert.key.bits < 9",
		"message": `message: "{{n}} bits; {{names}}; {{few}}; {{issuer}}; {{at}}; {{weak}}"`,
		"show": `show: {n: cert.key.bits, names: cert.names.dns, few: "['a']", issuer: cert.issuer.text, at: cert.validity.not_after,
  weak: cert.key.bits < 9, later: "duration('90s')", share: "0.5"}`,
	})
	f := &facts.Facts{Cert: &facts.Cert{
		Key:   &facts.Key{Bits: 8},
		Names: &facts.Names{DNS: []string{"a", "b", "c", "d", "e", "f", "g"}},
		Valid: &facts.Valid{NotAfter: time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)},
	}}
	got := eval(t, set, f)
	if want := "8 bits; a, b, c, d, e, and 2 more; a; (unknown); 2026-03-15T00:00:00Z; true"; got.Message != want {
		t.Errorf("Message = %q, want %q", got.Message, want)
	}
	want := map[string]any{
		"n": int64(8), "names": []any{"a", "b", "c", "d", "e", "f", "g"}, "few": []any{"a"}, "at": "2026-03-15T00:00:00Z",
		"weak": true, "later": "1m30s", "share": 0.5,
	}
	if diff := cmp.Diff(want, got.Details); diff != "" {
		t.Errorf("Details differ (-want +got):\n%s", diff)
	}
	fi := got.Finding()
	if fi.Rule != "key-test" || fi.Version != 1 || fi.Class != finding.Policy || fi.Severity != finding.Low ||
		fi.Confidence != finding.Weak || fi.Title != "A title" || fi.Message != got.Message || fi.Status != finding.New {
		t.Errorf("Finding() = %+v", fi)
	}
}

// A rule that would run for ages is stopped, and says so.
func TestEvalHostileRule(t *testing.T) {
	loop := "cert.names.dns.all(a, cert.names.dns.all(b, cert.names.dns.all(c, a + b != c)))"
	set := one(t, map[string]string{"when": "when: " + loop})
	if r, _ := set.Rule("key-test"); !r.Limited() {
		t.Error("Limited() = false, want true")
	}
	names := make([]string, 2000)
	for i := range names {
		names[i] = fmt.Sprint("host", i)
	}
	got := eval(t, set, &facts.Facts{Cert: &facts.Cert{Names: &facts.Names{DNS: names}}})
	if got.Outcome != finding.Inconclusive || !strings.Contains(got.Reason, "cost limit") {
		t.Errorf("Eval = %v, %q, want inconclusive by the cost limit", got.Outcome, got.Reason)
	}
}

func TestScope(t *testing.T) {
	tests := []struct {
		subject, when string
		want          rule.Scope
	}{
		{"certificate", "cert.key.bits < 9", rule.ScopeCertificate},
		{"certificate", "cert.validity.not_after < at", rule.ScopeCertificate},
		{"certificate", "scts.exists(s, s.mimic)", rule.ScopeCertificate},
		{"certificate", "cert.self_issued && chain.length == 1", rule.ScopeChain},
		{"certificate", "chain.links.exists(l, l.is_ca)", rule.ScopeChain},
		{"certificate", "endpoint.port == 1 && chain.length == 1", rule.ScopeEndpoint},
		{"chain", "cert.key.bits < 9", rule.ScopeChain},
		{"endpoint", "cert.key.bits < 9", rule.ScopeEndpoint},
		{"log-entry", "cert.key.bits < 9", rule.ScopeLogEntry},
		{"corpus", "cert.key.bits < 9", rule.ScopeCorpus},
	}
	for _, tt := range tests {
		set := one(t, map[string]string{"subject": "subject: " + tt.subject, "when": "when: " + tt.when})
		r, err := set.Rule("key-test")
		if err != nil {
			t.Fatal(err)
		}
		if r.Scope() != tt.want {
			t.Errorf("Scope() of %s about %s = %v, want %v", tt.when, tt.subject, r.Scope(), tt.want)
		}
	}
	shows := one(t, map[string]string{"show": "show: {bits: chain.length}"})
	if r, _ := shows.Rule("key-test"); r.Scope() != rule.ScopeChain {
		t.Errorf("Scope() of a rule that shows chain.length = %v, want chain", r.Scope())
	}
}

func TestNeeded(t *testing.T) {
	for _, class := range finding.Classes {
		for _, confidence := range finding.Confidences {
			set := one(t, map[string]string{"class": "class: " + string(class), "confidence": "confidence: " + string(confidence)})
			r, _ := set.Rule("key-test")
			want := class != finding.Policy && class != finding.Hygiene && confidence != finding.Weak
			if r.Needed() != want {
				t.Errorf("Needed() of %s %s = %v, want %v", confidence, class, r.Needed(), want)
			}
		}
	}
}

// many is rules of every status.
func many(t *testing.T, opts rule.Options) *rule.Set {
	t.Helper()
	fs := fstest.MapFS{}
	for id, status := range map[string]string{"key-a": "stable", "key-b": "stable", "sct-c": "stable", "key-new": "experimental", "key-old": "deprecated"} {
		text := strings.Replace(edit(t, "id", "id: "+id), "status: stable", "status: "+status, 1) + "aliases: [x-" + id + "]\n"
		family, _, _ := strings.Cut(id, "-")
		fs[family+"/"+id+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := rule.Load(fs, opts)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func ids(rules []*rule.Rule) string {
	var out []string
	for _, r := range rules {
		out = append(out, r.ID)
	}
	return strings.Join(out, " ")
}

func TestSelect(t *testing.T) {
	tests := []struct {
		name, only, skip string
		experimental     bool
		want             string // ids, or the beginning of the error after "!"
	}{
		{"nothing", "", "", false, "key-a key-b sct-c"},
		{"experimental", "", "", true, "key-a key-b key-new sct-c"},
		{"by id", "key-b", "", false, "key-b"},
		{"by alias", "x-key-b", "", false, "key-b"},
		{"by glob", "key-*", "", false, "key-a key-b"},
		{"by glob of aliases", "x-key-[ab]", "", false, "key-a key-b"},
		{"glob and experimental", "key-*", "", true, "key-a key-b key-new"},
		{"experimental by id", "key-new", "", false, "key-new"},
		{"experimental by glob", "key-n*", "", false, "!the selection leaves no rule to run"},
		{"skip", "", "key-*", false, "sct-c"},
		{"skip wins", "key-* sct-c", "x-key-a", false, "key-b sct-c"},
		{"skip deprecated", "", "key-old", false, "key-a key-b sct-c"},
		{"deprecated", "key-old", "", false, "!rule key-old is deprecated and never runs"},
		{"deprecated by glob", "key-?*", "", true, "key-a key-b key-new"},
		{"unknown", "key-aa", "", false, `!no rule has the id "key-aa"`},
		{"unknown skip", "", "key-bb", false, `!no rule has the id "key-bb"`},
		{"glob of nothing", "", "pin-*", false, `!no rule matches "pin-*"`},
		{"bad glob", "key-[", "", false, `!"key-[" is not a pattern`},
		{"all skipped", "", "*", false, "!the selection leaves no rule to run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := many(t, rule.Options{Experimental: tt.experimental}).Select(strings.Fields(tt.only), strings.Fields(tt.skip))
			if want, bad := strings.CutPrefix(tt.want, "!"); bad {
				if err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("Select(%q, %q) = %v, want %q", tt.only, tt.skip, err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := ids(set.Active()); got != tt.want {
				t.Errorf("Select(%q, %q) runs %q, want %q", tt.only, tt.skip, got, tt.want)
			}
			if got := ids(set.All()); got != "key-a key-b key-new key-old sct-c" {
				t.Errorf("All() = %q", got)
			}
		})
	}
	_, err := many(t, rule.Options{}).Select([]string{"key-aa"}, nil)
	var se *rule.SelectionError
	if !errors.As(err, &se) || se.Hint != `did you mean "key-a"?` {
		t.Errorf("Select(key-aa) = %#v, want a hint", err)
	}
}

func TestDigest(t *testing.T) {
	a := one(t, nil).Digest()
	if !strings.HasPrefix(a, "sha256:") || len(a) != 71 {
		t.Errorf("Digest() = %q", a)
	}
	if b := one(t, map[string]string{"why": "why: Why.  # a comment"}).Digest(); b != a {
		t.Error("a comment changes the digest")
	}
	if b := one(t, map[string]string{"why": "why: Because."}).Digest(); b == a {
		t.Error("another text leaves the digest")
	}
	all := many(t, rule.Options{})
	some, err := all.Select(nil, []string{"key-a"})
	if err != nil {
		t.Fatal(err)
	}
	if some.Digest() == all.Digest() {
		t.Error("skipping a rule leaves the digest")
	}
}

// Rules can be evaluated side by side; the race detector watches.
func TestEvalConcurrently(t *testing.T) {
	set := load(t)
	f := full(t)
	want := fmt.Sprint(outcomes(set, f))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got := fmt.Sprint(outcomes(set, f)); got != want {
					t.Errorf("Eval = %s, want %s", got, want)
				}
			}
		})
	}
	wg.Wait()
}

// quiet gives facts in which nothing is unknown and few rules find anything, as
// with most servers.
func quiet(t testing.TB, set *rule.Set) *facts.Facts {
	t.Helper()
	var best *facts.Facts
	fewest := len(set.All()) + 1
	for seed := range uint64(500) {
		f := new(facts.Facts)
		fill(reflect.ValueOf(f).Elem(), next(seed))
		n := 0
		for _, o := range outcomes(set, f) {
			if o == finding.Found {
				n++
			}
		}
		if n < fewest {
			best, fewest = f, n
		}
	}
	return best
}

// BenchmarkEvalChain evaluates every shipped rule on the facts of one chain.
// Certificate scope is what a cache by certificate hash saves.
func BenchmarkEvalChain(b *testing.B) {
	set, err := rule.Load(rules.FS, rule.Options{Experimental: true})
	if err != nil {
		b.Fatal(err)
	}
	loud, quiet := full(b), quiet(b, set)
	bench := func(name string, f *facts.Facts, scopes ...rule.Scope) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []rule.Result
			n, found := 0, 0
			for b.Loop() {
				dst = dst[:0]
				for _, s := range scopes {
					dst = set.Eval(dst, s, f)
				}
				n = len(dst)
			}
			for _, r := range dst {
				if r.Outcome == finding.Found {
					found++
				}
			}
			b.ReportMetric(float64(n), "rules/op")
			b.ReportMetric(float64(found), "findings/op")
		})
	}
	bench("certificate", quiet, rule.ScopeCertificate)
	bench("chain", quiet, rule.ScopeChain, rule.ScopeEndpoint)
	bench("all", quiet, rule.ScopeCertificate, rule.ScopeChain, rule.ScopeEndpoint)
	bench("all-and-many-findings", loud, rule.ScopeCertificate, rule.ScopeChain, rule.ScopeEndpoint)
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := rule.Load(rules.FS, rule.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
