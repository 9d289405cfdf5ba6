package sct

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/facts"
)

// A vote is an SCT that verifies, as policies count it.
type vote struct {
	log, operator string
	tiled         bool
	embedded      bool
	current       bool // the log is accepted at the time of judgement
}

// A policyCase is what a policy is asked about.
type policyCase struct {
	notBefore, notAfter time.Time
	votes               []vote // one for each log
}

// ask applies a policy to the SCTs that count, and says what it misses. The
// answer is unknown where it is no and an SCT could not be counted.
func ask(in *Input, scts []facts.SCT, policy func(*policyCase) string) (yes *bool, missing string) {
	c := &policyCase{notBefore: in.Certificate.NotBefore, notAfter: in.Certificate.NotAfter}
	unsure := false
	seen := map[string]bool{}
	for _, s := range scts {
		if s.Verdict == nil && !s.Mimic {
			unsure = true
		}
		v, counts, known := in.vote(&s)
		unsure = unsure || !known
		if !counts || seen[v.log] && v.embedded {
			continue
		}
		seen[v.log] = true
		c.votes = append(c.votes, v)
	}
	missing = policy(c)
	met := missing == ""
	if !met && unsure {
		return nil, ""
	}
	return &met, missing
}

// vote says whether an SCT counts today; known is false where the list does not
// reach back to the time of judgement.
func (in *Input) vote(s *facts.SCT) (v vote, counts, known bool) {
	if !is(s, OK) {
		return v, false, true
	}
	v = vote{log: s.LogID, operator: s.Operator, tiled: s.Tiled, embedded: s.Source == Embedded}
	log := in.log(s.LogID)
	if log == nil || len(log.States) == 0 || s.Tiled && !s.LeafIndex {
		return v, false, true
	}
	state := log.StateAt(in.At)
	if state == "" {
		return v, false, false
	}
	v.current = state.Approved()
	end, over := log.End()
	return v, v.current || state.Over() && over && s.Time.Before(end), true
}

func (in *Input) log(id string) *ct.Log {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != 32 {
		return nil
	}
	return in.Logs.Log([32]byte(b))
}

// longLived is the lifetime above which Chrome and Apple ask for a third log.
const longLived = 180 * 24 * time.Hour

// chrome is Chrome's policy as in Chromium 150 (chrome_ct_policy_enforcer.cc,
// https://googlechrome.github.io/CertificateTransparency/ct_policy.html): two
// operators; and either one present log by TLS or OCSP, or two embedded SCTs,
// three above 180 days, one of them of a present log and one of an RFC 6962 log.
func chrome(c *policyCase) string {
	external := filter(c.votes, func(v *vote) bool { return !v.embedded && v.current })
	if len(external) > 0 && distinct(c.votes, byOperator) >= 2 {
		return ""
	}
	embedded := filter(c.votes, func(v *vote) bool { return v.embedded })
	want := 2
	if c.notAfter.Sub(c.notBefore) > longLived {
		want = 3
	}
	if missing := common(embedded, want); missing != "" {
		return missing
	}
	if n := distinct(embedded, byOperator); n < 2 {
		return "SCTs of two operators are needed, and there is one"
	}
	return ""
}

// appleNew is the notBefore from which Apple counts operators.
var appleNew = time.Date(2021, 4, 21, 0, 0, 0, 0, time.UTC)

// apple is Apple's policy (https://support.apple.com/en-us/103214): two SCTs of
// present logs, one of them by TLS or OCSP; or embedded ones in a number that
// grows with the lifetime, of which one operator may give one, or two above 180
// days, and one an RFC 6962 log.
func apple(c *policyCase) string {
	current := filter(c.votes, func(v *vote) bool { return v.current })
	external := filter(current, func(v *vote) bool { return !v.embedded })
	if len(external) > 0 && distinct(current, byLog) >= 2 {
		return ""
	}
	embedded := filter(c.votes, func(v *vote) bool { return v.embedded })
	if c.notBefore.Before(appleNew) {
		return common(embedded, appleByMonths(c))
	}
	want, each := 2, 1
	if c.notAfter.Sub(c.notBefore) > longLived {
		want, each = 3, 2
	}
	if missing := common(embedded, want); missing != "" {
		return missing
	}
	of := map[string]int{}
	n := 0
	for i := range embedded {
		if op := embedded[i].operator; of[op] < each {
			of[op]++
			n++
		}
	}
	if n < want {
		return fmt.Sprintf("%d SCTs are needed of which one operator gives at most %d, and %d count", want, each, n)
	}
	return ""
}

// appleByMonths is how many SCTs a certificate needs that began before
// [appleNew].
func appleByMonths(c *policyCase) int {
	for i, months := range [...]int{15, 27, 39} {
		end := c.notBefore.AddDate(0, months, 0)
		if months == 15 && c.notAfter.Before(end) || months > 15 && !c.notAfter.After(end) {
			return 2 + i
		}
	}
	return 5
}

// common is what both policies ask of embedded SCTs.
func common(embedded []vote, want int) string {
	switch n := distinct(embedded, byLog); {
	case n < want:
		return fmt.Sprintf("SCTs of %d different logs are needed, and %d count", want, n)
	case len(filter(embedded, func(v *vote) bool { return v.current })) == 0:
		return "none of the logs is accepted any more"
	case len(filter(embedded, func(v *vote) bool { return !v.tiled })) == 0:
		return "none of the logs is an RFC 6962 log"
	}
	return ""
}

func byLog(v *vote) string      { return v.log }
func byOperator(v *vote) string { return v.operator }

func filter(votes []vote, keep func(*vote) bool) (out []vote) {
	for i := range votes {
		if keep(&votes[i]) {
			out = append(out, votes[i])
		}
	}
	return out
}

func distinct(votes []vote, key func(*vote) string) int {
	seen := map[string]bool{}
	for i := range votes {
		seen[key(&votes[i])] = true
	}
	return len(seen)
}
