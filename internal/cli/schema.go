package cli

import (
	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/noun"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/rule"
)

func (c *command) newSchema() *cobra.Command {
	show := func(use, short string, schema func() ([]byte, error)) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			text, err := schema()
			if err != nil {
				return exit.Failed(err)
			}
			_, err = c.Streams.Out.Write(text)
			return err
		}}
	}
	return noun.New("schema", "Print the JSON Schema of reports, logs, inventories and rules, and the facts that rules read",
		show("report", "JSON Schema of JSON reports", func() ([]byte, error) { return report.Schema(), nil }),
		show("ct", "JSON Schema of what the commands about logs write", ctSchema),
		show("inventory", "JSON Schema of inventories, for editors", func() ([]byte, error) { return inventory.Schema(), nil }),
		show("rule", "JSON Schema of rule files", rule.Schema),
		show("facts", "Every fact that rules can read, with type and meaning", rule.VocabularyJSON),
	)
}
