package audit

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"maps"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/chain"
	"github.com/certassay/certassay/internal/probe/clock"
	"github.com/certassay/certassay/internal/probe/dns"
	"github.com/certassay/certassay/internal/probe/encoding"
	"github.com/certassay/certassay/internal/probe/incident"
	"github.com/certassay/certassay/internal/probe/intercept"
	"github.com/certassay/certassay/internal/probe/issuance"
	"github.com/certassay/certassay/internal/probe/key"
	"github.com/certassay/certassay/internal/probe/name"
	"github.com/certassay/certassay/internal/probe/path"
	"github.com/certassay/certassay/internal/probe/pin"
	"github.com/certassay/certassay/internal/probe/revocation"
	"github.com/certassay/certassay/internal/probe/sct"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
)

// certificate gives what is true of one certificate alone, without its SCTs.
// What is known of CAs, and by whom they are trusted, is part of it.
func (a *Auditor) certificate(der []byte, role string, known *trust.Store) *certificate {
	return a.hashed(der, evidence.DER(der).SHA256(), role, known)
}

// hashed is certificate for one whose SHA-256 is known.
func (a *Auditor) hashed(der []byte, sum [32]byte, role string, known *trust.Store) *certificate {
	k := memoryKey{sha256: sum, role: role, trust: known}
	if c := a.memory.get(k); c != nil {
		return c
	}
	c := &certificate{sha256: k.sha256, role: role, parsed: cert.Parse(der)}
	if role == roleIssuer {
		c.parsed.Key.Prepare(&a.points)
	}
	c.libs = c.parsed.Libraries()
	c.std = c.libs.Stdlib.Certificate
	c.facts = a.certificateFacts(c, role, known)
	a.memory.put(k, c)
	return c
}

// judged gives a certificate with its SCTs, which only its issuer's key can
// verify, and with what the rules of certificate scope say.
func (a *Auditor) judged(c *certificate, chain []*cert.Certificate, known *trust.Store) *certificate {
	k := memoryKey{sha256: c.sha256, role: c.role, judged: true, trust: known}
	if c.parsed.Extension(cert.OIDSCTList) != nil {
		k.issuers = issuersKey(sct.Issuers(c.parsed, chain))
	}
	if j := a.memory.get(k); j != nil {
		return j
	}
	j := *c
	j.reasons = map[string]string{}
	j.scts = sct.InCertificate(a.sctInput(&j, chain, known))
	j.results = a.rules.Notable(nil, rule.ScopeCertificate, j.alone(&a.at, j.scts))
	a.memory.put(k, &j)
	return &j
}

// alone gives the facts that rules of certificate scope read.
func (c *certificate) alone(at *time.Time, scts []facts.SCT) *facts.Facts {
	return &facts.Facts{At: at, Cert: c.facts, SCTs: scts, Reasons: c.reasons}
}

// issuersKey tells one set of issuers from another, by their keys and
// identifiers.
func issuersKey(issuers []*cert.Certificate) [32]byte {
	h := sha256.New()
	for _, c := range issuers {
		sum := c.SHA256()
		h.Write(sum[:])
	}
	return [32]byte(h.Sum(nil))
}

func (a *Auditor) sctInput(c *certificate, chain []*cert.Certificate, known *trust.Store) *sct.Input {
	return &sct.Input{
		Certificate: c.parsed, Chain: chain, Trust: known, Logs: a.logs, Signed: a.checker.Check,
		Verify: &a.scts, Known: &a.references, At: a.at, Reasons: c.reasons,
	}
}

// certificateFacts calls every probe that looks at one certificate; for one that was
// given to no library those that ask no library and check no signature.
func (a *Auditor) certificateFacts(c *certificate, role string, known *trust.Store) *facts.Cert {
	p := c.parsed
	f := &facts.Cert{SHA256: evidence.Hash(c.sha256), Role: role, Logged: role == roleLogged}
	if f.Logged {
		f.Role = roleLeaf
	}
	f.Enc = encoding.Encoding(p)
	if c.libs != nil {
		f.Parsers = encoding.Parsers(p, c.libs)
	}
	if p.SPKI == nil {
		f.Incident = incident.Incident(p, "", &a.checker)
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
	if c.libs != nil {
		f.SignedByOwnKey = signature.SignedByOwnKey(p, &a.checker)
	}
	f.Subject = name.Distinguished(&p.Subject)
	if c.above != nil && c.above.facts.Subject != nil && bytes.Equal(c.above.parsed.Subject.Raw, p.Issuer.Raw) {
		f.Issuer = c.above.facts.Subject
	} else {
		f.Issuer = name.Distinguished(&p.Issuer)
	}
	f.Names = name.Alternative(p)
	f.Serial = encoding.Serial(p, a.at)
	f.Key = key.Key(p, a.knownKeys, &a.keys)
	f.Curve = signature.Curve(p)
	f.Sig = signature.Signature(p)
	f.Valid = clock.Validity(p, a.at)
	if !c.plain {
		f.Profile = clock.Profile(p, role == roleIssuer, ct.Known())
	}
	f.Ext = encoding.Extensions(p)
	f.CA = issuance.ClaimedCA(p, known, &a.checker)
	f.Known = intercept.Known(p, f.Valid, f.Ext)
	f.Incident = incident.Incident(p, keyList(f.Key), &a.checker)
	return f
}

// keyList is the list of known private keys that holds the key; empty if none
// does, or that is unknown.
func keyList(k *facts.Key) string {
	if k == nil || k.Known == nil {
		return ""
	}
	return k.Known.List
}

// chainFacts calls every probe that looks at a subject as a whole.
func (a *Auditor) chainFacts(s *evidence.Subject, j *judgement) *facts.Facts {
	certs := j.certs
	f := &facts.Facts{At: &a.at, Reasons: map[string]string{}, Endpoint: path.Endpoint(s)}
	if f.Endpoint != nil && f.Endpoint.Answered && f.Endpoint.Possession == nil {
		f.Reasons["endpoint.possession"] = "no handshake shows a signature of the certificate's key: it uses RSA key exchange, resumes an earlier one, or was not recorded to its end"
	}
	names := &dns.Input{Subject: s, Trust: j.trust, Signed: a.checker.Check, Reasons: f.Reasons}
	if len(certs) == 0 {
		f.Expect = pin.Expect(a.expected(j, f))
		f.DNS = dns.Facts(names)
		return f
	}
	in := &chain.Input{
		Name: s.Name, Fetches: j.fetches, Live: s.Kind == evidence.Endpoint, At: a.at, Trust: j.trust, Check: &a.checker,
	}
	std := make(map[*cert.Certificate]*chain.Parsed, len(certs))
	for _, c := range certs {
		in.Certificates = append(in.Certificates, c.parsed)
		std[c.parsed] = c.std
	}
	in.Parsed = func(c *cert.Certificate) *chain.Parsed { return std[c] }
	leaf := certs[0]
	if s.Kind == evidence.LogEntry {
		std[leaf.parsed] = withoutPoison(leaf.std)
	}
	if f.Endpoint != nil {
		f.Endpoint.Probe = intercept.Probe(s, j.issuers, &a.checker)
		f.Endpoint.Probed = f.Endpoint.Probe != nil
		f.Endpoint.Hops = path.Hops(s, f.Reasons)
	}
	f.Cert = leaf.facts
	f.SCTs = leaf.scts
	scts := a.sctInput(leaf, j.issuers, j.trust)
	scts.Reasons = f.Reasons
	maps.Copy(f.Reasons, leaf.reasons)
	if extra := handshakeSCTs(scts, s); len(extra) > 0 && f.SCTs != nil {
		f.SCTs = sct.Join(f.SCTs, extra)
	}
	f.CT = sct.Set(scts, f.SCTs)
	f.Inclusion = sct.Inclusion(scts, s.Inclusions)
	f.Chain = chain.Chain(in, f.Reasons)
	names.Certificates, names.Chain = in.Certificates, f.Chain
	f.DNS = dns.Facts(names)
	stapled := staples(s, certs[0])
	logged, unlogged := firstLogged(s, j, f)
	f.Revocation = revocation.Facts(&revocation.Input{
		Leaf: leaf.parsed, Staples: stapled, Fetches: s.Fetches, Candidates: j.issuers, Trust: j.trust,
		Check: &a.checker, Lists: &a.lists, At: a.at, Seen: s.Seen, Reasons: f.Reasons,
		Logged: logged, Unlogged: unlogged,
	})
	f.Clock = clock.Clock(&clock.Input{
		Certificates: in.Certificates, SCTs: f.SCTs, Staples: a.proven(stapled, f, s.Seen), More: a.stamps(f, s), At: a.at, Seen: s.Seen,
		Trust: j.trust, Signed: a.checker.Check, Reasons: f.Reasons,
	})
	f.Distrust = incident.Distrust(&incident.Chain{
		Certificates: j.issuers, SCTs: f.SCTs, At: a.at, Trust: j.trust, Check: &a.checker,
	})
	want := a.expected(j, f)
	want.Certificates, want.Issuers = in.Certificates, j.issuers
	f.Expect = pin.Expect(want)
	f.Chain.Signatures, f.Chain.NonceReuse = signature.Links(in.Certificates, j.trust, &a.checker)
	if f.Chain.Signatures == nil || f.Chain.NonceReuse == nil {
		f.Reasons["chain.signatures"], f.Reasons["chain.nonce_reuse"] = signature.TooLong, signature.TooLong
	}
	return f
}

// firstLogged is when a log is known to have seen the leaf first: the earliest SCT
// that verifies, or the entry that the subject is. never says that a public CA's
// leaf has no SCT that could still be verified.
func firstLogged(s *evidence.Subject, j *judgement, f *facts.Facts) (at *time.Time, never bool) {
	if f.CT != nil && f.CT.Earliest != nil {
		return f.CT.Earliest, false
	}
	if s.Log != nil {
		if r := j.record; r != nil && r.Entry != nil && r.Entry.Verified != nil && *r.Entry.Verified {
			return r.Entry.Time, false
		}
		return nil, false
	}
	return nil, f.CT != nil && f.CT.Undecided == 0 && f.Chain.Anchor == string(trust.Public)
}

// withoutPoison is a certificate whose poison, which is meant to make every
// verifier refuse it, does not: in a log a precertificate is judged as the
// certificate that it promises.
func withoutPoison(c *x509.Certificate) *x509.Certificate {
	isPoison := func(id asn1.ObjectIdentifier) bool { return id.Equal(oidPoison) }
	if c == nil || !slices.ContainsFunc(c.UnhandledCriticalExtensions, isPoison) {
		return c
	}
	out := *c
	out.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(c.UnhandledCriticalExtensions), isPoison)
	return &out
}

// oidPoison is the extension of RFC 6962 section 3.1.
var oidPoison = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 3}

// expected is what the owner expects beside the facts so far.
func (a *Auditor) expected(j *judgement, f *facts.Facts) *pin.Input {
	return &pin.Input{
		Expected: j.expected.Expectation, Leaf: f.Cert, SCTs: f.SCTs, CT: f.CT, Chain: f.Chain, Endpoint: f.Endpoint,
		Trust: j.trust, At: a.at, Reasons: f.Reasons,
	}
}

// handshakeSCTs are those of the handshake that delivered the judged chain.
func handshakeSCTs(in *sct.Input, s *evidence.Subject) []facts.SCT {
	for i := range s.Handshakes {
		if h := &s.Handshakes[i]; len(h.Certificates) > 0 {
			return sct.InHandshake(in, h.SCTs, h.OCSP)
		}
	}
	return nil
}

// staples are the OCSP responses of the handshakes that delivered the judged
// leaf.
func staples(s *evidence.Subject, leaf *certificate) (out [][]byte) {
	for i := range s.Handshakes {
		h := &s.Handshakes[i]
		if len(h.OCSP) > 0 && len(h.Certificates) > 0 && h.Certificates[0].SHA256() == leaf.sha256 {
			out = append(out, h.OCSP)
		}
	}
	return out
}
