package ctlog

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/ct"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

func notFound(w http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
	http.NotFound(w, r)
	return nil, false
}

func unzip(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

const second = "tile/data/001" // entries 256 to 511

// Each fault hurts only what it touches, and is named.
func TestFaultyTiles(t *testing.T) {
	l := newLog(t, 1000)
	change := func(f func([]byte) []byte) lablog.Fault {
		return func(_ http.ResponseWriter, _ *http.Request, honest []byte, _ int) ([]byte, bool) {
			return f(append([]byte(nil), unzip(t, honest)...)), true
		}
	}
	bomb := zip(make([]byte, 8<<20)) // packs to a thousandth
	for _, c := range []struct {
		name     string
		path     string
		fault    lablog.Fault
		from, to uint64
		want     error
	}{
		{"flipped byte", second, change(func(b []byte) []byte { b[60] ^= 1; return b }), 256, 257, ErrEntry},
		{"trailing bytes", second, change(func(b []byte) []byte { return append(b, "garbage"...) }), 256, 512, ErrMalformed},
		{"truncated", second, change(func(b []byte) []byte { return b[:len(b)-100] }), 511, 512, ErrMalformed},
		{"not packed, as it may be", second, change(func(b []byte) []byte { return b }), 0, 0, nil},
		{"one entry only", second, change(func(b []byte) []byte {
			var e ct.LogEntry
			rest, err := ct.ParseTileLeaf(b, &e)
			if err != nil {
				t.Fatal(err)
			}
			return b[:len(b)-len(rest)]
		}), 257, 512, ErrShort},
		{"missing", second, notFound, 256, 512, ErrNotFound},
		{"HTML with status 200", second, func(http.ResponseWriter, *http.Request, []byte, int) ([]byte, bool) {
			return []byte("<html>the gateway is busy</html>"), true
		}, 256, 512, ErrMalformed},
		{"a bomb", second, func(http.ResponseWriter, *http.Request, []byte, int) ([]byte, bool) {
			return bomb, true
		}, 256, 512, ErrTooLarge},
		{"cut gzip", second, func(_ http.ResponseWriter, _ *http.Request, honest []byte, _ int) ([]byte, bool) {
			return honest[:len(honest)/2], true
		}, 256, 512, ErrMalformed},
		{"endless", second, func(w http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
			w.Header().Set("Content-Length", fmt.Sprint(int64(1)<<40))
			w.Write(make([]byte, 1000))
			return nil, false
		}, 256, 512, ErrTooLarge},
		{"redirected elsewhere", second, func(w http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
			http.Redirect(w, r, "http://127.0.0.2:1/x", http.StatusFound)
			return nil, false
		}, 256, 512, ErrRedirect},
		{"hashes gone for the path to the root", "tile/1/000.p/3", notFound, 0, 1000, ErrNotFound},
		{"hashes with a flipped byte", "tile/1/000.p/3", func(_ http.ResponseWriter, _ *http.Request, honest []byte, _ int) ([]byte, bool) {
			honest[40] ^= 1
			return honest, true
		}, 0, 1000, ct.ErrTile},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, l, "static-ct", quickly, onPath(c.path, c.fault))
			got, coverage := read(t, s, headOf(t, s), 0, 1000)
			if uint64(len(got)) != 1000-(c.to-c.from) || coverage.Verified != uint64(len(got)) {
				t.Errorf("%d entries shown, %d verified, want %d", len(got), coverage.Verified, 1000-(c.to-c.from))
			}
			if c.want == nil {
				if !coverage.Complete() {
					t.Errorf("coverage = %+v, want complete", coverage)
				}
				return
			}
			if c.to == 1000 { // given up early: one gap for what failed, one for the rest
				if coverage.Complete() || !errors.Is(coverage.Gaps[0].Err, c.want) || coverage.Covers(0) || coverage.Covers(999) {
					t.Errorf("gaps = %+v, want all of it: %v", coverage.Gaps, c.want)
				}
				return
			}
			wantGap(t, coverage, c.from, c.to, c.want)
		})
	}
}

func TestPartialTileThatHasGrown(t *testing.T) {
	l := newLog(t, 300)
	s := open(t, l, "static-ct", quickly, nil)
	head := headOf(t, s)
	for i := 300; i < 512; i++ {
		addEntry(t, l, i)
	}
	if got, c := read(t, s, head, 250, 300); len(got) != 50 || !c.Complete() {
		t.Errorf("%d entries, coverage %+v, want 50 from the full tiles", len(got), c)
	}
}

func TestWrongIndexIsOdd(t *testing.T) {
	l := newLog(t, 10)
	// A leaf that states index 0 stands at 10.
	first := issued()[0]
	only := newLog(t, 1)
	var leaf []byte
	s := open(t, only, "static-ct", quickly, nil)
	if _, err := s.Entries(context.Background(), headOf(t, s), 0, 1, func(_ uint64, e *ct.LogEntry) error {
		leaf = append([]byte(nil), e.Leaf()...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	l.AddLeaf(leaf)
	s = open(t, l, "static-ct", quickly, nil)
	c, err := s.Entries(context.Background(), headOf(t, s), 0, 11, func(i uint64, e *ct.LogEntry) error {
		if i == 10 && !bytes.Equal(e.Signed, first.der) {
			return errors.New("another certificate")
		}
		return nil
	})
	if err != nil || !c.Complete() || c.OddTotal != 1 || c.Odd[0].Index != 10 || !errors.Is(c.Odd[0], ErrIndex) {
		t.Errorf("Entries = %+v, %v, want entry 10 to be odd", c, err)
	}
}

func TestFaultyPages(t *testing.T) {
	const entries = "ct/v1/get-entries"
	page := func(n int, change func(w http.ResponseWriter, r *http.Request, honest []byte) ([]byte, bool)) lablog.Fault {
		return onPath(entries, func(w http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
			// Not the count of calls: pages are asked for at the same time.
			if start, _ := strconv.Atoi(r.URL.Query().Get("start")); start >= (n-1)*256 {
				return change(w, r, honest)
			}
			return honest, true
		})
	}
	for _, c := range []struct {
		name     string
		fault    lablog.Fault
		from, to uint64
		want     error
	}{
		{"no entries", page(2, func(http.ResponseWriter, *http.Request, []byte) ([]byte, bool) { return []byte(`{"entries":[]}`), true }), 0, 1000, ErrShort},
		{"more than asked for", page(3, func(_ http.ResponseWriter, r *http.Request, b []byte) ([]byte, bool) {
			return bytes.Replace(b, []byte("["), []byte(`[`+strings.Repeat(`{"leaf_input":"AA=="},`, 1000)), 1), true
		}), 512, 1000, ErrMalformed},
		{"no JSON", page(3, func(http.ResponseWriter, *http.Request, []byte) ([]byte, bool) {
			return []byte("<html>busy</html>"), true
		}), 512, 1000, ErrMalformed},
		{"flipped bit in the second segment", page(3, func(_ http.ResponseWriter, r *http.Request, b []byte) ([]byte, bool) {
			if r.URL.Query().Get("start") != "512" {
				return b, true
			}
			// The timestamp of the first entry; base64 of version, type and time.
			i := bytes.Index(b, []byte(`leaf_input":"AAAAAA`)) + len(`leaf_input":"AAAAAA`) + 4
			b[i] ^= 1
			return b, true
		}), 512, 1000, nil},
		{"status 404", page(1, func(w http.ResponseWriter, r *http.Request, _ []byte) ([]byte, bool) {
			http.NotFound(w, r)
			return nil, false
		}), 0, 1000, ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, newLog(t, 1000), "rfc6962", quickly, c.fault)
			var shown int
			coverage, err := s.Entries(context.Background(), headOf(t, s), 0, 1000, func(uint64, *ct.LogEntry) error { shown++; return nil })
			if err != nil {
				t.Fatal(err)
			}
			if coverage.Complete() || coverage.Verified != c.from || coverage.Covers(c.from) || coverage.Covers(c.to-1) || c.from > 0 && !coverage.Covers(c.from-1) {
				t.Errorf("coverage = %+v, want a gap from %d to %d", coverage, c.from, c.to)
			}
			if c.want != nil && !errors.Is(coverage.Gaps[0].Err, c.want) {
				t.Errorf("gap = %v, want %v", coverage.Gaps[0].Err, c.want)
			}
		})
	}
}

// Entries with the same leaf have one proof by hash.
func TestSameLeafTwice(t *testing.T) {
	l := lablog.New(newLog(t, 0).Key, origin, at)
	l.Indexed = false
	for i := range 40 {
		l.Add(issued()[i/2].der, at)
	}
	s := open(t, l, "rfc6962", quickly, nil)
	c, err := s.Entries(context.Background(), headOf(t, s), 3, 29, func(uint64, *ct.LogEntry) error { return nil })
	if err != nil || !c.Complete() {
		t.Errorf("Entries = %+v, %v, want complete", c, err)
	}
	if l.Calls("ct/v1/get-entry-and-proof") == 0 {
		t.Error("the log was never asked by index: the test tests nothing")
	}
}

func TestHeads(t *testing.T) {
	for _, way := range ways[:2] {
		path := map[string]string{"static-ct": "checkpoint", "rfc6962": "ct/v1/get-sth"}[way]
		for _, c := range []struct {
			name  string
			fault lablog.Fault
			want  error
		}{
			{"wrong signature", func(_ http.ResponseWriter, _ *http.Request, b []byte, _ int) ([]byte, bool) {
				return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("10\n"), []byte("11\n")), []byte(`"tree_size":10`), []byte(`"tree_size":11`)), true
			}, ct.ErrHeadSignature},
			{"not there", notFound, ErrNotFound},
			{"too large", func(http.ResponseWriter, *http.Request, []byte, int) ([]byte, bool) {
				return make([]byte, 1<<20), true
			}, ErrTooLarge},
			{"hangs", func(_ http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
				<-r.Context().Done()
				return nil, false
			}, context.DeadlineExceeded},
		} {
			t.Run(way+" "+c.name, func(t *testing.T) {
				o := quickly
				if o.Retries = -1; errors.Is(c.want, context.DeadlineExceeded) {
					o.Timeout = 300 * time.Millisecond
				}
				s := open(t, newLog(t, 10), way, o, onPath(path, c.fault))
				if _, err := s.Head(context.Background()); !errors.Is(err, c.want) {
					t.Errorf("Head = %v, want %v", err, c.want)
				}
			})
		}
	}
}

func TestThrottled(t *testing.T) {
	storm := func(n int, after string) lablog.Fault {
		return onPath("checkpoint", func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool) {
			if call > n {
				return honest, true
			}
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return nil, false
		})
	}
	t.Run("waits as asked", func(t *testing.T) {
		l := newLog(t, 3)
		s := open(t, l, "static-ct", quickly, storm(1, "1"))
		start := time.Now()
		headOf(t, s)
		if got := time.Since(start); got < time.Second {
			t.Errorf("asked again after %v, want a second", got)
		}
	})
	t.Run("without a time", func(t *testing.T) {
		l := newLog(t, 3)
		headOf(t, open(t, l, "static-ct", quickly, storm(2, "")))
		if n := l.Calls("checkpoint"); n != 3 {
			t.Errorf("asked %d times, want 3", n)
		}
	})
	t.Run("without end", func(t *testing.T) {
		l := newLog(t, 3)
		var status *StatusError
		_, err := open(t, l, "static-ct", quickly, storm(99, "")).Head(context.Background())
		if !errors.As(err, &status) || status.Code != 429 || l.Calls("checkpoint") != 3 {
			t.Errorf("Head = %v after %d requests, want status 429 after 3", err, l.Calls("checkpoint"))
		}
	})
	t.Run("for an hour", func(t *testing.T) {
		l := newLog(t, 3)
		var status *StatusError
		_, err := open(t, l, "static-ct", quickly, storm(99, "3600")).Head(context.Background())
		if !errors.As(err, &status) || status.RetryAfter != time.Hour || l.Calls("checkpoint") != 1 {
			t.Errorf("Head = %v after %d requests, want to be told to wait an hour after one", err, l.Calls("checkpoint"))
		}
	})
}

func TestPrivateAddresses(t *testing.T) {
	l := newLog(t, 3)
	url := l.Serve(t, nil)
	o := quickly
	o.Private, o.Retries = false, -1
	log := ct.NewLog("lab", l.Key.SPKI, true, "", strings.Replace(url, "http://", "https://", 1))
	s, err := Open(log, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Head(context.Background()); !errors.Is(err, ErrPrivate) {
		t.Errorf("Head of a log on loopback = %v, want ErrPrivate", err)
	}
	if n := l.Calls("checkpoint"); n != 0 {
		t.Errorf("the log was asked %d times", n)
	}
	for _, address := range []string{url, "https://u:p@log.example/", "https://log.example/?a=b", "ftp://log.example/", "", "https://"} {
		if _, err := Open(ct.NewLog("lab", l.Key.SPKI, true, "", address), o); err == nil {
			t.Errorf("Open(%q) = nil, want an error", address)
		}
	}
	if _, err := Open(ct.NewLog("lab", []byte("no key"), true, "", "https://log.example/"), o); err == nil {
		t.Error("Open of a log without a key = nil, want an error")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "soon": 0, "-3": 0, "99999999999999999999": 0,
		"Sun, 01 Nov 2026 00:01:00 GMT": time.Minute, "Sat, 31 Oct 2026 00:01:00 GMT": 0,
	} {
		if got := retryAfter(s, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestCheckAge(t *testing.T) {
	log := ct.NewLog("lab", nil, true, "", "")
	frozen := &ct.Log{States: []ct.Change{{State: ct.ReadOnly}}}
	for _, c := range []struct {
		name string
		log  *ct.Log
		age  time.Duration
		want error
	}{
		{"fresh", log, time.Minute, nil}, {"old", log, 30 * time.Hour, ErrStale},
		{"of the future", log, -time.Hour, ErrFuture}, {"clocks differ", log, -time.Minute, nil},
		{"old, and read only", frozen, 30 * time.Hour, nil},
	} {
		if err := CheckAge(c.log, &ct.TreeHead{Time: at.Add(-c.age)}, at); !errors.Is(err, c.want) {
			t.Errorf("%s: CheckAge = %v, want %v", c.name, err, c.want)
		}
	}
}
