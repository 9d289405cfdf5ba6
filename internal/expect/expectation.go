package expect

import (
	"fmt"
	"time"
)

// A Place is where something was written. Its zero value is nowhere.
type Place struct {
	File      string // as the person named it, or relative to what included it
	Line, Col int    // from 1; 0 where the file as a whole is meant
}

// String gives "file:line:column", without what is not known.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// An Expectation is what an owner says of one target. Every field's zero value
// expects nothing.
type Expectation struct {
	// Issuers are the CAs of which one must have issued the served leaf.
	Issuers []Issuer
	// Keys are pins of which one, in force at the time of judgement, must
	// match a certificate of the chain. Backups stand among them.
	Keys []Pin
	// Names must all stand in the leaf, in lower case; "*.example.org" means
	// that very entry. The name that was asked for is judged without them.
	Names []string
	// NamesExactly allows no name in the leaf but Names and the name that was
	// asked for.
	NamesExactly bool
	// MaxValidity is the longest time from notBefore to notAfter of the leaf,
	// both included (RFC 5280 section 4.1.2.5).
	MaxValidity time.Duration
	// KeyTypes are those that the leaf's key may have.
	KeyTypes []KeyType
	// CAA requires that the CAA records of the target's names allow the
	// served issuer (RFC 8659).
	CAA bool
	// TLSA requires that the TLSA records of the target match what it serves
	// (RFC 6698).
	TLSA bool
	// CT requires that the served leaf is logged.
	CT bool
	// Stapling requires a stapled OCSP response (RFC 6066 section 8).
	Stapling bool
	// MustStaple requires the TLS feature status_request in the leaf (RFC
	// 7633).
	MustStaple bool
	// MinTLS is the oldest version that may be negotiated, as on the wire:
	// 0x0303 for TLS 1.2. The zero value allows any.
	MinTLS uint16
	// StartTLS requires that a server of a protocol which begins in the clear
	// takes up TLS when asked.
	StartTLS bool
	// Anchors are the sets of roots of which one must vouch for the chain.
	// Empty means those the run trusts.
	Anchors []Anchor

	// Group and Owner say whose target it is, for people.
	Group, Owner string
	// Place is where the target was written, or what its list was named in.
	Place Place
}

// An Anchor is a named set of roots. "public" stands for the root programs.
type Anchor struct {
	Name string
	// Roots are the SHA-256 of the certificates of the set. It is empty for
	// "public", whose roots package trust knows.
	Roots [][32]byte
}

// PublicAnchors is the name of the set of all roots of the root programs.
const PublicAnchors = "public"

// Empty says whether nothing is expected of the target. Nil counts as such.
func (e *Expectation) Empty() bool {
	return e == nil || len(e.Issuers) == 0 && len(e.Keys) == 0 && len(e.Names) == 0 &&
		!e.NamesExactly && e.MaxValidity == 0 && len(e.KeyTypes) == 0 && !e.CAA && !e.TLSA && !e.CT &&
		!e.Stapling && !e.MustStaple && e.MinTLS == 0 && !e.StartTLS && len(e.Anchors) == 0
}
