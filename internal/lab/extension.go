package lab

import (
	encoding "encoding/asn1"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The identifiers of the extensions that a server's certificate bears
// (RFC 5280 section 4.2, RFC 6962 section 3.3).
const (
	IDSKI         = "2.5.29.14"
	IDKeyUsage    = "2.5.29.15"
	IDSAN         = "2.5.29.17"
	IDBasic       = "2.5.29.19"
	IDCRLPoints   = "2.5.29.31"
	IDPolicies    = "2.5.29.32"
	IDAKI         = "2.5.29.35"
	IDExtKeyUsage = "2.5.29.37"
	IDAIA         = "1.3.6.1.5.5.7.1.1"
	IDSCTs        = "1.3.6.1.4.1.11129.2.4.2"
	IDPoison      = "1.3.6.1.4.1.11129.2.4.3"
)

// Identifiers that stand inside extensions.
const (
	ServerAuth = "1.3.6.1.5.5.7.3.1"
	ClientAuth = "1.3.6.1.5.5.7.3.2"
	// DomainValidated is the CA/Browser Forum's policy for them.
	DomainValidated = "2.23.140.1.2.1"
)

// An Extension is one extension with its value in DER, or in whatever the bytes
// are.
type Extension struct {
	ID       string
	Critical bool
	Value    []byte
}

// MakeCritical gives the extension marked critical.
func (e Extension) MakeCritical() Extension {
	e.Critical = true
	return e
}

func (e Extension) der() []byte {
	return sequence(func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid(e.ID))
		if e.Critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1OctetString(e.Value)
	})
}

func oid(text string) encoding.ObjectIdentifier {
	var id encoding.ObjectIdentifier
	for arc := range strings.SplitSeq(text, ".") {
		n, err := strconv.Atoi(arc)
		if err != nil {
			panic(fmt.Sprintf("lab: %q is no object identifier", text))
		}
		id = append(id, n)
	}
	return id
}

// A Usage is a bit of the keyUsage extension (RFC 5280 section 4.2.1.3).
type Usage byte

// The usages that matter to TLS, as they stand in the first octet.
const (
	DigitalSignature Usage = 0x80
	KeyEncipherment  Usage = 0x20
	KeyCertSign      Usage = 0x04
	CRLSign          Usage = 0x02
)

// KeyUsage writes a keyUsage extension; CAs and tools differ in whether it is
// critical, so it is not.
func KeyUsage(usages ...Usage) Extension {
	var bits byte
	for _, u := range usages {
		bits |= byte(u)
	}
	unused := byte(0)
	for unused < 8 && bits&(1<<unused) == 0 {
		unused++
	}
	return Extension{ID: IDKeyUsage, Value: []byte{3, 2, unused, bits}}
}

// Basic writes a basicConstraints extension: of a CA with this path length
// (negative for none), or of a leaf.
func Basic(ca bool, pathLen int) Extension {
	return Extension{ID: IDBasic, Value: sequence(func(b *cryptobyte.Builder) {
		if !ca {
			return
		}
		b.AddASN1Boolean(true)
		if pathLen >= 0 {
			b.AddASN1Int64(int64(pathLen))
		}
	})}
}

// ExtKeyUsage writes an extKeyUsage extension.
func ExtKeyUsage(ids ...string) Extension {
	return Extension{ID: IDExtKeyUsage, Value: sequence(func(b *cryptobyte.Builder) {
		for _, id := range ids {
			b.AddASN1ObjectIdentifier(oid(id))
		}
	})}
}

// SKI writes a subjectKeyIdentifier.
func SKI(id []byte) Extension {
	var b cryptobyte.Builder
	b.AddASN1OctetString(id)
	return Extension{ID: IDSKI, Value: b.BytesOrPanic()}
}

// AKI writes an authorityKeyIdentifier with a key identifier.
func AKI(id []byte) Extension {
	return Extension{ID: IDAKI, Value: sequence(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(id) })
	})}
}

// AKINaming writes an authorityKeyIdentifier with key identifier, issuer and
// serial, as OpenSSL's "keyid,issuer" makes it.
func AKINaming(id, issuer, serial []byte) Extension {
	return Extension{ID: IDAKI, Value: sequence(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(id) })
		b.AddASN1(asn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.Tag(4).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(issuer) })
		})
		b.AddASN1(asn1.Tag(2).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(serial) })
	})}
}

// SAN writes a subjectAltName of DNS names and, where the text is one, IP
// addresses.
func SAN(names ...string) Extension {
	return generalNames(names, func(b *cryptobyte.Builder, name string) {
		if ip, err := netip.ParseAddr(name); err == nil {
			b.AddASN1(asn1.Tag(7).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(ip.AsSlice()) })
			return
		}
		addDNSName(b, name)
	})
}

// DNSNames writes a subjectAltName of nothing but dNSName values, octet by octet,
// whatever they hold.
func DNSNames(names ...string) Extension { return generalNames(names, addDNSName) }

func generalNames(names []string, add func(*cryptobyte.Builder, string)) Extension {
	return Extension{ID: IDSAN, Value: sequence(func(b *cryptobyte.Builder) {
		for _, name := range names {
			add(b, name)
		}
	})}
}

func addDNSName(b *cryptobyte.Builder, name string) {
	b.AddASN1(asn1.Tag(2).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(name)) })
}

// AIA writes an authorityInfoAccess that points to an OCSP responder and to the
// issuer's certificate.
func AIA(ocsp, issuer string) Extension {
	return Extension{ID: IDAIA, Value: sequence(func(b *cryptobyte.Builder) {
		for _, access := range []struct{ method, url string }{
			{"1.3.6.1.5.5.7.48.1", ocsp}, {"1.3.6.1.5.5.7.48.2", issuer},
		} {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oid(access.method))
				addURL(b, access.url)
			})
		}
	})}
}

// CRLPoint writes a cRLDistributionPoints extension with one point.
func CRLPoint(url string) Extension {
	return Extension{ID: IDCRLPoints, Value: sequence(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			wrapped := asn1.Tag(0).ContextSpecific().Constructed()
			b.AddASN1(wrapped, func(b *cryptobyte.Builder) {
				b.AddASN1(wrapped, func(b *cryptobyte.Builder) { addURL(b, url) })
			})
		})
	})}
}

func addURL(b *cryptobyte.Builder, url string) {
	b.AddASN1(asn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(url)) })
}

// Policies writes a certificatePolicies extension without qualifiers.
func Policies(ids ...string) Extension {
	return Extension{ID: IDPolicies, Value: sequence(func(b *cryptobyte.Builder) {
		for _, id := range ids {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid(id)) })
		}
	})}
}
