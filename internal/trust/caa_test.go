package trust

import (
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

func TestCAAOwners(t *testing.T) {
	for _, tt := range []struct {
		name, organization, identifier string
		want                           bool
	}{
		{"the CA itself", "Let's Encrypt", "letsencrypt.org", true},
		{"case and trailing dot", "let's encrypt", "LetsEncrypt.org.", true},
		{"another CA", "Let's Encrypt", "pki.goog", false},
		{"a brand", "DigiCert Inc", "rapidssl.com", true},
		{"keys that changed hands", "Starfield Technologies, Inc.", "amazon.com", true},
		{"and their seller", "Starfield Technologies, Inc.", "godaddy.com", true},
		{"reseller with its own intermediate", "ZeroSSL", "sectigo.com", true},
		{"part of an identifier", "Let's Encrypt", "encrypt.org", false},
		{"nobody", "Example", "letsencrypt.org", false},
		{"no name", "", "", false},
	} {
		got := false
		for _, o := range CAAOwners(tt.organization) {
			got = got || o.Recognises(tt.identifier)
		}
		if got != tt.want {
			t.Errorf("%s: %q recognises %q = %t, want %t", tt.name, tt.organization, tt.identifier, got, tt.want)
		}
	}
	if len(CAAIdentified("ca.example")) != 0 || len(CAAIdentified("digicert.com")) != 2 {
		t.Error("CAAIdentified does not tell who recognises a name")
	}
}

// A name is written by whoever has the key of a CA: only that of a known key
// counts, as it stands where the key is known from.
func TestOperators(t *testing.T) {
	genuine, other := lab.New(lab.Config{Organization: "Let's Encrypt"}), lab.New(lab.Config{Organization: "Somebody"})
	renamed := genuine.LeafTemplate()
	renamed.Subject, renamed.Key = lab.Named("O=DigiCert Inc"), genuine.Intermediate.Key
	again := cert.Parse(renamed.Sign(genuine.Root.Key, ""))
	mid, stranger := cert.Parse(genuine.Intermediate.DER), cert.Parse(other.Intermediate.DER)
	list := &CAData{Name: "list", Records: []Record{{SHA256: stranger.SHA256(), Owner: "Internet Security Research Group"}}}
	inPEM := &CAData{Name: "list", Records: []Record{{SHA256: mid.SHA256(), Certificate: mid, Owner: "DigiCert Inc"}}}
	for _, tt := range []struct {
		name string
		o    Options
		c    *cert.Certificate
		want string
	}{
		{"nobody's key", Options{}, mid, ""},
		{"a root of a program", Options{Programs: []Set{{Name: "x", Certificates: [][]byte{mid.Raw}}}}, mid, "ISRG (Let's Encrypt)"},
		{"its key in another certificate", Options{Programs: []Set{{Name: "x", Certificates: [][]byte{mid.Raw}}}}, again, "ISRG (Let's Encrypt)"},
		{"a root of the owner's", Options{Sets: []Set{{Name: "x", Certificates: [][]byte{mid.Raw}}}}, mid, ""},
		{"known to the owner", Options{Known: [][]byte{mid.Raw}}, mid, "ISRG (Let's Encrypt)"},
		{"in a list by its hash", Options{CAData: []*CAData{list}}, stranger, "ISRG (Let's Encrypt)"},
		{"in a list with owner and name", Options{CAData: []*CAData{inPEM}}, mid, "DigiCert ISRG (Let's Encrypt)"},
		{"known, and not in the table", Options{Known: [][]byte{stranger.Raw}}, stranger, ""},
		{"unreadable", Options{}, cert.Parse([]byte("x")), ""},
	} {
		var got []string
		for _, o := range open(t, tt.o).Operators(tt.c) {
			got = append(got, o.Name)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: Operators = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Every row can match: identifiers are domain names in lower case, and nothing is
// empty or written twice.
func TestCAATable(t *testing.T) {
	names := map[string]bool{}
	for _, o := range caaOwners {
		if names[o.Name] || o.Name == "" || len(o.Identifiers) == 0 || len(o.Organizations) == 0 {
			t.Errorf("%q is there twice or empty", o.Name)
		}
		names[o.Name] = true
		for _, id := range o.Identifiers {
			if id != strings.ToLower(id) || !strings.Contains(id, ".") || strings.ContainsAny(id, " ;/:") {
				t.Errorf("%s: %q is no issuer domain name", o.Name, id)
			}
		}
	}
}

// Most public roots belong to an operator in the table; the others are unknown,
// and so never accused. Raise the number when rows are added.
func TestCAACoverage(t *testing.T) {
	s, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	known, all := map[[32]byte]bool{}, map[[32]byte]bool{}
	for _, cas := range s.cas.byKey {
		for _, ca := range cas {
			sum := ca.Certificate.SHA256()
			all[sum] = true
			for _, name := range ca.Certificate.Subject.Organizations() {
				if len(CAAOwners(name)) > 0 {
					known[sum] = true
				}
			}
		}
	}
	if len(known) < 100 {
		t.Errorf("operators of %d of %d roots are known, want 100", len(known), len(all))
	}
	roots, ok := s.ByCAA("letsencrypt.org")
	if !ok || len(roots) != 2 {
		t.Errorf("ByCAA(letsencrypt.org) = %d roots, %t; want ISRG's two", len(roots), ok)
	}
	if roots, ok := s.ByCAA("ca.example"); ok || len(roots) != 0 {
		t.Errorf("ByCAA(ca.example) = %d roots, %t; want none and unknown", len(roots), ok)
	}
}
