package pin

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// answer is a fact of three values as tests write it.
func answer(b *bool) string {
	switch {
	case b == nil:
		return "unknown"
	case *b:
		return "yes"
	}
	return "no"
}

func store(t *testing.T) *trust.Store {
	t.Helper()
	s, err := trust.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Nobody expects anything, and nothing was served: every answer is there or has a
// reason.
func TestNothing(t *testing.T) {
	reasons := map[string]string{}
	f := Expect(&Input{Trust: store(t), At: time.Unix(0, 0), Reasons: reasons})
	if f.Stated || f.KeyMatches != nil || f.IssuerOK != nil || f.AnchorOK != nil || f.Pins == nil || f.Issuers == nil || f.Anchors == nil {
		t.Errorf("Expect(nothing) = %+v", f)
	}
	for _, fact := range []string{"key_matches", "issuer_allowed", "anchor_allowed", "names_missing", "logged", "tls_older"} {
		if reasons["expect."+fact] == "" {
			t.Errorf("%s is unknown without a reason", fact)
		}
	}
}

// public is a leaf below a CA whose organisation is given, below one of Mozilla's
// roots, as if it had signed it: signatures are not this package's business.
func public(t *testing.T, s *trust.Store, root, organization string) *Input {
	t.Helper()
	l := lab.New(lab.Config{})
	roots, _ := s.ByCAA(root)
	if len(roots) == 0 {
		t.Fatalf("no root of %s", root)
	}
	top := roots[0].Certificate
	template := l.LeafTemplate()
	template.Subject = lab.DN(lab.Attr{Type: "O", Value: organization}, lab.Attr{Type: "CN", Value: "Issuing"})
	template.Issuer, template.Key = top.Subject.Raw, l.Intermediate.Key
	leaf, ca := cert.Parse(l.Leaf), cert.Parse(template.Sign(l.Root.Key, ""))
	return &Input{
		Certificates: []*cert.Certificate{leaf, ca}, Trust: s, At: l.At, Leaf: &facts.Cert{}, Reasons: map[string]string{},
		Chain: &facts.Chain{IssuerSupplied: true, Paths: []facts.Path{{
			Certificates: []string{evidence.Hash(leaf.SHA256()), evidence.Hash(ca.SHA256()), evidence.Hash(top.SHA256())},
			Anchor:       "public", Accepted: true, Programs: []string{"mozilla"},
		}}},
	}
}

func TestIssuerByName(t *testing.T) {
	s := store(t)
	for _, tt := range []struct {
		name, root, organization, allowed string
		want                              string // yes, no, unknown
	}{
		{"the CA itself", "letsencrypt.org", "Let's Encrypt", "letsencrypt.org", "yes"},
		{"another CA", "letsencrypt.org", "Let's Encrypt", "pki.goog", "no"},
		{"an intermediate under a reseller's name", "sectigo.com", "Reseller", "sectigo.com", "yes"},
		{"the same, and another CA", "sectigo.com", "Reseller", "pki.goog", "unknown"},
		{"an identifier that nobody knows", "letsencrypt.org", "Let's Encrypt", "ca.example", "unknown"},
		{"a rogue CA in the name of the allowed one", "sectigo.com", "Let's Encrypt", "letsencrypt.org", "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := public(t, s, tt.root, tt.organization)
			in.Expected = &expect.Expectation{Issuers: []expect.Issuer{{CA: tt.allowed}}}
			f := Expect(in)
			got := answer(f.IssuerOK)
			if got != tt.want || (got == "unknown") != (in.Reasons["expect.issuer_allowed"] != "") {
				t.Errorf("issuer allowed = %s (%q), want %s", got, in.Reasons["expect.issuer_allowed"], tt.want)
			}
			// A private root may call itself anything.
			in.Chain.Paths[0].Anchor = "inventory"
			if f := Expect(in); f.IssuerOK != nil && *f.IssuerOK {
				t.Error("a CA below a private root passes by its name")
			}
		})
	}
}

// The name counts where the key is known to be its bearer's, as in a list of CAs.
func TestIssuerByKnownKey(t *testing.T) {
	in := public(t, store(t), "sectigo.com", "Let's Encrypt")
	in.Expected = &expect.Expectation{Issuers: []expect.Issuer{{CA: "letsencrypt.org"}}}
	s, err := trust.Open(trust.Options{Known: [][]byte{in.Certificates[1].Raw}})
	if err != nil {
		t.Fatal(err)
	}
	if in.Trust = s; Expect(in).IssuerOK != nil {
		t.Error("a certificate that is no CA's makes its name known")
	}
	ca := in.Certificates[1]
	s, err = trust.Open(trust.Options{CAData: []*trust.CAData{{Records: []trust.Record{{SHA256: ca.SHA256()}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if in.Trust = s; Expect(in).IssuerOK == nil || !*Expect(in).IssuerOK {
		t.Errorf("a CA that is in a list is not allowed: %v", in.Reasons)
	}
}

// A path that is not accepted vouches for nothing, unless it is for its dates.
func TestPathsThatVouch(t *testing.T) {
	s := store(t)
	for reason, want := range map[string]bool{"expired": true, "not-yet-valid": true, "not-a-ca": false, "name-constraint": false, "signature": false} {
		in := public(t, s, "letsencrypt.org", "Let's Encrypt")
		in.Chain.Paths[0].Accepted, in.Chain.Paths[0].Reason = false, reason
		sum, _ := in.Certificates[1].SPKISHA256()
		in.Expected = &expect.Expectation{
			Issuers: []expect.Issuer{{Key: expect.Pin{Sum: string(sum[:])}}}, Keys: []expect.Pin{{Sum: string(sum[:])}},
			Anchors: []expect.Anchor{{Name: expect.PublicAnchors}},
		}
		f := Expect(in)
		yes := func(b *bool) bool { return b != nil && *b }
		if yes(f.IssuerOK) != want || yes(f.KeyMatches) != want || yes(f.AnchorOK) != want {
			t.Errorf("%s: issuer %t, key %t, anchor %t; want %t", reason, yes(f.IssuerOK), yes(f.KeyMatches), yes(f.AnchorOK), want)
		}
		if !want && (f.KeyMatches != nil || f.IssuerOK != nil) {
			t.Errorf("%s: a pinned key on the path is called foreign", reason)
		}
	}
	// A path one of whose certificates cannot be found tells nothing.
	in := public(t, s, "letsencrypt.org", "Let's Encrypt")
	in.Chain.Paths[0].Certificates[2] = "sha256:00"
	if p := in.paths(); len(p) != 1 || p[0].vouched {
		t.Errorf("paths = %+v", p)
	}
}

func TestNames(t *testing.T) {
	in := &Input{Chain: &facts.Chain{Name: "WWW.example.org."}}
	missing, extra := in.names(&expect.Expectation{Names: []string{"a.example", "*.b.example"}},
		[]string{"www.example.org", "*.example.org", "*.org", "example.org", "a.example", "x.b.example"})
	if diff := cmp.Diff([]string{"*.b.example"}, missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"*.org", "example.org", "x.b.example"}, extra); diff != "" {
		t.Errorf("extra (-want +got):\n%s", diff)
	}
}

func TestLogged(t *testing.T) {
	ok, bad := "ok", "bad-signature"
	for _, tt := range []struct {
		name string
		scts []facts.SCT
		ct   *facts.CT
		want string
	}{
		{"none", []facts.SCT{}, nil, "no"},
		{"one", []facts.SCT{{Verdict: &ok}}, nil, "yes"},
		{"a log whose key is public", []facts.SCT{{Verdict: &ok, Mimic: true}}, nil, "no"},
		{"forged", []facts.SCT{{Verdict: &bad}}, nil, "no"},
		{"of an unknown log", []facts.SCT{{Verdict: &bad}, {}}, nil, "unknown"},
		{"of a log that may be younger than the list", []facts.SCT{{}}, &facts.CT{}, "unknown"},
		{"of a log that a younger list does not have", []facts.SCT{{}}, &facts.CT{Vouched: new(false)}, "no"},
		{"that, and one that verifies", []facts.SCT{{}, {Verdict: &ok}}, &facts.CT{Vouched: new(true)}, "yes"},
		{"not read", nil, nil, "unknown"},
	} {
		f := &facts.Expect{}
		(&Input{SCTs: tt.scts, CT: tt.ct}).logged(f)
		got := answer(f.Logged)
		if got != tt.want {
			t.Errorf("%s: logged = %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestTLSVersion(t *testing.T) {
	for version, want := range map[string]string{"1.2": "older", "1.3": "fine", "": "unknown"} {
		f := &facts.Expect{}
		(&Input{Endpoint: &facts.Endpoint{Version: version}}).version(f, &expect.Expectation{MinTLS: 0x0304})
		got := "unknown"
		if f.TLSOlder != nil {
			got = map[bool]string{true: "older", false: "fine"}[*f.TLSOlder]
		}
		if got != want {
			t.Errorf("TLS %q = %s, want %s", version, got, want)
		}
	}
}

// Pins of every kind are met by what they are of, and by nothing else.
func TestPrint(t *testing.T) {
	l := lab.New(lab.Config{})
	c, other := cert.Parse(l.Leaf), cert.Parse(l.Root.DER)
	for of, raw := range map[expect.Of][]byte{expect.SPKI: c.SPKI, expect.Certificate: c.Raw} {
		for hash, sum := range hashes(raw) {
			p := expect.Pin{Of: of, Hash: hash, Sum: string(sum)}
			if !printOf(c).meets(p) || printOf(other).meets(p) {
				t.Errorf("%s: met by its own %t, by another %t", p, printOf(c).meets(p), printOf(other).meets(p))
			}
		}
	}
	if (print{}).meets(expect.Pin{}) {
		t.Error("an empty pin is met")
	}
}
