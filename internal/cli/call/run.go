package call

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/stream"
)

// Run runs a command line and gives the exit code. What goes wrong is printed. root
// makes the command of the program, of this call.
func (c *Call) Run(ctx context.Context, args []string, root func(*Call) *cobra.Command) int {
	out := stream.NewOut(c.Streams.Out)
	c.Streams.Out = out
	if c.Streams.In != nil {
		c.Streams.In = stream.NewIn(ctx, c.Streams.In)
	}
	defer c.Jumps.Close(c.Streams.Err)
	cmd := root(c)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	cmd.SetIn(c.Streams.In)
	cmd.SetOut(c.Streams.Out)
	cmd.SetErr(c.Streams.Err)
	err := out.Exit(stream.CutShort(ctx, cmd.ExecuteContext(ctx)))
	if err == nil {
		return exit.OK
	}
	var e *exit.Error
	if !errors.As(err, &e) {
		// Whatever cobra itself refuses is a matter of usage.
		e = &exit.Error{Code: exit.Misuse, Err: err}
	}
	if e.Err != nil {
		hint.Print(c.Streams.Err, e.Err)
	}
	return e.Code
}
