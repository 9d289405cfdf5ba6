package dns

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
)

// Enrich adds to a subject what DNS says of it: CAA for the names that its
// certificate was asked for, and for a server that was reached TLSA and, where it
// speaks HTTP, the HTTPS record. What could not be had is a failure in the
// answer. Names that are no host names of two labels or more are not asked for.
func (r *Resolver) Enrich(ctx context.Context, s *evidence.Subject) {
	for i, domain := range domains(s) {
		if i == maxDomains {
			s.DNS = append(s.DNS, unasked(domain))
			break
		}
		s.DNS = append(s.DNS, r.CAA(ctx, domain))
	}
	host := cmp.Or(s.Host, s.Name)
	at, err := netip.ParseAddrPort(s.Address)
	if s.Kind != evidence.Endpoint || len(s.Handshakes) == 0 || !askable(host) || err != nil {
		return
	}
	transport := "tcp"
	if s.Protocol == "quic" {
		transport = "udp"
	}
	s.DNS = append(s.DNS, r.TLSA(ctx, host, at.Port(), transport)...)
	if s.Protocol == "https" || s.Protocol == "quic" {
		s.DNS = append(s.DNS, r.HTTPS(ctx, host, at.Port()))
	}
}

// domains are the names whose CAA the issuer of a certificate had to look up: of
// those in it the ones that cover the name that was asked for, or that name where
// none does; all of them where no name was asked for.
func domains(s *evidence.Subject) (out []string) {
	if !s.Collected() {
		return nil
	}
	for _, name := range cert.Parse(s.Certificates[0]).DNSNames() {
		name = plain(name)
		if !askable(strings.TrimPrefix(name, "*.")) || s.Name != "" && !covers(name, plain(s.Name)) || slices.Contains(out, name) {
			continue
		}
		if out = append(out, name); len(out) > maxDomains {
			break
		}
	}
	if len(out) == 0 && askable(s.Name) {
		out = append(out, plain(s.Name))
	}
	return out
}

// unasked says that there are more names than are asked for.
func unasked(domain string) evidence.DNSLookup {
	return evidence.DNSLookup{Purpose: evidence.DNSForCAA, Name: domain, Answers: []evidence.DNSAnswer{{
		Failure: &evidence.Failure{
			Stage: evidence.StageDNS,
			Error: fmt.Sprintf("the certificate has more than %d names; CAA was asked for the first ones only", maxDomains),
			Hint:  "name the one that matters with --name",
		},
	}}}
}

// covers says whether a name in a certificate stands for a host (RFC 9525 section
// 6.3).
func covers(pattern, host string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*."); ok {
		_, parent, found := strings.Cut(host, ".")
		return found && parent == rest
	}
	return pattern == host
}

// askable says whether a name is worth a question to a resolver: a host name of
// at least two labels. What stands in certificates can be any octets.
func askable(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 || !strings.Contains(name, ".") {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 || strings.IndexFunc(label, notLDH) >= 0 {
			return false
		}
	}
	return true
}

// notLDH says whether a character stands in no host name. The underscore stands
// in some.
func notLDH(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
}
