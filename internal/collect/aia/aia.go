// Package aia finds the issuers' certificates that a server or a file left out:
// among those that other files or servers of the run showed, and from where the certificates
// say that they lie (RFC 5280 section 4.2.2.1).
//
// What is found is a candidate for building paths and nothing more: it was not
// served, and it makes no trust, since a path still has to end at a root that was
// trusted before. Everything that was tried is kept as evidence, what failed
// included.
package aia

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/evidence"
)

// Limits on one subject, with the attack each one stops.
const (
	// maxDepth is how many issuers are fetched one above the other: each
	// certificate can name yet another one, for ever.
	maxDepth = 4
	// maxURLs bounds the addresses of one certificate that are tried; a
	// certificate can name thousands, and us be used to flood them.
	maxURLs = 2
	// maxFetched bounds the certificates that are kept of one answer.
	maxFetched = 8
	// maxCandidates bounds the signature checks for one issuer.
	maxCandidates = 16
	// maxSteps bounds the walk along what was served.
	maxSteps = 32
)

// Options are what a Collector works with.
type Options struct {
	// Fetch fetches; nil contacts nobody, and leaves what Pool has.
	Fetch *fetch.Fetcher
	// Pool holds certificates of other subjects of the run; nil holds none.
	Pool *Pool
	// Known gives the CAs that are known under the name of a certificate's
	// issuer. Nothing is fetched for a certificate that one of them signed and
	// that is a root. Nil knows none.
	Known func(*cert.Certificate) []*cert.Certificate
	// Total is the time for one subject. Default 30 s.
	Total time.Duration
}

// A Collector completes chains. It is safe for concurrent use.
type Collector struct{ options Options }

// New makes a Collector.
func New(o Options) *Collector {
	if o.Known == nil {
		o.Known = func(*cert.Certificate) []*cert.Certificate { return nil }
	}
	if o.Total <= 0 {
		o.Total = 30 * time.Second
	}
	return &Collector{o}
}

// Ask adds to the evidence of a subject what its certificates point to as their
// issuers, as far as these are missing. It never fails: what did not work is
// evidence, too.
func (c *Collector) Ask(ctx context.Context, s *evidence.Subject) {
	if len(s.Certificates) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Total)
	defer cancel()
	w := walk{c: c, s: s}
	for _, der := range s.Certificates[:min(len(s.Certificates), maxSteps)] {
		w.have = append(w.have, cert.Parse(der))
	}
	if c.options.Fetch == nil && w.named() {
		return // signatures cost a thousand times what names do
	}
	w.climb(ctx, w.have[0])
}

// Lacks says that the issuer of the leaf, by name, neither stands in the chain nor is
// known. One further up that is missing is mostly a root that nobody knows, which
// servers need not send.
func (c *Collector) Lacks(s *evidence.Subject) bool {
	if len(s.Certificates) == 0 {
		return false
	}
	leaf := cert.Parse(s.Certificates[0])
	if leaf.SPKI == nil || leaf.SelfIssued() || leaf.Issuer.Normal() == "" || len(c.options.Known(leaf)) > 0 {
		return false
	}
	above := s.Certificates[1:min(len(s.Certificates), maxSteps)]
	return !slices.ContainsFunc(above, func(der evidence.DER) bool { return cert.Parse(der).Subject.Normal() == leaf.Issuer.Normal() })
}

// A walk goes from the leaf upwards, by signatures.
type walk struct {
	c    *Collector
	s    *evidence.Subject
	have []*cert.Certificate // served, then fetched
	seen []*cert.Certificate // on the path so far
}

// climb follows a certificate to a root, and fetches where the path breaks off.
func (w *walk) climb(ctx context.Context, at *cert.Certificate) {
	for depth := 0; len(w.seen) < maxSteps; {
		if at == nil || at.SPKI == nil || at.SelfIssued() || w.loops(at) {
			return
		}
		w.seen = append(w.seen, at)
		if next := at.Signer(w.c.options.Known(at), maxCandidates); next != nil {
			at = next
			continue
		}
		if next := at.Signer(w.have, maxCandidates); next != nil {
			at = next
			continue
		}
		if next := w.c.options.Pool.signer(at); next != nil {
			w.s.Fetches = append(w.s.Fetches, evidence.Fetch{
				Kind: evidence.FetchMet, URL: strings.ToValidUTF8(next.from, "\ufffd"), For: evidence.Hash(at.SHA256()),
				Certificates: []evidence.DER{next.certificate.Raw},
			})
			at = next.certificate
			continue
		}
		if w.c.options.Fetch == nil {
			return
		}
		if depth++; depth > maxDepth {
			w.fail(at, "", fmt.Sprintf("the path still lacks an issuer after %d fetched ones: no more are fetched", maxDepth))
			return
		}
		at = w.fetch(ctx, at)
	}
}

// named says that every issuer up to a root is there or known, by its name.
func (w *walk) named() bool {
	at := w.have[0]
	for range maxSteps {
		if at.SPKI == nil || at.SelfIssued() || at.Issuer.Normal() == "" || len(w.c.options.Known(at)) > 0 {
			return true
		}
		i := slices.IndexFunc(w.have, func(c *cert.Certificate) bool { return c != at && c.Subject.Normal() == at.Issuer.Normal() })
		if i < 0 {
			return false
		}
		at = w.have[i]
	}
	return true
}

// loops says that a key and name were met before: such a path goes in circles.
func (w *walk) loops(c *cert.Certificate) bool {
	for _, s := range w.seen {
		if bytes.Equal(s.SPKI, c.SPKI) && bytes.Equal(s.Subject.Raw, c.Subject.Raw) {
			return true
		}
	}
	return false
}

// fetch tries the addresses that a certificate names, until one gives its issuer.
func (w *walk) fetch(ctx context.Context, c *cert.Certificate) *cert.Certificate {
	tried := 0
	for _, url := range c.AuthorityInfo().Value.Issuers {
		// Directories (RFC 4523) are of another age; the fetcher refuses them.
		if tried++; tried > maxURLs {
			w.fail(c, url, fmt.Sprintf("not fetched: the certificate names more than %d addresses", maxURLs))
			return nil
		}
		f := w.c.get(ctx, c, url)
		w.s.Fetches = append(w.s.Fetches, f)
		var found []*cert.Certificate
		for _, der := range f.Certificates {
			found = append(found, cert.Parse(der))
		}
		w.have = append(w.have, found...)
		if next := c.Signer(found, maxCandidates); next != nil {
			return next
		}
	}
	return nil
}

// get fetches one address and reads what comes.
func (c *Collector) get(ctx context.Context, from *cert.Certificate, url string) evidence.Fetch {
	k := fetch.Certificates()
	k.Until = func(body []byte) (time.Time, bool) { return time.Time{}, holds(body, from) }
	r := c.options.Fetch.Get(ctx, url, k)
	f := evidence.Fetch{
		Kind: evidence.FetchIssuer, URL: strings.ToValidUTF8(url, "\ufffd"), For: evidence.Hash(sha256.Sum256(from.Raw)),
		Address: r.Address, Started: r.Started, Elapsed: r.Elapsed, Cached: r.Cached,
	}
	if r.Err != nil {
		f.Failure = &evidence.Failure{Stage: evidence.StageFetch, Error: r.Err.Error(), Hint: fetch.Hint(r.Err)}
		return f
	}
	certs, err := localfile.Decode(r.Body)
	if len(certs) > maxFetched {
		certs, err = certs[:maxFetched], fmt.Errorf("%d certificates are more than %d", len(certs), maxFetched)
	}
	f.Certificates = certs
	if err != nil {
		f.Failure = &evidence.Failure{Stage: evidence.StageDecode, Error: fmt.Sprintf("fetching certificate from %.200q: %v", url, err)}
	}
	return f
}

// holds says that an answer holds the issuer of a certificate. Nothing else is worth
// keeping, nor worth taking from a cache that somebody else may write to.
func holds(body []byte, of *cert.Certificate) bool {
	ders, err := localfile.Decode(body)
	if err != nil || len(ders) > maxFetched {
		return false
	}
	var certs []*cert.Certificate
	for _, der := range ders {
		certs = append(certs, cert.Parse(der))
	}
	return of.Signer(certs, maxCandidates) != nil
}

func (w *walk) fail(c *cert.Certificate, url, text string) {
	w.s.Fetches = append(w.s.Fetches, evidence.Fetch{
		Kind: evidence.FetchIssuer, URL: strings.ToValidUTF8(url, "\ufffd"), For: evidence.Hash(sha256.Sum256(c.Raw)),
		Failure: &evidence.Failure{Stage: evidence.StageFetch, Error: text},
	})
}
