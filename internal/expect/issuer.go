package expect

import (
	"errors"
	"regexp"
	"strings"
)

// An Issuer is a CA that may issue for a target: either a key or a CA.
type Issuer struct {
	// Key is a pin of the key of the issuing CA, where CA is empty. It is of
	// kind SPKI.
	Key Pin
	// CA is the CA's identifier in CAA records, in lower case, such as
	// "letsencrypt.org" (RFC 8659 section 4.2).
	CA string
	// Place is where it was written.
	Place Place
}

// String gives the form in which the issuer is written: a pin or an identifier.
func (i Issuer) String() string {
	if i.CA != "" {
		return i.CA
	}
	return i.Key.String()
}

var (
	errCA = errors.New(`want the CA's identifier in CAA records, such as "letsencrypt.org"`)
	// caForm is issuer-domain-name of RFC 8659 section 4.2.
	caForm = regexp.MustCompile(`^[a-z0-9]+(-+[a-z0-9]+)*(\.[a-z0-9]+(-+[a-z0-9]+)*)+$`)
)

// maxDomain is the length of a domain name (RFC 1035 section 2.3.4).
const maxDomain = 253

// ParseCA reads the identifier of a CA. What stands in CAA records behind it,
// such as accounturi, is no part of it.
func ParseCA(s string) (Issuer, error) {
	s = strings.ToLower(s)
	if len(s) > maxDomain || !caForm.MatchString(s) {
		return Issuer{}, errCA
	}
	return Issuer{CA: s}, nil
}

var errIssuerKey = errors.New("an issuer is pinned by its key: want sha256/ and 44 characters of base64")

// ParseIssuerKey reads the pin of a CA's key. That of a certificate is refused:
// a CA has many certificates for one key.
func ParseIssuerKey(s string) (Issuer, error) {
	p, err := ParsePin(s)
	if err != nil || p.Of != SPKI || p.Hash != SHA256 {
		return Issuer{}, errIssuerKey
	}
	return Issuer{Key: p}, nil
}
