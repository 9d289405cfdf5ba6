package audit

import (
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/clock"
	"github.com/certassay/certassay/internal/probe/revocation"
	"github.com/certassay/certassay/internal/trust"
)

// anchored says that a known CA stands above the leaf, so that what its responder
// and its lists sign proves a time. A stranger may sign any.
func anchored(f *facts.Facts) bool {
	return f.Chain != nil && (f.Chain.Anchor == string(trust.Public) || f.Chain.Anchor == string(trust.Inventory))
}

// natural says that a time lies between that of judgement, which is when the run
// began, and when the evidence was taken: in a long run that is no contradiction.
func (a *Auditor) natural(t, taken time.Time) bool {
	return t.After(a.at) && !t.After(taken.Add(5*time.Minute))
}

// proven says of each stapled response whether its times are proven.
func (a *Auditor) proven(stapled [][]byte, f *facts.Facts, seen time.Time) (out []clock.Staple) {
	i := 0
	for _, x := range f.Revocation.Answers {
		if x.Source != revocation.Staple || i == len(stapled) {
			break
		}
		ok := anchored(f) && x.Counts && x.ThisUpdate != nil && !a.natural(*x.ThisUpdate, seen)
		out = append(out, clock.Staple{DER: stapled[i], Proven: ok})
		i++
	}
	for ; i < len(stapled); i++ {
		out = append(out, clock.Staple{DER: stapled[i]})
	}
	return out
}

// stamps are the times of what was fetched and verified.
func (a *Auditor) stamps(f *facts.Facts, s *evidence.Subject) (out []facts.Stamp) {
	if !anchored(f) {
		return nil
	}
	var taken time.Time
	for i := range s.Fetches {
		if at := s.Fetches[i].Started; at.After(taken) {
			taken = at
		}
	}
	for _, x := range f.Revocation.Answers {
		if x.Source == revocation.Staple || x.Verified == nil || !*x.Verified || x.ThisUpdate == nil || a.natural(*x.ThisUpdate, taken) {
			continue
		}
		of := "thisUpdate"
		if x.Source == revocation.CRL {
			of = x.URL
		}
		out = append(out, facts.Stamp{Source: x.Source, Of: of, Time: *x.ThisUpdate, Proven: true})
	}
	return out
}
