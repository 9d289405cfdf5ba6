package collect

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// Run calls collect for each target, Limits.Concurrency at a time, and hands
// the results to deliver from the calling goroutine, in the order of targets.
//
// Each target that was started is delivered with at least one subject: a
// collect that panics or returns nothing gives one that says so. collect must
// return soon after its context is done.
//
// When ctx ends, Run starts nothing more, delivers what was started and
// returns the cause of ctx. When deliver fails, Run stops likewise, delivers
// nothing more and returns that error. No goroutine outlives Run.
func Run(ctx context.Context, targets iter.Seq[target.Target], limits Limits,
	collect func(context.Context, target.Target) []*evidence.Subject,
	deliver func([]*evidence.Subject) error,
) error {
	limits = limits.withDefaults()
	inner, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer stop()

	started := make(chan *job)                // from feed to the workers
	inOrder := make(chan *job, limits.Window) // from feed to the delivery below
	workers.Go(func() { feed(inner, targets, started, inOrder) })
	for range limits.Concurrency {
		workers.Go(func() {
			for j := range started {
				j.result <- safely(inner, j.target, collect)
			}
		})
	}
	for j := range inOrder {
		subjects, ok := <-j.result
		if !ok {
			continue // interrupted before it was started
		}
		if err := deliver(subjects); err != nil {
			return fmt.Errorf("delivering results for %s: %w", j.target, err)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// A job is one target on its way through Run.
type job struct {
	target target.Target
	// result is buffered, and written once by the worker that took the job; it
	// is closed instead by feed where none did.
	result chan []*evidence.Subject
}

// feed gives each target its place in order, then a worker.
func feed(ctx context.Context, targets iter.Seq[target.Target], started, inOrder chan<- *job) {
	defer close(inOrder)
	defer close(started)
	for t := range targets {
		if ctx.Err() != nil {
			return
		}
		j := &job{target: t, result: make(chan []*evidence.Subject, 1)}
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

// safely keeps one target that crashes a collector from harming the others.
func safely(ctx context.Context, t target.Target, collect func(context.Context, target.Target) []*evidence.Subject) (subjects []*evidence.Subject) {
	defer func() {
		if r := recover(); r != nil {
			subjects = []*evidence.Subject{failed(t, fmt.Sprintf("the collector crashed: %v", r), "this is a bug of certassay; please report it")}
		}
	}()
	subjects = collect(ctx, t)
	if len(subjects) == 0 {
		return []*evidence.Subject{failed(t, "the collector returned nothing", "this is a bug of certassay; please report it")}
	}
	return subjects
}

func failed(t target.Target, problem, hint string) *evidence.Subject {
	return &evidence.Subject{
		ID:       t.ID(),
		Kind:     evidence.Endpoint,
		Target:   t.Raw,
		Name:     t.Host,
		Protocol: t.Scheme,
		Failures: []evidence.Failure{{Stage: evidence.StageCollect, Error: problem, Hint: hint}},
	}
}
