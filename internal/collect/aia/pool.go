package aia

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
)

const (
	// maxPool bounds the CA certificates that are remembered, about 4 kB each: a
	// folder can hold a million of them.
	maxPool = 4096
	// maxOfSubject bounds those of one subject: one server could fill the pool with
	// CAs of its own, and leave no room for those that others show.
	maxOfSubject = 8
)

// A Pool holds the CA certificates met in a run, by their subject, so that a chain
// that lacks an issuer can be completed with one from another subject. What it gives
// depends on what was added and not on the order. The zero value is empty and
// ready; it must not be added to while it is used.
type Pool struct {
	bySubject map[string][]met
	known     map[[32]byte]bool
	// Full says that there were more than are remembered.
	Full bool
}

// A met is a certificate, and the first of the places where it was met.
type met struct {
	certificate *cert.Certificate
	from        string
}

// Add remembers the CA certificates of a subject, but for roots: a path ends at
// one that was trusted before.
func (p *Pool) Add(s *evidence.Subject) {
	added := 0
	for _, der := range s.Certificates {
		if s.Kind == evidence.Endpoint && added == maxOfSubject {
			return
		}
		c := cert.Parse(der)
		if c.SPKI == nil || c.SelfIssued() || !c.BasicConstraints().Value.CA || c.Subject.Normal() == "" {
			continue
		}
		p.add(c, s.ID)
		added++
	}
}

func (p *Pool) add(c *cert.Certificate, from string) {
	name, sum := c.Subject.Normal(), c.SHA256()
	if p.known[sum] {
		for i, m := range p.bySubject[name] {
			if m.certificate.SHA256() == sum && from < m.from {
				p.bySubject[name][i].from = from
			}
		}
		return
	}
	if len(p.known) == maxPool {
		p.Full = true
		return
	}
	if p.known == nil {
		p.known, p.bySubject = map[[32]byte]bool{}, map[string][]met{}
	}
	p.known[sum] = true
	p.bySubject[name] = append(p.bySubject[name], met{c, from})
	slices.SortFunc(p.bySubject[name], func(a, b met) int {
		return cmp.Or(bytes.Compare(a.certificate.Raw, b.certificate.Raw), cmp.Compare(a.from, b.from))
	})
}

// Len is how many certificates are remembered.
func (p *Pool) Len() int { return len(p.known) }

// Empty says that nothing was added.
func (p *Pool) Empty() bool { return len(p.known) == 0 }

// signer is the first certificate of the pool that signed c, nil where none did.
func (p *Pool) signer(c *cert.Certificate) *met {
	if p == nil {
		return nil
	}
	candidates := p.bySubject[c.Issuer.Normal()]
	for i := range candidates[:min(len(candidates), maxCandidates)] {
		if outcome, _ := c.CheckSignature(&candidates[i].certificate.Key); outcome == cert.Verified {
			return &candidates[i]
		}
	}
	return nil
}
