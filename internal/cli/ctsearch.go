package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// searchFlags are those of "ct search".
type searchFlags struct {
	logs.Flags
	from, to, last int64
	since, until   string
	all, screen    bool
	resume         string
	// sinceTime and untilTime are zero where not asked for.
	sinceTime, untilTime time.Time
}

// defaultLast is how many entries of a log are searched where no range was
// asked for: all of one is weeks of reading for today's logs.
const defaultLast = 10_000

const searchExitHelp = `Exit codes:
  0    everything asked for was read, verified and judged; nothing at the bar
  1    an entry or a log has findings at or above --fail-on
  2    wrong command line; nothing was contacted
  3    nothing at the bar, but something could not be read, verified or judged
  4    the run failed
  130  interrupted`

func (c *command) ctSearch() *cobra.Command {
	var f searchFlags
	cmd := &cobra.Command{
		Use: "search NAME...", Short: "Find names in the entries of logs, judge them, and say what was searched", Args: cobra.ArbitraryArgs,
		Long: `Reads a range of entries of each log, verifies them against the log's signed
tree, shows those that match, and judges each as "check" judges a certificate,
and the log beside it.

` + ctlog.WatchSyntax + `

Names are looked for in every commonName, dNSName, URI, iPAddress, SRVName and
XmppAddr, however they are written. What cannot be read matches, and is marked
"unreadable": it cannot be ruled out.

Without a range it is the newest ` + fmt.Sprint(defaultLast) + ` entries of each log. --since and --until find
the range by the entries' timestamps, which are in order only roughly: the log's
maximum merge delay is read on both sides, and entries outside are left out. The
result says for each log which entries were read and verified and which were not;
nothing is known of entries outside of the range. --all judges every entry, counts
the verdicts, and shows the entries that are accused or at the bar of --fail-on.

--resume FILE is written with the results, when the run ends or Ctrl-C or a TERM
ends it, and the next one goes on from there: each entry is shown once. A run that
is killed leaves FILE as it was, and is repeated. For logs of many million entries,
search in parts (--to), or let "ct watch" follow them, which loses nothing.

--screen makes that several times as fast. Every entry is still verified against the
tree, read, and put to all rules about one certificate and about log entries:
names, dates, serial number, key and its weaknesses, encoding, extensions, known
incidents and interceptors, and whether what the log hands out is what it logged.
The entry's own signature is verified where its issuer has an RSA key of at most
3072 bits or one on P-256. Not checked for every entry are other signatures (by
P-384, of its issuers, of its SCTs), paths to a root, rules about chains, and what
zcrypto and certificate-transparency-go read. An entry is judged in full where
anything speaks against it or is out of the ordinary, where it matches a name, where
it is the first under its chain, and one time in 512 besides. All others are counted
as screened, and not as ok.

` + logs.Help + "\n\n" + searchExitHelp,
		Example: `  certassay ct search .example.org
  certassay ct search .example.org lookalike:example.org 192.0.2.0/24 --since 2026-11-01
  certassay ct search .example.org --log "Let's Encrypt 'Sycamore2026h2'" --from 0 -f jsonl
  certassay ct search --all --log file://archive=key.pem --from 0 --report html=log.html`,
	}
	flags := f.bindSearch(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := flags.Config(c.Env)
		if err != nil {
			return exit.Usage(err)
		}
		return c.searchFor(cmd.Context(), &f, cfg, args)
	}
	return cmd
}

// bindSearch adds the flags that shape how entries are judged and reported, and
// gives those about logs their meaning here.
func (f *searchFlags) bindSearch(fs *pflag.FlagSet) *config.Flags {
	flags := bindJudged(&f.Flags, fs, "look also for what `FILE` names, one a line, - for standard input (repeatable)")
	// An entry is of whatever name it is of.
	for _, name := range []string{"name", "store-password-file"} {
		fs.Lookup(name).Hidden = true
	}
	f.BindTiles(fs)
	fs.Int64Var(&f.from, "from", -1, "first entry, `N` from 0")
	fs.Int64Var(&f.to, "to", -1, "entry behind the last, `N`; default: the log's end")
	fs.Int64Var(&f.last, "last", -1, "the newest `N` entries")
	fs.StringVar(&f.since, "since", "", "entries logged from this `TIME` on, such as 2026-11-01 or 36h for that long ago")
	fs.StringVar(&f.until, "until", "", "entries logged before this `TIME`")
	fs.BoolVar(&f.all, "all", false, "judge every entry, and show those that are not ok")
	fs.BoolVar(&f.screen, "screen", false, "with --all: judge in full only entries that cannot be passed over; see above")
	fs.StringVar(&f.resume, "resume", "", "go on where the run before ended, which `FILE` remembers")
	return flags
}

// searchFor checks everything before anybody is contacted.
func (c *command) searchFor(ctx context.Context, f *searchFlags, cfg *config.Config, args []string) error {
	listed, err := c.listedPaths(cfg.Lists)
	if err != nil {
		return exit.Usage(err)
	}
	if args = append(args, listed...); len(args) == 0 && !f.all {
		return exit.Usage(hint.With(errors.New("no name was given"), "such as: certassay ct search .example.org, or --all for every entry"))
	}
	switch {
	case f.screen && !f.all:
		return exit.Usage(hint.With(errors.New("--screen is about every entry"), "add --all"))
	case f.screen && cfg.FailOn.Verdict == finding.Undetermined:
		return exit.Usage(errors.New("--screen gives no verdict for most entries, so that --fail-on inconclusive cannot be answered"))
	}
	started := audit.Now()
	if err := errors.Join(takeJudged(&f.Flags, c, cfg), f.checkRange(), f.checkTimes(started)); err != nil {
		return exit.Usage(err)
	}
	var matcher *ctlog.Matcher
	if len(args) > 0 {
		if matcher, err = ctlog.NewMatcher(args); err != nil {
			return exit.Usage(err)
		}
	}
	known, err := f.Known()
	if err != nil {
		return exit.Usage(err)
	}
	choices, err := f.Choose(known, logs.Approved)
	if err != nil {
		return exit.Usage(err)
	}
	if len(choices) == 0 {
		return exit.With(exit.Incomplete, logs.ErrNone)
	}
	r, err := c.newSearchRun(ctx, f, cfg, matcher, args, started)
	if err != nil {
		return err
	}
	return r.search(ctx, choices)
}

func (f *searchFlags) checkRange() error {
	ranged := f.from >= 0 || f.to >= 0
	switch {
	case f.last == 0 || f.last < -1 || f.from < -1 || f.to < -1 || f.to == 0:
		return errors.New("--from, --to and --last have to be positive")
	case f.last > 0 && ranged:
		return errors.New("--last cannot be had together with --from and --to")
	case (f.since != "" || f.until != "") && (ranged || f.last > 0):
		return errors.New("--since and --until cannot be had together with --from, --to and --last")
	case f.from >= 0 && f.to >= 0 && f.from >= f.to:
		return errors.New("--from has to be less than --to")
	}
	return nil
}

func (f *searchFlags) checkTimes(now time.Time) error {
	var errs []error
	for _, x := range []struct {
		flag, text string
		into       *time.Time
	}{{"--since", f.since, &f.sinceTime}, {"--until", f.until, &f.untilTime}} {
		if x.text == "" {
			continue
		}
		at, err := timeOrAgo(x.text, now)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", x.flag, err))
		}
		*x.into = at
	}
	if !f.untilTime.IsZero() && !f.sinceTime.Before(f.untilTime) {
		errs = append(errs, errors.New("--since has to be before --until"))
	}
	return errors.Join(errs...)
}

// timeOrAgo reads a time, or how long ago it was.
func timeOrAgo(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time (want 2026-11-01, 2026-11-01T10:00:00Z, or 36h)", text)
}

// window is the range to read of a tree where it is given by numbers. missing is
// how many entries the user asked for that the tree does not have.
func (f *searchFlags) window(size uint64) (from, to, missing uint64) {
	if f.from < 0 && f.to < 0 {
		last := uint64(defaultLast)
		if f.last > 0 {
			last = uint64(f.last)
		}
		return size - min(size, last), size, 0
	}
	from, to = uint64(max(f.from, 0)), size
	if f.to >= 0 {
		to = uint64(f.to)
	}
	if to > size {
		missing, to = to-max(size, from), size
	}
	return min(from, to), to, missing
}

// A searchRun is one run of "ct search".
type searchRun struct {
	judgedRun
	flags   *searchFlags
	matcher *ctlog.Matcher // nil where only --all was asked for
	resume  *resumeFile    // nil where nothing is remembered
}

// newSearchRun opens what entries are judged by and every output.
func (c *command) newSearchRun(ctx context.Context, f *searchFlags, cfg *config.Config, m *ctlog.Matcher, items []string, started time.Time) (*searchRun, error) {
	resume, err := openResume(f, items)
	if err != nil {
		return nil, exit.Usage(err)
	}
	judged, err := c.newJudgedRun(ctx, &f.Flags, cfg, evidence.Run{Command: "ct search", Started: started, At: started})
	if err != nil {
		return nil, err
	}
	return &searchRun{judgedRun: *judged, flags: f, matcher: m, resume: resume}, nil
}
