package path

import (
	"net/netip"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

const (
	// maxDistances bounds the ports that are compared; collectors count five.
	maxDistances = 16
	// maxHops is the longest way there can be: the field of IP has eight bits.
	maxHops = 255
)

// Hops compares the distances of a subject's ports. It is nil where that of the
// subject's own is not known, with a reason where it was asked for.
func Hops(s *evidence.Subject, reasons map[string]string) *facts.Hops {
	own, err := netip.ParseAddrPort(s.Address)
	if len(s.Distances) == 0 || err != nil && s.Distances[0].Failure == nil {
		return nil
	}
	first := &s.Distances[0]
	if first.Failure != nil || !counted(first) || first.Address != own.String() {
		reasons["endpoint.hops"] = "how many hops away it answers is not known"
		if first.Failure != nil {
			reasons["endpoint.hops"] = first.Failure.Error
		}
		return nil
	}
	f := &facts.Hops{Port: int64(first.Hops), Others: []facts.OtherPort{}}
	for i := range s.Distances[:min(len(s.Distances), maxDistances)] {
		d := &s.Distances[i]
		at, err := netip.ParseAddrPort(d.Address)
		if err != nil || at.Addr() != own.Addr() || at == own || !counted(d) {
			continue
		}
		f.Others = append(f.Others, facts.OtherPort{Port: int64(at.Port()), Hops: int64(d.Hops), Answer: d.Answer})
		if nearer := int64(d.Hops - first.Hops); f.Nearer == nil || nearer > *f.Nearer {
			f.Nearer = &nearer
		}
	}
	if f.Nearer == nil {
		reasons["endpoint.hops.nearer"] = "no other port of the address answered, so that there is nothing to compare its distance with"
	}
	return f
}

// counted says that a distance is a number that can be one.
func counted(d *evidence.Distance) bool {
	return d.Failure == nil && d.Hops > 0 && d.Hops <= maxHops && (d.Answer == evidence.DistanceAccepted || d.Answer == evidence.DistanceRefused)
}
