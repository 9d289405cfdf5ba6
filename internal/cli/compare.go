package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/bundle"
	"github.com/certassay/certassay/internal/cli/dest"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
)

func (c *command) newCompare() *cobra.Command {
	cmd := &cobra.Command{
		Use: "compare [LABEL=]REPORT|BUNDLE...", Short: "Compare what was seen from several places",
		Long: `Compares observations that were taken elsewhere: reports of scan and audit in
JSON, and evidence bundles, which hold more. For each service it lists the keys
that were seen, from where and when, whether a log vouches for them and whether
a public root, or one given with --roots, does. Nobody is contacted.

Different keys alone are no finding: content networks have many. A key that
nobody vouches for, seen from one place while another key of the same week has a
root, is: somebody answers in the server's place there. Whether all places are
intercepted alike no comparison tells; each chain gets its own verdict, too.

A file is called by its name without extension; write LABEL=FILE to call it
something else. Observations more than a week apart are listed and not compared.

` + exit.Help,
		Example: `  certassay scan -l hosts.txt --evidence office.evidence     # at one place
  certassay scan -l hosts.txt --evidence home.evidence       # at another
  certassay compare office.evidence home.evidence
  certassay compare office=monday.json proxy=b.evidence -f json | jq .findings`,
	}
	flags := config.Bind(cmd.Flags(), config.Which{}, []string{"text", "json"})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := flags.Config(c.Env)
		if err != nil {
			return exit.Usage(err)
		}
		c.tellUnused(cfg)
		return c.compare(cmd.Context(), cfg, args)
	}
	return cmd
}

// A source is one file of observations.
type source struct {
	Label    string    `json:"label"`
	File     string    `json:"file"`
	Kind     string    `json:"kind"` // bundle or report
	Started  time.Time `json:"started"`
	Services int       `json:"services"` // subjects with a certificate
	Other    int       `json:"other"`    // subjects without, or that are no endpoints

	at       time.Time
	bundle   *bundle.File
	subjects []*evidence.Subject
}

func (c *command) compare(ctx context.Context, cfg *config.Config, args []string) error {
	if len(args) == 0 {
		return exit.Usage(hint.With(errors.New("nothing to compare was given"), "give reports in JSON or evidence bundles, at least two, or one of a scan with several --via"))
	}
	if cfg.Online != 0 {
		return exit.Usage(hint.With(fmt.Errorf("--online %s: what is compared was seen before", cfg.Online), "leave it out, or scan again with it"))
	}
	sources, err := labelled(args)
	if err != nil {
		return exit.Usage(err)
	}
	defer func() {
		for _, s := range sources {
			if s.bundle != nil {
				_ = s.bundle.Close() // it was only read
			}
		}
	}()
	var errs []error
	for _, s := range sources {
		errs = append(errs, s.open())
	}
	if err := errors.Join(errs...); err != nil {
		return exit.Failed(err)
	}
	started := audit.Now()
	run := evidence.Run{Command: "compare", Started: started, At: latest(sources, started), Vantage: "several", Contacted: []string{}}
	return c.compareSources(ctx, cfg, run, sources)
}

// labelled reads LABEL=FILE arguments. A file that exists under the whole argument
// is meant literally.
func labelled(args []string) ([]*source, error) {
	var out []*source
	byLabel := map[string]string{}
	var errs []error
	for _, arg := range args {
		s := &source{File: arg}
		if label, file, ok := strings.Cut(arg, "="); ok && label != "" && file != "" && !strings.ContainsRune(label, filepath.Separator) {
			if _, err := os.Stat(arg); err != nil {
				s.Label, s.File = label, file
			}
		}
		if s.Label == "" {
			s.Label = strings.TrimSuffix(filepath.Base(s.File), filepath.Ext(s.File))
		}
		if other, taken := byLabel[s.Label]; taken {
			errs = append(errs, hint.With(fmt.Errorf("%s and %s would both be called %q", other, s.File, s.Label), "call one of them something else: LABEL="+s.File))
		}
		byLabel[s.Label] = s.File
		out = append(out, s)
	}
	return out, errors.Join(errs...)
}

// latest is the time of judgement: that of the newest source.
func latest(sources []*source, now time.Time) time.Time {
	var at time.Time
	for _, s := range sources {
		if s.at.After(at) {
			at = s.at
		}
	}
	if at.IsZero() {
		return now
	}
	return at
}

func (c *command) compareSources(ctx context.Context, cfg *config.Config, run evidence.Run, sources []*source) error {
	outs := cfg.Outputs
	quiet := *cfg
	quiet.Outputs = nil
	o, err := c.ownerOf(cfg, judgedAt(cfg, run), nil)
	if err != nil {
		return err
	}
	s, err := c.newSession(ctx, &quiet, run, 0, o)
	if err != nil {
		return err
	}
	for _, out := range outs {
		f, err := dest.Open(c.Call, out.Path)
		if err != nil {
			s.out.discard()
			return exit.Usage(err)
		}
		s.out.files = append(s.out.files, f)
	}
	found := newComparison(s, sources)
	var readErr error
	err = s.auditor.Check(ctx, subjectsOf(sources, &readErr), func(e *evidence.Subject, j audit.Judged) error {
		found.add(e, j)
		return s.take(e, j)
	})
	if err == nil {
		if j, ok := s.auditor.Conclude(s.comparing); ok {
			found.Findings = j.Subject.Findings
			err = s.write(&evidence.Subject{Kind: evidence.Corpus}, j)
		}
	}
	if !found.finish() {
		s.warn("no service was seen from two places: nothing was compared", "give a report or a bundle of another place, or one that holds the same names")
		s.incomplete = true
	}
	cause := cause(ctx, errors.Join(err, readErr))
	s.run.Complete = cause == nil && !s.incomplete
	found.Run = s.run
	for i, out := range outs {
		if err := found.write(s.out.files[i], out.Format); err != nil {
			s.out.discard()
			return exit.Failed(err)
		}
	}
	return s.finish(cause, audit.Now())
}
