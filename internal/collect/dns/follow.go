package dns

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// Follow says which records lead from a domain to its servers. The zero value
// follows none.
type Follow struct {
	// MX leads from smtp://DOMAIN to the hosts that take its mail (RFC 5321
	// section 5.1). Each has to show a certificate for its own name.
	MX bool
	// SRV leads from xmpp://DOMAIN and xmpp-server://DOMAIN to the hosts that
	// serve it (RFC 6120 section 3.2). Each has to show a certificate for the
	// domain.
	SRV bool
}

// A Dialer takes evidence of a target, at its own addresses or at others.
type Dialer interface {
	Collect(context.Context, target.Target) []*evidence.Subject
	CollectAt(context.Context, target.Target, []netip.Addr) []*evidence.Subject
}

// services are the SRV services of schemes (RFC 6120 section 14.3).
var services = map[string]string{"xmpp": "_xmpp-client._tcp", "xmpp-server": "_xmpp-server._tcp"}

// Follow wraps a dialler so that it goes where a domain's records lead: one
// subject for each host, with the records as evidence. Targets that are addresses
// or of other schemes are dialled as they are.
func (r *Resolver) Follow(d Dialer, what Follow) func(context.Context, target.Target) []*evidence.Subject {
	return func(ctx context.Context, t target.Target) []*evidence.Subject {
		switch {
		case t.IsIP():
		case what.MX && t.Scheme == "smtp":
			return r.followMX(ctx, d, t)
		case what.SRV && services[t.Scheme] != "":
			return r.followSRV(ctx, d, t)
		}
		return d.Collect(ctx, t)
	}
}

// A host is a server that records lead to.
type host struct {
	name string
	port uint16
	// order is preference or priority: the lowest first.
	order uint16
}

func (r *Resolver) followMX(ctx context.Context, d Dialer, t target.Target) (out []*evidence.Subject) {
	l, msg := r.lookup(ctx, evidence.DNSForMX, t.Host, dns.TypeMX)
	if msg == nil {
		return lost(t, l, *l.Answers[0].Failure)
	}
	var hosts []host
	for _, rr := range msg.Answer {
		if mx, ok := rr.(*dns.MX); ok {
			hosts = append(hosts, host{plain(mx.Mx), t.Port, mx.Preference})
		}
	}
	if len(hosts) == 0 { // RFC 5321 section 5.1: the domain itself
		hosts = []host{{plain(t.Host), t.Port, 0}}
	}
	hosts, cut := ordered(hosts)
	if len(hosts) == 0 {
		return lost(t, l, evidence.Failure{Stage: evidence.StageResolve, Error: t.Host + " takes no mail: its MX record names no host (RFC 7505)"})
	}
	for _, h := range hosts {
		at := t
		at.Host = h.name
		for _, s := range d.Collect(ctx, at) {
			out = append(out, led(s, t.Host, l, cut))
		}
	}
	return out
}

func (r *Resolver) followSRV(ctx context.Context, d Dialer, t target.Target) (out []*evidence.Subject) {
	l, msg := r.lookup(ctx, evidence.DNSForSRV, services[t.Scheme]+"."+t.Host, dns.TypeSRV)
	if msg == nil {
		return lost(t, l, *l.Answers[0].Failure)
	}
	var hosts []host
	for _, rr := range msg.Answer {
		if srv, ok := rr.(*dns.SRV); ok {
			hosts = append(hosts, host{plain(srv.Target), srv.Port, srv.Priority})
		}
	}
	if len(hosts) == 0 { // RFC 6120 section 3.2.2: the domain itself
		for _, s := range d.Collect(ctx, t) {
			out = append(out, led(s, "", l, false))
		}
		return out
	}
	hosts, cut := ordered(hosts)
	if len(hosts) == 0 {
		return lost(t, l, evidence.Failure{Stage: evidence.StageResolve, Error: t.Host + " does not offer this service: its SRV record names no host (RFC 2782)"})
	}
	for _, h := range hosts {
		at := t
		at.Port = h.port
		addrs, err := r.LookupNetIP(ctx, "ip", h.name)
		if err != nil {
			out = append(out, lost(at, l, evidence.Failure{Stage: evidence.StageResolve, Error: fmt.Sprintf("resolving %s, which %s names: %v", h.name, l.Name, unwrap(err))})...)
			continue
		}
		for _, s := range d.CollectAt(ctx, at, addrs) {
			s.Host = h.name
			out = append(out, led(s, h.name, l, cut))
		}
	}
	return out
}

// unwrap leaves out what package net adds to an error.
func unwrap(err error) string {
	if e, ok := err.(*net.DNSError); ok { //nolint:errorlint // LookupNetIP gives nothing else
		return e.Err
	}
	return err.Error()
}

// ordered sorts hosts as they are to be tried, once each, and leaves out the root,
// by which a domain says that there is none, and what is no host name. cut says
// that there were more than are followed.
func ordered(hosts []host) (out []host, cut bool) {
	slices.SortStableFunc(hosts, func(a, b host) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name), cmp.Compare(a.port, b.port))
	})
	for _, h := range hosts {
		same := func(o host) bool { return o.name == h.name && o.port == h.port }
		if !askable(h.name) || h.port == 0 || slices.ContainsFunc(out, same) {
			continue
		}
		if len(out) == maxHosts {
			return out, true
		}
		out = append(out, h)
	}
	return out, false
}

// led adds to a subject the records that led to it. by tells it from another one
// of the run at the same host.
func led(s *evidence.Subject, by string, l evidence.DNSLookup, cut bool) *evidence.Subject {
	if by != "" {
		s.ID += "?" + string(l.Purpose) + "=" + by
	}
	s.DNS = append([]evidence.DNSLookup{l}, s.DNS...)
	if cut {
		s.Failures = append(s.Failures, evidence.Failure{
			Stage: evidence.StageDNS, Error: fmt.Sprintf("%s names more than %d hosts; only the first were looked at", l.Name, maxHosts),
		})
	}
	return s
}

// lost is the subject of a domain whose records lead nowhere.
func lost(t target.Target, l evidence.DNSLookup, f evidence.Failure) []*evidence.Subject {
	s := collect.Failed(t, f)
	s.DNS = []evidence.DNSLookup{l}
	return []*evidence.Subject{s}
}
