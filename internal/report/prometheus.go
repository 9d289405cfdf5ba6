package report

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// A prometheusWriter writes a file for the textfile collector of Prometheus' node
// exporter, in the text format 0.0.4. The lines of one metric have to stand
// together: each waits in a spool of its own. Old files do not disappear by
// themselves: alert on certassay_run_finished_timestamp_seconds.
type prometheusWriter struct {
	out                         io.Writer
	verdicts, findings, expires spool
	seen                        map[[32]byte]int // hashes of ids, and how often they came
	narrowed                    int              // 1 where something was not looked for, or is not counted
}

func newPrometheus(w io.Writer, o Options) *prometheusWriter {
	s := func() spool { return spool{dir: o.TempDir, limit: maxInMemory / 3} }
	return &prometheusWriter{out: w, verdicts: s(), findings: s(), expires: s(), seen: map[[32]byte]int{}}
}

func (w *prometheusWriter) Begin(tool Tool, _ evidence.Run) error {
	if tool.narrowed() != "" {
		w.narrowed = 1
	}
	return nil
}

func (w *prometheusWriter) Subject(s *Subject, certs []Certificate) error {
	s.fillLists()
	labels := fmt.Sprintf(`subject="%s",target="%s"`, inLabel(w.unique(s.ID)), inLabel(outside(s.Target)))
	verdict := strings.ToLower(verdictWord(s.Verdict))
	if _, err := fmt.Fprintf(&w.verdicts, "certassay_subject_verdict{%s,verdict=\"%s\"} 1\n", labels, inLabel(verdict)); err != nil {
		return err
	}
	var counts Summary
	counts.Add(s)
	for _, severity := range finding.Severities {
		if n := counts.Findings.Of(severity); n > 0 {
			if _, err := fmt.Fprintf(&w.findings, "certassay_subject_findings{%s,severity=\"%s\"} %d\n", labels, severity, n); err != nil {
				return err
			}
		}
	}
	if len(s.Chain) == 0 {
		return nil
	}
	expires, err := time.Parse(time.RFC3339, byHash(certs)[s.Chain[0]].NotAfter)
	if err != nil {
		return nil //nolint:nilerr // a certificate without a readable end has no such series
	}
	_, err = fmt.Fprintf(&w.expires, "certassay_leaf_not_after_timestamp_seconds{%s} %d\n", labels, expires.Unix())
	return err
}

// unique numbers ids that come again: two series with the same labels make the
// exporter refuse the whole file.
func (w *prometheusWriter) unique(id string) string {
	first := cmp.Or(outside(id), "unknown")
	key := sha256.Sum256([]byte(first))
	name := first
	for w.seen[sha256.Sum256([]byte(name))] > 0 {
		w.seen[key]++
		name = fmt.Sprintf("%s#%d", first, w.seen[key])
	}
	w.seen[sha256.Sum256([]byte(name))]++
	return name
}

func (w *prometheusWriter) End(e Ending) error {
	defer w.verdicts.close()
	defer w.findings.close()
	defer w.expires.close()
	out := bufio.NewWriterSize(w.out, 64<<10)
	metric := func(name, help string) { fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name) }
	run, summary := &e.Run, &e.Summary
	complete := 0
	if run.Complete {
		complete = 1
	}
	metric("certassay_run_complete", "Whether everything could be collected and judged.")
	fmt.Fprintf(out, "certassay_run_complete %d\n", complete)
	metric("certassay_run_narrowed", "Whether rules or findings were left out by --rule, --skip-rule or --severity.")
	fmt.Fprintf(out, "certassay_run_narrowed %d\n", w.narrowed)
	if !run.Finished.IsZero() {
		metric("certassay_run_finished_timestamp_seconds", "When the run ended.")
		fmt.Fprintf(out, "certassay_run_finished_timestamp_seconds %d\n", run.Finished.Unix())
	}
	metric("certassay_subjects", "Subjects by verdict.")
	for _, v := range finding.Verdicts {
		fmt.Fprintf(out, "certassay_subjects{verdict=\"%s\"} %d\n", v, summary.Verdicts.Of(v))
	}
	metric("certassay_findings", "Findings by severity, waived ones left out.")
	for _, s := range finding.Severities {
		fmt.Fprintf(out, "certassay_findings{severity=\"%s\"} %d\n", s, summary.Findings.Of(s))
	}
	metric("certassay_findings_waived", "Findings that are waived.")
	fmt.Fprintf(out, "certassay_findings_waived %d\n", summary.Waived)
	metric("certassay_run_warnings", "Remarks about the run as a whole, such as expired or unused waivers.")
	fmt.Fprintf(out, "certassay_run_warnings %d\n", len(e.Warnings))
	if b := e.Baseline; b != nil {
		metric("certassay_baseline_findings", "Findings by what an earlier report says of them.")
		for _, c := range []struct {
			status string
			count  int
		}{{"new", b.New}, {"standing", b.Standing}, {"known", b.Known}, {"resolved", len(b.Resolved)}, {"unchecked", len(b.Unchecked)}} {
			fmt.Fprintf(out, "certassay_baseline_findings{status=\"%s\"} %d\n", c.status, c.count)
		}
	}
	for _, m := range []struct {
		name, help string
		lines      *spool
	}{
		{"certassay_subject_verdict", "The verdict of each subject, as a label.", &w.verdicts},
		{"certassay_subject_findings", "Findings of each subject by severity, waived ones left out.", &w.findings},
		{"certassay_leaf_not_after_timestamp_seconds", "When the first certificate of each subject expires.", &w.expires},
	} {
		metric(m.name, m.help)
		if err := m.lines.copyTo(out); err != nil {
			return err
		}
	}
	return out.Flush()
}

// inLabel escapes the value of a label.
func inLabel(s string) string { return labelReplacer.Replace(s) }

var labelReplacer = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
