package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// A Writer writes one report as subjects are judged. Begin comes first and once,
// End last and once, also when a run was interrupted. A Writer is not for use by
// several goroutines at once. After an error the report is lost.
type Writer interface {
	// Begin says what judges, and what is known of the run so far.
	Begin(Tool, evidence.Run) error
	// Subject writes one subject with the certificates that its Chain, AlsoSeen
	// and Fetched name, in that order, also those that an earlier subject had.
	// Nothing is changed but that nil lists of the subject become empty ones;
	// the subject must not be changed afterwards, text may still hold it.
	Subject(*Subject, []Certificate) error
	// End says how the run went and completes the report.
	End(Ending) error
}

// An Ending is what is known of a run when all of its subjects were judged, or
// when it was interrupted.
type Ending struct {
	Run      evidence.Run
	Summary  Summary
	Warnings []Warning
	// Baseline is nil where the run was compared with no earlier report.
	Baseline *Baseline
}

// Options are what a caller decides about a report. The zero value gives plain
// text 80 columns wide, and findings without explanations.
type Options struct {
	// Rule explains a rule by its id; nil where nothing can be explained.
	Rule func(id string) (Rule, bool)
	// Color allows ANSI colours in text. Nothing is said by colour alone.
	Color bool
	// Width is the number of columns for text; 0 means 80. Below 40 it counts
	// as 40, and running text is never wider than 100.
	Width int
	// Verbose explains every subject in full, Quiet prints one line for each
	// that is not ok and nothing else. Only text knows them.
	Verbose, Quiet bool
	// Subjects is how many subjects are expected; 0 means unknown. Text starts
	// a table at once where they are many.
	Subjects int
	// TargetsFile is the inventory or list that endpoints come from, as a path from
	// the root of the repository. SARIF and workflow annotations point at it;
	// empty means certassay.yaml.
	TargetsFile string
	// TempDir is where a large report waits to be completed; empty means
	// the system's directory for temporary files.
	TempDir string
}

// Formats lists the formats that [New] knows.
func Formats() []string {
	return []string{"text", "json", "jsonl", "sarif", "junit", "html", "markdown", "github", "csv", "prometheus"}
}

// New makes a writer of one of the Formats.
func New(format string, w io.Writer, o Options) (Writer, error) {
	if o.Rule == nil {
		o.Rule = func(string) (Rule, bool) { return Rule{}, false }
	}
	switch format {
	case "text":
		return newText(w, o), nil
	case "json":
		return &jsonWriter{out: w, o: o, rules: map[string]Rule{}, seen: map[[32]byte]struct{}{},
			subjects:     spool{dir: o.TempDir, limit: maxInMemory},
			certificates: spool{dir: o.TempDir, limit: maxInMemory}}, nil
	case "jsonl":
		return &jsonlWriter{out: w, o: o}, nil
	case "sarif":
		return newSARIF(w, o), nil
	case "junit":
		return newJUnit(w, o), nil
	case "html":
		return newHTML(w, o), nil
	case "markdown":
		return &markdownWriter{out: w, o: o}, nil
	case "csv":
		return newCSV(w), nil
	case "prometheus":
		return newPrometheus(w, o), nil
	case "github":
		return &githubWriter{out: w, o: o}, nil
	}
	return nil, fmt.Errorf("unknown report format %q (want %s)", format, strings.Join(Formats(), ", "))
}

// certificateNames gives the certificates that belong to a subject.
func (s *Subject) certificateNames() []string { return slices.Concat(s.Chain, s.AlsoSeen, s.Fetched) }

// explain collects the rules that have findings in the subject.
func explain(s *Subject, lookup func(string) (Rule, bool), into map[string]Rule) {
	for i := range s.Findings {
		explainRule(s.Findings[i].Rule, lookup, into)
	}
}

func explainRule(id string, lookup func(string) (Rule, bool), into map[string]Rule) {
	if _, done := into[id]; done {
		return
	}
	if r, ok := lookup(id); ok {
		if r.Benign == nil {
			r.Benign = []string{}
		}
		if r.References == nil {
			r.References = []string{}
		}
		into[id] = r
	}
}

// Replay writes a report that was read to another writer. Made with Options.Rule
// set to d.Explain, a JSON writer gives the same report.
func (d *Document) Replay(w Writer) error {
	if err := w.Begin(d.Tool, d.Run); err != nil {
		return err
	}
	for i := range d.Subjects {
		s := &d.Subjects[i]
		var certs []Certificate
		for _, hash := range s.certificateNames() {
			c := d.Certificates[hash]
			c.Hash = hash
			certs = append(certs, c)
		}
		if err := w.Subject(s, certs); err != nil {
			return err
		}
	}
	return w.End(Ending{d.Run, d.Summary, d.Warnings, d.Baseline})
}

// KeepOpen takes out of the report what needs nobody's attention any more: findings
// that are waived, and those that are resolved. The summary counts what is left;
// verdicts stay.
func (d *Document) KeepOpen() {
	d.Summary = Summary{}
	for i := range d.Subjects {
		s := &d.Subjects[i]
		s.Findings = slices.DeleteFunc(s.Findings, func(f finding.Finding) bool { return f.Waiver != nil })
		d.Summary.Add(s)
	}
	if d.Baseline != nil {
		d.Baseline.Resolved = []Change{}
	}
}

// Explain gives the explanation of a rule that the report carries.
func (d *Document) Explain(rule string) (Rule, bool) {
	r, ok := d.Rules[rule]
	return r, ok
}
