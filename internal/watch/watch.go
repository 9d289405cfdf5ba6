package watch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
)

// A Watcher follows logs; see [New].
type Watcher struct{ Options }

// New makes a Watcher.
func New(o Options) *Watcher { return &Watcher{o.withDefaults()} }

// reloadEvery is how often the list of logs is looked at.
const reloadEvery = time.Minute

// Run follows logs until ctx ends. targets is asked for them at the start, and
// again every minute: a log that is new is begun, one that is gone is left, one
// that moved or is described anew is opened anew; where it fails the logs stay as they are. The error is
// that of the store, or of targets at the start.
func (w *Watcher) Run(ctx context.Context, targets func() ([]Target, error)) error {
	first, err := targets()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	g := &group{watcher: w, stop: stop, running: map[[32]byte]*running{}}
	g.set(ctx, first)
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			if next, err := targets(); err != nil {
				w.Warn(fmt.Sprintf("the list of logs stays as it was: %v", err))
			} else {
				g.set(ctx, next)
			}
		}
	}
	g.wait.Wait()
	var fatal *fatalError
	if errors.As(context.Cause(ctx), &fatal) {
		return fatal.error
	}
	return nil
}

// A group is the logs that are followed.
type group struct {
	watcher *Watcher
	stop    context.CancelCauseFunc
	wait    sync.WaitGroup
	running map[[32]byte]*running
}

type running struct {
	address string
	version string
	stop    context.CancelFunc
	ended   chan struct{}
}

// set makes the logs that are followed these ones.
func (g *group) set(ctx context.Context, targets []Target) {
	wanted := map[[32]byte]bool{}
	for _, t := range targets {
		wanted[t.ID] = true
		old := g.running[t.ID]
		if old != nil && old.address == t.Address && old.version == t.Version {
			continue
		}
		r := &running{address: t.Address, version: t.Version, ended: make(chan struct{})}
		if old != nil {
			what := "is described anew by the list of logs"
			if old.address != t.Address {
				what = "moved to " + t.Address
			}
			g.watcher.Warn(fmt.Sprintf("%s %s", t.Name, what))
			old.stop()
			<-old.ended // a position has one who moves it
		}
		var follow context.Context
		follow, r.stop = context.WithCancel(ctx)
		g.running[t.ID] = r
		g.wait.Go(func() {
			defer close(r.ended)
			defer r.stop()
			g.watcher.follow(follow, t, g.stop)
		})
	}
	for id, r := range g.running {
		if !wanted[id] {
			g.watcher.Warn(fmt.Sprintf("the log at %s is not followed any more; its state is kept", r.address))
			r.stop()
			delete(g.running, id)
		}
	}
}

// follow does round after round.
func (w *Watcher) follow(ctx context.Context, t Target, stop context.CancelCauseFunc) {
	f := &follower{Watcher: w, target: t}
	for {
		err := f.round(ctx)
		var fatal *fatalError
		if errors.As(err, &fatal) {
			stop(fatal)
		}
		timer := time.NewTimer(f.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// A Result is what became of one round over all logs.
type Result struct {
	// Failed are the logs that were not brought up to date.
	Failed int
	// Accused says that a log contradicts what it signed, or showed a head that it
	// did not sign.
	Accused bool
}

// Once does one round of every log, several at a time, and reads partial tiles at
// once. The error is that of the store.
func (w *Watcher) Once(ctx context.Context, targets []Target) (Result, error) {
	const atOnce = 16
	once := &Watcher{w.Options}
	once.Partial = -1
	slots := make(chan struct{}, atOnce)
	errs := make([]error, len(targets))
	var wait sync.WaitGroup
	for i, t := range targets {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = (&follower{Watcher: once, target: t}).round(ctx)
		})
	}
	wait.Wait()
	var result Result
	for _, err := range errs {
		var fatal *fatalError
		if errors.As(err, &fatal) {
			return result, fatal.error
		}
		if err != nil {
			result.Failed++
		}
		result.Accused = result.Accused || errors.As(err, new(*ctlog.Contradiction)) || errors.As(err, new(*ct.UnsignedHead))
	}
	return result, nil
}
