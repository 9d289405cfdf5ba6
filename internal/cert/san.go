package cert

import (
	"errors"
	"net/netip"
)

// A GeneralName is one entry of RFC 5280 section 4.2.1.6, as written.
type GeneralName struct {
	// ID is the identifier octet: class, constructed bit, tag number.
	ID byte
	// Value is the contents.
	Value []byte
	// Raw is the entry with its header.
	Raw []byte
}

// A NameKind is the choice that a general name makes.
type NameKind int

// The kinds of general names, by tag number.
const (
	OtherName NameKind = iota
	EmailName
	DNSName
	X400Name
	DirectoryName
	EDIPartyName
	URIName
	IPName
	RegisteredID
	// OddName has the class or form of none of them.
	OddName
)

// Kind is what the name is to a reader that checks class, form and number.
func (g GeneralName) Kind() NameKind {
	kind := NameKind(g.ID & idNumber)
	if g.ID&idClass != idContext || kind >= OddName {
		return OddName
	}
	constructed := false
	switch kind {
	case OtherName, X400Name, DirectoryName, EDIPartyName:
		constructed = true
	}
	if (g.ID&idConstructed != 0) != constructed {
		return OddName
	}
	return kind
}

// LaxKind is what the name is to a reader that looks at the tag number alone,
// as two of the three libraries do.
func (g GeneralName) LaxKind() NameKind {
	return min(NameKind(g.ID&idNumber), OddName)
}

// IP is the address of an iPAddress entry with 4 or 16 octets.
func (g GeneralName) IP() (netip.Addr, bool) {
	if g.Kind() != IPName {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(g.Value)
}

// AltNames decodes the subject alternative names; those of duplicates are
// joined. The error covers the list; each name is taken as it is. The names must not
// be changed: others get the same.
func (c *Certificate) AltNames() View[[]GeneralName] {
	c.named.Do(func() {
		if v := c.readAltNames(); len(v.Value) <= maxRemembered {
			c.alt = v
		}
	})
	if c.alt.Present {
		return c.alt
	}
	return c.readAltNames()
}

func (c *Certificate) readAltNames() View[[]GeneralName] {
	return view(c, OIDSubjectAltName, func(b []byte, out *[]GeneralName) error {
		body, first := single(b, idSequence)
		if n := count(body); n > 0 && *out == nil {
			*out = make([]GeneralName, 0, n)
		}
		for len(body) > 0 {
			e, rest, err := Next(body)
			if err != nil {
				return err
			}
			g := GeneralName{ID: e.ID, Value: e.Body, Raw: e.Full}
			*out = append(*out, g)
			if first == nil && g.Kind() == OddName {
				first = errors.New("a general name of another class or form")
			}
			if _, ok := g.IP(); first == nil && g.Kind() == IPName && !ok {
				first = errors.New("an address of neither 4 nor 16 octets")
			}
			body = rest
		}
		return first
	})
}

// count is the number of elements of b, for sizing only.
func count(b []byte) (n int) {
	for len(b) > 0 {
		_, rest, err := Next(b)
		if err != nil {
			return n
		}
		b = rest
		n++
	}
	return n
}

// DNSNames are the dNSName entries as written: any octets at all. It is nil
// where there is no extension with such an entry.
func (c *Certificate) DNSNames() []string { return c.altNames(DNSName) }

// EmailAddresses are the rfc822Name entries as written.
func (c *Certificate) EmailAddresses() []string { return c.altNames(EmailName) }

// URIs are the uniformResourceIdentifier entries as written.
func (c *Certificate) URIs() []string { return c.altNames(URIName) }

func (c *Certificate) altNames(kind NameKind) (out []string) {
	for _, g := range c.AltNames().Value {
		if g.Kind() == kind {
			out = append(out, string(g.Value))
		}
	}
	return out
}

// IPAddresses are the iPAddress entries with 4 or 16 octets; others are left
// out.
func (c *Certificate) IPAddresses() (out []netip.Addr) {
	for _, g := range c.AltNames().Value {
		if ip, ok := g.IP(); ok {
			out = append(out, ip)
		}
	}
	return out
}
