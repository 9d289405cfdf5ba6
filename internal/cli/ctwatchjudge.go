package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/watch"
)

// A watchJudge judges what a watch meets, at the time when it is met, by the
// inventory where there is one.
type watchJudge struct {
	session *session                      // of which only what it loads is used
	groups  map[string][]*inventory.Group // by what is looked for in their name
	order   []string                      // of what groups has, as written
	// keys are the keys that the inventory pins, as they are looked for. That one
	// of them is in a certificate explains nothing.
	keys map[string]bool

	mu      sync.Mutex
	auditor *audit.Auditor // guarded by mu; remade from time to time
	made    time.Time      // guarded by mu
	// terms are those of the subjects that are being judged.
	terms sync.Map // *evidence.Subject to *inventory.Group
}

// newWatchJudge reads all that is judged by. The errors are exits.
func (c *command) newWatchJudge(ctx context.Context, f *watchFlags) (*watchJudge, error) {
	w := f.cfg
	now := audit.Now()
	cfg := &config.Config{
		Roots: w.Roots, Rules: w.Rules, KnownKeys: w.KnownKeys, Waivers: w.Waivers, LogList: f.LogList, Data: f.Data, FailOn: w.FailOn, Inventory: w.Inventory,
	}
	o, err := c.ownerOf(cfg, now, nil)
	if err != nil {
		return nil, err
	}
	j := &watchJudge{groups: map[string][]*inventory.Group{}, keys: map[string]bool{}}
	j.session = &session{cfg: cfg, owner: o, run: evidence.Run{At: now}, contacted: map[string]bool{}, stderr: c.Streams.Err}
	if err := j.session.load(ctx, c); err != nil {
		return nil, exit.Usage(err)
	}
	if o == nil {
		return j, nil
	}
	for _, g := range o.Groups {
		for _, name := range watched(g, o.Entries()) {
			if len(j.groups[name]) == 0 {
				j.order = append(j.order, name)
			}
			j.groups[name] = append(j.groups[name], g)
		}
	}
	if len(j.order) == 0 {
		return nil, exit.Usage(hint.With(fmt.Errorf("%s names nothing that logs could be searched for", w.Inventory), "give a group domains, such as: domains: [.example.org]"))
	}
	for _, p := range pinsOf(o.Inventory) {
		for _, item := range appendKey(nil, p.String()) {
			j.keys[item] = true
		}
	}
	return j, nil
}

// pinsOf are the keys that an inventory pins anywhere.
func pinsOf(inv *inventory.Inventory) (out []expect.Pin) {
	for _, g := range inv.Groups {
		out = append(out, g.Terms().Expect.Keys...)
	}
	for _, e := range inv.Entries() {
		out = append(out, e.Terms().Expect.Keys...)
	}
	return expect.Unique(out)
}

// watched is what is looked for in a group's name: its domains, and its targets
// that none of them covers.
func watched(g *inventory.Group, entries []*inventory.Entry) []string {
	out := slices.Clone(g.Domains)
	for _, e := range entries {
		if e.Group != g || e.Spec.Prefix().IsValid() {
			continue
		}
		for t := range e.Spec.All() {
			_, address := t.Addr()
			if !address && strings.Contains(t.Host, ".") && !slices.ContainsFunc(out, func(d string) bool { return covers(d, t.Host) }) {
				out = append(out, t.Host)
			}
		}
	}
	return out
}

// covers says whether a domain, as inventories write it, holds a name.
func covers(domain, host string) bool {
	return host == strings.TrimPrefix(domain, ".") || strings.HasPrefix(domain, ".") && strings.HasSuffix(host, domain)
}

// matcher looks for the names of the configuration and those of the inventory.
func (j *watchJudge) matcher(w *config.Watch) (watch.Matcher, error) {
	names := j.names(w)
	if len(names) == 0 && w.All {
		return noName{}, nil
	}
	if len(names) == 0 {
		return nil, hint.With(errors.New("no name was given"), "such as: certassay ct watch .example.org --state DIR")
	}
	return ctlog.NewMatcher(names)
}

// names are all that is looked for, each once.
func (j *watchJudge) names(w *config.Watch) []string {
	names := slices.Clone(w.Names)
	for _, name := range slices.Concat(j.order, slices.Sorted(maps.Keys(j.keys))) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// noName matches nothing: entries are looked at for their verdict alone.
type noName struct{}

func (noName) MatchChain(*ct.LogEntry, []ctlog.Hit, func() ([][]byte, error)) []ctlog.Hit { return nil }

// following says for people what is looked for.
func (j *watchJudge) following(w *config.Watch) string {
	text := fmt.Sprint(len(j.names(w)))
	if w.All {
		text += ", and every entry that is not ok"
	}
	return text
}

// judge is that of [watch.Options]. Where names of several groups are in a
// certificate, all of them have to explain it; the first that does not is the one
// it is judged by.
func (j *watchJudge) judge(s *evidence.Subject, hits []ctlog.Hit) watch.Judgement {
	groups, all := j.groupsOf(hits)
	if len(groups) == 0 {
		return watch.Judgement{Report: j.now().Judge(s).Subject}
	}
	var out watch.Judgement
	for _, g := range groups {
		j.terms.Store(s, g)
		judged := j.now().Judge(s)
		j.terms.Delete(s)
		v := judged.Subject.Verdict
		out = watch.Judgement{Report: judged.Subject, Expected: all && judged.Explained && v != finding.Forged && v != finding.Suspicious}
		if !out.Expected {
			break
		}
	}
	return out
}

// groupsOf gives the groups that were looked for. all is false where something
// was that belongs to none, or that could not be read: then no group can explain
// everything. A pinned key that stands in a certificate for no name of the owner's
// is of no group: whoever has that certificate has the key.
func (j *watchJudge) groupsOf(hits []ctlog.Hit) (groups []*inventory.Group, all bool) {
	all = true
	for _, h := range hits {
		if j.keys[h.Watched] && slices.ContainsFunc(hits, func(o ctlog.Hit) bool { return len(j.groups[o.Watched]) > 0 }) {
			continue
		}
		of := j.groups[h.Watched]
		all = all && len(of) > 0 && !h.Unreadable
		for _, g := range of {
			if !slices.Contains(groups, g) {
				groups = append(groups, g)
			}
		}
	}
	return groups, all
}

// remade is how long an auditor is used: it judges at one time, and what it
// remembers of certificates spares most of the work.
const remade = 10 * time.Second

// now gives an auditor that judges as of now.
func (j *watchJudge) now() *audit.Auditor {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := audit.Now()
	if j.auditor == nil || now.Sub(j.made) >= remade {
		s := j.session
		o := audit.Options{Rules: s.rules, Trust: s.trust, Logs: s.logs, KnownKeys: s.known, Waivers: s.waivers, At: now}
		if s.owner != nil {
			o.Expect = j.expected
		}
		j.auditor, j.made = audit.New(o), now
	}
	return j.auditor
}

// expected is what the inventory says of a subject: of a certificate in a log what
// it says of the group, as far as a certificate alone can meet it.
func (j *watchJudge) expected(s *evidence.Subject) *audit.Expected {
	o := j.session.owner
	g, ok := j.terms.Load(s)
	if !ok {
		return o.expected(s)
	}
	terms := g.(*inventory.Group).Terms()
	x := &audit.Expected{Trust: o.view(terms.Trust), Expectation: &expect.Expectation{
		Issuers: terms.Expect.Issuers, Keys: terms.Expect.Keys, MaxValidity: terms.Expect.MaxValidity, KeyTypes: terms.Expect.KeyTypes,
		MustStaple: terms.Expect.MustStaple, Group: terms.Expect.Group, Owner: terms.Expect.Owner, Place: terms.Expect.Place,
	}}
	for _, name := range terms.Trust {
		x.Expectation.Anchors = append(x.Expectation.Anchors, o.anchor(name))
	}
	if len(terms.Trust) > 0 {
		for _, name := range o.roots {
			x.Expectation.Anchors = append(x.Expectation.Anchors, o.anchor(name))
		}
	}
	return x
}
