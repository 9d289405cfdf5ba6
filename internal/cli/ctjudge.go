package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/dest"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/report"
)

// bindJudged adds the flags that shape how something is judged and reported, and
// gives those about logs their meaning here. list is the help of --list.
func bindJudged(f *logs.Flags, fs *pflag.FlagSet, list string) *config.Flags {
	flags := config.Bind(fs, config.Which{}, report.Formats())
	for name, use := range map[string]string{
		"rate": "requests a second to one log", "timeout": "time for one request",
		"via":      "ask the logs through the proxy `URL`: " + logs.ViaHelp,
		"log-list": "also know the logs of the v3 list in `FILE`",
		"list":     list,
	} {
		fs.Lookup(name).Usage, fs.Lookup(name).Hidden = use, false
	}
	fs.Lookup("ssh-config").Hidden = false
	// Nobody but logs is asked.
	for _, name := range []string{"online", "resolver", "allow-private-urls", "offline", "cache"} {
		fs.Lookup(name).Hidden = true
	}
	setDefault(fs, "rate", "10")
	setDefault(fs, "timeout", "30s")
	f.BindLogs(fs)
	return flags
}

// setDefault gives a flag of the shared set another default.
func setDefault(fs *pflag.FlagSet, name, value string) {
	flag := fs.Lookup(name)
	if err := flag.Value.Set(value); err != nil {
		panic(err)
	}
	flag.DefValue = value
}

// takeJudged takes over what the shared flags say about logs, and checks it.
func takeJudged(f *logs.Flags, c *command, cfg *config.Config) error {
	c.tellUnused(cfg)
	f.LogList, f.Data, f.Rate, f.Timeout = cfg.LogList, cfg.Data, cfg.Rate, cfg.Timeout
	if len(cfg.Via) > 1 {
		return errors.New("logs are asked through one proxy: --via was given more than once")
	}
	if len(cfg.Via) == 1 {
		f.SSHConfig = cfg.SSHConfig
		if err := f.GoVia(c.Call, cfg.Via[0]); err != nil {
			return err
		}
	}
	return f.CheckLogs()
}

// A judgedRun is a run of a command that reads logs and judges what it finds.
type judgedRun struct {
	*command
	cfg     *config.Config
	session *session
	out     *dest.Dest // nil where standard output has a report of another form
	format  string     // of out
}

// newJudgedRun opens what is judged by and every output. The first output has a
// form of its own, which tells what reports have no place for, where it is text,
// json or jsonl; all others are reports.
func (c *command) newJudgedRun(ctx context.Context, f *logs.Flags, cfg *config.Config, run evidence.Run) (*judgedRun, error) {
	r := &judgedRun{command: c, cfg: cfg}
	reports := *cfg
	reports.Logs, reports.Said = f.Logs, nil // those of the user are known to rules, too
	if first := cfg.Outputs[0]; slices.Contains([]string{"text", "json", "jsonl"}, first.Format) {
		r.format, reports.Outputs = first.Format, cfg.Outputs[1:]
		var err error
		if r.out, err = dest.Open(c.Call, first.Path); err != nil {
			return nil, exit.Usage(err)
		}
	}
	run.Vantage, run.Contacted = f.Vantage(), []string{}
	o, err := c.ownerOf(cfg, judgedAt(cfg, run), nil)
	if err == nil {
		r.session, err = c.newSession(ctx, &reports, run, 0, o)
	}
	if err != nil && r.out != nil {
		r.out.Discard()
	}
	return r, err
}

// writeOwn writes the form of its own, where one is wanted.
func (r *judgedRun) writeOwn(write func(io.Writer) error) error {
	if r.out == nil {
		return nil
	}
	err := write(r.out)
	if e := r.out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("writing what was found: %w", err)
	}
	return nil
}

// A judgedLine is what the rules say.
type judgedLine struct {
	Verdict      finding.Verdict    `json:"verdict,omitempty"`
	Findings     []finding.Finding  `json:"findings,omitempty"`
	Inconclusive []finding.Gap      `json:"inconclusive,omitempty"`
	Problems     []evidence.Failure `json:"errors,omitempty"`
}

func (l *judgedLine) take(r *report.Subject) {
	l.Verdict, l.Findings, l.Inconclusive, l.Problems = r.Verdict, r.Findings, r.Inconclusive, r.Errors
}

// judgedLines are subjects and where what is said of them goes. The zero value
// is ready.
type judgedLines struct {
	subjects []*evidence.Subject
	lines    map[*evidence.Subject]*judgedLine
}

func (l *judgedLines) add(s *evidence.Subject, into *judgedLine) {
	if l.lines == nil {
		l.lines = map[*evidence.Subject]*judgedLine{}
	}
	l.subjects, l.lines[s] = append(l.subjects, s), into
}

// judge judges the subjects, in order, and adds them to the reports.
func (l *judgedLines) judge(ctx context.Context, s *session) error {
	err := s.auditor.Check(ctx, slices.Values(l.subjects), func(e *evidence.Subject, j audit.Judged) error {
		err := s.take(e, j)
		l.lines[e].take(j.Subject)
		return err
	})
	if err != nil {
		return err
	}
	return s.conclude()
}

// writeText writes verdict and findings; what could not be decided as a number,
// unless all is wanted.
func (l *judgedLine) writeText(w io.Writer, indent string, verbose bool) {
	if l.Verdict == "" {
		return
	}
	fmt.Fprintf(w, "%sverdict %s\n", indent, l.Verdict)
	for i := range l.Findings {
		f := &l.Findings[i]
		note := ""
		switch {
		case f.Waiver != nil:
			note = " (waived)"
		case f.Status == finding.Known:
			note = " (known)"
		}
		fmt.Fprintf(w, "%s  %-8s %s: %s%s\n", indent, f.Severity, f.Rule, report.Escape(f.Message), note)
	}
	needed := 0
	for _, g := range l.Inconclusive {
		if g.Needed {
			needed++
		}
		if verbose {
			fmt.Fprintf(w, "%s  undecided %s: %s\n", indent, g.Rule, report.Escape(g.Reason))
		}
	}
	if needed > 0 && !verbose {
		fmt.Fprintf(w, "%s  undecided: %d rules that the verdict needs (-v lists them)\n", indent, needed)
	}
	for _, p := range l.Problems {
		fmt.Fprintf(w, "%s  problem: %s\n", indent, report.Escape(p.Error))
	}
}
