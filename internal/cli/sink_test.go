package cli

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cli/exit"
)

// A fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// What cannot be written makes a failed run of every command, and is never a
// matter of usage, nor a success.
func TestStandardOutputFull(t *testing.T) {
	for _, line := range []string{
		"--help", "version", "rules list", "rules index", "rules explain chain-untrusted-root", "rules test",
		"schema report", "schema inventory", "schema rule", "schema facts", "completion bash", "data status", "ct logs", "config show",
	} {
		args := strings.Fields(line)
		var out, errs bytes.Buffer
		if code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exit.OK || out.Len() == 0 {
			t.Errorf("%q wrote %d bytes, exit code %d: %s", line, out.Len(), code, &errs)
		}
		errs.Reset()
		code := Run(t.Context(), slices.Clone(args), Streams{In: strings.NewReader(""), Out: fullDisk{}, Err: &errs})
		if code != exit.Failure || !strings.Contains(errs.String(), "no space left on device") {
			t.Errorf("%q onto a full disk: exit code %d, %q", line, code, &errs)
		}
	}
}
