package ct

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// A testTree is a tree of n leaves that golang.org/x/mod builds.
type testTree struct {
	leaves [][32]byte
	hashes []tlog.Hash
}

func newTestTree(t testing.TB, n int) *testTree {
	t.Helper()
	tree := &testTree{}
	for i := range n {
		leaf := binary.BigEndian.AppendUint32(nil, uint32(i))
		hashes, err := tlog.StoredHashes(int64(i), leaf, tree)
		if err != nil {
			t.Fatal(err)
		}
		tree.hashes = append(tree.hashes, hashes...)
		tree.leaves = append(tree.leaves, LeafHash(leaf))
	}
	return tree
}

func (t *testTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = t.hashes[x]
	}
	return out, nil
}

func (t *testTree) head(tb testing.TB, size int) *TreeHead {
	tb.Helper()
	root, err := tlog.TreeHash(int64(size), t)
	if err != nil {
		tb.Fatal(err)
	}
	if size == 0 {
		return &TreeHead{Root: emptyRoot}
	}
	return &TreeHead{Size: uint64(size), Root: root}
}

func (t *testTree) inclusion(tb testing.TB, size, index int) [][32]byte {
	tb.Helper()
	p, err := tlog.ProveRecord(int64(size), int64(index), t)
	if err != nil {
		tb.Fatal(err)
	}
	return hashesOf(p)
}

func TestRangeOfEveryTree(t *testing.T) {
	const most = 34
	tree := newTestTree(t, most)
	for size := 1; size <= most; size++ {
		head := tree.head(t, size)
		for from := range size {
			for to := from + 1; to <= size; to++ {
				r := NewRange(uint64(from))
				for _, leaf := range tree.leaves[from:to] {
					r.Append(leaf)
				}
				first, last := tree.inclusion(t, size, from), tree.inclusion(t, size, to-1)
				if err := r.Check(head, first, last); err != nil {
					t.Fatalf("Check of [%d, %d) in %d = %v, want nil", from, to, size, err)
				}
				other := NewRange(uint64(from))
				for i, leaf := range tree.leaves[from:to] {
					if i == (to-from)/2 {
						leaf[5] ^= 1
					}
					other.Append(leaf)
				}
				if err := other.Check(head, first, last); !errors.Is(err, ErrProof) {
					t.Fatalf("Check of [%d, %d) in %d with a changed leaf = %v, want ErrProof", from, to, size, err)
				}
			}
		}
	}
}

func TestRangeRefusesWrongProofs(t *testing.T) {
	tree := newTestTree(t, 100)
	head := tree.head(t, 100)
	r := NewRange(33)
	for _, leaf := range tree.leaves[33:70] {
		r.Append(leaf)
	}
	first, last := tree.inclusion(t, 100, 33), tree.inclusion(t, 100, 69)
	changed := func(p [][32]byte, i int) [][32]byte {
		p = append([][32]byte(nil), p...)
		p[i][0] ^= 1
		return p
	}
	for name, c := range map[string]struct{ first, last [][32]byte }{
		"no proofs":            {nil, nil},
		"swapped":              {last, first},
		"first short":          {first[1:], last},
		"last long":            {first, append(append([][32]byte(nil), last...), last[0])},
		"left sibling changed": {changed(first, 0), last},
		"right sibling":        {first, changed(last, 1)},
	} {
		if err := r.Check(head, c.first, c.last); !errors.Is(err, ErrProof) {
			t.Errorf("%s: Check = %v, want ErrProof", name, err)
		}
	}
	if err := r.Check(tree.head(t, 60), first, last); !errors.Is(err, ErrProof) {
		t.Errorf("Check in a smaller tree = %v, want ErrProof", err)
	}
	if err := new(Range).Check(tree.head(t, 0), nil, nil); err != nil {
		t.Errorf("Check of nothing in nothing = %v, want nil", err)
	}
}

func TestProofs(t *testing.T) {
	tree := newTestTree(t, 70)
	head := tree.head(t, 70)
	for i := range 70 {
		proof := tree.inclusion(t, 70, i)
		if err := CheckInclusion(head, uint64(i), tree.leaves[i], proof); err != nil {
			t.Fatalf("CheckInclusion(%d) = %v, want nil", i, err)
		}
		if err := CheckInclusion(head, uint64(i+1)%70, tree.leaves[i], proof); !errors.Is(err, ErrProof) {
			t.Fatalf("CheckInclusion(%d) of the leaf before = %v, want ErrProof", i, err)
		}
	}
	for n := 1; n < 70; n++ {
		p, err := tlog.ProveTree(70, int64(n), tree)
		if err != nil {
			t.Fatal(err)
		}
		older := tree.head(t, n)
		if err := CheckConsistency(older, head, hashesOf(p)); err != nil {
			t.Fatalf("CheckConsistency(%d, 70) = %v, want nil", n, err)
		}
		older.Root[3] ^= 1
		if err := CheckConsistency(older, head, hashesOf(p)); !errors.Is(err, ErrProof) {
			t.Fatalf("CheckConsistency of a fork at %d = %v, want ErrProof", n, err)
		}
	}
}

func TestConsistencyOfEdges(t *testing.T) {
	tree := newTestTree(t, 9)
	empty, eight, nine := tree.head(t, 0), tree.head(t, 8), tree.head(t, 9)
	fork := *eight
	fork.Root[0] ^= 1
	huge := &TreeHead{Size: 1 << 63}
	for _, c := range []struct {
		name         string
		older, newer *TreeHead
		ok           bool
	}{
		{"grown from nothing", empty, nine, true},
		{"unchanged", eight, eight, true},
		{"same size, other root", eight, &fork, false},
		{"shrunk", nine, eight, false},
		{"an empty tree that is not empty", &TreeHead{Root: eight.Root}, nine, false},
		{"too large", eight, huge, false},
		{"no proof", eight, nine, false},
	} {
		if err := CheckConsistency(c.older, c.newer, nil); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrProof) {
			t.Errorf("%s: CheckConsistency = %v, want ok %v", c.name, err, c.ok)
		}
	}
	if err := CheckInclusion(huge, 1<<62, [32]byte{}, nil); !errors.Is(err, ErrProof) {
		t.Errorf("CheckInclusion in a tree of 2^63 = %v, want ErrProof", err)
	}
}

// tiles serves the tiles of a tree from memory.
func (t *testTree) tiles(level int, n uint64, width int) ([]byte, error) {
	return tlog.ReadTileData(tlog.Tile{H: tileHeight, L: level, N: int64(n), W: width}, t)
}

func TestHashes(t *testing.T) {
	const size = 1000
	tree := newTestTree(t, size)
	head := tree.head(t, size)
	h := NewHashes(head, tree.tiles)
	leaves, err := h.Leaves(250, 530)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range leaves {
		if got != tree.leaves[250+i] {
			t.Fatalf("Leaves gives another hash for %d", 250+i)
		}
	}
	var tile [TileWidth][32]byte
	copy(tile[:], tree.leaves[256:])
	if got, err := h.Node(8, 1); err != nil || got != TileRoot(&tile) {
		t.Errorf("Node(8, 1) = %x, %v, want the root of the second tile %x", got, err, TileRoot(&tile))
	}
	proof, err := h.Inclusion(777)
	if err != nil || CheckInclusion(head, 777, tree.leaves[777], proof) != nil {
		t.Errorf("Inclusion(777) = %v, want a proof that verifies", err)
	}
	older := tree.head(t, 300)
	if proof, err = h.Consistency(older); err != nil || CheckConsistency(older, head, proof) != nil {
		t.Errorf("Consistency(300) = %v, want a proof that verifies", err)
	}
	if _, err := h.Leaves(999, 1001); err == nil {
		t.Error("Leaves behind the end = nil, want an error")
	}
}

func TestHashesOfWrongTiles(t *testing.T) {
	tree := newTestTree(t, 600)
	head := tree.head(t, 600)
	gone := errors.New("gone")
	for name, c := range map[string]struct {
		fetch TileFetcher
		want  error
	}{
		"a bit flipped": {func(l int, n uint64, w int) ([]byte, error) {
			b, err := tree.tiles(l, n, w)
			if l == 0 && n == 1 {
				b[40] ^= 1
			}
			return b, err
		}, ErrTile},
		"truncated": {func(l int, n uint64, w int) ([]byte, error) {
			b, err := tree.tiles(l, n, w)
			return b[:len(b)-1], err
		}, ErrTile},
		"not there": {func(int, uint64, int) ([]byte, error) { return nil, gone }, gone},
	} {
		if _, err := NewHashes(head, c.fetch).Leaves(256, 300); !errors.Is(err, c.want) {
			t.Errorf("%s: Leaves = %v, want %v", name, err, c.want)
		}
	}
	// A full tile in the place of a partial one is as good.
	full := func(l int, n uint64, w int) ([]byte, error) {
		b, err := tree.tiles(l, n, w)
		return append(b, make([]byte, 32*(TileWidth-w))...), err
	}
	if _, err := NewHashes(head, full).Leaves(512, 600); err != nil {
		t.Errorf("Leaves of a partial tile that has grown = %v, want nil", err)
	}
}

func TestTilePath(t *testing.T) {
	for _, c := range []struct {
		level int
		n     uint64
		width int
		want  string
	}{
		{0, 0, 256, "tile/0/000"},
		{-1, 1234067, 256, "tile/data/x001/x234/067"},
		{2, 5, 17, "tile/2/005.p/17"},
	} {
		if got := TilePath(c.level, c.n, c.width); got != c.want {
			t.Errorf("TilePath(%d, %d, %d) = %q, want %q", c.level, c.n, c.width, got, c.want)
		}
	}
}

func BenchmarkTileRoot(b *testing.B) {
	var tile [TileWidth][32]byte
	for b.Loop() {
		TileRoot(&tile)
	}
}

func ExampleTilePath() {
	fmt.Println(TilePath(-1, 70000, 256))
	// Output: tile/data/x070/000
}
