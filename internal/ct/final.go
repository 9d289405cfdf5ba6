package ct

import (
	"encoding/base64"
	"errors"
)

// How a tree head relates to the tree at which the log stopped.
const (
	FinalSame   = "same"   // it is that tree
	FinalBefore = "before" // a smaller one: of before, or of a mirror that is behind
	FinalBeyond = "beyond" // entries were added after the end
	FinalOther  = "other"  // as large, and another tree
)

// AgainstFinal compares a tree head with the tree at which the log stopped; empty
// where no list says that it did.
func (l *Log) AgainstFinal(h *TreeHead) string {
	switch f := l.Final; {
	case f == nil:
		return ""
	case h.Size < f.Size:
		return FinalBefore
	case h.Size > f.Size:
		return FinalBeyond
	case h.Root != f.Root:
		return FinalOther
	}
	return FinalSame
}

// listFinal is final_tree_head in a log list.
type listFinal struct {
	Root string `json:"sha256_root_hash"`
	Size *int64 `json:"tree_size"`
}

var errFinal = errors.New("final_tree_head: want tree_size and, in base64, sha256_root_hash")

func (f *listFinal) tree() (*FinalTree, error) {
	root, err := base64.StdEncoding.DecodeString(f.Root)
	if err != nil || len(root) != 32 || f.Size == nil || *f.Size < 0 {
		return nil, errFinal
	}
	return &FinalTree{uint64(*f.Size), [32]byte(root)}, nil
}
