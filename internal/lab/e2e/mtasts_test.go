package e2e

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// startPolicyHost serves the MTA-STS policy of lab.example where senders ask for
// it, and gives the file of the root that vouches for it.
func startPolicyHost(t *testing.T, policy string) (addr, root string) {
	t.Helper()
	const policyHost = "mta-sts.lab.example"
	dir := workDir(t)
	if err := lab.New(lab.Config{Host: policyHost, At: time.Now(), Organization: "Policy"}).Write(dir); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	l := listenHTTPS(t)
	own, _, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		ReadHeaderTimeout: time.Minute, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}},
		ErrorLog: log.New(t.Output(), "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Host != policyHost || r.URL.Path != "/.well-known/mta-sts.txt" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write([]byte(policy))
		}),
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return own, filepath.Join(dir, "root.pem")
}

// TestMTASTS: Postfix behind MX records, and a policy that demands TLS.
func TestMTASTS(t *testing.T) {
	need(t, "postfix", "named", "unbound", "dnssec-keygen", "dnssec-signzone")
	o := newSite(t)
	stripped, _ := startPostfix(t, o, "none")
	offered, _ := startPostfix(t, o, "may")
	const mail = "lab MX 10 time.lab\ntime.lab A 127.0.0.1\n_mta-sts.lab TXT \"v=STSv1; id=1\"\nmta-sts.lab A "
	policy := func(mode, mx string) string {
		return "version: STSv1\r\nmode: " + mode + "\r\nmx: " + mx + "\r\nmax_age: 86400\r\n"
	}
	for _, tt := range []struct {
		name, policy string
		port         string
		untrusted    bool // nobody vouches for the server of the policy
		says         string
		exit         int
		rules        []string
	}{
		{"stripped", policy("enforce", "*.lab.example"), stripped, false, "", 1, []string{"dns-led-unsigned", "dns-starttls-stripped-mta-sts"}},
		{"another server", policy("enforce", "mx.lab.example"), stripped, false, "", 3, []string{"dns-led-unsigned", "dns-mta-sts-mx-unlisted"}},
		{"testing", policy("testing", "*.lab.example"), stripped, false, "", 3, []string{"dns-led-unsigned"}},
		{"forged policy", policy("none", "*.lab.example"), stripped, true, "verifying the server", 3, []string{"dns-led-unsigned"}},
		{"offered", policy("enforce", "*.lab.example"), offered, false, "", 0, []string{"dns-caa-absent", "dns-led-unsigned"}},
		{"offered, forged policy", policy("none", "*.lab.example"), offered, true, `"rule":"dns-mta-sts-mx-unlisted"`, 3, []string{"dns-caa-absent", "dns-led-unsigned"}},
		{"a page", "<html>", stripped, false, "a page of HTML", 3, []string{"dns-led-unsigned"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr, root := startPolicyHost(t, tt.policy)
			bundle := filepath.Join(workDir(t), "evidence")
			args := []string{"smtp://lab.example:" + tt.port, "--follow", "mx", "--online", "dns", "--allow-private-urls", "--evidence", bundle,
				"--resolver", o.startDNS(t, zone{records: mail + addr}), "--program", "lab=" + o.file("root.pem"), "--rule", "dns-*"}
			if !tt.untrusted {
				args = append(args, "--roots", root)
			}
			r := scan(t, args...)
			r.wantRules(t, tt.exit, tt.rules...)
			if tt.says != "" && !strings.Contains(r.text, tt.says) {
				t.Errorf("nothing says %q\n%s", tt.says, r.text)
			}
			o.wantReplay(t, r, bundle)
		})
	}
	// Nothing led to this server: that it takes the mail of the domain was said.
	t.Run("named", func(t *testing.T) {
		addr, root := startPolicyHost(t, policy("enforce", "*.lab.example"))
		server := o.startDNS(t, zone{records: mail + addr})
		for port, want := range map[string][]string{stripped: {"dns-starttls-stripped-mta-sts"}, offered: {"dns-caa-absent"}} {
			args := []string{"smtp://time.lab.example:" + port, "--mail-domain", "lab.example", "--online", "dns", "--allow-private-urls",
				"--resolver", server, "--program", "lab=" + o.file("root.pem"), "--roots", root, "--rule", "dns-*"}
			exit := 0
			if port == stripped {
				exit = 1
			}
			scan(t, args...).wantRules(t, exit, want...)
		}
	})
}
