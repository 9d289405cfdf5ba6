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
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect/pinform"
	"github.com/certassay/certassay/internal/finding"
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

--export writes the pins in a form of others: ` + strings.Join(pinform.Formats(), ", ") + `.
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
		cfg, err := flags.Config(c.env)
		if err != nil {
			return usage(err)
		}
		for name, why := range notForLearn {
			if fs.Changed(name) {
				return usage(fmt.Errorf("--%s is not for learn: %s", name, why))
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
		return usage(err)
	}
	started := audit.Now()
	run := evidence.Run{Command: "learn", Started: started, At: started, Contacted: []string{}}
	l.at = judgedAt(cfg, run)
	if err := l.open(c, cfg, run); err != nil {
		return usage(err)
	}
	var seen []*student
	if l.imported != nil {
		seen, err = l.fromFile(set, started)
		if err != nil {
			return usage(err)
		}
	} else if seen, err = c.visit(ctx, cfg, l, run, set); err != nil {
		return err
	}
	if err := l.conclude(seen); err != nil {
		if l.imported != nil && !l.wrote {
			return usage(err)
		}
		return failed(err)
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
		check(fmt.Errorf("unknown --pin %q (want leaf, issuer or none)", l.pin))
	}
	if l.pin == pinNone && len(l.backupText)+len(l.exportText) > 0 {
		check(errors.New("--pin none leaves nothing to back up or to export"))
	}
	if strings.TrimSpace(l.group) == "" {
		check(errors.New("--group is empty"))
	}
	check(l.readBackups())
	check(l.readExports())
	check(l.readImport(c.streams.In))
	set, err := c.targets(cfg, args)
	check(err)
	if err == nil && set.Len() == 0 && l.imported == nil && l.importText == "" {
		check(&hinted{errors.New("no target was given"), "give a host, such as: certassay learn example.org, or a list with -l FILE"})
	}
	if set != nil && set.Len() > 1 {
		for _, e := range l.exports {
			if !e.format.Hosts() {
				check(&hinted{fmt.Errorf("the form %s names no hosts, and there are %d targets", e.format, set.Len()), "export one target at a time, or as android, ios or tlsa"})
			}
		}
	}
	l.out, l.stdout, l.taught = c.streams.Out, c.streams.Out, map[string][]*cert.Certificate{}
	if slices.ContainsFunc(l.exports, func(e export) bool { return e.path == "" }) {
		l.out = c.streams.Err
	}
	return set, errors.Join(errs...)
}

// open reads the inventory where there is one.
func (l *lesson) open(c *command, cfg *config.Config, run evidence.Run) error {
	l.path = cfg.Inventory
	if l.path == "" {
		found, err := c.inventoryPath(cfg)
		switch {
		case errors.Is(err, errNoInventory):
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
	l.inv, err = openInventory(l.path, nil, judgedAt(cfg, run))
	return err
}

// A student is one target and what is to be written of it.
type student struct {
	target target.Target
	raw    string // as a person wrote it
	// refused says why nothing is learnt; reasons are its particulars. code is
	// what the program then ends with.
	refused string
	reasons []string
	code    int
	// what is learnt
	certs    []*cert.Certificate // that are pinned
	pins     []pinform.Pin
	anchor   string
	verdict  finding.Verdict
	seen     string // day
	from     []string
	imported bool
	// nameless says that nobody said whose pins these are: they can be
	// converted, and not written into an inventory.
	nameless bool
}

func (s *student) refuse(code int, why string, reasons ...string) {
	if s.code == 0 || code == exitFindings {
		s.refused, s.code, s.reasons = why, code, reasons
	}
}

// visit looks at the targets and judges them.
func (c *command) visit(ctx context.Context, cfg *config.Config, l *lesson, run evidence.Run, set *target.Set) ([]*student, error) {
	targets, err := set.Targets()
	if err != nil {
		return nil, &exit{exitIncomplete, &hinted{err, "the list holds no target: nothing was looked at"}}
	}
	limits := limitsOf(cfg)
	dialers, vantage, err := newDialers(cfg, limits)
	if err != nil {
		return nil, usage(err)
	}
	run.Vantage = vantage
	var o *owner
	if l.inv != nil {
		o = newOwner(l.inv, l.path)
		o.unpinned = l.replace
		if i := slices.IndexFunc(l.inv.Groups, func(g *inventory.Group) bool { return g.Name == l.group }); i >= 0 {
			o.group = l.inv.Groups[i]
		}
	}
	progress := c.newProgress(cfg, set.Len()*len(dialers))
	c.around = progress.Around
	s, err := c.newSession(ctx, cfg, run, set.Len()*len(dialers), o)
	if err != nil {
		return nil, err
	}
	var students []*student
	byID := map[string]*student{}
	for t := range targets {
		st := &student{target: t, raw: t.String()}
		if spec, err := target.Parse(t.Raw, target.Defaults{Port: cfg.Port}); err == nil && !spec.Prefix().IsValid() {
			st.raw = t.Raw
			if cfg.Port != 0 {
				st.raw = t.String()
			}
		}
		byID[t.ID()] = st
		students = append(students, st)
	}
	err = s.auditor.Scan(ctx, targets, named(dialers, cfg.Name), limits, func(e *evidence.Subject, j audit.Judged) error {
		if st := byID[targetOf(e.ID)]; st != nil {
			l.look(st, e, j)
		}
		err := s.take(e, j)
		progress.Done(j.Subject)
		return err
	})
	progress.Finish()
	if err == nil {
		err = l.compare(s, students)
	}
	if err := s.finish(cause(ctx, err), audit.Now()); err != nil {
		var e *exit
		if errors.As(err, &e) && (e.code == exitInterrupted || e.code == exitFailed) {
			return nil, err
		}
	}
	return students, nil
}

// targetOf is the target that a subject of this id was asked for.
func targetOf(id string) string {
	scheme, rest, _ := strings.Cut(id, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest
}

// compare refuses everything where the certificates of the run speak against each
// other.
func (l *lesson) compare(s *session, students []*student) error {
	j, ok := s.auditor.Conclude(s.comparing)
	if !ok {
		return nil
	}
	if v := j.Subject.Verdict; v == finding.Forged || v == finding.Suspicious {
		for _, st := range students {
			st.refuse(exitFindings, "the certificates of this run speak against each other", findings(j.Subject.Findings)...)
		}
	}
	return s.write(&evidence.Subject{Kind: evidence.Corpus}, j)
}

// look takes what there is to learn from one subject of a target: each address and
// vantage is one.
func (l *lesson) look(st *student, e *evidence.Subject, j audit.Judged) {
	v := j.Subject.Verdict
	st.verdict, st.anchor = v, j.Subject.Anchor
	switch {
	case v == finding.Forged || v == finding.Suspicious:
		st.refuse(exitFindings, string(v), findings(j.Subject.Findings)...)
		return
	case len(e.Certificates) == 0:
		st.refuse(exitIncomplete, "nothing was served", failures(e)...)
		return
	case v != finding.OK && !l.undecided:
		st.refuse(exitIncomplete, string(v)+"; to learn all the same: --inconclusive", gaps(j.Subject.Inconclusive)...)
		return
	}
	st.seen = e.Seen.UTC().Format("2006-01-02")
	if e.Address != "" && !slices.Contains(st.from, e.Address) {
		st.from = append(st.from, e.Address)
	}
	if l.pin == pinNone {
		return
	}
	certificate := cert.Parse(e.Certificates[0])
	if l.pin == pinIssuer {
		if certificate = issuerOf(j); certificate == nil {
			st.refuse(exitIncomplete, "no path leads from the leaf to a root, so that there is no issuer to pin")
			return
		}
	}
	if certificate.SPKI == nil {
		st.refuse(exitIncomplete, "the key cannot be read")
		return
	}
	if !slices.ContainsFunc(st.certs, func(c *cert.Certificate) bool { return c.SHA256() == certificate.SHA256() }) {
		st.certs = append(st.certs, certificate)
	}
}

// issuerOf is the CA right above the leaf on the best path to a root.
func issuerOf(j audit.Judged) *cert.Certificate {
	for _, p := range j.Subject.Paths {
		if p.FailedAt != nil || len(p.Certificates) < 2 || p.Anchor != "public" && p.Anchor != "inventory" {
			continue
		}
		for _, c := range j.Certificates {
			if c.Hash == p.Certificates[1] {
				return parsePEM(c.PEM)
			}
		}
	}
	return nil
}

func findings(in []finding.Finding) (out []string) {
	for _, f := range in {
		if f.Waiver == nil && f.Class.Accuses() || f.Class == finding.CompromisedKey {
			out = append(out, fmt.Sprintf("%s: %s: %s", f.Rule, f.Title, f.Message))
		}
	}
	return out
}

func gaps(in []finding.Gap) (out []string) {
	for _, g := range in {
		if g.Needed {
			out = append(out, fmt.Sprintf("%s: %s", g.Rule, g.Reason))
		}
	}
	return out
}

func failures(e *evidence.Subject) (out []string) {
	for _, f := range e.Failures {
		out = append(out, f.Stage+": "+f.Error)
	}
	return out
}

// exitCode is the gravest of what kept targets from being learnt.
func (l *lesson) exitCode(students []*student) error {
	code := exitOK
	for _, s := range students {
		if code == exitOK || s.code == exitFindings {
			code = s.code
		}
		if code == exitFindings {
			break
		}
	}
	if code == exitOK {
		return nil
	}
	return &exit{code: code}
}
