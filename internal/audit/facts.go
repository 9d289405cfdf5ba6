package audit

import (
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/chain"
	"github.com/certassay/certassay/internal/probe/clock"
	"github.com/certassay/certassay/internal/probe/encoding"
	"github.com/certassay/certassay/internal/probe/intercept"
	"github.com/certassay/certassay/internal/probe/issuance"
	"github.com/certassay/certassay/internal/probe/key"
	"github.com/certassay/certassay/internal/probe/name"
	"github.com/certassay/certassay/internal/probe/path"
	"github.com/certassay/certassay/internal/probe/sct"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/rule"
)

// certificate gives what is true of one certificate alone.
func (a *Auditor) certificate(der []byte, role string) *certificate {
	k := memoryKey{evidence.DER(der).SHA256(), role}
	if c := a.memory.get(k); c != nil {
		return c
	}
	c := &certificate{sha256: k.sha256, parsed: cert.Parse(der)}
	c.libs = c.parsed.Libraries()
	c.std = c.libs.Stdlib.Certificate
	c.facts = a.certificateFacts(c, role)
	c.scts = sct.InCertificate(c.parsed)
	c.results = kept(a.rules.Eval(nil, rule.ScopeCertificate, &facts.Facts{At: &a.at, Cert: c.facts, SCTs: c.scts}))
	a.memory.put(k, c)
	return c
}

// certificateFacts calls every probe that looks at one certificate.
func (a *Auditor) certificateFacts(c *certificate, role string) *facts.Cert {
	p := c.parsed
	f := &facts.Cert{SHA256: evidence.Hash(c.sha256), Role: role}
	f.Enc = encoding.Encoding(p)
	f.Parsers = encoding.Parsers(p, c.libs)
	if p.SPKI == nil {
		return f
	}
	if spki, ok := p.SPKISHA256(); ok {
		hex := hexOf(spki)
		f.SPKISHA256 = &hex
	}
	if p.VersionErr == nil {
		version := int64(p.Version)
		f.Version = &version
	}
	selfIssued := p.SelfIssued()
	f.SelfIssued = &selfIssued
	f.SignedByOwnKey = signature.SignedByOwnKey(p, &a.checker)
	f.Subject, f.Issuer = name.Distinguished(&p.Subject), name.Distinguished(&p.Issuer)
	f.Names = name.Alternative(p)
	f.Serial = encoding.Serial(p, a.at)
	f.Key = key.Key(p)
	f.Sig = signature.Signature(p)
	f.Valid = clock.Validity(p, a.at)
	f.Ext = encoding.Extensions(p)
	f.CA = issuance.ClaimedCA(p, a.trust, &a.checker)
	f.Known = intercept.Known(p, f.Valid, f.Ext)
	return f
}

// chainFacts calls every probe that looks at a subject as a whole.
func (a *Auditor) chainFacts(s *evidence.Subject, certs []*certificate) *facts.Facts {
	f := &facts.Facts{At: &a.at, Reasons: map[string]string{}, Endpoint: path.Endpoint(s)}
	if len(certs) == 0 {
		return f
	}
	in := &chain.Input{
		Name: s.Name, Live: s.Kind == evidence.Endpoint, At: a.at, Trust: a.trust, Check: &a.checker,
	}
	std := make(map[*cert.Certificate]*chain.Parsed, len(certs))
	for _, c := range certs {
		in.Certificates = append(in.Certificates, c.parsed)
		std[c.parsed] = c.std
	}
	in.Parsed = func(c *cert.Certificate) *chain.Parsed { return std[c] }
	leaf := certs[0]
	f.Cert = leaf.facts
	f.SCTs = leaf.scts
	if extra := handshakeSCTs(s); len(extra) > 0 && f.SCTs != nil {
		f.SCTs = append(f.SCTs[:len(f.SCTs):len(f.SCTs)], extra...)
	}
	f.Chain = chain.Chain(in, f.Reasons)
	return f
}

// handshakeSCTs are those of the handshake that delivered the judged chain.
func handshakeSCTs(s *evidence.Subject) []facts.SCT {
	for i := range s.Handshakes {
		if h := &s.Handshakes[i]; len(h.Certificates) > 0 {
			return sct.InHandshake(h.SCTs)
		}
	}
	return nil
}
