package revocation

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/ocsp"
)

// cached is a fetcher of a run of its own, with the cache in dir.
func cached(t *testing.T, dir string, only bool) *fetch.Fetcher {
	t.Helper()
	c, err := fetch.OpenCache(dir, only)
	if err != nil {
		t.Fatal(err)
	}
	return fetch.New(fetch.Options{Private: true, Timeout: time.Minute, Cache: c})
}

// A second run takes what the first was told, and says so.
func TestAskFromCache(t *testing.T) {
	for _, refuse := range []string{"", "status"} {
		s := newSite(t)
		s.refuse, s.next = refuse, time.Now().Add(24*time.Hour)
		dir := t.TempDir()
		chain := [][]byte{s.leaf("/ocsp", "/list"), s.l.Intermediate.DER}
		first := s.ask(Options{Fetch: cached(t, dir, false), OCSP: true, CRL: true}, chain...).Fetches
		hits := s.hits.Load()
		for _, only := range []bool{false, true} {
			again := s.ask(Options{Fetch: cached(t, dir, only), OCSP: true, CRL: true}, chain...).Fetches
			if s.hits.Load() != hits || len(first) != 2 || len(again) != 2 {
				t.Fatalf("%d requests after %d; fetches %+v", s.hits.Load(), hits, again)
			}
			for i, f := range again {
				if !f.Cached || first[i].Cached || f.Failure != nil || f.Address != "" || string(f.Body) != string(first[i].Body) || !f.Started.Equal(first[i].Started) || f.URL != first[i].URL {
					t.Errorf("from the cache: %+v, want as %+v", f, first[i])
				}
				if f.Kind == evidence.FetchOCSP && (len(f.Request) == 0 || ocsp.RequestNonce(f.Request) != nil) {
					t.Errorf("the request is %x, want one without a nonce: its answer is kept for any", f.Request)
				}
			}
		}
	}
}

// What its issuer did not sign is evidence of today, and not kept: who forges an
// answer once must not be believed, or accused, for a day.
func TestForgedAnswersAreNotKept(t *testing.T) {
	s := newSite(t)
	s.next = time.Now().Add(24 * time.Hour)
	s.signer = lab.New(lab.Config{RSA: true}).Intermediate
	dir := t.TempDir()
	chain := [][]byte{s.leaf("/ocsp", "/list"), s.l.Intermediate.DER}
	ask := func() []evidence.Fetch {
		return s.ask(Options{Fetch: cached(t, dir, false), OCSP: true, CRL: true}, chain...).Fetches
	}
	for _, f := range ask() {
		if f.Cached || f.Failure != nil || len(f.Body) == 0 {
			t.Errorf("forged: %+v, want it as evidence", f)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 0 {
		t.Errorf("kept: %v", files)
	}
	s.signer = nil
	ask()
	for _, f := range ask() {
		if !f.Cached {
			t.Errorf("genuine: %+v, want it from the cache", f)
		}
	}
}

// With the cache alone nobody is asked, and what is not there is said.
func TestOnlyTheCache(t *testing.T) {
	s := newSite(t)
	got := s.ask(Options{Fetch: cached(t, t.TempDir(), true), OCSP: true, CRL: true}, s.leaf("/ocsp", "/list"), s.l.Intermediate.DER).Fetches
	if len(got) != 2 || s.hits.Load() != 0 {
		t.Fatalf("%d requests, %+v", s.hits.Load(), got)
	}
	for _, f := range got {
		if f.Failure == nil || f.Failure.Hint == "" {
			t.Errorf("fetch = %+v", f)
		}
	}
}

// An answer that is out of date, or that says nothing, is asked for again.
func TestAnswersThatAreNotKept(t *testing.T) {
	s := newSite(t)
	s.next = time.Now().Add(-time.Minute)
	dir := t.TempDir()
	for range 2 {
		s.ask(Options{Fetch: cached(t, dir, false), OCSP: true, CRL: true}, s.leaf("/ocsp", "/list"), s.l.Intermediate.DER)
	}
	if s.hits.Load() != 4 {
		t.Errorf("out of date: %d requests, want 4", s.hits.Load())
	}
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0x30, 3, 0x0a, 1, 3}) }))
	defer late.Close()
	s.base, dir = late.URL, t.TempDir()
	s.ask(Options{Fetch: cached(t, dir, false), OCSP: true}, s.leaf("/ocsp", ""), s.l.Intermediate.DER)
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("tryLater is kept: %v", files)
	}
}
