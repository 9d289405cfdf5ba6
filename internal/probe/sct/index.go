package sct

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
)

// maxHolders bounds the certificates remembered for one SCT: a forger's
// thousand copies need not all be kept to find the original.
const maxHolders = 8

// An Index finds the certificate that an SCT was taken from: a forger copies
// the list of a genuine certificate as it stands. The zero value is empty, and a
// nil one stays so. It is filled first and asked later: once it is in use it
// must not change.
type Index struct {
	holders map[[32]byte][]holder
}

type holder struct {
	certificate *cert.Certificate
	chain       []*cert.Certificate
}

// Add makes the SCTs that c embeds known, with the certificates that may hold
// its issuer.
func (x *Index) Add(c *cert.Certificate, chain []*cert.Certificate) {
	if c.SPKI == nil {
		return
	}
	parts, err := ct.SplitList(c.SCTList().Value)
	if err != nil {
		return
	}
	if x.holders == nil {
		x.holders = map[[32]byte][]holder{}
	}
	for _, part := range parts {
		k := sha256.Sum256(part)
		if len(x.holders[k]) < maxHolders {
			x.holders[k] = append(x.holders[k], holder{c, Issuers(c, chain)})
		}
	}
}

// owner gives the hash of a certificate over which the SCT verifies, or nothing.
func (x *Index) owner(part []byte, s *ct.SCT, log *ct.Log) string {
	if x == nil {
		return ""
	}
	for _, h := range x.holders[sha256.Sum256(part)] {
		q := newQuestion(&Input{Certificate: h.certificate, Chain: h.chain})
		if ok, _ := q.precert(s, log); ok {
			sum := h.certificate.SHA256()
			return "sha256:" + hex.EncodeToString(sum[:])
		}
	}
	return ""
}
