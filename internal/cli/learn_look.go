package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/inventories"
	"github.com/certassay/certassay/internal/cli/servers"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect/pinform"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/target"
)

// A student is one target and what is to be written of it.
type student struct {
	target target.Target
	raw    string // as a person wrote it
	// refused says why nothing is learnt; reasons are its particulars. code is
	// what the program then ends with.
	refused string
	reasons []string
	code    int
	// what is learnt
	certs    []*cert.Certificate // that are pinned
	pins     []pinform.Pin
	anchor   string
	verdict  finding.Verdict
	seen     string // day
	from     []string
	imported bool
	// both and subdomains are what the imported file says of its pins: that a leaf
	// and an issuer have to match, and that hosts below are meant.
	both, subdomains bool
	// nameless says that nobody said whose pins these are: they can be
	// converted, and not written into an inventory.
	nameless bool
}

func (s *student) refuse(code int, why string, reasons ...string) {
	if s.code == 0 || code == exit.Findings {
		s.refused, s.code, s.reasons = why, code, reasons
	}
}

// visit looks at the targets and judges them.
func (c *command) visit(ctx context.Context, cfg *config.Config, l *lesson, run evidence.Run, set *target.Set) ([]*student, error) {
	targets, err := set.Targets()
	if err != nil {
		return nil, exit.With(exit.Incomplete, hint.With(err, "the list holds no target: nothing was looked at"))
	}
	if l.inv != nil {
		// The server that an audit asks, and not whom the name leads to here.
		cfg.Resolve = append(cfg.Resolve, inventories.Addresses(l.inv.Entries(), cfg.Resolve)...)
	}
	limits := servers.Limits(cfg)
	dialers, vantage, err := servers.Dialers(c.Call, cfg, limits)
	if err != nil {
		return nil, exit.Usage(err)
	}
	run.Vantage = vantage
	var o *owner
	if l.inv != nil {
		o = newOwner(l.inv, l.path)
		o.unpinned = l.replace
		if i := slices.IndexFunc(l.inv.Groups, func(g *inventory.Group) bool { return g.Name == l.group }); i >= 0 {
			o.group = l.inv.Groups[i]
		}
	}
	progress := c.newProgress(cfg, set.Len()*len(dialers))
	c.Around = progress.Around
	s, err := c.newSession(ctx, cfg, run, set.Len()*len(dialers), o)
	if err != nil {
		return nil, err
	}
	var students []*student
	byID := map[string]*student{}
	for t := range targets {
		st := &student{target: t, raw: t.String()}
		if spec, err := target.Parse(t.Raw, target.Defaults{Port: cfg.Port}); err == nil && !spec.Prefix().IsValid() {
			st.raw = t.Raw
			if cfg.Port != 0 {
				st.raw = t.String()
			}
		}
		byID[t.ID()] = st
		students = append(students, st)
	}
	err = s.auditor.Scan(ctx, targets, servers.Named(dialers, cfg.Name, cfg.SNI), limits, func(e *evidence.Subject, j audit.Judged) error {
		if st := byID[targetOf(e.ID)]; st != nil {
			l.look(st, e, j)
		}
		err := s.take(e, j)
		progress.Done(j.Subject)
		return err
	})
	progress.Finish()
	if err == nil {
		err = l.compare(s, students)
	}
	if err := s.finish(cause(ctx, err), audit.Now()); err != nil {
		var e *exit.Error
		if errors.As(err, &e) && (e.Code == exit.Interrupted || e.Code == exit.Failure) {
			return nil, err
		}
	}
	return students, nil
}

// targetOf is the target that a subject of this id was asked for.
func targetOf(id string) string {
	scheme, rest, _ := strings.Cut(id, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest
}

// compare refuses everything where the certificates of the run speak against each
// other.
func (l *lesson) compare(s *session, students []*student) error {
	j, ok := s.auditor.Conclude(s.comparing)
	if !ok {
		return nil
	}
	if v := j.Subject.Verdict; v == finding.Forged || v == finding.Suspicious {
		for _, st := range students {
			st.refuse(exit.Findings, "the certificates of this run speak against each other", findings(j.Subject.Findings)...)
		}
	}
	return s.write(&evidence.Subject{Kind: evidence.Corpus}, j)
}

// look takes what there is to learn from one subject of a target: each address and
// vantage is one.
func (l *lesson) look(st *student, e *evidence.Subject, j audit.Judged) {
	v := j.Subject.Verdict
	st.verdict, st.anchor = v, j.Subject.Anchor
	switch {
	case v == finding.Forged || v == finding.Suspicious:
		st.refuse(exit.Findings, string(v), findings(j.Subject.Findings)...)
		if !l.replace && onlyPins(j.Subject.Findings) {
			st.reasons = append(st.reasons, "if you know that it was changed, and by whom: --replace")
		}
		return
	case len(e.Certificates) == 0:
		st.refuse(exit.Incomplete, "nothing was served", failures(e)...)
		return
	case v != finding.OK && !l.undecided:
		st.refuse(exit.Incomplete, string(v)+"; to learn all the same: --inconclusive", gaps(j.Subject.Inconclusive)...)
		return
	}
	st.seen = e.Seen.UTC().Format("2006-01-02")
	if e.Address != "" && !slices.Contains(st.from, e.Address) {
		st.from = append(st.from, e.Address)
	}
	if l.pin == pinNone {
		return
	}
	certificate := cert.Parse(e.Certificates[0])
	if l.pin == pinIssuer {
		if certificate = issuerOf(j); certificate == nil {
			st.refuse(exit.Incomplete, "no path leads from the leaf to a root, so that there is no issuer to pin")
			return
		}
	}
	if certificate.SPKI == nil {
		st.refuse(exit.Incomplete, "the key cannot be read")
		return
	}
	// In every report, not only on the terminal of who learns.
	j.Subject.Notes = append(j.Subject.Notes, fmt.Sprintf("learn takes the key of %s from here. That is trust on first use: nobody but this connection says that it is the right one.", certificate.Subject.String()))
	if !slices.ContainsFunc(st.certs, func(c *cert.Certificate) bool { return c.SHA256() == certificate.SHA256() }) {
		st.certs = append(st.certs, certificate)
	}
}

// issuerOf is the CA right above the leaf on the best path to a root.
func issuerOf(j audit.Judged) *cert.Certificate {
	for _, p := range j.Subject.Paths {
		if p.FailedAt != nil || len(p.Certificates) < 2 || p.Anchor != "public" && p.Anchor != "inventory" {
			continue
		}
		for _, c := range j.Certificates {
			if c.Hash == p.Certificates[1] {
				return parsePEM(c.PEM)
			}
		}
	}
	return nil
}

func findings(in []finding.Finding) (out []string) {
	for _, f := range in {
		if f.Waiver == nil && f.Class.Accuses() || f.Class == finding.CompromisedKey {
			out = append(out, fmt.Sprintf("%s: %s: %s", f.Rule, f.Title, f.Message))
		}
	}
	return out
}

// onlyPins says that a target is accused of nothing but not being what was pinned.
func onlyPins(in []finding.Finding) bool {
	return !slices.ContainsFunc(in, func(f finding.Finding) bool {
		accuses := f.Waiver == nil && (f.Class.Accuses() || f.Class == finding.CompromisedKey)
		return accuses && f.Rule != "pin-key-mismatch" && f.Rule != "pin-issuer-unexpected"
	})
}

func gaps(in []finding.Gap) (out []string) {
	for _, g := range in {
		if g.Needed {
			out = append(out, fmt.Sprintf("%s: %s", g.Rule, g.Reason))
		}
	}
	return out
}

func failures(e *evidence.Subject) (out []string) {
	for _, f := range e.Failures {
		out = append(out, f.Stage+": "+f.Error)
	}
	return out
}
