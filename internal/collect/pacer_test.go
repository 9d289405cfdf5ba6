package collect

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	addrA = netip.MustParseAddr("192.0.2.1")
	addrB = netip.MustParseAddr("192.0.2.2")
)

func TestPacerHostConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(Limits{HostConcurrency: 2})
		var running, most atomic.Int64
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				release, err := p.Acquire(t.Context(), addrA)
				if err != nil {
					t.Error(err)
					return
				}
				n := running.Add(1)
				time.Sleep(100 * time.Microsecond)
				if n > most.Load() {
					most.Store(n)
				}
				running.Add(-1)
				release()
				release() // twice is harmless
			})
		}
		wg.Wait()
		if most.Load() != 2 {
			t.Errorf("%d connections at a time, want 2", most.Load())
		}
	})
}

func TestPacerOneHostDoesNotHoldAnother(t *testing.T) {
	p := NewPacer(Limits{HostConcurrency: 1})
	if _, err := p.Acquire(t.Context(), addrA); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := p.Acquire(ctx, addrA); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second connection to one host: %v, want the deadline", err)
	}
	if _, err := p.Acquire(t.Context(), addrB); err != nil {
		t.Errorf("connection to another host: %v", err)
	}
}

func TestPacerRates(t *testing.T) {
	tests := []struct {
		name   string
		limits Limits
		addr   func(i int) netip.Addr
		want   time.Duration // of eleven connections
	}{
		{"over all", Limits{Rate: 10}, func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) }, time.Second},
		{"of one host", Limits{HostRate: 10, HostConcurrency: 100}, func(int) netip.Addr { return addrA }, time.Second},
		{"of many hosts", Limits{HostRate: 10}, func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) }, 0},
		{"through a proxy", Limits{Rate: 10}, func(int) netip.Addr { return netip.Addr{} }, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, began := NewPacer(tt.limits), time.Now()
				for i := range 11 {
					release, err := p.Acquire(t.Context(), tt.addr(i))
					if err != nil {
						t.Fatal(err)
					}
					release()
				}
				if got := time.Since(began); (got - tt.want).Abs() > 10*time.Millisecond {
					t.Errorf("eleven connections took %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestPacerForgetsIdleHosts(t *testing.T) {
	p := NewPacer(Limits{})
	for i := range 100_000 {
		release, err := p.Acquire(t.Context(), netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	if n := len(p.hosts); n > 1024 {
		t.Errorf("%d hosts are remembered, want at most 1024", n)
	}
}

func TestRetry(t *testing.T) {
	flaky, final := errors.New("flaky"), errors.New("final")
	transient := func(err error) bool { return errors.Is(err, flaky) }
	tests := []struct {
		name   string
		limits Limits
		errs   []error // of the steps in turn; nil from then on
		steps  int
		want   error
		took   time.Duration
	}{
		{"success", Limits{}, nil, 1, nil, 0},
		{"second time", Limits{}, []error{flaky}, 2, nil, 250 * time.Millisecond},
		{"pauses double", Limits{}, []error{flaky, flaky}, 3, nil, 750 * time.Millisecond},
		{"gives up", Limits{}, []error{flaky, flaky, flaky, flaky}, 3, flaky, 750 * time.Millisecond},
		{"pauses are bounded", Limits{Retries: 4, MaxBackoff: 300 * time.Millisecond}, []error{flaky, flaky, flaky, flaky}, 5, nil, 1150 * time.Millisecond},
		{"not worth it", Limits{}, []error{final, nil}, 1, final, 0},
		{"never", Limits{Retries: -1}, []error{flaky}, 1, flaky, 0},
		{"budget of the run", Limits{Retries: 5, RetryBudget: 1}, []error{flaky, flaky, flaky}, 2, flaky, 250 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.limits.Jitter = func() float64 { return 0.5 }
				p, steps, began := NewPacer(tt.limits), 0, time.Now()
				err := p.Retry(t.Context(), transient, func() error {
					steps++
					if steps <= len(tt.errs) {
						return tt.errs[steps-1]
					}
					return nil
				})
				if !errors.Is(err, tt.want) || steps != tt.steps || time.Since(began) != tt.took {
					t.Errorf("Retry = %v after %d steps and %v, want %v, %d, %v", err, steps, time.Since(began), tt.want, tt.steps, tt.took)
				}
			})
		})
	}
}

func TestRetryEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	err := NewPacer(Limits{Backoff: time.Hour, MaxBackoff: time.Hour}).Retry(ctx, func(error) bool { return true }, func() error {
		steps++
		time.AfterFunc(5*time.Millisecond, cancel)
		return fmt.Errorf("step %d", steps)
	})
	if err == nil || err.Error() != "step 1" || steps != 1 {
		t.Errorf("Retry = %v after %d steps, want the error of the first", err, steps)
	}
}

func TestNilPacer(t *testing.T) {
	var p *Pacer
	release, err := p.Acquire(t.Context(), addrA)
	if err != nil {
		t.Fatal(err)
	}
	release()
	steps := 0
	if err := p.Retry(t.Context(), func(error) bool { return true }, func() error { steps++; return errors.ErrUnsupported }); err == nil || steps != 1 {
		t.Errorf("Retry = %v after %d steps, want one failure", err, steps)
	}
}
