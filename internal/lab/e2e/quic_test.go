package e2e

import (
	"fmt"
	"testing"
)

// startQUIC runs Caddy with the genuine chain: it serves HTTP/3 on the UDP port of
// the same number.
func startQUIC(t *testing.T, o origin) string {
	t.Helper()
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
	start(t, dir, port, lookup(t, "caddy"), "run", "--config", config, "--adapter", "caddyfile")
	return port
}

// TestInterceptedQUIC: Caddy with certificates of its own making.
func TestInterceptedQUIC(t *testing.T) {
	programs := need(t, "nginx", "caddy")
	o := newOrigin(t, programs[0])
	port := startCaddy(t, o, programs[1], o.interceptor())
	scan(t, "quic://"+host+":"+port, "--resolve", host+":"+port+":127.0.0.1", "--roots", o.file("root.pem")).wantCaught(t, caught, untrusted)
}
