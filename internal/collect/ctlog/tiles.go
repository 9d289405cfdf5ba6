package ctlog

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/certassay/certassay/internal/ct"
)

// maxFailures is how many tiles in a row may fail before the rest of a range is
// given up: a log that is down would cost the retries of each tile.
const maxFailures = 4

// A tile is a data tile on its way: fetched and taken apart by one goroutine,
// verified by the one that delivers.
type tile struct {
	n       uint64
	first   uint64 // index of its first entry
	width   int
	answer  []byte // as it came, kept for the next
	buffer  []byte // unpacked, kept likewise
	entries []ct.LogEntry
	hashes  [ct.TileWidth][32]byte
	root    [32]byte // of full tiles
	// cut is why entries holds fewer than width: no leaf was found behind it.
	cut  error
	err  error
	done chan struct{}
}

// spares are what was read before and holds memory that can be read into again. A
// sync.Pool is emptied by every collection of garbage, which the megabyte of a page
// then calls for.
type spares[T any] chan T

func (s spares[T]) get(fresh func() T) T {
	select {
	case x := <-s:
		return x
	default:
		return fresh()
	}
}

func (s spares[T]) put(x T) {
	select {
	case s <- x:
	default:
	}
}

// Entries fetches tiles ahead and delivers them in order.
func (t *tiled) Entries(ctx context.Context, head *ct.TreeHead, from, to uint64, visit Visit) (Coverage, error) {
	c := Coverage{From: from, To: to}
	if err := checkRange(head, from, to); err != nil {
		return c, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer stop(nil)

	ahead := make(chan *tile, t.options.Concurrency)
	spare := make(spares[*tile], t.options.Concurrency+2)
	workers.Go(func() {
		defer close(ahead)
		work := make(chan *tile)
		defer close(work)
		for range t.options.Concurrency {
			workers.Go(func() {
				for x := range work {
					x.err = t.load(ctx, x)
					close(x.done)
				}
			})
		}
		for n := from / ct.TileWidth; n <= (to-1)/ct.TileWidth; n++ {
			x := spare.get(func() *tile { return new(tile) })
			x.n, x.first, x.done = n, n*ct.TileWidth, make(chan struct{})
			x.width = int(min(ct.TileWidth, head.Size-x.first))
			select {
			case ahead <- x:
			case <-ctx.Done():
				return
			}
			select {
			case work <- x:
			case <-ctx.Done():
				x.err = context.Cause(ctx)
				close(x.done)
				return
			}
		}
	})
	err := t.deliver(ctx, head, &c, ahead, spare, visit)
	return c, err
}

// deliver verifies and shows the tiles in order.
func (t *tiled) deliver(ctx context.Context, head *ct.TreeHead, c *Coverage, ahead <-chan *tile, spare spares[*tile], visit Visit) error {
	at, failures := c.From, 0
	for x := range ahead {
		<-x.done
		if ctx.Err() != nil {
			break
		}
		end := min(x.first+uint64(x.width), c.To)
		if x.err == nil {
			x.err = t.verify(ctx, head, x)
		}
		if ctx.Err() != nil {
			break
		}
		var wrong *wrongEntries
		if x.err != nil && !errors.As(x.err, &wrong) {
			c.gap(at, end, x.err)
			if at, failures = end, failures+1; failures == maxFailures {
				c.gap(at, c.To, fmt.Errorf("given up after %d tiles in a row: %w", failures, x.err))
				return nil
			}
			continue
		}
		failures = 0
		for stop := min(end, x.first+uint64(len(x.entries))); at < stop; at++ {
			if wrong != nil && wrong.at[at-x.first] {
				c.gap(at, at+1, ErrEntry)
				continue
			}
			e := &x.entries[at-x.first]
			if index, present, valid := e.LeafIndex(); present && (!valid || index != at) {
				c.odd(at, ErrIndex)
			}
			c.Verified++
			if err := visit(at, e); err != nil {
				c.gap(at+1, c.To, err)
				return err
			}
		}
		if x.cut != nil && at < end {
			c.gap(at, end, x.cut)
			at = end
		}
		spare.put(x)
	}
	if err := context.Cause(ctx); err != nil && at < c.To {
		c.gap(at, c.To, err)
		return err
	}
	return nil
}

// load fetches a data tile and takes it apart.
func (t *tiled) load(ctx context.Context, x *tile) error {
	b, err := t.fetcher.get(ctx, ct.TilePath(-1, x.n, x.width), maxPacked, false, x.answer)
	if errors.Is(err, ErrNotFound) && x.width < ct.TileWidth {
		// Partial tiles may go once the full one is there.
		b, err = t.fetcher.get(ctx, ct.TilePath(-1, x.n, ct.TileWidth), maxPacked, false, x.answer)
	}
	if err != nil {
		return fmt.Errorf("fetching entries of %s: %w", t.log.Name, err)
	}
	x.answer = b
	data, err := unpack(b, x.buffer, maxTile)
	if err != nil {
		return fmt.Errorf("fetching entries of %s: tile %d: %w", t.log.Name, x.n, err)
	}
	if packed(b) {
		x.buffer = data
	}
	if err := x.split(data); err != nil {
		x.cut = fmt.Errorf("fetching entries of %s: tile %d: %w", t.log.Name, x.n, err)
		if len(x.entries) == 0 {
			return x.cut
		}
	}
	return nil
}

// split takes the tile apart into exactly as many entries as it has to hold. A
// full tile in the place of a partial one has more. Where there are others, the
// entries up to there are those that can be verified one by one.
func (x *tile) split(data []byte) error {
	if cap(x.entries) < ct.TileWidth {
		x.entries = make([]ct.LogEntry, ct.TileWidth)
		const usual = 4 // certificates of a chain
		prints := make([][32]byte, ct.TileWidth*usual)
		for i := range x.entries {
			x.entries[i].Fingerprints = prints[i*usual : i*usual : (i+1)*usual]
		}
	}
	x.entries, x.cut = x.entries[:x.width], nil
	var scratch []byte
	for i := range x.entries {
		if len(data) == 0 {
			x.entries = x.entries[:i]
			return fmt.Errorf("%d entries, not %d: %w", i, x.width, ErrShort)
		}
		var err error
		if data, err = ct.ParseTileLeaf(data, &x.entries[i]); err != nil {
			x.entries = x.entries[:i]
			return fmt.Errorf("entry %d: %w: %w", x.first+uint64(i), ErrMalformed, err)
		}
		x.hashes[i], scratch = x.entries[i].LeafHash(scratch)
	}
	if x.width == ct.TileWidth {
		if len(data) != 0 {
			x.entries = x.entries[:0] // which of them are the 256?
			return fmt.Errorf("%d bytes behind the last entry: %w", len(data), ErrMalformed)
		}
		x.root = ct.TileRoot(&x.hashes)
	}
	return nil
}

// wrongEntries are the entries of a tile whose hashes are not in the tree.
type wrongEntries struct {
	at [ct.TileWidth]bool
}

func (*wrongEntries) Error() string { return ErrEntry.Error() }

// verify checks a tile against the signed tree: a full one by its root, and
// where that does not fit, or the tile is partial, entry by entry.
func (t *tiled) verify(ctx context.Context, head *ct.TreeHead, x *tile) error {
	err := t.verifyOnce(ctx, head, x)
	if errors.Is(err, ct.ErrTile) {
		// A cache in front of the log may have kept what was wrong once.
		t.hashes, t.fresh = nil, true
		err = t.verifyOnce(ctx, head, x)
		t.fresh = false
	}
	return err
}

func (t *tiled) verifyOnce(ctx context.Context, head *ct.TreeHead, x *tile) error {
	tree := t.tree(ctx, head)
	if len(x.entries) == ct.TileWidth && x.cut == nil {
		switch root, err := tree.Node(8, x.n); {
		case err != nil:
			return err
		case root == x.root:
			return nil
		}
	}
	hashes, err := tree.Leaves(x.first, x.first+uint64(len(x.entries)))
	if err != nil {
		return err
	}
	wrong, found := &wrongEntries{}, false
	for i, h := range hashes {
		wrong.at[i] = h != x.hashes[i]
		found = found || wrong.at[i]
	}
	if found {
		return wrong
	}
	return nil
}
