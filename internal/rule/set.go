package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A Set is rules that were loaded together, and which of them run. It never
// changes and is safe for concurrent use. There is no useful zero value.
type Set struct {
	engine       *engine
	all          []*Rule // sorted by id
	active       []*Rule // sorted by id
	byScope      [scopes][]*Rule
	experimental bool
	interpreted  bool // conditions are asked of CEL alone
}

func newSet(e *engine, rules []*Rule, opts Options) *Set {
	slices.SortFunc(rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	s := &Set{engine: e, all: rules, experimental: opts.Experimental}
	s.activate(s.runs)
	return s
}

// runs says that a rule runs without being asked for.
func (s *Set) runs(r *Rule) bool {
	return r.Status == Stable || r.Status == Experimental && s.experimental
}

func (s *Set) activate(keep func(*Rule) bool) {
	s.active, s.byScope = nil, [scopes][]*Rule{}
	for _, r := range s.all {
		if keep(r) {
			s.active = append(s.active, r)
			s.byScope[r.scope] = append(s.byScope[r.scope], r)
		}
	}
}

// All lists every rule that was loaded, by id, including those that do not run.
func (s *Set) All() []*Rule { return slices.Clone(s.all) }

// Active lists the rules that run, by id.
func (s *Set) Active() []*Rule { return slices.Clone(s.active) }

// Rule finds a rule by its id or an alias. The error suggests a near one.
func (s *Set) Rule(id string) (*Rule, error) {
	if r := s.find(id); r != nil {
		return r, nil
	}
	return nil, s.noRule(id)
}

func (s *Set) find(id string) *Rule {
	for _, r := range s.all {
		if r.ID == id || slices.Contains(r.Aliases, id) {
			return r
		}
	}
	return nil
}

// A SelectionError is a rule id or pattern that names nothing.
type SelectionError struct {
	Pattern string
	Msg     string
	Hint    string
}

// Error says what the pattern failed to do; the hint is separate.
func (e *SelectionError) Error() string { return e.Msg }

func (s *Set) noRule(id string) error {
	var ids []string
	for _, r := range s.all {
		ids = append(append(ids, r.ID), r.Aliases...)
	}
	return &SelectionError{id, fmt.Sprintf("no rule has the id %q", id), hintOr(didYouMean(id, ids), `"certassay rules list" shows all`)}
}

// Select gives the set in which only the rules run that match one of only, if
// there is any, and none of skip. Patterns are ids, aliases, or globs as of
// [path.Match]. An experimental rule runs if only names it by id. A pattern that
// matches no rule is an error, as is a deprecated rule in only.
func (s *Set) Select(only, skip []string) (*Set, error) {
	wanted, named, err := s.match(only)
	unwanted, _, err2 := s.match(skip)
	var errs []error
	for r := range named {
		if r.Status == Deprecated {
			errs = append(errs, &SelectionError{r.ID, fmt.Sprintf("rule %s is deprecated and never runs", r.ID), ""})
		}
	}
	out := &Set{engine: s.engine, all: s.all, experimental: s.experimental, interpreted: s.interpreted}
	out.activate(func(r *Rule) bool {
		return (len(only) == 0 || wanted[r]) && !unwanted[r] && r.Status != Deprecated && (s.runs(r) || named[r])
	})
	if err := errors.Join(append(errs, err, err2)...); err != nil {
		return nil, err
	}
	if len(out.active) == 0 && len(only)+len(skip) > 0 {
		return nil, &SelectionError{strings.Join(only, " "), "the selection leaves no rule to run",
			"experimental rules run only when named by their id, or with all of them turned on"}
	}
	return out, nil
}

// match gives the rules that patterns match, and those named by id or alias.
func (s *Set) match(patterns []string) (matched, named map[*Rule]bool, err error) {
	matched, named = map[*Rule]bool{}, map[*Rule]bool{}
	var errs []error
	for _, p := range patterns {
		if !strings.ContainsAny(p, `*?[\`) {
			r := s.find(p)
			if r == nil {
				errs = append(errs, s.noRule(p))
				continue
			}
			matched[r], named[r] = true, true
			continue
		}
		if _, err := path.Match(p, ""); err != nil {
			errs = append(errs, &SelectionError{p, fmt.Sprintf("%q is not a pattern: %v", p, err), ""})
			continue
		}
		n := 0
		for _, r := range s.all {
			if slices.ContainsFunc(append([]string{r.ID}, r.Aliases...), func(id string) bool {
				ok, _ := path.Match(p, id) // checked above
				return ok
			}) {
				matched[r] = true
				n++
			}
		}
		if n == 0 {
			errs = append(errs, &SelectionError{p, fmt.Sprintf("no rule matches %q", p), `"certassay rules list" shows all`})
		}
	}
	return matched, named, errors.Join(errs...)
}

// Digest names the content of the rules that run, "sha256:hex": the same digest
// means the same judgement of the same facts. Comments and layout of the files
// do not enter it.
func (s *Set) Digest() string {
	h := sha256.New()
	for _, r := range s.active {
		d := r.digest()
		h.Write(d[:])
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
