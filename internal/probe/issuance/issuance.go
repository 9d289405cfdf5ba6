// Package issuance asks whether a certificate is what the CA it names issues.
package issuance

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 5280 section 4.2.1.2 defines key identifiers with it

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
)

// maxKeys is how many keys known under one name are tried. No CA name of the
// bundled roots has more than three; an owner's set could have any number.
const maxKeys = 16

// ClaimedCA compares a certificate's issuer name with the keys that are known
// under that name. It is nil where there is no issuer name to read.
func ClaimedCA(c *cert.Certificate, store *trust.Store, check *signature.Checker) *facts.CAClaim {
	if c.Issuer.Raw == nil || c.SPKI == nil {
		return nil
	}
	cas := store.ByName(&c.Issuer)
	aki := c.AuthorityKeyID().Value.KeyID
	f := &facts.CAClaim{NameKnown: len(cas) > 0, KeyIDElse: otherCA(c, aki, store, check)}
	if len(cas) == 0 {
		claimDisclosed(f, c, aki, store, check)
		return f
	}
	f.Source = source(cas[0].Anchor)
	verifies, decided := false, false
	for i, ca := range cas {
		f.NameExact = f.NameExact || bytes.Equal(ca.Certificate.Subject.Raw, c.Issuer.Raw)
		f.KeyID = f.KeyID || len(aki) > 0 && identifies(aki, ca.Certificate)
		if i >= maxKeys || verifies {
			continue
		}
		switch check.Check(c, ca.Certificate) {
		case cert.Verified:
			verifies, decided = true, true
		case cert.Mismatch:
			decided = true
		}
	}
	if decided {
		f.Verifies = &verifies
	}
	return f
}

// claimDisclosed asks the disclosed CAs of the issuer's name. CAs gave up keys under
// names that they went on with, and Mozilla's list has those in use alone: so the name
// counts as known only together with a key identifier on the list, or with the key.
func claimDisclosed(f *facts.CAClaim, c *cert.Certificate, aki []byte, store *trust.Store, check *signature.Checker) {
	verifies, decided := false, false
	for i, ca := range store.DisclosedByName(&c.Issuer) {
		if i >= maxKeys || verifies {
			break
		}
		outcome := check.CheckKey(c, ca.CA.SPKI, &ca.CA.Key)
		named := len(aki) > 0 && (bytes.Equal(aki, ca.KeyID) || identifies(aki, ca.CA))
		verifies = outcome == cert.Verified
		if !named && !verifies {
			continue
		}
		decided = decided || outcome != cert.Unsupported
		f.NameKnown, f.Source, f.KeyID = true, source(trust.None), f.KeyID || named
		f.NameExact = f.NameExact || bytes.Equal(ca.CA.Subject.Raw, c.Issuer.Raw)
	}
	if decided {
		f.Verifies = &verifies
	}
}

// source names the list that knows a CA.
func source(a trust.Anchor) string {
	if a == trust.None {
		return "known"
	}
	return string(a)
}

// otherCA gives the subject of a known CA whose key the key identifier names
// under another name than the issuer's, where no such key made the signature.
func otherCA(c *cert.Certificate, aki []byte, store *trust.Store, check *signature.Checker) string {
	issuer, other := c.Issuer.Normal(), ""
	for i, ca := range store.DisclosedByKeyID(aki) {
		if i >= maxKeys || ca.CA.Subject.Normal() == issuer || check.CheckKey(c, ca.CA.SPKI, &ca.CA.Key) != cert.Mismatch {
			return ""
		}
		other = ca.CA.Subject.String()
	}
	for i, ca := range store.ByKeyID(aki) {
		if i >= maxKeys || ca.Certificate.Subject.Normal() == issuer || check.Check(c, ca.Certificate) != cert.Mismatch {
			return ""
		}
		other = ca.Certificate.Subject.String()
	}
	return other
}

// identifies says whether an authority key identifier is that of a CA: its
// subject key identifier, or the SHA-1 of its key.
func identifies(aki []byte, ca *cert.Certificate) bool {
	sum := sha1.Sum(ca.Key.Public) //nolint:gosec // compared with, not relied on
	return bytes.Equal(aki, ca.SubjectKeyID().Value) || bytes.Equal(aki, sum[:])
}
