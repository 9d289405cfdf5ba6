package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
)

// Logs that are asked beside a scan are asked sparingly: nobody waits for a log
// that is down longer than for a server.
const (
	logRate    = 10
	logTimeout = 30 * time.Second
	logWait    = 10 * time.Second
)

// readLogs reads --log. What the user says of a log goes before any list.
func (s *session) readLogs() error {
	s.ctFlags = logs.Flags{Logs: s.cfg.Logs, Contact: s.cfg.Contact, Rate: logRate, Timeout: logTimeout}
	if s.owner != nil && s.owner.reconciled != nil {
		way := &s.owner.reconciled.sources.way
		s.ctFlags.Proxy, s.ctFlags.Jump = way.Proxy, way.Jump
	}
	if s.cfg.Retries == 0 {
		s.ctFlags.Retries = -1
	}
	if err := s.ctFlags.CheckLogs(); err != nil || s.logs == nil {
		return err
	}
	chosen, err := s.ctFlags.Choose(s.logs, func(*ct.Log) bool { return false })
	if err != nil {
		return err
	}
	if err := s.chooses(chosen); err != nil {
		return err
	}
	var own []*ct.Log
	for _, ch := range chosen {
		// A list says more of a log than its address and key.
		if ch.Own && s.logs.Log(ch.Log.ID) == nil {
			// Whether it is tiled is found out when it is asked, and accuses
			// nobody before.
			own = append(own, ct.NewLog(ch.Log.Name, ch.Log.Key, false, ch.Address, ""))
		}
	}
	if s.chosen = chosen; len(own) > 0 {
		list := ct.Join(ct.NewList(own), s.logs)
		list.Date, list.Version = s.logs.Date, s.logs.Version
		s.logs = list
	}
	return nil
}

// chooses refuses a log of the list where none is chosen: the logs that certificates
// name are asked, all of them or none. Only what logs recorded for the domains of an
// inventory is read from those that --log names.
func (s *session) chooses(chosen []*logs.Choice) error {
	reads := s.owner != nil && s.owner.reconciled != nil && s.owner.reconciled.sources.since != ""
	i := slices.IndexFunc(chosen, func(ch *logs.Choice) bool { return !ch.Own })
	if reads || i < 0 || !slices.Contains(s.cfg.Said, "log") {
		return nil
	}
	why, tip := "no log is asked", "add --online ct, which asks the logs that the certificates name"
	if s.cfg.Online.Has(config.OnlineCT) {
		why, tip = "each SCT is looked up in the log that it names", "leave it out"
	}
	return hint.With(fmt.Errorf("--log %s has no effect: %s", chosen[i].Log.Name, why), tip+"; --log URL=KEY is for a log that no list has")
}

// openLog prepares to read a log, by the address that the user gave where there is
// one.
func (s *session) openLog(ctx context.Context, log *ct.Log) (ctlog.Source, *ct.Log, error) {
	o := s.ctFlags.Options(s.cfg.AllowPrivateURLs)
	o.MaxWait = logWait
	if o.Retries = s.cfg.Retries; o.Retries == 0 {
		o.Retries = -1
	}
	for _, ch := range s.chosen {
		if !ch.Own || ch.Log.ID != log.ID {
			continue
		}
		o.Private = true
		found, err := ctlog.Detect(ctx, ch.Log.Name, ch.Address, ch.Log.Key, o)
		if err != nil {
			return nil, log, err
		}
		log = found
		break
	}
	source, err := ctlog.Open(log, o)
	return source, log, err
}

// askLogs gives the enricher that --online ct wants.
func (s *session) askLogs() audit.Enricher {
	promises := ctlog.NewPromises(ctlog.PromiseOptions{Logs: s.logs, Open: s.openLog, Issuers: s.knownIssuers, Now: audit.Now})
	return func(ctx context.Context, e *evidence.Subject) {
		if e.Kind != evidence.LogEntry && len(e.Inclusions) == 0 {
			promises.Ask(ctx, e)
		}
	}
}

// notePromises keeps what logs did not keep, to be judged as theirs, and who was
// asked.
func (s *session) notePromises(e *evidence.Subject) {
	for i := range e.Inclusions {
		x := &e.Inclusions[i]
		if u, err := url.Parse(x.URL); err == nil && u.Host != "" && (x.Head != nil || x.Failure != nil) {
			s.contact(strings.TrimSuffix(u.Host, "."))
		}
	}
	if !s.cfg.Online.Has(config.OnlineCT) {
		return // a bundle holds them already
	}
	for _, broken := range ctlog.BrokenPromises(e) {
		if s.promises == nil {
			s.promises = map[string]*evidence.Subject{}
		}
		if s.promises[broken.ID] == nil {
			s.promises[broken.ID] = broken
		}
	}
}

// judgePromises judges the logs that did not keep what they signed.
func (s *session) judgePromises(ctx context.Context) error {
	var ids []string
	for id := range s.promises {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return s.auditor.Check(ctx, func(yield func(*evidence.Subject) bool) {
		for _, id := range ids {
			if !yield(s.promises[id]) {
				return
			}
		}
	}, s.take)
}
