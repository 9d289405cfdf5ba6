package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/report"
)

// An interrupt ends the run at once; the report holds what was finished, is
// whole, and says that it is not complete.
func TestInterrupt(t *testing.T) {
	l := lab.New(lab.Config{At: time.Now()})
	honest := lab.Serve(t, l.Chain(), l.LeafKey, lab.Server{})
	silent := lab.Listen(t, func(ctx context.Context, _ net.Conn) { <-ctx.Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var out, errs bytes.Buffer
	began := time.Now()
	code := Run(ctx, []string{"scan", honest, silent, "-f", "json", "--timeout", "60s"}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if code != exitInterrupted {
		t.Errorf("exit code %d, want %d\n%s", code, exitInterrupted, errs.String())
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the interrupt took %v", took)
	}
	var doc report.Document
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatalf("the report is not whole: %v\n%s", err, out.String())
	}
	if doc.Run.Complete || len(doc.Subjects) == 0 || len(doc.Subjects[0].Chain) == 0 {
		t.Errorf("complete %v with %d subjects, want incomplete with the first one collected", doc.Run.Complete, len(doc.Subjects))
	}
	if !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("standard error %q does not say that the run was interrupted", errs.String())
	}
}
