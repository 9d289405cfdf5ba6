// Package target says what to look at: it turns what a person wrote on the
// command line, in a list or in an inventory into hosts, ports and schemes.
//
// It is strict and pure. Everything that is wrong is said before anything is
// contacted; nothing is resolved, dialled or read from the environment here.
//
// # Forms
//
//	host             host:port           tls or https on 443
//	192.0.2.1        192.0.2.1:8443
//	2001:db8::1      [2001:db8::1]:443
//	192.0.2.0/24     2001:db8::/120      every address, lazily
//	scheme://host    scheme://host:port  see Schemes
//	https://host/a/path                  the path is ignored
package target

import (
	"net/netip"
	"strconv"
)

// A Target is one thing to connect to. Parse makes only valid ones; the zero
// value names nothing.
type Target struct {
	// Raw is what was written, untouched. All addresses of one CIDR share it.
	Raw string
	// Scheme is one of Schemes, in lower case. What was written without a
	// scheme is "https" on port 443 and "tls" on any other.
	Scheme string
	// Host is a DNS name in lower-case A-labels without a trailing dot, or the
	// canonical text of an IP address without brackets.
	Host string
	// Port is never 0.
	Port uint16
	// Origin is "FILE:LINE" for a line of a list, and empty otherwise.
	Origin string
}

// HostPort is "host:port", with brackets around an IPv6 address.
func (t Target) HostPort() string {
	port := strconv.Itoa(int(t.Port))
	if addr, ok := t.Addr(); ok && addr.Is6() {
		return "[" + t.Host + "]:" + port
	}
	return t.Host + ":" + port
}

// String is the canonical "scheme://host:port"; Parse reads it back.
func (t Target) String() string { return t.Scheme + "://" + t.HostPort() }

// ID is the name of the target in reports. It is String, except that https is
// TLS like any other: the two differ in what is offered, not in what is judged.
func (t Target) ID() string { return t.idScheme() + "://" + t.HostPort() }

// Addr is the IP address that Host is, if it is one.
func (t Target) Addr() (netip.Addr, bool) {
	addr, err := netip.ParseAddr(t.Host)
	return addr, err == nil
}

// IsIP says whether Host is an IP address.
func (t Target) IsIP() bool {
	_, ok := t.Addr()
	return ok
}

func (t Target) idScheme() string {
	if t.Scheme == "https" {
		return "tls"
	}
	return t.Scheme
}
