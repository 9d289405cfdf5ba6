package chain

import (
	"encoding/asn1"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// curveBall is a public key with the point of k on a curve whose parameters are
// written out.
func curveBall(tb testing.TB, k *lab.Key) []byte {
	tb.Helper()
	point := cert.ParseKey(k.SPKI).Public
	type algorithm struct {
		OID    asn1.ObjectIdentifier
		Params asn1.RawValue
	}
	spki, err := asn1.Marshal(struct {
		Algorithm algorithm
		Key       asn1.BitString
	}{
		algorithm{asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, asn1.RawValue{FullBytes: []byte{0x30, 3, 2, 1, 1}}},
		asn1.BitString{Bytes: point, BitLength: 8 * len(point)},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return spki
}

func TestKnowledgeOfLinks(t *testing.T) {
	m := honest()
	_, root := m.served()
	const owner = "CN=Test Root"

	t.Run("point on another curve", func(t *testing.T) {
		m := honest()
		m.mid.Key, m.mid.SPKI = nil, curveBall(t, m.rootKey)
		chain, _ := m.served()
		f := judged(t, owners(root), chain...)
		if f.Links[1].PointOwner != owner || f.Links[0].PointOwner != "" {
			t.Errorf("points of %q and %q", f.Links[0].PointOwner, f.Links[1].PointOwner)
		}
	})
	t.Run("key identifier of another key", func(t *testing.T) {
		m := honest()
		m.mid.Set(lab.SKI(m.rootKey.ID))
		chain, _ := m.served()
		f := judged(t, owners(root), chain...)
		if f.Links[1].KeyIDOwner != owner || f.Links[0].KeyIDOwner != "" {
			t.Errorf("key identifiers of %q and %q", f.Links[0].KeyIDOwner, f.Links[1].KeyIDOwner)
		}
	})
	t.Run("the known CA itself", func(t *testing.T) {
		chain, _ := honest().served()
		f := judged(t, owners(root), append(chain, root)...)
		if l := f.Links[2]; l.KeyOwner != owner || l.KeyIDOwner != "" || l.PointOwner != "" {
			t.Errorf("root: key of %q, identifier of %q, point of %q", l.KeyOwner, l.KeyIDOwner, l.PointOwner)
		}
	})
	t.Run("leaf with the key of a CA", func(t *testing.T) {
		m := honest()
		m.leaf.Key = m.rootKey
		chain, _ := m.served()
		if f := judged(t, owners(root), chain...); f.Links[0].KeyOwner != owner {
			t.Errorf("key of %q, want %q", f.Links[0].KeyOwner, owner)
		}
	})
	t.Run("a server's own certificate that the owner trusts", func(t *testing.T) {
		m := honest()
		m.leaf.Issuer = m.leaf.Subject
		self := m.leaf.Sign(m.leaf.Key, "")
		f := judged(t, owners(self), self)
		if f.Anchor != "inventory" || f.Links[0].KeyOwner != "" {
			t.Errorf("anchor %q, key of %q: the owner named it", f.Anchor, f.Links[0].KeyOwner)
		}
	})
	t.Run("listed as revoked", func(t *testing.T) {
		chain, _ := honest().served()
		sum := cert.Parse(chain[1]).SHA256()
		list := "SHA-256 Fingerprint,Revocation Status\n" + hex.EncodeToString(sum[:]) + ",Revoked\n"
		data, err := trust.ReadCCADB("list", strings.NewReader(list))
		if err != nil {
			t.Fatal(err)
		}
		o := owners(root)
		o.CAData = []*trust.CAData{data}
		f := judged(t, o, chain...)
		if f.Links[1].Listed != "Revoked" || !f.Links[1].OnBestPath || f.Links[0].Listed != "" {
			t.Errorf("listed: %q and %q", f.Links[0].Listed, f.Links[1].Listed)
		}
	})
}

// How many public programs have the root is counted apart from the owner's.
func TestPublicPrograms(t *testing.T) {
	m := honest()
	chain, root := m.served()
	f := judged(t, owners(root), chain...)
	if f.Public != 0 || f.PublicAll != 1 {
		t.Errorf("%d of %d public programs, want 0 of 1", f.Public, f.PublicAll)
	}
	f = judged(t, trust.Options{Programs: []trust.Set{{Name: "chrome", Certificates: [][]byte{root}}}}, chain...)
	if f.Public != 1 || f.PublicAll != 2 || f.Anchor != "public" {
		t.Errorf("%d of %d public programs, anchor %s, want 1 of 2", f.Public, f.PublicAll, f.Anchor)
	}
}

// Who names the genuine CA beside it by its key identifier cannot have been put
// behind the wrong issuer by mistake.
func TestClaimedSigner(t *testing.T) {
	stranger := newKey(t)
	foreign := ca("CN=Test CA", "CN=Test Root", stranger, stranger, 0)
	sub := ca("CN=Sub CA", "CN=Test CA", stranger, lab.IssuingKey(), -1)
	for _, tt := range []struct {
		name  string
		chain func(m *made) [][]byte
		want  bool
	}{
		{"honest", func(m *made) [][]byte { c, _ := m.served(); return c }, false},
		{"signed by another", func(m *made) [][]byte {
			return [][]byte{m.leaf.Sign(stranger, ""), m.mid.Sign(m.rootKey, "")}
		}, true},
		{"named as another's", func(m *made) [][]byte {
			m.leaf.Set(lab.AKI(stranger.ID))
			return [][]byte{m.leaf.Sign(stranger, ""), m.mid.Sign(m.rootKey, "")}
		}, false},
		{"without a key identifier", func(m *made) [][]byte {
			m.leaf.Drop(lab.IDAKI)
			return [][]byte{m.leaf.Sign(stranger, ""), m.mid.Sign(m.rootKey, "")}
		}, false},
		{"by a CA that no root signed", func(m *made) [][]byte {
			foreign.Set(lab.SKI(m.midKey.ID))
			return [][]byte{m.leaf.Sign(newKey(t), ""), foreign.Sign(stranger, "")}
		}, false},
		{"by a CA two steps below the root", func(m *made) [][]byte {
			l := leafOf("CN=Sub CA", stranger)
			return [][]byte{l.Sign(newKey(t), ""), sub.Sign(m.midKey, ""), m.mid.Sign(m.rootKey, "")}
		}, true},
		{"by a certificate that is no CA", func(m *made) [][]byte {
			m.mid.Set(lab.Basic(false, -1))
			return [][]byte{m.leaf.Sign(stranger, ""), m.mid.Sign(m.rootKey, "")}
		}, false},
		{"by the root that is served", func(m *made) [][]byte {
			l := leafOf("CN=Test Root", m.rootKey)
			return [][]byte{l.Sign(stranger, ""), m.root.Sign(m.rootKey, "")}
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := honest()
			_, root := m.served()
			if f := judged(t, owners(root), tt.chain(m)...); f.ClaimedSigner == nil || *f.ClaimedSigner != tt.want {
				t.Errorf("claims_genuine_signer = %v, want %v", f.ClaimedSigner, tt.want)
			}
		})
	}
}
