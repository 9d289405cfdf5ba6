package report

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// A junitWriter writes one test suite with a test case for each subject, in the
// shape that the two schemas in use have in common, junit-10.xsd of Jenkins' xUnit
// plugin and the stricter JUnit.xsd for Ant's reports by Windy Road: a case holds
// at most one of failure, error and skipped, and nothing else. Neither schema has a
// place for file and line: where a subject is listed stands in the text, and its
// group, where an inventory gives one, is the class of the case.
//
// A case fails where the subject is forged or suspicious, or a finding of it is
// high or critical and not waived; it is an error where the subject could not be
// judged or collected in whole; it is skipped where only waivers let it pass.
type junitWriter struct {
	out                            io.Writer
	cases                          spool
	tests, failed, errors, skipped int
	millis                         int64
	tool                           Tool
}

func newJUnit(w io.Writer, o Options) *junitWriter {
	return &junitWriter{out: w, cases: spool{dir: o.TempDir, limit: maxInMemory}}
}

func (w *junitWriter) Begin(tool Tool, _ evidence.Run) error {
	w.tool = tool
	return nil
}

type junitCase struct {
	XMLName   xml.Name      `xml:"testcase"`
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	Time      string        `xml:"time,attr"`
	Failure   *junitOutcome `xml:"failure"`
	Error     *junitOutcome `xml:"error"`
	Skipped   *junitOutcome `xml:"skipped"`
}

type junitOutcome struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (w *junitWriter) Subject(s *Subject, _ []Certificate) error {
	s.fillLists()
	w.tests++
	c := junitCase{Name: subjectName(s), ClassName: "certassay." + cmp.Or(outside(s.Group), outside(string(s.Kind)), "subject"), Time: "0.000"}
	if s.Handshake != nil && s.Handshake.ElapsedMS > 0 {
		w.millis += s.Handshake.ElapsedMS
		c.Time = seconds(s.Handshake.ElapsedMS)
	}
	w.judge(s, &c)
	text, err := xml.MarshalIndent(c, "  ", " ")
	if err != nil {
		return fmt.Errorf("writing subject %q: %w", s.ID, err)
	}
	// Only our own line ends are left in it, and people read this too.
	text = bytes.ReplaceAll(text, []byte("&#xA;"), []byte("\n"))
	_, err = w.cases.Write(append(text, '\n'))
	return err
}

// judge gives a case its outcome.
func (w *junitWriter) judge(s *Subject, c *junitCase) {
	bars, waived := 0, 0 // findings at the bar
	for i := range s.Findings {
		switch f := &s.Findings[i]; {
		case f.Severity < finding.High:
		case f.Waiver != nil:
			waived++
		default:
			bars++
		}
	}
	verdict, why := strings.ToLower(verdictWord(s.Verdict)), reason(s)
	message := strings.TrimSuffix(verdict+": "+why, ": ")
	text := strings.Join(plainLines(s), "\n")
	switch {
	case bars > 0 && s.Verdict == finding.OK:
		// "ok" is about forgery, and no word for what fails.
		w.failed++
		c.Failure = &junitOutcome{"finding", why, text}
	case bars > 0, s.Verdict == finding.Forged, s.Verdict == finding.Suspicious:
		w.failed++
		c.Failure = &junitOutcome{verdict, message, text}
	case s.Verdict != finding.OK, !s.Complete, len(s.Errors) > 0:
		w.errors++
		c.Error = &junitOutcome{verdict, message, text}
	case waived > 0:
		w.skipped++
		c.Skipped = &junitOutcome{"waived", count(waived, "finding") + " waived", text}
	}
}

func seconds(millis int64) string { return fmt.Sprintf("%d.%03d", millis/1000, millis%1000) }

// plainLines says all of a subject in lines: verdict, findings, gaps that the
// verdict needs, errors. They are escaped.
func plainLines(s *Subject) []string {
	lines := []string{inWords(s)}
	if where := listed(s); where != "" {
		lines = append(lines, "listed at "+where)
	}
	for _, f := range firstOf(byGravity(s.Findings)) {
		line := fmt.Sprintf("%s: %s (%s, %s, %s)", f.Severity, cmp.Or(outside(f.Message), prose(f.Title)),
			outside(f.Rule), outside(string(f.Class)), outside(string(f.Confidence)))
		if f.Certificate != "" {
			line += ", " + certificateName(s, &f)
		}
		line += against(&f)
		if v := f.Waiver; v != nil {
			line += outside(fmt.Sprintf(", waived until %s by %s: %s", v.Expires, v.Owner, v.Reason))
		}
		lines = append(lines, line)
	}
	if n := len(s.Findings) - maxItems; n > 0 {
		lines = append(lines, "… and "+count(n, "more finding"))
	}
	for _, g := range s.Inconclusive {
		if g.Needed && len(lines) < 3*maxItems {
			lines = append(lines, fmt.Sprintf("could not be checked: %s: %s", outside(g.Rule), outside(inPlainWords(g.Reason))))
		}
	}
	for _, e := range firstOf(s.Errors) {
		line := fmt.Sprintf("went wrong: %s: %s", outside(e.Stage), outside(e.Error))
		if e.Hint != "" {
			line += " (" + outside(e.Hint) + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

// End completes the suite. Every attribute and element that either schema asks
// for is there, also those that say nothing.
func (w *junitWriter) End(e Ending) error {
	defer w.cases.close()
	elapsed := w.millis
	run := &e.Run
	if took := run.Finished.Sub(run.Started).Milliseconds(); took > 0 {
		elapsed = took
	}
	name := strings.TrimSpace("certassay " + outside(run.Command))
	counts := fmt.Sprintf(`tests="%d" failures="%d" errors="%d"`, w.tests, w.failed, w.errors)
	out := bufio.NewWriterSize(w.out, 64<<10)
	fmt.Fprintf(out, "%s<testsuites>\n", xml.Header)
	fmt.Fprintf(out, " <testsuite id=\"0\" package=\"certassay\" name=\"%s\" hostname=\"localhost\" timestamp=\"%s\" %s skipped=\"%d\" time=\"%s\">\n",
		inXML(name), run.Started.UTC().Format("2006-01-02T15:04:05"), counts, w.skipped, seconds(elapsed))
	fmt.Fprintf(out, "  <properties>\n   <property name=\"at\" value=\"%s\"/>\n   <property name=\"complete\" value=\"%t\"/>\n   <property name=\"vantage\" value=\"%s\"/>\n",
		run.At.UTC().Format("2006-01-02T15:04:05Z"), run.Complete, inXML(outside(run.Vantage)))
	if ids := w.tool.RulesLeftOut; len(ids) > 0 {
		fmt.Fprintf(out, "   <property name=\"rules_left_out\" value=\"%s\"/>\n", inXML(outside(strings.Join(ids, " "))))
	}
	if least := w.tool.LeastSeverity; least != finding.NoSeverity {
		fmt.Fprintf(out, "   <property name=\"least_severity\" value=\"%s\"/>\n", least)
	}
	_, _ = out.WriteString("  </properties>\n") // Flush says what went wrong
	if err := w.cases.copyTo(out); err != nil {
		return err
	}
	_, _ = out.WriteString("  <system-out>")
	if narrowed := w.tool.narrowed(); narrowed != "" {
		_, _ = out.WriteString("NARROWED: " + inXML(narrowed) + "\n")
	}
	for i, line := range e.Baseline.lines() {
		if i == 0 {
			_, _ = out.WriteString(e.Baseline.sentence() + "\n")
		}
		_, _ = out.WriteString(inXML(line) + "\n")
	}
	_, _ = out.WriteString("</system-out>\n  <system-err>")
	for _, warning := range e.Warnings {
		fmt.Fprintf(out, "warning: %s\n", inXML(outside(warning.Message)))
		if warning.Hint != "" {
			fmt.Fprintf(out, "hint: %s\n", inXML(outside(warning.Hint)))
		}
	}
	_, _ = out.WriteString("</system-err>\n </testsuite>\n</testsuites>\n")
	return out.Flush()
}

// inXML escapes for element content and attributes.
func inXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
