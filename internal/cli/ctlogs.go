package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/report"
)

func (c *command) ctLogs() *cobra.Command {
	var f logs.Flags
	var check, all bool
	cmd := &cobra.Command{
		Use: "logs", Short: "List the known logs; with --check ask each for its tree head", Args: cobra.NoArgs,
		Long: `Lists the logs that browsers accept, or those named with --log. Nobody is
contacted without --check; with it each log is asked for its tree head, which is
verified with the log's key.

` + logs.Help + "\n\n" + ctExitHelp,
		Example: `  certassay ct logs --all
  certassay ct logs --check --log "Let's Encrypt"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.Check(c.Call, "text", "json"); err != nil {
				return exit.Usage(err)
			}
			for _, flag := range []string{"via", "ssh-config", "contact"} {
				if cmd.Flags().Changed(flag) && !check {
					return exit.Usage(hint.With(fmt.Errorf("--%s has no effect: no log is asked", flag), "add --check, or leave it out"))
				}
			}
			known, err := f.Known()
			if err != nil {
				return exit.Usage(err)
			}
			choices, err := f.Choose(known, func(l *ct.Log) bool { return all || logs.Approved(l) })
			if err != nil {
				return exit.Usage(err)
			}
			if len(choices) == 0 {
				return exit.With(exit.Incomplete, logs.ErrNone)
			}
			return c.listLogs(cmd.Context(), &f, choices, check)
		},
	}
	f.Bind(cmd.Flags(), "text, json")
	cmd.Flags().BoolVar(&check, "check", false, "ask each log for its tree head")
	cmd.Flags().BoolVar(&all, "all", false, "also list logs that no browser accepts any more")
	return cmd
}

// A logLine is one log of "ct logs".
type logLine struct {
	Name     string   `json:"name"`
	Operator string   `json:"operator"`
	ID       string   `json:"id"`
	State    ct.State `json:"state"`
	Protocol string   `json:"protocol"`
	// URL is where it is read, Submission where certificates are submitted to a
	// tiled log; empty where unknown.
	URL        string `json:"url"`
	Submission string `json:"submission_url,omitempty"`
	// Guessed says that no list tells where it is read: it is asked at the address
	// for submissions.
	Guessed bool       `json:"url_guessed,omitempty"`
	Head    *headLine  `json:"head,omitempty"`
	Error   string     `json:"error,omitempty"`
	From    *time.Time `json:"not_after_from,omitempty"`
	To      *time.Time `json:"not_after_to,omitempty"`
}

type headLine struct {
	Size uint64    `json:"size"`
	Time time.Time `json:"time"`
	Root string    `json:"root"`
	// Age is in seconds, when it was asked for.
	Age int64 `json:"age_seconds"`
}

func newHeadLine(h *ct.TreeHead, now time.Time) *headLine {
	return &headLine{h.Size, h.Time, hex.EncodeToString(h.Root[:]), int64(now.Sub(h.Time) / time.Second)}
}

func (c *command) listLogs(ctx context.Context, f *logs.Flags, choices []*logs.Choice, check bool) error {
	lines := make([]*logLine, len(choices))
	each(len(choices), func(i int) {
		ch := choices[i]
		var head *headLine
		var err error
		if check {
			head, err = checkLog(ctx, f, ch)
		}
		lines[i] = newLogLine(ch)
		lines[i].Head = head
		if err != nil {
			lines[i].Error = oneLine(err)
		}
	})
	code := exit.OK
	for _, l := range lines {
		if l.Error != "" {
			code = exit.Incomplete
		}
	}
	if err := c.writeLogs(f, lines, check); err != nil {
		return exit.Failed(err)
	}
	return interruptedOr(ctx, code)
}

func newLogLine(ch *logs.Choice) *logLine {
	l := ch.Log
	line := &logLine{Name: l.Name, Operator: l.Operator(), ID: hex.EncodeToString(l.ID[:]), State: l.StateAt(audit.Now()), Protocol: "rfc6962", URL: l.URL}
	if l.Tiled {
		line.Protocol, line.Submission = "static-ct", l.URL
		if line.Guessed = l.Monitor == "" && !ch.Own; l.Monitor != "" {
			line.URL = l.Monitor
		}
	}
	if !l.To.IsZero() {
		line.From, line.To = &l.From, &l.To
	}
	return line
}

// checkLog asks for a head. One that is too old is given with the error.
func checkLog(ctx context.Context, f *logs.Flags, ch *logs.Choice) (*headLine, error) {
	source, err := ch.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	head, err := source.Head(ctx)
	if err != nil {
		return nil, err
	}
	now := audit.Now()
	return newHeadLine(head, now), ctlog.CheckAge(ch.Log, head, now)
}

func (c *command) writeLogs(f *logs.Flags, lines []*logLine, check bool) error {
	if f.Format == "json" {
		return c.writeJSON(logsDocument{logsSchema, lines})
	}
	w := tabwriter.NewWriter(c.Streams.Out, 0, 0, 2, ' ', 0)
	if check {
		fmt.Fprintln(w, "NAME\tPROTOCOL\tSTATE\tENTRIES\tHEAD AGE\tRESULT")
	} else {
		fmt.Fprintln(w, "NAME\tPROTOCOL\tSTATE\tOPERATOR\tURL")
	}
	for _, l := range lines {
		name, state := report.Escape(l.Name), string(l.State)
		if state == "" {
			state = "-"
		}
		if !check {
			where := l.URL
			if l.Guessed {
				where += "  (for submissions; no list says where it is read)"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, l.Protocol, state, report.Escape(l.Operator), report.Escape(where))
			continue
		}
		size, age, result := "-", "-", "ok"
		if l.Head != nil {
			size, age = fmt.Sprint(l.Head.Size), (time.Duration(l.Head.Age) * time.Second).String()
		}
		if l.Error != "" {
			result = report.Escape(l.Error)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", name, l.Protocol, state, size, age, result)
	}
	return w.Flush()
}

// oneLine writes an error, which may be several that are joined, in a line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// manyLogs is how many logs are asked at the same time.
const manyLogs = 8

// each calls work for 0 to n-1, some at a time, and returns when all are done.
func each(n int, work func(int)) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, manyLogs)
	for i := range n {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			work(i)
		})
	}
	wait.Wait()
}
