package e2e

import (
	"fmt"
	"strconv"
	"testing"
)

// startVNC runs TigerVNC with some security types.
func startVNC(t *testing.T, o origin, security string) string {
	t.Helper()
	port := freePort(t)
	// The number of a display is taken, machine-wide: one per process and port.
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	start(t, o.dir, port, lookup(t, "Xtigervnc"), ":"+strconv.Itoa(100+number%60000), "-rfbport", port, "-interface", "127.0.0.1", "-nolisten", "unix",
		"-SecurityTypes", security, "-X509Cert", o.file("chain.pem"), "-X509Key", o.file("key.pem"), "-geometry", "640x480", "-depth", "16")
	return port
}

// TestAnonymousVNC: VeNCrypt without a certificate is TLS with anybody.
func TestAnonymousVNC(t *testing.T) {
	need(t, "Xtigervnc")
	o := newSite(t)
	o.scanAs(t, "vnc", startVNC(t, o, "TLSNone")).wantOnlyError(t, "starttls", "TLS with a certificate")
}

// startRDP runs xrdp with TLS or with RDP's own encryption.
func startRDP(t *testing.T, o origin, layer string) string {
	t.Helper()
	port := freePort(t)
	o.write(t, "rdp-"+layer+".ini", fmt.Sprintf(`[Globals]
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
	start(t, o.dir, port, lookup(t, "xrdp"), "--nodaemon", "--config", o.file("rdp-"+layer+".ini"))
	return port
}
