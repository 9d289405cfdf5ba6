package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/cli/version"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/notify"
	"github.com/certassay/certassay/internal/watch"
)

// watchFlags are those of "ct watch". What the file says, cfg, gives way to them.
type watchFlags struct {
	logs.Flags
	config, state, start, metrics, inventory, waivers string
	roots, rules                                      []string
	once, status, all, tellExpected                   bool
	cfg                                               *config.Watch
}

func (c *command) ctWatch() *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use: "watch [NAME...]", Short: "Follow logs, and tell of each certificate for your names",
		Long: `Follows logs until it is stopped, and tells once of each certificate that holds
one of the names: as lines of JSON on standard output, or as the configuration
says. A precertificate and its certificate are one, in however many logs they are.

` + ctlog.WatchSyntax + `

Each tree head has to continue the one before; where it does not, both are saved
in the state directory, below ` + watch.Proofs + `, and you are told; and so you are of one
that is too old, of the future, or not signed by the log: who shows that hides what
was logged. Entries are verified before they are looked at. Where the program
stops, also by kill -9, it goes on the next time. Each notification has an id; a
webhook or program may be told the same one again after a crash, a jsonl file is
not.

Each is judged as "check" judges a certificate, by the roots, rules and waivers of
the flags of these names. With --inventory the domains of an inventory are looked
for, too, and what it explains is not told: a certificate of a group whose key is
one of the group's keys, whose issuer is one of its issuers, and whose root is one
of its trust, as far as it says each. Whoever names issuers alone is not told of
what these issue, to whomever. The keys that it pins are looked for, too: one in a
certificate for names that are not of its domains is told. What is called forged
or suspicious is always told. --tell-expected tells everything.

All files that it was given are looked at again while it watches, with each look at
a log or once a minute, and where one has changed, or on SIGHUP (with -c), all are
read again: names, inventory, receivers, logs, everything but the state directory.
New names are looked for from then on. Files that cannot be taken change nothing:
the ones before stay in force, and the log, --status and the metrics say so.

With --all every entry is judged, and those are told, too, that hold none of the
names and are forged, suspicious, or at the bar of fail-on.

A log that was never read is begun at its end; --start 10000 begins that many
entries before it. With --once each log is read to its end once, for cron; with
--status nothing is read, and the state is shown.

` + logs.Help + `

Configuration file (all but version may be left out; flags win):

  version: 1
  state: /var/lib/certassay
  names: [.example.org, www.example.com]
  logs: ["Let's Encrypt"]     # default: those that browsers accept
  log-list: log_list.json     # looked at again every minute
  inventory: certassay.yaml   # its domains are looked for, what it explains is not told
  expected:                   # not told, either: certificates and keys that are yours
    - certificates/           # PEM or DER, files and directories
    - sha256/BASE64=          # hash of a key, as in a pin
  notify:
    - jsonl: found.jsonl      # - is standard output
    - webhook: https://hooks.example.org/certassay
      token-file: token       # sent as bearer token
      headers-file: headers   # further headers, "Name: value" in each line
    - exec: [/usr/local/bin/alert, --page]   # gets the JSON on standard input
      timeout: 30s
  start: now
  interval: 1m                # between two looks at a log
  late: 15m                   # when a log counts as behind
  rate: 10                    # requests a second to one log
  data-tiles: false           # of RFC 6962 logs that serve such
  contact: security@example.org
  roots: [corp-root.pem]      # waivers, rules, known-keys: as the flags of "check"
  all: false                  # judge every entry; tell from fail-on: high on
  tell-expected: false
  metrics: 127.0.0.1:9464     # Prometheus
  metrics-file: /var/lib/node_exporter/certassay.prom

` + watchExitHelp,
		Example: `  certassay ct watch .example.org --state /var/lib/certassay
  certassay ct watch -c watch.yaml
  certassay ct watch -c watch.yaml --status`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.watch(cmd, &f, args) },
	}
	f.Bind(cmd.Flags(), "text, json (of --status)")
	f.BindTiles(cmd.Flags())
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "read the configuration in `FILE`")
	cmd.Flags().StringVar(&f.state, "state", "", "remember what was read in `DIR`")
	cmd.Flags().StringVar(&f.start, "start", "now", "begin a new log `now`, or so many entries before its end")
	cmd.Flags().StringVar(&f.metrics, "metrics", "", "answer Prometheus at `ADDRESS`, such as :9464 (of this machine only)")
	cmd.Flags().StringVar(&f.inventory, "inventory", "", "watch the domains of the inventory `FILE`, and tell what it does not explain")
	cmd.Flags().StringArrayVar(&f.roots, "roots", nil, "trust the CA certificates in `FILE|DIR` as the owner's (repeatable)")
	cmd.Flags().StringArrayVar(&f.rules, "rules", nil, "load further rules from `DIR` (repeatable)")
	cmd.Flags().StringVar(&f.waivers, "waivers", "", "accept the findings that `FILE` waives")
	cmd.Flags().BoolVar(&f.all, "all", false, "judge every entry, and tell those that are not ok, too")
	cmd.Flags().BoolVar(&f.tellExpected, "tell-expected", false, "tell also of certificates that are expected")
	cmd.Flags().BoolVar(&f.once, "once", false, "read each log to its end once, and exit")
	cmd.Flags().BoolVar(&f.status, "status", false, "show how far each log was read, and exit")
	cmd.MarkFlagsMutuallyExclusive("once", "status")
	return cmd
}

const watchExitHelp = `Exit codes:
  0    with --once, --status: every log was read to its end, everybody was told
  1    with --once: a log contradicts what it signed, or shows a head that it did
       not sign
  2    wrong command line or configuration; nothing was contacted
  3    with --once, --status: a log fails, is behind, or has gaps; or a receiver fails
  4    the run failed: the state cannot be read or written, or another one runs
  130  stopped by a signal; the state is whole`

// watch checks everything before anybody is contacted.
func (c *command) watch(cmd *cobra.Command, f *watchFlags, args []string) error {
	load := func() (*watchFlags, error) {
		again := *f // what a file said before is forgotten
		return &again, again.load(c, cmd, args)
	}
	loaded, err := load()
	if err != nil {
		return exit.Usage(err)
	}
	if f.status {
		return c.watchStatus(cmd.Context(), loaded)
	}
	w := &watchRun{command: c, load: load, stderr: c.Streams.Err}
	plan, err := w.planOf(cmd.Context(), loaded, nil)
	if err != nil {
		return err
	}
	w.plan.Store(plan)
	return w.run(cmd.Context())
}

// load puts file and flags together.
func (f *watchFlags) load(c *command, cmd *cobra.Command, args []string) (err error) {
	f.cfg = &config.Watch{}
	if f.config != "" {
		if f.cfg, err = config.ReadWatch(f.config); err != nil {
			return err
		}
	}
	given, cfg := cmd.Flags().Changed, f.cfg
	if given("state") {
		cfg.State = f.state
	}
	if given("metrics") {
		cfg.Metrics = f.metrics
	}
	if given("start") {
		if cfg.Back, err = config.ParseStart(f.start); err != nil {
			return fmt.Errorf("--start: %w", err)
		}
	}
	if given("inventory") {
		cfg.Inventory = f.inventory
	}
	if given("waivers") {
		cfg.Waivers = f.waivers
	}
	cfg.Roots, cfg.Rules = append(cfg.Roots, f.roots...), append(cfg.Rules, f.rules...)
	cfg.All, cfg.TellExpected = cfg.All || f.all, cfg.TellExpected || f.tellExpected
	if f.config == "" {
		cfg.FailOn = config.FailOn{Severity: finding.High}
	}
	if !given("log") {
		f.Logs = cfg.Logs
	}
	if !given("log-list") {
		f.LogList = cfg.LogList
	}
	if !given("contact") {
		f.Contact = cfg.Contact
	}
	if !given("rate") && cfg.Rate > 0 {
		f.Rate = cfg.Rate
	}
	if !given("timeout") && cfg.Timeout > 0 {
		f.Timeout = cfg.Timeout
	}
	f.Concurrency = cfg.Concurrency
	f.DataTiles = f.DataTiles || cfg.DataTiles
	cfg.Names = append(cfg.Names, args...)
	if cfg.Interval == 0 {
		cfg.Interval = time.Minute
	}
	if cfg.Late == 0 {
		cfg.Late = max(15*time.Minute, 5*cfg.Interval)
	}
	if len(cfg.Notify) == 0 {
		cfg.Notify = []config.Notify{{JSONL: "-"}}
	}
	if cfg.State == "" {
		return hint.With(errors.New("no state directory was named"), "give one with --state DIR, or as \"state\" in the configuration")
	}
	return f.Check(c.Call, "text", "json")
}

// targets gives the logs to follow. The list of logs is read each time.
func (f *watchFlags) targets() ([]watch.Target, error) {
	known, err := f.Known()
	if err != nil {
		return nil, err
	}
	choices, err := f.Choose(known, logs.Approved)
	if err != nil {
		return nil, err
	}
	if len(choices) == 0 {
		return nil, logs.ErrNone
	}
	var out []watch.Target
	for _, ch := range choices {
		address := ch.Address
		if address == "" {
			address = ch.Log.URL
			if ch.Log.Tiled && ch.Log.Monitor != "" {
				address = ch.Log.Monitor
			}
		}
		version := fmt.Sprint(ch.Log.Name, ch.Log.URL, ch.Log.Monitor, ch.Log.Tiled, ch.Log.MMD, ch.Log.From, ch.Log.To, ch.Log.States)
		if ch.Log.Final != nil {
			version += fmt.Sprint(*ch.Log.Final)
		}
		out = append(out, watch.Target{ID: ch.Log.ID, Name: ch.Log.Name, Address: address, Version: version, Open: func(ctx context.Context) (ctlog.Source, *ct.Log, error) {
			source, err := ch.Open(ctx, &f.Flags)
			return source, ch.Log, err
		}})
	}
	return out, nil
}

func (c *command) receivers(list []config.Notify) (out []notify.Receiver, err error) {
	var errs []error
	seen := map[string]bool{}
	for _, n := range list {
		r, err := c.receiver(&n)
		switch {
		case err != nil:
			errs = append(errs, err)
		case seen[r.Name()]:
			errs = append(errs, fmt.Errorf("%s is to be notified twice", r.Name()))
		default:
			seen[r.Name()] = true
			out = append(out, r)
		}
	}
	return out, errors.Join(errs...)
}

func (c *command) receiver(n *config.Notify) (notify.Receiver, error) {
	switch {
	case n.Webhook != "":
		return notify.NewWebhook(notify.Webhook{URL: n.Webhook, Token: n.Token, Header: n.Headers, Timeout: n.Timeout, UserAgent: "certassay/" + version.String()})
	case len(n.Exec) > 0:
		return notify.NewCommand(notify.Command{Args: n.Exec, Timeout: n.Timeout})
	case n.JSONL == "-":
		return notify.NewStream(c.Streams.Out), nil
	}
	return notify.NewFile(n.JSONL)
}
