package cert

import (
	"bytes"
	"fmt"
)

// Identifiers of extensions, as content octets of their OIDs.
const (
	OIDSubjectKeyID      = "\x55\x1d\x0e"
	OIDKeyUsage          = "\x55\x1d\x0f"
	OIDSubjectAltName    = "\x55\x1d\x11"
	OIDIssuerAltName     = "\x55\x1d\x12"
	OIDBasicConstraints  = "\x55\x1d\x13"
	OIDNameConstraints   = "\x55\x1d\x1e"
	OIDCRLDistribution   = "\x55\x1d\x1f"
	OIDPolicies          = "\x55\x1d\x20"
	OIDPolicyMappings    = "\x55\x1d\x21"
	OIDAuthorityKeyID    = "\x55\x1d\x23"
	OIDPolicyConstraints = "\x55\x1d\x24"
	OIDExtKeyUsage       = "\x55\x1d\x25"
	OIDFreshestCRL       = "\x55\x1d\x2e"
	OIDInhibitAnyPolicy  = "\x55\x1d\x36"
	OIDAuthorityInfo     = "\x2b\x06\x01\x05\x05\x07\x01\x01"
	OIDSubjectInfo       = "\x2b\x06\x01\x05\x05\x07\x01\x0b"
	OIDMustStaple        = "\x2b\x06\x01\x05\x05\x07\x01\x18"
	OIDSCTList           = "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"
	OIDPoison            = "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x03"
	OIDNetscapeCertType  = "\x60\x86\x48\x01\x86\xf8\x42\x01\x01"
	OIDNetscapeComment   = "\x60\x86\x48\x01\x86\xf8\x42\x01\x0d"
)

// linearSearch is the number of extensions up to which duplicates are looked
// for by comparing each with each. Beyond it a map is used: a certificate with
// 100 000 extensions would cost 10^10 comparisons.
const linearSearch = 32

// extensions reads the contents of the [3] field: SEQUENCE OF Extension.
func (c *Certificate) extensions(b []byte) {
	if c.Version == 1 || c.Version == 2 {
		c.Quirks |= ExtensionsInOld
	}
	list, rest, err := expect(b, idSequence, &c.Quirks)
	if err != nil {
		c.ExtensionsErr = fmt.Errorf("reading extensions: %w", err)
		return
	}
	if len(rest) > 0 {
		c.Quirks |= TrailingInValue
	}
	if len(list.Body) == 0 {
		c.Quirks |= EmptyExtensions
		return
	}
	if c.Extensions == nil {
		c.Extensions = make([]Extension, 0, 10)
	}
	for b := list.Body; len(b) > 0; {
		var e Element
		if e, b, err = next(b, &c.Quirks); err != nil {
			c.ExtensionsErr = fmt.Errorf("reading extension %d: %w", len(c.Extensions)+1, err)
			break
		}
		c.Extensions = append(c.Extensions, c.extension(e))
	}
	c.duplicates()
}

func (c *Certificate) extension(e Element) (x Extension) {
	x.Raw = e.Full
	if e.ID != idSequence {
		x.Err = fmt.Errorf("reading extension: %w", errTag)
		return x
	}
	id, b, err := expect(e.Body, idOID, &c.Quirks)
	if err != nil {
		x.Err = fmt.Errorf("reading extension: %w", err)
		return x
	}
	x.OID = OID(id.Body)
	v, b, err := next(b, &c.Quirks)
	if err == nil && v.ID == idBoolean {
		x.Critical = len(v.Body) > 0 && v.Body[0] != 0
		if !x.Critical {
			c.Quirks |= ExplicitDefault
		}
		v, b, err = next(b, &c.Quirks)
	}
	if err == nil && v.ID != idOctetString {
		err = errTag
	}
	if err != nil {
		x.Err = fmt.Errorf("reading value of extension %s: %w", x.OID, err)
		return x
	}
	x.Value = v.Body
	if len(b) > 0 {
		c.Quirks |= TrailingInValue
	}
	return x
}

func (c *Certificate) duplicates() {
	if len(c.Extensions) > linearSearch {
		seen := make(map[string]bool, len(c.Extensions))
		for i := range c.Extensions {
			if id := string(c.Extensions[i].OID); id != "" && seen[id] {
				c.Quirks |= DuplicateExtension
			} else {
				seen[id] = true
			}
		}
		return
	}
	for i := range c.Extensions {
		for j := range i {
			if a := c.Extensions[i].OID; a != nil && bytes.Equal(a, c.Extensions[j].OID) {
				c.Quirks |= DuplicateExtension
			}
		}
	}
}

// Extension is the first extension with these content octets of an identifier,
// nil where there is none.
func (c *Certificate) Extension(oid string) *Extension {
	for i := range c.Extensions {
		if string(c.Extensions[i].OID) == oid {
			return &c.Extensions[i]
		}
	}
	return nil
}

// known are the extensions that software which follows RFC 5280 and RFC 6962
// processes.
func known(oid OID) bool {
	switch string(oid) {
	case OIDSubjectKeyID, OIDKeyUsage, OIDSubjectAltName, OIDIssuerAltName, OIDBasicConstraints,
		OIDNameConstraints, OIDCRLDistribution, OIDPolicies, OIDPolicyMappings, OIDAuthorityKeyID,
		OIDPolicyConstraints, OIDExtKeyUsage, OIDFreshestCRL, OIDInhibitAnyPolicy, OIDAuthorityInfo,
		OIDSubjectInfo, OIDMustStaple, OIDSCTList, OIDPoison:
		return true
	}
	return false
}

// UnknownCritical are the critical extensions that RFC 5280 software does not
// know and therefore has to refuse. An entry whose identifier is unreadable is
// not among them.
func (c *Certificate) UnknownCritical() []OID {
	var out []OID
	for i := range c.Extensions {
		if x := &c.Extensions[i]; x.Critical && x.OID != nil && !known(x.OID) {
			out = append(out, x.OID)
		}
	}
	return out
}

// ShortName is a readable name for an extension's identifier, such as "SAN",
// or its dotted form.
func (o OID) ShortName() string {
	switch string(o) {
	case OIDSubjectKeyID:
		return "SKI"
	case OIDKeyUsage:
		return "KU"
	case OIDSubjectAltName:
		return "SAN"
	case OIDIssuerAltName:
		return "IAN"
	case OIDBasicConstraints:
		return "BC"
	case OIDNameConstraints:
		return "NC"
	case OIDCRLDistribution:
		return "CRLDP"
	case OIDPolicies:
		return "CP"
	case OIDPolicyMappings:
		return "PM"
	case OIDAuthorityKeyID:
		return "AKI"
	case OIDPolicyConstraints:
		return "PC"
	case OIDExtKeyUsage:
		return "EKU"
	case OIDFreshestCRL:
		return "FreshestCRL"
	case OIDInhibitAnyPolicy:
		return "IAP"
	case OIDAuthorityInfo:
		return "AIA"
	case OIDSubjectInfo:
		return "SIA"
	case OIDMustStaple:
		return "TLSFeature"
	case OIDSCTList:
		return "SCT"
	case OIDPoison:
		return "Poison"
	case OIDNetscapeCertType:
		return "nsCertType"
	case OIDNetscapeComment:
		return "nsComment"
	}
	return o.String()
}
