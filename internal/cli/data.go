package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

func (c *command) newData() *cobra.Command {
	return group("data", "Show and update the trust data the program judges by", c.dataStatus(), c.dataUpdate())
}

// A statusOf is what data status was asked about.
type statusOf struct {
	roots, passwordFiles []string
	logList, dir         string
}

func (c *command) dataStatus() *cobra.Command {
	var of statusOf
	cmd := &cobra.Command{
		Use: "status", Short: "Show date and source of every set of trust data", Args: cobra.NoArgs,
		Long: `Lists every set of data that verdicts rest on, with its date and source: those of
the program, those that you name, and those that "certassay data update" fetched.
Fetched data are used by commands that are given --data DIR alone.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.showData(cmd.Context(), &of) },
	}
	cmd.Flags().StringVar(&of.logList, "log-list", "", "also show the CT log list in `FILE`")
	cmd.Flags().StringArrayVar(&of.roots, "roots", nil, "also show the CA certificates in `FILE|DIR` (repeatable)")
	cmd.Flags().StringArrayVar(&of.passwordFiles, "store-password-file", nil, "open key stores with the passwords in `FILE`, one a line (repeatable)")
	cmd.Flags().StringVar(&of.dir, "data", config.DataDir(c.env), "also show what \"data update\" fetched to `DIR`")
	return cmd
}

func (c *command) showData(ctx context.Context, of *statusOf) error {
	passwords, err := readPasswords(of.passwordFiles)
	if err != nil {
		return exit.Usage(err)
	}
	sets, err := readRoots(ctx, of.roots, c.streams.In, passwords)
	if err != nil {
		return exit.Usage(err)
	}
	store, err := trust.New(sets, localRoots())
	if err != nil {
		return exit.Usage(err)
	}
	logs, err := readLogList(of.logList)
	if err != nil {
		return exit.Usage(err)
	}
	w := tabwriter.NewWriter(c.streams.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DATA\tDATE\tENTRIES\tSOURCE")
	for _, d := range store.Status() {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", d.Name, d.Date, d.Entries, d.Source)
	}
	if of.logList != "" {
		fmt.Fprintf(w, "logs: %s\t%s\t%d\t%s\n", of.logList, logListDate(logs), logs.Own(), "named by the owner; comes before the bundled list")
	}
	fmt.Fprintf(w, "logs\t%s\t%d\t%s\n", ct.Date, len(ct.Known().Logs()), ct.Source)
	fetched, err := fetchedStatus(of.dir)
	for _, d := range fetched {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", d.Name, d.Date, d.Entries, report.Escape(d.Source))
	}
	if flushed := w.Flush(); flushed != nil {
		return exit.Failed(flushed)
	}
	if err != nil {
		return exit.Failed(err)
	}
	return nil
}

// fetchedStatus lists what a directory of fetched data holds; nothing where there is
// no directory.
func fetchedStatus(dir string) (out []trust.Data, err error) {
	if dir == "" {
		return nil, nil
	}
	source := func(l *dataLabel) string {
		return fmt.Sprintf("%s, fetched %s; used with --data %s", l.Source, l.Fetched.UTC().Format(time.DateOnly), dir)
	}
	logs, err := readFetchedLogs(dir)
	if logs != nil {
		signed := "signed; "
		if logs.label.Signature == nil {
			signed = "not signed; "
		}
		out = append(out, trust.Data{Name: "fetched logs", Date: logListDate(logs.list), Entries: len(logs.list.Logs()), Source: signed + source(&logs.label)})
	}
	revoked, revokedErr := readFetchedRevoked(dir)
	if revoked != nil {
		what := source(&revoked.label)
		if known := trust.BuiltinRevoked().Date(); revoked.list.Date() < known {
			what = revoked.label.Source + "; not used: the list of the program is newer"
		}
		out = append(out, trust.Data{Name: "fetched revoked CAs", Date: revoked.list.Date(), Entries: revoked.list.Entries(), Source: what})
	}
	lists, labels, caErr := readFetchedCAs(dir)
	for i, l := range lists {
		out = append(out, trust.Data{Name: "fetched CA data", Date: l.Date, Entries: len(l.Records), Source: source(&labels[i])})
	}
	return out, errors.Join(err, revokedErr, caErr)
}
