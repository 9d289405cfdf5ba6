package e2e

import (
	"fmt"
	"testing"
)

// TestFTP: vsftpd, which is no server without root.
func TestFTP(t *testing.T) {
	vsftpd := need(t, "vsftpd")[0]
	needRoot(t)
	o := newSite(t)
	serve := func(t *testing.T, name, more string) string {
		t.Helper()
		port := freePort(t)
		o.write(t, name, fmt.Sprintf(`listen=YES
background=NO
listen_address=127.0.0.1
listen_port=%s
anonymous_enable=YES
seccomp_sandbox=NO
secure_chroot_dir=%s
`, port, o.makeDir(t, "empty"))+more)
		start(t, o.dir, port, vsftpd, o.file(name))
		return port
	}
	tls := fmt.Sprintf("ssl_enable=YES\nrsa_cert_file=%[1]s/chain.pem\nrsa_private_key_file=%[1]s/key.pem\n", o.dir)
	t.Run("auth tls", func(t *testing.T) { o.scanAs(t, "ftp", serve(t, "tls.conf", tls)).wantOK(t) })
	t.Run("implicit", func(t *testing.T) { o.scanAs(t, "ftps", serve(t, "implicit.conf", tls+"implicit_ssl=YES\n")).wantOK(t) })
	t.Run("stripped", func(t *testing.T) {
		o.scanAs(t, "ftp", serve(t, "plain.conf", "")).wantOnlyError(t, "starttls", "does not know AUTH TLS")
	})
}

// TestNTS: chronyd without the right to set the clock, and nginx, which
// keeps no time.
func TestNTS(t *testing.T) {
	programs := need(t, "chronyd", "nginx")
	o := newSite(t)
	port, ntp := freePort(t), freePort(t)
	o.write(t, "chrony.conf", fmt.Sprintf(`
bindaddress 127.0.0.1
port %[3]s
cmdport 0
bindcmdaddress /
ntsport %[2]s
ntsservercert %[1]s/chain.pem
ntsserverkey %[1]s/key.pem
ntsprocesses 0
pidfile %[1]s/chrony.pid
local stratum 10
allow 127.0.0.1
`, o.dir, port, ntp))
	o.chmod(t, "key.pem", 0o600)
	give(t, o.dir, "_chrony")
	program, args := as(t, "_chrony", programs[0], "-d", "-x", "-U", "-u", "_chrony", "-f", o.file("chrony.conf"))
	start(t, o.dir, port, program, args...)
	o.scanAs(t, "nts", port).wantOK(t)

	// TLS alone makes no time server.
	web := newOrigin(t, programs[1])
	web.scanAs(t, "nts", web.port).wantErrors(t, "no application protocol")
}
