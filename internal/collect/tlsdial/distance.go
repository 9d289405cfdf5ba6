package tlsdial

import (
	"context"
	"net/netip"
	"time"

	"github.com/certassay/certassay/internal/collect/hops"
	"github.com/certassay/certassay/internal/evidence"
)

// comparedPorts are what the distance of a port is compared with where nobody
// named any: a service that many have, and a port that nothing listens on.
var comparedPorts = [...]uint16{80, 1}

// maxComparedPorts bounds the ports of one address that are knocked at.
const maxComparedPorts = 4

// distances are how far away the address answers on the port of the target, and on
// others. Each is a failure of its own where it cannot be counted, and none of the
// subject's. The time is that of the probes.
func (s *session) distances(ctx context.Context, subject *evidence.Subject) []evidence.Distance {
	if s.d.proxy != nil || !s.addr.IsValid() {
		return []evidence.Distance{{Address: s.remote(), Started: time.Now().UTC(), Failure: &evidence.Failure{
			Stage: evidence.StageDial, Error: "counting hops to " + s.remote() + ": it was not dialled from here, and nothing is known of the way behind " + s.d.vantage,
		}}}
	}
	ctx, cancel := context.WithDeadline(ctx, s.until)
	defer cancel()
	counter := hops.New(subject.Handshakes[0].Connect, s.d.opts.Pacer.Acquire)
	out := []evidence.Distance{counter.Count(ctx, netip.AddrPortFrom(s.addr, s.target.Port))}
	if out[0].Failure != nil {
		return out // nothing to compare
	}
	ports := s.d.opts.ComparePorts
	if len(ports) == 0 {
		ports = comparedPorts[:]
	}
	for _, port := range ports {
		if port != s.target.Port && len(out) <= maxComparedPorts {
			out = append(out, counter.Count(ctx, netip.AddrPortFrom(s.addr, port)))
		}
	}
	return out
}
