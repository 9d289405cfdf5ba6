package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/ctindex"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/probe/ledger"
)

// maxAbove bounds the issuers that are looked for above a certificate.
const maxAbove = 4

// absence is what holds of every index, whatever it answers.
const absence = "what it does not show may have been issued all the same"

// loggedInIndexes asks the indexes. What they do not show, nobody is told is not
// there: where they are all there is, each is a check that could not be made.
func (c *command) loggedInIndexes(ctx context.Context, s *session, r *reconciliation) (out []*evidence.Subject, err error) {
	o := ctindex.Options{UserAgent: s.ctFlags.Options(false).UserAgent, Retries: s.cfg.Retries, Token: r.sources.token, Via: s.ctFlags.Proxy}
	if s.ctFlags.Jump != nil {
		o.Dial = s.ctFlags.Jump.DialContext
	}
	if o.Retries == 0 {
		o.Retries = -1
	}
	for _, x := range r.sources.parsed {
		// The index is a subject by itself: it says what was not learnt.
		index := &evidence.Subject{
			ID: x.ID(), Kind: evidence.LogEntry, Target: x.String(), Protocol: "ct", Seen: audit.Now().UTC(), Log: &evidence.Log{Name: x.String(), URL: x.Origin()},
		}
		fail := func(text string) {
			index.Failures = append(index.Failures, evidence.Failure{Stage: evidence.StageLog, Error: text, Hint: absence})
		}
		for i := range r.domains {
			name := r.domains[i].Name
			if slices.ContainsFunc(r.domains, func(d reconciledDomain) bool {
				return d.Name != name && strings.HasPrefix(d.Name, ".") && d.Covers(strings.TrimPrefix(name, "."))
			}) || slices.ContainsFunc(r.domains[:i], func(d reconciledDomain) bool { return d.Name == name }) {
				continue // it is asked for with another
			}
			found, err := x.Find(ctx, name, o)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if err != nil {
				fail(oneLine(err))
			}
			for _, der := range found {
				if e := s.indexed(r, x, der); s.lives(r, e) {
					out = append(out, e)
				}
			}
		}
		if r.sources.state == "" && r.sources.since == "" {
			fail(fmt.Sprintf("no log was read, and the %s proves nothing complete", x))
		} else {
			s.warn(fmt.Sprintf("the %s may leave out certificates: only what was read of logs is complete", x), "")
		}
		s.contact(x.Host())
		if len(index.Failures) > 0 {
			out = append(out, index)
		}
	}
	return out, nil
}

// indexed makes evidence of what an index shows. Only where a known issuer is seen
// to have signed it, it is to be judged: an index, or who answers in its place,
// can make up a certificate that looks like anybody's.
func (s *session) indexed(r *reconciliation, x *ctindex.Index, der evidence.DER) *evidence.Subject {
	sum := der.SHA256()
	e := &evidence.Subject{
		ID: fmt.Sprintf("%s/%x", x.ID(), sum), Kind: evidence.LogEntry, Protocol: "ct", Seen: audit.Now().UTC(),
		Target: fmt.Sprintf("%s, %x, not verified against a log", x, sum[:8]),
		Log:    &evidence.Log{Name: x.String(), URL: x.Origin(), Index: &evidence.Index{}},
	}
	c := cert.Parse(der)
	issuers, err := s.issuersAbove(r, c, maxAbove)
	if err != nil {
		e.Log.Index.Held = der
		e.Failures = append(e.Failures, evidence.Failure{
			Stage: evidence.StageLog, Error: fmt.Sprintf("the %s shows certificate %s, and nobody but it says that it was issued: %v", x, evidence.Hash(sum), err),
			Hint: "look for it in the logs (--ct-since), or name its issuer with --known",
		})
		return e
	}
	e.Certificates = append(e.Certificates, der)
	for _, i := range issuers {
		e.Certificates = append(e.Certificates, i.Raw)
	}
	return e
}

var errNoIssuer = errors.New("no known CA is seen to have signed it")

// issuersAbove gives the certificates from the issuer of c up to a known CA, each
// one seen to have signed the one before it.
func (s *session) issuersAbove(r *reconciliation, c *cert.Certificate, depth int) ([]*cert.Certificate, error) {
	signed := func(ca *cert.Certificate) bool {
		out, _ := c.CheckSignature(&ca.Key)
		return out == cert.Verified
	}
	known := s.knownIssuers(c)
	for i := range r.domains {
		for _, ca := range s.owner.view(r.domains[i].group.Terms().Trust).ByName(&c.Issuer) {
			known = append(known, ca.Certificate)
		}
	}
	if i := slices.IndexFunc(known, signed); i >= 0 {
		return known[i : i+1], nil
	}
	if depth == 0 {
		return nil, errNoIssuer
	}
	for _, ca := range r.above[c.Issuer.Normal()] {
		if !ca.BasicConstraints().Value.CA || !signed(ca) {
			continue
		}
		if more, err := s.issuersAbove(r, ca, depth-1); err == nil {
			return append([]*cert.Certificate{ca}, more...), nil
		}
	}
	return nil, errNoIssuer
}

// noteAbove remembers the CAs that servers show behind their own certificates: they
// may have issued others.
func (r *reconciliation) noteAbove(chain []evidence.DER) {
	const most = 16 // of one name: whoever shows more gains nothing
	for _, der := range chain {
		c := cert.Parse(der)
		k := c.Subject.Normal()
		same := func(o *cert.Certificate) bool { return string(o.Raw) == string(c.Raw) }
		if list := r.above[k]; k != "" && len(list) < most && !slices.ContainsFunc(list, same) {
			r.above[k] = append(list, c)
		}
	}
}

// contactIndex notes the index that a subject is of, or from.
func (s *session) contactIndex(e *evidence.Subject) {
	if strings.HasPrefix(e.ID, "ctindex://") && e.Log != nil {
		_, host, _ := strings.Cut(e.Log.URL, "://")
		s.contact(host)
	}
}

// shownNames are the names of a logged certificate; none where there is none.
func shownNames(e *evidence.Subject) []string {
	switch {
	case len(e.Certificates) > 0:
		return ledger.Names(cert.Parse(e.Certificates[0]))
	case e.Log.Index != nil && len(e.Log.Index.Held) > 0:
		return ledger.Names(cert.Parse(e.Log.Index.Held))
	}
	return nil
}
