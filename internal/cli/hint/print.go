package hint

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/rule"
)

// Print writes each of the joined errors, and the hints of those that have
// one.
func Print(w io.Writer, err error) {
	for _, e := range flatten(err) {
		fmt.Fprintf(w, "certassay: error: %s\n", lines(e.Error()))
		if say := of(e); say != "" {
			fmt.Fprintf(w, "certassay: hint: %s\n", lines(say))
		}
	}
}

// lines escapes each line of a text that may hold names of files, arguments and
// what servers say, and sets those after the first one in.
func lines(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, inert(report.Escape(line)))
	}
	return strings.Join(out, "\n  ")
}

// inert takes from a line what the log of a CI job would obey: "::" at its
// beginning, behind white space as well, and "##[" or "##vso[" anywhere. A pull
// request writes the inventory whose lines are repeated here.
func inert(line string) string {
	line = strings.ReplaceAll(line, "##", `#\u{23}`)
	if text := strings.TrimLeft(line, " "); strings.HasPrefix(text, "::") {
		line = line[:len(line)-len(text)] + `\u{3a}` + text[1:]
	}
	return line
}

func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}

func of(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	var s *rule.SelectionError
	if errors.As(err, &s) {
		return s.Hint
	}
	return ""
}

// Warn writes warnings to standard error, where people look who send
// the report to a file.
func Warn(w io.Writer, warnings []report.Warning) {
	for _, warning := range warnings {
		fmt.Fprintf(w, "certassay: warning: %s\n", inert(report.Escape(warning.Message)))
		if warning.Hint != "" {
			fmt.Fprintf(w, "certassay: hint: %s\n", inert(warning.Hint))
		}
	}
}
