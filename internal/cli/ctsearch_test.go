package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
	"github.com/certassay/certassay/internal/lab/sshd"
)

// searched is what the tests read of the JSON form.
type searched struct {
	Hits []struct {
		Index    uint64
		Verdict  string
		Findings []struct{ Rule string }
		Matches  []struct{ Name, Why string }
	}
	Logs []struct {
		Verified, From, To uint64
		Complete           bool
		Error              string
		Judged             map[string]uint64
		Screened           uint64
		Earlier            []struct{ From, To uint64 }
		Verdict            string
		Findings           []struct{ Rule string }
	}
}

func (l *ctLab) search(t *testing.T, wantCode int, args ...string) (doc searched) {
	t.Helper()
	code, out, errs := runCT(t, append([]string{"search", "--roots", l.roots, "-f", "json"}, args...)...)
	if code != wantCode {
		t.Errorf("search %q: exit code %d, want %d\n%s%s", args, code, wantCode, out, errs)
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("search %q: %v\n%s%s", args, err, out, errs)
	}
	return doc
}

// addForged logs a certificate for the lab's name, with the CA's name and another
// key behind it.
func (l *ctLab) addForged(t *testing.T) {
	t.Helper()
	template := l.lab.LeafTemplate()
	template.Drop(lab.IDSCTs)
	l.log.Add(template.Sign(lab.ForgedKey(), ""), l.submitted.Add(time.Hour), l.lab.Intermediate.DER)
}

// A forged certificate in a log is called so, with findings and exit code as
// elsewhere; the honest ones beside it are ok.
func TestCTSearchJudges(t *testing.T) {
	l := newCTLab(t, true)
	log := l.flag(t, nil)
	if doc := l.search(t, 0, ".lab.example", "--log", log); len(doc.Hits) != 1 || doc.Hits[0].Verdict != "ok" {
		t.Errorf("hits %+v, want one that is ok", doc.Hits)
	}
	l.addForged(t)
	doc := l.search(t, exit.Findings, ".lab.example", "--log", log)
	if len(doc.Hits) != 2 || doc.Hits[0].Verdict != "ok" || doc.Hits[1].Verdict == "ok" || doc.Hits[1].Verdict == "inconclusive" || len(doc.Hits[1].Findings) == 0 {
		t.Errorf("hits %+v, want the second accused", doc.Hits)
	}
	l.search(t, 0, ".lab.example", "--log", log, "--fail-on", "never")
	l.search(t, 0, ".lab.example", "--log", log, "--exit-zero")
	// What was found can be judged again, and gives the same.
	bundle := filepath.Join(t.TempDir(), "run.evidence")
	l.search(t, exit.Findings, ".lab.example", "--log", log, "--evidence", bundle)
	var replayed, errs bytes.Buffer
	if code := Run(t.Context(), []string{"check", bundle, "--roots", l.roots}, Streams{In: strings.NewReader(""), Out: &replayed, Err: &errs}); code != exit.Findings {
		t.Errorf("replaying the evidence: exit code %d, want 1\n%s%s", code, replayed.String(), errs.String())
	}
	wantText(t, replayed.String(), "entry 42", "entry 300", "chain-untrusted-root")
	sarif := filepath.Join(t.TempDir(), "out.sarif")
	code, out, _ := runCT(t, "search", "--roots", l.roots, ".lab.example", "--log", log, "--report", "sarif="+sarif)
	wantText(t, out, "verdict ok", "chain-untrusted-root")
	if b, err := os.ReadFile(sarif); code != exit.Findings || err != nil || !strings.Contains(string(b), "chain-") {
		t.Errorf("SARIF report: exit code %d, %v, %.200s", code, err, b)
	}
}

// --all judges every entry, counts them, and shows only what is not ok.
func TestCTSearchAll(t *testing.T) {
	for _, way := range []lablog.Fault{nil, plain(nil)} {
		l := newCTLab(t, true)
		l.addForged(t)
		doc := l.search(t, exit.Findings, "--all", "--log", l.flag(t, way))
		if len(doc.Hits) != 1 || doc.Hits[0].Index != 300 || doc.Logs[0].Judged["ok"] != 300 {
			t.Errorf("hits %+v, logs %+v; want entry 300 of 301", doc.Hits, doc.Logs)
		}
	}
}

// An entry that no leaf can be read from is a hit that cannot be ruled out.
func TestCTSearchUnreadableLeaf(t *testing.T) {
	l := newCTLab(t, false)
	l.log.AddLeaf([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 'x'})
	doc := l.search(t, exit.Incomplete, "nobody.test", "--log", l.flag(t, plain(nil)))
	if len(doc.Hits) != 1 || doc.Hits[0].Index != 300 || doc.Hits[0].Verdict != "inconclusive" || doc.Hits[0].Findings[0].Rule != "log-entry-unreadable" {
		t.Errorf("hits %+v, want entry 300, unreadable", doc.Hits)
	}
}

// --since and --until read what the timestamps ask for, and show no more.
func TestCTSearchTimes(t *testing.T) {
	l := newCTLab(t, true)
	log := l.flag(t, nil)
	day := l.submitted.Add(100 * time.Second).Format(time.RFC3339)
	end := l.submitted.Add(200 * time.Second).Format(time.RFC3339)
	doc := l.search(t, 0, ".test", "--log", log, "--since", day, "--until", end)
	if len(doc.Hits) != 100 || doc.Hits[0].Index != 100 || doc.Hits[99].Index != 199 || !doc.Logs[0].Complete {
		t.Errorf("%d hits, logs %+v; want entries 100 to 199", len(doc.Hits), doc.Logs)
	}
	if doc := l.search(t, 0, ".test", "--log", log, "--since", "1h"); len(doc.Hits) != 0 {
		t.Errorf("%d hits of the last hour, want none", len(doc.Hits))
	}
	if code, _, errs := runCT(t, "search", ".test", "--log", log, "--since", "soon"); code != exit.Misuse {
		t.Errorf("--since soon: exit code %d, want 2\n%s", code, errs)
	}
}

// A search goes on where it ended, against a head that continues the old one.
func TestCTSearchResume(t *testing.T) {
	l := newCTLab(t, true)
	log := l.flag(t, nil)
	state := filepath.Join(t.TempDir(), "state.json")
	if doc := l.search(t, 0, "filler7.test", "--log", log, "--resume", state, "--from", "0", "--to", "100"); len(doc.Hits) != 1 {
		t.Errorf("first part: %+v, want one hit", doc.Hits)
	}
	doc := l.search(t, 0, "filler7.test", "--log", log, "--resume", state)
	if len(doc.Hits) != 0 || len(doc.Logs[0].Earlier) != 1 || doc.Logs[0].Earlier[0].To != 100 || doc.Logs[0].Verified != 300 || !doc.Logs[0].Complete {
		t.Errorf("second part: %+v, want entries 100 to 299 and no hit again", doc)
	}
	if code, _, errs := runCT(t, "search", "other.test", "--log", log, "--resume", state); code != exit.Misuse {
		t.Errorf("another name: exit code %d, want 2\n%s", code, errs)
	}
	l.log.Show(200)
	doc = l.search(t, exit.Incomplete, "filler7.test", "--log", log, "--resume", state)
	if len(doc.Logs[0].Findings) != 1 || doc.Logs[0].Findings[0].Rule != "log-rollback" {
		t.Errorf("a smaller tree: %+v, want log-rollback", doc.Logs)
	}
}

// Two signed trees of one size are proof: the log is called forged.
func TestCTSearchFork(t *testing.T) {
	l := newCTLab(t, true)
	state := filepath.Join(t.TempDir(), "state.json")
	log := l.flag(t, nil)
	l.search(t, 0, "filler7.test", "--log", log, "--resume", state)
	other := lablog.New(l.log.Key, l.log.Origin, l.log.Time)
	for i := range 300 {
		other.Add(l.lab.Leaf, l.submitted.Add(time.Duration(i)*time.Second), l.lab.Intermediate.DER)
	}
	doc := l.search(t, exit.Findings, "filler7.test", "--log", other.Serve(t, nil)+"="+base64.StdEncoding.EncodeToString(l.log.Key.SPKI), "--resume", state)
	if doc.Logs[0].Verdict != "forged" || doc.Logs[0].Findings[0].Rule != "log-fork-proven" {
		t.Errorf("logs %+v, want log-fork-proven", doc.Logs)
	}
}

// So is a smaller tree that the log proves itself to be another one: not only an
// older one.
func TestCTSearchForkSmaller(t *testing.T) {
	l := newCTLab(t, true)
	state := filepath.Join(t.TempDir(), "state.json")
	l.search(t, 0, "filler7.test", "--log", l.flag(t, plain(nil)), "--resume", state)
	other := lablog.New(l.log.Key, l.log.Origin, l.log.Time)
	for i := range 300 {
		other.Add(l.lab.Leaf, l.submitted.Add(time.Duration(i)*time.Second), l.lab.Intermediate.DER)
	}
	other.Show(200)
	doc := l.search(t, exit.Findings, "filler7.test", "--log", other.Serve(t, plain(nil))+"="+base64.StdEncoding.EncodeToString(l.log.Key.SPKI), "--resume", state)
	if doc.Logs[0].Verdict != "suspicious" || doc.Logs[0].Findings[0].Rule != "log-fork" {
		t.Errorf("logs %+v, want log-fork", doc.Logs)
	}
}

// A head under another signature, and hashes that do not lead to the signed root,
// are findings against whoever answers, and not only reasons to have read nothing.
func TestCTSearchAccusesLog(t *testing.T) {
	l := newCTLab(t, true)
	for _, tt := range []struct {
		name, rule string
		fault      lablog.Fault
	}{
		{"checkpoint", "log-head-not-signed", func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
			if r.URL.Path == "/checkpoint" {
				return bytes.Replace(honest, []byte("\n300\n"), []byte("\n299\n"), 1), true
			}
			return honest, true
		}},
		{"tree head", "log-head-not-signed", plain(func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
			if strings.HasSuffix(r.URL.Path, "get-sth") {
				return bytes.Replace(honest, []byte(`"tree_size":300`), []byte(`"tree_size":299`), 1), true
			}
			return honest, true
		})},
		{"hashes", "log-entries-missing", func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
			if strings.HasPrefix(r.URL.Path, "/tile/0/") {
				return bytes.Repeat([]byte{7}, len(honest)), true
			}
			return honest, true
		}},
		{"entries", "log-entries-missing", plain(func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
			if strings.HasSuffix(r.URL.Path, "get-entries") {
				// The first timestamp: AAAB… is the type and the millennium.
				return bytes.Replace(honest, []byte(`"leaf_input":"AAAAAAG`), []byte(`"leaf_input":"AAAAAAH`), 1), true
			}
			return honest, true
		})},
	} {
		doc := l.search(t, exit.Findings, "nobody.test", "--log", l.flag(t, tt.fault), "--from", "0")
		if len(doc.Logs[0].Findings) != 1 || doc.Logs[0].Findings[0].Rule != tt.rule || doc.Logs[0].Complete {
			t.Errorf("%s: logs %+v, want %s", tt.name, doc.Logs, tt.rule)
		}
	}
}

// What was wrong once, in a cache, is no finding.
func TestCTSearchPastCaches(t *testing.T) {
	l := newCTLab(t, true)
	stale := func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		if strings.HasPrefix(r.URL.Path, "/tile/0/") && r.Header.Get("Cache-Control") != "no-cache" {
			return bytes.Repeat([]byte{7}, len(honest)), true
		}
		return honest, true
	}
	if doc := l.search(t, 0, "nobody.test", "--log", l.flag(t, stale), "--from", "0"); !doc.Logs[0].Complete {
		t.Errorf("logs %+v, want all of it", doc.Logs)
	}
}

// Logs are asked through a proxy where one is named, and only there.
func TestCTVia(t *testing.T) {
	l := newCTLab(t, true)
	address := l.log.Serve(t, nil)
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64 // several at a time
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Host != "log.test" {
			http.Error(w, "wrong host", http.StatusBadGateway)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	log := "http://log.test/=" + base64.StdEncoding.EncodeToString(l.log.Key.SPKI)
	if doc := l.search(t, 0, ".lab.example", "--log", log, "--via", proxy.URL); len(doc.Hits) != 1 || asked.Load() == 0 {
		t.Errorf("hits %+v after %d requests, want one through the proxy", doc.Hits, asked.Load())
	}
	if code, out, errs := runCT(t, "logs", "--check", "--log", log, "--via", proxy.URL); code != 0 {
		t.Errorf("ct logs: exit code %d\n%s%s", code, out, errs)
	}
	server := sshd.Start(t, target.Host)
	config := filepath.Join(server.Dir, "config")
	if doc := l.search(t, 0, ".lab.example", "--log", log, "--via", "ssh://box", "--ssh-config", config); len(doc.Hits) != 1 {
		t.Errorf("hits %+v, want one through ssh", doc.Hits)
	}
	for _, args := range [][]string{
		{"logs", "--check", "--log", log},
		{"watch", ".lab.example", "--once", "--state", t.TempDir(), "--log", log},
		{"entry", log, "0"},
	} {
		if code, out, errs := runCT(t, append(args, "--via", "ssh://box", "--ssh-config", config)...); code != 0 {
			t.Errorf("ct %s through ssh: exit code %d\n%s%s", args[0], code, out, errs)
		}
	}
	for end := time.Now().Add(time.Minute); server.Live.Load() != 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond) // ssh has ended, and the server may not have seen it
	}
	if server.Live.Load() != 0 || server.Logins.Load() != 4 {
		t.Errorf("%d logins, %d open; want one for each command, and none open", server.Logins.Load(), server.Live.Load())
	}
	server.Forget(t, true)
	if code, out, errs := runCT(t, "logs", "--check", "--log", log, "--via", "ssh://box", "--ssh-config", config); code != exit.Incomplete || !strings.Contains(out+errs, "IDENTIFICATION HAS CHANGED") {
		t.Errorf("ct logs through a changed server: exit code %d\n%s%s", code, out, errs)
	}
	if code, _, errs := runCT(t, "logs", "--check", "--log", log, "--via", "gopher://x"); code != exit.Misuse {
		t.Errorf("--via gopher: exit code %d, want 2\n%s", code, errs)
	}
}

// A log that has stopped, and shows another tree than that at which it did, is
// accused.
func TestCTFinalTree(t *testing.T) {
	l := newCTLab(t, false)
	address := l.log.Serve(t, plain(nil))
	_, out, _ := runCT(t, "logs", "--check", "-f", "json", "--log", address+"="+base64.StdEncoding.EncodeToString(l.log.Key.SPKI))
	var shown struct {
		Logs []struct{ Head struct{ Root string } }
	}
	if err := json.Unmarshal([]byte(out), &shown); err != nil {
		t.Fatal(err)
	}
	root, err := hex.DecodeString(shown.Logs[0].Head.Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		size int
		root []byte
		want bool
	}{{"its last tree", 300, root, false}, {"beyond", 299, root, true}, {"other", 300, make([]byte, 32), true}, {"before", 301, root, false}} {
		id := sha256.Sum256(l.log.Key.SPKI)
		list, err := json.Marshal(map[string]any{"operators": []any{map[string]any{"name": "Lab", "logs": []any{map[string]any{
			"description": "Stopped", "log_id": id[:], "key": l.log.Key.SPKI, "url": address, "mmd": 86400,
			"state": map[string]any{"readonly": map[string]any{
				"timestamp": "2026-01-01T00:00:00Z", "final_tree_head": map[string]any{"sha256_root_hash": c.root, "tree_size": c.size},
			}},
		}}}}})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "list.json")
		if err := os.WriteFile(path, list, 0o600); err != nil {
			t.Fatal(err)
		}
		code := 0
		if c.want {
			code = exit.Findings
		}
		doc := l.search(t, code, "nothing.test", "--log-list", path, "--log", address+"="+base64.StdEncoding.EncodeToString(l.log.Key.SPKI))
		accused := len(doc.Logs[0].Findings) == 1 && doc.Logs[0].Findings[0].Rule == "log-beyond-final"
		if accused != c.want {
			t.Errorf("%s: findings %+v, want log-beyond-final: %v", c.name, doc.Logs[0].Findings, c.want)
		}
	}
}

// --screen counts what it passes over, and shows what it does not as --all does.
func TestCTSearchScreen(t *testing.T) {
	l := newCTLab(t, true)
	l.addForged(t)
	log := l.flag(t, nil)
	doc := l.search(t, exit.Findings, "--all", "--screen", "--log", log)
	if len(doc.Hits) != 1 || doc.Hits[0].Index != 300 || doc.Logs[0].Screened < 250 || doc.Logs[0].Screened+doc.Logs[0].Judged["ok"] != 300 {
		t.Errorf("hits %+v, logs %+v; want entry 300 of 301, the others screened", doc.Hits, doc.Logs)
	}
	// What matches is judged.
	doc = l.search(t, exit.Findings, "--all", "--screen", "filler7.test", "--log", log)
	if len(doc.Hits) != 2 || doc.Hits[0].Verdict != "ok" {
		t.Errorf("hits %+v; want the match, judged, and entry 300", doc.Hits)
	}
	for _, args := range [][]string{{"--screen", "x.test"}, {"--all", "--screen", "--fail-on", "inconclusive"}} {
		if code, _, errs := runCT(t, append(append([]string{"search"}, args...), "--log", log)...); code != exit.Misuse || !strings.Contains(errs, "--screen") {
			t.Errorf("ct search %v: exit code %d, want 2\n%s", args, code, errs)
		}
	}
}

// Of an entry that was looked at before reading ended, and not verified, nothing is
// known: it is not accused of being in no tree.
func TestSearchBreaksOff(t *testing.T) {
	l := newCTLab(t, false)
	flag := l.flag(t, plain(func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool) {
		if strings.HasSuffix(r.URL.Path, "/get-proof-by-hash") || strings.HasSuffix(r.URL.Path, "/get-entries") && r.FormValue("start") != "0" {
			http.Error(w, "down", http.StatusNotFound)
			return nil, false
		}
		if strings.HasSuffix(r.URL.Path, "/get-entries") {
			var page struct {
				Entries []json.RawMessage `json:"entries"`
			}
			if err := json.Unmarshal(honest, &page); err == nil && len(page.Entries) > 100 {
				page.Entries = page.Entries[:100]
				honest, _ = json.Marshal(page)
			}
		}
		return honest, true
	}))
	code, out, _ := runCT(t, "search", ".lab.example", "--log", flag, "--from", "0", "--roots", l.roots)
	if code != exit.Findings || strings.Contains(out, "log-entry-not-in-tree:") || !strings.Contains(out, "log-entries-missing:") {
		t.Errorf("exit code %d, want 1 for what the log does not give, and no word of a wrong entry\n%s", code, out)
	}
	wantText(t, out, "entry 42 ", "NOT VERIFIED", "verdict inconclusive", "reading ended before it was verified")
}
