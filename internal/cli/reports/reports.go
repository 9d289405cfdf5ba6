// Package reports is "certassay report": it shows, converts and compares reports that
// were saved. What a report is stands in internal/report.
package reports

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/noun"
	"github.com/certassay/certassay/internal/cli/stream"
	"github.com/certassay/certassay/internal/cli/wholefile"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/report"
)

// New makes the command.
func New(c *call.Call) *cobra.Command {
	return noun.New("report", "Show, convert and compare reports", newShow(c), newConvert(c), newDiff(c))
}

// read reads a JSON or JSON Lines report, - for standard input.
func read(c *call.Call, path string) (*report.Document, error) {
	in := c.Streams.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, exit.Usage(fmt.Errorf("reading report: %w", err))
		}
		defer f.Close()
		in = f
	}
	doc, err := report.Read(bufio.NewReader(in))
	if err != nil {
		return nil, exit.Usage(fmt.Errorf("reading report %s: %w", path, err))
	}
	return doc, nil
}

// textOptions suit standard output.
func textOptions(c *call.Call) report.Options {
	var o report.Options
	if f, ok := stream.Terminal(c.Streams.Out); ok {
		o.Color = !config.NoColor(c.Env)
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			o.Width = width
		}
	}
	return o
}

func newShow(c *call.Call) *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use: "show FILE", Short: "Show a JSON report as text", Args: cobra.ExactArgs(1),
		Example: "  certassay report show report.json",
		RunE: func(_ *cobra.Command, args []string) error {
			opts := textOptions(c)
			opts.Verbose = verbose
			return convert(c, args[0], "text", c.Streams.Out, opts, false)
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "explain every subject, also the ones that are ok")
	return cmd
}

func newConvert(c *call.Call) *cobra.Command {
	var format, output string
	var open bool
	cmd := &cobra.Command{
		Use: "convert FILE", Short: "Write a JSON report in another format", Args: cobra.ExactArgs(1),
		Long: `Writes a report that was saved as JSON or JSON Lines in another format.

--open leaves out what is waived or resolved. GitHub code scanning needs that: it
knows neither suppressions nor baselines, and would show all of it as open alerts.`,
		Example: `  certassay report convert report.json -f html -o report.html
  certassay report convert report.json -f sarif --open -o upload.sarif`,
		RunE: func(_ *cobra.Command, args []string) error {
			if output == "-" {
				return convert(c, args[0], format, c.Streams.Out, textOptions(c), open)
			}
			file, err := wholefile.Create(output)
			if err != nil {
				return exit.Usage(fmt.Errorf("writing report: %w", err))
			}
			if err := convert(c, args[0], format, file, report.Options{}, open); err != nil {
				return errors.Join(err, file.Abandon())
			}
			if err := file.Complete(); err != nil {
				return exit.Failed(fmt.Errorf("writing report: %w", err))
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "text", "the format to write: "+strings.Join(report.Formats(), ", "))
	cmd.Flags().BoolVar(&open, "open", false, "leave out findings that are waived or resolved")
	cmd.Flags().StringVarP(&output, "output", "o", "-", "write to `FILE`")
	return cmd
}

func convert(c *call.Call, path, format string, out io.Writer, opts report.Options, open bool) error {
	if formats := report.Formats(); !slices.Contains(formats, format) {
		return exit.Usage(config.Meant(fmt.Errorf("unknown report format %q (want %s)", format, strings.Join(formats, ", ")), format, formats))
	}
	doc, err := read(c, path)
	if err != nil {
		return err
	}
	if open {
		doc.KeepOpen()
	}
	opts.Rule = doc.Explain
	opts.Subjects = len(doc.Subjects)
	buf := bufio.NewWriter(out)
	w, err := report.New(format, buf, opts)
	if err != nil {
		return exit.Usage(err)
	}
	if err := doc.Replay(w); err != nil {
		return exit.Failed(err)
	}
	if err := buf.Flush(); err != nil {
		return exit.Failed(fmt.Errorf("writing report: %w", err))
	}
	return nil
}

func newDiff(c *call.Call) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "diff OLD NEW", Short: "Say what changed between two reports", Args: cobra.ExactArgs(2),
		Long: `Lists findings that are new and that are gone, subjects that appeared or
disappeared, and keys that changed. A finding is resolved only where its subject
was judged again, whole, and its rule was decided. Proofs, and what is no longer
waived, are listed although they were there before: no baseline silences them.
Exits with 1 where a finding is new.`,
		RunE: func(_ *cobra.Command, args []string) error {
			before, err := read(c, args[0])
			if err != nil {
				return err
			}
			after, err := read(c, args[1])
			if err != nil {
				return err
			}
			changes := report.Diff(before, after)
			switch format {
			case "text":
				err = changes.WriteText(c.Streams.Out, textOptions(c))
			case "json":
				err = changes.WriteJSON(c.Streams.Out)
			default:
				return exit.Usage(config.Meant(fmt.Errorf("unknown format %q (want text or json)", format), format, []string{"text", "json"}))
			}
			if err != nil {
				return exit.Failed(err)
			}
			if len(changes.New) > 0 {
				return exit.With(exit.Findings, nil)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "text", "text or json")
	return cmd
}
