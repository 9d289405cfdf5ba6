package sct

import (
	"crypto/sha256"
	"sync"

	"github.com/certassay/certassay/internal/ct"
)

// maxMemory is how many answers a Verifier keeps, about 1.5 MB.
const maxMemory = 1 << 14

// A Verifier verifies SCTs and remembers the answers: the same certificate comes
// again from many hosts, with chains that differ. The zero value is ready, and a
// nil one remembers nothing; it is safe for concurrent use and must not be
// copied.
type Verifier struct {
	mu            sync.Mutex
	recent, older map[[32]byte]bool
}

func (v *Verifier) verify(log *ct.Log, s *ct.SCT, e ct.Entry) bool {
	if v == nil {
		return signedBy(log, s, e)
	}
	k := answerKey(s, e)
	if ok, known := v.recall(k); known {
		return ok
	}
	ok := signedBy(log, s, e)
	v.remember(k, ok)
	return ok
}

// answerKey covers log, algorithm, signature and what is signed. The parts that
// vary in length come with their length.
func answerKey(s *ct.SCT, e ct.Entry) [32]byte {
	h := sha256.New()
	h.Write(s.Append(nil))
	h.Write(e.Signed(s))
	return [32]byte(h.Sum(nil))
}

func (v *Verifier) recall(k [32]byte) (ok, known bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if ok, known = v.recent[k]; known {
		return ok, true
	}
	ok, known = v.older[k]
	return ok, known
}

func (v *Verifier) remember(k [32]byte, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.recent == nil || len(v.recent) >= maxMemory/2 {
		v.older, v.recent = v.recent, make(map[[32]byte]bool)
	}
	v.recent[k] = ok
}
