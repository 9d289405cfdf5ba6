package ctlog

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/ct"
)

// Pages are fetched at the same time, so many and no more, and come in order also
// where the log gives them in pieces of other sizes.
func TestPagesAhead(t *testing.T) {
	l := newLog(t, 3000)
	for _, c := range []struct {
		name        string
		concurrency int
		most        int32
	}{{"one", 1, 1}, {"three", 3, 3}, {"a crowd is made smaller", 50, maxAhead}} {
		t.Run(c.name, func(t *testing.T) {
			var now, top, asked atomic.Int32
			slow := func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
				if strings.HasSuffix(r.URL.Path, "get-entries") {
					first := asked.Add(1) == 1
					n := now.Add(1)
					defer now.Add(-1)
					for old := top.Load(); n > old && !top.CompareAndSwap(old, n); old = top.Load() {
					}
					// A page waits for another one, however busy the machine is; but the first,
					// which says how many entries the log gives at once, is asked for alone.
					for end := time.Now().Add(40 * time.Second); !first && c.concurrency > 1 && top.Load() < 2 && time.Now().Before(end); {
						time.Sleep(time.Millisecond)
					}
				}
				return honest, true
			}
			o := quickly
			o.Concurrency = c.concurrency
			s := open(t, l, "rfc6962", o, slow)
			head := headOf(t, s)
			next := uint64(5)
			cover, err := s.Entries(t.Context(), head, 5, 3000, func(i uint64, _ *ct.LogEntry) error {
				if i != next {
					t.Fatalf("entry %d, want %d", i, next)
				}
				next++
				return nil
			})
			if err != nil || !cover.Complete() || next != 3000 {
				t.Errorf("Entries = %+v, %v up to %d; want all", cover, err, next)
			}
			if n := top.Load(); n > c.most || c.concurrency > 1 && n < 2 {
				t.Errorf("%d pages at the same time, want at most %d", n, c.most)
			}
		})
	}
}
