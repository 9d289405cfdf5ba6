package hint

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/report"
)

func TestWith(t *testing.T) {
	cause := errors.New("log list is 94 days old")
	err := fmt.Errorf("starting: %w", With(cause, "update it"))
	if got := of(err); got != "update it" {
		t.Errorf("hint of %v = %q", err, got)
	}
	if !errors.Is(err, cause) || err.Error() != "starting: log list is 94 days old" {
		t.Errorf("With changed the error: %v", err)
	}
}

// Each of the joined errors stands alone, with its hint below it, and nothing of them
// reaches a terminal unescaped.
func TestPrint(t *testing.T) {
	var out bytes.Buffer
	Print(&out, errors.Join(errors.New("one\ntwo \x1b[31m"), errors.Join(With(errors.New("three"), "do \x1b"))))
	want := "certassay: error: one\n  two \\u{1b}[31m\ncertassay: error: three\ncertassay: hint: do \\u{1b}\n"
	if got := out.String(); got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	out.Reset()
	Print(&out, errors.New("i.yaml:1:1: unknown key\n    ::add-mask::x\n    ##[error]y ##vso[z]"))
	if got := out.String(); strings.Contains(got, " ::") || strings.Contains(got, "##") {
		t.Errorf("the log of a CI job obeys %q", got)
	}
	out.Reset()
	Warn(&out, []report.Warning{{Message: "old\u202e"}, {Message: "new", Hint: "look"}})
	if got, want := out.String(), "certassay: warning: old\\u{202e}\ncertassay: warning: new\ncertassay: hint: look\n"; got != want {
		t.Errorf("warned %q, want %q", got, want)
	}
}
