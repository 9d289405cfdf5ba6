package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/store"
)

// A Receiver is somebody who is told: see [NewWebhook], [NewCommand], [NewFile]
// and [NewStream].
type Receiver interface {
	// Name tells receivers apart, from one run to the next. It holds no secret.
	Name() string
	// most is how many notifications are handed over at once.
	most() int
	// deliver hands over notifications in order, the file of which holds
	// offset octets already. It gives how many were, and the new offset.
	deliver(ctx context.Context, offset int64, batch []store.Delivery) (done int, newOffset int64, err error)
}

// A delayError is a failure of a receiver that says when it can be asked again.
type delayError struct {
	error
	after time.Duration
}

func (e *delayError) Unwrap() error { return e.error }

// Bounds of the pause after a failure; it doubles from one to the other.
const (
	firstPause = time.Second
	lastPause  = 10 * time.Minute
)

// A Courier delivers what waits in a store. All fields but Failed are required.
type Courier struct {
	Store     *store.Store
	Receivers []Receiver
	// Now is the clock.
	Now func() time.Time
	// Failed is told when a receiver begins to fail, with the error, and with
	// nil when it works again. It may be called by several goroutines. Nil tells
	// nobody.
	Failed func(receiver string, err error)
}

// Register makes the receivers known to the store: from now on each is told what
// is found. What waited for those that are no longer among them is dropped; the
// number of that is given.
func (c *Courier) Register(ctx context.Context) (dropped int, err error) {
	names := make([]string, len(c.Receivers))
	for i, r := range c.Receivers {
		names[i] = r.Name()
	}
	err = c.Store.Update(ctx, func(tx *store.Tx) (err error) {
		dropped, err = tx.SetReceivers(names)
		return err
	})
	return dropped, err
}

// Run delivers until ctx ends. wake says that there may be something new. The
// error is that the store is damaged.
func (c *Courier) Run(ctx context.Context, wake func() <-chan struct{}) error {
	var wait sync.WaitGroup
	errs := make([]error, len(c.Receivers))
	for i, r := range c.Receivers {
		wait.Go(func() { errs[i] = c.serve(ctx, r, wake) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// serve delivers to one receiver.
func (c *Courier) serve(ctx context.Context, r Receiver, wake func() <-chan struct{}) error {
	failures := 0
	for {
		news := wake() // taken before the store is read, so that nothing is slept through
		if err := c.drain(ctx, r, &failures); err != nil {
			if ctx.Err() != nil || errors.Is(err, store.ErrCorrupt) {
				return unlessEnded(ctx, err)
			}
			// A full disk passes. What was delivered and could not be noted is
			// delivered again, under its id.
			if failures++; failures == 1 && c.Failed != nil {
				c.Failed(r.Name(), err)
			}
		}
		pause := time.Hour
		err := c.Store.View(ctx, func(tx *store.Tx) error {
			next, err := tx.Next(r.Name())
			if err == nil && !next.IsZero() {
				pause = max(0, next.Sub(c.Now()))
			}
			return err
		})
		if err != nil || ctx.Err() != nil {
			return unlessEnded(ctx, err)
		}
		if failures > 0 { // also for those that were never tried
			pause = max(pause, c.pause(failures))
			news = nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-news:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// unlessEnded passes an error on that is not one of being ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // being ended is no failure
	}
	return err
}

// Flush tries once to deliver what is due, and gives how much waits still.
func (c *Courier) Flush(ctx context.Context) (waiting int, err error) {
	var errs []error
	for _, r := range c.Receivers {
		failures := 0
		errs = append(errs, c.drain(ctx, r, &failures))
	}
	errs = append(errs, c.Store.View(ctx, func(tx *store.Tx) error {
		boxes, err := tx.Outboxes()
		for _, b := range boxes {
			waiting += b.Waiting
		}
		return err
	}))
	return waiting, errors.Join(errs...)
}

// drain delivers what is due, until a delivery fails or nothing is left. The
// error is one of the store.
func (c *Courier) drain(ctx context.Context, r Receiver, failures *int) error {
	for ctx.Err() == nil {
		var batch []store.Delivery
		var offset int64
		err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
			due := c.Now()
			if r.most() > 1 {
				// A file: the lines keep their order, also where the first
				// one failed, or a crash could not be recognised.
				due = time.Time{}
			}
			if batch, err = tx.Waiting(r.Name(), due, r.most()); err != nil || len(batch) == 0 {
				return err
			}
			offset, err = tx.Offset(r.Name())
			return err
		})
		if err != nil || len(batch) == 0 {
			return err
		}
		done, newOffset, sendErr := r.deliver(ctx, offset, batch)
		if sendErr != nil && ctx.Err() != nil && done == 0 {
			return nil // the delivery was broken off: no fault of the receiver
		}
		if sendErr != nil {
			*failures++
		}
		// What was delivered is noted even when the program is to end.
		if err := c.note(context.WithoutCancel(ctx), r, batch, done, offset, newOffset, sendErr, *failures); err != nil {
			return err
		}
		if sendErr != nil {
			if *failures == 1 && c.Failed != nil {
				c.Failed(r.Name(), sendErr)
			}
			return nil
		}
		if *failures > 0 && c.Failed != nil {
			c.Failed(r.Name(), nil)
		}
		*failures = 0
	}
	return nil
}

// note writes down what became of a batch.
func (c *Courier) note(ctx context.Context, r Receiver, batch []store.Delivery, done int, offset, newOffset int64, failure error, failures int) error {
	return c.Store.Update(ctx, func(tx *store.Tx) error {
		var numbers []int64
		for _, d := range batch[:done] {
			numbers = append(numbers, d.Number)
		}
		err := tx.Delivered(r.Name(), numbers...)
		if newOffset != offset {
			err = errors.Join(err, tx.SetOffset(r.Name(), newOffset))
		}
		if failure != nil && done < len(batch) {
			d := &batch[done]
			pause := max(c.pause(max(d.Tries+1, failures)), retryAfter(failure))
			err = errors.Join(err, tx.Delay(r.Name(), d.Number, c.Now().Add(pause), cut(failure.Error())))
		}
		return err
	})
}

// pause is how long to wait after so many failures: twice as long after each, and
// never the same, so that many watchers do not come back together.
func (c *Courier) pause(failures int) time.Duration {
	d := lastPause
	if n := failures - 1; n < 10 {
		d = min(d, firstPause<<max(n, 0))
	}
	return time.Duration((0.5 + rand.Float64()/2) * float64(d))
}

func retryAfter(err error) time.Duration {
	var d *delayError
	if errors.As(err, &d) {
		return min(d.after, lastPause)
	}
	return 0
}

// cut bounds what is kept of an error that may quote a receiver.
func cut(s string) string {
	const longest = 1000
	if len(s) > longest {
		return fmt.Sprintf("%s… (%d bytes)", s[:longest], len(s))
	}
	return s
}

// A Bell wakes couriers. The zero value is ready.
type Bell struct {
	mu    sync.Mutex
	rings chan struct{} // closed by the next ring; guarded by mu
}

// Ring wakes all who wait.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rings != nil {
		close(b.rings)
		b.rings = nil
	}
}

// Wait gives a channel that the next ring closes; see [Courier.Run].
func (b *Bell) Wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rings == nil {
		b.rings = make(chan struct{})
	}
	return b.rings
}
