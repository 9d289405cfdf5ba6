package collect

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// A Pacer holds collectors to the rates, the connections per host and the
// retries of one run. All collectors of a run share one. A nil Pacer limits
// nothing and never retries.
type Pacer struct {
	limits  Limits
	global  *rate.Limiter
	retries atomic.Int64 // left in the run's budget

	mu    sync.Mutex
	hosts map[netip.Addr]*host // guarded by mu
	sweep int                  // guarded by mu: size of hosts at which to sweep
}

// A host counts the connections to one address.
type host struct {
	slots chan struct{}
	users int       // guarded by Pacer.mu: those that hold or wait for a slot
	next  time.Time // guarded by Pacer.mu: when HostRate allows a connection
}

// NewPacer returns a Pacer for one run under the given limits.
func NewPacer(limits Limits) *Pacer {
	limits = limits.withDefaults()
	p := &Pacer{limits: limits, hosts: make(map[netip.Addr]*host), sweep: 1024}
	p.retries.Store(int64(limits.RetryBudget))
	if limits.Rate > 0 {
		// A tenth of a second's worth may go at once, no more.
		p.global = rate.NewLimiter(rate.Limit(limits.Rate), max(1, int(limits.Rate/10)))
	}
	return p
}

// Acquire waits until a connection to addr may be made, and returns what to
// call once it is closed. The zero address, for what a proxy resolves, counts
// for the global rate only. It fails when ctx ends first.
func (p *Pacer) Acquire(ctx context.Context, addr netip.Addr) (release func(), err error) {
	if p == nil {
		return func() {}, nil
	}
	release = func() {}
	if addr.IsValid() {
		if release, err = p.acquireHost(ctx, addr); err != nil {
			return nil, err
		}
	}
	if p.global != nil {
		if err := p.global.Wait(ctx); err != nil {
			release()
			return nil, fmt.Errorf("waiting for the connection rate: %w", err)
		}
	}
	return release, nil
}

func (p *Pacer) acquireHost(ctx context.Context, addr netip.Addr) (func(), error) {
	h := p.enter(addr)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		p.leave(h)
		return nil, fmt.Errorf("waiting for other connections to %s: %w", addr, ctx.Err())
	}
	release := sync.OnceFunc(func() {
		<-h.slots
		p.leave(h)
	})
	if err := sleep(ctx, p.turn(h)); err != nil {
		release()
		return nil, fmt.Errorf("waiting for the connection rate of %s: %w", addr, err)
	}
	return release, nil
}

func (p *Pacer) enter(addr netip.Addr) *host {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[addr]
	if h == nil {
		p.forget()
		h = &host{slots: make(chan struct{}, p.limits.HostConcurrency)}
		p.hosts[addr] = h
	}
	h.users++
	return h
}

// turn reserves the next moment at which HostRate allows a connection.
func (p *Pacer) turn(h *host) time.Duration {
	if p.limits.HostRate <= 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if h.next.Before(now) {
		h.next = now
	}
	wait := h.next.Sub(now)
	h.next = h.next.Add(time.Duration(float64(time.Second) / p.limits.HostRate))
	return wait
}

func (p *Pacer) leave(h *host) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.users--
}

// forget drops idle hosts whenever their number has doubled, so that memory
// follows the connections and not the targets. The caller holds p.mu.
func (p *Pacer) forget() {
	if len(p.hosts) < p.sweep {
		return
	}
	now := time.Now()
	for addr, h := range p.hosts {
		if h.users == 0 && !h.next.After(now) {
			delete(p.hosts, addr)
		}
	}
	p.sweep = max(1024, 2*len(p.hosts))
}

// Retry calls step until it succeeds, fails for good, or has used up the
// retries of one step or of the run. A failure is worth a retry when
// transient says so. It returns the last error of step.
func (p *Pacer) Retry(ctx context.Context, transient func(error) bool, step func() error) error {
	err := step()
	if p == nil {
		return err
	}
	pause := p.limits.Backoff
	for range p.limits.Retries {
		if err == nil || !transient(err) || ctx.Err() != nil || p.retries.Add(-1) < 0 {
			return err
		}
		// Full jitter around the mean: half to one and a half of the pause.
		if sleep(ctx, time.Duration((0.5+p.limits.Jitter())*float64(pause))) != nil {
			return err
		}
		pause = min(2*pause, p.limits.MaxBackoff)
		err = step()
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
