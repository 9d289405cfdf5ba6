package chain

import (
	"testing"

	"github.com/certassay/certassay/internal/lab"
)

// What stands behind a leaf that reaches a root is foreign where it names the
// same server and its issuer, who is there, reaches none. Without the issuer
// nothing is decided, and what the same CA issued belongs there.
func TestForeignTail(t *testing.T) {
	l := lab.New(lab.Config{})
	named := func(name string) lab.Case {
		for _, c := range lab.Cases() {
			if c.Name == name {
				return c
			}
		}
		t.Fatalf("the laboratory has no case %s", name)
		return lab.Case{}
	}
	foreign, selfSigned := named("foreign-tail").Chain, named("self-signed").Chain
	renewed := l.LeafTemplate()
	renewed.Key, renewed.Serial = lab.ForgedKey(), lab.SerialOf("renewed")
	renewed.Set(lab.SKI(renewed.Key.ID))
	other := lab.New(lab.Config{Host: "www.bank.example", At: l.At})
	// Certificates without alternative names are for their common name.
	commonName := func(host string, ca *lab.CA) []byte {
		t := l.LeafTemplate()
		t.Subject, t.Key, t.Serial = lab.Named("CN="+host), lab.ForgedKey(), lab.SerialOf("cn "+host)
		t.Issuer, t.Extensions = t.Subject, nil
		if ca != nil {
			t.Issuer = ca.Name
			return t.Sign(ca.Key, "")
		}
		return t.Sign(t.Key, "")
	}
	stranger := l.SelfSignedCA(lab.Named("O=Strange Trust, CN=Strange CA 1"), lab.InterceptorKey())
	yes, no := true, false
	for _, c := range []struct {
		name  string
		chain [][]byte
		live  bool
		want  *bool
	}{
		{"honest", l.Chain(), false, &no},
		{"interceptor's behind it", foreign, false, &yes},
		{"without the interceptor's CA", foreign[:3], false, nil},
		{"self-signed behind it", append(l.Chain(), selfSigned[0]), false, nil},
		{"self-signed behind it, of that common name", append(l.Chain(), commonName(l.Host, nil)), false, nil},
		{"self-signed behind it, of another common name", append(l.Chain(), commonName("www.bank.example", nil)), false, &no},
		{"a stranger's behind it, of that common name", append(l.Chain(), commonName(l.Host, stranger), stranger.DER), false, &yes},
		{"a stranger's behind it, of another common name", append(l.Chain(), commonName("www.bank.example", stranger), stranger.DER), false, &no},
		{"renewed by the same CA", append(l.Chain(), l.Issue(renewed)), false, &no},
		{"another server's behind it", append(l.Chain(), other.Leaf), false, &no},
		{"the root behind it", append(l.Chain(), l.Root.DER), false, &no},
		{"a server sent it", foreign, true, &no},
		{"the leaf reaches no root either", foreign[2:], false, &no},
	} {
		in := input(t, owners(l.Root.DER), c.chain...)
		in.Name, in.At, in.Live = l.Host, l.At, c.live
		reasons := map[string]string{}
		got := Chain(in, reasons).ForeignTail
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: foreign tail = %v, want %v", c.name, got, c.want)
		}
		if (got == nil) != (reasons["chain.foreign_tail"] != "") {
			t.Errorf("%s: reason %q", c.name, reasons["chain.foreign_tail"])
		}
	}
}
