package inventory

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/target"
	"github.com/certassay/certassay/internal/waive"
)

// FileName is what an inventory is called where nobody names one.
const FileName = "certassay.yaml"

// An Inventory is what an owner has and expects. [Load] makes it; it never
// changes afterwards and is safe for concurrent use.
type Inventory struct {
	// Files are all files that were read for it, the inventory itself first, as
	// a person would find them.
	Files []string
	// Groups are in the order written, those of included files behind.
	Groups []*Group
	// Trust are the named sets of anchors, in the order written.
	Trust []*TrustSet
	// Waivers may be empty, and is never nil. Its rules are not resolved.
	Waivers *waive.List
	// Empty are lists that hold no target. A list that lost its lines must not
	// look like a clean run.
	Empty []expect.Place

	defaults []Setting
	entries  []*Entry
	single   map[string]*Entry // by target.Target.ID
	ranges   []*Entry          // the narrowest first
}

// A Group is targets of one owner of which the same is expected.
type Group struct {
	Name  string
	Place expect.Place
	// Domains are the names whose certificates belong to the group: those of
	// the domain and all below it where it begins with a dot, else that name.
	Domains []string
	// DomainPlaces are where they were written, in the same order.
	DomainPlaces []expect.Place
	// Issuance is how certificates of the group are issued; nil where nothing
	// was said.
	Issuance *Issuance

	settings []Setting // with those of the defaults before them
}

// Issuance is when certificates are asked for, by the owner's own account.
type Issuance struct {
	// Zone is where From and To are meant; UTC where none was named.
	Zone *time.Location
	// From and To are times of day, since midnight. To may be before From: then
	// the time between them goes over midnight. Both are zero where any hour is
	// as good as another.
	From, To time.Duration
	// RenewAfter is the part of a certificate's life after which its successor
	// is issued, above 0 and at most 1; 0 where nothing was said.
	RenewAfter float64
}

// A TrustSet is anchors with a name.
type TrustSet struct {
	Name  string
	Place expect.Place
	// Roots are files or directories of certificates.
	Roots []Root
}

// A Root is a file or directory of anchors, relative to the directory of the file
// that names it, Base, unless it is absolute.
type Root struct {
	Path, Base string
	Place      expect.Place
}

// An Entry is one target as written, or a range of addresses.
type Entry struct {
	Spec  target.Spec
	Group *Group
	// Place is where it was written: in the inventory or in a list.
	Place expect.Place
	// Address is dialled in place of what the target's name resolves to; invalid
	// where a name server is asked.
	Address netip.Addr

	settings []Setting // of the target alone
}

// Terms are what holds for a target, all layers joined.
type Terms struct {
	// Expect has no Anchors: they follow from Trust.
	Expect expect.Expectation
	// Trust are names of sets; TrustSaid tells an empty list from none.
	Trust     []string
	TrustSaid bool
	// FailOn is a severity, a verdict or "never"; empty where nothing was said.
	FailOn string
}

// A Setting is one value that holds, and where it was written.
type Setting struct {
	// Key is the path of the key, such as "expect.max_validity".
	Key string
	// Value is what was written, a list with one item in each element.
	Value []string
	// List tells a list of one item from a single value.
	List  bool
	Place expect.Place
	// Layer is "defaults", "group" or "target".
	Layer string

	apply func(*Terms)
}

// Terms joins all layers of a target.
func (e *Entry) Terms() Terms {
	t := join(e.Group.settings, e.settings)
	t.Expect.Group, t.Expect.Place = e.Group.Name, e.Place
	return t
}

// Terms joins what holds for a target of the group that says nothing itself.
func (g *Group) Terms() Terms {
	t := join(g.settings)
	t.Expect.Group, t.Expect.Place = g.Name, g.Place
	return t
}

// Defaults are the terms for what no group lists.
func (i *Inventory) Defaults() Terms { return join(i.defaults) }

func join(layers ...[]Setting) Terms {
	var t Terms
	for _, layer := range layers {
		for i := range layer {
			layer[i].apply(&t)
		}
	}
	return t
}

// Settings are the values that hold for a target, by key, each with its origin.
func (e *Entry) Settings() []Setting { return inForce(e.Group.settings, e.settings) }

// DefaultSettings are the values that hold where no group says anything.
func (i *Inventory) DefaultSettings() []Setting { return inForce(i.defaults) }

func inForce(layers ...[]Setting) []Setting {
	last := map[string]Setting{}
	for _, layer := range layers {
		for _, s := range layer {
			last[s.Key] = s
		}
	}
	var out []Setting
	for _, s := range last {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Entries are all targets, in the order written.
func (i *Inventory) Entries() []*Entry { return i.entries }

// Find gives the entry that a subject of this id was asked for, nil where there
// is none. An entry of its own goes before a range, a narrow range before a wide
// one.
func (i *Inventory) Find(id string) *Entry {
	scheme, rest, ok := strings.Cut(id, "://")
	if !ok {
		return nil
	}
	// What follows is the address that answered, and the proxy.
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	id = scheme + "://" + rest
	if e := i.single[id]; e != nil {
		return e
	}
	if len(i.ranges) == 0 {
		return nil
	}
	spec, err := target.Parse(id, target.Defaults{})
	if err != nil {
		return nil
	}
	for t := range spec.All() {
		for _, e := range i.ranges {
			if e.Spec.Covers(t) {
				return e
			}
		}
	}
	return nil
}

// TrustSet finds a set by its name, nil where there is none.
func (i *Inventory) TrustSet(name string) *TrustSet {
	for _, s := range i.Trust {
		if s.Name == name {
			return s
		}
	}
	return nil
}

var errTwice = errors.New("already listed")

// add puts an entry in its place; the entry that has it already is given with
// errTwice.
func (i *Inventory) add(e *Entry) (*Entry, error) {
	if e.Spec.Prefix().IsValid() {
		for _, o := range i.ranges {
			if o.Spec.Same(e.Spec) {
				return o, errTwice
			}
		}
		at, _ := slices.BinarySearchFunc(i.ranges, e, func(a, b *Entry) int {
			// Equally narrow ones do not overlap.
			return min(1, max(-1, b.Spec.Prefix().Bits()-a.Spec.Prefix().Bits()))
		})
		i.ranges = slices.Insert(i.ranges, at, e)
		i.entries = append(i.entries, e)
		return e, nil
	}
	for t := range e.Spec.All() {
		if o := i.single[t.ID()]; o != nil {
			return o, errTwice
		}
		i.single[t.ID()] = e
	}
	i.entries = append(i.entries, e)
	return e, nil
}
