package sct

import (
	"cmp"
	"time"

	"github.com/certassay/certassay/internal/facts"
)

// Set says what the SCTs of the certificate amount to together; nil where the
// certificate's own could not be reached.
func Set(in *Input, scts []facts.SCT) *facts.CT {
	if scts == nil {
		return nil
	}
	f := &facts.CT{ListAge: -1}
	logs, operators := map[string]bool{}, map[string]bool{}
	for i := range scts {
		s := &scts[i]
		switch {
		case is(s, OK):
			f.Verified++
			logs[s.LogID], operators[s.Operator] = true, true
			span(f, s.Time)
		case is(s, BadSignature):
			f.Bad++
		case s.Verdict == nil:
			f.Undecided++
		}
	}
	f.Vouched = vouched(in, scts, f.Verified > 0)
	f.Logs, f.Operators = int64(len(logs)), int64(len(operators))
	if in.Logs != nil && !in.Logs.Date.IsZero() {
		f.ListAge = int64(in.At.Sub(in.Logs.Date) / (24 * time.Hour))
	}
	if c := in.Certificate; c.NotBeforeErr == nil && c.NotAfterErr == nil {
		f.Due = in.Logs.Due(c.NotBefore, c.NotAfter)
		f.Chrome, f.ChromeReason = ask(in, scts, chrome)
		f.Apple, f.AppleReason = ask(in, scts, apple)
	}
	return f
}

func span(f *facts.CT, t time.Time) {
	if f.Earliest == nil || t.Before(*f.Earliest) {
		f.Earliest = &t
	}
	if f.Latest == nil || t.After(*f.Latest) {
		f.Latest = &t
	}
}

func is(s *facts.SCT, verdict string) bool { return s.Verdict != nil && *s.Verdict == verdict }

// vouched says whether a log vouches for the certificate. A log that a list made
// after the SCT does not have was accepted by nobody: its SCT is worth nothing. An
// older list says nothing of it.
func vouched(in *Input, scts []facts.SCT, verified bool) *bool {
	for i := range scts {
		s := &scts[i]
		if verified || s.Verdict != nil || !s.LogKnown && in.Logs != nil && in.Logs.Date.After(s.Time) {
			continue
		}
		if in.Reasons != nil {
			in.Reasons["ct.vouched"] = cmp.Or(in.Reasons[VerdictPath], "an SCT could not be verified")
		}
		return nil
	}
	return &verified
}
