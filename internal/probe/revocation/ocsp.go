package revocation

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ocsp"
)

// reasons are the names of RFC 5280 section 5.3.1.
var reasons = map[int]string{
	0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
	5: "cessationOfOperation", 6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn", 10: "aACompromise",
}

// reasonName names a reason; what is absent is unspecified.
func reasonName(code int) string {
	if name, ok := reasons[code]; ok {
		return name
	}
	if code < 0 {
		return "unspecified"
	}
	return fmt.Sprintf("reason %d", code)
}

const onHold = 6

// response judges an OCSP response about c.
func (p *probe) response(a *answer, c *cert.Certificate, der []byte, taken time.Time) {
	r, err := ocsp.Parse(der)
	if err != nil {
		a.Matches = is(false)
		a.wrong(err.Error())
		return
	}
	if r.Data == nil || r.Code != 0 {
		a.Matches = is(false)
		a.wrong("the responder answered " + r.Code.String())
		return
	}
	a.Readable = true
	a.Hash = cert.ParseAlgorithm(r.Algorithm).Hash
	issuers := p.issuersOf(c)
	if len(issuers) == 0 {
		a.wrong("the issuer's certificate is not at hand, so that the OCSP response cannot be verified; add it, or fetch it with --online aia")
		return
	}
	single, issuer := find(r, c, issuers)
	a.Matches = is(single != nil)
	if single == nil {
		// Whose it is matters: the issuer's own word about another certificate
		// was put in place of the one about this.
		p.signed(a, r, issuers[0])
		a.wrong("the OCSP response is about other certificates than this one")
		return
	}
	a.times(p, single.This, single.Next, taken)
	p.signed(a, r, issuer)
	a.state(r, single)
	switch {
	case a.Stale && !a.forGood():
		a.wrong("the OCSP response is out of date")
	case a.Future:
		a.wrong("the OCSP response is from the future")
	}
}

// find gives the answer about c, and the issuer that it names.
func find(r *ocsp.Response, c *cert.Certificate, issuers []*cert.Certificate) (*ocsp.Answer, *cert.Certificate) {
	for i := range r.Answers {
		for _, issuer := range issuers {
			if r.Answers[i].ID.Names(c, issuer) {
				return &r.Answers[i], issuer
			}
		}
	}
	return nil, nil
}

// state notes what the answer says. A certificate that was never issued is called
// revoked, on hold since 1 January 1970 (RFC 6960 section 2.2), whether or not the
// extension says that the responder does so.
func (a *answer) state(r *ocsp.Response, s *ocsp.Answer) {
	switch s.State {
	case ocsp.Good:
		a.Status = good
	case ocsp.Unknown:
		a.Status = unknown
	case ocsp.Revoked:
		a.Status, a.reason, a.at = revoked, reasonName(s.Reason), s.RevokedAt
		if s.Reason == onHold && s.RevokedAt.Unix() == 0 {
			a.Status = neverIssued
		}
	}
}

// signed checks who signed a response.
func (p *probe) signed(a *answer, r *ocsp.Response, issuer *cert.Certificate) {
	alg := cert.ParseAlgorithm(r.Algorithm)
	check := func(key *cert.Key) cert.Outcome {
		out, _ := cert.Check(key, alg, r.Data, r.Signature)
		return out
	}
	own := check(&issuer.Key)
	if own == cert.Verified {
		a.Verified = is(true)
		return
	}
	unclear := own == cert.Unsupported
	why := ""
	for _, der := range r.Certificates {
		c := cert.Parse(der)
		if c.SPKI == nil || bytes.Equal(c.SPKI, issuer.SPKI) {
			continue
		}
		switch check(&c.Key) {
		case cert.Verified:
			if why = p.unauthorised(c, issuer, r.Produced); why == "" {
				a.Verified = is(true)
				return
			}
			a.Stranger = true
		case cert.Unsupported:
			unclear = true
		}
	}
	switch {
	case a.Stranger:
		a.Verified = is(false)
		a.wrong("the OCSP response is signed by a responder that the issuer did not authorise: " + why)
	case own == cert.Mismatch && !r.Is(issuer) && !slices.ContainsFunc(r.Certificates, func(der []byte) bool { return r.Is(cert.Parse(der)) }):
		// Responders need not bring their certificate along (RFC 6960 section
		// 4.2.1), and clients of a company may be given it otherwise.
		a.wrong("the OCSP response is signed by a responder, by its own word, whose certificate is not at hand")
	case unclear:
		a.wrong("the signature on the OCSP response cannot be checked: its algorithm or key is not supported")
	default:
		a.Verified = is(false)
		a.wrong("the signature on the OCSP response is not the issuer's, nor that of a certificate in it")
	}
}

// unauthorised says why a certificate may not sign for the issuer (RFC 6960
// section 4.2.2.2): it has to be issued by the very key, for this purpose, and to
// have been valid when it signed. Whether it was revoked itself is not asked; CAs
// say of nearly all that nobody should (id-pkix-ocsp-nocheck).
func (p *probe) unauthorised(c, issuer *cert.Certificate, produced time.Time) string {
	purposes := c.ExtKeyUsage()
	switch {
	case c.Issuer.Normal() == "" || c.Issuer.Normal() != issuer.Subject.Normal() || p.in.Check.Check(c, issuer) != cert.Verified:
		return "the issuer did not sign its certificate"
	case purposes.Err != nil || !slices.ContainsFunc(purposes.Value, func(o cert.OID) bool { return string(o) == cert.OIDOCSPSigning }):
		return "its certificate is not for signing OCSP responses"
	case c.NotBeforeErr != nil || c.NotAfterErr != nil || produced.Before(c.NotBefore) || produced.After(c.NotAfter):
		return "its certificate was not valid when it signed"
	}
	return ""
}

// nonce compares the nonce that came back with the one that was sent. Responders
// that sign in advance send none back, and that is allowed (RFC 9654 section 3.1).
func (a *answer) nonce(der, sent []byte) {
	r, err := ocsp.Parse(der)
	if err != nil || r.Nonce == nil || bytes.Equal(r.Nonce, sent) {
		return
	}
	a.NonceWrong = true
	a.wrong("the OCSP response repeats another nonce than the one that was sent")
}
