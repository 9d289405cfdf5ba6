package dns

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/target"
)

// asked is what a subject's lookups asked for, in order.
func asked(s *evidence.Subject) (out []string) {
	for _, l := range s.DNS {
		var names []string
		for _, a := range l.Answers {
			names = append(names, a.Name)
		}
		out = append(out, fmt.Sprintf("%s %s: %s", l.Purpose, l.Name, strings.Join(names, " ")))
	}
	return out
}

func TestEnrich(t *testing.T) {
	s := serve(t, zone(t, `
b.example.org. CAA 0 issue "ca.example"
alias.b.example.org. CNAME web.example.net.
plain.b.example.org. CNAME web2.example.net.
_443._tcp.web.example.net. TLSA 3 1 1 00
`))
	leaf := func(names ...string) []evidence.DER {
		l := lab.New(lab.Config{Host: "a.b.example.org"})
		c := l.LeafTemplate()
		c.Set(lab.SAN(names...))
		return []evidence.DER{l.Issue(c)}
	}
	endpoint := func(name, protocol, address string, certs []evidence.DER) *evidence.Subject {
		return &evidence.Subject{Kind: evidence.Endpoint, Name: name, Protocol: protocol, Address: address, Certificates: certs, Handshakes: []evidence.Handshake{{}}}
	}
	var many []string
	for i := range 12 {
		many = append(many, fmt.Sprintf("h%d.b.example.org", i))
	}
	deep := strings.Repeat("x.", 30) + "example.org"
	climb := "a.b.example.org. b.example.org."
	for _, tt := range []struct {
		name    string
		subject *evidence.Subject
		want    []string
	}{
		{"a web server", endpoint("a.b.example.org", "https", "192.0.2.1:443", leaf("a.b.example.org", "z.b.example.org")), []string{
			"caa a.b.example.org: " + climb, "address a.b.example.org: a.b.example.org.",
			"tlsa _443._tcp.a.b.example.org: _443._tcp.a.b.example.org.", "https a.b.example.org: a.b.example.org.",
		}},
		{"another port", endpoint("a.b.example.org", "https", "192.0.2.1:8443", leaf("A.B.example.ORG")), []string{
			"caa a.b.example.org: " + climb, "address a.b.example.org: a.b.example.org.",
			"tlsa _8443._tcp.a.b.example.org: _8443._tcp.a.b.example.org.", "https _8443._https.a.b.example.org: _8443._https.a.b.example.org.",
		}},
		{"QUIC", endpoint("a.b.example.org", "quic", "192.0.2.1:443", leaf("a.b.example.org")), []string{
			"caa a.b.example.org: " + climb, "address a.b.example.org: a.b.example.org.",
			"tlsa _443._udp.a.b.example.org: _443._udp.a.b.example.org.", "https a.b.example.org: a.b.example.org.",
		}},
		{"a wildcard covers it", endpoint("a.b.example.org", "tls", "192.0.2.1:443", leaf("*.b.example.org", "*.example.org", "b.example.org")), []string{
			"caa *.b.example.org: b.example.org.", "address a.b.example.org: a.b.example.org.", "tlsa _443._tcp.a.b.example.org: _443._tcp.a.b.example.org.",
		}},
		{"of another name", endpoint("a.b.example.org", "tls", "192.0.2.1:443", leaf("other.example")), []string{
			"caa a.b.example.org: " + climb, "address a.b.example.org: a.b.example.org.", "tlsa _443._tcp.a.b.example.org: _443._tcp.a.b.example.org.",
		}},
		{"an alias with records", endpoint("alias.b.example.org", "tls", "192.0.2.1:443", nil), []string{
			"address alias.b.example.org: alias.b.example.org.", "tlsa _443._tcp.web.example.net: _443._tcp.web.example.net.",
		}},
		{"an alias without", endpoint("plain.b.example.org", "tls", "192.0.2.1:443", nil), []string{
			"address plain.b.example.org: plain.b.example.org.", "tlsa _443._tcp.web2.example.net: _443._tcp.web2.example.net.",
			"tlsa _443._tcp.plain.b.example.org: _443._tcp.plain.b.example.org.",
		}},
		{"an address", endpoint("192.0.2.1", "tls", "192.0.2.1:443", nil), nil},
		{"a single label", endpoint("router", "tls", "192.0.2.1:443", nil), nil},
		{"nothing was reached", &evidence.Subject{Kind: evidence.Endpoint, Name: "a.b.example.org", Address: "192.0.2.1:443"}, nil},
		{"a file", &evidence.Subject{Kind: evidence.Chain, Certificates: leaf("a.b.example.org", "nul\x00.example.org", "sp ace.example.org", "x", "..")}, []string{"caa a.b.example.org: " + climb}},
		{"a file with names beyond the limit", &evidence.Subject{Kind: evidence.Chain, Certificates: leaf(many...)}, append(func() (out []string) {
			for _, n := range many[:maxDomains] {
				out = append(out, fmt.Sprintf("caa %[1]s: %[1]s. b.example.org.", n))
			}
			return out
		}(), "caa "+many[maxDomains]+": ")},
		{"no certificate that can be read", &evidence.Subject{Kind: evidence.Chain, Certificates: []evidence.DER{{0x30}}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resolver(t, s.addr).Enrich(t.Context(), tt.subject)
			if diff := cmp.Diff(tt.want, asked(tt.subject)); diff != "" {
				t.Errorf("lookups differ (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a name too deep to climb from", func(t *testing.T) {
		l := resolver(t, s.addr).CAA(t.Context(), deep)
		if len(l.Answers) != maxClimb || l.Answers[maxClimb-1].Failure == nil {
			t.Errorf("%d answers, the last %+v", len(l.Answers), l.Answers[len(l.Answers)-1].Failure)
		}
	})
	t.Run("the server that records led to", func(t *testing.T) {
		e := endpoint("example.org", "xmpp", "192.0.2.1:5223", nil)
		e.Host = "chat.example.org"
		resolver(t, s.addr).Enrich(t.Context(), e)
		if want := "tlsa _5223._tcp.chat.example.org: _5223._tcp.chat.example.org."; asked(e)[1] != want {
			t.Errorf("asked %v, want %s", asked(e), want)
		}
	})
}

// A failure ends the climb, and is kept.
func TestCAAStopsAtFailure(t *testing.T) {
	s := serve(t, func(_ string, q, reply *dns.Msg) *dns.Msg {
		if q.Question[0].Name == "b.example.org." {
			reply.Rcode = dns.RcodeServerFailure
		}
		return reply
	})
	l := resolver(t, s.addr).CAA(t.Context(), "a.b.example.org")
	if len(l.Answers) != 2 || l.Answers[0].Failure != nil || l.Answers[1].Failure == nil {
		t.Errorf("lookup is %+v", l)
	}
}

// A dialled is where a dialler was sent.
type dialled struct{ where []string }

func (d *dialled) Collect(_ context.Context, t target.Target) []*evidence.Subject {
	d.where = append(d.where, t.String())
	return []*evidence.Subject{{ID: t.ID(), Name: t.Host, Target: t.Raw}}
}

func (d *dialled) CollectAt(_ context.Context, t target.Target, addrs []netip.Addr) []*evidence.Subject {
	d.where = append(d.where, fmt.Sprint(t, addrs))
	return []*evidence.Subject{{ID: t.ID(), Name: t.Host, Target: t.Raw}}
}

func TestFollow(t *testing.T) {
	records := `
two.example. MX 20 b.mx.example.
two.example. MX 10 a.mx.example.
two.example. MX 30 a.mx.example.
null.example. MX 0 .
odd.example. MX 10 bad\032name.example.
chat.example. A 192.0.2.9
_xmpp-client._tcp.im.example. SRV 0 0 5223 chat.example.
_xmpp-client._tcp.im.example. SRV 1 0 5224 gone.example.
_xmpp-client._tcp.off.example. SRV 0 0 0 .
`
	for i := range maxHosts + 4 {
		records += fmt.Sprintf("many.example. MX %d m%d.example.\n", i, i)
	}
	answer := zone(t, records)
	s := serve(t, func(tr string, q, reply *dns.Msg) *dns.Msg {
		if strings.HasPrefix(q.Question[0].Name, "broken.") {
			reply.Rcode = dns.RcodeServerFailure
			return reply
		}
		return answer(tr, q, reply)
	})
	both := Follow{MX: true, SRV: true}
	for _, tt := range []struct {
		name, target string
		what         Follow
		want         []string // where
		ids          []string
		failure      string // of the last subject
	}{
		{"MX in order", "smtp://two.example", both, []string{"smtp://a.mx.example:25", "smtp://b.mx.example:25"},
			[]string{"smtp://a.mx.example:25?mx=two.example", "smtp://b.mx.example:25?mx=two.example"}, ""},
		{"MX keep the port", "smtp://two.example:2525", both, []string{"smtp://a.mx.example:2525", "smtp://b.mx.example:2525"},
			[]string{"smtp://a.mx.example:2525?mx=two.example", "smtp://b.mx.example:2525?mx=two.example"}, ""},
		{"no MX is the domain itself", "smtp://none.example", both, []string{"smtp://none.example:25"}, []string{"smtp://none.example:25?mx=none.example"}, ""},
		{"no mail taken", "smtp://null.example", both, nil, []string{"smtp://null.example:25"}, "takes no mail"},
		{"no host name", "smtp://odd.example", both, nil, []string{"smtp://odd.example:25"}, "takes no mail"},
		{"MX that cannot be had", "smtp://broken.example", both, nil, []string{"smtp://broken.example:25"}, "SERVFAIL"},
		{"MX not followed", "smtp://two.example", Follow{SRV: true}, []string{"smtp://two.example:25"}, []string{"smtp://two.example:25"}, ""},
		{"an address", "smtp://192.0.2.1", both, []string{"smtp://192.0.2.1:25"}, []string{"smtp://192.0.2.1:25"}, ""},
		{"no mail scheme", "imap://two.example", both, []string{"imap://two.example:143"}, []string{"imap://two.example:143"}, ""},
		{"SRV", "xmpp://im.example", both, []string{"xmpp://im.example:5223 [192.0.2.9]"}, []string{"xmpp://im.example:5223?srv=chat.example", "xmpp://im.example:5224"}, "no such host"},
		{"no SRV is the domain itself", "xmpp://none.example", both, []string{"xmpp://none.example:5222"}, []string{"xmpp://none.example:5222"}, ""},
		{"not offered", "xmpp://off.example", both, nil, []string{"xmpp://off.example:5222"}, "does not offer"},
		{"SRV not followed", "xmpp://im.example", Follow{MX: true}, []string{"xmpp://im.example:5222"}, []string{"xmpp://im.example:5222"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d dialled
			subjects := resolver(t, s.addr).Follow(&d, tt.what)(t.Context(), parse(t, tt.target))
			var ids []string
			for _, s := range subjects {
				ids = append(ids, s.ID)
			}
			if diff := cmp.Diff([][]string{tt.want, tt.ids}, [][]string{d.where, ids}); diff != "" {
				t.Errorf("differs (-want +got):\n%s", diff)
			}
			last := subjects[len(subjects)-1]
			if (len(last.Failures) > 0) != (tt.failure != "") || tt.failure != "" && !strings.Contains(last.Failures[0].Error, tt.failure) {
				t.Errorf("failures are %v, want %q", last.Failures, tt.failure)
			}
		})
	}
	t.Run("more than are followed", func(t *testing.T) {
		var d dialled
		subjects := resolver(t, s.addr).Follow(&d, both)(t.Context(), parse(t, "smtp://many.example"))
		if len(d.where) != maxHosts || len(subjects[0].Failures) != 1 {
			t.Errorf("%d hosts were dialled, failures %v", len(d.where), subjects[0].Failures)
		}
	})
}

func parse(t *testing.T, text string) target.Target {
	t.Helper()
	spec, err := target.Parse(text, target.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	for t := range spec.All() {
		return t
	}
	t.Fatal("no target")
	return target.Target{}
}
