package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/bundle"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/report"
)

func (c *command) newCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check PATH...", Short: "Audit certificates, chains and evidence from files",
		Long: `Judges certificates from files. Nobody is contacted unless --online says whom:
aia fetches issuers that are missing, ocsp and crl ask whether a certificate is
revoked, dns looks up CAA, ct whether the logs have what they promised. Only
public addresses are followed, without --allow-private-urls.

A path is a file in PEM, DER or PKCS #7, a directory of such files, or - for
standard input. One file is one chain, the leaf first, as servers read it; a
further certificate of a server in it is judged besides, by itself. What
keeps several things apart gives one subject for each: key stores (JKS, JCEKS,
PKCS #12; passwords by --store-password-file) and Kubernetes Secrets and
ConfigMaps in YAML or JSON. Private keys are passed over unread.

A packet capture (pcap, pcapng) gives one subject for each server, name and
chain that it shows, on any port, also after STARTTLS, judged as of its first
packet unless --at says otherwise. TLS 1.3 hides certificates: such connections
are counted and make the run incomplete. The same goes for logs of Zeek
(x509.log, and ssl.log with x509.log beside it) and Suricata (EVE JSON) where
they hold certificates; the run says it where they hold none.

An evidence bundle that a scan wrote is judged again, and gives the same report
with the same rules, roots and --at.

` + exit.Help,
		Example: `  certassay check chain.pem --name example.org
  certassay check /etc/nginx/certs -f json | jq .summary
  openssl s_client -connect host:443 -showcerts </dev/null | certassay check - --name host
  certassay check truststore.jks --store-password-file password.txt
  certassay check incident.pcap -v
  certassay check leaf.pem --online aia,ocsp,crl
  certassay check run.evidence`,
		Args: cobra.ArbitraryArgs,
	}
	flags := config.Bind(cmd.Flags(), config.Which{Logs: true}, report.Formats())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := flags.Config(c.Env)
		if err != nil {
			return exit.Usage(err)
		}
		c.tellUnused(cfg)
		listed, err := c.listedPaths(cfg.Lists)
		if err != nil {
			return exit.Usage(err)
		}
		if args = append(args, listed...); len(args) == 0 {
			return exit.Usage(hint.With(errors.New("no file was given"), "give a file, a directory, or - for standard input"))
		}
		if err := spared(args, cfg.Outputs); err != nil {
			return exit.Usage(err)
		}
		return c.check(cmd.Context(), cfg, args)
	}
	return cmd
}

// spared refuses to write a report over a file that is to be judged: it may be the
// only copy of what an incident left.
func spared(paths []string, outputs []config.Output) error {
	var errs []error
	for _, o := range outputs {
		out, err := os.Stat(o.Path)
		if err != nil || !out.Mode().IsRegular() || o.Path == localfile.Stdin {
			continue
		}
		for _, path := range paths {
			if in, err := os.Stat(path); err == nil && os.SameFile(in, out) {
				errs = append(errs, fmt.Errorf("the %s report would overwrite %s, which is to be checked", o.Format, path))
			}
		}
	}
	return errors.Join(errs...)
}

func (c *command) check(ctx context.Context, cfg *config.Config, paths []string) error {
	in := bufio.NewReaderSize(c.Streams.In, takenPrefix)
	if len(paths) == 1 {
		b, err := bundle.Open(paths[0], in)
		if err != nil {
			return exit.Failed(err)
		}
		if b != nil {
			// The list that the audit was given may be piped in again.
			stdin := c.Streams.In
			if paths[0] == localfile.Stdin {
				stdin = nil
			}
			return errors.Join(c.replay(ctx, cfg, b, stdin), b.Close())
		}
	}
	started := audit.Now()
	run := evidence.Run{Command: "check", Started: started, At: started, Vantage: "none", Contacted: []string{}}
	if len(paths) == 1 {
		run.At = taken(paths[0], in, started)
	}
	o, err := c.ownerOf(cfg, judgedAt(cfg, run), nil)
	if err != nil {
		return err
	}
	s, err := c.newSession(ctx, cfg, run, len(paths), o)
	if err != nil {
		return err
	}
	c.meet(ctx, s, paths)
	var readErr error
	err = s.auditor.Check(ctx, c.files(ctx, s, paths, in, &readErr), s.take)
	if err == nil {
		err = s.judgePromises(ctx)
	}
	if err == nil {
		err = s.conclude()
	}
	return s.finish(cause(ctx, errors.Join(err, readErr)), audit.Now())
}

// meet reads all files once before they are judged, for the CA certificates with
// which chains from other files can be completed: so the report does not depend on
// the order of the files. What cannot be read is told when it is judged. Standard
// input is read once alone; bundles and recordings stay as they were taken.
func (c *command) meet(ctx context.Context, s *session, paths []string) {
	pass := func(_ string, r *bufio.Reader) (bool, error) {
		head, _ := r.Peek(takenPrefix)
		return evidence.IsBundle(head) || !localfile.Taken(head).IsZero(), nil
	}
	opts := localfile.Options{Emit: s.met.Add, Divert: pass, Stores: localfile.Stores{Passwords: s.passwords}}
	for _, path := range paths {
		// A pipe can be read once, which is when it is judged.
		if info, err := os.Stat(path); err == nil && path != localfile.Stdin && (info.Mode().IsRegular() || info.IsDir()) {
			_ = localfile.Read(ctx, path, opts)
		}
	}
	if s.met.Full {
		s.warn("the files hold more CA certificates than are remembered: chains may stay incomplete", "check them in smaller parts, or name the intermediates with --known")
	}
}

// takenPrefix is how much of a file tells when its evidence was taken.
const takenPrefix = 64 << 10

// taken is when the evidence of a file was taken, where the file says so; else
// now. A capture is judged as on the day it was made, like a bundle.
func taken(path string, stdin *bufio.Reader, now time.Time) time.Time {
	var head []byte
	if path == localfile.Stdin {
		head, _ = stdin.Peek(takenPrefix)
	} else if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		if f, err := os.Open(path); err == nil {
			head, _ = io.ReadAll(io.LimitReader(f, takenPrefix))
			f.Close()
		}
	}
	if at := localfile.Taken(head); !at.IsZero() {
		return at
	}
	return now
}

// age warns, once, of evidence that is judged at another time than it was taken.
func (s *session) age(e *evidence.Subject) {
	if s.aged || !s.cfg.At.IsZero() || e.Seen.IsZero() || s.run.At.Sub(e.Seen).Abs() < 24*time.Hour {
		return
	}
	s.aged = true
	s.warn(fmt.Sprintf("%s was recorded at %s and is judged as of %s", e.Target, e.Seen.UTC().Format(time.DateOnly), s.run.At.UTC().Format(time.DateOnly)),
		"pass --at, or check one recording at a time")
}

// maxPaths bounds a list of paths: one named by mistake could be any file.
const maxPaths = 1 << 20

// listedPaths reads paths from lists, one a line; blank lines and those that
// begin with # are passed over.
func (c *command) listedPaths(lists []string) ([]string, error) {
	var paths []string
	for _, name := range lists {
		in := c.Streams.In
		if name != localfile.Stdin {
			f, err := os.Open(name)
			if err != nil {
				return nil, fmt.Errorf("reading paths: %w", err)
			}
			defer f.Close()
			in = f
		}
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			line := strings.TrimSpace(lines.Text())
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if paths = append(paths, line); len(paths) > maxPaths {
				return nil, fmt.Errorf("reading paths: %s: more than %d", name, maxPaths)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("reading paths: %s: %w", name, err)
		}
	}
	return paths, nil
}

// files yields the subjects of all paths.
func (c *command) files(ctx context.Context, run *session, paths []string, stdin io.Reader, failure *error) iter.Seq[*evidence.Subject] {
	return func(yield func(*evidence.Subject) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		stopped := false
		beside := func(s *evidence.Subject) {
			run.age(s)
			if !stopped && !yield(s) {
				stopped = true
				stop()
			}
		}
		emit := func(s *evidence.Subject) {
			if s.Name == "" {
				s.Name = run.cfg.Name
			}
			beside(s)
		}
		opts := localfile.Options{Emit: emit, Beside: beside, Stdin: stdin, Divert: bundle.Divert(emit),
			Stores: localfile.Stores{Passwords: run.passwords}, Warn: run.warnRead}
		if run.cfg.Verbose {
			opts.Note = func(path, text string) {
				fmt.Fprintf(c.Streams.Err, "certassay: note: %s: %s\n", report.Escape(path), report.Escape(text))
			}
		}
		for _, path := range paths {
			if err := localfile.Read(ctx, path, opts); err != nil {
				if !stopped {
					*failure = err
				}
				return
			}
		}
	}
}

// replay judges a bundle as its run did: with its command, times and vantage.
func (c *command) replay(ctx context.Context, cfg *config.Config, b *bundle.File, stdin io.Reader) error {
	if cfg.Asks() != 0 {
		return exit.Usage(hint.With(fmt.Errorf("--online %s: a bundle is judged by the answers that it holds", cfg.Asks()),
			"leave it out, or pass the certificates themselves"))
	}
	run := b.Reader.Run()
	run.Contacted = []string{}
	o, err := c.ownerOf(cfg, judgedAt(cfg, run), stdin)
	if err != nil {
		return err
	}
	if o != nil && run.Command == "audit" {
		o.reconciled = newReconciliation(o.Inventory, o.Entries(), true)
	}
	s, err := c.newSession(ctx, cfg, run, b.Reader.Len(), o)
	if err != nil {
		return err
	}
	var readErr error
	var logged []*evidence.Subject
	subjects := func(yield func(*evidence.Subject) bool) {
		for e, err := range b.Reader.Subjects() {
			if err != nil {
				readErr = err
				return
			}
			if s.loggedLater(e) {
				logged = append(logged, e)
				continue
			}
			if !yield(e) {
				return
			}
		}
	}
	err = s.auditor.Check(ctx, subjects, s.take)
	if err == nil && len(logged) > 0 {
		err = s.reconcile(ctx, logged)
	}
	if err == nil {
		err = s.conclude()
	}
	s.incomplete = s.incomplete || !run.Complete
	return s.finish(cause(ctx, errors.Join(err, readErr)), run.Finished)
}
