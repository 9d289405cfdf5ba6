package e2e

import (
	"fmt"
	"strings"
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
	t.Run("SRV", func(t *testing.T) {
		need(t, "named", "unbound", "dnssec-keygen", "dnssec-signzone")
		serve(t, "srv.lua", "")
		_, wrong := o.tlsa(t, c2s)
		wrong = strings.Replace(wrong, host, "chat.lab.example", 1) // RFC 7673: of the host that the record names
		records := "_xmpp-client._tcp.time.lab SRV 0 0 " + c2s + " chat.lab\nchat.lab A 127.0.0.1\n"
		for want, more := range map[string]string{"": "", "dns-tlsa-mismatch": wrong} {
			r := scan(t, "xmpp://"+host, "--follow", "srv", "--online", "dns", "--resolver", o.startDNS(t, zone{records: records + more, signed: true}),
				"--roots", o.file("root.pem"), "--rule", "dns-*")
			if want == "" {
				r.wantRules(t, 0)
			} else {
				r.wantRules(t, 1, want)
			}
			if r.Subjects[0].ID != "xmpp://"+host+":"+c2s+"/127.0.0.1?srv=chat.lab.example" {
				t.Errorf("subject is %s", r.Subjects[0].ID)
			}
		}
	})
	t.Run("stripped", func(t *testing.T) {
		serve(t, "plain.lua", `"tls"`)
		o.scanAs(t, "xmpp", c2s).wantOnlyError(t, "starttls", "does not offer STARTTLS")
	})
}
