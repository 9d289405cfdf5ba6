package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/store"
)

// both runs a test against both kinds of logs.
func both(t *testing.T, test func(*testing.T, *bench, *site)) {
	t.Helper()
	for name, tiled := range map[string]bool{"static-ct": true, "rfc6962": false} {
		t.Run(name, func(t *testing.T) { test(t, newBench(t), newSite(t, tiled)) })
	}
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFollow(t *testing.T) {
	both(t, func(t *testing.T, b *bench, s *site) {
		fill(s.Log, 700)
		addPre(s.Log, "a.watched.test") // 700
		fill(s.Log, 100)
		addLeaf(s.Log, "b.watched.test") // 801
		b.once(0, s)
		want(t, b.names(), "700:a.watched.test", "801:b.watched.test")
		if l := b.state(s); l.Position != 802 || l.Head.Size != 802 || l.Start != 0 || !l.Succeeded.Equal(noon) {
			t.Errorf("state %+v after 802 entries", l)
		}
		// The certificate of a known precertificate is no news, and neither is a
		// round without growth.
		addLeaf(s.Log, "a.watched.test")
		b.once(0, s)
		b.once(0, s)
		addLeaf(s.Log, "c.watched.test")
		b.once(0, s)
		want(t, b.names(), "700:a.watched.test", "801:b.watched.test", "803:c.watched.test")
		m := b.told()[0]
		if m.Type != "precertificate" || m.ChainError != "" || m.Log.Name != "lab" || m.LeafHash == "" || !bytes.Equal(m.DER, issue("a.watched.test").tbs) {
			t.Errorf("told of %+v", m)
		}
		if len(m.Matches) != 1 || m.Matches[0].Name != ".watched.test" || m.Matches[0].Identifier != "a.watched.test" {
			t.Errorf("matches %+v", m.Matches)
		}
	})
}

// A certificate in two logs is told once, and both places are kept.
func TestTwoLogs(t *testing.T) {
	b, tiled, plain := newBench(t), newSite(t, true), newSite(t, false)
	plain.Log = lablog.New(lab.LeafKey(), "other.example", noon)
	plain.Indexed = false
	plain.serve(plain.Log, nil)
	addPre(tiled.Log, "a.watched.test")
	addLeaf(plain.Log, "a.watched.test")
	b.once(0, tiled, plain)
	if got := b.told(); len(got) != 1 {
		t.Errorf("told %d times, want once", len(got))
	}
	x := issue("a.watched.test")
	if ct.Identity(x.leaf, false) != ct.Identity(x.tbs, true) {
		t.Error("a certificate and its precertificate have different identities")
	}
	err := b.Store.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.Entries(ct.Identity(x.leaf, false))
		if len(entries) != 2 {
			t.Errorf("%d entries are kept, want 2", len(entries))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Another certificate with the number of one that was promised is told, and said
// to be such.
func TestSameSerial(t *testing.T) {
	b, s := newBench(t), newSite(t, true)
	addPre(s.Log, "a.watched.test")
	l := theLab()
	other := l.LeafTemplate()
	other.Drop(lab.IDSCTs)
	other.Set(lab.DNSNames("evil.watched.test"))
	other.Subject, other.Serial = lab.Named("CN=evil.watched.test"), lab.SerialOf("a.watched.test")
	s.Add(other.Sign(l.Intermediate.Key, ""), noon, l.Intermediate.DER)
	b.once(0, s)
	want(t, b.names(), "0:a.watched.test", "1:evil.watched.test")
	first := evidence.Hash(ct.Identity(issue("a.watched.test").leaf, false))
	got := b.told()
	if got[0].SameSerial != nil || len(got[1].SameSerial) != 1 || got[1].SameSerial[0] != first {
		t.Errorf("same_serial is %q and %q, want none and %s", got[0].SameSerial, got[1].SameSerial, first)
	}
}

func TestStartsAtTheEnd(t *testing.T) {
	b, s := newBench(t), newSite(t, false)
	b.Back = 1
	addLeaf(s.Log, "old.watched.test")
	addLeaf(s.Log, "newest.watched.test")
	b.once(0, s)
	want(t, b.names(), "1:newest.watched.test")
	addLeaf(s.Log, "next.watched.test")
	b.once(0, s)
	want(t, b.names(), "1:newest.watched.test", "2:next.watched.test")
	if l := b.state(s); l.Start != 1 {
		t.Errorf("Start = %d, want 1", l.Start)
	}
}

func TestExpected(t *testing.T) {
	b, s := newBench(t), newSite(t, true)
	mine := issue("mine.watched.test")
	b.Expected = func(s *Sighting) bool { return s.Entry.Identity == ct.Identity(mine.leaf, false) }
	addPre(s.Log, "mine.watched.test")
	addLeaf(s.Log, "mine.watched.test")
	addLeaf(s.Log, "other.watched.test")
	b.once(0, s)
	want(t, b.names(), "2:other.watched.test")
	if n := b.health().Certificates; n != 2 {
		t.Errorf("%d certificates are kept, want both", n)
	}
}

func TestJudge(t *testing.T) {
	b, s := newBench(t), newSite(t, true)
	var seen *evidence.Subject
	b.Judge = func(e *evidence.Subject, hits []ctlog.Hit) Judgement {
		seen = e
		if len(hits) != 1 || hits[0].Identifier != "a.watched.test" {
			t.Errorf("judged with %+v", hits)
		}
		return Judgement{Report: &report.Subject{Verdict: finding.Forged, Findings: []finding.Finding{{Rule: "x", Severity: finding.High}}}}
	}
	addPre(s.Log, "a.watched.test")
	b.once(0, s)
	m := b.told()[0]
	if m.Verdict != finding.Forged || len(m.Findings) != 1 {
		t.Errorf("told of verdict %q and findings %v", m.Verdict, m.Findings)
	}
	if seen.Kind != evidence.LogEntry || !seen.Log.Entry.Verified || len(seen.Certificates) != 2 || !bytes.Equal(seen.Certificates[0], issue("a.watched.test").pre) {
		t.Errorf("judged %+v", seen)
	}
}

// What a log hands out beside an entry is not what it logged: told all the same.
func TestChainError(t *testing.T) {
	b, s := newBench(t), newSite(t, true)
	addPre(s.Log, "a.watched.test")
	s.serve(s.Log, func(w http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		if strings.HasPrefix(r.URL.Path, "/issuer/") {
			return nil, true
		}
		return honest, true
	})
	b.once(0, s)
	if got := b.told(); len(got) != 1 || got[0].ChainError == "" {
		t.Errorf("told %+v, want one with a chain error", got)
	}
	x := issue("a.watched.test")
	s2 := newSite(t, false)
	s2.AddPrecert(x.tbs, theLab().Intermediate.Key.SPKI, issue("b.watched.test").pre, noon, theLab().Intermediate.DER)
	b = newBench(t)
	b.once(0, s2)
	if got := b.told(); len(got) != 1 || got[0].ChainError == "" {
		t.Errorf("told %+v, want one whose precertificate is another", got)
	}
}

// An entry that is none is told: nothing can be ruled out of it.
func TestOddEntry(t *testing.T) {
	b, s := newBench(t), newSite(t, false)
	fill(s.Log, 3)
	s.AddLeaf([]byte{0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9})
	fill(s.Log, 3)
	b.once(0, s)
	b.once(0, s)
	want(t, b.names(), "3:odd-entry")
	if l := b.state(s); l.Position != 7 {
		t.Errorf("position %d, want 7", l.Position)
	}
}

func headOf(t *testing.T, h proofHead) *ct.TreeHead {
	t.Helper()
	return &ct.TreeHead{Size: h.Size, Time: time.UnixMilli(h.Timestamp).UTC(), Root: [32]byte(h.Root), Signature: h.Signature}
}

// contradiction wants one notification and one file with two heads that the log
// signed, after several rounds, and the state as it was.
func contradiction(t *testing.T, b *bench, s *site, kind string) {
	t.Helper()
	before := b.state(s)
	for range 3 {
		if r := b.once(1, s); !r.Accused {
			t.Error("the result says nothing of the contradiction")
		}
		b.pass(time.Hour)
	}
	after := b.state(s)
	if d := cmp.Diff(before.Head, after.Head); d != "" || after.Position != before.Position || after.Failures != 3 {
		t.Errorf("the state changed to %+v: %s", after, d)
	}
	told := b.told()
	last := told[len(told)-1]
	n := 0
	for _, m := range told {
		if m.Kind == KindContradiction {
			n++
		}
	}
	files, err := filepath.Glob(filepath.Join(b.Store.Dir(), Proofs, "*.json"))
	if err != nil || len(files) != 1 || n != 1 || last.Proof != files[0] || !strings.Contains(files[0], kind) {
		t.Fatalf("%d notifications, the last %+v, and files %q (%v), want one of both", n, last, files, err)
	}
	text, err := os.ReadFile(files[0])
	var p proof
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil || p.Kind != kind || p.Schema != ProofSchema {
		t.Fatalf("the proof is %+v, %v", p, err)
	}
	// Somebody who has nothing but the file.
	log := ct.NewLog("x", p.Log.Key, s.tiled, "", "")
	for _, h := range []proofHead{p.Older, p.Newer} {
		if err := log.VerifyHead(headOf(t, h)); err != nil {
			t.Errorf("the saved head does not verify: %v", err)
		}
		if !s.tiled {
			continue
		}
		noted, err := ct.ParseCheckpoint([]byte(h.Note), log, "log.example")
		if err != nil || cmp.Diff(noted, headOf(t, h)) != "" {
			t.Errorf("the saved note does not verify: %v", err)
		}
	}
	if h := b.health(); h.Well() || h.Logs[0].State != StateFailing {
		t.Errorf("health %+v after a contradiction", h.Logs)
	}
	if !strings.Contains(b.warnings(), "contradicts itself") {
		t.Errorf("warnings %q", b.warnings())
	}
}

func TestRollback(t *testing.T) {
	both(t, func(t *testing.T, b *bench, s *site) {
		fill(s.Log, 300)
		b.once(0, s)
		s.Show(200)
		contradiction(t, b, s, "rollback")
		// The log finds what it lost: it is followed again.
		s.Show(0)
		addLeaf(s.Log, "a.watched.test")
		b.once(0, s)
		if got := b.names(); got[len(got)-1] != "300:a.watched.test" {
			t.Errorf("told %q", got)
		}
	})
}

func TestFork(t *testing.T) {
	for name, size := range map[string]int{"smaller": 200, "same size": 300, "larger": 400} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, b *bench, s *site) {
				fill(s.Log, 300)
				b.once(0, s)
				other := newLabLog()
				other.Indexed = s.tiled
				addLeaf(other, "a.watched.test")
				fill(other, size-1)
				s.serve(other, nil)
				kind := "fork"
				if size < 300 {
					kind = "rollback" // a proof for the larger tree cannot be had any more
				}
				contradiction(t, b, s, kind)
				// Nothing of the other tree was taken.
				want(t, b.names(), KindContradiction)
			})
		})
	}
}

// A front end that lags shows a head of before: no log is accused for that.
func TestBehind(t *testing.T) {
	both(t, func(t *testing.T, b *bench, s *site) {
		fill(s.Log, 300)
		addLeaf(s.Log, "a.watched.test")
		b.once(0, s)
		s.Show(200)
		s.Time = noon.Add(-time.Hour)
		b.once(0, s)
		want(t, b.names(), "300:a.watched.test")
		if l := b.state(s); l.Head.Size != 301 || l.Failures != 0 {
			t.Errorf("state %+v, want that of before", l)
		}
		if !strings.Contains(b.warnings(), "is behind") {
			t.Errorf("warnings %q, want that it is behind", b.warnings())
		}
		if _, err := os.Stat(filepath.Join(b.Store.Dir(), Proofs)); err == nil {
			t.Error("a proof was saved")
		}
	})
}

func TestStaleAndFuture(t *testing.T) {
	both(t, func(t *testing.T, b *bench, s *site) {
		addLeaf(s.Log, "a.watched.test")
		b.pass(80 * time.Hour)
		b.once(1, s)
		want(t, b.names(), KindOddHead, "0:a.watched.test") // read all the same
		if l := b.state(s); !strings.Contains(l.Error, "too old") {
			t.Errorf("error %q", l.Error)
		}
		b.pass(time.Hour)
		b.once(1, s)
		want(t, b.names(), KindOddHead, "0:a.watched.test") // once a day
		b.pass(-161 * time.Hour)
		b.once(1, s)
		if l := b.state(s); !strings.Contains(l.Error, "future") {
			t.Errorf("error %q", l.Error)
		}
		b.pass(24 * time.Hour)
		if r := b.once(1, s); r.Accused {
			t.Error("the log is accused of what a clock can do")
		}
		told := b.told()
		want(t, b.names(), KindOddHead, "0:a.watched.test", KindOddHead, KindOddHead)
		if !strings.Contains(told[0].Error, "too old") || !strings.Contains(told[3].Error, "future") {
			t.Errorf("told %+v", told)
		}
	})
}

// A head that the log did not sign is told once, and is none to go on from.
func TestUnsignedHead(t *testing.T) {
	both(t, func(t *testing.T, b *bench, s *site) {
		b.Judge = func(e *evidence.Subject, _ []ctlog.Hit) Judgement {
			if e.Log.Entry != nil {
				return Judgement{}
			}
			if e.Log.Head == nil || e.Log.Head.Size != 3 {
				t.Errorf("judged %+v, want the head of 3 entries", e.Log)
			}
			return Judgement{Report: &report.Subject{Verdict: finding.Suspicious, Findings: []finding.Finding{{Rule: "log-head-not-signed", Severity: finding.High}}}}
		}
		addLeaf(s.Log, "other.test")
		b.once(0, s)
		addLeaf(s.Log, "a.watched.test")
		before := b.state(s)
		s.serve(s.Log, func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/checkpoint"):
				honest = bytes.Replace(honest, []byte("\n2\n"), []byte("\n3\n"), 1)
			case strings.HasSuffix(r.URL.Path, "/get-sth"):
				honest = bytes.Replace(honest, []byte(`"tree_size":2`), []byte(`"tree_size":3`), 1)
			}
			return honest, true
		})
		for range 3 {
			if r := b.once(1, s); !r.Accused {
				t.Error("the log is not accused")
			}
		}
		if after := b.state(s); after.Position != before.Position || after.Head.Size != 1 {
			t.Errorf("state %+v, want that of before", after)
		}
		told := b.told()
		want(t, b.names(), KindOddHead)
		if told[0].Verdict != finding.Suspicious || told[0].Error == "" || told[0].Log.Name != "lab" {
			t.Errorf("told %+v", told[0])
		}
		s.serve(s.Log, nil)
		if r := b.once(0, s); r.Accused {
			t.Error("the log is accused after it went well")
		}
		want(t, b.names(), KindOddHead, "1:a.watched.test")
	})
}

// on is a fault of answers whose path and query begin so.
func on(prefix string, f lablog.Fault) lablog.Fault {
	return func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool) {
		if !strings.HasPrefix(r.URL.RequestURI(), prefix) {
			return honest, true
		}
		return f(w, r, honest, call)
	}
}

func deny(http.ResponseWriter, *http.Request, []byte, int) ([]byte, bool) { return nil, true }

// A tile that cannot be had becomes a gap once those behind it can; it is tried
// again, told of when the log is to blame, and read when it is there.
func TestGap(t *testing.T) {
	b, s := newBench(t), newSite(t, true)
	b.Batch = 1024
	fill(s.Log, 300)
	addLeaf(s.Log, "hidden.watched.test") // 300, in tile 1
	fill(s.Log, 300)
	addLeaf(s.Log, "seen.watched.test") // 601, in tile 2
	fill(s.Log, 200)
	s.serve(s.Log, on("/tile/data/001", deny))
	b.once(0, s)
	want(t, b.names(), "601:seen.watched.test")
	h := b.health()
	if l := h.Logs[0]; l.State != StateGaps || l.GapSize != 256 || l.Position != 802 || l.Gaps[0].From != 256 || h.Well() {
		t.Errorf("health %+v", l)
	}
	for range 4 {
		b.pass(7 * time.Hour)
		s.Time = b.clock()
		b.once(0, s)
	}
	want(t, b.names(), "601:seen.watched.test", KindMissing)
	if r := b.told()[1].Ranges; len(r) != 1 || r[0].From != 256 || r[0].To != 512 {
		t.Errorf("missing %+v", r)
	}
	s.serve(s.Log, nil)
	b.once(0, s) // not due yet
	b.pass(7 * time.Hour)
	s.Time = b.clock()
	b.once(0, s)
	want(t, b.names(), "601:seen.watched.test", KindMissing, "300:hidden.watched.test")
	if h := b.health(); !h.Well() {
		t.Errorf("health %+v", h.Logs)
	}
}

// An entry that is not the signed one is told to nobody; the ones beside it are.
func TestFlippedEntry(t *testing.T) {
	b, s := newBench(t), newSite(t, true)
	addLeaf(s.Log, "a.watched.test")
	addLeaf(s.Log, "b.watched.test")
	fill(s.Log, 600)
	lie := newLabLog()
	addLeaf(lie, "lie.watched.test")
	addLeaf(lie, "b.watched.test")
	fill(lie, 600)
	honest := s.Log
	forged := lie.Handler(nil)
	s.serve(honest, on("/tile/data/000", func(w http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
		forged.ServeHTTP(w, r)
		return nil, false
	}))
	b.once(0, s)
	want(t, b.names(), "1:b.watched.test")
	if l := b.health().Logs[0]; l.GapSize != 1 || l.Gaps[0].From != 0 {
		t.Errorf("gaps %+v, want entry 0", l.Gaps)
	}
}

// Where the last entries cannot be read they are waited for; where that lasts and
// those behind can be read they are passed over.
func TestStuck(t *testing.T) {
	both(t, func(t *testing.T, b *bench, s *site) {
		fill(s.Log, 256)
		b.once(0, s)
		fill(s.Log, 256)
		path := "/tile/data/001"
		if !s.tiled {
			path = "/ct/v1/get-entries?start=256"
		}
		s.serve(s.Log, on(path, deny))
		for range 4 {
			b.once(1, s)
		}
		if l := b.state(s); l.Position != 256 {
			t.Errorf("position %d, want 256: there was nothing behind", l.Position)
		}
		fill(s.Log, 200)
		addLeaf(s.Log, "a.watched.test")
		fill(s.Log, 55)
		b.once(0, s)
		if l := b.state(s); l.Position != 768 || len(b.health().Logs[0].Gaps) != 1 {
			t.Errorf("position %d and gaps %+v, want 768 and one", l.Position, b.health().Logs[0].Gaps)
		}
		want(t, b.names(), "712:a.watched.test")
	})
}

// One log that hangs, or answers 429 to everything, or is gone, costs the others
// nothing, and is read when it works again.
func TestIsolation(t *testing.T) {
	storm := func(w http.ResponseWriter, _ *http.Request, _ []byte, _ int) ([]byte, bool) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
		return nil, false
	}
	hang := func(_ http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
		<-r.Context().Done()
		return nil, false
	}
	for name, fault := range map[string]lablog.Fault{"429": storm, "hang": hang, "404": deny, "short": func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		return honest[:len(honest)/2], true
	}} {
		t.Run(name, func(t *testing.T) {
			b, bad, good := newBench(t), newSite(t, true), newSite(t, false)
			good.Log = lablog.New(lab.LeafKey(), "other.example", noon)
			good.Indexed = false
			good.serve(good.Log, nil)
			addLeaf(bad.Log, "bad.watched.test")
			fill(bad.Log, 600)
			addLeaf(good.Log, "good.watched.test")
			bad.serve(bad.Log, fault)
			if name == "hang" {
				bad.limit = 300 * time.Millisecond
			}
			b.once(1, bad, good)
			want(t, b.names(), "0:good.watched.test")
			h := b.health()
			if h.Well() || h.Logs[0].State == h.Logs[1].State {
				t.Errorf("health %+v", h.Logs)
			}
			bad.serve(bad.Log, on("/tile/data", fault)) // the head, but no entries
			b.once(1, bad)
			bad.limit = time.Minute
			bad.serve(bad.Log, nil)
			b.once(0, bad)
			want(t, b.names(), "0:good.watched.test", "0:bad.watched.test")
		})
	}
}

// A tile that fills up is not fetched meanwhile, its hashes are verified, and one
// that stays partial is read after some time.
func TestPartial(t *testing.T) {
	b, s := newBench(t), newSite(t, true)
	fill(s.Log, 300)
	addLeaf(s.Log, "a.watched.test")
	f := &follower{Watcher: b.Watcher, target: s.target()}
	step := func(position uint64) {
		t.Helper()
		if err := f.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.state(s).Position; got != position {
			t.Errorf("position %d, want %d", got, position)
		}
	}
	step(256)
	fill(s.Log, 10)
	b.pass(time.Minute)
	step(256)
	for _, width := range []int{45, 55} {
		if n := s.Calls(fmt.Sprintf("tile/data/001.p/%d", width)); n != 0 {
			t.Errorf("the partial tile of %d entries was fetched", width)
		}
	}
	if l := b.state(s); l.Head.Size != 311 {
		t.Errorf("the head has %d entries, want the new one", l.Head.Size)
	}
	b.pass(5 * time.Minute)
	step(311)
	want(t, b.names(), "300:a.watched.test")
	fill(s.Log, 10)
	step(311)
	b.pass(5 * time.Minute)
	step(321)
	step(321)
	fill(s.Log, 512-321)
	step(512)
}

// The process is ended between any two transactions by a store that refuses, as a
// full disk does: nothing is lost and nothing told twice.
func TestEveryStep(t *testing.T) {
	both(t, func(t *testing.T, b *bench, s *site) {
		for i := range 40 {
			fill(s.Log, 30)
			addLeaf(s.Log, fmt.Sprintf("n%d.watched.test", i))
		}
		for i := 0; ; i++ {
			// The context ends at the i-th entry that matches, so that the round
			// breaks off wherever it is.
			ctx, cancel := context.WithCancel(t.Context())
			matcher := b.Matcher
			count := 0
			broken := New(b.Options)
			broken.Partial = -1
			broken.Matcher = matchFunc(func(e *ct.LogEntry, hits []hit) []hit {
				if count++; count > 97*i {
					cancel()
				}
				return matcher.MatchChain(e, hits, nil)
			})
			_, err := broken.Once(ctx, []Target{s.target()})
			ended := ctx.Err() != nil
			cancel()
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if !ended {
				break
			}
		}
		got := map[string]int{}
		for _, name := range b.names() {
			got[name]++
		}
		for i := range 40 {
			if name := fmt.Sprintf("%d:n%d.watched.test", 31*i+30, i); got[name] != 1 {
				t.Errorf("%s was told %d times", name, got[name])
			}
		}
		if len(got) != 40 {
			t.Errorf("told %v", got)
		}
	})
}

func TestRunReloads(t *testing.T) {
	b, one, two := newBench(t), newSite(t, false), newSite(t, false)
	two.Log = lablog.New(lab.LeafKey(), "other.example", noon)
	two.serve(two.Log, nil)
	addLeaf(one.Log, "one.watched.test")
	addLeaf(two.Log, "two.watched.test")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.Interval = 10 * time.Millisecond
	g := &group{watcher: b.Watcher, stop: func(err error) { t.Error(err) }, running: map[[32]byte]*running{}}
	g.set(ctx, []Target{one.target()})
	await(t, func() bool { return len(b.told()) == 1 })
	g.set(ctx, []Target{one.target(), two.target()})
	await(t, func() bool { return len(b.told()) == 2 })
	// The log moves, and is read where it is now.
	moved := newSite(t, false)
	moved.Log = one.Log
	moved.serve(one.Log, nil)
	g.set(ctx, []Target{moved.target()})
	addLeaf(one.Log, "moved.watched.test")
	addLeaf(two.Log, "left.watched.test")
	await(t, func() bool { return len(b.told()) == 3 })
	if n := len(g.running); n != 1 {
		t.Errorf("%d logs are followed, want the one that moved", n)
	}
	// What a list says of it changes: it is opened anew, and goes on.
	described := moved.target()
	described.Version = "another MMD"
	g.set(ctx, []Target{described})
	addLeaf(one.Log, "described.watched.test")
	await(t, func() bool { return len(b.told()) == 4 })
	if got := b.warnings(); strings.Count(got, "described anew") != 1 {
		t.Errorf("warnings %q", got)
	}
	g.set(ctx, []Target{described})
	if got := b.warnings(); !strings.Contains(got, "moved to") || !strings.Contains(got, "not followed any more") || strings.Count(got, "described anew") != 1 {
		t.Errorf("warnings %q", got)
	}
	cancel()
	g.wait.Wait()
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for range 6000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("waited for a minute in vain")
}

// A log that cannot even be opened is one that fails, and is begun when it can.
func TestFollowUnopened(t *testing.T) {
	b, s := newBench(t), newSite(t, false)
	addLeaf(s.Log, "a.watched.test")
	target := s.target()
	target.Open = func(context.Context) (ctlog.Source, *ct.Log, error) { return nil, nil, errors.New("nobody there") }
	for range 2 {
		if r, err := b.Once(t.Context(), []Target{target}); err != nil || r.Failed != 1 {
			t.Fatalf("Once = %+v, %v, want the log failed", r, err)
		}
	}
	health, err := ReadHealth(t.Context(), b.Store, b.Now(), time.Hour)
	if err != nil || len(health.Logs) != 1 || health.Logs[0].State != StateFailing || health.Logs[0].Error != "nobody there" || health.Logs[0].Failures != 2 {
		t.Errorf("health %+v, %v, want the log and why it fails", health, err)
	}
	if r, err := b.Once(t.Context(), []Target{s.target()}); err != nil || r.Failed != 0 || len(b.told()) != 1 {
		t.Errorf("Once = %+v, %v, told %v", r, err, b.told())
	}
}

func TestRunEnds(t *testing.T) {
	b, s := newBench(t), newSite(t, false)
	if err := b.Run(t.Context(), func() ([]Target, error) { return nil, errors.New("no list") }); err == nil || err.Error() != "no list" {
		t.Errorf("Run without a list = %v", err)
	}
	// Somebody else moves the position: that is two watchers, and must not go on.
	addLeaf(s.Log, "a.watched.test")
	b.Interval = 10 * time.Millisecond
	matcher := b.Matcher
	b.Matcher = matchFunc(func(e *ct.LogEntry, hits []hit) []hit {
		err := b.Store.Update(context.Background(), func(tx *store.Tx) error {
			l, err := tx.Log(s.ID())
			if err != nil {
				return err
			}
			from := l.Position
			l.Position += 7
			return tx.PutLog(l, from)
		})
		if err != nil {
			t.Error(err)
		}
		return matcher.MatchChain(e, hits, nil)
	})
	if err := b.Run(t.Context(), func() ([]Target, error) { return []Target{s.target()}, nil }); !errors.Is(err, store.ErrMoved) {
		t.Errorf("Run = %v, want ErrMoved", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.Matcher = matcher
	ending := s.target()
	ending.Open = func(ctx context.Context) (ctlog.Source, *ct.Log, error) {
		cancel()
		return s.target().Open(ctx)
	}
	if err := b.Run(ctx, func() ([]Target, error) { return []Target{ending}, nil }); err != nil {
		t.Errorf("Run that is ended = %v", err)
	}
}

func TestNewKey(t *testing.T) {
	b, s := newBench(t), newSite(t, false)
	addLeaf(s.Log, "a.watched.test")
	b.once(0, s)
	s.Log = lablog.New(lab.LeafKey(), "log.example", noon)
	s.serve(s.Log, nil)
	addLeaf(s.Log, "b.watched.test")
	b.once(0, s)
	want(t, b.names(), "0:a.watched.test", "0:b.watched.test")
	if !strings.Contains(b.warnings(), "another key than before") || len(b.health().Logs) != 2 {
		t.Errorf("warnings %q and %d logs", b.warnings(), len(b.health().Logs))
	}
}

func TestHealth(t *testing.T) {
	b, s := newBench(t), newSite(t, false)
	if h := b.health(); h.Well() {
		t.Error("a watch that has read nothing is well")
	}
	fill(s.Log, 3)
	b.once(0, s)
	if h := b.health(); !h.Well() || h.Logs[0].State != StateOK {
		t.Errorf("health %+v", h.Logs)
	}
	b.pass(2 * time.Hour)
	h := b.health()
	if h.Well() || h.Logs[0].State != StateBehind {
		t.Errorf("health %+v, want behind", h.Logs)
	}
	h.Logs[0].Name = "a\"b\\c\nd"
	var text bytes.Buffer
	if err := h.WriteMetrics(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"# TYPE certassay_ct_log_ok gauge",
		fmt.Sprintf(`certassay_ct_log_ok{log="a\"b\\c\nd",id="%x"} 0`, s.ID()),
		fmt.Sprintf(`certassay_ct_log_position{log="a\"b\\c\nd",id="%x"} 3`, s.ID()),
		fmt.Sprintf(`certassay_ct_log_last_success_timestamp_seconds{log="a\"b\\c\nd",id="%x"} %d`, s.ID(), noon.Unix()),
		"certassay_ct_certificates_total 0", `certassay_ct_notifications_waiting{receiver="test"} 0`,
	} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("metrics lack %s:\n%s", line, text.String())
		}
	}
}

// What the owner's inventory explains is kept and not told, unless it is asked
// for; a precertificate that was not told makes no news of its certificate.
func TestExplained(t *testing.T) {
	for _, tell := range []bool{false, true} {
		b, s := newBench(t), newSite(t, true)
		b.TellExpected = tell
		b.Judge = func(_ *evidence.Subject, hits []ctlog.Hit) Judgement {
			return Judgement{Expected: len(hits) > 0 && hits[0].Identifier == "mine.watched.test"}
		}
		addPre(s.Log, "mine.watched.test")
		addLeaf(s.Log, "mine.watched.test")
		addLeaf(s.Log, "other.watched.test")
		b.once(0, s)
		told := b.told()
		if !tell {
			want(t, b.names(), "2:other.watched.test")
		} else if len(told) != 2 || !told[0].Expected || told[1].Expected {
			t.Errorf("told %+v, want the expected one marked", told)
		}
		if n := b.health().Certificates; n != 2 {
			t.Errorf("%d certificates are kept, want both", n)
		}
	}
}

// Entries without a name that is watched are told for their verdict, and only
// where that is asked for.
func TestNotable(t *testing.T) {
	for _, all := range []bool{false, true} {
		b, s := newBench(t), newSite(t, false)
		b.Judge = func(e *evidence.Subject, _ []ctlog.Hit) Judgement {
			v := finding.OK
			if bytes.Equal(e.Certificates[0], issue("bad.elsewhere.test").leaf) {
				v = finding.Forged
			}
			return Judgement{Report: &report.Subject{Verdict: v}}
		}
		if all {
			b.Notable = func(r *report.Subject) bool { return r.Verdict == finding.Forged }
		}
		for i := range 20 {
			addLeaf(s.Log, fmt.Sprintf("good%d.elsewhere.test", i))
		}
		addLeaf(s.Log, "bad.elsewhere.test")
		addLeaf(s.Log, "a.watched.test")
		b.once(0, s)
		if all {
			want(t, b.names(), "20:bad.elsewhere.test", "21:a.watched.test")
		} else {
			want(t, b.names(), "21:a.watched.test")
		}
	}
}
