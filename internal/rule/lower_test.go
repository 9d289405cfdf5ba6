package rule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/rules"
)

// A maker makes up facts of the words and times that rules speak of, with a part
// of them unknown.
type maker struct {
	*rand.Rand
	words   []string
	times   []time.Time
	unknown float64
}

var (
	literal   = regexp.MustCompile(`"([^"]*)"|'([^']*)'`)
	timeInSrc = regexp.MustCompile(`timestamp\(['"]([^'"]*)['"]\)`)
)

func newMaker(t testing.TB, seed uint64, sources []string) *maker {
	t.Helper()
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 1)), words: []string{"", "x"}, times: []time.Time{{}, time.Unix(1<<40, 0)}}
	for _, src := range sources {
		for _, w := range literal.FindAllStringSubmatch(src, -1) {
			m.words = append(m.words, w[1]+w[2])
		}
		for _, w := range timeInSrc.FindAllStringSubmatch(src, -1) {
			if at, err := time.Parse(time.RFC3339, w[1]); err == nil {
				m.times = append(m.times, at, at.Add(-time.Second), at.Add(time.Second))
			}
		}
	}
	return m
}

func (m *maker) fill(v reflect.Value) {
	nilable := v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice
	if nilable && m.Float64() < m.unknown {
		return
	}
	switch {
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(m.times[m.IntN(len(m.times))]))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		m.fill(v.Elem())
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get(factTag) != "" {
				m.fill(v.Field(i))
			}
		}
	case v.Kind() == reflect.Slice:
		n := m.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			m.fill(v.Index(i))
		}
	case v.Kind() == reflect.Bool:
		v.SetBool(m.IntN(2) == 0)
	case v.Kind() == reflect.Int64:
		v.SetInt([]int64{0, 1, 2, 7, 8, 90, 398, 1024, 2048, -1, math.MinInt64, math.MaxInt64}[m.IntN(12)])
	case v.Kind() == reflect.Float64:
		v.SetFloat(m.Float64())
	case v.Kind() == reflect.String:
		v.SetString(m.words[m.IntN(len(m.words))])
	default:
		panic(fmt.Sprintf("no filling for %s", v.Type()))
	}
}

func (m *maker) facts(unknown float64) *facts.Facts {
	f := new(facts.Facts)
	m.unknown = unknown
	m.fill(reflect.ValueOf(f).Elem())
	return f
}

func shipped(t testing.TB) *Set {
	t.Helper()
	s, err := Load(rules.FS, Options{Experimental: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (r *Rule) conditions() (out []*program) {
	for _, p := range []*program{r.applies, r.when} {
		if p != nil {
			out = append(out, p)
		}
	}
	return out
}

// compare says how both ways of evaluating a rule differ.
func (s *Set) compare(r *Rule, f *facts.Facts) error {
	got := s.newRun(f).rule(r)
	if want := s.Interpreted().newRun(f).rule(r); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: %v %q, CEL says %v %q", r.ID, got.Outcome, got.Reason, want.Outcome, want.Reason)
	}
	return nil
}

// Every shipped rule answers as CEL does: on its examples, and on facts made up of
// the words of all rules, with nothing, little and much unknown.
func TestLoweredAnswersAsCEL(t *testing.T) {
	s := shipped(t)
	var sources []string
	for _, r := range s.all {
		for _, p := range r.conditions() {
			sources = append(sources, p.src)
		}
		for _, ex := range r.examples {
			if err := s.compare(r, ex.facts); err != nil {
				t.Errorf("example %q: %v", ex.name, err)
			}
		}
	}
	m := newMaker(t, 1, sources)
	rounds := 400
	if testing.Short() {
		rounds = 40
	}
	quick, total := 0, 0
	for i := range rounds {
		f := m.facts([]float64{0, 0.02, 0.1, 0.3}[i%4])
		run := s.newRun(f)
		for _, r := range s.all {
			if err := s.compare(r, f); err != nil {
				t.Fatal(err)
			}
			if total++; !run.unknown.meets(&r.when.needs) && r.when.quick != nil && r.when.quick(&run.frame) != failed {
				quick++
			}
		}
	}
	if quick < total/3 {
		t.Errorf("%d of %d evaluations were decided without CEL: the test compares little", quick, total)
	}
	t.Logf("%d of %d evaluations were decided without CEL, the others asked it or met what is unknown", quick, total)
}

// What is shipped is written in the part of the language that runs quickly.
func TestRulesAreLowered(t *testing.T) {
	n, slow := 0, 0
	for _, r := range shipped(t).all {
		for _, p := range r.conditions() {
			if n++; p.quick == nil && p.cost <= maxCost {
				slow++
				t.Logf("%s is left to CEL: %s", r.ID, p.src)
			}
		}
	}
	if slow > n/50 {
		t.Errorf("%d of %d conditions are left to CEL", slow, n)
	}
}

// Each form of expression that is lowered, and some that are not, answers as CEL
// does.
func FuzzLowered(f *testing.F) {
	for i, src := range []string{
		"cert.key.bits < 9", "scts.exists(s, s.mimic)", "!scts.all(s, s.log_known && s.verdict != 'ok')", "cert.valid.days % 7 == 1",
		"'a' in cert.names.dns || cert.key.bits > 5", "cert.names.dns.exists(n, n.startsWith('x') || n.contains('') || n.endsWith('x'))",
		"at - cert.valid.not_before < duration('24h')", "at >= timestamp('2026-01-01T00:00:00Z')", "size(scts) >= 2 && scts.size() <= 3",
		"chain.links.exists(l, chain.links.all(m, l.is_ca == m.is_ca))", "true && cert.names.dns == ['x']", "cert.key.bits % cert.valid.days == 0",
		"scts.exists_one(s, s.mimic)", "scts.filter(s, s.mimic).size() > 0", "cert.names.dns.exists(n, n in cert.names.dns)", "cert.sha256 <= 'ok'",
		"scts.exists(s, s.time > at) && chain.anchor != 'public'", "scts.exists(cert, cert.mimic)",
	} {
		f.Add(src, uint64(i))
	}
	e, err := newEngine()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src string, seed uint64) {
		p, _ := e.compile(src, wantBool)
		if p == nil || p.quick == nil {
			return
		}
		m := newMaker(t, seed, []string{src})
		for _, unknown := range []float64{0, 0.1, 0.3} {
			n := e.newRun(m.facts(unknown))
			got, why := n.truth(p)
			n.interpreted = true
			if want, whyNot := n.truth(p); got != want || why != whyNot {
				t.Errorf("%s = %v %q, CEL says %v %q", src, got, why, want, whyNot)
			}
		}
	})
}

// BenchmarkCertificateRules is what the rules of a certificate cost, on facts that are known.
func BenchmarkCertificateRules(b *testing.B) {
	s := shipped(b)
	f := newMaker(b, 1, []string{"'ok'"}).facts(0)
	for name, s := range map[string]*Set{"lowered": s, "interpreted": s.Interpreted()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Notable(nil, ScopeCertificate, f)
			}
		})
	}
}
