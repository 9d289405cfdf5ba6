package disclosed

import (
	"crypto/sha256"
	"time"

	"github.com/certassay/certassay/internal/cert"
)

// Facts are what is known of one CA certificate that is not held. It is never
// changed once a table gave it.
type Facts struct {
	// SHA256 is that of the certificate, by which anybody can look it up.
	SHA256 [32]byte
	// CA holds the CA's subject and key, and nothing else: what RFC 5280 section
	// 6.1.1 (d) calls the information about a trust anchor.
	CA *cert.Certificate
	// KeyID is the subject key identifier.
	KeyID []byte
	// NotBefore and NotAfter bound its validity, both included.
	NotBefore, NotAfter time.Time
	// PathLen is how many CAs may stand below it, -1 where nothing limits them.
	PathLen int
	// Above is the CA that signed it, where that is no root; nil otherwise. Root is
	// the SHA-256 of the key of the root that signed it; zero where Above is set.
	Above *Facts
	Root  [32]byte
}

// SPKISHA256 is the hash of its key.
func (f *Facts) SPKISHA256() [32]byte { return sha256.Sum256(f.CA.SPKI) }

// Bounds are the dates and the path length (-1 for none) that it is bound to,
// together with those above it.
func (f *Facts) Bounds() (notBefore, notAfter time.Time, pathLen int) {
	notBefore, notAfter, pathLen = f.NotBefore, f.NotAfter, f.PathLen
	depth := 0
	for above := f.Above; above != nil; above = above.Above {
		depth++
		if above.NotBefore.After(notBefore) {
			notBefore = above.NotBefore
		}
		if above.NotAfter.Before(notAfter) {
			notAfter = above.NotAfter
		}
		if n := above.PathLen - depth; above.PathLen >= 0 && (pathLen < 0 || n < pathLen) {
			pathLen = max(n, 0)
		}
	}
	return notBefore, notAfter, pathLen
}

// Anchor is the SHA-256 of the key of the root that it stands below.
func (f *Facts) Anchor() [32]byte {
	for f.Above != nil {
		f = f.Above
	}
	return f.Root
}
