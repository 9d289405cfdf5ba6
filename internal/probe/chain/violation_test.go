package chain

import (
	"fmt"
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// critical marks the extension with this identifier.
func critical(t *lab.Template, id string, is bool) {
	for i := range t.Extensions {
		if t.Extensions[i].ID == id {
			t.Extensions[i].Critical = is
		}
	}
}

func TestHonestChain(t *testing.T) {
	f := honest().judge(t)
	if len(f.Violations) != 0 || f.Anchor != "inventory" || f.VerifyError != "" || f.OwnChecks || f.BudgetHit {
		t.Fatalf("honest chain: %s", tell(f))
	}
	if len(f.Paths) != 1 {
		t.Fatalf("%d paths, want 1", len(f.Paths))
	}
	p := f.Paths[0]
	if !p.Accepted || p.Length != 3 || p.Reason != "" || p.FailedAt != -1 ||
		!slices.Equal(p.Programs, []string{"owner"}) || !slices.Equal(p.AtIssue, []string{"owner"}) {
		t.Errorf("path = %+v", p)
	}
	if p.Certificates[0] != f.Links[0].SHA256 || p.Certificates[1] != f.Links[1].SHA256 {
		t.Errorf("path leads through %v", p.Certificates)
	}
}

// Each change spoils one thing of an honest chain, and exactly that is said.
func TestViolations(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		index      int64
		change     func(*made)
		// anchor is what still vouches for the chain; empty means inventory.
		anchor string
	}{
		{"leaf has expired", "expired", 0, func(m *made) { m.leaf.NotAfter = now.AddDate(0, 0, -1) }, ""},
		{"intermediate has expired", "expired", 1, func(m *made) { m.mid.NotAfter = now.AddDate(0, 0, -1) }, ""},
		{"root is not valid yet", "not-yet-valid", 2, func(m *made) { m.root.NotBefore = now.AddDate(0, 0, 1) }, ""},
		{"no CA", "not-a-ca", 1, func(m *made) { m.mid.Set(lab.Basic(false, -1).MakeCritical()) }, "none"},
		{"no basicConstraints", "basic-constraints-missing", 1, func(m *made) { m.mid.Drop(lab.IDBasic) }, "none"},
		{"basicConstraints not critical", "basic-constraints-not-critical", 1, func(m *made) { critical(&m.mid, lab.IDBasic, false) }, ""},
		{"no keyCertSign", "key-usage", 1, func(m *made) { m.mid.Set(lab.KeyUsage(lab.CRLSign).MakeCritical()) }, "none"},
		{"path length", "path-length", 2, func(m *made) { m.root.Set(lab.Basic(true, 0).MakeCritical()) }, "none"},
		{"CA for clients", "ext-key-usage", 1, func(m *made) { m.mid.Set(lab.ExtKeyUsage(lab.ClientAuth)) }, ""},
		{"leaf for clients", "ext-key-usage", 0, func(m *made) { m.leaf.Set(lab.ExtKeyUsage(lab.ClientAuth)) }, ""},
		{"leaf for anything", "ext-key-usage-any", 0, func(m *made) { m.leaf.Set(lab.ExtKeyUsage(lab.ServerAuth, "2.5.29.37.0")) }, ""},
		{"leaf for nothing", "ext-key-usage-empty", 0, func(m *made) { m.leaf.Set(lab.ExtKeyUsage()) }, ""},
		{"critical purpose", "ext-key-usage-critical", 0, func(m *made) { critical(&m.leaf, lab.IDExtKeyUsage, true) }, ""},
		{"root with purpose", "ext-key-usage-on-root", 2, func(m *made) { m.root.Set(lab.ExtKeyUsage(lab.ServerAuth)) }, ""},
		{"unknown critical", "unknown-critical-extension", 1, func(m *made) {
			m.mid.Set(lab.Extension{ID: "1.3.6.1.4.1.99999.1", Critical: true, Value: []byte{5, 0}})
		}, "none"},
		{"leaf is a CA", "leaf-is-ca", 0, func(m *made) {
			m.leaf.Set(lab.Basic(true, -1).MakeCritical())
			m.mid.Set(lab.Basic(true, -1).MakeCritical())
		}, ""},
		{"leaf may sign", "leaf-may-sign", 0, func(m *made) { m.leaf.Set(lab.KeyUsage(lab.DigitalSignature, lab.KeyCertSign).MakeCritical()) }, ""},
		{"leaf does not name its issuer's key", "aki-missing", 0, func(m *made) { m.leaf.Drop(lab.IDAKI) }, ""},
		{"CA does not name its issuer's key", "aki-missing", 1, func(m *made) { m.mid.Drop(lab.IDAKI) }, ""},
		{"CA does not name its key", "ski-missing", 1, func(m *made) { m.mid.Drop(lab.IDSKI) }, ""},
		{"root does not name its key", "ski-missing", 2, func(m *made) { m.root.Drop(lab.IDSKI) }, ""},
		{"root names another key", "aki-on-root", 2, func(m *made) { m.root.Set(lab.AKI([]byte("another key"))) }, ""},
		{"root names itself by serial", "aki-on-root", 2, func(m *made) {
			m.root.Set(lab.AKINaming(m.rootKey.ID, m.root.Subject, m.root.Serial))
		}, ""},
		{"leaf names another serial", "aki-names-other-issuer", 0, func(m *made) {
			m.leaf.Set(lab.AKINaming(m.midKey.ID, m.mid.Issuer, []byte{7}))
		}, ""},
		{"serial zero", "serial", 0, func(m *made) { m.leaf.Serial = []byte{0} }, ""},
		{"serial negative", "serial", 0, func(m *made) { m.leaf.Serial = []byte{0x80, 1} }, ""},
		{"serial of 21 octets", "serial", 1, func(m *made) { m.mid.Serial = append([]byte{1}, make([]byte, 20)...) }, ""},
		{"version 1", "version", 1, func(m *made) { m.mid.Version, m.mid.Extensions = 1, nil }, "none"},
		{"short key", "weak-key", 0, func(m *made) { m.leaf.Key = lab.WeakKey() }, ""},
		{"names critical", "san-criticality", 0, func(m *made) { critical(&m.leaf, lab.IDSAN, true) }, ""},
		{"names not critical without a subject", "san-criticality", 0, func(m *made) { m.leaf.Subject = nil }, ""},
		{"underscore", "host-name", 0, func(m *made) { m.leaf.Set(lab.SAN(host, "a_b.lab.example")) }, ""},
		{"wildcard over a registry", "host-name", 0, func(m *made) { m.leaf.Set(lab.SAN(host, "*.co.uk")) }, ""},
		{"another common name", "common-name", 0, func(m *made) { m.leaf.Subject = lab.Named("CN=other.lab.example") }, ""},
		{"address with zeros", "common-name-address", 0, func(m *made) { m.leaf.Subject = lab.Named("CN=192.168.010.001") }, ""},
		{"address in hexadecimal", "common-name-address", 0, func(m *made) { m.leaf.Subject = lab.Named("CN=0xC0A80A01") }, ""},
		{"policy constraints", "policy-constraints-not-critical", 1, func(m *made) {
			m.mid.Set(lab.Extension{ID: "2.5.29.36", Value: []byte{0x30, 3, 0x80, 1, 0}})
		}, ""},
		{"constraints on the leaf", "name-constraint-on-leaf", 0, func(m *made) { m.leaf.Set(names([]tree{dnsTree("lab.example")}, nil)) }, ""},
		{"constraints that are not critical", "name-constraint-not-critical", 1, func(m *made) {
			m.mid.Set(names([]tree{dnsTree("lab.example")}, nil))
			critical(&m.mid, "2.5.29.30", false)
		}, ""},
		{"names escape", "name-constraint", 1, func(m *made) { m.mid.Set(names([]tree{dnsTree("other.example")}, nil)) }, "none"},
		{"common name escapes", "name-constraint-common-name", 1, func(m *made) {
			m.leaf.Subject = lab.Named("CN=lab.example")
			m.mid.Set(names([]tree{dnsTree(host)}, nil))
		}, ""},
		{"subject escapes", "name-constraint-other", 1, func(m *made) {
			m.mid.Set(names([]tree{{4, lab.Named("O=Somebody else")}}, nil))
		}, "none"},
		{"constraints without subtrees", "name-constraint-malformed", 1, func(m *made) { m.mid.Set(names(nil, nil)) }, ""},
		{"constraint with a leading dot", "name-constraint-leading-dot", 1, func(m *made) {
			m.mid.Set(names([]tree{dnsTree(".lab.example")}, nil))
		}, ""},
		{"another string type", "name-form", 0, func(m *made) {
			m.leaf.Issuer = lab.DN(lab.Attr{Type: "CN", Value: "Test CA", Tag: 19})
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := honest()
			tt.change(m)
			f := m.judge(t)
			want := tt.anchor
			if want == "" {
				want = "inventory"
			}
			if f.Anchor != want {
				t.Errorf("anchor = %s, want %s (%s)", f.Anchor, want, tell(f))
			}
			found := false
			for _, v := range f.Violations {
				switch {
				case v.Reason == tt.want && v.Index == tt.index:
					found = true
				case tt.want == "version", tt.want == "basic-constraints-missing" && v.Reason == "not-a-ca":
					// Without extensions more is missing.
				default:
					t.Errorf("also %s at %d: %s", v.Reason, v.Index, v.Detail)
				}
			}
			if !found {
				t.Errorf("not said: %s at %d (%s)", tt.want, tt.index, tell(f))
			}
		})
	}
}

// A Precertificate Signing Certificate stands in for the issuer of a precertificate:
// it takes no place on the path and needs no other purpose. Above anything else, and
// farther up, it is a CA as any other.
func TestPrecertificateSigner(t *testing.T) {
	signs := func(x *lab.Template) { x.Set(lab.ExtKeyUsage("1.3.6.1.4.1.11129.2.4.4")) }
	poisoned := func(m *made) { m.leaf.Set(lab.Extension{ID: lab.IDPoison, Critical: true, Value: []byte{5, 0}}) }
	short := func(m *made) { m.root.Set(lab.Basic(true, 0).MakeCritical()) }
	for _, tt := range []struct {
		name   string
		change []func(*made)
		want   []string
	}{
		{"above a precertificate", []func(*made){poisoned, short, func(m *made) { signs(&m.mid) }}, nil},
		{"above a certificate", []func(*made){short, func(m *made) { signs(&m.mid) }}, []string{"ext-key-usage at 1", "path-length at 2"}},
		{"another CA above a precertificate", []func(*made){poisoned, short}, []string{"path-length at 2"}},
		{"one for clients above a precertificate", []func(*made){poisoned, func(m *made) { m.mid.Set(lab.ExtKeyUsage(lab.ClientAuth)) }}, []string{"ext-key-usage at 1"}},
		{"farther up", []func(*made){poisoned, func(m *made) { signs(&m.root) }}, []string{"ext-key-usage at 2"}},
	} {
		m := honest()
		for _, f := range tt.change {
			f(m)
		}
		var got []string
		for _, v := range m.judge(t).Violations {
			if v.Reason == "ext-key-usage" || v.Reason == "path-length" {
				got = append(got, fmt.Sprintf("%s at %d", v.Reason, v.Index))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A path that is refused says at which certificate and why.
func TestRefusal(t *testing.T) {
	for _, tt := range []struct {
		name, reason string
		at           int64
		change       func(*made)
	}{
		{"expired", "expired", 1, func(m *made) { m.mid.NotAfter = now.AddDate(0, 0, -1) }},
		{"not valid yet", "not-yet-valid", 0, func(m *made) { m.leaf.NotBefore, m.leaf.NotAfter = now.AddDate(0, 0, 1), now.AddDate(0, 0, 2) }},
		{"issuer not valid yet", "not-yet-valid", 1, func(m *made) { m.mid.NotBefore = now.AddDate(0, 0, 1) }},
		{"path length", "path-length", 2, func(m *made) { m.root.Set(lab.Basic(true, 0).MakeCritical()) }},
		{"forged leaf", "signature", 0, func(m *made) { m.midKey = lab.ForgedKey() }},
		{"stranger", "unknown-authority", 0, func(m *made) { m.leaf.Issuer = lab.Named("CN=Nobody") }},
		{"purpose", "ext-key-usage", 0, func(m *made) { m.leaf.Set(lab.ExtKeyUsage(lab.ClientAuth)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := honest()
			tt.change(m)
			p := m.judge(t).Paths[0]
			if f := m.judge(t); tt.reason == "not-yet-valid" && f.VerifyError != tt.reason {
				t.Errorf("verify error = %s, want %s", f.VerifyError, tt.reason)
			}
			if p.Accepted || p.Reason != tt.reason || p.FailedAt != tt.at || p.Detail == "" {
				t.Errorf("path = %+v, want %s at %d", p, tt.reason, tt.at)
			}
		})
	}
}

// A leaf that was never valid at the same time as its issuer is refused by RFC 5280,
// too: nothing rests on our own checks there.
func TestOwnChecksOutOfDate(t *testing.T) {
	m := honest()
	m.mid.NotBefore, m.mid.NotAfter = now.AddDate(-9, 0, 0), now.AddDate(-8, 0, 0)
	if f := m.judge(t); f.Anchor != "inventory" || f.OwnChecks || f.Paths[0].Reason != "expired" {
		t.Errorf("anchor = %s, own checks = %v, path = %+v", f.Anchor, f.OwnChecks, f.Paths[0])
	}
}

// What crypto/x509 refuses although RFC 5280 does not still has its anchor, and
// the facts say on what it rests.
func TestOwnChecks(t *testing.T) {
	m := honest()
	m.mid.Set(names([]tree{{4, lab.Named("CN=" + host)}}, nil))
	f := m.judge(t)
	if f.Anchor != "inventory" || !f.OwnChecks || f.VerifyError != "unknown-critical-extension" || len(f.Opinions) != 2 {
		t.Errorf("own checks %v, opinions %v: %s", f.OwnChecks, f.Opinions, tell(f))
	}
	self := honest()
	again := self.mid.Clone()
	again.Serial, again.Issuer, again.Key = []byte{9}, self.mid.Subject, lab.ForgedKey()
	again.Set(lab.SKI(lab.ForgedKey().ID), lab.AKI(self.midKey.ID))
	self.leaf.Set(lab.AKI(lab.ForgedKey().ID))
	chain, root := self.served()
	chain[0] = self.leaf.Sign(lab.ForgedKey(), "")
	chain = append(chain, again.Sign(self.midKey, ""))
	f = Chain(input(t, owners(root), chain...), map[string]string{})
	if f.Anchor != "inventory" || !f.OwnChecks || f.VerifyError != "path-length" {
		t.Errorf("a self-issued certificate counts for the path length: %s", tell(f))
	}
}

// SHA-1 is excused up to its sunset, and below the owner's root until it was broken.
func TestSHA1(t *testing.T) {
	for _, tt := range []struct {
		begin  int
		public bool
		anchor string
	}{{2012, true, "public"}, {2016, true, "none"}, {2012, false, "inventory"}, {2019, false, "inventory"}, {2020, false, "none"}} {
		m := honest()
		m.midKey = lab.IssuingRSAKey()
		m.mid.Key = m.midKey
		m.mid.Set(lab.SKI(m.midKey.ID))
		m.leaf.Set(lab.AKI(m.midKey.ID))
		m.leaf.NotBefore = now.AddDate(tt.begin-2026, 0, 0)
		m.mid.NotBefore, m.root.NotBefore = now.AddDate(-20, 0, 0), now.AddDate(-20, 0, 0)
		chain, root := m.served()
		chain[0] = m.leaf.Sign(m.midKey, lab.SHA1RSA)
		store := owners(root)
		if tt.public {
			store = trust.Options{Programs: store.Sets}
		}
		f := Chain(input(t, store, chain...), map[string]string{})
		if f.Anchor != tt.anchor {
			t.Errorf("SHA-1 of %d: anchor %s, want %s (%s)", tt.begin, f.Anchor, tt.anchor, tell(f))
		}
		if tt.anchor != "none" && (f.VerifyError != "sha1" || !f.OwnChecks) {
			t.Errorf("SHA-1 of %d: verify %q, own checks %v", tt.begin, f.VerifyError, f.OwnChecks)
		}
	}
}
