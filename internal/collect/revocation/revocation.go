// Package revocation asks OCSP responders and fetches revocation lists about the
// certificates of a chain. It judges nothing: what came, and what did not, is
// evidence.
//
// A responder is asked by POST with a nonce, so that an old answer cannot be
// replayed; where it refuses that, by GET without one, as caches want it (RFC 5019
// section 5). A list is asked for where there is one, OCSP or not: CAs give up OCSP,
// and a list tells nobody which host is looked at.
package revocation

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/crl"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/ocsp"
)

// Limits on one subject, with the attack each one stops.
const (
	// maxCertificates bounds the certificates that are asked about: the leaf and
	// what stands between it and its root.
	maxCertificates = 4
	// maxURLs bounds the addresses of one certificate that are asked in turn: it
	// can name thousands, and us be used to flood them.
	maxURLs = 2
	// maxCandidates bounds the signature checks for one issuer.
	maxCandidates = 16
	// maxBytes bounds the lists of one subject together: a bundle takes no more.
	maxBytes = 40 << 20
)

// Options are what a Collector works with.
type Options struct {
	Fetch *fetch.Fetcher
	// OCSP and CRL say who is asked.
	OCSP, CRL bool
	// Known gives the CAs that are known under the name of a certificate's
	// issuer; nil knows none.
	Known func(*cert.Certificate) []*cert.Certificate
	// Root says that a certificate is trusted, so that nothing is asked about it;
	// nil trusts none.
	Root func(*cert.Certificate) bool
	// Nonce fills a nonce; nil means crypto/rand.
	Nonce func([]byte)
	// Total is the time for one subject. Default 60 s.
	Total time.Duration
}

// A Collector asks. It is safe for concurrent use.
type Collector struct{ options Options }

// New makes a Collector.
func New(o Options) *Collector {
	if o.Known == nil {
		o.Known = func(*cert.Certificate) []*cert.Certificate { return nil }
	}
	if o.Root == nil {
		o.Root = func(*cert.Certificate) bool { return false }
	}
	if o.Nonce == nil {
		o.Nonce = func(b []byte) { _, _ = rand.Read(b) } // never fails (crypto/rand)
	}
	if o.Total <= 0 {
		o.Total = time.Minute
	}
	return &Collector{o}
}

// Ask adds to the evidence of a subject what is said of its certificates, from the
// leaf up to the root. It never fails: what did not work is evidence, too. A
// self-signed certificate is asked about nowhere, as only itself could revoke it.
func (c *Collector) Ask(ctx context.Context, s *evidence.Subject) {
	if len(s.Certificates) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Total)
	defer cancel()
	have := candidates(s)
	at := have[0]
	q := &question{c: c, s: s}
	for range maxCertificates {
		if at == nil || at.SPKI == nil || selfSigned(at) || c.options.Root(at) {
			return
		}
		issuer := at.Signer(have, maxCandidates)
		if issuer == nil {
			issuer = at.Signer(c.options.Known(at), maxCandidates)
		}
		q.about(ctx, at, issuer, at == have[0])
		at = issuer
	}
}

// selfSigned says that nobody else signed a certificate that names itself as its
// issuer. The name alone is anybody's to write: a leaf that bears its CA's is asked
// about like any other.
func selfSigned(c *cert.Certificate) bool {
	if !c.SelfIssued() {
		return false
	}
	outcome, _ := c.CheckSignature(&c.Key)
	return outcome != cert.Mismatch
}

// candidates are what was served and fetched, the leaf first.
func candidates(s *evidence.Subject) (out []*cert.Certificate) {
	for _, der := range s.Certificates[:min(len(s.Certificates), 32)] {
		out = append(out, cert.Parse(der))
	}
	for _, f := range s.Fetches {
		for _, der := range f.Certificates {
			out = append(out, cert.Parse(der))
		}
	}
	return out
}

// A question is all that is asked for one subject.
type question struct {
	c     *Collector
	s     *evidence.Subject
	bytes int
}

// about asks about one certificate. Where it names nobody to ask of a kind and
// somebody of the other one is asked, that will do; where nobody can be asked
// about the leaf, that is said. CAs give intermediates a list alone.
func (q *question) about(ctx context.Context, c, issuer *cert.Certificate, leaf bool) {
	o, responders, lists := &q.c.options, c.AuthorityInfo().Value.OCSP, c.CRLDistribution().Value
	asked := false
	if o.CRL && len(lists) > 0 {
		asked = true
		q.each(lists, func(url string) bool { return q.list(ctx, c, issuer, url) })
	}
	if o.OCSP && len(responders) > 0 {
		asked = true
		if issuer == nil {
			q.fail(evidence.FetchOCSP, c, responders[0], "the OCSP responder cannot be asked: the issuer's certificate is not at hand; add it, or fetch it with --online aia")
		} else {
			q.each(responders, func(url string) bool { return q.responder(ctx, c, issuer, url) })
		}
	}
	if asked || !leaf {
		return
	}
	switch {
	case len(lists) > 0:
		q.fail(evidence.FetchOCSP, c, "", "the certificate names no OCSP responder; it names a list: ask with --online crl")
	case len(responders) > 0:
		q.fail(evidence.FetchCRL, c, "", "the certificate names no revocation list; it names an OCSP responder: ask with --online ocsp")
	case o.CRL:
		q.fail(evidence.FetchCRL, c, "", "the certificate names neither a revocation list nor an OCSP responder")
	default:
		q.fail(evidence.FetchOCSP, c, "", "the certificate names neither an OCSP responder nor a revocation list")
	}
}

// each tries addresses until one gives something.
func (q *question) each(urls []string, try func(string) bool) {
	for _, url := range urls[:min(len(urls), maxURLs)] {
		if try(url) {
			return
		}
	}
}

// add keeps a fetch and what came of it.
func (q *question) add(kind evidence.FetchKind, c *cert.Certificate, url string, request []byte, r fetch.Result) bool {
	f := evidence.Fetch{
		Kind: kind, URL: strings.ToValidUTF8(url, "\ufffd"), For: evidence.Hash(c.SHA256()), Request: request,
		Address: r.Address, Started: r.Started, Elapsed: r.Elapsed, Body: r.Body, Cached: r.Cached,
	}
	switch q.bytes += len(r.Body); {
	case r.Err != nil:
		f.Failure = &evidence.Failure{Stage: evidence.StageFetch, Error: r.Err.Error(), Hint: fetch.Hint(r.Err)}
	case q.bytes > maxBytes:
		f.Body, q.bytes = nil, q.bytes-len(r.Body)
		f.Failure = &evidence.Failure{Stage: evidence.StageFetch, Error: fmt.Sprintf("fetching CRL from %.200q: the lists of one chain are longer than %d MiB together", url, maxBytes>>20)}
	}
	q.s.Fetches = append(q.s.Fetches, f)
	return f.Failure == nil
}

func (q *question) fail(kind evidence.FetchKind, c *cert.Certificate, url, text string) {
	q.s.Fetches = append(q.s.Fetches, evidence.Fetch{
		Kind: kind, URL: strings.ToValidUTF8(url, "\ufffd"), For: evidence.Hash(c.SHA256()),
		Failure: &evidence.Failure{Stage: evidence.StageFetch, Error: text},
	})
}

// list fetches a revocation list. PEM is what CAs of companies serve; it is
// unpacked.
func (q *question) list(ctx context.Context, c, issuer *cert.Certificate, url string) bool {
	r := q.c.options.Fetch.Get(ctx, url, listKind(issuer))
	r.Body = unpacked(r.Body)
	if r.Err == nil {
		if _, err := crl.Parse(r.Body); err != nil {
			r.Body, r.Err = nil, fmt.Errorf("fetching CRL from %.200q: what came is none: %w", url, err)
		}
	}
	return q.add(evidence.FetchCRL, c, url, nil, r)
}

// responder asks an OCSP responder, with a nonce and then without. The nonce is of
// this run: what is kept of an earlier one is kept as the answer to the question
// without.
func (q *question) responder(ctx context.Context, c, issuer *cert.Certificate, at string) bool {
	plain := ocsp.Request(c, issuer, nil)
	plainURL := strings.TrimSuffix(at, "/") + "/" + url.PathEscape(base64.StdEncoding.EncodeToString(plain))
	if r, ok := q.c.options.Fetch.Kept(plainURL, responseKind(issuer)); ok {
		return q.add(evidence.FetchOCSP, c, at, plain, r)
	}
	nonce := make([]byte, ocsp.NonceSize)
	q.c.options.Nonce(nonce)
	request := ocsp.Request(c, issuer, nonce)
	post := fetch.OCSP()
	post.Age = 0 // no later run has this nonce
	r := q.c.options.Fetch.Post(ctx, at, post, request)
	if r.Err == nil && answered(r.Body) {
		q.c.options.Fetch.Keep(plainURL, responseKind(issuer), r)
		return q.add(evidence.FetchOCSP, c, at, request, r)
	}
	first := r
	request = plain
	r = q.c.options.Fetch.Get(ctx, plainURL, responseKind(issuer))
	if r.Err != nil && first.Err == nil {
		r = first // it said why it does not answer
	}
	return q.add(evidence.FetchOCSP, c, at, request, r)
}

// answered says that a response holds answers, or cannot be read, which asking
// again does not mend.
func answered(der []byte) bool {
	r, err := ocsp.Parse(der)
	return err != nil || r.Data != nil
}
