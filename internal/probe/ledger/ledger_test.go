package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/lab"
)

var (
	noon   = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	serial int
)

const day = 24 * time.Hour

// A made is a certificate of the lab as a test wants it.
type made struct {
	names []string
	begin time.Time
	key   byte   // 0 is the server's
	org   string // of the issuer; empty is the lab's
	days  int
	// change is what else is different; nil is nothing.
	change func(*lab.Template)
}

func (m made) der(t *testing.T) []byte {
	t.Helper()
	l := lab.New(lab.Config{Host: m.names[0], At: noon, Organization: m.org})
	template := l.LeafTemplate()
	template.Drop(lab.IDSCTs)
	serial++
	template.Serial = lab.SerialOf(fmt.Sprint(serial))
	if m.begin.IsZero() {
		m.begin = noon
	}
	if m.days == 0 {
		m.days = 90
	}
	template.NotBefore, template.NotAfter = m.begin, m.begin.AddDate(0, 0, m.days)
	template.Set(lab.SAN(m.names...))
	if m.key > 0 {
		template.SPKI = slices.Clone(template.Key.SPKI)
		template.SPKI[len(template.SPKI)-1] ^= m.key
	}
	if m.change != nil {
		m.change(&template)
	}
	return template.Sign(l.Intermediate.Key, "")
}

// entry is the certificate as a log has it.
func entry(der []byte, precert bool, at time.Time, index uint64) *evidence.Subject {
	signed := append([]byte{0, 0}, vector(der)...)
	if precert {
		tbs := cert.Parse(der).TBS
		signed = append(append([]byte{0, 1}, make([]byte, 32)...), vector(tbs)...)
	}
	leaf := binary.BigEndian.AppendUint64([]byte{0, 0}, uint64(at.UnixMilli()))
	leaf = append(append(leaf, signed...), 0, 0)
	return &evidence.Subject{
		ID: fmt.Sprint("log://lab/", index), Kind: evidence.LogEntry, Certificates: []evidence.DER{der},
		Log: &evidence.Log{Key: []byte("log"), Name: "Lab", Entry: &evidence.Entry{Index: index, Leaf: leaf, Time: at, Precert: precert, Verified: true}},
	}
}

func vector(b []byte) []byte {
	return append([]byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

func pin(der []byte) expect.Pin {
	sum := sha256.Sum256(cert.Parse(der).SPKI)
	return expect.Pin{Of: expect.SPKI, Hash: expect.SHA256, Sum: string(sum[:])}
}

// What is logged beside a server that shows a certificate of 60 days of 90.
func TestExplained(t *testing.T) {
	host := []string{"a.lab.example", "www.a.lab.example"}
	now := made{names: host, begin: noon.Add(-60 * day)}
	yes, no := new(true), new(false)
	for _, tt := range []struct {
		name    string
		logged  []made // the last is asked about
		change  func(*Book)
		want    *bool
		because string
	}{
		{name: "shown by the server", want: yes, because: ByServed},
		{name: "over the server's key", logged: []made{{names: []string{"b.lab.example"}, begin: noon}}, want: yes, because: ByServedKey},
		{name: "another name, another key", logged: []made{{names: []string{"b.lab.example"}, begin: noon, key: 1}}, want: no},
		{name: "renewal", logged: []made{{names: host, begin: noon, key: 1}}, want: yes, because: ByRenewal},
		{name: "second renewal", logged: []made{{names: host, begin: noon.Add(-day), key: 1}, {names: host, begin: noon, key: 2}}, want: no},
		{
			name: "renewal before the owner's time", logged: []made{{names: host, begin: noon, key: 1}}, want: no,
			change: func(b *Book) { b.Domains[0].RenewAfter = 0.9 },
		},
		{
			name: "early renewal at the owner's time", logged: []made{{names: host, begin: noon.Add(-37 * day), key: 1}}, want: yes, because: ByRenewal,
			change: func(b *Book) { b.Domains[0].RenewAfter = 0.3 },
		},
		{name: "renewal at the end", logged: []made{{names: host, begin: noon.Add(59 * day), key: 1}}, want: yes, because: ByRenewal},
		{name: "long after the end", logged: []made{{names: host, begin: noon.Add(61 * day), key: 1}}, want: no},
		{name: "renewal with a name more", logged: []made{{names: append(slices.Clone(host), "b.lab.example"), begin: noon, key: 1}}, want: no},
		{name: "renewal too early", logged: []made{{names: host, begin: noon.Add(-50 * day), key: 1}}, want: no},
		{name: "renewal by another CA", logged: []made{{names: host, begin: noon, key: 1, org: "Other"}}, want: no},
		{name: "what the server showed before", logged: []made{{names: host, begin: noon.Add(-110 * day), key: 1}}, want: yes, because: ByRenewal},
		{name: "long before", logged: []made{{names: host, begin: noon.Add(-300 * day), key: 1}}, want: no},
		{name: "two steps back", logged: []made{{names: host, begin: noon.Add(-110 * day), key: 1}, {names: host, begin: noon.Add(-160 * day), key: 2}}, want: yes, because: ByRenewal},
		{
			name: "pinned", logged: []made{{names: []string{"b.lab.example"}, begin: noon, key: 1}}, want: yes, because: ByPin,
			change: func(b *Book) { b.Domains[0].Keys = []expect.Pin{pin(made{names: host, key: 1}.der(t))} },
		},
		{
			name: "pinned at a server", logged: []made{{names: []string{"b.lab.example"}, begin: noon, key: 1}}, want: yes, because: ByPin,
			change: func(b *Book) { b.Targets[0].Keys = []expect.Pin{pin(made{names: host, key: 1}.der(t))} },
		},
		{
			name: "pin has ended", logged: []made{{names: []string{"b.lab.example"}, begin: noon, key: 1}}, want: no,
			change: func(b *Book) {
				p := pin(made{names: host, key: 1}.der(t))
				p.Until = noon.Add(-day)
				b.Domains[0].Keys = []expect.Pin{p}
			},
		},
		{
			name: "a server was not reached", logged: []made{{names: []string{"b.lab.example"}, begin: noon, key: 1}},
			change: func(b *Book) { b.Targets = append(b.Targets, Target{Host: "b.lab.example"}) },
		},
		{
			name: "a wildcard, and one of its servers was not reached", logged: []made{{names: []string{"*.lab.example"}, begin: noon, key: 1}},
			change: func(b *Book) { b.Targets = append(b.Targets, Target{Host: "b.lab.example"}) },
		},
		{
			name: "a server of other names was not reached", logged: []made{{names: []string{"b.lab.example"}, begin: noon, key: 1}}, want: no,
			change: func(b *Book) { b.Targets = append(b.Targets, Target{Host: "c.lab.example"}) },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			served := now.der(t)
			b := &Book{
				Domains: []Domain{{Name: ".lab.example"}}, Targets: []Target{{Host: host[0], Seen: true}}, At: noon,
				Served:  []Served{{Host: host[0], Certificate: cert.Parse(served)}},
				Entries: []*evidence.Subject{entry(served, true, now.begin, 0)},
			}
			for i, m := range tt.logged {
				b.Entries = append(b.Entries, entry(m.der(t), i%2 == 0, m.begin, uint64(i+1)))
			}
			if tt.change != nil {
				tt.change(b)
			}
			reasons := map[string]string{}
			f := Open(b).Facts(b.Entries[len(b.Entries)-1], reasons)
			if !f.Reconciled || (f.Explained == nil) != (tt.want == nil) || f.Explained != nil && *f.Explained != *tt.want || f.Because != tt.because {
				t.Errorf("explained %v by %q, want %v by %q", f.Explained, f.Because, tt.want, tt.because)
			}
			if (f.Explained == nil) != (reasons[Path] != "") {
				t.Errorf("reason %q for explained %v", reasons[Path], f.Explained)
			}
			// The order in which logs were read is of no matter.
			slices.Reverse(b.Entries)
			if again := Open(b).Facts(b.Entries[0], reasons); again.Because != f.Because {
				t.Errorf("in another order explained by %q, want %q", again.Because, f.Because)
			}
		})
	}
}

// Machines with a certificate each, and a machine with two kinds of keys, are
// renewed side by side. One certificate on several machines is one.
func TestExplainedSideBySide(t *testing.T) {
	host := []string{"a.lab.example"}
	generation := func(begin time.Time, keys ...byte) (out []made) {
		for i, k := range keys {
			out = append(out, made{names: host, begin: begin.Add(time.Duration(i) * time.Minute), key: k})
		}
		return out
	}
	before, last, next := noon.Add(-120*day), noon.Add(-60*day), noon.Add(-day)
	one := generation(last, 1)
	for _, tt := range []struct {
		name           string
		served, logged []made
		copies         int // of the first one served, on further machines
		unexplained    int
	}{
		{name: "three machines, the certificates before", served: generation(last, 1, 2, 3), logged: generation(before, 4, 5, 6)},
		{name: "two generations before", served: generation(next, 1, 2), logged: append(generation(last, 3, 4), generation(before, 5, 6)...)},
		{name: "three machines, the renewals of tonight", served: generation(last, 1, 2, 3), logged: generation(next, 4, 5, 6)},
		{name: "one more than there are machines, before", served: generation(last, 1, 2, 3), logged: generation(before, 4, 5, 6, 7), unexplained: 1},
		{name: "one more than there are machines, tonight", served: generation(last, 1, 2, 3), logged: generation(next, 4, 5, 6, 7), unexplained: 1},
		// It may be the forger's as well, and the machine that lags show what was renewed.
		{name: "half of them renewed", served: append(generation(last, 1), generation(next, 2)...), logged: generation(last.Add(time.Hour), 3), unexplained: 1},
		{name: "all renewed, and one more", served: append(generation(last, 1), generation(next, 2)...), logged: generation(next.Add(time.Hour), 3), unexplained: 1},
		{name: "one certificate on four machines", served: one, copies: 3, logged: generation(next, 4, 5), unexplained: 1},
		{name: "one certificate on four machines, before", served: one, copies: 3, logged: generation(before, 4, 5), unexplained: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &Book{Domains: []Domain{{Name: ".lab.example"}}, Targets: []Target{{Host: host[0], Seen: true}}, At: noon}
			for i, m := range tt.served {
				der := m.der(t)
				for range 1 + tt.copies {
					b.Served = append(b.Served, Served{Host: host[0], Certificate: cert.Parse(der)})
				}
				b.Entries = append(b.Entries, entry(der, true, m.begin, uint64(i)))
			}
			for i, m := range tt.logged {
				b.Entries = append(b.Entries, entry(m.der(t), true, m.begin, uint64(100+i)))
			}
			l, got := Open(b), 0
			for _, e := range b.Entries {
				if f := l.Facts(e, map[string]string{}); !*f.Explained {
					got++
				}
			}
			if got != tt.unexplained {
				t.Errorf("%d certificates are unexplained, want %d", got, tt.unexplained)
			}
		})
	}
}

func TestSideFacts(t *testing.T) {
	host := []string{"a.lab.example"}
	served := made{names: host, begin: noon.Add(-60 * day)}.der(t)
	strange := made{names: []string{"b.lab.example"}, begin: noon.Add(-time.Hour), key: 1, days: 10}
	b := &Book{
		Domains: []Domain{{Name: ".lab.example", Zone: time.UTC, From: 20 * time.Hour, To: 8 * time.Hour}},
		Targets: []Target{{Host: host[0], Seen: true}}, Served: []Served{{host[0], cert.Parse(served)}}, At: noon,
	}
	der := strange.der(t)
	pre, final := entry(der, true, strange.begin.Add(time.Minute), 1), entry(der, true, strange.begin, 2)
	elsewhere := entry(made{names: []string{"shop.example"}, begin: noon}.der(t), false, noon, 3)
	others := entry(made{names: []string{"shop.example"}, begin: noon, key: 1}.der(t), false, noon, 4)
	early := entry(made{names: host, begin: noon.Add(-55 * day), key: 2}.der(t), false, noon.Add(-55*day), 5)
	foreign := entry(made{names: []string{"c.lab.example"}, begin: noon, key: 3, org: "Other"}.der(t), false, noon.Add(9*time.Hour), 6)
	b.Entries = []*evidence.Subject{pre, final, elsewhere, others, early, foreign}
	l := Open(b)
	reasons := map[string]string{}
	if judged, behind := l.Judged(); len(judged) != 5 || len(behind) != 1 || behind[0] != pre {
		t.Errorf("%d to judge, %d behind them; want one of the two entries of a certificate", len(judged), len(behind))
	}
	f := l.Facts(final, reasons)
	if len(f.Logs) != 2 || !f.Issued.Equal(strange.begin) || !f.PrecertOnly || !f.HoursSaid || !f.OutsideHours || f.NewIssuer || f.Early {
		t.Errorf("%+v, want two logs, the earlier time, alone, outside of the hours", f)
	}
	if f := l.Facts(elsewhere, reasons); !f.Reconciled || !f.Stranger || f.Domain != "" {
		t.Errorf("the owner's key elsewhere: %+v", f)
	}
	if f := l.Facts(others, reasons); f.Reconciled || f.Stranger {
		t.Errorf("somebody else's: %+v", f)
	}
	if f := l.Facts(early, reasons); !f.Early || f.EarlyPercent != 5 || f.EarlyAgainst != evidence.Hash(sha256.Sum256(served)) {
		t.Errorf("early: %+v, want it against 5 %% of the served one", f)
	}
	if f := l.Facts(foreign, reasons); !f.NewIssuer || f.OutsideHours {
		t.Errorf("another CA, in the hours over midnight: %+v", f)
	}
	if f := l.Facts(foreign, reasons); len(f.Profile) != 0 {
		t.Errorf("nothing to compare with, and differs in %v", f.Profile)
	}
	if f := (*Ledger)(nil).Facts(final, reasons); f.Reconciled {
		t.Errorf("without a ledger: %+v", f)
	}
}

// Pins are a list of keys only where they are said of every name, and are not those
// of a CA.
func TestPinned(t *testing.T) {
	two := made{names: []string{"a.lab.example", "b.lab.example"}, begin: noon, key: 1}.der(t)
	mine, other := []expect.Pin{pin(two)}, []expect.Pin{pin(made{names: []string{"x"}, key: 9}.der(t))}
	ca := lab.New(lab.Config{At: noon}).Intermediate.DER
	for _, tt := range []struct {
		name string
		a, b []expect.Pin
		want string
	}{
		{"none", nil, nil, "unknown"},
		{"of one name only", other, nil, "unknown"},
		{"of the domain, and the server has none", nil, other, "unknown"},
		{"it is one of the domain's", nil, mine, "true"},
		{"it is the server's", mine, other, "true"},
		{"of both", other, other, "false"},
		{"it is one", other, mine, "true"},
		{"of the CA", other, []expect.Pin{pin(ca)}, "unknown"},
	} {
		e := entry(two, false, noon, 1)
		e.Certificates = append(e.Certificates, ca)
		l := Open(&Book{
			At: noon, Domains: []Domain{{Name: ".lab.example", Keys: tt.b}}, Targets: []Target{{Host: "a.lab.example", Seen: true, Keys: tt.a}},
			Entries: []*evidence.Subject{e},
		})
		f := l.Facts(e, map[string]string{})
		got := "unknown"
		if f.KeyPinned != nil {
			got = fmt.Sprint(*f.KeyPinned)
		}
		if got != tt.want || f.HasPins != (got != "unknown") {
			t.Errorf("pins %s: %s, want %s", tt.name, got, tt.want)
		}
	}
	// A name that the owner said nothing of may have a key of its own.
	e := entry(made{names: []string{"a.lab.example", "shop.example"}, key: 1}.der(t), false, noon, 1)
	b := &Book{At: noon, Domains: []Domain{{Name: ".lab.example", Keys: other}}, Entries: []*evidence.Subject{e}}
	if f := Open(b).Facts(e, map[string]string{}); f.KeyPinned != nil || f.HasPins {
		t.Errorf("pins of one name of two: %+v", f)
	}
	// Nor do pins for a server speak of a name that does not lead to it.
	e = entry(made{names: []string{"b.lab.example"}, key: 1}.der(t), false, noon, 1)
	b = &Book{At: noon, Domains: []Domain{{Name: ".lab.example"}}, Targets: []Target{{Host: "a.lab.example", Keys: other}}, Entries: []*evidence.Subject{e}}
	if f := Open(b).Facts(e, map[string]string{}); f.KeyPinned != nil || f.HasPins || f.Domain != ".lab.example" {
		t.Errorf("pins of another server: %+v", f)
	}
}

func TestBursts(t *testing.T) {
	b := &Book{Domains: []Domain{{Name: "a.lab.example"}}, At: noon}
	for i := range 5 {
		at := noon.Add(time.Duration(i) * 5 * time.Hour)
		b.Entries = append(b.Entries, entry(made{names: []string{"a.lab.example"}, begin: at, key: byte(i + 1)}.der(t), false, at, uint64(i)))
	}
	if got := Open(b).Bursts(); len(got) != 1 || got[0].Count != 5 || len(got[0].Certificates) != 5 {
		t.Errorf("Bursts() = %+v, want one of five", got)
	}
	b.Entries = b.Entries[1:]
	// What only an index shows was logged nobody knows when.
	b.Entries = append(b.Entries, indexed(made{names: []string{"a.lab.example"}, begin: noon.Add(day), key: 9}.der(t)))
	if got := Open(b).Bursts(); got == nil || len(got) != 0 {
		t.Errorf("Bursts() of four = %+v, want none", got)
	}
	// Nor are those of others counted, nor what lies a day apart.
	far := &Book{Domains: []Domain{{Name: ".lab.example"}}, At: noon}
	for i := range 6 {
		far.Entries = append(far.Entries,
			entry(made{names: []string{"shop.example"}, key: byte(i + 1)}.der(t), false, noon, uint64(i)),
			entry(made{names: []string{"a.lab.example"}, key: byte(i + 1)}.der(t), false, noon.Add(time.Duration(i)*6*time.Hour), uint64(10+i)))
	}
	if got := Open(far).Bursts(); len(got) != 0 {
		t.Errorf("Bursts() = %+v, want none: the fifth came a day after the first", got)
	}
	if got := (*Ledger)(nil).Bursts(); got == nil || len(got) != 0 {
		t.Errorf("Bursts() without a ledger = %+v", got)
	}
}

func TestUnlogged(t *testing.T) {
	l := lab.New(lab.Config{Host: "a.lab.example", At: noon}) // its SCTs are of a minute after it began
	c := cert.Parse(l.Leaf)
	parts, err := ct.SplitList(c.SCTList().Value)
	if err != nil {
		t.Fatal(err)
	}
	at, err := ct.ParseSCT(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	log := func(from, to time.Time) *evidence.Subject {
		return &evidence.Subject{Log: &evidence.Log{Key: lab.Logs()[0].Key.SPKI, Read: &evidence.Span{From: from, To: to}}}
	}
	b := &Book{Domains: []Domain{{Name: ".lab.example"}}, Served: []Served{{"a.lab.example", c}}, At: noon}
	for name, tt := range map[string]struct {
		logs []*evidence.Subject
		want int
	}{
		"nothing was read":       {nil, 0},
		"all was read":           {[]*evidence.Subject{log(at.Time.Add(-day), at.Time.Add(3*day))}, 1},
		"only later ones":        {[]*evidence.Subject{log(at.Time.Add(day), at.Time.Add(3*day))}, 0},
		"the log has time left":  {[]*evidence.Subject{log(at.Time.Add(-day), at.Time.Add(day))}, 0},
		"another log":            {[]*evidence.Subject{{Log: &evidence.Log{Key: []byte("x"), Read: &evidence.Span{To: noon}}}}, 0},
		"not all of it was read": {[]*evidence.Subject{{Log: &evidence.Log{Key: lab.Logs()[0].Key.SPKI}}}, 0},
	} {
		b.Logs = tt.logs
		if got := Open(b).Unlogged(); len(got) != tt.want {
			t.Errorf("%s: %+v, want %d", name, got, tt.want)
		}
	}
	b.Logs = []*evidence.Subject{log(at.Time.Add(-day), at.Time.Add(3*day))}
	b.Entries = []*evidence.Subject{entry(l.Leaf, false, at.Time, 1)}
	if got := Open(b).Unlogged(); len(got) != 0 {
		t.Errorf("it is in the log: %+v", got)
	}
}

// Whatever a log hands out, nothing fails, and what is for nobody's names is left
// alone.
func FuzzFacts(f *testing.F) {
	f.Add([]byte{}, []byte{0x30, 0})
	f.Fuzz(func(t *testing.T, leaf, der []byte) {
		e := &evidence.Subject{Certificates: []evidence.DER{der}, Log: &evidence.Log{Entry: &evidence.Entry{Leaf: leaf}}}
		l := Open(&Book{Domains: []Domain{{Name: ".lab.example"}}, Entries: []*evidence.Subject{e}, At: noon})
		facts := l.Facts(e, map[string]string{})
		if facts.Explained != nil && !*facts.Explained && facts.Domain == "" {
			t.Errorf("unexplained, and of no domain: %+v", facts)
		}
	})
}

// indexed is the certificate as an index shows it.
func indexed(der []byte) *evidence.Subject {
	return &evidence.Subject{
		ID: "ctindex://lab", Kind: evidence.LogEntry, Certificates: []evidence.DER{der}, Log: &evidence.Log{Name: "index", Index: &evidence.Index{}},
	}
}

// What only an index shows is in no log, and nobody knows when it was logged. What
// a log has too is the log's.
func TestIndexed(t *testing.T) {
	der := made{names: []string{"a.lab.example"}, begin: noon.Add(-day), key: 1}.der(t)
	shown := indexed(der)
	b := &Book{Domains: []Domain{{Name: ".lab.example", Zone: time.UTC, From: time.Hour, To: 2 * time.Hour}}, Entries: []*evidence.Subject{shown}, At: noon}
	f := Open(b).Facts(shown, map[string]string{})
	if len(f.Logs) != 1 || f.Logs[0] != "index (not verified against a log)" || f.Domain != ".lab.example" {
		t.Errorf("where it was found: %+v", f)
	}
	if f.InLog || f.HoursSaid || f.Early || f.PrecertOnly || f.Explained == nil || *f.Explained || !f.Issued.Equal(noon.Add(-day)) {
		t.Errorf("of an index: %+v", f)
	}
	logged := entry(der, false, noon, 1)
	b.Entries = append(b.Entries, logged)
	l := Open(b)
	if judged, others := l.Judged(); len(judged) != 1 || judged[0] != logged || len(others) != 1 {
		t.Errorf("judged %v, others %v, want the log's", judged, others)
	}
	if f := l.Facts(logged, map[string]string{}); !f.InLog || !f.HoursSaid || !f.Issued.Equal(noon) || len(f.Logs) != 2 {
		t.Errorf("of both: %+v", f)
	}

	// An index that shows a certificate does not keep the log's promise.
	served := lab.New(lab.Config{Host: "a.lab.example", At: noon})
	read := &evidence.Span{From: noon.Add(-1000 * day), To: noon.Add(1000 * day)}
	b = &Book{
		Domains: b.Domains, Served: []Served{{"a.lab.example", cert.Parse(served.Leaf)}}, Entries: []*evidence.Subject{indexed(served.Leaf)},
		Logs: []*evidence.Subject{{Log: &evidence.Log{Key: lab.Logs()[0].Key.SPKI, Read: read}}}, At: noon,
	}
	if got := Open(b).Unlogged(); len(got) != 1 {
		t.Errorf("Unlogged() = %+v, want the one that only an index shows", got)
	}
}
