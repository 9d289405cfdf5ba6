package clock

import (
	"bytes"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// issuers compares the leaf with the certificates of the key that signed it: all
// that were served, and those of known CAs. A CA renews its certificate over the
// same key, and the one at hand may be the new one; so only what holds against
// every one of them is said, and rules must hold it against nobody by itself.
func (r *reckoning) issuers() {
	leaf := r.in.Certificates[0]
	if leaf.SPKI == nil || r.in.Signed == nil {
		return
	}
	same := r.ofIssuerKey(leaf)
	var first, last time.Time
	for _, c := range same {
		if c.NotBeforeErr != nil || c.NotAfterErr != nil {
			return
		}
		if first.IsZero() || c.NotBefore.Before(first) {
			first = c.NotBefore
		}
		if c.NotAfter.After(last) {
			last = c.NotAfter
		}
		r.f.IssuerRoot = r.f.IssuerRoot || c.SelfIssued()
	}
	if len(same) > 0 {
		r.f.Issuer = same[0].Subject.String()
		if leaf.NotBeforeErr == nil {
			r.f.OlderBy = days(first.Sub(leaf.NotBefore))
		}
		if leaf.NotAfterErr == nil {
			r.f.OutlivesBy = days(leaf.NotAfter.Sub(last))
		}
	}
	r.vouched()
}

func days(d time.Duration) int64 { return max(0, int64(d/day)) }

// ofIssuerKey gives the certificates, other than the leaf itself, whose key made
// the leaf's signature. Signatures are checked once for each key.
func (r *reckoning) ofIssuerKey(leaf *cert.Certificate) (out []*cert.Certificate) {
	want := leaf.Issuer.Normal()
	if want == "" || leaf.SelfIssued() {
		return nil
	}
	var candidates []*cert.Certificate
	for _, c := range r.in.Certificates[1:] {
		if c.SPKI != nil && c.Subject.Normal() == want {
			candidates = append(candidates, c)
		}
	}
	if r.in.Trust != nil {
		for _, ca := range r.in.Trust.ByName(&leaf.Issuer) {
			candidates = append(candidates, ca.Certificate)
		}
	}
	var key []byte
	for _, c := range candidates[:min(len(candidates), maxIssuers)] {
		if key == nil && r.in.Signed(leaf, c) == cert.Verified {
			key = c.SPKI
		}
	}
	for _, c := range candidates {
		if key != nil && bytes.Equal(c.SPKI, key) {
			out = append(out, c)
		}
	}
	return out
}

// vouched takes the notBefore of CA certificates that a known public or
// inventory CA signed, or that are one, as claims: such a CA does not date ahead,
// and a stranger cannot make them up.
func (r *reckoning) vouched() {
	if r.in.Trust == nil {
		return
	}
	behind := r.in.Certificates[1:]
	for _, c := range behind[:min(len(behind), maxVouched)] {
		if c.SPKI == nil || c.NotBeforeErr != nil || !r.vouchedFor(c) {
			continue
		}
		r.add(facts.Stamp{Source: FromCertificate, Of: c.Subject.String(), Time: c.NotBefore})
	}
}

func (r *reckoning) vouchedFor(c *cert.Certificate) bool {
	if a := r.in.Trust.Root(c.SHA256()); a == trust.Public || a == trust.Inventory {
		return true
	}
	cas := r.in.Trust.ByName(&c.Issuer)
	for _, ca := range cas[:min(len(cas), maxVouched)] {
		if r.in.Signed(c, ca.Certificate) == cert.Verified {
			return true
		}
	}
	return false
}
