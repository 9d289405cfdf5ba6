package trust

import (
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

func open(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLookUp(t *testing.T) {
	l := lab.New(lab.Config{})
	s := open(t, Options{Sets: []Set{{Name: "lab", Certificates: l.Roots()}}, Known: [][]byte{l.Intermediate.DER, l.Leaf}})
	mid, leaf := cert.Parse(l.Intermediate.DER), cert.Parse(l.Leaf)
	for name, cas := range map[string][]CA{
		"name":           s.ByName(&mid.Subject),
		"key identifier": s.ByKeyID(leaf.AuthorityKeyID().Value.KeyID),
		"key":            s.ByKey(mid.SPKI),
	} {
		if len(cas) != 1 || cas[0].Certificate.SHA256() != mid.SHA256() || cas[0].Anchor != None || cas[0].Program != "known" {
			t.Errorf("by %s: %+v", name, cas)
		}
	}
	if cas := s.ByName(&leaf.Subject); cas != nil {
		t.Errorf("a certificate that is no CA is known: %+v", cas)
	}
	if a := s.Root(mid.SHA256()); a != None {
		t.Errorf("a known CA is an anchor: %s", a)
	}
	root := cert.Parse(l.Root.DER)
	if a := s.Root(root.SHA256()); a != Inventory {
		t.Errorf("the owner's root: %s", a)
	}
	if name, key := s.Knows(root); !name || !key {
		t.Errorf("Knows(root) = %v, %v", name, key)
	}
	if s.ByKeyID(nil) != nil || s.ByName(&cert.Name{}) != nil || s.ByKey(nil) != nil {
		t.Error("nothing finds something")
	}
}

// A CA that several lists know is held once for each program that trusts it.
func TestKnownOnce(t *testing.T) {
	l := lab.New(lab.Config{})
	sets := []Set{{Name: "a", Certificates: l.Roots()}, {Name: "b", Certificates: l.Roots()}}
	s := open(t, Options{Sets: sets, Known: l.Roots()})
	root := cert.Parse(l.Root.DER)
	var programs []string
	for _, ca := range s.ByName(&root.Subject) {
		programs = append(programs, ca.Program)
	}
	if !slices.Equal(programs, []string{"a", "b"}) {
		t.Errorf("programs = %v, want a and b", programs)
	}
}

func TestSamePoint(t *testing.T) {
	l := lab.New(lab.Config{})
	s := open(t, Options{Sets: []Set{{Name: "lab", Certificates: l.Roots()}}})
	k := cert.ParseKey(l.Root.Key.SPKI)
	if ca, ok := s.SamePoint(&k); ok {
		t.Errorf("the root's own key: %s", ca.Certificate.Subject)
	}
	explicit := k
	explicit.Params, explicit.Curve = []byte{0x30, 0}, "explicit"
	if _, ok := s.SamePoint(&explicit); !ok {
		t.Error("the root's point on another curve was not seen")
	}
	explicit.Public = append([]byte{4}, make([]byte, 96)...)
	if _, ok := s.SamePoint(&explicit); ok {
		t.Error("another point is taken for the root's")
	}
	rsa := cert.ParseKey(lab.RootRSAKey().SPKI)
	if _, ok := s.SamePoint(&rsa); ok {
		t.Error("an RSA key has a point")
	}
}

// A further public program vouches as Mozilla's does, under its own name and date.
func TestFurtherProgram(t *testing.T) {
	l := lab.New(lab.Config{})
	s := open(t, Options{Programs: []Set{{Name: "chrome", Certificates: l.Roots(), Date: "2026-07-06"}}})
	if a := s.Root(cert.Parse(l.Root.DER).SHA256()); a != Public {
		t.Errorf("anchor = %s, want public", a)
	}
	p := s.Programs()
	if len(p) != 2 || p[0].Name != "mozilla" || p[0].Date != MozillaDate || p[1].Name != "chrome" || p[1].Date != "2026-07-06" || p[1].Roots != 1 {
		t.Errorf("programs = %+v", p)
	}
	for _, d := range s.Status() {
		if d.Name == "roots: chrome" && (d.Date != "2026-07-06" || d.Entries != 1) {
			t.Errorf("status = %+v", d)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(Options{Sets: []Set{{Name: "broken", Certificates: [][]byte{[]byte("no certificate")}}}}); err == nil {
		t.Error("a set without an anchor was taken")
	}
}

func TestStatusOfKnown(t *testing.T) {
	l := lab.New(lab.Config{})
	s := open(t, Options{Known: [][]byte{l.Intermediate.DER, l.Leaf}, CAData: []*CAData{{Name: "list", Records: make([]Record, 3)}}})
	entries := map[string]int{}
	for _, d := range s.Status() {
		entries[d.Name] = d.Entries
	}
	if entries["known CAs"] != 1 || entries["CA data: list"] != 3 {
		t.Errorf("status = %v", entries)
	}
}
