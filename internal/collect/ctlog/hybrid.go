package ctlog

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/certassay/certassay/internal/ct"
)

// hybrid reads a log of RFC 6962 that also serves its entries as data tiles of
// static-ct-api, as some do whose get-entries takes half a minute. Such a log has
// no checkpoint, and perhaps no hashes: tiles are verified as pages are, by the
// proofs for the ends of a segment under the head of get-sth, and before anything
// of them is shown. Where a tile is missing or wrong the segment is read in pages.
type hybrid struct {
	rfc6962
	tiles tiled // for its tiles and issuers

	served   bool // a tile was
	failures int  // segments in a row that tiles did not give
	spare    []*tile
	showing  uint64 // index of the entry that visit is looking at
	head     *ct.TreeHead
}

// maxTileFailures is how many segments in a row may fail before tiles are no longer
// asked for. Where there is none at all one is enough.
const maxTileFailures = 3

// Entries reads full tiles, and in pages what is behind the last one.
func (h *hybrid) Entries(ctx context.Context, head *ct.TreeHead, from, to uint64, visit Visit) (Coverage, error) {
	c := Coverage{From: from, To: to}
	if err := checkRange(head, from, to); err != nil {
		return c, err
	}
	h.head = head
	full := head.Size / ct.TileWidth * ct.TileWidth
	segment := uint64(h.options.Segment)
	for at := from; at < to; {
		end := min(to, (at/segment+1)*segment)
		if at < full {
			end = min(end, full)
		}
		var part Coverage
		var err error
		if at >= full || h.failures >= maxTileFailures || !h.load(ctx, head, at, end) {
			if at >= full || h.failures >= maxTileFailures {
				end = to // pages have segments of their own
			}
			part, err = h.rfc6962.Entries(ctx, head, at, end, h.noting(visit))
		} else {
			part, err = h.show(at, end, h.noting(visit))
		}
		c.Add(&part)
		if err != nil {
			c.gap(end, to, err)
			return c, err
		}
		at = end
	}
	return c, nil
}

// noting remembers which entry is looked at, for Chain.
func (h *hybrid) noting(visit Visit) Visit {
	return func(index uint64, e *ct.LogEntry) error {
		h.showing = index
		return visit(index, e)
	}
}

// load fetches the tiles of a segment into spare and verifies them.
func (h *hybrid) load(ctx context.Context, head *ct.TreeHead, from, to uint64) bool {
	first, n := from/ct.TileWidth, int((to-1)/ct.TileWidth-from/ct.TileWidth)+1
	for len(h.spare) < n {
		h.spare = append(h.spare, new(tile))
	}
	err := h.fetch(ctx, first, h.spare[:n])
	if err == nil {
		err = h.verify(ctx, head, h.spare[:n], from, to)
	}
	switch {
	case err == nil:
		h.failures = 0
	case errors.Is(err, ErrNotFound):
		h.failures = maxTileFailures
	default:
		h.failures++
	}
	return err == nil
}

// fetch fetches tiles from the first on; the first one alone, at the beginning, to
// learn whether the log serves any.
func (h *hybrid) fetch(ctx context.Context, first uint64, tiles []*tile) error {
	for i, x := range tiles {
		x.n = first + uint64(i)
		x.first, x.width, x.err = x.n*ct.TileWidth, ct.TileWidth, nil
	}
	if !h.served {
		if err := h.tiles.load(ctx, tiles[0]); err != nil {
			return err
		}
		h.served, tiles = true, tiles[1:]
	}
	work := make(chan *tile)
	var wait sync.WaitGroup
	for range min(h.options.Concurrency, len(tiles)) {
		wait.Go(func() {
			for x := range work {
				x.err = h.tiles.load(ctx, x)
			}
		})
	}
	for _, x := range tiles {
		work <- x
	}
	close(work)
	wait.Wait()
	for _, x := range tiles {
		if x.err != nil {
			return x.err
		}
	}
	return nil
}

// verify checks the entries of tiles, from one index to another, as those of pages
// are checked.
func (h *hybrid) verify(ctx context.Context, head *ct.TreeHead, tiles []*tile, from, to uint64) error {
	tree := ct.NewRange(from)
	for _, x := range tiles {
		for i := range x.entries {
			if at := x.first + uint64(i); at >= from && at < to {
				tree.Append(x.hashes[i])
			}
		}
	}
	if tree.End() != to {
		return fmt.Errorf("tiles end at %d: %w", tree.End(), ErrShort)
	}
	hash := func(at uint64) [32]byte { return tiles[at/ct.TileWidth-tiles[0].n].hashes[at%ct.TileWidth] }
	return h.check(ctx, head, tree, hash(from), hash(to-1))
}

// show shows the verified entries of the loaded tiles.
func (h *hybrid) show(from, to uint64, visit Visit) (Coverage, error) {
	c := Coverage{From: from, To: to}
	for at := from; at < to; at++ {
		e := &h.spare[at/ct.TileWidth-from/ct.TileWidth].entries[at%ct.TileWidth]
		if index, present, valid := e.LeafIndex(); present && (!valid || index != at) {
			c.odd(at, ErrIndex)
		}
		c.Verified++
		if err := visit(at, e); err != nil {
			c.gap(at+1, to, err)
			return c, err
		}
	}
	return c, nil
}

// Chain fetches what a tile names by fingerprint; where the log does not serve
// issuers, the entry that is being shown is asked for as a page.
func (h *hybrid) Chain(ctx context.Context, e *ct.LogEntry) ([][]byte, error) {
	if len(e.Fingerprints) == 0 {
		return e.Chain, nil
	}
	chain, err := h.tiles.Chain(ctx, e)
	if err == nil || h.head == nil || ctx.Err() != nil {
		return chain, err
	}
	want, _ := e.LeafHash(nil)
	found := false
	c, pageErr := h.rfc6962.Entries(ctx, h.head, h.showing, h.showing+1, func(_ uint64, same *ct.LogEntry) error {
		if got, _ := same.LeafHash(nil); got == want {
			found, chain = true, nil
			for _, der := range same.Chain {
				chain = append(chain, append([]byte(nil), der...))
			}
		}
		return nil
	})
	if pageErr != nil || !found || !c.Complete() {
		return nil, err
	}
	return chain, nil
}
