package log

import (
	"crypto/sha256"
	"sync"

	"github.com/certassay/certassay/internal/ct"
)

// Heads remembers which tree heads were signed by which log: every entry that is
// read of a log comes with the same head, and a signature costs more than all
// else that is asked about an entry. The zero value is ready, and a nil one
// remembers nothing; it is safe for concurrent use and must not be copied.
type Heads struct {
	mu    sync.Mutex
	known map[[32]byte]*bool
}

// maxHeads is how many answers are kept.
const maxHeads = 1024

// signed says whether the log signed the head; nil where its key cannot be used.
func (h *Heads) signed(log *ct.Log, head *ct.TreeHead) *bool {
	if h == nil {
		return signed(log, head)
	}
	sum := sha256.New()
	sum.Write(log.ID[:])
	sum.Write(head.Signed())
	sum.Write(head.Signature)
	k := [32]byte(sum.Sum(nil))
	h.mu.Lock()
	defer h.mu.Unlock()
	if answer, ok := h.known[k]; ok {
		return answer
	}
	if h.known == nil || len(h.known) >= maxHeads {
		h.known = map[[32]byte]*bool{}
	}
	answer := signed(log, head)
	h.known[k] = answer
	return answer
}

func signed(log *ct.Log, h *ct.TreeHead) *bool {
	if log.CheckKey() != nil {
		return nil
	}
	yes := log.VerifyHead(h) == nil
	return &yes
}
