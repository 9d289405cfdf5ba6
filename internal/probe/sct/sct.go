// Package sct turns the signed certificate timestamps that came with a
// certificate into facts. It reads them; it does not verify them.
package sct

import (
	"encoding/hex"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/facts"
)

// Sources of SCTs, as the fact names them.
const (
	Embedded = "embedded" // X.509 extension, RFC 6962 section 3.3
	TLS      = "tls"      // TLS extension
)

// InCertificate gives the SCTs embedded in a certificate. It is empty where
// there are none, and holds one that could not be read for a list that could
// not. It is nil where the extensions could not be reached.
func InCertificate(c *cert.Certificate) []facts.SCT {
	if c.SPKI == nil {
		return nil
	}
	list := c.SCTList()
	if !list.Present {
		return []facts.SCT{}
	}
	parts, err := ct.SplitList(list.Value)
	if list.Err != nil || err != nil {
		return []facts.SCT{unreadable(Embedded)}
	}
	return readAll(parts, Embedded)
}

// InHandshake gives the SCTs of the TLS extension.
func InHandshake(parts [][]byte) []facts.SCT { return readAll(parts, TLS) }

func readAll(parts [][]byte, source string) []facts.SCT {
	out := make([]facts.SCT, 0, len(parts))
	seen := map[[32]byte]bool{}
	for _, part := range parts {
		s, err := ct.ParseSCT(part)
		if err != nil {
			out = append(out, unreadable(source))
			continue
		}
		out = append(out, facts.SCT{
			Source: source, Parsed: true, Version: int64(s.Version), LogID: hex.EncodeToString(s.LogID[:]),
			Mimic: ct.Mimic(s.LogID), Time: s.Time, Duplicate: seen[s.LogID],
		})
		seen[s.LogID] = true
	}
	return out
}

func unreadable(source string) facts.SCT {
	malformed := "malformed"
	return facts.SCT{Source: source, Verdict: &malformed}
}
