package watch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/store"
)

// A follower follows one log. It belongs to one goroutine.
type follower struct {
	*Watcher
	target Target
	source ctlog.Source
	log    *ct.Log
	state  *store.Log // as stored
	chains chains

	// The partial tile that is waited for, and since when.
	partial      uint64
	partialSince time.Time
	// odd and failing are what was warned of last.
	odd, failing string
}

// round brings the log up to date once. The error is that of the log, and has been
// written to the store; a fatalError is one of the store.
func (f *follower) round(ctx context.Context) error {
	err := f.work(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if noteErr := f.note(ctx, err); noteErr != nil {
		return errors.Join(err, noteErr)
	}
	return err
}

// A fatalError ends the watch: the store cannot be relied on any more.
type fatalError struct{ error }

func (e *fatalError) Unwrap() error { return e.error }

// update writes to the store. A full disk passes; damage, and another process
// that moves the positions, do not.
func (f *follower) update(ctx context.Context, do func(*store.Tx) error) error {
	err := f.Store.Update(ctx, do)
	if errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrMoved) {
		return &fatalError{err}
	}
	return err
}

func (f *follower) work(ctx context.Context) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	head, err := f.head(ctx)
	if err != nil {
		var unsigned *ct.UnsignedHead
		if errors.As(err, &unsigned) {
			return errors.Join(err, f.oddHead(ctx, "unsigned", unsigned.Head, err))
		}
		return err
	}
	age := ctlog.CheckAge(f.log, head, f.Now())
	switch {
	case errors.Is(age, ctlog.ErrStale):
		age = errors.Join(age, f.oddHead(ctx, "stale", head, age))
	case errors.Is(age, ctlog.ErrFuture):
		age = errors.Join(age, f.oddHead(ctx, "future", head, age))
	}
	if err := f.read(ctx, head); err != nil {
		return errors.Join(err, age)
	}
	return errors.Join(f.retryGaps(ctx, head), age)
}

// begin opens the log and reads its state.
func (f *follower) begin(ctx context.Context) error {
	if f.source == nil {
		source, log, err := f.target.Open(ctx)
		if err != nil {
			return err
		}
		f.source, f.log = source, log
	}
	err := f.Store.View(ctx, func(tx *store.Tx) (err error) {
		f.state, err = tx.Log(f.target.ID)
		if err != nil || f.state != nil {
			return err
		}
		all, err := tx.Logs()
		for _, l := range all {
			if l.URL == f.target.Address {
				f.Warn(fmt.Sprintf("the log at %s has another key than before: it is followed as a new one, and the state of the old one is kept", l.URL))
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if f.state == nil {
		f.state = &store.Log{ID: f.target.ID}
	}
	f.state.Name, f.state.URL, f.state.Protocol, f.state.Key = f.log.Name, f.target.Address, f.source.Protocol(), f.log.Key
	return nil
}

// head gives the newest head that continues the stored one, and stores it. Where
// the log shows an older one it is the stored one.
func (f *follower) head(ctx context.Context) (*ct.TreeHead, error) {
	if f.state.Head == nil {
		head, err := f.source.Head(ctx)
		if err != nil {
			return nil, err
		}
		f.state.Start = head.Size - min(head.Size, f.Back)
		from := f.state.Position
		f.state.Position, f.state.Head = f.state.Start, head
		return head, f.update(ctx, func(tx *store.Tx) error { return tx.PutLog(f.state, from) })
	}
	head, err := ctlog.Follow(ctx, f.source, f.state.Head)
	var c *ctlog.Contradiction
	switch {
	case errors.As(err, &c) && behind(c):
		f.warnOnce(&f.odd, fmt.Sprintf("%s shows a head of %d entries from %s, older than that of %d: a front end of it, or a cache, is behind",
			f.log.Name, c.Newer.Size, c.Newer.Time.Format(time.RFC3339), c.Older.Size))
		return f.state.Head, nil
	case c != nil:
		return nil, errors.Join(c, f.contradicted(ctx, c))
	case err != nil:
		return nil, err
	}
	f.odd = ""
	if head.Time.Before(f.state.Head.Time) {
		return f.state.Head, nil // of the same tree, then, and of before
	}
	f.state.Head = head
	return head, f.update(ctx, func(tx *store.Tx) error { return tx.PutLog(f.state, f.state.Position) })
}

// behind says whether a smaller head is only one of before: a log may show that
// from a front end that lags, and has not taken anything back. One that does not
// fit the stored tree is a fork, whatever its time.
func behind(c *ctlog.Contradiction) bool {
	return errors.Is(c.Err, ctlog.ErrRollback) && c.Newer.Time.Before(c.Older.Time)
}

// read reads the entries up to the head, batch after batch.
func (f *follower) read(ctx context.Context, head *ct.TreeHead) error {
	end := f.readable(head)
	for f.state.Position < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := f.state.Position
		// Batches end with tiles.
		to := min(end, (at+f.Batch)/ct.TileWidth*ct.TileWidth)
		if to <= at {
			to = min(end, at+f.Batch)
		}
		coverage, found, err := f.entries(ctx, head, at, to)
		if err != nil {
			return err
		}
		if err := f.advance(ctx, head, coverage, found, end); err != nil {
			return err
		}
	}
	return nil
}

// readable is where reading ends: a partial tile is waited for, unless it has
// stayed so for long.
func (f *follower) readable(head *ct.TreeHead) uint64 {
	full := head.Size / ct.TileWidth * ct.TileWidth
	if f.source.Protocol() != "static-ct" || full == head.Size || f.Partial < 0 {
		return head.Size
	}
	now := f.Now()
	switch {
	case f.state.Position < full || f.partialSince.IsZero() || f.partial != full:
		// A tile before it was waited for until now, or nothing was.
		f.partial, f.partialSince = full, now
	case f.state.Position == head.Size:
		f.partialSince = now
	case now.Sub(f.partialSince) >= f.Partial:
		f.partialSince = now
		return head.Size
	}
	return max(full, f.state.Position)
}

// entries reads and verifies a range, and gives what matches.
func (f *follower) entries(ctx context.Context, head *ct.TreeHead, from, to uint64) (ctlog.Coverage, []*Sighting, error) {
	var found []*Sighting
	var hits []ctlog.Hit
	coverage, err := f.source.Entries(ctx, head, from, to, func(index uint64, e *ct.LogEntry) error {
		chain := func() ([][]byte, error) { return f.chains.get(ctx, f.source, e) }
		if hits = f.Matcher.MatchChain(e, hits[:0], chain); len(hits) == 0 && f.Notable == nil {
			return nil
		}
		s := &ctlog.Sighting{Log: f.log, Head: head, Index: index, Entry: e, Seen: f.Now()}
		if len(hits) > 0 {
			s.Target = hits[0].Watched
		}
		if len(e.Signed) > 0 {
			s.Chain, s.ChainErr = chain()
		}
		found = append(found, newSighting(s, hits))
		return nil
	})
	if err != nil {
		return coverage, nil, err
	}
	// What is not in the signed tree is nobody's: it was never logged.
	verified := found[:0]
	for _, s := range found {
		if coverage.Covers(s.Entry.Number) {
			s.subject.Log.Entry.Verified = true
			verified = append(verified, s)
		}
	}
	return coverage, f.judgeAll(verified), nil
}

// judgeAll judges what was found, and leaves out what was looked at only for its
// verdict and is not notable.
func (f *follower) judgeAll(found []*Sighting) []*Sighting {
	if f.Judge == nil {
		return found
	}
	var wait sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(found))
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(found); i += workers {
				found[i].judged = f.Judge(found[i].subject, found[i].hits)
			}
		})
	}
	wait.Wait()
	return slices.DeleteFunc(found, func(s *Sighting) bool {
		return len(s.hits) == 0 && (s.judged.Report == nil || !f.Notable(s.judged.Report))
	})
}

// advance writes what a batch brought. Entries that could not be read at its end
// are asked for again; those that stay unreadable while others behind them can be
// read become a gap.
func (f *follower) advance(ctx context.Context, head *ct.TreeHead, c ctlog.Coverage, found []*Sighting, end uint64) error {
	to, gaps := c.To, c.Gaps
	var last error
	if n := len(gaps); n > 0 && gaps[n-1].To == c.To {
		last = gaps[n-1].Err
		to, gaps = gaps[n-1].From, gaps[:n-1]
		for len(gaps) > 0 && gaps[len(gaps)-1].To == to { // several that touch
			to, gaps = gaps[len(gaps)-1].From, gaps[:len(gaps)-1]
		}
	}
	if to > c.From {
		if err := f.commit(ctx, to, gaps, found); err != nil {
			return err
		}
		return last
	}
	const patience = 3
	if f.state.Failures >= patience { // counted in the store: with --once every round is another process
		return f.skip(ctx, head, last, end)
	}
	return last
}

// skipWidth is how much is passed over at once where nothing can be read.
const skipWidth = ct.TileWidth

// skip passes over entries that could not be read in several rounds, if those
// behind them can.
func (f *follower) skip(ctx context.Context, head *ct.TreeHead, cause error, end uint64) error {
	from := f.state.Position
	next := (from/skipWidth + 1) * skipWidth
	if next >= end {
		return cause
	}
	coverage, found, err := f.entries(ctx, head, next, min(end, next+skipWidth))
	if err != nil || !coverage.Complete() {
		return errors.Join(cause, err)
	}
	gap := ctlog.Gap{From: from, To: next, Err: cause}
	f.Warn(fmt.Sprintf("%s: entries %d to %d cannot be read, and are tried again later: %v", f.log.Name, from, next-1, cause))
	return f.commit(ctx, coverage.To, []ctlog.Gap{gap}, found)
}

// A chains cache holds the issuers of entries: of all the entries of a log they
// are some hundred.
type chains struct{ known map[string][][]byte }

// get gives the chain of an entry; copies only where it has to.
func (c *chains) get(ctx context.Context, source ctlog.Source, e *ct.LogEntry) ([][]byte, error) {
	const most = 500
	if len(e.Fingerprints) == 0 {
		return source.Chain(ctx, e)
	}
	key := make([]byte, 0, 32*len(e.Fingerprints))
	for _, f := range e.Fingerprints {
		key = append(key, f[:]...)
	}
	if chain, ok := c.known[string(key)]; ok {
		return chain, nil
	}
	chain, err := source.Chain(ctx, e)
	if err != nil {
		return chain, err
	}
	if len(c.known) >= most || c.known == nil {
		c.known = map[string][][]byte{}
	}
	c.known[string(key)] = chain
	return chain, nil
}

// note writes how a round ended.
func (f *follower) note(ctx context.Context, cause error) error {
	if f.state == nil { // the log could not even be opened
		err := f.Store.View(ctx, func(tx *store.Tx) (err error) {
			f.state, err = tx.Log(f.target.ID)
			return err
		})
		if err != nil {
			return err
		}
		if f.state == nil {
			f.state = &store.Log{ID: f.target.ID, Name: f.target.Name, URL: f.target.Address}
		}
	}
	s := f.state
	now := f.Now()
	if cause == nil {
		s.Succeeded, s.Error, s.Failures = now, "", 0
	} else {
		text := strings.ReplaceAll(cause.Error(), "\n", "; ") // several that are joined
		s.Failed, s.Error, s.Failures = now, cut(text), s.Failures+1
	}
	// It is written before it is said: who reads it finds it in the state.
	err := f.update(ctx, func(tx *store.Tx) error { return tx.PutLog(s, s.Position) })
	switch {
	case cause != nil:
		f.warnOnce(&f.failing, fmt.Sprintf("%s: %s", s.Name, s.Error))
	case f.failing != "":
		f.Warn(s.Name + " works again")
		f.failing = ""
	}
	return err
}

// warnOnce warns where it is not what was warned of last.
func (f *follower) warnOnce(last *string, text string) {
	if *last == "" {
		f.Warn(text)
	}
	*last = text
}

// cut bounds what is kept of an error that may quote a log.
func cut(s string) string {
	const longest = 1000
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}

// lastPause is the longest time between two rounds of a log that fails.
const lastPause = 30 * time.Minute

// pause is the time until the next round: longer after each failure, and never
// the same, so that a log's readers do not come all at once.
func (f *follower) pause() time.Duration {
	d := f.Interval
	if f.state != nil && f.state.Failures > 0 {
		d = min(d<<min(f.state.Failures, 10), max(lastPause, f.Interval))
	}
	return time.Duration((0.75 + rand.Float64()/2) * float64(d))
}
