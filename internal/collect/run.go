package collect

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// Run calls work for each target, Limits.Concurrency at a time, and hands the
// results to deliver from the calling goroutine, in the order of targets. What a
// result is belongs to the caller: evidence, or what was concluded from it.
//
// Each target that was started is delivered: for a work that panics, lost makes
// the result. work must return soon after its context is done.
//
// When ctx ends, Run starts nothing more, delivers what was started and
// returns the cause of ctx. When deliver fails, Run stops likewise, delivers
// nothing more and returns that error. No goroutine outlives Run.
func Run[R any](ctx context.Context, targets iter.Seq[target.Target], limits Limits,
	work func(context.Context, target.Target) R,
	lost func(target.Target, evidence.Failure) R,
	deliver func(R) error,
) error {
	limits = limits.withDefaults()
	inner, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer stop()

	started := make(chan *job[R])                // from feed to the workers
	inOrder := make(chan *job[R], limits.Window) // from feed to the delivery below
	workers.Go(func() { feed(inner, targets, started, inOrder) })
	for range limits.Concurrency {
		workers.Go(func() {
			for j := range started {
				j.result <- safely(inner, j.target, work, lost)
			}
		})
	}
	for j := range inOrder {
		result, ok := <-j.result
		if !ok {
			continue // interrupted before it was started
		}
		if err := deliver(result); err != nil {
			return fmt.Errorf("delivering results for %s: %w", j.target, err)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// A job is one target on its way through Run.
type job[R any] struct {
	target target.Target
	// result is buffered, and written once by the worker that took the job; it
	// is closed instead by feed where none did.
	result chan R
}

// feed gives each target its place in order, then a worker.
func feed[R any](ctx context.Context, targets iter.Seq[target.Target], started, inOrder chan<- *job[R]) {
	defer close(inOrder)
	defer close(started)
	for t := range targets {
		if ctx.Err() != nil {
			return
		}
		j := &job[R]{target: t, result: make(chan R, 1)}
		select {
		case inOrder <- j: // waits while the window is full
		case <-ctx.Done():
			return
		}
		select {
		case started <- j:
		case <-ctx.Done():
			close(j.result)
			return
		}
	}
}

// safely keeps one target that crashes its work from harming the others.
func safely[R any](ctx context.Context, t target.Target, work func(context.Context, target.Target) R,
	lost func(target.Target, evidence.Failure) R,
) (result R) {
	defer func() {
		if r := recover(); r != nil {
			result = lost(t, evidence.Failure{
				Stage: evidence.StageCollect, Error: fmt.Sprintf("the collector crashed: %v", r),
				Hint: "this is a bug of certassay; please report it",
			})
		}
	}()
	return work(ctx, t)
}

// Failed is a subject of which nothing is known but what failed.
func Failed(t target.Target, f evidence.Failure) *evidence.Subject {
	return &evidence.Subject{
		ID:       t.ID(),
		Kind:     evidence.Endpoint,
		Target:   t.Raw,
		Name:     t.Host,
		Protocol: t.Scheme,
		Failures: []evidence.Failure{f},
	}
}
