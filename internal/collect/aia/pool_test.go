package aia

import (
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
)

func poolOf(subjects ...*evidence.Subject) *Pool {
	p := &Pool{}
	for _, s := range subjects {
		p.Add(s)
	}
	return p
}

func file(id string, chain ...[]byte) *evidence.Subject {
	s := &evidence.Subject{ID: id}
	for _, der := range chain {
		s.Certificates = append(s.Certificates, der)
	}
	return s
}

// A lone leaf is completed from another file, and from the same one whatever the
// order of the files is. An impostor of the issuer's name is passed over.
func TestPool(t *testing.T) {
	l := lab.New(lab.Config{})
	impostor := *l
	impostor.Intermediate = l.SelfSignedCA(l.Intermediate.Name, lab.ImpostorKey())
	files := []*evidence.Subject{
		file("b.pem", l.Intermediate.DER), file("a.pem", l.Leaf, l.Intermediate.DER), file("c.pem", l.Root.DER),
		file("d.pem", impostor.Intermediate.DER, l.Leaf), file("e.pem", []byte{0x30, 0}),
	}
	for range 2 {
		slices.Reverse(files)
		s := ask(Options{Pool: poolOf(files...)}, l.Leaf)
		if len(s.Fetches) != 1 {
			t.Fatalf("%d certificates were found, want 1: %+v", len(s.Fetches), s.Fetches)
		}
		f := s.Fetches[0]
		if f.Kind != evidence.FetchMet || f.URL != "a.pem" || f.For != evidence.Hash(evidence.DER(l.Leaf).SHA256()) ||
			len(f.Certificates) != 1 || string(f.Certificates[0]) != string(l.Intermediate.DER) || f.Address != "" {
			t.Errorf("found %+v", f)
		}
	}
	if s := ask(Options{Pool: poolOf(files...)}, l.Leaf, l.Intermediate.DER, l.Root.DER); len(s.Fetches) != 0 {
		t.Errorf("a whole chain was completed: %+v", s.Fetches)
	}
	if s := ask(Options{Pool: poolOf(files[4:]...)}, l.Leaf); len(s.Fetches) > 1 {
		t.Errorf("found %+v", s.Fetches)
	}
	if s := ask(Options{Pool: poolOf(file("d.pem", impostor.Intermediate.DER))}, l.Leaf); len(s.Fetches) != 0 {
		t.Errorf("an impostor completes a chain: %+v", s.Fetches)
	}
}

// A folder of CA certificates without end is cut off, and that is known.
func TestPoolFull(t *testing.T) {
	p := &Pool{known: map[[32]byte]bool{}}
	for k := range maxPool {
		p.known[[32]byte{byte(k), byte(k >> 8), 1}] = true
	}
	p.Add(file("one-more.pem", lab.New(lab.Config{}).Intermediate.DER))
	if !p.Full || len(p.bySubject) != 0 {
		t.Errorf("full %v, %d names, want true and none", p.Full, len(p.bySubject))
	}
}
