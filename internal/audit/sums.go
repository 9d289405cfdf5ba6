package audit

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/certassay/certassay/internal/evidence"
)

// knownSums is how many certificates have their hash remembered, longestSum how long
// they may be: 4 MB, whatever a log hands out as issuers.
const (
	knownSums  = 256
	longestSum = 1 << 14
)

// sums remembers the SHA-256 of certificates that come again and again, as issuers
// do: to compare a kilobyte takes a tenth of the time of hashing it. The zero value is
// ready; it is safe for concurrent use.
type sums struct {
	mu    sync.Mutex
	known [knownSums]sum
}

type sum struct {
	der    []byte // a copy: who gave it may change it
	sha256 [32]byte
}

// of gives the SHA-256 of each certificate.
func (s *sums) of(chain []evidence.DER) [][32]byte {
	out := make([][32]byte, len(chain))
	for i, der := range chain {
		out[i] = s.one(der)
	}
	return out
}

func (s *sums) one(der evidence.DER) [32]byte {
	if len(der) < 8 || len(der) > longestSum {
		return der.SHA256()
	}
	// A signature ends a certificate. Whoever makes two that end alike has them
	// hashed each time.
	at := &s.known[(binary.BigEndian.Uint64(der[len(der)-8:])^uint64(len(der)))%knownSums]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.Equal(at.der, der) {
		*at = sum{bytes.Clone(der), der.SHA256()}
	}
	return at.sha256
}
