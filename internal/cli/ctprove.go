package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/probe/sct"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

func (c *command) ctProve() *cobra.Command {
	var f ctFlags
	cmd := &cobra.Command{
		Use: "prove PATH...", Short: "Prove that the SCTs of a certificate are genuine and were kept", Args: cobra.MinimumNArgs(1),
		Long: `Takes each SCT that is embedded in a certificate, verifies the log's signature
over it, asks the log for a proof that the entry is in its tree, and verifies
that against the log's signed tree head.

The issuer's certificate is needed: it stands behind the certificate in the same
file, or is one of a known CA. With --log only those logs are asked; the
signatures of all are verified.

Inclusion is one of: included; pending: the log still has time to add it (its
maximum merge delay); absent: the log's signed tree has something else at that
place; denied: the log says it has no such entry, though its time is over;
unknown: it could not be asked or believed.

` + ctLogHelp + "\n\n" + ctExitHelp,
		Example: `  certassay ct prove chain.pem
  certassay ct prove chain.pem -f json --log https://log.example/=key.pem`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check("text", "json"); err != nil {
				return usage(err)
			}
			p := &prover{flags: &f, sources: map[[32]byte]*proofSource{}}
			if err := p.load(); err != nil {
				return usage(err)
			}
			return c.prove(cmd.Context(), p, args)
		},
	}
	f.bind(cmd.Flags(), "text, json")
	return cmd
}

// A prover holds what SCTs are proven with.
type prover struct {
	flags   *ctFlags
	known   *ct.LogList
	chosen  []*ctChoice
	trust   *trust.Store
	sources map[[32]byte]*proofSource
	now     time.Time
}

// A proofSource is a log that was asked, with its head or why there is none.
type proofSource struct {
	log    *ct.Log
	source ctlog.Source
	head   *ct.TreeHead
	err    error
}

func (p *prover) load() error {
	var err error
	if p.known, err = readLogList(p.flags.logList); err != nil {
		return err
	}
	if p.chosen, err = p.flags.choose(p.known, func(*ct.Log) bool { return true }); err != nil {
		return err
	}
	p.now = audit.Now()
	p.trust, err = trust.New(nil, localRoots())
	return err
}

// A provenCert is the answer for one certificate.
type provenCert struct {
	Path        string       `json:"path"`
	Certificate string       `json:"certificate,omitempty"`
	SCTs        []*provenSCT `json:"scts"`
	Error       string       `json:"error,omitempty"`
}

// A provenSCT is the answer for one SCT.
type provenSCT struct {
	Log  string    `json:"log"`
	ID   string    `json:"id,omitempty"`
	Time time.Time `json:"time,omitzero"`
	// Signature is ok, bad-signature, malformed or unknown.
	Signature string `json:"signature"`
	// Inclusion is included, pending, absent, denied or unknown; empty where the
	// signature is not ok, for then there is nothing to ask for.
	Inclusion string    `json:"inclusion,omitempty"`
	Index     *uint64   `json:"index,omitempty"`
	LeafHash  string    `json:"leaf_hash,omitempty"`
	Head      *headLine `json:"head,omitempty"`
	Reason    string    `json:"reason,omitempty"`
}

func (c *command) prove(ctx context.Context, p *prover, paths []string) error {
	certs := []*provenCert{}
	emit := func(s *evidence.Subject) { certs = append(certs, p.subject(ctx, s)) }
	for _, path := range paths {
		if err := localfile.Read(ctx, path, localfile.Options{Emit: emit, Stdin: c.streams.In}); err != nil && ctx.Err() == nil {
			return failed(err)
		}
	}
	code := exitOK
	for _, r := range certs {
		code = worse(code, r.code())
	}
	if err := c.writeProofs(p.flags.format, certs); err != nil {
		return failed(err)
	}
	return interruptedOr(ctx, code)
}

// worse ranks the exit codes of parts: findings win over incompleteness.
func worse(a, b int) int {
	for _, code := range []int{exitFindings, exitIncomplete} {
		if a == code || b == code {
			return code
		}
	}
	return exitOK
}

func (r *provenCert) code() int {
	code := exitOK
	if r.Error != "" || len(r.SCTs) == 0 {
		code = exitIncomplete
	}
	for _, s := range r.SCTs {
		switch {
		case s.Signature == sct.BadSignature, s.Signature == sct.Malformed, s.Inclusion == "absent", s.Inclusion == "denied":
			code = worse(code, exitFindings)
		case s.Inclusion != "included":
			code = worse(code, exitIncomplete)
		}
	}
	return code
}

func (p *prover) subject(ctx context.Context, s *evidence.Subject) *provenCert {
	out := &provenCert{Path: s.Target, SCTs: []*provenSCT{}}
	if !s.Collected() {
		out.Error = "there is no certificate"
		if len(s.Failures) > 0 {
			out.Error = s.Failures[0].Error
		}
		return out
	}
	leaf := cert.Parse(s.Certificates[0])
	out.Certificate = evidence.Hash(leaf.SHA256())
	var chain []*cert.Certificate
	for _, der := range s.Certificates[1:] {
		chain = append(chain, cert.Parse(der))
	}
	if leaf.Extension(cert.OIDSCTList) == nil {
		out.Error = "it embeds no SCT"
		return out
	}
	in := &sct.Input{
		Certificate: leaf, Chain: chain, Trust: p.trust, Logs: p.logs(), At: p.now, Reasons: map[string]string{},
		Signed: func(child, issuer *cert.Certificate) cert.Outcome {
			outcome, err := child.CheckSignature(&issuer.Key)
			_ = err // outcome says the same
			return outcome
		},
	}
	verdicts := sct.InCertificate(in)
	parts, err := ct.SplitList(leaf.SCTList().Value)
	if err != nil || len(parts) != len(verdicts) {
		out.SCTs = append(out.SCTs, &provenSCT{Signature: sct.Malformed, Reason: fmt.Sprint(err)})
		return out
	}
	for i, part := range parts {
		verdict := "unknown"
		if v := verdicts[i].Verdict; v != nil {
			verdict = *v
		}
		out.SCTs = append(out.SCTs, p.sct(ctx, in, part, verdict))
	}
	return out
}

// logs are all that are known, those of the user first.
func (p *prover) logs() *ct.LogList {
	var own []*ct.Log
	for _, ch := range p.chosen {
		if ch.own {
			own = append(own, ch.log)
		}
	}
	if len(own) == 0 {
		return p.known
	}
	return ct.Join(ct.NewList(own), p.known)
}

func (p *prover) sct(ctx context.Context, in *sct.Input, part []byte, verdict string) *provenSCT {
	s, err := ct.ParseSCT(part)
	if err != nil {
		return &provenSCT{Signature: sct.Malformed, Reason: err.Error()}
	}
	out := &provenSCT{Log: "unknown log", ID: hex.EncodeToString(s.LogID[:]), Time: s.Time, Signature: verdict}
	log := in.Logs.Log(s.LogID)
	if log == nil {
		out.Reason = "no list names this log; --log-list or --log URL=KEY adds it"
		return out
	}
	out.Log = log.Name
	if verdict != sct.OK {
		out.Reason = in.Reasons[sct.VerdictPath]
		return out
	}
	entry, ok := entryOf(in, &s, log)
	if !ok {
		out.Signature, out.Reason = "unknown", "the issuer was found and lost again"
		return out
	}
	p.include(ctx, out, &s, entry)
	return out
}

// entryOf is the log entry that the SCT is over.
func entryOf(in *sct.Input, s *ct.SCT, log *ct.Log) (ct.Entry, bool) {
	tbs, err := ct.CertificateTBS(in.Certificate)
	if err != nil {
		return ct.Entry{}, false
	}
	issuers := sct.Issuers(in.Certificate, in.Chain)
	for _, ca := range in.Trust.ByName(&in.Certificate.Issuer) {
		issuers = append(issuers, ca.Certificate)
	}
	for _, issuer := range issuers {
		if e, err := ct.PrecertEntry(issuer.SPKI, tbs); err == nil && log.Verify(s, e) == nil {
			return e, true
		}
	}
	return ct.Entry{}, false
}

// defaultMMD is the merge delay of a log of which no list says one; it is the
// longest that browsers allow.
const defaultMMD = 24 * time.Hour

// include asks the log for the entry and verifies what it shows.
func (p *prover) include(ctx context.Context, out *provenSCT, s *ct.SCT, entry ct.Entry) {
	out.Inclusion = "unknown"
	src := p.source(ctx, s.LogID)
	if src.err != nil {
		out.Reason = src.err.Error()
		return
	}
	out.Head = newHeadLine(src.head, p.now)
	leaf := ct.LeafHash(ct.LeafOf(s, entry))
	out.LeafHash = hex.EncodeToString(leaf[:])
	var at *uint64
	if index, present, valid := s.LeafIndex(); present && valid {
		at = &index
	}
	if src.source.Protocol() == "static-ct" && at == nil {
		out.Reason = "the SCT of a tiled log does not say where the entry is"
		return
	}
	index, err := src.source.Locate(ctx, src.head, leaf, at)
	mmd := src.log.MMD
	if mmd == 0 {
		mmd = defaultMMD
	}
	switch {
	case err == nil:
		out.Inclusion, out.Index = "included", &index
		return
	case errors.Is(err, ctlog.ErrEntry):
		out.Inclusion = "absent"
	case errors.Is(err, ctlog.ErrNotFound) && src.head.Time.Before(s.Time.Add(mmd)):
		out.Inclusion = "pending"
	case errors.Is(err, ctlog.ErrNotFound):
		out.Inclusion = "denied"
	}
	out.Reason = err.Error()
}

// source opens a log and fetches its head, once for all SCTs.
func (p *prover) source(ctx context.Context, id [32]byte) *proofSource {
	if s := p.sources[id]; s != nil {
		return s
	}
	out := &proofSource{err: errors.New("not asked: --log names others")}
	p.sources[id] = out
	for _, ch := range p.chosen {
		if ch.log.ID != id {
			continue
		}
		if out.source, out.err = ch.open(ctx, p.flags); out.err == nil {
			out.head, out.err = out.source.Head(ctx)
		}
		out.log = ch.log
		break
	}
	return out
}

func (c *command) writeProofs(format string, certs []*provenCert) error {
	if format == "json" {
		return c.writeJSON(map[string]any{"schema": "certassay/ct-prove/v1", "certificates": certs})
	}
	w := c.streams.Out
	for _, r := range certs {
		fmt.Fprintf(w, "%s  %s\n", report.Escape(r.Path), r.Certificate)
		if r.Error != "" {
			fmt.Fprintf(w, "  error: %s\n", report.Escape(r.Error))
		}
		for _, s := range r.SCTs {
			fmt.Fprintf(w, "  %s  %s\n    signature %s", report.Escape(s.Log), s.Time.Format(time.RFC3339), s.Signature)
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
		}
	}
	_, err := fmt.Fprint(w)
	return err
}
