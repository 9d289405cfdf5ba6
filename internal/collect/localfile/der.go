package localfile

import (
	"errors"

	"github.com/certassay/certassay/internal/cert"
)

// Identifier octets that tell structures apart.
const (
	idInteger  = 0x02
	idOID      = 0x06
	idSequence = 0x30
	idContext0 = 0xa0
)

// certificateLike says whether b starts like a certificate (RFC 5280 section
// 4.1), cut off or not: a sequence in a sequence, whose first value is the
// version, or a serial number before an algorithm.
func certificateLike(b []byte) bool {
	outer, _, _ := cert.Next(b)
	tbs, _, _ := cert.Next(outer.Body)
	if outer.ID != idSequence || tbs.ID != idSequence {
		return false
	}
	first, rest, _ := cert.Next(tbs.Body)
	switch first.ID {
	case idContext0:
		version, _, _ := cert.Next(first.Body)
		return version.ID == idInteger
	case idInteger:
		algorithm, _, _ := cert.Next(rest)
		id, _, _ := cert.Next(algorithm.Body)
		return algorithm.ID == idSequence && id.ID == idOID
	}
	return false
}

// split takes certificates that stand one after the other apart. What follows
// the last one and is no certificate stays with it: it is part of what was
// found, and a finding in itself. A line end is not: editors add it.
func split(b []byte) (certs [][]byte, lineEnd bool) {
	for {
		e, rest, err := cert.Next(b)
		switch {
		case err != nil || len(rest) == 0:
			return append(certs, b), false
		case string(rest) == "\n" || string(rest) == "\r\n":
			return append(certs, e.Full), true
		case !certificateLike(rest):
			return append(certs, b), false
		}
		certs, b = append(certs, e.Full), rest
	}
}

// signedData are the content octets of id-signedData (RFC 5652 section 5.1).
const signedData = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"

// isSignedData says whether b starts like a PKCS #7 or CMS SignedData.
func isSignedData(b []byte) bool {
	outer, _, _ := cert.Next(b)
	id, _, _ := cert.Next(outer.Body)
	return outer.ID == idSequence && id.ID == idOID && string(id.Body) == signedData
}

// unwrap takes the certificates out of a SignedData, as they stand there. An
// error may come with certificates: those before what could not be read.
func unwrap(b []byte) (certs [][]byte, err error) {
	outer, _, outerErr := cert.Next(b)
	_, rest, _ := cert.Next(outer.Body)
	content, _, _ := cert.Next(rest)
	data, _, _ := cert.Next(content.Body)
	fields := data.Body
	for n := 0; len(fields) > 0; n++ {
		e, rest, err := cert.Next(fields)
		// The certificates are [0] IMPLICIT, the fourth field.
		if e.ID == idContext0 && n == 3 {
			return set(e.Body, errors.Join(outerErr, err))
		}
		if err != nil {
			return nil, errors.New("the PKCS #7 is cut off or malformed")
		}
		fields = rest
	}
	return nil, errors.New("the PKCS #7 has no certificates in it")
}

func set(b []byte, err error) (certs [][]byte, _ error) {
	for len(b) > 0 {
		e, rest, nextErr := cert.Next(b)
		if nextErr != nil {
			if certificateLike(b) {
				certs = append(certs, b)
			}
			return certs, errors.New("the PKCS #7 is cut off or malformed")
		}
		// Other choices than a certificate are of obsolete or attribute kinds.
		if e.ID == idSequence {
			certs = append(certs, e.Full)
		}
		b = rest
	}
	if err != nil {
		return certs, errors.New("the PKCS #7 is cut off or malformed")
	}
	return certs, nil
}

// describe says what some bytes that are no certificate look like, and what to
// do about it; what is empty where they look like nothing known.
func describe(b []byte) (what, hint string) {
	outer, _, err := cert.Next(b)
	if outer.ID != idSequence || err != nil {
		return "", ""
	}
	first, _, _ := cert.Next(outer.Body)
	switch first.ID {
	case idInteger:
		return "a private key or another structure of numbers", "pass the certificate that belongs to it"
	case idOID:
		return "a PKCS #7 of another kind than signed data", ""
	case idSequence:
		return "a certificate request, a CRL or another signed structure", "pass the certificate itself"
	case 0x0a:
		return "an OCSP response", "pass the certificate itself"
	}
	return "", ""
}
