package rule

import (
	"regexp"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
)

// A Rule is a rule file that was checked in every respect and compiled. It never
// changes and is safe for concurrent use. There is no useful zero value.
type Rule struct {
	ID          string
	Version     int
	Status      Status
	Since       string
	Aliases     []string
	Title       string
	Summary     string
	Why         string
	Benign      []string
	Class       finding.Class
	Severity    finding.Severity
	Confidence  finding.Confidence
	Tags        []string
	References  []string
	Remediation string
	Subject     Subject
	Applies     string // empty where it always applies
	When        string
	Message     string

	// Path is the file it came from, as the reader would open it.
	Path string

	file     *File
	scope    Scope
	applies  *program // nil where it always applies
	when     *program
	show     []shown
	message  []part
	examples []example
}

// A shown is one value printed with a finding.
type shown struct {
	name string
	prog *program
}

// A part of a message is text, or the value of show[value].
type part struct {
	text  string
	value int // -1 for text
}

// An example is a test of a rule file, ready to run.
type example struct {
	name  string
	want  finding.Outcome
	facts *facts.Facts
	line  int
}

// Family is the first word of the rule's id.
func (r *Rule) Family() string {
	family, _, _ := strings.Cut(r.ID, "-")
	return family
}

// Scope says what the rule is evaluated on: the widest of what it reads and what
// its subject asks for.
func (r *Rule) Scope() Scope { return r.scope }

// Needed says that the verdict rests on this rule: it looks for something that
// would change it, surely enough to do so alone, so that a subject for which it
// is inconclusive cannot be called ok. So does a weak sign of the family pin: the
// owner asked for it.
func (r *Rule) Needed() bool {
	return (r.Class.Accuses() || r.Class == finding.CompromisedKey) && (r.Confidence != finding.Weak || r.Family() == "pin")
}

// Reads lists the paths of the facts that decide the rule, sorted by path within
// applies and then when.
func (r *Rule) Reads() []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range []*program{r.applies, r.when} {
		if p == nil {
			continue
		}
		for _, path := range p.reads {
			if !seen[path] {
				seen[path] = true
				out = append(out, path)
			}
		}
	}
	return out
}

// Limited says that the rule's cost could not be bounded when it was loaded, so
// that it runs under a limit and slower.
func (r *Rule) Limited() bool {
	return r.when.cost > maxCost || r.applies != nil && r.applies.cost > maxCost
}

// A Scope is what a rule is evaluated on, the narrowest first.
type Scope uint8

// The scopes. A rule of [ScopeCertificate] depends on nothing but one
// certificate, what belongs to it, and the time of judgement: its outcome can be
// kept by the certificate's hash.
const (
	ScopeCertificate Scope = iota // every certificate of a subject
	ScopeChain                    // once for every subject
	ScopeEndpoint                 // once for every live endpoint
	ScopeLogEntry                 // once for every log entry
	ScopeCorpus                   // once for a whole run
	scopes
)

// String gives the scope's name.
func (s Scope) String() string {
	return [...]string{"certificate", "chain", "endpoint", "log-entry", "corpus"}[s]
}

// groupScopes is how wide the groups of internal/facts reach; a group that is
// not named here belongs to the chain. See "Scopes" there.
var groupScopes = map[string]Scope{
	"at": ScopeCertificate, "cert": ScopeCertificate, "scts": ScopeCertificate, "endpoint": ScopeEndpoint,
	"log": ScopeLogEntry, "ledger": ScopeLogEntry, "corpus": ScopeCorpus,
}

var subjectScopes = map[Subject]Scope{
	SubjectCertificate: ScopeCertificate, SubjectChain: ScopeChain, SubjectEndpoint: ScopeEndpoint,
	SubjectLogEntry: ScopeLogEntry, SubjectCorpus: ScopeCorpus,
}

// setScope derives the scope. What show reads counts too: it is part of the
// result that is kept.
func (r *Rule) setScope() {
	r.scope = subjectScopes[r.Subject]
	programs := []*program{r.applies, r.when}
	for _, s := range r.show {
		programs = append(programs, s.prog)
	}
	for _, p := range programs {
		if p == nil {
			continue
		}
		for _, path := range p.reads {
			group, _, _ := strings.Cut(path, ".")
			scope, ok := groupScopes[strings.TrimSuffix(group, "[]")]
			if !ok {
				scope = ScopeChain
			}
			r.scope = max(r.scope, scope)
		}
	}
}

var placeholder = regexp.MustCompile(`\{\{([^{}]*)\}\}`)

// setMessage splits the message at its placeholders. It gives the ones that no
// entry of show has.
func (r *Rule) setMessage(text string) (unknown []string) {
	rest := text
	for rest != "" {
		at := placeholder.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		name, value := rest[at[2]:at[3]], -1
		for i, s := range r.show {
			if s.name == name {
				value = i
			}
		}
		if value < 0 {
			unknown = append(unknown, name)
		}
		r.message = append(r.message, part{text: rest[:at[0]], value: -1}, part{value: value})
		rest = rest[at[1]:]
	}
	r.message = append(r.message, part{text: rest, value: -1})
	return unknown
}

// literal says that a program reads nothing, so that it is no condition.
func (p *program) literal() bool { return len(p.reads) == 0 && p.typ.Kind() == types.BoolKind }
