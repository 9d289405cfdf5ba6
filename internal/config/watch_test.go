package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/finding"
)

func writeWatch(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"watch.yaml": text, "token": " s3cret\n", "empty": "\n", "two": "a b", "headers": "# ours\nX-Api-Key: k3y\n\nX-Team:  red \n", "host": "Host: x", "bad": "X-Api-Key s3cret", "split": "a b: c", "again": "X-A: 1\nx-a: 2"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "watch.yaml")
}

func TestReadWatch(t *testing.T) {
	path := writeWatch(t, `
version: 1
state: state
names: [.example.org]
logs: [a, b]
log-list: /etc/list.json
expected: [certs, "sha256/abc", "sha256:00"]
notify:
  - {jsonl: "-"}
  - {jsonl: out.jsonl}
  - {webhook: "https://x.example/", token-file: token, headers-file: headers, timeout: 3s}
  - {exec: [./alert, --page]}
  - {exec: [alert]}
start: 10000
interval: 90s
partial: 1m
late: 1h
timeout: 5s
rate: 2.5
concurrency: 3
batch: 100
contact: me@example.org
metrics: :9464
metrics-file: m.prom
inventory: certassay.yaml
roots: [root.pem, /etc/roots]
rules: [rules]
known-keys: [keys]
waivers: waivers.yaml
fail-on: critical
all: true
tell-expected: true
data-tiles: true
`)
	got, err := ReadWatch(path)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Dir(path)
	in := func(name string) string { return filepath.Join(base, name) }
	want := &Watch{
		State: in("state"), Names: []string{".example.org"}, Logs: []string{"a", "b"}, LogList: "/etc/list.json",
		Expected: []string{in("certs"), "sha256/abc", "sha256:00"},
		Notify: []Notify{
			{JSONL: "-"}, {JSONL: in("out.jsonl")}, {Webhook: "https://x.example/", Token: "s3cret", Headers: map[string]string{"X-Api-Key": "k3y", "X-Team": "red"}, Timeout: 3 * time.Second},
			{Exec: []string{in("alert"), "--page"}}, {Exec: []string{"alert"}},
		},
		Back: 10000, Interval: 90 * time.Second, Partial: time.Minute, Late: time.Hour, Timeout: 5 * time.Second,
		Rate: 2.5, Concurrency: 3, Batch: 100, Contact: "me@example.org", Metrics: ":9464", MetricsFile: in("m.prom"),
		Inventory: in("certassay.yaml"), Roots: []string{in("root.pem"), "/etc/roots"}, Rules: []string{in("rules")}, KnownKeys: []string{in("keys")},
		Waivers: in("waivers.yaml"), FailOn: FailOn{Severity: finding.Critical}, All: true, TellExpected: true, DataTiles: true,
		Files: []string{in("token"), in("headers")},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReadWatchRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no version", "names: [x]", "version is 0"},
		{"unknown key", "version: 1\nname: [x]", "name"},
		{"key twice", "version: 1\nstate: a\nstate: b", "state"},
		{"second document", "version: 1\n---\nversion: 1", "reading configuration"},
		{"empty", "", "reading configuration"},
		{"not YAML", "version: [", "reading configuration"},
		{"another type", "version: 1\nnames: {a: b}", "line 2"},
		{"time", "version: 1\ninterval: soon", `interval: "soon" is no time`},
		{"time of nothing", "version: 1\ntimeout: 0s", "timeout"},
		{"start", "version: 1\nstart: yesterday", "cannot start"},
		{"start below", "version: 1\nstart: -5", "cannot start"},
		{"rate", "version: 1\nrate: 5000", "rate"},
		{"batch", "version: 1\nbatch: 1000000", "batch"},
		{"concurrency", "version: 1\nconcurrency: 100", "concurrency"},
		{"two receivers in one", "version: 1\nnotify: [{jsonl: a, webhook: b}]", "entry 1: give one of"},
		{"no receiver", "version: 1\nnotify: [{}]", "give one of"},
		{"token of nobody", "version: 1\nnotify: [{jsonl: a, token-file: token}]", "belongs to a webhook"},
		{"time of a file", "version: 1\nnotify: [{jsonl: a, timeout: 1s}]", "belongs to a webhook or a program"},
		{"missing token", "version: 1\nnotify: [{webhook: a, token-file: no}]", "reading token"},
		{"empty token", "version: 1\nnotify: [{webhook: a, token-file: empty}]", "holds no token"},
		{"token of two words", "version: 1\nnotify: [{webhook: a, token-file: two}]", "holds no token"},
		{"bar", "version: 1\nfail-on: soon", "fail-on"},
		{"headers of nobody", "version: 1\nnotify: [{exec: [a], headers-file: headers}]", "belongs to a webhook"},
		{"missing headers", "version: 1\nnotify: [{webhook: a, headers-file: no}]", "reading headers"},
		{"no headers", "version: 1\nnotify: [{webhook: a, headers-file: empty}]", "holds none"},
		{"header of ours", "version: 1\nnotify: [{webhook: a, headers-file: host}]", "line 1: Host is set by the program"},
		{"no header", "version: 1\nnotify: [{webhook: a, headers-file: bad}]", "want a header"},
		{"no name of a header", "version: 1\nnotify: [{webhook: a, headers-file: split}]", "want a header"},
		{"header twice", "version: 1\nnotify: [{webhook: a, headers-file: again}]", "line 2: X-A stands there twice"},
		{"several", "version: 2\nrate: -1", "rate"},
	} {
		_, err := ReadWatch(writeWatch(t, tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error about %q", tt.name, err, tt.want)
		}
	}
	if _, err := ReadWatch(t.TempDir()); err == nil {
		t.Error("a directory was taken for a file")
	}
	if _, err := ReadWatch("/dev/zero"); err == nil {
		t.Error("a device without end was taken for a file")
	}
}
