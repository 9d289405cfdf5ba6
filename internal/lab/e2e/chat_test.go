package e2e

import (
	"fmt"
	"testing"
)

// TestIRC: InspIRCd with STARTTLS, with TLS from the first byte, and without.
func TestIRC(t *testing.T) {
	inspircd := need(t, "inspircd")[0]
	o := newSite(t)
	plain, wrapped := freePort(t), freePort(t)
	serve := func(t *testing.T, name, modules string) {
		t.Helper()
		o.write(t, name, fmt.Sprintf(`<config format="xml">
<server name="irc.lab.example" description="lab" network="lab">
<admin name="lab" nick="lab" email="lab@lab.example">
<pid file="%[1]s/%[4]s.pid">
<path configdir="%[1]s" datadir="%[1]s" logdir="%[1]s">
<module name="cap">
%[5]s
<bind address="127.0.0.1" port="%[2]s" type="clients">
<connect allow="*">
`, o.dir, plain, wrapped, name, modules))
		program, args := as(t, "irc", inspircd, "--nofork", "--nolog", "--config", o.file(name))
		start(t, o.dir, plain, program, args...)
	}
	give(t, o.dir, "irc")
	t.Run("starttls", func(t *testing.T) {
		serve(t, "tls.conf", fmt.Sprintf(`<module name="ssl_gnutls"><module name="starttls">
<sslprofile name="lab" provider="gnutls" certfile="%[1]s/chain.pem" keyfile="%[1]s/key.pem">
<bind address="127.0.0.1" port="%[2]s" type="clients" sslprofile="lab">`, o.dir, wrapped))
		o.scanAs(t, "irc", plain).wantOK(t)
		o.scanAs(t, "ircs", wrapped).wantOK(t)
	})
	t.Run("stripped", func(t *testing.T) {
		serve(t, "plain.conf", "")
		o.scanAs(t, "irc", plain).wantOnlyError(t, "starttls", "does not offer STARTTLS")
	})
}
