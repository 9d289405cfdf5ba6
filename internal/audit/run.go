package audit

import (
	"cmp"
	"context"
	"iter"
	"runtime"
	"sync"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// A Collector takes evidence of one target: at least one subject, which may hold
// nothing but what failed.
type Collector func(context.Context, target.Target) []*evidence.Subject

// An Enricher adds to collected evidence what third parties say of it, before it
// is judged: DNS answers, OCSP responses. It has no say in the verdict, is called
// from several goroutines, and returns soon after its context is done. What it
// could not get it says in the evidence.
type Enricher func(context.Context, *evidence.Subject)

// A Completer completes the chains of servers that left out an issuer with what
// other servers of the run show: so the answer does not depend on their order.
type Completer interface {
	// Lacks says that a subject is to wait for what others show. It is called from
	// several goroutines.
	Lacks(*evidence.Subject) bool
	// Note takes notice of a subject that was collected, one after the other.
	Note(*evidence.Subject)
	// Complete adds to a subject what those noted so far showed, and contacts nobody.
	// It is not called at the same time as Note. all says that these were all of the
	// run.
	Complete(s *evidence.Subject, all bool)
}

// enrich has every enricher add its part.
func (a *Auditor) enrich(ctx context.Context, s *evidence.Subject) {
	for _, add := range a.enrichers {
		add(ctx, s)
	}
}

// A Sink takes judged subjects, one after the other in the order of the input.
type Sink func(*evidence.Subject, Judged) error

// Scan collects evidence of every target through every collector, which stands
// for one vantage each, and judges it as it comes. One slow or hostile target
// never holds up the others. When ctx ends, what was started is still delivered,
// and the cause of ctx returned. A subject that waits for others, see [Completer],
// holds up what is behind it in the order of the input, as far as there is room.
func (a *Auditor) Scan(ctx context.Context, targets iter.Seq[target.Target], vantages []Collector, limits collect.Limits, sink Sink) error {
	work := func(ctx context.Context, t target.Target) []pair {
		var out []pair
		for _, vantage := range vantages {
			subjects := vantage(ctx, t)
			if len(subjects) == 0 {
				subjects = []*evidence.Subject{collect.Failed(t, evidence.Failure{
					Stage: evidence.StageCollect, Error: "the collector returned nothing", Hint: "this is a bug of certassay; please report it",
				})}
			}
			for _, s := range subjects {
				if a.completer != nil && a.completer.Lacks(s) {
					out = append(out, pair{evidence: s, held: true})
					continue
				}
				a.enrich(ctx, s)
				out = append(out, pair{evidence: s, judged: a.Judge(s)})
			}
		}
		return out
	}
	lost := func(t target.Target, f evidence.Failure) []pair {
		s := collect.Failed(t, f)
		return []pair{{evidence: s, judged: a.Judge(s)}}
	}
	line := queue{a: a, sink: sink}
	err := collect.Run(ctx, targets, limits, work, lost, func(pairs []pair) error {
		for _, p := range pairs {
			if err := line.take(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return err // the sink takes no more
	}
	return cmp.Or(line.release(ctx, true), err)
}

// collect adds the certificates of a subject to those that [Auditor.Conclude]
// compares, in the order of the input.
func (a *Auditor) collect(j Judged) {
	for _, m := range j.members {
		a.set.Add(m)
	}
	if j.Answer != nil {
		a.answers.Add(*j.Answer)
	}
}

// enrichedAtOnce is how many subjects of a check are enriched at the same time:
// enrichers wait for others most of the time.
const enrichedAtOnce = 16

// Check judges evidence that is at hand, in order, on all processors.
func (a *Auditor) Check(ctx context.Context, subjects iter.Seq[*evidence.Subject], sink Sink) error {
	ctx, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer stop()

	type job struct {
		subject *evidence.Subject
		judged  chan Judged
	}
	jobs := make(chan job)
	inOrder := make(chan job, 4*runtime.GOMAXPROCS(0))
	workers.Go(func() {
		defer close(inOrder)
		defer close(jobs)
		for s := range subjects {
			j := job{s, make(chan Judged, 1)}
			for _, queue := range []chan job{inOrder, jobs} {
				select {
				case queue <- j:
				case <-ctx.Done():
					close(j.judged)
					return
				}
			}
		}
	})
	workersAtOnce := runtime.GOMAXPROCS(0)
	if len(a.enrichers) > 0 {
		workersAtOnce = max(workersAtOnce, enrichedAtOnce)
	}
	for range workersAtOnce {
		workers.Go(func() {
			for j := range jobs {
				a.enrich(ctx, j.subject)
				j.judged <- a.Judge(j.subject)
			}
		})
	}
	for j := range inOrder {
		judged, ok := <-j.judged
		if !ok {
			break
		}
		a.collect(judged)
		if err := sink(j.subject, judged); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
