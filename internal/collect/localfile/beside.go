package localfile

import (
	"fmt"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
)

// beside gives a subject to each certificate of a server that stands in a chain
// and is no part of it: files that several chains were put into hold such, and
// whoever has one hides a forgery behind a genuine chain. Each has the CA
// certificates of the file behind it that can have issued it. from is the number
// of the subjects that the file has already.
func (c *content) beside(from int) []*evidence.Subject {
	var out []*evidence.Subject
	for _, e := range c.parts() {
		if bundle(e.certs) {
			continue
		}
		for _, certs := range strays(e.certs) {
			id := fmt.Sprintf("%s#%d", c.path, from+len(out)+1)
			out = append(out, &evidence.Subject{ID: id, Target: id, Kind: kindOf(certs), Certificates: certs})
		}
	}
	return out
}

// A pile is the certificates of a file as they name each other.
type pile struct {
	certs []*cert.Certificate
	// of are the places of the certificates with a subject.
	of map[string][]int
	// issues says of each whether it is named as the issuer of another one.
	issues []bool
}

func newPile(certs []evidence.DER) *pile {
	p := &pile{of: map[string][]int{}, issues: make([]bool, len(certs))}
	for i, der := range certs {
		x := cert.Parse(der)
		p.certs = append(p.certs, x)
		if x.Subject.Raw != nil {
			p.of[string(x.Subject.Raw)] = append(p.of[string(x.Subject.Raw)], i)
		}
	}
	for _, x := range p.certs {
		if x.Issuer.Raw == nil || x.SelfIssued() {
			continue
		}
		for _, i := range p.of[string(x.Issuer.Raw)] {
			p.issues[i] = true
		}
	}
	return p
}

// chain are the places of what can have issued the certificate at a place, and
// of what can have issued that, up to MaxChain.
func (p *pile) chain(at int) []int {
	out, seen := []int{at}, map[int]bool{at: true}
	for next := 0; next < len(out) && len(out) < MaxChain; next++ {
		for _, i := range p.of[string(p.certs[out[next]].Issuer.Raw)] {
			if len(out) == MaxChain {
				break // 100 000 certificates can have one name
			}
			if !seen[i] {
				seen[i] = true
				out = append(out, i)
			}
		}
	}
	return out
}

// server says that the certificate is one that a server holds for itself, and
// not a CA's: CAs of all ages stand behind chains, and are no news.
func (p *pile) server(at int) bool {
	x := p.certs[at]
	if x.Issuer.Raw == nil || p.issues[at] {
		return false
	}
	if b := x.BasicConstraints(); b.Present && b.Value.CA {
		return false
	}
	return !x.SelfIssued() || x.Extension(cert.OIDSubjectAltName) != nil
}

// strays are the chains of the certificates of servers that are not the first
// one, each once.
func strays(certs []evidence.DER) (out [][]evidence.DER) {
	if len(certs) < 2 {
		return nil
	}
	p := newPile(certs)
	seen := map[[32]byte]bool{certs[0].SHA256(): true}
	for i := 1; i < len(certs); i++ {
		if !p.server(i) || seen[certs[i].SHA256()] {
			continue
		}
		seen[certs[i].SHA256()] = true
		var chain []evidence.DER
		for _, at := range p.chain(i) {
			chain = append(chain, certs[at])
		}
		out = append(out, chain)
	}
	return out
}
