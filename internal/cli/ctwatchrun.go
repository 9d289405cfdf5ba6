package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/wholefile"
	"github.com/certassay/certassay/internal/notify"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/store"
	"github.com/certassay/certassay/internal/watch"
)

// A watchRun is one run of "ct watch".
type watchRun struct {
	command *command
	load    func() (*watchFlags, error) // reads flags and file anew
	plan    atomic.Pointer[watchPlan]   // in force
	taken   time.Time                   // when it was
	bell    notify.Bell
	store   *store.Store
	metrics metricsListener

	mu     sync.Mutex
	stderr io.Writer // guarded by mu
}

// warn writes a line for people.
func (w *watchRun) warn(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.stderr, "certassay: %s %s\n", audit.Now().Format(time.RFC3339), report.Escape(text))
}

func (w *watchRun) run(ctx context.Context) (err error) {
	plan := w.plan.Load()
	w.store, err = store.Open(ctx, plan.flags.cfg.State)
	if err != nil {
		return exit.Failed(err)
	}
	defer func() { err = closing(err, w.store.Close()) }()
	release, err := w.store.Hold(ctx, watchRole, os.Getpid(), audit.Now())
	if err != nil {
		return exit.Failed(err)
	}
	defer func() { err = closing(err, release()) }()
	courier, err := w.adopt(ctx, plan)
	switch {
	case err != nil:
		return exit.Failed(err)
	case plan.flags.once:
		return w.onlyOnce(ctx, courier)
	}
	return w.forever(ctx, courier)
}

// adopt puts a plan in force.
func (w *watchRun) adopt(ctx context.Context, plan *watchPlan) (*notify.Courier, error) {
	plan.options.Store = w.store
	now := audit.Now()
	err := w.store.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.SetWatched(plan.names, now), tx.SetConfiguration(store.Configuration{Taken: now}))
	})
	if err != nil {
		return nil, err
	}
	courier := &notify.Courier{Store: w.store, Receivers: plan.receivers, Now: audit.Now, Failed: func(name string, err error) {
		if err != nil {
			w.warn(fmt.Sprintf("%s cannot be told, and is tried again: %v", name, err))
		} else {
			w.warn(name + " can be told again")
		}
	}}
	dropped, err := courier.Register(ctx)
	if err != nil {
		return nil, err
	}
	if dropped > 0 {
		w.warn(fmt.Sprintf("%d notifications were dropped that waited for receivers that are not configured any more", dropped))
	}
	w.plan.Store(plan)
	w.taken = now
	return courier, nil
}

// closing adds an error of closing to one of the run.
func closing(err, closeErr error) error {
	if err == nil && closeErr != nil {
		return exit.Failed(closeErr)
	}
	return err
}

func (w *watchRun) onlyOnce(ctx context.Context, courier *notify.Courier) error {
	plan := w.plan.Load()
	targets, err := plan.flags.targets()
	if err != nil {
		return exit.Usage(err)
	}
	result, err := watch.New(plan.options).Once(ctx, targets)
	if err != nil && ctx.Err() == nil {
		return exit.Failed(err)
	}
	if _, err := courier.Flush(ctx); err != nil && ctx.Err() == nil {
		return exit.Failed(err)
	}
	if ctx.Err() != nil {
		return watchInterrupted()
	}
	health, err := w.health(ctx)
	if err == nil {
		err = w.writeMetrics(health)
	}
	switch {
	case err != nil:
		return exit.Failed(err)
	case result.Accused:
		return exit.With(exit.Findings, nil)
	case result.Failed > 0 || !health.Well():
		return exit.With(exit.Incomplete, hint.With(errors.New("not everything could be read, or told"), "--status shows what"))
	}
	return nil
}

// watchInterrupted is the exit after a signal.
func watchInterrupted() error {
	return exit.With(exit.Interrupted, hint.With(exit.ErrInterrupted, "the state is whole; the next run goes on from it"))
}

// metricsEvery is how often the file with metrics is written.
const metricsEvery = 30 * time.Second

// forever follows, delivers and answers until a signal or an error of the state,
// by one plan after the other.
func (w *watchRun) forever(ctx context.Context, courier *notify.Courier) error {
	if err := w.metrics.listen(ctx, w); err != nil {
		return exit.Failed(err)
	}
	var hangup <-chan os.Signal
	if f := w.plan.Load().flags; f.config != "" && w.command.Streams.Hangup != nil {
		signals, stop := w.command.Streams.Hangup()
		defer stop()
		hangup = signals
	}
	said := "following logs"
	for {
		plan := w.plan.Load()
		w.warn(fmt.Sprintf("%s (looked for: %s); the state is in %s", said, plan.following, w.store.Dir()))
		next, err := w.follow(ctx, plan, courier, hangup)
		switch {
		case err != nil:
			return err
		case next == nil:
			return watchInterrupted()
		}
		if courier, err = w.adopt(ctx, next); err != nil {
			if ctx.Err() != nil {
				return watchInterrupted()
			}
			return exit.Failed(err)
		}
		said = "the configuration was read again: following logs"
	}
}

// follow works by one plan until there is another one, which it gives, or ctx ends.
// Whatever it was at is begun again by the next: a position moves only together
// with what was found before it.
func (w *watchRun) follow(ctx context.Context, plan *watchPlan, courier *notify.Courier, hangup <-chan os.Signal) (*watchPlan, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wait sync.WaitGroup
	part := func(do func() error) {
		wait.Go(func() {
			if err := do(); err != nil {
				stop(exit.Failed(err))
			}
		})
	}
	part(func() error { return courier.Run(ctx, w.bell.Wait) })
	part(func() error { return watch.New(plan.options).Run(ctx, plan.flags.targets) })
	part(func() error { return w.keepMetrics(ctx) })
	next := w.await(ctx, plan, hangup)
	stop(nil)
	wait.Wait()
	var e *exit.Error
	if errors.As(context.Cause(ctx), &e) {
		return nil, e
	}
	return next, nil
}

// writeHealth answers for metrics.
func (w *watchRun) writeHealth(ctx context.Context, out io.Writer) error {
	health, err := w.health(ctx)
	if err != nil {
		return err
	}
	return health.WriteMetrics(out)
}

func (w *watchRun) health(ctx context.Context) (*watch.Health, error) {
	return watch.ReadHealth(ctx, w.store, audit.Now(), w.plan.Load().flags.cfg.Late)
}

// keepMetrics writes the file with metrics again and again. That it cannot be
// written is told and harms nothing else.
func (w *watchRun) keepMetrics(ctx context.Context) error {
	if w.plan.Load().flags.cfg.MetricsFile == "" {
		return nil
	}
	ticker := time.NewTicker(metricsEvery)
	defer ticker.Stop()
	for told := false; ctx.Err() == nil; {
		health, err := w.health(ctx)
		if err == nil {
			err = w.writeMetrics(health)
		}
		if err != nil && !told && ctx.Err() == nil {
			w.warn(err.Error())
		}
		told = err != nil
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	return nil
}

// writeMetrics replaces the file with metrics, where one is wanted.
func (w *watchRun) writeMetrics(health *watch.Health) error {
	path := w.plan.Load().flags.cfg.MetricsFile
	if path == "" {
		return nil
	}
	file, err := wholefile.Create(filepath.Clean(path))
	if err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	if err := health.WriteMetrics(file); err != nil {
		return fmt.Errorf("writing metrics: %w", errors.Join(err, file.Abandon()))
	}
	return file.Complete()
}
