package dns

import (
	"context"
	"strings"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/mtasts"
)

// A Getter fetches. That of policies has to verify servers against roots that the
// user trusts, and to follow no redirect (RFC 8461 section 3.3).
type Getter interface {
	Get(ctx context.Context, address string, k fetch.Kind) fetch.Result
}

// MTASTS adds to a mail server, that a domain's MX records led to or that the user
// says is that domain's, what the domain demands of its servers: the record and, where there is one, the policy. Other
// subjects stay as they are.
func (r *Resolver) MTASTS(ctx context.Context, s *evidence.Subject, web Getter) {
	domain := mailDomain(s)
	if s.Kind != evidence.Endpoint || len(s.Handshakes) == 0 || !askable(domain) || !askable(mtasts.RecordName(domain)) {
		return
	}
	l, msg := r.lookup(ctx, evidence.DNSForMTASTS, mtasts.RecordName(domain), dns.TypeTXT)
	s.DNS = append(s.DNS, l)
	if msg == nil {
		return
	}
	var texts []string
	for _, rr := range msg.Answer {
		if txt, ok := rr.(*dns.TXT); ok {
			texts = append(texts, strings.Join(txt.Txt, ""))
		}
	}
	if _, ok := mtasts.Find(texts); !ok {
		return
	}
	f := evidence.Fetch{Kind: evidence.FetchMTASTS, URL: mtasts.URL(domain)}
	got := web.Get(ctx, f.URL, fetch.MTASTS())
	f.Address, f.Started, f.Elapsed, f.Body = got.Address, got.Started.UTC(), got.Elapsed, got.Body
	if got.Err != nil {
		f.Failure = &evidence.Failure{
			Stage: evidence.StageFetch, Error: got.Err.Error(),
			Hint: "the domain says that it has a policy: fetch it from another network, and compare",
		}
	}
	s.Fetches = append(s.Fetches, f)
}

// mailDomain is the domain whose MX records led to a server, or that the user named;
// empty where neither.
func mailDomain(s *evidence.Subject) string {
	for i := range s.DNS {
		if s.DNS[i].Purpose == evidence.DNSForMX {
			return s.DNS[i].Name
		}
	}
	if s.Protocol == "smtp" {
		return s.MailDomain
	}
	return ""
}
