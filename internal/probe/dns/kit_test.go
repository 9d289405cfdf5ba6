package dns

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// An answer is what a resolver said to a question.
type answer struct {
	records   []string // of the answer section, in zone-file form
	authority []string
	rcode     int
	ad        bool
	remote    bool // the resolver runs elsewhere
}

func rrs(t testing.TB, lines []string) (out []dns.RR) {
	t.Helper()
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil || rr == nil {
			t.Fatalf("record %q: %v", line, err)
		}
		out = append(out, rr)
	}
	return out
}

// asked packs an answer as evidence has it.
func asked(t testing.TB, name string, typ uint16, a answer) evidence.DNSAnswer {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), typ)
	m.Response, m.Rcode, m.AuthenticatedData = true, a.rcode, a.ad
	m.Answer, m.Ns = rrs(t, a.records), rrs(t, a.authority)
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return evidence.DNSAnswer{Name: dns.Fqdn(name), Type: typ, Resolver: "127.0.0.1:53", Transport: "udp", Local: !a.remote, Message: raw}
}

func lookup(purpose evidence.DNSPurpose, name string, answers ...evidence.DNSAnswer) evidence.DNSLookup {
	return evidence.DNSLookup{Purpose: purpose, Name: name, Answers: answers}
}

// site is a chain of a CA of some organisation, and what was found of it.
type site struct {
	lab   *lab.Lab
	certs []*cert.Certificate
	chain *facts.Chain
	trust *trust.Store
}

func newSite(t testing.TB, organization string, anchor trust.Anchor) site {
	t.Helper()
	l := lab.New(lab.Config{Host: "a.b.example.org", Organization: organization})
	s := site{lab: l}
	set := []trust.Set{{Name: "lab", Certificates: l.Roots()}}
	o := trust.Options{}
	switch anchor {
	case trust.Public:
		o.Programs = set
	case trust.Inventory:
		o.Sets = set
	}
	var err error
	if s.trust, err = trust.Open(o); err != nil {
		t.Fatal(err)
	}
	s.chain = &facts.Chain{Anchor: string(anchor)}
	for i, der := range l.Chain() {
		s.certs = append(s.certs, cert.Parse(der))
		s.chain.Links = append(s.chain.Links, facts.Link{Index: int64(i), SignedBy: int64(i + 1)})
	}
	s.chain.Links[len(s.chain.Links)-1].SignedBy = -1
	if anchor != trust.None {
		p := facts.Path{Anchor: string(anchor)}
		for _, der := range append(l.Chain(), l.Root.DER) {
			p.Certificates = append(p.Certificates, evidence.Hash(evidence.DER(der).SHA256()))
		}
		s.chain.Paths = []facts.Path{p}
	}
	return s
}

// facts gives what lookups say of the site.
func (s site) facts(protocol string, lookups ...evidence.DNSLookup) (*facts.DNS, map[string]string) {
	in := &Input{
		Subject:      &evidence.Subject{Kind: evidence.Endpoint, Name: s.lab.Host, Protocol: protocol, Address: "192.0.2.1:443", DNS: lookups},
		Certificates: s.certs, Chain: s.chain, Trust: s.trust, Signed: verify, Reasons: map[string]string{},
	}
	return Facts(in), in.Reasons
}

func verify(c, issuer *cert.Certificate) cert.Outcome {
	out, _ := c.CheckSignature(&issuer.Key)
	return out
}

// rrsig is a signature over a type that begins so long before the leaf does.
func (s site) rrsig(owner, covered string, before time.Duration) string {
	at := s.certs[0].NotBefore.Add(-before).Format("20060102150405")
	return strings.Join([]string{owner, "60 IN RRSIG", covered, "13 2 60 20380101000000", at, "1 example.org. AAAA"}, " ")
}
