package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// A ctLab is a log with a certificate in it that embeds the log's SCT.
type ctLab struct {
	log       *lablog.Log
	chain     string // file of the certificate and its issuer
	roots     string // file of the root
	lab       *lab.Lab
	submitted time.Time
}

// newCTLab makes a log of 300 entries, of which the certificate is the 42nd.
func newCTLab(t *testing.T, tiled bool) *ctLab {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	out := &ctLab{log: lablog.New(lab.ForgedKey(), "lab.example/log", now), lab: lab.New(lab.Config{At: now}), submitted: now.Add(-72 * time.Hour)}
	out.log.Indexed = tiled
	template := out.lab.LeafTemplate()
	// Logged as it began: else it is one that was dated back.
	template.NotBefore = out.submitted.Add(-time.Hour)
	template.NotAfter = template.NotBefore.AddDate(0, 0, 60)
	template.Drop(lab.IDSCTs)
	sct := lab.Log{Key: lab.ForgedKey(), Tiled: tiled}.SCT(template, out.lab.Intermediate, out.submitted)
	template.Set(lab.EmbedSCTs(sct))
	leaf := template.Sign(out.lab.Intermediate.Key, "")
	tbs, err := ct.CertificateTBS(cert.Parse(leaf))
	if err != nil {
		t.Fatal(err)
	}
	pre := template.Clone()
	pre.Drop(lab.IDSCTs)
	pre.Set(lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}})
	for i := range 300 {
		if i == 42 {
			out.log.AddPrecert(tbs, out.lab.Intermediate.Key.SPKI, pre.Sign(out.lab.Intermediate.Key, ""), out.submitted, out.lab.Intermediate.DER)
			continue
		}
		filler := out.lab.LeafTemplate()
		filler.Drop(lab.IDSCTs)
		filler.Set(lab.DNSNames(fmt.Sprintf("filler%d.test", i)))
		filler.Subject = lab.Named(fmt.Sprintf("CN=filler%d.test", i))
		filler.Serial = lab.SerialOf(fmt.Sprint("filler ", i))
		filler.SPKI = lab.InterceptorKey().SPKI // of others: the server's is its owner's alone
		filler.Set(lab.SKI(lab.InterceptorKey().ID))
		out.log.Add(filler.Sign(out.lab.Intermediate.Key, ""), out.submitted.Add(time.Duration(i)*time.Second), out.lab.Intermediate.DER)
	}
	out.chain, out.roots = filepath.Join(t.TempDir(), "chain.pem"), filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(out.roots, lab.PEM(out.lab.Root.DER), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out.chain, lab.PEM(leaf, out.lab.Intermediate.DER), 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}

// flag is the value of --log for the served log.
func (l *ctLab) flag(t *testing.T, fault lablog.Fault) string {
	t.Helper()
	return l.log.Serve(t, fault) + "=" + base64.StdEncoding.EncodeToString(l.log.Key.SPKI)
}

// plain hides the tiles, so that the log is read through RFC 6962.
func plain(next lablog.Fault) lablog.Fault {
	return func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool) {
		if !strings.HasPrefix(r.URL.Path, "/ct/v1/") {
			return nil, true
		}
		if next != nil {
			return next(w, r, honest, call)
		}
		return honest, true
	}
}

func runCT(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(context.Background(), append([]string{"ct"}, args...), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

func wantText(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("output lacks %q:\n%s", w, got)
		}
	}
}

func TestCTSearch(t *testing.T) {
	l := newCTLab(t, true)
	log := l.flag(t, nil)
	dir := filepath.Join(t.TempDir(), "tiles")
	if err := l.log.WriteTiles(dir); err != nil {
		t.Fatal(err)
	}
	key := base64.StdEncoding.EncodeToString(l.log.Key.SPKI)
	for name, log := range map[string]string{"static-ct": log, "rfc6962": l.flag(t, plain(nil)), "file": "file://" + dir + "=" + key} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := runCT(t, "search", "--roots", l.roots, ".lab.example", "filler7.test", "--log", log)
			if code != 0 {
				t.Fatalf("exit code %d\n%s%s", code, out, errs)
			}
			wantText(t, out, "entry 42 ", "precertificate", "entry 7 ", "filler7.test: filler7.test", "300 of entries 0 to 299 read and verified", "2 found")
			if strings.Contains(out, "entry 70 ") || strings.Contains(out, "NOT VERIFIED") {
				t.Errorf("unexpected entry:\n%s", out)
			}
			code, out, _ = runCT(t, "search", "--roots", l.roots, "filler7.test", "--log", log, "--from", "8", "--to", "100")
			wantText(t, out, "92 of entries 8 to 99", "0 found")
			if code != 0 {
				t.Errorf("nothing found: exit code %d, want 0", code)
			}
			if code, out, _ = runCT(t, "search", "--roots", l.roots, "filler7.test", "--log", log, "--from", "290", "--to", "400"); code != exit.Incomplete {
				t.Errorf("range beyond the tree: exit code %d, want 3", code)
			}
			wantText(t, out, "not searched: entries 300 to 399")
		})
	}
}

func TestCTSearchJSON(t *testing.T) {
	l := newCTLab(t, true)
	log := l.flag(t, nil)
	_, out, _ := runCT(t, "search", "--roots", l.roots, ".lab.example", "--log", log, "-f", "json")
	var doc struct {
		Schema string
		Hits   []struct {
			Index    uint64
			Type     string
			Names    []string
			Verified bool
			Matches  []struct{ Name string }
		}
		Logs []struct {
			Complete bool
			Verified uint64
			Gaps     []any
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != "certassay/ct-search/v1" || len(doc.Hits) != 1 || doc.Hits[0].Index != 42 || !doc.Hits[0].Verified || doc.Hits[0].Matches[0].Name != ".lab.example" {
		t.Errorf("hits = %+v, want entry 42", doc.Hits)
	}
	if len(doc.Logs) != 1 || !doc.Logs[0].Complete || doc.Logs[0].Verified != 300 || doc.Logs[0].Gaps == nil {
		t.Errorf("logs = %+v, want one that is complete", doc.Logs)
	}
	_, out, _ = runCT(t, "search", "--roots", l.roots, ".lab.example", "--log", log, "-f", "jsonl")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], `{"hit":`) || !strings.HasPrefix(lines[1], `{"log":`) {
		t.Errorf("jsonl = %s, want a hit and a log", out)
	}
}

// What could not be verified is said, and nothing found is not nothing there.
func TestCTSearchIncomplete(t *testing.T) {
	l := newCTLab(t, true)
	gone := func(w http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		if strings.HasPrefix(r.URL.Path, "/tile/data/000") {
			return []byte("broken"), true
		}
		return honest, true
	}
	code, out, _ := runCT(t, "search", "--roots", l.roots, ".lab.example", "--log", l.flag(t, gone))
	if code != exit.Incomplete {
		t.Errorf("a broken tile: exit code %d, want 3", code)
	}
	wantText(t, out, "44 of entries 0 to 299 read and verified", "not searched: entries 0 to 255", "0 found")

	forged := func(w http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		return bytes.Replace(honest, []byte("\n300\n"), []byte("\n299\n"), 1), true
	}
	if code, out, errs := runCT(t, "search", "--roots", l.roots, "x.test", "--log", l.flag(t, forged)); code != exit.Findings || !strings.Contains(out, "did not sign this tree head") {
		t.Errorf("a forged head: exit code %d, want 1\n%s%s", code, out, errs)
	}
	l.log.Time = l.log.Time.Add(-80 * time.Hour)
	if code, out, _ := runCT(t, "search", "--roots", l.roots, "x.test", "--log", l.flag(t, nil)); code != exit.Incomplete || !strings.Contains(out, "too old") {
		t.Errorf("a stale head: exit code %d, want 3\n%s", code, out)
	}
}

func TestCTProve(t *testing.T) {
	for _, tiled := range []bool{true, false} {
		l := newCTLab(t, tiled)
		var way lablog.Fault
		if !tiled {
			way = plain(nil)
		}
		code, out, errs := runCT(t, "prove", "--roots", l.roots, l.chain, "--log", l.flag(t, way))
		if code != 0 {
			t.Fatalf("tiled %v: exit code %d\n%s%s", tiled, code, out, errs)
		}
		wantText(t, out, "signature ok, included as entry 42 in the signed tree of 300")
	}
}

func TestCTProveFaults(t *testing.T) {
	l := newCTLab(t, true)
	// The log signed for an entry and then logged another in its place.
	other := lablog.New(l.log.Key, l.log.Origin, l.log.Time)
	for range 50 {
		other.Add(l.lab.Leaf, l.submitted)
	}
	swapped := *l
	swapped.log = other
	code, out, _ := runCT(t, "prove", "--roots", l.roots, l.chain, "--log", swapped.flag(t, nil))
	if code != exit.Findings {
		t.Errorf("another entry in its place: exit code %d, want 1", code)
	}
	wantText(t, out, "signature ok, absent", "log-promise-broken")

	// A tree that ends before the entry, long after it had to be in.
	l.log.Show(40)
	if code, out, _ = runCT(t, "prove", "--roots", l.roots, l.chain, "--log", l.flag(t, nil)); code != exit.Findings {
		t.Errorf("never added: exit code %d, want 1", code)
	}
	wantText(t, out, "denied", "log-promise-broken")
	l.log.Time = l.submitted.Add(time.Minute)
	if code, out, _ = runCT(t, "prove", "--roots", l.roots, l.chain, "--log", l.flag(t, nil)); code != exit.Incomplete {
		t.Errorf("a tree of before: exit code %d, want 3", code)
	}
	// Its time is over, and so it is not pending, whatever tree is shown.
	wantText(t, out, "signature ok, unknown", "need not have it")
	if strings.Contains(out, "log-promise-broken") {
		t.Errorf("a log is accused before its time:\n%s", out)
	}

	rfc := newCTLab(t, false)
	deny := plain(func(w http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		if strings.HasSuffix(r.URL.Path, "get-proof-by-hash") {
			return nil, true
		}
		return honest, true
	})
	if code, out, _ = runCT(t, "prove", "--roots", rfc.roots, rfc.chain, "--log", rfc.flag(t, deny)); code != exit.Findings || !strings.Contains(out, "denied") {
		t.Errorf("denied: exit code %d, want 1\n%s", code, out)
	}
	down := plain(func(w http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) { return nil, true })
	if code, _, _ = runCT(t, "prove", "--roots", rfc.roots, rfc.chain, "--log", rfc.flag(t, down)); code != exit.Incomplete {
		t.Errorf("a log that does not answer: exit code %d, want 3", code)
	}
}

// An SCT that was taken from another certificate is found without asking.
func TestCTProveGrafted(t *testing.T) {
	l := newCTLab(t, true)
	template := l.lab.LeafTemplate()
	template.Drop(lab.IDSCTs)
	sct := lab.Log{Key: lab.ForgedKey(), Tiled: true}.SCT(template, l.lab.Intermediate, l.submitted)
	template.Set(lab.EmbedSCTs(sct), lab.DNSNames("victim.test"))
	if err := os.WriteFile(l.chain, lab.PEM(template.Sign(l.lab.Intermediate.Key, ""), l.lab.Intermediate.DER), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runCT(t, "prove", "--roots", l.roots, l.chain, "--log", l.flag(t, nil))
	if code != exit.Findings || !strings.Contains(out, "signature bad-signature") {
		t.Errorf("exit code %d, want 1\n%s%s", code, out, errs)
	}
}

func TestCTEntry(t *testing.T) {
	l := newCTLab(t, true)
	log := l.flag(t, nil)
	code, out, errs := runCT(t, "entry", log, "42")
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	wantText(t, out, "entry 42", "precertificate", "in the signed tree of 300", "chain of 1")
	if strings.Contains(out, "problem") {
		t.Errorf("a problem with an honest entry:\n%s", out)
	}
	if _, out, _ = runCT(t, "entry", log, "7", "-f", "pem"); strings.Count(out, "BEGIN CERTIFICATE") != 2 {
		t.Errorf("pem = %s, want certificate and issuer", out)
	}
	if code, _, _ = runCT(t, "entry", log, "300"); code != exit.Incomplete {
		t.Errorf("an index beyond the tree: exit code %d, want 3", code)
	}
	// What the tree does not cover is compared with what it does.
	issuer := func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		if strings.HasPrefix(r.URL.Path, "/issuer/") {
			return l.lab.Root.DER, true
		}
		return honest, true
	}
	if code, out, _ = runCT(t, "entry", l.flag(t, issuer), "42"); code != exit.Incomplete || !strings.Contains(out, "problem: ") {
		t.Errorf("another issuer: exit code %d, want 3 and a problem\n%s", code, out)
	}
}

func TestCTLogs(t *testing.T) {
	l := newCTLab(t, true)
	code, out, _ := runCT(t, "logs")
	if code != 0 || strings.Count(out, "\n") < 10 {
		t.Errorf("exit code %d, want the embedded list\n%s", code, out)
	}
	code, out, errs := runCT(t, "logs", "--check", "--log", l.flag(t, nil))
	if code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	wantText(t, out, "static-ct", "300", "ok")
	l.log.Time = l.log.Time.Add(-72 * time.Hour)
	if code, out, _ = runCT(t, "logs", "--check", "-f", "json", "--log", l.flag(t, nil)); code != exit.Incomplete || !strings.Contains(out, "too old") || !strings.Contains(out, `"size": 300`) {
		t.Errorf("a stale head: exit code %d, want 3, the head and the reason\n%s", code, out)
	}
}

func TestCTUsage(t *testing.T) {
	for _, args := range [][]string{
		{"search"}, {"search", "a..b"}, {"search", "x.test", "--log", "no such log"}, {"search", "x.test", "--log", "https://log.example/=nokey"},
		{"search", "x.test", "--last", "5", "--from", "3"}, {"search", "x.test", "--from", "5", "--to", "5"}, {"search", "x.test", "-f", "xml"},
		{"search", "x.test", "--rate", "0"}, {"search", "x.test", "--contact", "a\nb"},
		{"entry", "argon", "x"}, {"entry", "log", "1"}, {"prove"}, {"logs", "extra"}, {"nonsense"},
	} {
		if code, _, errs := runCT(t, args...); code != exit.Misuse || errs == "" {
			t.Errorf("ct %q: exit code %d, want 2 and a message", args, code)
		}
	}
}
