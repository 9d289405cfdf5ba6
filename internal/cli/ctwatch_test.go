package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/store"
	"github.com/certassay/certassay/internal/watch"
)

// startIn is enough to begin the log of a ctLab at its first entry.
const startIn = "--start=300"

func decodeLines(t *testing.T, text string) (out []watch.Message) {
	t.Helper()
	for line := range strings.Lines(text) {
		var m watch.Message
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %.200s", err, line)
		}
		out = append(out, m)
	}
	return out
}

func TestWatchOnce(t *testing.T) {
	for name, tiled := range map[string]bool{"static-ct": true, "rfc6962": false} {
		t.Run(name, func(t *testing.T) {
			l := newCTLab(t, tiled)
			log := l.flag(t, nil)
			if !tiled {
				log = l.flag(t, plain(nil))
			}
			state := filepath.Join(t.TempDir(), "state")
			args := []string{"watch", ".lab.example", "filler7.test", "--log", log, "--state", state, "--once", startIn}
			code, out, errs := runCT(t, args...)
			got := decodeLines(t, out)
			if code != 0 || len(got) != 2 {
				t.Fatalf("exit code %d, %d lines\n%s%s", code, len(got), out, errs)
			}
			if *got[0].Index != 7 || got[0].Type != "certificate" || *got[1].Index != 42 || got[1].Type != "precertificate" || got[1].Verdict == "" {
				t.Errorf("told %+v and %+v", got[0], got[1])
			}
			// Nothing is told again.
			if code, out, errs := runCT(t, args...); code != 0 || out != "" {
				t.Errorf("the second run: exit code %d, %s%s", code, out, errs)
			}
			code, out, errs = runCT(t, "watch", "--status", "--state", state)
			if code != 0 {
				t.Errorf("--status: exit code %d: %s", code, errs)
			}
			wantText(t, out, "no watch runs", "ok", "300", "2 certificates matched")
			code, out, _ = runCT(t, "watch", "--status", "--state", state, "-f", "json")
			var health watch.Health
			if err := json.Unmarshal([]byte(out), &health); err != nil || code != 0 || len(health.Logs) != 1 || health.Logs[0].Position != 300 {
				t.Errorf("--status -f json: exit code %d, %v: %s", code, err, out)
			}
			// The log takes entries back.
			l.log.Show(200)
			code, out, errs = runCT(t, args...)
			if got := decodeLines(t, out); code != exit.Findings || len(got) != 1 || got[0].Kind != watch.KindContradiction || !strings.Contains(errs, "contradicts itself") {
				t.Errorf("a rollback: exit code %d\n%s%s", code, out, errs)
			}
			if code, out, _ := runCT(t, "watch", "--status", "--state", state); code != exit.Incomplete || !strings.Contains(out, "failing") {
				t.Errorf("--status after a rollback: exit code %d: %s", code, out)
			}
		})
	}
}

// A head that the log did not sign is told with its finding, and is no success.
func TestWatchUnsignedHead(t *testing.T) {
	l := newCTLab(t, true)
	log := l.flag(t, func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		if r.URL.Path == "/checkpoint" {
			return bytes.Replace(honest, []byte("\n300\n"), []byte("\n299\n"), 1), true
		}
		return honest, true
	})
	code, out, errs := runCT(t, "watch", ".lab.example", "--log", log, "--state", t.TempDir(), "--once", startIn)
	got := decodeLines(t, out)
	if code != exit.Findings || len(got) != 1 || got[0].Kind != watch.KindOddHead || len(got[0].Findings) != 1 || got[0].Findings[0].Rule != "log-head-not-signed" {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// Everything that the configuration says has its effect.
func TestWatchConfiguration(t *testing.T) {
	l := newCTLab(t, true)
	dir := t.TempDir()
	var posted []string
	server := http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		posted = append(posted, r.Header.Get("X-Team")+r.Header.Get("Authorization")+" "+r.Header.Get("Idempotency-Key"))
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	for name, text := range map[string]string{
		"token": "t0ken", "headers": "X-Team: red", "alert": "#!/bin/sh\ncat >>\"$1\"\n",
		"watch.yaml": fmt.Sprintf(`{version: 1, state: state, names: [.lab.example, filler7.test, filler8.test], logs: [%q], expected: [%q],
  notify: [{jsonl: found}, {exec: [./alert, %q]}, {webhook: "http://%s/", token-file: token, headers-file: headers}], start: 300, metrics-file: metrics}`,
			l.flag(t, nil), l.chain, filepath.Join(dir, "alerted"), listener.Addr()),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := runCT(t, "watch", "-c", filepath.Join(dir, "watch.yaml"), "--once")
	if code != 0 || out != "" {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	got := decodeLines(t, read("found"))
	if len(got) != 2 || *got[0].Index != 7 || *got[1].Index != 8 { // not 42, which is expected
		t.Errorf("told %+v", got)
	}
	if read("alerted") != read("found") {
		t.Errorf("the program got %q", read("alerted"))
	}
	if len(posted) != 2 || posted[0] != "redBearer t0ken "+got[0].ID {
		t.Errorf("posted %q", posted)
	}
	wantText(t, read("metrics"), "certassay_ct_certificates_total 3\n", "certassay_ct_log_ok{")
}

// lockedText is output that is read while it is written.
type lockedText struct {
	w chan []byte
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.w <- bytes.Clone(p)
	return len(p), nil
}

// A watch runs until it is ended, tells what comes, answers Prometheus, keeps a
// second one away, and can be looked at meanwhile.
func TestWatchForever(t *testing.T) {
	l := newCTLab(t, false)
	state := t.TempDir()
	args := []string{"ct", "watch", ".lab.example", "new.test", "--log", l.flag(t, plain(nil)), "--state", state, startIn, "--metrics", ":0", "--rate", "1000"}
	out, errs := &lockedText{make(chan []byte, 100)}, &lockedText{make(chan []byte, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, args, Streams{In: strings.NewReader(""), Out: out, Err: errs})
	}()
	next := func(from *lockedText) string {
		t.Helper()
		select {
		case b := <-from.w:
			return string(b)
		case code := <-ended:
			t.Fatalf("it ended with %d", code)
		case <-time.After(2 * time.Minute):
			t.Fatal("nothing is said")
		}
		return ""
	}
	metrics := next(errs)
	if got := decodeLines(t, next(out)); *got[0].Index != 42 {
		t.Errorf("told %+v", got)
	}
	code, _, second := runCT(t, args[1:]...)
	if code != exit.Failure || !strings.Contains(second, fmt.Sprintf("process %d", os.Getpid())) || !strings.Contains(second, "hint:") {
		t.Errorf("a second watch: exit code %d: %s", code, second)
	}
	if code, out, errs := runCT(t, "watch", "--status", "--state", state); code != 0 || !strings.HasPrefix(out, fmt.Sprintf("process %d watches, since ", os.Getpid())) {
		t.Errorf("--status: exit code %d: %s%s", code, out, errs)
	}
	_, address, _ := strings.Cut(strings.TrimSpace(metrics), "metrics are at ")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	_, err = text.ReadFrom(answer.Body)
	_ = answer.Body.Close()
	if err != nil || !strings.Contains(text.String(), "certassay_ct_certificates_total 1\n") {
		t.Errorf("metrics %q, %v", text.String(), err)
	}
	cancel()
	select {
	case code := <-ended:
		if code != exit.Interrupted {
			t.Errorf("exit code %d after an interrupt", code)
		}
	case <-time.After(time.Minute):
		t.Fatal("an interrupt does not end it")
	}
}

func TestWatchRefuses(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("version: 1\nname: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	for _, tt := range []struct {
		name, want string
		code       int
		args       []string
	}{
		{"no state", "no state directory", 2, []string{".x.example"}},
		{"no name", "no name was given", 2, []string{"--state", state}},
		{"bad name", "is no name", 2, []string{"a..b", "--state", state}},
		{"unknown log", "no log is known", 2, []string{".x.example", "--state", state, "--log", "nowhere"}},
		{"bad file", "name", 2, []string{"-c", bad}},
		{"no file", "no such file", 2, []string{"-c", bad + "x"}},
		{"bad start", "cannot start", 2, []string{".x.example", "--state", state, "--start", "soon"}},
		{"both", "once", 2, []string{".x.example", "--state", state, "--once", "--status"}},
		{"no state to show", "no database", 4, []string{"--state", state, "--status"}},
		{"a file for a directory", "cannot be written", 4, []string{".x.example", "--state", bad, "--once"}},
	} {
		code, out, errs := runCT(t, append([]string{"watch"}, tt.args...)...)
		if code != tt.code || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit code %d, %s%s, want %d and %q", tt.name, code, out, errs, tt.code, tt.want)
		}
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("a refused command made the state directory")
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, store.File), bytes.Repeat([]byte("x"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"watch", ".x.example", "--state", state, "--once"}, {"watch", "--status", "--state", state}} {
		if code, _, errs := runCT(t, args...); code != 4 || !strings.Contains(errs, "damaged") || !strings.Contains(errs, "hint:") {
			t.Errorf("%q on a damaged state: exit code %d: %s", args, code, errs)
		}
	}
}
