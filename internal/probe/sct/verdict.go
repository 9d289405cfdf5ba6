package sct

import (
	"bytes"
	"errors"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
)

// maxIssuers bounds the keys that are tried for one certificate. A server can
// send many certificates under one name, and each costs 60 µs an SCT.
const maxIssuers = 16

// A question is what all SCTs of one certificate have in common. Its parts are
// made when they are first needed.
type question struct {
	in      *Input
	issuers []*cert.Certificate
	capped  bool // there are more issuers than are tried
	entries []ct.Entry
	built   bool
	err     error // why there are no entries
	certain *bool // one of issuers is certainly the issuer
}

func newQuestion(in *Input) *question { return &question{in: in} }

// verdict says whether the log signed this certificate; nil where that cannot be
// said.
func (q *question) verdict(s *ct.SCT, log *ct.Log, source string) *string {
	ok, usable := q.precert(s, log)
	// An SCT from outside of the certificate is over the certificate itself; one
	// over the precertificate is tried all the same, as a server may well
	// deliver what its CA got. An embedded one cannot be over a certificate that
	// holds it.
	if !ok && source != Embedded {
		entry, err := ct.X509Entry(q.in.Certificate.Raw)
		ok = err == nil && q.in.Verify.verify(log, s, entry)
	}
	verdict := BadSignature
	switch {
	case ok:
		verdict = OK
	case !usable:
		return nil
	}
	return &verdict
}

// precert asks whether the log signed the precertificate under any issuer.
// usable says that a no can be relied on.
func (q *question) precert(s *ct.SCT, log *ct.Log) (ok, usable bool) {
	q.build()
	for i, e := range q.entries {
		if q.in.Verify.verify(log, s, e) {
			// All SCTs of a certificate have one issuer: it goes first.
			q.entries[0], q.entries[i] = q.entries[i], q.entries[0]
			return true, true
		}
	}
	switch {
	case q.err != nil:
		q.in.because(q.err.Error())
	case len(q.issuers) == 0:
		q.in.because("no certificate of the issuer is in the chain or known; add it to the file")
	case q.capped:
		q.in.because("there are too many certificates with the issuer's name to try each")
	case !q.identified():
		q.in.because("no certificate with the issuer's name signed this one; add the issuer's own to the file")
	default:
		return false, true
	}
	return false, false
}

// build finds the issuers and makes an entry for each.
func (q *question) build() {
	if q.built {
		return
	}
	q.built = true
	// Where no list is embedded the precertificate differs by the poison alone.
	tbs := q.in.Certificate.TBS
	if q.in.Certificate.Extension(cert.OIDSCTList) != nil || tbs == nil {
		if tbs, q.err = ct.CertificateTBS(q.in.Certificate); q.err != nil {
			return
		}
	}
	q.find()
	for _, issuer := range q.issuers {
		if e, err := ct.PrecertEntry(issuer.SPKI, tbs); err == nil {
			q.entries = append(q.entries, e)
		}
	}
}

// find collects what may be the issuer: by name, each key once. Cross-signed
// certificates share a key, and any of them will do.
func (q *question) find() {
	want := q.in.Certificate.Issuer.Normal()
	if want == "" {
		return
	}
	for _, c := range q.in.Chain {
		if c.SPKI != nil && c.Subject.Normal() == want {
			q.add(c)
		}
	}
	if q.in.Trust != nil {
		for _, ca := range q.in.Trust.ByName(&q.in.Certificate.Issuer) {
			q.add(ca.Certificate)
		}
		for _, ca := range q.in.Trust.DisclosedByName(&q.in.Certificate.Issuer) {
			q.add(ca.CA)
		}
	}
}

func (q *question) add(c *cert.Certificate) {
	for _, have := range q.issuers {
		if bytes.Equal(have.SPKI, c.SPKI) {
			return
		}
	}
	if len(q.issuers) == maxIssuers {
		q.capped = true
		return
	}
	q.issuers = append(q.issuers, c)
}

// identified says that one of the issuers is certainly the one: it signed the
// certificate, or has the key identifier that the certificate names.
func (q *question) identified() bool {
	if q.certain == nil {
		yes := false
		aki := q.in.Certificate.AuthorityKeyID().Value.KeyID
		for _, c := range q.issuers {
			yes = yes || len(aki) > 0 && bytes.Equal(aki, c.SubjectKeyID().Value) ||
				q.in.Signed != nil && q.in.Signed(q.in.Certificate, c) == cert.Verified
		}
		q.certain = &yes
	}
	return *q.certain
}

// Issuers gives the certificates of a chain that matter to the SCTs of c: those
// with its issuer's name, in order. It is what an answer may be remembered by.
func Issuers(c *cert.Certificate, chain []*cert.Certificate) []*cert.Certificate {
	q := newQuestion(&Input{Certificate: c, Chain: chain})
	q.find()
	return q.issuers
}

// signedBy says whether the log made s over the entry. A key that cannot be used
// is refused when its list is read.
func signedBy(log *ct.Log, s *ct.SCT, e ct.Entry) bool {
	err := log.Verify(s, e)
	if err != nil && !errors.Is(err, ct.ErrSignature) {
		return false
	}
	return err == nil
}
