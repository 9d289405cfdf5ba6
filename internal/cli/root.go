package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/configs"
	"github.com/certassay/certassay/internal/cli/data"
	"github.com/certassay/certassay/internal/cli/history"
	"github.com/certassay/certassay/internal/cli/noun"
	"github.com/certassay/certassay/internal/cli/reports"
	"github.com/certassay/certassay/internal/cli/rules"
)

// Streams are the standard streams of the program.
type Streams = call.Streams

// Run runs the command line and gives the exit code. It reads the environment
// through config only, and never exits the process.
func Run(ctx context.Context, args []string, streams Streams) int {
	return call.New(streams).Run(ctx, args, newRoot)
}

// A command is a call of the program, with all that it can be told to do.
type command struct{ *call.Call }

// newRoot makes "certassay" with all that is below it.
func newRoot(of *call.Call) *cobra.Command {
	c := &command{of}
	root := &cobra.Command{
		Use:   "certassay",
		Short: "Find forged TLS certificates",
		Long: `certassay answers one question: is this certificate the real one, and how do
you know? It collects what servers serve, checks chains, keys, signatures and
issuance against rules, and says which certificates are forged, which are
suspicious, and why. What it could not check it says, and never calls clean.`,
		Example: `  certassay scan example.org                 audit a live server
  certassay scan -l hosts.txt -f jsonl       audit many
  certassay check chain.pem --name example.org
  certassay audit                            audit what certassay.yaml lists
  certassay rules explain chain-untrusted-root`,
		SuggestionsMinimumDistance: 2,
		Args:                       noun.Unknown,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(noun.SuggestFlag)
	root.AddCommand(
		c.newScan(), c.newCheck(), c.newAudit(), c.newCompare(), history.New(of), c.newLearn(), configs.New(of), c.newCT(), rules.New(of), reports.New(of), data.New(of), c.newSchema(),
		c.newVersion(), c.newCompletion(), c.newMan(),
	)
	return root
}
