package dns

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

const tlsaName = "_443._tcp.a.b.example.org"

// tlsa writes a record for a certificate.
func tlsaOf(usage, selector, matching int, c *cert.Certificate) string {
	content := c.Raw
	if selector == 1 {
		content = c.SPKI
	}
	switch matching {
	case 1:
		sum := sha256.Sum256(content)
		content = sum[:]
	case 2:
		sum := sha512.Sum512(content)
		content = sum[:]
	}
	return fmt.Sprintf("%s. TLSA %d %d %d %s", tlsaName, usage, selector, matching, hex.EncodeToString(content))
}

func (s site) tlsa(t *testing.T, protocol string, a answer) (*facts.TLSA, map[string]string) {
	t.Helper()
	f, reasons := s.facts(protocol, lookup(evidence.DNSForTLSA, tlsaName, asked(t, tlsaName, dns.TypeTLSA, a)))
	return f.TLSA, reasons
}

// Every usage, selector and matching type finds the certificate that it is for,
// and no other.
func TestTLSAMatches(t *testing.T) {
	s := newSite(t, "", trust.Inventory)
	leaf, issuer, root := s.certs[0], s.certs[1], cert.Parse(s.lab.Root.DER)
	stranger := newSite(t, "Stranger", trust.None).certs[1]
	for usage := range 4 {
		for selector := range 2 {
			for matching := range 3 {
				leafUsage := usage == pkixEE || usage == daneEE
				for _, tt := range []struct {
					of   string
					c    *cert.Certificate
					want bool
				}{
					{"leaf", leaf, true}, // for a CA usage: nobody else can have it
					{"issuer", issuer, !leafUsage},
					// Not sent, but the leaf leads to it.
					{"root", root, !leafUsage && !(usage == daneTA && selector == 1 && matching == 0)},
					{"stranger", stranger, false},
				} {
					if tt.of == "stranger" && (selector == 1 || usage == daneTA && matching == 0) {
						continue // the laboratory's keys are all the same
					}
					f, _ := s.tlsa(t, "https", answer{ad: true, records: []string{tlsaOf(usage, selector, matching, tt.c)}})
					if got := f.Verdict == "match"; got != tt.want {
						t.Errorf("%d %d %d of the %s: verdict %s (%+v), want match %t", usage, selector, matching, tt.of, f.Verdict, f.Records, tt.want)
					}
				}
			}
		}
	}
}

// A CA that merely stands behind the leaf and did not sign on its way does not
// satisfy a record.
func TestTLSAStrayCA(t *testing.T) {
	s := newSite(t, "", trust.None)
	stray := newSite(t, "Stranger", trust.None).certs[1]
	s.certs = append(s.certs, stray)
	s.chain.Links = append(s.chain.Links, facts.Link{Index: 2, SignedBy: -1})
	f, _ := s.tlsa(t, "https", answer{ad: true, records: []string{tlsaOf(daneTA, 0, 1, stray)}})
	if f.Verdict != "mismatch" || f.Records[0].Matches != 2 || f.Records[0].Satisfied {
		t.Errorf("TLSA = %+v, want a mismatch that is seen at 2", f)
	}
	// The anchor that a record brings along itself has to have signed, too.
	for of, want := range map[*cert.Certificate]string{cert.Parse(s.lab.Root.DER): "match", cert.Parse(newSite(t, "Stranger", trust.None).lab.Leaf): "mismatch"} {
		f, _ := s.tlsa(t, "https", answer{ad: true, records: []string{tlsaOf(daneTA, 0, 0, of)}})
		if f.Verdict != want {
			t.Errorf("2 0 0 of %s: %s, want %s", of.Subject, f.Verdict, want)
		}
	}
}

func TestTLSAVerdict(t *testing.T) {
	public, alone := newSite(t, "", trust.Public), newSite(t, "", trust.None)
	leaf, issuer := public.certs[0], public.certs[1]
	wrong := tlsaName + ". TLSA 3 1 1 " + strings.Repeat("00", 32)
	silent := alone
	silent.certs, silent.chain = nil, nil
	for _, tt := range []struct {
		name     string
		site     site
		protocol string
		answer   answer
		want     string
		usable   int64
		security string
	}{
		{"none", public, "https", answer{ad: true}, "none", 0, "validated"},
		{"no such name", public, "https", answer{ad: true, rcode: dns.RcodeNameError}, "none", 0, "validated"},
		{"wrong", public, "https", answer{ad: true, records: []string{wrong}}, "mismatch", 1, "validated"},
		{"wrong and right", public, "https", answer{ad: true, records: []string{wrong, tlsaOf(3, 1, 1, leaf)}}, "match", 2, "validated"},
		{"unsigned", public, "https", answer{records: []string{wrong}}, "mismatch", 1, "unsigned"},
		{"a resolver elsewhere", public, "https", answer{ad: true, remote: true, records: []string{wrong}}, "mismatch", 1, "claimed"},
		{"PKIX-EE without a root", alone, "https", answer{ad: true, records: []string{tlsaOf(1, 1, 1, leaf)}}, "pkix", 1, "validated"},
		{"PKIX-TA without a root", alone, "https", answer{ad: true, records: []string{tlsaOf(0, 0, 1, issuer)}}, "pkix", 1, "validated"},
		{"PKIX-EE without a root, and DANE-EE", alone, "https", answer{ad: true, records: []string{tlsaOf(1, 1, 1, leaf), tlsaOf(3, 0, 1, leaf)}}, "match", 2, "validated"},
		{"PKIX for mail", public, "smtp", answer{ad: true, records: []string{tlsaOf(1, 1, 1, leaf)}}, "unusable", 0, "validated"},
		{"PKIX for submission", public, "submission", answer{ad: true, records: []string{tlsaOf(1, 1, 1, leaf)}}, "match", 1, "validated"},
		{"unknown usage", public, "https", answer{ad: true, records: []string{tlsaName + ". TLSA 4 1 1 " + strings.Repeat("00", 32)}}, "unusable", 0, "validated"},
		{"unknown selector", public, "https", answer{ad: true, records: []string{tlsaName + ". TLSA 3 2 1 " + strings.Repeat("00", 32)}}, "unusable", 0, "validated"},
		{"unknown matching type", public, "https", answer{ad: true, records: []string{tlsaName + ". TLSA 3 1 3 " + strings.Repeat("00", 32)}}, "unusable", 0, "validated"},
		{"short SHA-256", public, "https", answer{ad: true, records: []string{tlsaName + ". TLSA 3 1 1 00"}}, "unusable", 0, "validated"},
		{"short SHA-512", public, "https", answer{ad: true, records: []string{tlsaName + ". TLSA 3 1 2 " + strings.Repeat("00", 32)}}, "unusable", 0, "validated"},
		{"no certificate", public, "https", answer{ad: true, records: []string{tlsaName + ". TLSA 3 0 0 00"}}, "unusable", 0, "validated"},
		{"no key", public, "https", answer{ad: true, records: []string{tlsaName + ". TLSA 3 1 0 30"}}, "unusable", 0, "validated"},
		// RFC 7671 section 9: the weaker hash is not looked at.
		{"SHA-256 right, SHA-512 wrong", public, "https", answer{ad: true, records: []string{tlsaOf(3, 1, 1, leaf), tlsaName + ". TLSA 3 1 2 " + strings.Repeat("00", 64)}}, "mismatch", 1, "validated"},
		{"SHA-256 beside a SHA-512 of the wrong length", public, "https", answer{ad: true, records: []string{tlsaOf(3, 1, 1, leaf), tlsaName + ". TLSA 3 1 2 00"}}, "match", 1, "validated"},
		{"SHA-512 of another selector", public, "https", answer{ad: true, records: []string{tlsaOf(3, 1, 1, leaf), tlsaName + ". TLSA 3 0 2 " + strings.Repeat("00", 64)}}, "match", 2, "validated"},
		{"no certificate was shown", silent, "smtp", answer{ad: true, records: []string{wrong}}, "unseen", 1, "validated"},
	} {
		f, reasons := tt.site.tlsa(t, tt.protocol, tt.answer)
		if f == nil {
			t.Errorf("%s: TLSA is unknown: %v", tt.name, reasons)
			continue
		}
		if f.Verdict != tt.want || f.Usable != tt.usable || f.Security != tt.security {
			t.Errorf("%s: %s, %d usable, %s; want %s, %d, %s\n%+v", tt.name, f.Verdict, f.Usable, f.Security, tt.want, tt.usable, tt.security, f.Records)
		}
	}
}

// A failure is no absence, and that of what the name is an alias of is final.
func TestTLSAUnknown(t *testing.T) {
	s := newSite(t, "", trust.Public)
	f, reasons := s.tlsa(t, "https", answer{rcode: dns.RcodeServerFailure})
	if f != nil || !strings.Contains(reasons["dns.tlsa"], "SERVFAIL") {
		t.Errorf("TLSA = %+v, reason %q", f, reasons["dns.tlsa"])
	}
	alias := lookup(evidence.DNSForTLSA, "_443._tcp.x.example", asked(t, "_443._tcp.x.example", dns.TypeTLSA, answer{rcode: dns.RcodeServerFailure}))
	own := lookup(evidence.DNSForTLSA, tlsaName, asked(t, tlsaName, dns.TypeTLSA, answer{ad: true, records: []string{tlsaOf(3, 1, 1, s.certs[0])}}))
	if f, _ := s.facts("https", alias, own); f.TLSA != nil {
		t.Errorf("TLSA = %+v although that of the alias failed", f.TLSA)
	}
	none := lookup(evidence.DNSForTLSA, "_443._tcp.x.example", asked(t, "_443._tcp.x.example", dns.TypeTLSA, answer{ad: true}))
	if f, _ := s.facts("https", none, own); f.TLSA == nil || f.TLSA.Name != tlsaName || f.TLSA.Verdict != "match" {
		t.Errorf("TLSA = %+v, want the name's own where the alias has none", f.TLSA)
	}
}

func TestHTTPS(t *testing.T) {
	s := newSite(t, "", trust.Public)
	const host = "a.b.example.org"
	get := func(records ...string) *facts.HTTPS {
		f, _ := s.facts("https", lookup(evidence.DNSForHTTPS, host, asked(t, host, dns.TypeHTTPS, answer{ad: true, records: records})))
		return f.HTTPS
	}
	yes, no := true, false
	for _, tt := range []struct {
		name    string
		records []string
		want    facts.HTTPS
	}{
		{"none", nil, facts.HTTPS{}},
		{"alias", []string{host + ". HTTPS 0 x.example."}, facts.HTTPS{Alias: "x.example"}},
		{"all", []string{host + `. HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1 ech=AAAA`}, facts.HTTPS{Present: true, ALPN: []string{"h2", "h3"}, ECH: true, Hints: []string{"192.0.2.1", "2001:db8::1"}, Hinted: &yes}},
		{"another address", []string{host + ". HTTPS 1 . ipv4hint=192.0.2.2"}, facts.HTTPS{Present: true, Hints: []string{"192.0.2.2"}, Hinted: &no}},
		{"hints of the other family", []string{host + ". HTTPS 1 . ipv6hint=2001:db8::1"}, facts.HTTPS{Present: true, Hints: []string{"2001:db8::1"}}},
	} {
		tt.want.Security = "validated"
		if tt.want.ALPN == nil {
			tt.want.ALPN = []string{}
		}
		if tt.want.Hints == nil {
			tt.want.Hints = []string{}
		}
		if diff := cmp.Diff(&tt.want, get(tt.records...)); diff != "" {
			t.Errorf("%s: differs (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Where nobody asked, everything is unknown and a reason says why; the records
// that led to a server are no question about it.
func TestNotAsked(t *testing.T) {
	s := newSite(t, "", trust.Public)
	mx := lookup(evidence.DNSForMX, "example.org", asked(t, "example.org", dns.TypeMX, answer{ad: true, remote: true}))
	f, reasons := s.facts("smtp", mx)
	if f.Asked || f.CAA != nil || f.TLSA != nil || f.HTTPS != nil || f.LedBy != "mx" || f.LedBySecurity != "claimed" {
		t.Errorf("DNS = %+v", f)
	}
	for _, fact := range []string{"dns.caa", "dns.tlsa", "dns.https"} {
		if !strings.Contains(reasons[fact], "--online dns") {
			t.Errorf("the reason for %s is %q", fact, reasons[fact])
		}
	}
}

// No message makes the probe crash, or say that a resolver elsewhere validated.
func FuzzFacts(f *testing.F) {
	s := newSite(f, "Let's Encrypt", trust.Public)
	f.Add(dns.TypeCAA, asked(f, "a.b.example.org", dns.TypeCAA, answer{ad: true, records: []string{`a.b.example.org. CAA 0 issue "pki.goog"`}}).Message)
	f.Add(dns.TypeTLSA, asked(f, "a.b.example.org", dns.TypeTLSA, answer{ad: true, records: []string{"a.b.example.org. TLSA 3 1 1 00"}}).Message)
	f.Add(dns.TypeHTTPS, asked(f, "a.b.example.org", dns.TypeHTTPS, answer{ad: true, records: []string{"a.b.example.org. HTTPS 1 . alpn=h2"}}).Message)
	purposes := map[uint16]evidence.DNSPurpose{dns.TypeCAA: evidence.DNSForCAA, dns.TypeTLSA: evidence.DNSForTLSA, dns.TypeHTTPS: evidence.DNSForHTTPS}
	f.Fuzz(func(t *testing.T, typ uint16, message []byte) {
		a := evidence.DNSAnswer{Name: "a.b.example.org.", Type: typ, Resolver: "192.0.2.53:53", Message: message}
		got, _ := s.facts("https", lookup(purposes[typ], "a.b.example.org", a))
		for _, c := range got.CAA {
			if c.Security != nil && *c.Security == "validated" || c.SignedBefore != nil && *c.SignedBefore {
				t.Errorf("CAA %+v is validated by a resolver elsewhere", c)
			}
		}
		if got.TLSA != nil && got.TLSA.Security == "validated" || got.HTTPS != nil && got.HTTPS.Security == "validated" {
			t.Errorf("%+v is validated by a resolver elsewhere", got)
		}
	})
}
