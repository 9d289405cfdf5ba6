package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
)

// An interrupt ends a command that waits for standard input, with the code of an
// interrupt: what it was given is not wrong.
func TestInterruptReading(t *testing.T) {
	for _, args := range [][]string{
		{"check", "-"}, {"check", "-", "-f", "json"}, {"scan", "-l", "-"}, {"check", "-l", "-"}, {"check", "x.pem", "--roots", "-"},
		{"report", "show", "-"}, {"learn", "--import", "-"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		silent, writer := io.Pipe()
		var out, errs bytes.Buffer
		codes := make(chan int, 1)
		go func() { codes <- Run(ctx, args, Streams{In: &cuttingReader{silent, cancel}, Out: &out, Err: &errs}) }()
		select {
		case code := <-codes:
			if code != exit.Interrupted || !strings.Contains(errs.String(), "interrupted") {
				t.Errorf("%v: exit code %d, want %d\n%s", args, code, exit.Interrupted, &errs)
			}
		case <-time.After(time.Minute):
			t.Errorf("%v waits for standard input after an interrupt", args)
		}
		writer.Close()
	}
}

// A cuttingReader calls cut before it reads.
type cuttingReader struct {
	io.Reader
	cut func()
}

func (r *cuttingReader) Read(p []byte) (int, error) {
	r.cut()
	return r.Reader.Read(p)
}
