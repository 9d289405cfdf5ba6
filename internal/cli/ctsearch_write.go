package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/report"
)

// write writes the result in its own form.
func (r *searchRun) write(logs []*searchLog) error {
	if r.out == nil {
		return nil
	}
	err := writeSearch(r.out.buf, r.format, logs, r.cfg.Verbose)
	if e := r.out.buf.Flush(); err == nil {
		err = e
	}
	if r.out.file != nil {
		err = errors.Join(err, complete(r.out.file, r.out.path))
	}
	if err != nil {
		return fmt.Errorf("writing what was found: %w", err)
	}
	return nil
}

func writeSearch(w io.Writer, format string, logs []*searchLog, verbose bool) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	switch format {
	case "json":
		hits := []*searchHit{}
		for _, l := range logs {
			hits = append(hits, l.hits...)
		}
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"schema": "certassay/ct-search/v1", "hits": hits, "logs": logs})
	case "jsonl":
		for _, l := range logs {
			for _, h := range l.hits {
				if err := e.Encode(map[string]any{"hit": h}); err != nil {
					return err
				}
			}
			if err := e.Encode(map[string]any{"log": l}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, l := range logs {
		if err := l.writeText(w, verbose); err != nil {
			return err
		}
	}
	return nil
}

func (h *searchHit) writeText(w io.Writer, verbose bool) {
	mark := ""
	if !h.Verified {
		mark = "  NOT VERIFIED"
	}
	fmt.Fprintf(w, "%s entry %d  %s  %s%s\n", report.Escape(h.Log), h.Index, timeOf(h.Time), h.Type, mark)
	for _, m := range h.Matches {
		why := ""
		if m.Why != "" {
			why = " (" + report.Escape(m.Why) + ")"
		}
		switch {
		case m.Name == "":
			fmt.Fprintln(w, "  unreadable: the certificate cannot be read, so that no name can be ruled out")
		case m.Unreadable:
			fmt.Fprintf(w, "  %s: cannot be ruled out by unreadable %s\n", report.Escape(m.Name), report.Escape(m.Identifier))
		default:
			fmt.Fprintf(w, "  %s: %s%s\n", report.Escape(m.Name), report.Escape(m.Identifier), why)
		}
	}
	h.entryLine.writeText(w, "  ")
	h.judgedLine.writeText(w, verbose)
}

// writeText writes verdict and findings; what could not be decided as a number,
// unless all is wanted.
func (l *judgedLine) writeText(w io.Writer, verbose bool) {
	if l.Verdict == "" {
		return
	}
	fmt.Fprintf(w, "  verdict %s\n", l.Verdict)
	for i := range l.Findings {
		f := &l.Findings[i]
		note := ""
		switch {
		case f.Waiver != nil:
			note = " (waived)"
		case f.Status == finding.Known:
			note = " (known)"
		}
		fmt.Fprintf(w, "    %-8s %s: %s%s\n", f.Severity, f.Rule, report.Escape(f.Message), note)
	}
	needed := 0
	for _, g := range l.Inconclusive {
		if g.Needed {
			needed++
		}
		if verbose {
			fmt.Fprintf(w, "    undecided %s: %s\n", g.Rule, report.Escape(g.Reason))
		}
	}
	if needed > 0 && !verbose {
		fmt.Fprintf(w, "    undecided: %d rules that the verdict needs (-v lists them)\n", needed)
	}
	for _, p := range l.Problems {
		fmt.Fprintf(w, "    problem: %s\n", report.Escape(p.Error))
	}
}

func (l *searchLog) writeText(w io.Writer, verbose bool) error {
	for _, h := range l.hits {
		h.writeText(w, verbose)
	}
	fmt.Fprintf(w, "%s: ", report.Escape(l.Log))
	switch {
	case l.Head == nil:
		fmt.Fprintln(w, "not searched")
	case l.From == l.To:
		fmt.Fprintf(w, "no entry in the range; the tree has %d\n", l.Head.Size)
	default:
		fmt.Fprintf(w, "%d of entries %d to %d read and verified (%s), tree of %d at %s; %d found\n",
			l.Verified, l.From, l.To-1, l.How, l.Head.Size, timeOf(l.Head.Time), len(l.hits))
	}
	if len(l.Judged) > 0 {
		var parts []string
		for _, v := range finding.Verdicts {
			parts = append(parts, fmt.Sprintf("%d %s", l.Judged[v], v))
		}
		fmt.Fprintf(w, "  judged: %s\n", strings.Join(parts, ", "))
	}
	for _, g := range l.Earlier {
		fmt.Fprintf(w, "  searched in a run before: entries %d to %d\n", g.From, g.To-1)
	}
	for _, g := range l.Gaps {
		fmt.Fprintf(w, "  not searched: entries %d to %d: %s\n", g.From, g.To-1, report.Escape(g.Error))
	}
	for _, o := range l.Odd {
		fmt.Fprintf(w, "  odd: entry %d: %s\n", o.From, report.Escape(o.Error))
	}
	if l.Warning != "" {
		fmt.Fprintf(w, "  warning: %s\n", report.Escape(l.Warning))
	}
	for i := range l.Findings {
		f := &l.Findings[i]
		fmt.Fprintf(w, "  %-8s %s: %s\n", f.Severity, f.Rule, report.Escape(f.Message))
	}
	var err error
	if l.Error != "" {
		_, err = fmt.Fprintf(w, "  error: %s\n", report.Escape(l.Error))
	}
	return err
}
