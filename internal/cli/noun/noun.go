// Package noun has commands that only hold others, such as "certassay ct", and what a
// word or a flag that does not exist is answered: the near one that does.
package noun

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/hint"
)

// Unknown refuses a word that is no subcommand, and names near ones. It is for the
// Args of a command.
func Unknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q", args[0])
	near := elsewhere(cmd.Root(), args[0])
	if here := cmd.SuggestionsFor(args[0]); len(here) > 0 {
		near = []string{strconv.Quote(cmd.CommandPath() + " " + here[0])}
	}
	if len(near) > 0 {
		return hint.With(err, fmt.Sprintf("did you mean %s?", strings.Join(near, " or ")))
	}
	return hint.With(err, fmt.Sprintf("%q lists the commands; to audit a server: certassay scan %s", cmd.CommandPath()+" --help", args[0]))
}

// elsewhere gives the commands of that name below another one, quoted.
func elsewhere(below *cobra.Command, name string) (paths []string) {
	for _, c := range below.Commands() {
		if c.Name() == name && c.IsAvailableCommand() {
			paths = append(paths, strconv.Quote(c.CommandPath()))
		}
		paths = append(paths, elsewhere(c, name)...)
	}
	return paths
}

// New is a command that only holds others.
func New(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: Unknown, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}
