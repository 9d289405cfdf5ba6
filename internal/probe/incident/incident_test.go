package incident

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
)

// holder is what the tables hold of a CA: its subject and key.
func holder(ca *lab.CA) *cert.Certificate {
	c := cert.Parse(ca.DER)
	return &cert.Certificate{Subject: c.Subject, SPKI: c.SPKI, Key: c.Key}
}

// TestSignedBy: a leaf is told by the key that signed it, not by the name in its
// issuer field.
func TestSignedBy(t *testing.T) {
	l := lab.New(lab.Config{})
	leaf := cert.Parse(l.Leaf)
	bad := trust.Signer{Certificate: holder(l.Intermediate), Incident: trust.Incident{ID: "bad-2020", Means: trust.LeakedCAKey}}
	namesake := trust.Signer{Certificate: holder(l.SelfSignedCA(l.Intermediate.Name, lab.RootKey())), Incident: trust.Incident{ID: "other-2020"}}
	check := &signature.Checker{}
	if i, ok := signedBy(leaf, []trust.Signer{namesake, bad}, check); !ok || i.ID != "bad-2020" {
		t.Errorf("signedBy(leaf of a leaked CA) = %+v, %v, want bad-2020", i, ok)
	}
	if i, ok := signedBy(leaf, []trust.Signer{namesake}, check); ok {
		t.Errorf("signedBy(leaf of a namesake) = %+v, want none", i)
	}
	many := make([]trust.Signer, maxSigners, maxSigners+1)
	for n := range many {
		many[n] = namesake
	}
	if _, ok := signedBy(leaf, append(many, bad), check); ok {
		t.Error("signedBy tried more keys than its limit")
	}
}

func TestIncident(t *testing.T) {
	l := lab.New(lab.Config{})
	check := &signature.Checker{}
	if diff := cmp.Diff(&facts.Incident{}, Incident(cert.Parse(l.Leaf), "", check)); diff != "" {
		t.Errorf("an honest leaf (-want +got):\n%s", diff)
	}
	got := Incident(cert.Parse(l.Leaf), "house-of-keys-2015", check)
	if got.ID != "house-of-keys-2015" || got.Means != "leaked-key" || got.By != "key" || got.Account == "" || got.Source == "" {
		t.Errorf("a key on a list = %+v, want the incident that the list is named after", got)
	}
	if got := Incident(cert.Parse(l.Leaf), "debianssl", check); got.ID != "" {
		t.Errorf("a key on a list of no incident = %+v, want none", got)
	}
	for _, junk := range []string{"", "0", "\x30\x82"} {
		if got := Incident(cert.Parse([]byte(junk)), "", check); got == nil || got.ID != "" {
			t.Errorf("Incident(%q) = %+v, want none", junk, got)
		}
	}
}

// bench is a laboratory in which one CA is distrusted.
type bench struct {
	*lab.Lab
	store *trust.Store
	ca    trust.Distrusted
	sct   time.Time
}

func newBench(t *testing.T, ca *lab.CA, l *lab.Lab, kind trust.DecisionKind, date time.Time) *bench {
	t.Helper()
	store, err := trust.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{Lab: l, store: store, ca: trust.Distrusted{
		ID: "lab-2026", Name: "Lab Root", Owner: "Lab", Why: "To see what happens.", Sources: []string{"https://lab.example"},
		Decisions: []trust.Decision{{Program: "mozilla", Kind: kind, Date: date}}, CA: holder(ca),
	}}
}

func (b *bench) distrust(at time.Time, chain ...[]byte) []facts.Distrust {
	in := &Chain{At: at, Trust: b.store, Check: &signature.Checker{}}
	for _, der := range chain {
		in.Certificates = append(in.Certificates, cert.Parse(der))
	}
	if !b.sct.IsZero() {
		in.SCTs = []facts.SCT{{Parsed: true, Time: b.sct}}
	}
	w := &walk{
		Chain: in, keys: map[string]bool{},
		known: func(c *cert.Certificate) (trust.Distrusted, bool) {
			return b.ca, c.SPKI != nil && string(c.SPKI) == string(b.ca.CA.SPKI)
		},
		named: func(n *cert.Name) []trust.Distrusted {
			if n.Normal() == b.ca.CA.Subject.Normal() {
				return []trust.Distrusted{b.ca}
			}
			return nil
		},
	}
	return w.all()
}

// TestDistrustByDate moves the date of each kind of decision across the leaf.
// The leaf begins 30 days before At.
func TestDistrustByDate(t *testing.T) {
	l := lab.New(lab.Config{})
	begin := l.At.Add(-30 * 24 * time.Hour)
	for _, tt := range []struct {
		name    string
		kind    trust.DecisionKind
		date    time.Time
		sct, at time.Time
		want    bool
	}{
		{"removed", trust.Removed, begin.AddDate(0, 0, 1), time.Time{}, l.At, true},
		{"removed later than judged", trust.Removed, l.At.Add(1), time.Time{}, l.At, false},
		{"removed that very moment", trust.Removed, l.At, time.Time{}, l.At, true},
		{"blocked", trust.Blocked, begin, time.Time{}, l.At, true},
		{"notBefore after the date", trust.AfterNotBefore, begin.Add(-time.Second), time.Time{}, l.At, true},
		{"notBefore on the date", trust.AfterNotBefore, begin, time.Time{}, l.At, false},
		{"SCT after the date", trust.AfterSCT, begin, begin.Add(time.Minute), l.At, true},
		{"SCT before the date, notBefore after it", trust.AfterSCT, begin.Add(-time.Hour), begin.Add(-2 * time.Hour), l.At, false},
		{"no SCT: notBefore counts", trust.AfterSCT, begin.Add(-time.Second), time.Time{}, l.At, true},
		{"no SCT, issued before", trust.AfterSCT, begin, time.Time{}, l.At, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, l.Root, l, tt.kind, tt.date)
			b.sct = tt.sct
			for how, chain := range map[string][][]byte{
				"certificate": {l.Leaf, l.Intermediate.DER, l.Root.DER},
				"signer":      {l.Leaf, l.Intermediate.DER},
			} {
				got := b.distrust(tt.at, chain...)
				if len(got) != 1 || got[0].By != how || got[0].Applies != tt.want {
					t.Errorf("%s: %+v, want one decision that applies: %v", how, got, tt.want)
				}
			}
		})
	}
}

// TestDistrustRefutedSCT: anybody can write a timestamp. One that was refuted, or
// could not be read, does not make a leaf older.
func TestDistrustRefutedSCT(t *testing.T) {
	bad, old := "bad-signature", time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	now := old.AddDate(20, 0, 0)
	w := &walk{Chain: &Chain{SCTs: []facts.SCT{{Parsed: true, Time: old, Verdict: &bad}, {Time: old}, {Parsed: true, Time: now.Add(1)}, {Parsed: true, Time: now}}}}
	if got, ok := w.firstSCT(); !ok || !got.Equal(now) {
		t.Errorf("firstSCT = %v, %v, want %v", got, ok, now)
	}
	w.SCTs = w.SCTs[:2]
	if got, ok := w.firstSCT(); ok {
		t.Errorf("firstSCT(refuted ones) = %v, want none", got)
	}
}

// TestDistrustWhere is about which CAs count.
func TestDistrustWhere(t *testing.T) {
	l := lab.New(lab.Config{})
	b := newBench(t, l.Root, l, trust.Removed, l.At.AddDate(-1, 0, 0))
	impostor := l.SelfSignedCA(l.Root.Name, lab.LeafKey())
	for _, tt := range []struct {
		name  string
		chain [][]byte
		want  int
	}{
		{"nothing above the leaf leads there", [][]byte{l.Leaf}, 0},
		{"it stands by, but the intermediate that leads there is missing", [][]byte{l.Leaf, l.Root.DER}, 0},
		{"a loop of names ends", [][]byte{l.Leaf, l.Intermediate.DER, l.Intermediate.DER, l.Leaf, l.Root.DER}, 1},
		{"a namesake with another key is somebody else", [][]byte{impostor.DER}, 0},
		{"the CA alone", [][]byte{l.Root.DER}, 1},
		{"bytes that are no certificate", [][]byte{{0x30}, l.Root.DER}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := b.distrust(l.At, tt.chain...)
			if got == nil || len(got) != tt.want {
				t.Errorf("distrust = %+v, want %d decisions and never nil", got, tt.want)
			}
		})
	}
	if got := Distrust(&Chain{}); got != nil {
		t.Errorf("Distrust(nothing) = %+v, want nil: unknown", got)
	}
}

// TestDistrustExempt: what others run below a distrusted root was excepted.
func TestDistrustExempt(t *testing.T) {
	l := lab.New(lab.Config{})
	b := newBench(t, l.Root, l, trust.Removed, l.At.AddDate(-1, 0, 0))
	spki, _ := cert.Parse(l.Intermediate.DER).SPKISHA256()
	b.ca.Exempt = []string{hexOf(spki)}
	got := b.distrust(l.At, l.Leaf, l.Intermediate.DER)
	if len(got) != 1 || !got[0].Exempt || got[0].Applies {
		t.Errorf("distrust below an excepted intermediate = %+v, want one that does not apply", got)
	}
}

// TestDistrustStopsAtTrustedKeys: a CA whose key an owner or a program trusts
// does not need the one that cross-signed it.
func TestDistrustStopsAtTrustedKeys(t *testing.T) {
	l := lab.New(lab.Config{})
	b := newBench(t, l.Root, l, trust.Removed, l.At.AddDate(-1, 0, 0))
	store, err := trust.New([]trust.Set{{Name: "corp", Certificates: [][]byte{l.Intermediate.DER}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.store = store
	if got := b.distrust(l.At, l.Leaf, l.Intermediate.DER, l.Root.DER); len(got) != 0 {
		t.Errorf("distrust above a trusted key = %+v, want none", got)
	}
}

// TestDistrustIsBounded climbs through many namesakes.
func TestDistrustIsBounded(t *testing.T) {
	l := lab.New(lab.Config{})
	b := newBench(t, l.Root, l, trust.Removed, l.At)
	chain := [][]byte{l.Leaf}
	for range 4 * maxPath {
		chain = append(chain, l.Intermediate.DER)
	}
	chain = append(chain, l.Root.DER)
	in := &Chain{At: l.At, Trust: b.store, Check: &signature.Checker{}}
	for _, der := range chain {
		in.Certificates = append(in.Certificates, cert.Parse(der))
	}
	questions := 0
	w := &walk{Chain: in, keys: map[string]bool{}, named: func(*cert.Name) []trust.Distrusted { return nil }}
	w.known = func(*cert.Certificate) (trust.Distrusted, bool) { questions++; return trust.Distrusted{}, false }
	w.all()
	if questions > maxPath {
		t.Errorf("%d certificates were climbed through, want at most %d", questions, maxPath)
	}
}

// TestDistrustOfALeafWithItsIssuersName has a leaf bear the name of the CA above
// it, which is no reason to look no further.
func TestDistrustOfALeafWithItsIssuersName(t *testing.T) {
	l := lab.New(lab.Config{})
	b := newBench(t, l.Root, l, trust.Removed, l.At.AddDate(0, -1, 0))
	c := l.LeafTemplate()
	c.Subject = l.Intermediate.Name
	if got := b.distrust(l.At, l.Issue(c), l.Intermediate.DER, l.Root.DER); len(got) != 1 || !got[0].Applies {
		t.Errorf("the distrusted CA above it is not seen: %+v", got)
	}
}
