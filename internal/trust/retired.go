package trust

import (
	_ "embed" // the table of roots that have gone
	"encoding/hex"
	"slices"
	"sync"

	"github.com/certassay/certassay/internal/cert"
)

// retiredFile is the table of roots that Mozilla's list held and holds no longer, for
// no fault that the table of distrusted CAs knows of: most were given up for their
// age. It has the same form; the date is the last one on which the list held the root,
// and for the youngest the first one on which it is known to hold it no more. Subjects
// and keys are those of Debian's ca-certificates and of older releases of the Go module
// github.com/certifi/gocertifi.
//
//go:embed data/retired.json
var retiredFile []byte

// retired is read when first asked for.
var retired = sync.OnceValue(func() *distrustTable {
	t, err := readDistrust(retiredFile)
	if err != nil {
		panic(err) // a test reads it
	}
	for _, d := range t.certificates {
		d.GivenUp = true
	}
	return t
})

// RetiredRoot says whether this was a root of a program, and when it ceased to be
// one: because programs decided against it, or because it was given up. What it says
// of a root that a program still holds is of no use: ask for that first.
func RetiredRoot(c *cert.Certificate) (Distrusted, bool) {
	if d, ok := DistrustedCA(c); ok {
		return d, true
	}
	if spki, ok := c.SPKISHA256(); ok {
		if d := retired().byKeys[hex.EncodeToString(spki[:])]; d != nil {
			return *d, true
		}
	}
	return Distrusted{}, false
}

// RetiredName gives the roots of [RetiredRoot] that bear a name, compared as
// normalised text. Anybody can write a name: ask the key of each.
func RetiredName(n *cert.Name) []Distrusted {
	out := DistrustedName(n)
	for _, d := range retired().names[n.Normal()] {
		if !slices.ContainsFunc(out, func(o Distrusted) bool { return string(o.CA.SPKI) == string(d.CA.SPKI) }) {
			out = append(out, *d)
		}
	}
	return out
}
