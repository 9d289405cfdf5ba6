package ct

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// TileWidth is the number of entries, or of hashes, of a full tile
// (c2sp.org/static-ct-api, section "Merkle Tree").
const TileWidth = 256

// tileHeight is the logarithm of TileWidth.
const tileHeight = 8

// TilePath is where a tile lies below the monitoring prefix. level is -1 for a
// data tile; n is its number; width is the number of entries or hashes, and of a
// full tile 256.
func TilePath(level int, n uint64, width int) string {
	path := tlog.Tile{H: tileHeight, L: level, N: int64(n), W: width}.Path()
	return "tile/" + strings.TrimPrefix(path, fmt.Sprintf("tile/%d/", tileHeight))
}

// TileRoot is the hash over the full tile of these hashes: one node of the tile
// that lies eight levels above.
func TileRoot(hashes *[TileWidth][32]byte) [32]byte {
	level := *hashes
	for n := TileWidth; n > 1; n /= 2 {
		for i := range n / 2 {
			level[i] = NodeHash(level[2*i], level[2*i+1])
		}
	}
	return level[0]
}

// A TileFetcher reads the hashes of one tile: width times 32 octets. It may be
// asked for a full tile in place of a partial one that is gone.
type TileFetcher func(level int, n uint64, width int) ([]byte, error)

// Hashes reads and verifies hashes of a tiled tree.
type Hashes struct {
	head  *TreeHead
	fetch TileFetcher
	saved map[tlog.Tile][]byte // verified
	order []tlog.Tile          // saved, the oldest first
}

// maxTiles bounds the verified tiles that are remembered, 8 KiB each. A range is
// read from left to right, so that the path to the root and a few neighbours are
// asked for again and again.
const maxTiles = 64

// NewHashes reads hashes of the tree of a verified head. Every hash that it
// gives leads to the root of head, or there is an error.
func NewHashes(head *TreeHead, fetch TileFetcher) *Hashes {
	return &Hashes{head: head, fetch: fetch, saved: map[tlog.Tile][]byte{}}
}

// Of says whether these are the hashes of this head's tree.
func (h *Hashes) Of(head *TreeHead) bool { return h.head.Size == head.Size && h.head.Root == head.Root }

// Use fetches further tiles with fetch, of which those that were verified
// before are remembered: for a fetch that holds a context.
func (h *Hashes) Use(fetch TileFetcher) { h.fetch = fetch }

// ErrTile says that the hashes of a tile do not lead to the signed root.
var ErrTile = errors.New("the tile does not belong to the signed tree")

// A fetchError keeps an error of fetching apart from what tlog says of hashes.
type fetchError struct{ error }

func (e fetchError) Unwrap() error { return e.error }

// Height is eight: a tile has 2^8 hashes. It is for package tlog.
func (h *Hashes) Height() int { return tileHeight }

// ReadTiles is for package tlog.
func (h *Hashes) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		if b := h.saved[t]; b != nil {
			out[i] = b
			continue
		}
		b, err := h.fetch(t.L, uint64(t.N), t.W)
		if err != nil {
			return nil, fetchError{err}
		}
		if len(b) < t.W*32 {
			return nil, fetchError{fmt.Errorf("%s: %d bytes, not %d: %w", TilePath(t.L, uint64(t.N), t.W), len(b), t.W*32, ErrTile)}
		}
		// The hashes of a full tile that stands in for a partial one begin
		// with those of the partial one.
		out[i] = b[:t.W*32]
	}
	return out, nil
}

// SaveTiles is for package tlog, which calls it with verified tiles.
func (h *Hashes) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, t := range tiles {
		if h.saved[t] != nil {
			continue
		}
		if len(h.order) == maxTiles {
			delete(h.saved, h.order[0])
			h.order = h.order[1:]
		}
		h.saved[t] = data[i]
		h.order = append(h.order, t)
	}
}

// Node gives the hash of the perfect subtree number n of 2^level leaves.
func (h *Hashes) Node(level int, n uint64) ([32]byte, error) {
	out, err := h.read([]int64{tlog.StoredHashIndex(level, int64(n))})
	if err != nil {
		return [32]byte{}, err
	}
	return out[0], nil
}

// Leaves gives the leaf hashes from one index to another, To exclusive.
func (h *Hashes) Leaves(from, to uint64) ([][32]byte, error) {
	if from >= to || to > h.head.Size {
		return nil, fmt.Errorf("entries %d to %d are not within a tree of %d", from, to, h.head.Size)
	}
	indexes := make([]int64, 0, to-from)
	for i := from; i < to; i++ {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(i)))
	}
	out, err := h.read(indexes)
	if err != nil {
		return nil, err
	}
	hashes := make([][32]byte, len(out))
	for i := range out {
		hashes[i] = out[i]
	}
	return hashes, nil
}

// Inclusion builds the inclusion proof of the entry at index.
func (h *Hashes) Inclusion(index uint64) ([][32]byte, error) {
	if index >= h.head.Size {
		return nil, fmt.Errorf("entry %d is not within a tree of %d", index, h.head.Size)
	}
	proof, err := tlog.ProveRecord(int64(h.head.Size), int64(index), tlog.HashReaderFunc(h.readTlog))
	return hashesOf(proof), h.explain(err)
}

// Consistency builds the proof that the head's tree continues that of older.
func (h *Hashes) Consistency(older *TreeHead) ([][32]byte, error) {
	if older.Size == 0 || older.Size >= h.head.Size {
		return nil, nil
	}
	proof, err := tlog.ProveTree(int64(h.head.Size), int64(older.Size), tlog.HashReaderFunc(h.readTlog))
	return hashesOf(proof), h.explain(err)
}

func hashesOf(proof []tlog.Hash) [][32]byte {
	out := make([][32]byte, len(proof))
	for i, p := range proof {
		out[i] = p
	}
	return out
}

func (h *Hashes) read(indexes []int64) ([]tlog.Hash, error) {
	out, err := h.readTlog(indexes)
	return out, h.explain(err)
}

func (h *Hashes) readTlog(indexes []int64) ([]tlog.Hash, error) {
	if h.head.Size == 0 || h.head.Size > maxTree {
		return nil, fmt.Errorf("a tree of %d entries has no hashes", h.head.Size)
	}
	tree := tlog.Tree{N: int64(h.head.Size), Hash: h.head.Root}
	return tlog.TileHashReader(tree, h).ReadHashes(indexes)
}

// explain tells tiles that are wrong from tiles that could not be read.
func (h *Hashes) explain(err error) error {
	var f fetchError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f.error
	}
	return fmt.Errorf("%w (%w)", ErrTile, err)
}
