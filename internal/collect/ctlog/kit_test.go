package ctlog

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

const origin = "lab.example/2026h2"

var at = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// issued are certificates and precertificates for hostN.example.test.
var issued = sync.OnceValue(func() (out []issue) {
	l := lab.New(lab.Config{})
	for i := range 64 {
		t := l.LeafTemplate()
		t.Drop(lab.IDSCTs)
		t.Set(lab.DNSNames(fmt.Sprintf("host%d.example.test", i)))
		x := issue{issuer: l.Intermediate.DER}
		if i%2 == 1 {
			t.Set(lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}})
			x.pre = true
		}
		x.der = l.Issue(t)
		out = append(out, x)
	}
	return out
})

type issue struct {
	der, issuer []byte
	pre         bool
}

// newLog is a log of so many entries; entry i is issued()[i%64] at second i.
func newLog(t testing.TB, size int) *lablog.Log {
	t.Helper()
	l := lablog.New(lab.LeafKey(), origin, at)
	for i := range size {
		addEntry(t, l, i)
	}
	return l
}

func addEntry(t testing.TB, l *lablog.Log, i int) {
	t.Helper()
	x := issued()[i%64]
	when := at.Add(time.Duration(i-100_000) * time.Second)
	if !x.pre {
		l.Add(x.der, when, x.issuer)
		return
	}
	tbs, err := ct.PrecertificateTBS(cert.Parse(x.der), nil)
	if err != nil {
		t.Fatal(err)
	}
	l.AddPrecert(tbs, cert.Parse(x.issuer).SPKI, x.der, when, x.issuer)
}

// quickly are options for tests: nothing waits for long.
var quickly = Options{
	Private: true, Rate: 1e6, Backoff: time.Millisecond, MaxWait: 3 * time.Second, Timeout: time.Minute,
	Segment: 512, Retries: 2, UserAgent: "certassay-test",
}

// The three ways in which a log is read.
var ways = []string{"static-ct", "rfc6962", "file"}

// open serves the log in one of the ways.
func open(t testing.TB, l *lablog.Log, way string, o Options, fault lablog.Fault) Source {
	t.Helper()
	var log *ct.Log
	switch way {
	case "file":
		dir := t.TempDir()
		if err := l.WriteTiles(dir); err != nil {
			t.Fatal(err)
		}
		log = ct.NewLog("lab", l.Key.SPKI, true, "https://"+origin+"/", "file://"+filepath.ToSlash(dir))
	case "static-ct":
		log = ct.NewLog("lab", l.Key.SPKI, true, "https://"+origin+"/", l.Serve(t, fault))
	default:
		log = ct.NewLog("lab", l.Key.SPKI, false, l.Serve(t, fault), "")
	}
	s, err := Open(log, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func headOf(t testing.TB, s Source) *ct.TreeHead {
	t.Helper()
	h, err := s.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// read gives the indexes of all entries of a range that were shown.
func read(t testing.TB, s Source, head *ct.TreeHead, from, to uint64) ([]uint64, Coverage) {
	t.Helper()
	var out []uint64
	c, err := s.Entries(context.Background(), head, from, to, func(i uint64, e *ct.LogEntry) error {
		if want := issued()[i%64]; e.Precert != want.pre || !e.Time().Equal(at.Add(time.Duration(int(i)-100_000)*time.Second)) {
			return fmt.Errorf("entry %d is another one", i)
		}
		out = append(out, i)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, c
}

// onPath is a fault of one path.
func onPath(path string, f lablog.Fault) lablog.Fault {
	return func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool) {
		if r.URL.Path != "/"+path {
			return honest, true
		}
		return f(w, r, honest, call)
	}
}

func wantGap(t *testing.T, c Coverage, from, to uint64, want error) {
	t.Helper()
	if len(c.Gaps) != 1 || c.Gaps[0].From != from || c.Gaps[0].To != to || !errors.Is(c.Gaps[0].Err, want) {
		t.Errorf("gaps = %+v, want one from %d to %d: %v", c.Gaps, from, to, want)
	}
	if c.Complete() {
		t.Error("Complete = true with a gap")
	}
	if c.Covers(from) || c.Covers(to-1) {
		t.Error("Covers says that an entry in the gap was read")
	}
}
