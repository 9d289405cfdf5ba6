package sct

import (
	"slices"
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
