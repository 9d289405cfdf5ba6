package vantage

import (
	"cmp"
	"slices"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

// postQuantum are the groups with ML-KEM (IANA TLS Supported Groups).
var postQuantum = []uint16{4587, 4588, 4589}

const tls13 = 0x0304

// OfferOf is what the handshake that delivered the chain came to; nil where it
// did not offer everything.
func OfferOf(s *evidence.Subject) *Offer {
	var small *Offer
	for i := range s.Handshakes {
		h := &s.Handshakes[i]
		if len(h.Certificates) == 0 || !h.Completed {
			continue
		}
		if h.Profile != "default" && h.Profile != "classical" {
			return small
		}
		offer := &Offer{
			TLS13: h.Version >= tls13, PostQuantum: slices.Contains(postQuantum, h.Group),
			LargeHello: h.Profile == "default", Stapled: len(h.OCSP) > 0, ALPN: h.ALPN,
		}
		if offer.LargeHello {
			return offer // the small one was answered where the large one had been lost
		}
		small = cmp.Or(small, offer)
	}
	return small
}

// lost compares what vantages were given. A vantage lost something where none of
// its handshakes had it and every one of another vantage did: servers behind one
// address may differ, and then both vantages see both.
func lost(service string, list []Answer, past []Offer) (out []facts.Loss) {
	by := map[string][]Offer{}
	for i := range list {
		if o := list[i].Offer; o != nil {
			by[list[i].Vantage] = append(by[list[i].Vantage], *o)
		}
	}
	for here, has := range by {
		for there, had := range by {
			if what := missing(has, had); here != there && len(what) > 0 {
				out = append(out, facts.Loss{Service: service, Vantage: here, Than: there, What: what})
			}
		}
		if what := missing(has, past); len(what) > 0 {
			out = append(out, facts.Loss{Service: service, Vantage: here, Than: "baseline", What: what})
		}
	}
	return out
}

// missing lists what all of had have and none of has. Nothing where had is empty.
func missing(has, had []Offer) (out []string) {
	if len(had) == 0 {
		return nil
	}
	for _, c := range []struct {
		name string
		of   func(*Offer) bool
	}{
		{"TLS 1.3", func(o *Offer) bool { return o.TLS13 }},
		{"post-quantum group", func(o *Offer) bool { return o.PostQuantum }},
		{"large ClientHello", func(o *Offer) bool { return o.LargeHello }},
		{"ALPN " + had[0].ALPN, func(o *Offer) bool { return o.ALPN != "" && o.ALPN == had[0].ALPN }},
		{"OCSP staple", func(o *Offer) bool { return o.Stapled }},
	} {
		without := func(o Offer) bool { return !c.of(&o) }
		if !slices.ContainsFunc(had, without) && !slices.ContainsFunc(has, func(o Offer) bool { return c.of(&o) }) {
			out = append(out, c.name)
		}
	}
	return out
}
