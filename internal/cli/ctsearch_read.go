package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// A searchHit is an entry that matches, and what was concluded from it.
type searchHit struct {
	Log   string `json:"log"`
	Index uint64 `json:"index"`
	entryLine
	Matches []matchLine `json:"matches"`
	// Verified is false for an entry that was read and not found in the signed
	// tree.
	Verified bool `json:"verified"`
	judgedLine
	subject *evidence.Subject
}

type matchLine struct {
	Name       string `json:"name,omitempty"`
	Identifier string `json:"identifier,omitempty"`
	// Why says what makes an identifier that is not the name a match.
	Why        string `json:"why,omitempty"`
	Unreadable bool   `json:"unreadable,omitempty"`
}

// A searchLog says what was searched of one log.
type searchLog struct {
	Log      string    `json:"log"`
	ID       string    `json:"id"`
	Protocol string    `json:"protocol,omitempty"`
	Head     *headLine `json:"head,omitempty"`
	From     uint64    `json:"from"`
	To       uint64    `json:"to"`
	Verified uint64    `json:"verified"`
	How      string    `json:"how,omitempty"`
	Complete bool      `json:"complete"`
	Gaps     []gapLine `json:"gaps"`
	// Earlier are the parts of the range that a run before had searched.
	Earlier  []gapLine `json:"earlier,omitempty"`
	Odd      []gapLine `json:"odd,omitempty"`
	OddTotal int       `json:"odd_total,omitempty"`
	// Judged counts all entries that were judged, by their verdict.
	Judged map[finding.Verdict]uint64 `json:"judged,omitempty"`
	// Screened counts the entries that screening passed over: they have no verdict.
	Screened uint64 `json:"screened,omitempty"`
	Error    string `json:"error,omitempty"`
	Warning  string `json:"warning,omitempty"`
	judgedLine
	hits    []*searchHit
	subject *evidence.Subject
	read    []span // what was read and verified
	head    *ct.TreeHead
	id      [32]byte
}

type gapLine struct {
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Error string `json:"error,omitempty"`
}

// maxHits bounds what is found in one log: searching for .com must not fill
// memory.
const maxHits = 100_000

var errHits = fmt.Errorf("more than %d entries match: narrow the names or the range", maxHits)

// Entries are read in chunks: what was searched is known at the end of each. With
// --all a chunk is judged before the next is read, and so bounds memory.
const (
	searchChunk = 1 << 17
	judgeChunk  = 1 << 13
)

// search searches the logs, judges what was found and writes it.
func (r *searchRun) search(ctx context.Context, choices []*logs.Choice) error {
	logs := make([]*searchLog, len(choices))
	defer collectSeldom()()
	each(len(choices), func(i int) { logs[i] = r.one(ctx, choices[i]) })
	var cause error
	if ctx.Err() != nil {
		cause = exit.ErrInterrupted
	}
	// What was found is judged and written also where the run is cut short.
	err := r.judge(context.WithoutCancel(ctx), logs)
	for _, l := range logs {
		r.session.incomplete = r.session.incomplete || !l.Complete
	}
	if err == nil {
		err = r.write(logs)
	}
	if err == nil {
		err = r.resume.save(logs)
	}
	return r.session.finish(errors.Join(cause, err), audit.Now())
}

// judge judges hits and logs, in order, and adds them to the reports.
func (r *searchRun) judge(ctx context.Context, logs []*searchLog) error {
	lines := &judgedLines{}
	for _, l := range logs {
		for _, h := range l.hits {
			lines.add(h.subject, &h.judgedLine)
		}
		if l.subject != nil {
			lines.add(l.subject, &l.judgedLine)
		}
	}
	return lines.judge(ctx, r.session)
}

// betweenCollections is how much memory may be allocated between two collections of
// garbage while logs are read.
const betweenCollections = 256 << 20

// chunkOnHeap is about what the entries of a chunk that is judged take.
const chunkOnHeap = 64 << 20

// collectSeldom makes the collector wait for that much: what an entry leaves behind is
// all garbage, and looking for it each time as much as the rules and roots take had
// been allocated took an eighth of the time of judging every entry, and a twentieth of
// that of a search. What the user set by GOGC stays. undo sets it back.
func collectSeldom() (undo func()) {
	const usual = 100
	before := debug.SetGCPercent(-1)
	percent := before
	if before == usual {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		percent = max(usual, int(betweenCollections/((m.HeapAlloc+chunkOnHeap)/100)))
	}
	debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}

// one searches one log.
func (r *searchRun) one(ctx context.Context, ch *logs.Choice) *searchLog {
	out := &searchLog{Log: ch.Log.Name, ID: hex.EncodeToString(ch.Log.ID[:]), Gaps: []gapLine{}, id: ch.Log.ID}
	if r.flags.all {
		out.Judged = map[finding.Verdict]uint64{}
	}
	source, err := ch.Open(ctx, &r.flags.Flags)
	if err != nil {
		return out.unopened(ch.Log, err)
	}
	out.Protocol = source.Protocol()
	head, contradiction, err := r.resume.head(ctx, source, ch.Log.ID)
	if err != nil {
		return out.unopened(ch.Log, err)
	}
	now := audit.Now()
	out.Head, out.head = newHeadLine(head, now), head
	if err := ctlog.CheckAge(ch.Log, head, now); err != nil {
		out.Warning = oneLine(err)
	}
	if contradiction != nil {
		out.Error = oneLine(contradiction)
		out.subject = ctlog.LogSubject(ch.Log, head, contradiction, nil, now)
		return out
	}
	var coverage ctlog.Coverage
	missing, err := r.window(ctx, out, ch.Log, source)
	switch {
	case err != nil:
		out.Error = oneLine(err)
	case out.From < out.To:
		r.read(ctx, out, ch.Log, source, &coverage)
	default:
		out.Complete = true
	}
	if from := r.flags.from; out.Error == "" && from > 0 && uint64(from) > head.Size && missing == 0 {
		out.Complete, out.Error = false, fmt.Sprintf("the range begins with entry %d, and the log has %d", from, head.Size)
	}
	if missing > 0 {
		out.Complete = false
		out.Gaps = append(out.Gaps, gapLine{max(out.To, uint64(max(r.flags.from, 0))), uint64(r.flags.to), "the log has no such entries yet"})
	}
	// Entries that were never added cannot be found in a tree that is stale.
	out.Complete = out.Complete && out.Warning == ""
	out.subject = ctlog.LogSubject(ch.Log, head, nil, &coverage, now)
	return out
}

// unopened is a log of which nothing can be read; a head that it did not sign is
// evidence.
func (out *searchLog) unopened(log *ct.Log, err error) *searchLog {
	out.Error = oneLine(err)
	var unsigned *ct.UnsignedHead
	if errors.As(err, &unsigned) {
		out.subject = ctlog.LogSubject(log, unsigned.Head, nil, nil, audit.Now())
	}
	return out
}

// window finds the range to read.
func (r *searchRun) window(ctx context.Context, out *searchLog, log *ct.Log, source ctlog.Source) (missing uint64, err error) {
	f, size := r.flags, out.head.Size
	if f.sinceTime.IsZero() && f.untilTime.IsZero() {
		out.From, out.To, missing = f.window(size)
		if f.from < 0 && f.to < 0 && f.last < 0 {
			out.From = r.resume.start(log.ID, out.From)
		}
		return missing, nil
	}
	out.To = size
	slack := log.MMD
	if slack == 0 {
		slack = defaultMMD
	}
	if !f.sinceTime.IsZero() {
		if out.From, err = ctlog.FirstAt(ctx, source, out.head, f.sinceTime.Add(-slack)); err != nil {
			return 0, fmt.Errorf("finding the first entry since %s: %w", f.since, err)
		}
	}
	if !f.untilTime.IsZero() {
		if out.To, err = ctlog.FirstAt(ctx, source, out.head, f.untilTime.Add(slack)); err != nil {
			return 0, fmt.Errorf("finding the first entry after %s: %w", f.until, err)
		}
	}
	out.From = min(out.From, out.To)
	return 0, nil
}

// within says whether an entry is of the times that were asked for. One whose
// time cannot be read is.
func (f *searchFlags) within(e *ct.LogEntry) bool {
	at := e.Time()
	return at.IsZero() || !at.Before(f.sinceTime) && (f.untilTime.IsZero() || at.Before(f.untilTime))
}

// read reads the range of a log, but for what a run before has read.
func (r *searchRun) read(ctx context.Context, out *searchLog, log *ct.Log, source ctlog.Source, total *ctlog.Coverage) {
	out.How = "each tile against the signed tree head"
	if out.Protocol == "rfc6962" {
		out.How = "by inclusion proofs for the ends of each segment"
	}
	chunk := uint64(searchChunk)
	if r.flags.all {
		chunk = judgeChunk
	}
	done, todo := r.resume.split(log.ID, span{out.From, out.To})
	for _, s := range done {
		out.Earlier = append(out.Earlier, gapLine{From: s.From, To: s.To})
		out.Verified += s.To - s.From
		out.read = append(out.read, s)
	}
	var err error
	for _, s := range todo {
		for at := s.From; at < s.To && err == nil; {
			end := min(s.To, (at/chunk+1)*chunk)
			err = r.chunk(ctx, out, log, source, total, span{at, end})
			at = end
		}
		if err != nil {
			break
		}
	}
	if err != nil {
		out.Error = oneLine(err)
	}
	out.Verified += total.Verified
	for _, g := range total.Gaps {
		out.Gaps = append(out.Gaps, gapLine{g.From, g.To, oneLine(g.Err)})
	}
	for _, o := range total.Odd {
		out.Odd = append(out.Odd, gapLine{o.Index, o.Index + 1, oneLine(o.Err)})
	}
	out.OddTotal = total.OddTotal
	if n := out.To - out.From; err != nil && len(out.Gaps) == 0 && out.Verified < n {
		out.Gaps = append(out.Gaps, gapLine{out.From + out.Verified, out.To, oneLine(err)})
	}
	out.Complete = len(out.Gaps) == 0 && out.Verified == out.To-out.From
}

// chunk reads a part of a log, and keeps what is to be shown.
func (r *searchRun) chunk(ctx context.Context, out *searchLog, log *ct.Log, source ctlog.Source, total *ctlog.Coverage, s span) error {
	var found []ctlog.Hit
	var batch []*searchHit
	now := audit.Now()
	coverage, err := source.Entries(ctx, out.head, s.From, s.To, func(index uint64, e *ct.LogEntry) error {
		if found = found[:0]; r.matcher != nil {
			found = r.matcher.MatchChain(e, found, func() ([][]byte, error) { return source.Chain(ctx, e) })
		}
		if len(found) == 0 && !r.flags.all || !r.flags.within(e) {
			return nil
		}
		if len(out.hits)+len(batch) >= maxHits+judgeChunk {
			return errHits
		}
		sighting := ctlog.Sighting{Log: log, Head: out.head, Index: index, Entry: e, Seen: now}
		sighting.Chain, sighting.ChainErr = source.Chain(ctx, e)
		batch = append(batch, newSearchHit(out.Log, &sighting, found))
		return nil
	})
	total.Add(&coverage)
	for _, h := range batch {
		h.Verified = coverage.Covers(h.Index)
		h.subject.Log.Entry.Verified = h.Verified
		if !h.Verified {
			unchecked(h.subject, &coverage, h.Index)
		}
	}
	if r.flags.all {
		batch = r.triage(out, batch)
	}
	if out.hits = append(out.hits, batch...); len(out.hits) > maxHits {
		out.hits, err = out.hits[:maxHits], errHits
		return err
	}
	out.read = append(out.read, subtract(s, coverage.Gaps)...)
	return err
}

// unchecked notes of an entry that was looked at and not verified, because reading
// ended before, that nothing is known of it. Of one that was found not to be in the
// tree that is said by being not verified.
func unchecked(s *evidence.Subject, c *ctlog.Coverage, index uint64) {
	why := "reading ended before it was verified"
	for _, g := range c.Gaps {
		if index < g.From || index >= g.To {
			continue
		}
		for _, proven := range []error{ctlog.ErrEntry, ctlog.ErrIndex, ct.ErrProof, ct.ErrTile} {
			if errors.Is(g.Err, proven) {
				return
			}
		}
		why += ": " + oneLine(g.Err)
		break
	}
	s.Log.Entry.Unchecked = why
	s.Failures = append(s.Failures, evidence.Failure{Stage: evidence.StageLog, Error: why})
}

// inquire judges an entry, or says that screening passed over it.
func (r *searchRun) inquire(h *searchHit) (audit.Judged, bool) {
	if !r.flags.screen || len(h.Matches) > 0 {
		return r.session.auditor.Judge(h.subject), false
	}
	return r.session.auditor.Screen(h.subject, r.session.barred)
}

// triage judges every entry of a chunk, counts the verdicts, and keeps those that
// match a name or are not ok.
func (r *searchRun) triage(out *searchLog, batch []*searchHit) []*searchHit {
	show := make([]bool, len(batch))
	passed := make([]bool, len(batch))
	verdicts := make([]finding.Verdict, len(batch))
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(batch); i += workers {
				j, screened := r.inquire(batch[i])
				if passed[i] = screened; screened {
					continue
				}
				verdicts[i] = j.Subject.Verdict
				show[i] = len(batch[i].Matches) > 0 || r.session.notable(j.Subject)
			}
		})
	}
	wait.Wait()
	var kept []*searchHit
	for i, h := range batch {
		if passed[i] {
			out.Screened++
			continue
		}
		out.Judged[verdicts[i]]++
		if show[i] {
			h.fill()
			kept = append(kept, h)
		}
	}
	return kept
}

// newSearchHit makes a hit of a sighting. Where nothing matched it is filled in
// only if it is to be shown.
func newSearchHit(log string, s *ctlog.Sighting, found []ctlog.Hit) *searchHit {
	h := &searchHit{Log: log, Index: s.Index, Matches: []matchLine{}}
	for _, m := range found {
		h.Matches = append(h.Matches, matchLine{Name: m.Watched, Identifier: m.Identifier, Why: m.Why, Unreadable: m.Unreadable})
	}
	h.subject = s.Subject()
	if len(found) > 0 {
		h.entryLine = newEntryLine(s.Entry)
	}
	return h
}

// fill describes an entry that was kept for its verdict.
func (h *searchHit) fill() {
	if h.Hash != "" {
		return
	}
	e, _, err := ct.ParseLeaf(h.subject.Log.Entry.Leaf, nil)
	if err != nil {
		e = ct.UnreadableLeaf(h.subject.Log.Entry.Leaf)
	}
	h.entryLine = newEntryLine(&e)
}

// timeOf is how times are shown in text.
func timeOf(t time.Time) string { return t.Format(time.RFC3339) }
