package tlsdial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/certassay/certassay/internal/collect/ntske"
	"github.com/certassay/certassay/internal/collect/starttls"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// Collect looks at one target: at every address with AllAddresses, otherwise
// at the first that accepts a connection. It returns at least one subject;
// what could not be done is a Failure in it, never silence. It returns soon
// after ctx ends.
func (d *Dialer) Collect(ctx context.Context, t target.Target) []*evidence.Subject {
	if unspoken := d.unspoken(t); unspoken != nil {
		return unspoken
	}
	addrs, err := d.addresses(ctx, t)
	if err != nil {
		return []*evidence.Subject{d.failed(t, resolveFailure(err))}
	}
	return d.at(ctx, t, addrs)
}

// CollectAt is Collect at addresses that stand in for those of the target's
// host: where SRV records sent us. Overrides still win. With none it says that
// there is no address.
func (d *Dialer) CollectAt(ctx context.Context, t target.Target, addrs []netip.Addr) []*evidence.Subject {
	if unspoken := d.unspoken(t); unspoken != nil {
		return unspoken
	}
	if pinned := d.opts.Overrides[t.HostPort()]; len(pinned) > 0 {
		addrs = pinned
	}
	if len(addrs) == 0 {
		return []*evidence.Subject{d.failed(t, resolveFailure(fmt.Errorf("resolving %s: %w", t.Host, errNoAddress)))}
	}
	return d.at(ctx, t, addrs[:min(len(addrs), maxAddresses)])
}

// unspoken is the subject of a scheme that this version does not speak, nil
// where it does.
func (d *Dialer) unspoken(t target.Target) []*evidence.Subject {
	if s, ok := target.LookupScheme(t.Scheme); ok && (s.Implicit || starttls.Spoken(t.Scheme) || t.Scheme == schemeQUIC && d.proxy == nil) {
		return nil
	}
	if t.Scheme == schemeQUIC && d.proxy != nil {
		return []*evidence.Subject{d.failed(t, evidence.Failure{
			Stage: evidence.StageDial, Error: "QUIC does not go through this proxy: it carries TCP alone",
			Hint: "look at quic:// targets without --via, and at their https:// twins with it",
		})}
	}
	return []*evidence.Subject{d.failed(t, evidence.Failure{
		Stage: evidence.StageCollect,
		Error: t.Scheme + ":// is not spoken by this version",
		Hint:  "a port where TLS starts with the first byte can be looked at as tls://HOST:PORT",
	})}
}

// at looks at every address, or at the first that accepts a connection.
func (d *Dialer) at(ctx context.Context, t target.Target, addrs []netip.Addr) []*evidence.Subject {
	if d.opts.AllAddresses {
		var all []*evidence.Subject
		for _, addr := range addrs {
			all = append(all, d.first(ctx, t, []netip.Addr{addr})...)
		}
		return all
	}
	return d.first(ctx, t, addrs)
}

func (d *Dialer) failed(t target.Target, f evidence.Failure) *evidence.Subject {
	s := d.subject(t, netip.Addr{})
	s.Failures = []evidence.Failure{f}
	return s
}

// subject is the evidence of an address before anything is known.
func (d *Dialer) subject(t target.Target, addr netip.Addr) *evidence.Subject {
	s := &evidence.Subject{
		ID:       t.ID(),
		Kind:     evidence.Endpoint,
		Target:   t.Raw,
		Name:     t.Host,
		Protocol: t.Scheme,
		Vantage:  d.vantage,
		Seen:     time.Now().UTC(),
	}
	if addr.IsValid() {
		s.ID += "/" + addr.String()
		s.Address = netip.AddrPortFrom(addr, t.Port).String()
	}
	if d.proxy != nil {
		s.ID += "?via=" + d.vantage // else two vantages of one run had one name
	}
	return s
}

// first inspects the first of addrs that accepts a connection. Addresses that
// were passed over are not failures: a host without IPv6 meets one with every
// name. Further subjects are other answers of the same address.
func (d *Dialer) first(ctx context.Context, t target.Target, addrs []netip.Addr) []*evidence.Subject {
	s := &session{d: d, target: t, until: time.Now().Add(d.opts.Total)}
	if t.Scheme == schemeQUIC {
		return []*evidence.Subject{s.quic(ctx, addrs)}
	}
	var failures []evidence.Failure
	for _, s.addr = range addrs {
		conn, err := s.dial(ctx)
		if err == nil {
			subject := d.subject(t, s.addr)
			s.inspect(ctx, conn, subject)
			return append([]*evidence.Subject{subject}, s.further(ctx, subject)...)
		}
		failures = append(failures, dialFailure(err))
		if s.over(ctx) {
			break
		}
	}
	if len(addrs) > 1 {
		s.addr = netip.Addr{}
	}
	subject := d.subject(t, s.addr)
	subject.Failures = failures
	return []*evidence.Subject{subject}
}

// A session is all connections to one address for one target.
type session struct {
	d      *Dialer
	target target.Target
	addr   netip.Addr // zero where the proxy resolves
	// until is the end of Options.Total. Time spent waiting for other
	// connections is added to it: a busy run must not look like a slow server.
	until time.Time
	// began and connected are those of the connection dialled last.
	began     time.Time
	connected time.Duration
	dropped   int // certificates beyond the limit
	// probe is the probe that is being made; nil where it is none.
	probe *probe
}

var (
	errWaiting = errors.New("waiting for a turn to connect")
	errTotal   = errors.New("the time for this target is used up")
)

// over says that nothing more can be begun.
func (s *session) over(ctx context.Context) bool {
	return ctx.Err() != nil || !time.Now().Before(s.until)
}

// dial makes one connection within the limits of the run.
func (s *session) dial(ctx context.Context) (*recorder, error) {
	var conn net.Conn
	var release func()
	transient := transientDial
	if s.probe != nil && s.probe.connect != "" {
		transient = dropped // that the proxy finds no such name is what was to be expected
	}
	err := s.d.opts.Pacer.Retry(ctx, transient, func() (err error) {
		asked := time.Now()
		if release, err = s.d.opts.Pacer.Acquire(ctx, s.addr); err != nil {
			return fmt.Errorf("%w: %w", errWaiting, err)
		}
		if s.d.opts.Jump != nil {
			if err = s.d.opts.Jump.Ready(ctx); err != nil {
				release()
				return err
			}
		}
		s.began = time.Now()
		s.until = s.until.Add(s.began.Sub(asked))
		if conn, err = s.connect(ctx); err != nil {
			release()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("dialling %s: %w", s.remote(), err)
	}
	s.connected = time.Since(s.began)
	return newRecorder(conn, s.d.opts.MaxHandshakeBytes, release), nil
}

func (s *session) connect(ctx context.Context) (net.Conn, error) {
	left := s.until.Sub(s.began)
	if left <= 0 {
		return nil, errTotal
	}
	ctx, cancel := context.WithTimeout(ctx, min(left, s.d.opts.Dial))
	defer cancel()
	if s.d.proxy != nil {
		return s.d.proxy.DialContext(ctx, "tcp", s.remote())
	}
	// Not Dialer.DialTCP: a zero local address makes it bind, and then no two
	// connections, to whatever servers, can share a local port.
	return s.d.net.DialContext(ctx, "tcp", s.remote())
}

func (s *session) remote() string {
	host := s.target.Host
	switch {
	case s.probe != nil && s.probe.connect != "":
		host = s.probe.connect
	case s.addr.IsValid():
		host = s.addr.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(s.target.Port)))
}

func (s *session) serverName() string {
	if s.probe != nil {
		return s.probe.name
	}
	if s.d.opts.ServerName != "" {
		return sniFor(s.d.opts.ServerName)
	}
	return sniFor(s.target.Host)
}

func (s *session) alpn() []string {
	switch {
	case s.d.opts.ALPN != nil:
		return s.d.opts.ALPN
	case s.target.Scheme == "https":
		return []string{"h2", "http/1.1"}
	case s.target.Scheme == "nts":
		return []string{ntske.ALPN}
	case s.target.Scheme == "dot":
		return []string{"dot"} // RFC 7858, IANA registry
	}
	return nil
}

// inspect makes handshakes, one profile after the other, until one has told
// enough or none is left that could.
func (s *session) inspect(ctx context.Context, conn *recorder, subject *evidence.Subject) {
	profile := profileDefault
	if s.d.opts.Fast && !s.nts() { // which is TLS 1.3 and more than a handshake
		profile = profileFast
	}
	for {
		a := s.attempt(ctx, conn, profile)
		subject.Handshakes = append(subject.Handshakes, a.Handshake)
		if extends(a.Certificates, subject.Certificates) {
			subject.Certificates = a.Certificates
		}
		if profile = a.next(); profile == "" || s.over(ctx) {
			break
		}
		var err error
		if conn, err = s.dial(ctx); err != nil {
			f := dialFailure(err)
			h := s.handshake(profile)
			h.Elapsed, h.Failure = time.Since(s.began), &f
			subject.Handshakes = append(subject.Handshakes, h)
			break
		}
	}
	s.confirm(ctx, subject)
	subject.Seen = subject.Handshakes[0].Started
	subject.Failures = s.failures(subject.Handshakes)
}

// confirm sends the large ClientHello once more where it was dropped and a small
// one answered: a connection may be lost by chance, and a night of many targets
// loses some.
func (s *session) confirm(ctx context.Context, subject *evidence.Subject) {
	first, last := &subject.Handshakes[0], &subject.Handshakes[len(subject.Handshakes)-1]
	if first.Profile != profileDefault || !first.Reset || last.Profile != profileClassical || !last.Completed || s.over(ctx) {
		return
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return // nothing more is known than before
	}
	subject.Handshakes = append(subject.Handshakes, s.attempt(ctx, conn, profileDefault).Handshake)
}

// extends says that a chain is the other one and more: the first that was
// served, or the rest of one that was cut short.
func extends(chain, other []evidence.DER) bool {
	return len(chain) > len(other) && slices.EqualFunc(chain[:len(other)], other, func(a, b evidence.DER) bool { return bytes.Equal(a, b) })
}

// failures are those of a subject: nothing where any handshake proved that
// the certificates are the server's own, otherwise why each did not. A time
// server has to answer as one besides.
func (s *session) failures(handshakes []evidence.Handshake) (out []evidence.Failure) {
	if s.dropped > 0 {
		out = append(out, evidence.Failure{
			Stage: evidence.StageHandshake,
			Error: fmt.Sprintf("the server sent %d certificates beyond the first %d, which were not kept", s.dropped, s.d.opts.MaxCertificates),
			Hint:  "no honest chain is that long",
		})
	}
	for _, h := range handshakes {
		if h.NTS != nil && h.NTS.Failure != nil {
			out = append(out, *h.NTS.Failure)
		}
	}
	if slices.ContainsFunc(handshakes, func(h evidence.Handshake) bool { return h.Possession && (h.NTS != nil || !s.nts()) }) {
		return out
	}
	for _, h := range handshakes {
		if h.Failure != nil && !slices.Contains(out, *h.Failure) {
			out = append(out, *h.Failure)
		}
	}
	return out
}

func (s *session) handshake(profile string) evidence.Handshake {
	return evidence.Handshake{
		Profile:    profile,
		ServerName: s.serverName(),
		Address:    s.remote(),
		Started:    s.began.UTC(),
		Connect:    s.connected,
	}
}
