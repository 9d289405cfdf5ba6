package cli

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/noun"
)

func (c *command) newCT() *cobra.Command {
	return noun.New("ct", "Read and search Certificate Transparency logs", c.ctLogs(), c.ctSearch(), c.ctWatch(), c.ctProve(), c.ctEntry())
}

const ctExitHelp = `Exit codes:
  0    everything asked for was read and verified
  1    a log contradicts what it signed, or an SCT is not genuine (prove only)
  2    wrong command line; nothing was contacted
  3    incomplete: something could not be read or verified
  4    the run failed
  130  interrupted`

// writeJSON writes a document as people read it.
func (c *command) writeJSON(v any) error {
	e := json.NewEncoder(c.Streams.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// interruptedOr gives the exit of a run about logs.
func interruptedOr(ctx context.Context, code int) error {
	switch {
	case ctx.Err() != nil:
		return exit.With(exit.Interrupted, hint.With(exit.ErrInterrupted, "what was finished was written"))
	case code == exit.OK:
		return nil
	}
	return exit.With(code, nil)
}
