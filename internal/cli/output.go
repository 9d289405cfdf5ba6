package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/term"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/dest"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/stream"
	"github.com/certassay/certassay/internal/cli/wholefile"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/report"
)

// outputs are all reports of a run.
type outputs struct {
	writers []report.Writer
	files   []*dest.Dest
	// textShown says that a text report, which holds the warnings, goes to
	// standard output.
	textShown bool
}

func (c *command) openOutputs(cfg *config.Config, targetsFile string, explain func(string) (report.Rule, bool), subjects int) (*outputs, error) {
	o := &outputs{}
	var errs []error
	for _, out := range cfg.Outputs {
		f, err := dest.Open(c.Call, out.Path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		opts := report.Options{
			Rule: explain, Verbose: cfg.Verbose, Quiet: cfg.Quiet, Subjects: subjects,
			Color: cfg.Color == config.Always, TargetsFile: targetsFile,
		}
		if file, ok := stream.Terminal(c.Streams.Out); ok && out.Path == "-" {
			opts.Color = cfg.Color != config.Never
			if width, _, err := term.GetSize(int(file.Fd())); err == nil {
				opts.Width = width
			}
		}
		w, err := report.New(out.Format, f, opts)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o.textShown = o.textShown || out.Format == "text" && out.Path == "-"
		o.files = append(o.files, f)
		o.writers = append(o.writers, w)
	}
	if err := errors.Join(errs...); err != nil {
		o.discard()
		return nil, err
	}
	return o, nil
}

// targetsFile is the file that endpoints are reported at which have no place of
// their own: the inventory, or the list, where there is one and it lies below the
// working directory, which in a CI job is the root of the repository.
func (s *session) targetsFile() string {
	if s.owner != nil {
		return s.owner.files[s.owner.Files[0]]
	}
	if l := s.cfg.Lists; len(l) == 1 && filepath.IsLocal(l[0]) && l[0] != "-" {
		return filepath.ToSlash(filepath.Clean(l[0]))
	}
	return ""
}

func (o *outputs) begin(tool report.Tool, run evidence.Run) error {
	return o.each(func(w report.Writer) error { return w.Begin(tool, run) })
}

// subject writes one subject. What goes to standard output appears at once.
func (o *outputs) subject(s *report.Subject, certs []report.Certificate) error {
	if err := o.each(func(w report.Writer) error { return w.Subject(s, certs) }); err != nil {
		return err
	}
	for _, f := range o.files {
		if err := f.Show(); err != nil {
			return exit.Failed(fmt.Errorf("writing report: %w", err))
		}
	}
	return nil
}

func (o *outputs) end(e report.Ending) error {
	err := o.each(func(w report.Writer) error { return w.End(e) })
	for _, f := range o.files {
		if e := f.Close(); e != nil {
			err = errors.Join(err, fmt.Errorf("writing report: %w", e))
		}
	}
	return err
}

// each does something with every writer; one that fails does not cost the others
// their report.
func (o *outputs) each(do func(report.Writer) error) error {
	var errs []error
	for _, w := range o.writers {
		if err := do(w); err != nil {
			errs = append(errs, fmt.Errorf("writing report: %w", err))
		}
	}
	if len(errs) > 0 {
		return exit.Failed(errors.Join(errs...))
	}
	return nil
}

// discard removes what was begun.
func (o *outputs) discard() {
	for _, f := range o.files {
		f.Discard()
	}
}

// A bundleFile is the evidence bundle of a run.
type bundleFile struct {
	w    *evidence.Writer
	file *wholefile.File
}

func createBundle(path string) (*bundleFile, error) {
	file, err := wholefile.Create(path)
	if err != nil {
		return nil, fmt.Errorf("writing evidence: %w", err)
	}
	return &bundleFile{w: evidence.NewWriter(file), file: file}, nil
}

func (b *bundleFile) add(s *evidence.Subject) error {
	if err := b.w.Add(s); err != nil {
		return fmt.Errorf("writing evidence: %w", err)
	}
	return nil
}

func (b *bundleFile) close(run evidence.Run) error {
	err := b.w.Close(run)
	if err = errors.Join(err, b.file.Complete()); err != nil {
		return fmt.Errorf("writing evidence: %w", err)
	}
	return nil
}

// newProgress shows how far a run is, on standard error where that is a
// terminal.
func (c *command) newProgress(cfg *config.Config, total int) *report.Progress {
	f, ok := stream.Terminal(c.Streams.Err)
	opts := report.ProgressOptions{Terminal: ok && !cfg.Quiet && total > 1, Total: total, Now: audit.Now}
	if opts.Terminal {
		opts.Width, _, _ = term.GetSize(int(f.Fd()))
	}
	return report.NewProgress(c.Streams.Err, opts)
}
