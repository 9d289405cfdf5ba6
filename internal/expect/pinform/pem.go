package pinform

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/expect"
)

// Types of PEM blocks (RFC 7468).
const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "PUBLIC KEY"
	pemBegin       = "-----BEGIN "
)

const pemHint = "pinned are certificates and public keys; to get the key of a private one: openssl pkey -in key.pem -pubout"

// parsePEM reads public keys and certificates in PEM, or one in DER. Of a
// certificate the key is pinned, which outlives it.
func parsePEM(f *File, data []byte) error {
	s := Set{}
	if !bytes.Contains(data, []byte(pemBegin)) {
		p, err := pinOfDER(data)
		if err != nil {
			return &Error{Err: err, Tip: pemHint}
		}
		s.Pins = append(s.Pins, p)
		f.Sets = append(f.Sets, s)
		return nil
	}
	for rest := data; len(s.Pins) <= maxPins; {
		before := rest
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		p, err := pinOfBlock(block)
		if err != nil {
			return errorf(lineOf(data, before), 0, pemHint, "PEM block %.40q: %w", block.Type, err)
		}
		s.Pins = append(s.Pins, p)
	}
	// The decoder passes over what it cannot read, and with it a pin.
	if n := bytes.Count(data, []byte(pemBegin)); n != len(s.Pins) {
		return &Error{Err: fmt.Errorf("only %d of %d PEM blocks can be read: the others are damaged or cut short", len(s.Pins), n)}
	}
	f.Sets = append(f.Sets, s)
	return nil
}

// isDER says whether data is a certificate or a key in DER.
func isDER(data []byte) bool {
	_, err := pinOfDER(data)
	return err == nil
}

// lineOf is the line of the first block of a rest of data.
func lineOf(data, rest []byte) int {
	at := len(data) - len(rest) + max(bytes.Index(rest, []byte(pemBegin)), 0)
	return bytes.Count(data[:at], []byte("\n")) + 1
}

func pinOfBlock(b *pem.Block) (Pin, error) {
	switch {
	case b.Type == pemCertificate || b.Type == "X509 CERTIFICATE" || b.Type == "TRUSTED CERTIFICATE" || b.Type == pemKey:
		return pinOfDER(b.Bytes)
	case strings.HasSuffix(b.Type, "PRIVATE KEY"):
		return Pin{}, errors.New("a private key has no place among pins")
	}
	return Pin{}, errors.New("it is no certificate and no public key")
}

// pinOfDER pins the key of a certificate, or a key.
func pinOfDER(der []byte) (Pin, error) {
	spki := der
	if c := cert.Parse(der); c.SPKI != nil {
		spki = c.SPKI
	} else if k := cert.ParseKey(der); k.Err != nil {
		return Pin{}, fmt.Errorf("it can be read neither as a certificate nor as a public key: %w", k.Err)
	}
	return OfKey(spki, Any), nil
}

// OfKey pins a SubjectPublicKeyInfo in DER.
func OfKey(spki []byte, role Role) Pin {
	sum := sha256.Sum256(spki)
	return Pin{Pin: expect.Pin{Sum: string(sum[:])}, Role: role, DER: string(spki)}
}

// OfCertificate pins what a form is of: the key of a certificate, or itself where
// the form has no keys.
func OfCertificate(f Format, c *cert.Certificate, role Role) Pin {
	if form := formOf(f); form.keys {
		return OfKey(c.SPKI, role)
	}
	sum := c.SHA256()
	return Pin{Pin: expect.Pin{Of: expect.Certificate, Sum: string(sum[:])}, Role: role, DER: string(c.Raw)}
}

func printPEM(b *bytes.Buffer, sets []Set) {
	for _, p := range sets[0].Pins {
		if note := comment(p.Note); note != "" && !strings.Contains(note, "-----") {
			b.WriteString(note + "\n")
		}
		// Writing to a buffer does not fail.
		_ = pem.Encode(b, &pem.Block{Type: pemKey, Bytes: []byte(p.DER)})
	}
}
