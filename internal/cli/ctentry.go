package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/report"
)

func (c *command) ctEntry() *cobra.Command {
	var f logs.Flags
	cmd := &cobra.Command{
		Use: "entry LOG INDEX", Short: "Show one entry of a log, verified",
		Long: `Reads one entry, verifies it against the log's signed tree, and shows it. The
format pem is the certificate and the chain that was submitted with it, for
"certassay check -"; of a precertificate it is that as submitted.

` + logs.Help + "\n\n" + ctExitHelp,
		Example: `  certassay ct entry "Let's Encrypt 'Sycamore2026h2'" 1000000
  certassay ct entry https://log.example/=key.pem 42 -f pem | certassay check -`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.Check(c.Call, "text", "json", "pem"); err != nil {
				return exit.Usage(err)
			}
			index, err := strconv.ParseUint(args[1], 10, 40)
			if err != nil {
				return exit.Usage(fmt.Errorf("%q is no index of an entry", args[1]))
			}
			known, err := f.Known()
			if err != nil {
				return exit.Usage(err)
			}
			choices, err := logs.Pick(known, args[0])
			if err != nil {
				return exit.Usage(err)
			}
			ch, err := logs.One(choices, args[0])
			if err != nil {
				return exit.Usage(err)
			}
			return c.entry(cmd.Context(), &f, ch, index)
		},
	}
	f.Bind(cmd.Flags(), "text, json, pem")
	if err := cmd.Flags().MarkHidden("log"); err != nil {
		panic(err)
	}
	return cmd
}

// An entryLine is what is said of an entry.
type entryLine struct {
	Time time.Time `json:"time"`
	Type string    `json:"type"` // certificate or precertificate
	// Hash is "sha256:" and the hash of the certificate, or of the
	// TBSCertificate of a precertificate.
	Hash      string   `json:"hash"`
	LeafHash  string   `json:"leaf_hash"`
	Subject   string   `json:"subject"`
	Issuer    string   `json:"issuer"`
	Serial    string   `json:"serial"`
	NotBefore string   `json:"not_before,omitempty"`
	NotAfter  string   `json:"not_after,omitempty"`
	Names     []string `json:"names"`
	// DER is the certificate or TBSCertificate.
	DER []byte `json:"der"`
}

func newEntryLine(e *ct.LogEntry) entryLine {
	sum := sha256.Sum256(e.Signed)
	leaf, _ := e.LeafHash(nil)
	l := entryLine{
		Time: e.Time(), Type: "certificate", Hash: "sha256:" + hex.EncodeToString(sum[:]), LeafHash: hex.EncodeToString(leaf[:]),
		DER: append([]byte(nil), e.Signed...), Names: []string{},
	}
	if e.Precert {
		l.Type = "precertificate"
	}
	p := e.Certificate()
	l.Subject, l.Issuer, l.Serial = p.Subject.String(), p.Issuer.String(), hex.EncodeToString(p.Serial[:min(len(p.Serial), 64)])
	if p.NotBeforeErr == nil {
		l.NotBefore = p.NotBefore.Format(time.RFC3339)
	}
	if p.NotAfterErr == nil {
		l.NotAfter = p.NotAfter.Format(time.RFC3339)
	}
	l.Names = append(l.Names, p.DNSNames()...)
	for _, ip := range p.IPAddresses() {
		l.Names = append(l.Names, ip.String())
	}
	const most = 100
	l.Names = l.Names[:min(len(l.Names), most)]
	return l
}

func (l *entryLine) writeText(w io.Writer, indent string) {
	fmt.Fprintf(w, "%ssubject %s\n%sissuer %s, serial %s\n", indent, report.Escape(l.Subject), indent, report.Escape(l.Issuer), l.Serial)
	fmt.Fprintf(w, "%svalid %s to %s, %s\n", indent, orDash(l.NotBefore), orDash(l.NotAfter), l.Hash)
	if len(l.Names) > 0 {
		fmt.Fprintf(w, "%snames %s\n", indent, report.Escape(strings.Join(l.Names, " ")))
	}
}

func orDash(s string) string {
	if s == "" {
		return "?"
	}
	return s
}

// A shownEntry is the answer of "ct entry".
type shownEntry struct {
	Log   string    `json:"log"`
	Index uint64    `json:"index"`
	Head  *headLine `json:"head"`
	entryLine
	Verified bool `json:"verified"`
	// Chain are the certificates behind the entry's own, as the log hands them
	// out; the tree does not cover them. Problem says what is wrong with them.
	Submitted []byte   `json:"submitted,omitempty"`
	Chain     [][]byte `json:"chain"`
	Problem   string   `json:"problem,omitempty"`
}

func (c *command) entry(ctx context.Context, f *logs.Flags, ch *logs.Choice, index uint64) error {
	source, err := ch.Open(ctx, f)
	if err != nil {
		return c.ctFailed(ctx, err)
	}
	head, err := source.Head(ctx)
	if err != nil {
		return c.ctFailed(ctx, err)
	}
	if index >= head.Size {
		return exit.With(exit.Incomplete, fmt.Errorf("%s has no entry %d: its tree has %d", ch.Log.Name, index, head.Size))
	}
	var out *shownEntry
	coverage, err := source.Entries(ctx, head, index, index+1, func(_ uint64, e *ct.LogEntry) error {
		out = &shownEntry{Log: ch.Log.Name, Index: index, entryLine: newEntryLine(e), Submitted: append([]byte(nil), e.Submitted...)}
		chain, err := source.Chain(ctx, e)
		for _, der := range chain {
			out.Chain = append(out.Chain, append([]byte(nil), der...))
		}
		if err == nil {
			err = e.CheckSubmitted(chain)
		}
		if err != nil {
			out.Problem = err.Error()
		}
		return nil
	})
	for _, g := range coverage.Gaps {
		err = errors.Join(err, g.Err)
	}
	if out == nil || err != nil {
		return c.ctFailed(ctx, errors.Join(err, oddError(coverage.Odd)))
	}
	out.Verified = coverage.Complete()
	now := head.Time
	out.Head = newHeadLine(head, now)
	if err := c.writeEntry(f.Format, out); err != nil {
		return exit.Failed(err)
	}
	code := exit.OK
	if out.Problem != "" {
		code = exit.Incomplete
	}
	return interruptedOr(ctx, code)
}

func oddError[E error](odd []E) error {
	if len(odd) == 0 {
		return nil
	}
	return odd[0]
}

// ctFailed is the exit where a log could not be read.
func (c *command) ctFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return interruptedOr(ctx, exit.Incomplete)
	}
	return exit.With(exit.Incomplete, err)
}

func (c *command) writeEntry(format string, s *shownEntry) error {
	w := c.Streams.Out
	switch format {
	case "json":
		return c.writeJSON(entryDocument{entrySchema, s})
	case "pem":
		first := s.DER
		if s.Type == "precertificate" {
			first = s.Submitted
		}
		for _, der := range append([][]byte{first}, s.Chain...) {
			if err := pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
				return err
			}
		}
		if s.Problem != "" {
			fmt.Fprintf(c.Streams.Err, "certassay: warning: %s\n", report.Escape(s.Problem))
		}
		return nil
	}
	fmt.Fprintf(w, "%s entry %d  %s  %s\n", report.Escape(s.Log), s.Index, s.Time.Format(time.RFC3339), s.Type)
	s.writeText(w, "  ")
	fmt.Fprintf(w, "  leaf hash %s, in the signed tree of %d at %s\n", s.LeafHash, s.Head.Size, s.Head.Time.Format(time.RFC3339))
	fmt.Fprintf(w, "  submitted with a chain of %d\n", len(s.Chain))
	var err error
	if s.Problem != "" {
		_, err = fmt.Fprintf(w, "  problem: %s\n", report.Escape(s.Problem))
	}
	return err
}
