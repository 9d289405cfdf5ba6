package ctlog

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/certassay/certassay/internal/ct"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// hybridLog is a log of RFC 6962, 1000 entries long, that serves its entries as
// tiles, too, and neither checkpoint nor hashes. spoil changes what it answers;
// asked counts.
func hybridLog(t *testing.T, spoil func(path string, honest []byte) []byte) (s Source, asked func(prefix string) int) {
	t.Helper()
	l := unindexed(t)
	var mu sync.Mutex
	calls := map[string]int{}
	fault := func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		path := strings.TrimPrefix(r.URL.Path, "/")
		mu.Lock()
		calls[path]++
		mu.Unlock()
		switch {
		case path == "checkpoint", strings.HasPrefix(path, "tile/") && !strings.HasPrefix(path, "tile/data/"):
			return nil, true
		case spoil != nil:
			return spoil(path, honest), true
		}
		return honest, true
	}
	o := quickly
	o.Tiles = true
	return open(t, l, "rfc6962", o, fault), func(prefix string) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for path, k := range calls {
			if strings.HasPrefix(path, prefix) {
				n += k
			}
		}
		return n
	}
}

// unindexed is a log whose entries state no index, as those of RFC 6962 do not.
func unindexed(t testing.TB) *lablog.Log {
	t.Helper()
	l := lablog.New(newLog(t, 0).Key, origin, at)
	l.Indexed = false
	for i := range 1000 {
		addEntry(t, l, i)
	}
	return l
}

func wantAll(t *testing.T, s Source, from, to uint64) {
	t.Helper()
	got, c := read(t, s, headOf(t, s), from, to)
	if !c.Complete() || uint64(len(got)) != to-from {
		t.Fatalf("%d entries shown, %+v, want all of %d to %d, each once", len(got), c, from, to)
	}
	for i, index := range got {
		if index != from+uint64(i) {
			t.Fatalf("entry %d is shown in the place of %d", index, from+uint64(i))
		}
	}
}

func TestHybrid(t *testing.T) {
	s, asked := hybridLog(t, nil)
	wantAll(t, s, 0, 1000)
	// Two segments of tiles and what is behind the last full one.
	if tiles, pages := asked("tile/data/"), asked("ct/v1/get-entries"); tiles != 3 || pages == 0 || pages > 2 {
		t.Errorf("%d tiles and %d pages were asked for, want 3, and pages for the rest", tiles, pages)
	}
	for _, r := range [][2]uint64{{0, 1}, {255, 257}, {500, 520}, {767, 769}, {999, 1000}, {300, 700}} {
		wantAll(t, s, r[0], r[1])
	}
	if s.Protocol() != "rfc6962" {
		t.Errorf("Protocol = %q", s.Protocol())
	}
}

// Tiles that are missing, broken, or of other entries cost time and nothing else.
func TestHybridFallsBack(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(path string, honest []byte) []byte
		most  int // tiles that may be asked for
	}{
		"no tiles": {func(path string, honest []byte) []byte {
			if strings.HasPrefix(path, "tile/") {
				return nil
			}
			return honest
		}, 1},
		"broken": {func(path string, honest []byte) []byte {
			if path == "tile/data/001" {
				return honest[:len(honest)/2]
			}
			return honest
		}, 9},
		"a flipped bit": {func(path string, honest []byte) []byte {
			if path == "tile/data/000" {
				honest = flipped(honest)
			}
			return honest
		}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			s, asked := hybridLog(t, c.spoil)
			wantAll(t, s, 0, 1000)
			if n := asked("tile/data/"); n == 0 || n > c.most {
				t.Errorf("%d tiles were asked for, want 1 to %d", n, c.most)
			}
		})
	}
}

// flipped is a tile, unpacked, with another timestamp in its first entry.
func flipped(tile []byte) []byte {
	out, err := unpack(tile, nil, maxTile)
	if err != nil {
		panic(err)
	}
	out = append([]byte(nil), out...)
	out[5] ^= 1
	return out
}

// What neither tiles nor pages give is a gap; nothing of a wrong tile is shown.
func TestHybridGap(t *testing.T) {
	s, _ := hybridLog(t, func(path string, honest []byte) []byte {
		switch path {
		case "tile/data/000":
			honest = flipped(honest)
		case "ct/v1/get-entries":
			return []byte(`{"entries":[]}`)
		}
		return honest
	})
	got, c := read(t, s, headOf(t, s), 0, 1000)
	if c.Complete() || c.Verified != 256 || len(got) != 256 || got[0] != 512 || c.Covers(511) || c.Covers(768) || !errors.Is(c.Gaps[0].Err, ErrShort) {
		t.Errorf("%d shown, %+v, want entries 512 to 767 alone", len(got), c)
	}
}

func TestHybridEnds(t *testing.T) {
	s, _ := hybridLog(t, nil)
	stop := errors.New("enough")
	c, err := s.Entries(context.Background(), headOf(t, s), 0, 1000, func(i uint64, _ *ct.LogEntry) error {
		if i == 300 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || c.Complete() || c.Covers(999) {
		t.Errorf("Entries = %+v, %v, want the error of visit", c, err)
	}
}

// Issuers come by their fingerprints, or in pages where the log serves none.
func TestHybridChain(t *testing.T) {
	for _, served := range []bool{true, false} {
		s, asked := hybridLog(t, func(path string, honest []byte) []byte {
			if !served && strings.HasPrefix(path, "issuer/") {
				return nil
			}
			return honest
		})
		_, err := s.Entries(context.Background(), headOf(t, s), 40, 42, func(i uint64, e *ct.LogEntry) error {
			chain, err := s.Chain(context.Background(), e)
			if err != nil || len(chain) != 1 || string(chain[0]) != string(issued()[i].issuer) {
				t.Errorf("issuers served %v: entry %d: chain of %d, %v", served, i, len(chain), err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if asked("tile/data/") == 0 {
			t.Error("no tile was asked for: the test tests nothing")
		}
	}
}
