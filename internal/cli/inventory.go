package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/inventories"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

// An owner is an inventory as a session judges by it.
type owner struct {
	*inventory.Inventory
	files map[string]string // paths as reports give them, by those that a person knows
	roots []string          // names of the run's own sets, which vouch for every target
	whole bool              // every target of it is audited
	// unpinned puts the pins of keys and issuers aside: they are being learnt
	// anew.
	unpinned bool
	// group is where targets that are not listed are going to be; nil for none.
	group *inventory.Group
	// reconciled is what is logged for the domains; nil where that is not looked
	// at.
	reconciled *reconciliation

	trust   *trust.Store
	anchors map[string]expect.Anchor // by name of the set

	mu    sync.Mutex
	views map[string]*trust.Store // guarded by mu; by the names of the sets
}

// newOwner reads what an inventory needs besides itself.
func newOwner(inv *inventory.Inventory, path string) *owner {
	o := &owner{Inventory: inv, files: map[string]string{"standard input": "stdin"}, whole: true, anchors: map[string]expect.Anchor{}, views: map[string]*trust.Store{}}
	root := inventories.Repository(path)
	for _, file := range inv.Files {
		o.files[file] = inventories.InRepository(root, file)
	}
	return o
}

// ownerOf reads the inventory that a command was told to judge by; nil where it
// was told none. stdin is nil where it is needed for something else.
func (c *command) ownerOf(cfg *config.Config, at time.Time, stdin io.Reader) (*owner, error) {
	if cfg.Inventory == "" {
		return nil, nil
	}
	inv, err := inventories.Open(cfg.Inventory, stdin, at)
	if err != nil {
		return nil, exit.Usage(err)
	}
	return newOwner(inv, cfg.Inventory), nil
}

// source is a place as reports give it.
func (o *owner) source(p expect.Place) *report.Source {
	return &report.Source{File: o.files[p.File], Line: p.Line, Column: p.Col}
}

// readTrust reads the sets of the inventory.
func (o *owner) readTrust(ctx context.Context, cfg *config.Config, passwords []string) ([]trust.Set, error) {
	var sets []trust.Set
	var errs []error
	for _, path := range cfg.Roots {
		o.roots = append(o.roots, path)
		if o.TrustSet(path) != nil {
			errs = append(errs, hint.With(fmt.Errorf("--roots %s has the name of a trust set of the inventory", path), "write ./"+path))
		}
	}
	for _, t := range o.Trust {
		set := trust.Set{Name: t.Name}
		for _, r := range t.Roots {
			path := r.Path
			if !filepath.IsAbs(path) {
				path = filepath.Join(filepath.FromSlash(r.Base), filepath.FromSlash(path))
			}
			if path == "-" {
				path = "./-"
			}
			read, err := given.Sets(ctx, []config.Program{{Name: t.Name, Path: path}}, nil, passwords)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: trust set %q: %w", r.Place, t.Name, err))
			} else if len(read) == 0 {
				errs = append(errs, fmt.Errorf("%s: trust set %q: %s holds no certificate", r.Place, t.Name, path))
			}
			for _, s := range read {
				set.Certificates = append(set.Certificates, s.Certificates...)
			}
		}
		if len(set.Certificates) > 0 {
			sets = append(sets, set)
			o.anchors[t.Name] = anchor(set)
		}
	}
	return sets, errors.Join(errs...)
}

func anchor(set trust.Set) expect.Anchor {
	a := expect.Anchor{Name: set.Name}
	for _, der := range set.Certificates {
		a.Roots = append(a.Roots, cert.Parse(der).SHA256())
	}
	return a
}

// view is the trust of targets that name these sets. It is the same one for the
// same names: what is remembered of certificates is remembered for each.
func (o *owner) view(names []string) *trust.Store {
	key := strings.Join(slices.Sorted(slices.Values(names)), "\x00")
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.views[key] == nil {
		o.views[key] = o.trust.Only(append(slices.Clone(o.roots), names...)...)
	}
	return o.views[key]
}

// terms are what holds for a subject. What is no endpoint, or is not listed, is
// under the defaults.
func (o *owner) terms(e *evidence.Subject) (inventory.Terms, *inventory.Entry) {
	if e.Kind == evidence.Endpoint {
		if entry := o.Find(e.ID); entry != nil {
			return entry.Terms(), entry
		}
		if o.group != nil {
			return o.group.Terms(), nil
		}
	}
	return o.Defaults(), nil
}

// expected is what the owner says of a subject; see [audit.Options].
func (o *owner) expected(e *evidence.Subject) *audit.Expected {
	if x := o.logged(e); e.Kind == evidence.LogEntry && x != nil {
		return x
	}
	terms, entry := o.terms(e)
	x := &audit.Expected{Trust: o.view(terms.Trust)}
	if e.Kind != evidence.Endpoint {
		return x
	}
	for _, name := range terms.Trust {
		terms.Expect.Anchors = append(terms.Expect.Anchors, o.anchor(name))
	}
	if len(terms.Trust) > 0 {
		// Whoever passes --roots means it for this run.
		for _, name := range o.roots {
			terms.Expect.Anchors = append(terms.Expect.Anchors, o.anchor(name))
		}
	}
	if o.unpinned {
		terms.Expect.Keys, terms.Expect.Issuers = nil, nil
	}
	x.Expectation = &terms.Expect
	if entry != nil {
		x.Source = o.source(entry.Place)
	}
	return x
}

func (o *owner) anchor(name string) expect.Anchor {
	if a, ok := o.anchors[name]; ok {
		return a
	}
	return expect.Anchor{Name: name}
}

// failOn is the bar for a subject: that of the command line where one was asked
// for, or else the owner's.
func (s *session) failOn(e *evidence.Subject) config.FailOn {
	if s.owner == nil || s.cfg.FailOnSaid {
		return s.cfg.FailOn
	}
	if terms, _ := s.owner.terms(e); terms.FailOn != "" {
		// The inventory checked it.
		if bar, err := config.ParseFailOn(terms.FailOn); err == nil {
			return bar
		}
	}
	return s.cfg.FailOn
}
