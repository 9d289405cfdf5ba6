package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/collect/ctindex"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/store"
)

// ctSources say where an audit learns what was logged.
type ctSources struct {
	state, since string
	sinceTime    time.Time // zero where no log is to be read
	indexes      []string  // KIND=URL
	parsed       []*ctindex.Index
	tokenFile    string
	token        string // a secret
	via          string
	way          logs.Flags // of which only where via leads to
}

func (f *ctSources) asked() bool { return f.state != "" || f.since != "" || len(f.indexes) > 0 }

// check refuses what cannot be done before anybody is contacted.
func (f *ctSources) check(ctx context.Context, cfg *config.Config, now time.Time) (err error) {
	if f.state != "" {
		st, err := store.Read(ctx, f.state)
		if err == nil {
			err = st.Close()
		}
		if err != nil {
			return fmt.Errorf("--ct-state: %w", err)
		}
	}
	for _, text := range f.indexes {
		x, err := ctindex.Parse(text)
		if err != nil {
			return fmt.Errorf("--ct-index: %w", err)
		}
		f.parsed = append(f.parsed, x)
	}
	if slices.Contains(cfg.Said, "ct-via") && f.since == "" && len(f.indexes) == 0 && !cfg.Online.Has(config.OnlineCT) {
		return hint.With(errors.New("--ct-via has no effect: no log and no index is asked"), "add --online ct, or leave it out")
	}
	if err := f.checkToken(); err != nil {
		return err
	}
	if len(f.indexes) > 0 && !cfg.Online.Has(config.OnlineCT) {
		return hint.With(errors.New("--ct-index tells a third party your domains, which --online ct has to allow"), "add --online ct")
	}
	if f.since == "" {
		return nil
	}
	if f.sinceTime, err = timeOrAgo(f.since, now); err != nil {
		return fmt.Errorf("--ct-since: %w", err)
	}
	files := len(cfg.Logs) > 0 && !slices.ContainsFunc(cfg.Logs, func(l string) bool { return !strings.HasPrefix(l, "file://") })
	if !cfg.Online.Has(config.OnlineCT) && !files {
		return hint.With(errors.New("--ct-since reads logs, which --online ct has to allow"), "add --online ct, or name archives only: --log file://DIR=KEY")
	}
	return nil
}

// checkToken reads the token, and refuses one that is nobody's.
func (f *ctSources) checkToken() (err error) {
	if f.tokenFile == "" {
		return nil
	}
	if f.token, err = config.ReadToken(f.tokenFile); err != nil {
		return fmt.Errorf("--ct-index-token: %w", err)
	}
	var takes *ctindex.Index
	var refused error
	for _, x := range f.parsed {
		switch err := x.TakesToken(); {
		case err != nil:
			refused = err
		case takes != nil && takes.Origin() != x.Origin():
			return hint.With(fmt.Errorf("--ct-index-token: whose is it, of the %s or of the %s?", takes, x), "name one certspotter index")
		default:
			takes = x
		}
	}
	if takes == nil {
		return hint.With(fmt.Errorf("--ct-index-token: %w", cmp.Or(refused, errNoIndex)), "it belongs to --ct-index certspotter=https://…")
	}
	return nil
}

var errNoIndex = errors.New("no index was named")

// checkVia finds the way to logs and indexes.
func (f *ctSources) checkVia(c *command, cfg *config.Config) error {
	if f.via == "" {
		return nil
	}
	via, err := config.ParseVantage(f.via)
	if err != nil {
		return fmt.Errorf("--ct-via: %w", err)
	}
	f.way = logs.Flags{SSHConfig: cfg.SSHConfig, Timeout: logTimeout}
	if err := f.way.GoVia(c.Call, via); err != nil {
		return fmt.Errorf("--ct-via: %w", err)
	}
	return nil
}
