package revocation

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/crl"
)

// maxLists is how many lists are remembered.
const maxLists = 64

// Lists remembers the lists of a run, and who signed them: one list serves
// thousands of certificates, and to hash 10 MB for each costs 10 ms. The zero
// value is ready; it is safe for concurrent use.
type Lists struct {
	mu   sync.Mutex
	held map[*byte]*held // by the first byte: evidence shares the bytes of a list
}

// held is a list that was read.
type held struct {
	size int
	once sync.Once
	list *crl.List
	err  error

	mu      sync.Mutex
	signers map[string]cert.Outcome // by the SubjectPublicKeyInfo of the issuer; guarded by mu
}

func (l *Lists) open(der []byte) *held {
	h := &held{size: len(der), signers: map[string]cert.Outcome{}}
	if l != nil && len(der) > 0 {
		l.mu.Lock()
		if old := l.held[&der[0]]; old != nil && old.size == len(der) {
			h = old
		} else {
			if l.held == nil || len(l.held) >= maxLists {
				l.held = map[*byte]*held{}
			}
			l.held[&der[0]] = h
		}
		l.mu.Unlock()
	}
	h.once.Do(func() { h.list, h.err = crl.Parse(der) })
	return h
}

// signedBy says whether the issuer's key signed the list.
func (h *held) signedBy(issuer *cert.Certificate) cert.Outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	out, ok := h.signers[string(issuer.SPKI)]
	if !ok {
		out, _ = cert.Check(&issuer.Key, cert.ParseAlgorithm(h.list.Algorithm), h.list.TBS, h.list.Signature)
		h.signers[string(issuer.SPKI)] = out
	}
	return out
}

// list judges a revocation list for c.
func (p *probe) list(a *answer, c *cert.Certificate, der []byte, taken time.Time) {
	h := p.in.Lists.open(der)
	if h.err != nil {
		a.Matches = is(false)
		a.wrong(h.err.Error())
		return
	}
	l := h.list
	a.Readable = true
	a.Hash = cert.ParseAlgorithm(l.Algorithm).Hash
	issuers := p.issuersOf(c)
	if len(issuers) == 0 {
		a.wrong("the issuer's certificate is not at hand, so that the list cannot be verified; add it, or fetch it with --online aia")
		return
	}
	if l.Issuer.Normal() != c.Issuer.Normal() {
		a.Matches = is(false)
		a.wrong("the list is another issuer's")
		return
	}
	a.times(p, l.This, l.Next, taken)
	a.vouched(h, issuers)
	if problem := a.scope(l, c); problem != "" {
		a.Matches, a.WrongScope = is(false), true
		a.wrong(problem)
	} else {
		a.Matches = is(true)
	}
	switch {
	case l.AlgorithmsDiffer:
		a.wrong("the list names two signature algorithms")
	case l.Delta:
		a.wrong("the list holds changes to another one alone, which are not followed")
	case l.Unknown:
		a.wrong("the list has a critical extension that is not understood")
	case l.Scope != nil && l.Scope.Indirect:
		a.wrong("the list holds certificates of several issuers, which is not followed")
	case a.Future:
		a.wrong("the list is from the future")
	}
	a.look(l, c)
	if a.Stale && !a.forGood() {
		a.wrong("the list is out of date")
	}
}

// vouched checks who signed a list. A CA whose certificate says what its key is
// for has to say that it is for lists (RFC 5280 section 6.3.3 f).
func (a *answer) vouched(h *held, issuers []*cert.Certificate) {
	unclear := false
	for _, issuer := range issuers {
		switch h.signedBy(issuer) {
		case cert.Verified:
			a.Verified = is(true)
			if issuer.Extension(cert.OIDKeyUsage) != nil && issuer.KeyUsage().Value&cert.CRLSign == 0 {
				a.wrong("the issuer's key is not for signing lists")
			}
			return
		case cert.Unsupported:
			unclear = true
		}
	}
	if unclear {
		a.wrong("the signature on the list cannot be checked: its algorithm or key is not supported")
		return
	}
	if id := h.list.KeyID; id != nil && !slices.ContainsFunc(issuers, func(c *cert.Certificate) bool { return bytes.Equal(c.SubjectKeyID().Value, id) }) {
		// CAs that have a new key sign with it what they still say about the
		// certificates of the old one.
		a.wrong("the list is signed by another key of the issuer's name, by its own word, which is not at hand")
		return
	}
	a.Verified = is(false)
	a.wrong("the signature on the list is not the issuer's")
}

// scope says why a list does not cover c (RFC 5280 section 6.3.3 b). CAs cut their
// lists into many: the name in the list has to be the one in the certificate, or
// any of them could be put in the place of the one that revokes it.
func (a *answer) scope(l *crl.List, c *cert.Certificate) string {
	s := l.Scope
	if s == nil {
		return ""
	}
	isCA := c.BasicConstraints().Value.CA
	switch {
	case s.OnlyAttribute, s.OnlyUser && isCA, s.OnlyCA && !isCA:
		return "the list covers certificates of another kind"
	case !s.Named:
		return ""
	case len(s.URLs) == 0:
		// A name relative to the issuer, or in its directory, says nothing
		// against the list, and nothing for it.
		a.wrong("the list names its distribution point otherwise than by an address, which is not followed")
		return ""
	}
	points := c.CRLDistribution().Value
	if !slices.ContainsFunc(s.URLs, func(url string) bool { return slices.Contains(points, url) }) {
		return "the list is for another distribution point than the certificate's"
	}
	return ""
}

// look searches the list. Absence means something only where it covers every
// reason.
func (a *answer) look(l *crl.List, c *cert.Certificate) {
	e, found, err := l.Find(c.Serial)
	switch {
	case err != nil:
		a.wrong(err.Error())
	case found && e.Reason != crl.RemoveFromCRL:
		a.Status, a.reason, a.at = revoked, reasonName(e.Reason), e.At
	case l.Scope != nil && l.Scope.SomeReasons:
		a.wrong("the list covers some reasons alone, and does not name the certificate")
	default:
		a.Status = good
	}
}
