package audit

import (
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/probe/corpus"
	"github.com/certassay/certassay/internal/probe/ledger"
	"github.com/certassay/certassay/internal/probe/sct"
	"github.com/certassay/certassay/internal/probe/vantage"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/internal/waive"
)

// Corpus is the id of the subject that all certificates of a run are together.
const Corpus = "corpus"

// members are the certificates of a judgement as the corpus takes them.
func (j *judgement) members(s *evidence.Subject) []corpus.Member {
	out := make([]corpus.Member, len(j.certs))
	for i, c := range j.certs {
		out[i] = corpus.Member{Certificate: c.parsed, Leaf: i == 0}
		if s.Kind == evidence.Endpoint {
			out[i].Asked = s.Name
		}
		if j.facts.Chain == nil || i >= len(j.facts.Chain.Links) {
			continue
		}
		l := &j.facts.Chain.Links[i]
		anchor := trust.Anchor(j.facts.Chain.Anchor)
		out[i].Anchored = (anchor == trust.Public || anchor == trust.Inventory) && !l.Stray
		if l.SignedBy >= 0 {
			out[i].Issuer = j.certs[l.SignedBy].parsed
		}
		out[i].PublicCA = j.underKnownCA(i)
	}
	return out
}

// ReferOffer adds what a service agreed to in an earlier report, which the run is
// compared with. It must not be called while Scan or Check run.
func (a *Auditor) ReferOffer(service string, o vantage.Offer) { a.answers.Refer(service, o) }

// underKnownCA says that a known CA's key signed a certificate, or one above it, or
// that of a root which was one at the time.
func (j *judgement) underKnownCA(i int) bool {
	links := j.facts.Chain.Links
	for range links { // a chain can lead back to itself
		if links[i].SignedKnown || links[i].SignedGone {
			return true
		}
		if links[i].SignedBy < 0 || int(links[i].SignedBy) == i {
			return false
		}
		i = int(links[i].SignedBy)
	}
	return false
}

// Refer adds a chain that the run is compared with and that is not judged. It must
// not be called while Scan or Check run.
func (a *Auditor) Refer(chain []evidence.DER) {
	certs := make([]*cert.Certificate, len(chain))
	for i, der := range chain {
		certs[i] = cert.Parse(der)
	}
	for _, c := range certs {
		a.set.Add(corpus.Member{Certificate: c, Issuer: a.signerOf(c, certs), Reference: true})
		a.references.Add(c, certs)
	}
}

// signerOf is the certificate among some whose key verifies c, or nil.
func (a *Auditor) signerOf(c *cert.Certificate, among []*cert.Certificate) *cert.Certificate {
	for _, issuer := range sct.Issuers(c, among) {
		if a.checker.Check(c, issuer) == cert.Verified {
			return issuer
		}
	}
	return nil
}

// Reconcile holds the entries of a ledger, where they are judged after it, against
// what was served and is expected. It must not be called while Scan or Check run.
func (a *Auditor) Reconcile(l *ledger.Ledger) { a.ledger = l }

// Conclude judges all certificates of the run together, once Scan or Check have
// ended. progress is told how far that is and may be nil. ok is false where
// nothing speaks against them: then there is no such subject.
func (a *Auditor) Conclude(progress func(done, total int)) (j Judged, ok bool) {
	f := &facts.Facts{At: &a.at, Corpus: a.set.Facts(progress)}
	f.Corpus.Answers, f.Corpus.Losses = a.answers.Facts()
	f.Corpus.Truncated = f.Corpus.Truncated || a.answers.Truncated
	f.Corpus.Burst, f.Corpus.Unlogged = a.ledger.Bursts(), a.ledger.Unlogged()
	f.Corpus.Wanted, _ = a.ledger.Wanted()
	s := &evidence.Subject{ID: Corpus, Kind: evidence.Corpus, Target: "all certificates of this run"}
	r := report.NewSubject(s)
	r.Anchor, r.Complete = string(trust.None), !f.Corpus.Truncated
	for _, result := range a.rules.Notable(nil, rule.ScopeCorpus, f) {
		if result.Outcome == finding.Inconclusive {
			r.Inconclusive = append(r.Inconclusive, result.Gap())
			continue
		}
		found := result.Finding()
		found.Fingerprint = finding.Fingerprint(found.Rule, "corpus "+found.Message)
		r.Findings = append(r.Findings, found)
	}
	if a.waivers != nil {
		a.waivers.Apply(waive.Identity{}, r.Findings, a.at)
	}
	if a.baseline != nil {
		a.baseline.Apply(r.Findings)
	}
	r.Verdict = finding.JudgeTogether(r.Findings, r.Inconclusive)
	return Judged{Subject: r}, len(r.Findings) > 0
}
