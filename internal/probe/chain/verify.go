package chain

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/trust"
)

// Parsed is a certificate as crypto/x509 reads it.
type Parsed = x509.Certificate

// maxVerified bounds the paths of one certificate that the standard library is
// asked about; each costs it all signatures anew.
const maxVerified = 4

// verified is what there is to say about how a certificate reaches a root.
type verified struct {
	anchor   trust.Anchor
	programs []string
	// reason says why no path is accepted at the time of judgement, with TLS
	// server as purpose; empty where one is.
	reason string
	// paths are the best first.
	paths []*path
	// capped says that the search for paths hit a limit.
	capped bool
}

// verify asks which programs accept c, and by which paths. A chain that is only
// out of date, or only not meant for servers, still has its anchor: these are
// other findings, and a stranger's root must not hide behind them.
func verify(in *Input, g *graph, c *cert.Certificate) verified {
	out := verified{anchor: trust.None, programs: []string{}, reason: reasonUnreadable}
	out.paths, out.capped = g.paths(c)
	for _, p := range out.paths {
		judgePath(in, p)
		p.revoked, p.at = revocations(in, p), in.At
	}
	// Only the first are put to the library: the ones that nobody revoked.
	slices.SortStableFunc(out.paths, func(a, b *path) int {
		if a.anchor() == trust.None || b.anchor() == trust.None {
			return rooted(b) - rooted(a)
		}
		return a.inForce(in.At) - b.inForce(in.At)
	})
	leaf := in.Parsed(c)
	if leaf != nil {
		out.askLibrary(in, g, leaf)
	}
	if leaf != nil && out.anchor == trust.None {
		out.askDisclosed(in, g, leaf)
	}
	slices.SortStableFunc(out.paths, comparePaths)
	if best := out.paths[0]; leaf != nil && out.anchor == trust.None && best.acceptedByUs() {
		best.ours = true
		out.anchor, out.programs = best.anchor(), in.holding(best)
		if best.has(reasonSHA1) {
			out.reason = reasonSHA1
		}
	}
	if local := in.Trust.LocalPool(); out.anchor == trust.None && local != nil && leaf != nil {
		if a := attempt(in, leaf, local, g.pool(c)); a.ok {
			out.anchor, out.programs = trust.Local, append(out.programs, "local")
		}
	}
	return out
}

// askLibrary puts the paths to crypto/x509, and everything that was served
// where it takes none of them: its search and ours each have their limits.
func (v *verified) askLibrary(in *Input, g *graph, leaf *Parsed) {
	v.reason = ""
	accepted := false
	note := func(program trust.Program, a answer) {
		accepted = accepted || a.reason == ""
		v.reason = better(v.reason, a.reason)
		if a.ok && !slices.Contains(v.programs, program.Name) {
			v.programs = append(v.programs, program.Name)
			if v.anchor == trust.None {
				v.anchor = program.Anchor
			}
		}
	}
	for _, program := range in.Trust.Programs() {
		for i, p := range v.paths {
			if i >= maxVerified || p.anchor() == trust.None || !slices.Contains(in.holding(p), program.Name) {
				continue
			}
			a := attempt(in, leaf, program.Pool, in.middle(p))
			p.record(program.Name, a)
			note(program, a)
		}
	}
	if accepted {
		v.reason = ""
		return
	}
	if v.anchor == trust.None {
		all := g.pool(v.paths[0].steps[0].c)
		for _, program := range in.Trust.Programs() {
			a := attempt(in, leaf, program.Pool, all)
			note(program, a)
			if a.reason == "" {
				v.reason = ""
				return
			}
		}
	}
}

// record keeps what crypto/x509 says of the path in one program. It may have
// found another one, through another root: that counts for the program and not
// for this path.
func (p *path) record(program string, a answer) {
	lax := by(a.lax, p)
	if lax {
		p.excused = append(p.excused, program)
	}
	// Where the library found another path, it did not get to ask about this one
	// at another time.
	sound := a.ok && p.flaw() == nil && !p.has(reasonUsage) && !p.has(reasonSHA1)
	refused := func(at time.Time) bool { return program == programMozilla && p.refuses(at) != nil }
	if begin := p.steps[0].c.NotBefore; (lax || sound) && p.validAt(begin) && !refused(begin) {
		p.atIssue = append(p.atIssue, program)
	}
	switch {
	case by(a.strict, p) && refused(p.at):
		p.blocked = true
	case by(a.strict, p):
		p.programs = append(p.programs, program)
	}
	p.library = better(p.library, a.reason)
}

// validAt says whether every certificate of the path is within its dates.
func (p *path) validAt(at time.Time) bool {
	return !slices.ContainsFunc(p.steps, func(s step) bool {
		return s.c.NotBeforeErr != nil || s.c.NotAfterErr != nil || at.Before(s.c.NotBefore) || at.After(s.c.NotAfter)
	})
}

// has says that some certificate of the path violates something.
func (p *path) has(reason string) bool {
	return slices.ContainsFunc(p.violations, func(v violation) bool { return v.reason == reason })
}

// acceptedByUs says whether a path that crypto/x509 refuses is still a path by
// RFC 5280: it reaches a root by signatures that verify, and nothing on it
// breaks it. That is so for constraints that the library cannot read, for
// self-issued certificates that it counts where the standard does not, and for
// chains of the time when SHA-1 was in use: an incident responder's folder is
// full of these, and a genuine one is no forgery. SHA-1 is excused up to its end.
func (p *path) acceptedByUs() bool {
	return p.top().anchor != trust.None && p.library != reasonProgram && p.wellSigned(sha1End(p.anchor()))
}

// wellSigned says that nothing on a path breaks it but short keys of their time, and
// that nothing below its end is signed with SHA-1 from the given time on, or with a
// key that anybody may have found.
func (p *path) wellSigned(sha1 time.Time) bool {
	if p.flawBesidesKeys() != nil {
		return false
	}
	for i, s := range p.steps[:len(p.steps)-1] {
		if !signable(s.c, &p.steps[i+1].c.Key, sha1) {
			return false
		}
	}
	return true
}

// signable says that the key's signature on c tells something: SHA-1 is excused before
// the given time, and a shorter key signs nothing that anybody has to believe.
func signable(c *cert.Certificate, by *cert.Key, sha1 time.Time) bool {
	if c.SPKI == nil || c.NotBeforeErr != nil {
		return false
	}
	if !c.NotBefore.Before(sha1) && c.SignatureAlgorithm().Hash == "sha1" {
		return false
	}
	return by.Algorithm != cert.DSA && (by.Algorithm != cert.RSA || by.Bits >= 1024)
}

// vouchedUnread says that crypto/x509 was never asked, because it cannot read the
// leaf, and that a root vouches for the leaf all the same: every signature up to it
// verifies over what was served and our own checks find nothing that breaks the path.
// Public CAs have issued such certificates, with a BOOLEAN written out or an odd
// character in a subject. That is not acceptance: what no library reads, no library
// has held against names and constraints. Nor is it a stranger's root.
//
// The outer algorithm is no part of what a root vouches for: where it was exchanged,
// which is also unreadable to the library, somebody altered the certificate.
func (v *verified) vouchedUnread(in *Input) bool {
	best := v.paths[0]
	leaf := best.steps[0].c
	return v.anchor == trust.None && in.Parsed(leaf) == nil && bytes.Equal(leaf.SigAlgInner, leaf.SigAlgOuter) && best.acceptedByUs()
}

// flawBesidesKeys is the first flaw that is no short key: keys were short when
// SHA-1 was in use.
func (p *path) flawBesidesKeys() *violation {
	for i := range p.violations {
		if v := &p.violations[i]; v.reason != reasonWeakKey && slices.Contains(breaking, v.reason) {
			return v
		}
	}
	return nil
}

// sha1Sunset is when public CAs had to stop signing with SHA-1 (Baseline
// Requirements 1.3.0 section 7.1.3).
var sha1Sunset = time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)

// sha1Broken is when chosen-prefix collisions of SHA-1 were shown to be for sale
// (https://eprint.iacr.org/2020/014): since then its signature does not tell what
// was signed.
var sha1Broken = time.Date(2020, 1, 5, 0, 0, 0, 0, time.UTC)

// sha1End is up to when SHA-1 is excused below a root. No rule bound an owner's own
// CA before it was broken.
func sha1End(anchor trust.Anchor) time.Time {
	if anchor == trust.Inventory {
		return sha1Broken
	}
	return sha1Sunset
}

// holding are the programs that have the root of a path.
func (in *Input) holding(p *path) []string {
	out := []string{}
	top := p.top()
	if top.anchor == trust.None {
		return out
	}
	for _, ca := range in.Trust.ByKey(top.c.SPKI) {
		if ca.Anchor != trust.None && ca.Certificate.Subject.Normal() == top.c.Subject.Normal() && !slices.Contains(out, ca.Program) {
			out = append(out, ca.Program)
		}
	}
	return out
}

// parsed is the library's view of a certificate of a path, which may be one that
// was not served.
func (in *Input) parsed(c *cert.Certificate) *Parsed {
	if p := in.Parsed(c); p != nil {
		return p
	}
	return c.Stdlib().Certificate
}

// middle is a pool of what stands between the leaf and the root.
func (in *Input) middle(p *path) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, s := range p.steps[1:] {
		if x := in.parsed(s.c); x != nil && s.anchor == trust.None {
			pool.AddCert(x)
		}
	}
	return pool
}

// maxPool bounds the certificates that crypto/x509 is given to search in: it
// looks at every pair of the same name, and only its signature checks are
// bounded.
const maxPool = 256

// pool is everything that was served or fetched beside c.
func (g *graph) pool(c *cert.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for i := range min(len(g.nodes), maxPool) {
		if m := g.nodes[i].c; m != c {
			if p := g.in.Parsed(m); p != nil {
				pool.AddCert(p)
			}
		}
	}
	for _, list := range g.fetched {
		for _, m := range list {
			if p := g.in.parsed(m); p != nil {
				pool.AddCert(p)
			}
		}
	}
	return pool
}

// An answer is what crypto/x509 says of a certificate.
type answer struct {
	// reason is what the strictest attempt said; empty where it accepts.
	reason string
	// ok says that it accepts when dates and purpose are put aside.
	ok bool
	// strict and lax are the chains that it built in either case.
	strict, lax [][]*x509.Certificate
}

// by says whether one of the chains is the path.
func by(chains [][]*x509.Certificate, p *path) bool {
	return slices.ContainsFunc(chains, func(chain []*x509.Certificate) bool {
		return slices.EqualFunc(chain, p.steps, func(x *x509.Certificate, s step) bool {
			return bytes.Equal(x.Raw, s.c.Raw) ||
				s.anchor != trust.None && bytes.Equal(x.RawSubjectPublicKeyInfo, s.c.SPKI) && bytes.Equal(x.RawSubject, s.c.Subject.Raw)
		})
	})
}

// attempt verifies against one pool: at the time of judgement for servers, then
// with what excuses validity dates and purpose.
func attempt(in *Input, leaf *Parsed, roots, middle *x509.CertPool) answer {
	opts := x509.VerifyOptions{
		Roots: roots, Intermediates: middle, CurrentTime: in.At,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	chains, err := leaf.Verify(opts)
	if err == nil {
		return answer{ok: true, strict: chains, lax: chains}
	}
	reason := reasonOf(err)
	opts.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	for _, at := range []time.Time{in.At, leaf.NotBefore.Add(time.Second), leaf.NotAfter.Add(-time.Second)} {
		opts.CurrentTime = at
		chains, err := leaf.Verify(opts)
		if err == nil {
			// The verifier calls an issuer that is out of date unknown.
			if reason == reasonUnknown {
				reason = reasonExpired
			}
			return answer{reason: reason, ok: true, lax: chains}
		}
		// It looks at the leaf's own dates first, and at purposes before names: what
		// is left when these are put aside says more.
		if r := reasonOf(err); r != reasonExpired && (reason == reasonExpired || reason == reasonUsage) {
			reason = r
		}
	}
	return answer{reason: reason}
}

// comparePaths puts the path first that vouches for most: one that a library
// accepts, one that it accepts but for dates and purpose, one that we accept,
// one that reaches a root at all. Among equals the one with fewer revoked
// certificates is first, then the one with fewer violations, then the shorter one.
func comparePaths(a, b *path) int {
	if d := b.worth() - a.worth(); d != 0 {
		return d
	}
	if d := a.inForce(a.at) - b.inForce(b.at); d != 0 {
		return d
	}
	if d := len(a.violations) - len(b.violations); d != 0 {
		return d
	}
	return len(a.steps) - len(b.steps)
}

// rooted is 1 for a path that reaches a root.
func rooted(p *path) int {
	if p.anchor() == trust.None {
		return 0
	}
	return 1
}

func (p *path) worth() int {
	switch {
	case len(p.programs) > 0 && p.flaw() == nil:
		return 5
	case len(p.programs) > 0:
		return 4
	case len(p.excused) > 0:
		return 3
	case p.acceptedByUs():
		return 2
	case p.anchor() != trust.None:
		return 1
	}
	return 0
}

// refusal is the first link of a path that does not hold, and why; false where
// the path is accepted.
func (p *path) refusal() (violation, bool) {
	if len(p.programs) > 0 {
		return violation{}, false
	}
	if v := p.flaw(); v != nil && !p.ours {
		return *v, true
	}
	for _, reason := range []string{reasonExpired, reasonEarly, reasonUsage, reasonSHA1} {
		// The library has one word for both ends of a validity.
		library := reason
		if reason == reasonEarly {
			library = reasonExpired
		}
		for _, v := range p.violations {
			if v.reason == reason && (p.library == "" || p.library == library || p.library == reasonUnknown) {
				return v, true
			}
		}
	}
	top := len(p.steps) - 1
	switch r := p.refuses(p.at); {
	case r != nil && p.blocked:
		return violation{reasonRevoked, r.index, p.sentence(r)}, true
	case p.broken != "":
		return violation{p.broken, top, brokenText[p.broken]}, true
	case p.library != "":
		return violation{p.library, 0, "crypto/x509 refuses the path"}, true
	}
	return violation{reasonRefused, 0, "no program was asked"}, true
}

var brokenText = map[string]string{
	reasonUnknown:    "no issuer of it is known",
	reasonSignature:  "no certificate with its issuer's name signed it",
	reasonBudget:     "the search for paths hit its limit",
	reasonUnreadable: "the certificate cannot be read",
}

// better keeps the reason that says more: any other over "unknown authority",
// which every program that does not have the root gives.
func better(a, b string) string {
	if a == "" || a == reasonUnknown && b != "" {
		return b
	}
	return a
}

func reasonOf(err error) string {
	var invalid x509.CertificateInvalidError
	var critical x509.UnhandledCriticalExtension
	var unknown x509.UnknownAuthorityError
	var constraint x509.ConstraintViolationError
	switch {
	case errors.As(err, &invalid):
		return invalidReasons[invalid.Reason]
	case errors.As(err, &critical):
		return reasonCritical
	case errors.As(err, &unknown):
		return reasonUnknown
	case errors.As(err, &constraint):
		return reasonProgram
	}
	return reasonRefused
}

var invalidReasons = map[x509.InvalidReason]string{
	x509.NotAuthorizedToSign:           reasonNotCA,
	x509.Expired:                       reasonExpired,
	x509.CANotAuthorizedForThisName:    reasonNames,
	x509.TooManyIntermediates:          reasonPathLength,
	x509.IncompatibleUsage:             reasonUsage,
	x509.NameMismatch:                  "issuer-name",
	x509.NameConstraintsWithoutSANs:    reasonNames,
	x509.UnconstrainedName:             reasonNames,
	x509.TooManyConstraints:            reasonNameLimit,
	x509.CANotAuthorizedForExtKeyUsage: reasonUsage,
	x509.NoValidChains:                 reasonRefused,
}

func hash(sum [32]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }
