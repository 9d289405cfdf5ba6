package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

//go:embed html/report.css
var htmlStyle string

//go:embed html/page.html
var htmlPage string

//go:embed html/history.html
var htmlHistory string

//go:embed html/subject.html
var htmlSubject string

const (
	// maxHTMLSections is how many subjects that are not ok are explained, and
	// maxHTMLOK how many that are ok: a browser does not survive a hundred
	// thousand. The others have a line each.
	maxHTMLSections = 2000
	maxHTMLOK       = 200
	// htmlOpen is how many forged subjects are unfolded from the start; of the
	// suspicious ones it is the first.
	htmlOpen = 3
	// maxPEM bounds one certificate in text.
	maxPEM = 64 << 10
)

// An htmlWriter writes one self-contained page: no script, and nothing is loaded
// from anywhere, which its Content-Security-Policy makes sure of even where an
// escape should fail. The gravest subjects come first; each verdict waits in a
// spool of its own.
type htmlWriter struct {
	out       io.Writer
	o         Options
	tool      Tool
	at        time.Time
	templates *template.Template
	sections  map[finding.Verdict]*spool
	opened    map[finding.Verdict]int // how many may still be unfolded
	explained map[bool]int            // ok or not: how many are explained
	short     int
	shown     map[string]int // findings on the page by severity, status, and "waived"
	groups    map[groupKey]*VerdictCounts
}

type groupKey struct{ name, owner string }

// maxGroups bounds the groups in a table: an inventory can have one for each host.
const maxGroups = 200

func newHTML(w io.Writer, o Options) *htmlWriter {
	h := &htmlWriter{out: w, o: o, sections: map[finding.Verdict]*spool{}, explained: map[bool]int{}, shown: map[string]int{}, groups: map[groupKey]*VerdictCounts{}, opened: map[finding.Verdict]int{finding.Forged: htmlOpen, finding.Suspicious: 1},
		templates: template.Must(template.Must(template.New("").Parse(htmlPage)).Parse(htmlSubject))}
	for _, v := range htmlVerdicts {
		h.sections[v] = &spool{dir: o.TempDir, limit: maxInMemory / len(htmlVerdicts)}
	}
	return h
}

// htmlVerdicts are the verdicts and, first, what is none of them.
var htmlVerdicts = append([]finding.Verdict{""}, finding.Verdicts...)

func (h *htmlWriter) Begin(tool Tool, run evidence.Run) error {
	h.tool, h.at = tool, run.At
	return nil
}

func (h *htmlWriter) Subject(s *Subject, certs []Certificate) error {
	s.fillLists()
	to := h.sections[s.Verdict]
	if to == nil {
		to = h.sections[""]
	}
	ok := s.Verdict == finding.OK
	limit := maxHTMLSections
	if ok {
		limit = maxHTMLOK
	}
	view, name := h.view(s, certs), "subject"
	if h.explained[ok]++; h.explained[ok] > limit {
		h.short++
		name = "row"
	} else {
		for i := range view.Findings {
			h.shown[view.Findings[i].Class]++
			h.shown[view.Findings[i].Status]++
		}
	}
	h.group(s)
	view.Open = h.opened[s.Verdict] > 0
	h.opened[s.Verdict]--
	if err := h.templates.ExecuteTemplate(to, name, view); err != nil {
		return fmt.Errorf("writing subject %q: %w", s.ID, err)
	}
	return nil
}

// htmlHead and htmlFoot are what stands around the subjects.
type htmlHead struct {
	Policy, Headline, Totals string
	Style                    template.HTML
	Complete                 bool
	Narrowed                 string
	Warnings                 []labelled
	Verdicts                 []htmlCount
	// Severities and Statuses are those that findings on this page have, where
	// there is a choice.
	Severities, Statuses []htmlCount
	Baseline             *htmlBaseline
	Groups               []htmlGroup
	MoreGroups           string
}

// htmlBaseline is what became of the findings of an earlier report.
type htmlBaseline struct {
	Sentence string
	Lines    []string
}

type htmlCount struct {
	Class string
	Count int
	Word  string
}

// htmlGroup is a group of the inventory and how many of its subjects have each
// verdict.
type htmlGroup struct {
	Name, Owner string
	Counts      []htmlCount
}

type htmlFoot struct {
	Short string
	Run   []labelled
}

func (h *htmlWriter) End(e Ending) error {
	for _, s := range h.sections {
		defer s.close()
	}
	head := htmlHead{Policy: htmlPolicy(), Headline: headline(&e.Summary), Totals: totals(&e.Summary), Complete: e.Run.Complete,
		// Our own constant: as it is, since the policy holds its hash.
		Style: template.HTML("<style>" + htmlStyle + "</style>")}
	head.Narrowed = h.tool.narrowed()
	for _, w := range firstOf(e.Warnings) {
		head.Warnings = append(head.Warnings, labelled{Text: outside(w.Message), Hint: outside(w.Hint)})
	}
	for _, v := range finding.Verdicts {
		head.Verdicts = append(head.Verdicts, htmlCount{string(v), e.Summary.Verdicts.Of(v), string(v)})
	}
	for _, s := range finding.Severities {
		if n := h.shown[s.String()]; n > 0 {
			head.Severities = append(head.Severities, htmlCount{s.String(), n, s.String()})
		}
	}
	for _, status := range []string{string(finding.New), "standing", string(finding.Known), "waived"} {
		if n := h.shown[status]; n > 0 {
			head.Statuses = append(head.Statuses, htmlCount{status, n, status})
		}
	}
	if e.Baseline != nil {
		head.Baseline = &htmlBaseline{e.Baseline.sentence(), e.Baseline.lines()}
	}
	head.Groups, head.MoreGroups = h.groupTable()
	foot := htmlFoot{Run: h.run(e.Run)}
	if h.short > 0 {
		foot.Short = count(h.short, "subject") + " have one line only, to keep this page usable; the JSON report has all."
	}
	out := bufio.NewWriterSize(h.out, 64<<10)
	if err := h.templates.ExecuteTemplate(out, "head", head); err != nil {
		return fmt.Errorf("writing page: %w", err)
	}
	for _, v := range htmlVerdicts {
		if err := h.sections[v].copyTo(out); err != nil {
			return err
		}
	}
	if err := h.templates.ExecuteTemplate(out, "foot", foot); err != nil {
		return fmt.Errorf("writing page: %w", err)
	}
	return out.Flush()
}

// htmlPolicy allows our own style and nothing else.
func htmlPolicy() string {
	sum := sha256.Sum256([]byte(htmlStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// run is how the report came about.
func (h *htmlWriter) run(run evidence.Run) []labelled {
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	var data []string
	for _, key := range sortedKeys(h.tool.Data) {
		data = append(data, key+" "+h.tool.Data[key])
	}
	contacted := strings.Join(firstOf(run.Contacted), ", ")
	if n := len(run.Contacted) - maxItems; n > 0 {
		contacted += fmt.Sprintf(" … and %d more", n)
	}
	return present([]labelled{
		{Label: "Command", Text: run.Command}, {Label: "Started", Text: when(run.Started)}, {Label: "Finished", Text: when(run.Finished)},
		{Label: "Judged at", Text: when(run.At)}, {Label: "Vantage", Text: run.Vantage}, {Label: "Contacted", Text: contacted},
		{Label: "certassay", Text: h.tool.Version}, {Label: "Rules", Text: h.tool.RulesDigest}, {Label: "Data", Text: strings.Join(data, ", ")},
	})
}

// labelled is a text with a label, escaped.
type labelled struct {
	Label, Text, Hint string
	Link              bool
}

// present escapes texts and leaves out what has none.
func present(list []labelled) (out []labelled) {
	for _, l := range list {
		if l.Text != "" {
			l.Text = outside(l.Text)
			out = append(out, l)
		}
	}
	return out
}
