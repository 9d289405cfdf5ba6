// Package rules is "certassay rules": it lists, explains, tests and writes rules. The
// rules themselves are in the folder rules at the top, and what a rule is stands in
// internal/rule.
package rules

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/noun"
	"github.com/certassay/certassay/internal/rule"
)

// New makes the command.
func New(c *call.Call) *cobra.Command {
	var dirs []string
	load := func() (*rule.Set, error) {
		set, err := given.Rules(dirs)
		if err != nil {
			return nil, exit.Usage(err)
		}
		return set, nil
	}
	cmd := noun.New("rules", "List, explain, test and write rules",
		newList(c, load), newExplain(c, load), newTest(c, load), newIndex(c, load), newNew(c))
	cmd.PersistentFlags().StringArrayVar(&dirs, "rules", nil, "load further rules from `DIR` (repeatable)")
	return cmd
}

type loader func() (*rule.Set, error)

func newList(c *call.Call, load loader) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List every rule with what it accuses of and how surely", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := load()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.Streams.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "RULE\tSUBJECT\tCLASS\tSEVERITY\tCONFIDENCE\tSTATUS\tTITLE")
			for _, r := range set.All() {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Subject, r.Class, r.Severity, r.Confidence, r.Status, r.Title)
			}
			return w.Flush()
		},
	}
}

func newExplain(c *call.Call, load loader) *cobra.Command {
	return &cobra.Command{
		Use: "explain ID", Short: "Say what a rule looks at, why, what else explains it, and what to do",
		Example: "  certassay rules explain chain-leaf-signed-by-own-key", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := load()
			if err != nil {
				return err
			}
			r, err := set.Rule(args[0])
			if err != nil {
				return exit.Usage(err)
			}
			_, err = fmt.Fprint(c.Streams.Out, rule.Explain(r))
			return err
		},
	}
}

func newTest(c *call.Call, load loader) *cobra.Command {
	return &cobra.Command{
		Use: "test", Short: "Run the tests in the rule files, and mutate every condition",
		Long: `Runs the tests of every rule file. Then drops each operand of && and ||, and
each !, from every condition: a change that no test of the file notices shows
that a test is missing.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := load()
			if err != nil {
				return err
			}
			return test(c, set)
		},
	}
}

func test(c *call.Call, set *rule.Set) error {
	tests := 0
	for _, r := range set.All() {
		tests += r.Tests()
	}
	var errs []error
	for _, f := range rule.Test(set) {
		errs = append(errs, f)
	}
	survivors, err := rule.Mutate(set)
	if err != nil {
		return exit.Failed(err)
	}
	for _, s := range survivors {
		errs = append(errs, s)
	}
	fmt.Fprintf(c.Streams.Out, "%d rules, %d tests: %d failed, %d mutants survived\n",
		len(set.All()), tests, len(errs)-len(survivors), len(survivors))
	if len(errs) > 0 {
		return exit.With(exit.Findings, errors.Join(errs...))
	}
	return nil
}

func newIndex(c *call.Call, load loader) *cobra.Command {
	return &cobra.Command{
		Use: "index", Short: "Print an index of all rules in Markdown", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := load()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.Streams.Out, rule.Index(set))
			return err
		},
	}
}

func newNew(c *call.Call) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "new ID", Short: "Write a rule file to start from",
		Example: "  certassay rules new chain-our-issuer --dir myrules\n  certassay rules test --rules myrules",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := rule.Scaffold(args[0])
			if err != nil {
				return exit.Usage(err)
			}
			path := filepath.Join(dir, args[0]+".yaml")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return exit.Failed(fmt.Errorf("writing rule: %w", err))
			}
			// Never over a rule that somebody wrote.
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				return exit.Usage(fmt.Errorf("writing rule: %w", err))
			}
			_, err = f.WriteString(text)
			if err := errors.Join(err, f.Close()); err != nil {
				return exit.Failed(fmt.Errorf("writing rule %s: %w", path, err))
			}
			_, err = fmt.Fprintf(c.Streams.Out, "%s\nnext: edit it, then run: certassay rules test --rules %s\n", path, dir)
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "write it into `DIR`")
	return cmd
}
