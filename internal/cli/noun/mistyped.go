package noun

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/suggest"
)

// SuggestFlag adds the nearest flag to the error about an unknown one. It is for
// SetFlagErrorFunc.
func SuggestFlag(cmd *cobra.Command, err error) error {
	text := err.Error()
	_, rest, ok := strings.Cut(text, "unknown flag: --")
	if !ok {
		return hint.With(err, fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help"))
	}
	name, _, _ := strings.Cut(rest, "=")
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	best := suggest.Nearest(name, names)
	if best == "" {
		return hint.With(err, fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help"))
	}
	return hint.With(err, fmt.Sprintf("did you mean --%s?", best))
}
