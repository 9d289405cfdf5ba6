package audit

import (
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
)

var labPoison = lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}}

// A madeEntry is an entry of a log of the lab and what becomes evidence of it.
type madeEntry struct {
	lab   *lab.Lab
	key   *lab.Key
	at    time.Time
	entry ct.Entry
	sct   ct.SCT
	own   []byte
	chain [][]byte
}

// newEntry logs the lab's honest leaf, as a certificate or, without its SCTs, as
// a precertificate.
func newEntry(t *testing.T, pre bool) *madeEntry {
	t.Helper()
	l := lab.New(lab.Config{})
	m := &madeEntry{lab: l, key: lab.ForgedKey(), at: lab.Cases()[0].At}
	m.sct = ct.SCT{LogID: sha256.Sum256(m.key.SPKI), Time: m.at.Add(-72 * time.Hour).Truncate(time.Millisecond)}
	m.chain = [][]byte{l.Intermediate.DER}
	if !pre {
		m.own = l.Leaf
		m.entry = must(ct.X509Entry(m.own))
		return m
	}
	m.setPrecert(t, labPoison)
	return m
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// setPrecert makes a precertificate with this in the place of its poison; its
// entry is what it would have been with a good one.
func (m *madeEntry) setPrecert(t *testing.T, poison lab.Extension) {
	t.Helper()
	template := m.lab.LeafTemplate()
	template.Drop(lab.IDSCTs)
	if poison.ID != "" {
		template.Set(poison)
	}
	m.own = template.Sign(m.lab.Intermediate.Key, "")
	c := cert.Parse(m.own)
	tbs, err := ct.PrecertificateTBS(c, nil)
	if err != nil {
		tbs = c.TBS
	}
	m.entry = must(ct.PrecertEntry(m.lab.Intermediate.Key.SPKI, tbs))
}

// head is signed by the log.
func (m *madeEntry) head(size uint64, root byte, at time.Time) *evidence.Head {
	h := ct.TreeHead{Size: size, Time: at.Truncate(time.Millisecond), Root: [32]byte{root}}
	digest := sha256.Sum256(h.Signed())
	sig := must(m.key.Sign(nil, digest[:], crypto.SHA256))
	sig = append([]byte{4, 3, byte(len(sig) >> 8), byte(len(sig))}, sig...)
	return &evidence.Head{Size: size, Root: h.Root[:], Time: h.Time, Signature: sig}
}

func (m *madeEntry) log() *evidence.Log {
	return &evidence.Log{Key: m.key.SPKI, Name: "lab log", MMD: 24 * time.Hour, Head: m.head(100, 1, m.at.Add(-time.Hour))}
}

func (m *madeEntry) subject() *evidence.Subject {
	s := &evidence.Subject{ID: "log://lab.example/7", Kind: evidence.LogEntry, Log: m.log()}
	leaf := ct.LeafOf(&m.sct, m.entry)
	s.Log.Entry = &evidence.Entry{Index: 7, Leaf: leaf, Verified: true, Precert: leaf[11] == 1}
	if m.own != nil {
		s.Certificates = append(s.Certificates, m.own)
		for _, der := range m.chain {
			s.Certificates = append(s.Certificates, der)
		}
	}
	return s
}

func ruleIDs(fs []finding.Finding) (out []string) {
	for _, f := range fs {
		out = append(out, f.Rule)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A precertificate is no worse than the certificate that it promises: no rule
// finds in the one what it does not find in the other, and none of what is sure
// of the certificate is unsure of it. Under a root that is the owner's, and as if
// it were public.
func TestPrecertificateIsNotAccused(t *testing.T) {
	set := shippedRules(t)
	judgeBoth := func(pre bool) (own, public []string, verdict finding.Verdict) {
		m := newEntry(t, pre)
		a := labAuditor(t, set, [][]byte{m.lab.Root.DER}, m.at)
		j := a.Judge(m.subject())
		raw := a.judge(m.subject())
		raw.facts.Chain.Anchor = string(trust.Public)
		raw.findings = nil
		raw.add(a.rules.Notable(nil, rule.ScopeChain, raw.facts), raw.certs[0], "as if public")
		return ruleIDs(j.Subject.Findings), ruleIDs(raw.findings), j.Subject.Verdict
	}
	own, public, verdict := judgeBoth(false)
	preOwn, prePublic, preVerdict := judgeBoth(true)
	if verdict != finding.OK || preVerdict != finding.OK {
		t.Errorf("verdicts: certificate %s %v, precertificate %s %v; want ok", verdict, own, preVerdict, preOwn)
	}
	for _, id := range slices.Concat(preOwn, prePublic) {
		if !slices.Contains(own, id) && !slices.Contains(public, id) {
			t.Errorf("%s accuses a precertificate, and not its certificate", id)
		}
	}
}

// What is wrong with an entry, or with a log, is found by the rule about it and
// by no other rule about logs.
func TestLogRules(t *testing.T) {
	set := shippedRules(t)
	indexed := func(m *madeEntry, index uint64) {
		m.sct.Extensions = binary.BigEndian.AppendUint64([]byte{0, 0, 5}, index<<24)[:8]
	}
	other := lab.New(lab.Config{At: lab.Cases()[0].At.Add(time.Hour)})
	for _, c := range []struct {
		name    string
		pre     bool
		change  func(*madeEntry)
		evident func(*madeEntry, *evidence.Subject)
		want    []string
		verdict finding.Verdict
	}{
		{name: "certificate", verdict: finding.OK},
		{name: "precertificate", pre: true, verdict: finding.OK},
		{name: "its own index", pre: true, change: func(m *madeEntry) { indexed(m, 7) }, verdict: finding.OK},
		{name: "another index", pre: true, change: func(m *madeEntry) { indexed(m, 8) }, want: []string{"log-entry-other-index"}, verdict: finding.OK},
		{name: "index of three octets", change: func(m *madeEntry) { m.sct.Extensions = []byte{0, 0, 3, 0, 0, 7} }, want: []string{"log-entry-other-index"}, verdict: finding.OK},
		{
			name: "another precertificate", pre: true, change: func(m *madeEntry) { m.own = other.Leaf },
			want: []string{"log-content-differs"}, verdict: finding.Undetermined,
		},
		{
			name: "no precertificate", pre: true, change: func(m *madeEntry) { m.own = nil },
			want: []string{"log-issuer-missing", "log-precertificate-missing"}, verdict: finding.Undetermined,
		},
		{
			name: "garbage for a precertificate", pre: true, change: func(m *madeEntry) { m.own = []byte("garbage") },
			want: []string{"log-content-differs"}, verdict: finding.Undetermined,
		},
		{
			name: "another certificate", evident: func(_ *madeEntry, s *evidence.Subject) { s.Certificates[0] = other.Leaf },
			want: []string{"log-content-differs"}, verdict: finding.Undetermined,
		},
		{
			name: "another issuer", pre: true, change: func(m *madeEntry) { m.chain[0] = m.lab.Root.DER },
			want: []string{"log-issuer-key-differs"}, verdict: finding.Undetermined,
		},
		{name: "no issuer", pre: true, change: func(m *madeEntry) { m.chain = nil }, want: []string{"log-issuer-missing"}, verdict: finding.Undetermined},
		{
			name: "poison that is not critical", pre: true,
			change: func(m *madeEntry) { m.setPrecert(t, lab.Extension{ID: labPoison.ID, Value: []byte{5, 0}}) },
			want:   []string{"log-poison-wrong"}, verdict: finding.OK,
		},
		{name: "no poison", pre: true, change: func(m *madeEntry) { m.setPrecert(t, lab.Extension{}) }, want: []string{"log-poison-wrong"}, verdict: finding.OK},
		{
			name: "from the future", pre: true, change: func(m *madeEntry) { m.sct.Time = m.at.Add(time.Hour) },
			want: []string{"log-entry-future"}, verdict: finding.OK,
		},
		{
			name: "not in the tree", pre: true, evident: func(_ *madeEntry, s *evidence.Subject) { s.Log.Entry.Verified = false },
			want: []string{"log-entry-not-in-tree"}, verdict: finding.OK,
		},
		{
			name: "in a tree that nobody signed", pre: true, evident: func(_ *madeEntry, s *evidence.Subject) { s.Log.Head.Size++ },
			want: []string{"log-entry-not-in-tree"}, verdict: finding.OK,
		},
		{
			name: "no leaf", evident: func(_ *madeEntry, s *evidence.Subject) { s.Log.Entry.Leaf = []byte("no leaf") },
			want: []string{"log-entry-unreadable"}, verdict: finding.Undetermined,
		},
		{
			name: "no certificate in it", change: func(m *madeEntry) {
				m.own, m.chain = []byte("no certificate"), nil
				m.entry = must(ct.X509Entry(m.own))
			}, want: []string{"log-entry-unreadable"}, verdict: finding.Undetermined,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newEntry(t, c.pre)
			if c.change != nil {
				c.change(m)
			}
			s := m.subject()
			if c.evident != nil {
				c.evident(m, s)
			}
			j := labAuditor(t, set, [][]byte{m.lab.Root.DER}, m.at).Judge(s)
			checkLogRules(t, j, c.want, c.verdict)
		})
	}
}

func checkLogRules(t *testing.T, j Judged, want []string, verdict finding.Verdict) {
	t.Helper()
	var got []string
	for _, id := range ruleIDs(j.Subject.Findings) {
		if strings.HasPrefix(id, "log-") {
			got = append(got, id)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("log rules found %v, want %v", got, want)
	}
	if j.Subject.Verdict != verdict {
		t.Errorf("verdict %s (%v, gaps %v), want %s", j.Subject.Verdict, ruleIDs(j.Subject.Findings), j.Subject.Inconclusive, verdict)
	}
}

// The same for what a log signs of itself.
func TestLogHeadRules(t *testing.T) {
	set := shippedRules(t)
	m := newEntry(t, true)
	hour := m.at.Add(-time.Hour)
	for _, c := range []struct {
		name    string
		change  func(*evidence.Log)
		want    []string
		verdict finding.Verdict
	}{
		{"as it should be", func(*evidence.Log) {}, nil, finding.OK},
		{"stale", func(l *evidence.Log) { l.Head = m.head(100, 1, m.at.Add(-49*time.Hour)) }, []string{"log-head-stale"}, finding.OK},
		{"within the merge delay", func(l *evidence.Log) { l.Head = m.head(100, 1, m.at.Add(-47*time.Hour)) }, nil, finding.OK},
		{"from the future", func(l *evidence.Log) { l.Head = m.head(100, 1, m.at.Add(6*time.Minute)) }, []string{"log-head-future"}, finding.OK},
		{"not signed", func(l *evidence.Log) { l.Head.Size++ }, []string{"log-head-not-signed"}, finding.Suspicious},
		{"fork of one size", func(l *evidence.Log) { l.Contradicts = m.head(100, 2, hour) }, []string{"log-fork-proven"}, finding.Forged},
		{"the same head", func(l *evidence.Log) { l.Contradicts = m.head(100, 1, hour) }, nil, finding.OK},
		{"fork of a smaller tree", func(l *evidence.Log) { l.Contradicts = m.head(99, 2, hour) }, []string{"log-fork"}, finding.Suspicious},
		{"rollback", func(l *evidence.Log) { l.Contradicts = m.head(101, 2, hour) }, []string{"log-rollback"}, finding.OK},
		{"against a head that it did not sign", func(l *evidence.Log) {
			l.Contradicts = m.head(100, 2, hour)
			l.Contradicts.Size = 99
		}, nil, finding.OK},
		{"entries missing", func(l *evidence.Log) { l.Missing = []evidence.Range{{From: 3, To: 9}} }, []string{"log-entries-missing"}, finding.OK},
		{"promise kept", func(l *evidence.Log) { l.Promise = m.promise(t, true, false) }, nil, finding.OK},
		{"promise broken", func(l *evidence.Log) { l.Promise = m.promise(t, false, true) }, []string{"log-promise-broken"}, finding.Suspicious},
		{"promise that nobody could look up", func(l *evidence.Log) { l.Promise = m.promise(t, false, false) }, nil, finding.Undetermined},
		{"promise that is not due", func(l *evidence.Log) {
			l.Promise, l.Head = m.promise(t, false, true), m.head(100, 1, m.sct.Time.Add(47*time.Hour))
		}, nil, finding.OK},
		{"promise of somebody else", func(l *evidence.Log) {
			l.Promise = m.promise(t, false, true)
			l.Promise.Leaf[5]++
		}, nil, finding.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &evidence.Subject{ID: "log://lab.example", Kind: evidence.LogEntry, Log: m.log()}
			c.change(s.Log)
			checkLogRules(t, labAuditor(t, set, nil, m.at).Judge(s), c.want, c.verdict)
		})
	}
}

func (m *madeEntry) promise(t *testing.T, included, denied bool) *evidence.Promise {
	t.Helper()
	s := m.sct
	s.Hash, s.Algorithm = 4, 3
	digest := sha256.Sum256(m.entry.Signed(&s))
	s.Signature = must(m.key.Sign(nil, digest[:], crypto.SHA256))
	return &evidence.Promise{SCT: s.Append(nil), Leaf: ct.LeafOf(&s, m.entry), Included: included, Denied: denied}
}

// BenchmarkLogEntry is what the judgement of an entry costs that was not met
// before, under an issuer that was: a precertificate, whose issuer's signature is
// checked, and nothing of a network.
func BenchmarkLogEntry(b *testing.B) {
	for name, config := range map[string]lab.Config{"ecdsa": {}, "rsa-2048": {RSA: true}} {
		b.Run(name, func(b *testing.B) {
			subjects, l := manyEntries(config, 2000)
			set := shippedRules(b)
			a := labAuditor(b, set, l.Roots(), l.At)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%len(subjects) == 0 {
					b.StopTimer()
					a = labAuditor(b, set, l.Roots(), l.At)
					b.StartTimer()
				}
				if j := a.Judge(subjects[i%len(subjects)]); j.Subject.Verdict != finding.OK {
					b.Fatal(j.Subject.Verdict, ruleIDs(j.Subject.Findings), j.Subject.Inconclusive)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// manyEntries are precertificates that differ in name, serial number and key.
func manyEntries(config lab.Config, n int) (out []*evidence.Subject, l *lab.Lab) {
	l = lab.New(config)
	m := &madeEntry{lab: l, key: lab.ForgedKey(), at: l.At, chain: [][]byte{l.Intermediate.DER}}
	m.sct = ct.SCT{LogID: sha256.Sum256(m.key.SPKI), Time: m.at.Add(-72 * time.Hour).Truncate(time.Millisecond)}
	head := m.head(uint64(n), 1, m.at.Add(-time.Hour))
	for i := range n {
		template := l.LeafTemplate()
		template.Drop(lab.IDSCTs)
		name := fmt.Sprintf("host%d.lab.example", i)
		template.Set(labPoison, lab.DNSNames(name, "www."+name))
		template.Subject = lab.Named("CN=" + name)
		template.Serial = lab.SerialOf(fmt.Sprint("entry ", i))
		m.own = template.Sign(l.Intermediate.Key, "")
		m.entry = must(ct.PrecertEntry(l.Intermediate.Key.SPKI, must(ct.PrecertificateTBS(cert.Parse(m.own), nil))))
		s := m.subject()
		s.Log.Head = head
		out = append(out, s)
	}
	return out, l
}
