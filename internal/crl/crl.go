// Package crl reads revocation lists (RFC 5280 section 5). It verifies nothing: it
// gives what a list says, and the octets that were signed.
//
// A list can hold millions of entries. They are never parsed into anything: [List.Find]
// walks the bytes for one serial number, about 26 ns an entry.
package crl

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/cert"
)

// MaxEntries bounds the entries that are walked: a list of 32 MiB of the shortest
// ones possible would hold four million, one in a bundle could hold more.
const MaxEntries = 10_000_000

// Identifiers of extensions as content octets (RFC 5280 sections 5.2 and 5.3).
const (
	oidAKI       = "\x55\x1d\x23"
	oidNumber    = "\x55\x1d\x14"
	oidDelta     = "\x55\x1d\x1b"
	oidIDP       = "\x55\x1d\x1c"
	oidFreshest  = "\x55\x1d\x2e"
	oidAuthority = "\x2b\x06\x01\x05\x05\x07\x01\x01"
	oidReason    = "\x55\x1d\x15"
)

// ErrForm says that some bytes are no list in DER.
var ErrForm = errors.New("reading CRL: not a certificate list in DER")

// NoReason is the reason of an entry that gives none.
const NoReason = -1

// RemoveFromCRL is the reason of an entry in a delta list that takes an earlier
// one back.
const RemoveFromCRL = 8

// A List is what a CRL says. Its slices lie within the bytes given to [Parse].
type List struct {
	// TBS is the signed part with its header.
	TBS []byte
	// Algorithm is the AlgorithmIdentifier of the signature, with its header.
	Algorithm, Signature []byte
	// AlgorithmsDiffer says that the signed part names another algorithm.
	AlgorithmsDiffer bool
	Issuer           cert.Name
	// This and Next are thisUpdate and nextUpdate; Next is zero where absent.
	This, Next time.Time
	// Number is the content octets of the CRL number; nil where there is none.
	Number []byte
	// KeyID is the key identifier of whoever signed it, by its own word; nil
	// where there is none.
	KeyID []byte
	// Delta says that it holds changes to another list alone.
	Delta bool
	// Scope is the issuing distribution point; nil where there is none, so that
	// the list covers all that its issuer issued.
	Scope *Scope
	// Unknown says that it has a critical extension that is not understood: the
	// list must not be used for more than what it says is revoked.
	Unknown bool

	entries cryptobyte.String
}

// A Scope says what a list covers (RFC 5280 section 5.2.5).
type Scope struct {
	// URLs are the names of the distribution point. Named says that it has a
	// name of any kind.
	URLs  []string
	Named bool
	// OnlyUser, OnlyCA and OnlyAttribute leave all other certificates out.
	OnlyUser, OnlyCA, OnlyAttribute bool
	// SomeReasons says that other reasons stand in another list.
	SomeReasons bool
	// Indirect says that it holds certificates of other issuers, too.
	Indirect bool
}

// An Entry is a revoked certificate.
type Entry struct {
	At time.Time
	// Reason is one of RFC 5280 section 5.3.1, or [NoReason].
	Reason int
}

// Parse reads a list without its entries, which [List.Find] reads.
func Parse(der []byte) (*List, error) {
	in := cryptobyte.String(der)
	var outer, tbs, signature cryptobyte.String
	l := &List{}
	var algorithm cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Element(&tbs, asn1.SEQUENCE) ||
		!outer.ReadASN1Element(&algorithm, asn1.SEQUENCE) || !outer.ReadASN1(&signature, asn1.BIT_STRING) ||
		!outer.Empty() || len(signature) == 0 || signature[0] != 0 {
		return nil, ErrForm
	}
	l.TBS, l.Algorithm, l.Signature = tbs, algorithm, signature[1:]
	if !l.read(tbs) {
		return nil, ErrForm
	}
	return l, nil
}

// read reads a TBSCertList.
func (l *List) read(in cryptobyte.String) bool {
	var body, algorithm, name, extensions cryptobyte.String
	var has bool
	if !in.ReadASN1(&body, asn1.SEQUENCE) {
		return false
	}
	if body.PeekASN1Tag(asn1.INTEGER) && !body.SkipASN1(asn1.INTEGER) {
		return false
	}
	if !body.ReadASN1Element(&algorithm, asn1.SEQUENCE) || !body.ReadASN1Element(&name, asn1.SEQUENCE) || !readTime(&body, &l.This) {
		return false
	}
	l.Issuer, l.AlgorithmsDiffer = cert.Name{Raw: name}, !bytes.Equal(algorithm, l.Algorithm)
	if body.PeekASN1Tag(asn1.UTCTime) || body.PeekASN1Tag(asn1.GeneralizedTime) {
		if !readTime(&body, &l.Next) {
			return false
		}
	}
	if body.PeekASN1Tag(asn1.SEQUENCE) && !body.ReadASN1(&l.entries, asn1.SEQUENCE) {
		return false
	}
	if !body.ReadOptionalASN1(&extensions, &has, explicit(0)) || !body.Empty() {
		return false
	}
	return !has || each(extensions, l.extension)
}

func readTime(in *cryptobyte.String, out *time.Time) bool {
	if in.PeekASN1Tag(asn1.UTCTime) {
		return in.ReadASN1UTCTime(out)
	}
	return in.ReadASN1GeneralizedTime(out)
}

// each walks the Extensions within in.
func each(in cryptobyte.String, visit func(oid string, critical bool, value cryptobyte.String) bool) bool {
	var list cryptobyte.String
	if !in.ReadASN1(&list, asn1.SEQUENCE) || !in.Empty() {
		return false
	}
	for !list.Empty() {
		var x, oid, value cryptobyte.String
		critical := false
		if !list.ReadASN1(&x, asn1.SEQUENCE) || !x.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) {
			return false
		}
		if x.PeekASN1Tag(asn1.BOOLEAN) && !x.ReadASN1Boolean(&critical) {
			return false
		}
		if !x.ReadASN1(&value, asn1.OCTET_STRING) || !x.Empty() || !visit(string(oid), critical, value) {
			return false
		}
	}
	return true
}

func (l *List) extension(oid string, critical bool, value cryptobyte.String) bool {
	switch oid {
	case oidNumber:
		var number cryptobyte.String
		if !value.ReadASN1(&number, asn1.INTEGER) {
			return false
		}
		l.Number = number
	case oidDelta:
		l.Delta = true
	case oidIDP:
		l.Scope = &Scope{}
		return l.Scope.read(value)
	case oidAKI:
		var body, id cryptobyte.String
		var has bool
		if value.ReadASN1(&body, asn1.SEQUENCE) && body.ReadOptionalASN1(&id, &has, context(0)) && has {
			l.KeyID = id
		}
	case oidFreshest, oidAuthority:
	default:
		l.Unknown = l.Unknown || critical
	}
	return true
}

// read reads an IssuingDistributionPoint.
func (s *Scope) read(in cryptobyte.String) bool {
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return false
	}
	for !body.Empty() {
		var value cryptobyte.String
		var tag asn1.Tag
		if !body.ReadAnyASN1(&value, &tag) {
			return false
		}
		set := len(value) == 1 && value[0] != 0
		switch tag {
		case explicit(0):
			s.Named = true
			if !s.names(value) {
				return false
			}
		case context(1):
			s.OnlyUser = set
		case context(2):
			s.OnlyCA = set
		case context(3):
			s.SomeReasons = true
		case context(4):
			s.Indirect = set
		case context(5):
			s.OnlyAttribute = set
		default:
			return false
		}
	}
	return true
}

// names takes the URLs of a DistributionPointName.
func (s *Scope) names(in cryptobyte.String) bool {
	var full cryptobyte.String
	var has bool
	if !in.ReadOptionalASN1(&full, &has, explicit(0)) {
		return false
	}
	for !full.Empty() {
		var name cryptobyte.String
		var tag asn1.Tag
		if !full.ReadAnyASN1(&name, &tag) {
			return false
		}
		if tag == context(6) {
			s.URLs = append(s.URLs, string(name))
		}
	}
	return true
}

// Find looks for a serial number, content octets as written. The error says that
// the entries could not be read to their end: then absence means nothing.
func (l *List) Find(serial []byte) (e Entry, found bool, err error) {
	serial = minimal(serial)
	rest := []byte(l.entries)
	for n := 0; len(rest) > 0; n++ {
		if n == MaxEntries {
			return Entry{}, false, fmt.Errorf("reading CRL: more than %d entries", MaxEntries)
		}
		entry, after, err := cert.Next(rest)
		if err != nil || entry.ID != byte(asn1.SEQUENCE) {
			return Entry{}, false, fmt.Errorf("reading CRL: entry %d: %w", n+1, ErrForm)
		}
		number, fields, err := cert.Next(entry.Body)
		if err != nil || number.ID != byte(asn1.INTEGER) {
			return Entry{}, false, fmt.Errorf("reading CRL: entry %d: %w", n+1, ErrForm)
		}
		if bytes.Equal(minimal(number.Body), serial) {
			e, err := readEntry(fields)
			return e, err == nil, err
		}
		rest = after
	}
	return Entry{}, false, nil
}

// readEntry reads what follows the serial number of an entry.
func readEntry(b []byte) (Entry, error) {
	e := Entry{Reason: NoReason}
	in := cryptobyte.String(b)
	if !readTime(&in, &e.At) {
		return Entry{}, ErrForm
	}
	if in.Empty() {
		return e, nil
	}
	ok := each(in, func(oid string, _ bool, value cryptobyte.String) bool {
		if oid == oidReason {
			var reason cryptobyte.String
			if !value.ReadASN1(&reason, asn1.ENUM) || len(reason) != 1 {
				return false
			}
			e.Reason = int(reason[0])
		}
		return true
	})
	if !ok {
		return Entry{}, ErrForm
	}
	return e, nil
}

// minimal is an integer without the octets that say nothing.
func minimal(b []byte) []byte {
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:]
	}
	return b
}

func explicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

func context(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific() }
