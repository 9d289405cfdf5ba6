package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// proven is what the tests read of the JSON form.
type proven struct {
	Certificates []struct {
		Verdict string
		SCTs    []struct {
			Signature, Inclusion, Verdict, Reason string
			Findings                              []struct{ Rule, Fingerprint string }
		}
	}
}

func (l *ctLab) prove(t *testing.T, wantCode int, args ...string) (doc proven) {
	t.Helper()
	code, out, errs := runCT(t, append([]string{"prove", l.chain, "--roots", l.roots, "-f", "json"}, args...)...)
	if code != wantCode {
		t.Errorf("prove %q: exit code %d, want %d\n%s%s", args, code, wantCode, out, errs)
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("prove %q: %v\n%s%s", args, err, out, errs)
	}
	return doc
}

// breaking is a log that signed for the lab's certificate and holds another entry
// in its place.
func (l *ctLab) breaking(t *testing.T, logged time.Time) *ctLab {
	t.Helper()
	out := *l
	out.log = lablog.New(l.log.Key, l.log.Origin, logged)
	for range 50 {
		out.log.Add(l.lab.Leaf, l.submitted)
	}
	return &out
}

// A promise that was not kept is a finding against the log, in every form of
// report, and the same when it is judged again.
func TestCTProveJudges(t *testing.T) {
	l := newCTLab(t, true)
	if doc := l.prove(t, 0, "--log", l.flag(t, nil)); doc.Certificates[0].Verdict != "ok" || doc.Certificates[0].SCTs[0].Verdict != "ok" {
		t.Errorf("kept: %+v, want all ok", doc)
	}
	log := l.breaking(t, l.log.Time).flag(t, nil)
	dir := t.TempDir()
	sarif, bundle := filepath.Join(dir, "out.sarif"), filepath.Join(dir, "run.evidence")
	doc := l.prove(t, exit.Findings, "--log", log, "--report", "sarif="+sarif, "--evidence", bundle)
	s := doc.Certificates[0].SCTs[0]
	if len(s.Findings) != 1 || s.Findings[0].Rule != "log-promise-broken" || s.Verdict != "suspicious" || doc.Certificates[0].Verdict != "ok" {
		t.Errorf("broken: %+v, want the log accused and not the certificate", doc)
	}
	if text, err := os.ReadFile(sarif); err != nil || !bytes.Contains(text, []byte(s.Findings[0].Fingerprint)) {
		t.Errorf("SARIF lacks %s, %v:\n%s", s.Findings[0].Fingerprint, err, text)
	}
	var out, errs bytes.Buffer
	code := Run(t.Context(), []string{"check", bundle, "--roots", l.roots, "-f", "jsonl"}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if code != exit.Findings || !strings.Contains(out.String(), s.Findings[0].Fingerprint) {
		t.Errorf("judged again: exit code %d, want 1 and %s\n%s%s", code, s.Findings[0].Fingerprint, &out, &errs)
	}
	// Whatever the bar, not every SCT was proven.
	l.prove(t, exit.Incomplete, "--log", log, "--fail-on", "never")
	l.prove(t, 0, "--log", log, "--exit-zero")

	code, text, _ := runCT(t, "prove", "-q", l.chain, "--roots", l.roots, "--log", l.flag(t, nil))
	if code != 0 || strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "ok ") {
		t.Errorf("-q: exit code %d and %q, want one line", code, text)
	}
	if code, text, _ = runCT(t, "prove", "-f", "jsonl", l.chain, "--roots", l.roots, "--log", log); code != exit.Findings || strings.Count(text, "\n") != 1 {
		t.Errorf("jsonl: exit code %d and %q, want one line", code, text)
	}
}

// Another entry at the index of the SCT breaks the promise at once: no later tree
// can keep it. Hashes that the log does not give show nothing.
func TestCTProveTaken(t *testing.T) {
	l := newCTLab(t, true)
	young := l.breaking(t, l.submitted.Add(time.Minute))
	if doc := l.prove(t, exit.Findings, "--log", young.flag(t, nil)); len(doc.Certificates[0].SCTs[0].Findings) != 1 {
		t.Errorf("another entry, a minute after the SCT: %+v, want a finding", doc)
	}
	gone := func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		if strings.HasPrefix(r.URL.Path, "/tile/") {
			return nil, true
		}
		return honest, true
	}
	doc := l.prove(t, exit.Incomplete, "--log", l.flag(t, gone))
	if s := doc.Certificates[0].SCTs[0]; s.Inclusion != "unknown" || len(s.Findings) != 0 {
		t.Errorf("no hashes: %+v, want unknown, and nobody accused", s)
	}
}

func TestCTSearchQuiet(t *testing.T) {
	l := newCTLab(t, true)
	code, text, _ := runCT(t, "search", "-q", ".lab.example", "--roots", l.roots, "--log", l.flag(t, nil))
	if code != 0 || strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "ok ") || !strings.Contains(text, "entry 42  sha256:") {
		t.Errorf("exit code %d and %q, want one line", code, text)
	}
	code, text, _ = runCT(t, "search", "-q", ".lab.example", "--roots", l.roots, "--log", l.flag(t, nil), "--from", "0", "--to", "400")
	if code != exit.Incomplete || !strings.Contains(text, "not searched: entries 300 to 399") {
		t.Errorf("a gap: exit code %d and %q, want it told", code, text)
	}
}

// An SCT that cannot be read has no log and no time to be printed.
func TestProvenSCTMalformed(t *testing.T) {
	var out bytes.Buffer
	new(prover).sct(t.Context(), nil, []byte{0, 1}, "").writeText(&out, false)
	if text := out.String(); strings.Contains(text, "0001-01-01") || !strings.Contains(text, "unknown log") || !strings.Contains(text, "malformed") {
		t.Errorf("a malformed SCT is shown as\n%s", text)
	}
}
