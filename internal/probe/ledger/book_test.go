package ledger

import (
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
)

func TestDomainCovers(t *testing.T) {
	for _, tt := range []struct {
		domain, name string
		want         bool
	}{
		{".lab.example", "a.lab.example", true},
		{".lab.example", "lab.example", true},
		{".lab.example", "A.Lab.Example.", true},
		{".lab.example", "*.lab.example", true},
		{".lab.example", "*.b.lab.example", true},
		{".lab.example", "evillab.example", false},
		{".lab.example", "lab.example.evil.test", false},
		{"lab.example", "lab.example", true},
		{"lab.example", "a.lab.example", false},
		{"lab.example", "", false},
	} {
		if got := (&Domain{Name: tt.domain}).Covers(tt.name); got != tt.want {
			t.Errorf("%s covers %s: %v, want %v", tt.domain, tt.name, got, tt.want)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		name, host string
		want       bool
	}{
		{"a.example", "A.example.", true},
		{"a.example", "b.example", false},
		{"*.example", "a.example", true},
		{"*.example", "a.b.example", false},
		{"*.example", "example", false},
	} {
		if got := Covers(tt.name, tt.host); got != tt.want {
			t.Errorf("%s stands for %s: %v, want %v", tt.name, tt.host, got, tt.want)
		}
	}
}

// Names are sorted and each once. A common name is one where it may be a host's.
func TestNames(t *testing.T) {
	for _, tt := range []struct {
		cn   string
		sans []string
		want []string
	}{
		{"A.lab.example.", []string{"b.lab.example", "a.lab.example", "192.0.2.7"}, []string{"192.0.2.7", "a.lab.example", "b.lab.example"}},
		{"c.lab.example", []string{"B.lab.example"}, []string{"b.lab.example", "c.lab.example"}},
		{"localhost", []string{"a.lab.example"}, []string{"a.lab.example"}},
		{"Example Inc. Server", []string{"a.lab.example"}, []string{"a.lab.example"}},
	} {
		der := made{names: tt.sans, change: func(template *lab.Template) { template.Subject = lab.Named("CN=" + tt.cn) }}.der(t)
		if got := Names(cert.Parse(der)); !slices.Equal(got, tt.want) {
			t.Errorf("CN %s, %q: %q, want %q", tt.cn, tt.sans, got, tt.want)
		}
	}
}

// The most specific domain is that of a certificate, wherever it stands.
func TestDomain(t *testing.T) {
	l := &Ledger{book: &Book{Domains: []Domain{{Name: ".lab.example"}, {Name: ".b.lab.example"}, {Name: ".example"}, {Name: ".c.lab.example"}}}}
	for name, want := range map[string]string{"a.b.lab.example": ".b.lab.example", "a.lab.example": ".lab.example", "a.example": ".example", "a.test": ""} {
		d := l.domain([]string{"other.test", name})
		if (d == nil) != (want == "") || d != nil && d.Name != want {
			t.Errorf("%s is of %+v, want %s", name, d, want)
		}
	}
	l.book.Domains = []Domain{{Name: "a.test", RenewAfter: 1}, {Name: "a.test", RenewAfter: 2}}
	if d := l.domain([]string{"a.test"}); d.RenewAfter != 1 {
		t.Errorf("of two that are as specific the later one is taken")
	}
}

// What is no certificate, or not from a log, is not in the book.
func TestOpenPassesOver(t *testing.T) {
	der := made{names: []string{"a.lab.example"}}.der(t)
	good := entry(der, false, noon, 1)
	garbage := entry(der, false, noon, 2)
	garbage.Log.Entry.Leaf = []byte("garbage")
	empty := entry(der, false, noon, 3)
	empty.Certificates = nil
	neither := entry(der, false, noon, 4)
	neither.Log.Entry = nil
	l := Open(&Book{Domains: []Domain{{Name: ".lab.example"}}, At: noon, Entries: []*evidence.Subject{
		garbage, empty, neither, {Certificates: []evidence.DER{der}}, good,
	}})
	if judged, others := l.Judged(); !slices.Equal(judged, []*evidence.Subject{good}) || len(others) > 0 {
		t.Errorf("judged %v, others %v", judged, others)
	}
	for _, s := range []*evidence.Subject{garbage, empty, neither, nil} {
		if id, ok := l.Identity(s); ok || id != [32]byte{} {
			t.Errorf("what is not in the book has the identity %x", id)
		}
	}
	if id, ok := l.Identity(good); !ok || id == [32]byte{} {
		t.Errorf("the identity is %x, %v", id, ok)
	}
	if _, ok := (*Ledger)(nil).Identity(good); ok {
		t.Error("no ledger has an identity")
	}
}

// Of what was found several times the one that says most is judged; where all say
// the same, always the same one.
func TestBetter(t *testing.T) {
	der := made{names: []string{"a.lab.example"}}.der(t)
	chained := func(s *evidence.Subject) *evidence.Subject {
		s.Certificates = append(s.Certificates, der)
		return s
	}
	unverified := func(s *evidence.Subject) *evidence.Subject {
		s.Log.Entry.Verified = false
		return s
	}
	other := indexed(der)
	other.ID = "ctindex://other"
	best := []*evidence.Subject{ // the best first
		chained(entry(der, false, noon, 1)),
		unverified(chained(entry(der, false, noon, 2))),
		entry(der, false, noon, 3),
		unverified(entry(der, false, noon, 4)),
		chained(entry(der, true, noon, 5)),
		entry(der, true, noon, 6),
		entry(der, true, noon, 7),
		entry(der, true, noon.Add(1), 5),
		indexed(der),
		other,
	}
	for i, a := range best {
		for k, b := range best {
			got := better(a, b)
			if (got < 0) != (i < k) || (got == 0) != (i == k) {
				t.Errorf("better(%d, %d) = %d", i, k, got)
			}
		}
	}
}

// A precertificate of an index and its certificate in a log are one, also where a
// Precertificate Signing Certificate issued it. What logged it says when.
func TestIndexedPrecertificate(t *testing.T) {
	l := lab.New(lab.Config{Host: "a.lab.example", At: noon})
	poison := lab.Extension{ID: lab.IDPoison, Critical: true, Value: []byte{5, 0}}
	pre := l.LeafTemplate()
	pre.Drop(lab.IDSCTs)
	pre.Set(poison)
	signer := lab.Template{
		Serial: []byte{7}, Issuer: l.Intermediate.Name, Subject: lab.Named("CN=Signer"), Key: lab.ForgedKey(), NotBefore: noon, NotAfter: noon,
		Extensions: []lab.Extension{lab.ExtKeyUsage("1.3.6.1.4.1.11129.2.4.4"), lab.AKI(l.Intermediate.KeyID)},
	}
	bySigner := l.LeafTemplate()
	bySigner.Drop(lab.IDSCTs)
	bySigner.Set(poison, lab.AKI(lab.ForgedKey().ID))
	bySigner.Issuer = lab.Named("CN=Signer")
	logged := entry(l.Leaf, false, noon.Add(2*day), 1)
	direct := indexed(pre.Sign(l.Intermediate.Key, ""))
	direct.Certificates = append(direct.Certificates, l.Intermediate.DER) // no signer of precertificates
	signed := indexed(bySigner.Sign(lab.ForgedKey(), lab.SHA256ECDSA))
	signed.Certificates = append(signed.Certificates, signer.Sign(l.Intermediate.Key, ""))
	for name, index := range map[string]*evidence.Subject{"by the CA": direct, "by a signer": signed} {
		for _, entries := range [][]*evidence.Subject{{index, logged}, {logged, index}} {
			book := Open(&Book{Domains: []Domain{{Name: ".lab.example"}}, At: noon, Entries: entries})
			if judged, others := book.Judged(); !slices.Equal(judged, []*evidence.Subject{logged}) || !slices.Equal(others, []*evidence.Subject{index}) {
				t.Errorf("%s: judged %v, others %v; want them to be one", name, judged, others)
			}
			a, ok := book.Identity(index)
			if b, both := book.Identity(logged); !ok || !both || a != b {
				t.Errorf("%s: identities %x and %x", name, a, b)
			}
			if f := book.Facts(logged, map[string]string{}); !f.InLog || !f.Issued.Equal(noon.Add(2*day)) || f.PrecertOnly {
				t.Errorf("%s: %+v, want the log's time", name, f)
			}
		}
		// Alone it is a precertificate that only an index shows.
		if f := Open(&Book{Domains: []Domain{{Name: ".lab.example"}}, At: noon, Entries: []*evidence.Subject{index}}).Facts(index, map[string]string{}); f.InLog || f.PrecertOnly {
			t.Errorf("%s, alone: %+v", name, f)
		}
	}
	// One that cannot be taken apart, with the poison twice, is passed over.
	pre.Extensions = append(pre.Extensions, poison)
	if judged, _ := Open(&Book{At: noon, Entries: []*evidence.Subject{indexed(pre.Sign(l.Intermediate.Key, ""))}}).Judged(); len(judged) > 0 {
		t.Errorf("judged %v, which cannot be taken apart", judged)
	}
}

// The first time that any log has a certificate is when it was logged.
func TestFirstLogged(t *testing.T) {
	der := made{names: []string{"a.lab.example"}}.der(t)
	late, soon := entry(der, false, noon.Add(day), 1), entry(der, true, noon, 2)
	for _, entries := range [][]*evidence.Subject{{late, soon}, {soon, late}} {
		f := Open(&Book{Domains: []Domain{{Name: ".lab.example"}}, At: noon, Entries: entries}).Facts(late, map[string]string{})
		if !f.Issued.Equal(noon) || f.PrecertOnly {
			t.Errorf("%+v, want the time of the precertificate, and that there is a certificate", f)
		}
	}
	if f := Open(&Book{Domains: []Domain{{Name: ".lab.example"}}, At: noon, Entries: []*evidence.Subject{soon}}).Facts(soon, map[string]string{}); !f.PrecertOnly {
		t.Error("a precertificate alone is not said to be")
	}
}
