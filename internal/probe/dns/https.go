package dns

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

// https gives what the HTTPS records say; nil where they were not asked for or
// could not be had.
func https(in *Input) *facts.HTTPS {
	for _, l := range in.of(evidence.DNSForHTTPS) {
		if len(l.Answers) == 0 {
			continue
		}
		r, err := read(&l.Answers[0])
		if err != nil {
			in.unknown("dns.https", err)
			return nil
		}
		return in.services(r)
	}
	return nil
}

func (in *Input) services(r *response) *facts.HTTPS {
	f := &facts.HTTPS{Security: r.security, ALPN: []string{}, Hints: []string{}}
	var hints []netip.Addr
	for _, rr := range records[*dns.HTTPS](r) {
		if rr.Priority == 0 {
			f.Alias = strings.TrimSuffix(rr.Target, ".")
			continue
		}
		f.Present = true
		for _, kv := range rr.Value {
			switch v := kv.(type) {
			case *dns.SVCBAlpn:
				f.ALPN = append(f.ALPN, v.Alpn...)
			case *dns.SVCBECHConfig:
				f.ECH = true
			case *dns.SVCBIPv4Hint:
				for _, ip := range v.Hint {
					addr, _ := netip.AddrFromSlice(ip)
					hints = append(hints, addr.Unmap())
				}
			case *dns.SVCBIPv6Hint:
				for _, ip := range v.Hint {
					addr, _ := netip.AddrFromSlice(ip)
					hints = append(hints, addr)
				}
			}
		}
	}
	for _, addr := range hints {
		f.Hints = append(f.Hints, addr.String())
	}
	f.Hinted = in.hinted(hints)
	return f
}

// hinted says whether the address that was reached is among the hints of its
// family; nil where there are none.
func (in *Input) hinted(hints []netip.Addr) *bool {
	at, ok := in.address()
	if !ok || !slices.ContainsFunc(hints, func(h netip.Addr) bool { return h.Is4() == at.Is4() }) {
		return nil
	}
	among := slices.Contains(hints, at)
	return &among
}
