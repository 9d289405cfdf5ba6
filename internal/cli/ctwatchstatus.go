package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/store"
	"github.com/certassay/certassay/internal/watch"
)

// watchStatus shows the health of a watch, which may run.
func (c *command) watchStatus(ctx context.Context, f *watchFlags) error {
	s, err := store.Read(ctx, f.cfg.State)
	if err != nil {
		return exit.Failed(err)
	}
	health, err := watch.ReadHealth(ctx, s, audit.Now(), f.cfg.Late)
	holder, holderErr := s.Holder(ctx, watchRole)
	err = errors.Join(err, holderErr)
	if err = closing(err, s.Close()); err != nil {
		return exit.Failed(err)
	}
	if f.Format == "json" {
		err = c.writeJSON(statusDocument{statusSchema, newWatchHolder(holder), health})
	} else {
		err = c.writeStatus(health, newWatchHolder(holder))
	}
	switch {
	case err != nil:
		return exit.Failed(err)
	case !health.Well():
		return exit.With(exit.Incomplete, nil)
	}
	return nil
}

// watchRole is what a running watch holds of its state directory.
const watchRole = "watch"

// A watchHolder is the process that follows the logs.
type watchHolder struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since,omitzero"`
}

func newWatchHolder(h *store.HeldError) *watchHolder {
	if h == nil {
		return nil
	}
	return &watchHolder{h.PID, h.Since}
}

func (c *command) writeStatus(h *watch.Health, holder *watchHolder) error {
	if holder == nil {
		fmt.Fprintln(c.Streams.Out, "no watch runs on this state")
	} else {
		fmt.Fprintf(c.Streams.Out, "process %d watches, since %s\n", holder.PID, holder.Since.Format(time.RFC3339))
	}
	w := tabwriter.NewWriter(c.Streams.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LOG\tSTATE\tENTRIES\tPOSITION\tBACKLOG\tGAPS\tREAD TO ITS END\tERROR")
	for i := range h.Logs {
		l := &h.Logs[i]
		success := "never"
		if l.Success != nil {
			success = l.Success.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", report.Escape(l.Name), l.State, l.Size, l.Position, l.Backlog, l.GapSize, success, report.Escape(orDashed(l.Error)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	const mostGaps = 20
	shown := 0
	for i := range h.Logs {
		for _, g := range h.Logs[i].Gaps {
			if shown++; shown <= mostGaps {
				fmt.Fprintf(c.Streams.Out, "not read: %s entries %d to %d: %s\n", report.Escape(h.Logs[i].Name), g.From, g.To-1, report.Escape(g.Error))
			}
		}
	}
	if shown > mostGaps {
		fmt.Fprintf(c.Streams.Out, "and %d ranges more; -f json shows all\n", shown-mostGaps)
	}
	for _, r := range h.Receivers {
		if r.Waiting > 0 {
			fmt.Fprintf(c.Streams.Out, "waiting: %d notifications for %s, the oldest since %s: %s\n", r.Waiting, report.Escape(r.Receiver), r.Oldest.Format(time.RFC3339), report.Escape(orDashed(r.Error)))
		}
	}
	if n := h.Configuration; n != nil && n.Error != "" {
		fmt.Fprintf(c.Streams.Out, "THE CONFIGURATION WAS NOT TAKEN at %s, the one of %s is in force: %s\n", n.Failed.Format(time.RFC3339), n.Taken.Format(time.RFC3339), report.Escape(n.Error))
	}
	_, err := fmt.Fprintf(c.Streams.Out, "%d certificates matched\n", h.Certificates)
	return err
}

func orDashed(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
