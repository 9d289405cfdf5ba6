package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// A sarifWriter writes a SARIF 2.1.0 log of one run, as OASIS defines it and as
// GitHub's code scanning reads it.
//
// The model is our own and not a module's: it is a hundred lines, where the
// modules at hand bring a second JSON Schema library and testify, and build the
// whole log in memory. The tests hold its output against the official schema.
type sarifWriter struct {
	out           io.Writer
	o             Options
	tool          Tool
	rules         []sarifRule
	index         map[string]int // of a rule's id in rules
	results       sarifResults
	notifications spool
}

func newSARIF(w io.Writer, o Options) *sarifWriter {
	return &sarifWriter{out: w, o: o, index: map[string]int{},
		results: sarifResults{lines: spool{dir: o.TempDir, limit: maxInMemory}, limit: maxSARIFResults}, notifications: spool{dir: o.TempDir, limit: maxInMemory}}
}

func (w *sarifWriter) Begin(tool Tool, _ evidence.Run) error {
	w.tool = tool
	return nil
}

func (w *sarifWriter) Subject(s *Subject, certs []Certificate) error {
	s.fillLists()
	where := []sarifLocation{w.location(s)}
	drawn := explained(s)
	for i := range s.Findings {
		f := &s.Findings[i]
		r := w.result(s, f, where)
		if i == drawn {
			r.Graphs = []sarifGraph{graphOf(s)}
		}
		if err := w.results.add(max(f.Severity, finding.Info), r); err != nil {
			return fmt.Errorf("writing finding of %q: %w", s.ID, err)
		}
	}
	for _, n := range w.unchecked(s, where) {
		if err := w.add(&w.notifications, n); err != nil {
			return fmt.Errorf("writing errors of %q: %w", s.ID, err)
		}
	}
	return nil
}

func (w *sarifWriter) add(to *spool, v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	return element(to, "", line)
}

// result is one finding.
func (w *sarifWriter) result(s *Subject, f *finding.Finding, where []sarifLocation) *sarifResult {
	r := &sarifResult{
		RuleID: f.Rule, RuleIndex: w.rule(f), Level: sarifLevel(f.Severity), Message: sarifMessage(sarifSentence(s, f)),
		Locations: where, BaselineState: "new", Suppressions: []sarifSuppression{},
		// GitHub matches alerts by primaryLocationLineHash alone. Without one it
		// hashes the line, and all endpoints of one inventory would be one alert.
		PartialFingerprints: map[string]string{"certassay/v1": f.Fingerprint, "primaryLocationLineHash": f.Fingerprint},
		Properties: map[string]any{
			"class": f.Class, "severity": f.Severity, "confidence": f.Confidence, "subject": s.ID, "verdict": s.Verdict},
	}
	if f.Certificate != "" {
		r.Properties["certificate"] = f.Certificate
	}
	for key, text := range map[string]string{"group": s.Group, "owner": s.Owner} {
		if text != "" {
			r.Properties[key] = text
		}
	}
	if len(f.Details) > 0 {
		r.Properties["details"] = f.Details
	}
	if f.Status == finding.Known {
		r.BaselineState = "unchanged"
	}
	if v := f.Waiver; v != nil {
		r.Suppressions = append(r.Suppressions, sarifSuppression{Kind: "external", Status: "accepted",
			Justification: outside(fmt.Sprintf("%s (%s, until %s)", v.Reason, v.Owner, v.Expires))})
	}
	return r
}

// absent adds a finding of the baseline that is resolved. It is no failure any
// more, and a result that is none has no level (SARIF, section 3.27.10).
func (w *sarifWriter) absent(c *Change) error {
	s := &Subject{}
	if len(c.Subjects) > 0 {
		s = subjectOf(c.Subjects[0])
	}
	s.Source = c.Source
	r := w.result(s, &c.Finding, []sarifLocation{w.location(s)})
	r.Kind, r.Level, r.BaselineState = "pass", "none", "absent"
	r.Properties["subjects"] = firstOf(c.Subjects)
	delete(r.Properties, "verdict")
	if err := w.results.add(finding.NoSeverity, r); err != nil {
		return fmt.Errorf("writing resolved finding: %w", err)
	}
	return nil
}

// rule gives the index of a finding's rule. What a rule is called and how grave
// it is comes with its findings, so that a report can be written without rules.
func (w *sarifWriter) rule(f *finding.Finding) int {
	if i, ok := w.index[f.Rule]; ok {
		return i
	}
	explained, _ := w.o.Rule(f.Rule)
	w.rules = append(w.rules, newSARIFRule(f, &explained))
	w.index[f.Rule] = len(w.rules) - 1
	return len(w.rules) - 1
}

// unchecked are the notifications of a subject: what could not be done, and the
// rules that its verdict needs and that could not be decided.
func (w *sarifWriter) unchecked(s *Subject, where []sarifLocation) (list []sarifNotification) {
	for _, e := range s.Errors {
		text := fmt.Sprintf("%s: %s: %s", subjectName(s), outside(e.Stage), outside(e.Error))
		if e.Hint != "" {
			text += " (" + outside(e.Hint) + ")"
		}
		list = append(list, sarifNotification{Level: "error", Message: sarifMessage(text), Locations: where})
	}
	for _, g := range s.Inconclusive {
		if g.Needed {
			text := fmt.Sprintf("%s: %s could not be checked: %s", subjectName(s), outside(g.Rule), outside(inPlainWords(g.Reason)))
			list = append(list, sarifNotification{Level: "warning", Message: sarifMessage(text), Locations: where})
		}
	}
	return list
}

func (w *sarifWriter) End(e Ending) error {
	defer w.results.lines.close()
	defer w.notifications.close()
	run := &e.Run
	if e.Baseline != nil {
		for i := range e.Baseline.Resolved {
			if err := w.absent(&e.Baseline.Resolved[i]); err != nil {
				return err
			}
		}
	}
	if _, left := w.results.keep(); left > 0 {
		e.Warnings = append(slices.Clone(e.Warnings), Warning{Message: fmt.Sprintf("%d results are left out: code scanning refuses more than %d; the JSON report has all", left, w.results.limit)})
	}
	for _, warning := range e.Warnings {
		text := outside(warning.Message)
		if warning.Hint != "" {
			text += " (" + outside(warning.Hint) + ")"
		}
		if err := w.add(&w.notifications, sarifNotification{Level: "warning", Message: sarifMessage(text)}); err != nil {
			return fmt.Errorf("writing warnings: %w", err)
		}
	}
	tool, err := marshal(w.driver())
	if err != nil {
		return fmt.Errorf("writing rules: %w", err)
	}
	properties, err := marshal(w.properties(run, &e.Summary))
	if err != nil {
		return fmt.Errorf("writing summary: %w", err)
	}
	out := bufio.NewWriterSize(w.out, 64<<10)
	fmt.Fprintf(out, "{\"$schema\": %q,\n \"version\": \"2.1.0\",\n \"runs\": [{\n \"tool\": {\"driver\": %s},\n", sarifSchema, tool)
	// An incomplete run must not be taken for a clean one.
	fmt.Fprintf(out, " \"invocations\": [{\"executionSuccessful\": %t, %s\"toolExecutionNotifications\": [", run.Complete, sarifTimes(run))
	if err := w.notifications.copyTo(out); err != nil {
		return err
	}
	_, _ = out.WriteString("]") // Flush says what went wrong
	if narrowed := w.tool.narrowed(); narrowed != "" {
		// How the run was set up, and no fault of it (SARIF, section 3.20.22).
		line, err := marshal([]sarifNotification{{Level: "note", Message: sarifMessage("NARROWED: " + narrowed)}})
		if err != nil {
			return fmt.Errorf("writing what was left out: %w", err)
		}
		fmt.Fprintf(out, ", \"toolConfigurationNotifications\": %s", line)
	}
	_, _ = out.WriteString("}],\n \"results\": [")
	if err := w.results.copyTo(out); err != nil {
		return err
	}
	fmt.Fprintf(out, "],\n \"properties\": %s}]}\n", properties)
	return out.Flush()
}

// properties say of the run what SARIF has no member for.
func (w *sarifWriter) properties(run *evidence.Run, summary *Summary) map[string]any {
	out := map[string]any{"at": run.At.UTC(), "complete": run.Complete, "vantage": run.Vantage,
		"summary": summary, "rules_digest": w.tool.RulesDigest, "data": w.tool.Data}
	if len(w.tool.RulesLeftOut) > 0 {
		out["rules_left_out"] = w.tool.RulesLeftOut
	}
	if w.tool.LeastSeverity != finding.NoSeverity {
		out["least_severity"] = w.tool.LeastSeverity
	}
	return out
}

// sarifTimes are the members for start and end, where they are known.
func sarifTimes(run *evidence.Run) (members string) {
	const layout = "2006-01-02T15:04:05.000Z" // SARIF allows no more digits (section 3.9)
	if !run.Started.IsZero() {
		members += fmt.Sprintf("\"startTimeUtc\": %q, ", run.Started.UTC().Format(layout))
	}
	if !run.Finished.IsZero() {
		members += fmt.Sprintf("\"endTimeUtc\": %q, ", run.Finished.UTC().Format(layout))
	}
	return members
}

func (w *sarifWriter) driver() sarifDriver {
	return sarifDriver{Name: "certassay", Organization: "certassay", Version: w.tool.Version,
		InformationURI: "https://github.com/certassay/certassay", Rules: append([]sarifRule{}, w.rules...)}
}
