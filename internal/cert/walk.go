package cert

import (
	"bytes"
	"fmt"
	"slices"
)

// Parse reads a certificate. It never fails: what cannot be read has its error
// beside it in the result, and Raw is always der.
func Parse(der []byte) *Certificate {
	c := &Certificate{Raw: der}
	outer, rest, err := next(der, &c.Quirks)
	if len(rest) > 0 {
		c.Quirks |= TrailingData
	}
	if outer.ID != idSequence {
		c.unread(fieldVersion, orTag(err))
		c.unsigned(nil, orTag(err))
		return c
	}
	// A truncated certificate is still walked: what is there can be judged.
	tbs, rest, tbsErr := next(outer.Body, &c.Quirks)
	if tbs.ID != idSequence {
		c.unread(fieldVersion, orTag(tbsErr))
		c.unsigned(nil, orTag(tbsErr))
		return c
	}
	if tbsErr == nil {
		c.TBS = tbs.Full
	}
	c.signed(tbs.Body)
	if tbsErr == nil {
		tbsErr = err
	}
	c.unsigned(rest, tbsErr)
	c.lint(outer.Body)
	return c
}

// ParseTBS reads a TBSCertificate, as a CT log keeps those of precertificates, as
// a certificate that lacks its signature: Raw is tbs behind a header that is not
// minimal.
func ParseTBS(tbs []byte) *Certificate {
	n := len(tbs)
	header := []byte{idSequence, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	return Parse(slices.Concat(header, tbs))
}

func orTag(err error) error {
	if err == nil {
		return errTag
	}
	return err
}

// A field is a mandatory part of the signed part, in the order written.
type field int

const (
	fieldVersion field = iota
	fieldSerial
	fieldAlgorithm
	fieldIssuer
	fieldValidity
	fieldSubject
	fieldKey
	fieldExtensions
)

var fieldNames = [...]string{"version", "serial number", "signature algorithm", "issuer",
	"validity", "subject", "public key", "extensions"}

// unread ends the walk of the signed part at a field: it and all that stand
// behind it have the same error.
func (c *Certificate) unread(from field, err error) {
	err = fmt.Errorf("reading %s: %w", fieldNames[from], err)
	if c.Err == nil {
		c.Err = err
	}
	var noField, notBefore error
	for i, p := range [...]*error{&c.VersionErr, &c.SerialErr, &noField, &c.Issuer.Err,
		&notBefore, &c.Subject.Err, &c.Key.Err, &c.ExtensionsErr} {
		if field(i) >= from {
			*p = err
		}
	}
	if notBefore != nil {
		c.NotBeforeErr, c.NotAfterErr = err, err
	}
}

// signed reads the contents of TBSCertificate (RFC 5280 section 4.1).
func (c *Certificate) signed(b []byte) {
	c.Issuer.memo, c.Subject.memo = &c.issuer, &c.subject
	e, b, err := next(b, &c.Quirks)
	if err == nil && e.ID == idContext0 {
		c.version(e.Body)
		e, b, err = next(b, &c.Quirks)
	} else if err == nil {
		c.Version = 1
	}
	if err != nil {
		c.unread(fieldVersion, err)
		return
	}
	c.Serial = e.Body
	if e.ID != idInteger {
		c.SerialErr = errTag
	}
	if len(e.Body) > 20 {
		c.Quirks |= BadSerial
	}
	// Anything but a sequence in one of these places is another structure: a
	// CRL, a request, an OCSP response.
	for f, raw := range [...]*[]byte{&c.SigAlgInner, &c.Issuer.Raw, &c.Validity, &c.Subject.Raw, &c.SPKI} {
		if e, b, err = expect(b, idSequence, &c.Quirks); err != nil {
			c.unread(fieldAlgorithm+field(f), err)
			return
		}
		*raw = e.Full
		switch fieldAlgorithm + field(f) {
		case fieldIssuer:
			if len(e.Body) == 0 {
				c.Quirks |= EmptyName
			}
		case fieldValidity:
			c.times(e.Body)
		case fieldKey:
			c.Key = parseKey(e.Body, &c.Quirks)
		}
	}
	c.optional(b)
}

func (c *Certificate) version(b []byte) {
	v, rest, err := expect(b, idInteger, &c.Quirks)
	switch {
	case err != nil:
		c.VersionErr = fmt.Errorf("reading version: %w", err)
	case len(v.Body) != 1 || v.Body[0] >= 0x80:
		c.VersionErr = fmt.Errorf("reading version: %x is out of range", v.Body[:min(len(v.Body), 8)])
		c.Quirks |= UnknownVersion
	default:
		c.Version = int(v.Body[0]) + 1
	}
	if c.Version == 1 {
		c.Quirks |= ExplicitDefault
	}
	if c.Version > 3 {
		c.Quirks |= UnknownVersion
	}
	if len(rest) > 0 {
		c.Quirks |= TrailingInValue
	}
}

func (c *Certificate) times(b []byte) {
	e, rest, err := next(b, &c.Quirks)
	if err == nil {
		c.NotBefore, c.NotBeforeErr = parseTime(e, &c.Quirks)
		e, rest, err = next(rest, &c.Quirks)
		if err == nil {
			c.NotAfter, c.NotAfterErr = parseTime(e, &c.Quirks)
		} else {
			c.NotAfterErr = fmt.Errorf("reading notAfter: %w", err)
		}
	} else {
		c.NotBeforeErr = fmt.Errorf("reading notBefore: %w", err)
		c.NotAfterErr = c.NotBeforeErr
	}
	if len(rest) > 0 {
		c.Quirks |= TrailingInValue
	}
}

// optional reads what may follow the public key, in whatever order it comes.
func (c *Certificate) optional(b []byte) {
	for len(b) > 0 {
		e, rest, err := next(b, &c.Quirks)
		if err != nil {
			c.ExtensionsErr = fmt.Errorf("reading what follows the public key: %w", err)
			return
		}
		b = rest
		// IMPLICIT BIT STRING; some encoders send it constructed.
		switch e.ID {
		case 0x81, 0xa1:
			c.IssuerUniqueID = e.Body
		case 0x82, 0xa2:
			c.SubjectUniqueID = e.Body
		case idContext3:
			c.extensions(e.Body)
			continue
		default:
			c.Quirks |= UnknownField
			continue
		}
		if c.Version == 1 {
			c.Quirks |= UniqueIDInOld
		}
	}
}

// unsigned reads what follows the signed part; err is set where that is cut.
func (c *Certificate) unsigned(b []byte, err error) {
	var alg, sig Element
	if alg, b, err = after(b, err, &c.Quirks); alg.ID == idSequence && err == nil {
		c.SigAlgOuter = alg.Full
		if !bytes.Equal(c.SigAlgInner, c.SigAlgOuter) {
			c.Quirks |= AlgorithmMismatch
		}
	} else {
		err = orTag(err)
	}
	if sig, b, err = after(b, err, &c.Quirks); err == nil && sig.ID != idBitString {
		err = errTag
	}
	if err == nil {
		c.Signature, c.SignatureUnused, err = bitString(sig.Body)
	}
	if len(b) > 0 {
		c.Quirks |= TrailingInValue
		if err == nil {
			c.Quirks |= BehindSignature
		}
	}
	if err != nil {
		c.SignatureErr = fmt.Errorf("reading signature: %w", err)
		if c.Err == nil {
			c.Err = c.SignatureErr
		}
	}
}

func after(b []byte, err error, q *Quirks) (Element, []byte, error) {
	if err != nil {
		return Element{}, nil, err
	}
	return next(b, q)
}

// bitString splits the contents of a BIT STRING (X.690 section 8.6).
func bitString(b []byte) (bits []byte, unused int, err error) {
	if len(b) == 0 {
		return nil, 0, errEmpty
	}
	if b[0] > 7 || b[0] > 0 && len(b) == 1 {
		return b[1:], int(b[0]), fmt.Errorf("a bit string with %d unused bits in %d octets", b[0], len(b)-1)
	}
	return b[1:], int(b[0]), nil
}
