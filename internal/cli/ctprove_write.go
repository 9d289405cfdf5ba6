package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/report"
)

func writeProofs(w io.Writer, format string, certs []*provenCert, cfg *config.Config) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	switch format {
	case "json":
		e.SetIndent("", "  ")
		return e.Encode(proveDocument{proveSchema, certs})
	case "jsonl":
		for _, c := range certs {
			if err := e.Encode(c); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range certs {
		c.writeText(w, cfg)
	}
	_, err := fmt.Fprint(w)
	return err
}

func (c *provenCert) writeText(w io.Writer, cfg *config.Config) {
	if cfg.Quiet {
		verdict := c.Verdict
		if verdict == "" {
			verdict = finding.Undetermined
		}
		fmt.Fprintf(w, "%-12s %s  %s\n", verdict, report.Escape(c.Path), c.Certificate)
	} else {
		fmt.Fprintf(w, "%s  %s\n", report.Escape(c.Path), c.Certificate)
		c.judgedLine.writeText(w, "  ", cfg.Verbose)
	}
	told := !cfg.Quiet && slices.ContainsFunc(c.Problems, func(p evidence.Failure) bool { return p.Error == c.Error })
	if c.Error != "" && !told {
		fmt.Fprintf(w, "  error: %s\n", report.Escape(c.Error))
	}
	for _, s := range c.SCTs {
		if !cfg.Quiet || s.Inclusion != "included" || len(s.Findings) > 0 {
			s.writeText(w, cfg.Verbose)
		}
	}
}

func (s *provenSCT) writeText(w io.Writer, verbose bool) {
	when := "of no time that can be read"
	if !s.Time.IsZero() {
		when = s.Time.Format(time.RFC3339)
	}
	fmt.Fprintf(w, "  %s  %s\n    signature %s", report.Escape(s.Log), when, s.Signature)
	if s.Inclusion != "" {
		fmt.Fprintf(w, ", %s", s.Inclusion)
	}
	if s.Index != nil {
		fmt.Fprintf(w, " as entry %d in the signed tree of %d at %s", *s.Index, s.Head.Size, s.Head.Time.Format(time.RFC3339))
	}
	fmt.Fprintln(w)
	if s.Reason != "" {
		fmt.Fprintf(w, "    %s\n", report.Escape(s.Reason))
	}
	if len(s.Findings) > 0 || verbose {
		s.judgedLine.writeText(w, "    ", verbose)
	}
}
