package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/bundle"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/probe/sct"
	"github.com/certassay/certassay/internal/trust"
)

const proveExitHelp = `Exit codes:
  0    every SCT is genuine and was kept; nothing at the bar
  1    a certificate or a log has findings at or above --fail-on
  2    wrong command line; nothing was contacted
  3    nothing at the bar, but something is not included yet, or could not be
       asked, verified or judged
  4    the run failed
  130  interrupted`

func (c *command) ctProve() *cobra.Command {
	var f logs.Flags
	cmd := &cobra.Command{
		Use: "prove PATH...", Short: "Prove that the SCTs of a certificate are genuine and were kept", Args: cobra.ArbitraryArgs,
		Long: `Takes each SCT that is embedded in a certificate, verifies the log's signature
over it, asks the log for a proof that the entry is in its tree, and verifies
that against the log's signed tree head. Then it judges the certificate as "check"
does, and the log by what became of its promise.

The issuer's certificate is needed: it stands behind the certificate in the same
file, or is one of a known CA. PATH is whatever "check" reads, also the evidence
that a run saved. With --log only those logs are asked; the signatures of all are
verified.

Inclusion is one of: included; pending: the log still has time to add it (its
maximum merge delay); absent: the log's signed tree has something else at that
place, and so will never have it; denied: the log says it has no such entry,
though its time is over; unknown: it could not be asked or believed.

An SCT that the log signed and did not keep is log-promise-broken, a finding
against the log: at once where it is absent, and a day after the merge delay where
it is denied, for a log's front ends may lag.

` + logs.Help + "\n\n" + proveExitHelp,
		Example: `  certassay ct prove chain.pem
  certassay ct prove chain.pem -f json --log https://log.example/=key.pem
  certassay ct prove chain.pem --report sarif=prove.sarif --evidence prove.evidence`,
	}
	flags := bindJudged(&f, cmd.Flags(), "read paths from `FILE`, one a line, - for standard input (repeatable)")
	cmd.Flags().Lookup("name").Hidden = true
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := flags.Config(c.Env)
		if err != nil {
			return exit.Usage(err)
		}
		return c.prove(cmd.Context(), &f, cfg, args)
	}
	return cmd
}

// A prover holds what SCTs are proven with.
type prover struct {
	flags   *logs.Flags
	known   *ct.LogList // those of the user first
	chosen  []*logs.Choice
	trust   *trust.Store
	sources map[[32]byte]*proofSource
	now     time.Time
}

// newProver reads what logs are known and chosen.
func newProver(f *logs.Flags) (*prover, error) {
	p := &prover{flags: f, sources: map[[32]byte]*proofSource{}, now: audit.Now()}
	var err error
	if p.known, err = f.Known(); err != nil {
		return nil, err
	}
	if p.chosen, err = f.Choose(p.known, func(*ct.Log) bool { return true }); err != nil {
		return nil, err
	}
	if own := p.own(); len(own) > 0 {
		p.known = ct.Join(ct.NewList(own), p.known)
	}
	return p, nil
}

// own are the logs that the user named and no list has. Their protocol is not
// known until they are asked, so that none of them is to state a leaf index.
func (p *prover) own() (own []*ct.Log) {
	for _, ch := range p.chosen {
		if ch.Own && p.known.Log(ch.Log.ID) == nil {
			own = append(own, ct.NewLog(ch.Log.Name, ch.Log.Key, false, ch.Address, ""))
		}
	}
	return own
}

// A proofSource is a log that was asked, with its head or why there is none.
type proofSource struct {
	log    *ct.Log
	source ctlog.Source
	head   *ct.TreeHead
	err    error
}

// A provenCert is the answer for one certificate.
type provenCert struct {
	Path        string       `json:"path"`
	Certificate string       `json:"certificate,omitempty"`
	SCTs        []*provenSCT `json:"scts"`
	Error       string       `json:"error,omitempty"`
	judgedLine
	subject *evidence.Subject
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
	// What follows is of the log, and of this promise of it.
	judgedLine
	subject *evidence.Subject // nil where the log was not asked
}

// prove checks everything before anybody is contacted.
func (c *command) prove(ctx context.Context, f *logs.Flags, cfg *config.Config, paths []string) error {
	listed, err := c.listedPaths(cfg.Lists)
	if err != nil {
		return exit.Usage(err)
	}
	if paths = append(paths, listed...); len(paths) == 0 {
		return exit.Usage(hint.With(errors.New("no path was given"), "such as: certassay ct prove chain.pem"))
	}
	if err := takeJudged(f, c, cfg); err != nil {
		return exit.Usage(err)
	}
	p, err := newProver(f)
	if err != nil {
		return exit.Usage(err)
	}
	r, err := c.newJudgedRun(ctx, f, cfg, evidence.Run{Command: "ct prove", Started: p.now, At: p.now})
	if err != nil {
		return err
	}
	p.trust = r.session.trust
	return r.prove(ctx, p, paths)
}

// prove asks the logs, judges what they showed, and writes it. What was found is
// judged and written also where the run is cut short.
func (r *judgedRun) prove(ctx context.Context, p *prover, paths []string) error {
	certs := []*provenCert{}
	emit := func(s *evidence.Subject) { certs = append(certs, p.subject(ctx, s)) }
	options := localfile.Options{
		Emit: emit, Beside: emit, Stdin: r.Streams.In, Divert: bundle.Divert(emit), Stores: localfile.Stores{Passwords: r.session.passwords}, Warn: r.session.warnRead,
	}
	var cause error
	for _, path := range paths {
		if cause == nil && ctx.Err() == nil {
			cause = localfile.Read(ctx, path, options)
		}
	}
	if ctx.Err() != nil {
		cause = exit.ErrInterrupted
	}
	lines := &judgedLines{}
	for _, c := range certs {
		lines.add(c.subject, &c.judgedLine)
		for _, s := range c.SCTs {
			if s.subject != nil {
				lines.add(s.subject, &s.judgedLine)
			}
		}
		r.session.incomplete = r.session.incomplete || !c.proven()
	}
	r.session.incomplete = r.session.incomplete || len(certs) == 0
	err := lines.judge(context.WithoutCancel(ctx), r.session)
	if err == nil {
		err = r.writeOwn(func(w io.Writer) error { return writeProofs(w, r.format, certs, r.cfg) })
	}
	return r.session.finish(errors.Join(cause, err), audit.Now())
}

// proven says that each SCT is genuine and was kept.
func (c *provenCert) proven() bool {
	return c.Error == "" && len(c.SCTs) > 0 && !slices.ContainsFunc(c.SCTs, func(s *provenSCT) bool { return s.Inclusion != "included" })
}

func (p *prover) subject(ctx context.Context, s *evidence.Subject) *provenCert {
	out := &provenCert{Path: s.Target, SCTs: []*provenSCT{}, subject: s}
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
		Certificate: leaf, Chain: chain, Trust: p.trust, Logs: p.known, At: p.now, Reasons: map[string]string{},
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

func (p *prover) sct(ctx context.Context, in *sct.Input, part []byte, verdict string) *provenSCT {
	s, err := ct.ParseSCT(part)
	if err != nil {
		return &provenSCT{Log: "unknown log", Signature: sct.Malformed, Reason: err.Error()}
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
		out.Reason = oneLine(src.err)
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
	if ctx.Err() == nil {
		out.subject = ctlog.PromiseSubject(src.log, src.head, s, ct.LeafOf(s, entry), err, p.now)
	}
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
		if p.now.After(s.Time.Add(mmd + defaultMMD)) {
			// The log's time is over, and it shows a tree of before.
			out.Inclusion, err = "unknown", fmt.Errorf("the newest tree head is of %s, and need not have it", src.head.Time.UTC().Format(time.RFC3339))
		}
	case errors.Is(err, ctlog.ErrNotFound):
		out.Inclusion = "denied"
	}
	out.Reason = oneLine(err)
}

// source opens a log and fetches its head, once for all SCTs.
func (p *prover) source(ctx context.Context, id [32]byte) *proofSource {
	if s := p.sources[id]; s != nil {
		return s
	}
	out := &proofSource{err: errors.New("not asked: --log names others")}
	p.sources[id] = out
	for _, ch := range p.chosen {
		if ch.Log.ID != id {
			continue
		}
		if out.source, out.err = ch.Open(ctx, p.flags); out.err == nil {
			out.head, out.err = out.source.Head(ctx)
		}
		out.log = ch.Log
		break
	}
	return out
}
