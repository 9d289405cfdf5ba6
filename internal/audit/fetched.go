package audit

import (
	"slices"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/probe/chain"
	"github.com/certassay/certassay/internal/trust"
)

// fetches are the attempts to find issuers, with what came of each.
func (a *Auditor) fetches(s *evidence.Subject, known *trust.Store) []chain.Fetch {
	var out []chain.Fetch
	met := map[string]*cert.Certificate{}
	note := func(der evidence.DER) *cert.Certificate {
		c := a.certificate(der, roleIssuer, known)
		met[evidence.Hash(c.sha256)] = c.parsed
		return c.parsed
	}
	for i := range s.Fetches {
		f := &s.Fetches[i]
		if f.Kind != evidence.FetchIssuer && f.Kind != evidence.FetchMet {
			continue
		}
		if len(out) == 0 {
			for _, der := range s.Certificates {
				note(der)
			}
		}
		x := chain.Fetch{URL: f.URL}
		for _, der := range f.Certificates {
			x.Certificates = append(x.Certificates, note(der))
		}
		x.For = met[f.For]
		if f.Failure != nil {
			x.Error = f.Failure.Error
		}
		out = append(out, x)
	}
	return out
}

// judgeFetched has the rules speak of the fetched certificates that the best path
// needs: a known rogue CA is one, wherever it came from.
func (j *judgement) judgeFetched(a *Auditor, s *evidence.Subject, seen map[[32]byte]bool) {
	if !j.facts.Chain.Completed {
		return
	}
	for i := range s.Fetches {
		for _, der := range s.Fetches[i].Certificates {
			sum := der.SHA256()
			if seen[sum] || !slices.Contains(j.facts.Chain.Paths[0].Certificates, evidence.Hash(sum)) {
				continue
			}
			seen[sum] = true
			c := a.judged(a.certificate(der, roleIssuer, j.trust), j.issuers, j.trust)
			j.add(c.results, c, "certificate "+hexOf(sum))
		}
	}
}
