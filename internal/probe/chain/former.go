package chain

import (
	"fmt"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/trust"
)

// goneRoots are the tables of the program.
func goneRoots() gone { return gone{trust.RetiredRoot, trust.RetiredName} }

// maxFormer bounds the former roots of one name that are tried.
const maxFormer = 8

// A gone finds roots that have gone: what a certificate is, and what bears a name.
type gone struct {
	root  func(*cert.Certificate) (trust.Distrusted, bool)
	named func(*cert.Name) []trust.Distrusted
}

// formerRoot is a root that vouches for the leaf and was trusted when the leaf was
// issued, or until it was given up, although the roots at hand no longer hold it; false
// where there is none. An incident's captures are full of such chains, and so is every
// store of an operating system that follows the browsers late: no stranger made these.
//
// Nothing is accepted for it. A root that some program blocks outright, whose key may
// be another's, counts for nothing; nor does one that a program decided against for
// what was issued after that.
func (v *verified) formerRoot(in *Input, roots gone) (trust.Distrusted, bool) {
	for _, p := range v.paths {
		if p.anchor() != trust.None || p.broken != reasonUnknown && p.broken != reasonSignature || !p.wellSigned(sha1Sunset) {
			continue
		}
		if d, ok := in.formerAbove(p, roots); ok {
			return d, true
		}
	}
	return trust.Distrusted{}, false
}

// formerAbove is the former root that the path ends in, or whose key made its last
// signature.
func (in *Input) formerAbove(p *path, roots gone) (trust.Distrusted, bool) {
	top, begin := p.top().c, p.steps[0].c.NotBefore
	if len(p.steps) > 1 && top.SelfIssued() {
		d, ok := roots.root(top)
		return d, ok && trustedAt(&d, begin)
	}
	return in.formerSigner(top, begin, roots)
}

// formerSigner is the former root whose key signed c, where it was trusted at a time.
func (in *Input) formerSigner(c *cert.Certificate, at time.Time, roots gone) (trust.Distrusted, bool) {
	for i, d := range roots.named(&c.Issuer) {
		if i >= maxFormer {
			break
		}
		if trustedAt(&d, at) && signable(c, &d.CA.Key, sha1Sunset) && in.Check.CheckKey(c, d.CA.SPKI, &d.CA.Key) == cert.Verified {
			return d, true
		}
	}
	return trust.Distrusted{}, false
}

// trustedAt says that Mozilla held the root and decided about it later than at, as did
// every other program, and that none blocks it. A root that was merely given up may
// sign on, for other programs and for CAs that lead elsewhere, too.
func trustedAt(d *trust.Distrusted, at time.Time) bool {
	held := false
	for _, x := range d.Decisions {
		if x.Kind == trust.Blocked || !at.Before(x.Date) && !d.GivenUp {
			return false
		}
		held = held || x.Program == programMozilla
	}
	return held
}

func formerReason(d *trust.Distrusted) string {
	until := slices.MinFunc(d.Decisions, func(a, b trust.Decision) int { return a.Date.Compare(b.Date) }).Date
	return fmt.Sprintf("the chain leads to %s, which was a public root until %s or so, and is not among the roots at hand: nobody watches over it for browsers any more; judge by the roots of that time (--program NAME=FILE), name the root (--roots), or have the server send a chain to a root of today",
		cert.Escape(d.Name), until.Format(time.DateOnly))
}
