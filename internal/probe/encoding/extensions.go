// Package encoding turns how a certificate is written into facts: its
// extensions, its serial number, departures from DER and from RFC 5280, and what
// X.509 libraries make of it.
package encoding

import (
	"encoding/hex"
	"strings"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
)

// Extensions gives the facts about a certificate's extensions; nil where the
// walk did not get there. An extension that is there and unreadable counts as
// there, with nothing in it.
func Extensions(c *cert.Certificate) *facts.Ext {
	if c.SPKI == nil {
		return nil
	}
	bc, ski, aki := c.BasicConstraints(), c.SubjectKeyID(), c.AuthorityKeyID()
	eku, ku := c.ExtKeyUsage(), c.KeyUsage()
	f := &facts.Ext{
		OIDs:            make([]string, 0, len(c.Extensions)),
		Duplicate:       c.Quirks.Has(cert.DuplicateExtension),
		InOldVersion:    c.Quirks.Has(cert.ExtensionsInOld),
		UnknownCritical: []string{},
		IsCA:            bc.Value.CA, BC: bc.Present, PathLen: int64(bc.Value.PathLen),
		SKI: hex.EncodeToString(ski.Value), HasSKI: ski.Present,
		AKI: hex.EncodeToString(aki.Value.KeyID), HasAKI: aki.Present, AKISerial: aki.Value.Serial != nil,
		HasKU: ku.Present, KeyUsage: ku.Value.Strings(),
		HasEKU: eku.Present, EKU: []string{},
		HasAIA: c.Extension(cert.OIDAuthorityInfo) != nil, HasCRLDP: c.Extension(cert.OIDCRLDistribution) != nil,
		HasPolicies: c.Extension(cert.OIDPolicies) != nil,
		Poison:      c.Extension(cert.OIDPoison) != nil, Poisoned: poisoned(c), SCTList: c.Extension(cert.OIDSCTList) != nil,
		NetscapeComment: c.NetscapeComment().Value,
	}
	var set strings.Builder
	set.Grow(64)
	for i := range c.Extensions {
		x := &c.Extensions[i]
		f.OIDs = append(f.OIDs, x.OID.String())
		if i > 0 {
			set.WriteByte(' ')
		}
		set.WriteString(x.OID.ShortName())
		if x.Critical {
			set.WriteByte('!')
		}
	}
	f.Set = set.String()
	for _, oid := range c.UnknownCritical() {
		f.UnknownCritical = append(f.UnknownCritical, oid.String())
	}
	f.ServerAuth = !eku.Present
	for _, oid := range eku.Value {
		dotted := oid.String()
		f.EKU = append(f.EKU, purpose(dotted))
		f.ServerAuth = f.ServerAuth || serverPurposes[dotted]
	}
	return f
}

// serverPurposes allow TLS servers: serverAuth and anyExtendedKeyUsage
// (RFC 5280 section 4.2.1.12), and the step-up usages that browsers took for
// serverAuth until 2016.
var serverPurposes = map[string]bool{
	"1.3.6.1.5.5.7.3.1": true, "2.5.29.37.0": true,
	"2.16.840.1.113730.4.1": true, "1.3.6.1.4.1.311.10.3.3": true,
}

var purposeNames = map[string]string{
	"1.3.6.1.5.5.7.3.1": "serverAuth", "1.3.6.1.5.5.7.3.2": "clientAuth", "1.3.6.1.5.5.7.3.3": "codeSigning",
	"1.3.6.1.5.5.7.3.4": "emailProtection", "1.3.6.1.5.5.7.3.8": "timeStamping", "1.3.6.1.5.5.7.3.9": "OCSPSigning",
	"2.5.29.37.0": "any", "2.16.840.1.113730.4.1": "netscapeSGC", "1.3.6.1.4.1.311.10.3.3": "microsoftSGC",
}

func purpose(oid string) string {
	if name, ok := purposeNames[oid]; ok {
		return name
	}
	return oid
}

// poisoned says whether the poison is there and critical (RFC 6962 section 3.1).
func poisoned(c *cert.Certificate) bool {
	x := c.Extension(cert.OIDPoison)
	return x != nil && x.Critical
}
