package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cli/exit"
)

// A report never takes the place of what it is about.
func TestCheckSparesItsInput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "found.pem")
	if err := os.WriteFile(path, []byte("evidence"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-o", path}, {"--report", "json=" + path}} {
		var out, errs bytes.Buffer
		code := Run(t.Context(), append([]string{"check", path}, args...), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if text, err := os.ReadFile(path); code != exit.Misuse || err != nil || string(text) != "evidence" || !strings.Contains(errs.String(), "would overwrite") {
			t.Errorf("%v: exit code %d, the file holds %q, %v\n%s", args, code, text, err, &errs)
		}
	}
}
