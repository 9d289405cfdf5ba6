// Package data is "certassay data": it shows the trust data that the program judges
// by, with their dates and sources, and fetches newer ones into a directory, of which
// package fetched knows the form. It is the only command that fetches such data.
package data

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/fetched"
	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/noun"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

// New makes the command.
func New(c *call.Call) *cobra.Command {
	return noun.New("data", "Show and update the trust data the program judges by", newStatus(c), newUpdate(c))
}

// A statusOf is what data status was asked about.
type statusOf struct {
	roots, passwordFiles []string
	logList, dir         string
}

func newStatus(c *call.Call) *cobra.Command {
	var of statusOf
	cmd := &cobra.Command{
		Use: "status", Short: "Show date and source of every set of trust data", Args: cobra.NoArgs,
		Long: `Lists every set of data that verdicts rest on, with its date and source: those of
the program, those that you name, and those that "certassay data update" fetched.
Fetched data are used by commands that are given --data DIR alone.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return show(cmd.Context(), c, &of) },
	}
	cmd.Flags().StringVar(&of.logList, "log-list", "", "also show the CT log list in `FILE`")
	cmd.Flags().StringArrayVar(&of.roots, "roots", nil, "also show the CA certificates in `FILE|DIR` (repeatable)")
	cmd.Flags().StringArrayVar(&of.passwordFiles, "store-password-file", nil, "open key stores with the passwords in `FILE`, one a line (repeatable)")
	cmd.Flags().StringVar(&of.dir, "data", config.DataDir(c.Env), "also show what \"data update\" fetched to `DIR`")
	return cmd
}

func show(ctx context.Context, c *call.Call, of *statusOf) error {
	passwords, err := given.Passwords(of.passwordFiles)
	if err != nil {
		return exit.Usage(err)
	}
	sets, err := given.Roots(ctx, of.roots, c.Streams.In, passwords)
	if err != nil {
		return exit.Usage(err)
	}
	store, err := trust.New(sets, given.LocalRoots())
	if err != nil {
		return exit.Usage(err)
	}
	logs, err := given.LogList(of.logList)
	if err != nil {
		return exit.Usage(err)
	}
	w := tabwriter.NewWriter(c.Streams.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DATA\tDATE\tENTRIES\tSOURCE")
	for _, d := range store.Status() {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", d.Name, d.Date, d.Entries, d.Source)
	}
	if of.logList != "" {
		fmt.Fprintf(w, "logs: %s\t%s\t%d\t%s\n", of.logList, given.LogListDate(logs), logs.Own(), "named by the owner; comes before the bundled list")
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
	source := func(l *fetched.Label) string {
		return fmt.Sprintf("%s, fetched %s; used with --data %s", l.Source, l.Fetched.UTC().Format(time.DateOnly), dir)
	}
	logs, err := fetched.ReadLogs(dir)
	if logs != nil {
		signed := "signed; "
		if logs.Label.Signature == nil {
			signed = "not signed; "
		}
		out = append(out, trust.Data{Name: "fetched logs", Date: given.LogListDate(logs.List), Entries: len(logs.List.Logs()), Source: signed + source(&logs.Label)})
	}
	revoked, revokedErr := fetched.ReadRevoked(dir)
	if revoked != nil {
		what := source(&revoked.Label)
		if known := trust.BuiltinRevoked().Date(); revoked.List.Date() < known {
			what = revoked.Label.Source + "; not used: the list of the program is newer"
		}
		out = append(out, trust.Data{Name: "fetched revoked CAs", Date: revoked.List.Date(), Entries: revoked.List.Entries(), Source: what})
	}
	lists, labels, caErr := fetched.ReadCAs(dir)
	for i, l := range lists {
		out = append(out, trust.Data{Name: "fetched CA data", Date: l.Date, Entries: len(l.Records), Source: source(&labels[i])})
	}
	return out, errors.Join(err, revokedErr, caErr)
}
