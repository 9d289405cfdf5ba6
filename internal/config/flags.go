package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/target"
)

// Flags are the flags as written, before any check. Bind them with [Bind], let
// the command line be parsed, then call [Flags.Config].
type Flags struct {
	fs      *pflag.FlagSet
	formats []string
	which   Which
	// origins says where the values of flags come from that were not given, and
	// inventory which one --config names; merge sets both.
	origins   map[string]string
	inventory string

	config, format, output, evidence, logList, at, severity, failOn, waivers, baseline, color                                        string
	sshConfig                                                                                                                        string
	sni, name, resolver, contact                                                                                                     string
	lists, reports, roots, programs, known, storePasswords, caData, knownKeys, rules, only, skip, resolve, via, online, follow, logs []string
	port                                                                                                                             uint16
	concurrency, retries                                                                                                             int
	rate                                                                                                                             float64
	timeout                                                                                                                          time.Duration
	allAddresses, fast, allowUnreachable, exitZero, offline, quiet, verbose                                                          bool

	// Of the path.
	everyHello, probePath bool
	comparePorts          []uint
	mailDomain            string
	store                 string
	data, cache           string

	// Of third parties.
	privateURLs bool
}

// Which says what a command works on.
type Which struct {
	Network bool // it dials targets; else it reads files
	// Logs says that it can ask CT logs about certificates.
	Logs bool
	// Inventory says that --config names an inventory. Elsewhere it may name one
	// or a file of options.
	Inventory bool
}

// Bind defines the shared flags on fs. formats are the report formats that can
// be written.
func Bind(fs *pflag.FlagSet, which Which, formats []string) *Flags {
	f := &Flags{fs: fs, formats: formats, which: which, origins: map[string]string{}}
	fs.StringVarP(&f.format, "format", "f", "text", "report on standard output: "+strings.Join(formats, ", "))
	fs.StringVarP(&f.output, "output", "o", "-", "write that report to `FILE` instead")
	fs.StringArrayVar(&f.reports, "report", nil, "write a further report, `FORMAT=FILE` (repeatable)")
	fs.StringArrayVar(&f.roots, "roots", nil, "trust the CA certificates in `FILE|DIR` as the owner's (repeatable)")
	fs.StringArrayVar(&f.programs, "program", nil, "take the roots in a file or directory, `NAME=FILE|DIR`, as those of a further public root program beside Mozilla's (repeatable)")
	fs.StringArrayVar(&f.known, "known", nil, "compare with the certificates in `FILE|DIR|BUNDLE` and use them in chains, without judging or trusting them (repeatable)")
	fs.StringArrayVar(&f.storePasswords, "store-password-file", nil, "open key stores (JKS, PKCS #12) with the passwords in `FILE`, one a line, beside none and changeit (repeatable)")
	fs.StringArrayVar(&f.caData, "ca-data", nil, "know the CAs in `FILE`, a CSV list of CCADB (repeatable)")
	fs.StringVar(&f.data, "data", "", "judge by what \"data update\" fetched to `DIR`, beside what the program carries")
	fs.StringVar(&f.logList, "log-list", "", "know the CT logs in `FILE`, a v3 log list")
	fs.StringArrayVar(&f.knownKeys, "known-keys", nil, "know the private keys of `FILE|DIR` to be public, a blocklist.dat of badkeys (repeatable)")
	fs.StringVar(&f.at, "at", "", "judge at `TIME`, such as 2026-11-22 or 2026-11-22T10:00:00Z (default: when the evidence was taken)")
	fs.StringArrayVar(&f.rules, "rules", nil, "load further rules from `DIR` (repeatable)")
	fs.StringArrayVar(&f.only, "rule", nil, "run only rule `ID`; globs work (repeatable)")
	fs.StringArrayVar(&f.skip, "skip-rule", nil, "leave out rule `ID`; globs work (repeatable)")
	fs.StringVar(&f.severity, "severity", "info", "show findings from this `SEVERITY` on")
	fs.StringVar(&f.failOn, "fail-on", "high", "exit with 1 from this `SEVERITY|VERDICT` on, or never; up to high also at what is suspicious or forged")
	fs.StringVar(&f.waivers, "waivers", "", "accept the findings that `FILE` waives, each with reason, owner and end date")
	fs.StringVar(&f.baseline, "baseline", "", "mark what the earlier JSON `REPORT` already had as known; it no longer fails, proofs excepted")
	fs.BoolVar(&f.exitZero, "exit-zero", false, "exit with 0 whatever is found (for jobs that only upload the report)")
	fs.StringArrayVar(&f.online, "online", nil, "contact third parties, too: a list of `WHAT`: ct, ocsp, crl, dns, aia (repeatable)")
	fs.BoolVar(&f.privateURLs, "allow-private-urls", false, "with --online, follow what certificates name to addresses of private networks, too")
	if which.Logs {
		fs.StringArrayVar(&f.logs, "log", nil, "also know the `LOG` at URL=KEY: its SCTs are verified with the key, and --online ct asks it there (repeatable)")
		fs.StringVar(&f.contact, "contact", "", "`MAIL` or address of yours, told with --online ct to the logs: they slow down strangers")
	}
	fs.StringVar(&f.cache, "cache", "", "keep what --online aia, ocsp and crl fetch in `DIR` and use it again while it is in force; with --offline take it from there and ask nobody")
	fs.StringVar(&f.resolver, "resolver", "", "ask this name server: `ADDR[:PORT]`, tls://ADDR[:PORT][#NAME], or https://ADDR[:PORT][/PATH][#NAME] (default: this machine's; one on this machine that validates is best)")
	fs.BoolVar(&f.offline, "offline", false, "contact nobody but the targets; this is what happens without --online, too; with --cache, take answers from there")
	fs.StringVar(&f.color, "color", "auto", "colour text: auto, always or never (NO_COLOR is honoured)")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "print only the subjects that are not ok, a line each")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "explain every subject, also the ones that are ok")
	config := "read options from `FILE`, YAML with flag names as keys, or judge by an inventory"
	if which.Inventory {
		config = "the inventory `FILE` (default: certassay.yaml, here or in a directory above)"
	}
	fs.StringVarP(&f.config, "config", "c", "", config)
	fs.StringVar(&f.name, "name", "", "the host `NAME` or address that the certificates have to be valid for, instead of the target's")
	fs.StringVar(&f.store, "store", "", "note the key of every server in the store `DIR`, for certassay history")
	fs.StringVar(&f.evidence, "evidence", "", "save all evidence to `FILE`, to be replayed with check")
	list := "read targets from `FILE`, one a line, - for standard input (repeatable)"
	if !which.Network {
		list = "read paths from `FILE`, one a line, - for standard input (repeatable)"
	}
	fs.StringArrayVarP(&f.lists, "list", "l", nil, list)
	f.bindNetwork()
	if !which.Network {
		f.hideNetwork()
	}
	return f
}

// networkFlags shape how targets are dialled. Commands that dial none take them
// all the same, so that one set of options serves every command; they have
// nothing to do there and are not shown.
var networkFlags = []string{"port", "sni", "resolve", "all-addresses", "every-hello", "probe-path", "compare-port", "via", "ssh-config", "fast", "follow", "mail-domain", "concurrency", "rate", "timeout", "retries", "allow-unreachable"}

func (f *Flags) hideNetwork() {
	for _, name := range networkFlags {
		f.fs.Lookup(name).Hidden = true
	}
}

func (f *Flags) bindNetwork() {
	fs := f.fs
	fs.Uint16VarP(&f.port, "port", "p", 0, "dial `PORT` where a target names none")
	fs.StringVar(&f.sni, "sni", "", "send this server `NAME` instead of the target's; what is served at an address has to be valid for it, unless --name says another")
	fs.StringArrayVar(&f.resolve, "resolve", nil, "dial ADDRESS for HOST and PORT: `HOST:PORT:ADDRESS` (repeatable)")
	fs.StringArrayVar(&f.follow, "follow", nil, "go where a domain's records lead, a list of `WHAT`: mx for smtp://DOMAIN, srv for xmpp://DOMAIN (repeatable)")
	fs.StringVar(&f.mailDomain, "mail-domain", "", "the smtp:// targets take the mail of `DOMAIN`: with --online dns, look what its MTA-STS policy demands of them")
	fs.BoolVar(&f.allAddresses, "all-addresses", false, "audit every address of each name")
	fs.BoolVar(&f.everyHello, "every-hello", false, "ask each address with several ClientHellos (up to 5 more connections) and audit every certificate it has for the name")
	fs.BoolVar(&f.probePath, "probe-path", false, "show who makes certificates on demand: ask each address for invented names, for none, and again (4 more connections, 7 through a proxy)")
	fs.UintSliceVar(&f.comparePorts, "compare-port", nil, "with --probe-path, count the hops to `PORT` of the same address, too (repeatable; default 80 and 1)")
	fs.StringArrayVar(&f.via, "via", nil, "dial through the proxy `URL`: socks5://, http://, ssh:// by your ssh, or direct (repeatable: one vantage each, compared)")
	fs.StringVar(&f.sshConfig, "ssh-config", "", "have ssh read `FILE` for --via ssh:// (default: your ~/.ssh/config and the system's)")
	fs.BoolVar(&f.fast, "fast", false, "stop TLS 1.2 handshakes once the server has proven its key")
	fs.IntVar(&f.concurrency, "concurrency", 64, "audit `N` targets at once")
	fs.Float64Var(&f.rate, "rate", 0, "open at most `N` connections a second (0: no limit)")
	fs.DurationVar(&f.timeout, "timeout", 10*time.Second, "give up on each stage of a connection after this `TIME`")
	fs.IntVar(&f.retries, "retries", 1, "try `N` times more after a failure that may pass")
	fs.BoolVar(&f.allowUnreachable, "allow-unreachable", false, "do not count targets as incomplete that nobody can connect to")
}

// Env looks up an environment variable, as os.LookupEnv does.
type Env func(name string) (string, bool)

// Config merges flags, environment and file and checks the result. All problems
// are reported together.
func (f *Flags) Config(env Env) (*Config, error) {
	given, empty, said := f.given(), f.emptied(), f.said()
	if err := f.merge(env); err != nil {
		return nil, err
	}
	c := &Config{
		Lists: f.lists, Port: f.port, Resolve: f.resolve, Resolver: f.resolver, AllAddresses: f.allAddresses, EveryHello: f.everyHello, ProbePath: f.probePath, Fast: f.fast,
		ComparePorts: f.ports(), Evidence: f.evidence, Roots: f.roots, Known: f.known, StorePasswords: f.storePasswords, CAData: f.caData, LogList: f.logList, KnownKeys: f.knownKeys, Rules: f.rules, Only: f.only, Skip: f.skip,
		Waivers: f.waivers, Baseline: f.baseline, Concurrency: f.concurrency, Rate: f.rate, Timeout: f.timeout,
		Retries: f.retries, AllowUnreachable: f.allowUnreachable, ExitZero: f.exitZero,
		Color: Color(f.color), Quiet: f.quiet, Verbose: f.verbose,
	}
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	c.Said, c.AllowPrivateURLs = said, f.privateURLs
	c.Store, c.Data = f.store, f.data
	c.Logs, c.Contact = f.logs, f.contact
	c.Inventory, c.FailOnSaid = f.inventory, f.fs.Changed("fail-on")
	check(empty)
	var err error
	c.Programs, err = parsePrograms(f.programs)
	check(err)
	c.Outputs, err = parseOutputs(f.format, f.output, f.reports, f.formats, f.evidence)
	check(err)
	c.Via, err = parseVia(f.via)
	check(err)
	c.Name, err = parseName("name", f.name)
	check(err)
	c.SNI, err = parseName("sni", f.sni)
	check(err)
	c.SSHConfig = f.sshConfig
	if c.Severity, err = finding.ParseSeverity(f.severity); err != nil {
		var words []string
		for _, s := range finding.Severities {
			words = append(words, s.String())
		}
		check(Meant(err, f.severity, words))
	}
	c.FailOn, err = ParseFailOn(f.failOn)
	check(err)
	if f.at != "" {
		c.At, err = parseTime(f.at)
		check(err)
	}
	c.Online, err = f.resolveOnline(given)
	check(err)
	c.Cache, c.CacheOnly = f.cache, f.cache != "" && f.offline && c.Online == 0
	c.Follow, err = parseFollow(f.follow)
	check(err)
	c.MailDomain, err = parseMailDomain(f.mailDomain)
	check(err)
	check(f.ranges())
	if len(errs) == 0 {
		check(f.idle(c))
	}
	c.Unused = f.unused(c)
	if c.Color == Auto && NoColor(env) {
		c.Color = Never
	}
	return c, errors.Join(errs...)
}

// NoColor says whether the environment asks for text without colour: NO_COLOR is
// set to anything but nothing (https://no-color.org), or the terminal is a dumb one.
func NoColor(env Env) bool {
	no, _ := env("NO_COLOR")
	term, _ := env("TERM")
	return no != "" || term == "dumb"
}

// ranges checks the values that have no parser of their own.
func (f *Flags) ranges() error {
	var errs []error
	if colors := []string{"auto", "always", "never"}; !slices.Contains(colors, f.color) {
		errs = append(errs, Meant(fmt.Errorf("unknown --color %q (want auto, always or never)", f.color), f.color, colors))
	}
	if f.quiet && f.verbose {
		errs = append(errs, errors.New("--quiet and --verbose exclude each other"))
	}
	if f.concurrency < 1 || f.concurrency > maxConcurrency {
		errs = append(errs, fmt.Errorf("--concurrency %d is out of range (1 to %d)", f.concurrency, maxConcurrency))
	}
	if f.timeout <= 0 {
		errs = append(errs, fmt.Errorf("--timeout %v is not a positive time", f.timeout))
	}
	if len(f.comparePorts) > maxComparePorts || slices.ContainsFunc(f.comparePorts, func(p uint) bool { return p == 0 || p > math.MaxUint16 }) {
		errs = append(errs, fmt.Errorf("--compare-port takes %d ports at most, of 1 to %d", maxComparePorts, math.MaxUint16))
	}
	if f.fs.Changed("port") && f.port == 0 {
		errs = append(errs, fmt.Errorf("--port 0 is out of range (1 to %d)", math.MaxUint16))
	}
	if f.retries < 0 || f.rate < 0 {
		errs = append(errs, errors.New("--retries and --rate cannot be negative"))
	}
	return errors.Join(errs...)
}

// emptied says which flags were given nothing. That is what "--at $TIME" comes to
// where nothing sets the variable: the run would judge by something else than was
// meant, or write its report nowhere, and seem to be right. Call it before merge:
// in the environment and in files nothing means what it is without them.
func (f *Flags) emptied() error {
	var errs []error
	f.fs.Visit(func(flag *pflag.Flag) {
		if flag.Value.Type() == "string" && flag.Value.String() == "" {
			errs = append(errs, fmt.Errorf("--%s is empty: name something, or leave it out", flag.Name))
		}
	})
	return errors.Join(errs...)
}

// maxComparePorts keeps a scan from knocking at every port of its targets.
const maxComparePorts = 4

// ports are those of --compare-port; ranges has looked at them.
func (f *Flags) ports() (out []uint16) {
	for _, p := range f.comparePorts {
		out = append(out, uint16(p)) //nolint:gosec // see ranges
	}
	return out
}

// parseName takes a name as it is asked for, odd ones, too. It refuses what can be
// no name at all, such as an URL: no certificate is valid for it, and a mistake in
// the command would accuse each one.
func parseName(flag, text string) (string, error) {
	name, err := target.ASCII(text)
	if err != nil {
		return "", fmt.Errorf("cannot read --%s: %w", flag, err)
	}
	if _, err := netip.ParseAddr(name); err != nil && strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/:@,?#[]", r) }) {
		return "", fmt.Errorf("--%s %q is no name (want a host such as example.org, or an address)", flag, text)
	}
	return name, nil
}

// parseMailDomain takes a domain in the form that targets have.
func parseMailDomain(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	spec, err := target.Parse("smtp://"+text, target.Defaults{})
	if err != nil {
		return "", fmt.Errorf("cannot read --mail-domain: %w", err)
	}
	for t := range spec.All() {
		if t.IsIP() || t.Port != 25 || strings.ContainsAny(text, ":/") {
			break
		}
		return t.Host, nil
	}
	return "", fmt.Errorf("--mail-domain %q is no domain (want a name such as example.org)", text)
}

// maxConcurrency keeps a run within the file descriptors that systems grant.
const maxConcurrency = 10_000
