// Package vantage compares what one service answered when it was asked for one
// name from several places, at several addresses, with several ClientHellos.
//
// # Design
//
// Answers are not compared by bytes: a content network shows a dozen genuine keys
// for one name, and a server holds an RSA and an ECDSA certificate. What tells an
// interceptor from these is that nobody vouches for his answer while somebody
// vouches for the others. An answer is odd where no public or inventory root and
// no log stands behind it and another answer of about the same time has a root. A
// set of answers that all have one is silent, whatever their keys are; so is a set
// in which none has: each chain was judged alone already.
package vantage

import (
	"strings"
	"time"

	"github.com/certassay/certassay/internal/evidence"
)

// Limits of what is kept, against an input made to exhaust memory.
const (
	// maxServices bounds the services of a run, at about 300 bytes an answer.
	maxServices = 100_000
	// maxAnswers bounds the answers of one service that are compared.
	maxAnswers = 512
	// maxListed bounds lists in facts.
	maxListed = 8
)

// Week is how far two answers may be apart to be compared: what a server showed
// long before or after says little of who answers now.
const Week = 7 * 24 * time.Hour

// An Answer is one leaf that one service showed. Hashes are SHA-256.
type Answer struct {
	// Service is what was asked, see [Service]; answers without one are not
	// compared.
	Service string
	// Vantage, Address and Hello say from where, of whom and how it was asked;
	// Hello is the profile of the handshake.
	Vantage, Address, Hello string
	// Seen is when; the zero value is of every time.
	Seen time.Time
	// Leaf, Key and Issuer tell certificates, their keys and who issued them
	// apart.
	Leaf, Key, Issuer [32]byte
	// Anchored says that a public or inventory root vouches for the chain;
	// Public that a public one does.
	Anchored, Public bool
	// Logged says that a log vouches for the leaf; nil where that could not be
	// checked.
	Logged *bool
	// Incomplete says that there are SCTs and that the certificate of the issuer,
	// without which none can be verified, was not sent.
	Incomplete bool
	// Expected says that it is what the owner expects; nil where nothing was
	// said, or that could not be decided.
	Expected *bool
	// Offer is what TLS came to; nil where that is not comparable, as for a
	// probe.
	Offer *Offer
}

// An Offer is what a server agreed to when everything was offered.
type Offer struct {
	TLS13, PostQuantum, LargeHello, Stapled bool
	ALPN                                    string
}

// Service is the part of a subject's ID that says what was asked: without the
// address, the vantage and the ClientHello. Empty for what is no endpoint.
func Service(s *evidence.Subject) string {
	if s.Kind != evidence.Endpoint {
		return ""
	}
	at := strings.Index(s.ID, "://")
	if at < 0 {
		return ""
	}
	at += len("://")
	if end := strings.IndexAny(s.ID[at:], "/?#"); end >= 0 {
		return s.ID[:at+end]
	}
	return s.ID
}

// together says that two answers are of about one time.
func together(a, b *Answer) bool {
	return a.Seen.IsZero() || b.Seen.IsZero() || a.Seen.Sub(b.Seen).Abs() <= Week
}
