package data_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli"
	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/data"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/fetched"
	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/parcel"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

// updated is when data are updated in these tests, a while after the program's own
// list of logs was made.
var updated = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var listSigner = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func signList(t *testing.T, list []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(list)
	s, err := rsa.SignPKCS1v15(nil, listSigner(), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newList writes a log list: those logs of the program that are accepted now but
// for without, and more under the name that is given.
func newList(t *testing.T, date string, without int, more ...string) []byte {
	t.Helper()
	var entries []any
	add := func(name string, key []byte, state ct.State, l *ct.Log) {
		sum := sha256.Sum256(key)
		e := map[string]any{
			"description": name, "mmd": 60, "url": "https://" + strings.ToLower(name) + ".example/", "key": base64.StdEncoding.EncodeToString(key),
			"log_id": base64.StdEncoding.EncodeToString(sum[:]), "state": map[string]any{string(state): map[string]any{"timestamp": "2026-01-01T00:00:00Z"}},
		}
		if l != nil && !l.To.IsZero() {
			e["temporal_interval"] = map[string]any{"start_inclusive": l.From.Format(time.RFC3339), "end_exclusive": l.To.Format(time.RFC3339)}
		}
		entries = append(entries, e)
	}
	for _, l := range ct.Known().Logs() {
		if s := l.StateAt(updated); s.Approved() && (l.To.IsZero() || l.To.After(updated)) {
			if without--; without < 0 {
				add("known", l.Key, s, l)
			}
		}
	}
	keys := []*lab.Key{lab.Logs()[0].Key, lab.Logs()[1].Key}
	for i, name := range more {
		add(name, keys[i].SPKI, ct.Usable, nil)
	}
	b, err := json.Marshal(map[string]any{"version": "1", "log_list_timestamp": date + "T00:00:00Z", "operators": []any{map[string]any{"name": "Op\x1b[31m", "logs": entries}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A publisher serves files on loopback.
type publisher struct {
	url   string
	dir   string // of the data
	key   string // file of the signer's key
	mu    sync.Mutex
	files map[string][]byte // guarded by mu
	begun func()            // called once a slow answer has begun; may be nil
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	p := &publisher{dir: filepath.Join(t.TempDir(), "data"), files: map[string][]byte{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		body, ok := p.files[r.URL.Path]
		p.mu.Unlock()
		switch {
		case r.URL.Path == "/slow.json":
			_, _ = w.Write([]byte("{"))
			w.(http.Flusher).Flush()
			if p.begun != nil {
				p.begun()
			}
			<-r.Context().Done()
		case r.URL.Path == "/cut.json":
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write([]byte(`{"operators":`))
		case r.URL.Path == "/huge.json":
			w.Header().Set("Content-Length", fmt.Sprint(ct.MaxListSize+1))
		case r.URL.Path == "/moved.json":
			http.Redirect(w, r, "/logs.json", http.StatusFound)
		case !ok:
			http.NotFound(w, r)
		default:
			_, _ = w.Write(body)
		}
	}))
	t.Cleanup(s.Close)
	p.url = s.URL
	der, err := x509.MarshalPKIXPublicKey(listSigner().Public())
	if err != nil {
		t.Fatal(err)
	}
	p.key = filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(p.key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// publish puts a list on the server, with a signature over what signed says.
func (p *publisher) publish(t *testing.T, list, signed []byte) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files["/logs.json"], p.files["/logs.sig"] = list, signList(t, signed)
}

// publishFile puts any file on the server.
func (p *publisher) publishFile(path string, text []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[path] = text
}

// update runs data update and gives what it printed.
func (p *publisher) update(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	args = append([]string{"update", "--data", p.dir}, args...)
	c := call.New(call.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	c.Now = func() time.Time { return updated }
	if got := c.Run(t.Context(), args, data.New); got != code {
		t.Fatalf("%v: exit code %d, want %d\n%s", args, got, code, out.String())
	}
	return out.String()
}

func (p *publisher) logs(t *testing.T, code int, args ...string) string {
	t.Helper()
	return p.update(t, code, append([]string{"logs", "--log-list", p.url + "/logs.json", "--log-list-key", p.key}, args...)...)
}

// kept is the list that is there.
func (p *publisher) kept(t *testing.T) string {
	t.Helper()
	f, err := fetched.ReadLogs(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s with %d", given.LogListDate(f.List), len(f.List.Logs()))
}

func TestUpdateLogs(t *testing.T) {
	p := newPublisher(t)
	day := func(n int) string { return updated.AddDate(0, 0, -n).UTC().Format(time.DateOnly) }
	approved := 0
	for _, l := range ct.Known().Logs() {
		if l.StateAt(updated).Approved() && (l.To.IsZero() || l.To.After(updated)) {
			approved++
		}
	}
	want := "nothing"
	step := func(name string, code int, list, signed []byte, after string, says []string, args ...string) {
		t.Helper()
		p.publish(t, list, signed)
		out := p.logs(t, code, args...)
		for _, s := range says {
			if !strings.Contains(out, s) {
				t.Errorf("%s: nothing says %q:\n%s", name, s, out)
			}
		}
		if after != "" {
			want = after
		}
		if got := p.kept(t); got != want {
			t.Errorf("%s: kept is %s, want %s", name, got, want)
		}
		if strings.Contains(out, "\x1b") {
			t.Errorf("%s: a name from the list steers the terminal: %q", name, out)
		}
	}
	first := newList(t, day(9), 0, "One")
	all := func(n int, day string) string { return fmt.Sprintf("%s with %d", day, approved+n) }

	step("tampered with", 4, append(first, ' '), first, "", []string{"checking signature"})
	step("lost logs of the program", 4, newList(t, day(9), 2), newList(t, day(9), 2), "", []string{"it lost 2 logs that are not over", "hint: "})
	step("older than the program's", 4, newList(t, "2024-01-01", 0), newList(t, "2024-01-01", 0), "", []string{"it is of 2024-01-01"})
	step("only looked at", 0, first, first, "", []string{"added    One"}, "--dry-run")
	step("the first", 0, first, first, all(1, day(9)), []string{"added    One", "--data"})
	step("the same again", 0, first, first, "", []string{"nothing changed"})
	second := newList(t, day(3), 0, "One", "Two")
	step("a newer one", 0, second, second, all(2, day(3)), []string{"added    Two"})
	step("the first again", 4, first, first, "", []string{"it is of " + day(9), "lost 1 logs", "--force"})
	step("the first again, by force", 0, first, first, all(1, day(9)), []string{"warning", "removed  Two"}, "--force")
	step("tampered with, by force", 4, append(second, ' '), second, "", []string{"checking signature"}, "--force")
	later := newList(t, updated.AddDate(1, 0, 0).Format(time.DateOnly), 0, "One", "Two")
	step("of next year", 4, later, later, "", []string{"which is to come"})
	lost := newList(t, day(1), 0)
	step("lost one", 4, lost, lost, "", []string{"lost 1 logs that are not over: One"})
	step("HTML", 4, []byte("<html>log in</html>"), nil, "", []string{"HTML"})
	step("no list", 4, []byte("{}"), []byte("{}"), "", []string{"names no operators"})
	empty := []byte(`{"log_list_timestamp":"` + day(0) + `T00:00:00Z","operators":[]}`)
	step("an empty one, by force", 4, empty, empty, "", []string{"names no log"}, "--force")
	for path, says := range map[string]string{"/cut.json": "unexpected EOF", "/huge.json": "too long", "/missing.json": "404", "/moved.json": "redirect"} {
		if out := p.update(t, 4, "logs", "--log-list", p.url+path); !strings.Contains(out, says) || p.kept(t) != want {
			t.Errorf("%s: %s; kept is %s", path, out, p.kept(t))
		}
	}
	if out := p.update(t, 4, "logs", "--log-list", "http://127.0.0.1:1024/logs.json"); !strings.Contains(out, "what was there stays") {
		t.Errorf("offline: %s", out)
	}
	p.update(t, 4, "logs", "--log-list", p.url+"/logs.json") // not signed by Google
	for _, bad := range [][]string{{"roots"}, {"--log-list", "http://mirror.example/l.json"}, {"--log-list", "ftp://x/"}, {"--timeout", "0s"}, {"--unsigned", "--log-list-key", p.key}} {
		p.update(t, exit.Misuse, bad...)
	}
	if got := p.kept(t); got != want {
		t.Errorf("kept is %s, want %s", got, want)
	}
}

// A file damaged on disk is told, and replaced.
func TestDamagedData(t *testing.T) {
	p := newPublisher(t)
	list := newList(t, updated.UTC().Format(time.DateOnly), 0, "One")
	p.publish(t, list, list)
	p.logs(t, 0)
	path := filepath.Join(p.dir, fetched.LogsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-1] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	l := lab.New(lab.Config{})
	file := filepath.Join(t.TempDir(), "leaf.pem")
	if err := os.WriteFile(file, lab.PEM(l.Chain()...), 0o600); err != nil {
		t.Fatal(err)
	}
	streams := cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out}
	if code := cli.Run(t.Context(), []string{"check", file, "--data", p.dir}, streams); code != exit.Misuse || !strings.Contains(out.String(), "damaged") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
	// Whoever can write there can make the hash right, and not the signature.
	var label fetched.Label
	p.logs(t, 0)
	if _, err := parcel.Label(path, &label); err != nil {
		t.Fatal(err)
	}
	if err := parcel.Write(path, label, append(list, ' '), 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := cli.Run(t.Context(), []string{"data", "status", "--data", p.dir}, streams); code != exit.Failure || !strings.Contains(out.String(), "checking signature") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
	p.logs(t, 0)
}

// The data are used where --data says so and nowhere else, and reports name them.
func TestFetchedDataAreUsed(t *testing.T) {
	l := lab.New(lab.Config{})
	p := newPublisher(t)
	list := newList(t, updated.UTC().Format(time.DateOnly), 0, "One", "Two")
	p.publish(t, list, list)
	p.publishFile("/onecrl.json", remoteSettings(t, updated, 0))
	p.files["/cas.csv"] = fmt.Appendf(nil, "CA Owner,SHA-256 Fingerprint\nLab,%s\n", strings.TrimPrefix(evidence.Hash(cert.Parse(l.Root.DER).SHA256()), "sha256:"))
	p.update(t, 0, "--log-list", p.url+"/logs.json", "--log-list-key", p.key, "--ca-data", p.url+"/cas.csv", "--onecrl", p.url+"/onecrl.json")
	dir := t.TempDir()
	for name, ders := range map[string][][]byte{"chain.pem": l.Chain(), "root.pem": l.Roots()} {
		if err := os.WriteFile(filepath.Join(dir, name), lab.PEM(ders...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(code int, args ...string) *report.Document {
		t.Helper()
		var out, errs bytes.Buffer
		args = append([]string{"check", filepath.Join(dir, "chain.pem"), "--roots", filepath.Join(dir, "root.pem"), "--at", l.At.Format(time.RFC3339), "-f", "json"}, args...)
		if got := cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); got != code {
			t.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, out.String(), errs.String())
		}
		if code == exit.Misuse {
			return nil
		}
		doc, err := report.Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	with, without := check(0, "--data", p.dir), check(0)
	today := updated.UTC().Format(time.DateOnly)
	if d := with.Tool.Data; d["log_list"] != today || d["ca_data"] != today || d["revoked_cas"] != today {
		t.Errorf("the report names %v", d)
	}
	if d := without.Tool.Data; d["log_list"] != ct.Date || d["ca_data"] != "" || d["revoked_cas"] != trust.BuiltinRevoked().Date() {
		t.Errorf("a report without them names %v", d)
	}
	check(exit.Misuse, "--data", dir)
	var out bytes.Buffer
	if code := cli.Run(t.Context(), []string{"data", "status", "--data", p.dir}, cli.Streams{Out: &out, Err: &out}); code != 0 ||
		!strings.Contains(out.String(), "fetched logs") || !strings.Contains(out.String(), "signed; "+p.url) || !strings.Contains(out.String(), "fetched CA data") {
		t.Errorf("status: %d\n%s", code, out.String())
	}
}

// What comes by https comes from a server that Mozilla's roots or --roots vouch for.
func TestUpdateByHTTPS(t *testing.T) {
	l := lab.New(lab.Config{At: time.Now(), Host: "localhost"})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("SHA-256 Fingerprint\n" + strings.Repeat("00", 32) + "\n"))
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: l.Chain(), PrivateKey: l.LeafKey}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, lab.PEM(l.Roots()...), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPublisher(t)
	url := "https://localhost:" + port + "/list.csv"
	if out := p.update(t, 4, "ca-data", "--ca-data", url); !strings.Contains(out, "neither Mozilla's roots nor --roots vouch") {
		t.Errorf("a server that nobody vouches for: %s", out)
	}
	p.update(t, 0, "ca-data", "--ca-data", url, "--roots", root)
}

func TestUpdateCAs(t *testing.T) {
	p := newPublisher(t)
	table := func(n int) []byte {
		b := []byte("SHA-256 Fingerprint\n")
		for i := range n {
			b = fmt.Appendf(b, "%064x\n", i)
		}
		return b
	}
	update := func(code int, n int, says string, args ...string) {
		t.Helper()
		p.files["/a.csv"] = table(n)
		if out := p.update(t, code, append([]string{"ca-data", "--ca-data", p.url + "/a.csv"}, args...)...); !strings.Contains(out, says) {
			t.Errorf("%d rows: %s", n, out)
		}
	}
	update(0, 400, "400 added, 0 no longer there")
	update(0, 397, "0 added, 3 no longer there")
	update(4, 300, "97 of 397 known CA certificates are no longer there")
	update(0, 300, "warning", "--force")
	update(4, 0, "empty", "--force")
	// All lists are kept or none, and those of earlier sources go.
	p.files["/b.csv"] = []byte("something,else\n")
	p.update(t, 4, "ca-data", "--ca-data", p.url+"/a.csv", "--ca-data", p.url+"/b.csv")
	p.files["/a.csv"], p.files["/b.csv"] = table(300), table(301)
	p.update(t, 0, "ca-data", "--ca-data", p.url+"/a.csv", "--ca-data", p.url+"/b.csv")
	if lists, _, err := fetched.ReadCAs(p.dir); err != nil || len(lists) != 2 {
		t.Errorf("%d lists, %v", len(lists), err)
	}
	update(0, 301, "0 no longer there")
	if lists, _, err := fetched.ReadCAs(p.dir); err != nil || len(lists) != 1 || len(lists[0].Records) != 301 {
		t.Errorf("%d lists, %v", len(lists), err)
	}
}

// An interrupt leaves what was there.
func TestUpdateInterrupted(t *testing.T) {
	p := newPublisher(t)
	list := newList(t, updated.UTC().Format(time.DateOnly), 0, "One")
	p.publish(t, list, list)
	p.logs(t, 0)
	want := p.kept(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.begun = cancel
	var out bytes.Buffer
	code := cli.Run(ctx, []string{"data", "update", "logs", "--data", p.dir, "--log-list", p.url + "/slow.json"}, cli.Streams{Out: &out, Err: &out})
	if code != exit.Interrupted || p.kept(t) != want {
		t.Errorf("exit code %d, kept %s, want %s\n%s", code, p.kept(t), want, out.String())
	}
	files, err := os.ReadDir(p.dir)
	if err != nil || len(files) != 1 {
		t.Errorf("files: %v, %v", files, err)
	}
}
