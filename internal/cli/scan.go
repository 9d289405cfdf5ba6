package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/servers"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/target"
)

func (c *command) newScan() *cobra.Command {
	cmd := &cobra.Command{
		Use: "scan TARGET...", Short: "Audit live servers",
		Long: `Connects to each target, keeps every certificate it serves, and judges it.
Nobody but the targets is contacted, and a name server for their names, unless
--online says whom: aia fetches issuers that a server left out, ocsp and crl ask
whether a certificate is revoked, ct asks the logs. A stapled OCSP response is
always checked.

With --online ct each SCT is looked up in its log, and the proof that the log's
signed tree has the certificate is verified. A log that denies what it promised is
judged, too. A log that cannot be asked leaves the question open, and the run
incomplete.

With --online dns the records that say who may issue for a name (CAA) and which
certificates its server may show (TLSA) are looked up and compared. Only what a
validating resolver on this machine vouches for weighs much: run one, such as
Unbound, and name it with --resolver 127.0.0.1. A lookup that fails makes the run
incomplete; it is never taken for "no record". Where --follow mx led to a mail
server, or --mail-domain says whose it is, the policy of that domain (MTA-STS) is
fetched over TLS, too, and believed where a root that the run trusts vouches for its
server.

A target is a host, host:port, [v6]:port, a URL such as https://example.org or
smtp://mail.example.org, or a range of addresses such as 192.0.2.0/28. Without a
port it is that of the scheme, or 443.

A server that leaves out the issuer of its leaf is judged when all others were seen, and
those behind it in the list wait with it, 512 at most: what others show completes its
chain, and the report says which one did. It vouches for nothing.

To see whether somebody stands on the path, look from several sides: --all-addresses,
several --via (direct is one, too), and --every-hello, which asks each address with
other ClientHellos. Answers are compared by who vouches for their keys.

--via ssh://HOST looks from a machine that you reach by SSH, without anything to
install there. Your own ssh logs in, once: HOST is what you give it, alias or name,
and ssh_config (ProxyJump, IdentityFile, ControlMaster), agent and known hosts hold.
It asks nothing: where "ssh -o BatchMode=yes HOST true" does not log in, this does
not either. A server whose key the known hosts do not have is refused, whatever
ssh_config says. It ends with the run. (Not on Windows.)

--probe-path asks each address four times more: without a name, for the same name
again, and for two names that were invented for this connection, such as
certassay-0123456789ab.example.org and certassay-0123456789ab.invalid. Genuine
servers answer with a certificate they have, or refuse; an interceptor makes one.
The invented names appear in the server's logs, so ask its owner first. A proxy
(--via) is besides asked to connect to such names, and by name where it was asked by
address: an honest one finds them nowhere, some interceptors answer all the same.

On Linux, and without a proxy, --probe-path counts besides how many routers away the
port answers, and two more of the address: 80, and 1, where nobody listens, or those
of --compare-port. It takes at most eleven connections to each, on which nothing is
said, and shows who takes one port to himself on the path. Load balancers do so, too:
it supports other findings, and is none by itself where a root vouches for the chain.

` + exit.Help,
		Example: `  certassay scan example.org
  certassay scan example.org:8443 https://198.51.100.7 --roots corp-root.pem
  certassay scan -l hosts.txt -f jsonl --evidence run.evidence > report.jsonl
  certassay scan example.org --online dns --resolver 127.0.0.1
  certassay scan example.org --online ct,ocsp --evidence run.evidence
  certassay scan smtp://example.org --follow mx --online dns
  certassay scan smtp://mx1.example.org --mail-domain example.org --online dns
  certassay scan example.org --via socks5://127.0.0.1:9050 --via http://proxy:3128
  certassay scan example.org --via direct --via ssh://bastion`,
	}
	flags := config.Bind(cmd.Flags(), config.Which{Network: true, Logs: true}, report.Formats())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := flags.Config(c.Env)
		if err != nil {
			return exit.Usage(err)
		}
		return c.scan(cmd.Context(), cfg, args)
	}
	return cmd
}

func (c *command) scan(ctx context.Context, cfg *config.Config, args []string) error {
	if len(args) == 0 && len(cfg.Lists) == 0 {
		return exit.Usage(hint.With(errors.New("no target was given"), "give a host, such as: certassay scan example.org, or a list with -l FILE"))
	}
	set, err := servers.Targets(c.Call, cfg, args)
	if err != nil {
		return exit.Usage(err)
	}
	started := audit.Now()
	run := evidence.Run{Command: "scan", Started: started, At: started, Contacted: []string{}}
	o, err := c.ownerOf(cfg, judgedAt(cfg, run), nil)
	if err != nil {
		return err
	}
	return c.dial(ctx, cfg, run, set, o)
}

// judgedAt is the time of judgement of a run.
func judgedAt(cfg *config.Config, run evidence.Run) time.Time {
	if cfg.At.IsZero() {
		return run.At
	}
	return cfg.At
}

// dial audits a set of targets. o may be nil.
func (c *command) dial(ctx context.Context, cfg *config.Config, run evidence.Run, set *target.Set, o *owner) error {
	targets, err := set.Targets()
	if err != nil {
		// An empty list must never look like a clean one.
		return exit.With(exit.Incomplete, hint.With(err, "the list holds no target: nothing was checked"))
	}
	limits := servers.Limits(cfg)
	dialers, vantage, err := servers.Dialers(c.Call, cfg, limits)
	if err != nil {
		return exit.Usage(err)
	}
	run.Vantage = vantage
	progress := c.newProgress(cfg, set.Len()*len(dialers))
	c.Around = progress.Around
	s, err := c.newSession(ctx, cfg, run, set.Len()*len(dialers), o)
	if err != nil {
		return err
	}
	err = s.auditor.Scan(ctx, targets, servers.OfMail(servers.Named(dialers, cfg.Name, cfg.SNI), cfg.MailDomain), limits, func(e *evidence.Subject, j audit.Judged) error {
		err := s.take(e, j)
		progress.Done(j.Subject)
		return err
	})
	progress.Finish()
	if err == nil {
		err = s.judgePromises(ctx)
	}
	if err == nil {
		err = c.reconcileNow(ctx, s)
	}
	if err == nil {
		err = s.conclude()
	}
	return s.finish(cause(ctx, err), audit.Now())
}

// cause tells an interrupt from a failure.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return exit.ErrInterrupted
	}
	return err
}
