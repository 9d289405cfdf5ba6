package e2e

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/lab"
)

// A forger is interception software in front of the genuine server. start gives
// its port, and whether it is a proxy that is asked by CONNECT.
type forger struct {
	name     string
	programs []string
	start    func(t *testing.T, o origin, programs []string, ca caFiles) (port string, proxy bool)
	// robust are rules of which at least one finds something whatever its
	// settings are; see the table of tells in each start function.
	robust []string
	// byConnect says that it makes certificates for what CONNECT asks for, and does
	// not read the name in the ClientHello.
	byConnect bool
	// careful says that its one certificate was made beforehand, as a good CA would
	// make it: under a name of its own, who vouches for it is all there is to tell.
	careful bool
}

// allForgers are those of the tests.
func allForgers() []forger { return slices.Concat(forgers, furtherForgers) }

// caFiles are an interceptor's CA on disk: certificate, key, and both in one.
type caFiles struct{ certificate, key, both string }

// The public CA world of these tests is the laboratory's: its root is that of a
// root program, its logs are known. Nothing is known of the server's certificate.
func (o origin) scanPublic(t *testing.T, port string, more ...string) report {
	t.Helper()
	args := []string{"https://" + host + ":" + port, "--resolve", host + ":" + port + ":127.0.0.1",
		"--program", "laboratory=" + o.file("root.pem"), "--log-list", o.file("logs.json")}
	return scan(t, append(args, more...)...)
}

// TestForgers puts each interceptor in front of the genuine server, with a CA of
// its own and with one that bears the genuine CA's name. Each is caught by at
// least two rules, one of which does not depend on its settings.
func TestForgers(t *testing.T) {
	for _, f := range allForgers() {
		t.Run(f.name, func(t *testing.T) {
			paths := need(t, append([]string{"nginx"}, f.programs...)...)
			o := newOrigin(t, paths[0])
			o.scanPublic(t, o.port).wantPublic(t)
			for kind, ca := range map[string]caFiles{"own name": o.interceptor(), "cloned name": o.clonedCA(t)} {
				t.Run(kind, func(t *testing.T) {
					port, proxy := f.start(t, o, paths[1:], ca)
					var r report
					if proxy {
						r = o.scanPublic(t, o.port, "--via", "http://127.0.0.1:"+port)
					} else {
						r = o.scanPublic(t, port)
					}
					t.Logf("%s, %s: %s by %v of %v", f.name, kind, r.Subjects[0].Verdict, r.accusing(), r.rules())
					r.wantCaught(t, caught)
					if got := r.accusing(); len(got) < 2 && !(f.careful && kind == "own name") {
						t.Errorf("accused by %v alone", got)
					}
					if !slices.ContainsFunc(f.robust, func(id string) bool { return slices.Contains(r.accusing(), id) }) {
						t.Errorf("accused by %v, none of which stands whatever its settings are: %v", r.accusing(), f.robust)
					}
				})
			}
			o.scanPublic(t, o.port).wantPublic(t)
		})
	}
}

// wantPublic wants the genuine server to be ok by its public root.
func (r report) wantPublic(t *testing.T) {
	t.Helper()
	if s := r.Subjects[0]; s.Verdict != "ok" || s.Anchor != "public" || r.exit != 0 {
		t.Errorf("the genuine server: verdict %s, anchor %s, exit %d\n%s", s.Verdict, s.Anchor, r.exit, r.text)
	}
}

// accusing are the rules with findings that are neither policy nor hygiene.
func (r report) accusing() (out []string) {
	for _, f := range r.Subjects[0].Findings {
		if f.Class != "policy" && f.Class != "hygiene" && !slices.Contains(out, f.Rule) {
			out = append(out, f.Rule)
		}
	}
	return out
}

func (o origin) interceptor() caFiles {
	return caFiles{o.file("interceptor.pem"), o.file("interceptor.key"), o.file("interceptor-both.pem")}
}

// clonedCA is a root with the genuine root's name and another key.
func (o origin) clonedCA(t *testing.T) caFiles {
	t.Helper()
	l := lab.New(lab.Config{Host: host})
	key := lab.ForgedRSAKey()
	ca := l.SelfSignedCA(l.Root.Name, key)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.DER}))
	o.write(t, "cloned.pem", certificate)
	o.write(t, "cloned.key", string(key.PEM()))
	o.write(t, "cloned-both.pem", certificate+string(key.PEM()))
	return caFiles{o.file("cloned.pem"), o.file("cloned.key"), o.file("cloned-both.pem")}
}

// fresh makes an empty directory for one run of a forger.
func (o origin) fresh(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(o.dir, "forger-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeTo(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var forgers = []forger{
	{
		name: "mitmproxy", programs: []string{"mitmdump"}, robust: []string{ownKey, untrusted},
		start: func(t *testing.T, o origin, programs []string, ca caFiles) (string, bool) {
			dir, port := o.fresh(t), freePort(t)
			both, err := os.ReadFile(ca.both)
			if err != nil {
				t.Fatal(err)
			}
			writeTo(t, dir, "mitmproxy-ca.pem", string(both))
			program, args := withoutDNS(t, o, programs[0], "-q", "--listen-host", "127.0.0.1", "-p", port, "--set", "confdir="+dir,
				"--set", "ssl_verify_upstream_trusted_ca="+o.file("root.pem"))
			start(t, o.dir, port, program, args...)
			return port, true
		},
	},
	{
		name: "sslsplit", programs: []string{"sslsplit"}, robust: []string{untrusted},
		start: func(t *testing.T, o origin, programs []string, ca caFiles) (string, bool) {
			port := freePort(t)
			start(t, o.dir, port, programs[0], "-D", "-k", ca.key, "-c", ca.certificate, "https", "127.0.0.1", port, "127.0.0.1", o.port)
			return port, false
		},
	},
	{
		name: "squid", programs: []string{"squid", "security_file_certgen"}, robust: []string{ownKey},
		start: func(t *testing.T, o origin, programs []string, ca caFiles) (string, bool) {
			return startSquid(t, o, programs[0], programs[1], ca), true
		},
	},
	{
		name: "haproxy", programs: []string{"haproxy", "openssl"}, robust: []string{untrusted},
		start: func(t *testing.T, o origin, programs []string, ca caFiles) (string, bool) {
			dir, port := o.fresh(t), freePort(t)
			run(t, dir, programs[1], "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=default.proxy", "-keyout", "d.crt.key", "-out", "d.crt")
			config := writeTo(t, dir, "haproxy.cfg", fmt.Sprintf(`global
  maxconn 50
defaults
  mode http
  timeout connect 3s
  timeout client 5s
  timeout server 5s
listen f
  bind 127.0.0.1:%s ssl generate-certificates ca-sign-file %s crt %s/d.crt alpn h2,http/1.1
  server s 127.0.0.1:%s ssl verify none
`, port, ca.both, dir, o.port))
			start(t, dir, port, programs[0], "-db", "-f", config)
			return port, false
		},
	},
	{
		name: "privoxy", programs: []string{"privoxy"}, robust: []string{untrusted}, byConnect: true,
		start: func(t *testing.T, o origin, programs []string, ca caFiles) (string, bool) {
			dir, port := o.fresh(t), freePort(t)
			for _, d := range []string{"certs", "ca"} {
				if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			copyFile(t, ca.certificate, filepath.Join(dir, "ca", "cacert.crt"))
			copyFile(t, ca.key, filepath.Join(dir, "ca", "cakey.pem"))
			actions := writeTo(t, dir, "user.action", "{+https-inspection}\n/\n")
			config := writeTo(t, dir, "config", fmt.Sprintf(`confdir /etc/privoxy
listen-address 127.0.0.1:%s
actionsfile %s
ca-directory %s/ca
ca-cert-file cacert.crt
ca-key-file cakey.pem
certificate-directory %s/certs
trusted-cas-file %s
logdir %s
logfile log
`, port, actions, dir, dir, o.file("root.pem"), dir))
			program, args := withoutDNS(t, o, programs[0], "--no-daemon", config)
			start(t, dir, port, program, args...)
			return port, true
		},
	},
	{
		name: "bettercap", programs: []string{"bettercap"}, robust: []string{untrusted},
		start: func(t *testing.T, o origin, programs []string, ca caFiles) (string, bool) {
			dir, port := o.fresh(t), freePort(t)
			start(t, dir, port, programs[0], "-no-colors", "-no-history", "-silent", "-iface", "lo", "-eval", strings.Join([]string{
				"set https.proxy.address 127.0.0.1", "set https.proxy.port " + port, "set https.proxy.redirect false",
				"set https.proxy.certificate " + ca.certificate, "set https.proxy.key " + ca.key, "https.proxy on",
			}, "; "))
			return port, false
		},
	},
	{
		name: "caddy", programs: []string{"caddy"}, robust: []string{untrusted},
		start: func(t *testing.T, o origin, programs []string, ca caFiles) (string, bool) {
			return startCaddy(t, o, programs[0], ca), false
		},
	},
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// startCaddy starts a reverse proxy that issues a certificate for whatever name it
// is asked for, by its internal CA. It serves HTTP/3 on the same port.
func startCaddy(t *testing.T, o origin, caddy string, ca caFiles) string {
	t.Helper()
	dir, port := o.fresh(t), freePort(t)
	config := writeTo(t, dir, "Caddyfile", fmt.Sprintf(`{
  admin off
  auto_https disable_redirects
  skip_install_trust
  storage file_system %[1]s/store
  pki {
    ca local {
      root {
        cert %[2]s
        key %[3]s
      }
    }
  }
}
https://:%[4]s {
  bind 127.0.0.1
  tls internal {
    on_demand
  }
  reverse_proxy 127.0.0.1:%[5]s {
    transport http {
      tls_insecure_skip_verify
    }
  }
}
`, dir, ca.certificate, ca.key, port, o.port))
	start(t, dir, port, caddy, "run", "--config", config, "--adapter", "caddyfile")
	return port
}
