package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
	"golang.org/x/net/http/httpguts"
)

// A Watch is what "ct watch" was told, checked as far as it can be without asking
// anybody. The zero value of a field is its default.
type Watch struct {
	// State is the directory of the state; empty where none was named.
	State string
	// Names are what to look for, Logs what --log says, and LogList a file.
	Names, Logs []string
	LogList     string
	// Expected are certificates and keys that are no news: hashes, "sha256:…" of
	// a certificate or "sha256/…" of a key, or files and directories.
	Expected []string
	Notify   []Notify
	// Back is how many entries before its end a log is begun at.
	Back uint64
	// Interval is the time between two looks at a log, Partial how long a
	// partial tile may be waited for, Late when a log counts as behind.
	Interval, Partial, Late time.Duration
	// Timeout, Rate and Concurrency shape the requests to one log.
	Timeout     time.Duration
	Rate        float64
	Concurrency int
	Batch       uint64
	// Contact is told to the logs.
	Contact string
	// Metrics is an address to listen at, MetricsFile a file to write.
	Metrics, MetricsFile string
	// Inventory is the owner's file: its domains are looked for, and what it
	// expects is not told. Empty for none.
	Inventory string
	// Roots, Rules, KnownKeys and Waivers are what entries are judged by, as for
	// the flags of these names.
	Roots, Rules, KnownKeys []string
	Waivers                 string
	// FailOn is from where on an entry is notable that holds no name; see All.
	FailOn FailOn
	// All judges every entry, and tells those that are notable. TellExpected
	// tells also what is expected.
	All, TellExpected bool
	// Files are those that tokens and headers were read from.
	Files []string
	// DataTiles reads RFC 6962 logs through data tiles where they serve such.
	DataTiles bool
}

// A Notify is one receiver; one of Webhook, Exec and JSONL is set.
type Notify struct {
	Webhook string
	// Token is sent to the webhook; it was read from a file.
	Token string
	// Headers are sent to it, too; they were read from a file. Nil sends none.
	Headers map[string]string
	Exec    []string
	// JSONL is a file, "-" for standard output.
	JSONL   string
	Timeout time.Duration
}

// watchFile is the file as written.
type watchFile struct {
	Version     int           `yaml:"version"`
	State       string        `yaml:"state"`
	Names       []string      `yaml:"names"`
	Logs        []string      `yaml:"logs"`
	LogList     string        `yaml:"log-list"`
	Expected    []string      `yaml:"expected"`
	Notify      []notifyEntry `yaml:"notify"`
	Start       string        `yaml:"start"`
	Interval    string        `yaml:"interval"`
	Partial     string        `yaml:"partial"`
	Late        string        `yaml:"late"`
	Timeout     string        `yaml:"timeout"`
	Rate        float64       `yaml:"rate"`
	Concurrency int           `yaml:"concurrency"`
	Batch       int           `yaml:"batch"`
	Contact     string        `yaml:"contact"`
	Metrics     string        `yaml:"metrics"`
	MetricsFile string        `yaml:"metrics-file"`

	Inventory    string   `yaml:"inventory"`
	Roots        []string `yaml:"roots"`
	Rules        []string `yaml:"rules"`
	KnownKeys    []string `yaml:"known-keys"`
	Waivers      string   `yaml:"waivers"`
	FailOn       string   `yaml:"fail-on"`
	All          bool     `yaml:"all"`
	TellExpected bool     `yaml:"tell-expected"`
	DataTiles    bool     `yaml:"data-tiles"`
}

type notifyEntry struct {
	Webhook   string   `yaml:"webhook"`
	TokenFile string   `yaml:"token-file"`
	Headers   string   `yaml:"headers-file"`
	Exec      []string `yaml:"exec"`
	JSONL     string   `yaml:"jsonl"`
	Timeout   string   `yaml:"timeout"`
}

// ReadWatch reads the file of "ct watch": YAML, strict. Paths in it are relative to
// its directory. All problems are reported together.
func ReadWatch(path string) (*Watch, error) {
	doing := "reading configuration " + path
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading configuration: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: it is no file", doing)
	case info.Size() > maxConfigSize:
		return nil, fmt.Errorf("%s: larger than %d bytes", doing, maxConfigSize)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	var file watchFile
	if err := yaml.Load(text, &file, yaml.WithKnownFields(), yaml.WithUniqueKeys()); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	w, err := file.check(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return w, nil
}

// check makes a Watch of the file. base is its directory.
func (f *watchFile) check(base string) (*Watch, error) {
	w := &Watch{
		State: below(base, f.State), Names: f.Names, Logs: f.Logs, LogList: below(base, f.LogList),
		Rate: f.Rate, Concurrency: f.Concurrency, Batch: uint64(max(f.Batch, 0)), Contact: f.Contact, Metrics: f.Metrics, MetricsFile: below(base, f.MetricsFile),
		Inventory: below(base, f.Inventory), Waivers: below(base, f.Waivers), All: f.All, TellExpected: f.TellExpected, DataTiles: f.DataTiles,
		Roots: allBelow(base, f.Roots), Rules: allBelow(base, f.Rules), KnownKeys: allBelow(base, f.KnownKeys),
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if f.Version != 1 {
		bad("version is %d, and has to be 1", f.Version)
	}
	for key, d := range map[string]struct {
		text string
		into *time.Duration
	}{"interval": {f.Interval, &w.Interval}, "partial": {f.Partial, &w.Partial}, "late": {f.Late, &w.Late}, "timeout": {f.Timeout, &w.Timeout}} {
		if err := duration(d.text, d.into); err != nil {
			bad("%s: %w", key, err)
		}
	}
	var err error
	if w.Back, err = ParseStart(f.Start); err != nil {
		bad("start: %w", err)
	}
	if w.FailOn, err = ParseFailOn(cmp.Or(f.FailOn, "high")); err != nil {
		bad("fail-on: %w", err)
	}
	switch {
	case f.Rate < 0 || f.Rate > 1000:
		bad("rate has to be above 0 and at most 1000")
	case f.Concurrency < 0 || f.Concurrency > 64:
		bad("concurrency has to be 1 to 64")
	case f.Batch < 0 || f.Batch > 65536:
		bad("batch has to be 1 to 65536")
	}
	for _, e := range f.Expected {
		if !strings.HasPrefix(e, "sha256:") && !strings.HasPrefix(e, "sha256/") {
			e = below(base, e)
		}
		w.Expected = append(w.Expected, e)
	}
	for i := range f.Notify {
		n, err := f.Notify[i].check(base)
		if err != nil {
			bad("notify, entry %d: %w", i+1, err)
		}
		w.Notify = append(w.Notify, n)
		for _, name := range []string{f.Notify[i].TokenFile, f.Notify[i].Headers} {
			if name != "" {
				w.Files = append(w.Files, below(base, name))
			}
		}
	}
	return w, errors.Join(errs...)
}

func (n *notifyEntry) check(base string) (out Notify, err error) {
	set := 0
	for _, is := range []bool{n.Webhook != "", len(n.Exec) > 0, n.JSONL != ""} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return out, errors.New("give one of webhook, exec and jsonl")
	case n.TokenFile != "" && n.Webhook == "":
		return out, errors.New("token-file belongs to a webhook")
	case n.Headers != "" && n.Webhook == "":
		return out, errors.New("headers-file belongs to a webhook")
	case n.Timeout != "" && n.JSONL != "":
		return out, errors.New("timeout belongs to a webhook or a program")
	}
	out = Notify{Webhook: n.Webhook, Exec: n.Exec, JSONL: n.JSONL}
	if n.JSONL != "-" {
		out.JSONL = below(base, n.JSONL)
	}
	if len(n.Exec) > 0 && strings.ContainsRune(n.Exec[0], '/') {
		out.Exec = append([]string{below(base, n.Exec[0])}, n.Exec[1:]...)
	}
	if n.TokenFile != "" {
		if out.Token, err = ReadToken(below(base, n.TokenFile)); err != nil {
			return out, err
		}
	}
	if n.Headers != "" {
		if out.Headers, err = readHeaders(below(base, n.Headers)); err != nil {
			return out, err
		}
	}
	return out, duration(n.Timeout, &out.Timeout)
}

// ParseStart reads where a log is begun that was never read: "now", or how many
// entries before its end.
func ParseStart(s string) (uint64, error) {
	if s == "" || s == "now" {
		return 0, nil
	}
	var n uint64
	if _, err := fmt.Sscanf(s, "%d", &n); err != nil || fmt.Sprint(n) != s || n > 1<<40 {
		return 0, fmt.Errorf("cannot start at %q: say now, or how many entries before the end, such as 10000", s)
	}
	return n, nil
}

func duration(s string, into *time.Duration) error {
	if s == "" {
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no time, such as 30s, 5m or 2h", s)
	}
	*into = d
	return nil
}

// ownHeaders are those that are ours to send.
var ownHeaders = []string{"Authorization", "Connection", "Content-Length", "Content-Type", "Host", "Idempotency-Key", "Transfer-Encoding", "User-Agent"}

// maxHeaders bounds a file of headers: servers take 8 kB of all together.
const maxHeaders = 8 << 10

// readHeaders reads headers, "Name: value" in each line; empty lines and those
// that begin with # are passed over. Authorization may stand there where no token
// does.
func readHeaders(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading headers: %w", err)
	}
	if len(text) > maxHeaders {
		return nil, fmt.Errorf("reading headers: %s is larger than %d bytes", path, maxHeaders)
	}
	out := map[string]string{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value)
		_, twice := out[name]
		switch {
		case !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
			err = errors.New("want a header, such as X-Api-Key: secret") // it may be a secret: nothing of it is shown
		case name != "Authorization" && slices.Contains(ownHeaders, name):
			err = fmt.Errorf("%s is set by the program", name)
		case twice:
			err = fmt.Errorf("%s stands there twice", name)
		default:
			out[name] = value
			continue
		}
		return nil, fmt.Errorf("reading headers: %s, line %d: %w", path, n, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("reading headers: %s holds none", path)
	}
	return out, nil
}

func allBelow(base string, paths []string) (out []string) {
	for _, p := range paths {
		out = append(out, below(base, p))
	}
	return out
}

func below(base, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}
