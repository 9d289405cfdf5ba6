package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/inventories"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/cli/servers"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/target"
)

func (c *command) newAudit() *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit [TARGET...]", Short: "Audit an inventory: what is served against what is expected",
		Long: `Reads the inventory, certassay.yaml here or in a directory above, checks all of
it, and audits every target of it against what its owner expects: keys, issuers,
names, trust. Nobody is contacted before everything was checked.

TARGET, --group and --owner choose some of the targets; globs work. A list on
standard input becomes part of the inventory where a group says so:

  targets_from: {file: "-"}

certassay starts no program for it, so that an inventory can come with a pull
request. Targets of -l FILE that no group lists are audited under the defaults.

Where a group names domains, what CT logs recorded for them is held against what
the servers show and the owner expects: --ct-state DIR takes it from the state of
"certassay ct watch", --ct-since TIME reads the logs now (those of --log, or all
that browsers accept, which takes long). --ct-index KIND=URL asks a third party
besides, crt.sh or Cert Spotter, and tells it your domains: what it shows is judged
from its bytes, and what it does not show is not thereby missing. A Cert Spotter is
sent the token in --ct-index-token FILE, so that it does not count you among those
without an account. Logs and indexes are asked directly, whatever --via says, which
is where servers are looked at from; --ct-via URL leads to them.

A certificate that no server shows, no pin names and no renewal explains is
reported, at the line of the domain. What could not be read of a log makes the run
incomplete, and never means that nothing was issued.

` + exit.Help,
		Example: `  certassay audit
  certassay audit --ct-state /var/lib/certassay
  certassay audit --online ct --ct-since 36h --log "Let's Encrypt"
  certassay audit -c ci/certassay.yaml --report sarif=certassay.sarif
  certassay audit --group 'mail*' --dry-run
  certassay audit time.example.org '*.lab.example.org'
  kubectl get ingress -A -o json | jq -r '.items[].spec.tls[]?.hosts[]?' | certassay audit`,
	}
	flags := config.Bind(cmd.Flags(), config.Which{Network: true, Inventory: true, Logs: true}, report.Formats())
	var sel auditFlags
	cmd.Flags().StringArrayVar(&sel.Groups, "group", nil, "audit only the targets of group `NAME`; globs work (repeatable)")
	cmd.Flags().StringArrayVar(&sel.Owners, "owner", nil, "audit only the targets of owner `NAME`; globs work (repeatable)")
	cmd.Flags().BoolVar(&sel.dryRun, "dry-run", false, "check everything, list the targets, and contact nobody")
	cmd.Flags().StringVar(&sel.ct.state, "ct-state", "", "reconcile with what \"ct watch\" found, whose state is in `DIR`")
	cmd.Flags().StringVar(&sel.ct.since, "ct-since", "", "reconcile with what logs took since `TIME`, such as 2026-11-01 or 36h for that long ago")
	cmd.Flags().StringArrayVar(&sel.ct.indexes, "ct-index", nil, "reconcile also with what a third party's index shows, `KIND=URL`: crtsh=https://… or certspotter=https://… (repeatable; needs --online ct)")
	cmd.Flags().StringVar(&sel.ct.tokenFile, "ct-index-token", "", "send the certspotter index the API token in `FILE`")
	cmd.Flags().StringVar(&sel.ct.via, "ct-via", "", "ask logs and indexes through the proxy `URL`: "+logs.ViaHelp)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := flags.Config(c.Env)
		if err != nil {
			return exit.Usage(err)
		}
		sel.Targets = args
		return c.audit(cmd.Context(), cfg, &sel)
	}
	return cmd
}

// auditFlags are the flags that only audit has.
type auditFlags struct {
	inventories.Selection
	dryRun bool
	ct     ctSources
}

func (c *command) audit(ctx context.Context, cfg *config.Config, sel *auditFlags) error {
	path, err := inventories.Path(c.Call, cfg)
	if err != nil {
		return exit.Usage(err)
	}
	started := audit.Now()
	run := evidence.Run{Command: "audit", Started: started, At: started, Contacted: []string{}}
	stdin := c.Streams.In
	if slices.Contains(cfg.Lists, "-") {
		stdin = nil // it is a list of its own
	}
	inv, err := inventories.Open(path, stdin, judgedAt(cfg, run))
	if err != nil {
		return exit.Usage(err)
	}
	entries, err := sel.Of(inv)
	if err != nil {
		return exit.Usage(err)
	}
	set, err := servers.Targets(c.Call, cfg, nil)
	if err != nil {
		return exit.Usage(err)
	}
	all := &target.Set{}
	for _, e := range entries {
		all.Add(e.Spec)
	}
	cfg.Resolve = append(cfg.Resolve, inventories.Addresses(entries, cfg.Resolve)...)
	all.Add(slices.Collect(set.Specs())...)
	o := newOwner(inv, path)
	o.whole = len(entries) == len(inv.Entries())
	o.reconciled = newReconciliation(inv, entries, o.whole)
	if err := errors.Join(sel.ct.check(ctx, cfg, started), sel.ct.checkVia(c, cfg)); err != nil {
		return exit.Usage(err)
	}
	if o.reconciled != nil {
		o.reconciled.sources = sel.ct
	} else if sel.ct.asked() || sel.ct.via != "" && slices.Contains(cfg.Said, "ct-via") {
		return exit.Usage(hint.With(errors.New("nothing can be reconciled with logs: the groups that are audited name no domains"), "add to a group: domains: [.example.org]"))
	}
	if all.Len() == 0 && !sel.dryRun && sel.ct.asked() {
		return c.auditLogged(ctx, cfg, run, o)
	}
	if sel.dryRun || all.Len() == 0 {
		return c.dryRun(ctx, cfg, run, o, all)
	}
	return c.dial(ctx, cfg, run, all, o)
}

// dryRun checks all that an audit would, and lists what it would contact. Where
// that is nobody, it is no clean run: nothing was checked.
func (c *command) dryRun(ctx context.Context, cfg *config.Config, run evidence.Run, o *owner, set *target.Set) error {
	run.At = judgedAt(cfg, run)
	o.whole = false // waivers are of no use where nothing is judged
	s := &session{cfg: cfg, run: run, owner: o}
	if _, _, err := servers.Dialers(c.Call, cfg, servers.Limits(cfg)); err != nil {
		return exit.Usage(err)
	}
	if err := s.load(ctx, c); err != nil {
		return exit.Usage(err)
	}
	s.ownWarnings()
	hint.Warn(c.Streams.Err, s.warnings)
	if set.Len() == 0 {
		return exit.With(exit.Incomplete, hint.With(target.ErrNoTargets, "nothing was checked: look at the inventory, and at what --group and --owner select"))
	}
	if err := writeTargets(c.Streams.Out, o, set); err != nil {
		return exit.Failed(err)
	}
	if len(o.Empty) > 0 {
		return exit.With(exit.Incomplete, nil)
	}
	return nil
}

func writeTargets(out io.Writer, o *owner, set *target.Set) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TARGET\tGROUP\tOWNER\tPLACE")
	for spec := range set.Specs() {
		group, who, place := "-", "-", "-"
		for t := range spec.All() {
			if e := o.Find(t.ID()); e != nil {
				terms := e.Terms()
				group, who, place = e.Group.Name, terms.Expect.Owner, e.Place.String()
			}
			break
		}
		if strings.TrimSpace(who) == "" {
			who = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", report.Escape(spec.Raw()), report.Escape(group), report.Escape(who), report.Escape(place))
	}
	return w.Flush()
}
