package rule

// A File is a rule as it was written. The yaml tags are the keys of the format,
// the doc tags its documentation, from which the JSON Schema is made; a key is
// required unless need is "no". A File that was decoded is not yet a rule:
// nothing in it has been checked but the types.
type File struct {
	ID          string            `yaml:"id" json:"id" doc:"permanent name, never reused; lower-case words joined by hyphens, the first of which is the family; no severity in it"`
	Version     int               `yaml:"version" json:"version" doc:"raised when the same facts could give another answer"`
	Status      string            `yaml:"status" json:"status" doc:"experimental (off by default), stable, or deprecated (never runs)"`
	Since       string            `yaml:"since" json:"since" doc:"release that brought it, vX.Y.Z"`
	Aliases     []string          `yaml:"aliases,omitempty" json:"aliases,omitempty" need:"no" doc:"old ids, which keep working"`
	Title       string            `yaml:"title" json:"title" doc:"one line, for a list of findings"`
	Summary     string            `yaml:"summary" json:"summary" doc:"what it looks at"`
	Why         string            `yaml:"why" json:"why" doc:"why that means what the class says"`
	Benign      []string          `yaml:"benign" json:"benign" doc:"what else could explain the finding"`
	Class       string            `yaml:"class" json:"class" doc:"what kind of thing it shows"`
	Severity    string            `yaml:"severity" json:"severity" doc:"the harm if it is true"`
	Confidence  string            `yaml:"confidence" json:"confidence" doc:"how surely the facts mean it"`
	Tags        []string          `yaml:"tags,omitempty" json:"tags,omitempty" need:"no" doc:"words to group rules by"`
	References  []string          `yaml:"references" json:"references" doc:"primary sources, https links"`
	Remediation string            `yaml:"remediation" json:"remediation" doc:"what to do about it"`
	Subject     string            `yaml:"subject" json:"subject" doc:"what one evaluation is about"`
	Applies     string            `yaml:"applies,omitempty" json:"applies,omitempty" need:"no" doc:"CEL; where it is false the rule is not applicable; empty means always"`
	When        string            `yaml:"when" json:"when" doc:"CEL over facts; where it is true there is a finding"`
	Message     string            `yaml:"message" json:"message" doc:"what was found; {{name}} stands for an entry of show"`
	Show        map[string]string `yaml:"show,omitempty" json:"show,omitempty" need:"no" doc:"CEL values printed with the finding, by name"`
	Tests       []Case            `yaml:"tests" json:"tests" doc:"examples; at least one finding, one pass and one inconclusive"`
}

// A Case is one example in a rule file: facts, and the outcome they must give.
type Case struct {
	Name  string         `yaml:"name" json:"name" doc:"what the example shows"`
	Want  string         `yaml:"want" json:"want" doc:"the outcome"`
	Facts map[string]any `yaml:"facts" json:"facts" doc:"what is known; everything that is left out is unknown, except plain values beside a fact that is given"`
}

// Families lists the first words that ids may have, which are also the names of
// the directories under rules.
var Families = []string{
	"chain", "sct", "signature", "key", "encoding", "name", "pin", "dns", "issuance", "path",
	"revocation", "intercept", "time", "log", "incident",
}

// A Status says whether a rule runs.
type Status string

// The statuses of a rule.
const (
	Experimental Status = "experimental" // off unless it is asked for
	Stable       Status = "stable"
	Deprecated   Status = "deprecated" // kept for its id, never runs
)

// Statuses lists every status.
var Statuses = []Status{Experimental, Stable, Deprecated}

// A Subject is what one evaluation of a rule is about, as its file says.
type Subject string

// The subjects of rules.
const (
	SubjectCertificate Subject = "certificate"
	SubjectChain       Subject = "chain"
	SubjectEndpoint    Subject = "endpoint"
	SubjectLogEntry    Subject = "log-entry"
	SubjectCorpus      Subject = "corpus"
)

// Subjects lists every subject.
var Subjects = []Subject{SubjectCertificate, SubjectChain, SubjectEndpoint, SubjectLogEntry, SubjectCorpus}
