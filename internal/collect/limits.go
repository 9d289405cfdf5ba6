// Package collect runs collectors over many targets: so many at a time, so
// many connections a second, so many to one address, with retries that have a
// budget, and results in the order of the targets.
//
// # Design
//
// Results are streamed. A reorder window holds the finished results that wait
// for an earlier one: a slow target delays nobody until the window is full,
// and memory is that of the window whatever the number of targets. The
// alternative, to report in the order of finishing, would make two runs over
// the same hosts differ.
//
// Concurrency is counted in targets, by Run; rates and the number of
// connections to one host are counted where addresses are known, which is in
// the collectors: they ask a Pacer before each connection.
package collect

import (
	"math/rand/v2"
	"time"
)

// Limits bound what a run does to the network and to itself. The zero value of
// each field means its default.
type Limits struct {
	// Concurrency is the number of targets looked at at the same time.
	// Default 64.
	Concurrency int
	// Window is the number of targets between the oldest one that is not
	// delivered and the newest one that was started. It bounds memory.
	// Default 16 times Concurrency, and never less than Concurrency.
	Window int
	// Rate is the number of new connections a second over all targets.
	// Default 0: no limit but Concurrency.
	Rate float64
	// HostConcurrency is the number of connections to one IP address at the
	// same time: a thousand names on one server must not become a flood.
	// Default 8.
	HostConcurrency int
	// HostRate is the number of new connections a second to one IP address.
	// Default 0: no limit but HostConcurrency.
	HostRate float64
	// Retries is how often one step (resolving, dialling) is repeated after a
	// transient failure. Default 2; negative means never.
	Retries int
	// RetryBudget is the number of retries in the whole run. It keeps a
	// network that is down from costing three times the time. Default 10 000.
	RetryBudget int
	// Backoff is the mean pause before the first retry; it doubles with each
	// one up to MaxBackoff. Defaults 250 ms and 5 s.
	Backoff, MaxBackoff time.Duration
	// Jitter returns a number in [0, 1) that spreads the pauses. Several
	// goroutines call it. Default math/rand/v2.
	Jitter func() float64
}

func (l Limits) withDefaults() Limits {
	l.Concurrency = orDefault(l.Concurrency, 64)
	l.Window = max(orDefault(l.Window, 16*l.Concurrency), l.Concurrency)
	l.HostConcurrency = orDefault(l.HostConcurrency, 8)
	l.RetryBudget = orDefault(l.RetryBudget, 10_000)
	l.Backoff = orDefault(l.Backoff, 250*time.Millisecond)
	l.MaxBackoff = orDefault(l.MaxBackoff, 5*time.Second)
	switch {
	case l.Retries == 0:
		l.Retries = 2
	case l.Retries < 0:
		l.Retries = 0
	}
	if l.Jitter == nil {
		l.Jitter = rand.Float64
	}
	return l
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
