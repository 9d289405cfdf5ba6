// Package config turns flags, environment and a configuration file into one
// [Config] that needs no further checks. It is the only package that reads the
// environment, through the lookup function it is handed.
//
// A flag wins over the environment, the environment over the file, the file over
// the default. The environment variable of a flag is CERTASSAY_ and its name in
// capitals with underscores (CERTASSAY_FAIL_ON); NO_COLOR and TERM=dumb are
// honoured. The file is YAML with flag names as keys.
package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/finding"
)

// A Config is everything a command was told, checked. The zero value is not
// usable; see [Flags.Config].
type Config struct {
	// Lists are files of targets or paths, "-" for standard input.
	Lists []string
	// Port replaces the default port of targets without one; 0 leaves it.
	Port uint16
	// SNI replaces the server name that is sent; empty sends the target's.
	SNI string
	// Name is what certificates have to be valid for, instead of the target's
	// name; empty leaves that, and asks for nothing where there is none.
	Name string
	// Resolve pins addresses, HOST:PORT:ADDRESS each, as written: the dialler
	// reads them before it contacts anybody.
	Resolve []string
	// AllAddresses audits every address of a name, not only the first that
	// answers.
	AllAddresses bool
	// Via are the proxies to dial through, one vantage each; nil among them, and
	// an empty list, is direct.
	Via []*url.URL
	// SSHConfig is what ssh reads in place of the user's own configuration, where
	// one of Via is ssh://; empty is that.
	SSHConfig string
	// Store is the directory in which is kept what was seen; empty keeps nothing.
	Store string
	// EveryHello asks each address with several ClientHellos, so that every
	// certificate that it holds is seen.
	EveryHello bool
	// ProbePath asks each address what only somebody on the path answers.
	ProbePath bool
	// ComparePorts are ports whose distance is compared with the target's, with
	// ProbePath; none is the default of the dialler.
	ComparePorts []uint16
	// Fast stops TLS 1.2 handshakes as soon as the key is proven.
	Fast bool

	// Resolver is the name server to ask, as written; empty is this machine's.
	Resolver string
	// Follow says which records lead from a domain to its servers.
	Follow Follow
	// MailDomain is the domain whose mail the targets of smtp:// take; empty where
	// it is not known, or Follow goes from it to them.
	MailDomain string
	// Online is who else may be contacted; nobody where zero.
	Online Online
	// Cache is the directory in which answers of third parties are kept; empty keeps
	// none. CacheOnly takes them from there alone and asks nobody.
	Cache     string
	CacheOnly bool
	// AllowPrivateURLs follows the addresses that certificates name to private
	// networks, too.
	AllowPrivateURLs bool

	// Logs are CT logs as written, by name or URL=KEY; Contact is what they are
	// told of who asks.
	Logs    []string
	Contact string

	// Inventory is the inventory to judge by; empty where none was named.
	Inventory string

	// Outputs are where reports go; never empty. Path "-" is standard output.
	Outputs []Output
	// Evidence is the bundle to write; empty writes none.
	Evidence string

	// Roots are files or directories of further anchors.
	Roots []string
	// Programs are further public root programs, whose roots vouch for public
	// names as Mozilla's do.
	Programs []Program
	// Known are files, directories or bundles of certificates that the run is
	// compared with and that are not judged.
	Known []string
	// StorePasswords are files of passwords for key stores, one a line.
	StorePasswords []string
	// CAData are lists of CAs in CCADB's public CSV form.
	CAData []string
	// Data is a directory of data that were fetched, to be used beside the built-in
	// ones; empty uses none.
	Data string
	// LogList is a v3 CT log list in JSON; empty uses that of Data, or the built-in
	// one.
	LogList string
	// KnownKeys are files, or directories of files, that list keys whose private
	// half is public, in the format of badkeys' blocklist.dat. They come on top
	// of those that the program carries.
	KnownKeys []string
	// At is the time of judgement; zero is the time the evidence was taken.
	At time.Time

	// Rules are directories of further rules. Only and Skip are globs.
	Rules, Only, Skip []string
	// Severity is the lowest severity shown.
	Severity finding.Severity
	// FailOn is the bar for exit code 1. FailOnSaid tells one that was asked for
	// from the default, over which an inventory goes.
	FailOn     FailOn
	FailOnSaid bool
	// Waivers is a file of waivers, Baseline an earlier report.
	Waivers, Baseline string

	// Concurrency is how many targets are collected at once.
	Concurrency int
	// Rate is the number of new connections a second; 0 is no limit.
	Rate float64
	// Timeout bounds each stage of a connection: resolve, dial, handshake.
	Timeout time.Duration
	// Retries is how often a target is tried again after a passing failure.
	Retries int
	// AllowUnreachable leaves targets out of the exit code for which there is no
	// address, or no connection to be had. One that takes the connection and shows
	// no certificate still counts: silence may be a way to hide.
	AllowUnreachable bool
	// ExitZero makes findings and gaps exit with 0.
	ExitZero bool

	// Said are the flags that stand on the command line, by name; what environment
	// and file say is not among them. Unused are those of them that the command takes
	// and does nothing with, and that have to be told.
	Said   []string
	Unused []*Idle

	// Color, Quiet and Verbose shape text output.
	Color          Color
	Quiet, Verbose bool
}

// Asks is what is to be learned from third parties, whether they are asked or their
// earlier answers are taken from the cache.
func (c *Config) Asks() Online {
	if c.CacheOnly {
		return OnlineAIA | OnlineOCSP | OnlineCRL
	}
	return c.Online
}

// A Program is a public root program by its name, and the file or directory that
// holds its roots.
type Program struct{ Name, Path string }

// reserved are names of programs that mean something already.
var reserved = []string{"mozilla", "local", "public", "inventory", "known", "none"}

// parsePrograms reads --program NAME=PATH.
func parsePrograms(list []string) ([]Program, error) {
	var out []Program
	var errs []error
	for _, s := range list {
		name, path, ok := strings.Cut(s, "=")
		switch {
		case !ok || name == "" || path == "":
			errs = append(errs, fmt.Errorf("cannot read --program %q (want NAME=FILE, such as chrome=chrome-roots.pem)", s))
		case slices.Contains(reserved, strings.ToLower(name)):
			errs = append(errs, fmt.Errorf("--program %q: the name %q is taken (give the program another one)", s, name))
		case slices.ContainsFunc(out, func(p Program) bool { return p.Name == name }):
			errs = append(errs, fmt.Errorf("--program %q: %q was given twice (put its roots into one directory)", s, name))
		default:
			out = append(out, Program{name, path})
		}
	}
	return out, errors.Join(errs...)
}

// An Output is one report: its format and file, "-" for standard output.
type Output struct{ Format, Path string }

// Color says when text is coloured.
type Color string

// The three ways to colour.
const (
	Auto   Color = "auto"
	Always Color = "always"
	Never  Color = "never"
)

// FailOn is the bar at which findings make the exit code 1. The zero value never
// fails.
type FailOn struct {
	Severity finding.Severity // findings at or above it; none where zero
	Verdict  finding.Verdict  // verdicts at or above it; none where empty
}

// ParseFailOn reads a severity, a verdict, or "never".
func ParseFailOn(s string) (FailOn, error) {
	if s == "never" {
		return FailOn{}, nil
	}
	if sev, err := finding.ParseSeverity(s); err == nil {
		return FailOn{Severity: sev}, nil
	}
	if v, err := finding.ParseVerdict(s); err == nil && v != finding.OK {
		return FailOn{Verdict: v}, nil
	}
	words := []string{"info", "low", "medium", "high", "critical", "suspicious", "forged", "inconclusive", "never"}
	return FailOn{}, Meant(fmt.Errorf("cannot fail on %q (want %s or never)", s, strings.Join(words[:len(words)-1], ", ")), s, words)
}

// parseTime reads a time of judgement: RFC 3339, or a date at midnight UTC.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("cannot read the time %q (want 2006-01-02 or 2006-01-02T15:04:05Z)", s)
}

func parseVia(list []string) ([]*url.URL, error) {
	var out []*url.URL
	var errs []error
	for _, s := range list {
		if s == "direct" {
			out = append(out, nil)
			continue
		}
		u, err := ParseVantage(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, u)
	}
	return out, errors.Join(errs...)
}

// ParseVantage reads one --via. Errors never repeat a password.
func ParseVantage(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		// url.Error repeats the URL, with the password in it.
		return nil, errors.New("cannot read a --via URL (want socks5://host:port, http://host:port or ssh://user@host)")
	}
	if u.Host == "" || !slices.Contains([]string{"socks5", "socks5h", "http", "https", "ssh"}, u.Scheme) {
		return nil, fmt.Errorf("cannot dial via %q (want socks5://host:port, http://host:port, ssh://user@host or direct)", u.Redacted())
	}
	return u, nil
}

// parseOutputs joins --format, --output and --report FORMAT=FILE.
func parseOutputs(format, output string, reports, known []string, evidence string) ([]Output, error) {
	var errs []error
	outs := []Output{{format, output}}
	for _, r := range reports {
		f, p, ok := strings.Cut(r, "=")
		if !ok || p == "" {
			errs = append(errs, fmt.Errorf("cannot read --report %q (want FORMAT=FILE, such as json=report.json)", r))
			continue
		}
		outs = append(outs, Output{f, p})
	}
	paths := map[string]bool{}
	if evidence != "" {
		paths[filepath.Clean(evidence)] = true
	}
	for _, o := range outs {
		if !slices.Contains(known, o.Format) {
			errs = append(errs, Meant(fmt.Errorf("unknown report format %q (this version writes %s)", o.Format, strings.Join(known, ", ")), o.Format, known))
		}
		path := filepath.Clean(o.Path)
		if paths[path] {
			errs = append(errs, fmt.Errorf("two reports, or a report and the evidence, would be written to %q", o.Path))
		}
		paths[path] = true
	}
	return outs, errors.Join(errs...)
}
