package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/parcel"
)

// cached is a fetcher of one run with the cache in dir, at a time so much later.
func cached(t *testing.T, dir string, only bool, later time.Duration) *Fetcher {
	t.Helper()
	c, err := OpenCache(dir, only)
	if err != nil {
		t.Fatal(err)
	}
	c.now = func() time.Time { return time.Now().Add(later) }
	return New(Options{Private: true, Cache: c, HostRate: 1000})
}

// An answer is used again until its server, it itself or its kind says otherwise.
func TestCacheAge(t *testing.T) {
	const never = 1000 * time.Hour
	soon := time.Now().Add(time.Hour)
	until := func(at time.Time, sound bool) func(*Kind) {
		return func(k *Kind) { k.Until = func([]byte) (time.Time, bool) { return at, sound } }
	}
	for _, tt := range []struct {
		name   string
		header map[string]string
		kind   func(*Kind)
		later  time.Duration // of the second run
		again  bool          // the server is asked again
	}{
		{"at once", nil, nil, 0, false},
		{"near the end of its age", nil, nil, 23 * time.Hour, false},
		{"beyond its age", nil, nil, 25 * time.Hour, true},
		{"within what the server allows", map[string]string{"Cache-Control": "public, max-age=3600"}, nil, 50 * time.Minute, false},
		{"beyond what the server allows", map[string]string{"Cache-Control": "public, max-age=3600"}, nil, 70 * time.Minute, true},
		{"a server that allows for ever", map[string]string{"Cache-Control": "max-age=999999999"}, nil, 25 * time.Hour, true},
		{"not to be stored", map[string]string{"Cache-Control": "max-age=3600, no-store"}, nil, 0, true},
		{"not to be used", map[string]string{"Cache-Control": "no-cache"}, nil, 0, true},
		{"max-age of nonsense", map[string]string{"Cache-Control": "max-age=soon"}, nil, 0, true},
		{"Expires", map[string]string{"Expires": soon.UTC().Format(http.TimeFormat)}, nil, 50 * time.Minute, false},
		{"beyond Expires", map[string]string{"Expires": soon.UTC().Format(http.TimeFormat)}, nil, 70 * time.Minute, true},
		{"Expires of nonsense", map[string]string{"Expires": "0"}, nil, 0, true},
		{"max-age goes before Expires", map[string]string{"Expires": "0", "Cache-Control": "max-age=3600"}, nil, time.Minute, false},
		{"before it is out of date", nil, until(soon, true), 50 * time.Minute, false},
		{"after it is out of date", nil, until(soon, true), 70 * time.Minute, true},
		{"never out of date", nil, until(time.Time{}, true), time.Hour, false},
		{"of another kind", nil, until(time.Time{}, false), 0, true},
		{"of a kind that is not kept", nil, func(k *Kind) { k.Age = 0 }, 0, true},
		{"from the future", nil, nil, -time.Hour, true},
		{"long ago", nil, nil, never, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var hits atomic.Int64
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				hits.Add(1)
				w.Header().Set("Content-Type", "application/pkix-crl")
				for name, value := range tt.header {
					w.Header().Set(name, value)
				}
				_, _ = w.Write(der)
			})
			k := CRL()
			if tt.kind != nil {
				tt.kind(&k)
			}
			dir := filepath.Join(t.TempDir(), "cache")
			first := cached(t, dir, false, 0).Get(t.Context(), base, k)
			second := cached(t, dir, false, tt.later).Get(t.Context(), base, k)
			if first.Err != nil || first.Cached || second.Err != nil || !bytes.Equal(second.Body, der) {
				t.Fatalf("first %+v, second %+v", first, second)
			}
			if again := hits.Load() == 2; again != tt.again || second.Cached == tt.again {
				t.Errorf("asked again: %v, want %v; cached %v", again, tt.again, second.Cached)
			}
			if second.Cached && (!second.Started.Equal(first.Started) || second.Address != "") {
				t.Errorf("fetched at %v by %q, want %v by nobody", second.Started, second.Address, first.Started)
			}
		})
	}
}

// With the cache alone nobody is asked, and an answer may be of any age: who judges
// it says whether it is in force.
func TestCacheOnly(t *testing.T) {
	var hits atomic.Int64
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); _, _ = w.Write(der) })
	dir := t.TempDir()
	if r := cached(t, dir, false, 0).Get(t.Context(), base, CRL()); r.Err != nil {
		t.Fatal(r.Err)
	}
	f := cached(t, dir, true, 30*24*time.Hour)
	if r := f.Get(t.Context(), base, CRL()); r.Err != nil || !r.Cached {
		t.Errorf("kept: %+v", r)
	}
	for _, r := range []Result{f.Get(t.Context(), base+"/other", CRL()), f.Get(t.Context(), base, OCSP()), f.Post(t.Context(), base, CRL(), []byte("x"))} {
		if !errors.Is(r.Err, ErrNotKept) {
			t.Errorf("not kept: %+v, want %v", r, ErrNotKept)
		}
	}
	if hits.Load() != 1 {
		t.Errorf("%d requests, want 1", hits.Load())
	}
	if _, err := OpenCache(filepath.Join(dir, "nowhere"), true); err == nil {
		t.Error("a cache that is not there opens")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, only := range []bool{true, false} {
		if _, err := OpenCache(file, only); err == nil {
			t.Error("a file is taken for a cache")
		}
	}
}

// What somebody put into the cache in place of an answer is not one.
func TestPoisonedCache(t *testing.T) {
	var hits atomic.Int64
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); _, _ = w.Write(der) })
	dir := t.TempDir()
	k := CRL()
	k.Until = func(body []byte) (time.Time, bool) { return time.Time{}, bytes.Equal(body, der) }
	get := func() Result { return cached(t, dir, false, 0).Get(t.Context(), base, k) }
	if r := get(); r.Err != nil {
		t.Fatal(r.Err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil || len(files) != 1 {
		t.Fatalf("files: %v, %v", files, err)
	}
	label := kept{Kind: k.Name, URL: base, Fetched: time.Now(), Until: time.Now().Add(time.Hour)}
	write := func(change func(*kept), body []byte) error {
		l := label
		change(&l)
		return parcel.Write(files[0], l, body, 0o600)
	}
	for name, poison := range map[string]func() error{
		"garbage":             func() error { return os.WriteFile(files[0], []byte("garbage"), 0o600) },
		"an answer cut short": func() error { b, _ := os.ReadFile(files[0]); return os.WriteFile(files[0], b[:len(b)-1], 0o600) },
		"another answer":      func() error { return write(func(*kept) {}, []byte("\x30\x00")) },
		"of another address":  func() error { return write(func(l *kept) { l.URL += "x" }, der) },
		"of another kind":     func() error { return write(func(l *kept) { l.Kind = "certificate" }, der) },
		"to another question": func() error { return write(func(l *kept) { l.Question = "00" }, der) },
		"too long":            func() error { return write(func(*kept) {}, make([]byte, 33<<20)) },
		"empty":               func() error { return write(func(*kept) {}, nil) },
		"old, to be used long": func() error {
			return write(func(l *kept) { l.Fetched, l.Until = time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0) }, der)
		},
	} {
		if err := poison(); err != nil {
			t.Fatal(err)
		}
		before := hits.Load()
		if r := get(); r.Err != nil || r.Cached || !bytes.Equal(r.Body, der) || hits.Load() != before+1 {
			t.Errorf("%s: %+v", name, r)
		}
		if r := get(); !r.Cached {
			t.Errorf("%s: it was not mended: %+v", name, r)
		}
	}
}

// The answers that were used longest ago go, and other files stay.
func TestCacheIsBounded(t *testing.T) {
	body := append([]byte{0x30}, make([]byte, 10_000)...)
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	dir := t.TempDir()
	other := filepath.Join(dir, "mine.txt")
	if err := os.WriteFile(other, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	f := cached(t, dir, false, 0)
	f.options.Cache.bytes = 100_000
	old := time.Now().Add(-time.Hour)
	for i := range 30 {
		if r := f.Get(t.Context(), fmt.Sprint(base, "/", i), CRL()); r.Err != nil {
			t.Fatal(r.Err)
		}
		if i == 4 { // all but the first are old, as that one is used
			files, _ := filepath.Glob(filepath.Join(dir, "*"+extension))
			for _, file := range files {
				if err := os.Chtimes(file, old, old); err != nil {
					t.Fatal(err)
				}
			}
			if _, ok := f.Kept(base+"/0", CRL()); !ok {
				t.Fatal("the first is gone already")
			}
		}
		if i == 10 {
			if _, ok := f.Kept(base+"/0", CRL()); !ok {
				t.Error("one that was used went before those that were not")
			}
		}
	}
	total := int64(0)
	files, _ := filepath.Glob(filepath.Join(dir, "*"+extension))
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			total += info.Size()
		}
	}
	if total > 110_000 || len(files) < 5 {
		t.Errorf("%d files with %d bytes", len(files), total)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("a file of somebody else's is gone")
	}
	f.options.Cache.files = 2
	f.Get(t.Context(), base+"/last", CRL())
	if files, _ := filepath.Glob(filepath.Join(dir, "*"+extension)); len(files) > 2 {
		t.Errorf("%d files, want 2 at most", len(files))
	}
}

// Several runs at once share a directory.
func TestCacheAtOnce(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(append([]byte{0x30}, strings.Repeat(r.URL.Path, 1000)...))
	})
	dir := t.TempDir()
	var runs sync.WaitGroup
	for range 4 {
		f := cached(t, dir, false, 0)
		f.options.Cache.files = 5
		runs.Go(func() {
			for i := range 60 {
				path := fmt.Sprint("/", i%8)
				if r := f.fetch(t.Context(), base+path, CRL(), nil); r.Err != nil || !bytes.HasSuffix(r.Body, []byte(path)) {
					t.Errorf("%s: %+v", path, r)
				}
			}
		})
	}
	runs.Wait()
}
