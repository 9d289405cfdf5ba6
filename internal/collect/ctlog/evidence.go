package ctlog

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
)

// A Sighting is an entry as it was met in a log.
type Sighting struct {
	Log   *ct.Log
	Head  *ct.TreeHead
	Index uint64
	Entry *ct.LogEntry
	// Chain are the certificates behind the entry's own, as [Source.Chain] gives
	// them, and ChainErr why they are not at hand.
	Chain    [][]byte
	ChainErr error
	// Verified says that the entry leads to the root of Head.
	Verified bool
	// Seen is when it was read, Target what reports call it; empty means the
	// log's name and the index.
	Seen   time.Time
	Target string
}

// Subject gives the sighting as evidence, with copies of all bytes. Nothing is
// compared: whether what the log hands out beside an entry belongs to it is
// judged from the evidence.
func (s *Sighting) Subject() *evidence.Subject {
	out := logSubject(s.Log, s.Head, s.Seen)
	out.ID, out.Target = EntryID(s.Log, s.Index), s.Target
	if out.Target == "" {
		out.Target = fmt.Sprintf("%s entry %d", s.Log.Name, s.Index)
	}
	e := s.Entry
	out.Log.Entry = &evidence.Entry{Index: s.Index, Leaf: e.Leaf(), Time: e.Time(), Precert: e.Precert, Verified: s.Verified}
	if s.ChainErr != nil {
		out.Log.Entry.NoChain = s.ChainErr.Error()
	}
	own := e.Signed
	if e.Precert {
		own = e.Submitted
	}
	if len(own) == 0 {
		return out // a chain alone would be taken for the entry's own
	}
	out.Certificates = append(out.Certificates, bytes.Clone(own))
	for _, der := range s.Chain {
		out.Certificates = append(out.Certificates, bytes.Clone(der))
	}
	return out
}

// EntryID names an entry: "log://", the log's address without its scheme, and
// the index.
func EntryID(log *ct.Log, index uint64) string {
	return LogID(log) + "/" + strconv.FormatUint(index, 10)
}

// LogID names a log: "log://" and its address without the scheme, or its id
// where no address is known.
func LogID(log *ct.Log) string {
	address := log.URL
	if address == "" {
		address = log.Monitor
	}
	if address == "" {
		return fmt.Sprintf("log://%x", log.ID)
	}
	_, rest, found := strings.Cut(address, "://")
	if !found {
		rest = address
	}
	return "log://" + strings.TrimSuffix(rest, "/")
}

// LogSubject gives what a log signed, and what is wrong with it, as evidence: a
// head, one that it contradicts, and what it covers and the log does not give.
// contradiction and coverage may be nil.
func LogSubject(log *ct.Log, head *ct.TreeHead, contradiction *Contradiction, coverage *Coverage, seen time.Time) *evidence.Subject {
	var other *ct.TreeHead
	if contradiction != nil {
		head, other = contradiction.Newer, contradiction.Older
		if errors.Is(contradiction.Err, ErrFork) && head.Size < other.Size {
			head, other = other, head // the larger one does not continue the smaller
		}
	}
	out := logSubject(log, head, seen)
	out.ID, out.Target = LogID(log), log.Name
	out.Log.Contradicts = headEvidence(other)
	if coverage != nil {
		out.Log.Missing = missing(coverage)
	}
	return out
}

// PromiseSubject gives an SCT and what became of it as evidence. err is that of
// [Source.Locate]: nil where the entry was found.
func PromiseSubject(log *ct.Log, head *ct.TreeHead, sct *ct.SCT, leaf []byte, err error, seen time.Time) *evidence.Subject {
	out := logSubject(log, head, seen)
	out.ID = promiseID(addressOf(log), log.Key, sct.Append(nil))
	out.Target = fmt.Sprintf("%s, SCT of %s", log.Name, sct.Time.UTC().Format(time.RFC3339))
	out.Log.Promise = &evidence.Promise{SCT: sct.Append(nil), Leaf: bytes.Clone(leaf), Included: err == nil, Denied: err != nil && denied(err)}
	return out
}

// promiseID names an SCT of the log at an address: two promises of one log are two
// subjects, and one is the same whoever asks for it.
func promiseID(address string, key, sct []byte) string {
	sum := sha256.Sum256(sct)
	return fmt.Sprintf("%s/sct/%x", LogID(ct.NewLog("", key, false, address, "")), sum[:8])
}

func logSubject(log *ct.Log, head *ct.TreeHead, seen time.Time) *evidence.Subject {
	return &evidence.Subject{
		Kind: evidence.LogEntry, Protocol: "ct", Seen: seen.UTC(),
		Log: &evidence.Log{Key: bytes.Clone(log.Key), Name: log.Name, URL: addressOf(log), MMD: log.MMD, Head: headEvidence(head)},
	}
}

func headEvidence(h *ct.TreeHead) *evidence.Head {
	if h == nil {
		return nil
	}
	return &evidence.Head{Size: h.Size, Root: bytes.Clone(h.Root[:]), Time: h.Time.UTC(), Signature: bytes.Clone(h.Signature)}
}

// missing are the gaps that the log itself is to blame for: it signed for entries
// and denies them, or shows others in their place, or hashes and proofs that do not
// lead to what it signed, also past caches. What has no form that the protocol has
// is not among them: a gateway may have answered.
func missing(c *Coverage) (out []evidence.Range) {
	for _, g := range c.Gaps {
		if slices.ContainsFunc([]error{ErrShort, ErrNotFound, ErrEntry, ct.ErrTile, ct.ErrProof}, func(own error) bool { return errors.Is(g.Err, own) }) {
			out = append(out, evidence.Range{From: g.From, To: g.To, Error: g.Err.Error()})
		}
	}
	return out
}

// denied says that a log that was asked for an entry showed that it has it not.
func denied(err error) bool { return errors.Is(err, ErrNotFound) || errors.Is(err, ErrEntry) }
