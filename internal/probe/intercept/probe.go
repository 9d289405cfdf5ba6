package intercept

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/signature"
)

// maxInvented bounds the answers to invented names that are looked at; collectors
// ask for four.
const maxInvented = 8

// Probe gives what the probes of a subject showed beside its judged chain; nil
// where none was made.
func Probe(s *evidence.Subject, chain []*cert.Certificate, check *signature.Checker) *facts.Probe {
	p := &prober{chain: chain, check: check, f: &facts.Probe{Minted: []facts.Minted{}, Connects: []string{}}}
	made := false
	for i := range s.Probes {
		h := &s.Probes[i]
		switch h.Profile {
		case evidence.ProbeSibling, evidence.ProbeStranger:
			p.invented(h, h.ServerName)
		case evidence.ProbeConnectSibling, evidence.ProbeConnectStranger:
			p.invented(h, hostOf(h.Address))
		case evidence.ProbeConnectName:
			p.connects(s, h)
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

// invented looks at the answer to a name that was made up, and sent as SNI or to
// the proxy.
func (p *prober) invented(h *evidence.Handshake, name string) {
	p.f.Invented++
	if len(h.Certificates) == 0 {
		return
	}
	p.f.Answered++
	leaf := cert.Parse(h.Certificates[0])
	if len(p.f.Minted) == maxInvented || !bears(leaf, name) {
		return
	}
	m := facts.Minted{
		Name: name, Reserved: strings.HasSuffix(name, ".invalid"),
		Leaf: evidence.Hash(leaf.SHA256()), SameIssuer: p.sameIssuer(leaf, h.Certificates[1:]),
		SameSigner: p.sameSigner(leaf, h.Certificates[1:]),
	}
	m.SameKey = len(p.chain) > 0 && len(leaf.SPKI) > 0 && bytes.Equal(leaf.SPKI, p.chain[0].SPKI)
	p.f.Minted = append(p.f.Minted, m)
}

// connects compares what came when the proxy was asked for the name with the
// judged leaf, which came when it was asked for the address: the server and the
// ClientHello are the same. Two certificates of one issuer, each for just what the
// proxy was asked for, were made by who heard that.
func (p *prober) connects(s *evidence.Subject, h *evidence.Handshake) {
	if len(h.Certificates) == 0 || len(p.chain) == 0 {
		return
	}
	leaf, judged, answer := cert.Parse(h.Certificates[0]), p.chain[0], "other"
	address, name := hostOf(s.Address), hostOf(h.Address)
	switch same := p.sameIssuer(leaf, h.Certificates[1:]); {
	case bytes.Equal(leaf.Raw, judged.Raw):
		answer = "same"
	case same == nil || !*same:
	case bears(leaf, name) && !bears(leaf, address) && bears(judged, address) && !bears(judged, name):
		answer = "follows"
	}
	p.f.Connects = append(p.f.Connects, answer)
}

// hostOf is an address without its port.
func hostOf(address string) string {
	host := address[:max(0, strings.LastIndexByte(address, ':'))]
	return strings.Trim(host, "[]")
}

// bears says that a certificate has a name letter for letter, or an address. A
// wildcard that covers it was there before.
func bears(c *cert.Certificate, name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil && slices.Contains(c.IPAddresses(), addr) {
		return true
	}
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
