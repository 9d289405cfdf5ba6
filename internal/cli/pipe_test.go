//go:build unix

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// "check <(command)" judges what the command writes: a pipe is read once.
func TestCheckPipe(t *testing.T) {
	l, dir := lab.New(lab.Config{}), t.TempDir()
	root, pipe := filepath.Join(dir, "root.pem"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(root, lab.PEM(l.Roots()...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	go func() {
		if err := os.WriteFile(pipe, lab.PEM(l.Chain()...), 0); err != nil {
			t.Error(err)
		}
	}()
	var out bytes.Buffer
	code := Run(t.Context(), []string{"check", pipe, "--roots", root, "--at", l.At.Format(time.RFC3339)}, Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	if code != 0 || !strings.HasPrefix(out.String(), "OK") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}
