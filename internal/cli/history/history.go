// Package history is "certassay history": which keys a name had, and when, as runs with
// --store noted them.
package history

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/dest"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/store"
)

type flags struct{ store, format, output string }

// New makes the command.
func New(c *call.Call) *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use: "history [NAME]", Short: "Show which keys a name had, and when",
		Long: `Shows what scan, audit, check and compare noted with --store DIR: for each name
the keys that it showed, from where, at which address, from when to when and how
often, and whether a log vouched for the certificate. Without a name, all names.

A new key alone means nothing: most servers get one with every renewal. One that
was seen once, from one place, and in no log deserves a question.

Exit codes:
  0    something was seen
  2    wrong command line
  3    nothing is known of the name
  4    the store cannot be read`,
		Example: `  certassay scan -l hosts.txt --store /var/lib/certassay     # every hour, say
  certassay history time.example.org --store /var/lib/certassay
  certassay history --store /var/lib/certassay -f html -o keys.html`,
		Args: cobra.MaximumNArgs(1),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.store, "store", "", "read the store `DIR` (environment: CERTASSAY_STORE)")
	fs.StringVarP(&f.format, "format", "f", "text", "text, json or html")
	fs.StringVarP(&f.output, "output", "o", "-", "write to `FILE` instead of standard output")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if value, ok := c.Env("CERTASSAY_STORE"); ok && !fs.Changed("store") {
			f.store = value
		}
		return show(cmd.Context(), c, f, args)
	}
	return cmd
}

func show(ctx context.Context, c *call.Call, f *flags, args []string) error {
	switch {
	case f.store == "":
		return exit.Usage(hint.With(errors.New("no store was named"), "give the directory that scan was given, with --store DIR"))
	case !slices.Contains([]string{"text", "json", "html"}, f.format):
		return exit.Usage(config.Meant(fmt.Errorf("unknown format %q (want text, json or html)", f.format), f.format, []string{"text", "json", "html"}))
	}
	name := ""
	if len(args) == 1 {
		name = strings.ToLower(strings.TrimSuffix(strings.Trim(args[0], "[]"), "."))
	}
	seen, err := observations(ctx, f.store, name)
	if err != nil {
		return exit.Failed(err)
	}
	if len(seen) == 0 {
		what := "nothing was seen"
		if name != "" {
			what = "nothing was seen of " + name
		}
		return exit.With(exit.Incomplete, hint.With(errors.New(what), "note it first: certassay scan NAME --store "+f.store))
	}
	out, err := dest.Open(c, f.output)
	if err != nil {
		return exit.Usage(err)
	}
	if err := historyOf(seen).Write(out, f.format); err != nil {
		out.Discard()
		return exit.Failed(err)
	}
	if err := out.Close(); err != nil {
		return exit.Failed(fmt.Errorf("writing report: %w", err))
	}
	return nil
}

func observations(ctx context.Context, dir, name string) (seen []store.Observation, err error) {
	s, err := store.Read(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := s.Close(); err == nil {
			err = closeErr
		}
	}()
	err = s.View(ctx, func(tx *store.Tx) (err error) {
		seen, err = tx.Observations(name)
		return err
	})
	return seen, err
}

// historyOf groups observations, which come by name and in the order in which they
// were first seen.
func historyOf(seen []store.Observation) *report.History {
	h := &report.History{Schema: report.HistorySchema, Names: []report.HistoryName{}}
	for i := range seen {
		o := &seen[i]
		if len(h.Names) == 0 || h.Names[len(h.Names)-1].Name != o.Name {
			h.Names = append(h.Names, report.HistoryName{Name: o.Name, Keys: []report.HistoryKey{}})
		}
		n := &h.Names[len(h.Names)-1]
		spki := "sha256/" + base64.StdEncoding.EncodeToString(o.SPKI[:])
		at := slices.IndexFunc(n.Keys, func(k report.HistoryKey) bool { return k.SPKISHA256 == spki })
		if at < 0 {
			at = len(n.Keys)
			n.Keys = append(n.Keys, report.HistoryKey{SPKISHA256: spki, First: o.First, Last: o.Last})
		}
		k := &n.Keys[at]
		if o.Last.After(k.Last) {
			k.Last = o.Last
		}
		k.Times += o.Times
		k.Seen = append(k.Seen, report.HistorySeen{
			Vantage: o.Vantage, Address: o.Address, First: o.First, Last: o.Last, Times: o.Times,
			Certificate: evidence.Hash(o.Leaf), Logged: o.Logged,
		})
	}
	return h
}
