package audit

import (
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/path"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

// describe gives a judged subject the form of reports. The verdict is left to
// [Auditor.conclude], once waivers have spoken.
func (a *Auditor) describe(s *evidence.Subject, j *judgement) *report.Subject {
	r := report.NewSubject(s)
	r.Anchor = string(trust.None)
	r.Source = j.expected.Source
	if e := j.expected.Expectation; e != nil {
		r.Group, r.Owner = e.Group, e.Owner
	}
	r.Findings = append(r.Findings, j.findings...)
	r.Inconclusive = append(r.Inconclusive, j.gaps...)
	if c := j.facts.Chain; c != nil {
		r.Anchor, r.Programs, r.VerifyError = c.Anchor, c.Programs, c.VerifyError
		for i := range c.Paths {
			r.Paths = append(r.Paths, describePath(&c.Paths[i]))
		}
		for i := range c.Links {
			r.Links = append(r.Links, a.link(&c.Links[i], j))
		}
	}
	r.Handshake = handshake(s)
	r.Notes = append(r.Notes, pinNotes(j.facts.Expect)...)
	return r
}

// pinNotes repeat what the owner wrote beside the pins that hold. A reader has to
// see what "as expected" rests on: a key that was learnt from the first answer is
// expected because it was there, and not because anybody vouched for it.
func pinNotes(e *facts.Expect) (out []string) {
	if e == nil {
		return nil
	}
	for _, p := range e.Pins {
		if p.Match == "" || p.Ended || p.Note == "" {
			continue
		}
		whose := map[string]string{"leaf": "What it shows", "issuer": "A CA above it"}[p.Match]
		out = append(out, fmt.Sprintf("%s is pinned, %s: %s.", whose, p.Text, strings.TrimRight(p.Note, ".")))
	}
	return out
}

func describePath(p *facts.Path) report.Path {
	out := report.Path{
		Certificates: p.Certificates, Subjects: p.Subjects, Anchor: p.Anchor, Programs: p.Programs,
		AtIssue: p.AtIssue, Reason: p.Reason, Detail: p.Detail,
	}
	for _, r := range p.Revoked {
		x := report.PathRevoked{Index: int(r.Index), List: r.List, InForce: r.InForce}
		if r.Listed != nil {
			x.Listed = r.Listed.Format(time.DateOnly)
		}
		out.Revoked = append(out.Revoked, x)
	}
	if p.FailedAt >= 0 {
		failed := int(p.FailedAt)
		out.FailedAt = &failed
	}
	return out
}

func (a *Auditor) link(l *facts.Link, j *judgement) report.Link {
	c := j.certs[l.Index]
	out := report.Link{Index: int(l.Index), Certificate: l.SHA256}
	if l.SignedBy >= 0 {
		by := int(l.SignedBy)
		out.SignedBy = &by
	}
	if l.NamesIssuer {
		out.NamesIssuer = namedIssuer(j.certs, int(l.Index))
	}
	if root := j.trust.Root(c.sha256); root != trust.None {
		out.Anchor = []string{string(root)}
	} else if l.SignedKnown {
		out.SignedByRoot = a.rootOf(c.parsed, j.trust)
	}
	for _, n := range []struct {
		is   bool
		note string
	}{
		{l.Duplicate, "duplicate"}, {l.Stray, "stray"}, {l.SelfIssued, "self-issued"}, {l.Ended, "expired"},
		{l.IsCA && l.NameKnown && !l.KeyKnown && !l.SignedKnown, "bears a known CA's name, not its key"},
	} {
		if n.is {
			out.Notes = append(out.Notes, n.note)
		}
	}
	return out
}

// namedIssuer is the first other certificate whose subject is the i-th one's
// issuer.
func namedIssuer(certs []*certificate, i int) *int {
	want := certs[i].parsed.Issuer.Normal()
	for k, c := range certs {
		if k != i && want != "" && c.parsed.Subject.Normal() == want {
			return &k
		}
	}
	return nil
}

// rootOf names the known CA whose key signed c.
func (a *Auditor) rootOf(c *cert.Certificate, known *trust.Store) string {
	for _, ca := range known.ByName(&c.Issuer) {
		if a.checker.Check(c, ca.Certificate) == cert.Verified {
			return fmt.Sprintf("%s (%s)", ca.Certificate.Subject.String(), ca.Program)
		}
	}
	for _, ca := range known.DisclosedByName(&c.Issuer) {
		if a.checker.CheckKey(c, ca.CA.SPKI, &ca.CA.Key) == cert.Verified {
			return ca.CA.Subject.String() + " (disclosed)"
		}
	}
	return ""
}

// handshake tells of the connection that delivered the chain, or of the last
// one.
func handshake(s *evidence.Subject) *report.Handshake {
	var h *evidence.Handshake
	for i := range s.Handshakes {
		h = &s.Handshakes[i]
		if len(h.Certificates) > 0 {
			break
		}
	}
	if h == nil {
		return nil
	}
	out := &report.Handshake{
		Profile: h.Profile, Version: path.Version(h.Version), Cipher: path.Cipher(h.Cipher), Group: path.Group(h.Group),
		ALPN: h.ALPN, OCSPStapled: len(h.OCSP) > 0, Possession: h.Possession, ElapsedMS: h.Elapsed.Milliseconds(),
	}
	if len(s.Distances) > 0 && s.Distances[0].Failure == nil {
		out.Hops = s.Distances[0].Hops
	}
	if first := &s.Handshakes[0]; first != h && first.Reset && !slices.ContainsFunc(s.Handshakes, func(o evidence.Handshake) bool {
		return len(o.Certificates) > 0 && o.HelloSize >= first.HelloSize
	}) {
		out.Reset = fmt.Sprintf("a ClientHello of %d bytes was reset or went unanswered, one of %d bytes was answered", first.HelloSize, h.HelloSize)
	}
	return out
}

// certificates describes every certificate that the subject refers to, once.
func (a *Auditor) certificates(s *evidence.Subject, j *judgement) []report.Certificate {
	var out []report.Certificate
	seen := map[[32]byte]bool{}
	add := func(c *certificate) {
		if !seen[c.sha256] {
			seen[c.sha256] = true
			out = append(out, describeCertificate(c))
		}
	}
	for _, c := range j.certs {
		add(c)
	}
	for _, der := range s.Certificates {
		if !seen[der.SHA256()] {
			add(a.certificate(der, roleIssuer, j.trust))
		}
	}
	for _, h := range slices.Concat(s.Handshakes, s.Probes) {
		for _, der := range h.Certificates {
			if !seen[der.SHA256()] {
				add(a.certificate(der, roleIssuer, j.trust))
			}
		}
	}
	for i := range s.Fetches {
		for _, der := range s.Fetches[i].Certificates {
			add(a.certificate(der, roleIssuer, j.trust))
		}
	}
	return out
}

func describeCertificate(c *certificate) report.Certificate {
	f := c.facts
	out := report.Certificate{
		Hash: evidence.Hash(c.sha256), DNSNames: []string{}, Quirks: f.Enc.Quirks, Disagreements: f.Parsers.Disagree,
		Parsers: report.Parsers{
			Stdlib:  parserStatus(f.Parsers.Stdlib, c.libs.Stdlib.Err, c.libs.Stdlib.Skipped, c.libs.Stdlib.Panic),
			ZCrypto: parserStatus(f.Parsers.ZCrypto, c.libs.ZCrypto.Err, c.libs.ZCrypto.Skipped, c.libs.ZCrypto.Panic),
			CTGo:    parserStatus(f.Parsers.CTGo, c.libs.CTGo.Err, c.libs.CTGo.Skipped, c.libs.CTGo.Panic),
		},
		PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.parsed.Raw})),
	}
	if f.Subject != nil {
		out.Subject = f.Subject.Text
	}
	if f.Issuer != nil {
		out.Issuer = f.Issuer.Text
	}
	if f.Serial != nil {
		out.Serial = f.Serial.Hex
	}
	if c.parsed.NotBeforeErr == nil && !c.parsed.NotBefore.IsZero() {
		out.NotBefore = c.parsed.NotBefore.UTC().Format(time.RFC3339)
	}
	if c.parsed.NotAfterErr == nil && !c.parsed.NotAfter.IsZero() {
		out.NotAfter = c.parsed.NotAfter.UTC().Format(time.RFC3339)
	}
	if f.Names != nil {
		out.DNSNames, out.IPAddresses = f.Names.DNS, f.Names.IP
	}
	out.SPKISHA256 = c.parsed.Pin()
	if f.Key != nil {
		out.Key = describeKey(f.Key)
	}
	if f.Sig != nil {
		out.Signature = f.Sig.Algorithm
	}
	out.IsCA = f.Ext != nil && f.Ext.IsCA
	return out
}

// parserStatus is "ok", or says what went wrong.
func parserStatus(status string, err, skipped error, panicked any) string {
	switch {
	case panicked != nil:
		return fmt.Sprintf("panic: %v", panicked)
	case skipped != nil:
		return "skipped: " + skipped.Error()
	case status != "ok" && err != nil:
		return err.Error()
	}
	return status
}

func describeKey(k *facts.Key) string {
	switch {
	case k.Algorithm == string(cert.RSA):
		return fmt.Sprintf("RSA %d", k.Bits)
	case k.Algorithm == string(cert.ECDSA):
		return "ECDSA " + k.Curve
	case k.Algorithm == string(cert.Ed25519):
		return "Ed25519"
	case k.Bits > 0:
		return fmt.Sprintf("%s %d", k.Algorithm, k.Bits)
	}
	return k.Algorithm
}

// Explain gives a rule in the form of reports.
func (a *Auditor) Explain(id string) (report.Rule, bool) {
	r, err := a.rules.Rule(id)
	if err != nil {
		return report.Rule{}, false
	}
	return report.Rule{
		Title: r.Title, Summary: r.Summary, Why: r.Why, Benign: r.Benign, Remediation: r.Remediation, References: r.References, Tags: r.Tags,
	}, true
}
