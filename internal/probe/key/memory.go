package key

import (
	"sync"

	"github.com/certassay/certassay/internal/facts"
)

// maxMemory is how many keys are remembered, about 4 MB: a certificate stands in a
// log some thousand entries behind its precertificate.
const maxMemory = 1 << 14

// A Memory remembers what was found of keys: a precertificate and its certificate
// have one key, and so do many renewals, and looking for weaknesses costs as much as
// all else that a certificate alone is asked. The zero value is ready, and a nil one
// remembers nothing; it is safe for concurrent use and must not be copied.
type Memory struct {
	mu            sync.Mutex
	recent, older map[[32]byte]facts.Key
}

func (m *Memory) get(sum [32]byte) (facts.Key, bool) {
	if m == nil {
		return facts.Key{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.recent[sum]; ok {
		return f, true
	}
	f, ok := m.older[sum]
	return f, ok
}

func (m *Memory) put(sum [32]byte, f facts.Key) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.recent == nil || len(m.recent) >= maxMemory/2 {
		m.older, m.recent = m.recent, make(map[[32]byte]facts.Key)
	}
	m.recent[sum] = f
}
