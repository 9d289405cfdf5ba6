package ct

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/cert"
)

// oidPrecertSigning is the extended key usage of a Precertificate Signing
// Certificate (RFC 6962 section 3.1), as content octets.
const oidPrecertSigning = "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x04"

// tagExtensions is the [3] of TBSCertificate (RFC 5280 section 4.1).
const tagExtensions = asn1.Tag(3 | 0x80 | 0x20)

// errNotDER is the reason where the outer structure is not what a log parses.
var errNotDER = errors.New("the signed part is not DER of the usual form")

// CertificateTBS rebuilds what a log signed from a certificate that embeds the
// SCT: the TBSCertificate without the SCT list extension (RFC 6962 section 3.3).
// Nothing but that extension and the lengths around it changes; no value is
// decoded and encoded again. It refuses a TBSCertificate whose outer structure
// is not DER, and one that has not exactly one SCT list, that is a
// precertificate as well, or that has no other extension.
func CertificateTBS(c *cert.Certificate) ([]byte, error) {
	t, err := splitTBS(c.TBS)
	if err != nil {
		return nil, fmt.Errorf("rebuilding precertificate: %w", err)
	}
	if t.count(cert.OIDPoison) != 0 {
		return nil, errors.New("rebuilding precertificate: it is a precertificate already")
	}
	if n := t.remove(cert.OIDSCTList); n != 1 {
		return nil, fmt.Errorf("rebuilding precertificate: there are %d SCT lists, not one", n)
	}
	return t.join("rebuilding precertificate")
}

// PrecertificateTBS rebuilds what a log signs from a precertificate: the
// TBSCertificate without the poison (RFC 6962 section 3.1). signer is the
// Precertificate Signing Certificate that issued it, or nil where the CA's own
// certificate did; see [IsPrecertSigner]. With one, the issuer name and the
// authority key identifier become those of the final issuer, as the signer
// states them (section 3.2). What it refuses is as for [CertificateTBS].
func PrecertificateTBS(pre, signer *cert.Certificate) ([]byte, error) {
	const doing = "rebuilding log entry of precertificate"
	t, err := splitTBS(pre.TBS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if n := t.remove(cert.OIDPoison); n != 1 {
		return nil, fmt.Errorf("%s: there are %d poison extensions, not one", doing, n)
	}
	if signer != nil {
		if !bytes.Equal(t.fields[t.issuer], signer.Subject.Raw) || signer.Issuer.Raw == nil {
			return nil, fmt.Errorf("%s: it does not name the signing certificate as its issuer", doing)
		}
		t.fields[t.issuer] = signer.Issuer.Raw
		t.replace(cert.OIDAuthorityKeyID, signer.Extension(cert.OIDAuthorityKeyID))
	}
	return t.join(doing)
}

// IsPrecertSigner says whether c is a Precertificate Signing Certificate: its
// extended key usage says so, and nothing else counts.
func IsPrecertSigner(c *cert.Certificate) bool {
	for _, usage := range c.ExtKeyUsage().Value {
		if string(usage) == oidPrecertSigning {
			return true
		}
	}
	return false
}

// A tbs is a TBSCertificate taken apart, every part with its header as written.
type tbs struct {
	fields     [][]byte // those before the extensions
	issuer     int      // index of the issuer in fields
	extensions []extension
}

type extension struct {
	oid string // content octets
	raw []byte
}

// maxExtensions bounds what is taken apart: a certificate of a megabyte can hold
// 100 000 extensions. Honest ones have about ten.
const maxExtensions = 1000

func splitTBS(raw []byte) (*tbs, error) {
	in := cryptobyte.String(raw)
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return nil, errNotDER
	}
	t := &tbs{fields: make([][]byte, 0, 10)}
	for !body.Empty() {
		var field cryptobyte.String
		var tag asn1.Tag
		if !body.ReadAnyASN1Element(&field, &tag) {
			return nil, errNotDER
		}
		if tag == tagExtensions {
			// It stands last, so that nothing behind it can be overlooked.
			if !body.Empty() {
				return nil, errNotDER
			}
			return t, t.split(field)
		}
		if len(t.fields) == 0 && tag == asn1.Tag(0).ContextSpecific().Constructed() {
			t.issuer = 1
		}
		t.fields = append(t.fields, field)
	}
	return nil, errors.New("it has no extensions")
}

// split takes the [3] field apart. The issuer is the third field behind the
// version, which splitTBS has counted if it is there.
func (t *tbs) split(field cryptobyte.String) error {
	if t.issuer += 2; t.issuer >= len(t.fields) {
		return errNotDER
	}
	var outer, list cryptobyte.String
	if !field.ReadASN1(&outer, tagExtensions) || !outer.ReadASN1(&list, asn1.SEQUENCE) || !outer.Empty() {
		return errNotDER
	}
	t.extensions = make([]extension, 0, 12)
	for !list.Empty() {
		var raw, body, oid cryptobyte.String
		if !list.ReadASN1Element(&raw, asn1.SEQUENCE) {
			return errNotDER
		}
		inner := raw
		if !inner.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) {
			return errNotDER
		}
		if len(t.extensions) == maxExtensions {
			return fmt.Errorf("it has more than %d extensions", maxExtensions)
		}
		t.extensions = append(t.extensions, extension{string(oid), raw})
	}
	return nil
}

func (t *tbs) count(oid string) (n int) {
	for _, x := range t.extensions {
		if x.oid == oid {
			n++
		}
	}
	return n
}

// remove leaves out every extension with this identifier and says how many.
func (t *tbs) remove(oid string) (n int) {
	kept := t.extensions[:0]
	for _, x := range t.extensions {
		if x.oid == oid {
			n++
		} else {
			kept = append(kept, x)
		}
	}
	t.extensions = kept
	return n
}

// replace puts with in the place of the extensions with this identifier, at the
// end where there are none; a nil with removes them.
func (t *tbs) replace(oid string, with *cert.Extension) {
	if with == nil {
		t.remove(oid)
		return
	}
	for i := range t.extensions {
		if t.extensions[i].oid == oid {
			t.extensions[i].raw = with.Raw
			return
		}
	}
	t.extensions = append(t.extensions, extension{oid, with.Raw})
}

// join puts the parts together again.
func (t *tbs) join(doing string) ([]byte, error) {
	// What a log makes of an empty list is not specified, and none has to.
	if len(t.extensions) == 0 {
		return nil, fmt.Errorf("%s: no other extension is left", doing)
	}
	listed, size := 0, 0
	for _, x := range t.extensions {
		listed += len(x.raw)
	}
	for _, f := range t.fields {
		size += len(f)
	}
	wrapped := cert.HeaderSize(listed) + listed
	size += cert.HeaderSize(wrapped) + wrapped
	out := appendHeader(make([]byte, 0, cert.HeaderSize(size)+size), asn1.SEQUENCE, size)
	for _, f := range t.fields {
		out = append(out, f...)
	}
	out = appendHeader(appendHeader(out, tagExtensions, wrapped), asn1.SEQUENCE, listed)
	for _, x := range t.extensions {
		out = append(out, x.raw...)
	}
	return out, nil
}

// appendHeader appends the header of n octets that are to follow.
func appendHeader(b []byte, tag asn1.Tag, n int) []byte {
	if n < 0x80 {
		return append(b, byte(tag), byte(n))
	}
	more := cert.HeaderSize(n) - 2
	b = append(b, byte(tag), 0x80|byte(more))
	for ; more > 0; more-- {
		b = append(b, byte(n>>(8*(more-1))))
	}
	return b
}
