package inventories

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/suggest"
)

// A Selection is which targets of an inventory are meant; all where it is zero.
type Selection struct {
	Groups, Owners, Targets []string // globs
}

// Of gives the entries that are meant. A pattern that nothing fits is an error: in
// a job that selects a group, a renamed group must not become a clean run.
func (s *Selection) Of(inv *inventory.Inventory) ([]*inventory.Entry, error) {
	entries := inv.Entries()
	var errs []error
	narrow := func(what string, patterns []string, words func(*inventory.Entry) []string) {
		if len(patterns) == 0 {
			return
		}
		used := make([]bool, len(patterns))
		known, meant := map[string]bool{}, map[*inventory.Entry]bool{}
		for _, e := range entries {
			meant[e] = true
		}
		var kept []*inventory.Entry
		for _, e := range inv.Entries() {
			fits := false
			for _, w := range words(e) {
				known[w] = true
				for i, p := range patterns {
					if ok, _ := path.Match(p, w); ok || p == w {
						used[i], fits = true, true
					}
				}
			}
			if fits && meant[e] {
				kept = append(kept, e)
			}
		}
		for i, p := range patterns {
			if !used[i] {
				errs = append(errs, noneFits(what, p, known))
			}
		}
		entries = kept
	}
	narrow("group", s.Groups, func(e *inventory.Entry) []string { return []string{e.Group.Name} })
	narrow("owner", s.Owners, func(e *inventory.Entry) []string { return []string{e.Terms().Expect.Owner} })
	narrow("target", s.Targets, func(e *inventory.Entry) []string {
		words := []string{e.Spec.Raw()}
		if !e.Spec.Prefix().IsValid() {
			for t := range e.Spec.All() {
				words = append(words, t.Host, t.HostPort(), t.String())
			}
		}
		return words
	})
	return entries, errors.Join(errs...)
}

func noneFits(what, pattern string, known map[string]bool) error {
	err := fmt.Errorf("no %s of the inventory fits %q", what, pattern)
	var words []string
	for w := range known {
		words = append(words, w)
	}
	if near := suggest.Nearest(pattern, words); near != "" {
		return hint.With(err, fmt.Sprintf("did you mean %q?", near))
	}
	return hint.With(err, "see: certassay audit --dry-run")
}

// Addresses are those that entries name, in the form of --resolve. What was said
// there goes before.
func Addresses(entries []*inventory.Entry, said []string) (more []string) {
	for _, e := range entries {
		if !e.Address.IsValid() {
			continue
		}
		for t := range e.Spec.All() {
			fits := func(s string) bool { return strings.HasPrefix(strings.ToLower(s), t.HostPort()+":") }
			if !slices.ContainsFunc(said, fits) {
				more = append(more, t.HostPort()+":"+e.Address.String())
			}
		}
	}
	return more
}

// Path is the inventory that was named, or that is found. Which one was
// found elsewhere than here is said.
func Path(c *call.Call, cfg *config.Config) (string, error) {
	if cfg.Inventory != "" {
		return cfg.Inventory, nil
	}
	found, err := find()
	if err == nil && found != inventory.FileName && !cfg.Quiet {
		fmt.Fprintf(c.Streams.Err, "certassay: note: the inventory is %s\n", found)
	}
	return found, err
}
