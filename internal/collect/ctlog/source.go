package ctlog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/ct"
)

// A Source is a log that can be read. It is safe for use by one goroutine.
type Source interface {
	// Head gives the log's newest tree head, verified with its key.
	Head(ctx context.Context) (*ct.TreeHead, error)
	// Entries reads the entries from one index to another, to exclusive, and
	// shows each to visit in order. Entry and slices are valid only during the
	// call. What could not be read or verified is in the Coverage: entries in a
	// gap may have been shown before they were found wrong. The error is only
	// that of visit or of ctx, and the Coverage holds then, too.
	Entries(ctx context.Context, head *ct.TreeHead, from, to uint64, visit Visit) (Coverage, error)
	// Locate verifies that a leaf is in the tree of head and gives its index.
	// at is where it is said to be, and nil where that is unknown; a tiled log
	// cannot be asked without. ErrNotFound says that the log denies it, and
	// ct.ErrProof or ErrEntry that what it shows instead is not that leaf.
	Locate(ctx context.Context, head *ct.TreeHead, leaf [32]byte, at *uint64) (uint64, error)
	// Prove is Locate, and gives the hashes that lead from the leaf to the root
	// (RFC 6962 section 2.1.1): they hold against ct.CheckInclusion.
	Prove(ctx context.Context, head *ct.TreeHead, leaf [32]byte, at *uint64) (index uint64, proof [][32]byte, err error)
	// Consistent verifies that newer continues older. ct.ErrProof says that
	// what the log shows does not prove it.
	Consistent(ctx context.Context, older, newer *ct.TreeHead) error
	// Chain gives the certificates behind the entry's own, as the log hands
	// them out; see ct.LogEntry.CheckSubmitted.
	Chain(ctx context.Context, e *ct.LogEntry) ([][]byte, error)
	// Protocol is "rfc6962" or "static-ct".
	Protocol() string
}

// A Visit is called for each entry, of which nothing may be kept: its bytes hold
// until the call returns. An error ends the reading.
type Visit func(index uint64, e *ct.LogEntry) error

// A Coverage says what was read of a range of entries.
type Coverage struct {
	// From and To are the range that was asked for, To exclusive.
	From, To uint64
	// Verified is how many entries were read and lead to the signed root.
	Verified uint64
	// Gaps are the entries that were not, in order. Nothing is known of them.
	Gaps []Gap
	// Odd are entries that are in the tree and wrong in themselves: they state
	// another index, or hold no certificate.
	Odd []*EntryError
	// OddTotal counts also those that Odd has no room for.
	OddTotal int
}

// maxOdd bounds Coverage.Odd: every entry of a hostile log can be odd.
const maxOdd = 100

// A Gap is a range of entries that could not be read or verified, and why.
type Gap struct {
	From, To uint64
	Err      error
}

// Complete says that every entry of the range was read and verified.
func (c *Coverage) Complete() bool { return len(c.Gaps) == 0 && c.Verified == c.To-c.From }

// Covers says that the entry was read and verified.
func (c *Coverage) Covers(index uint64) bool {
	for _, g := range c.Gaps {
		if index >= g.From && index < g.To {
			return false
		}
	}
	return index >= c.From && index < c.To
}

func (c *Coverage) gap(from, to uint64, err error) {
	if from >= to {
		return
	}
	if n := len(c.Gaps); n > 0 && c.Gaps[n-1].To == from && c.Gaps[n-1].Err.Error() == err.Error() {
		c.Gaps[n-1].To = to
		return
	}
	c.Gaps = append(c.Gaps, Gap{from, to, err})
}

// Add takes over what was read of another range of the same log.
func (c *Coverage) Add(d *Coverage) {
	c.Verified += d.Verified
	for _, g := range d.Gaps {
		c.gap(g.From, g.To, g.Err)
	}
	c.OddTotal += d.OddTotal
	c.Odd = append(c.Odd, d.Odd[:min(len(d.Odd), maxOdd-len(c.Odd))]...)
}

func (c *Coverage) odd(index uint64, err error) {
	if c.OddTotal++; len(c.Odd) < maxOdd {
		c.Odd = append(c.Odd, &EntryError{index, err})
	}
}

// checkRange refuses a range that is not within the tree.
func checkRange(head *ct.TreeHead, from, to uint64) error {
	if from >= to || to > head.Size {
		return fmt.Errorf("entries %d to %d are not within a tree of %d", from, to, head.Size)
	}
	return nil
}

// Open prepares to read a log. Nobody is contacted yet. A tiled log of which the
// list gives one address only is read there: some lists name no other. The scheme of the log's
// address decides: file:// is a directory of tiles, everything else has to be
// https://, or http:// for logs that the user named. A log whose key cannot be
// used is refused, for nothing that it says could be verified.
func Open(log *ct.Log, o Options) (Source, error) {
	if err := log.CheckKey(); err != nil {
		return nil, fmt.Errorf("opening log %s: %w", log.Name, err)
	}
	o = o.withDefaults()
	prefix := log.URL
	if log.Tiled && log.Monitor != "" {
		prefix = log.Monitor
	}
	if path, ok := strings.CutPrefix(prefix, "file://"); ok {
		f, err := openFolder(path)
		if err != nil {
			return nil, err
		}
		return &tiled{log: log, fetcher: f, options: o, origin: originOf(log)}, nil
	}
	if prefix == "" {
		return nil, fmt.Errorf("opening log %s: the list of logs does not say where it is", log.Name)
	}
	w, err := newWeb(prefix, o)
	if err != nil {
		return nil, fmt.Errorf("opening log %s: %w", log.Name, err)
	}
	if log.Tiled {
		return &tiled{log: log, fetcher: w, options: o, origin: originOf(log)}, nil
	}
	plain := rfc6962{log: log, fetcher: w, options: o}
	if o.Tiles {
		return &hybrid{rfc6962: plain, tiles: tiled{log: log, fetcher: w, options: o}}, nil
	}
	return &plain, nil
}

// originOf is the name in the checkpoints of a tiled log: its submission prefix
// without scheme and slash. It is empty, which takes any, where the list gives
// one address only: that may be the one to read at.
func originOf(log *ct.Log) string {
	u, err := url.Parse(log.URL)
	if err != nil || u.Host == "" || log.Monitor == "" {
		return ""
	}
	return strings.TrimSuffix(u.Host+u.Path, "/")
}

// Detect finds out by which protocol a log is read of which only address and key
// are known, and gives the log as one of that protocol. It asks for a checkpoint,
// then for a tree head.
func Detect(ctx context.Context, name, address string, key []byte, o Options) (*ct.Log, error) {
	tiledLog := ct.NewLog(name, key, true, "", address)
	source, err := Open(tiledLog, o)
	if err != nil {
		return nil, err
	}
	_, tiledErr := source.Head(ctx)
	if tiledErr == nil || errors.Is(tiledErr, ct.ErrHeadSignature) || strings.HasPrefix(address, "file://") {
		return tiledLog, nil // the user of the log meets the error again
	}
	plain := ct.NewLog(name, key, false, address, "")
	if source, err = Open(plain, o); err != nil {
		return nil, err
	}
	_, plainErr := source.Head(ctx)
	switch {
	case plainErr == nil:
		return plain, nil
	case !errors.Is(tiledErr, ErrNotFound) && errors.Is(plainErr, ErrNotFound):
		return tiledLog, nil // it answers as a tiled log, though wrongly
	case errors.Is(tiledErr, ErrNotFound) && !errors.Is(plainErr, ErrNotFound):
		return plain, nil
	}
	return nil, fmt.Errorf("finding out the protocol of %s: %w", name, errors.Join(tiledErr, plainErr))
}

// Follow gives a log's newest tree head and verifies that it continues older, a
// head that was verified before. Where it does not the error is a
// [*Contradiction] with both heads: a smaller tree is [ErrRollback], unless the log
// proves itself that older does not continue it, and [ErrFork] is answered only after the log was asked again past all caches.
func Follow(ctx context.Context, s Source, older *ct.TreeHead) (*ct.TreeHead, error) {
	newer, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	if newer.Size < older.Size {
		if newer.Size > 0 && errors.Is(s.Consistent(ctx, newer, older), ct.ErrProof) {
			return nil, &Contradiction{older, newer, ErrFork}
		}
		return nil, &Contradiction{older, newer, ErrRollback}
	}
	switch err := s.Consistent(ctx, older, newer); {
	case errors.Is(err, ct.ErrProof):
		return nil, &Contradiction{older, newer, ErrFork}
	case err != nil:
		return nil, err
	}
	return newer, nil
}

// Bounds on the age of a tree head. RFC 6962 section 3.5 asks for a new head
// within the maximum merge delay, which is a day at most; browsers allow no more.
const (
	maxAge    = 24 * time.Hour
	maxFuture = 5 * time.Minute
)

// CheckAge says whether a head is of now: [ErrStale] or [ErrFuture] where it is
// not. A log that takes nothing new need not sign a new head.
func CheckAge(log *ct.Log, head *ct.TreeHead, now time.Time) error {
	switch age := now.Sub(head.Time); {
	case age < -maxFuture:
		return fmt.Errorf("%w: %s from now", ErrFuture, (-age).Round(time.Second))
	case age > maxAge+log.MMD && !log.StateAt(now).Over() && log.StateAt(now) != ct.ReadOnly:
		return fmt.Errorf("%w: %s", ErrStale, age.Round(time.Second))
	}
	return nil
}
