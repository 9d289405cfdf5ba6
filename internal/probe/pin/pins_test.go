package pin

import (
	"crypto/sha1" //nolint:gosec // a pin of former times
	"crypto/sha256"
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

func pinOf(c *cert.Certificate) expect.Pin {
	sum := sha256.Sum256(c.SPKI)
	return expect.Pin{Of: expect.SPKI, Hash: expect.SHA256, Sum: string(sum[:])}
}

// Which of the owner's pins are met, by what, and for how long.
func TestPins(t *testing.T) {
	s := store(t)
	in := public(t, s, "letsencrypt.org", "Let's Encrypt")
	leaf, ca := in.Certificates[0], in.Certificates[1]
	stranger := cert.Parse(lab.New(lab.Config{Host: "other.example"}).Root.DER)
	until := func(p expect.Pin, d time.Duration) expect.Pin {
		p.Until = in.At.Add(d)
		return p
	}
	weak := func() expect.Pin {
		sum := sha1.Sum(leaf.SPKI) //nolint:gosec // see above
		return expect.Pin{Of: expect.SPKI, Hash: expect.SHA1, Sum: string(sum[:])}
	}()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name string
		keys []expect.Pin
		want facts.Expect // of it what pins say
		is   string       // yes, no, unknown
	}{
		{"of the leaf", []expect.Pin{pinOf(leaf)}, facts.Expect{Matched: []string{leaf.Pin()}, InForce: 1, DaysLeft: -1}, "yes"},
		{"of the CA", []expect.Pin{pinOf(ca)}, facts.Expect{Matched: []string{ca.Pin()}, InForce: 1, DaysLeft: -1}, "yes"},
		{"of another", []expect.Pin{pinOf(stranger)}, facts.Expect{InForce: 1, DaysLeft: -1}, "no"},
		{"of the leaf, behind another", []expect.Pin{pinOf(stranger), pinOf(leaf)}, facts.Expect{Matched: []string{leaf.Pin()}, InForce: 2, DaysLeft: -1}, "yes"},
		{"with an end", []expect.Pin{until(pinOf(leaf), 10*day+time.Hour)}, facts.Expect{Matched: []string{leaf.Pin()}, InForce: 1, DaysLeft: 10}, "yes"},
		{
			"the last end counts", []expect.Pin{until(pinOf(ca), 30*day), until(pinOf(leaf), 10*day), until(pinOf(stranger), 90*day)},
			facts.Expect{Matched: []string{ca.Pin(), leaf.Pin()}, InForce: 3, DaysLeft: 30}, "yes",
		},
		{"none where one has no end", []expect.Pin{pinOf(ca), until(pinOf(leaf), 10*day)}, facts.Expect{Matched: []string{ca.Pin(), leaf.Pin()}, InForce: 2, DaysLeft: -1}, "yes"},
		{"it has ended", []expect.Pin{until(pinOf(leaf), -day)}, facts.Expect{Ended: []string{leaf.Pin()}, DaysLeft: -1}, "unknown"},
		{"it has ended, and another has not", []expect.Pin{until(pinOf(leaf), -day), pinOf(stranger)}, facts.Expect{Ended: []string{leaf.Pin()}, InForce: 1, DaysLeft: -1}, "no"},
		{"another has ended", []expect.Pin{until(pinOf(stranger), -day)}, facts.Expect{DaysLeft: -1}, "unknown"},
		{"by a broken hash", []expect.Pin{weak}, facts.Expect{Matched: []string{weak.String()}, Weak: []string{weak.String()}, InForce: 1, DaysLeft: -1}, "yes"},
		{"a broken hash that has ended", []expect.Pin{until(weak, -day)}, facts.Expect{Ended: []string{weak.String()}, DaysLeft: -1}, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reasons := map[string]string{}
			in.Expected, in.Reasons = &expect.Expectation{Keys: tt.keys}, reasons
			f := Expect(in)
			if len(f.Pins) != len(tt.keys) || f.Served == nil || *f.Served != leaf.Pin() {
				t.Errorf("%d pins, served %v", len(f.Pins), f.Served)
			}
			got := facts.Expect{Matched: f.Matched, Ended: f.Ended, Weak: f.Weak, InForce: f.InForce, DaysLeft: f.DaysLeft}
			if d := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b []string) bool { return cmp.Equal(list(a), list(b)) })); d != "" {
				t.Error(d)
			}
			is := answer(f.KeyMatches)
			if is != tt.is || (is == "unknown") != (reasons["expect.key_matches"] == reasonAllEnded) {
				t.Errorf("key matches = %s (%s), want %s", is, reasons["expect.key_matches"], tt.is)
			}
		})
	}
}

// A pinned CA on a path that nobody vouches for proves nothing, and is no stranger;
// one that has ended is not asked for a root.
func TestPinAside(t *testing.T) {
	in := public(t, store(t), "letsencrypt.org", "Let's Encrypt")
	in.Chain.Paths[0].Anchor, in.Chain.Paths[0].Accepted = "", false
	p := pinOf(in.Certificates[1])
	in.Expected = &expect.Expectation{Keys: []expect.Pin{p}}
	if f := Expect(in); f.KeyMatches != nil || in.Reasons["expect.key_matches"] != reasonUnvouched || f.Pins[0].Match != "" {
		t.Errorf("key matches = %v (%s)", f.KeyMatches, in.Reasons["expect.key_matches"])
	}
	p.Until = in.At.Add(-time.Hour)
	stranger := pinOf(cert.Parse(lab.New(lab.Config{Host: "other.example"}).Root.DER))
	in.Expected = &expect.Expectation{Keys: []expect.Pin{p, stranger}}
	if f := Expect(in); f.KeyMatches == nil || *f.KeyMatches {
		t.Errorf("beside a pin that has ended: key matches = %v", f.KeyMatches)
	}
}

// What an owner expects is told as it was written.
func TestStated(t *testing.T) {
	in := public(t, store(t), "letsencrypt.org", "Let's Encrypt")
	p := pinOf(in.Certificates[0])
	p.Note = "in the safe"
	types, err := expect.ParseKeyType("ecdsa-p256")
	if err != nil {
		t.Fatal(err)
	}
	in.Expected = &expect.Expectation{
		Keys: []expect.Pin{p}, Issuers: []expect.Issuer{{CA: "letsencrypt.org"}, {Key: p}}, Anchors: []expect.Anchor{{Name: "corp"}},
		KeyTypes: []expect.KeyType{types}, Names: []string{"a.example"}, NamesExactly: true, MaxValidity: time.Hour, CAA: true, TLSA: true, CT: true,
		Stapling: true, MustStaple: true, MinTLS: 0x0303, StartTLS: true, Place: expect.Place{File: "x.yaml", Line: 3, Col: 5},
	}
	f := Expect(in)
	if !f.Stated || f.Place != "x.yaml:3:5" || !f.NamesExactly || f.MaxValidity != 3600 || !f.CAA || !f.TLSA || !f.CT || !f.Stapling || !f.MustStaple || f.MinTLS != "1.2" || !f.StartTLS {
		t.Errorf("%+v", f)
	}
	for what, got := range map[string][]string{
		"letsencrypt.org " + p.String(): f.Issuers, "corp": f.Anchors, "ecdsa-p256": f.KeyTypes, "a.example": f.Names, "in the safe": {f.Pins[0].Note},
	} {
		text := ""
		for _, g := range got {
			text += " " + g
		}
		if text != " "+what {
			t.Errorf("%q, want %s", got, what)
		}
	}
}

// A set of the owner's vouches by its roots, also where one of them was renewed over
// the same key, and no other set does. The public ones are one of their own.
func TestAnchor(t *testing.T) {
	l := lab.New(lab.Config{})
	template := l.LeafTemplate()
	template.Subject, template.Issuer, template.Key, template.Extensions = l.Root.Name, l.Root.Name, l.Root.Key, nil
	renewed := cert.Parse(template.Sign(l.Root.Key, ""))
	s, err := trust.New([]trust.Set{{Name: "corp", Certificates: [][]byte{l.Root.DER}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	root := cert.Parse(l.Root.DER).SHA256()
	corp, others := expect.Anchor{Name: "corp", Roots: [][32]byte{root}}, expect.Anchor{Name: "others", Roots: [][32]byte{{1}}}
	everybody := expect.Anchor{Name: expect.PublicAnchors}
	for _, tt := range []struct {
		name    string
		top     *cert.Certificate
		kind    string
		allowed []expect.Anchor
		want    bool
	}{
		{"of the set", cert.Parse(l.Root.DER), "inventory", []expect.Anchor{corp}, true},
		{"of one of two", cert.Parse(l.Root.DER), "inventory", []expect.Anchor{others, corp}, true},
		{"of another", cert.Parse(l.Root.DER), "inventory", []expect.Anchor{others}, false},
		{"renewed", renewed, "inventory", []expect.Anchor{corp}, true},
		{"not public", cert.Parse(l.Root.DER), "inventory", []expect.Anchor{everybody}, false},
		{"public", cert.Parse(l.Root.DER), "public", []expect.Anchor{everybody}, true},
		{"nobody's", cert.Parse(l.Root.DER), "", []expect.Anchor{corp}, false},
	} {
		leaf, ca := cert.Parse(l.Leaf), cert.Parse(l.Intermediate.DER)
		in := &Input{
			Certificates: []*cert.Certificate{leaf, ca, tt.top}, Trust: s, At: l.At, Leaf: &facts.Cert{}, Reasons: map[string]string{},
			Chain: &facts.Chain{IssuerSupplied: true, Paths: []facts.Path{{
				Certificates: []string{evidence.Hash(leaf.SHA256()), evidence.Hash(ca.SHA256()), evidence.Hash(tt.top.SHA256())}, Anchor: tt.kind, Accepted: true, Programs: []string{"x"},
			}}},
			Expected: &expect.Expectation{Anchors: tt.allowed},
		}
		f := Expect(in)
		if f.AnchorOK == nil || *f.AnchorOK != tt.want {
			t.Errorf("%s: allowed %v (%s), want %v", tt.name, f.AnchorOK, in.Reasons["expect.anchor_allowed"], tt.want)
		}
		if found := len(f.AnchorFound) > 0; found != (tt.kind != "") {
			t.Errorf("%s: found %q", tt.name, f.AnchorFound)
		}
	}
}

// A leaf without its issuer tells neither who issued it nor who vouches for it.
func TestIncomplete(t *testing.T) {
	in := public(t, store(t), "letsencrypt.org", "Let's Encrypt")
	in.Certificates = in.Certificates[:1]
	in.Chain = &facts.Chain{}
	in.Expected = &expect.Expectation{Issuers: []expect.Issuer{{Key: pinOf(in.Certificates[0])}}, Anchors: []expect.Anchor{{Name: expect.PublicAnchors}}}
	f := Expect(in)
	if f.IssuerOK != nil || f.AnchorOK != nil || in.Reasons["expect.issuer_allowed"] != reasonIncomplete || in.Reasons["expect.anchor_allowed"] != reasonIncomplete {
		t.Errorf("issuer %v, anchor %v, reasons %v", f.IssuerOK, f.AnchorOK, in.Reasons)
	}
}

// The key's type is one that is allowed, or none of these, or cannot be told.
func TestKeyType(t *testing.T) {
	in := public(t, store(t), "letsencrypt.org", "Let's Encrypt")
	allowed, err := expect.ParseKeyType("ecdsa-p256")
	if err != nil {
		t.Fatal(err)
	}
	in.Expected = &expect.Expectation{KeyTypes: []expect.KeyType{allowed}}
	for name, tt := range map[string]struct {
		key  *facts.Key
		want string
	}{
		"allowed":  {&facts.Key{Readable: true, Algorithm: "ecdsa", Bits: 256, Curve: "P-256"}, "yes"},
		"another":  {&facts.Key{Readable: true, Algorithm: "rsa", Bits: 2048}, "no"},
		"no key":   {nil, "unknown"},
		"not read": {&facts.Key{Algorithm: "ecdsa", Bits: 256, Curve: "P-256"}, "unknown"},
	} {
		in.Leaf, in.Reasons = &facts.Cert{Key: tt.key}, map[string]string{}
		f := Expect(in)
		got := answer(f.KeyTypeOK)
		if got != tt.want || (got == "unknown") != (in.Reasons["expect.key_type_allowed"] != "") {
			t.Errorf("%s: %s (%v), want %s", name, got, in.Reasons, tt.want)
		}
	}
}

// One issuer that is allowed will do, by name or by key, wherever it stands in the
// list and above the leaf; who issued is told of the first path that counts.
func TestIssuers(t *testing.T) {
	s := store(t)
	in := public(t, s, "letsencrypt.org", "Let's Encrypt")
	ca := in.Certificates[1]
	roots, _ := s.ByCAA("letsencrypt.org")
	stranger := pinOf(&cert.Certificate{SPKI: lab.ForgedKey().SPKI})
	good := in.Chain.Paths[0]
	aside := good
	aside.Accepted, aside.Reason = false, "name-constraint"
	aside.Certificates = []string{good.Certificates[0], evidence.Hash(cert.Parse(lab.New(lab.Config{}).Root.DER).SHA256())}
	in.Issuers = []*cert.Certificate{cert.Parse(lab.New(lab.Config{}).Root.DER)}
	for _, tt := range []struct {
		name    string
		allowed []expect.Issuer
		paths   []facts.Path
		want    string
	}{
		{"by key, behind a name", []expect.Issuer{{CA: "pki.goog"}, {Key: pinOf(ca)}}, []facts.Path{good}, "yes"},
		{"by the root's key", []expect.Issuer{{Key: pinOf(roots[0].Certificate)}}, []facts.Path{good}, "yes"},
		{"the leaf's own key", []expect.Issuer{{Key: pinOf(in.Certificates[0])}}, []facts.Path{good}, "no"},
		{"another key", []expect.Issuer{{Key: stranger}}, []facts.Path{good}, "no"},
		{"another key, and a name", []expect.Issuer{{Key: stranger}, {CA: "letsencrypt.org"}}, []facts.Path{good}, "yes"},
		{"on the second path", []expect.Issuer{{Key: pinOf(ca)}}, []facts.Path{aside, good}, "yes"},
		{"on a path that does not count", []expect.Issuer{{Key: pinOf(in.Issuers[0])}}, []facts.Path{aside, good}, "unknown"},
		{"another, where a path does not count", []expect.Issuer{{Key: stranger}}, []facts.Path{aside}, "no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in.Chain.Paths, in.Reasons = tt.paths, map[string]string{}
			in.Expected = &expect.Expectation{Issuers: tt.allowed}
			f := Expect(in)
			got := answer(f.IssuerOK)
			if got != tt.want || (got == "unknown") != (in.Reasons["expect.issuer_allowed"] == reasonUnvouched) {
				t.Errorf("allowed = %s (%s), want %s", got, in.Reasons["expect.issuer_allowed"], tt.want)
			}
			by := ""
			if tt.paths[len(tt.paths)-1].Accepted {
				by = ca.Subject.String() + " (" + ca.Pin() + ")"
			}
			if f.IssuedBy != by {
				t.Errorf("issued by %s, want %s", f.IssuedBy, by)
			}
		})
	}
}

// Who serves a root itself has no other issuer than that.
func TestServedRoot(t *testing.T) {
	l := lab.New(lab.Config{})
	root := cert.Parse(l.Root.DER)
	s, err := trust.New([]trust.Set{{Name: "corp", Certificates: [][]byte{l.Root.DER}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := &Input{
		Certificates: []*cert.Certificate{root}, Trust: s, At: l.At, Leaf: &facts.Cert{}, Reasons: map[string]string{},
		Chain:    &facts.Chain{Paths: []facts.Path{{Certificates: []string{evidence.Hash(root.SHA256())}, Anchor: "inventory", Accepted: true}}},
		Expected: &expect.Expectation{Issuers: []expect.Issuer{{Key: pinOf(root)}}},
	}
	if f := Expect(in); f.IssuerOK == nil || !*f.IssuerOK {
		t.Errorf("a root by itself: allowed %v (%v)", f.IssuerOK, in.Reasons)
	}
}
