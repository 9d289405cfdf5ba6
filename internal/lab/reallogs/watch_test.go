package reallogs

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// A follower runs "ct watch --once" again and again on one state directory, and
// counts what it is told.
type follower struct {
	log   *Log
	proxy *Proxy
	state string
	told  map[string]int // names of certificates
	kinds map[string]int // of all that was told
}

func newFollower(t *testing.T, l *Log) *follower {
	return &follower{log: l, proxy: NewProxy(t, l, nil), state: t.TempDir(), told: map[string]int{}, kinds: map[string]int{}}
}

// toldJSON is a line of what "ct watch" tells.
type toldJSON struct {
	Kind  string
	Names []string
}

// look reads the log to its end, which has to end with this code.
func (f *follower) look(t *testing.T, code int, more ...string) {
	t.Helper()
	args := []string{"ct", "watch", ".grid.example", "--once", "--start", "1000000", "--state", f.state, "--rate", "1000", "--log", f.log.Flag(f.proxy.URL)}
	r := certassay(t, append(args, more...)...)
	if r.code != code {
		t.Errorf("ct watch ended with %d, want %d\n%s", r.code, code, r.stderr)
	}
	lines := bufio.NewScanner(strings.NewReader(r.out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var x toldJSON
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			t.Fatalf("ct watch wrote %q: %v", lines.Text(), err)
		}
		f.kinds[x.Kind]++
		for _, name := range x.Names {
			f.told[name]++
		}
	}
}

// want says that each of the first certificates was told once, and no other.
func (f *follower) want(t *testing.T, when string, n int) {
	t.Helper()
	for i := range n {
		if name := fmt.Sprintf("host%d.grid.example", i); f.told[name] != 1 {
			t.Errorf("%s: %s was told %d times, want once", when, name, f.told[name])
		}
	}
	if len(f.told) != n {
		t.Errorf("%s: %d names were told, want %d", when, len(f.told), n)
	}
}

// A log that grows, breaks, lies and is well again: nothing is lost, and nothing
// is told twice.
func TestWatch(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			h := hierarchy()
			l := Start(t, protocol, h.Root.DER)
			f := newFollower(t, l)
			grow := func(from, to int) {
				l.Fill(t, h, from, to)
				waitSize(t, l, uint64(to))
			}
			grow(0, 300)
			early := fetch(t, l.Monitor+l.HeadPath())
			f.look(t, 0)
			f.want(t, "at first", 300)
			f.look(t, 0)
			f.want(t, "again, with nothing new", 300)
			grow(300, 560)
			f.look(t, 0)
			f.want(t, "grown", 560)

			grow(560, 700)
			for _, fault := range watchFaults(l) {
				f.proxy.Set(fault)
				f.look(t, 3, "--timeout", "3s")
				if len(f.told) < 560 || slices.ContainsFunc(counts(f.told), func(n int) bool { return n != 1 }) {
					t.Errorf("broken: %d names were told, some twice: %v", len(f.told), counts(f.told))
				}
			}
			f.proxy.Set(nil)
			f.look(t, 0)
			f.want(t, "well again", 700)

			// An old head is a cache's; one of now that takes entries back is the log's.
			f.proxy.Set(only(l.HeadPath(), replace(early)))
			f.look(t, 0)
			size, root := l.readHead(early)
			f.proxy.Set(only(l.HeadPath(), replace(l.Head(size, root, time.Now()))))
			f.look(t, 1)
			f.want(t, "rolled back", 700)
			f.proxy.Set(nil)
			grow(700, 750)
			f.look(t, 0)
			f.want(t, "after the rollback", 750)
			testWatchedFork(t, h, f)
		})
	}
}

func counts(told map[string]int) (out []int) {
	for _, n := range told {
		out = append(out, n)
	}
	return out
}

// watchFaults break the entries from 512 on.
func watchFaults(l *Log) []lablog.Fault {
	var out []lablog.Fault
	flip := page(func(e []map[string][]byte) []map[string][]byte {
		e[0]["leaf_input"][9] ^= 1
		return e
	})
	if l.Protocol == StaticCT {
		flip = replace([]byte{}) // a byte may lie in an entry that was read before
	}
	for _, f := range []lablog.Fault{flip, hang, replace([]byte(htmlAnswer))} {
		if l.Protocol == RFC6962 {
			out = append(out, only(getEntries, f))
			continue
		}
		out = append(out, func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool) {
			if !strings.HasPrefix(r.URL.Path, "/tile/data/002") {
				return honest, true
			}
			return f(w, r, honest, call)
		})
	}
	return out
}

// testWatchedFork shows another log with the same key: both heads are kept.
func testWatchedFork(t *testing.T, h *lab.Lab, f *follower) {
	other := Start(t, f.log.Protocol, h.Root.DER)
	other.Fill(t, h, 2000, 2800)
	waitSize(t, other, 800)
	f.proxy.Set(toLog(t, other))
	f.look(t, 1)
	f.want(t, "a fork", 750)
	proofs, err := filepath.Glob(filepath.Join(f.state, "proofs", "*"))
	if err != nil || len(proofs) == 0 {
		entries, _ := os.ReadDir(f.state)
		t.Errorf("no proof of the fork in %v (%v)", entries, err)
	}
}
