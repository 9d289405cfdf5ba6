package tlsdial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/certassay/certassay/internal/target"
)

// ParseOverride reads HOST:PORT:ADDR[,ADDR...], the form of --resolve, into an
// entry of Options.Overrides.
func ParseOverride(s string) (hostPort string, addrs []netip.Addr, err error) {
	fail := func(problem string) (string, []netip.Addr, error) {
		return "", nil, fmt.Errorf("resolve %q: %s; write HOST:PORT:ADDRESS", s, problem)
	}
	from := 0
	if strings.HasPrefix(s, "[") {
		from = max(0, strings.IndexByte(s, ']'))
	}
	host, rest, ok := strings.Cut(s[from:], ":")
	port, list, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return fail("has too few parts")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fail("has no port in the middle")
	}
	spec, err := target.Parse("tls://"+s[:from]+host+":"+port, target.Defaults{})
	if err != nil {
		return "", nil, fmt.Errorf("resolve %q: %w", s, err)
	}
	for text := range strings.SplitSeq(list, ",") {
		addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if err != nil || addr.Zone() != "" {
			return fail(fmt.Sprintf("%q is not an IP address", text))
		}
		addrs = append(addrs, addr.Unmap())
	}
	for t := range spec.All() {
		hostPort = t.HostPort()
	}
	return hostPort, addrs, nil
}

// errNoAddress is a name that resolves to nothing.
var errNoAddress = errors.New("the name has no address")

// addresses are those to dial, in order of preference. The one zero address
// means that the proxy resolves the name.
func (d *Dialer) addresses(ctx context.Context, t target.Target) ([]netip.Addr, error) {
	if addr, ok := t.Addr(); ok {
		return []netip.Addr{addr}, nil
	}
	if addrs := d.opts.Overrides[t.HostPort()]; len(addrs) > 0 {
		return addrs[:min(len(addrs), maxAddresses)], nil
	}
	if d.proxy != nil && !d.opts.AllAddresses {
		return []netip.Addr{{}}, nil
	}
	var found []netip.Addr
	err := d.opts.Pacer.Retry(ctx, temporary, func() error {
		ctx, cancel := context.WithTimeout(ctx, d.opts.Resolve)
		defer cancel()
		var err error
		// A final dot keeps the search list of this machine out of it.
		found, err = d.opts.Resolver.LookupNetIP(ctx, "ip", absolute(t.Host))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", t.Host, err)
	}
	var addrs []netip.Addr
	for _, addr := range found {
		if addr = addr.Unmap(); !slices.Contains(addrs, addr) && len(addrs) < maxAddresses {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("resolving %s: %w", t.Host, errNoAddress)
	}
	return addrs, nil
}

// absolute leaves single labels to the search list: "router" means the
// router of this network.
func absolute(host string) string {
	if strings.Contains(host, ".") {
		return host + "."
	}
	return host
}

func temporary(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && !dns.IsNotFound && (dns.IsTemporary || dns.IsTimeout)
}
