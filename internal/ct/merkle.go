package ct

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// maxTree is the largest tree that is worked with: static-ct-api indexes leaves
// with 40 bits, and RFC 6962 logs hold 2^32 at most. It keeps arithmetic on
// sizes that a hostile log states far from overflow.
const maxTree = 1 << 40

// ErrProof says that a Merkle proof does not lead to the root it should: the
// log, or who stands before it, does not show the tree that it signed.
var ErrProof = errors.New("the proof does not lead to the signed root")

// LeafHash is the hash of a leaf of the tree, MerkleTreeLeaf as the log encodes
// it (RFC 6962 section 2.1).
func LeafHash(leaf []byte) [32]byte {
	return sha256.Sum256(append(append(make([]byte, 0, 1+len(leaf)), 0), leaf...))
}

// NodeHash is the hash of an inner node (RFC 6962 section 2.1).
func NodeHash(left, right [32]byte) [32]byte {
	var b [1 + 2*32]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}

// CheckInclusion verifies that the leaf with this hash is the one at index in
// the tree of head (RFC 6962 section 2.1.1). It answers [ErrProof] where it is
// not, for an index outside of the tree too.
func CheckInclusion(head *TreeHead, index uint64, leaf [32]byte, proof [][32]byte) error {
	if head.Size > maxTree || index >= head.Size {
		return fmt.Errorf("entry %d is not within a tree of %d: %w", index, head.Size, ErrProof)
	}
	if tlog.CheckRecord(proofOf(proof), int64(head.Size), head.Root, int64(index), leaf) != nil {
		return ErrProof
	}
	return nil
}

// CheckConsistency verifies that the tree of newer continues that of older
// (RFC 6962 section 2.1.2). Anything continues the empty tree, and one of the
// same size has to have the same root; both need an empty proof. It answers
// [ErrProof] where newer does not continue older, a smaller one too.
func CheckConsistency(older, newer *TreeHead, proof [][32]byte) error {
	switch {
	case newer.Size > maxTree || older.Size > newer.Size:
		return fmt.Errorf("a tree of %d cannot continue one of %d: %w", newer.Size, older.Size, ErrProof)
	case older.Size == 0 || older.Size == newer.Size:
		empty := older.Size != 0 || older.Root == emptyRoot
		if len(proof) != 0 || !empty || older.Size == newer.Size && older.Root != newer.Root {
			return ErrProof
		}
		return nil
	}
	if tlog.CheckTree(proofOf(proof), int64(newer.Size), newer.Root, int64(older.Size), older.Root) != nil {
		return ErrProof
	}
	return nil
}

func proofOf(hashes [][32]byte) []tlog.Hash {
	out := make([]tlog.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = h
	}
	return out
}

// emptyRoot is the root of the tree without leaves: the hash of nothing.
var emptyRoot = sha256.Sum256(nil)

// A Range rebuilds the hashes over consecutive leaves of a tree as they are
// appended, in memory of the logarithm of their number. With the siblings of its
// first and of its last leaf, which inclusion proofs hold, it gives the root of
// the whole tree: so two proofs verify every leaf between them.
//
// The zero Range starts at leaf 0; see [NewRange].
type Range struct {
	begin, end uint64
	nodes      []node // perfect subtrees, from left to right
}

// A node is the root of the perfect subtree over 2^level leaves from index on.
type node struct {
	index uint64
	level int
	hash  [32]byte
}

// NewRange is an empty range before leaf begin.
func NewRange(begin uint64) *Range { return &Range{begin: begin, end: begin} }

// Begin is the first leaf of the range, End the one behind the last.
func (r *Range) Begin() uint64 { return r.begin }

// End is the leaf behind the last one of the range.
func (r *Range) End() uint64 { return r.end }

// Append adds the next leaf.
func (r *Range) Append(leaf [32]byte) {
	r.push(node{r.end, 0, leaf})
	r.end++
}

// push adds a perfect subtree and joins neighbours that are halves of one.
func (r *Range) push(n node) {
	for k := len(r.nodes) - 1; k >= 0; k-- {
		last := r.nodes[k]
		if last.level != n.level || last.index>>uint(n.level)&1 != 0 || last.index+1<<uint(n.level) != n.index {
			break
		}
		n = node{last.index, n.level + 1, NodeHash(last.hash, n.hash)}
		r.nodes = r.nodes[:k]
	}
	r.nodes = append(r.nodes, n)
}

// Check verifies all leaves of the range against head. first is the inclusion
// proof of leaf Begin and last that of leaf End-1, both in the tree of head; they
// are not looked at where the range starts at 0, or ends with the tree. It
// answers [ErrProof] where the range is no part of the tree; it may be that one
// of the proofs is wrong, not the leaves.
func (r *Range) Check(head *TreeHead, first, last [][32]byte) error {
	if r.end > head.Size || head.Size > maxTree || r.begin == r.end && head.Size != 0 {
		return fmt.Errorf("entries %d to %d are not within a tree of %d: %w", r.begin, r.end, head.Size, ErrProof)
	}
	whole := &Range{}
	if r.begin > 0 {
		if err := whole.left(r.begin, head.Size, first); err != nil {
			return err
		}
	}
	for _, n := range r.nodes {
		whole.push(n)
	}
	if r.end < head.Size {
		if err := whole.right(r.end, head.Size, last); err != nil {
			return err
		}
	}
	if whole.root() != head.Root {
		return ErrProof
	}
	return nil
}

// left takes from the inclusion proof of leaf begin the siblings on its left:
// they are the perfect subtrees over [0, begin).
func (r *Range) left(begin, size uint64, proof [][32]byte) error {
	inner, border := proofShape(begin, size)
	if len(proof) != inner+border {
		return ErrProof
	}
	// From the root down: the highest sibling on the left stands first.
	var index uint64
	k := len(proof) - 1
	for level := 63; level >= 0; level-- {
		if begin>>uint(level)&1 == 0 {
			continue
		}
		position := inner + bits.OnesCount64(begin>>uint(inner)) - 1 - bits.OnesCount64(begin>>uint(level+1))
		if level < inner {
			position = level
		}
		if position < 0 || position > k {
			return ErrProof
		}
		r.nodes = append(r.nodes, node{index, level, proof[position]})
		index += 1 << uint(level)
	}
	return nil
}

// right takes from the inclusion proof of leaf end-1 the siblings on its right:
// they are subtrees over [end, size), the last of which may be imperfect.
func (r *Range) right(end, size uint64, proof [][32]byte) error {
	inner, border := proofShape(end-1, size)
	if len(proof) != inner+border {
		return ErrProof
	}
	path := end - 1
	for level := range inner {
		if path>>uint(level)&1 == 0 {
			r.push(node{end, level, proof[level]})
			end += 1 << uint(level)
		}
	}
	return nil
}

// proofShape says how many siblings an inclusion proof has below the path's
// last turn to the left, one a level, and how many above, all on the left.
func proofShape(index, size uint64) (inner, border int) {
	inner = bits.Len64(index ^ (size - 1))
	return inner, bits.OnesCount64(index >> uint(inner))
}

// root joins the subtrees from the right, as RFC 6962 section 2.1 splits trees.
func (r *Range) root() [32]byte {
	if len(r.nodes) == 0 {
		return emptyRoot
	}
	hash := r.nodes[len(r.nodes)-1].hash
	for k := len(r.nodes) - 2; k >= 0; k-- {
		hash = NodeHash(r.nodes[k].hash, hash)
	}
	return hash
}
