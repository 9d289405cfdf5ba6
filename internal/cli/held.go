package cli

import (
	"context"
	"fmt"

	"github.com/certassay/certassay/internal/collect/aia"
	"github.com/certassay/certassay/internal/evidence"
)

// A holder completes the chains of servers that left out the issuer of their leaf
// with what other servers of the scan show.
type holder struct {
	aia  *aia.Collector
	pool *aia.Pool

	lacking bool // some subject had to wait
	early   int  // were judged before all others were seen, and lack it still
}

func newHolder(s *session) *holder {
	return &holder{aia: aia.New(aia.Options{Pool: &s.met, Known: s.knownIssuers}), pool: &s.met}
}

// Lacks implements [audit.Completer].
func (h *holder) Lacks(s *evidence.Subject) bool {
	return s.Kind == evidence.Endpoint && h.aia.Lacks(s)
}

// Note implements [audit.Completer].
func (h *holder) Note(s *evidence.Subject) { h.pool.Add(s) }

// Complete implements [audit.Completer].
func (h *holder) Complete(s *evidence.Subject, all bool) {
	h.lacking = true
	before := len(s.Fetches)
	h.aia.Ask(context.Background(), s)
	if !all && len(s.Fetches) == before {
		h.early++
	}
}

// sayHeld says what did not wait for all others: they may have shown what it lacks.
func (s *session) sayHeld() {
	if n := s.held.early; n > 0 {
		s.warn(fmt.Sprintf("%d servers left out the issuer of their certificate and were judged before all others were seen, for want of room", n),
			"scan fewer at once, or name the intermediates with --known")
	}
	if s.met.Full && s.held.lacking {
		s.warn("the servers showed more CA certificates than are remembered: chains may stay incomplete", "scan fewer at once, or name the intermediates with --known")
	}
}
