package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// maxAnnotations is how many annotations of each level GitHub shows for one step;
// it drops those after without a word, and so the gravest have to come first.
const maxAnnotations = 10

// A githubWriter writes for the log of a GitHub Actions job: a line for each
// subject that is not ok as it comes, and at the end workflow commands that make
// annotations of the gravest findings. It keeps no more than it will write.
type githubWriter struct {
	out    io.Writer
	o      Options
	levels [3]annotations // error, warning, notice
	// narrowed says what was not looked for, or is not shown.
	narrowed string
}

// annotations are the gravest of one level.
type annotations struct {
	kept    []annotation
	dropped int
}

type annotation struct {
	rank         int // the lower the graver
	file         string
	line, column int
	title        string
	message      string
}

var annotationLevels = [3]string{"error", "warning", "notice"}

func (w *githubWriter) Begin(tool Tool, _ evidence.Run) error {
	w.narrowed = tool.narrowed()
	return nil
}

func (w *githubWriter) Subject(s *Subject, _ []Certificate) error {
	s.fillLists()
	file := w.o.artifactOf(s)
	line, column := s.Source.region()
	for i := range s.Findings {
		f := &s.Findings[i]
		if f.Waiver != nil {
			continue
		}
		level := 2 - min(2, max(0, int(f.Severity)-int(finding.Low)))
		title := fmt.Sprintf("%s: %s", f.Severity, prose(cmp.Or(f.Title, f.Rule)))
		message := fmt.Sprintf("%s: %s [%s, %s]", subjectName(s), cmp.Or(outside(f.Message), prose(f.Title)),
			outside(f.Rule), outside(string(f.Confidence)))
		w.levels[level].add(annotation{gravity(f), file, line, column, title, message})
	}
	for _, e := range s.Errors {
		message := fmt.Sprintf("%s: %s: %s", subjectName(s), outside(e.Stage), outside(e.Error))
		if e.Hint != "" {
			message += " (" + outside(e.Hint) + ")"
		}
		w.levels[1].add(annotation{maxGravity, file, line, column, "Could not be collected", message})
	}
	if s.Verdict == finding.OK {
		return nil
	}
	text := verdictWord(s.Verdict) + "  " + subjectName(s)
	if why := reason(s); why != "" {
		text += "  " + why
	}
	_, err := fmt.Fprintln(w.out, text)
	return err
}

// maxGravity is past every finding.
const maxGravity = 1000

// gravity orders findings of all subjects: severity, confidence, known ones last.
func gravity(f *finding.Finding) int {
	rank := 10*int(finding.Critical-f.Severity) + slices.Index(finding.Confidences, f.Confidence)
	if f.Status == finding.Known {
		rank += maxGravity / 2
	}
	return rank
}

// add keeps the gravest, the earlier first among equals.
func (a *annotations) add(n annotation) {
	at := len(a.kept)
	for at > 0 && n.rank < a.kept[at-1].rank {
		at--
	}
	a.kept = slices.Insert(a.kept, at, n)
	if len(a.kept) > maxAnnotations {
		a.kept = a.kept[:maxAnnotations]
		a.dropped++
	}
}

func (w *githubWriter) End(e Ending) error {
	var b strings.Builder
	for _, warning := range e.Warnings {
		message := outside(warning.Message)
		if warning.Hint != "" {
			message += " (" + outside(warning.Hint) + ")"
		}
		w.levels[1].add(annotation{rank: maxGravity, title: "certassay", message: message})
	}
	if w.narrowed != "" {
		// Before every other notice: those that are not looked for are not there.
		w.levels[2].add(annotation{rank: -1, title: "Narrowed run", message: w.narrowed})
	}
	dropped := 0
	for i, level := range annotationLevels {
		for _, n := range w.levels[i].kept {
			b.WriteString(n.command(level))
		}
		dropped += w.levels[i].dropped
	}
	if dropped > 0 {
		fmt.Fprintf(&b, "%d more are no annotations: GitHub shows %d of each level for a step. The other reports have all.\n", dropped, maxAnnotations)
	}
	if !e.Run.Complete {
		b.WriteString("INCOMPLETE: the run was interrupted, or something could not be collected or checked.\n")
	}
	if text := e.Baseline.sentence(); text != "" {
		b.WriteString(text + "\n")
	}
	for _, line := range e.Baseline.lines() {
		b.WriteString("  " + line + "\n")
	}
	b.WriteString(totals(&e.Summary) + "\n")
	_, err := io.WriteString(w.out, b.String())
	return err
}

// command is one workflow command on a line of its own.
func (n *annotation) command(level string) string {
	properties := "title=" + inProperty(n.title)
	if n.file != "" {
		place := fmt.Sprintf(",line=%d,", max(n.line, 1))
		if n.column > 1 {
			place += fmt.Sprintf("col=%d,", n.column)
		}
		properties = "file=" + inProperty(outside(n.file)) + place + properties
	}
	return fmt.Sprintf("::%s %s::%s\n", level, properties, inCommand(n.message))
}

// inCommand escapes the message of a workflow command, and inProperty a value
// before it, as the toolkit of GitHub Actions does.
func inCommand(s string) string { return commandReplacer.Replace(s) }

func inProperty(s string) string { return propertyReplacer.Replace(s) }

var (
	commandReplacer  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyReplacer = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
