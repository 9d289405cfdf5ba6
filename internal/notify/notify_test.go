package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/store"
)

// A bench is a store with notifications a, b, c in it for some receivers.
type bench struct {
	*Courier
	mu     sync.Mutex
	now    time.Time // guarded by mu
	failed []string  // guarded by mu
}

func newBench(t *testing.T, receivers ...Receiver) *bench {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := &bench{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	b.Courier = &Courier{Store: s, Receivers: receivers, Now: b.clock, Failed: func(name string, err error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.failed = append(b.failed, fmt.Sprint(err))
	}}
	if _, err := b.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.add(t, "a", "b", "c")
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) add(t *testing.T, ids ...string) {
	t.Helper()
	err := b.Store.Update(t.Context(), func(tx *store.Tx) error {
		for _, id := range ids {
			if _, err := tx.Notify(&store.Notification{ID: id, Kind: "test", Created: b.clock(), Body: fmt.Appendf(nil, `{"id":%q}`, id)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) flush(t *testing.T, want int) {
	t.Helper()
	if n, err := b.Flush(t.Context()); err != nil || n != want {
		t.Fatalf("Flush = %d, %v, want %d to wait", n, err, want)
	}
}

func TestWebhook(t *testing.T) {
	var got []string
	answer := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/secret" {
			t.Errorf("the redirect to %s was followed", r.URL)
		}
		if answer >= 300 {
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "100")
			w.WriteHeader(answer)
			return
		}
		body, _ := io.ReadAll(r.Body)
		got = append(got, strings.Join([]string{r.Method, r.Header.Get("Content-Type"), r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), string(body)}, " "))
	}))
	defer server.Close()
	r, err := NewWebhook(Webhook{URL: server.URL + "/secret", Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.Name(), "secret") {
		t.Errorf("the name %q has the secret in it", r.Name())
	}
	b := newBench(t, r)
	for _, status := range []int{500, 302, 429} {
		answer = status
		b.flush(t, 3)
		b.pass(20 * time.Minute)
	}
	want := []string{"HTTP status 500 Internal Server Error", "HTTP status 302: redirects are not followed; give the address that it leads to", "HTTP status 429 Too Many Requests"}
	if d := cmp.Diff(want, b.failed); d != "" {
		t.Error(d)
	}
	b.pass(-20*time.Minute + 99*time.Second) // Retry-After has not passed for one
	answer = http.StatusOK
	b.flush(t, 1)
	b.pass(2 * time.Second)
	b.flush(t, 0)
	wantGot := []string{}
	for _, id := range []string{"a", "b", "c"} {
		wantGot = append(wantGot, "POST application/json "+id+` Bearer token {"id":"`+id+`"}`)
	}
	if d := cmp.Diff(wantGot, sorted(got)); d != "" {
		t.Error(d)
	}
}

func sorted(s []string) []string {
	out := append([]string{}, s...)
	for i := range out {
		for j := i; j > 0 && out[j] < out[j-1]; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

func TestWebhookRefuses(t *testing.T) {
	for _, u := range []string{"", "ftp://x", "https://", "http://hooks.example.com/x", "https://user:pass@hooks.example.com/", "http://192.0.2.1/"} {
		if _, err := NewWebhook(Webhook{URL: u}); err == nil {
			t.Errorf("NewWebhook(%q) was taken", u)
		}
	}
	for _, u := range []string{"https://hooks.example.com/x", "http://127.0.0.1:80/", "http://[::1]/", "http://10.0.0.1/", "http://alerts/", "http://alerts.internal/"} {
		if _, err := NewWebhook(Webhook{URL: u}); err != nil {
			t.Errorf("NewWebhook(%q) = %v", u, err)
		}
	}
}

// A webhook that hangs costs its timeout and no other receiver's time.
func TestRun(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hang)
	slow, err := NewWebhook(Webhook{URL: server.URL, Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var out lockedBuffer
	b := newBench(t, slow, NewStream(&out))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	wake := make(chan struct{})
	var mu sync.Mutex
	go func() {
		ended <- b.Run(ctx, func() <-chan struct{} { mu.Lock(); defer mu.Unlock(); return wake })
	}()
	await := func(want string) {
		t.Helper()
		for range 6000 {
			if out.String() == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("written %q, want %q", out.String(), want)
	}
	await("{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n")
	b.add(t, "d")
	mu.Lock()
	close(wake)
	wake = make(chan struct{})
	mu.Unlock()
	await("{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n{\"id\":\"d\"}\n")
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Run does not end")
	}
	if len(b.failed) != 0 {
		t.Errorf("being ended counts as failure: %q", b.failed)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// script writes a program for the command receiver.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	// A program that is being started elsewhere would hold it open for writing.
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	r, err := NewCommand(Command{Args: []string{script(t, `cat >>"$1"; echo "$2 $CERTASSAY_NOTIFICATION $CERTASSAY_KIND" >>"$1"`), out, "$(touch x); `y`"}})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, r)
	b.flush(t, 0)
	text, err := os.ReadFile(out)
	want := ""
	for _, id := range []string{"a", "b", "c"} {
		want += `{"id":"` + id + `"}` + "\n$(touch x); `y` " + id + " test\n"
	}
	if err != nil || string(text) != want {
		t.Errorf("the program got %q (%v), want %q", text, err, want)
	}
}

func TestCommandFails(t *testing.T) {
	if _, err := NewCommand(Command{}); err == nil {
		t.Error("a command without a program was taken")
	}
	if _, err := NewCommand(Command{Args: []string{"/no/such/program"}}); err == nil {
		t.Error("a program that does not exist was taken")
	}
	for _, tt := range []struct{ name, script, want string }{
		{"status", "echo why >&2; exit 3", `exit status 3: "why\n"`},
		{"time", "exec sleep 600", "killed after 300ms"},
		{"output without end", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", "killed after 5s: "},
		{"input that is not read", "exit 1", "exit status 1"},
	} {
		limit := time.Minute
		if _, after, ok := strings.Cut(tt.want, "killed after "); ok {
			var err error
			if limit, err = time.ParseDuration(strings.TrimSuffix(after, ": ")); err != nil {
				t.Fatal(err)
			}
		}
		r, err := NewCommand(Command{Args: []string{script(t, tt.script)}, Timeout: limit})
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t, r)
		b.flush(t, 3)
		if len(b.failed) != 1 || !strings.HasPrefix(b.failed[0], tt.want) || len(b.failed[0]) > 2*maxOutput {
			t.Errorf("%s: failures %.200q, want one that begins with %q", tt.name, b.failed, tt.want)
		}
	}
}

// A file has each line once, wherever the program was killed, and what others
// wrote stays.
func TestFile(t *testing.T) {
	const all = "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n"
	for cutAt := 0; cutAt <= len(all); cutAt++ {
		b, path := fileBench(t)
		// Written in part or whole, and not recorded.
		if err := os.WriteFile(path, []byte(all[:cutAt]), 0o644); err != nil {
			t.Fatal(err)
		}
		b.flush(t, 0)
		wantFile(t, path, all)
		b.add(t, "d")
		b.flush(t, 0)
		wantFile(t, path, all+"{\"id\":\"d\"}\n")
	}
}

func fileBench(t *testing.T) (*bench, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.jsonl")
	r, err := NewFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return newBench(t, r), path
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("the file holds %q (%v), want %q", text, err, want)
	}
}

func TestFileOfOthers(t *testing.T) {
	b, path := fileBench(t)
	if err := os.WriteFile(path, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.flush(t, 0)
	const ours = "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n"
	wantFile(t, path, "theirs\n"+ours)
	appendTo(t, path, "theirs again\n")
	b.add(t, "d")
	b.flush(t, 0)
	wantFile(t, path, "theirs\n"+ours+"theirs again\n{\"id\":\"d\"}\n")
	// Rotated away.
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	b.add(t, "e")
	b.flush(t, 0)
	wantFile(t, path, "{\"id\":\"e\"}\n")
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := NewFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, r)
	b.flush(t, 3)
	if len(b.failed) != 1 {
		t.Errorf("failures %q, want one", b.failed)
	}
	// The order is kept: it is what a crash is recognised by.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	b.flush(t, 0)
	wantFile(t, path, "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n")
}

func TestMetrics(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	fail := false
	address, err := Metrics(ctx, ":0", func(_ context.Context, w io.Writer) error {
		if fail {
			return errors.New("no")
		}
		_, err := io.WriteString(w, "certassay_x 1\n")
		return err
	})
	if err != nil || !strings.HasPrefix(address, "127.0.0.1:") {
		t.Fatalf("Metrics listens at %q, %v, want this machine only", address, err)
	}
	get := func(path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, ""
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(b)
	}
	if code, text := get("/metrics"); code != 200 || text != "certassay_x 1\n" {
		t.Errorf("GET /metrics = %d %q", code, text)
	}
	if code, _ := get("/"); code != 404 {
		t.Errorf("GET / = %d, want 404", code)
	}
	fail = true
	if code, _ := get("/metrics"); code != 500 {
		t.Errorf("GET /metrics where the state cannot be read = %d, want 500", code)
	}
	cancel()
	for range 6000 {
		if code, _ := get("/"); code == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("it listens after the end")
}
