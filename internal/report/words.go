package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/finding"
)

// inWords is what a verdict means, beside the findings that stand below it: it says
// nothing that one of them contradicts. A verdict is about forgery alone; other
// faults change none, and are told with it.
func inWords(s *Subject) string {
	switch s.Verdict {
	case finding.Forged:
		return forgedInWords(s)
	case finding.Suspicious:
		if slices.ContainsFunc(s.Findings, func(f finding.Finding) bool { return f.Waiver != nil && proves(&f) }) {
			return "Something speaks against this certificate, and what proves more is waived."
		}
		return "Something speaks against this certificate, but nothing proves it forged."
	case finding.OK:
		return okInWords(s)
	}
	waived := slices.ContainsFunc(s.Findings, func(f finding.Finding) bool { return f.Waiver != nil && proves(&f) })
	switch {
	case len(s.Chain) == 0 && len(s.Findings) > 0:
		return "No certificate was collected, so nothing can be said of one; what was found besides is below."
	case len(s.Chain) == 0:
		return "No certificate was collected, so nothing can be said."
	case waived:
		return "What proves this certificate forged is waived, and something that is needed could not be checked."
	}
	return "Nothing proves this certificate forged, but something that is needed could not be checked."
}

// proves says that a finding makes a subject forged, unless it is waived.
func proves(f *finding.Finding) bool {
	return f.Class.Accuses() && f.Confidence == finding.Proof
}

// forgedInWords tells a certificate that a CA should not have issued from one that no
// CA issued.
func forgedInWords(s *Subject) string {
	proofs := func(misissued bool) bool {
		return slices.ContainsFunc(s.Findings, func(f finding.Finding) bool {
			return f.Waiver == nil && proves(&f) && (f.Class == finding.Misissuance) == misissued
		})
	}
	if proofs(true) && !proofs(false) {
		return "At least one finding proves that this certificate should not have been issued."
	}
	return "At least one finding proves that this is not a genuine certificate."
}

// okInWords says what a subject has against it that does not change its verdict.
func okInWords(s *Subject) string {
	key, accused, waived := false, false, false
	var others SeverityCounts
	for i := range s.Findings {
		switch f := &s.Findings[i]; {
		case f.Waiver != nil && (f.Class.Accuses() || f.Class == finding.CompromisedKey):
			waived = true
		case f.Waiver != nil:
		case f.Class == finding.CompromisedKey:
			key = true
		case f.Class.Accuses():
			accused = true
		default:
			if at := others.at(f.Severity); at != nil {
				*at++
			}
		}
	}
	text := "Every required check ran, and "
	if !s.Complete {
		// A block of a file that could not be read may have been the forgery.
		text = "Every required check ran on what could be collected, which is not all, and "
	}
	switch {
	case key && accused:
		text += "no more than a weak sign speaks for a forgery, but others may have the key of this certificate"
	case key:
		text += "nothing suggests a forgery, but others may have the key of this certificate"
	case accused && waived:
		text += "beside what is waived no more than one weak sign speaks against this certificate"
	case accused:
		text += "no more than one weak sign speaks against this certificate"
	case waived:
		text += "what speaks against this certificate is waived"
	case faults(&others) != "":
		text += "nothing suggests a forgery"
	default:
		text += "nothing speaks against this certificate"
	}
	if other := faults(&others); other != "" {
		text += ". It has other faults: " + other
	}
	return text + "."
}

// faults counts findings that are more than remarks: "1 high, 2 low".
func faults(c *SeverityCounts) string { return severities(c, finding.Low) }

// gravest counts the findings that a head has to name: those that are grave.
func gravest(c *SeverityCounts) string {
	text := severities(c, finding.High)
	if text == "" {
		return ""
	}
	if c.Critical+c.High == 1 {
		return text + " finding"
	}
	return text + " findings"
}

// severities counts the findings from a severity on, the gravest first.
func severities(c *SeverityCounts, from finding.Severity) string {
	var out []string
	for _, s := range finding.Severities {
		if n := c.Of(s); n > 0 && s >= from {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(out, ", ")
}
