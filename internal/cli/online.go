package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/version"
	"github.com/certassay/certassay/internal/collect/aia"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/collect/revocation"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/trust"
)

// onlineNow are the third parties that this version can ask. What it cannot do is
// refused: whoever asks for a check and hears nothing would take it for passed.
const onlineNow = config.OnlineAIA | config.OnlineOCSP | config.OnlineCRL | config.OnlineDNS | config.OnlineCT

// refuseOnline says what of --online is not in this version.
func refuseOnline(asked config.Online) error {
	missing := asked &^ onlineNow
	if missing == 0 {
		return nil
	}
	return hint.With(fmt.Errorf("--online %s is not in this version", missing), fmt.Sprintf("it can ask: %s", onlineNow))
}

// enrichers ask the third parties of --online about what was collected.
func (s *session) enrichers() []audit.Enricher {
	outside := []audit.Enricher{s.complete(aia.New(aia.Options{Pool: &s.met, Known: s.knownIssuers}))}
	if s.resolver != nil {
		outside = append(outside, s.askDNS())
	}
	asks := s.cfg.Asks()
	if asks&onlineNow&^config.OnlineDNS == 0 {
		return outside
	}
	web := fetch.New(fetch.Options{
		Private: s.cfg.AllowPrivateURLs, Timeout: s.cfg.Timeout, UserAgent: "certassay/" + version.String(), Cache: s.cache,
	})
	var out []audit.Enricher
	if asks.Has(config.OnlineAIA) {
		out = append(out, aia.New(aia.Options{Fetch: web, Known: s.knownIssuers}).Ask)
	}
	if asks&(config.OnlineOCSP|config.OnlineCRL) != 0 {
		out = append(out, revocation.New(revocation.Options{
			Fetch: web, OCSP: asks.Has(config.OnlineOCSP), CRL: asks.Has(config.OnlineCRL), Known: s.knownIssuers,
			Root: func(c *cert.Certificate) bool { return s.trust.Root(c.SHA256()) != trust.None },
		}).Ask)
	}
	if asks.Has(config.OnlineCT) {
		out = append(out, s.askLogs())
	}
	return append(outside, func(ctx context.Context, e *evidence.Subject) {
		// Evidence of another time stays as it is: answers of now do not belong
		// to a handshake of then.
		if slices.ContainsFunc(e.Fetches, func(f evidence.Fetch) bool {
			return f.Kind != evidence.FetchMet && f.Kind != evidence.FetchMTASTS
		}) || s.old(e) {
			s.unasked.Add(1)
			return
		}
		for _, ask := range out {
			ask(ctx, e)
		}
	})
}

// complete adds what other files of the run hold of a chain that lacks issuers.
// Evidence that was collected elsewhere stays as it is.
func (s *session) complete(with *aia.Collector) audit.Enricher {
	return func(ctx context.Context, e *evidence.Subject) {
		if e.Kind != evidence.Endpoint && e.Kind != evidence.LogEntry && len(e.Fetches) == 0 && !s.met.Empty() {
			with.Ask(ctx, e)
		}
	}
}

// sayUnasked says that somebody wanted third parties to be asked and that they
// were not, about some: a check that did not run must not look like one that passed.
func (s *session) sayUnasked() {
	if n := s.unasked.Load(); n > 0 {
		s.incomplete = true
		s.warn(fmt.Sprintf("%d subjects were collected at another time: nobody was asked about them (--online %s)", n, s.cfg.Asks()&^config.OnlineDNS),
			"pass the certificates themselves, or scan the servers again")
	}
}

// knownIssuers are the CAs known under the name of a certificate's issuer.
func (s *session) knownIssuers(c *cert.Certificate) (out []*cert.Certificate) {
	for _, ca := range s.trust.ByName(&c.Issuer) {
		out = append(out, ca.Certificate)
	}
	return out
}
