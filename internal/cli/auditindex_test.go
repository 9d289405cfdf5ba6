package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/lab"
)

// indexServer answers as both kinds of index do.
func indexServer(t *testing.T, ders ...[]byte) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		rows := []map[string]any{}
		for i, der := range ders {
			if id := fmt.Sprint(i + 1); q.FormValue("d") == id {
				_, _ = w.Write(lab.PEM(der))
				return
			} else if q.FormValue("q") != "" {
				rows = append(rows, map[string]any{"id": i + 1, "issuer_name": "CN=Somebody Else"})
			} else if q.FormValue("after") == "" {
				rows = append(rows, map[string]any{"id": id, "cert_der": base64.StdEncoding.EncodeToString(der), "dns_names": []string{"not.me"}})
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(rows)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// unordered is a certificate for login.lab.example, signed by key.
func (r *reconcileLab) unordered(key *lab.Key) []byte {
	extra := r.template("unordered", 2)
	extra.Set(lab.SAN("login.lab.example"), lab.SKI(lab.InterceptorKey().ID))
	extra.Subject, extra.SPKI = lab.Named("CN=login.lab.example"), lab.InterceptorKey().SPKI
	return extra.Sign(key, "")
}

// What only an index shows is found, without any claim that a log has it, and
// replays alike.
func TestAuditIndex(t *testing.T) {
	r := newReconcileLab(t, nil, "{}")
	url := indexServer(t, r.unordered(r.lab.Intermediate.Key))
	for _, kind := range []string{"crtsh", "certspotter"} {
		bundle := filepath.Join(r.dir, kind+".evidence")
		doc, text := runJSON(t, exit.Findings, "audit", "-c", r.inventory, "--online", "ct", "--ct-index", kind+"="+url+"/?key=geheim", "--evidence", bundle)
		found := slices.DeleteFunc(doc.entries(), func(i int) bool { return !strings.Contains(doc.Subjects[i].Target, "login.lab.example") })
		if len(found) != 1 || !slices.Contains(doc.rules(found[0]), "issuance-unexplained") || len(doc.rules(found[0])) > 2 {
			t.Fatalf("%s: log entries %v, want the one that nothing explains: %+v", kind, found, doc.Subjects)
		}
		wantText(t, text, "login.lab.example", "not verified against a log", "shown by an index, valid from", "issuance-unexplained", "proves nothing complete")
		for _, no := range []string{"geheim", "not.me", "Somebody Else", `"rule":"log-`} {
			if strings.Contains(text, no) {
				t.Errorf("%s: the report has %q:\n%s", kind, no, text)
			}
		}
		if _, again := runJSON(t, exit.Findings, "check", bundle, "-c", r.inventory); again != text {
			t.Errorf("%s: replayed the report differs:\n%s\n%s", kind, text, again)
		}
	}
}

// An index that shows nothing, is down, or shows what it may have made up, makes
// nothing clean and accuses nobody.
func TestAuditIndexProvesNothing(t *testing.T) {
	r := newReconcileLab(t, nil, "{}")
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		http.Error(w, "<html>later</html>", http.StatusTooManyRequests)
	}))
	t.Cleanup(down.Close)
	for name, tt := range map[string]struct{ url, want string }{
		"empty":   {indexServer(t), "may have been issued all the same"},
		"down":    {down.URL, "429 Too Many Requests"},
		"made up": {indexServer(t, r.unordered(lab.ForgedKey())), "no known CA is seen to have signed it"},
	} {
		bundle := filepath.Join(r.dir, strings.ReplaceAll(name, " ", "")+".evidence")
		doc, text := runJSON(t, exit.Incomplete, "audit", "-c", r.inventory, "--online", "ct", "--ct-index", "certspotter="+tt.url, "--evidence", bundle)
		wantText(t, text, tt.want)
		if _, again := runJSON(t, exit.Incomplete, "check", bundle, "-c", r.inventory); again != text {
			t.Errorf("%s: replayed the report differs:\n%s\n%s", name, text, again)
		}
		for _, i := range doc.entries() {
			if s := doc.Subjects[i]; len(s.Findings) > 0 || s.Verdict == "ok" || len(s.Errors) == 0 {
				t.Errorf("%s: %s is %s with %v, want that it could not be checked", name, s.Target, s.Verdict, s.Findings)
			}
		}
	}
	// What the logs hold is read all the same, and stands before the index.
	doc, text := runJSON(t, exit.Findings, "audit", "-c", r.inventory, "--online", "ct", "--ct-since", "240h", "--log", r.flag, "--ct-index", "crtsh="+indexServer(t))
	r.wantExtra(t, doc, "issuance-unexplained")
	wantText(t, text, "only what was read of logs is complete")
}

func TestAuditIndexUsage(t *testing.T) {
	r := newReconcileLab(t, nil, "{}")
	for _, args := range [][]string{
		{"--ct-index", "crtsh=https://index.example"},
		{"--online", "ct", "--ct-index", "https://geheim.example"},
		{"--online", "ct", "--ct-index", "other=https://geheim.example"},
		{"--online", "ct", "--ct-index", "crtsh=https://geheim@index.example"},
	} {
		code, out, errs := runAudit(t, append([]string{"-c", r.inventory}, args...)...)
		if code != exit.Misuse || errs == "" || strings.Contains(out+errs, "geheim") {
			t.Errorf("%q: exit code %d, want 2\n%s", args, code, errs)
		}
	}
}

// The token opens the index, and is in nothing that people read.
func TestAuditIndexToken(t *testing.T) {
	r := newReconcileLab(t, nil, "{}")
	file := filepath.Join(r.dir, "token")
	writeFile(t, file, []byte("geheim\n"))
	open := indexServer(t, r.unordered(r.lab.Intermediate.Key))
	guarded := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Authorization") != "Bearer geheim" {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, q, open+q.URL.RequestURI(), http.StatusTemporaryRedirect)
	}))
	t.Cleanup(guarded.Close)
	args := []string{"audit", "-c", r.inventory, "--online", "ct", "--ct-index", "certspotter=" + guarded.URL}
	_, text := runJSON(t, exit.Incomplete, args...)
	wantText(t, text, "it may want a token")
	bundle := filepath.Join(r.dir, "token.evidence")
	_, text = runJSON(t, exit.Incomplete, append(args, "--ct-index-token", file, "--evidence", bundle)...)
	wantText(t, text, "the redirect is not followed") // the token was taken, and goes no further
	kept, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text+string(kept), "geheim") {
		t.Errorf("the token is in the report or the evidence:\n%s", text)
	}
	// Through a proxy the index that is asked may be a name.
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Host != "index.example" {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, "[]")
	}))
	t.Cleanup(proxy.Close)
	_, text = runJSON(t, exit.Incomplete, "audit", "-c", r.inventory, "--online", "ct", "--ct-index", "certspotter=http://index.example", "--ct-via", proxy.URL)
	wantText(t, text, "proves nothing complete")
	if strings.Contains(text, "asking the") {
		t.Errorf("the index was not asked through the proxy:\n%s", text)
	}
	for _, more := range [][]string{
		{"--ct-index", "crtsh=https://index.example", "--ct-index-token", file},
		{"--ct-index", "certspotter=http://index.example", "--ct-index-token", file},
		{"--ct-index", "certspotter=https://a.example", "--ct-index", "certspotter=https://b.example", "--ct-index-token", file},
		{"--ct-index", "certspotter=https://a.example", "--ct-index-token", file + "x"},
		{"--ct-index", "certspotter=https://a.example", "--ct-index-token", r.inventory},
		{"--ct-index-token", file},
		{"--ct-via", "gopher://x:geheim@y"},
	} {
		code, out, errs := runAudit(t, append([]string{"-c", r.inventory, "--online", "ct"}, more...)...)
		if code != exit.Misuse || errs == "" || strings.Contains(out+errs, "geheim") {
			t.Errorf("%q: exit code %d, want 2\n%s", more, code, errs)
		}
	}
}

func runAudit(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = Run(t.Context(), append([]string{"audit"}, args...), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}
