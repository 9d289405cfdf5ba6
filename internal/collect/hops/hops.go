// Package hops counts how many routers away somebody answers on a TCP port,
// without privileges: a connection whose packets may pass k routers at most (IP
// time to live, hop limit) comes about where whoever answers is no farther, and
// the smallest such k is the distance.
//
// Who answers for a port need not be who answers for another one of the same
// address. It is the genuine thing behind load balancers and port forwarding, and
// what somebody on the path is who takes the connections of one port to himself.
//
// It promises a number only where that held three times. Paths differ from connection to
// connection (several equal routes), so that distances of two ports mean something
// only where they are several apart. Nothing is sent over the connections.
package hops

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/certassay/certassay/internal/collect/neterr"
	"github.com/certassay/certassay/internal/evidence"
)

const (
	// most is the longest way that is counted; none on the Internet comes near.
	most = 64
	// Connections are made for one port at most: one to see whether it answers,
	// six to find the distance, four to see it again.
	maxConnections = 11
	// A try that gets no answer takes three round trips and a little, within
	// these bounds: routers need not say that they dropped a packet.
	leastTry, mostTry = 300 * time.Millisecond, 2 * time.Second
)

// ErrSystem says that distances cannot be counted on this system.
var ErrSystem = errors.New("hops are counted on Linux only")

// A Counter counts. The zero value counts nothing; see [New].
type Counter struct {
	// connect makes one connection whose packets pass ttl routers at most.
	connect func(ctx context.Context, to netip.AddrPort, ttl int) error
	// wait is called before each connection; see collect.Pacer.
	wait func(ctx context.Context, to netip.Addr) (release func(), err error)
	// try is the time for one connection.
	try time.Duration
}

// New gives a Counter. roundTrip is how long a connection to the address took;
// wait, where not nil, is called before each connection, and its release after.
func New(roundTrip time.Duration, wait func(context.Context, netip.Addr) (func(), error)) *Counter {
	if wait == nil {
		wait = func(context.Context, netip.Addr) (func(), error) { return func() {}, nil }
	}
	return &Counter{connect: connect, wait: wait, try: min(max(3*roundTrip+100*time.Millisecond, leastTry), mostTry)}
}

// connect is a connection of this machine's.
func connect(ctx context.Context, to netip.AddrPort, ttl int) error {
	d := net.Dialer{KeepAlive: -1, Control: func(network, _ string, raw syscall.RawConn) error { return limit(network, raw, ttl) }}
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// Count gives the distance of a port. ctx bounds it.
func (c *Counter) Count(ctx context.Context, to netip.AddrPort) evidence.Distance {
	m := &measurement{Counter: c, ctx: ctx, to: to}
	m.d = evidence.Distance{Address: to.String(), Started: time.Now().UTC()}
	if err := m.find(); err != nil {
		m.d.Hops = 0
		m.d.Failure = &evidence.Failure{Stage: evidence.StageDial, Error: fmt.Sprintf("counting hops to %s: %v", to, err)}
	}
	m.d.Elapsed = time.Since(m.d.Started)
	return m.d
}

// A measurement is that of one port.
type measurement struct {
	*Counter
	ctx context.Context
	to  netip.AddrPort
	d   evidence.Distance
}

var (
	errTime    = errors.New("the time for this address is used up")
	errSilent  = errors.New("the port does not answer")
	errChanges = errors.New("the distance is another with each connection: there are several paths, or several who answer")
)

// find halves the range until the distance is known, and looks again.
func (m *measurement) find() error {
	answer, err := m.reaches(most)
	if err != nil {
		return err
	}
	if answer == "" {
		return errSilent
	}
	m.d.Answer = answer
	near, far := 0, most // not there, there
	for far-near > 1 {
		middle := (near + far) / 2
		answer, err := m.reaches(middle)
		switch {
		case err != nil:
			return err
		case answer == "":
			near = middle
		case answer != m.d.Answer:
			return errChanges
		default:
			far = middle
		}
	}
	m.d.Hops = far
	for range 2 {
		if answer, err := m.reaches(far); err != nil || answer != m.d.Answer {
			return errors.Join(err, errChanges)
		}
	}
	for range min(2, 2*near) {
		if answer, err := m.reaches(near); err != nil || answer != "" {
			return errors.Join(err, errChanges)
		}
	}
	return nil
}

// reaches says who answered a connection with a limit: accepted, refused, or
// nobody. Its error says that this could not be found out.
func (m *measurement) reaches(ttl int) (string, error) {
	switch {
	case m.ctx.Err() != nil:
		return "", errTime
	case m.d.Connections == maxConnections:
		return "", errChanges
	}
	release, err := m.wait(m.ctx, m.to.Addr())
	if err != nil {
		return "", fmt.Errorf("waiting for a turn to connect: %w", err)
	}
	defer release()
	m.d.Connections++
	ctx, cancel := context.WithTimeout(m.ctx, m.try)
	defer cancel()
	err = m.connect(ctx, m.to, ttl)
	var network net.Error
	switch {
	case m.ctx.Err() != nil:
		return "", errTime
	case err == nil:
		return evidence.DistanceAccepted, nil
	case neterr.Refused(err):
		return evidence.DistanceRefused, nil
	case neterr.TimeExceeded(err), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "", nil
	}
	return "", err
}
