package chain

import (
	"crypto/sha256"
	"slices"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/internal/trust/disclosed"
)

// maxDisclosed bounds the disclosed CAs of one name that are tried; Mozilla's list
// has up to a dozen keys under one.
const maxDisclosed = 16

// signer is the disclosed CA whose key signed c, nil where none did.
func (g *graph) signer(c *cert.Certificate) *disclosed.Facts {
	for i, ca := range g.in.Trust.DisclosedByName(&c.Issuer) {
		if i >= maxDisclosed || g.checks >= maxChecks {
			g.capped = true
			break
		}
		g.checks++
		if g.in.Check.CheckKey(c, ca.CA.SPKI, &ca.CA.Key) == cert.Verified {
			return ca
		}
	}
	return nil
}

// askDisclosed completes paths that end in the air, where the key of a disclosed CA
// made the last signature: its certificate was left out, and its name and key are
// enough to verify with.
func (v *verified) askDisclosed(in *Input, g *graph, leaf *Parsed) {
	for _, p := range v.paths {
		if p.broken != reasonUnknown && p.broken != reasonSignature {
			continue
		}
		ca := g.signer(p.top().c)
		if ca == nil {
			continue
		}
		pool, err := in.Trust.PoolOf(ca)
		if err != nil {
			continue // the root above it left the program
		}
		_, program := in.Trust.RootOf(ca)
		p.broken, p.above = "", ca
		a := attempt(in, leaf, pool, in.middle(p))
		p.library = better(p.library, a.reason)
		v.reason = better(v.reason, a.reason)
		if !a.ok {
			continue
		}
		v.anchor, v.reason = trust.Public, a.reason
		v.programs = []string{program}
		p.excused = v.programs
		if len(a.strict) > 0 {
			p.programs = v.programs
		}
		if from, until, _ := ca.Bounds(); p.validAt(leaf.NotBefore) && !leaf.NotBefore.Before(from) && !leaf.NotBefore.After(until) {
			p.atIssue = v.programs
		}
		return
	}
}

// listedSigner says that the best path ends at a certificate that was signed with the
// key of a disclosed CA of which no more than the key's hash is known: a signature of
// ECDSA gives the keys that can have made it.
func (v *verified) listedSigner(in *Input) bool {
	best := v.paths[0]
	if v.anchor != trust.None || best.broken != reasonUnknown {
		return false
	}
	return slices.ContainsFunc(signature.Recovered(best.top().c), func(spki []byte) bool {
		return in.Trust.KeyDisclosed(sha256.Sum256(spki))
	})
}

// missing are the CAs on a path that reaches a root whose certificates were neither
// supplied nor fetched: it was completed from what is known of them.
func (in *Input) missing(p *path) []string {
	out := []string{}
	if p.anchor() == trust.None {
		return out
	}
	had := map[[32]byte]bool{}
	for _, c := range in.Certificates {
		had[c.SHA256()] = true
	}
	for _, f := range in.Fetches {
		for _, c := range f.Certificates {
			had[c.SHA256()] = true
		}
	}
	for _, s := range p.steps {
		if s.anchor == trust.None && !had[s.sum] {
			out = append(out, s.c.Subject.String())
		}
	}
	for ca := p.above; ca != nil; ca = ca.Above {
		out = append(out, ca.CA.Subject.String())
	}
	return out
}

// knowledgeOfDisclosed compares a certificate with the disclosed CAs by key and key
// identifier.
func (g *graph) knowledgeOfDisclosed(c *cert.Certificate, l *facts.Link) {
	if cas := g.in.Trust.DisclosedByKey(c.SPKI); len(cas) > 0 {
		if l.KeyOwner == "" {
			l.KeyOwner = cas[0].CA.Subject.String()
		}
		return
	}
	if cas := g.in.Trust.DisclosedByKeyID(c.SubjectKeyID().Value); len(cas) > 0 && l.KeyOwner == "" && l.KeyIDOwner == "" {
		l.KeyIDOwner = cas[0].CA.Subject.String()
	}
}
