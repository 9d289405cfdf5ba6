package report

import (
	"encoding/csv"
	"io"
	"regexp"
	"slices"
	"strconv"

	"github.com/certassay/certassay/internal/evidence"
)

// csvHeader are the columns; new ones are only ever added at the end.
var csvHeader = []string{
	"verdict", "target", "address", "name", "kind", "anchor", "complete",
	"rule", "class", "severity", "confidence", "status", "waived", "title", "message", "certificate", "fingerprint",
	"leaf_subject", "leaf_issuer", "leaf_not_after", "error", "id",
	"group", "owner", "source",
}

// A csvWriter writes a table (RFC 4180) with a row for each finding, and one for
// each subject that has none, so that no subject is missing. Rows at the end whose
// kind is "run" tell in the column error what is to be known of the run as a
// whole: that it was narrowed, that it is incomplete, and its warnings.
type csvWriter struct {
	out      *csv.Writer
	narrowed string
}

func newCSV(w io.Writer) *csvWriter {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return &csvWriter{out: out}
}

func (w *csvWriter) Begin(tool Tool, _ evidence.Run) error {
	w.narrowed = tool.narrowed()
	return w.out.Write(csvHeader)
}

func (w *csvWriter) Subject(s *Subject, certs []Certificate) error {
	s.fillLists()
	var leaf Certificate
	if len(s.Chain) > 0 {
		leaf = byHash(certs)[s.Chain[0]]
	}
	failure, source := "", ""
	if s.Source != nil {
		source = s.Source.String()
	}
	if len(s.Errors) > 0 {
		failure = s.Errors[0].Stage + ": " + s.Errors[0].Error
	}
	row := func(found ...string) error {
		cells := []string{string(s.Verdict), s.Target, s.Address, s.Name, string(s.Kind), s.Anchor, strconv.FormatBool(s.Complete)}
		cells = append(cells, found...)
		cells = append(cells, leaf.Subject, leaf.Issuer, leaf.NotAfter, failure, s.ID, s.Group, s.Owner, source)
		for i := range cells {
			cells[i] = inCell(cells[i])
		}
		return w.out.Write(cells)
	}
	if len(s.Findings) == 0 {
		if err := row(make([]string, 10)...); err != nil {
			return err
		}
	}
	for i := range s.Findings {
		f := &s.Findings[i]
		waived := "false"
		if f.Waiver != nil {
			waived = "true"
		}
		if err := row(f.Rule, string(f.Class), f.Severity.String(), string(f.Confidence), string(f.Status), waived,
			f.Title, f.Message, f.Certificate, f.Fingerprint); err != nil {
			return err
		}
	}
	w.out.Flush()
	return w.out.Error()
}

func (w *csvWriter) End(e Ending) error {
	var remarks []string
	if w.narrowed != "" {
		remarks = append(remarks, "narrowed: "+w.narrowed)
	}
	if !e.Run.Complete {
		remarks = append(remarks, "incomplete: the run was interrupted, or something could not be collected or checked")
	}
	for _, warning := range e.Warnings {
		remarks = append(remarks, "warning: "+warning.Message)
	}
	for _, remark := range remarks {
		cells := make([]string, len(csvHeader))
		cells[slices.Index(csvHeader, "kind")], cells[slices.Index(csvHeader, "error")] = "run", inCell(remark)
		if err := w.out.Write(cells); err != nil {
			return err
		}
	}
	w.out.Flush()
	return w.out.Error()
}

// inCell makes a text harmless for a spreadsheet, which would run what begins like
// a formula: in full-width signs as well, behind spaces and quotes as well, and
// behind a semicolon where its language separates cells by that. An apostrophe
// makes it text.
func inCell(s string) string { return formula.ReplaceAllString(outside(s), "$1'$2") }

var formula = regexp.MustCompile(`(^|;)([ '"]*[=+\-@|%＝＋－＠])`)
