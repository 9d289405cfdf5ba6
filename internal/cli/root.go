package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/config"
)

// Streams are the standard streams a command works on.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Hangup has signals to read the configuration again come through a channel,
	// until what it gives is called. Nil has none come.
	Hangup func() (<-chan os.Signal, func())
}

// Run runs the command line and gives the exit code. It reads the environment
// through config only, and never exits the process.
func Run(ctx context.Context, args []string, streams Streams) int {
	return run(ctx, args, newCommand(streams))
}

func run(ctx context.Context, args []string, c *command) int {
	out := &sink{w: c.streams.Out}
	c.streams.Out = out
	if c.streams.In != nil {
		c.streams.In = &stdin{ctx: ctx, r: c.streams.In}
	}
	streams := c.streams
	defer c.jumps.close(streams.Err)
	cmd := c.root()
	cmd.SetArgs(args)
	cmd.SetIn(streams.In)
	cmd.SetOut(streams.Out)
	cmd.SetErr(streams.Err)
	err := out.exit(cutShort(ctx, cmd.ExecuteContext(ctx)))
	if err == nil {
		return exit.OK
	}
	var e *exit.Error
	if !errors.As(err, &e) {
		// Whatever cobra itself refuses is a matter of usage.
		e = &exit.Error{Code: exit.Misuse, Err: err}
	}
	if e.Err != nil {
		hint.Print(streams.Err, e.Err)
	}
	return e.Code
}

// A command is what subcommands share.
type command struct {
	streams Streams
	env     config.Env
	// around wraps standard output where a progress line shares the terminal.
	around func(io.Writer) io.Writer
	// jumps are the SSH servers that the run dials from.
	jumps jumps
	// now is the clock of commands that judge nothing.
	now func() time.Time
}

func newCommand(streams Streams) *command {
	return &command{streams: streams, env: config.Environment, around: func(w io.Writer) io.Writer { return w }, now: audit.Now}
}

func (c *command) root() *cobra.Command {
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
		SilenceUsage: true, SilenceErrors: true,
		SuggestionsMinimumDistance: 2,
		Args:                       unknownCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(suggestFlag)
	root.AddCommand(
		c.newScan(), c.newCheck(), c.newAudit(), c.newCompare(), c.newHistory(), c.newLearn(), c.newConfig(), c.newCT(), c.newRules(), c.newReport(), c.newData(), c.newSchema(),
		c.newVersion(), c.newCompletion(), c.newMan(),
	)
	return root
}

// unknownCommand refuses a word that is no subcommand, and names near ones.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return hint.With(err, fmt.Sprintf("did you mean %q?", cmd.CommandPath()+" "+near[0]))
	}
	return hint.With(err, fmt.Sprintf("%q lists the commands; to audit a server: certassay scan %s", cmd.CommandPath()+" --help", args[0]))
}

// group is a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: unknownCommand, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}
