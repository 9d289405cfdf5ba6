// Package revocation turns OCSP responses and revocation lists into facts.
//
// An answer counts only where the issuer's key signed it, or that of a responder
// which the issuer authorised, where it is about this certificate, and where it is
// current. What does not count never makes a certificate good; why it does not
// count is a fact, since who forges certificates may forge answers.
package revocation

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/ocsp"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
)

// Sources of answers, as the fact names them.
const (
	Staple = "staple"
	OCSP   = "ocsp"
	CRL    = "crl"
)

// What an answer says, as the fact names it.
const (
	good        = "good"
	revoked     = "revoked"
	neverIssued = "never-issued"
	unknown     = "unknown"
)

const (
	// slack is what clocks may differ by.
	slack = 5 * time.Minute
	// maxAge is how old an answer may be that does not say when the next one
	// comes (Baseline Requirements section 4.9.10: at most ten days).
	maxAge = 10 * 24 * time.Hour
	// youngFor is how long a responder may take to know a certificate, after a log
	// has seen it.
	youngFor = 48 * time.Hour
	// shortLived is how long a certificate lives at most that needs no
	// revocation (Baseline Requirements section 1.6.1, from 15 March 2026).
	shortLived = 7 * 24 * time.Hour
	// maxAnswers bounds the answers that are judged for one subject; maxIssuers
	// the certificates that are tried as an issuer.
	maxAnswers = 64
	maxIssuers = 16
)

// Input is what the status of a chain is judged from.
type Input struct {
	Leaf *cert.Certificate
	// Staples are OCSP responses in DER that were stapled for the leaf.
	Staples [][]byte
	Fetches []evidence.Fetch
	// Candidates are certificates that may be issuers, served or fetched.
	Candidates []*cert.Certificate
	// Trust knows CAs by name; nil knows none.
	Trust *trust.Store
	Check *signature.Checker
	// Lists remembers the lists of a run; nil remembers nothing.
	Lists *Lists
	// At is the time of judgement, Seen that at which staples were taken.
	At, Seen time.Time
	// Logged is the time of the earliest SCT of the leaf that verifies; nil where
	// none does. Unlogged says that the leaf is a public CA's and that none of its
	// SCTs is left to be verified.
	Logged   *time.Time
	Unlogged bool
	// Reasons, if not nil, receives why a status is unknown.
	Reasons map[string]string
}

// Facts gives what is known of the leaf's status and of that of its issuers.
func Facts(in *Input) *facts.Revocation {
	f := &facts.Revocation{Answers: []facts.RevocationAnswer{}, Exempt: exempt(in), MustStaple: in.Leaf.MustStaple().Value}
	p := &probe{in: in, f: f, byHash: map[string]*cert.Certificate{evidence.Hash(in.Leaf.SHA256()): in.Leaf}}
	for _, c := range in.Candidates {
		p.byHash[evidence.Hash(c.SHA256())] = c
	}
	for _, der := range in.Staples {
		p.add(in.Leaf, p.staple(der))
	}
	for i := range in.Fetches {
		p.fetch(&in.Fetches[i])
	}
	p.conclude()
	return f
}

// A probe collects answers.
type probe struct {
	in     *Input
	f      *facts.Revocation
	byHash map[string]*cert.Certificate
	// asked are the certificates above the leaf that were asked about, in order,
	// with what answers that count say of each.
	asked   []*cert.Certificate
	issuers map[*cert.Certificate]string
	leaf    []said
}

// said is what an answer that counts says of the leaf.
type said struct {
	status, reason string
	at, this       time.Time
}

// An answer is one with what is needed beside the fact.
type answer struct {
	facts.RevocationAnswer
	reason string
	at     time.Time
	this   time.Time
}

func (p *probe) fetch(f *evidence.Fetch) {
	if f.Kind != evidence.FetchOCSP && f.Kind != evidence.FetchCRL {
		return
	}
	c := p.byHash[f.For]
	if c == nil {
		return
	}
	a := answer{RevocationAnswer: facts.RevocationAnswer{Source: string(f.Kind), URL: f.URL}}
	switch {
	case f.Failure != nil:
		a.Matches = is(false)
		a.Problem = f.Failure.Error
	case f.Kind == evidence.FetchOCSP:
		a.Fetched = true
		p.response(&a, c, f.Body, f.Started)
		if want := ocsp.RequestNonce(f.Request); want != nil {
			a.nonce(f.Body, want)
		}
	default:
		a.Fetched = true
		p.list(&a, c, f.Body, f.Started)
	}
	if f.Cached && a.Problem != "" {
		// A file of the user's that somebody changed, or that is old, says nothing
		// of who answers for the CA today.
		a = answer{RevocationAnswer: facts.RevocationAnswer{Source: a.Source, URL: a.URL, Matches: is(false), Problem: "from the cache: " + a.Problem}}
	}
	p.add(c, a)
}

func (p *probe) staple(der []byte) answer {
	a := answer{RevocationAnswer: facts.RevocationAnswer{Source: Staple, Fetched: true}}
	p.response(&a, p.in.Leaf, der, p.in.Seen)
	return a
}

// add notes an answer and, where it counts, what it says.
func (p *probe) add(c *cert.Certificate, a answer) {
	isLeaf := c == p.in.Leaf
	a.Subject, a.Leaf = c.Subject.String(), isLeaf
	a.Counts = a.Problem == "" && a.Status != ""
	if len(p.f.Answers) < maxAnswers {
		p.f.Answers = append(p.f.Answers, a.RevocationAnswer)
	}
	if isLeaf {
		p.f.Asked = p.f.Asked || a.Source != Staple
		if a.Counts {
			p.leaf = append(p.leaf, said{a.Status, a.reason, a.at, a.this})
		}
		return
	}
	if p.issuers == nil {
		p.issuers = map[*cert.Certificate]string{}
	}
	if !slices.Contains(p.asked, c) {
		p.asked = append(p.asked, c)
	}
	if a.Counts && worse[a.Status] > worse[p.issuers[c]] {
		p.issuers[c] = a.Status
	}
}

// worse orders what is said of a certificate. A CA that takes a certificate back
// in one place and not yet in another has taken it back.
var worse = map[string]int{good: 1, unknown: 2, neverIssued: 3, revoked: 4}

// conclude brings the answers that count together.
func (p *probe) conclude() {
	f := p.f
	var worst *said
	var newest time.Time
	clean := false
	for i := range p.leaf {
		s := &p.leaf[i]
		if worst == nil || worse[s.status] > worse[worst.status] {
			worst = s
		}
		clean = clean || s.status == good
		if s.this.After(newest) {
			newest = s.this
		}
	}
	if worst != nil {
		f.Status = &worst.status
		f.Conflict = clean && (worst.status == revoked || worst.status == neverIssued)
		if worst.status == revoked || worst.status == neverIssued {
			f.Reason, f.RevokedAt = worst.reason, &worst.at
		}
		f.Young = p.young(newest)
	}
	f.Checked = f.Asked && f.Exempt == "" || f.Status != nil
	p.concludeIssuers()
	p.explain()
}

// young says whether the leaf was new when an answer was given. A notBefore of
// long ago says that it was not; one of now says nothing, as whoever forges a
// certificate chooses it. A log does not: what its signed timestamp says holds. A
// public CA's certificate without one has no excuse; any other CA's may be new.
func (p *probe) young(answered time.Time) *bool {
	switch begin := p.in.Leaf; {
	case p.in.Logged != nil:
		return is(answered.Sub(*p.in.Logged) < youngFor)
	case begin.NotBeforeErr != nil, answered.Sub(begin.NotBefore) >= youngFor, p.in.Unlogged:
		return is(false)
	}
	if p.in.Reasons != nil {
		p.in.Reasons["revocation.young"] = "by its own word the certificate is less than two days old, and no SCT that verifies says so: ask again in two days"
	}
	return nil
}

func (p *probe) concludeIssuers() {
	p.f.IssuersAsked = len(p.asked) > 0
	status := good
	for _, c := range p.asked {
		switch p.issuers[c] {
		case revoked, neverIssued:
			bad := revoked
			p.f.IssuersStatus = &bad
			return
		case good:
		default:
			status = ""
		}
	}
	if status != "" && len(p.asked) > 0 {
		p.f.IssuersStatus = &status
	}
}

// explain leaves the reason for a status that is unknown.
func (p *probe) explain() {
	if p.in.Reasons == nil {
		return
	}
	problem := func(leaf bool) string {
		for _, a := range p.f.Answers {
			if a.Leaf == leaf && a.Problem != "" {
				return a.Problem
			}
		}
		return ""
	}
	if p.f.Status == nil {
		p.in.Reasons["revocation.status"] = cmp.Or(problem(true), "nobody was asked whether it is revoked; --online ocsp,crl asks")
	}
	if p.f.IssuersStatus == nil {
		p.in.Reasons["revocation.issuers_status"] = cmp.Or(problem(false), "nobody was asked whether an issuer is revoked; --online ocsp,crl asks")
	}
}

// exempt says why nobody has to know whether the leaf is revoked. CAs drop
// expired certificates from their lists, and some answer that they know none.
func exempt(in *Input) string {
	c := in.Leaf
	switch {
	case c.SPKI == nil || c.NotBeforeErr != nil || c.NotAfterErr != nil:
		return ""
	case c.SelfIssued() && in.Check.Check(c, c) != cert.Mismatch:
		// Whoever has a CA's key may give a leaf the CA's name: that is not enough.
		return "self-issued"
	case in.At.After(c.NotAfter):
		return "expired"
	case c.NotAfter.Sub(c.NotBefore) <= shortLived:
		return "short-lived"
	}
	return ""
}

// issuersOf are the certificates of different keys that signed c: nearly always
// one.
func (p *probe) issuersOf(c *cert.Certificate) (out []*cert.Certificate) {
	want := c.Issuer.Normal()
	if want == "" {
		return nil
	}
	candidates := slices.Clone(p.in.Candidates)
	if p.in.Trust != nil {
		for _, ca := range p.in.Trust.ByName(&c.Issuer) {
			candidates = append(candidates, ca.Certificate)
		}
	}
	tried := 0
	for _, issuer := range candidates {
		if issuer.SPKI == nil || issuer.Subject.Normal() != want ||
			slices.ContainsFunc(out, func(x *cert.Certificate) bool { return bytes.Equal(x.SPKI, issuer.SPKI) }) {
			continue
		}
		if tried++; tried > maxIssuers {
			break
		}
		if p.in.Check.Check(c, issuer) == cert.Verified {
			out = append(out, issuer)
		}
	}
	return out
}

// times notes the times of an answer, and what is wrong with them.
func (a *answer) times(p *probe, this, next, taken time.Time) {
	a.this = this
	if !this.IsZero() {
		a.ThisUpdate = &this
	}
	if !next.IsZero() {
		a.NextUpdate = &next
	}
	latest := p.in.At
	if taken.After(latest) {
		latest = taken
	}
	a.Future = this.Sub(latest) > slack
	a.Stale = !next.IsZero() && next.Before(p.in.At) || next.IsZero() && p.in.At.Sub(this) > maxAge
}

// forGood says that an answer holds for ever: what was revoked stays revoked, but
// for what is on hold, which may have been let go since.
func (a *answer) forGood() bool { return a.Status == revoked && a.reason != reasons[onHold] }

// wrong keeps the first thing that is wrong with an answer.
func (a *answer) wrong(text string) {
	if a.Problem == "" {
		a.Problem = text
	}
}

func is(yes bool) *bool { return &yes }
