package intercept

import (
	"bytes"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/signature"
)

// maxInvented bounds the answers to invented names that are looked at; collectors
// ask for two.
const maxInvented = 8

// Probe gives what the probes of a subject showed beside its judged chain; nil
// where none was made.
func Probe(s *evidence.Subject, chain []*cert.Certificate, check *signature.Checker) *facts.Probe {
	p := &prober{chain: chain, check: check, f: &facts.Probe{Minted: []facts.Minted{}}}
	made := false
	for i := range s.Probes {
		h := &s.Probes[i]
		switch h.Profile {
		case evidence.ProbeSibling, evidence.ProbeStranger:
			p.invented(h)
		case evidence.ProbeAgain:
			p.f.Again = p.again(h)
		case evidence.ProbeNoName:
			p.f.NoName = p.noName(h)
			continue // other ClientHellos are this, too
		default:
			continue
		}
		made = true
	}
	if !made {
		return nil
	}
	return p.f
}

type prober struct {
	chain []*cert.Certificate
	check *signature.Checker
	f     *facts.Probe
}

func (p *prober) invented(h *evidence.Handshake) {
	p.f.Invented++
	if len(h.Certificates) == 0 {
		return
	}
	p.f.Answered++
	leaf := cert.Parse(h.Certificates[0])
	if len(p.f.Minted) == maxInvented || !bears(leaf, h.ServerName) {
		return
	}
	m := facts.Minted{
		Name: h.ServerName, Reserved: strings.HasSuffix(h.ServerName, ".invalid"),
		Leaf: evidence.Hash(leaf.SHA256()), SameIssuer: p.sameIssuer(leaf, h.Certificates[1:]),
		SameSigner: p.sameSigner(leaf, h.Certificates[1:]),
	}
	m.SameKey = len(p.chain) > 0 && len(leaf.SPKI) > 0 && bytes.Equal(leaf.SPKI, p.chain[0].SPKI)
	p.f.Minted = append(p.f.Minted, m)
}

// bears says that a certificate has a name letter for letter. A wildcard that
// covers it was there before.
func bears(c *cert.Certificate, name string) bool {
	same := func(n string) bool { return strings.EqualFold(strings.TrimSuffix(n, "."), name) }
	return slices.ContainsFunc(c.DNSNames(), same) || slices.ContainsFunc(c.Subject.CommonNames(), same)
}

// sameIssuer compares who signed a leaf with who signed the judged one. Keys
// decide; names only where the judged leaf's issuer is not at hand, as some
// interceptors send the leaf alone.
func (p *prober) sameIssuer(leaf *cert.Certificate, rest []evidence.DER) *bool {
	if len(p.chain) == 0 || leaf.SPKI == nil {
		return nil
	}
	if same := p.sameSigner(leaf, rest); same != nil {
		return same
	}
	judged := p.chain[0]
	name := judged.Issuer.Normal()
	return truth(name != "" && name == leaf.Issuer.Normal() && bytes.Equal(judged.AuthorityKeyID().Value.KeyID, leaf.AuthorityKeyID().Value.KeyID))
}

// sameSigner says whether the key that signed the judged leaf signed another one;
// nil where that key is not at hand.
func (p *prober) sameSigner(leaf *cert.Certificate, rest []evidence.DER) *bool {
	if len(p.chain) == 0 || leaf.SPKI == nil {
		return nil
	}
	judged := p.chain[0]
	candidates := slices.Clone(p.chain) // the leaf too: some sign with its key
	for _, der := range rest[:min(len(rest), maxInvented)] {
		candidates = append(candidates, cert.Parse(der))
	}
	candidates = candidates[:min(len(candidates), 4*maxInvented)]
	known := false
	for _, ca := range candidates {
		if ca.SPKI == nil || p.check.Check(judged, ca) != cert.Verified {
			continue
		}
		known = true
		if p.check.Check(leaf, ca) == cert.Verified {
			return truth(true)
		}
	}
	if known {
		return truth(false)
	}
	return nil
}

func truth(b bool) *bool { return &b }

func (p *prober) again(h *evidence.Handshake) *string {
	answer := "same"
	switch {
	case len(h.Certificates) == 0 || len(p.chain) == 0:
		return nil
	case bytes.Equal(h.Certificates[0], p.chain[0].Raw):
	default:
		answer = "other"
		if same := p.sameIssuer(cert.Parse(h.Certificates[0]), h.Certificates[1:]); same != nil && *same {
			answer = "new-certificate"
		}
	}
	return &answer
}

func (p *prober) noName(h *evidence.Handshake) *string {
	answer := "nothing"
	switch {
	case len(h.Certificates) > 0 && len(p.chain) > 0 && bytes.Equal(h.Certificates[0], p.chain[0].Raw):
		answer = "same"
	case len(h.Certificates) > 0:
		answer = "other"
	case h.Failure != nil && h.Failure.Stage != evidence.StageHandshake:
		return nil
	}
	return &answer
}
