package chain

import (
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// A leaf without alternative names that says it is a server's is for its common
// name, public or private. What does not say so may be anybody's, and what has
// alternative names is for these.
func TestCommonNameExpectsAnchor(t *testing.T) {
	l := lab.New(lab.Config{})
	ca := l.SelfSignedCA(lab.Named("O=Strange Trust, CN=Strange CA 1"), lab.InterceptorKey())
	server, mail := lab.ExtKeyUsage("1.3.6.1.5.5.7.3.1"), lab.ExtKeyUsage("1.3.6.1.5.5.7.3.4")
	authority := lab.Basic(true, -1)
	yes := true
	for _, c := range []struct {
		name, subject string
		extensions    []lab.Extension
		want          *bool
		hint          string
	}{
		{"a server's", "CN=www.bank.example", []lab.Extension{server}, &yes, ""},
		{"a wildcard", "CN=*.bank.example", []lab.Extension{server}, &yes, ""},
		{"a public address", "CN=8.8.8.8", []lab.Extension{server}, &yes, ""},
		{"public beside private", "CN=www.bank.example, CN=gate.internal", []lab.Extension{server}, &yes, ""},
		{"a private name", "CN=gate.internal", []lab.Extension{server}, nil, "private name"},
		{"a private address", "CN=10.0.0.1", []lab.Extension{server}, nil, "private name"},
		{"no purpose", "CN=www.bank.example", nil, nil, "in its common name alone"},
		{"for mail", "CN=anna.li", []lab.Extension{mail}, nil, "in its common name alone"},
		{"a CA's", "CN=ca.bank.example", []lab.Extension{server, authority}, nil, "in its common name alone"},
		{"from when common names were read", "CN=www.bank.example", []lab.Extension{server}, nil, "in its common name alone"},
		{"a person", "CN=Anna Li", []lab.Extension{server}, nil, "names no host"},
		{"alternative names", "CN=www.bank.example", []lab.Extension{server, lab.DNSNames()}, nil, "names no host"},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaf := l.LeafTemplate()
			leaf.Subject, leaf.Issuer, leaf.Key, leaf.Extensions = lab.Named(c.subject), ca.Name, lab.ForgedKey(), c.extensions
			if c.name == "from when common names were read" {
				leaf.NotBefore = commonNameEnd.Add(-time.Second)
			}
			in := input(t, trust.Options{}, leaf.Sign(ca.Key, ""), ca.DER)
			in.Name, in.At = "", l.At
			reasons := map[string]string{}
			got := Chain(in, reasons).AnchorExpected
			if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("anchor expected = %v, want %v", got, c.want)
			}
			if r := reasons["chain.anchor_expected"]; !strings.Contains(r, c.hint) || (r == "") != (c.hint == "") {
				t.Errorf("reason = %q, want one with %q", r, c.hint)
			}
		})
	}
}
