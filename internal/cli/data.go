package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/trust"
)

func (c *command) newData() *cobra.Command {
	return group("data", "Show the trust data the program judges by", c.dataStatus())
}

func (c *command) dataStatus() *cobra.Command {
	var roots, passwordFiles []string
	var logList string
	cmd := &cobra.Command{
		Use: "status", Short: "Show date and source of every set of trust data", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			passwords, err := readPasswords(passwordFiles)
			if err != nil {
				return usage(err)
			}
			sets, err := readRoots(cmd.Context(), roots, c.streams.In, passwords)
			if err != nil {
				return usage(err)
			}
			store, err := trust.New(sets, localRoots())
			if err != nil {
				return usage(err)
			}
			logs, err := readLogList(logList)
			if err != nil {
				return usage(err)
			}
			w := tabwriter.NewWriter(c.streams.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "DATA\tDATE\tENTRIES\tSOURCE")
			for _, d := range store.Status() {
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", d.Name, d.Date, d.Entries, d.Source)
			}
			if logList != "" {
				fmt.Fprintf(w, "logs: %s\t%s\t%d\t%s\n", logList, logListDate(logs), logs.Own(), "named by the owner; comes before the bundled list")
			}
			fmt.Fprintf(w, "logs\t%s\t%d\t%s\n", ct.Date, len(ct.Known().Logs()), ct.Source)
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&logList, "log-list", "", "also show the CT log list in `FILE`")
	cmd.Flags().StringArrayVar(&roots, "roots", nil, "also show the CA certificates in `FILE|DIR` (repeatable)")
	cmd.Flags().StringArrayVar(&passwordFiles, "store-password-file", nil, "open key stores with the passwords in `FILE`, one a line (repeatable)")
	return cmd
}
