package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/lab"
)

// A sharedText is text that one goroutine writes and another reads.
type sharedText struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (s *sharedText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sharedText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// wait waits until the text has something.
func (s *sharedText) wait(t *testing.T, what string) {
	t.Helper()
	s.more(t, what, 0)
}

// more waits until the text has something more often than so often.
func (s *sharedText) more(t *testing.T, what string, than int) {
	t.Helper()
	for range 12000 {
		if strings.Count(s.String(), what) > than {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited two minutes in vain for %q in\n%s", what, s.String())
}

// metricsOf asks for the metrics where the watch said last that they are.
func metricsOf(t *testing.T, said *sharedText) string {
	t.Helper()
	text := said.String()
	_, address, ok := strings.Cut(text[max(0, strings.LastIndex(text, "metrics are at ")):], "metrics are at ")
	if !ok {
		t.Fatalf("nothing says where metrics are:\n%s", text)
	}
	address, _, _ = strings.Cut(address, "\n")
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = a.Body.Close() }()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A watch reads its files again when they change and when it is asked to. What it
// cannot take changes nothing, and is said everywhere.
func TestWatchReloads(t *testing.T) {
	l := newCTLab(t, true)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	const first, second = "127.0.0.1:0", "localhost:0" // who asks for a free port twice gets two
	flag := l.flag(t, nil)
	write := func(names, metrics, more string) {
		t.Helper()
		text := fmt.Sprintf("version: 1\nstate: state\nnames: [%s]\ninventory: certassay.yaml\nlogs: [%q]\nstart: 300\ninterval: 100ms\npartial: 100ms\nrate: 1000\nmetrics: %s\n%s", names, flag, metrics, more)
		// As an editor does it: never half a file.
		writeFile(t, in("new"), []byte(text))
		if err := os.Rename(in("new"), in("watch.yaml")); err != nil {
			t.Fatal(err)
		}
	}
	inventory := func(domain string) {
		writeFile(t, in("certassay.yaml"), fmt.Appendf(nil, "version: 1\ngroups:\n  - {name: lab, domains: [%s]}\n", domain))
	}
	n := 0
	logged := func(name string) {
		n++
		template := l.lab.LeafTemplate()
		template.Drop(lab.IDSCTs)
		template.Set(lab.DNSNames(name))
		template.Subject, template.Serial = lab.Named("CN="+name), lab.SerialOf(name)
		l.log.Add(template.Sign(l.lab.Intermediate.Key, ""), l.submitted.Add(time.Duration(n)*time.Hour), l.lab.Intermediate.DER)
	}
	inventory("nowhere.example")
	write(".lab.example", first, "")
	out, errs := &sharedText{}, &sharedText{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	signals, stopped := make(chan os.Signal), make(chan bool, 1)
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, []string{"ct", "watch", "-c", in("watch.yaml")}, Streams{
			In: strings.NewReader(""), Out: out, Err: errs,
			Hangup: func() (<-chan os.Signal, func()) { return signals, func() { stopped <- true } },
		})
	}()
	out.wait(t, `"index":42`)

	// A name more, and metrics elsewhere.
	write(".lab.example, new.test", second, "")
	errs.wait(t, "read again: following logs (looked for: 3)")
	logged("new.test")
	out.wait(t, "new.test")
	if n := strings.Count(errs.String(), "metrics are at "); n != 2 {
		t.Errorf("metrics were at %d addresses, want 2:\n%s", n, errs.String())
	}
	if got := metricsOf(t, errs); !strings.Contains(got, "certassay_ct_configuration_ok 1\n") {
		t.Errorf("metrics at the new address: %s", got)
	}

	// A mistake: all goes on by what was there.
	write(".lab.example, new.test", second, "nonsense: true\n")
	errs.wait(t, "THE CONFIGURATION WAS NOT TAKEN")
	errs.wait(t, "nonsense")
	if got := metricsOf(t, errs); !strings.Contains(got, "certassay_ct_configuration_ok 0\n") {
		t.Errorf("metrics after a mistake: %s", got)
	}
	if code, text, _ := runCT(t, "watch", "--status", "--state", in("state")); code != exit.Incomplete || !strings.Contains(text, "THE CONFIGURATION WAS NOT TAKEN") {
		t.Errorf("--status: exit code %d: %s", code, text)
	}
	logged("deep.lab.example")
	out.wait(t, "deep.lab.example")
	// It is not said again and again.
	time.Sleep(400 * time.Millisecond)
	if got := strings.Count(errs.String(), "NOT TAKEN"); got != 1 {
		t.Errorf("said %d times", got)
	}
	// The state cannot move, nor can an address be taken that is.
	write(".lab.example", second, "")
	errs.wait(t, "looked for: 2)")
	writeFile(t, in("watch.yaml"), bytes.Replace(readFile(t, in("watch.yaml")), []byte("state: state"), []byte("state: other"), 1))
	errs.wait(t, "the state directory cannot change")
	busy, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	write(".lab.example", busy.Addr().String(), "")
	errs.wait(t, "address already in use")
	if got := metricsOf(t, errs); !strings.Contains(got, "certassay_ct_configuration_ok 0\n") {
		t.Errorf("metrics are gone: %s", got)
	}

	// The inventory alone changes.
	write(".lab.example, four.test, five.test", second, "")
	errs.wait(t, "looked for: 4)") // said for the first time
	before := strings.Count(errs.String(), "read again")
	inventory("other.test")
	errs.more(t, "read again", before)
	logged("other.test")
	out.wait(t, "other.test")

	before = strings.Count(errs.String(), "read again")
	signals <- syscall.SIGHUP
	errs.more(t, "read again", before)
	if code, text, _ := runCT(t, "watch", "--status", "--state", in("state")); code != 0 || strings.Contains(text, "NOT TAKEN") {
		t.Errorf("--status: exit code %d: %s", code, text)
	}
	cancel()
	if code := <-ended; code != exit.Interrupted {
		t.Errorf("exit code %d", code)
	}
	select {
	case <-stopped:
	default:
		t.Error("signals are still taken")
	}
	if got := len(decodeLines(t, out.String())); got != 4 {
		t.Errorf("told %d times, want each of the 4 certificates once\n%s", got, out.String())
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A mark tells content, not time; one of a directory tells what is below it.
func TestMarks(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "sub", "b")
	if err := os.Mkdir(filepath.Dir(b), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, a, []byte("1"))
	writeFile(t, b, []byte("1"))
	m := marksOf([]string{a, filepath.Dir(b), filepath.Join(dir, "missing"), ""})
	if err := os.Chtimes(a, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if m.changed() {
		t.Error("touched, and changed")
	}
	for _, change := range []func(){
		func() { writeFile(t, a, []byte("2")) },
		func() { writeFile(t, b, []byte("2")) },
		func() { writeFile(t, filepath.Join(dir, "sub", "c"), nil) },
		func() { writeFile(t, filepath.Join(dir, "missing"), nil) },
		func() {
			if err := os.Remove(a); err != nil {
				t.Fatal(err)
			}
		},
	} {
		change()
		if !m.changed() {
			t.Error("a change is not seen")
		}
		if m = m.now(); m.changed() {
			t.Error("marked anew, and changed")
		}
	}
}
