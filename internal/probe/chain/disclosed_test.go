package chain

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/internal/trust/disclosed"
)

// disclose makes a table of the intermediate of m, below its root.
func (m *made) disclose(tb testing.TB, change func(*disclosed.Facts)) *disclosed.Table {
	tb.Helper()
	chain, _ := m.served()
	mid := cert.Parse(chain[1])
	f := &disclosed.Facts{
		SHA256: mid.SHA256(), CA: &cert.Certificate{Subject: mid.Subject, SPKI: mid.SPKI, Key: mid.Key},
		KeyID: mid.SubjectKeyID().Value, NotBefore: mid.NotBefore, NotAfter: mid.NotAfter, PathLen: 0,
		Root: sha256.Sum256(m.rootKey.SPKI),
	}
	change(f)
	return table(tb, []*disclosed.Facts{f}, nil)
}

func table(tb testing.TB, list []*disclosed.Facts, pairs []disclosed.Pair) *disclosed.Table {
	tb.Helper()
	data, err := disclosed.Encode("2026-11-01", list, pairs)
	if err != nil {
		tb.Fatal(err)
	}
	t, err := disclosed.Decode(data)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// lone judges the leaf alone, as served, with a root program that has the root.
func (m *made) lone(tb testing.TB, t *disclosed.Table, reasons map[string]string) *facts.Chain {
	tb.Helper()
	chain, root := m.served()
	in := input(tb, trust.Options{Programs: []trust.Set{{Name: "program", Certificates: [][]byte{root}}}, Disclosed: t}, chain[0])
	in.Live = true
	return Chain(in, reasons)
}

func TestDisclosedIssuer(t *testing.T) {
	same := func(*disclosed.Facts) {}
	for _, tt := range []struct {
		name   string
		spoil  func(*made)
		facts  func(*disclosed.Facts)
		anchor trust.Anchor
		verify string
	}{
		{"its issuer is disclosed", func(*made) {}, same, trust.Public, ""},
		{"another key signed it", func(m *made) { m.midKey = lab.ImpostorKey() }, nil, trust.None, reasonUnknown},
		{"the root is in no program", func(*made) {}, func(f *disclosed.Facts) { f.Root = [32]byte{1} }, trust.None, reasonUnknown},
		{"the issuer has expired", func(*made) {}, func(f *disclosed.Facts) { f.NotAfter = now.AddDate(0, 0, -1) }, trust.Public, reasonExpired},
		{"the issuer had expired before", func(*made) {}, func(f *disclosed.Facts) { f.NotAfter = now.AddDate(-1, 0, 0) }, trust.None, reasonExpired},
		{"the leaf has expired", func(m *made) { m.leaf.NotAfter = now.AddDate(0, 0, -1) }, same, trust.Public, reasonExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := honest()
			known := m.disclose(t, func(f *disclosed.Facts) {
				if tt.facts != nil {
					tt.facts(f)
				}
			})
			tt.spoil(m)
			f := m.lone(t, known, map[string]string{})
			if f.Anchor != string(tt.anchor) || f.VerifyError != tt.verify {
				t.Errorf("%s; want anchor %s, verify %q", tell(f), tt.anchor, tt.verify)
			}
			// A path that is out of date still leads through it.
			through := tt.verify != reasonUnknown
			if got := slices.Equal(f.Missing, []string{"CN=Test CA"}); got != through {
				t.Errorf("left out: %q", f.Missing)
			}
			if p := f.Paths[0]; through && (p.Length != 3 || p.Subjects[2] != "CN=Test Root" || p.Anchor != string(trust.Public)) {
				t.Errorf("path %+v", p)
			}
			if f.Links[0].SignedKnown != (m.midKey != lab.ImpostorKey()) {
				t.Errorf("signed by a known CA: %t", f.Links[0].SignedKnown)
			}
		})
	}
}

// TestServedIssuerIsNotMissing: a table changes nothing about a chain that is whole.
func TestServedIssuerIsNotMissing(t *testing.T) {
	m := honest()
	chain, root := m.served()
	in := input(t, trust.Options{Programs: []trust.Set{{Name: "program", Certificates: [][]byte{root}}}, Disclosed: m.disclose(t, func(*disclosed.Facts) {})}, chain...)
	f := Chain(in, map[string]string{})
	if len(f.Missing) != 0 || f.Anchor != string(trust.Public) || f.Paths[0].Length != 3 {
		t.Errorf("left out %q, %s", f.Missing, tell(f))
	}
}

// TestIssuerKnownByHash: where no more than the hash of the issuer's key is known, a
// server that left the certificate out is not accused, nor is it cleared.
func TestIssuerKnownByHash(t *testing.T) {
	m := honest()
	m.midKey = newKey(t)
	m.mid.Key = m.midKey
	pair := disclosed.Pair{Certificate: [32]byte{1}, SPKI: sha256.Sum256(m.midKey.SPKI)}
	reasons := map[string]string{}
	if f := m.lone(t, table(t, nil, []disclosed.Pair{pair}), reasons); f.AnchorExpected != nil || f.Anchor != string(trust.None) || reasons["chain.anchor_expected"] == "" {
		t.Errorf("%s, root expected: %v, reasons %v", tell(f), f.AnchorExpected, reasons)
	}
	pair.SPKI = sha256.Sum256(lab.ImpostorKey().SPKI)
	if f := m.lone(t, table(t, nil, []disclosed.Pair{pair}), reasons); f.AnchorExpected == nil || !*f.AnchorExpected {
		t.Error("a key that did not sign is taken for the issuer's")
	}
}
