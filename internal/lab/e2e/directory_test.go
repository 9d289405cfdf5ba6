package e2e

import (
	"fmt"
	"testing"
)

// TestLDAP: OpenLDAP's slapd, with StartTLS and without.
func TestLDAP(t *testing.T) {
	slapd := need(t, "slapd")[0]
	o := newSite(t)
	serve := func(t *testing.T, name, tls string) string {
		t.Helper()
		port := freePort(t)
		o.write(t, name, tls+"\n")
		start(t, o.dir, port, slapd, "-d", "0", "-h", "ldap://127.0.0.1:"+port+"/", "-f", o.file(name))
		return port
	}
	t.Run("starttls", func(t *testing.T) {
		port := serve(t, "tls.conf", fmt.Sprintf("TLSCertificateFile %[1]s/chain.pem\nTLSCertificateKeyFile %[1]s/key.pem", o.dir))
		o.scanAs(t, "ldap", port).wantOK(t)
	})
	t.Run("stripped", func(t *testing.T) {
		o.scanAs(t, "ldap", serve(t, "plain.conf", "idletimeout 60")).wantOnlyError(t, "starttls", "StartTLS")
	})
}

// TestXMPP: Prosody for clients and for servers.
func TestXMPP(t *testing.T) {
	prosody := need(t, "prosody")[0]
	o := newSite(t)
	c2s, s2s := freePort(t), freePort(t)
	config := `
daemonize = false
pidfile = "%[1]s/data/pid"
data_path = "%[1]s/data"
log = { warn = "*console" }
interfaces = { "127.0.0.1" }
c2s_ports = { %[2]s }
s2s_ports = { %[3]s }
modules_enabled = { "tls", "saslauth", "dialback" }
modules_disabled = { %[4]s }
c2s_require_encryption = false
s2s_require_encryption = false
authentication = "internal_hashed"
ssl = { certificate = "%[1]s/chain.pem", key = "%[1]s/key.pem" }
VirtualHost "` + host + `"
`
	serve := func(t *testing.T, name, disabled string) {
		t.Helper()
		give(t, o.makeDir(t, "data"), "prosody")
		o.write(t, name, fmt.Sprintf(config, o.dir, c2s, s2s, disabled))
		program, args := as(t, "prosody", prosody, "-F", "--config", o.file(name))
		start(t, o.dir, c2s, program, args...)
	}
	t.Run("starttls", func(t *testing.T) {
		serve(t, "tls.lua", "")
		o.scanAs(t, "xmpp", c2s).wantOK(t)
		o.scanAs(t, "xmpp-server", s2s).wantOK(t)
	})
	t.Run("stripped", func(t *testing.T) {
		serve(t, "plain.lua", `"tls"`)
		o.scanAs(t, "xmpp", c2s).wantOnlyError(t, "starttls", "does not offer STARTTLS")
	})
}
