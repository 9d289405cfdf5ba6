package e2e

import (
	"fmt"
	"testing"
)

// startFTP runs vsftpd, which is no server without root.
func startFTP(t *testing.T, o origin, name, more string) string {
	t.Helper()
	needRoot(t)
	port := freePort(t)
	o.write(t, "ftp-"+name+".conf", fmt.Sprintf(`listen=YES
background=NO
listen_address=127.0.0.1
listen_port=%s
anonymous_enable=YES
seccomp_sandbox=NO
secure_chroot_dir=%s
%s`, port, o.makeDir(t, "empty"), more))
	start(t, o.dir, port, lookup(t, "vsftpd"), o.file("ftp-"+name+".conf"))
	return port
}

// startNTS runs chronyd without the right to set the clock.
func startNTS(t *testing.T, o origin) string {
	t.Helper()
	port, dir := freePort(t), o.makeDir(t, "chrony")
	o.write(t, "chrony/conf", fmt.Sprintf(`
bindaddress 127.0.0.1
port %[3]s
cmdport 0
bindcmdaddress /
ntsport %[2]s
ntsservercert %[1]s/chain.pem
ntsserverkey %[5]s
ntsprocesses 0
pidfile %[4]s/pid
local stratum 10
allow 127.0.0.1
`, o.dir, port, freePort(t), dir, o.ownKey(t, "chrony.key", "_chrony")))
	give(t, dir, "_chrony")
	program, args := as(t, "_chrony", lookup(t, "chronyd"), "-d", "-x", "-U", "-u", "_chrony", "-f", o.file("chrony/conf"))
	start(t, o.dir, port, program, args...)
	return port
}
