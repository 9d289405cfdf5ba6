package chain

import (
	"testing"

	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// A common name stands for a host where certificates were meant so, and where the
// one who signed it counts.
func TestCommonNameAlone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoil  func(*made)
		trust  func(root []byte) trust.Options
		year   int
		want   bool
		judged bool
		counts string
	}{
		{"owner's CA", nil, owner, 2026, true, true, "open"},
		{"owner's CA of the time", nil, owner, 2013, true, true, "yes"},
		{"owner's CA in the last year", nil, owner, 2016, true, true, "yes"},
		{"owner's CA after it", nil, owner, 2017, true, true, "open"},
		{"public CA of the time", nil, program, 2013, true, true, "yes"},
		{"public CA today", nil, program, 2026, false, true, "no"},
		{"stranger's CA", nil, nobody, 2013, false, true, "no"},
		{"alternative names beside it", func(m *made) { m.leaf.Set(lab.SAN("other.lab.example")) }, owner, 2026, false, true, "no"},
		{"two common names", func(m *made) { m.leaf.Subject = lab.Named("CN=" + host + ", CN=other.lab.example") }, owner, 2026, false, true, "no"},
		{"below name constraints", func(m *made) {
			m.mid.Set(lab.Extension{ID: "2.5.29.30", Value: []byte("\x30\x0d\xa0\x0b\x30\x09\x82\x07example")})
		}, owner, 2026, false, true, "no"},
	} {
		m := honest()
		m.leaf.Drop(lab.IDSAN)
		m.leaf.NotBefore = now.AddDate(tt.year-2026, -1, 0)
		m.mid.NotBefore, m.root.NotBefore = now.AddDate(-20, 0, 0), now.AddDate(-20, 0, 0)
		if tt.spoil != nil {
			tt.spoil(m)
		}
		chain, root := m.served()
		reasons := map[string]string{}
		f := Chain(input(t, tt.trust(root), chain...), reasons)
		counts := "open"
		if f.CNCounts != nil {
			counts = map[bool]string{true: "yes", false: "no"}[*f.CNCounts]
		}
		if counts != tt.counts || (counts == "open") != (reasons["chain.common_name_counts"] != "") {
			t.Errorf("%s: the common name counts: %s, want %s; reasons %v", tt.name, counts, tt.counts, reasons)
		}
		if f.NameInCN == nil || *f.NameInCN != tt.want || f.NameJudged != tt.judged || f.NameMatches == nil || *f.NameMatches {
			t.Errorf("%s: in the common name alone %v, want %v; judged %v, want %v (%s)", tt.name, f.NameInCN, tt.want, f.NameJudged, tt.judged, tell(f))
		}
	}
}

func owner(root []byte) trust.Options   { return owners(root) }
func program(root []byte) trust.Options { return trust.Options{Programs: owners(root).Sets} }
func nobody([]byte) trust.Options       { return trust.Options{} }

// A device's own certificate says nothing for or against a private name: only its
// owner can tell. One that is for a public name has no business there.
func TestPrivateNameAsked(t *testing.T) {
	for _, tt := range []struct {
		asked, names string
		trust        func([]byte) trust.Options
		judged       bool
	}{
		{"192.168.1.1", "router", nobody, false},
		{"192.168.1.1", "www.bank.example", nobody, true},
		{"192.168.1.1", "router", owner, true},
		{"www.bank.example", "router", nobody, true},
	} {
		m := honest()
		m.leaf.Set(lab.SAN(tt.names))
		chain, root := m.served()
		in := input(t, tt.trust(root), chain...)
		in.Name = tt.asked
		if f := Chain(in, map[string]string{}); f.NameJudged != tt.judged {
			t.Errorf("%s asked, certificate for %s: judged %v, want %v", tt.asked, tt.names, f.NameJudged, tt.judged)
		}
	}
}

// A root made by hand without the CA flag, and a proxy certificate, are no abuse of
// a server's certificate.
func TestLeafIsIssuer(t *testing.T) {
	proxy := func(m *made) {
		m.mid.Subject = lab.Named("CN=User")
		m.leaf.Subject, m.leaf.Issuer = lab.Named("CN=User, CN=917532944"), lab.Named("CN=User")
		m.mid.Set(lab.Basic(false, -1))
		m.leaf.Drop(lab.IDSAN)
		m.leaf.Set(lab.Extension{ID: "1.3.6.1.5.5.7.1.14", Critical: true, Value: []byte("\x30\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x15\x01")})
	}
	for _, tt := range []struct {
		name  string
		spoil func(*made)
		root  bool
		want  bool
	}{
		{"honest", func(*made) {}, true, false},
		{"a server's certificate as issuer", func(m *made) { m.mid.Set(lab.Basic(false, -1)) }, true, true},
		{"a root without the flag", func(m *made) { m.root.Set(lab.Basic(false, -1)) }, true, false},
		{"a proxy certificate", proxy, true, false},
		{"a proxy certificate with a host name", func(m *made) { proxy(m); m.leaf.Set(lab.SAN(host)) }, true, true},
		{"a proxy certificate of another", func(m *made) { proxy(m); m.leaf.Subject = lab.Named("CN=Admin, CN=917532944") }, true, true},
	} {
		m := honest()
		tt.spoil(m)
		chain, root := m.served()
		f := Chain(input(t, trust.Options{}, append(chain, root)...), map[string]string{})
		if f.LeafIsIssuer == nil || *f.LeafIsIssuer != tt.want {
			t.Errorf("%s: a leaf issued %v, want %v", tt.name, f.LeafIsIssuer, tt.want)
		}
	}
}
