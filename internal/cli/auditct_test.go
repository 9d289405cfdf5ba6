package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// A reconcileLab is a server with an inventory, and a log that holds what the
// server shows and a certificate that nobody ordered.
type reconcileLab struct {
	*promiseLab
	inventory, flag, dir string
}

func newReconcileLab(t *testing.T, fault lablog.Fault, expect string) *reconcileLab {
	t.Helper()
	p := newPromiseLab(t, true)
	extra := p.template("extra", 1)
	extra.Set(lab.SAN("login.lab.example"))
	extra.Subject, extra.SPKI = lab.Named("CN=login.lab.example"), lab.InterceptorKey().SPKI
	extra.Set(lab.SKI(lab.InterceptorKey().ID))
	p.log.Add(extra.Sign(p.lab.Intermediate.Key, ""), time.Now().Add(-24*time.Hour), p.lab.Intermediate.DER)
	return reconcileLabOn(t, p, fault, expect)
}

// reconcileLabOn serves a lab and its log.
func reconcileLabOn(t *testing.T, p *promiseLab, fault lablog.Fault, expect string) *reconcileLab {
	t.Helper()
	r := &reconcileLab{promiseLab: p, dir: t.TempDir()}
	r.flag = p.log.Serve(t, fault) + "=" + base64.StdEncoding.EncodeToString(p.log.Key.SPKI)
	r.inventory = filepath.Join(r.dir, "certassay.yaml")
	writeFile(t, filepath.Join(r.dir, "root.pem"), lab.PEM(p.lab.Root.DER))
	_, port, err := net.SplitHostPort(lab.Serve(t, p.kept, p.lab.LeafKey, lab.Server{}))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, r.inventory, fmt.Appendf(nil, `version: 1
trust:
  lab: {roots: [root.pem]}
groups:
  - name: time
    owner: ntp-team
    trust: [lab]
    targets:
      - {target: "https://time.lab.example:%s", address: 127.0.0.1}
    expect: %s
    domains:
      - www.lab.example
      - .lab.example
`, port, expect))
	return r
}

// entries are the indexes of the log entries.
func (r *reported) entries() (out []int) {
	for i, s := range r.Subjects {
		if s.Kind == "log-entry" {
			out = append(out, i)
		}
	}
	return out
}

func (r *reported) fingerprint(rule string) string {
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			if f.Rule == rule {
				return f.Fingerprint
			}
		}
	}
	return ""
}

func (r *reconcileLab) wantExtra(t *testing.T, doc reported, rules ...string) {
	t.Helper()
	found := doc.entries()
	if len(found) != 1 {
		t.Fatalf("%d log entries in the report, want the one: %+v", len(found), doc.Subjects)
	}
	s := doc.Subjects[found[0]]
	if !strings.Contains(s.Target, "login.lab.example") || s.Source == nil || s.Source.Line != 13 {
		t.Errorf("%q at %+v, want login.lab.example at line 13", s.Target, s.Source)
	}
	for _, id := range rules {
		if !slices.Contains(doc.rules(found[0]), id) {
			t.Errorf("findings %v lack %s", doc.rules(found[0]), id)
		}
	}
}

// What a log took is read now, or was by a watch; either way what is unexplained
// is found, and a bundle gives the same report.
func TestAuditReconciles(t *testing.T) {
	r := newReconcileLab(t, nil, "{}")
	bundle, state := filepath.Join(r.dir, "run.evidence"), filepath.Join(r.dir, "state")
	now, first := runJSON(t, exit.Findings, "audit", "-c", r.inventory, "--online", "ct", "--ct-since", "240h", "--log", r.flag, "--evidence", bundle)
	r.wantExtra(t, now, "issuance-unexplained")
	again, second := runJSON(t, exit.Findings, "check", bundle, "-c", r.inventory, "--log", r.flag)
	r.wantExtra(t, again, "issuance-unexplained")
	if first != second {
		t.Errorf("replayed the report differs:\n%s\n%s", first, second)
	}

	code, out, errs := runCT(t, "watch", ".lab.example", "--state", state, "--once", "--start", "1000", "--log", r.flag)
	if code != 0 {
		t.Fatalf("ct watch: exit code %d\n%s%s", code, out, errs)
	}
	watched, _ := runJSON(t, exit.Findings, "audit", "-c", r.inventory, "--ct-state", state)
	r.wantExtra(t, watched, "issuance-unexplained")
	if a, b := now.fingerprint("issuance-unexplained"), watched.fingerprint("issuance-unexplained"); a == "" || a != b {
		t.Errorf("fingerprints %q and %q, want the same for one certificate", a, b)
	}
	both, _ := runJSON(t, exit.Findings, "audit", "-c", r.inventory, "--ct-state", state, "--online", "ct", "--ct-since", "240h", "--log", r.flag)
	r.wantExtra(t, both, "issuance-unexplained")

	for _, format := range []string{"text", "html", "markdown", "sarif", "github", "junit"} {
		var out, errs bytes.Buffer
		Run(t.Context(), []string{"audit", "-c", r.inventory, "--ct-state", state, "-f", format}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		wantText(t, strings.Join(strings.Fields(out.String()), " "), "login.lab.example")
	}
}

// Pins of all names are a list of the keys that there are.
func TestAuditReconcilesPins(t *testing.T) {
	pin := "{keys: [\"sha256/" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)) + "\", PIN]}"
	l := lab.New(lab.Config{})
	pin = strings.Replace(pin, "PIN", fmt.Sprintf("%q", pinText(l.LeafKey.SPKI)), 1)
	r := newReconcileLab(t, nil, pin)
	doc, _ := runJSON(t, exit.Findings, "audit", "-c", r.inventory, "--online", "ct", "--ct-since", "240h", "--log", r.flag)
	r.wantExtra(t, doc, "issuance-unexplained", "issuance-key-not-pinned")
	if v := doc.Subjects[doc.entries()[0]].Verdict; v != "suspicious" {
		t.Errorf("verdict %s, want suspicious", v)
	}
}

// Whoever answers in a server's place with a certificate that he had issued does
// not explain that certificate.
func TestAuditReconcilesImpostor(t *testing.T) {
	r := newReconcileLab(t, nil, "{keys: [\"sha256/"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))+"\"]}")
	doc, _ := runJSON(t, exit.Findings, "audit", "-c", r.inventory, "--online", "ct", "--ct-since", "240h", "--log", r.flag)
	if doc.Subjects[0].Verdict != "suspicious" {
		t.Fatalf("the server is %s", doc.Subjects[0].Verdict)
	}
	if !slices.ContainsFunc(doc.entries(), func(i int) bool {
		return strings.Contains(doc.Subjects[i].Target, "time.lab.example") && doc.Subjects[i].Verdict != "ok"
	}) {
		t.Errorf("what a suspicious server shows is explained by that: %+v", doc.Subjects)
	}
}

// A CA that the owner does not allow is a finding by itself.
func TestAuditReconcilesIssuer(t *testing.T) {
	r := newReconcileLab(t, nil, `{issuers: ["sha256/`+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))+`"]}`)
	doc, _ := runJSON(t, exit.Findings, "audit", "-c", r.inventory, "--online", "ct", "--ct-since", "240h", "--log", r.flag)
	for _, i := range doc.entries() {
		if !slices.Contains(doc.rules(i), "pin-issuer-unexpected") {
			t.Errorf("%s: findings %v lack pin-issuer-unexpected", doc.Subjects[i].Target, doc.rules(i))
		}
	}
	if len(doc.entries()) == 0 {
		t.Error("no log entry in the report")
	}
}

// What was not read is said, and is never "nothing was issued".
func TestAuditReconcilesIncomplete(t *testing.T) {
	broken := func(w http.ResponseWriter, q *http.Request, honest []byte, _ int) ([]byte, bool) {
		if strings.Contains(q.URL.Path, "tile/data") {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return nil, false
		}
		return honest, true
	}
	down := func(w http.ResponseWriter, _ *http.Request, _ []byte, _ int) ([]byte, bool) {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return nil, false
	}
	for name, fault := range map[string]lablog.Fault{"tiles": broken, "log": down} {
		r := newReconcileLab(t, fault, "{}")
		doc, text := runJSON(t, exit.Incomplete, "audit", "-c", r.inventory, "--online", "ct", "--ct-since", "240h", "--log", r.flag, "--retries", "0")
		if !strings.Contains(text, "nothing is known of what was not read") {
			t.Errorf("%s: the report does not say what was not read: %+v", name, doc.Subjects)
		}
	}
	r := newReconcileLab(t, nil, "{}")
	state := filepath.Join(r.dir, "state")
	runCT(t, "watch", "other.example", "--state", state, "--once", "--start", "1000", "--log", r.flag)
	doc, _ := runJSON(t, exit.Incomplete, "audit", "-c", r.inventory, "--ct-state", state)
	if len(doc.Warnings) == 0 || !strings.Contains(doc.Warnings[0].Message, "does not look for") {
		t.Errorf("warnings %+v, want that the watch does not look for the domain", doc.Warnings)
	}
}

// A waiver for its key accepts a certificate.
func TestAuditReconcilesWaived(t *testing.T) {
	r := newReconcileLab(t, nil, "{}")
	waivers := filepath.Join(r.dir, "waivers.yaml")
	writeFile(t, waivers, fmt.Appendf(nil, "version: 1\nwaivers:\n  - rule: issuance-unexplained\n    match: {spki: %q}\n    reason: login moved, SEC-7\n    owner: ntp-team\n    expires: %s\n",
		pinText(lab.InterceptorKey().SPKI), time.Now().AddDate(0, 1, 0).Format(time.DateOnly)))
	doc, _ := runJSON(t, 0, "audit", "-c", r.inventory, "--online", "ct", "--ct-since", "240h", "--log", r.flag, "--waivers", waivers)
	r.wantExtra(t, doc, "issuance-unexplained")
}

// Domains can be reconciled where no server is listed.
func TestAuditReconcilesAlone(t *testing.T) {
	r := newReconcileLab(t, nil, "{}")
	file := filepath.Join(r.dir, "alone.yaml")
	writeFile(t, file, []byte("version: 1\ntrust:\n  lab: {roots: [root.pem]}\ngroups:\n  - {name: all, trust: [lab], domains: [.lab.example]}\n"))
	doc, _ := runJSON(t, exit.Findings, "audit", "-c", file, "--online", "ct", "--ct-since", "240h", "--log", r.flag)
	if n := len(doc.entries()); n != 2 {
		t.Errorf("%d log entries, want both certificates of the domain: no server shows either", n)
	}
}

func TestAuditReconcilesUsage(t *testing.T) {
	r := newReconcileLab(t, nil, "{}")
	for _, args := range [][]string{
		{"--ct-since", "240h"},
		{"--ct-since", "soon", "--online", "ct"},
		{"--ct-state", filepath.Join(r.dir, "nothing")},
	} {
		var out, errs bytes.Buffer
		code := Run(t.Context(), append([]string{"audit", "-c", r.inventory}, args...), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if code != exit.Misuse || errs.Len() == 0 {
			t.Errorf("%q: exit code %d, want 2\n%s", args, code, errs.String())
		}
	}
}

func pinText(spki []byte) string {
	sum := sha256.Sum256(spki)
	return "sha256/" + base64.StdEncoding.EncodeToString(sum[:])
}

// A key of the owner's in a certificate for somebody else's name is found, both by
// reading logs and in the state of a watch that looked for the key.
func TestAuditReconcilesKeyElsewhere(t *testing.T) {
	p := newPromiseLab(t, true)
	other := p.template("other", 1)
	other.Set(lab.SAN("shop.other.example"))
	other.Subject = lab.Named("CN=shop.other.example")
	p.log.Add(other.Sign(p.lab.Intermediate.Key, ""), time.Now().Add(-24*time.Hour), p.lab.Intermediate.DER)
	key := pinText(p.lab.LeafKey.SPKI)
	for _, pinned := range []bool{false, true} {
		expect := "{}"
		if pinned {
			expect = fmt.Sprintf("{keys: [%q]}", key)
		}
		r := reconcileLabOn(t, p, nil, expect)
		since := []string{"--online", "ct", "--ct-since", "240h", "--log", r.flag}
		for _, tt := range []struct {
			name  string
			watch []string // what a watch looks for; none: logs are read
			found bool
			warn  bool
			note  bool
		}{
			{name: "logs", found: true},
			{name: "watched by name", watch: []string{".lab.example"}, warn: pinned, note: !pinned},
			{name: "watched by key", watch: []string{".lab.example", "key:" + key}, found: true},
			{name: "watched by inventory", watch: []string{"--inventory", r.inventory}, found: pinned, note: !pinned},
		} {
			args := append([]string{"audit", "-c", r.inventory, "-f", "json"}, since...)
			if tt.watch != nil {
				state := filepath.Join(t.TempDir(), "state")
				code, out, errs := runCT(t, append([]string{"watch", "--state", state, "--once", "--start", "1000", "--log", r.flag}, tt.watch...)...)
				if code != 0 {
					t.Fatalf("ct watch: exit code %d\n%s%s", code, out, errs)
				}
				args = []string{"audit", "-c", r.inventory, "-f", "json", "--ct-state", state}
			}
			var out, errs bytes.Buffer
			Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
			if got := strings.Contains(out.String(), "issuance-key-elsewhere"); got != tt.found {
				t.Errorf("pinned %t, %s: found %t, want %t\n%s", pinned, tt.name, got, tt.found, errs.String())
			}
			if got := strings.Contains(out.String(), "does not look for 1 pinned keys"); got != tt.warn {
				t.Errorf("pinned %t, %s: warned %t, want %t", pinned, tt.name, got, tt.warn)
			}
			if got := strings.Contains(errs.String(), "1 keys that servers show"); got != tt.note {
				t.Errorf("pinned %t, %s: noted %t, want %t\n%s", pinned, tt.name, got, tt.note, errs.String())
			}
		}
	}
}
