package data

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/fetched"
	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/parcel"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

// Limits on what is fetched, with what each one stops.
const (
	// maxCAFetch bounds one list of CAs; the longest has about 20 MB. One without
	// end would fill memory.
	maxCAFetch = 128 << 20
	// lostShare is the part of the known CAs that a newer list may leave out: one
	// in so many. CCADB corrects records now and then; a list that was cut short
	// would turn genuine CAs into strangers.
	lostShare = 100
	// shrinkShare is the part of all logs that a newer list may leave out, those
	// that are over included: one in so many.
	shrinkShare = 3
	// ahead is how far the date of a list may lie in the future. One that was
	// accepted with a later date would make every honest one too old.
	ahead = 24 * time.Hour
)

// An updating is one run of data update.
type updating struct {
	c                       *call.Call
	dir, logList, logKey    string
	onecrl                  string
	caData, roots           []string
	force, dryRun, unsigned bool
	timeout                 time.Duration
	now                     time.Time
	pools                   []*x509.CertPool
	written                 bool
}

func newUpdate(c *call.Call) *cobra.Command {
	u := &updating{c: c}
	cmd := &cobra.Command{
		Use: "update [logs] [ca-data] [onecrl]", Short: "Fetch newer trust data into a directory",
		Long: `Fetches the list of CT logs, the lists of CAs and that of revoked CAs, compares them
with what is there, prints what changed, and keeps them in a directory. Without an
argument it fetches all three. It is the only command that fetches data, and nothing
uses what it fetched unless told to: pass --data DIR to scan, check, audit or learn,
or set CERTASSAY_DATA. The reports say by data of which date they judged.

  logs      ` + googleLogList + `
            with its signature, which has to be Google's
  ca-data   CCADB's public reports below
            ` + ccadb + `
  onecrl    Mozilla's list of revoked CA certificates, as Firefox fetches it
            ` + mozillaOneCRL + `
            --onecrl takes it in this form, as "records" of the same collection, or
            as the onecrl.json of a Firefox; the newer one of it and the program's
            is used. Its signature is not checked, only who answers.

The root programs, the incidents and all else come with the program: who may vouch
for servers is not fetched from one. The program's list of disclosed intermediates
has no newer one: ca-data has the same CAs, and their certificates. --log-list,
--ca-data and --onecrl name other sources: a file, an https address of your own, or
plain http on this machine. Servers have to be vouched for by Mozilla's roots or by
--roots, not by this machine's store, and only a source that you name may have a
private address.

A list that is older than the one in use, that lost logs which are not over, or that
shrank is refused without --force. One with a wrong signature, that is empty or
cannot be read is refused always. What was there stays until the new data are there
as a whole. Logs of programs that ended stay known from the list in the program.

Exit codes:
  0    the data are up to date
  2    wrong command line; nothing was contacted
  4    something was not fetched or refused; what was there stays
  130  interrupted`,
		Example: `  certassay data update
  certassay data update logs --dry-run
  certassay data update --data /var/lib/certassay/data && certassay audit --data /var/lib/certassay/data
  certassay data update logs --log-list log_list.json    # with log_list.sig beside it
  certassay data update ca-data --ca-data https://mirror.example.org/ccadb.csv
  certassay data update onecrl --onecrl onecrl.json`,
		ValidArgs: []string{"logs", "ca-data", "onecrl"}, Args: knownSets,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := unasked(cmd, args); err != nil {
				return exit.Usage(err)
			}
			return u.run(cmd.Context(), args)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&u.dir, "data", config.DataDir(c.Env), "keep the data in `DIR`")
	fs.StringVar(&u.logList, "log-list", "", "take the log list from `URL|FILE`, with its signature beside it (.sig in place of .json, or behind it)")
	fs.StringVar(&u.logKey, "log-list-key", "", "the log list has to be signed with the key in `FILE` (PEM) in place of Google's")
	fs.BoolVar(&u.unsigned, "unsigned", false, "take the log list without a signature: one of your own, or Apple's")
	fs.StringArrayVar(&u.caData, "ca-data", nil, "take a list of CAs from `URL|FILE` (repeatable; in place of CCADB's)")
	fs.StringVar(&u.onecrl, "onecrl", "", "take the list of revoked CAs from `URL|FILE`, in place of Mozilla's")
	fs.StringArrayVar(&u.roots, "roots", nil, "also let the CA certificates in `FILE|DIR` vouch for the servers (repeatable)")
	fs.BoolVar(&u.force, "force", false, "take lists that are older, shrank, or lost logs, too")
	fs.BoolVar(&u.dryRun, "dry-run", false, "fetch and compare, and keep nothing")
	fs.DurationVar(&u.timeout, "timeout", 2*time.Minute, "give up on each list after this `TIME`")
	return cmd
}

// knownSets refuses what is no set of data.
func knownSets(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if !slices.Contains(cmd.ValidArgs, arg) {
			return hint.With(fmt.Errorf("there are no data %.40q to update", arg), "name logs, ca-data, onecrl, or none for all")
		}
	}
	return nil
}

// unasked refuses a flag about data that are not to be updated.
func unasked(cmd *cobra.Command, args []string) error {
	for _, pair := range [][2]string{{"log-list", "logs"}, {"log-list-key", "logs"}, {"unsigned", "logs"}, {"ca-data", "ca-data"}, {"onecrl", "onecrl"}} {
		flag, set := pair[0], pair[1]
		if len(args) > 0 && cmd.Flags().Changed(flag) && !slices.Contains(args, set) {
			return hint.With(fmt.Errorf("--%s has no effect: %s is not to be updated", flag, set), "name "+set+", too, or leave the flag out")
		}
	}
	return nil
}

// run checks everything before anybody is contacted. What fails of one set leaves
// the other.
func (u *updating) run(ctx context.Context, args []string) error {
	u.now = u.c.Now()
	if err := u.check(ctx); err != nil {
		return exit.Usage(err)
	}
	var errs []error
	if len(args) == 0 || slices.Contains(args, "logs") {
		errs = append(errs, u.logs(ctx))
	}
	if ctx.Err() == nil && (len(args) == 0 || slices.Contains(args, "ca-data")) {
		errs = append(errs, u.cas(ctx))
	}
	if ctx.Err() == nil && (len(args) == 0 || slices.Contains(args, "onecrl")) {
		errs = append(errs, u.revoked(ctx))
	}
	if ctx.Err() != nil {
		return exit.With(exit.Interrupted, hint.With(errors.New("interrupted"), "what was not finished is as it was before"))
	}
	if err := errors.Join(errs...); err != nil {
		return exit.Failed(err)
	}
	if used, _ := u.c.Env("CERTASSAY_DATA"); u.written && used != u.dir {
		fmt.Fprintf(u.c.Streams.Err, "certassay: note: judge by these data with --data %s\n", report.Escape(u.dir))
	}
	return nil
}

func (u *updating) check(ctx context.Context) error {
	if u.dir == "" {
		return hint.With(errors.New("there is no directory for the data"), "name one: --data DIR")
	}
	if u.timeout <= 0 {
		return errors.New("--timeout has to be above 0")
	}
	if u.unsigned && u.logKey != "" {
		return errors.New("--unsigned and --log-list-key exclude each other")
	}
	if len(u.caData) > fetched.MaxCALists {
		return fmt.Errorf("%d lists of CAs are more than %d", len(u.caData), fetched.MaxCALists)
	}
	errs := []error{checkSource("--log-list", u.logList), checkSource("--onecrl", u.onecrl)}
	for _, source := range u.caData {
		errs = append(errs, checkSource("--ca-data", source))
	}
	if u.logKey != "" {
		text, err := given.Bounded(u.logKey, 1<<16)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading the key of the log list: %w", err))
		}
		u.logKey = string(text)
	}
	sets, err := given.Roots(ctx, u.roots, nil, nil)
	if err == nil {
		var store *trust.Store
		if store, err = trust.New(sets, nil); err == nil {
			for _, p := range store.Programs() {
				u.pools = append(u.pools, p.Pool)
			}
		}
	}
	return errors.Join(append(errs, err)...)
}

// logs fetches and keeps the log list.
func (u *updating) logs(ctx context.Context) error {
	source, own := u.logList, u.logList != ""
	if !own {
		source = googleLogList
	}
	text, err := u.take(ctx, fetch.Data("log list", ct.MaxListSize), source, own)
	if err != nil {
		return err
	}
	label := fetched.Label{Set: "logs", Source: source, Fetched: u.now.UTC(), Key: u.logKey}
	if !u.unsigned {
		if label.Signature, err = u.signature(ctx, source, own); err != nil {
			return err
		}
		if err := ct.CheckListSignature(text, label.Signature, u.logKey); err != nil {
			return hint.With(fmt.Errorf("%s: %w", source, err), "the list was changed on its way, or it and its signature are of different days: fetch them again later")
		}
	}
	list, err := ct.ParseList(text)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if len(list.Logs()) == 0 {
		return fmt.Errorf("%s: the log list names no log", source)
	}
	old, known := u.logsBefore()
	minds := func(l *ct.Log) bool {
		ended := !l.To.IsZero() && l.To.Before(u.now)
		return !ended && !l.StateAt(u.now).Over() && (!known || l.StateAt(u.now).Approved())
	}
	if err := u.refuse(source, logFaults(old, list, u.now, minds, known)); err != nil {
		return err
	}
	printLogChanges(u.c.Streams.Out, old, list, u.now, known)
	return u.keep(fetched.LogsFile, label, text)
}

// logsBefore is the list that is in use: what was fetched before, or else the one
// of the program, which known says.
func (u *updating) logsBefore() (old *ct.LogList, known bool) {
	fetched, err := fetched.ReadLogs(u.dir)
	if err != nil {
		hint.Warn(u.c.Streams.Err, []report.Warning{{Message: err.Error(), Hint: "it is replaced"}})
	}
	if fetched == nil {
		return ct.Known(), true
	}
	return fetched.List, false
}

// cas fetches all lists of CAs and keeps them, all or none.
func (u *updating) cas(ctx context.Context) error {
	sources, own := u.caData, len(u.caData) > 0
	if !own {
		for year := ccadbEarliest; year <= u.now.Year(); year += 10 {
			sources = append(sources, fmt.Sprint(ccadbPEM, year))
		}
		sources = append(sources, ccadbRecords)
	}
	texts := make([][]byte, len(sources))
	all := &trust.CAData{}
	for i, source := range sources {
		var err error
		if texts[i], err = u.take(ctx, fetch.Data("list of CAs", maxCAFetch), source, own); err != nil {
			return err
		}
		data, err := trust.ReadCCADB(source, bytes.NewReader(texts[i]))
		if err != nil {
			return err
		}
		if len(data.Records) == 0 {
			return fmt.Errorf("%s: the list of CAs is empty", source)
		}
		all.Records = append(all.Records, data.Records...)
	}
	old := u.casBefore()
	lost, added := len(old.Missing(all)), len(all.Missing(old))
	if had := len(old.Missing(&trust.CAData{})); lost*lostShare > had {
		if err := u.refuse("the lists of CAs", []string{fmt.Sprintf("%d of %d known CA certificates are no longer there", lost, had)}); err != nil {
			return err
		}
	}
	printCAChanges(u.c.Streams.Out, len(all.Missing(&trust.CAData{})), added, lost, u.now)
	for i, source := range sources {
		if err := u.keep(fetched.CADataFile(i), fetched.Label{Set: "ca-data", Source: source, Fetched: u.now.UTC()}, texts[i]); err != nil {
			return err
		}
	}
	return u.drop(len(sources))
}

func (u *updating) casBefore() *trust.CAData {
	lists, _, err := fetched.ReadCAs(u.dir)
	if err != nil {
		hint.Warn(u.c.Streams.Err, []report.Warning{{Message: err.Error(), Hint: "it is replaced"}})
	}
	all := &trust.CAData{}
	for _, l := range lists {
		all.Records = append(all.Records, l.Records...)
	}
	return all
}

// refuse says what speaks against a list, unless the user wants it all the same.
func (u *updating) refuse(source string, faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s: %s", source, strings.Join(faults, "; "))
	if u.force {
		hint.Warn(u.c.Streams.Err, []report.Warning{{Message: text, Hint: "taken all the same, as --force says"}})
		return nil
	}
	return hint.With(fmt.Errorf("refused: %s", text), "find out why; if it is right, --force takes it all the same")
}

// keep puts a file in its place.
func (u *updating) keep(name string, label fetched.Label, text []byte) error {
	if u.dryRun {
		return nil
	}
	if err := os.MkdirAll(u.dir, 0o755); err != nil {
		return fmt.Errorf("making the directory for data: %w", err)
	}
	parcel.Sweep(u.dir, u.now)
	u.written = true
	return parcel.Write(filepath.Join(u.dir, name), label, text, 0o644)
}

// drop removes the lists of CAs that are left of a run with more sources.
func (u *updating) drop(after int) error {
	if u.dryRun {
		return nil
	}
	var errs []error
	for i := after; i < fetched.MaxCALists; i++ {
		if err := os.Remove(filepath.Join(u.dir, fetched.CADataFile(i))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
