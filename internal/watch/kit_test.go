package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
	"github.com/certassay/certassay/internal/store"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// theLab issues what is logged.
var theLab = sync.OnceValue(func() *lab.Lab { return lab.New(lab.Config{}) })

// An issued certificate, with the precertificate before it.
type issued struct{ leaf, pre, tbs []byte }

var (
	issuedMu sync.Mutex
	issuedBy = map[string]issued{} // guarded by issuedMu
)

// issue gives the certificate for a name, always the same.
func issue(name string) issued {
	issuedMu.Lock()
	defer issuedMu.Unlock()
	if x, ok := issuedBy[name]; ok {
		return x
	}
	l := theLab()
	t := l.LeafTemplate()
	t.Drop(lab.IDSCTs)
	t.Set(lab.DNSNames(name))
	t.Subject, t.Serial = lab.Named("CN="+name), lab.SerialOf(name)
	t.Set(lab.EmbedSCTs(lab.Log{Key: lab.ForgedKey()}.SCT(t, l.Intermediate, noon)))
	x := issued{leaf: t.Sign(l.Intermediate.Key, "")}
	t.Drop(lab.IDSCTs)
	t.Set(lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}})
	x.pre = t.Sign(l.Intermediate.Key, "")
	tbs, err := ct.CertificateTBS(cert.Parse(x.leaf))
	if err != nil {
		panic(err)
	}
	x.tbs = tbs
	issuedBy[name] = x
	return x
}

// A site is a log that is served, and can be exchanged for another one, or made to
// fail.
type site struct {
	*lablog.Log
	url   string
	tiled bool
	limit time.Duration // for one request

	mu      sync.Mutex
	handler http.Handler // guarded by mu
}

func newLabLog() *lablog.Log { return lablog.New(lab.ForgedKey(), "log.example", noon) }

func newSite(t *testing.T, tiled bool) *site {
	t.Helper()
	s := &site{Log: newLabLog(), tiled: tiled, limit: time.Minute}
	s.Indexed = tiled
	s.serve(s.Log, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		h := s.handler
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	s.url = server.URL + "/"
	return s
}

// serve answers as this log, through this fault.
func (s *site) serve(l *lablog.Log, fault lablog.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = l.Handler(fault)
}

// target is the site as one to follow.
func (s *site) target() Target {
	log := ct.NewLog("lab", s.Key.SPKI, s.tiled, s.url, "")
	if s.tiled {
		log = ct.NewLog("lab", s.Key.SPKI, true, "https://log.example/", s.url)
	}
	return Target{ID: log.ID, Name: "lab", Address: s.url, Open: func(context.Context) (ctlog.Source, *ct.Log, error) {
		source, err := ctlog.Open(log, ctlog.Options{
			Private: true, Rate: 1e6, Backoff: time.Millisecond, MaxWait: 50 * time.Millisecond, Timeout: s.limit, Retries: 1, Segment: 256,
		})
		return source, log, err
	}}
}

// fill adds entries that nobody looks for.
func fill(l *lablog.Log, n int) {
	for range n {
		l.Add(issue("filler.test").leaf, noon, theLab().Intermediate.DER)
	}
}

func addLeaf(l *lablog.Log, name string) uint64 {
	return l.Add(issue(name).leaf, noon, theLab().Intermediate.DER)
}

func addPre(l *lablog.Log, name string) uint64 {
	x := issue(name)
	return l.AddPrecert(x.tbs, theLab().Intermediate.Key.SPKI, x.pre, noon, theLab().Intermediate.DER)
}

// A bench is a watcher for .watched.test with a clock and a store of its own.
type bench struct {
	*Watcher
	t      *testing.T
	mu     sync.Mutex
	now    time.Time // guarded by mu
	warned []string  // guarded by mu
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	err = s.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.SetReceivers([]string{"test"}); return err })
	if err != nil {
		t.Fatal(err)
	}
	matcher, err := ctlog.NewMatcher([]string{".watched.test"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, now: noon}
	b.Watcher = New(Options{Store: s, Matcher: matcher, Now: b.clock, Back: 1 << 40, Batch: 512, Warn: func(text string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.warned = append(b.warned, text)
	}})
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

func (b *bench) warnings() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.warned, "\n")
}

// once does a round over some logs, and wants so many of them to fail.
func (b *bench) once(failed int, sites ...*site) Result {
	b.t.Helper()
	var targets []Target
	for _, s := range sites {
		targets = append(targets, s.target())
	}
	result, err := b.Once(b.t.Context(), targets)
	if err != nil {
		b.t.Fatal(err)
	}
	if result.Failed != failed {
		b.t.Errorf("%d logs failed, want %d: %+v", result.Failed, failed, b.health().Logs)
	}
	return result
}

func (b *bench) health() *Health {
	b.t.Helper()
	h, err := ReadHealth(b.t.Context(), b.Store, b.clock(), time.Hour)
	if err != nil {
		b.t.Fatal(err)
	}
	return h
}

// told gives what is in the outbox, decoded and in order.
func (b *bench) told() (out []Message) {
	b.t.Helper()
	err := b.Store.View(b.t.Context(), func(tx *store.Tx) error {
		all, err := tx.Waiting("test", time.Time{}, 100_000)
		for _, d := range all {
			var m Message
			if err := json.Unmarshal(d.Body, &m); err != nil || m.ID != d.ID || m.Kind != d.Kind || m.Schema != Schema {
				b.t.Errorf("notification %s %.80q: %v", d.ID, d.Body, err)
			}
			out = append(out, m)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// names gives the kinds of what was told, with the name of certificates.
func (b *bench) names() (out []string) {
	b.t.Helper()
	for _, m := range b.told() {
		text := m.Kind
		if m.CertificateText != nil {
			text = strings.Join(m.Names, " ")
		}
		if m.Index != nil {
			text = fmt.Sprintf("%d:%s", *m.Index, text)
		}
		out = append(out, text)
	}
	return out
}

func (b *bench) state(s *site) *store.Log {
	b.t.Helper()
	var out *store.Log
	err := b.Store.View(b.t.Context(), func(tx *store.Tx) (err error) {
		out, err = tx.Log(s.ID())
		return err
	})
	if err != nil || out == nil {
		b.t.Fatalf("the log's state: %v, %v", out, err)
	}
	return out
}

type hit = ctlog.Hit

// matchFunc is a function as a Matcher.
type matchFunc func(*ct.LogEntry, []hit) []hit

func (f matchFunc) MatchChain(e *ct.LogEntry, hits []hit, _ func() ([][]byte, error)) []hit {
	return f(e, hits)
}
