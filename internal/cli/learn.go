package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/inventories"
	"github.com/certassay/certassay/internal/cli/servers"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect/pinform"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/target"
)

// Values of --pin.
const (
	pinLeaf   = "leaf"
	pinIssuer = "issuer"
	pinNone   = "none"
)

// firstUse is said wherever something was learnt.
const firstUse = `Trust on first use: nobody but these connections says that the keys are the right
ones. Compare them with the owner's over another channel before you rely on them.`

// A lesson is what learn was asked to do, and what it works on.
type lesson struct {
	pin     string // leaf, issuer or none
	pinSaid bool
	group   string
	write   bool
	replace bool
	// undecided learns from targets that could not be judged, too.
	undecided  bool
	backupText []string
	exportText []string
	importText string

	backups      []pinform.Pin
	exports      []export
	imported     *pinform.File // nil where servers are asked
	importedFrom string

	path  string // of the inventory
	old   []byte // what it holds; nil where there is none yet
	inv   *inventory.Inventory
	trust []namedRoot // of a new inventory
	at    time.Time

	out    io.Writer // for people
	stdout io.Writer // for programs
	wrote  bool      // a file was begun
	// taught are the certificates whose keys were learnt, by host, transport and
	// port.
	taught map[string][]*cert.Certificate
}

// notForLearn are shared flags that have nothing to do here, and why.
var notForLearn = map[string]string{
	"sni":               "an audit would ask for the target's own name, and see another certificate; use --resolve for its address",
	"baseline":          "nothing is compared with an earlier report",
	"fail-on":           "nothing is learnt from what is forged or suspicious, whatever the severity",
	"severity":          "nothing but the reasons for learning nothing is shown",
	"rule":              "nothing is learnt from what was not judged whole; accept a finding with --waivers",
	"skip-rule":         "nothing is learnt from what was not judged whole; accept a finding with --waivers",
	"exit-zero":         "its exit code says what was learnt",
	"allow-unreachable": "nothing can be learnt from a server that does not answer",
	"follow":            "name the servers that an audit is to ask",
}

func (c *command) newLearn() *cobra.Command {
	cmd := &cobra.Command{
		Use: "learn TARGET...", Short: "Write what is served now into an inventory, as what is expected",
		Long: `Connects to each target, checks it as scan does, and writes its key into the
inventory (certassay.yaml here or in a directory above, a new one where there is
none). What changes is shown as a diff; nothing is written without --write.

Nothing is learnt from a target that is forged or suspicious, and from one that
could not be judged only with --inconclusive. Where the inventory pins other keys
already, the target is suspicious: if you know that its keys were changed, say
--replace. Comments, order and everything else of the file stay as they are.

This is trust on first use: it finds whoever comes later, not whoever is there
already. Each pin says when it was learnt. Compare the keys with the owner's.

--export writes the pins in a form of others:
` + strings.Join(pinform.Formats(), ", ") + `.
--import takes them from such a file and contacts nobody; TARGET then says whose
they are, where the file does not. Both together convert.

Exit codes: 0 everything was learnt · 1 some targets are forged or suspicious, and
nothing was learnt from them · 2 usage or inventory error · 3 some could not be
reached or judged · 4 the run failed · 130 interrupted.`,
		Example: `  certassay learn https://time.example.org
  certassay learn -l hosts.txt --group web --write
  certassay learn mail.example.org:465 --backup reserve-key.pem --write
  certassay learn time.example.org --replace --write        its key was changed
  certassay learn time.example.org --export android=network_security_config.xml
  certassay learn --import Info.plist --write
  certassay learn --import pins.txt --export tlsa --pin leaf time.example.org`,
	}
	flags := config.Bind(cmd.Flags(), config.Which{Network: true, Inventory: true}, report.Formats())
	l := &lesson{}
	fs := cmd.Flags()
	fs.StringVar(&l.pin, "pin", pinLeaf, "pin the key of the `leaf|issuer|none`")
	fs.StringArrayVar(&l.backupText, "backup", nil, "pin a key in reserve as well: `PIN|FILE` (repeatable)")
	fs.StringVar(&l.group, "group", "learnt", "add targets that are not listed yet to group `NAME`")
	fs.BoolVar(&l.write, "write", false, "write the inventory, and files of --export that are there already")
	fs.BoolVar(&l.replace, "replace", false, "drop the pins that the inventory has for these targets")
	fs.BoolVar(&l.undecided, "inconclusive", false, "learn from targets that could not be judged, too")
	fs.StringArrayVar(&l.exportText, "export", nil, "write the pins as `FORMAT[=FILE]`: "+strings.Join(pinform.Formats(), ", ")+" (repeatable)")
	fs.StringVar(&l.importText, "import", "", "take pins from `[FORMAT=]FILE` instead of servers; - for standard input")
	for name := range notForLearn {
		fs.Lookup(name).Hidden = true
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := flags.Config(c.Env)
		if err != nil {
			return exit.Usage(err)
		}
		for name, why := range notForLearn {
			if fs.Changed(name) {
				return exit.Usage(fmt.Errorf("--%s is not for learn: %s", name, why))
			}
		}
		l.pinSaid = fs.Changed("pin")
		// Standard output is for what was learnt; a report goes where one asks for it.
		if !fs.Changed("format") && !fs.Changed("output") {
			cfg.Outputs = slices.DeleteFunc(cfg.Outputs, func(o config.Output) bool { return o.Path == "-" })
		}
		return c.learn(cmd.Context(), cfg, l, args)
	}
	return cmd
}

// learn checks everything a user can get wrong, then looks, then shows.
func (c *command) learn(ctx context.Context, cfg *config.Config, l *lesson, args []string) error {
	set, err := c.prepareLesson(cfg, l, args)
	if err != nil {
		return exit.Usage(err)
	}
	started := audit.Now()
	run := evidence.Run{Command: "learn", Started: started, At: started, Contacted: []string{}}
	l.at = judgedAt(cfg, run)
	if err := l.open(c, cfg, run); err != nil {
		return exit.Usage(err)
	}
	var seen []*student
	if l.imported != nil {
		seen, err = l.fromFile(set, started)
		if err != nil {
			return exit.Usage(err)
		}
	} else if seen, err = c.visit(ctx, cfg, l, run, set); err != nil {
		return err
	}
	if err := l.conclude(seen); err != nil {
		if l.imported != nil && !l.wrote {
			return exit.Usage(err)
		}
		return exit.Failed(err)
	}
	return l.exitCode(seen)
}

// prepareLesson reads flags, targets, backups and the file to import.
func (c *command) prepareLesson(cfg *config.Config, l *lesson, args []string) (*target.Set, error) {
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if !slices.Contains([]string{pinLeaf, pinIssuer, pinNone}, l.pin) {
		check(config.Meant(fmt.Errorf("unknown --pin %q (want leaf, issuer or none)", l.pin), l.pin, []string{pinLeaf, pinIssuer, pinNone}))
	}
	if l.pin == pinNone && len(l.backupText)+len(l.exportText) > 0 {
		check(errors.New("--pin none leaves nothing to back up or to export"))
	}
	if strings.TrimSpace(l.group) == "" {
		check(errors.New("--group is empty"))
	}
	check(l.readBackups())
	check(l.readExports())
	check(l.readImport(c.Streams.In))
	set, err := servers.Targets(c.Call, cfg, args)
	check(err)
	if err == nil && set.Len() == 0 && l.imported == nil && l.importText == "" {
		check(hint.With(errors.New("no target was given"), "give a host, such as: certassay learn example.org, or a list with -l FILE"))
	}
	if set != nil && set.Len() > 1 {
		for _, e := range l.exports {
			if !e.format.Hosts() {
				check(hint.With(fmt.Errorf("the form %s names no hosts, and there are %d targets", e.format, set.Len()), "export one target at a time, or as android, ios or tlsa"))
			}
		}
	}
	l.out, l.stdout, l.taught = c.Streams.Out, c.Streams.Out, map[string][]*cert.Certificate{}
	if slices.ContainsFunc(l.exports, func(e export) bool { return e.path == "" }) {
		l.out = c.Streams.Err
	}
	return set, errors.Join(errs...)
}

// open reads the inventory where there is one.
func (l *lesson) open(c *command, cfg *config.Config, run evidence.Run) error {
	l.path = cfg.Inventory
	if l.path == "" {
		found, err := inventories.Path(c.Call, cfg)
		switch {
		case errors.Is(err, inventories.ErrNone):
			found = inventory.FileName
		case err != nil:
			return err
		}
		l.path = found
	}
	var err error
	l.old, err = os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		l.old, l.trust = nil, nameRoots(cfg.Roots, l.path)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading inventory: %w", err)
	}
	l.inv, err = inventories.Open(l.path, nil, judgedAt(cfg, run))
	return err
}

// exitCode is the gravest of what kept targets from being learnt.
func (l *lesson) exitCode(students []*student) error {
	code := exit.OK
	for _, s := range students {
		if code == exit.OK || s.code == exit.Findings {
			code = s.code
		}
		if code == exit.Findings {
			break
		}
	}
	if code == exit.OK {
		return nil
	}
	return exit.With(code, nil)
}
