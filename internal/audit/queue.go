package audit

import (
	"context"
	"runtime"
	"sync"

	"github.com/certassay/certassay/internal/evidence"
)

// Limits on what waits for others in a scan: any of a million servers could leave out
// an issuer, and each could serve a chain of a megabyte.
const (
	maxWaiting      = 512
	maxWaitingBytes = 64 << 20
)

// A pair is a subject and what was concluded from it: nothing yet where it is held
// until others were collected.
type pair struct {
	evidence *evidence.Subject
	judged   Judged
	held     bool
}

// A queue delivers subjects in the order of the input, of which some wait for what
// others show.
type queue struct {
	a       *Auditor
	sink    Sink
	waiting []pair // the first of them is held
	bytes   int
}

// take delivers a subject, or lets it wait.
func (q *queue) take(ctx context.Context, p pair) error {
	if q.a.completer != nil {
		q.a.completer.Note(p.evidence)
	}
	if !p.held && len(q.waiting) == 0 {
		return q.deliver(p)
	}
	q.waiting = append(q.waiting, p)
	q.bytes += weight(p.evidence)
	if len(q.waiting) < maxWaiting && q.bytes < maxWaitingBytes {
		return nil
	}
	return q.release(ctx, false)
}

// release judges and delivers what waits, with what others showed so far.
func (q *queue) release(ctx context.Context, all bool) error {
	for _, p := range q.waiting {
		if p.held {
			q.a.completer.Complete(p.evidence, all)
		}
	}
	q.a.judgeHeld(ctx, q.waiting)
	for _, p := range q.waiting {
		if err := q.deliver(p); err != nil {
			return err
		}
	}
	q.waiting, q.bytes = nil, 0
	return nil
}

func (q *queue) deliver(p pair) error {
	q.a.collect(p.judged)
	return q.sink(p.evidence, p.judged)
}

// judgeHeld judges those that are held. When ctx is over, enrichers say that they
// could not ask.
func (a *Auditor) judgeHeld(ctx context.Context, pairs []pair) {
	atOnce := runtime.GOMAXPROCS(0)
	if len(a.enrichers) > 0 {
		atOnce = max(atOnce, enrichedAtOnce)
	}
	var workers sync.WaitGroup
	held := make(chan *pair)
	for range min(atOnce, len(pairs)) {
		workers.Go(func() {
			for p := range held {
				a.enrich(ctx, p.evidence)
				p.judged = a.Judge(p.evidence)
			}
		})
	}
	for i := range pairs {
		if pairs[i].held {
			held <- &pairs[i]
		}
	}
	close(held)
	workers.Wait()
}

// weight is about how many bytes a subject takes: handshakes share nothing where each
// was answered anew.
func weight(s *evidence.Subject) int {
	n := 1024
	count := func(ders []evidence.DER) {
		for _, der := range ders {
			n += len(der)
		}
	}
	count(s.Certificates)
	for _, list := range [][]evidence.Handshake{s.Handshakes, s.Probes} {
		for i := range list {
			count(list[i].Certificates)
			n += len(list[i].OCSP) + 512
		}
	}
	for i := range s.Fetches {
		n += len(s.Fetches[i].Body)
	}
	return n
}
