package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	// binary is the path of the certassay under test.
	binary string
	// shared is where what all tests share is built.
	shared string
)

// TestMain builds the binary once, where real servers are asked for. With
// CERTASSAY_BINARY set, that one is tested instead: a released build.
func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	if os.Getenv("CERTASSAY_E2E") != "1" {
		return m.Run()
	}
	var err error
	if shared, err = os.MkdirTemp("", "certassay-e2e-bin-"); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(shared)
	if binary = os.Getenv("CERTASSAY_BINARY"); binary != "" {
		return m.Run()
	}
	binary = filepath.Join(shared, "certassay")
	build := exec.Command("go", "build", "-o", binary, "../../../cmd/certassay")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: building certassay: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// A report is the part of certassay/report/v1 that these tests read.
type report struct {
	Schema  string `json:"schema"`
	Summary struct {
		Subjects int            `json:"subjects"`
		Verdicts map[string]int `json:"verdicts"`
	} `json:"summary"`
	Subjects []struct {
		ID       string   `json:"id"`
		Verdict  string   `json:"verdict"`
		Complete bool     `json:"complete"`
		Anchor   string   `json:"anchor"`
		Chain    []string `json:"chain"`
		Findings []struct {
			Rule  string `json:"rule"`
			Class string `json:"class"`
			Title string `json:"title"`
		} `json:"findings"`
		Errors []struct {
			Stage string `json:"stage"`
			Error string `json:"error"`
		} `json:"errors"`
	} `json:"subjects"`

	exit int
	text string
	// resident is the most memory that the run had, in KiB; 0 where that is unknown.
	resident int64
}

// scan runs "certassay scan --format json" and reads its report.
func scan(t *testing.T, args ...string) report {
	t.Helper()
	return runReport(t, "scan", args...)
}

// runReport runs a command with "--format json" and reads its report of one
// subject.
func runReport(t *testing.T, command string, args ...string) report {
	t.Helper()
	r := runReports(t, command, args...)
	if len(r.Subjects) != 1 {
		t.Fatalf("%s %v: %d subjects, want 1\n%s", command, args, len(r.Subjects), r.text)
	}
	return r
}

// runReports is runReport for any number of subjects.
func runReports(t *testing.T, command string, args ...string) report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scanTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{command, "--format", "json"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("%s: %v", cmd, err)
	}
	r := report{exit: cmd.ProcessState.ExitCode(), text: string(stdout)}
	r.resident = resident(cmd.ProcessState)
	if err := json.Unmarshal(stdout, &r); err != nil {
		t.Fatalf("%s: exit %d, output is no report: %v\n%s\n%s", cmd, r.exit, err, stdout, stderr.String())
	}
	return r
}

// wantOK wants the honest answer: verdict ok, nothing missing, exit 0.
func (r report) wantOK(t *testing.T) {
	t.Helper()
	s := r.Subjects[0]
	if s.Verdict != "ok" || !s.Complete || s.Anchor != "inventory" || r.exit != 0 {
		t.Errorf("verdict %s, complete %v, anchor %s, exit %d; want ok, true, inventory, 0\n%s", s.Verdict, s.Complete, s.Anchor, r.exit, r.text)
	}
}

// wantCaught wants an accusation, exit 1, and each of the rules among the
// findings: the tell has to be named, not only something be wrong.
func (r report) wantCaught(t *testing.T, verdicts []string, rules ...string) {
	t.Helper()
	s := r.Subjects[0]
	if !slices.Contains(verdicts, s.Verdict) || r.exit != 1 {
		t.Errorf("verdict %s, exit %d; want %s, 1\n%s", s.Verdict, r.exit, strings.Join(verdicts, " or "), r.text)
	}
	var found []string
	for _, f := range s.Findings {
		found = append(found, f.Rule)
	}
	for _, rule := range rules {
		if !slices.Contains(found, rule) {
			t.Errorf("rule %s found nothing; found %s\n%s", rule, strings.Join(found, " "), r.text)
		}
	}
}
