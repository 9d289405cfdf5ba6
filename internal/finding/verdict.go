package finding

import (
	"fmt"
	"slices"
)

// A Verdict is the answer for one subject. The zero value is not a verdict.
type Verdict string

// The verdicts.
const (
	Forged       Verdict = "forged"
	Suspicious   Verdict = "suspicious"
	OK           Verdict = "ok"
	Undetermined Verdict = "inconclusive"
)

// Verdicts lists every verdict, the gravest first.
var Verdicts = []Verdict{Forged, Suspicious, Undetermined, OK}

// ParseVerdict reads the name that flags and reports use.
func ParseVerdict(s string) (Verdict, error) {
	if v := Verdict(s); slices.Contains(Verdicts, v) {
		return v, nil
	}
	return "", fmt.Errorf("unknown verdict %q (want forged, suspicious, inconclusive or ok)", s)
}

// Worse says whether v is a graver answer than w: forged, then suspicious, then
// inconclusive, then ok.
func (v Verdict) Worse(w Verdict) bool {
	return slices.Index(Verdicts, v) < slices.Index(Verdicts, w)
}

// JudgeTogether gives the verdict of what is said of all certificates of a run
// together. Its weak findings are about different servers, and do not add up.
func JudgeTogether(findings []Finding, gaps []Gap) Verdict {
	firm := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Confidence == Weak })
	return Judge(firm, gaps, true)
}

// Judge gives the verdict of a subject from its findings and gaps. Waived
// findings and the classes policy and hygiene do not enter it. A subject of
// which nothing was collected, or with a needed gap, is inconclusive unless
// something speaks against it: what could not be checked is never a pass.
func Judge(findings []Finding, gaps []Gap, collected bool) Verdict {
	suspicious := false
	weak := map[string]bool{}
	for i := range findings {
		f := &findings[i]
		switch {
		case f.Waiver != nil:
		case f.Class.Accuses() && f.Confidence == Proof:
			return Forged
		case f.Class.Accuses() && f.Confidence == Strong,
			f.Class == CompromisedKey && f.Confidence == Proof:
			suspicious = true
		case f.Class.Accuses():
			weak[f.Family()] = true
		}
	}
	switch {
	case suspicious || len(weak) >= 2:
		return Suspicious
	case !collected || slices.ContainsFunc(gaps, func(g Gap) bool { return g.Needed }):
		return Undetermined
	}
	return OK
}
