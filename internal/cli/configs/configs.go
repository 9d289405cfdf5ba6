// Package configs is "certassay config": it shows what holds for each target, and who
// said so: a flag, the environment, a default, or a line of the inventory.
package configs

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/inventories"
	"github.com/certassay/certassay/internal/cli/noun"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/report"
)

// New makes the command.
func New(c *call.Call) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show [TARGET...]", Short: "Print what holds for each target, and who said so",
		Long: `Prints every option and, for each target of the inventory, every value that holds
for it, with its origin: a flag, a variable of the environment, a default, or the
line and column of a file. TARGET, --group and --owner choose some of the targets;
globs work. Nobody is contacted.`,
		Example: `  certassay config show
  certassay config show time.example.org
  certassay config show --group mail -f json | jq '.targets[].settings'`,
	}
	flags := config.Bind(cmd.Flags(), config.Which{Network: true, Inventory: true}, []string{"text", "json"})
	var sel inventories.Selection
	cmd.Flags().StringArrayVar(&sel.Groups, "group", nil, "show only the targets of group `NAME`; globs work (repeatable)")
	cmd.Flags().StringArrayVar(&sel.Owners, "owner", nil, "show only the targets of owner `NAME`; globs work (repeatable)")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		cfg, err := flags.Config(c.Env)
		if err != nil {
			return exit.Usage(err)
		}
		sel.Targets = args
		return show(c, cfg, flags.Settings(), &sel)
	}
	return noun.New("config", "Show the configuration, and where each value comes from", cmd)
}

// A shownConfig is what "config show -f json" prints; fields are only added.
type shownConfig struct {
	Options []shownOption `json:"options"`
	// Files are those of the inventory; none where there is none.
	Files []string `json:"files"`
	// Defaults hold for what no group lists.
	Defaults []shownSetting `json:"defaults"`
	Targets  []shownTarget  `json:"targets"`
}

type shownOption struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

type shownTarget struct {
	Target   string         `json:"target"`
	Group    string         `json:"group"`
	Origin   string         `json:"origin"`
	Settings []shownSetting `json:"settings"`
}

type shownSetting struct {
	Key    string `json:"key"`
	Value  any    `json:"value"` // text, or a list of texts
	Origin string `json:"origin"`
	Layer  string `json:"layer"` // defaults, group or target
}

func show(c *call.Call, cfg *config.Config, options []config.Setting, sel *inventories.Selection) error {
	shown := shownConfig{Options: []shownOption{}, Files: []string{}, Defaults: []shownSetting{}, Targets: []shownTarget{}}
	for _, o := range options {
		if o.Name == "via" && len(cfg.Via) > 0 {
			o.Value = "" // it may hold a password
			for _, u := range cfg.Via {
				via := "direct"
				if u != nil {
					via = u.Redacted()
				}
				o.Value = strings.TrimSpace(o.Value + " " + via)
			}
		}
		shown.Options = append(shown.Options, shownOption(o))
	}
	path, err := inventories.Path(c, cfg)
	if err == nil {
		if err := shown.inventory(c, cfg, path, sel); err != nil {
			return exit.Usage(err)
		}
	} else if len(sel.Targets)+len(sel.Groups)+len(sel.Owners) > 0 {
		return exit.Usage(err)
	}
	write := shown.text
	if cfg.Outputs[0].Format == "json" {
		write = shown.json
	}
	if err := write(c.Streams.Out); err != nil {
		return exit.Failed(fmt.Errorf("writing configuration: %w", err))
	}
	return nil
}

func (s *shownConfig) inventory(c *call.Call, cfg *config.Config, path string, sel *inventories.Selection) error {
	at := cfg.At
	if at.IsZero() {
		at = audit.Now()
	}
	inv, err := inventories.Open(path, c.Streams.In, at)
	if err != nil {
		return err
	}
	entries, err := sel.Of(inv)
	if err != nil {
		return err
	}
	s.Files, s.Defaults = inv.Files, shownSettings(inv.DefaultSettings())
	for _, e := range entries {
		s.Targets = append(s.Targets, shownTarget{e.Spec.Raw(), e.Group.Name, e.Place.String(), shownSettings(e.Settings())})
	}
	return nil
}

func shownSettings(settings []inventory.Setting) []shownSetting {
	out := []shownSetting{}
	for _, s := range settings {
		var value any = strings.Join(s.Value, ", ")
		if s.List {
			value = slices.Concat([]string{}, s.Value)
		}
		out = append(out, shownSetting{s.Key, value, s.Place.String(), s.Layer})
	}
	return out
}

func (s *shownConfig) json(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}

func (s *shownConfig) text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "options")
	for _, o := range s.Options {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", o.Name, orNone(o.Value), report.Escape(o.Origin))
	}
	settings := func(list []shownSetting) {
		for _, s := range list {
			fmt.Fprintf(w, "  %s\t%s\t%s, %s\n", s.Key, orNone(s.Value), s.Layer, report.Escape(s.Origin))
		}
	}
	if len(s.Files) > 0 {
		fmt.Fprintf(w, "\ndefaults of %s\n", report.Escape(strings.Join(s.Files, ", ")))
		settings(s.Defaults)
	}
	for _, t := range s.Targets {
		fmt.Fprintf(w, "\n%s (group %s, %s)\n", report.Escape(t.Target), report.Escape(t.Group), report.Escape(t.Origin))
		settings(t.Settings)
	}
	return w.Flush()
}

// orNone prints a value on one line.
func orNone(value any) string {
	text := ""
	switch v := value.(type) {
	case string:
		text = v
	case []string:
		text = strings.Join(v, ", ")
	}
	if text == "" || text == "[]" {
		return "-"
	}
	return report.Escape(text)
}
