package trust

import (
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

// A view has the sets it was made with; of the others it knows nothing, and the
// store itself keeps all.
func TestOnly(t *testing.T) {
	l := lab.New(lab.Config{})
	both := open(t, Options{Sets: []Set{{Name: "a", Certificates: l.Roots()}, {Name: "b", Certificates: l.Roots()}}})
	root := cert.Parse(l.Root.DER)
	for _, tt := range []struct {
		name  string
		store *Store
		cas   int
		root  Anchor
	}{
		{"all", both, 2, Inventory},
		{"one", both.Only("a"), 1, Inventory},
		{"the other", both.Only("b", "c"), 1, Inventory},
		{"none", both.Only(), 0, None},
		{"view of a view", both.Only("a", "b").Only("b"), 1, Inventory},
	} {
		if got := tt.store.Root(root.SHA256()); got != tt.root {
			t.Errorf("%s: Root = %s, want %s", tt.name, got, tt.root)
		}
		for by, cas := range map[string][]CA{
			"name": tt.store.ByName(&root.Subject), "key": tt.store.ByKey(root.SPKI), "identifier": tt.store.ByKeyID(root.SubjectKeyID().Value),
		} {
			if len(cas) != tt.cas {
				t.Errorf("%s: by %s there are %d CAs, want %d", tt.name, by, len(cas), tt.cas)
			}
		}
		if got := len(tt.store.Programs()); got != 1+tt.cas {
			t.Errorf("%s: %d programs, want %d", tt.name, got, 1+tt.cas)
		}
	}
}

// Root programs are in every view: what they say stays a fact.
func TestOnlyKeepsPublic(t *testing.T) {
	s := open(t, Options{}).Only()
	if p := s.Programs(); len(p) != 1 || p[0].Anchor != Public {
		t.Errorf("Programs of an empty view = %+v", p)
	}
}
