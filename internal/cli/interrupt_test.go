package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/report"
)

// A cuttingWriter calls cut once a text was written.
type cuttingWriter struct {
	bytes.Buffer
	text string
	cut  func()
}

func (w *cuttingWriter) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if strings.Contains(w.String(), w.text) {
		w.cut()
	}
	return n, err
}

// interrupted runs a command that writes JSON Lines, and interrupts it as soon as
// they hold a text.
func interrupted(t *testing.T, text string, args ...string) (out, errs string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, stderr := &cuttingWriter{text: text, cut: cancel}, &bytes.Buffer{}
	code := Run(ctx, append(args, "-f", "jsonl", "--timeout", "10m"), Streams{In: strings.NewReader(""), Out: stdout, Err: stderr})
	if code != exit.Interrupted {
		t.Fatalf("exit code %d, want %d\n%s", code, exit.Interrupted, stderr)
	}
	return stdout.String(), stderr.String()
}

// An interrupt ends the run at once; the report holds what was finished, is
// whole, and says that it is not complete.
func TestInterrupt(t *testing.T) {
	l := lab.New(lab.Config{At: time.Now()})
	honest := lab.Serve(t, l.Chain(), l.LeafKey, lab.Server{})
	silent := lab.Listen(t, func(ctx context.Context, _ net.Conn) { <-ctx.Done() })
	out, errs := interrupted(t, honest, "scan", honest, silent)
	doc, err := report.Read(strings.NewReader(out))
	if err != nil {
		t.Fatalf("the report is not whole: %v\n%s", err, out)
	}
	if doc.Run.Complete || len(doc.Subjects) == 0 || len(doc.Subjects[0].Chain) == 0 {
		t.Errorf("complete %v with %d subjects, want incomplete with the first one collected", doc.Run.Complete, len(doc.Subjects))
	}
	if !strings.Contains(errs, "interrupted") {
		t.Errorf("standard error %q does not say that the run was interrupted", errs)
	}
}

// An audit that is interrupted writes every report, whole, and each says that it
// is not complete. What the baseline knows of targets that were not reached is not
// called resolved.
func TestInterruptedAuditWritesEveryReport(t *testing.T) {
	l := lab.New(lab.Config{At: time.Now()})
	honest := lab.Serve(t, l.Chain(), l.LeafKey, lab.Server{})
	silent := lab.Listen(t, func(ctx context.Context, _ net.Conn) { <-ctx.Done() })
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	text := fmt.Sprintf("version: 1\ngroups:\n  - {name: time, targets: [%q, %q]}\n", honest, silent)
	if err := os.WriteFile(file("certassay.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	earlier := fmt.Sprintf(`{"schema": "certassay/report/v1", "summary": {}, "subjects": [{"id": "tls://%s", "chain": ["x"], "findings": [{"rule": "chain-untrusted-root",
		"class": "forgery", "severity": "high", "confidence": "strong", "title": "t", "fingerprint": "v1:%032d", "status": "new", "waiver": null}]}]}`, silent, 1)
	if err := os.WriteFile(file("earlier.json"), []byte(earlier), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"audit", "-c", file("certassay.yaml"), "--baseline", file("earlier.json"), "--evidence", file("run.evidence")}
	marks := map[string]string{
		"json": `"complete":false`, "jsonl": `"complete":false`, "sarif": `"executionSuccessful": false`, "junit": `name="complete" value="false"`,
		"html": "<b>Incomplete:</b>", "markdown": "**Incomplete:**", "github": "INCOMPLETE: ", "csv": ",incomplete: ", "prometheus": "certassay_run_complete 0", "text": "INCOMPLETE: ",
	}
	for _, format := range report.Formats() {
		args = append(args, "--report", format+"="+file("out."+format))
	}
	interrupted(t, honest, args...)
	for _, format := range report.Formats() {
		text, err := os.ReadFile(file("out." + format))
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if !strings.Contains(strings.ReplaceAll(string(text), `"incomplete:`, "incomplete:"), marks[format]) || marks[format] == "" {
			t.Errorf("%s does not say %q:\n%s", format, marks[format], text)
		}
		if !strings.Contains(string(text), honest) {
			t.Errorf("%s lacks the target that was finished", format)
		}
	}
	for _, format := range []string{"json", "jsonl"} {
		f, err := os.Open(file("out." + format))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := report.Read(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if b := doc.Baseline; b == nil || len(b.Resolved) != 0 || len(b.Unchecked) != 1 {
			t.Errorf("%s: baseline %+v, want nothing resolved and one finding not checked again", format, b)
		}
	}
	if left, err := filepath.Glob(file(".*")); err != nil || len(left) > 0 {
		t.Errorf("unfinished files are left: %v (error %v)", left, err)
	}
	if info, err := os.Stat(file("run.evidence")); err != nil || info.Size() == 0 {
		t.Errorf("the evidence was not written: %v", err)
	}
}

// --concurrency bounds how many targets of an inventory are asked at once, and lets
// as many be.
func TestAuditConcurrency(t *testing.T) {
	var now, peak, limit atomic.Int64
	var targets []string
	for i := range 8 {
		// Each at an address of its own: those of one host share another bound.
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:0", i+1))
		if err != nil {
			t.Skipf("no address 127.0.0.%d here: %v", i+1, err)
		}
		t.Cleanup(func() { _ = l.Close() })
		targets = append(targets, fmt.Sprintf("%q", l.Addr()))
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					n := now.Add(1)
					for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); old = peak.Load() {
					}
					for end := time.Now().Add(time.Minute); peak.Load() < limit.Load() && time.Now().Before(end); {
						time.Sleep(time.Millisecond)
					}
					time.Sleep(300 * time.Millisecond) // would there be one too many, it would come now
					now.Add(-1)
					_ = c.Close()
				}()
			}
		}()
	}
	path := filepath.Join(t.TempDir(), "certassay.yaml")
	if err := os.WriteFile(path, []byte("version: 1\ngroups:\n  - {name: g, targets: ["+strings.Join(targets, ", ")+"]}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, most := range []int64{2, 6} {
		peak.Store(0)
		limit.Store(most)
		var out, errs bytes.Buffer
		args := []string{"audit", "-c", path, "--concurrency", fmt.Sprint(most), "--retries", "0", "--timeout", "5m", "-q"}
		if code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exit.Incomplete {
			t.Fatalf("exit code %d, want %d\n%s", code, exit.Incomplete, errs.String())
		}
		if got := peak.Load(); got != most {
			t.Errorf("with --concurrency %d: %d connections at once", most, got)
		}
	}
}
