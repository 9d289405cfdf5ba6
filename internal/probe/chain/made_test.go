//go:debug x509negativeserial=1
package chain

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

const host = "time.lab.example"

// A made is an honest chain before it is signed, to be spoilt by a test.
type made struct {
	root, mid, leaf lab.Template
	// rootKey and midKey sign.
	rootKey, midKey *lab.Key
}

func honest() *made {
	m := &made{rootKey: lab.RootKey(), midKey: lab.IssuingKey()}
	m.root = ca("CN=Test Root", "CN=Test Root", m.rootKey, nil, -1)
	m.root.Drop(lab.IDAKI)
	m.mid = ca("CN=Test CA", "CN=Test Root", m.midKey, m.rootKey, 0)
	m.leaf = leafOf("CN=Test CA", m.midKey)
	return m
}

func ca(subject, issuer string, k, by *lab.Key, pathLen int) lab.Template {
	t := lab.Template{
		Serial: lab.SerialOf(subject + issuer), Subject: lab.Named(subject), Issuer: lab.Named(issuer), Key: k,
		NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(8, 0, 0),
		Extensions: []lab.Extension{
			lab.Basic(true, pathLen).MakeCritical(), lab.KeyUsage(lab.KeyCertSign, lab.CRLSign).MakeCritical(), lab.SKI(k.ID),
		},
	}
	if by != nil {
		t.Set(lab.AKI(by.ID))
	}
	return t
}

func leafOf(issuer string, by *lab.Key) lab.Template {
	return lab.Template{
		Serial: lab.SerialOf("leaf" + issuer), Subject: lab.Named("CN=" + host), Issuer: lab.Named(issuer), Key: lab.LeafKey(),
		NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(0, 2, 0),
		Extensions: []lab.Extension{
			lab.KeyUsage(lab.DigitalSignature).MakeCritical(), lab.ExtKeyUsage(lab.ServerAuth), lab.Basic(false, -1).MakeCritical(),
			lab.SKI(lab.LeafKey().ID), lab.AKI(by.ID), lab.SAN(host),
		},
	}
}

// served signs everything: the chain as served, and the root.
func (m *made) served() (chain [][]byte, root []byte) {
	return [][]byte{m.leaf.Sign(m.midKey, ""), m.mid.Sign(m.rootKey, "")}, m.root.Sign(m.rootKey, "")
}

// input is what a chain is judged from, with the roots as an owner's set.
func input(tb testing.TB, o trust.Options, certs ...[]byte) *Input {
	tb.Helper()
	store, err := trust.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	in := &Input{Name: host, At: now, Trust: store, Check: &signature.Checker{}}
	std := map[*cert.Certificate]*x509.Certificate{}
	for _, der := range certs {
		c := cert.Parse(der)
		in.Certificates = append(in.Certificates, c)
		std[c] = c.Stdlib().Certificate
	}
	in.Parsed = func(c *cert.Certificate) *Parsed { return std[c] }
	return in
}

func owners(roots ...[]byte) trust.Options {
	return trust.Options{Sets: []trust.Set{{Name: "owner", Certificates: roots}}}
}

func (m *made) judge(tb testing.TB) *facts.Chain {
	tb.Helper()
	chain, root := m.served()
	return Chain(input(tb, owners(root), chain...), map[string]string{})
}

// newKey makes a key of its own: graphs need more than the laboratory has.
func newKey(tb testing.TB) *lab.Key {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	point, err := k.PublicKey.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	id := sha1.Sum(point)
	return &lab.Key{Signer: k, SPKI: spki, ID: id[:]}
}

// A tree is one subtree of name constraints to write.
type tree struct {
	tag   uint8
	value []byte
}

func dnsTree(s string) tree { return tree{2, []byte(s)} }

// names writes a name constraints extension.
func names(permitted, excluded []tree) lab.Extension {
	list := func(b *cryptobyte.Builder, tag uint8, trees []tree) {
		if trees == nil {
			return
		}
		b.AddASN1(asn1.Tag(tag).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			for _, t := range trees {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					tag := asn1.Tag(t.tag).ContextSpecific()
					if t.tag == 4 {
						tag = tag.Constructed()
					}
					b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(t.value) })
				})
			}
		})
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		list(b, 0, permitted)
		list(b, 1, excluded)
	})
	return lab.Extension{ID: "2.5.29.30", Critical: true, Value: b.BytesOrPanic()}
}

// tell writes what a test wants to see of a chain.
func tell(f *facts.Chain) string {
	s := fmt.Sprintf("anchor %s, verify %q", f.Anchor, f.VerifyError)
	for _, v := range f.Violations {
		s += fmt.Sprintf("; %s at %d: %s", v.Reason, v.Index, v.Detail)
	}
	return s
}
