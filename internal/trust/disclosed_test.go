package trust

import (
	"testing"
	"time"
)

// TestDisclosedTable: the built-in table is sound, and every CA of it is found by
// name, key and key identifier, and stands below a root that is there.
func TestDisclosedTable(t *testing.T) {
	s, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.disclosed.Check(); err != nil {
		t.Error(err)
	}
	listed, err := time.Parse(time.DateOnly, s.disclosed.Date())
	if err != nil {
		t.Error(err)
	}
	all := s.disclosed.All()
	if len(all) < 100 || s.disclosed.Hashes() < 500 {
		t.Errorf("facts of %d, hashes of %d", len(all), s.disclosed.Hashes())
	}
	for _, ca := range all {
		name := ca.CA.Subject.String()
		if len(s.DisclosedByName(&ca.CA.Subject)) == 0 || len(s.DisclosedByKeyID(ca.KeyID)) == 0 || len(s.DisclosedByKey(ca.CA.SPKI)) == 0 ||
			!s.KeyDisclosed(ca.SPKISHA256()) {
			t.Errorf("%s is not found by all that it has", name)
		}
		root, program := s.RootOf(ca)
		if root == nil || program != "mozilla" {
			t.Errorf("%s stands below no root", name)
			continue
		}
		if _, distrusted := DistrustedCA(root); distrusted {
			t.Errorf("%s stands below %s, which a program decided against", name, root.Subject.String())
		}
		if _, err := s.PoolOf(ca); err != nil {
			t.Error(err)
		}
		if _, until, _ := ca.Bounds(); until.Before(listed) {
			t.Errorf("%s had expired", name)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := New(nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}
