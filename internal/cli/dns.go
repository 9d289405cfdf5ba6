package cli

import (
	"context"
	"crypto/x509"
	"net/netip"
	"slices"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/version"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/evidence"
)

// askDNS gives the enricher that --online dns wants.
func (s *session) askDNS() audit.Enricher {
	policies := s.policies()
	return func(ctx context.Context, e *evidence.Subject) {
		// Evidence of another time stays as it is. The records that led to a
		// server are there already.
		if s.old(e) || slices.ContainsFunc(e.DNS, func(l evidence.DNSLookup) bool {
			return l.Purpose != evidence.DNSForMX && l.Purpose != evidence.DNSForSRV
		}) {
			return
		}
		s.resolver.Enrich(ctx, e)
		s.resolver.MTASTS(ctx, e, policies)
	}
}

// policies fetches those of mail domains. What speaks for a policy is the TLS that
// it came over, and so the roots that a run judges by, not the machine's, which an
// interceptor may have added its own to.
func (s *session) policies() *fetch.Fetcher {
	o := fetch.Options{
		Private: s.cfg.AllowPrivateURLs, Timeout: s.cfg.Timeout, UserAgent: "certassay/" + version.String(),
		Roots: []*x509.CertPool{}, NoRedirects: true,
		Lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return s.resolver.LookupNetIP(ctx, "ip", host)
		},
	}
	for _, p := range s.trust.Programs() {
		o.Roots = append(o.Roots, p.Pool)
	}
	return fetch.New(o)
}

// old says that evidence was taken before this run: answers of now do not belong
// to a handshake of then.
func (s *session) old(e *evidence.Subject) bool {
	return !e.Seen.IsZero() && e.Seen.Before(s.run.Started)
}

// askedOf lists the name servers that answered or should have.
func askedOf(e *evidence.Subject) (out []string) {
	for i := range e.DNS {
		for k := range e.DNS[i].Answers {
			if r := e.DNS[i].Answers[k].Resolver; r != "" && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}
