package cli

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/certassay/certassay/internal/collect/aia"
	"github.com/certassay/certassay/internal/evidence"
)

// Limits on what waits for the end of a scan: each of a million servers could leave
// out an issuer, and each could serve a chain of a megabyte.
const (
	maxHeld      = 4096
	maxHeldBytes = 64 << 20
)

// A holder completes the chains of servers that left out the issuer of their leaf
// with what other servers of the scan show. It holds such subjects back until all
// others were collected, as many as there is room for; the others are judged at once,
// and are counted.
type holder struct {
	aia  *aia.Collector
	pool *aia.Pool

	subjects, bytes atomic.Int64 // held
	refused         atomic.Int64 // for want of room
	most, mostBytes int64
}

func newHolder(s *session) *holder {
	return &holder{aia: aia.New(aia.Options{Pool: &s.met, Known: s.knownIssuers}), pool: &s.met, most: maxHeld, mostBytes: maxHeldBytes}
}

// Hold implements [audit.Completer].
func (h *holder) Hold(s *evidence.Subject) bool {
	if s.Kind != evidence.Endpoint || !h.aia.Lacks(s) {
		return false
	}
	size := sizeOf(s)
	if h.subjects.Add(1) > h.most || h.bytes.Add(size) > h.mostBytes {
		h.refused.Add(1)
		return false
	}
	return true
}

// sizeOf is about how much memory a subject takes: handshakes share nothing where
// each was answered anew.
func sizeOf(s *evidence.Subject) (n int64) {
	count := func(ders []evidence.DER) {
		for _, der := range ders {
			n += int64(len(der))
		}
	}
	count(s.Certificates)
	for _, list := range [][]evidence.Handshake{s.Handshakes, s.Probes} {
		for i := range list {
			count(list[i].Certificates)
			n += int64(len(list[i].OCSP)) + 512
		}
	}
	return n + 1024
}

// Note implements [audit.Completer].
func (h *holder) Note(s *evidence.Subject) { h.pool.Add(s) }

// Complete implements [audit.Completer].
func (h *holder) Complete(s *evidence.Subject) { h.aia.Ask(context.Background(), s) }

// sayHeld says what could not wait: others may have shown what it lacks.
func (s *session) sayHeld() {
	if n := s.held.refused.Load(); n > 0 {
		s.warn(fmt.Sprintf("%d servers left out the issuer of their certificate and were judged before all others were seen, as no more than %d wait", n, s.held.most),
			"scan fewer at once, or name the intermediates with --known")
	}
	if s.met.Full && s.held.subjects.Load() > 0 {
		s.warn("the servers showed more CA certificates than are remembered: chains may stay incomplete", "scan fewer at once, or name the intermediates with --known")
	}
}
