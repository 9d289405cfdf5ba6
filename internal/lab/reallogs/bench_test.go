package reallogs

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	ctgo "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/client"
	"github.com/google/certificate-transparency-go/jsonclient"
	"github.com/google/certificate-transparency-go/scanner"
	ctx509 "github.com/google/certificate-transparency-go/x509"
	zx509 "github.com/zmap/zcrypto/x509"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/rules"
)

// A contender is one way to read a log. It gives how many entries it read.
type contender struct {
	name string
	run  func(b *testing.B) uint64
	// child is the processor time of another process, for one that is none of
	// ours.
	child func() time.Duration
	// wire counts what came from the log; nil where nothing is counted.
	wire *atomic.Int64
}

// A countedConn counts what is read.
type countedConn struct {
	net.Conn
	count *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.count.Add(int64(n))
	return n, err
}

// overHTTP reads the sample from its server, and counts what comes. tiles has an
// RFC 6962 log read through data tiles.
func overHTTP(name, address string, tiled, tiles bool) contender {
	c := contender{name: name, wire: new(atomic.Int64)}
	dial := func(ctx context.Context, network, at string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, at)
		return countedConn{conn, c.wire}, err
	}
	names := watched(10_000)
	c.run = func(b *testing.B) uint64 {
		log := ct.NewLog("sample", lab.LeafKey().SPKI, tiled, address, "")
		s, err := ctlog.Open(log, ctlog.Options{Private: true, Rate: 1e6, Timeout: time.Minute, Tiles: tiles, Dial: dial})
		if err != nil {
			b.Fatal(err)
		}
		return readFrom(b, s, sampleSize, matching(b, names))
	}
	return c
}

// BenchmarkReading reads the same 65 536 entries in each way, round after round,
// and gives the median of entries and of megabytes (as certificates are, not
// packed) for each second of processor time of one core:
//
//	go test -run '^$' -bench Reading -benchtime 5x
//
// Everything but the last two verifies the log's tree. CERTSPOTTER names a binary
// of Cert Spotter, which is no module that can be had; it is left out without.
// READING is a regular expression; ways whose names it does not match are left out.
func BenchmarkReading(b *testing.B) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	dir := sampleDir(b)
	address := sampleServer(b, dir)
	all := contenders(b, dir, address)
	// Each as its own command has it: ct search leaves 256 MB between two collections of
	// garbage, that of certificate-transparency-go what Go does by itself.
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	seldom := max(100, int((256<<20)/(m.HeapAlloc/100+1)))
	defer debug.SetGCPercent(debug.SetGCPercent(seldom))
	if only, err := regexp.Compile(os.Getenv("READING")); err != nil {
		b.Fatal(err)
	} else {
		all = slices.DeleteFunc(all, func(c contender) bool { return !only.MatchString(c.name) })
	}
	rates := make([][]float64, len(all))
	for b.Loop() {
		for i, c := range all {
			debug.SetGCPercent(seldom)
			if strings.HasPrefix(c.name, "ct-go") {
				debug.SetGCPercent(100)
			}
			runtime.GC()
			began := processorTime(b)
			n := c.run(b)
			took := processorTime(b) - began
			if c.child != nil {
				took = c.child()
			}
			rates[i] = append(rates[i], float64(n)/took.Seconds())
		}
	}
	size := meanSize(b, dir)
	out := fmt.Sprintf("%d rounds, %.0f bytes an entry\n%-44s %12s %8s %10s\n", len(rates[0]), size, "one core", "entries/s", "MB/s", "wire B/e.")
	for i, c := range all {
		slices.Sort(rates[i])
		median := rates[i][len(rates[i])/2]
		out += fmt.Sprintf("%-44s %12.0f %8.0f", c.name, median, median*size/1e6)
		if c.wire != nil {
			out += fmt.Sprintf(" %10.0f", float64(c.wire.Load())/float64(sampleSize*len(rates[i])))
		}
		out += "\n"
	}
	fmt.Fprint(os.Stderr, "\n"+out) // a log of a benchmark is cut
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// read reads entries of a source, verified, and fails where not all are.
func read(b *testing.B, address string, tiled bool, most uint64, visit ctlog.Visit) uint64 {
	s, err := openSample(address, tiled)
	if err != nil {
		b.Fatal(err)
	}
	return readFrom(b, s, most, visit)
}

func readFrom(b *testing.B, s ctlog.Source, most uint64, visit ctlog.Visit) uint64 {
	head, err := s.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	n := min(most, head.Size)
	if c, err := s.Entries(b.Context(), head, 0, n, visit); err != nil || !c.Complete() || c.Verified != n {
		b.Fatal(err, c)
	}
	return n
}

func meanSize(b *testing.B, dir string) float64 {
	total := 0
	n := read(b, "file://"+dir, true, sampleSize, func(_ uint64, e *ct.LogEntry) error {
		total += len(e.Leaf()) + len(e.Submitted) + 2 + 32*len(e.Fingerprints)
		return nil
	})
	return float64(total) / float64(n)
}

func contenders(b *testing.B, dir, address string) []contender {
	files := "file://" + filepath.ToSlash(dir)
	const some = 8192 // entries are enough for what is slow
	out := []contender{}
	add := func(name string, run func(b *testing.B) uint64) { out = append(out, contender{name: name, run: run}) }
	for _, n := range []int{1, 100, 10_000} {
		names := watched(n)
		add(fmt.Sprintf("search, %d names", n), func(b *testing.B) uint64 { return read(b, files, true, sampleSize, matching(b, names)) })
	}
	out = append(out, overHTTP("search, 10000 names, over HTTP", address, true, false),
		overHTTP("search, 10000 names, RFC 6962 over HTTP", address, false, false),
		overHTTP("search, 10000 names, RFC 6962 by data tiles", address, false, true))
	parse := func(name string, f func(der []byte) error) {
		add("full parse, "+name, func(b *testing.B) uint64 {
			return read(b, files, true, some, func(_ uint64, e *ct.LogEntry) error { return f(own(e)) })
		})
	}
	parse("crypto/x509", func(der []byte) error { _, err := x509.ParseCertificate(der); return err })
	parse("zcrypto", func(der []byte) error { _, err := zx509.ParseCertificate(der); return err })
	parse("certificate-transparency-go", func(der []byte) error {
		if _, err := ctx509.ParseCertificate(der); ctx509.IsFatal(err) {
			return err
		}
		return nil
	})
	add("full rules", judging(b, dir, files, some/4, (*audit.Auditor).Judge))
	add("full rules where screening stops", judging(b, dir, files, 2*some, func(a *audit.Auditor, s *evidence.Subject) audit.Judged {
		j, _ := a.Screen(s, nil)
		return j
	}))
	add("ct-go, LogEntryFromLeaf alone", ctgoEntries(b, dir, some))
	add("ct-go, scanner over HTTP", ctgoScanner(address))
	if c, ok := certspotter(b, address); ok {
		out = append(out, c)
	}
	return out
}

// own is the certificate or precertificate of an entry.
func own(e *ct.LogEntry) []byte {
	if e.Precert {
		return e.Submitted
	}
	return e.Signed
}

func watched(n int) []string {
	names := []string{"." + sampleBases()[17]}
	for i := 1; i < n; i++ {
		names = append(names, fmt.Sprintf(".watched%d.example", i))
	}
	return names
}

func matching(b *testing.B, names []string) ctlog.Visit {
	m, err := ctlog.NewMatcher(names)
	if err != nil {
		b.Fatal(err)
	}
	var hits []ctlog.Hit
	return func(_ uint64, e *ct.LogEntry) error {
		hits = m.Match(e, hits[:0])
		return nil
	}
}

// judging gives every entry to rules, with the chain that was submitted.
func judging(b *testing.B, dir, address string, most uint64, judge func(*audit.Auditor, *evidence.Subject) audit.Judged) func(*testing.B) uint64 {
	b.Helper()
	issuers, err := sampleIssuers(dir)
	if err != nil {
		b.Fatal(err)
	}
	set, err := rule.Load(rules.FS, rule.Options{})
	if err != nil {
		b.Fatal(err)
	}
	h := lab.New(lab.Config{At: sampleTime})
	roots, err := trust.New([]trust.Set{{Name: "sample", Certificates: h.Roots()}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	logs, err := ct.ParseList(h.LogList())
	if err != nil {
		b.Fatal(err)
	}
	return func(b *testing.B) uint64 {
		a := audit.New(audit.Options{Rules: set, Trust: roots, Logs: ct.Join(logs, ct.Known()), At: sampleTime})
		accused := 0
		n := read(b, address, true, most, func(index uint64, e *ct.LogEntry) error {
			s := entrySubject(index, e, issuers)
			if r := judge(a, s).Subject; r != nil && (r.Verdict == "forged" || r.Verdict == "suspicious") {
				accused++
			}
			return nil
		})
		if accused > 0 {
			b.Errorf("%d of %d honest entries are accused", accused, n)
		}
		return n
	}
}

func entrySubject(index uint64, e *ct.LogEntry, issuers map[[32]byte][]byte) *evidence.Subject {
	s := &evidence.Subject{ID: fmt.Sprintf("log://sample/%d", index), Kind: evidence.LogEntry, Certificates: []evidence.DER{slices.Clone(own(e))}}
	for _, f := range e.Fingerprints {
		s.Certificates = append(s.Certificates, issuers[f])
	}
	s.Log = &evidence.Log{Key: lab.LeafKey().SPKI, Name: "sample", Entry: &evidence.Entry{
		Index: index, Leaf: slices.Clone(e.Leaf()), Time: e.Time(), Precert: e.Precert, Verified: true,
	}}
	return s
}

// ctgoEntries parses entries as ct-go does, from leaves at hand.
func ctgoEntries(b *testing.B, dir string, most uint64) func(*testing.B) uint64 {
	b.Helper()
	issuers, err := sampleIssuers(dir)
	if err != nil {
		b.Fatal(err)
	}
	var leaves []ctgo.LeafEntry
	read(b, "file://"+dir, true, most, func(_ uint64, e *ct.LogEntry) error {
		var list, extra []byte
		for _, f := range e.Fingerprints {
			list = append(list, vector(issuers[f])...)
		}
		if e.Precert {
			extra = vector(e.Submitted)
		}
		leaves = append(leaves, ctgo.LeafEntry{LeafInput: slices.Clone(e.Leaf()), ExtraData: append(extra, vector(list)...)})
		return nil
	})
	return func(b *testing.B) uint64 {
		for i := range leaves {
			if _, err := ctgo.LogEntryFromLeaf(int64(i), &leaves[i]); ctx509.IsFatal(err) {
				b.Fatal(err)
			}
		}
		return uint64(len(leaves))
	}
}

func vector(b []byte) []byte {
	return append([]byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

// ctgoScanner is the scanner as its own command sets it up, looking for one name.
func ctgoScanner(address string) func(*testing.B) uint64 {
	return func(b *testing.B) uint64 {
		c, err := client.New(address, http.DefaultClient, jsonclient.Options{UserAgent: "certassay-benchmark"})
		if err != nil {
			b.Fatal(err)
		}
		o := scanner.DefaultScannerOptions()
		pattern := regexp.MustCompile(regexp.QuoteMeta(sampleBases()[17]))
		o.Matcher = &scanner.MatchSubjectRegex{CertificateSubjectRegex: pattern, PrecertificateSubjectRegex: pattern}
		o.BatchSize, o.EndIndex = lablogPage, sampleSize/4
		ignore := func(*ctgo.RawLogEntry) {}
		n, err := scanner.NewScanner(c, *o).ScanLog(b.Context(), ignore, ignore)
		if err != nil || n != o.EndIndex {
			b.Fatal(n, err)
		}
		return uint64(n)
	}
}

const lablogPage = 256

// certspotter runs Cert Spotter until it has verified the whole log.
func certspotter(b *testing.B, address string) (contender, bool) {
	program := os.Getenv("CERTSPOTTER")
	if program == "" {
		b.Log("CERTSPOTTER names no binary: Cert Spotter is left out")
		return contender{}, false
	}
	var took time.Duration
	return contender{
		name: "Cert Spotter over HTTP, 1 name", child: func() time.Duration { return took },
		run: func(b *testing.B) uint64 {
			dir := b.TempDir()
			write := func(name string, content []byte) string {
				name = filepath.Join(dir, name)
				if err := os.WriteFile(name, content, 0o600); err != nil {
					b.Fatal(err)
				}
				return name
			}
			id := (&Log{Key: lab.LeafKey()}).ID()
			list, err := json.Marshal(map[string]any{"version": "1", "log_list_timestamp": sampleTime, "operators": []any{map[string]any{
				"name": "lab", "email": []string{"lab@lab.example"}, "logs": []any{}, "tiled_logs": []any{map[string]any{
					"description": "sample", "log_id": id[:], "key": lab.LeafKey().SPKI, "mmd": 60,
					"submission_url": "https://" + Origin + "/", "monitoring_url": address,
					"state": map[string]any{"usable": map[string]any{"timestamp": sampleTime}},
				}},
			}}})
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithTimeout(b.Context(), 5*time.Minute)
			defer stop()
			cmd := exec.CommandContext(ctx, program, "-logs", write("logs.json", list), "-watchlist", write("watchlist", []byte(watched(1)[0]+"\n")),
				"-state_dir", filepath.Join(dir, "state"), "-stdout", "-no_save")
			cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "HOME="+dir)
			var said strings.Builder
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			state := filepath.Join(dir, "state", "logs", base64.RawURLEncoding.EncodeToString(id[:]), "state.json")
			for verifiedBySpotter(state) < sampleSize && ctx.Err() == nil {
				time.Sleep(20 * time.Millisecond)
			}
			if ctx.Err() != nil {
				b.Errorf("Cert Spotter did not verify the sample: %s", &said)
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
			took = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			return sampleSize
		},
	}, true
}

func verifiedBySpotter(state string) uint64 {
	b, err := os.ReadFile(state)
	if err != nil {
		return 0
	}
	var s struct {
		Position struct {
			Size uint64 `json:"size"`
		} `json:"verified_position"`
	}
	if json.Unmarshal(b, &s) != nil {
		return 0
	}
	return s.Position.Size
}
