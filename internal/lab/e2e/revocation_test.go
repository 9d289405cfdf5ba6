package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// caConfig configures "openssl ca": %[1]s is where responder, list and issuer's
// certificate are served.
const caConfig = `
[ca]
default_ca = books
[books]
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_crl_days = 1
policy = any
unique_subject = no
[ghosts]
database = ghosts.txt
new_certs_dir = .
serial = ghosts.serial
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[issuing]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[rooting]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[responder]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = yes
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:revocation.lab.example
authorityInfoAccess = OCSP;URI:%[1]s/ocsp, caIssuers;URI:%[1]s/ca.der
crlDistributionPoints = URI:%[1]s/ca.crl
`

// A books is a CA that keeps books, run with OpenSSL, with its responder and list.
type books struct {
	dir, openssl string
	// tamper says whether answers are changed on the way; asked counts requests.
	tamper atomic.Bool
	asked  atomic.Int64
}

// newBooks makes root, issuing CA, responder and three leaves: one good, one
// revoked, and one that the key of the CA signed past its books.
func newBooks(t *testing.T) *books {
	t.Helper()
	b := &books{openssl: need(t, "openssl")[0], dir: workDir(t)}
	port := freePort(t)
	responder, err := url.Parse("http://127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(b.front(responder))
	t.Cleanup(front.Close)
	for name, text := range map[string]string{
		"ca.cnf": fmt.Sprintf(caConfig, front.URL), "index.txt": "", "ghosts.txt": "", "serial": "1000000000000001\n", "ghosts.serial": "7777777777777777\n", "crlnumber": "01\n",
	} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "ca.cnf"}
	b.run(t, append([]string{"req", "-x509", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Books Root", "-days", "300", "-extensions", "rooting"}, key...)...)
	b.run(t, append([]string{"req", "-keyout", "ca.key", "-out", "ca.csr", "-subj", "/CN=Books CA"}, key...)...)
	b.run(t, "x509", "-req", "-in", "ca.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "0x5555555555555555", "-days", "200", "-extfile", "ca.cnf", "-extensions", "issuing", "-out", "ca.pem")
	b.run(t, "x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der")
	for _, name := range []string{"good", "revoked", "ghost", "responder"} {
		b.issue(t, name, key)
	}
	b.run(t, "ca", "-config", "ca.cnf", "-revoke", "revoked.pem", "-crl_reason", "keyCompromise", "-batch")
	b.run(t, "ca", "-config", "ca.cnf", "-gencrl", "-out", "ca.crl")
	b.run(t, "crl", "-in", "ca.crl", "-outform", "DER", "-out", "ca.crl.der")
	b.listen(t, "ocsp", "-index", "index.txt", "-port", port, "-rsigner", "responder.pem", "-rkey", "responder.key", "-CA", "ca.pem", "-nmin", "60")
	return b
}

// listen starts the responder and waits for its word that it is ready: OpenSSL's
// hangs for good after a connection that asks nothing.
func (b *books) listen(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(b.openssl, args...)
	var output lockedBuffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = b.dir, &output, &output, stopTime
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() { stop(cmd, ended) })
	for deadline := time.Now().Add(startTime); !strings.Contains(output.String(), "waiting for"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the responder does not listen:\n%s", output.String())
		}
	}
}

func (b *books) run(t *testing.T, args ...string) { t.Helper(); run(t, b.dir, b.openssl, args...) }

func (b *books) issue(t *testing.T, name string, key []string) {
	t.Helper()
	section, profile := "books", "leaf"
	switch name {
	case "ghost":
		section = "ghosts"
	case "responder":
		profile = "responder"
	}
	b.run(t, append([]string{"req", "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=revocation.lab.example"}, key...)...)
	when := func(days int) string { return time.Now().AddDate(0, 0, days).UTC().Format("060102150405Z") }
	b.run(t, "ca", "-config", "ca.cnf", "-name", section, "-in", name+".csr", "-out", name+".pem", "-extensions", profile,
		"-startdate", when(-5), "-enddate", when(60), "-batch", "-notext")
	leaf, err := os.ReadFile(filepath.Join(b.dir, name+".pem"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(b.dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, name+"-chain.pem"), append(leaf, ca...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// front serves the files, passes questions on to OpenSSL's responder, and changes
// its answers where that is wanted: one bit of the signed time.
func (b *books) front(responder *url.URL) http.Handler {
	proxy := httputil.NewSingleHostReverseProxy(responder)
	proxy.ModifyResponse = func(r *http.Response) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		if b.tamper.Load() {
			if i := bytes.LastIndex(body, []byte("Z\xa0\x11\x18\x0f20")); i > 0 {
				body[i-1] ^= 1
			}
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Length", fmt.Sprint(len(body)))
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		switch r.URL.Path {
		case "/ca.der":
			w.Header().Set("Content-Type", "application/pkix-cert")
			http.ServeFile(w, r, filepath.Join(b.dir, "ca.der"))
		case "/ca.crl":
			w.Header().Set("Content-Type", "application/pkix-crl")
			http.ServeFile(w, r, filepath.Join(b.dir, "ca.crl.der"))
		default:
			r.URL.Path, r.URL.RawPath = strings.TrimPrefix(r.URL.Path, "/ocsp"), ""
			proxy.ServeHTTP(w, r)
		}
	})
}

// check audits a file of the CA, with its root as anchor.
func (b *books) check(t *testing.T, file string, more ...string) report {
	t.Helper()
	args := append([]string{filepath.Join(b.dir, file), "--roots", filepath.Join(b.dir, "root.pem"), "--name", "revocation.lab.example"}, more...)
	return runReport(t, "check", args...)
}

func TestRevocation(t *testing.T) {
	b := newBooks(t)
	later := time.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)
	for _, tt := range []struct {
		name, file, online string
		more               []string
		tamper             bool
		verdict, rule      string
		exit               int
	}{
		{name: "nobody is asked", file: "revoked-chain.pem", verdict: "ok"},
		{name: "ocsp: good", file: "good-chain.pem", online: "ocsp", verdict: "ok"},
		{name: "ocsp: revoked", file: "revoked-chain.pem", online: "ocsp", verdict: "suspicious", rule: "revocation-key-compromised", exit: 1},
		{name: "ocsp: never issued", file: "ghost-chain.pem", online: "ocsp", verdict: "suspicious", rule: "revocation-unknown-to-ca", exit: 1},
		{name: "ocsp: tampered", file: "good-chain.pem", online: "ocsp", tamper: true, verdict: "suspicious", rule: "revocation-answer-forged", exit: 1},
		{name: "ocsp: expired", file: "good-chain.pem", online: "ocsp", more: []string{"--at", later}, verdict: "inconclusive", rule: "revocation-answer-stale", exit: 3},
		{name: "crl: good", file: "good-chain.pem", online: "crl", verdict: "ok"},
		{name: "crl: revoked", file: "revoked-chain.pem", online: "crl", verdict: "suspicious", rule: "revocation-key-compromised", exit: 1},
		{name: "both", file: "good-chain.pem", online: "ocsp,crl", verdict: "ok"},
		{name: "aia", file: "good.pem", online: "aia", verdict: "ok", rule: "chain-completed-by-fetch"},
		{name: "aia, then ocsp", file: "revoked.pem", online: "aia,ocsp", verdict: "suspicious", rule: "revocation-key-compromised", exit: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.tamper.Store(tt.tamper)
			before := b.asked.Load()
			more := tt.more
			if tt.online != "" {
				more = append(more, "--online", tt.online, "--allow-private-urls")
			}
			r := b.check(t, tt.file, more...)
			r.want(t, tt.verdict, tt.rule, tt.exit)
			if asked := b.asked.Load() > before; asked != (tt.online != "") {
				t.Errorf("somebody was asked: %v", asked)
			}
		})
	}
	b.tamper.Store(false)
	t.Run("private addresses are refused", func(t *testing.T) {
		before := b.asked.Load()
		r := b.check(t, "good-chain.pem", "--online", "ocsp,crl")
		r.want(t, "inconclusive", "", 3)
		if b.asked.Load() != before || !strings.Contains(r.text, "not public") || !strings.Contains(r.text, "--allow-private-urls") {
			t.Errorf("a private address was asked, or the report does not say why not\n%s", r.text)
		}
	})
	t.Run("a bundle is judged by the answers in it", func(t *testing.T) {
		bundle := filepath.Join(b.dir, "run.evidence")
		first := b.check(t, "revoked.pem", "--online", "aia,ocsp,crl", "--allow-private-urls", "--evidence", bundle)
		before := b.asked.Load()
		again := runReport(t, "check", bundle, "--roots", filepath.Join(b.dir, "root.pem"))
		again.want(t, "suspicious", "revocation-key-compromised", 1)
		if first.exit != again.exit || fmt.Sprint(first.Subjects) != fmt.Sprint(again.Subjects) || b.asked.Load() != before {
			t.Errorf("the bundle gives another report\n%s\n%s", first.text, again.text)
		}
	})
	t.Run("stapled", func(t *testing.T) { b.stapled(t) })
}

// stapled serves each leaf with what the responder says of it.
func (b *books) stapled(t *testing.T) {
	for _, tt := range []struct {
		leaf, verdict, rule string
		exit                int
	}{{"good", "ok", "", 0}, {"revoked", "suspicious", "revocation-key-compromised", 1}, {"ghost", "suspicious", "revocation-unknown-to-ca", 1}} {
		b.run(t, "ocsp", "-index", "index.txt", "-rsigner", "responder.pem", "-rkey", "responder.key", "-CA", "ca.pem", "-nmin", "60",
			"-issuer", "ca.pem", "-cert", tt.leaf+".pem", "-no_nonce", "-reqout", "request.der")
		b.run(t, "ocsp", "-index", "index.txt", "-rsigner", "responder.pem", "-rkey", "responder.key", "-CA", "ca.pem", "-nmin", "60",
			"-reqin", "request.der", "-respout", tt.leaf+".staple")
		port := freePort(t)
		start(t, b.dir, port, b.openssl, "s_server", "-accept", "127.0.0.1:"+port, "-cert", tt.leaf+".pem", "-key", tt.leaf+".key",
			"-cert_chain", "ca.pem", "-status_file", tt.leaf+".staple", "-quiet")
		r := scan(t, "127.0.0.1:"+port, "--sni", "revocation.lab.example", "--name", "revocation.lab.example", "--roots", filepath.Join(b.dir, "root.pem"))
		r.want(t, tt.verdict, tt.rule, tt.exit)
	}
}

// want wants a verdict, an exit code, and a rule among the findings. Without a
// rule it wants none of revocation.
func (r report) want(t *testing.T, verdict, rule string, exit int) {
	t.Helper()
	var found []string
	for _, f := range r.Subjects[0].Findings {
		if rule == "" && !strings.HasPrefix(f.Rule, "revocation-") {
			continue
		}
		found = append(found, f.Rule)
	}
	if r.Subjects[0].Verdict != verdict || r.exit != exit || rule == "" && len(found) > 0 || rule != "" && !slices.Contains(found, rule) {
		t.Errorf("verdict %s, exit %d, findings %v; want %s, %d, %q\n%s", r.Subjects[0].Verdict, r.exit, found, verdict, exit, rule, r.text)
	}
}
