package intercept

import (
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/probe/clock"
	"github.com/certassay/certassay/internal/probe/encoding"
)

// Tools are recognised by what their code writes, their honest twins are not.
func TestKnown(t *testing.T) {
	want := map[string]struct{ interceptor, tool, shape, example string }{
		"honest":                  {},
		"honest-wildcard":         {},
		"own-key-mitmproxy":       {interceptor: "mitmproxy", shape: "mitmproxy"},
		"own-key-squid":           {shape: "squid"},
		"untrusted-root-sslsplit": {shape: "sslsplit"},
		"c2-cobalt-strike":        {tool: "Cobalt Strike"},
		"default-values-openssl":  {example: "OpenSSL req defaults"},
		"own-key-genuine-issuer":  {},
	}
	for _, c := range lab.Cases() {
		w, ok := want[c.Name]
		if !ok {
			continue
		}
		delete(want, c.Name)
		leaf := cert.Parse(c.Chain[0])
		k := Known(leaf, clock.Validity(leaf, c.At), encoding.Extensions(leaf))
		if k == nil || k.Interceptor != w.interceptor || k.AttackTool != w.tool || k.ToolShape != w.shape || k.DefaultValues != w.example {
			t.Errorf("Known(%s) = %+v, want %+v", c.Name, k, w)
		}
	}
	for name := range want {
		t.Errorf("the lab has no case %q", name)
	}
	if k := Known(cert.Parse(nil), nil, nil); k != nil {
		t.Errorf("Known(nothing) = %+v, want nil: unknown", k)
	}
}
