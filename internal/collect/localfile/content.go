package localfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/keystore"
	"github.com/certassay/certassay/internal/evidence"
)

// content is what was found in one file.
type content struct {
	path string
	// certs are those of a file that is one list of certificates; entries are
	// those of a file that keeps several things apart.
	certs    []evidence.DER
	entries  []entry
	failures []evidence.Failure
	notes    []string
	warnings []Warning
	// other says that the file is in order and holds other things than
	// certificates: a private key, parameters.
	other bool
	// store says that the file is a key store, whatever its name is.
	store bool
	// nested says that this is a value in another file: no further objects are
	// looked for in it, or a file could nest them without end.
	nested bool
}

// An entry is one of several things in a file, with the name it has there.
type entry struct {
	name  string
	certs []evidence.DER
}

// Decode gives the certificates in some bytes: PEM, DER or PKCS #7, as they stand
// there. Key stores are none: what comes from strangers is not worth the work that
// opening one takes. The error says what else is wrong with them; it may come with
// certificates.
func Decode(data []byte) ([]evidence.DER, error) {
	c := &content{}
	switch {
	case isSignedData(data):
		c.signed("", data)
	case certificateLike(data):
		c.der(data)
	default:
		c.text(data)
	}
	if len(c.certs) == 0 && len(c.failures) == 0 {
		c.fail("there is no certificate in it", "")
	}
	var errs []error
	for _, f := range c.failures {
		errs = append(errs, errors.New(strings.TrimPrefix(f.Error, ": ")))
	}
	return c.certs, errors.Join(errs...)
}

// decode reads the bytes of a file. The result has at least a certificate or a
// failure.
func decode(path string, data []byte, stores Stores) *content {
	c := &content{path: path}
	c.read(data, stores)
	return c
}

func (c *content) read(data []byte, stores Stores) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case keystore.IsJava(data):
		c.keys(keystore.Java(data, stores.Passwords), stores)
	case keystore.IsPKCS12(data):
		c.keys(keystore.PKCS12(data, stores.Passwords), stores)
	case !c.nested && kubernetesLike(data) && c.kubernetes(data, stores):
	case isSignedData(data):
		c.signed("", data)
	case certificateLike(data):
		c.der(data)
	default:
		c.text(data)
	}
	if len(c.certs) > MaxCertificates {
		c.fail(fmt.Sprintf("%d certificates are more than %d: the rest was left out", len(c.certs), MaxCertificates), "")
		c.certs = c.certs[:MaxCertificates]
	}
	if c.empty() && len(c.failures) == 0 {
		c.other = true
		c.fail("there is no certificate in it", hintForms)
	}
}

// hintForms is what helps where there is no certificate.
const hintForms = "pass a file with a certificate in PEM, DER or PKCS #7 form, or a key store"

func (c *content) empty() bool { return len(c.certs) == 0 && len(c.entries) == 0 }

// text reads a file that does not start as DER.
func (c *content) text(data []byte) {
	if bytes.IndexByte(data, '\n') < 0 {
		// Line ends of a bare CR.
		data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	}
	found := blocks(data)
	for _, b := range found {
		c.block(b)
	}
	if len(found) > 0 {
		return
	}
	if der, err := decodeBase64(data); err == nil && (certificateLike(der) || isSignedData(der)) {
		if isSignedData(der) {
			c.signed("", der)
			return
		}
		c.der(der)
		return
	}
	if what, hint := describe(data); what != "" {
		c.fail("this looks like "+what+", not a certificate", hint)
		return
	}
	if len(data) == 0 {
		c.fail("the file is empty", "")
		return
	}
	c.fail("this is no certificate in any known form", hintForms)
}

func (c *content) block(b block) {
	where := fmt.Sprintf("block %d (line %d): ", b.number, b.line)
	switch b.label {
	case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
		if b.err != nil {
			c.fail(where+"a certificate cannot be read: "+b.err.Error(), "")
			return
		}
		if b.label == "TRUSTED CERTIFICATE" {
			b.bytes = c.withoutTrust(where, b.bytes)
		}
		c.add(where, b.bytes)
	case "PKCS7", "PKCS #7 SIGNED DATA", "CMS":
		if b.err != nil {
			c.fail(where+"a PKCS #7 cannot be read: "+b.err.Error(), "")
			return
		}
		c.signed(where, b.bytes)
	default:
		c.note(fmt.Sprintf("%s%s is no certificate: skipped", where, b.label))
	}
}

// withoutTrust drops the trust settings that OpenSSL appends.
func (c *content) withoutTrust(where string, b []byte) []byte {
	e, rest, err := cert.Next(b)
	if err != nil || len(rest) == 0 {
		return b
	}
	c.note(fmt.Sprintf("%s%d bytes of trust settings behind the certificate: left out", where, len(rest)))
	return e.Full
}

// add keeps the bytes of a certificate block, whatever they are: what was
// called a certificate is judged as one.
func (c *content) add(where string, b []byte) {
	if len(b) > MaxCertificate {
		c.fail(fmt.Sprintf("%sa certificate of %d bytes, more than %d", where, len(b), MaxCertificate), "")
		return
	}
	c.certs = append(c.certs, evidence.DER(bytes.Clone(b)))
}

func (c *content) der(b []byte) {
	certs, lineEnd := split(b)
	if lineEnd {
		c.note("a line end behind the certificate: left out")
	}
	for _, one := range certs {
		if e, rest, err := cert.Next(one); err == nil && len(one) > MaxCertificate && len(rest) > 0 {
			c.fail(fmt.Sprintf("%d bytes behind a certificate are no certificate", len(rest)), "")
			one = e.Full
		}
		c.add("", one)
	}
}

func (c *content) signed(where string, b []byte) {
	certs, err := unwrap(b)
	if err == nil && len(certs) == 0 {
		err = errors.New("the PKCS #7 has no certificates in it")
	}
	if err != nil {
		c.fail(where+err.Error(), "")
	}
	for _, one := range leafFirst(certs) {
		c.add(where, one)
	}
}

// leafFirst orders a set: the first certificate that none of the others names
// as its issuer, then its issuers as far as they go, then the rest as they
// stand.
func leafFirst(certs [][]byte) [][]byte {
	if len(certs) > MaxChain {
		return certs
	}
	var read []*cert.Certificate
	for _, b := range certs {
		read = append(read, cert.Parse(b))
	}
	issues := func(a, b *cert.Certificate) bool {
		return a != b && a.Subject.Raw != nil && !b.SelfIssued() && bytes.Equal(a.Subject.Raw, b.Issuer.Raw)
	}
	leaf := slices.IndexFunc(read, func(a *cert.Certificate) bool {
		return !slices.ContainsFunc(read, func(b *cert.Certificate) bool { return issues(a, b) })
	})
	var out [][]byte
	for at := leaf; at >= 0; {
		last := read[at]
		out, read = append(out, last.Raw), slices.Delete(read, at, at+1)
		at = slices.IndexFunc(read, func(a *cert.Certificate) bool { return issues(a, last) })
	}
	for _, a := range read {
		out = append(out, a.Raw)
	}
	return out
}

func (c *content) fail(text, hint string) {
	c.failures = append(c.failures, evidence.Failure{
		Stage: evidence.StageDecode, Error: printable(c.path) + ": " + text, Hint: hint,
	})
}

func (c *content) note(text string) { c.notes = append(c.notes, text) }

// printable quotes a path with characters that a terminal might obey.
func printable(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(path)
	}
	return path
}
