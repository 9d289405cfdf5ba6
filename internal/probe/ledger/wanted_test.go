package ledger

import (
	"crypto/sha256"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/lab"
)

// What has to be logged is absent only where all was read that can hold it.
func TestWanted(t *testing.T) {
	const host = "a.lab.example"
	yes, no := new(true), new(false)
	mine := made{names: []string{host}, begin: noon.Add(-30 * day)}.der(t)
	other := made{names: []string{host}, begin: noon.Add(-30 * day), key: 1}.der(t)
	gone := made{names: []string{host}, begin: noon.Add(-100 * day)}.der(t)
	strange := made{names: []string{"b.lab.example"}, begin: noon.Add(-30 * day)}.der(t)
	fresh := made{names: []string{host}, begin: noon.Add(-day)}.der(t)
	ca := lab.New(lab.Config{Host: host, At: noon})
	whole := &evidence.Span{From: noon.Add(-91 * day), To: noon.Add(-day / 24)}
	public := ct.NewLog("Public", lab.Logs()[0].Key.SPKI, true, "https://log.example/", "")
	over := ct.NewLog("Over", public.Key, true, "https://log.example/2025/", "")
	over.From, over.To = noon.Add(-365*day), noon
	later := ct.NewLog("Later", public.Key, true, "https://log.example/2028/", "")
	later.From = noon.Add(91 * day)
	logs := func(span *evidence.Span, keys ...[]byte) (out []*evidence.Subject) {
		for _, k := range keys {
			out = append(out, &evidence.Subject{Log: &evidence.Log{Key: k, Name: "log", Read: span}})
		}
		return out
	}
	rooted := func(der []byte) *evidence.Subject {
		e := entry(der, false, noon.Add(-30*day), 1)
		e.Certificates = append(e.Certificates, ca.Intermediate.DER, ca.Root.DER)
		return e
	}
	certPin := func(der []byte) expect.Pin {
		sum := sha256.Sum256(der)
		return expect.Pin{Of: expect.Certificate, Hash: expect.SHA256, Sum: string(sum[:])}
	}
	for _, tt := range []struct {
		name   string
		change func(*Book, *Target)
		want   *bool
	}{
		{"nothing was found", nil, no},
		{"it is there", func(b *Book, _ *Target) { b.Entries = []*evidence.Subject{rooted(mine)} }, yes},
		{"as a precertificate", func(b *Book, _ *Target) { b.Entries = []*evidence.Subject{entry(mine, true, noon, 1)} }, yes},
		{"it has expired", func(b *Book, _ *Target) { b.Entries = []*evidence.Subject{rooted(gone)} }, no},
		{"behind one that has expired, and one of an index", func(b *Book, _ *Target) {
			b.Entries = []*evidence.Subject{rooted(gone), indexed(strange), rooted(mine)}
		}, yes},
		{"another name's", func(b *Book, _ *Target) { b.Entries = []*evidence.Subject{rooted(strange)} }, no},
		{"only an index has it", func(b *Book, _ *Target) { b.Entries = []*evidence.Subject{indexed(mine)} }, no},
		{"pinned, and there", func(b *Book, x *Target) {
			x.Keys, b.Entries = []expect.Pin{pin(mine)}, []*evidence.Subject{rooted(mine)}
		}, yes},
		{"pinned, and another is there", func(b *Book, x *Target) {
			x.Keys, b.Entries = []expect.Pin{pin(mine)}, []*evidence.Subject{rooted(other)}
		}, no},
		{"a backup beside one that is there", func(b *Book, x *Target) {
			x.Keys, b.Entries = []expect.Pin{pin(other), pin(mine)}, []*evidence.Subject{rooted(mine)}
		}, yes},
		{"a pin that has ended", func(b *Book, x *Target) {
			p := pin(mine)
			p.Until = noon.Add(-day)
			x.Keys, b.Entries = []expect.Pin{p}, []*evidence.Subject{rooted(other)}
		}, yes},
		{"the CA is pinned", func(b *Book, x *Target) {
			x.Keys, b.Entries = []expect.Pin{pin(ca.Root.DER)}, []*evidence.Subject{rooted(other)}
		}, yes},
		{"the CA may be pinned", func(b *Book, x *Target) {
			x.Keys, b.Entries = []expect.Pin{pin(mine)}, []*evidence.Subject{entry(other, false, noon, 1)}
		}, nil},
		{"a leaf is pinned, and served", func(b *Book, x *Target) {
			x.Keys, b.Entries = []expect.Pin{pin(mine)}, []*evidence.Subject{entry(other, false, noon, 1)}
			b.Served = []Served{{host, cert.Parse(mine)}}
		}, no},
		{"a leaf is pinned, and served by another", func(b *Book, x *Target) {
			x.Keys, b.Entries = []expect.Pin{pin(mine)}, []*evidence.Subject{entry(other, false, noon, 1)}
			b.Served = []Served{{"b.lab.example", cert.Parse(mine)}}
		}, nil},
		{"another key is served than the one that is pinned", func(b *Book, x *Target) {
			x.Keys, b.Entries = []expect.Pin{pin(mine)}, []*evidence.Subject{entry(other, false, noon, 1)}
			b.Served = []Served{{host, cert.Parse(other)}}
		}, nil},
		{"a certificate is pinned, and there", func(b *Book, x *Target) {
			x.Keys, b.Entries = []expect.Pin{certPin(mine)}, []*evidence.Subject{rooted(mine)}
		}, yes},
		{"a certificate is pinned, a precertificate there", func(b *Book, x *Target) {
			e := rooted(mine)
			e.Log.Entry = entry(mine, true, noon, 1).Log.Entry
			x.Keys, b.Entries = []expect.Pin{certPin(other)}, []*evidence.Subject{e}
		}, nil},
		{"another server has its own since yesterday", func(b *Book, _ *Target) { b.Served = []Served{{"b.lab.example", cert.Parse(fresh)}} }, no},
		{"served since yesterday", func(b *Book, _ *Target) { b.Served = []Served{{host, cert.Parse(fresh)}} }, nil},
		{"no log was read", func(b *Book, _ *Target) { b.Logs = nil }, nil},
		{"not all was read", func(b *Book, _ *Target) { b.Logs = logs(nil, []byte("own")) }, nil},
		{"not as far back", func(b *Book, _ *Target) {
			b.Logs = logs(&evidence.Span{From: noon.Add(-89 * day), To: noon}, []byte("own"))
		}, nil},
		{"not of late", func(b *Book, _ *Target) {
			b.Logs = logs(&evidence.Span{From: noon.Add(-91 * day), To: noon.Add(-3 * day)}, []byte("own"))
		}, nil},
		{"logs that are none of the owner's were not read", func(b *Book, _ *Target) {
			b.Logs = append(logs(nil, ct.Known().Logs()[0].Key, nil), b.Logs...)
		}, no},
		{"one of two was not read", func(b *Book, _ *Target) { b.Logs = append(b.Logs, logs(nil, []byte("other"))...) }, nil},
		{"nobody says how long it may be valid", func(_ *Book, x *Target) { x.Required.Life = 0 }, nil},
		{"a public CA's, of which no log was read", func(_ *Book, x *Target) { x.Required.Public, x.Required.Own = true, false }, nil},
		{"a public CA's, whose log was read", func(b *Book, x *Target) {
			x.Required.Public, x.Required.Own, b.Approved, b.Logs = true, false, []*ct.Log{public}, logs(whole, public.Key)
		}, no},
		{"a public CA's, whose log was not read", func(b *Book, x *Target) {
			x.Required.Public, b.Approved = true, []*ct.Log{public}
		}, nil},
		{"a log for what has expired was not read", func(b *Book, x *Target) {
			x.Required.Public, b.Approved = true, []*ct.Log{over}
		}, no},
		{"a log for what ends later than any may was not read", func(b *Book, x *Target) {
			x.Required.Public, b.Approved = true, []*ct.Log{later}
		}, no},
		{"nor one that is not over", func(b *Book, x *Target) {
			x.Required.Public, b.Approved = true, []*ct.Log{over, later, public}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target := Target{Host: host, Required: Required{Logged: true, Life: 90 * day, Own: true}}
			b := &Book{Domains: []Domain{{Name: ".lab.example", Required: target.Required}}, Logs: logs(whole, []byte("own")), At: noon}
			if tt.change != nil {
				tt.change(b, &target)
			}
			b.Targets = []Target{target}
			got, why := Open(b).Wanted()
			if len(got) != 1 || got[0].Name != host {
				t.Fatalf("Wanted() = %+v, want the one of %s: the domain has a server", got, host)
			}
			if g := got[0].Logged; (g == nil) != (tt.want == nil) || g != nil && *g != *tt.want || got[0].Absent != (g != nil && !*g) {
				t.Errorf("Wanted() = %+v (%s), want logged %v", got[0], why, tt.want)
			}
			if (why == "") != (tt.want != nil) {
				t.Errorf("why = %q", why)
			}
		})
	}
}

// A domain without a server, a server that is of none, and what need not be logged.
func TestWantedOf(t *testing.T) {
	r := Required{Logged: true, Life: 90 * day, Own: true}
	b := &Book{
		At: noon, Domains: []Domain{{Name: ".lab.example", Required: r}, {Name: ".lab.example", Required: r}, {Name: "c.lab.example"}},
		Targets: []Target{{Host: "elsewhere.example", Required: r}, {Host: "192.0.2.1", Required: r}},
	}
	if got, _ := Open(b).Wanted(); len(got) != 1 || got[0].Name != ".lab.example" || got[0].Pinned {
		t.Errorf("Wanted() = %+v, want the domain alone", got)
	}
	b.Domains[0].Keys = []expect.Pin{pin(made{names: []string{"x"}, key: 9}.der(t))}
	if got, _ := Open(b).Wanted(); len(got) != 1 || !got[0].Pinned || got[0].What != "a certificate over a pinned key for .lab.example" {
		t.Errorf("Wanted() = %+v, want it said that it is pinned", got)
	}
	if got, why := (*Ledger)(nil).Wanted(); got == nil || len(got) != 0 || why != "" {
		t.Errorf("without a ledger: %+v %q", got, why)
	}
}
