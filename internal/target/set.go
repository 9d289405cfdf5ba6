package target

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"
)

// ErrNoTargets is returned where there is nothing to look at: an empty list
// must never become a clean report.
var ErrNoTargets = errors.New("no targets")

// A Set is an ordered collection of targets in which each endpoint occurs
// once: that of the first mention. Ranges stay unexpanded, so its memory is
// that of what was written. The zero value is empty and ready; a Set must not
// be copied or used by several goroutines while it is added to.
type Set struct {
	specs  []Spec
	single map[key]int // index in specs of the first mention
	ranges []int       // indices in specs
}

// A key identifies an endpoint. 128 bits of a hash instead of the text, which
// holds a list of 100 000 names to a few megabytes.
type key [16]byte

func keyOf(t Target) key {
	sum := sha256.Sum256([]byte(t.ID()))
	return key(sum[:16])
}

// Add puts targets at the end. A single host that is there already is dropped.
func (s *Set) Add(specs ...Spec) {
	for _, spec := range specs {
		if spec.prefix.IsValid() {
			s.ranges = append(s.ranges, len(s.specs))
			s.specs = append(s.specs, spec)
			continue
		}
		k := keyOf(spec.target)
		if _, ok := s.single[k]; ok {
			continue
		}
		if s.single == nil {
			s.single = make(map[key]int)
		}
		s.single[k] = len(s.specs)
		s.specs = append(s.specs, spec)
	}
}

// AddArgs parses and adds what stood on the command line. All that is wrong is
// reported together.
func (s *Set) AddArgs(args []string, d Defaults) error {
	var bad failures
	for _, arg := range args {
		spec, err := Parse(arg, d)
		if err != nil && arg == "-" {
			err = errors.New("target \"-\" is no host; targets on standard input are read with -l -")
		}
		if err != nil {
			bad.add(err)
			continue
		}
		s.Add(spec)
	}
	return bad.join()
}

// AddList adds the targets of a list; see List. All bad lines are reported
// together, at most MaxListErrors of them in full.
func (s *Set) AddList(r io.Reader, name string, d Defaults) error {
	var bad failures
	for spec, err := range List(r, name, d) {
		if err != nil {
			bad.add(err)
			continue
		}
		s.Add(spec)
	}
	return bad.join()
}

// Len is the number of targets at most: ranges may overlap each other and
// single hosts.
func (s *Set) Len() int {
	n := 0
	for _, spec := range s.specs {
		n += spec.Len()
	}
	return n
}

// Targets yields every endpoint once, in the order of first mention. It can be
// walked more than once. An empty set gives ErrNoTargets.
func (s *Set) Targets() (iter.Seq[Target], error) {
	if len(s.specs) == 0 {
		return nil, ErrNoTargets
	}
	return func(yield func(Target) bool) {
		for i, spec := range s.specs {
			for t := range spec.All() {
				if !s.mentionedBefore(i, t) && !yield(t) {
					return
				}
			}
		}
	}, nil
}

// mentionedBefore says whether a spec before the i-th stands for t.
func (s *Set) mentionedBefore(i int, t Target) bool {
	if s.specs[i].prefix.IsValid() {
		if first, ok := s.single[keyOf(t)]; ok && first < i {
			return true
		}
	}
	if len(s.ranges) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(t.Host)
	if err != nil {
		return false
	}
	for _, r := range s.ranges {
		if r >= i {
			return false
		}
		other := s.specs[r]
		if other.prefix.Contains(addr) && other.target.Port == t.Port && other.target.idScheme() == t.idScheme() {
			return true
		}
	}
	return false
}

// failures collects errors, the first MaxListErrors of them whole.
type failures struct {
	shown []error
	more  int
}

func (f *failures) add(err error) {
	if len(f.shown) == MaxListErrors {
		f.more++
		return
	}
	f.shown = append(f.shown, err)
}

func (f *failures) join() error {
	if f.more > 0 {
		return errors.Join(append(f.shown, fmt.Errorf("and %d more", f.more))...)
	}
	return errors.Join(f.shown...)
}

// Specs yields what was added, ranges unexpanded, in order.
func (s *Set) Specs() iter.Seq[Spec] { return slices.Values(s.specs) }
