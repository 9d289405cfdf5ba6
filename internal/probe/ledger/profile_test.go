package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
)

// A certificate differs from earlier ones where three of them, and most, are alike
// in all that it differs in.
func TestProfile(t *testing.T) {
	staple := func(x *lab.Template) { x.Set(lab.Extension{ID: "1.3.6.1.5.5.7.1.24", Value: []byte{0x30, 3, 2, 1, 5}}) }
	usual := made{names: []string{"a.lab.example"}, begin: noon.Add(-200 * day)}
	like := func(n int, change ...func(*made)) (out []made) {
		for i := range n {
			m := usual
			m.begin, m.key = m.begin.AddDate(0, 0, i), byte(i+10)
			for _, f := range change {
				f(&m)
			}
			out = append(out, m)
		}
		return out
	}
	short := func(m *made) { m.days = 10 }
	stapled := func(m *made) { m.change = staple }
	for _, tt := range []struct {
		name    string
		earlier []made
		change  []func(*made)
		want    string // what it differs in
		hint    string
	}{
		{"like the others", like(3), nil, "", "nothing sets it apart from the 3 earlier"},
		{"in one", like(3), []func(*made){short}, "validity", "validity 10 days where 3 others have 90 days"},
		{"in two", like(3), []func(*made){short, stapled}, "validity, must-staple", "must-staple yes where 3 others have no"},
		{"of two only", like(2), []func(*made){short, stapled}, "", "only 2 earlier certificates"},
		{"one of the others is alike", append(like(3), like(1, short)...), []func(*made){short, stapled}, "must-staple", ""},
		{"a minority is alike each", append(like(3), like(3, short)...), []func(*made){func(m *made) { m.days = 20 }, stapled}, "must-staple", ""},
		{"another CA's", like(3), []func(*made){short, stapled, func(m *made) { m.org = "Other" }}, "", "only 0 earlier"},
		{"later ones", like(3, func(m *made) { m.begin = noon.Add(day) }), []func(*made){short, stapled}, "", "only 0 earlier"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &Book{Domains: []Domain{{Name: ".lab.example"}}, At: noon}
			for i, m := range tt.earlier {
				b.Entries = append(b.Entries, entry(m.der(t), i%2 == 0, m.begin, uint64(i)))
			}
			m := usual
			m.begin, m.key = noon, 1
			for _, f := range tt.change {
				f(&m)
			}
			x := entry(m.der(t), false, m.begin, 100)
			b.Entries = append(b.Entries, x)
			f := Open(b).Facts(x, map[string]string{})
			var in []string
			for _, d := range f.Profile {
				what, _, _ := strings.Cut(d, " ")
				if rest, ok := strings.CutPrefix(d, "common name "); ok && rest != "" {
					what = "common name"
				}
				in = append(in, what)
			}
			if got := strings.Join(in, ", "); got != tt.want {
				t.Errorf("differs in %q, want %s", f.Profile, tt.want)
			}
			if hints := strings.Join(f.Hints, " | "); !strings.Contains(hints, tt.hint) || !strings.Contains(hints, "serial number") {
				t.Errorf("hints lack %q: %s", tt.hint, hints)
			}
		})
	}
}

// What the CA's part gives is compared where one CA certificate issued.
func TestProfileIssuing(t *testing.T) {
	c := cert.Parse(made{names: []string{"a.lab.example"}, begin: noon}.der(t))
	x := &logged{cert: c, profile: map[string]string{"serial": "of 18 octets from 03"}}
	for issuing, want := range map[string]int{c.Issuer.Normal(): 1, "another CA certificate": 0} {
		p := peer{map[string]string{"serial": "of 16 octets from 0a"}, issuing}
		if h := compare(x, []peer{p, p, p}); len(h.differs) != want || h.peers != 3 {
			t.Errorf("issued by %q: %+v, want %d differences", issuing, h, want)
		}
	}
}

// What is usual by itself and never together is no habit.
func TestProfileTogether(t *testing.T) {
	x := &logged{cert: cert.Parse(nil), profile: map[string]string{"validity": "10", "key": "rsa"}}
	of := func(validity, key string) peer {
		return peer{profile: map[string]string{"validity": validity, "key": key}}
	}
	if h := compare(x, []peer{of("90", "p256"), of("90", "p256"), of("90", "p384"), of("45", "p256")}); len(h.differs) != 0 {
		t.Errorf("two of four have both: %+v", h)
	}
	if h := compare(x, []peer{of("90", "p256"), of("90", "p256"), of("90", "p256"), of("45", "p256")}); len(h.differs) != 2 {
		t.Errorf("three of four have both: %+v, want two differences", h)
	}
}

// CAA records that name accounts are told of the names that they are for.
func TestHintsOfCAA(t *testing.T) {
	x := entry(made{names: []string{"a.lab.example", "*.b.lab.example"}, begin: noon, key: 1}.der(t), false, noon, 1)
	b := &Book{
		Domains: []Domain{{Name: ".lab.example"}}, At: noon, Entries: []*evidence.Subject{x},
		Bindings: []Binding{
			{Name: "a.lab.example", FoundAt: "lab.example", Accounts: []string{"https://acme.example/1"}},
			{Name: "x.b.lab.example"},
			{Name: "c.lab.example", FoundAt: "lab.example", Accounts: []string{"https://acme.example/3"}},
		},
	}
	hints := strings.Join(Open(b).Facts(x, map[string]string{}).Hints, " | ")
	for _, want := range []string{"only these accounts order for a.lab.example now: https://acme.example/1", "x.b.lab.example has no CAA records"} {
		if !strings.Contains(hints, want) {
			t.Errorf("hints lack %q: %s", want, hints)
		}
	}
	if strings.Contains(hints, "c.lab.example") {
		t.Errorf("hints tell of another name: %s", hints)
	}
	b.Bindings = []Binding{{Name: "a.lab.example", FoundAt: "lab.example", Accounts: []string{"https://acme.example/1"}, Open: true}, {Name: "x.b.lab.example", FoundAt: "lab.example"}}
	hints = strings.Join(Open(b).Facts(x, map[string]string{}).Hints, " | ")
	for _, want := range []string{"binds no account", "lets nobody order for x.b.lab.example"} {
		if !strings.Contains(hints, want) {
			t.Errorf("hints lack %q: %s", want, hints)
		}
	}
	// What is explained needs none.
	b.Served = []Served{{"a.lab.example", cert.Parse(x.Certificates[0])}}
	if f := Open(b).Facts(x, map[string]string{}); len(f.Hints) != 0 || f.Hints == nil {
		t.Errorf("explained, and hints %q", f.Hints)
	}
}

// Everything that is compared of a certificate.
func TestProfileOf(t *testing.T) {
	plain := cert.Parse(made{names: []string{"a.lab.example"}, begin: noon.Add(time.Hour), change: func(x *lab.Template) {
		x.Subject, x.Serial = lab.Named("O=Lab"), []byte{0x0a, 1, 2}
		x.Keep(lab.IDSAN)
	}}.der(t))
	full := cert.Parse(made{names: []string{"a.lab.example", "b.lab.example"}, begin: noon.Truncate(day), change: func(x *lab.Template) {
		x.Subject, x.Serial = lab.Named("CN=a.lab.example"), append([]byte{0x03}, make([]byte, 17)...)
		x.Keep(lab.IDSAN)
		x.Set(
			lab.ExtKeyUsage("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.2.3"), lab.Policies("2.23.140.1.2.1"),
			lab.Extension{ID: "1.3.6.1.5.5.7.1.24", Value: []byte{0x30, 3, 2, 1, 5}},
			lab.Extension{ID: lab.IDSCTs, Value: []byte{4, 0}},
			lab.AIA("http://ocsp.lab.example/x", "http://issuer.lab.example/ca.crt"),
		)
	}}.der(t))
	unsorted := cert.Parse(made{names: []string{"b.lab.example", "a.lab.example"}}.der(t))
	for name, tt := range map[string]struct {
		c    *cert.Certificate
		want map[string]string
	}{
		"plain": {plain, map[string]string{
			"key": "ecdsa 256", "validation": "policies none and organization Lab", "purposes": "none", "common name": "absent", "must-staple": "no",
			"serial": "of 3 octets from 0a", "pointers": "OCSP none and issuer none and CRL none", "validity": "90 days", "begins": "at any time",
			"extensions": "2.5.29.17",
		}},
		"full": {full, map[string]string{
			"key": "ecdsa 256", "validation": "policies 2.23.140.1.2.1 and organization none", "purposes": "serverAuth clientAuth 1.2.3",
			"common name": "present", "must-staple": "yes", "serial": "of 18 octets from 03",
			"pointers": "OCSP ocsp.lab.example and issuer issuer.lab.example and CRL none", "validity": "90 days", "begins": "at midnight",
			"extensions": "2.5.29.17 2.5.29.37 2.5.29.32 1.3.6.1.5.5.7.1.1", "order of names": "sorted",
		}},
	} {
		if d := cmp.Diff(tt.want, profile(tt.c)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if got := profile(unsorted)["order of names"]; got != "not sorted" {
		t.Errorf("order of names: %s", got)
	}
}

// Of values that as many have, it is always the same one.
func TestMost(t *testing.T) {
	var peers []peer
	for _, v := range []string{"b", "a", "c", "b", "a"} {
		peers = append(peers, peer{profile: map[string]string{"key": v}})
	}
	for range 20 {
		if value, n := most(append(peers, peer{}), "key"); value != "a" || n != 2 {
			t.Fatalf("most = %s, %d; want a, 2", value, n)
		}
	}
}

// What servers show and no log has is a habit, too: of the domain, from before, and
// each once.
func TestProfileOfServed(t *testing.T) {
	served := func(name string, begin time.Time, key byte) Served {
		return Served{name, cert.Parse(made{names: []string{name}, begin: begin, key: key}.der(t))}
	}
	before := noon.Add(-200 * day)
	x := entry(made{names: []string{"x.lab.example"}, begin: noon, key: 1, days: 10}.der(t), false, noon, 1)
	three := []Served{served("a.lab.example", before, 2), served("a.lab.example", before, 3), served("b.lab.example", before, 4)}
	for name, tt := range map[string]struct {
		served []Served
		logged bool // the last of them
		want   int
	}{
		"three":                  {three, false, 1},
		"one of them is logged":  {three, true, 1},
		"two":                    {three[:2], false, 0},
		"two, and one of them":   {append(three[:2:2], three[1]), false, 0},
		"one is of another name": {append(three[:2:2], served("other.example", before, 5)), false, 0},
		"one is later":           {append(three[:2:2], served("b.lab.example", noon.Add(day), 5)), false, 0},
	} {
		b := &Book{Domains: []Domain{{Name: ".lab.example"}}, At: noon, Served: tt.served, Entries: []*evidence.Subject{x}}
		if tt.logged {
			b.Entries = append(b.Entries, entry(tt.served[len(tt.served)-1].Certificate.Raw, false, before, 2))
		}
		if f := Open(b).Facts(x, map[string]string{}); len(f.Profile) != tt.want {
			t.Errorf("%s: differs in %q, want %d", name, f.Profile, tt.want)
		}
	}
}
