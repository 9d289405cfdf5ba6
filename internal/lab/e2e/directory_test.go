package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// startLDAP runs OpenLDAP's slapd on a plain port and on one where TLS begins with
// the first byte, or without TLS.
func startLDAP(t *testing.T, o origin, tls bool) (plain, wrapped string) {
	t.Helper()
	plain, wrapped = freePort(t), freePort(t)
	name, text, urls := "ldap-plain.conf", "idletimeout 60\n", "ldap://127.0.0.1:"+plain+"/"
	if tls {
		name, urls = "ldap-tls.conf", urls+" ldaps://127.0.0.1:"+wrapped+"/"
		text = fmt.Sprintf("TLSCertificateFile %[1]s/chain.pem\nTLSCertificateKeyFile %[1]s/key.pem\n", o.dir)
	}
	o.write(t, name, text)
	start(t, o.dir, plain, lookup(t, "slapd"), "-d", "0", "-h", urls, "-f", o.file(name))
	return plain, wrapped
}

// startProsody runs Prosody for clients and for servers, with some modules
// disabled.
func startProsody(t *testing.T, o origin, name, disabled string) (c2s, s2s string) {
	t.Helper()
	c2s, s2s = freePort(t), freePort(t)
	data := o.makeDir(t, "prosody-"+name)
	give(t, data, "prosody")
	o.write(t, name+".lua", fmt.Sprintf(`
daemonize = false
pidfile = "%[1]s/pid"
data_path = "%[1]s"
log = { warn = "*console" }
interfaces = { "127.0.0.1" }
c2s_ports = { %[2]s }
s2s_ports = { %[3]s }
modules_enabled = { "tls", "saslauth", "dialback" }
modules_disabled = { %[4]s }
c2s_require_encryption = false
s2s_require_encryption = false
authentication = "internal_hashed"
ssl = { certificate = "%[5]s/chain.pem", key = "%[5]s/key.pem" }
VirtualHost "`+host+`"
`, data, c2s, s2s, disabled, o.dir))
	program, args := as(t, "prosody", lookup(t, "prosody"), "-F", "--config", o.file(name+".lua"))
	start(t, o.dir, c2s, program, args...)
	return c2s, s2s
}

// TestXMPPOfSRV: the server that the domain's SRV record names, with its TLSA
// record and with another.
func TestXMPPOfSRV(t *testing.T) {
	need(t, "prosody", "named", "unbound", "dnssec-keygen", "dnssec-signzone")
	o := newSite(t)
	c2s, _ := startProsody(t, o, "srv", "")
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
}
