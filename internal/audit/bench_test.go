package audit

import (
	"crypto/sha256"
	"crypto/x509"
	"maps"
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/probe/clock"
	"github.com/certassay/certassay/internal/probe/sct"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/rule"
)

// live makes a subject look as if an endpoint had served it, so that every
// scope of rules speaks.
func live(s *evidence.Subject) *evidence.Subject {
	s.Kind, s.Protocol, s.Address = evidence.Endpoint, "https", "203.0.113.7:443"
	s.Handshakes = []evidence.Handshake{{
		Profile: "default", Version: 0x0304, Cipher: 0x1301, Group: 29, Completed: true, Possession: true,
		HelloSize: 1500, Certificates: s.Certificates,
	}}
	return s
}

// BenchmarkParse is what reading one leaf costs: our walker, all libraries, and
// crypto/x509 alone beside them.
func BenchmarkParse(b *testing.B) {
	leaf := lab.New(lab.Config{}).Leaf
	b.Run("walker", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			cert.Parse(leaf)
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := cert.Parse(leaf)
			c.Disagreements(c.Libraries())
		}
	})
	b.Run("stdlib", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := x509.ParseCertificate(leaf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRules is what all rules cost on one chain's facts, the certificate
// scope being kept by hash.
func BenchmarkRules(b *testing.B) {
	set := shippedRules(b)
	for _, name := range []string{"honest", "own-key-squid"} {
		c := caseNamed(b, name)
		a := auditor(b, set, c.Roots, c.At)
		j := a.judge(live(subjectOf(c)))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var results []rule.Result
			for b.Loop() {
				results = set.Eval(results[:0], rule.ScopeChain, j.facts)
				results = set.Eval(results, rule.ScopeEndpoint, j.facts)
			}
		})
	}
}

// BenchmarkJudge is what one subject costs from evidence to verdict: met before
// (all certificates known), with a new leaf, and the standard library's verifier
// alone beside them.
func BenchmarkJudge(b *testing.B) {
	c := caseNamed(b, "honest")
	set := shippedRules(b)
	s := live(subjectOf(c))
	b.Run("known", func(b *testing.B) {
		a := labAuditor(b, set, c.Roots, c.At)
		b.ReportAllocs()
		for b.Loop() {
			a.Judge(s)
		}
	})
	b.Run("new-leaf", func(b *testing.B) {
		a := labAuditor(b, set, c.Roots, c.At)
		b.ReportAllocs()
		for b.Loop() {
			a.memory.forget(s.Certificates[0].SHA256())
			a.Judge(s)
		}
	})
	b.Run("verify-alone", func(b *testing.B) {
		opts := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: c.At}
		parse := func(der []byte) *x509.Certificate {
			parsed, err := x509.ParseCertificate(der)
			if err != nil {
				b.Fatal(err)
			}
			return parsed
		}
		opts.Roots.AddCert(parse(c.Roots[0]))
		opts.Intermediates.AddCert(parse(c.Chain[1]))
		leaf := parse(c.Chain[0])
		b.ReportAllocs()
		for b.Loop() {
			if _, err := leaf.Verify(opts); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLeaf is what all checks of a leaf cost that its own bytes allow, with
// two SCTs and under an issuer that was met before: parsing by every library, the
// structure, the key with the look-up among known ones, signature and SCTs with
// what they are verified by, dates, and the rules on it. No leaf is met twice.
// What paths there are to a root is not in it: see BenchmarkJudge. Beside it are
// the three signatures alone.
func BenchmarkLeaf(b *testing.B) {
	for name, config := range map[string]lab.Config{"ecdsa": {}, "rsa-2048": {RSA: true}} {
		b.Run(name, func(b *testing.B) {
			l, rules := lab.New(config), shippedRules(b)
			leaves := manyLeaves(l, 500)
			a := labAuditor(b, rules, l.Roots(), l.At)
			issuer := a.certificate(l.Intermediate.DER, roleIssuer, a.trust)
			b.Run("all", func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i%len(leaves) == 0 {
						b.StopTimer()
						a = labAuditor(b, rules, l.Roots(), l.At)
						issuer = a.certificate(l.Intermediate.DER, roleIssuer, a.trust)
						signature.Links([]*cert.Certificate{issuer.parsed, cert.Parse(l.Root.DER)}, a.trust, &a.checker)
						b.StartTimer()
					}
					if found := a.leafAlone(leaves[i%len(leaves)], issuer); slices.ContainsFunc(found, accused) {
						b.Fatalf("an honest leaf: %v", found)
					}
				}
			})
			b.Run("signatures", func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					leaf := cert.Parse(leaves[i%len(leaves)])
					if ok, _ := leaf.CheckSignature(&issuer.parsed.Key); ok != cert.Verified {
						b.Fatal(ok)
					}
					in := a.sctInput(&certificate{parsed: leaf, reasons: map[string]string{}}, []*cert.Certificate{leaf, issuer.parsed}, a.trust)
					in.Verify = nil
					for _, s := range sct.InCertificate(in) {
						if s.Verdict == nil || *s.Verdict != "ok" {
							b.Fatal(s)
						}
					}
				}
			})
		})
	}
}

// leafAlone is the part of judge that concerns a leaf and not its paths.
func (a *Auditor) leafAlone(der []byte, issuer *certificate) []rule.Result {
	c := a.certificate(der, roleLeaf, a.trust)
	chain := []*cert.Certificate{c.parsed, issuer.parsed}
	c = a.judged(c, chain, a.trust)
	signature.Links(chain, a.trust, &a.checker)
	clock.Clock(&clock.Input{
		Certificates: chain, SCTs: c.scts, At: a.at, Trust: a.trust, Signed: a.checker.Check, Reasons: map[string]string{},
	})
	return c.results
}

func accused(r rule.Result) bool { return r.Outcome == finding.Found }

func manyLeaves(l *lab.Lab, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		t := l.LeafTemplate()
		serial := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		t.Serial = append([]byte{0x40}, serial[:15]...)
		out[i] = l.Issue(t)
	}
	return out
}

func caseNamed(t testing.TB, name string) lab.Case {
	t.Helper()
	for _, c := range lab.Cases() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("the lab has no case %q", name)
	return lab.Case{}
}

// forget drops a certificate, for benchmarks that want to meet it anew.
func (m *memory) forget(sha256 [32]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, kept := range []map[memoryKey]*certificate{m.recent, m.older} {
		maps.DeleteFunc(kept, func(k memoryKey, _ *certificate) bool { return k.sha256 == sha256 })
	}
}
