package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/evidence"
)

// lookup asks one question for one purpose.
func (r *Resolver) lookup(ctx context.Context, purpose evidence.DNSPurpose, name string, typ uint16) (evidence.DNSLookup, *dns.Msg) {
	answer, msg := r.ask(ctx, dns.Fqdn(name), typ)
	return evidence.DNSLookup{Purpose: purpose, Name: plain(name), Answers: []evidence.DNSAnswer{answer}}, msg
}

// plain is a name as evidence has it: in lower case without a final dot.
func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// CAA climbs from a domain to its parents until one has a CAA record, as RFC 8659
// section 3 has CAs do; a wildcard begins at what the asterisk stands under. The
// root is not asked. A failure ends the climb: what lies above cannot be known to
// apply.
func (r *Resolver) CAA(ctx context.Context, domain string) evidence.DNSLookup {
	l := evidence.DNSLookup{Purpose: evidence.DNSForCAA, Name: plain(domain)}
	name := dns.Fqdn(strings.TrimPrefix(l.Name, "*."))
	for name != "." {
		if len(l.Answers) == maxClimb {
			last := &l.Answers[len(l.Answers)-1]
			last.Failure = &evidence.Failure{Stage: evidence.StageDNS, Error: fmt.Sprintf("climbing from %s: more than %d names", l.Name, maxClimb)}
			break
		}
		answer, msg := r.ask(ctx, name, dns.TypeCAA)
		l.Answers = append(l.Answers, answer)
		if msg == nil || has[*dns.CAA](msg) {
			break
		}
		name = parent(name)
	}
	return l
}

// parent drops the first label.
func parent(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// has says whether an answer holds a record of a type, under whatever name:
// behind a CNAME it is another.
func has[T dns.RR](msg *dns.Msg) bool {
	for _, rr := range msg.Answer {
		if _, ok := rr.(T); ok {
			return true
		}
	}
	return false
}

// alias is the name at the end of the CNAME records of an answer, or the name
// itself.
func alias(msg *dns.Msg, name string) string {
	name = dns.CanonicalName(name)
	for range maxClimb {
		next := ""
		for _, rr := range msg.Answer {
			if c, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(c.Hdr.Name) == name {
				next = dns.CanonicalName(c.Target)
			}
		}
		if next == "" {
			break
		}
		name = next
	}
	return name
}

// TLSA asks for the certificates that a service may show. Where the resolver
// vouches that the host is an alias, the records of what it is an alias of come
// first (RFC 7671 section 7); a failure there is final.
func (r *Resolver) TLSA(ctx context.Context, host string, port uint16, transport string) []evidence.DNSLookup {
	addresses, msg := r.lookup(ctx, evidence.DNSForAddress, host, dns.TypeA)
	out := []evidence.DNSLookup{addresses}
	if msg != nil && msg.AuthenticatedData {
		if base := alias(msg, dns.Fqdn(host)); base != dns.CanonicalName(host) {
			l, msg := r.lookup(ctx, evidence.DNSForTLSA, service(port, transport, base), dns.TypeTLSA)
			if out = append(out, l); msg == nil || has[*dns.TLSA](msg) {
				return out
			}
		}
	}
	l, _ := r.lookup(ctx, evidence.DNSForTLSA, service(port, transport, host), dns.TypeTLSA)
	return append(out, l)
}

func service(port uint16, transport, host string) string {
	return fmt.Sprintf("_%d._%s.%s", port, transport, host)
}

// HTTPS asks how a web server is to be reached (RFC 9460 section 9.1).
func (r *Resolver) HTTPS(ctx context.Context, host string, port uint16) evidence.DNSLookup {
	if port != 443 {
		host = fmt.Sprintf("_%d._https.%s", port, host)
	}
	l, _ := r.lookup(ctx, evidence.DNSForHTTPS, host, dns.TypeHTTPS)
	return l
}

// LookupNetIP gives the addresses of a host, those of IPv4 first, so that targets
// can be resolved by the same server. Errors are those of package net.
func (r *Resolver) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	var failure *evidence.Failure
	for _, typ := range []uint16{dns.TypeA, dns.TypeAAAA} {
		answer, msg := r.ask(ctx, dns.Fqdn(host), typ)
		if msg == nil {
			failure = answer.Failure
			continue
		}
		for _, rr := range msg.Answer {
			var ip net.IP
			switch rr := rr.(type) {
			case *dns.A:
				ip = rr.A
			case *dns.AAAA:
				ip = rr.AAAA
			}
			if addr, ok := netip.AddrFromSlice(ip); ok {
				out = append(out, addr.Unmap())
			}
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case failure != nil:
		return nil, &net.DNSError{Err: failure.Error, Name: plain(host), Server: r.server.String(), IsTemporary: true}
	}
	return nil, &net.DNSError{Err: "no such host", Name: plain(host), Server: r.server.String(), IsNotFound: true}
}
