// Package tlsdial connects to servers that speak TLS, from the first byte or
// after a preamble of package starttls, and keeps everything they serve:
// certificates byte for byte and in order, whether or not any parser accepts
// them and whether or not the handshake completes. It judges nothing.
//
// # Design
//
// The main path is crypto/tls over a connection that records what the server
// sends. crypto/tls forgets a certificate that it cannot parse; the recording,
// decrypted for TLS 1.3 with the handshake secret from the key log, still has
// it. Where crypto/tls gets nowhere a ClientHello of our own takes over, which
// offers what no library does and stops at the server's key exchange: its
// signature proves that the server holds the key, and nothing more is needed
// of the handshake. zcrypto's client is used for one thing only, to complete a
// DHE handshake whose signature we cannot check, and behind a screen, because
// its parser can be made to compute for minutes and to panic.
//
// The alternatives that were measured: zcrypto for everything costs four times
// the CPU and verifies hostile signatures while parsing; aborting crypto/tls in
// VerifyPeerCertificate loses unparsable certificates and proves no possession.
package tlsdial

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/collect/sshjump"
)

// Limits that are not options: nothing honest comes near them.
const (
	// maxAddresses bounds the addresses of one name that are looked at: a DNS
	// answer can hold thousands.
	maxAddresses = 64
	// maxRSABits bounds the modulus under which a signature is checked here:
	// cost grows with the square. crypto/tls has the same bound.
	maxRSABits = 8192
)

// Options say how to connect. The zero value is useful: each field's default
// is what it then means.
type Options struct {
	// Resolve is the time for one DNS lookup. Default 5 s.
	Resolve time.Duration
	// Dial is the time for one TCP connection, proxy included. Default 5 s, and
	// at most a third of Total.
	Dial time.Duration
	// Handshake is the time for one TLS handshake, and as much again for the
	// preamble before it; a server that sends one byte a second is cut off
	// here. Default 10 s, and at most a third of Total.
	Handshake time.Duration
	// Total is the time for all that is done with one address: up to five
	// connections with different ClientHellos, and as much again for EveryHello
	// and ProbePath. Time that the Pacer takes does not count. Default 30 s.
	Total time.Duration

	// ServerName is sent as SNI instead of the target's host. It changes only
	// what is sent; what certificates are judged against is another matter.
	ServerName string
	// Overrides are addresses that stand in for DNS, by "host:port" as in
	// target.Target.HostPort; ParseOverride reads the command line's form.
	Overrides map[string][]netip.Addr
	// AllAddresses looks at every address of a name, one subject each, instead
	// of at the first that accepts a connection. DNS is then asked here even
	// when Via is set.
	AllAddresses bool
	// Via is the proxy to dial through: socks5:// (socks5h:// is the same: the
	// proxy resolves names), http:// or https:// (CONNECT), with user and
	// password where it wants them. It is never taken from the environment.
	// Default nil: direct, or through Jump.
	Via *url.URL
	// Jump is the SSH server to dial from, in place of Via. Who made it closes it.
	// Default nil: none.
	Jump *sshjump.Proxy
	// ProxyRoots are the anchors for an https:// proxy. Default nil: the
	// system's.
	ProxyRoots *x509.CertPool

	// EveryHello makes further handshakes with other ClientHellos, five at most,
	// so that every certificate the server holds is seen; each other leaf that is
	// for the name becomes a subject of its own. Not for QUIC.
	EveryHello bool
	// ProbePath makes further handshakes, four at most, that show whether
	// somebody makes certificates on demand: with invented names, with none, and
	// with the same name once more. A proxy is besides asked to connect to
	// invented names, and to the name where it was asked for the address: three
	// more. Not for QUIC.
	ProbePath bool
	// ComparePorts are TCP ports of the same address. With ProbePath, and without a
	// proxy, it is counted how many routers away they answer, and the port of the
	// target does; four of them are looked at, with eleven connections each at
	// most. Default 80 and 1.
	ComparePorts []uint16

	// Fast tries our own TLS 1.2 ClientHello first and stops when the server
	// has proven that it holds the key: half the CPU, but no TLS 1.3 and no
	// completed handshake. Servers that will not are taken the normal way.
	Fast bool
	// ALPN is what is offered. Default nil: "h2" and "http/1.1" for https,
	// "ntske/1" for nts, "dot" for dot, nothing for other schemes. Empty but not nil: nothing.
	ALPN []string

	// MaxHandshakeBytes bounds what is read and kept of one handshake: a
	// server can send without end. Default 1 MiB.
	MaxHandshakeBytes int
	// MaxCertificates bounds the certificates kept of one chain; a Failure
	// tells when there were more. Default 256.
	MaxCertificates int

	// Pacer holds connections to the limits of the run. Default nil: no limit
	// and no retries.
	Pacer *collect.Pacer
	// Resolver asks DNS. Default net.DefaultResolver.
	Resolver interface {
		LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	}
}

// A Dialer collects from one vantage. It is safe for use by several goroutines.
type Dialer struct {
	opts    Options
	vantage string
	proxy   contextDialer // nil for a direct connection
	net     net.Dialer
	configs configs
}

// New checks the options and returns a Dialer. Nothing is contacted.
func New(opts Options) (*Dialer, error) {
	d := &Dialer{opts: opts.withDefaults(), vantage: "direct", configs: newConfigs()}
	// No keep-alive: connections live for milliseconds.
	d.net = net.Dialer{Timeout: d.opts.Dial, KeepAliveConfig: net.KeepAliveConfig{Enable: false}, KeepAlive: -1}
	if len(opts.ServerName) > 255 {
		return nil, errors.New("server name is longer than 255 bytes")
	}
	for _, p := range opts.ALPN {
		if p == "" || len(p) > 255 {
			return nil, fmt.Errorf("ALPN protocol %q is empty or longer than 255 bytes", p)
		}
	}
	switch {
	case opts.Via != nil && opts.Jump != nil:
		return nil, errors.New("one vantage is either a proxy or an SSH server")
	case opts.Jump != nil:
		d.proxy, d.vantage = opts.Jump, opts.Jump.Name()
	case opts.Via != nil:
		var err error
		if d.proxy, d.vantage, err = newProxy(d.opts, &d.net); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Vantage is "direct", or the proxy without its credentials.
func (d *Dialer) Vantage() string { return d.vantage }

func (o Options) withDefaults() Options {
	o.Resolve = orDefault(o.Resolve, 5*time.Second)
	o.Total = orDefault(o.Total, 30*time.Second)
	o.Dial = orDefault(o.Dial, min(5*time.Second, o.Total/3))
	o.Handshake = orDefault(o.Handshake, min(10*time.Second, o.Total/3))
	o.MaxHandshakeBytes = orDefault(o.MaxHandshakeBytes, 1<<20)
	o.MaxCertificates = orDefault(o.MaxCertificates, 256)
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	return o
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
