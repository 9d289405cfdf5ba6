package cli

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/report"
)

// outputs are all reports of a run.
type outputs struct {
	writers []report.Writer
	files   []*outputFile
	// textShown says that a text report, which holds the warnings, goes to
	// standard output.
	textShown bool
}

// An outputFile is a report's destination. A regular file appears under its name
// when the report is complete, so that nobody reads half of one.
type outputFile struct {
	buf  *bufio.Writer
	file *os.File // nil for standard output
	path string   // empty where there is nothing to rename
}

func (c *command) openOutputs(cfg *config.Config, targetsFile string, explain func(string) (report.Rule, bool), subjects int) (*outputs, error) {
	o := &outputs{}
	var errs []error
	for _, out := range cfg.Outputs {
		f, err := c.openOutput(out.Path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		opts := report.Options{
			Rule: explain, Verbose: cfg.Verbose, Quiet: cfg.Quiet, Subjects: subjects,
			Color: cfg.Color == config.Always, TargetsFile: targetsFile,
		}
		if file, ok := terminal(c.streams.Out); ok && out.Path == "-" {
			opts.Color = cfg.Color != config.Never
			if width, _, err := term.GetSize(int(file.Fd())); err == nil {
				opts.Width = width
			}
		}
		w, err := report.New(out.Format, f.buf, opts)
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

func (c *command) openOutput(path string) (*outputFile, error) {
	if path == "-" {
		return &outputFile{buf: bufio.NewWriter(c.around(c.streams.Out))}, nil
	}
	file, final, err := create(path)
	if err != nil {
		return nil, fmt.Errorf("writing report: %w", err)
	}
	return &outputFile{buf: bufio.NewWriter(file), file: file, path: final}, nil
}

// create opens a file that is to be renamed to final once it is complete. What
// is there and no regular file, such as a pipe, is opened as it is; a symbolic link
// stays one, and leads to the new file. Who may read the file is decided as for any
// other: by the one that it replaces, or else by the umask.
func create(path string) (file *os.File, final string, err error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return nil, "", fmt.Errorf("%s is a directory", path)
		}
		file, err = os.OpenFile(path, os.O_WRONLY, 0)
		return file, "", err
	}
	if err != nil {
		file, err = createBeside(path)
		return file, path, err
	}
	if final, err = filepath.EvalSymlinks(path); err != nil {
		return nil, "", err
	}
	if file, err = createBeside(final); err != nil {
		return nil, "", err
	}
	return file, final, file.Chmod(info.Mode().Perm())
}

// createBeside makes a file in the directory of another one, with what the umask
// leaves; os.CreateTemp makes one for its owner alone.
func createBeside(path string) (*os.File, error) {
	for range 100 {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%s", filepath.Base(path), rand.Text()[:10]))
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // the umask decides
		if !errors.Is(err, fs.ErrExist) {
			return file, err
		}
	}
	return nil, fmt.Errorf("no free name beside %s", path)
}

// complete closes a file that create opened and gives it its name.
func complete(file *os.File, final string) error {
	err := file.Close()
	if err == nil && final != "" {
		err = os.Rename(file.Name(), final)
	}
	return err
}

// abandon closes a file that create opened and removes it.
func abandon(file *os.File, final string) error {
	err := file.Close()
	if final != "" {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
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
		if f.file == nil {
			if err := f.buf.Flush(); err != nil {
				return exit.Failed(fmt.Errorf("writing report: %w", err))
			}
		}
	}
	return nil
}

func (o *outputs) end(e report.Ending) error {
	err := o.each(func(w report.Writer) error { return w.End(e) })
	for _, f := range o.files {
		if e := f.buf.Flush(); e != nil {
			err = errors.Join(err, fmt.Errorf("writing report: %w", e))
		}
		if f.file != nil {
			if e := complete(f.file, f.path); e != nil {
				err = errors.Join(err, fmt.Errorf("writing report: %w", e))
			}
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
		if f.file != nil {
			_ = abandon(f.file, f.path) // what was wrong is being reported
		}
	}
}

// A bundleFile is the evidence bundle of a run.
type bundleFile struct {
	w     *evidence.Writer
	file  *os.File
	final string
}

func createBundle(path string) (*bundleFile, error) {
	file, final, err := create(path)
	if err != nil {
		return nil, fmt.Errorf("writing evidence: %w", err)
	}
	return &bundleFile{w: evidence.NewWriter(file), file: file, final: final}, nil
}

func (b *bundleFile) add(s *evidence.Subject) error {
	if err := b.w.Add(s); err != nil {
		return fmt.Errorf("writing evidence: %w", err)
	}
	return nil
}

func (b *bundleFile) close(run evidence.Run) error {
	err := b.w.Close(run)
	if err = errors.Join(err, complete(b.file, b.final)); err != nil {
		return fmt.Errorf("writing evidence: %w", err)
	}
	return nil
}

// newProgress shows how far a run is, on standard error where that is a
// terminal.
func (c *command) newProgress(cfg *config.Config, total int) *report.Progress {
	f, ok := terminal(c.streams.Err)
	opts := report.ProgressOptions{Terminal: ok && !cfg.Quiet && total > 1, Total: total, Now: audit.Now}
	if opts.Terminal {
		opts.Width, _, _ = term.GetSize(int(f.Fd()))
	}
	return report.NewProgress(c.streams.Err, opts)
}
