package dns

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/trust"
)

func TestBindings(t *testing.T) {
	s := newSite(t, "Let's Encrypt", trust.Public)
	const host, one, two = "a.b.example.org", "https://acme.example/1", "https://acme.example/2"
	for _, tt := range []struct {
		name, domain string
		records      []string
		want         Binding
	}{
		{"no records", host, nil, Binding{}},
		{"bound", host, []string{`issue "letsencrypt.org; accounturi=` + one + `"`}, Binding{FoundAt: "example.org", Accounts: []string{one}}},
		{"two", host, []string{`issue "letsencrypt.org; accounturi=` + one + `"`, `ISSUE "pki.goog;accounturi=` + two + `"`}, Binding{FoundAt: "example.org", Accounts: []string{one, two}}},
		{"one of two is not bound", host, []string{`issue "letsencrypt.org; accounturi=` + one + `"`, `issue "pki.goog"`}, Binding{FoundAt: "example.org", Accounts: []string{one}, Open: true}},
		{"nobody", host, []string{`issue ";"`}, Binding{FoundAt: "example.org"}},
		{"says nothing of issuing", host, []string{`iodef "mailto:a@example.org"`}, Binding{FoundAt: "example.org", Open: true}},
		{"wildcard", "*." + host, []string{`issue "letsencrypt.org"`, `issuewild "letsencrypt.org; accounturi=` + two + `"`}, Binding{FoundAt: "example.org", Accounts: []string{two}}},
		{"wildcard, by issue", "*." + host, []string{`issue "letsencrypt.org; accounturi=` + one + `"`}, Binding{FoundAt: "example.org", Accounts: []string{one}}},
	} {
		a := answer{ad: true}
		for _, r := range tt.records {
			a.records = append(a.records, "example.org. 60 IN CAA 0 "+r)
		}
		l := s.climb(t, tt.domain, map[string]answer{"example.org": a})
		tt.want.Name = tt.domain
		if diff := cmp.Diff([]Binding{tt.want}, Bindings(&evidence.Subject{DNS: []evidence.DNSLookup{l}})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		l.Answers = l.Answers[:1]
		if got := Bindings(&evidence.Subject{DNS: []evidence.DNSLookup{l}}); len(got) != 0 {
			t.Errorf("%s, with an answer missing: %+v", tt.name, got)
		}
	}
}
