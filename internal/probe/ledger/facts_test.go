package ledger

import (
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
)

// The owner's hours begin with the first minute and end before the last one, in the
// owner's zone, and may go over midnight.
func TestHours(t *testing.T) {
	east := time.FixedZone("EAST", 3600)
	for _, tt := range []struct {
		name     string
		from, to time.Duration
		zone     *time.Location
		at       string
		said     bool
		outside  bool
		local    string
	}{
		{"before", 8 * time.Hour, 20 * time.Hour, time.UTC, "07:59", true, true, "2026-11-01 07:59 UTC"},
		{"begin", 8 * time.Hour, 20 * time.Hour, time.UTC, "08:00", true, false, "2026-11-01 08:00 UTC"},
		{"last minute", 8 * time.Hour, 20 * time.Hour, time.UTC, "19:59", true, false, "2026-11-01 19:59 UTC"},
		{"end", 8 * time.Hour, 20 * time.Hour, time.UTC, "20:00", true, true, "2026-11-01 20:00 UTC"},
		{"half past", 8*time.Hour + 30*time.Minute, 20 * time.Hour, time.UTC, "08:29", true, true, "2026-11-01 08:29 UTC"},
		{"over midnight, before", 20 * time.Hour, 8 * time.Hour, time.UTC, "19:59", true, true, "2026-11-01 19:59 UTC"},
		{"over midnight, begin", 20 * time.Hour, 8 * time.Hour, time.UTC, "20:00", true, false, "2026-11-01 20:00 UTC"},
		{"over midnight, last minute", 20 * time.Hour, 8 * time.Hour, time.UTC, "07:59", true, false, "2026-11-01 07:59 UTC"},
		{"over midnight, end", 20 * time.Hour, 8 * time.Hour, time.UTC, "08:00", true, true, "2026-11-01 08:00 UTC"},
		{"another zone", 8 * time.Hour, 20 * time.Hour, east, "07:00", true, false, "2026-11-01 08:00 EAST"},
		{"a zone alone", 0, 0, east, "07:00", false, false, "2026-11-01 08:00 EAST"},
		{"nothing", 8 * time.Hour, 20 * time.Hour, nil, "07:00", false, false, ""},
	} {
		at, err := time.Parse("2006-01-02 15:04", "2026-11-01 "+tt.at)
		if err != nil {
			t.Fatal(err)
		}
		f := &facts.Ledger{}
		hours(f, &logged{first: at, domain: &Domain{Zone: tt.zone, From: tt.from, To: tt.to}})
		if f.HoursSaid != tt.said || f.OutsideHours != tt.outside || f.LocalTime != tt.local {
			t.Errorf("%s: said %v, outside %v, %q; want %v, %v, %q", tt.name, f.HoursSaid, f.OutsideHours, f.LocalTime, tt.said, tt.outside, tt.local)
		}
	}
}

// A certificate is early where the one for the same names is not half of the way to
// its renewal; of several served ones the oldest such is named.
func TestEarly(t *testing.T) {
	host, more := []string{"a.lab.example"}, []string{"a.lab.example", "b.lab.example"}
	served := func(names []string, begin time.Time) *cert.Certificate {
		return cert.Parse(made{names: names, begin: begin, days: 100}.der(t))
	}
	ten, twenty := served(host, noon.Add(-10*day)), served(host, noon.Add(-20*day))
	backward := cert.Parse(made{names: host, begin: noon.Add(-day), days: -1}.der(t))
	for _, tt := range []struct {
		name    string
		served  []*cert.Certificate
		after   float64
		at      time.Time
		against *cert.Certificate
		percent int64
	}{
		{"soon", []*cert.Certificate{ten}, 0, noon, ten, 10},
		{"at its begin", []*cert.Certificate{ten}, 0, noon.Add(-10 * day), ten, 0},
		{"before it", []*cert.Certificate{ten}, 0, noon.Add(-11 * day), nil, 0},
		{"just before a quarter", []*cert.Certificate{ten}, 0, noon.Add(15*day - time.Minute), ten, 24},
		{"at a quarter", []*cert.Certificate{ten}, 0, noon.Add(15 * day), nil, 0},
		{"the owner renews later", []*cert.Certificate{ten}, 0.8, noon.Add(25 * day), ten, 35},
		{"the owner renews sooner", []*cert.Certificate{ten}, 0.1, noon, nil, 0},
		{"other names", []*cert.Certificate{served(more, noon.Add(-10*day))}, 0, noon, nil, 0},
		{"behind one of other names", []*cert.Certificate{served(more, noon.Add(-10*day)), ten}, 0, noon, ten, 10},
		{"the older of two", []*cert.Certificate{ten, twenty}, 0, noon, twenty, 20},
		{"in any order", []*cert.Certificate{twenty, ten}, 0, noon, twenty, 20},
		{"one that is never valid", []*cert.Certificate{backward}, 0, noon, nil, 0},
		{"nothing is served", nil, 0, noon, nil, 0},
	} {
		b := &Book{At: noon, Domains: []Domain{{Name: ".lab.example", RenewAfter: tt.after}}}
		for _, c := range tt.served {
			b.Served = append(b.Served, Served{host[0], c})
		}
		e := entry(made{names: host, begin: noon, key: 1}.der(t), false, tt.at, 1)
		b.Entries = []*evidence.Subject{e}
		f := &facts.Ledger{}
		l := Open(b)
		l.early(f, l.of[e])
		against := ""
		if tt.against != nil {
			against = evidence.Hash(tt.against.SHA256())
		}
		if f.Early != (tt.against != nil) || f.EarlyAgainst != against || f.EarlyPercent != tt.percent {
			t.Errorf("%s: %v, against %s at %d %%; want %s at %d %%", tt.name, f.Early, f.EarlyAgainst, f.EarlyPercent, against, tt.percent)
		}
	}
}

// A CA is whom it says that it is: by its organisation, and by the whole name where
// there is none.
func TestLabel(t *testing.T) {
	issuedBy := func(name string) *cert.Certificate {
		return cert.Parse(made{names: []string{"a.lab.example"}, change: func(template *lab.Template) { template.Issuer = lab.Named(name) }}.der(t))
	}
	one := label(issuedBy("O=Lab  CA, CN=One"))
	for name, same := range map[string]bool{"O=lab ca, CN=Two": true, "O=Lab CA Two, CN=One": false, "O=Lab, O=CA, CN=One": false, "CN=Lab CA": false, "CN=One": false} {
		if got := label(issuedBy(name)) == one; got != same {
			t.Errorf("%s is the same CA: %v, want %v", name, got, same)
		}
	}
	if label(issuedBy("O=Lab, O=CA")) == label(issuedBy("O=LabCA")) {
		t.Error("two organisations are as one")
	}
	if label(issuedBy("CN=One")) != label(issuedBy("CN=one")) || label(issuedBy("CN=One")) == label(issuedBy("CN=Two")) {
		t.Error("without an organisation the name does not say who the CA is")
	}
}
