package cli

import (
	"strings"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/probe/vantage"
	"github.com/certassay/certassay/internal/report"
)

// offersOf is what the services of a report agreed to, for those that were offered
// everything.
func offersOf(doc *report.Document) map[string][]vantage.Offer {
	out := map[string][]vantage.Offer{}
	for i := range doc.Subjects {
		s := &doc.Subjects[i]
		service := vantage.Service(&evidence.Subject{Kind: s.Kind, ID: s.ID})
		h := s.Handshake
		// The profile of a probe is at the end of the ID.
		if service == "" || h == nil || h.Version == "" || strings.Contains(s.ID, "#") || h.Profile != "default" && h.Profile != "classical" {
			continue
		}
		out[service] = append(out[service], vantage.Offer{
			TLS13: h.Version == "1.3", PostQuantum: strings.Contains(h.Group, "MLKEM"), LargeHello: h.Profile == "default",
			Stapled: h.OCSPStapled, ALPN: h.ALPN,
		})
	}
	return out
}
