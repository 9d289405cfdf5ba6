package chain

import (
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/trust"
)

// sha1Sunset is when public CAs had to stop signing with SHA-1 (Baseline
// Requirements 1.3.0 section 7.1.3).
var sha1Sunset = time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)

// oldPath follows the served chain to a known root by signatures alone, for
// certificates from the time when SHA-1 was in use, which crypto/x509 refuses:
// an incident responder's folder is full of them, and a genuine one is no
// forgery. It answers only for a path with at least one SHA-1 signature, none by
// MD5 or MD2, nothing issued after the sunset, and issuers that are CAs within
// their path length.
func (g *graph) oldPath(c *cert.Certificate) (anchor trust.Anchor, program string, ok bool) {
	i, sha1 := g.index(c), false
	for depth := range maxLinks {
		if i < 0 {
			return trust.None, "", false
		}
		n := &g.nodes[i]
		hash := n.c.SignatureAlgorithm().Hash
		if hash == "md5" || hash == "md2" || hash == "md4" || n.c.NotBeforeErr != nil || !n.c.NotBefore.Before(sha1Sunset) {
			return trust.None, "", false
		}
		if depth > 0 && !mayIssue(n, depth-1) {
			return trust.None, "", false
		}
		sha1 = sha1 || hash == "sha1"
		if n.signedKnown {
			ca := g.signer(n.c)
			return ca.Anchor, ca.Program, sha1
		}
		if n.signedBy == i {
			break
		}
		i = n.signedBy
	}
	return trust.None, "", false
}

func (g *graph) index(c *cert.Certificate) int {
	for i := range g.head() {
		if g.nodes[i].c == c {
			return i
		}
	}
	return -1
}

// mayIssue says whether a certificate may stand above a path with this many
// issuers below it.
func mayIssue(n *node, below int) bool {
	bc := n.c.BasicConstraints().Value
	usage := n.c.KeyUsage()
	return bc.CA && (bc.PathLen < 0 || below <= bc.PathLen) &&
		(!usage.Present || usage.Value&cert.KeyCertSign != 0) && len(n.c.UnknownCritical()) == 0 &&
		!n.c.NameConstraints().Present
}

// signer gives the known CA whose key verifies c; the answer is in the memory of
// the checker.
func (g *graph) signer(c *cert.Certificate) trust.CA {
	for _, ca := range g.in.Trust.ByName(&c.Issuer) {
		if g.in.Check.Check(c, ca.Certificate) == cert.Verified {
			return ca
		}
	}
	return trust.CA{Anchor: trust.None}
}
