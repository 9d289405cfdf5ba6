package e2e

import (
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/lab"
)

// TestHops: the first router takes the connections of port 443 to itself, and shows
// a certificate of its own; the server is three hops farther. Where the system gives
// us no network of our own, that is logged: nothing can be tried there.
func TestHops(t *testing.T) {
	openssl := need(t, "openssl")[0]
	dir := workDir(t)
	run(t, dir, openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "9", "-subj", "/CN="+host, "-addext", "subjectAltName=DNS:"+host)
	out, taken := lab.Routers(t, "cd "+dir+" && exec "+openssl+" s_server -accept 4443 -cert cert.pem -key key.pem -quiet",
		binary+" scan 203.0.113.2 --name "+host+" --sni "+host+" --probe-path --timeout 30s -v")
	switch {
	case strings.Contains(out, host) && taken:
		for _, want := range []string{"1 hop away", "chain-untrusted-root", "path-hops-nearer", "port 80 at 4"} {
			if !strings.Contains(out, want) {
				t.Errorf("nothing says %q:\n%s", want, out)
			}
		}
	default:
		t.Logf("this machine gives us no network of our own, or no router that takes a port to itself:\n%s", out)
	}
}
