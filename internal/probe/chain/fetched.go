package chain

import (
	"bytes"
	"slices"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
)

// A Fetch is one attempt to fetch the issuer of a certificate.
type Fetch struct {
	URL string
	// For is the certificate whose issuer was wanted; nil where it is not at
	// hand.
	For *cert.Certificate
	// Certificates are what came, Error is why nothing did, or what is wrong.
	Certificates []*cert.Certificate
	Error        string
}

// maxFetched bounds the fetched certificates that are searched for paths; the
// collector stops far below.
const maxFetched = 64

// candidates are the fetched certificates by normalised subject.
func (in *Input) candidates() map[string][]*cert.Certificate {
	out, n := map[string][]*cert.Certificate{}, 0
	for _, f := range in.Fetches {
		for _, c := range f.Certificates {
			subject := ""
			if c.SPKI != nil {
				subject = c.Subject.Normal()
			}
			if n++; subject != "" && n <= maxFetched {
				out[subject] = append(out[subject], c)
			}
		}
	}
	return out
}

// fetched tells what came of each attempt. best is the best path, which completed
// says reaches a root.
func (in *Input) fetched(best []string, completed bool) (out []facts.Fetched, used bool) {
	out = []facts.Fetched{}
	served := map[string]bool{}
	for _, c := range in.Certificates {
		served[hash(c.SHA256())] = true
	}
	for _, f := range in.Fetches {
		x := facts.Fetched{URL: f.URL, Error: f.Error}
		if f.For != nil {
			x.For = f.For.Subject.String()
		}
		for i, c := range f.Certificates[:min(len(f.Certificates), maxFetched)] {
			if i == 0 {
				x.Subject = c.Subject.String()
			}
			sum := hash(c.SHA256())
			x.OnPath = x.OnPath || slices.Contains(best, sum) && !served[sum]
			if f.For != nil && f.For.SPKI != nil && c.SPKI != nil {
				in.compare(f.For, c, &x)
			}
		}
		x.Impostor = x.Impostor && !in.signed(f.For)
		used = used || x.OnPath && completed
		out = append(out, x)
	}
	return out, used
}

// signed says that a certificate that was served or fetched verifies c: what came
// from another address is then an old one, or from somebody on the way.
func (in *Input) signed(c *cert.Certificate) bool {
	verifies := func(issuer *cert.Certificate) bool {
		return issuer.SPKI != nil && issuer.Subject.Normal() == c.Issuer.Normal() && in.Check.Check(c, issuer) == cert.Verified
	}
	return slices.ContainsFunc(in.Certificates[:min(len(in.Certificates), maxFetched)], verifies) ||
		slices.ContainsFunc(in.Fetches, func(f Fetch) bool {
			return slices.ContainsFunc(f.Certificates[:min(len(f.Certificates), maxFetched)], verifies)
		})
}

// compare holds a certificate against one that came as its issuer.
func (in *Input) compare(child, issuer *cert.Certificate, x *facts.Fetched) {
	if child.Issuer.Normal() == "" || child.Issuer.Normal() != issuer.Subject.Normal() {
		return
	}
	aki, ski := child.AuthorityKeyID().Value.KeyID, issuer.SubjectKeyID().Value
	switch in.Check.Check(child, issuer) {
	case cert.Verified:
		x.Signs = true
	case cert.Mismatch:
		x.Impostor = x.Impostor || len(aki) > 0 && bytes.Equal(aki, ski)
	}
}
