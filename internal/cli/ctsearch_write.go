package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/report"
)

// write writes the result in its own form.
func (r *searchRun) write(logs []*searchLog) error {
	return r.writeOwn(func(w io.Writer) error { return writeSearch(w, r.format, logs, r.cfg) })
}

func writeSearch(w io.Writer, format string, logs []*searchLog, cfg *config.Config) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	switch format {
	case "json":
		hits := []*searchHit{}
		for _, l := range logs {
			hits = append(hits, l.hits...)
		}
		e.SetIndent("", "  ")
		return e.Encode(searchDocument{searchSchema, hits, logs})
	case "jsonl":
		for _, l := range logs {
			for _, h := range l.hits {
				if err := e.Encode(searchLine{Hit: h}); err != nil {
					return err
				}
			}
			if err := e.Encode(searchLine{Log: l}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, l := range logs {
		if err := l.writeText(w, cfg); err != nil {
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
	h.judgedLine.writeText(w, "  ", verbose)
}

// writeShort writes the verdict alone, and whether it is of a verified entry.
func (h *searchHit) writeShort(w io.Writer) {
	verdict, mark := string(h.Verdict), ""
	if verdict == "" {
		verdict = string(finding.Undetermined)
	}
	if !h.Verified {
		mark = "  NOT VERIFIED"
	}
	var names []string
	for _, m := range h.Matches {
		if name := m.Name; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	fmt.Fprintf(w, "%-12s %s entry %d  %s  %s%s\n", verdict, report.Escape(h.Log), h.Index, h.Hash, report.Escape(strings.Join(names, " ")), mark)
}

// wholly says that there is nothing to tell of a log but how much was read.
func (l *searchLog) wholly() bool {
	return l.Complete && l.Error == "" && l.Warning == "" && l.OddTotal == 0 && len(l.Findings) == 0
}

func (l *searchLog) writeText(w io.Writer, cfg *config.Config) error {
	for _, h := range l.hits {
		if cfg.Quiet {
			h.writeShort(w)
		} else {
			h.writeText(w, cfg.Verbose)
		}
	}
	if cfg.Quiet && l.wholly() {
		return nil
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
	if l.Screened > 0 {
		fmt.Fprintf(w, "  screened: %d, which nothing spoke against; their chains and SCTs were not checked\n", l.Screened)
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
