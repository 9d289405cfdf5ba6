package finding

import (
	"fmt"
	"slices"
	"strings"
)

// An Outcome is what one rule says of one subject. The zero value is
// Inconclusive: a rule that was not evaluated has not passed.
type Outcome uint8

// The four outcomes of a rule.
const (
	Inconclusive  Outcome = iota // a fact it needs is unknown
	Pass                         // the facts do not show what it looks for
	NotApplicable                // it does not speak about such a subject
	Found                        // the facts show it: a finding
)

var outcomeNames = [...]string{"inconclusive", "pass", "not-applicable", "finding"}

// String gives the name that rule files and reports use.
func (o Outcome) String() string { return outcomeNames[o] }

// ParseOutcome reads the name that rule files use.
func ParseOutcome(s string) (Outcome, error) {
	if i := slices.Index(outcomeNames[:], s); i >= 0 {
		return Outcome(i), nil
	}
	return 0, fmt.Errorf("unknown outcome %q (want %s)", s, strings.Join(outcomeNames[:], ", "))
}

// A Class says what kind of thing a rule shows.
type Class string

// The classes. Policy and Hygiene never change a verdict.
const (
	Forgery        Class = "forgery"
	Interception   Class = "interception"
	Misissuance    Class = "misissuance"
	CompromisedKey Class = "compromised-key"
	Policy         Class = "policy"
	Hygiene        Class = "hygiene"
)

// Classes lists every class, the gravest first.
var Classes = []Class{Forgery, Interception, Misissuance, CompromisedKey, Policy, Hygiene}

// Accuses says whether the class speaks against the certificate being the real
// one, so that a finding of it can make a subject forged or suspicious.
func (c Class) Accuses() bool {
	return c == Forgery || c == Interception || c == Misissuance
}

// A Severity is the harm if a finding is true. The zero value is no severity.
type Severity uint8

// The severities, in rising order.
const (
	NoSeverity Severity = iota
	Info
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"", "info", "low", "medium", "high", "critical"}

// Severities lists the severities from critical to info.
var Severities = []Severity{Critical, High, Medium, Low, Info}

// String gives the name that rule files and reports use.
func (s Severity) String() string { return severityNames[s] }

// ParseSeverity reads the name that rule files, flags and reports use.
func ParseSeverity(s string) (Severity, error) {
	if i := slices.Index(severityNames[:], s); i > 0 {
		return Severity(i), nil
	}
	return 0, fmt.Errorf("unknown severity %q (want %s)", s, strings.Join(severityNames[1:], ", "))
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity's name.
func (s *Severity) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSeverity(string(b))
	return err
}

// A Confidence says how surely the facts mean what the rule says.
type Confidence string

// The confidences, the surest first.
const (
	Proof  Confidence = "proof"
	Strong Confidence = "strong"
	Weak   Confidence = "weak"
)

// Confidences lists every confidence, the surest first.
var Confidences = []Confidence{Proof, Strong, Weak}

// A Status places a finding against a baseline.
type Status string

// The statuses of a finding. Without a baseline every finding is new.
const (
	New   Status = "new"
	Known Status = "known"
)

// A Waiver is the owner's word that a finding is accepted for a time.
type Waiver struct {
	Reason  string `json:"reason"`
	Owner   string `json:"owner"`
	Expires string `json:"expires"` // a date, 2006-01-02
}

// A Finding is one rule's accusation against one subject, with what another
// person needs to check it.
type Finding struct {
	Rule       string         `json:"rule"`
	Version    int            `json:"version"`
	Class      Class          `json:"class"`
	Severity   Severity       `json:"severity"`
	Confidence Confidence     `json:"confidence"`
	Title      string         `json:"title"`
	Message    string         `json:"message"`
	Details    map[string]any `json:"details,omitempty"`
	// Certificate is the hash of the certificate that the finding is about,
	// "sha256:…", or empty where it is about the subject as a whole.
	Certificate string `json:"certificate,omitempty"`
	// Fingerprint is the finding's stable identity; see [Fingerprint].
	Fingerprint string `json:"fingerprint"`
	Status      Status `json:"status"`
	// Standing says that an earlier report had the finding and that it is new
	// all the same: no baseline silences a proof, or what was waived then.
	Standing bool    `json:"standing,omitempty"`
	Waiver   *Waiver `json:"waiver"`
}

// Family is the first word of the rule's id: findings of one family tend to
// have one cause, so two of them are not two independent signs.
func (f *Finding) Family() string {
	family, _, _ := strings.Cut(f.Rule, "-")
	return family
}

// A Gap is a rule that could not be decided, and why.
type Gap struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	// Needed says that the verdict rests on it: without an answer the subject
	// cannot be called ok.
	Needed bool `json:"needed"`
}
