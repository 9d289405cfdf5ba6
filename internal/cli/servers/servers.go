// Package servers says which servers a command asks, and how: the targets that the
// command line and its lists name, one dialler for each place they are looked at from,
// and the limits of asking.
package servers

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/collect/dns"
	"github.com/certassay/certassay/internal/collect/tlsdial"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// Limits are the limits of asking servers that a configuration sets.
func Limits(cfg *config.Config) collect.Limits {
	limits := collect.Limits{Concurrency: within(cfg.Concurrency, openFiles()), Rate: cfg.Rate, Retries: cfg.Retries}
	if cfg.Retries == 0 {
		limits.Retries = -1
	}
	return limits
}

// within keeps a number of targets at once within the open files of the system. A
// target may need two sockets for a moment, and the run itself some files: a target
// that finds none left would be unreachable by no fault of its own. 0 is no limit.
func within(concurrency int, files uint64) int {
	const own = 64
	if files == 0 || files/2 >= uint64(concurrency)+own/2 { //nolint:gosec // config has checked the range
		return concurrency
	}
	return max(1, (int(files)-own)/2) //nolint:gosec // at most twice the concurrency
}

// told changes what is said of each subject that is collected.
func told(dialers []audit.Collector, change func(*evidence.Subject)) []audit.Collector {
	out := make([]audit.Collector, len(dialers))
	for i, dial := range dialers {
		out[i] = func(ctx context.Context, t target.Target) []*evidence.Subject {
			subjects := dial(ctx, t)
			for _, s := range subjects {
				change(s)
			}
			return subjects
		}
	}
	return out
}

// Named makes certificates be judged against another name than the target's. Of a
// target that is an address the server name that is sent is the name that was asked
// for, where no other one is given.
func Named(dialers []audit.Collector, name, sni string) []audit.Collector {
	if name == "" && sni == "" {
		return dialers
	}
	return told(dialers, func(s *evidence.Subject) {
		asked := name
		if asked == "" {
			if _, err := netip.ParseAddr(s.Name); err != nil {
				return
			}
			asked = sni
		}
		if s.Host == "" {
			s.Host = s.Name
		}
		s.Name = asked
	})
}

// OfMail says of mail servers whose mail they take.
func OfMail(dialers []audit.Collector, domain string) []audit.Collector {
	if domain == "" {
		return dialers
	}
	return told(dialers, func(s *evidence.Subject) {
		if s.Protocol == "smtp" {
			s.MailDomain = domain
		}
	})
}

// Targets reads the command line and the lists. All that is wrong is reported
// together, before anything is contacted.
func Targets(c *call.Call, cfg *config.Config, args []string) (*target.Set, error) {
	defaults := target.Defaults{Port: cfg.Port}
	set := &target.Set{}
	errs := []error{set.AddArgs(args, defaults)}
	for _, path := range cfg.Lists {
		if path == "-" {
			errs = append(errs, set.AddList(c.Streams.In, "standard input", defaults))
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading targets: %w", err))
			continue
		}
		errs = append(errs, set.AddList(f, path, defaults))
		f.Close()
	}
	return set, errors.Join(errs...)
}

// Dialers makes one dialler for each vantage.
func Dialers(c *call.Call, cfg *config.Config, limits collect.Limits) (dialers []audit.Collector, vantage string, err error) {
	opts := tlsdial.Options{
		Resolve: cfg.Timeout, Dial: cfg.Timeout, Handshake: cfg.Timeout, Total: 3 * cfg.Timeout,
		ServerName: cfg.SNI, Overrides: map[string][]netip.Addr{}, AllAddresses: cfg.AllAddresses,
		EveryHello: cfg.EveryHello, ProbePath: cfg.ProbePath, ComparePorts: cfg.ComparePorts, Fast: cfg.Fast, Pacer: collect.NewPacer(limits),
	}
	var errs []error
	var resolver *dns.Resolver
	if cfg.Resolver != "" || cfg.Follow != (config.Follow{}) {
		if resolver, err = Resolver(cfg); err != nil {
			errs = append(errs, err)
		} else if cfg.Resolver != "" {
			opts.Resolver = resolver
		}
	}
	for _, text := range cfg.Resolve {
		hostPort, addrs, err := tlsdial.ParseOverride(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		opts.Overrides[hostPort] = append(opts.Overrides[hostPort], addrs...)
	}
	vias := cfg.Via
	if len(vias) == 0 {
		vias = []*url.URL{nil}
	}
	for _, via := range vias {
		opts.Via, opts.Jump = via, nil
		if call.IsSSH(via) {
			opts.Via = nil
			if opts.Jump, err = c.Jumps.Open(via, cfg.SSHConfig, cfg.Timeout); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		d, err := tlsdial.New(opts)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		dialers = append(dialers, following(d, resolver, cfg.Follow))
		vantage = d.Vantage()
	}
	if len(vias) > 1 {
		vantage = "several"
	}
	return dialers, vantage, errors.Join(errs...)
}

// Resolver makes the name server that --resolver names, or this machine's.
func Resolver(cfg *config.Config) (*dns.Resolver, error) {
	return dns.New(dns.Options{Server: cfg.Resolver, Timeout: cfg.Timeout, Retries: cfg.Retries})
}

// following makes a dialler go where records lead, where that was asked for.
func following(d *tlsdial.Dialer, resolver *dns.Resolver, what config.Follow) audit.Collector {
	if resolver == nil || what == (config.Follow{}) {
		return d.Collect
	}
	return resolver.Follow(d, dns.Follow{MX: what.MX, SRV: what.SRV})
}
