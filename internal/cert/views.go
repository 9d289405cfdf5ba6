package cert

import (
	"bytes"
	"errors"
	"fmt"
)

// A View is the decoded contents of one extension: a value, or why there is
// none. The zero View is that of an extension that is absent.
type View[T any] struct {
	Value T
	// Present says that the extension is there, readable or not.
	Present bool
	// Err says what could not be read. Value holds what was read before it.
	Err error
}

// view decodes every extension with this identifier into one View. Duplicates
// are merged by the decoder rather than ignored: what any reader could take
// from the certificate has to be seen.
func view[T any](c *Certificate, oid string, decode func(value []byte, into *T) error) (v View[T]) {
	for i := range c.Extensions {
		x := &c.Extensions[i]
		if string(x.OID) != oid {
			continue
		}
		v.Present = true
		err := x.Err
		if err == nil {
			if err = decode(x.Value, &v.Value); err != nil {
				err = fmt.Errorf("reading extension %s: %w", OID(oid).ShortName(), err)
			}
		}
		if v.Err == nil {
			v.Err = err
		}
	}
	return v
}

var errTrailing = errors.New("bytes follow the value")

// single reads a value that has to fill b.
func single(b []byte, id byte) ([]byte, error) {
	e, rest, err := Next(b)
	if err == nil && e.ID != id {
		err = errTag
	}
	if err == nil && len(rest) > 0 {
		return e.Body, errTrailing
	}
	if err != nil {
		return nil, err
	}
	return e.Body, nil
}

// each calls f with every element of the SEQUENCE that b holds, and goes on
// after an error of f; the first error is returned.
func each(b []byte, id byte, f func(Element) error) error {
	body, first := single(b, id)
	for len(body) > 0 {
		e, rest, err := Next(body)
		if err != nil {
			if first == nil {
				first = err
			}
			return first
		}
		body = rest
		if err := f(e); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// BasicConstraints is RFC 5280 section 4.2.1.9.
type BasicConstraints struct {
	CA bool
	// PathLen is pathLenConstraint, -1 where there is none, MaxInt32 where it
	// is larger.
	PathLen int
}

// BasicConstraints decodes the extension. In duplicates any CA bit counts and
// the last path length. Without the extension PathLen is -1, too.
func (c *Certificate) BasicConstraints() View[BasicConstraints] {
	v := view(c, OIDBasicConstraints, func(b []byte, bc *BasicConstraints) error {
		bc.PathLen = -1
		body, first := single(b, idSequence)
		e, rest, err := Next(body)
		if err == nil && e.ID == idBoolean {
			bc.CA = bc.CA || len(e.Body) > 0 && e.Body[0] != 0
			e, rest, err = Next(rest)
		}
		if err == nil && e.ID == idInteger {
			n, intErr := smallInt(e.Body)
			if intErr != nil {
				return fmt.Errorf("path length: %w", intErr)
			}
			bc.PathLen = n
			_, _, err = Next(rest)
		}
		switch {
		case first != nil:
			return first
		case err == nil:
			return errTrailing
		case !errors.Is(err, errEmpty):
			return err
		}
		return nil
	})
	if !v.Present {
		v.Value.PathLen = -1
	}
	return v
}

func smallInt(b []byte) (int, error) {
	switch {
	case len(b) == 0:
		return 0, errEmpty
	case b[0]&0x80 != 0:
		return 0, errors.New("a negative number")
	case bitLen(b) > 31:
		return 1<<31 - 1, nil
	}
	n := 0
	for _, c := range b {
		n = n<<8 | int(c)
	}
	return n, nil
}

// KeyUsage is the bits of RFC 5280 section 4.2.1.3.
type KeyUsage uint16

// The usages, in the order of the standard.
const (
	DigitalSignature KeyUsage = 1 << iota
	NonRepudiation
	KeyEncipherment
	DataEncipherment
	KeyAgreement
	KeyCertSign
	CRLSign
	EncipherOnly
	DecipherOnly
)

var keyUsageNames = [...]string{"digitalSignature", "nonRepudiation", "keyEncipherment",
	"dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}

// Strings are the names of the usages, in the order of the standard.
func (u KeyUsage) Strings() []string {
	out := []string{}
	for i, name := range keyUsageNames {
		if u&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// KeyUsage decodes the extension; the bits of duplicates are joined.
func (c *Certificate) KeyUsage() View[KeyUsage] {
	return view(c, OIDKeyUsage, func(b []byte, u *KeyUsage) error {
		body, first := single(b, idBitString)
		if first != nil && body == nil {
			return first
		}
		bits, unused, err := bitString(body)
		if err == nil {
			// Unused bits are no usages, even where they are set.
			for i := range min(9, 8*len(bits)-unused) {
				if bits[i/8]&(0x80>>(i%8)) != 0 {
					*u |= 1 << i
				}
			}
			err = first
		}
		return err
	})
}

// ExtKeyUsage decodes the purposes of RFC 5280 section 4.2.1.12; those of
// duplicates are joined.
func (c *Certificate) ExtKeyUsage() View[[]OID] {
	return view(c, OIDExtKeyUsage, func(b []byte, out *[]OID) error {
		return each(b, idSequence, func(e Element) error {
			if e.ID != idOID {
				return errTag
			}
			*out = append(*out, OID(e.Body))
			return nil
		})
	})
}

// SubjectKeyID decodes RFC 5280 section 4.2.1.2; of duplicates the last.
func (c *Certificate) SubjectKeyID() View[[]byte] {
	return view(c, OIDSubjectKeyID, func(b []byte, id *[]byte) (err error) {
		*id, err = single(b, idOctetString)
		return err
	})
}

// AuthorityKeyID is RFC 5280 section 4.2.1.1.
type AuthorityKeyID struct {
	// KeyID is nil where absent.
	KeyID []byte
	// Issuer is the raw GeneralNames, Serial the content octets; nil where
	// absent.
	Issuer, Serial []byte
}

// AuthorityKeyID decodes the extension; of duplicates the last of each field.
func (c *Certificate) AuthorityKeyID() View[AuthorityKeyID] {
	return view(c, OIDAuthorityKeyID, func(b []byte, id *AuthorityKeyID) error {
		return each(b, idSequence, func(e Element) error {
			switch e.ID {
			case 0x80:
				id.KeyID = e.Body
			case 0xa1:
				id.Issuer = e.Body
			case 0x82:
				id.Serial = e.Body
			default:
				return errTag
			}
			return nil
		})
	})
}

// AuthorityInfo is RFC 5280 section 4.2.2.1.
type AuthorityInfo struct {
	// OCSP and Issuers are the URLs as written: of OCSP responders and of
	// issuer certificates.
	OCSP, Issuers []string
}

const (
	oidOCSP      = "\x2b\x06\x01\x05\x05\x07\x30\x01"
	oidCAIssuers = "\x2b\x06\x01\x05\x05\x07\x30\x02"
)

// AuthorityInfo decodes the extension; other methods and names that are no
// URLs are left out.
func (c *Certificate) AuthorityInfo() View[AuthorityInfo] {
	return view(c, OIDAuthorityInfo, func(b []byte, a *AuthorityInfo) error {
		return each(b, idSequence, func(e Element) error {
			method, rest, err := Next(e.Body)
			if err != nil {
				return err
			}
			where, _, err := Next(rest)
			if err != nil || where.ID != 0x86 {
				return err
			}
			switch string(method.Body) {
			case oidOCSP:
				a.OCSP = append(a.OCSP, string(where.Body))
			case oidCAIssuers:
				a.Issuers = append(a.Issuers, string(where.Body))
			}
			return nil
		})
	})
}

// CRLDistribution decodes the URLs of RFC 5280 section 4.2.1.13, as written.
func (c *Certificate) CRLDistribution() View[[]string] {
	return view(c, OIDCRLDistribution, func(b []byte, out *[]string) error {
		return each(b, idSequence, func(point Element) error {
			name, _, err := Next(point.Body)
			if err != nil || name.ID != 0xa0 {
				return err
			}
			full, _, err := Next(name.Body)
			if err != nil || full.ID != 0xa0 {
				return err
			}
			return each(full.Full, 0xa0, func(e Element) error {
				if e.ID == 0x86 {
					*out = append(*out, string(e.Body))
				}
				return nil
			})
		})
	})
}

// Policies decodes the identifiers of RFC 5280 section 4.2.1.4.
func (c *Certificate) Policies() View[[]OID] {
	return view(c, OIDPolicies, func(b []byte, out *[]OID) error {
		return each(b, idSequence, func(e Element) error {
			id, _, err := Next(e.Body)
			if err == nil && id.ID != idOID {
				err = errTag
			}
			if err == nil {
				*out = append(*out, OID(id.Body))
			}
			return err
		})
	})
}

// SCTList is the SignedCertificateTimestampList of RFC 6962 section 3.3: the
// contents of the inner OCTET STRING, of duplicates the first.
func (c *Certificate) SCTList() View[[]byte] {
	return view(c, OIDSCTList, func(b []byte, list *[]byte) error {
		body, err := single(b, idOctetString)
		if *list == nil {
			*list = body
		}
		return err
	})
}

// MustStaple says whether status_request is among the TLS features that a server
// has to offer (RFC 7633 section 4.1): it has to staple an OCSP response.
func (c *Certificate) MustStaple() View[bool] {
	return view(c, OIDMustStaple, func(b []byte, staple *bool) error {
		return each(b, idSequence, func(e Element) error {
			if e.ID != idInteger {
				return errTag
			}
			*staple = *staple || bytes.Equal(e.Body, []byte{statusRequest})
			return nil
		})
	})
}

// statusRequest is the number of that extension of TLS (RFC 6066 section 8).
const statusRequest = 5

// Poison says whether the precertificate poison of RFC 6962 section 3.1 is
// there; its error says that it is not critical or not a NULL.
func (c *Certificate) Poison() View[struct{}] {
	v := view(c, OIDPoison, func(b []byte, _ *struct{}) error {
		body, err := single(b, idNull)
		if err == nil && len(body) > 0 {
			err = errTrailing
		}
		return err
	})
	if v.Present && v.Err == nil && !c.Extension(OIDPoison).Critical {
		v.Err = errors.New("the poison extension is not critical")
	}
	return v
}

// NetscapeComment is the text of nsComment, which OpenSSL's example
// configuration writes.
func (c *Certificate) NetscapeComment() View[string] {
	return view(c, OIDNetscapeComment, func(b []byte, s *string) error {
		e, _, err := Next(b)
		if err == nil {
			*s, err = decodeText(e.ID, e.Body)
		}
		return err
	})
}

// NameConstraints says whether the extension is there; its subtrees are not
// decoded. Value says that there is at least one subtree.
func (c *Certificate) NameConstraints() View[bool] {
	return view(c, OIDNameConstraints, func(b []byte, some *bool) error {
		return each(b, idSequence, func(e Element) error {
			if e.ID != 0xa0 && e.ID != 0xa1 {
				return errTag
			}
			*some = true
			return nil
		})
	})
}
