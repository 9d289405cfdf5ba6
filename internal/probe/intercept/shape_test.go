package intercept

import (
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/probe/clock"
	"github.com/certassay/certassay/internal/probe/encoding"
)

// A camera has the key and extensions that Metasploit writes, under a CA of its
// own, and imitates nobody.
func TestImpersonated(t *testing.T) {
	begin := time.Date(2013, 6, 18, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ subject, issuer, want string }{
		{"CN=192.168.1.108", "CN=Product Root CA", ""},
		{"CN=192.168.1.108", "CN=192.168.1.108", "Metasploit impersonate_ssl"},
		{"CN=www.bank.example", "CN=Product Root CA", "Metasploit impersonate_ssl"},
		{"CN=192.0.2.1", "CN=Product Root CA", "Metasploit impersonate_ssl"},
	} {
		key := lab.WeakKey()
		tpl := lab.Template{
			Serial: lab.SerialOf("camera"), Subject: lab.Named(tt.subject), Issuer: lab.Named(tt.issuer), Key: key,
			NotBefore: begin, NotAfter: begin.AddDate(3, 0, 0), Extensions: []lab.Extension{lab.Basic(false, -1).MakeCritical(), lab.SKI(key.ID)},
		}
		c := cert.Parse(tpl.Sign(key, lab.SHA1RSA))
		k := Known(c, clock.Validity(c, begin), encoding.Extensions(c))
		if k == nil || k.ToolShape != tt.want {
			t.Errorf("%s of %s: %+v, want the habits of %q", tt.subject, tt.issuer, k, tt.want)
		}
	}
}
