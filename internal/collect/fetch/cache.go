package fetch

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/parcel"
)

// ErrNotKept says that nobody is asked, and that the cache has no answer.
var ErrNotKept = errors.New("the cache has no answer, and nobody is asked")

// Limits on a cache, with what each one stops.
const (
	// maxCacheBytes bounds its files: every certificate can name another list of
	// 32 MB, and fill a disk.
	maxCacheBytes = 1 << 30
	// maxCacheFiles bounds their number: every certificate can name another
	// responder, too.
	maxCacheFiles = 100_000
	// skew is how far clocks may be apart. What was fetched later than now is not
	// used: somebody set a clock back.
	skew = 5 * time.Minute
)

// A Cache is a directory of answers that were fetched, for later runs. It makes
// nothing true: what comes from it is verified and held against the time as if it
// had just been fetched, so that whoever can write there can make answers be
// missing, or be those of an earlier day that are still in force, and no more. It
// is told apart by [Result.Cached].
//
// An answer is used again until it says itself that there is a newer one, or its
// server does (RFC 9111 section 5.2), or its kind's age is reached, whichever comes
// first. The ones that were used longest ago go where there are too many. Several
// processes may use one directory.
type Cache struct {
	dir   string
	only  bool
	now   func() time.Time
	bytes int64
	files int

	mu    sync.Mutex
	size  int64 // of the files, as far as this process knows; guarded by mu
	count int   // guarded by mu
}

// A kept is the label of an answer.
type kept struct {
	Kind     string    `json:"kind"`
	URL      string    `json:"url"`
	Question string    `json:"question,omitempty"` // SHA-256, hexadecimal
	Fetched  time.Time `json:"fetched"`
	Until    time.Time `json:"until"`
}

// OpenCache opens the cache in a directory, which is made where it is not there.
// With only it is asked alone, whatever the age of what it has, nothing is fetched,
// and the directory has to be there.
func OpenCache(dir string, only bool) (*Cache, error) {
	c := &Cache{dir: dir, only: only, now: time.Now, bytes: maxCacheBytes, files: maxCacheFiles}
	if !only {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("opening the cache: %w", err)
		}
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no directory", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	parcel.Sweep(dir, c.now())
	c.mu.Lock()
	defer c.mu.Unlock()
	return c, c.tidy()
}

// extension is that of the files of a cache; others are left alone.
const extension = ".answer"

func (c *Cache) path(k *kept) string {
	sum := sha256.Sum256([]byte(k.Kind + "\x00" + k.URL + "\x00" + k.Question))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:])+extension)
}

func asked(k *Kind, address string, question []byte) kept {
	out := kept{Kind: k.Name, URL: address}
	if question != nil {
		sum := sha256.Sum256(question)
		out.Question = hex.EncodeToString(sum[:])
	}
	return out
}

// get gives an answer that may be used again.
func (c *Cache) get(k *Kind, address string, question []byte) (r Result, ok bool) {
	want := asked(k, address, question)
	path := c.path(&want)
	var is kept
	body, err := parcel.Read(path, &is, k.Limit)
	now := c.now()
	if err != nil || is.Kind != want.Kind || is.URL != want.URL || is.Question != want.Question || is.Fetched.Sub(now) > skew {
		return r, false
	}
	if !c.only && !now.Before(earlier(is.Until, is.Fetched.Add(k.Age))) || len(body) == 0 {
		return r, false
	}
	if k.Until != nil {
		if _, sound := k.Until(body); !sound {
			return r, false
		}
	}
	_ = os.Chtimes(path, now, now) // so that others go first
	return Result{Body: body, Started: is.Fetched, Cached: true}, true
}

// put keeps an answer until the given time at the latest. A cache that cannot be
// written to is none: nothing fails because of it.
func (c *Cache) put(k *Kind, address string, question, body []byte, fetched, until time.Time) {
	if k.Age == 0 || c.only {
		return
	}
	is := asked(k, address, question)
	is.Fetched, is.Until = fetched.UTC(), earlier(until, fetched.Add(k.Age)).UTC()
	if k.Until != nil {
		next, sound := k.Until(body)
		if !sound {
			return
		}
		is.Until = earlier(next, is.Until)
	}
	path := c.path(&is)
	var before int64
	info, err := os.Stat(path)
	if err == nil {
		before = info.Size()
	}
	if parcel.Write(path, is, body, 0o600) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size += int64(len(body)) + overhead - before
	if before == 0 {
		c.count++
	}
	if c.size > c.bytes || c.count > c.files {
		_ = c.tidy()
	}
}

// overhead is about what a label takes.
const overhead = 512

// earlier is the first of two times; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// tidy counts what is there, and where it is too much removes what was used longest
// ago until a tenth is free. The caller holds mu.
func (c *Cache) tidy() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("opening the cache: %w", err)
	}
	var all []fs.FileInfo
	c.size, c.count = 0, 0
	for _, e := range entries {
		if filepath.Ext(e.Name()) != extension {
			continue
		}
		if info, err := e.Info(); err == nil { // else another process removed it
			all = append(all, info)
			c.size += info.Size()
			c.count++
		}
	}
	if c.size <= c.bytes && c.count <= c.files {
		return nil
	}
	slices.SortFunc(all, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, info := range all {
		if c.size <= c.bytes/10*9 && c.count <= c.files/10*9 {
			break
		}
		if err := os.Remove(filepath.Join(c.dir, info.Name())); err == nil || errors.Is(err, fs.ErrNotExist) {
			c.size -= info.Size()
			c.count--
		}
	}
	return nil
}

// lifetime is until when a server allows an answer to be used again; zero where it
// says nothing. keep is false where it wants it forgotten.
func lifetime(h http.Header, now time.Time) (until time.Time, keep bool) {
	age := time.Duration(-1)
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store":
			return now, false
		case "no-cache":
			age = 0
		case "max-age":
			// What cannot be read is stale (RFC 9111 section 4.2.1).
			seconds, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32)
			if err != nil || seconds < 0 {
				seconds = 0
			}
			if d := time.Duration(seconds) * time.Second; age < 0 || d < age {
				age = d
			}
		}
	}
	if age >= 0 {
		return now.Add(age), true
	}
	if text := h.Get("Expires"); text != "" {
		if t, err := http.ParseTime(text); err == nil {
			return t, true
		}
		return now, true
	}
	return time.Time{}, true
}

// Keeps says that answers are kept for later runs.
func (f *Fetcher) Keeps() bool { return f.options.Cache != nil }

// Kept gives the answer that a get of an address had in an earlier run, where it
// may be used again; ok is false where there is none, and nobody is asked.
func (f *Fetcher) Kept(address string, k Kind) (r Result, ok bool) {
	if f.options.Cache == nil {
		return r, false
	}
	return f.options.Cache.get(&k, address, nil)
}

// Keep keeps an answer as that to a get of an address.
func (f *Fetcher) Keep(address string, k Kind, r Result) {
	if c := f.options.Cache; c != nil && r.Err == nil && !r.Cached {
		c.put(&k, address, nil, r.Body, r.Started, time.Time{})
	}
}
