package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/certassay/certassay/internal/cli/bundle"
	"github.com/certassay/certassay/internal/cli/fetched"
	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/servers"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/internal/waive"
)

// load reads rules, anchors, waivers and baseline. All problems are reported
// together.
func (s *session) load(ctx context.Context, c *command) error {
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	check(refuseOnline(s.cfg.Online))
	if s.cfg.Online.Has(config.OnlineDNS) {
		var err error
		s.resolver, err = servers.Resolver(s.cfg)
		check(err)
	}
	if s.cfg.Cache != "" && s.cfg.Asks()&(config.OnlineAIA|config.OnlineOCSP|config.OnlineCRL) != 0 {
		var err error
		s.cache, err = fetch.OpenCache(s.cfg.Cache, s.cfg.CacheOnly)
		check(err)
	}
	set, err := given.Rules(s.cfg.Rules)
	check(err)
	if err == nil {
		s.rules, err = set.Select(s.cfg.Only, s.cfg.Skip)
		check(err)
		if err == nil {
			s.leftOut = leftOut(set, s.rules)
		}
	}
	s.passwords, err = given.Passwords(s.cfg.StorePasswords)
	check(err)
	sets, err := given.Roots(ctx, s.cfg.Roots, c.Streams.In, s.passwords)
	check(err)
	if s.owner != nil {
		more, moreErr := s.owner.readTrust(ctx, s.cfg, s.passwords)
		check(moreErr)
		sets, err = append(sets, more...), errors.Join(err, moreErr)
	}
	if err == nil {
		s.trust, err = s.openTrust(ctx, c, sets)
		check(err)
	}
	if s.trust != nil {
		if s.owner != nil {
			s.owner.trust = s.trust
		}
		for _, e := range s.trust.Unusable() {
			s.warn(e.Error(), "")
		}
	}
	if s.cfg.Data != "" {
		check(fetched.Check(s.cfg.Data))
	}
	var passedOver string
	s.logs, passedOver, err = fetched.KnownLogs(s.cfg.LogList, s.cfg.Data)
	check(err)
	if passedOver != "" {
		s.warn(passedOver, "fetch a newer one: certassay data update")
	}
	check(s.readLogs())
	for _, e := range s.logs.Unusable() {
		s.warn(fmt.Sprintf("%s: left out %v", s.cfg.LogList, e), "SCTs of this log cannot be verified")
	}
	s.known, err = given.KnownKeys(s.cfg.KnownKeys)
	check(err)
	check(s.readWaivers(set))
	check(s.readBaseline())
	return errors.Join(errs...)
}

// openTrust puts together what is trusted and known: the bundled roots, the
// owner's sets, the references, which are read here and compared with later, and
// lists of CAs.
func (s *session) openTrust(ctx context.Context, c *command, sets []trust.Set) (*trust.Store, error) {
	programs, err := given.Sets(ctx, s.cfg.Programs, c.Streams.In, s.passwords)
	if err != nil {
		return nil, err
	}
	opts := trust.Options{Programs: programs, Sets: sets, Local: given.LocalRoots()}
	var errs []error
	for _, path := range s.cfg.Known {
		emit := func(e *evidence.Subject) {
			s.references = append(s.references, e.Certificates)
			for _, der := range e.Certificates {
				opts.Known = append(opts.Known, der)
			}
			for _, f := range e.Failures {
				errs = append(errs, hint.With(fmt.Errorf("reading known certificates: %s", f.Error), f.Hint))
			}
		}
		errs = append(errs, localfile.Read(ctx, path, localfile.Options{Emit: emit, Stdin: c.Streams.In, Divert: bundle.Divert(emit),
			Stores: localfile.Stores{Passwords: s.passwords}, Warn: s.warnRead}))
	}
	if s.cfg.Data != "" {
		lists, _, err := fetched.ReadCAs(s.cfg.Data)
		errs = append(errs, err)
		opts.CAData = lists
		var passedOver string
		opts.Revoked, passedOver, err = fetched.KnownRevoked(s.cfg.Data)
		errs = append(errs, err)
		if passedOver != "" {
			s.warn(passedOver, "fetch a newer one: certassay data update onecrl")
		}
	}
	for _, path := range s.cfg.CAData {
		data, err := given.CAData(path)
		errs = append(errs, err)
		if err == nil {
			opts.CAData = append(opts.CAData, data)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return trust.Open(opts)
}

// readWaivers reads those of the file and takes those of the inventory.
func (s *session) readWaivers(set *rule.Set) error {
	var errs []error
	if s.cfg.Waivers != "" {
		text, err := os.ReadFile(s.cfg.Waivers)
		if err != nil {
			return fmt.Errorf("reading waivers: %w", err)
		}
		s.waivers, err = waive.Parse(s.cfg.Waivers, text, s.run.At)
		errs = append(errs, err)
	}
	if s.owner != nil {
		s.waivers = waive.Join(s.waivers, s.owner.Waivers)
	}
	if s.waivers == nil || set == nil {
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, s.waivers.Resolve(func(id string) (string, error) {
		r, err := set.Rule(id)
		if err != nil {
			return "", err
		}
		return r.ID, nil
	}))...)
}

func (s *session) readBaseline() error {
	if s.cfg.Baseline == "" {
		return nil
	}
	f, err := os.Open(s.cfg.Baseline)
	if err != nil {
		return fmt.Errorf("reading baseline: %w", err)
	}
	defer f.Close()
	if s.baseline, err = waive.ReadBaseline(bufio.NewReader(f)); err != nil {
		return hint.With(fmt.Errorf("%s: %w", s.cfg.Baseline, err), `a baseline is a report that was written with "--report json=FILE" or "--report jsonl=FILE"`)
	}
	s.compared, s.sources = &report.Baseline{At: s.baseline.At()}, map[string]*report.Source{}
	if _, err = f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading baseline: %w", err)
	}
	// A baseline has to name what was found, and need not be a whole report.
	if doc, err := report.Read(f); err == nil {
		s.offers = offersOf(doc)
	}
	return nil
}
