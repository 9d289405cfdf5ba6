package trust

import (
	"maps"
	"slices"
)

// Only gives a view of the store in which, of the sets that the owner named,
// those with these names vouch, and the others are not there at all: the root of
// one group of servers must not make a certificate of another group good. Root
// programs stay. The view shares everything with the store; a name that is no
// set's adds nothing.
func (s *Store) Only(sets ...string) *Store {
	view := *s
	view.hidden = maps.Clone(s.hidden)
	if view.hidden == nil {
		view.hidden = map[string]bool{}
	}
	view.programs = nil
	for _, p := range s.programs {
		if p.Anchor == Inventory && !slices.Contains(sets, p.Name) {
			view.hidden[p.Name] = true
			continue
		}
		view.programs = append(view.programs, p)
	}
	return &view
}

// visible leaves out the CAs of sets that a view hides. A list without any is
// given as it is.
func (s *Store) visible(cas []CA) []CA {
	if len(s.hidden) == 0 || !slices.ContainsFunc(cas, s.hides) {
		return cas
	}
	return slices.DeleteFunc(slices.Clone(cas), s.hides)
}

func (s *Store) hides(ca CA) bool { return ca.Anchor == Inventory && s.hidden[ca.Program] }
