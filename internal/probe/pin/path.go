package pin

import (
	"crypto/sha1" //nolint:gosec // old pins are made with it, and said to be weak
	"crypto/sha256"
	"crypto/sha512"
	"slices"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// A path is one of the chain's, with its certificates.
type path struct {
	*facts.Path
	certs []*cert.Certificate // the leaf first; shorter where one was not found
	// vouched says that a public or inventory root stands at its end and that
	// it has no fault but its dates, or that it is revoked.
	vouched bool
}

// datesOnly are the reasons for which a path that is not accepted still tells who
// issued the leaf: its end came, by date or by revocation.
var datesOnly = []string{"", "expired", "not-yet-valid", "revoked"}

// paths finds the certificates of the chain's paths: those that were served or
// fetched, and CAs that are known.
func (in *Input) paths() []path {
	if in.Chain == nil || len(in.Certificates) == 0 {
		return nil
	}
	found := map[string]*cert.Certificate{}
	for _, c := range slices.Concat(in.Certificates, in.Issuers) {
		found[evidence.Hash(c.SHA256())] = c
	}
	var out []path
	for i := range in.Chain.Paths {
		p := path{Path: &in.Chain.Paths[i]}
		anchored := p.Anchor == string(trust.Public) || p.Anchor == string(trust.Inventory)
		// The first path is the best, of which the chain's own checks speak.
		p.vouched = anchored && (p.Accepted || slices.Contains(datesOnly, p.Reason) || i == 0 && in.Chain.OwnChecks)
		for j, hash := range p.Certificates {
			c := found[hash]
			if c == nil && j > 0 {
				c = in.known(p.certs[j-1], hash)
			}
			if c == nil {
				// Without it nobody can say what stands above.
				p.vouched = false
				break
			}
			p.certs = append(p.certs, c)
		}
		if len(p.certs) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// issuers are the CAs above the leaf, the nearest first. A leaf that is itself a
// root has no other issuer; a vouched path has at least one.
func (p *path) issuers() []*cert.Certificate {
	if len(p.certs) == 1 {
		return p.certs
	}
	return p.certs[1:]
}

// known finds the CA with a certain hash among those that may have issued c.
func (in *Input) known(c *cert.Certificate, hash string) *cert.Certificate {
	for _, ca := range in.Trust.ByName(&c.Issuer) {
		if evidence.Hash(ca.Certificate.SHA256()) == hash {
			return ca.Certificate
		}
	}
	return nil
}

// A print is all hashes by which a certificate can be pinned.
type print map[expect.Of]map[expect.Hash][]byte

func printOf(c *cert.Certificate) print {
	out := print{expect.Certificate: hashes(c.Raw)}
	if c.SPKI != nil {
		out[expect.SPKI] = hashes(c.SPKI)
	}
	return out
}

func hashes(b []byte) map[expect.Hash][]byte {
	short, mid, long := sha1.Sum(b), sha256.Sum256(b), sha512.Sum512(b) //nolint:gosec // see above
	return map[expect.Hash][]byte{expect.SHA1: short[:], expect.SHA256: mid[:], expect.SHA512: long[:]}
}

func (p print) meets(pin expect.Pin) bool {
	return pin.Matches(pin.Of, pin.Hash, p[pin.Of][pin.Hash])
}

// prints remembers them: CAs stand on several paths, and pins are many.
type prints map[*cert.Certificate]print

func (m prints) of(c *cert.Certificate) print {
	if m[c] == nil {
		m[c] = printOf(c)
	}
	return m[c]
}

// keyText is the pin of a certificate's key, nil where it has none.
func keyText(c *cert.Certificate) *string {
	text := c.Pin()
	if text == "" {
		return nil
	}
	return &text
}
