package e2e

import (
	"fmt"
	"strconv"
	"testing"
)

// TestVNC: TigerVNC with VeNCrypt, with certificates, anonymous, and without TLS.
func TestVNC(t *testing.T) {
	xvnc := need(t, "Xtigervnc")[0]
	o := newSite(t)
	serve := func(t *testing.T, security string) string {
		t.Helper()
		port := freePort(t)
		// The number of a display is taken, machine-wide: one per process and port.
		number, err := strconv.Atoi(port)
		if err != nil {
			t.Fatal(err)
		}
		start(t, o.dir, port, xvnc, ":"+strconv.Itoa(100+number%60000), "-rfbport", port, "-interface", "127.0.0.1", "-nolisten", "unix",
			"-SecurityTypes", security, "-X509Cert", o.file("chain.pem"), "-X509Key", o.file("key.pem"), "-geometry", "640x480", "-depth", "16")
		return port
	}
	t.Run("certificate", func(t *testing.T) { o.scanAs(t, "vnc", serve(t, "None,TLSNone,X509None")).wantOK(t) })
	t.Run("anonymous", func(t *testing.T) {
		o.scanAs(t, "vnc", serve(t, "TLSNone")).wantOnlyError(t, "starttls", "TLS with a certificate")
	})
	t.Run("stripped", func(t *testing.T) {
		o.scanAs(t, "vnc", serve(t, "None")).wantOnlyError(t, "starttls", "does not offer VeNCrypt")
	})
}

// TestRDP: xrdp, with TLS and with RDP's own encryption.
func TestRDP(t *testing.T) {
	xrdp := need(t, "xrdp")[0]
	needRoot(t)
	o := newSite(t)
	serve := func(t *testing.T, layer string) string {
		t.Helper()
		port := freePort(t)
		o.write(t, layer+".ini", fmt.Sprintf(`[Globals]
ini_version=1
fork=true
port=tcp://127.0.0.1:%[2]s
security_layer=%[3]s
crypt_level=high
certificate=%[1]s/chain.pem
key_file=%[1]s/key.pem
ssl_protocols=TLSv1.2, TLSv1.3
rsakeys_ini=/etc/xrdp/rsakeys.ini
[Logging]
LogFile=%[1]s/xrdp.log
EnableSyslog=false
[Xorg]
name=Xorg
lib=libxup.so
`, o.dir, port, layer))
		start(t, o.dir, port, xrdp, "--nodaemon", "--config", o.file(layer+".ini"))
		return port
	}
	t.Run("tls", func(t *testing.T) { o.scanAs(t, "rdp", serve(t, "tls")).wantOK(t) })
	t.Run("stripped", func(t *testing.T) {
		o.scanAs(t, "rdp", serve(t, "rdp")).wantOnlyError(t, "starttls", "own encryption")
	})
}
