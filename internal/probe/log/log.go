// Package log turns what a CT log signed and said into facts: whether an entry
// is what its leaf covers, and whether the log keeps what it promises.
//
// Nothing that the collector concluded is repeated unseen. The leaf is read
// again, the signatures of tree heads and SCTs are verified again, with the key
// that the evidence has. Only that a leaf leads to a root, or that a log could
// not prove consistency, is taken from the evidence: the hashes for it are not
// kept.
package log

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

// Values of facts, as the vocabulary names them.
const (
	ok        = "ok"
	other     = "other"
	missing   = "missing"
	malformed = "malformed"
	absent    = "absent"
)

// Slack on times: what the clocks of a log and of the judge may differ, and how
// long a tree head may be old, or a mirror of the log behind, beyond the merge
// delay. RFC 6962 asks for a head within the merge delay, which is a day at most.
const (
	slack   = 5 * time.Minute
	maxLate = 24 * time.Hour
)

// Input is what a log is judged by.
type Input struct {
	Subject *evidence.Subject
	// Certificates are those of the subject, parsed.
	Certificates []*cert.Certificate
	// Logs are the known logs; nil knows none.
	Logs *ct.LogList
	// Heads answers signature checks of tree heads; nil checks each.
	Heads *Heads
	At    time.Time
}

// Facts gives the facts about the log; nil for a subject without any.
func Facts(in *Input) *facts.Log {
	r := in.Subject.Log
	if r == nil {
		return nil
	}
	log := in.log(r)
	f := &facts.Log{ID: hex.EncodeToString(log.ID[:]), Name: log.Name, State: string(log.StateAt(in.At))}
	f.Known = in.Logs.Log(log.ID) != nil
	f.HasInterval = !log.From.IsZero() || !log.To.IsZero()
	if f.Entry, f.HasPrecert = in.entry(r, log); f.Entry != nil {
		f.HasEntry = true
	}
	f.Head = in.head(r, log)
	f.HasHead = f.Head != nil && r.Entry == nil && r.Promise == nil
	if f.Promise = in.promise(r, log); f.Promise != nil {
		f.HasPromise = true
	}
	for _, m := range r.Missing {
		if m.From < m.To {
			f.Missing += clamp(m.To - m.From)
		}
	}
	return f
}

// log is the log as the list knows it, or as the evidence describes it.
func (in *Input) log(r *evidence.Log) *ct.Log {
	if known := in.Logs.Log(sha256.Sum256(r.Key)); known != nil {
		return known
	}
	own := ct.NewLog(r.Name, r.Key, false, r.URL, "")
	own.MMD = r.MMD
	return own
}

// clamp gives a count as rules have it.
func clamp(n uint64) int64 { return int64(min(n, 1<<62)) }

func (in *Input) head(r *evidence.Log, log *ct.Log) *facts.LogHead {
	if r.Head == nil {
		return nil
	}
	head := headOf(r.Head)
	age := in.At.Sub(head.Time)
	state := log.StateAt(in.At)
	f := &facts.LogHead{
		Size: clamp(head.Size), Time: head.Time, Signed: in.Heads.signed(log, head), Future: age < -slack,
		Stale: age > maxLate+log.MMD && !state.Over() && state != ct.ReadOnly,
	}
	if f.Signed != nil && *f.Signed {
		f.Final = new(cmp.Or(log.AgainstFinal(head), "none"))
	}
	if r.Contradicts == nil {
		return f
	}
	before := headOf(r.Contradicts)
	if s := in.Heads.signed(log, before); s == nil || !*s || f.Signed == nil || !*f.Signed {
		return f
	}
	f.Certain = before.Size == head.Size && before.Root != head.Root
	f.Rollback = head.Size < before.Size
	f.Fork = head.Size > before.Size
	return f
}

// headOf is the head in the form that can be verified. A root of another length
// than 32 verifies nowhere.
func headOf(h *evidence.Head) *ct.TreeHead {
	out := &ct.TreeHead{Size: h.Size, Time: h.Time, Signature: h.Signature}
	if len(h.Root) != len(out.Root) {
		out.Signature = nil
		return out
	}
	out.Root = [32]byte(h.Root)
	return out
}

func (in *Input) promise(r *evidence.Log, log *ct.Log) *facts.LogPromise {
	if r.Promise == nil {
		return nil
	}
	f := &facts.LogPromise{}
	s, err := ct.ParseSCT(r.Promise.SCT)
	if err != nil {
		return f
	}
	f.Time = s.Time
	// There is no extra data, and so nothing to be wrong in it.
	if e, _, err := ct.ParseLeaf(r.Promise.Leaf, nil); err == nil && log.CheckKey() == nil {
		yes := signedLeaf(log, &s, &e)
		f.Signed = &yes
	}
	if r.Head != nil {
		f.Due = r.Head.Time.Sub(s.Time) > cmp.Or(log.MMD, maxLate)+maxLate || r.Promise.Denied && taken(&s, r.Head)
	}
	switch {
	case r.Promise.Included:
		f.Included = new(true)
	case r.Promise.Denied:
		f.Included = new(false)
	}
	return f
}

// taken says whether a tree holds an entry at the index that the SCT states. Where
// it is another one no later tree can keep the promise, and waiting is in vain.
func taken(s *ct.SCT, head *evidence.Head) bool {
	index, present, valid := s.LeafIndex()
	return present && valid && index < head.Size
}

// signedLeaf says whether the log made the SCT over this leaf.
func signedLeaf(log *ct.Log, s *ct.SCT, e *ct.LogEntry) bool {
	signed := e.Entry()
	return s.LogID == log.ID && bytes.Equal(ct.LeafOf(s, signed), e.Leaf()) && log.Verify(s, signed) == nil
}
