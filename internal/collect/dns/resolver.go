// Package dns asks a resolver for the records that say who may issue for a name
// and which certificates a server may show, and keeps the answers as evidence,
// byte for byte. It interprets no more of them than the next question needs.
//
// # What an answer is worth
//
// Validation is left to the resolver: a stub that walks the chain of signatures
// itself would be a second resolver. Its word that it validated (the AD bit, RFC
// 6840 section 5.7) is asked for, and worth something only where nobody on the
// network can put it there: each answer says whether the resolver runs on this
// machine. An answer with an error code, and one that did not come, is a failure
// and never "no such record".
package dns

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Limits, with the attack that each one stops.
const (
	// maxDatagram is what a datagram may hold: larger ones would be fragmented,
	// and a fragment can be forged by somebody who sees nothing (RFC 9715).
	maxDatagram = 1232
	// maxStray is how many datagrams that answer another question are passed
	// over: a flood of them would keep us busy until the deadline.
	maxStray = 32
	// maxClimb is how many names CAA is asked of for one domain: a certificate
	// can hold a name of 127 labels.
	maxClimb = 20
	// maxDomains is how many names of one certificate CAA is asked for: it can
	// hold thousands.
	maxDomains = 10
	// maxHosts is how many hosts of a domain are followed to: an answer can name
	// thousands.
	maxHosts = 16
	// maxCached is how many answers are kept for the rest of a run.
	maxCached = 8192
)

// Options say whom to ask and for how long.
type Options struct {
	// Server is ADDR[:PORT], tls://ADDR[:PORT][#NAME] for DNS over TLS (RFC
	// 7858), or https://ADDR[:PORT][/PATH][#NAME] for DNS over HTTPS (RFC 8484),
	// where NAME is what its certificate has to be valid for instead of the
	// address, and PATH /dns-query if there is none. Empty means the first name server of /etc/resolv.conf.
	Server string
	// Timeout is the time for one question over one transport. Default 5 s.
	Timeout time.Duration
	// Retries is how often a question is put again that was not answered, or
	// answered with SERVFAIL. Default 0.
	Retries int
}

// A Resolver asks one name server. It is safe for concurrent use, and asks each
// question once in a run.
type Resolver struct {
	server  netip.AddrPort
	tlsName string // not empty: DNS over TLS or HTTPS
	// endpoint is the URL of DNS over HTTPS, and https asks it; empty and nil
	// without.
	endpoint string
	https    *http.Client
	roots    *x509.CertPool // who vouches for the server; nil for the system's
	timeout  time.Duration
	retries  int
	local    bool

	mu    sync.Mutex
	cache map[question]*pending // guarded by mu
}

type question struct {
	name string
	typ  uint16
}

// New checks the options. Nothing is contacted.
func New(o Options) (*Resolver, error) {
	if o.Server == "" {
		var err error
		if o.Server, err = system("/etc/resolv.conf"); err != nil {
			return nil, err
		}
	}
	r := &Resolver{timeout: o.Timeout, retries: o.Retries, cache: map[question]*pending{}}
	if r.timeout <= 0 {
		r.timeout = 5 * time.Second
	}
	var err error
	if strings.HasPrefix(o.Server, "https://") {
		r.server, r.tlsName, r.endpoint, err = parseHTTPS(o.Server)
		r.https = r.newHTTPS()
	} else {
		r.server, r.tlsName, err = parseServer(o.Server)
	}
	if err != nil {
		return nil, err
	}
	r.local = local(r.server.Addr())
	return r, nil
}

// Server is the address and port that are asked.
func (r *Resolver) Server() string { return r.server.String() }

// forwarder is where Docker puts its own name server into every container. It
// runs on this machine and validates nothing: what it says comes from elsewhere.
var forwarder = netip.MustParseAddr("127.0.0.11")

func local(addr netip.Addr) bool { return addr.Unmap().IsLoopback() && addr.Unmap() != forwarder }

var errServer = errors.New("want an address such as 127.0.0.1, 192.0.2.53:5353, tls://192.0.2.53#dns.example.org or https://192.0.2.53/dns-query#dns.example.org")

func parseServer(s string) (server netip.AddrPort, tlsName string, err error) {
	port, rest := uint16(53), s
	after, overTLS := strings.CutPrefix(s, "tls://")
	if overTLS {
		port = 853
		rest, tlsName, _ = strings.Cut(after, "#")
	}
	if addr, err := netip.ParseAddr(strings.Trim(rest, "[]")); err == nil {
		server = netip.AddrPortFrom(addr, port)
	} else if server, err = netip.ParseAddrPort(rest); err != nil || server.Port() == 0 {
		return server, "", fmt.Errorf("resolver %q: %w", s, errServer)
	}
	if overTLS && tlsName == "" {
		tlsName = server.Addr().String()
	}
	return server, tlsName, nil
}

// system is the first name server that this machine asks.
func system(path string) (string, error) {
	c, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return "", &hinted{fmt.Errorf("finding this machine's resolver: %w", err), "name one with --resolver ADDRESS"}
	}
	if len(c.Servers) == 0 {
		return "", &hinted{fmt.Errorf("finding this machine's resolver: %s names none", path), "name one with --resolver ADDRESS"}
	}
	return c.Servers[0], nil
}

// A hinted error tells a person what to do.
type hinted struct {
	error
	hint string
}

// Unwrap gives the error itself.
func (e *hinted) Unwrap() error { return e.error }

// Hint says what a person can do.
func (e *hinted) Hint() string { return e.hint }
