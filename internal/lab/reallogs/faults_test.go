package reallogs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/lab/ctlog"
)

// fetch gives what lies at an address of a log.
func fetch(t *testing.T, url string) []byte {
	t.Helper()
	status, body, err := ask(context.Background(), http.DefaultClient, url)
	if err != nil || status != http.StatusOK {
		t.Fatalf("fetching %s: status %d, %v", url, status, err)
	}
	return body
}

// only is a fault of one path.
func only(path string, f ctlog.Fault) ctlog.Fault {
	return func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool) {
		if r.URL.Path != "/"+path {
			return honest, true
		}
		return f(w, r, honest, call)
	}
}

// after is a fault of get-entries from this entry on.
func after(start uint64, f ctlog.Fault) ctlog.Fault {
	return only("ct/v1/get-entries", func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool) {
		if from, err := strconv.ParseUint(r.URL.Query().Get("start"), 10, 64); err != nil || from < start {
			return honest, true
		}
		return f(w, r, honest, call)
	})
}

// replace answers with these bytes.
func replace(b []byte) ctlog.Fault {
	return func(http.ResponseWriter, *http.Request, []byte, int) ([]byte, bool) { return b, true }
}

// change answers with what f makes of the honest answer.
func change(f func([]byte) []byte) ctlog.Fault {
	return func(_ http.ResponseWriter, _ *http.Request, honest []byte, _ int) ([]byte, bool) {
		return f(bytes.Clone(honest)), true
	}
}

// storm refuses the first requests for a path.
func storm(status, requests int, retryAfter func() string) ctlog.Fault {
	return func(w http.ResponseWriter, _ *http.Request, honest []byte, call int) ([]byte, bool) {
		if call > requests {
			return honest, true
		}
		if s := retryAfter(); s != "" {
			w.Header().Set("Retry-After", s)
		}
		http.Error(w, "slow down", status)
		return nil, false
	}
}

func unsaid() string { return "" }

func hang(_ http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
	<-r.Context().Done()
	return nil, false
}

// drip sends a little of the answer every now and then.
func drip(w http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
	for _, b := range honest {
		select {
		case <-r.Context().Done():
			return nil, false
		case <-time.After(50 * time.Millisecond):
			_, _ = w.Write([]byte{b})
			_ = http.NewResponseController(w).Flush()
		}
	}
	return nil, false
}

// endless sends without end, and says no length.
func endless(w http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
	block := bytes.Repeat([]byte{'{'}, 1<<16)
	for r.Context().Err() == nil {
		if _, err := w.Write(block); err != nil {
			break
		}
	}
	return nil, false
}

func cut(w http.ResponseWriter, _ *http.Request, honest []byte, _ int) ([]byte, bool) {
	w.Header().Set("Content-Length", fmt.Sprint(len(honest)))
	_, _ = w.Write(honest[:len(honest)/2])
	return nil, false
}

func missing(w http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
	http.NotFound(w, r)
	return nil, false
}

func pack(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// bomb is 100 MB of zeros in 100 kB.
func bomb() []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.CopyN(z, zeros{}, 100<<20)
	_ = z.Close()
	return out.Bytes()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// page changes the entries of an answer to get-entries.
func page(f func([]map[string][]byte) []map[string][]byte) ctlog.Fault {
	return change(func(b []byte) []byte {
		var answer struct {
			Entries []map[string][]byte `json:"entries"`
		}
		if json.Unmarshal(b, &answer) != nil {
			return b
		}
		answer.Entries = f(answer.Entries)
		out, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		return out
	})
}

const (
	second     = "tile/data/001" // entries 256 to 511, of the tiled log
	getEntries = "ct/v1/get-entries"
	htmlAnswer = "<!DOCTYPE html><html><body>The gateway is busy.</body></html>"
)

// A fault is what the proxy does, and what "ct search" may say then.
type fault struct {
	name  string
	fault func(l *Log) ctlog.Fault
	// verified is how many entries are left; want is said in a gap, or of the
	// whole log where whole is set. Both are empty where the fault does no harm.
	verified int
	want     string
	whole    bool
	args     []string
	atLeast  time.Duration // before it may succeed
	requests int           // for the path of the fault, where set
	path     string
}

// onEntries is a fault of the second tile, or of the pages from its entries on.
func onEntries(l *Log, f ctlog.Fault) ctlog.Fault {
	if l.Protocol == RFC6962 {
		return after(256, f)
	}
	return only(second, f)
}

// rest is what a log still proves when onEntries fails: all but a tile. Of an
// RFC 6962 log it is nothing, for all entries are of one segment.
func rest(l *Log) int {
	if l.Protocol == RFC6962 {
		return 0
	}
	return gridSize - 256
}

func TestFaults(t *testing.T) {
	eachLog(t, func(t *testing.T, h *lab.Lab, l *Log) {
		rows := append(commonFaults(l), headFaults(l)...)
		if l.Protocol == RFC6962 {
			rows = append(rows, plainFaults()...)
		} else {
			rows = append(rows, tiledFaults()...)
		}
		for _, f := range rows {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				f.test(t, l)
			})
		}
		for name, test := range map[string]func(*testing.T, *lab.Lab, *Log){
			"redirect to another host": testRedirect, "uncovered bytes": testUncovered,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, h, l)
			})
		}
	})
}

func (f *fault) test(t *testing.T, l *Log) {
	proxy := NewProxy(t, l, f.fault(l))
	began := time.Now()
	code := 0
	if f.want != "" {
		code = 3
	}
	got, log := search(t, code, l, proxy.URL, ".grid.example", f.args...)
	took := time.Since(began)
	if log.Verified != uint64(f.verified) || log.Complete != (f.want == "") {
		t.Errorf("searched = %+v, want %d entries verified, complete: %v", log, f.verified, f.want == "")
	}
	verified := 0
	for _, hit := range got.Hits {
		if hit.Verified {
			verified++
		}
	}
	if verified != f.verified {
		t.Errorf("%d hits are said to be verified, want %d", verified, f.verified)
	}
	said := log.Error + log.Warning
	if !f.whole {
		said = fmt.Sprint(log.Gaps)
	}
	if !strings.Contains(said, f.want) {
		t.Errorf("it says %q, want %q", said, f.want)
	}
	if covered := gapsOf(log); f.want != "" && !f.whole && covered+log.Verified != gridSize {
		t.Errorf("%d verified and %d in gaps, want them to make %d", log.Verified, covered, gridSize)
	}
	if took < f.atLeast {
		t.Errorf("it took %s, want at least %s", took, f.atLeast)
	}
	if calls := proxy.Calls(f.path); f.requests != 0 && calls != f.requests {
		t.Errorf("%s was asked for %d times, want %d", f.path, calls, f.requests)
	}
}

func gapsOf(log searchedJSON) (n uint64) {
	for _, g := range log.Gaps {
		n += g.To - g.From
	}
	return n
}

// entryFault is a fault of entries that no patience helps against.
func entryFault(name, want string, l *Log, f ctlog.Fault) fault {
	return fault{name: name, fault: func(l *Log) ctlog.Fault { return onEntries(l, f) }, verified: rest(l), want: want}
}

func commonFaults(l *Log) []fault {
	path := second
	if l.Protocol == RFC6962 {
		path = getEntries
	}
	harmless := func(name string, least time.Duration, f ctlog.Fault) fault {
		return fault{name: name, fault: func(*Log) ctlog.Fault { return only(path, f) }, verified: gridSize, atLeast: least}
	}
	patient := func(f fault, args ...string) fault { f.args = args; return f }
	given := entryFault("429 without end", "429", l, storm(http.StatusTooManyRequests, 1<<30, unsaid))
	if l.Protocol == StaticCT {
		given.path, given.requests = second, 5
	}
	return []fault{
		entryFault("truncated", "malformed", l, change(func(b []byte) []byte { return b[:min(len(b), 100)] })),
		entryFault("HTML page with status 200", "malformed", l, replace([]byte(htmlAnswer))),
		entryFault("HTML page with status 503", "503", l, storm(http.StatusServiceUnavailable, 1<<30, unsaid)),
		entryFault("bomb", "too large", l, replace(bomb())),
		entryFault("endless", "too large", l, endless),
		entryFault("not there", "404", l, missing),
		patient(entryFault("hangs", "deadline", l, hang), "--timeout", "10s"),
		patient(entryFault("drips", "reading answer", l, drip), "--timeout", "10s"),
		entryFault("cut connection", "unexpected EOF", l, cut),
		given,
		harmless("429 with seconds", time.Second, storm(http.StatusTooManyRequests, 1, func() string { return "1" })),
		harmless("429 with date", time.Second, storm(http.StatusTooManyRequests, 1, func() string {
			return time.Now().Add(3 * time.Second).UTC().Format(http.TimeFormat)
		})),
		harmless("429 without header", 750*time.Millisecond, storm(http.StatusTooManyRequests, 2, unsaid)),
		harmless("503 for a while", 250*time.Millisecond, storm(http.StatusServiceUnavailable, 1, unsaid)),
		{name: "packed unasked", verified: gridSize, fault: func(*Log) ctlog.Fault {
			return change(func(b []byte) []byte {
				if b == nil {
					return nil
				}
				return pack(b)
			})
		}},
		{name: "429 for hours", verified: rest(l), want: "wait 2h", path: path, fault: func(l *Log) ctlog.Fault {
			return onEntries(l, storm(http.StatusTooManyRequests, 1<<30, func() string { return "7200" }))
		}},
	}
}

func headFaults(l *Log) []fault {
	head := func(name, want string, f func(l *Log) []byte) fault {
		return fault{name: name, want: want, whole: true, fault: func(l *Log) ctlog.Fault { return only(l.HeadPath(), replace(f(l))) }}
	}
	read := func(f fault, verified int) fault { f.verified = verified; return f }
	fork := head("head of another tree", "", func(l *Log) []byte { return l.Head(gridSize, [32]byte{1, 2, 3}, time.Now()) })
	fork.whole, fork.want = false, "tree"
	if l.Protocol == RFC6962 {
		fork.want = "proof does not lead to the signed root"
	}
	larger := head("head of entries that are not there", "", func(l *Log) []byte { return l.Head(gridSize+300, [32]byte{1, 2, 3}, time.Now()) })
	larger.whole, larger.want, larger.args = false, "HTTP status", []string{"--to", fmt.Sprint(gridSize)}
	return []fault{
		head("wrong signature of head", "did not sign", func(l *Log) []byte {
			b := l.Head(gridSize, [32]byte{}, time.Now())
			b = bytes.Replace(b, []byte("\n621\n"), []byte("\n622\n"), 1)
			return bytes.Replace(b, []byte(`"tree_size":621`), []byte(`"tree_size":622`), 1)
		}),
		head("head signed by another key", "did not sign", func(l *Log) []byte {
			other := &Log{Protocol: l.Protocol, Key: lab.ForgedKey()}
			return other.Head(gridSize, [32]byte{}, time.Now())
		}),
		head("head is HTML", "malformed", func(*Log) []byte { return []byte(htmlAnswer) }),
		head("head is empty", "malformed", func(*Log) []byte { return []byte{} }),
		read(reHead("stale head", "too old", -80*time.Hour), gridSize),
		read(reHead("future head", "future", 80*time.Hour), gridSize),
		fork, larger,
	}
}

// reHead signs the honest head again with another time.
func reHead(name, want string, shift time.Duration) fault {
	return fault{name: name, want: want, whole: true, fault: func(l *Log) ctlog.Fault {
		return only(l.HeadPath(), change(func(b []byte) []byte {
			size, root := l.readHead(b)
			return l.Head(size, root, time.Now().Add(shift))
		}))
	}}
}

func tiledFaults() []fault {
	row := func(name, path string, verified int, want string, f func([]byte) []byte) fault {
		return fault{name: name, verified: verified, want: want, fault: func(*Log) ctlog.Fault { return only(path, change(f)) }}
	}
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 1; return b }
	}
	last := "tile/data/002.p/" + fmt.Sprint(gridSize-512)
	return []fault{
		row("flipped byte in a tile", second, gridSize-1, "256 257 the entry is not the one", flip(7)),
		row("flipped byte in a partial tile", last, gridSize-1, "512 513 the entry is not the one", flip(7)),
		row("last entry of a tile cut short", second, gridSize-1, "entry 511", func(b []byte) []byte { return b[:len(b)-1] }),
		row("trailing bytes in a tile", second, gridSize-256, "behind the last entry", func(b []byte) []byte { return append(b, 0) }),
		row("flipped byte in the hashes of the top", "tile/1/000.p/2", 0, "does not belong to the signed tree", flip(40)),
		row("flipped byte in the hashes of a partial tile", "tile/0/002.p/"+fmt.Sprint(gridSize-512), 0, "does not belong to the signed tree", flip(33)),
		row("hashes cut short", "tile/1/000.p/2", 0, "bytes, not", func(b []byte) []byte { return b[:32] }),
		{name: "empty tile", verified: gridSize - 256, want: "0 entries, not 256", fault: func(*Log) ctlog.Fault {
			return only(second, replace([]byte{}))
		}},
		{name: "partial tile gone before the full one is there", verified: 512, want: "404", fault: func(*Log) ctlog.Fault {
			return only(last, missing)
		}},
	}
}

func plainFaults() []fault {
	row := func(name string, verified int, want string, start uint64, f ctlog.Fault) fault {
		return fault{name: name, verified: verified, want: want, fault: func(*Log) ctlog.Fault { return after(start, f) }}
	}
	first := func(n int) ctlog.Fault {
		return page(func(e []map[string][]byte) []map[string][]byte { return e[:min(n, len(e))] })
	}
	return []fault{
		row("pages of 32", gridSize, "", 0, first(32)),
		row("pages of 7", gridSize, "", 0, first(7)),
		row("pages of one", gridSize, "", 600, first(1)),
		row("no entries", 0, "does not give all entries", 256, replace([]byte(`{"entries":[]}`))),
		row("entries is null", 0, "does not give all entries", 256, replace([]byte(`{"entries":null}`))),
		row("more than asked for", 0, "where 21 were asked for", 600, page(func(e []map[string][]byte) []map[string][]byte {
			return append(e, e...)
		})),
		row("flipped bit in an entry", 0, "proof", 256, page(func(e []map[string][]byte) []map[string][]byte {
			e[0]["leaf_input"][9] ^= 1
			return e
		})),
		row("entries in another order", 0, "proof", 256, page(func(e []map[string][]byte) []map[string][]byte {
			e[0], e[1] = e[1], e[0]
			return e
		})),
		row("shrunk since its head", 0, "400", 300, func(w http.ResponseWriter, _ *http.Request, _ []byte, _ int) ([]byte, bool) {
			http.Error(w, "need tree size: 621 to get leaves but only got: 300", http.StatusBadRequest)
			return nil, false
		}),
	}
}

// testRedirect counts what reaches the other host.
func testRedirect(t *testing.T, _ *lab.Lab, l *Log) {
	asked := make(chan struct{}, 100)
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{} }))
	f := entryFault("", "redirects to another host", l, func(w http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
		http.Redirect(w, r, other+r.URL.Path[1:], http.StatusFound)
		return nil, false
	})
	f.test(t, l)
	if len(asked) != 0 {
		t.Errorf("the other host was asked %d times", len(asked))
	}
}

// testUncovered changes what no hash covers: the entry is still shown, and what
// is wrong with it is said.
func testUncovered(t *testing.T, _ *lab.Lab, l *Log) {
	index := ""
	got, _ := search(t, 0, l, l.Monitor, ".grid.example", "--from", "0", "--to", "40")
	for _, h := range got.Hits {
		if h.Type == "precertificate" {
			index = fmt.Sprint(h.Index)
		}
	}
	if index == "" {
		t.Fatal("there is no precertificate among the first 40")
	}
	flipEnd := change(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	faults := map[string]ctlog.Fault{
		"issuer is gone": missing, "issuer has other bytes": flipEnd,
	}
	at := func(f ctlog.Fault) ctlog.Fault {
		return func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool) {
			if !strings.HasPrefix(r.URL.Path, "/issuer/") {
				return honest, true
			}
			return f(w, r, honest, call)
		}
	}
	if l.Protocol == RFC6962 {
		at = func(f ctlog.Fault) ctlog.Fault { return only(getEntries, f) }
		faults = map[string]ctlog.Fault{
			"precertificate has another content": page(func(e []map[string][]byte) []map[string][]byte {
				for i := range e {
					e[i]["extra_data"][40] ^= 1
				}
				return e
			}),
			"chain is gone": page(func(e []map[string][]byte) []map[string][]byte {
				for i := range e {
					e[i]["extra_data"] = nil
				}
				return e
			}),
		}
	}
	for name, f := range faults {
		proxy := NewProxy(t, l, at(f))
		r := certassay(t, "ct", "entry", "-f", "json", "--rate", "1000", l.Flag(proxy.URL), index)
		var e entryJSON
		if err := json.Unmarshal([]byte(r.out), &e); err != nil || r.code != 3 || !e.Verified || e.Problem == "" || len(e.Names) != 1 {
			t.Errorf("%s: exit %d, %+v, %v, want the entry, verified, with a problem\n%s", name, r.code, e, err, r.stderr)
		}
	}
}
