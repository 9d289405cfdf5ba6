// Package path turns what handshakes told about the way to a server into facts.
package path

import (
	"cmp"
	"crypto/sha256"
	"net/netip"
	"strconv"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/name"
)

// Endpoint gives the facts about a live server; nil where the subject is none.
func Endpoint(s *evidence.Subject) *facts.Endpoint {
	if s.Kind != evidence.Endpoint {
		return nil
	}
	f := &facts.Endpoint{Protocol: s.Protocol, Preambles: []string{}}
	if ap, err := netip.ParseAddrPort(s.Address); err == nil {
		f.Port, f.Private = int64(ap.Port()), !name.Public(ap.Addr().String())
	}
	leaves := map[[32]byte]bool{}
	for i := range s.Handshakes {
		h := &s.Handshakes[i]
		f.Completed = f.Completed || h.Completed
		f.Stapled = f.Stapled || len(h.OCSP) > 0
		f.Refused = f.Refused || h.Salvaged
		if h.Preamble != nil {
			f.Preambles = append(f.Preambles, string(h.Preamble.Outcome))
			f.Said, f.Pipelined = cmp.Or(f.Said, h.Preamble.Said), f.Pipelined || h.Preamble.PipelinedPlaintext
		}
		if h.NTS != nil {
			cookies := int64(h.NTS.Cookies)
			f.Cookies = &cookies
		}
		if len(h.Certificates) > 0 {
			f.Answered = true
			leaves[sha256.Sum256(h.Certificates[0])] = true
		}
		if f.Version == "" {
			f.Version, f.Cipher, f.Group, f.ALPN = Version(h.Version), Cipher(h.Cipher), Group(h.Group), h.ALPN
		}
	}
	f.Answers = int64(len(leaves))
	f.Possession = possession(s)
	f.HelloReset = helloReset(s)
	return f
}

// possession is known once a handshake that delivered the judged leaf got as far
// as the signature that proves the key. One proof that failed is not made good by
// another that held: somebody who has not the key answered once.
func possession(s *evidence.Subject) *bool {
	var proven, refuted bool
	for i := range s.Handshakes {
		h := &s.Handshakes[i]
		if len(h.Certificates) > 0 && len(s.Certificates) > 0 && string(h.Certificates[0]) == string(s.Certificates[0]) {
			proven, refuted = proven || h.Possession, refuted || h.Refuted
		}
	}
	if !proven && !refuted {
		return nil
	}
	proven = !refuted
	return &proven
}

// helloReset compares the first ClientHello with the small one after it, and with
// what came of it when it was sent again.
func helloReset(s *evidence.Subject) *bool {
	if len(s.Handshakes) == 0 {
		return nil
	}
	first := &s.Handshakes[0]
	if !first.Reset {
		no := false
		return &no
	}
	small := false
	for i := range s.Handshakes[1:] {
		h := &s.Handshakes[1+i]
		if len(h.Certificates) == 0 {
			continue
		}
		if h.HelloSize >= first.HelloSize {
			no := false
			return &no // it had been lost by chance
		}
		small = true
	}
	if !small {
		return nil
	}
	return &small
}

// Version names a TLS version as people write it: "1.3"; empty for none.
func Version(v uint16) string {
	switch v {
	case 0:
		return ""
	case 0x0300:
		return "SSL 3.0"
	case 0x0301:
		return "1.0"
	case 0x0302:
		return "1.1"
	case 0x0303:
		return "1.2"
	case 0x0304:
		return "1.3"
	}
	return "0x" + strconv.FormatUint(uint64(v), 16)
}
