package issuance

import (
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
)

func TestClaimedCA(t *testing.T) {
	l := lab.New(lab.Config{})
	store, err := trust.Open(trust.Options{
		Sets:  []trust.Set{{Name: "lab", Certificates: l.Roots()}},
		Known: [][]byte{l.Intermediate.DER},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*lab.Template)
		by     *lab.Key
		// what is known of the CA
		known, exact, keyID, verifies bool
		other                         string
	}{
		{"honest", func(*lab.Template) {}, l.Intermediate.Key, true, true, true, true, ""},
		{"forged under the CA's name", func(*lab.Template) {}, lab.ForgedKey(), true, true, true, false, ""},
		{"forged with its own identifier", func(c *lab.Template) { c.Set(lab.AKI(lab.ForgedKey().ID)) }, lab.ForgedKey(), true, true, false, false, ""},
		{"name in another string type", func(c *lab.Template) {
			c.Issuer = lab.DN(lab.Attr{Type: "C", Value: "XX"}, lab.Attr{Type: "O", Value: "Lab Trust Services", Tag: 19}, lab.Attr{Type: "CN", Value: "Lab TLS CA 1"})
		}, lab.ForgedKey(), true, false, true, false, ""},
		{"identifier of a CA under another name", func(c *lab.Template) { c.Issuer = lab.Named("CN=Proxy") }, lab.ForgedKey(), false, false, false, false, "CN=Lab TLS CA 1,O=Lab Trust Services,C=XX"},
		{"the same CA under a new name", func(c *lab.Template) { c.Issuer = lab.Named("CN=Renamed") }, l.Intermediate.Key, false, false, false, false, ""},
		{"a stranger", func(c *lab.Template) {
			c.Issuer = lab.Named("CN=Proxy")
			c.Set(lab.AKI(lab.ForgedKey().ID))
		}, lab.ForgedKey(), false, false, false, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leaf := l.LeafTemplate()
			tt.change(&leaf)
			f := ClaimedCA(cert.Parse(leaf.Sign(tt.by, "")), store, &signature.Checker{})
			verifies := f.Verifies != nil && *f.Verifies
			if f.NameKnown != tt.known || f.NameExact != tt.exact || f.KeyID != tt.keyID || verifies != tt.verifies || f.KeyIDElse != tt.other {
				t.Errorf("ClaimedCA = %+v (verifies %v), want %+v", f, verifies, tt)
			}
			if tt.known && f.Source != "known" {
				t.Errorf("source = %q, want known", f.Source)
			}
		})
	}
}

func TestClaimedCAUnreadable(t *testing.T) {
	store, err := trust.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := ClaimedCA(cert.Parse([]byte("no certificate")), store, &signature.Checker{}); f != nil {
		t.Errorf("ClaimedCA = %+v, want nil", f)
	}
}
