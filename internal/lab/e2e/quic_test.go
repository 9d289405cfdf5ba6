package e2e

import (
	"fmt"
	"testing"
)

// TestQUIC: Caddy serves HTTP/3 on the UDP port of the same number, the genuine
// chain or certificates of its own making.
func TestQUIC(t *testing.T) {
	programs := need(t, "nginx", "caddy")
	o := newOrigin(t, programs[0])
	dir, port := o.fresh(t), freePort(t)
	config := writeTo(t, dir, "Caddyfile", fmt.Sprintf(`{
  admin off
  auto_https off
  storage file_system %[1]s/store
}
https://:%[2]s {
  bind 127.0.0.1
  tls %[3]s %[4]s
  respond "honest"
}
`, dir, port, o.file("chain.pem"), o.file("key.pem")))
	start(t, dir, port, programs[1], "run", "--config", config, "--adapter", "caddyfile")
	quic := func(port string) report {
		return scan(t, "quic://"+host+":"+port, "--resolve", host+":"+port+":127.0.0.1", "--roots", o.file("root.pem"))
	}
	quic(port).wantOK(t)
	quic(startCaddy(t, o, programs[1], o.interceptor())).wantCaught(t, caught, untrusted)
	// nginx of Debian speaks TLS over TCP alone.
	quic(o.port).wantOnlyError(t, "dial", "no answer to QUIC")
}
