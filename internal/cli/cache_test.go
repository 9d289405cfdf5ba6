package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/report"
)

// A run that keeps answers lets a later one do without asking, and that one says so.
func TestCache(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	l := lab.New(lab.Config{At: now})
	// The intermediate names nobody who could be asked about it.
	ca := l.LeafTemplate()
	ca.Subject, ca.Issuer, ca.Key = l.Intermediate.Name, l.Root.Name, l.Intermediate.Key
	ca.NotAfter = now.AddDate(1, 0, 0)
	ca.Extensions = []lab.Extension{
		lab.KeyUsage(lab.DigitalSignature, lab.KeyCertSign, lab.CRLSign).MakeCritical(), lab.ExtKeyUsage(lab.ServerAuth),
		lab.Basic(true, 0).MakeCritical(), lab.SKI(l.Intermediate.KeyID), lab.AKI(l.Root.KeyID), lab.Policies(lab.DomainValidated),
	}
	l.Intermediate.DER = ca.Sign(l.Root.Key, "")
	var hits atomic.Int64
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		switch r.URL.Path {
		case "/list":
			_, _ = w.Write(lab.CRL{Issuer: l.Intermediate, This: now.Add(-time.Hour), Next: now.Add(24 * time.Hour)}.Sign())
		case "/issuer":
			_, _ = w.Write(l.Intermediate.DER)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(site.Close)
	c := l.LeafTemplate()
	c.Drop(lab.IDAIA, lab.IDCRLPoints)
	c.Set(lab.CRLPoint(site.URL + "/list"))
	c.Set(lab.AIA(site.URL+"/ocsp", site.URL+"/issuer"))
	dir := t.TempDir()
	for name, ders := range map[string][][]byte{"leaf.pem": {l.Issue(c)}, "root.pem": l.Roots()} {
		if err := os.WriteFile(filepath.Join(dir, name), lab.PEM(ders...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "logs.json"), l.LogList(), 0o600); err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	check := func(args ...string) *report.Document {
		t.Helper()
		var out, errs bytes.Buffer
		args = append([]string{"check", filepath.Join(dir, "leaf.pem"), "--roots", filepath.Join(dir, "root.pem"), "--log-list", filepath.Join(dir, "logs.json"),
			"-f", "json", "--allow-private-urls"}, args...)
		Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		doc, err := report.Read(&out)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, errs.String())
		}
		return doc
	}
	expect := func(name string, doc *report.Document, verdict finding.Verdict, asked int64, notes int) {
		t.Helper()
		s := doc.Subjects[0]
		n := 0
		for _, note := range s.Notes {
			if strings.Contains(note, "is from the cache: it was fetched at 20") {
				n++
			}
		}
		if s.Verdict != verdict || hits.Swap(0) != asked || n != notes || (len(doc.Run.Contacted) > 0) != (asked > 0) {
			t.Errorf("%s: %s, notes %q, contacted %v (gaps %v, findings %v)", name, s.Verdict, s.Notes, doc.Run.Contacted, s.Inconclusive, s.Findings)
		}
	}
	expect("without", check("--online", "aia,crl"), finding.OK, 2, 0)
	expect("first", check("--online", "aia,crl", "--cache", cache), finding.OK, 2, 0)
	expect("second", check("--online", "aia,crl", "--cache", cache), finding.OK, 0, 2)
	expect("offline, and the responder was never asked", check("--offline", "--cache", cache), finding.OK, 0, 2)
	expect("in two days", check("--offline", "--cache", cache, "--at", now.Add(48*time.Hour).Format(time.RFC3339)), finding.Undetermined, 0, 2)
	expect("offline, without it", check("--offline"), finding.Undetermined, 0, 0)
	files, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files: %v, %v", files, err)
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect("offline, with garbage in it", check("--offline", "--cache", cache), finding.Undetermined, 0, 0)
	expect("mended", check("--online", "aia,crl", "--cache", cache), finding.OK, 2, 0)
	for _, args := range [][]string{{"--cache", files[0], "--online", "crl"}, {"--cache", filepath.Join(dir, "nowhere"), "--offline"}} {
		var out bytes.Buffer
		if code := Run(t.Context(), append([]string{"check", filepath.Join(dir, "leaf.pem")}, args...), Streams{Out: &out, Err: &out}); code != exit.Misuse {
			t.Errorf("%v: exit code %d\n%s", args, code, out.String())
		}
	}
}
