package chain

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
)

func judged(tb testing.TB, o trust.Options, certs ...[]byte) *facts.Chain {
	tb.Helper()
	return Chain(input(tb, o, certs...), map[string]string{})
}

// The root of the chain is also cross-signed by an older one that has expired,
// as DST Root CA X3 did under ISRG Root X1.
func TestExpiredCrossSign(t *testing.T) {
	m := honest()
	oldKey := newKey(t)
	old := ca("CN=Old Root", "CN=Old Root", oldKey, nil, -1)
	old.NotAfter = now.AddDate(0, 0, -1)
	cross := ca("CN=Test Root", "CN=Old Root", m.rootKey, oldKey, -1)
	cross.NotAfter = now.AddDate(0, 0, -1)
	chain, root := m.served()
	f := judged(t, owners(old.Sign(oldKey, ""), root), append(chain, cross.Sign(oldKey, ""))...)
	if len(f.Paths) != 2 || !f.Paths[0].Accepted || f.Paths[0].Length != 3 || f.VerifyError != "" {
		t.Fatalf("paths = %+v", f.Paths)
	}
	if p := f.Paths[1]; p.Accepted || p.Reason != "expired" || p.FailedAt != 2 || p.Length != 4 || !slices.Equal(p.AtIssue, []string{"owner"}) {
		t.Errorf("the expired path = %+v", p)
	}
	if len(f.Violations) != 0 {
		t.Errorf("the expired path counts: %s", tell(f))
	}
}

// Two keys under one name: the path leads through the one that signed.
func TestSameNameTwoKeys(t *testing.T) {
	m := honest()
	other := ca("CN=Test CA", "CN=Test Root", lab.ForgedKey(), m.rootKey, 0)
	chain, root := m.served()
	f := judged(t, owners(root), chain[0], other.Sign(m.rootKey, ""), chain[1])
	if f.Anchor != "inventory" || len(f.Paths) != 1 || f.Paths[0].Certificates[1] != f.Links[2].SHA256 {
		t.Errorf("paths = %+v", f.Paths)
	}
	if f.Links[1].OnBestPath || !f.Links[2].OnBestPath {
		t.Error("the best path does not lead through the CA that signed")
	}
}

// Two CAs that sign each other and nobody else are a loop without end.
func TestLoop(t *testing.T) {
	a, b := newKey(t), newKey(t)
	certs := [][]byte{}
	leaf := leafOf("CN=A", a)
	ab, ba := ca("CN=A", "CN=B", a, b, -1), ca("CN=B", "CN=A", b, a, -1)
	certs = append(certs, leaf.Sign(a, ""), ab.Sign(b, ""), ba.Sign(a, ""))
	f := judged(t, trust.Options{}, certs...)
	if f.Anchor != "none" || f.BudgetHit || len(f.Paths) != 1 || f.Paths[0].Length != 3 || f.Paths[0].Reason == "" {
		t.Errorf("a loop: %+v, limit hit %v", f.Paths, f.BudgetHit)
	}
}

// The intermediate was not served and is known: an incomplete chain, no
// stranger's.
func TestKnownIntermediate(t *testing.T) {
	m := honest()
	chain, root := m.served()
	o := owners(root)
	if f := judged(t, o, chain[0]); f.Anchor != "none" {
		t.Fatalf("without it: %s", tell(f))
	}
	o.Known = [][]byte{chain[1]}
	f := judged(t, o, chain[0])
	if f.Anchor != "inventory" || f.VerifyError != "" || f.Paths[0].Length != 3 || !f.Links[0].SignedKnown {
		t.Errorf("with it: %s", tell(f))
	}
	// What is known vouches for nothing.
	o = trust.Options{Known: [][]byte{chain[1], root}}
	if f := judged(t, o, chain...); f.Anchor != "none" {
		t.Errorf("known CAs alone: %s", tell(f))
	}
}

// crossSigned makes n CAs of which every one is signed by many others, and none
// by a root: a graph with more paths than anybody can walk.
func crossSigned(tb testing.TB, n int) [][]byte {
	tb.Helper()
	keys := make([]*lab.Key, 40)
	for i := range keys {
		keys[i] = newKey(tb)
	}
	name := func(i int) string { return fmt.Sprintf("CN=Cross %d", i%len(keys)) }
	leaf := leafOf(name(0), keys[0])
	out := [][]byte{leaf.Sign(keys[0], "")}
	for i := range n {
		of, by := i%len(keys), (i*7+i/len(keys)+1)%len(keys)
		t := ca(name(of), name(by), keys[of], keys[by], -1)
		t.Serial = []byte{1, byte(i >> 8), byte(i)}
		out = append(out, t.Sign(keys[by], ""))
	}
	return out
}

// The search over 2 000 cross-signed CAs ends, and says that it did not see all.
func TestCrossSignedGraph(t *testing.T) {
	in := input(t, trust.Options{}, crossSigned(t, 2000)...)
	g := newGraph(in)
	s := &search{g: g, checked: map[[2]string]cert.Outcome{}}
	start := time.Now()
	s.walk([]step{{c: in.Certificates[0], sum: in.Certificates[0].SHA256(), anchor: trust.None}})
	if !s.capped || s.steps > maxSteps || s.price > maxPrice+60 || len(s.partial) > maxPartial {
		t.Errorf("limit hit %v after %d steps, price %d, %d paths", s.capped, s.steps, s.price, len(s.partial))
	}
	t.Logf("%d steps, price %d, %v", s.steps, s.price, time.Since(start))
	reasons := map[string]string{}
	f := Chain(in, reasons)
	if f.BrokenLink == nil && !strings.Contains(reasons["chain.broken_link"], "8192 steps") || f.GenuineTail != nil || reasons["chain.genuine_tail"] == "" {
		t.Errorf("what a limit left open has no reason: %v", reasons)
	}
	if !f.BudgetHit || f.Anchor != "none" || len(f.Paths) == 0 {
		t.Errorf("limit hit %v, anchor %s, %d paths", f.BudgetHit, f.Anchor, len(f.Paths))
	}
}

// A root behind the graph is found where its certificate is served first.
func TestRootInGraph(t *testing.T) {
	certs := crossSigned(t, 500)
	m := honest()
	chain, root := m.served()
	f := judged(t, owners(root), append(chain, certs[1:]...)...)
	if f.Anchor != "inventory" || f.BudgetHit || f.Paths[0].Length != 3 {
		t.Errorf("a good path beside the graph: limit hit %v, %s", f.BudgetHit, tell(f))
	}
}

// The order of what stands behind the leaf changes nothing of the verdict.
func TestOrderOfServing(t *testing.T) {
	m := honest()
	oldKey := newKey(t)
	old := ca("CN=Old Root", "CN=Old Root", oldKey, nil, -1)
	cross := ca("CN=Test Root", "CN=Old Root", m.rootKey, oldKey, -1)
	chain, root := m.served()
	chain = append(chain, cross.Sign(oldKey, ""), root)
	o := owners(old.Sign(oldKey, ""), root)
	want := judged(t, o, chain...)
	turned := []([]byte){chain[0], chain[3], chain[2], chain[1]}
	got := judged(t, o, turned...)
	if got.Anchor != want.Anchor || got.VerifyError != want.VerifyError || len(got.Paths) != len(want.Paths) || len(got.Violations) != len(want.Violations) {
		t.Errorf("turned round: %s, %d paths; as served: %s, %d paths", tell(got), len(got.Paths), tell(want), len(want.Paths))
	}
}

func BenchmarkVerify(b *testing.B) {
	m := honest()
	chain, root := m.served()
	in := input(b, owners(root), chain...)
	b.Run("certassay", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			// A fresh checker: nothing is remembered from another chain.
			fresh := *in
			fresh.Check = &signature.Checker{}
			if v := verify(&fresh, newGraph(&fresh), fresh.Certificates[0]); v.anchor != trust.Inventory {
				b.Fatal(v.reason)
			}
		}
	})
	b.Run("certassay, signatures remembered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if v := verify(in, newGraph(in), in.Certificates[0]); v.anchor != trust.Inventory {
				b.Fatal(v.reason)
			}
		}
	})
	b.Run("crypto/x509 alone", func(b *testing.B) {
		b.ReportAllocs()
		leaf, roots, middle := in.Parsed(in.Certificates[0]), x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(cert.Parse(root).Stdlib().Certificate)
		middle.AddCert(in.Parsed(in.Certificates[1]))
		for b.Loop() {
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: middle, CurrentTime: now}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCrossSigned(b *testing.B) {
	certs := crossSigned(b, 2000)
	in := input(b, trust.Options{}, certs...)
	for b.Loop() {
		// The signatures of an attack are never remembered.
		fresh := *in
		fresh.Check = &signature.Checker{}
		if f := Chain(&fresh, map[string]string{}); !f.BudgetHit {
			b.Fatal("no limit was hit")
		}
	}
}
