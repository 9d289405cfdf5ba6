package audit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/rule"
)

// The first entry under a chain is judged, and the next are passed over.
func TestScreen(t *testing.T) {
	set := shippedRules(t)
	for name, pre := range map[string]bool{"precertificate": true, "certificate": false} {
		t.Run(name, func(t *testing.T) {
			m := newEntry(t, pre)
			a := labAuditor(t, set, [][]byte{m.lab.Root.DER}, m.at)
			s := m.subject()
			j, screened := a.Screen(s, nil)
			if screened || j.Subject.Verdict != a.Judge(s).Subject.Verdict {
				t.Errorf("Screen of the first entry = %v, %v, want what Judge says", j.Subject, screened)
			}
			if _, screened := a.Screen(s, nil); !screened {
				t.Error("Screen of the second entry = false, want it passed over")
			}
			for name, c := range map[string]func(s *evidence.Subject){
				"another chain": func(s *evidence.Subject) { s.Certificates = append(s.Certificates, m.lab.Root.DER) },
				"no chain":      func(s *evidence.Subject) { s.Certificates = s.Certificates[:1] },
				"not what it logged": func(s *evidence.Subject) {
					s.Log.Entry.Leaf = slices.Concat(s.Log.Entry.Leaf[:len(s.Log.Entry.Leaf)-30], make([]byte, 30))
				},
				"not in the tree": func(s *evidence.Subject) { s.Log.Entry.Verified = false },
				"an endpoint":     func(s *evidence.Subject) { s.Kind = evidence.Endpoint },
				"one octet changed": func(s *evidence.Subject) {
					s.Certificates[0] = slices.Clone(s.Certificates[0])
					s.Certificates[0][60] ^= 1
				},
			} {
				s := m.subject()
				c(s)
				matters := func(r *rule.Rule) bool { return r.ID == "log-entry-not-in-tree" }
				if _, screened := a.Screen(s, matters); screened {
					t.Errorf("%s: passed over, want it judged", name)
				}
			}
		})
	}
}

// What Screen says that it does not ask for is all that it does not ask for: under
// a chain that it knows, it passes over no certificate of the lab that a rule
// accuses for what stands in the certificate.
func TestScreenPassesOverNoAccused(t *testing.T) {
	set := shippedRules(t)
	passed, stopped := 0, 0
	for _, c := range lab.Cases() {
		if s := asLogged(t, c); s != nil {
			if screenedAlone(t, labAuditor(t, set, c.Roots, c.At), s, c.Name) {
				passed++
			} else {
				stopped++
			}
		}
	}
	if passed < 5 || stopped < 20 {
		t.Errorf("%d cases passed over and %d stopped: the test shows little", passed, stopped)
	}
	t.Logf("%d cases passed over, %d stopped", passed, stopped)
}

// Screening answers the same with the profile that no rule it asks reads.
func TestScreenWithoutProfile(t *testing.T) {
	set := shippedRules(t)
	for _, c := range lab.Cases() {
		s := asLogged(t, c)
		if s == nil {
			continue
		}
		with := labAuditor(t, set, c.Roots, c.At)
		with.profiling = set.Active()
		without := labAuditor(t, set, c.Roots, c.At)
		known := map[[32]byte]bool{chainKey(s.Log.Key, new(sums).of(s.Certificates[1:])): true}
		with.screened.known, without.screened.known = known, known
		for _, matters := range []func(*rule.Rule) bool{nil, func(*rule.Rule) bool { return true }} {
			if got, want := without.passesOver(s, matters), with.passesOver(s, matters); got != want {
				t.Errorf("%s: passed over without a profile = %v, want %v as with one", c.Name, got, want)
			}
		}
	}
}

// What [TestScreenPassesOverNoAccused] shows holds for all chains of the outside vectors, forged, intercepted and
// genuine. Set CERTASSAY_CORPUS to their folder.
func TestScreenPassesOverNoAccusedOfCorpus(t *testing.T) {
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("CERTASSAY_CORPUS is not set")
	}
	set := shippedRules(t)
	var roots [][]byte
	for _, der := range readPEM(t, filepath.Join(dir, "genuine", "roots.pem")) {
		roots = append(roots, der)
	}
	for _, part := range []string{"forged", "interceptors", "genuine"} {
		b, err := os.ReadFile(filepath.Join(dir, part, "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Served string
			At     time.Time
		}
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatal(err)
		}
		passed, stopped := 0, 0
		for _, one := range list {
			var chain [][]byte
			for _, der := range readPEM(t, filepath.Join(dir, part, one.Served)) {
				chain = append(chain, der)
			}
			s := asLogged(t, lab.Case{Chain: chain, At: one.At})
			if s == nil {
				continue
			}
			if screenedAlone(t, labAuditor(t, set, roots, one.At), s, part+"/"+one.Served) {
				passed++
			} else {
				stopped++
			}
		}
		t.Logf("%s: %d passed over, %d stopped", part, passed, stopped)
	}
}

// screenedAlone screens an entry, worse than it comes: its chain is taken for known,
// whatever it is. Where it is passed over, no rule may accuse it but by what screening
// does not ask: paths, SCTs and other parsers.
func screenedAlone(t *testing.T, a *Auditor, s *evidence.Subject, name string) bool {
	t.Helper()
	a.screened.known = map[[32]byte]bool{chainKey(s.Log.Key, new(sums).of(s.Certificates[1:])): true}
	if _, screened := a.Screen(s, nil); !screened {
		return false
	}
	for _, f := range a.Judge(s).Subject.Findings {
		r, err := a.rules.Rule(f.Rule)
		if err != nil {
			t.Fatal(err)
		}
		unasked := r.Scope() == rule.ScopeChain || slices.ContainsFunc(r.Reads(), func(path string) bool {
			return strings.HasPrefix(path, "scts") || strings.HasPrefix(path, "cert.parsers") || path == "cert.signed_by_own_key"
		})
		if (f.Class.Accuses() || f.Class == finding.CompromisedKey) && f.Certificate == evidence.Hash(s.Certificates[0].SHA256()) && !unasked {
			t.Errorf("%s: passed over, though %s finds: %s", name, f.Rule, f.Message)
		}
	}
	return true
}

// asLogged gives a case as if a log had taken it.
func asLogged(t *testing.T, c lab.Case) *evidence.Subject {
	t.Helper()
	if len(c.Chain) < 2 {
		return nil
	}
	entry, err := ct.X509Entry(c.Chain[0])
	if err != nil {
		return nil
	}
	m := newEntry(t, false)
	m.at, m.entry, m.own, m.chain = c.At, entry, c.Chain[0], c.Chain[1:]
	m.sct.Time = c.At.Add(-72 * time.Hour).Truncate(time.Millisecond)
	return m.subject()
}
