package log

import (
	"bytes"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// A scene is an honest log with one entry of a precertificate, as evidence.
type scene struct {
	lab    *lab.Lab
	log    *lablog.Log
	record *evidence.Log
	in     *Input
}

// begin is when the entry of a scene was logged, before the time of judgement.
const begin = -30 * 24 * time.Hour

// honest makes a scene; the precertificate and its issuer are what the log hands out.
func honest(t *testing.T) *scene {
	t.Helper()
	l := lab.New(lab.Config{})
	tmpl := l.LeafTemplate()
	tmpl.Drop(lab.IDSCTs)
	final := cert.Parse(tmpl.Sign(l.Intermediate.Key, ""))
	tmpl.Set(lab.Extension{ID: lab.IDPoison, Critical: true, Value: []byte{5, 0}})
	pre := cert.Parse(tmpl.Sign(l.Intermediate.Key, ""))
	s := &scene{lab: l, log: lablog.New(lab.ForgedKey(), "lab.example/log", l.At)}
	index := s.log.AddPrecert(final.TBS, l.Intermediate.Key.SPKI, pre.Raw, l.At.Add(begin))
	s.record = &evidence.Log{
		Key: s.log.Key.SPKI, Name: "Lab", MMD: time.Hour, Head: s.head(t),
		Entry: &evidence.Entry{Index: index, Verified: true, Leaf: leaf(t, final.TBS, l, index, l.At.Add(begin))},
	}
	s.in = &Input{
		Subject:      &evidence.Subject{Kind: evidence.LogEntry, Log: s.record},
		Certificates: []*cert.Certificate{pre, cert.Parse(l.Intermediate.DER)}, At: l.At, Heads: &Heads{},
	}
	return s
}

// head is the head that the log signs now.
func (s *scene) head(t *testing.T) *evidence.Head {
	t.Helper()
	h, err := ct.ParseCheckpoint(s.log.Checkpoint(), ct.NewLog("", s.log.Key.SPKI, true, "", ""), "")
	if err != nil {
		t.Fatal(err)
	}
	return &evidence.Head{Size: h.Size, Root: h.Root[:], Time: h.Time, Signature: h.Signature}
}

// grown is the head of the log after some more entries, hours later.
func (s *scene) grown(t *testing.T, entries int, later time.Duration) *evidence.Head {
	t.Helper()
	for i := range entries {
		s.log.Add([]byte{byte(i)}, s.lab.At)
	}
	s.log.Time = s.lab.At.Add(later)
	return s.head(t)
}

func leaf(t *testing.T, tbs []byte, l *lab.Lab, index uint64, at time.Time) []byte {
	t.Helper()
	e, err := ct.PrecertEntry(l.Intermediate.Key.SPKI, tbs)
	if err != nil {
		t.Fatal(err)
	}
	return ct.LeafOf(&ct.SCT{Time: at, Extensions: []byte{0, 0, 5, 0, 0, 0, byte(index >> 8), byte(index)}}, e)
}

func TestNoLog(t *testing.T) {
	if f := Facts(&Input{Subject: &evidence.Subject{}}); f != nil {
		t.Errorf("a subject without a log has facts of one: %+v", f)
	}
	if n := Belongs(nil, 3); n != 3 {
		t.Errorf("without an entry %d of 3 certificates are judged", n)
	}
}

// verdict gives what a pointer holds, "?" for nothing.
func verdict(s *string) string {
	if s == nil {
		return "?"
	}
	return *s
}

func TestEntry(t *testing.T) {
	type want struct {
		submitted, issuer, poison, index string
		verified                         string // yes, no, ?
		belongs                          int
	}
	honestly := want{ok, ok, ok, ok, "yes", 2}
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   want
	}{
		{"as it was", func(*scene) {}, honestly},
		{"nobody remembers heads", func(s *scene) { s.in.Heads = nil }, honestly},
		{"no precertificate", func(s *scene) { s.in.Certificates = nil }, want{missing, missing, "?", ok, "yes", 0}},
		{"no issuer", func(s *scene) { s.in.Certificates = s.in.Certificates[:1] }, want{ok, missing, ok, ok, "yes", 1}},
		{"another issuer", func(s *scene) {
			s.in.Certificates[1] = cert.Parse(s.lab.SelfSignedCA(s.lab.Intermediate.Name, lab.ImpostorKey()).DER)
		}, want{ok, other, ok, ok, "yes", 1}},
		{"another certificate", func(s *scene) { s.in.Certificates[0] = cert.Parse(s.lab.Leaf) }, want{malformed, ok, "?", ok, "yes", 0}},
		{"another precertificate", func(s *scene) {
			tmpl := s.lab.LeafTemplate()
			tmpl.Serial = []byte{1, 2, 3}
			tmpl.Drop(lab.IDSCTs)
			tmpl.Set(lab.Extension{ID: lab.IDPoison, Critical: true, Value: []byte{5, 0}})
			s.in.Certificates[0] = cert.Parse(tmpl.Sign(s.lab.Intermediate.Key, ""))
		}, want{other, ok, "?", ok, "yes", 0}},
		{"no poison", func(s *scene) {
			tmpl := s.lab.LeafTemplate()
			tmpl.Drop(lab.IDSCTs)
			s.in.Certificates[0] = cert.Parse(tmpl.Sign(s.lab.Intermediate.Key, ""))
		}, want{ok, ok, missing, ok, "yes", 2}},
		{"poison of no value", func(s *scene) {
			tmpl := s.lab.LeafTemplate()
			tmpl.Drop(lab.IDSCTs)
			tmpl.Set(lab.Extension{ID: lab.IDPoison, Critical: true, Value: []byte{4, 0}})
			s.in.Certificates[0] = cert.Parse(tmpl.Sign(s.lab.Intermediate.Key, ""))
		}, want{ok, ok, malformed, ok, "yes", 2}},
		{"another index", func(s *scene) { s.record.Entry.Index = 9 }, want{ok, ok, ok, other, "yes", 2}},
		{"not in the tree", func(s *scene) { s.record.Entry.Verified = false }, want{ok, ok, ok, ok, "no", 2}},
		{"not looked at", func(s *scene) { s.record.Entry.Verified, s.record.Entry.Unchecked = false, "interrupted" }, want{ok, ok, ok, ok, "?", 2}},
		{"no head", func(s *scene) { s.record.Head = nil }, want{ok, ok, ok, ok, "no", 2}},
		{"a head that nobody signed", func(s *scene) { s.record.Head.Size++ }, want{ok, ok, ok, ok, "no", 2}},
		{"a key that is none", func(s *scene) { s.record.Key = []byte("key") }, want{ok, ok, ok, ok, "no", 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := honest(t)
			tt.change(s)
			f := Facts(s.in)
			if !f.HasEntry || !f.HasPrecert || f.HasHead || f.HasPromise || !f.Entry.Readable || !f.Entry.Parsed {
				t.Errorf("facts %+v, entry %+v", f, f.Entry)
			}
			verified := "?"
			if v := f.Entry.Verified; v != nil {
				verified = map[bool]string{true: "yes", false: "no"}[*v]
			}
			got := want{
				verdict(f.Entry.Submitted), verdict(f.Entry.IssuerKey), verdict(f.Entry.Poison), verdict(f.Entry.LeafIndex),
				verified, Belongs(f, len(s.in.Certificates)),
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestEntryTimes(t *testing.T) {
	s := honest(t)
	final := s.in.Certificates[0]
	at := func(when time.Time) *facts.LogEntry {
		tbs, err := ct.PrecertificateTBS(final, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.record.Entry.Leaf = leaf(t, tbs, s.lab, 0, when)
		return Facts(s.in).Entry
	}
	for _, tt := range []struct {
		name            string
		when            time.Time
		future, expired bool
	}{
		{"long ago", s.lab.At.Add(begin), false, false},
		{"a clock that is off", s.lab.At.Add(slack), false, false},
		{"in the future", s.lab.At.Add(slack + time.Second), true, false},
		{"at the end", final.NotAfter, true, false},
		{"behind the end", final.NotAfter.Add(time.Second), true, true},
	} {
		if f := at(tt.when); *f.Future != tt.future || *f.AfterEnd != tt.expired || !f.Time.Equal(tt.when) {
			t.Errorf("%s: future %v, after the end %v, time %s", tt.name, *f.Future, *f.AfterEnd, f.Time)
		}
	}
	if f := at(time.UnixMilli(1 << 60)); f.Time != nil || !*f.Future || f.AfterEnd != nil {
		t.Errorf("beyond the year 9999: %+v", f)
	}
}

func TestUnreadableEntry(t *testing.T) {
	for _, raw := range [][]byte{nil, {0}, bytes.Repeat([]byte{0xff}, 64)} {
		s := honest(t)
		s.record.Entry.Leaf = raw
		if f := Facts(s.in); !f.HasEntry || f.Entry.Readable || f.Entry.Submitted != nil || f.Entry.Time != nil || Belongs(f, 2) != 0 {
			t.Errorf("leaf %x: %+v", raw, f.Entry)
		}
	}
}

func TestHead(t *testing.T) {
	s := honest(t)
	s.record.Entry = nil
	old := s.record.Head
	s.record.Head = s.grown(t, 2, 0)
	for _, tt := range []struct {
		name                          string
		age                           time.Duration
		change                        func(*evidence.Log)
		stale, future                 bool
		signed, certain, fork, shrunk bool
	}{
		{"honest", 0, func(*evidence.Log) {}, false, false, true, false, false, false},
		{"a day and the delay old", maxLate + time.Hour, func(*evidence.Log) {}, false, false, true, false, false, false},
		{"older", maxLate + time.Hour + time.Second, func(*evidence.Log) {}, true, false, true, false, false, false},
		{"a clock that is off", -slack, func(*evidence.Log) {}, false, false, true, false, false, false},
		{"in the future", -slack - time.Second, func(*evidence.Log) {}, false, true, true, false, false, false},
		{"a short root", 0, func(r *evidence.Log) { r.Head.Root = r.Head.Root[:31] }, false, false, false, false, false, false},
		{"another size", 0, func(r *evidence.Log) { r.Head.Size = 9 }, false, false, false, false, false, false},
		{"grew, and cannot prove it", 0, func(r *evidence.Log) { r.Contradicts = old }, false, false, true, false, true, false},
		{"shrank", 0, func(r *evidence.Log) { r.Contradicts, r.Head = r.Head, old }, false, false, true, false, false, true},
		{"an earlier head that nobody signed", 0, func(r *evidence.Log) {
			forged := *old
			forged.Size++
			r.Contradicts = &forged
		}, false, false, true, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, record, head := *s.in, *s.record, *s.record.Head
			record.Head = &head
			in.Subject, in.At = &evidence.Subject{Log: &record}, s.lab.At.Add(tt.age)
			tt.change(&record)
			f := Facts(&in)
			h := f.Head
			if !f.HasHead || f.HasEntry || *h.Signed != tt.signed || h.Stale != tt.stale || h.Future != tt.future {
				t.Errorf("head %+v", h)
			}
			if h.Certain != tt.certain || h.Fork != tt.fork || h.Rollback != tt.shrunk {
				t.Errorf("certain %v, fork %v, rollback %v", h.Certain, h.Fork, h.Rollback)
			}
		})
	}
	// Two heads of one size that differ: nothing else is needed to see it.
	twin := honest(t)
	twin.log.Add([]byte("another"), twin.lab.At)
	one := twin.head(t)
	fork := honest(t)
	two := fork.grown(t, 1, time.Second)
	s.record.Head, s.record.Contradicts = two, one
	if h := Facts(s.in).Head; !h.Certain || h.Fork || h.Rollback {
		t.Errorf("two trees of one size: %+v", h)
	}
	s.record.Contradicts = two
	if h := Facts(s.in).Head; h.Certain || h.Fork || h.Rollback {
		t.Errorf("a head contradicts itself: %+v", h)
	}
}

func TestPromise(t *testing.T) {
	s := honest(t)
	tmpl := s.lab.LeafTemplate()
	tmpl.Drop(lab.IDSCTs)
	when := s.lab.At.Add(begin)
	sct := lab.Log{Key: lab.ForgedKey()}.SCT(tmpl, s.lab.Intermediate, when)
	parsed, err := ct.ParseSCT(sct)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ct.PrecertEntry(s.lab.Intermediate.Key.SPKI, cert.Parse(tmpl.Sign(s.lab.Intermediate.Key, "")).TBS)
	if err != nil {
		t.Fatal(err)
	}
	honestly := evidence.Promise{SCT: sct, Leaf: ct.LeafOf(&parsed, e)}
	later := parsed
	later.Time = when.Add(time.Second)
	for _, tt := range []struct {
		name                  string
		change                func(*evidence.Log, *evidence.Promise)
		signed, included, due string
	}{
		{"kept", func(_ *evidence.Log, p *evidence.Promise) { p.Included = true }, "yes", "yes", "yes"},
		{"broken", func(_ *evidence.Log, p *evidence.Promise) { p.Denied = true }, "yes", "no", "yes"},
		{"nobody was asked", func(*evidence.Log, *evidence.Promise) {}, "yes", "?", "yes"},
		{"no head", func(r *evidence.Log, _ *evidence.Promise) { r.Head = nil }, "yes", "?", "no"},
		{"at the end of the delay", func(r *evidence.Log, _ *evidence.Promise) { r.Head.Time = when.Add(time.Hour + maxLate) }, "yes", "?", "no"},
		{"behind it", func(r *evidence.Log, _ *evidence.Promise) { r.Head.Time = when.Add(time.Hour + maxLate + time.Second) }, "yes", "?", "yes"},
		{"another leaf", func(_ *evidence.Log, p *evidence.Promise) { p.Leaf = ct.LeafOf(&later, e) }, "no", "?", "yes"},
		{"no leaf", func(_ *evidence.Log, p *evidence.Promise) { p.Leaf = nil }, "?", "?", "yes"},
		{"another log", func(r *evidence.Log, _ *evidence.Promise) { r.Key = lab.ImpostorKey().SPKI }, "no", "?", "yes"},
		{"no SCT", func(_ *evidence.Log, p *evidence.Promise) { p.SCT, p.Included = sct[:9], true }, "?", "?", "no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			record, promise, head := *s.record, honestly, *s.record.Head
			record.Entry, record.Head, record.Promise = nil, &head, &promise
			tt.change(&record, &promise)
			in := *s.in
			in.Subject = &evidence.Subject{Log: &record}
			f := Facts(&in)
			words := func(b *bool) string {
				if b == nil {
					return "?"
				}
				return map[bool]string{true: "yes", false: "no"}[*b]
			}
			if p := f.Promise; !f.HasPromise || words(p.Signed) != tt.signed || words(p.Included) != tt.included || words(&p.Due) != tt.due {
				t.Errorf("signed %s, included %s, due %v; want %+v", words(p.Signed), words(p.Included), p.Due, tt)
			}
		})
	}
}

// What a log leaves out is counted; a range turned round is none.
func TestMissing(t *testing.T) {
	s := honest(t)
	s.record.Missing = []evidence.Range{{From: 3, To: 5}, {From: 9, To: 7}, {From: 10, To: 11}}
	if f := Facts(s.in); f.Missing != 3 {
		t.Errorf("%d entries are missing, want 3", f.Missing)
	}
}

// A head is verified once, and two logs do not share an answer.
func TestHeadsRemember(t *testing.T) {
	s := honest(t)
	own, stranger := ct.NewLog("", s.log.Key.SPKI, true, "", ""), ct.NewLog("", lab.ImpostorKey().SPKI, true, "", "")
	heads := &Heads{}
	for range 2 {
		if yes := heads.signed(own, headOf(s.record.Head)); yes == nil || !*yes {
			t.Error("the log's own head is not its own")
		}
		if yes := heads.signed(stranger, headOf(s.record.Head)); yes == nil || *yes {
			t.Error("another log signed it")
		}
	}
	if len(heads.known) != 2 {
		t.Errorf("%d answers are kept, want 2", len(heads.known))
	}
	for i := range maxHeads + 1 {
		h := headOf(s.record.Head)
		h.Size = uint64(i)
		heads.signed(own, h)
	}
	if len(heads.known) > maxHeads {
		t.Errorf("%d answers are kept, want %d at most", len(heads.known), maxHeads)
	}
}

// What a list says of a log counts before what the evidence says.
func TestKnownLog(t *testing.T) {
	s := honest(t)
	known := ct.NewLog("Listed", s.log.Key.SPKI, true, "", "")
	known.States = []ct.Change{{State: ct.Usable, Since: s.lab.At.AddDate(-1, 0, 0)}, {State: ct.Retired, Since: s.lab.At.AddDate(0, 0, 1)}}
	in := *s.in
	in.Logs = ct.NewList([]*ct.Log{known})
	end := s.in.Certificates[0].NotAfter
	for _, tt := range []struct {
		name     string
		from, to time.Time
		interval string
	}{
		{"takes any", time.Time{}, time.Time{}, "?"},
		{"takes it", end, end.Add(time.Second), "yes"},
		{"takes earlier ones", end.AddDate(-1, 0, 0), end, "no"},
		{"takes later ones", end.Add(time.Second), end.AddDate(1, 0, 0), "no"},
		{"takes it and all before", time.Time{}, end.Add(time.Second), "yes"},
	} {
		known.From, known.To = tt.from, tt.to
		f := Facts(&in)
		interval := "?"
		if f.Entry.Interval != nil {
			interval = map[bool]string{true: "yes", false: "no"}[*f.Entry.Interval]
		}
		if interval != tt.interval || f.HasInterval != (tt.interval != "?") {
			t.Errorf("%s: in the interval %s, want %s; has one: %v", tt.name, interval, tt.interval, f.HasInterval)
		}
		if !f.Known || f.Name != "Listed" || f.State != string(ct.Usable) || f.ID == "" || verdict(f.Head.Final) != "none" {
			t.Errorf("%s: %+v, head %+v", tt.name, f, f.Head)
		}
	}
	if f := Facts(s.in); f.Known || f.Name != "Lab" || f.State != "" {
		t.Errorf("nobody lists it: %+v", f)
	}
	known.Final = &ct.FinalTree{Size: 1, Root: [32]byte{1}}
	if f := Facts(&in); verdict(f.Head.Final) != ct.FinalOther {
		t.Errorf("the tree that it stopped at is another: %s", verdict(f.Head.Final))
	}
	s.record.Head.Signature = nil
	if f := Facts(&in); f.Head.Final != nil {
		t.Errorf("what nobody signed is held against the log: %s", *f.Head.Final)
	}
}

// A log that is not to take entries need not sign new heads.
func TestStaleOfState(t *testing.T) {
	for state, stale := range map[ct.State]bool{ct.Usable: true, ct.Qualified: true, ct.ReadOnly: false, ct.Retired: false, ct.Rejected: false} {
		s := honest(t)
		known := ct.NewLog("Listed", s.log.Key.SPKI, true, "", "")
		known.States = []ct.Change{{State: state, Since: s.lab.At.AddDate(-1, 0, 0)}}
		s.in.Logs, s.in.At = ct.NewList([]*ct.Log{known}), s.lab.At.AddDate(0, 1, 0)
		if f := Facts(s.in); f.Head.Stale != stale {
			t.Errorf("%s: stale %v", state, f.Head.Stale)
		}
	}
}

// An entry of a certificate covers it whole.
func TestEntryOfCertificate(t *testing.T) {
	s := honest(t)
	der := s.lab.Leaf
	for _, tt := range []struct {
		name, submitted, index string
		shown                  [][]byte
		extensions             []byte
	}{
		{"as it was", ok, ok, [][]byte{der, s.lab.Intermediate.DER}, []byte{0, 0, 5, 0, 0, 0, 0, 7}},
		{"another", other, ok, [][]byte{s.lab.Intermediate.DER}, []byte{0, 0, 5, 0, 0, 0, 0, 7}},
		{"none", missing, ok, nil, []byte{0, 0, 5, 0, 0, 0, 0, 7}},
		{"without index", ok, absent, [][]byte{der}, nil},
		{"with half an index", ok, malformed, [][]byte{der}, []byte{0, 0, 2, 0, 7}},
		{"of another index", ok, other, [][]byte{der}, []byte{0, 0, 5, 0, 0, 0, 0, 8}},
	} {
		e, err := ct.X509Entry(der)
		if err != nil {
			t.Fatal(err)
		}
		s.record.Entry = &evidence.Entry{Index: 7, Leaf: ct.LeafOf(&ct.SCT{Time: s.lab.At, Extensions: tt.extensions}, e)}
		s.in.Certificates = nil
		for _, shown := range tt.shown {
			s.in.Certificates = append(s.in.Certificates, cert.Parse(shown))
		}
		f := Facts(s.in)
		if f.HasPrecert || verdict(f.Entry.Submitted) != tt.submitted || verdict(f.Entry.LeafIndex) != tt.index {
			t.Errorf("%s: submitted %s, index %s", tt.name, verdict(f.Entry.Submitted), verdict(f.Entry.LeafIndex))
		}
		if f.Entry.IssuerKey != nil || f.Entry.Poison != nil || !f.Entry.Parsed {
			t.Errorf("%s: what a certificate does not have: %+v", tt.name, f.Entry)
		}
	}
}

// A precertificate signer stands between the precertificate and its issuer.
func TestSignerIsNotTheIssuer(t *testing.T) {
	s := honest(t)
	tmpl := s.lab.LeafTemplate()
	tmpl.Set(lab.ExtKeyUsage("1.3.6.1.4.1.11129.2.4.4"))
	signer := cert.Parse(tmpl.Sign(s.lab.Intermediate.Key, ""))
	issuer := s.in.Certificates[1]
	for want, chain := range map[string][]*cert.Certificate{
		missing: {s.in.Certificates[0], signer},
		ok:      {s.in.Certificates[0], signer, issuer},
		other:   {s.in.Certificates[0], signer, signer},
	} {
		s.in.Certificates = chain
		if f := Facts(s.in); verdict(f.Entry.IssuerKey) != want {
			t.Errorf("the issuer's key is %s, want %s", verdict(f.Entry.IssuerKey), want)
		}
	}
}

// Where another entry stands at the index that an SCT states, no later tree keeps
// the promise.
func TestPromiseOfIndex(t *testing.T) {
	s := honest(t)
	for _, tt := range []struct {
		name       string
		extensions []byte
		denied     bool
		due        bool
	}{
		{"its place is taken", []byte{0, 0, 5, 0, 0, 0, 0, 0}, true, true},
		{"its place is beyond the tree", []byte{0, 0, 5, 0, 0, 0, 0, 1}, true, false},
		{"its place was not looked at", []byte{0, 0, 5, 0, 0, 0, 0, 0}, false, false},
		{"it has none", nil, true, false},
		{"it has half of one", []byte{0, 0, 2, 0, 0}, true, false},
	} {
		sct := ct.SCT{Time: s.lab.At, Hash: 4, Algorithm: 3, Signature: []byte{1}, Extensions: tt.extensions}
		record := *s.record
		record.Entry, record.Promise = nil, &evidence.Promise{SCT: sct.Append(nil), Denied: tt.denied}
		s.in.Subject = &evidence.Subject{Log: &record}
		if f := Facts(s.in); !f.HasPromise || f.Promise.Due != tt.due || !f.Promise.Time.Equal(s.lab.At) {
			t.Errorf("%s: %+v", tt.name, f.Promise)
		}
	}
}
