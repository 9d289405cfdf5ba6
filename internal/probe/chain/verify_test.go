//go:debug rsa1024min=0
package chain

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// The machine's own store vouches only where nobody else does, and never for what
// it does not hold.
func TestLocalAnchor(t *testing.T) {
	chain, root := honest().served()
	local := x509.NewCertPool()
	local.AddCert(cert.Parse(root).Stdlib().Certificate)
	for _, tt := range []struct {
		name, anchor string
		o            trust.Options
		programs     []string
	}{
		{"only there", "local", trust.Options{Local: local}, []string{"local"}},
		{"the owner's, too", "inventory", trust.Options{Sets: owners(root).Sets, Local: local}, []string{"owner"}},
		{"an empty one", "none", trust.Options{Local: x509.NewCertPool()}, []string{}},
	} {
		if f := judged(t, tt.o, chain...); f.Anchor != tt.anchor || !slices.Equal(f.Programs, tt.programs) {
			t.Errorf("%s: anchor %s by %v, want %s by %v", tt.name, f.Anchor, f.Programs, tt.anchor, tt.programs)
		}
	}
}

// smallRSA is a key that is too short to be believed today.
func smallRSA(t *testing.T, bits int) *lab.Key {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	id := sha1.Sum(spki)
	return &lab.Key{Signer: k, SPKI: spki, ID: id[:]}
}

// What is excused in an old chain that crypto/x509 refuses is SHA-1 while it was
// in use, and a key that was not short at that time. Nothing else is.
func TestAcceptedByUs(t *testing.T) {
	old := func(t *testing.T, k *lab.Key) *made {
		m := honest()
		m.midKey, m.mid.Key = k, k
		m.mid.Set(lab.SKI(k.ID))
		m.leaf.Set(lab.AKI(k.ID))
		m.leaf.NotBefore, m.leaf.NotAfter = now.AddDate(-14, 0, 0), now.AddDate(-12, 0, 0)
		m.mid.NotBefore, m.root.NotBefore = now.AddDate(-20, 0, 0), now.AddDate(-20, 0, 0)
		return m
	}
	for _, tt := range []struct {
		name   string
		key    *lab.Key
		change func(*made)
		anchor string
	}{
		{"1024 bits", smallRSA(t, 1024), func(*made) {}, "public"},
		{"1016 bits", smallRSA(t, 1016), func(*made) {}, "none"},
		{"512 bits", smallRSA(t, 512), func(*made) {}, "none"},
		{"an issuer that is no CA", lab.IssuingRSAKey(), func(m *made) { m.mid.Set(lab.Basic(false, -1)) }, "none"},
		{"an issuer above its path length", lab.IssuingRSAKey(), func(m *made) { m.root.Set(lab.Basic(true, 0)) }, "none"},
		{"an issuer without the right to sign", lab.IssuingRSAKey(), func(m *made) { m.mid.Set(lab.KeyUsage(lab.DigitalSignature).MakeCritical()) }, "none"},
		{"names out of bounds", lab.IssuingRSAKey(), func(m *made) { m.mid.Set(names([]tree{dnsTree("elsewhere.example")}, nil)) }, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := old(t, tt.key)
			tt.change(m)
			chain, root := m.served()
			chain[0] = m.leaf.Sign(m.midKey, lab.SHA1RSA)
			if f := judged(t, trust.Options{Programs: owners(root).Sets}, chain...); f.Anchor != tt.anchor {
				t.Errorf("anchor %s, want %s (%s)", f.Anchor, tt.anchor, tell(f))
			}
		})
	}
	t.Run("another's signature", func(t *testing.T) {
		m := old(t, lab.IssuingRSAKey())
		chain, root := m.served()
		chain[0] = m.leaf.Sign(lab.ForgedRSAKey(), lab.SHA1RSA)
		if f := judged(t, trust.Options{Programs: owners(root).Sets}, chain...); f.Anchor != "none" {
			t.Errorf("anchor %s, want none (%s)", f.Anchor, tell(f))
		}
	})
}

// A path held at the leaf's notBefore where every certificate of it did.
func TestAcceptedAtIssue(t *testing.T) {
	for _, tt := range []struct {
		name     string
		change   func(*made)
		accepted bool
		atIssue  []string
	}{
		{"in force", func(*made) {}, true, []string{"owner"}},
		{"leaf expired", func(m *made) { m.leaf.NotAfter = now.AddDate(0, 0, -1) }, false, []string{"owner"}},
		{"issuer expired since", func(m *made) { m.mid.NotAfter = now.AddDate(0, 0, -1) }, false, []string{"owner"}},
		{"issuer expired before", func(m *made) { m.mid.NotAfter = m.leaf.NotBefore.Add(-time.Second) }, false, []string{}},
		{"issuer expired a second after the leaf began", func(m *made) { m.mid.NotAfter = m.leaf.NotBefore.Add(time.Second) }, false, []string{"owner"}},
		{"issuer began after the leaf", func(m *made) { m.mid.NotBefore = m.leaf.NotBefore.Add(time.Second) }, true, []string{}},
		{"issuer began with the leaf", func(m *made) { m.mid.NotBefore = m.leaf.NotBefore }, true, []string{"owner"}},
		{"root began after the leaf", func(m *made) { m.root.NotBefore = m.leaf.NotBefore.Add(time.Second) }, true, []string{}},
		{"not yet in force", func(m *made) { m.leaf.NotBefore = now.AddDate(0, 0, 1) }, false, []string{"owner"}},
		{"another's signature", func(m *made) { m.midKey = lab.ForgedKey() }, false, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := honest()
			tt.change(m)
			p := m.judge(t).Paths[0]
			if p.Accepted != tt.accepted || !slices.Equal(p.AtIssue, tt.atIssue) {
				t.Errorf("accepted %v, at issue %v; want %v and %v", p.Accepted, p.AtIssue, tt.accepted, tt.atIssue)
			}
		})
	}
}

// several signs the intermediate by so many roots, and gives the chain with the
// intermediate's certificates, and the roots.
func several(t *testing.T, n int) (chain, roots [][]byte) {
	t.Helper()
	m := honest()
	chain = [][]byte{m.leaf.Sign(m.midKey, "")}
	for i := range n {
		name, k := "CN=Root "+string(rune('A'+i)), newKey(t)
		chain = append(chain, ca("CN=Test CA", name, m.midKey, k, 0).Sign(k, ""))
		root := ca(name, name, k, nil, -1)
		root.Drop(lab.IDAKI)
		roots = append(roots, root.Sign(k, ""))
	}
	return chain, roots
}

// Each program is asked about the paths to its own roots, whatever stands before
// them, and about no more than maxVerified.
func TestProgramsOfPaths(t *testing.T) {
	chain, roots := several(t, 2)
	o := trust.Options{Programs: []trust.Set{
		{Name: "first", Certificates: roots[:1]}, {Name: "second", Certificates: roots[1:]}, {Name: "both", Certificates: roots},
	}}
	f := judged(t, o, chain...)
	got := map[string]int{}
	for _, p := range f.Paths {
		for _, name := range p.Programs {
			got[name]++
		}
	}
	if len(f.Paths) != 2 || got["first"] != 1 || got["second"] != 1 || got["both"] != 2 {
		t.Errorf("paths = %+v", f.Paths)
	}
	if slices.Sort(f.Programs); !slices.Equal(f.Programs, []string{"both", "first", "second"}) {
		t.Errorf("programs = %v", f.Programs)
	}

	chain, roots = several(t, maxVerified+1)
	asked := 0
	for _, p := range judged(t, owners(roots...), chain...).Paths {
		if p.Accepted {
			asked++
		}
	}
	if asked != maxVerified {
		t.Errorf("%d paths were put to crypto/x509, want %d", asked, maxVerified)
	}
}

// The paths that somebody revoked are put to crypto/x509 last, so that one that
// nobody did is found among many.
func TestRevokedPathsComeLast(t *testing.T) {
	chain, roots := several(t, maxVerified+2)
	o := trust.Options{Programs: []trust.Set{{Name: programMozilla, Certificates: roots}}}
	for spared := 1; spared < len(chain); spared++ {
		listed := slices.Concat(chain[1:spared], chain[spared+1:])
		o.Revoked = revoking(t, now.AddDate(0, 0, -1), listed...)
		f := judged(t, o, chain...)
		if p := f.Paths[0]; !p.Accepted || len(p.Revoked) != 0 || p.Certificates[1] != hash(cert.Parse(chain[spared]).SHA256()) {
			t.Errorf("all but %d revoked: best path %+v", spared, p)
		}
	}
}

// A program that has the root's key under another name does not have the root.
func TestHolding(t *testing.T) {
	m := honest()
	chain, root := m.served()
	twin := m.root.Clone()
	twin.Subject, twin.Issuer = lab.Named("CN=Twin Root"), lab.Named("CN=Twin Root")
	o := trust.Options{Programs: []trust.Set{
		{Name: "first", Certificates: [][]byte{root}}, {Name: "second", Certificates: [][]byte{twin.Sign(m.rootKey, "")}},
	}}
	f := judged(t, o, chain...)
	if len(f.Paths) != 1 || !slices.Equal(f.Paths[0].Programs, []string{"first"}) || !slices.Equal(f.Programs, []string{"first"}) {
		t.Errorf("programs %v, paths %+v", f.Programs, f.Paths)
	}
	// Nor does one that only knows the CA.
	o = trust.Options{Known: [][]byte{root}}
	if f := judged(t, o, chain...); f.Anchor != "none" || len(f.Programs) != 0 {
		t.Errorf("a CA that is only known: anchor %s, programs %v", f.Anchor, f.Programs)
	}
}

// The reason that crypto/x509 gives for an issuer out of date is its date, and the
// anchor is found nevertheless.
func TestDatesAndPurposeAside(t *testing.T) {
	for _, tt := range []struct {
		name, reason, anchor string
		change               func(*made)
	}{
		{"leaf expired", reasonExpired, "inventory", func(m *made) { m.leaf.NotAfter = now.AddDate(0, 0, -1) }},
		{"issuer expired", reasonExpired, "inventory", func(m *made) { m.mid.NotAfter = now.AddDate(0, 0, -1) }},
		{"issuer expired before the leaf began", reasonExpired, "inventory", func(m *made) { m.mid.NotAfter = now.AddDate(0, -2, 0) }},
		{"purpose", reasonUsage, "inventory", func(m *made) { m.leaf.Set(lab.ExtKeyUsage(lab.ClientAuth)) }},
		{"stranger", reasonUnknown, "none", func(m *made) { m.leaf.Issuer = lab.Named("CN=Nobody") }},
		{"stranger, expired", reasonUnknown, "none", func(m *made) { m.leaf.Issuer, m.leaf.NotAfter = lab.Named("CN=Nobody"), now.AddDate(0, 0, -1) }},
		{"stranger, not yet valid", reasonUnknown, "none", func(m *made) { m.leaf.Issuer, m.leaf.NotBefore = lab.Named("CN=Nobody"), now.AddDate(0, 0, 1) }},
		{"names out of bounds, expired", reasonNames, "none", func(m *made) {
			m.mid.Set(names([]tree{dnsTree("elsewhere.example")}, nil))
			m.leaf.NotAfter = now.AddDate(0, 0, -1)
		}},
	} {
		m := honest()
		tt.change(m)
		if f := m.judge(t); f.VerifyError != tt.reason || f.Anchor != tt.anchor {
			t.Errorf("%s: want anchor %s, %s; got %s", tt.name, tt.anchor, tt.reason, tell(f))
		}
	}
}

// The best path stands first, whatever the order in which the paths were found.
func TestOrderOfPaths(t *testing.T) {
	of := func(length int, anchor trust.Anchor) *path {
		p := &path{at: now, steps: make([]step, length), library: reasonProgram}
		for i := range p.steps {
			p.steps[i].c = &cert.Certificate{}
		}
		p.top().anchor = anchor
		return p
	}
	with := func(p *path, change func(*path)) *path { change(p); return p }
	flaw := violation{reason: reasonPathLength}
	blemish := violation{reason: reasonExpired}
	want := []*path{
		with(of(3, trust.Public), func(p *path) { p.programs = []string{"first"} }),
		with(of(4, trust.Public), func(p *path) { p.programs = []string{"first"} }),
		with(of(3, trust.Public), func(p *path) { p.programs, p.violations = []string{"first"}, []violation{blemish} }),
		with(of(3, trust.Public), func(p *path) { p.programs, p.violations = []string{"first"}, []violation{flaw} }),
		with(of(3, trust.Public), func(p *path) { p.excused = []string{"first"} }),
		of(3, trust.Inventory),
		of(4, trust.Inventory),
		with(of(2, trust.Inventory), func(p *path) { p.violations = []violation{flaw} }),
		of(2, trust.None),
		of(3, trust.None),
	}
	for turn := range want {
		got := slices.Concat(want[turn:], want[:turn])
		if turn%2 == 1 {
			slices.Reverse(got)
		}
		slices.SortStableFunc(got, comparePaths)
		if !slices.Equal(got, want) {
			t.Errorf("turned by %d, the order is another", turn)
		}
	}
}
