package dns

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/evidence"
)

// ported asks servers at another port than 443.
type ported struct {
	*fetch.Fetcher
	port string
}

func (p ported) Get(ctx context.Context, address string, k fetch.Kind) fetch.Result {
	u, err := url.Parse(address)
	if err != nil {
		return fetch.Result{Err: err}
	}
	u.Host += ":" + p.port
	return p.Fetcher.Get(ctx, u.String(), k)
}

func TestMTASTS(t *testing.T) {
	const policy = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 1\n"
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Host, "mta-sts.example.com:") || r.URL.Path != "/.well-known/mta-sts.txt" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(policy))
	}))
	t.Cleanup(web.Close)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	at, err := netip.ParseAddrPort(web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	records := zone(t, `
_mta-sts.example.com. TXT "v=STSv1; " "id=1"
_mta-sts.other.example. TXT "v=STSv1; id=1"
_mta-sts.two.example.com. TXT "v=STSv1; id=1"
_mta-sts.two.example.com. TXT "v=STSv1; id=2"
`)
	r := resolver(t, serve(t, func(transport string, q, reply *dns.Msg) *dns.Msg {
		if strings.Contains(q.Question[0].Name, "broken") {
			reply.Rcode = dns.RcodeServerFailure
			return reply
		}
		return records(transport, q, reply)
	}).addr)
	f := fetch.New(fetch.Options{
		Private: true, NoRedirects: true, Roots: []*x509.CertPool{roots},
		Lookup: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{at.Addr()}, nil },
	})
	t.Cleanup(f.Close)
	led := func(domain string) *evidence.Subject {
		return &evidence.Subject{
			Kind: evidence.Endpoint, Name: "mx.example.com", Protocol: "smtp", Handshakes: []evidence.Handshake{{}},
			DNS: []evidence.DNSLookup{{Purpose: evidence.DNSForMX, Name: domain}},
		}
	}
	unreached := led("example.com")
	unreached.Handshakes = nil
	alone := led("example.com")
	alone.DNS = nil
	said := func(protocol, domain string) *evidence.Subject {
		s := led("")
		s.Protocol, s.MailDomain, s.DNS = protocol, domain, nil
		return s
	}
	web443 := ported{f, web.URL[strings.LastIndex(web.URL, ":")+1:]}
	named := said("smtp", "example.com")
	r.MTASTS(t.Context(), named, web443)
	if len(named.DNS) != 1 || named.DNS[0].Name != "_mta-sts.example.com" || len(named.Fetches) != 1 || string(named.Fetches[0].Body) != policy {
		t.Errorf("the domain that the user names: asked %+v, fetched %+v", named.DNS, named.Fetches)
	}
	for _, tt := range []struct {
		name    string
		subject *evidence.Subject
		lookups int    // beside that of MX
		url     string // of the policy that is fetched
		body    string
		err     string
	}{
		{"a policy", led("example.com"), 1, "https://mta-sts.example.com/.well-known/mta-sts.txt", policy, ""},
		{"the certificate is another's", led("other.example"), 1, "https://mta-sts.other.example/.well-known/mta-sts.txt", "", "verifying the server"},
		{"no record", led("none.example.com"), 1, "", "", ""},
		{"two records", led("two.example.com"), 1, "", "", ""},
		{"no answer", led("broken.example.com"), 1, "", "", ""},
		{"no name of a host", led("a b.example.com"), 0, "", "", ""},
		{"no server", unreached, 0, "", "", ""},
		{"not led here", alone, -1, "", "", ""},
		{"no mail", said("https", "example.com"), -1, "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.subject
			r.MTASTS(t.Context(), s, web443)
			if len(s.DNS) != tt.lookups+1 {
				t.Fatalf("%d lookups, want %d", len(s.DNS), tt.lookups+1)
			}
			if tt.lookups > 0 && (s.DNS[1].Purpose != evidence.DNSForMTASTS || s.DNS[1].Name != "_mta-sts."+s.DNS[0].Name) {
				t.Errorf("asked for %+v", s.DNS[1])
			}
			if tt.url == "" {
				if len(s.Fetches) != 0 {
					t.Errorf("fetched %+v", s.Fetches)
				}
				return
			}
			if len(s.Fetches) != 1 {
				t.Fatalf("%d fetches, want 1", len(s.Fetches))
			}
			got := s.Fetches[0]
			if diff := cmp.Diff([]string{tt.url, tt.body}, []string{got.URL, string(got.Body)}); diff != "" || got.Kind != evidence.FetchMTASTS || got.Started.IsZero() {
				t.Errorf("fetched %+v\n%s", got, diff)
			}
			if (tt.err == "") != (got.Failure == nil) || tt.err != "" && !strings.Contains(got.Failure.Error, tt.err) {
				t.Errorf("failure %+v, want %q", got.Failure, tt.err)
			}
		})
	}
}
