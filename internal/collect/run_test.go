package collect

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// hosts yields n targets whose port is their number from 1 on.
func hosts(n int) iter.Seq[target.Target] {
	return func(yield func(target.Target) bool) {
		for i := range n {
			if !yield(target.Target{Raw: "h", Scheme: "tls", Host: fmt.Sprintf("h%d", i+1), Port: uint16(i%65535 + 1)}) {
				return
			}
		}
	}
}

func subjectOf(t target.Target) []*evidence.Subject {
	return []*evidence.Subject{{ID: t.ID()}}
}

// run is Run with results that are subjects.
func run(ctx context.Context, targets iter.Seq[target.Target], limits Limits,
	work func(context.Context, target.Target) []*evidence.Subject, deliver func([]*evidence.Subject) error,
) error {
	lost := func(t target.Target, f evidence.Failure) []*evidence.Subject {
		return []*evidence.Subject{Failed(t, f)}
	}
	return Run(ctx, targets, limits, work, lost, deliver)
}

// settled fails the test when goroutines are left.
func settled(t *testing.T, before int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRunKeepsOrder(t *testing.T) {
	before := runtime.NumGoroutine()
	next := 1
	err := run(t.Context(), hosts(500), Limits{Concurrency: 8, Window: 32},
		func(_ context.Context, target target.Target) []*evidence.Subject {
			time.Sleep(time.Duration(target.Port%7) * 100 * time.Microsecond)
			return subjectOf(target)
		},
		func(s []*evidence.Subject) error {
			if want := fmt.Sprintf("tls://h%d:%d", next, next); s[0].ID != want {
				t.Errorf("delivered %s, want %s", s[0].ID, want)
			}
			next++
			return nil
		})
	if err != nil || next != 501 {
		t.Errorf("Run = %v after %d deliveries, want all 500", err, next-1)
	}
	settled(t, before)
}

func TestRunBoundsConcurrencyAndWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const concurrency, window = 4, 16
		var running, most, started atomic.Int64
		release := make(chan struct{})
		done := make(chan error)
		go func() {
			done <- run(t.Context(), hosts(1000), Limits{Concurrency: concurrency, Window: window},
				func(_ context.Context, target target.Target) []*evidence.Subject {
					started.Add(1)
					if n := running.Add(1); n > most.Load() {
						most.Store(n)
					}
					defer running.Add(-1)
					if target.Port == 1 {
						<-release // one slow target
					}
					return subjectOf(target)
				},
				func([]*evidence.Subject) error { return nil })
		}()
		// The others go on until the window is full, and no further.
		synctest.Wait()
		if n := started.Load(); n < window || n > window+1 {
			t.Errorf("%d targets were started behind a slow one, want %d, or one more", n, window)
		}
		close(release)
		if err := <-done; err != nil || started.Load() != 1000 {
			t.Errorf("Run = %v after %d targets", err, started.Load())
		}
		if most.Load() > concurrency {
			t.Errorf("%d at a time, want at most %d", most.Load(), concurrency)
		}
	})
}

func TestRunCancelDeliversWhatWasStarted(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	var started, delivered atomic.Int64
	err := run(ctx, hosts(1_000_000), Limits{Concurrency: 4},
		func(ctx context.Context, target target.Target) []*evidence.Subject {
			switch n := started.Add(1); {
			case n == 100:
				cancel()
			case n > 100: // however long the one before takes to cancel
				<-ctx.Done()
			}
			return subjectOf(target)
		},
		func([]*evidence.Subject) error {
			delivered.Add(1)
			return nil
		})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	if started.Load() != delivered.Load() || started.Load() > 200 {
		t.Errorf("%d started, %d delivered, want the same and little over 100", started.Load(), delivered.Load())
	}
	settled(t, before)
}

func TestRunStopsWhenDeliveryFails(t *testing.T) {
	before := runtime.NumGoroutine()
	full := errors.New("disk full")
	n := 0
	err := run(t.Context(), hosts(1_000_000), Limits{Concurrency: 4},
		func(_ context.Context, target target.Target) []*evidence.Subject { return subjectOf(target) },
		func([]*evidence.Subject) error {
			if n++; n == 10 {
				return full
			}
			return nil
		})
	if !errors.Is(err, full) || n != 10 {
		t.Errorf("Run = %v after %d deliveries, want %v after 10", err, n, full)
	}
	settled(t, before)
}

func TestRunSurvivesBadCollectors(t *testing.T) {
	var got []string
	err := run(t.Context(), hosts(3), Limits{Concurrency: 2},
		func(_ context.Context, target target.Target) []*evidence.Subject {
			if target.Port == 1 {
				panic("boom")
			}
			return subjectOf(target)
		},
		func(s []*evidence.Subject) error {
			text := s[0].ID
			for _, f := range s[0].Failures {
				text += " " + f.Stage + ": " + f.Error
			}
			got = append(got, text)
			return nil
		})
	want := "tls://h1:1 collect: the collector crashed: boom\ntls://h2:2\ntls://h3:3"
	if err != nil || strings.Join(got, "\n") != want {
		t.Errorf("Run = %v, delivered\n%s\nwant\n%s", err, strings.Join(got, "\n"), want)
	}
}

func TestRunMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	var peak uint64
	n := 0
	err := run(t.Context(), hosts(100_000), Limits{Concurrency: 32},
		func(_ context.Context, target target.Target) []*evidence.Subject {
			s := subjectOf(target)
			s[0].Certificates = []evidence.DER{make([]byte, 4096)}
			return s
		},
		func([]*evidence.Subject) error {
			if n++; n%20_000 == 0 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
			return nil
		})
	// All results together are 400 MB; the window holds 512 of 4 KB.
	if limit := uint64(32 << 20); err != nil || n != 100_000 || peak > limit {
		t.Errorf("Run = %v, %d delivered, heap %d bytes, want at most %d", err, n, peak, limit)
	}
}

// BenchmarkRun is the scheduler's own cost per target, 10 000 in a run.
func BenchmarkRun(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		err := run(b.Context(), hosts(n), Limits{},
			func(_ context.Context, t target.Target) []*evidence.Subject { return subjectOf(t) },
			func([]*evidence.Subject) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/target")
}
