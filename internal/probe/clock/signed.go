package clock

import (
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/ocsp"
	"github.com/certassay/certassay/internal/trust"
)

// Sources of signed times, as the fact names them. CRLs and tree heads come in
// through [Input.More].
const (
	FromSCT         = "sct"
	FromOCSP        = "ocsp"
	FromCRL         = "crl"
	FromTreeHead    = "tree-head"
	FromCertificate = "certificate"
)

// SoundPath is under what name the reason for doubt in the clock is left.
const SoundPath = "clock.sound"

// How far the time of judgement may lie before a signed time.
const (
	// provenSlack is what log clocks and ours may differ by; it is that of SCTs
	// from the future.
	provenSlack = 5 * time.Minute
	// claimSlack is for times that anybody may have written.
	claimSlack = day
)

// Limits on one subject. What lies behind them is not looked at.
const (
	maxStaples = 8  // one a handshake; a server is asked a few times
	maxIssuers = 16 // certificates that are tried as the leaf's issuer; honest chains have three
	maxVouched = 8  // certificates behind the leaf whose issuer is looked for among known CAs
	maxStamps  = 64 // listed in the facts; the latest time counts wherever it stands
)

// Input is what signed times are taken from.
type Input struct {
	// Certificates are in the order served, the leaf first.
	Certificates []*cert.Certificate
	// SCTs are those of the leaf from every source. What verified is proven.
	SCTs []facts.SCT
	// Staples are the OCSP responses that were stapled.
	Staples []Staple
	// More are signed times of other sources, such as CRLs and tree heads. Who
	// adds one says whether its signature was verified.
	More []facts.Stamp
	// At is the time of judgement; Seen that at which the machine that took the
	// evidence believed to be, zero for files.
	At, Seen time.Time
	// Trust knows CAs by name; nil knows none.
	Trust *trust.Store
	// Signed says whether the key of issuer made the signature on child; nil
	// leaves issuers out.
	Signed func(child, issuer *cert.Certificate) cert.Outcome
	// Reasons, if not nil, receives why [facts.Clock.Sound] is unknown.
	Reasons map[string]string
}

// A Staple is an OCSP response in DER, as stapled. Its times are claims unless
// whoever passes it says that they are proven: signed by a known CA's responder.
type Staple struct {
	DER    []byte
	Proven bool
}

// Clock gives the facts about time of a whole subject; nil where there are no
// certificates.
func Clock(in *Input) *facts.Clock {
	if len(in.Certificates) == 0 {
		return nil
	}
	f := &facts.Clock{Stamps: []facts.Stamp{}, Staples: []facts.Staple{}}
	r := reckoning{in: in, f: f}
	r.scts()
	r.staples()
	for _, s := range in.More {
		r.add(s)
	}
	r.issuers()
	r.judge()
	return f
}

// A reckoning collects signed times and keeps the latest of each kind.
type reckoning struct {
	in             *Input
	f              *facts.Clock
	proven, claims *facts.Stamp
}

func (r *reckoning) add(s facts.Stamp) {
	latest := &r.claims
	if s.Proven {
		latest = &r.proven
	}
	if *latest == nil || s.Time.After((*latest).Time) {
		*latest = &s
	}
	if len(r.f.Stamps) < maxStamps {
		r.f.Stamps = append(r.f.Stamps, s)
	}
}

// scts takes those that verified as proof and those that could not be verified
// as claims. The key of a mimic log is published: what it signed is worth
// nothing, nor is what does not verify.
func (r *reckoning) scts() {
	for i := range r.in.SCTs {
		s := &r.in.SCTs[i]
		ok := s.Verdict != nil && *s.Verdict == "ok"
		if !s.Parsed || s.Mimic || s.Verdict != nil && !ok {
			continue
		}
		of := s.Log
		if of == "" {
			of = "log " + s.LogID
		}
		r.add(facts.Stamp{Source: FromSCT, Of: of, Time: s.Time, Proven: ok})
	}
}

func (r *reckoning) staples() {
	for _, staple := range r.in.Staples[:min(len(r.in.Staples), maxStaples)] {
		var s facts.Staple
		if resp, err := ocsp.Parse(staple.DER); err == nil {
			s.Readable, s.ProducedAt = true, known(resp.Produced)
			if a := resp.For(r.in.Certificates[0].Serial); a != nil {
				s.Answers, s.ThisUpdate, s.NextUpdate = true, known(a.This), known(a.Next)
				s.Stale = s.NextUpdate != nil && a.Next.Before(r.in.At)
				r.ocsp(&s, "thisUpdate", a.This, staple.Proven)
			}
			r.ocsp(&s, "producedAt", resp.Produced, staple.Proven)
		}
		r.f.Staples = append(r.f.Staples, s)
	}
}

// ocsp takes one time of a response, which is zero where absent.
func (r *reckoning) ocsp(s *facts.Staple, of string, t time.Time, proven bool) {
	if t.IsZero() {
		return
	}
	s.Future = s.Future || t.Sub(r.in.At) > provenSlack
	r.add(facts.Stamp{Source: FromOCSP, Of: of, Time: t, Proven: proven})
}

// known is a time, or unknown where it is zero.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// judge compares the time of judgement with the latest signed times.
func (r *reckoning) judge() {
	f, in := r.f, r.in
	var latest time.Time
	if r.proven != nil {
		f.Floor, f.FloorBy = &r.proven.Time, title(r.proven)
		f.Behind = r.proven.Time.Sub(in.At) > provenSlack
		f.SeenBehind = !in.Seen.IsZero() && r.proven.Time.Sub(in.Seen) > provenSlack
		latest = r.proven.Time
	}
	if r.claims != nil {
		f.BehindClaims = r.claims.Time.Sub(in.At) > claimSlack
		if r.claims.Time.After(latest) {
			latest = r.claims.Time
		}
	}
	if f.Behind || f.BehindClaims {
		f.BehindBy = hours(latest.Sub(in.At))
	}
	if leaf := in.Certificates[0]; leaf.NotBeforeErr == nil {
		f.Ahead = hours(leaf.NotBefore.Sub(in.At))
	}
	switch {
	case f.Behind:
		r.doubt(r.proven, "was signed")
	case f.BehindClaims:
		r.doubt(r.claims, "claims to have been signed")
	default:
		sound := true
		f.Sound = &sound
	}
}

// doubt says why no date can be judged, and what to do.
func (r *reckoning) doubt(by *facts.Stamp, was string) {
	if r.in.Reasons == nil {
		return
	}
	r.in.Reasons[SoundPath] = fmt.Sprintf("the time of judgement, %s, is before %s, when the %s %s, so no date can be judged; set the clock, or give the true time with --at",
		r.in.At.UTC().Format(time.RFC3339), by.Time.UTC().Format(time.RFC3339), title(by), was)
}

// title names a stamp in a sentence.
func title(s *facts.Stamp) string {
	switch s.Source {
	case FromSCT:
		return "SCT of " + s.Of
	case FromOCSP:
		return "stapled OCSP response (" + s.Of + ")"
	case FromCRL:
		return "CRL of " + s.Of
	case FromTreeHead:
		return "tree head of " + s.Of
	}
	return "certificate of " + s.Of
}

func hours(d time.Duration) int64 { return max(0, int64(d/time.Hour)) }
