package reallogs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// program is the one under test: CERTASSAY_BINARY, or one that is built.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if sample := os.Getenv(serveVariable); sample != "" {
		fmt.Fprintln(os.Stderr, serveSample(sample))
		return 1
	}
	dir, err := os.MkdirTemp("", "reallogs-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if program = os.Getenv("CERTASSAY_BINARY"); program == "" {
		program = filepath.Join(dir, "certassay")
		build := exec.CommandContext(context.Background(), "go", "build", "-o", program, "./cmd/certassay")
		build.Dir = filepath.Join("..", "..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building certassay: %v\n%s", err, out)
			return 1
		}
	}
	// Nearly all of these tests wait for a time that the program lets pass.
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// hierarchy issues all certificates of these tests.
func hierarchy() *lab.Lab { return lab.New(lab.Config{At: time.Now()}) }

// protocols are those that every log test runs over.
var protocols = []string{RFC6962, StaticCT}

// A result is what one run of the program left.
type result struct {
	code        int
	out, stderr string
}

// certassay runs the program to its end.
func certassay(t *testing.T, args ...string) result {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 4*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, program, args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		t.Fatalf("certassay %q: %v\n%s%s", args, errors.Join(err, ctx.Err()), &out, &stderr)
	}
	if bytes.Contains(stderr.Bytes(), []byte("panic:")) {
		t.Fatalf("certassay %q panicked:\n%s", args, &stderr)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
}

// answer runs the program, which has to end with this code, and reads its JSON.
func answer[T any](t *testing.T, code int, args ...string) (out T) {
	t.Helper()
	r := certassay(t, args...)
	if r.code != code {
		t.Fatalf("certassay %q ended with %d, want %d\n%s%s", args, r.code, code, r.out, r.stderr)
	}
	if err := json.Unmarshal([]byte(r.out), &out); err != nil {
		t.Fatalf("certassay %q: %v\n%s%s", args, err, r.out, r.stderr)
	}
	return out
}

// The answers of the commands, as far as they are looked at.
type (
	headJSON struct {
		Size uint64
		Time time.Time
		Root string
	}
	gapJSON struct {
		From, To uint64
		Error    string
	}
	hitJSON struct {
		Index    uint64
		Type     string
		Hash     string
		Names    []string
		Verified bool
		Matches  []struct{ Name, Identifier string }
	}
	searchedJSON struct {
		Protocol       string
		Head           *headJSON
		From, To       uint64
		Verified       uint64
		Complete       bool
		Gaps, Odd      []gapJSON
		Error, Warning string
	}
	searchJSON struct {
		Hits []hitJSON
		Logs []searchedJSON
	}
	proofsJSON struct {
		Certificates []struct {
			Error string
			SCTs  []struct {
				Signature, Inclusion, Reason string
				Index                        *uint64
				Findings                     []struct{ Rule string }
			}
		}
	}
	entryJSON struct {
		Index    uint64
		Type     string
		DER      []byte
		Names    []string
		Chain    [][]byte
		Verified bool
		Problem  string
	}
	logsJSON struct {
		Logs []struct {
			Protocol, Error string
			Head            *headJSON
		}
	}
)

// waitSize waits until the log shows so many entries.
func waitSize(t *testing.T, l *Log, size uint64) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for {
		got := answer[logsJSON](t, 0, "ct", "logs", "--check", "-f", "json", "--rate", "1000", "--log", l.Flag(l.Monitor))
		if got.Logs[0].Head.Size >= size {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log shows %d entries, want %d", got.Logs[0].Head.Size, size)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// search runs "ct search" over all of a log at an address.
func search(t *testing.T, code int, l *Log, address, name string, more ...string) (searchJSON, searchedJSON) {
	t.Helper()
	// What is found is judged elsewhere; here it is about what was read.
	args := append([]string{"ct", "search", name, "-f", "json", "--rate", "1000", "--fail-on", "never", "--log", l.Flag(address)}, more...)
	got := answer[searchJSON](t, code, args...)
	if len(got.Logs) != 1 {
		t.Fatalf("%d logs were searched, want 1", len(got.Logs))
	}
	return got, got.Logs[0]
}
