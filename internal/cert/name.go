package cert

import (
	"fmt"
	"iter"
	"slices"
	"sync"
)

// A Name is a distinguished name (RFC 5280 section 4.1.2.4), decoded on demand.
// The zero Name has no attributes.
type Name struct {
	// Raw is the name with its header; nil where it was not found.
	Raw []byte
	// Err says why it was not found. What is wrong within it is found by
	// [Name.Check].
	Err error
	// memo keeps the normal form; nil for a name outside of a certificate.
	memo *nameMemo
}

// A nameMemo is what was decoded of a name, once it was asked for: a judgement
// looks at the same few names dozens of times.
type nameMemo struct {
	once       sync.Once
	normal     string
	decoded    sync.Once
	attributes []Attribute // nil where there are more than maxRemembered
}

// maxRemembered is how many attributes of a name are kept decoded; honest names
// have ten. A certificate of 500 kB can hold 100 000, for 15 MB.
const maxRemembered = 64

// An Attribute is one type and value of a name.
type Attribute struct {
	Type OID
	// ID is the identifier octet of the value: its ASN.1 string type.
	ID byte
	// Value is the contents of the value as written.
	Value []byte
	// Text is Value decoded by its type and always valid UTF-8, with U+FFFD
	// for what could not be read.
	Text string
	// Err says why Value does not fit its type.
	Err error
	// Rest is what stands behind the value, where there should be nothing.
	Rest []byte
	// Joined says that the attribute stands in one RDN with the one before.
	Joined bool
}

// Types of attributes, as content octets of their OIDs.
const (
	OIDCommonName         = "\x55\x04\x03"
	OIDSurname            = "\x55\x04\x04"
	OIDSerialNumber       = "\x55\x04\x05"
	OIDCountry            = "\x55\x04\x06"
	OIDLocality           = "\x55\x04\x07"
	OIDState              = "\x55\x04\x08"
	OIDStreet             = "\x55\x04\x09"
	OIDOrganization       = "\x55\x04\x0a"
	OIDOrganizationalUnit = "\x55\x04\x0b"
	OIDTitle              = "\x55\x04\x0c"
	OIDPostalCode         = "\x55\x04\x11"
	OIDGivenName          = "\x55\x04\x2a"
	OIDDNQualifier        = "\x55\x04\x2e"
	OIDOrganizationID     = "\x55\x04\x61"
	OIDDomainComponent    = "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"
	OIDUserID             = "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"
	OIDEmail              = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"
)

// parts walks the attributes undecoded. An unreadable one ends its RDN and is
// yielded with its error; the walk goes on with the next RDN.
func (n Name) parts() iter.Seq[Attribute] {
	return func(yield func(Attribute) bool) {
		list, _, err := Next(n.Raw)
		if err != nil {
			return
		}
		for b := list.Body; len(b) > 0; {
			rdn, rest, err := Next(b)
			if err != nil || rdn.ID != idSet {
				yield(Attribute{Err: fmt.Errorf("reading name: %w", orTag(err))})
				return
			}
			b = rest
			if !rdn.attributes(yield) {
				return
			}
		}
	}
}

func (rdn Element) attributes(yield func(Attribute) bool) bool {
	joined := false
	for b := rdn.Body; len(b) > 0; joined = true {
		pair, rest, err := Next(b)
		a := Attribute{Joined: joined}
		if err == nil {
			err = a.read(pair)
		}
		if err != nil {
			a.Err = fmt.Errorf("reading name: %w", err)
			return yield(a)
		}
		b = rest
		if !yield(a) {
			return false
		}
	}
	return true
}

func (a *Attribute) read(pair Element) error {
	if pair.ID != idSequence {
		return errTag
	}
	id, rest, err := Next(pair.Body)
	if err != nil || id.ID != idOID {
		return orTag(err)
	}
	v, rest, err := Next(rest)
	if err != nil {
		return err
	}
	a.Type, a.ID, a.Value = OID(id.Body), v.ID, v.Body
	if len(rest) > 0 {
		a.Rest = rest
		return errTrailing
	}
	return nil
}

// Attributes are all attributes, decoded, in the order written: by convention
// the least specific first. They must not be changed: others get the same.
func (n Name) Attributes() []Attribute {
	if few, ok := n.remembered(); ok {
		return few
	}
	return slices.AppendSeq([]Attribute(nil), n.decoded())
}

// remembered gives the attributes where they are few enough to be kept.
func (n Name) remembered() (few []Attribute, ok bool) {
	m := n.memo
	if m == nil {
		return nil, false
	}
	m.decoded.Do(func() {
		few := make([]Attribute, 0, 4)
		for a := range n.decoded() {
			if len(few) == maxRemembered {
				return
			}
			few = append(few, a)
		}
		m.attributes = few
	})
	return m.attributes, m.attributes != nil
}

// each walks the attributes, decoded.
func (n Name) each() iter.Seq[Attribute] {
	if few, ok := n.remembered(); ok {
		return slices.Values(few)
	}
	return n.decoded()
}

func (n Name) decoded() iter.Seq[Attribute] {
	return func(yield func(Attribute) bool) {
		for a := range n.parts() {
			if a.decode(); !yield(a) {
				return
			}
		}
	}
}

func (a *Attribute) decode() {
	if a.ID == 0 {
		return
	}
	text, err := decodeText(a.ID, a.Value)
	a.Text = text
	if a.Err == nil && err != nil {
		a.Err = fmt.Errorf("reading attribute %s: %w", a.Type.attributeName(), err)
	}
}

// Empty says that the name has no attributes.
func (n Name) Empty() bool {
	for range n.parts() {
		return false
	}
	return true
}

// Values are the decoded values of all attributes of a type, in the order
// written; empty, not nil, for none.
func (n Name) Values(oid string) []string {
	out := []string{}
	few, ok := n.remembered()
	if !ok {
		for a := range n.parts() {
			if string(a.Type) == oid {
				a.decode()
				out = append(out, a.Text)
			}
		}
	}
	for i := range few {
		if string(few[i].Type) == oid {
			out = append(out, few[i].Text)
		}
	}
	return out
}

// CommonNames are the values of commonName.
func (n Name) CommonNames() []string { return n.Values(OIDCommonName) }

// Organizations are the values of organizationName.
func (n Name) Organizations() []string { return n.Values(OIDOrganization) }

// Units are the values of organizationalUnitName.
func (n Name) Units() []string { return n.Values(OIDOrganizationalUnit) }

// Countries are the values of countryName.
func (n Name) Countries() []string { return n.Values(OIDCountry) }

// last is the last attribute of a type, decoded. The libraries keep the last
// commonName of several.
func (n Name) last(oid string) (a Attribute, ok bool) {
	for x := range n.parts() {
		if string(x.Type) == oid {
			a, ok = x, true
		}
	}
	a.decode()
	return a, ok
}

// attributeName is the short name of RFC 4514 section 3 and its usual
// companions, or the dotted identifier.
func (o OID) attributeName() string {
	switch string(o) {
	case OIDCommonName:
		return "CN"
	case OIDSurname:
		return "SN"
	case OIDSerialNumber:
		return "serialNumber"
	case OIDCountry:
		return "C"
	case OIDLocality:
		return "L"
	case OIDState:
		return "ST"
	case OIDStreet:
		return "STREET"
	case OIDOrganization:
		return "O"
	case OIDOrganizationalUnit:
		return "OU"
	case OIDTitle:
		return "title"
	case OIDPostalCode:
		return "postalCode"
	case OIDGivenName:
		return "GN"
	case OIDDNQualifier:
		return "dnQualifier"
	case OIDOrganizationID:
		return "organizationIdentifier"
	case OIDDomainComponent:
		return "DC"
	case OIDUserID:
		return "UID"
	case OIDEmail:
		return "emailAddress"
	}
	return o.String()
}
