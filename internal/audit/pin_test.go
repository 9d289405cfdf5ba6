package audit

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
)

// keyOf pins the key of a certificate, or with another hash or itself.
func keyOf(t *testing.T, der []byte) expect.Pin {
	t.Helper()
	sum, ok := cert.Parse(der).SPKISHA256()
	if !ok {
		t.Fatal("no key")
	}
	return expect.Pin{Sum: string(sum[:])}
}

// An expectation meets the chain of an owner's CA, and what others put in its
// place.
func TestExpectations(t *testing.T) {
	l := lab.New(lab.Config{})
	elsewhere := lab.New(lab.Config{Host: l.Host, At: l.At, RSA: true})
	leaf, ca, root := l.Leaf, l.Intermediate.DER, l.Root.DER
	stranger := keyOf(t, elsewhere.Root.DER)
	rootSum := cert.Parse(root).SHA256()
	leafSum := cert.Parse(leaf).SHA256()
	ended := func(p expect.Pin) expect.Pin { p.Until = l.At.Add(-time.Hour); return p }
	ending := func(p expect.Pin) expect.Pin { p.Until = l.At.Add(48 * time.Hour); return p }
	ecdsa, err := expect.ParseKeyType("ecdsa")
	if err != nil {
		t.Fatal(err)
	}
	backup := expect.Pin{Sum: strings.Repeat("b", 32)}
	old := expect.Pin{Of: expect.Certificate, Hash: expect.SHA1, Sum: strings.Repeat("c", 20)}
	set := shippedRules(t)
	for _, tt := range []struct {
		name  string
		want  expect.Expectation
		chain [][]byte
		roots [][]byte // nil: the lab's
		pins  []string // ids of family pin that find something
		gaps  []string // and that could not tell
	}{
		{name: "nothing is expected"},
		{name: "the leaf's key", want: expect.Expectation{Keys: []expect.Pin{keyOf(t, leaf), backup}}},
		{name: "the leaf itself", want: expect.Expectation{Keys: []expect.Pin{{Of: expect.Certificate, Sum: string(leafSum[:])}, backup}}},
		{name: "the CA's key", want: expect.Expectation{Keys: []expect.Pin{keyOf(t, ca), backup}}},
		{name: "the root's key, which is not served", want: expect.Expectation{Keys: []expect.Pin{keyOf(t, root), backup}}},
		{name: "no reserve", want: expect.Expectation{Keys: []expect.Pin{keyOf(t, leaf)}}, pins: []string{"pin-no-backup"}},
		{name: "another key", want: expect.Expectation{Keys: []expect.Pin{stranger}}, pins: []string{"pin-key-mismatch"}},
		{
			name: "the pinned certificate is merely appended", want: expect.Expectation{Keys: []expect.Pin{stranger}},
			chain: [][]byte{leaf, ca, elsewhere.Root.DER}, pins: []string{"pin-key-mismatch"},
		},
		{
			name: "a forger appends the owner's chain", want: expect.Expectation{Keys: []expect.Pin{keyOf(t, leaf), keyOf(t, ca)}, Issuers: []expect.Issuer{{Key: keyOf(t, ca)}}},
			chain: [][]byte{elsewhere.Leaf, elsewhere.Intermediate.DER, leaf, ca, root}, pins: []string{"pin-issuer-unexpected", "pin-key-mismatch"},
		},
		{
			name: "a pinned CA, and no root to vouch for the path", want: expect.Expectation{Keys: []expect.Pin{keyOf(t, ca)}, Issuers: []expect.Issuer{{Key: keyOf(t, ca)}}},
			roots: elsewhere.Roots(), gaps: []string{"pin-issuer-unexpected", "pin-key-mismatch"},
		},
		{
			name: "a leaf key needs no root", want: expect.Expectation{Keys: []expect.Pin{keyOf(t, leaf), backup}},
			roots: elsewhere.Roots(),
		},
		{name: "the pin has ended", want: expect.Expectation{Keys: []expect.Pin{ended(keyOf(t, leaf)), backup}}, pins: []string{"pin-key-ended"}},
		{name: "all pins have ended", want: expect.Expectation{Keys: []expect.Pin{ended(backup)}}, pins: []string{"pin-none-in-force"}, gaps: []string{"pin-key-mismatch"}},
		{name: "the pin ends", want: expect.Expectation{Keys: []expect.Pin{ending(keyOf(t, leaf)), backup}}, pins: []string{"pin-ending"}},
		{name: "weak pin", want: expect.Expectation{Keys: []expect.Pin{keyOf(t, leaf), old}}, pins: []string{"pin-weak-hash"}},
		{name: "issuer", want: expect.Expectation{Issuers: []expect.Issuer{{Key: keyOf(t, ca)}}}},
		{name: "issuer by root", want: expect.Expectation{Issuers: []expect.Issuer{{Key: stranger}, {Key: keyOf(t, root)}}}},
		{name: "the leaf is no issuer", want: expect.Expectation{Issuers: []expect.Issuer{{Key: keyOf(t, leaf)}}}, pins: []string{"pin-issuer-unexpected"}},
		{name: "another issuer", want: expect.Expectation{Issuers: []expect.Issuer{{Key: stranger}}}, pins: []string{"pin-issuer-unexpected"}},
		{name: "a public CA, by name", want: expect.Expectation{Issuers: []expect.Issuer{{CA: "letsencrypt.org"}}}, pins: []string{"pin-issuer-unexpected"}},
		{name: "a CA that nobody knows", want: expect.Expectation{Issuers: []expect.Issuer{{CA: "ca.example"}}}, gaps: []string{"pin-issuer-unexpected"}},
		{name: "issuer left out", want: expect.Expectation{Issuers: []expect.Issuer{{Key: keyOf(t, ca)}}}, chain: [][]byte{leaf}, gaps: []string{"pin-issuer-unexpected"}},
		{name: "anchor", want: expect.Expectation{Anchors: []expect.Anchor{{Name: "corp", Roots: [][32]byte{rootSum}}}}},
		{name: "another anchor", want: expect.Expectation{Anchors: []expect.Anchor{{Name: expect.PublicAnchors}}}, pins: []string{"pin-anchor-unexpected"}},
		{
			name: "no anchor", want: expect.Expectation{Anchors: []expect.Anchor{{Name: "corp", Roots: [][32]byte{rootSum}}}},
			chain: elsewhere.Chain(), pins: []string{"pin-anchor-unexpected"},
		},
		{name: "names", want: expect.Expectation{Names: []string{l.Host, "other.example"}}, pins: []string{"pin-names-missing"}},
		{name: "names beyond those", want: expect.Expectation{NamesExactly: true}, pins: []string{"pin-names-extra"}},
		{name: "all names", want: expect.Expectation{NamesExactly: true, Names: cert.Parse(leaf).DNSNames()}},
		{name: "too long", want: expect.Expectation{MaxValidity: time.Hour}, pins: []string{"pin-validity-too-long"}},
		{name: "key type", want: expect.Expectation{KeyTypes: []expect.KeyType{{Algorithm: "rsa"}}}, pins: []string{"pin-key-type"}},
		{name: "the right key type", want: expect.Expectation{KeyTypes: []expect.KeyType{ecdsa}}},
		{name: "logged", want: expect.Expectation{CT: true}},
		{name: "not logged", want: expect.Expectation{CT: true}, chain: [][]byte{l.LeafTemplate().Sign(l.Intermediate.Key, ""), ca}, pins: []string{"pin-not-logged"}},
		{name: "must-staple", want: expect.Expectation{MustStaple: true}, pins: []string{"pin-must-staple-missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			roots := tt.roots
			if roots == nil {
				roots = l.Roots()
			}
			a := labAuditor(t, set, roots, l.At)
			a.expect = func(*evidence.Subject) *Expected { return &Expected{Expectation: &tt.want} }
			s := &evidence.Subject{ID: tt.name, Kind: evidence.Chain, Name: l.Host}
			if tt.chain == nil {
				tt.chain = [][]byte{leaf, ca}
			}
			for _, der := range tt.chain {
				s.Certificates = append(s.Certificates, der)
			}
			j := a.judge(s)
			var found, gaps []string
			for _, f := range j.findings {
				if strings.HasPrefix(f.Rule, "pin-") {
					found = append(found, f.Rule)
				}
			}
			for _, g := range j.gaps {
				if strings.HasPrefix(g.Rule, "pin-") {
					gaps = append(gaps, g.Rule)
				}
			}
			slices.Sort(found)
			slices.Sort(gaps)
			if !slices.Equal(found, tt.pins) || !slices.Equal(gaps, tt.gaps) {
				t.Errorf("findings = %v, gaps = %v; want %v, %v\n%v", found, gaps, tt.pins, tt.gaps, j.gaps)
			}
			// What breaks a pin must not pass.
			strong := slices.ContainsFunc(j.findings, func(f finding.Finding) bool {
				return f.Rule == "pin-key-mismatch" || f.Rule == "pin-issuer-unexpected" || f.Rule == "pin-anchor-unexpected"
			})
			if verdict := finding.Judge(j.findings, j.gaps, true); strong && verdict != finding.Suspicious && verdict != finding.Forged {
				t.Errorf("verdict = %s", verdict)
			}
		})
	}
}
