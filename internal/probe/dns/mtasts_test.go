package dns

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

func TestMTASTS(t *testing.T) {
	const url = "https://mta-sts.example.org/.well-known/mta-sts.txt"
	led := lookup(evidence.DNSForMX, "example.org", asked(t, "example.org", dns.TypeMX, answer{}))
	record := func(name string, a answer) evidence.DNSLookup {
		return lookup(evidence.DNSForMTASTS, name, asked(t, name, dns.TypeTXT, a))
	}
	there := record("_mta-sts.example.org", answer{records: []string{`_mta-sts.example.org. TXT "v=STSv1; " "id=1"`}})
	fetched := func(body string) evidence.Fetch {
		return evidence.Fetch{Kind: evidence.FetchMTASTS, URL: url, Body: []byte(body)}
	}
	enforce := func(mx string) evidence.Fetch {
		return fetched("version: STSv1\nmode: enforce\nmx: " + mx + "\nmax_age: 9\n")
	}
	elsewhere := enforce("*.example.org")
	elsewhere.URL = "https://mta-sts.evil.example/.well-known/mta-sts.txt"
	otherwise := enforce("*.example.org")
	otherwise.Kind = evidence.FetchCRL
	failed := fetched("")
	failed.Failure = &evidence.Failure{Error: "the certificate is another's"}
	policy := func(mx string, listed bool) *facts.MTASTS {
		return &facts.MTASTS{Domain: "example.org", ID: "1", Mode: "enforce", MX: []string{mx}, MaxAge: 9, Listed: listed}
	}
	absent := &facts.MTASTS{Domain: "example.org", MX: []string{}}
	for _, tt := range []struct {
		name    string
		host    string
		lookups []evidence.DNSLookup
		fetches []evidence.Fetch
		want    *facts.MTASTS
		reason  string
	}{
		{"named", "", []evidence.DNSLookup{led, there}, []evidence.Fetch{enforce("mx.example.org")}, policy("mx.example.org", true), ""},
		{"not named", "", []evidence.DNSLookup{led, there}, []evidence.Fetch{enforce("a.example.org")}, policy("a.example.org", false), ""},
		{"the host counts where another name was asked for", "a.example.org", []evidence.DNSLookup{led, there}, []evidence.Fetch{enforce("a.example.org")}, policy("a.example.org", true), ""},
		{"no record", "", []evidence.DNSLookup{led, record("_mta-sts.example.org", answer{rcode: dns.RcodeNameError})}, nil, absent, ""},
		{"a malformed record", "", []evidence.DNSLookup{led, record("_mta-sts.example.org", answer{records: []string{`_mta-sts.example.org. TXT "v=STSv1; id=a; b"`}})},
			[]evidence.Fetch{enforce("a.example.org")}, absent, ""},
		{"no answer", "", []evidence.DNSLookup{led, record("_mta-sts.example.org", answer{rcode: dns.RcodeServerFailure})}, []evidence.Fetch{enforce("a.example.org")}, nil, "SERVFAIL"},
		{"an answer about another domain", "", []evidence.DNSLookup{led, record("_mta-sts.evil.example", answer{rcode: dns.RcodeNameError})}, nil, nil, "not asked for a policy"},
		{"an empty lookup", "", []evidence.DNSLookup{led, lookup(evidence.DNSForMTASTS, "_mta-sts.example.org")}, nil, nil, "not asked for a policy"},
		{"not led here", "", []evidence.DNSLookup{there}, []evidence.Fetch{enforce("a.example.org")}, nil, "--follow mx"},
		{"not fetched", "", []evidence.DNSLookup{led, there}, nil, nil, "not fetched"},
		{"a policy of another domain", "", []evidence.DNSLookup{led, there}, []evidence.Fetch{elsewhere}, nil, "not fetched"},
		{"no policy but a list", "", []evidence.DNSLookup{led, there}, []evidence.Fetch{otherwise}, nil, "not fetched"},
		{"it did not come", "", []evidence.DNSLookup{led, there}, []evidence.Fetch{failed}, nil, "another's"},
		{"it is a page", "", []evidence.DNSLookup{led, there}, []evidence.Fetch{fetched("<html>")}, nil, "line 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := &Input{
				Subject: &evidence.Subject{
					Kind: evidence.Endpoint, Name: "mx.example.org", Host: tt.host, Protocol: "smtp", DNS: tt.lookups, Fetches: tt.fetches,
				},
				Reasons: map[string]string{},
			}
			got, reason := mtaSTS(in), in.Reasons["dns.mta_sts"]
			if diff := cmp.Diff(tt.want, got); diff != "" || (tt.reason == "") != (reason == "") || !strings.Contains(reason, tt.reason) {
				t.Errorf("reason %q, want %q; facts (-want +got):\n%s", reason, tt.reason, diff)
			}
		})
	}
	in := &Input{Subject: &evidence.Subject{DNS: []evidence.DNSLookup{led}}, Reasons: map[string]string{}}
	if Facts(in); in.Reasons["dns.mta_sts"] == "" {
		t.Error("no reason where DNS was not asked")
	}
	in.Subject = &evidence.Subject{Name: "mx.example.org", MailDomain: "example.org", DNS: []evidence.DNSLookup{there}, Fetches: []evidence.Fetch{enforce("*.example.org")}}
	if f := Facts(in); f.MTASTS == nil || !f.MTASTS.Listed || f.MailDomain != "example.org" || f.LedBy != "" {
		t.Errorf("Facts gives %+v, want the policy of the domain that the user named", f)
	}
	// Records weigh more than what somebody said.
	in.Subject = &evidence.Subject{Name: "mx.example.org", MailDomain: "evil.example", DNS: []evidence.DNSLookup{led, there}, Fetches: []evidence.Fetch{enforce("*.example.org")}}
	if f := Facts(in); f.MTASTS == nil || !f.MTASTS.Listed {
		t.Errorf("Facts gives %+v, want the policy", f.MTASTS)
	}
}
