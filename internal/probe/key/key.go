// Package key turns a certificate's public key into facts.
package key

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 5280 section 4.2.1.2 defines key identifiers with it
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/key/known"
)

// Key gives the facts about the subject public key; nil where the walk did not
// get there. They depend on the certificate and the tables alone. memory holds what
// was found of keys before, with the same tables; nil remembers nothing.
func Key(c *cert.Certificate, tables known.Tables, memory *Memory) *facts.Key {
	sum, ok := c.SPKISHA256()
	if !ok {
		return nil
	}
	alone, ok := memory.get(sum)
	if !ok {
		alone = examined(c, tables)
		// A table that could not be read now may be later.
		if alone.Known != nil {
			memory.put(sum, alone)
		}
	}
	f := &alone
	k := &c.Key
	ski := c.SubjectKeyID()
	if ski.Present && ski.Err == nil && k.Err == nil {
		matches := hashesOf(c, ski.Value)
		f.MatchesSKI = &matches
		whole := sha1.Sum(c.SPKI) //nolint:gosec // compared with, not relied on
		f.SPKIHashSKI = bytes.Equal(ski.Value, whole[:])
	}
	return f
}

// examined gives the facts that the key alone decides.
func examined(c *cert.Certificate, tables known.Tables) facts.Key {
	k := &c.Key
	f := facts.Key{
		Algorithm: string(k.Algorithm), Bits: int64(k.Bits), Curve: k.Curve,
		Exponent: k.Exponent(), Modulo: k.ModulusOdd(), Readable: k.Err == nil,
	}
	if f.Algorithm == "" {
		f.Algorithm = string(cert.OtherKey)
	}
	weaknesses(&f, k)
	f.Known = lookup(tables, c.SPKI, k)
	return f
}

// hashesOf says whether id is the public key's identifier by one of the methods
// in use: RFC 5280 section 4.2.1.2 (1) and (2), RFC 7093 section 2 (1) to (4),
// and the whole SHA-256 or SHA-1 of key or SubjectPublicKeyInfo.
func hashesOf(c *cert.Certificate, id []byte) bool {
	for _, input := range [][]byte{c.Key.Public, c.SPKI} {
		for _, h := range []hash.Hash{sha1.New(), sha256.New(), sha512.New384(), sha512.New()} { //nolint:gosec // see above
			h.Write(input)
			sum := h.Sum(nil)
			// RFC 7093 takes the leftmost 160 bits of the longer hashes.
			if bytes.Equal(id, sum) || len(sum) > 20 && bytes.Equal(id, sum[:20]) {
				return true
			}
			if short := sum[len(sum)-8:]; len(id) == 8 && id[0]&0xf0 == 0x40 &&
				id[0]&0x0f == short[0]&0x0f && bytes.Equal(id[1:], short[1:]) {
				return true
			}
		}
	}
	return false
}
