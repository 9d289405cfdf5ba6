package sct

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// lookedUp is a certificate whose SCT was looked up in a log that has it.
func lookedUp(t *testing.T) (*Input, evidence.Inclusion) {
	t.Helper()
	l := lab.New(lab.Config{})
	begin := l.At.Add(-30 * 24 * time.Hour)
	log := lablog.New(lab.ForgedKey(), "lab.example/log", l.At)
	log.Indexed = false
	template := l.LeafTemplate()
	template.Drop(lab.IDSCTs)
	part := lab.Log{Key: lab.ForgedKey()}.SCT(template, l.Intermediate, begin)
	template.Set(lab.EmbedSCTs(part))
	c := cert.Parse(template.Sign(l.Intermediate.Key, ""))
	tbs, err := ct.CertificateTBS(c)
	if err != nil {
		t.Fatal(err)
	}
	log.AddPrecert(tbs, l.Intermediate.Key.SPKI, nil, begin)
	s, err := ct.ParseSCT(part)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ct.PrecertEntry(l.Intermediate.Key.SPKI, tbs)
	if err != nil {
		t.Fatal(err)
	}
	known := ct.NewLog("Lab", log.Key.SPKI, false, "", "")
	head, err := ct.ParseCheckpoint(log.Checkpoint(), known, "")
	if err != nil {
		t.Fatal(err)
	}
	in := &Input{Certificate: c, Chain: []*cert.Certificate{cert.Parse(l.Intermediate.DER)}, Logs: ct.NewList([]*ct.Log{known}), At: l.At, Reasons: map[string]string{}}
	return in, evidence.Inclusion{
		Key: known.Key, Name: "Lab", SCT: part, Leaf: ct.LeafOf(&s, e), Found: true,
		Head: &evidence.Head{Size: head.Size, Root: head.Root[:], Time: head.Time, Signature: head.Signature},
	}
}

// Nothing in the evidence is believed that its own bytes do not prove.
func TestInclusion(t *testing.T) {
	yes, no := new(true), new(false)
	for _, tt := range []struct {
		name   string
		change func(*Input, *evidence.Inclusion)
		result string
		logged *bool
	}{
		{"as it was", func(*Input, *evidence.Inclusion) {}, Included, yes},
		{"known by its own key", func(in *Input, _ *evidence.Inclusion) { in.Logs = nil }, Included, yes},
		{"another index", func(_ *Input, x *evidence.Inclusion) { x.Index = 1 }, Unknown, nil},
		{"a proof too many", func(_ *Input, x *evidence.Inclusion) { x.Proof = [][]byte{make([]byte, 32)} }, Unknown, nil},
		{"a short hash", func(_ *Input, x *evidence.Inclusion) { x.Proof = [][]byte{{1}} }, Unknown, nil},
		{"another root", func(_ *Input, x *evidence.Inclusion) { x.Head.Root = make([]byte, 32) }, Unknown, nil},
		{"another head time", func(_ *Input, x *evidence.Inclusion) { x.Head.Time = x.Head.Time.Add(time.Hour) }, Unknown, nil},
		{"no head", func(_ *Input, x *evidence.Inclusion) { x.Head = nil }, Unknown, nil},
		{"denied", func(_ *Input, x *evidence.Inclusion) { x.Found, x.Denied = false, true }, Denied, no},
		{"denied, and not yet due", func(in *Input, x *evidence.Inclusion) {
			x.Found, x.Denied = false, true
			in.Logs.Log(cert256(x.Key)).MMD = 1000 * time.Hour
		}, Pending, nil},
		{"found and denied", func(_ *Input, x *evidence.Inclusion) { x.Denied = true }, Included, yes},
		{"another leaf", func(_ *Input, x *evidence.Inclusion) { x.Leaf = append([]byte{}, x.Leaf[:len(x.Leaf)-1]...) }, Unknown, nil},
		{"no leaf", func(_ *Input, x *evidence.Inclusion) { x.Leaf, x.Found, x.Denied = nil, false, true }, Unknown, nil},
		{"another certificate", func(in *Input, x *evidence.Inclusion) {
			x.Found, x.Denied = false, true
			in.Certificate = cert.Parse(lab.New(lab.Config{Host: "other.lab.example"}).Leaf)
		}, Unknown, nil},
		{"another SCT", func(_ *Input, x *evidence.Inclusion) { x.SCT = x.SCT[:20] }, Unknown, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, x := lookedUp(t)
			tt.change(in, &x)
			f := Inclusion(in, []evidence.Inclusion{x})
			if !f.Asked || f.SCTs[0].Result != tt.result {
				t.Errorf("result %q, want %q (%s)", f.SCTs[0].Result, tt.result, f.SCTs[0].Reason)
			}
			if (f.Logged == nil) != (tt.logged == nil) || f.Logged != nil && *f.Logged != *tt.logged {
				t.Errorf("logged %v, want %v", f.Logged, tt.logged)
			}
			if f.Logged == nil && in.Reasons[InclusionPath] == "" {
				t.Error("nothing says why that is unknown")
			}
		})
	}
	if f := Inclusion(&Input{}, nil); f.Asked || f.Due != 0 {
		t.Errorf("nobody was asked: %+v", f)
	}
}

// What one log lost another one may hold, whose key is not in the list.
func TestInclusionInLogsThatNobodyKnows(t *testing.T) {
	in, x := lookedUp(t)
	x.Found, x.Denied = false, true
	stranger := evidence.Inclusion{SCT: slices.Clone(x.SCT), Failure: &evidence.Failure{Error: "no list names the log"}}
	stranger.SCT[1] ^= 1 // within the log's ID
	f := Inclusion(in, []evidence.Inclusion{x, stranger})
	if f.Logged != nil || f.Broken != 1 || in.Reasons[InclusionPath] == "" {
		t.Errorf("logged %v, broken %d, reason %q", f.Logged, f.Broken, in.Reasons[InclusionPath])
	}
	x.Found, x.Denied = true, false
	if f := Inclusion(in, []evidence.Inclusion{x, stranger}); f.Logged == nil || !*f.Logged {
		t.Error("a log that shows the entry is not believed beside an unknown one")
	}
}

func cert256(key []byte) [32]byte { return ct.NewLog("", key, false, "", "").ID }

// When a promise is due, and which tree has to keep it, is a matter of seconds.
func TestInclusionDue(t *testing.T) {
	in, x := lookedUp(t)
	s, err := ct.ParseSCT(x.SCT)
	if err != nil {
		t.Fatal(err)
	}
	const mmd = time.Hour
	due := s.Time.Add(mmd + lateness)
	for _, tt := range []struct {
		name           string
		at, head       time.Time
		due            bool
		result, reason string
	}{
		{"to the second", due, due, false, Pending, ""},
		{"a second late", due.Add(time.Second), due.Add(time.Second), true, Denied, ""},
		{"the tree is of before", due.Add(time.Second), due, true, Unknown, "need not have it"},
		{"the tree is of later than the judgement", due, due.Add(time.Second), false, Denied, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, x := *in, x
			in.At = tt.at
			log := lablog.New(lab.ForgedKey(), "lab.example/log", tt.head)
			log.AddPrecert([]byte("another"), make([]byte, 32), nil, tt.head)
			known := in.Logs.Log(cert256(x.Key))
			known.MMD = mmd
			head, err := ct.ParseCheckpoint(log.Checkpoint(), known, "")
			if err != nil {
				t.Fatal(err)
			}
			x.Head = &evidence.Head{Size: head.Size, Root: head.Root[:], Time: head.Time, Signature: head.Signature}
			x.Found, x.Denied = false, true
			f := Inclusion(&in, []evidence.Inclusion{x}).SCTs[0]
			if f.Due != tt.due || f.Result != tt.result || !strings.Contains(f.Reason, tt.reason) || f.Index != -1 || f.Size != 1 {
				t.Errorf("got %+v; want due %v, %s, reason %q", f, tt.due, tt.result, tt.reason)
			}
		})
	}
}

// Where nothing can be said, the reason is the collector's if it has one.
func TestInclusionReason(t *testing.T) {
	in, x := lookedUp(t)
	why := &evidence.Failure{Error: "the log did not answer"}
	for _, tt := range []struct {
		name, reason string
		change       func(*evidence.Inclusion)
	}{
		{"no head, no reason", "", func(x *evidence.Inclusion) { x.Head = nil }},
		{"no head", why.Error, func(x *evidence.Inclusion) { x.Head, x.Failure = nil, why }},
		{"a short root", "the tree head is not signed by the log", func(x *evidence.Inclusion) { x.Head.Root = x.Head.Root[:31] }},
		{"no leaf", "the SCT could not be verified over this certificate", func(x *evidence.Inclusion) { x.Leaf = nil }},
		{"no leaf, and why", why.Error, func(x *evidence.Inclusion) { x.Leaf, x.Failure = nil, why }},
		{"a proof of nothing", "the proof does not lead to the signed root", func(x *evidence.Inclusion) { x.Index = 7 }},
		{"no SCT", why.Error, func(x *evidence.Inclusion) { x.SCT, x.Failure = nil, why }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := x
			head := *x.Head
			x.Head = &head
			tt.change(&x)
			if f := Inclusion(in, []evidence.Inclusion{x}).SCTs[0]; f.Result != Unknown || f.Reason != tt.reason {
				t.Errorf("%s because %q, want %q", f.Result, f.Reason, tt.reason)
			}
		})
	}
}

// The answers about several SCTs are counted one by one, in any order.
func TestInclusionCounts(t *testing.T) {
	_, found := lookedUp(t)
	denied := found
	denied.Found, denied.Denied = false, true
	silent := denied
	silent.Head = nil
	stranger := evidence.Inclusion{SCT: slices.Clone(found.SCT)}
	stranger.SCT[1] ^= 1
	for _, tt := range []struct {
		name                           string
		list                           []evidence.Inclusion
		due, included, broken, unknown int64
		logged                         string
	}{
		{"one kept, one broken", []evidence.Inclusion{denied, found}, 2, 1, 1, 0, "yes"},
		{"the same turned round", []evidence.Inclusion{found, denied}, 2, 1, 1, 0, "yes"},
		{"all broken", []evidence.Inclusion{denied, denied}, 2, 0, 2, 0, "no"},
		{"one silent", []evidence.Inclusion{silent, denied}, 2, 0, 1, 1, "unknown"},
		{"a stranger first", []evidence.Inclusion{stranger, found}, 1, 1, 0, 1, "yes"},
		{"a stranger before a broken one", []evidence.Inclusion{stranger, denied}, 1, 0, 1, 1, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, _ := lookedUp(t)
			f := Inclusion(in, tt.list)
			logged := "unknown"
			if f.Logged != nil {
				logged = map[bool]string{true: "yes", false: "no"}[*f.Logged]
			}
			if f.Due != tt.due || f.Included != tt.included || f.Broken != tt.broken || f.Unknown != tt.unknown || logged != tt.logged {
				t.Errorf("due %d, included %d, broken %d, unknown %d, logged %s; want %+v", f.Due, f.Included, f.Broken, f.Unknown, logged, tt)
			}
		})
	}
	// A promise that is not due yet is no reason to doubt anything.
	in, x := lookedUp(t)
	in.Logs.Log(cert256(x.Key)).MMD = 1000 * time.Hour
	if f := Inclusion(in, []evidence.Inclusion{denied, found}); f.Due != 0 || f.Unknown != 0 || f.Included != 1 || f.Logged == nil || !*f.Logged {
		t.Errorf("nothing is due: %+v", f)
	}
	if f := Inclusion(in, []evidence.Inclusion{denied}); f.Logged != nil || in.Reasons[InclusionPath] != "no log owes the entry yet" {
		t.Errorf("nothing is due, nothing found: %+v, %q", f, in.Reasons[InclusionPath])
	}
}

// A log may have taken the certificate itself. Its leaf is believed only where it
// is of this certificate, and of this SCT.
func TestInclusionOfCertificate(t *testing.T) {
	l := lab.New(lab.Config{})
	begin := l.At.Add(-30 * 24 * time.Hour)
	template := l.LeafTemplate()
	template.Drop(lab.IDSCTs)
	c := cert.Parse(template.Sign(l.Intermediate.Key, ""))
	signer := testLog{key: lab.ForgedKey(), operator: "A"}
	entry := func(der []byte) ct.Entry {
		e, err := ct.X509Entry(der)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	look := func(signed, logged []byte, at time.Time) evidence.Inclusion {
		log := lablog.New(lab.ForgedKey(), "lab.example/log", l.At)
		log.Indexed = false
		log.Add(logged, at)
		known := ct.NewLog("Lab", log.Key.SPKI, false, "", "")
		head, err := ct.ParseCheckpoint(log.Checkpoint(), known, "")
		if err != nil {
			t.Fatal(err)
		}
		part := signer.sign(t, entry(signed), begin)
		s, err := ct.ParseSCT(part)
		if err != nil {
			t.Fatal(err)
		}
		leaf := s
		leaf.Time = at
		return evidence.Inclusion{
			Key: known.Key, Name: "Lab", SCT: part, Leaf: ct.LeafOf(&leaf, entry(logged)), Found: true,
			Head: &evidence.Head{Size: head.Size, Root: head.Root[:], Time: head.Time, Signature: head.Signature},
		}
	}
	for _, tt := range []struct {
		name   string
		x      evidence.Inclusion
		result string
	}{
		{"this certificate", look(c.Raw, c.Raw, begin), Included},
		{"signed for this one, logged another", look(c.Raw, l.Leaf, begin), Unknown},
		{"signed for another one, logged this", look(l.Leaf, c.Raw, begin), Unknown},
		{"another certificate", look(l.Leaf, l.Leaf, begin), Unknown},
		{"logged at another time", look(c.Raw, c.Raw, begin.Add(time.Second)), Unknown},
	} {
		in := &Input{Certificate: c, Chain: []*cert.Certificate{cert.Parse(l.Intermediate.DER)}, At: l.At, Reasons: map[string]string{}}
		if f := Inclusion(in, []evidence.Inclusion{tt.x}).SCTs[0]; f.Result != tt.result {
			t.Errorf("%s: %s, want %s (%s)", tt.name, f.Result, tt.result, f.Reason)
		}
	}
}
