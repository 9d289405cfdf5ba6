package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
)

// The rules that name the tells.
const (
	ownKey      = "chain-leaf-signed-by-own-key"
	untrusted   = "chain-untrusted-root"
	genuineTail = "chain-genuine-tail"
)

var (
	forged = []string{"forged"}
	caught = []string{"forged", "suspicious"}
)

// TestDirect is the honest twin of all that follows: the same name, nothing in
// between.
func TestDirect(t *testing.T) {
	o := newOrigin(t, need(t, "nginx")[0])
	o.scan(t, o.port).wantOK(t)
}

// TestDirectFast takes the raw ClientHello in place of crypto/tls.
func TestDirectFast(t *testing.T) {
	o := newOrigin(t, need(t, "nginx")[0])
	o.scan(t, o.port, "--fast").wantOK(t)
}

// TestDirectWithoutAnchor: a public name whose root nobody named is suspicious,
// however well the chain is made.
func TestDirectWithoutAnchor(t *testing.T) {
	o := newOrigin(t, need(t, "nginx")[0])
	scan(t, "https://"+host+":"+o.port, "--resolve", host+":"+o.port+":127.0.0.1").wantCaught(t, caught, untrusted)
}

// TestMitmproxy: its leaf has the key of its CA, so the leaf verifies under its
// own key although its issuer is another. No setting changes that (8.1.1).
func TestMitmproxy(t *testing.T) {
	programs := need(t, "nginx", "mitmdump")
	o := newOrigin(t, programs[0])
	trust := "ssl_verify_upstream_trusted_ca=" + o.file("root.pem")
	t.Run("connect", func(t *testing.T) {
		port := freePort(t)
		start(t, o.dir, port, programs[1], "-q", "--listen-host", "127.0.0.1", "-p", port, "--set", "confdir="+o.file("mitm-connect"), "--set", trust)
		o.scan(t, o.port, "--via", "http://127.0.0.1:"+port).wantCaught(t, forged, ownKey)
	})
	t.Run("reverse", func(t *testing.T) {
		port := freePort(t)
		start(t, o.dir, port, programs[1], "-q", "--mode", "reverse:https://127.0.0.1:"+o.port, "--listen-host", "127.0.0.1", "-p", port,
			"--set", "confdir="+o.file("mitm-reverse"), "--set", "ssl_insecure=true")
		o.scan(t, port).wantCaught(t, forged, ownKey)
	})
	t.Run("genuine chain behind the forged leaf", func(t *testing.T) {
		port := freePort(t)
		start(t, o.dir, port, programs[1], "-q", "--listen-host", "127.0.0.1", "-p", port, "--set", "confdir="+o.file("mitm-tail"), "--set", trust,
			"--set", "add_upstream_certs_to_client_chain=true")
		o.scan(t, o.port, "--via", "http://127.0.0.1:"+port).wantCaught(t, forged, ownKey, genuineTail)
	})
}

// TestSquid: ssl-bump copies subject, dates, SAN and EKU, but its leaf has the
// key of its CA (5.7).
func TestSquid(t *testing.T) {
	programs := need(t, "nginx", "squid", "security_file_certgen")
	o := newOrigin(t, programs[0])
	port := startSquid(t, o, programs[1], programs[2], o.interceptor())
	o.scan(t, o.port, "--via", "http://127.0.0.1:"+port).wantCaught(t, forged, ownKey)
}

// startSquid starts a proxy that looks at the genuine certificate and copies it.
func startSquid(t *testing.T, o origin, squid, certgen string, ca caFiles) string {
	t.Helper()
	dir := o.fresh(t)
	run(t, dir, certgen, "-c", "-s", filepath.Join(dir, "db"), "-M", "4MB")
	give(t, filepath.Join(dir, "db"), "proxy")
	return runSquid(t, dir, squid, "ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB cert="+ca.both, fmt.Sprintf(`
sslcrtd_program %[2]s -s %[1]s/db -M 4MB
sslcrtd_children 1 startup=1
tls_outgoing_options cafile=%[3]s
acl step1 at_step SslBump1
acl step2 at_step SslBump2
ssl_bump peek step1
ssl_bump stare step2
ssl_bump bump all
`, dir, certgen, o.file("root.pem")))
}

// runSquid starts squid as a proxy that, without more, passes on what it gets. It
// asks nobody for names.
func runSquid(t *testing.T, dir, squid, port, more string) string {
	t.Helper()
	number := freePort(t)
	give(t, writeTo(t, dir, "squid.log", ""), "proxy")
	config := writeTo(t, dir, "squid.conf", fmt.Sprintf(`
http_port 127.0.0.1:%[2]s %[3]s
%[4]s
http_access allow all
access_log none
cache_log %[1]s/squid.log
pid_filename none
coredump_dir %[1]s
shutdown_lifetime 1 seconds
pinger_enable off
dns_nameservers 127.0.0.1
dns_retransmit_interval 1 seconds
dns_timeout 1 seconds
`, dir, number, port, more))
	start(t, dir, number, squid, "-N", "-f", config)
	return number
}

// TestSSLsplit: its leaf has a key of its own under a root that nobody named
// (0.5.5). A static destination: its SNI mode resets any ClientHello above 1 KiB.
func TestSSLsplit(t *testing.T) {
	programs := need(t, "nginx", "sslsplit")
	o := newOrigin(t, programs[0])
	port := freePort(t)
	start(t, o.dir, port, programs[1], "-D", "-k", o.file("interceptor.key"), "-c", o.file("interceptor.pem"), "https", "127.0.0.1", port, "127.0.0.1", o.port)
	o.scan(t, port).wantCaught(t, caught, untrusted)
}
