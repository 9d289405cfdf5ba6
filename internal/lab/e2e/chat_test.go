package e2e

import (
	"fmt"
	"testing"
)

// startInspIRCd runs InspIRCd with STARTTLS and with TLS from the first byte, or
// with neither.
func startInspIRCd(t *testing.T, o origin, tls bool) (plain, wrapped string) {
	t.Helper()
	plain, wrapped = freePort(t), freePort(t)
	name, modules := "irc-plain", ""
	if tls {
		name, modules = "irc-tls", fmt.Sprintf(`<module name="ssl_gnutls"><module name="starttls">
<sslprofile name="lab" provider="gnutls" certfile="%[1]s/chain.pem" keyfile="%[1]s/key.pem">
<bind address="127.0.0.1" port="%[2]s" type="clients" sslprofile="lab">`, o.dir, wrapped)
	}
	dir := o.makeDir(t, name)
	o.write(t, name+"/conf", fmt.Sprintf(`<config format="xml">
<server name="irc.lab.example" description="lab" network="lab">
<admin name="lab" nick="lab" email="lab@lab.example">
<pid file="%[1]s/pid">
<path configdir="%[1]s" datadir="%[1]s" logdir="%[1]s">
<module name="cap">
%[3]s
<bind address="127.0.0.1" port="%[2]s" type="clients">
<connect allow="*">
`, dir, plain, modules))
	give(t, dir, "irc")
	program, args := as(t, "irc", lookup(t, "inspircd"), "--nofork", "--nolog", "--config", o.file(name+"/conf"))
	start(t, dir, plain, program, args...)
	return plain, wrapped
}
