package incident

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
)

// maxPath is how many supplied certificates are climbed through. A chain of a
// hundred cross-signed CAs must not cost ten thousand signature checks.
const maxPath = 24

// A Chain is what [Distrust] looks at.
type Chain struct {
	// Certificates are in the order served, the leaf first.
	Certificates []*cert.Certificate
	// SCTs are those of the leaf; nil where they could not be read.
	SCTs  []facts.SCT
	At    time.Time
	Trust *trust.Store
	Check *signature.Checker
}

// Distrust gives what root programs decided about the CAs above the leaf; nil
// without a certificate, empty where they decided nothing. Certificates that
// are on no path from the leaf do not count, nor what stands above a CA whose
// own key is a trusted root's: a distrusted CA that once cross-signed it is not
// needed.
func Distrust(in *Chain) []facts.Distrust {
	if len(in.Certificates) == 0 {
		return nil
	}
	w := &walk{Chain: in, known: trust.DistrustedCA, named: trust.DistrustedName, keys: map[string]bool{}}
	return w.all()
}

func (w *walk) all() []facts.Distrust {
	w.climb()
	out := []facts.Distrust{}
	for _, m := range w.met {
		out = append(out, w.decisions(m)...)
	}
	return out
}

// A met is a distrusted CA and what it was known by.
type met struct {
	ca trust.Distrusted
	by string
}

// A walk climbs from the leaf.
type walk struct {
	*Chain
	// known and named are the table of distrusted CAs.
	known func(*cert.Certificate) (trust.Distrusted, bool)
	named func(*cert.Name) []trust.Distrusted

	met []met
	// keys are the keys on the path, as hexadecimal SHA-256.
	keys map[string]bool
}

func (w *walk) climb() {
	path := w.Certificates[:1:1]
	for i := 0; i < len(path); i++ {
		c := path[i]
		if spki, ok := c.SPKISHA256(); ok {
			w.keys[hexOf(spki)] = true
		}
		if d, ok := w.known(c); ok {
			w.note(d, trust.ByCertificate)
			continue
		}
		if _, known := w.Trust.Knows(c); known || c.SelfIssued() && w.Check.Check(c, c) != cert.Mismatch {
			continue
		}
		issuers := w.supplied(c)
		for _, issuer := range issuers {
			if len(path) < maxPath && !slices.Contains(path, issuer) {
				path = append(path, issuer)
			}
		}
		if len(issuers) == 0 {
			w.notSupplied(c)
		}
	}
}

// supplied are the certificates of the chain that issued c, as far as can be
// told.
func (w *walk) supplied(c *cert.Certificate) []*cert.Certificate {
	var out []*cert.Certificate
	for n, ca := range w.Certificates {
		if n < maxPath && ca != c && ca.SPKI != nil && ca.Subject.Normal() == c.Issuer.Normal() && w.Check.Check(c, ca) != cert.Mismatch {
			out = append(out, ca)
		}
	}
	return out
}

// notSupplied looks for the issuer's key among those at hand.
func (w *walk) notSupplied(c *cert.Certificate) {
	if c.Issuer.Raw == nil || c.SPKI == nil {
		return
	}
	for n, d := range w.named(&c.Issuer) {
		if n < maxSigners && w.Check.Check(c, d.CA) == cert.Verified {
			w.note(d, trust.BySigner)
			return
		}
	}
}

// note keeps a CA; of one family once.
func (w *walk) note(d trust.Distrusted, by string) {
	for _, m := range w.met {
		if m.ca.ID == d.ID {
			return
		}
	}
	w.met = append(w.met, met{d, by})
}

func (w *walk) decisions(m met) []facts.Distrust {
	exempt := slices.ContainsFunc(m.ca.Exempt, func(key string) bool { return w.keys[key] })
	var out []facts.Distrust
	for _, d := range m.ca.Decisions {
		out = append(out, facts.Distrust{
			ID: m.ca.ID, Owner: m.ca.Owner, CA: m.ca.Name, Program: d.Program, Kind: string(d.Kind), Date: d.Date,
			Why: m.ca.Why, Source: m.ca.Sources[0], By: m.by, Exempt: exempt, Applies: !exempt && w.applies(d),
		})
	}
	return out
}

// applies says whether a decision is about this leaf at the time of judgement.
func (w *walk) applies(d trust.Decision) bool {
	if w.At.Before(d.Date) {
		return false
	}
	leaf := w.Certificates[0]
	switch d.Kind {
	case trust.AfterSCT:
		if first, ok := w.firstSCT(); ok {
			return first.After(d.Date)
		}
		fallthrough
	case trust.AfterNotBefore:
		return leaf.NotBeforeErr == nil && leaf.NotBefore.After(d.Date)
	}
	return true
}

// firstSCT is the earliest time of an SCT that was not refuted.
func (w *walk) firstSCT() (first time.Time, ok bool) {
	for i := range w.SCTs {
		s := &w.SCTs[i]
		if !s.Parsed || s.Verdict != nil && *s.Verdict != "ok" {
			continue
		}
		if !ok || s.Time.Before(first) {
			first, ok = s.Time, true
		}
	}
	return first, ok
}

func hexOf(sum [32]byte) string { return hex.EncodeToString(sum[:]) }
