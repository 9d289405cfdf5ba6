package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// furtherForgers are those that need more to be started than a line of arguments.
var furtherForgers = []forger{
	{
		name: "goproxy", robust: []string{untrusted}, byConnect: true,
		start: func(t *testing.T, o origin, _ []string, ca caFiles) (string, bool) {
			return startGoForger(t, o, "goproxy", ca), true
		},
	},
	{
		name: "martian", robust: []string{untrusted},
		start: func(t *testing.T, o origin, _ []string, ca caFiles) (string, bool) {
			return startGoForger(t, o, "martian", ca), true
		},
	},
	{
		name: "trafficserver", programs: []string{"traffic_server", "openssl"}, robust: []string{untrusted, ownKey},
		start: func(t *testing.T, o origin, programs []string, ca caFiles) (string, bool) {
			return startTrafficServer(t, o, programs[0], programs[1], ca), false
		},
	},
	{
		name: "nginx with a certificate for the name", robust: []string{untrusted}, careful: true,
		start: func(t *testing.T, o origin, _ []string, ca caFiles) (string, bool) {
			return startTerminator(t, o, ca), false
		},
	},
	{
		name: "http-mitm-proxy", programs: []string{"node"}, robust: []string{untrusted}, byConnect: true,
		start: func(t *testing.T, o origin, programs []string, ca caFiles) (string, bool) {
			return startHTTPMitmProxy(t, o, programs[0], ca), true
		},
	},
}

// goForgers builds the program of internal/lab/realforgers once.
var goForgers = sync.OnceValues(func() (string, error) {
	path := filepath.Join(shared, "realforgers")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = "../realforgers"
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building internal/lab/realforgers: %w\n%s", err, out)
	}
	return path, nil
})

// startGoForger runs goproxy or martian.
func startGoForger(t *testing.T, o origin, kind string, ca caFiles) string {
	t.Helper()
	path, err := goForgers()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	program, args := withoutDNS(t, o, path, kind, "127.0.0.1:"+port, ca.certificate, ca.key)
	start(t, o.dir, port, program, args...)
	return port
}

// startTrafficServer runs Apache Traffic Server with its certifier, which makes a
// certificate for whatever name the ClientHello has.
func startTrafficServer(t *testing.T, o origin, server, openssl string, ca caFiles) string {
	t.Helper()
	needRoot(t)
	dir, port := o.fresh(t), freePort(t)
	for _, name := range []string{"etc", "var", "log", "store", "run", "cache", "state"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, filepath.Join(dir, "etc"), openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=default", "-keyout", "d.key", "-out", "d.crt")
	copyFile(t, ca.certificate, filepath.Join(dir, "ca.crt"))
	copyFile(t, ca.key, filepath.Join(dir, "ca.key"))
	writeTo(t, dir, "serial", "1000\n")
	for name, text := range map[string]string{
		"etc/records.config": fmt.Sprintf(`CONFIG proxy.config.http.server_ports STRING %[1]s:ssl:ip-in=127.0.0.1
CONFIG proxy.config.ssl.server.cert.path STRING %[2]s/etc
CONFIG proxy.config.ssl.server.private_key.path STRING %[2]s/etc
CONFIG proxy.config.ssl.client.verify.server.policy STRING DISABLED
CONFIG proxy.config.url_remap.remap_required INT 0
CONFIG proxy.config.reverse_proxy.enabled INT 0
CONFIG proxy.config.admin.user_id STRING trafficserver
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.cache.ram_cache.size INT 1M
CONFIG proxy.config.output.logfile STRING traffic.out
`, port, dir),
		"etc/ssl_multicert.config": "ssl_cert_name=d.crt ssl_key_name=d.key dest_ip=*\n",
		"etc/plugin.config":        fmt.Sprintf("certifier.so --sign-cert=%[1]s/ca.crt --sign-key=%[1]s/ca.key --sign-serial=%[1]s/serial --max=100 --store=%[1]s/store\n", dir),
		"etc/remap.config":         "map / https://127.0.0.1:" + o.port + "/\n",
		"etc/storage.config":       dir + "/cache 16M\n",
		"runroot.yaml": fmt.Sprintf(`prefix: %[1]s
exec_prefix: /usr
bindir: /usr/bin
sbindir: /usr/sbin
sysconfdir: %[1]s/etc
datadir: %[1]s/state
includedir: /usr/include
libdir: /usr/lib
libexecdir: /usr/lib/trafficserver/modules
localstatedir: %[1]s/var
runtimedir: %[1]s/run
logdir: %[1]s/log
cachedir: %[1]s/cache
`, dir),
	} {
		writeTo(t, dir, name, text)
	}
	give(t, dir, "trafficserver")
	start(t, dir, port, lookup(t, "env"), "TS_RUNROOT="+dir, server, "--run-root="+dir+"/runroot.yaml")
	return port
}

// startTerminator runs nginx with a certificate that was made beforehand, for one
// name, and passes on what it decrypts.
func startTerminator(t *testing.T, o origin, ca caFiles) string {
	t.Helper()
	dir, port := o.fresh(t), freePort(t)
	chain := o.forgeUnder(t, ca)
	key, err := x509.MarshalPKCS8PrivateKey(chain.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, der := range chain.Certificate {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	writeTo(t, dir, "chain.pem", text.String())
	writeTo(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	config := writeTo(t, dir, "nginx.conf", fmt.Sprintf(`
daemon off;
pid %[1]s/nginx.pid;
worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  server {
    listen 127.0.0.1:%[2]s ssl http2;
    ssl_certificate %[1]s/chain.pem;
    ssl_certificate_key %[1]s/key.pem;
    location / { proxy_pass https://127.0.0.1:%[3]s; }
  }
}
`, dir, port, o.port))
	start(t, dir, port, lookup(t, "nginx"), "-e", filepath.Join(dir, "nginx.err"), "-p", dir, "-c", config)
	return port
}

// startHTTPMitmProxy runs the module of that name, which .ci/run installs with npm
// where there is one.
func startHTTPMitmProxy(t *testing.T, o origin, node string, ca caFiles) string {
	t.Helper()
	modules := os.Getenv("CERTASSAY_NODE_MODULES")
	if modules == "" {
		t.Skip("CERTASSAY_NODE_MODULES does not name a directory with http-mitm-proxy")
	}
	dir, port := o.fresh(t), freePort(t)
	for _, name := range []string{"certs", "keys"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.LoadX509KeyPair(ca.certificate, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(pair.Leaf.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, ca.certificate, filepath.Join(dir, "certs", "ca.pem"))
	writeTo(t, dir, "keys/ca.private.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	writeTo(t, dir, "keys/ca.public.key", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
	script := writeTo(t, dir, "proxy.cjs", fmt.Sprintf(`
const {Proxy} = require('http-mitm-proxy');
const proxy = new Proxy();
proxy.onError(() => {});
proxy.listen({port: %s, host: '127.0.0.1', sslCaDir: %q});
`, port, dir))
	program, args := withoutDNS(t, o, lookup(t, "env"), "NODE_PATH="+modules, "NODE_TLS_REJECT_UNAUTHORIZED=0", node, script)
	start(t, dir, port, program, args...)
	return port
}
