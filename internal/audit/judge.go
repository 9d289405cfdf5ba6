package audit

import (
	"net/netip"
	"strconv"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/probe/corpus"
	"github.com/certassay/certassay/internal/probe/vantage"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/internal/waive"
)

// Judged is a subject with its verdict, and the certificates that it refers to.
type Judged struct {
	Subject      *report.Subject
	Certificates []report.Certificate
	// Collected says that there was something to judge, and that it could be.
	Collected bool
	// Answer is what the subject says of its service when it is compared with
	// others; nil where there is no certificate, or it is no endpoint.
	Answer *vantage.Answer
	// Explained says that the owner named keys or issuers for it, and that
	// everything said of keys, issuers and anchors holds. What could not be
	// decided does not hold.
	Explained bool
	members   []corpus.Member
}

// Judge gives a subject its verdict. It is pure and safe for concurrent use.
func (a *Auditor) Judge(s *evidence.Subject) Judged {
	return a.conclude(s, a.judge(s))
}

// conclude gives the verdict.
func (a *Auditor) conclude(s *evidence.Subject, j *judgement) Judged {
	trusted := false
	if c := j.facts.Chain; c != nil {
		trusted = c.Anchor == string(trust.Public) || c.Anchor == string(trust.Inventory)
	}
	j.relax(trusted)
	r := a.describe(s, j)
	if a.waivers != nil {
		a.waivers.Apply(identity(s, j), r.Findings, a.at)
	}
	if a.baseline != nil {
		a.baseline.Apply(r.Findings)
	}
	collected := s.Collected() && (len(j.certs) > 0 || len(s.Certificates) == 0)
	if collected != s.Collected() {
		r.Complete = false
		r.Errors = append(r.Errors, evidence.Failure{
			Stage: evidence.StageDecode, Error: "the certificate was not judged: what the log hands out is not what it logged",
			Hint: "ask the log again, or look for the certificate in another log",
		})
	}
	if s.Log != nil && s.Log.Entry != nil && s.Log.Entry.Unchecked != "" {
		collected, r.Complete = false, false // of what nobody signed for
	}
	r.Verdict = finding.Judge(r.Findings, r.Inconclusive, collected)
	return Judged{Subject: r, Certificates: a.certificates(s, j), Collected: collected, Answer: j.answer(s), Explained: explained(j.facts.Expect), members: j.members(s)}
}

// relax lets a verdict stand although a rule could not be decided for a
// certificate behind the leaf, where a path that does not need that certificate
// was accepted.
func (j *judgement) relax(trusted bool) {
	for i := range j.gaps {
		if trusted && j.behindLeaf[i] {
			j.gaps[i].Needed = false
		}
	}
}

// identity is what waivers are matched against.
func identity(s *evidence.Subject, j *judgement) waive.Identity {
	id := waive.Identity{SPKI: map[string]string{}}
	if s.Kind == evidence.Endpoint {
		id.Endpoints = append(id.Endpoints, s.Address)
		if ap, err := netip.ParseAddrPort(s.Address); err == nil && s.Name != "" {
			id.Endpoints = append(id.Endpoints, s.Name+":"+strconv.Itoa(int(ap.Port())))
		}
	}
	for i, c := range j.certs {
		hash := evidence.Hash(c.sha256)
		if i == 0 {
			id.Leaf = hash
		}
		if pin := c.parsed.Pin(); pin != "" {
			id.SPKI[hash] = pin
		}
	}
	return id
}
