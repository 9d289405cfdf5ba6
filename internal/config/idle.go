package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/spf13/pflag"
)

// An Idle flag was given on the command line and has nothing to do there: whoever
// wrote it believes that it does. Environment and file set options for every
// command, so that theirs are never idle.
type Idle struct {
	Flag string // without dashes
	// Why is a clause, Tip what a person can do.
	Why, Tip string
}

// Error says what has no effect, and why.
func (e *Idle) Error() string { return fmt.Sprintf("--%s has no effect: %s", e.Flag, e.Why) }

// Hint says what a person can do.
func (e *Idle) Hint() string { return e.Tip }

// said lists the flags that stand on the command line. It has to be asked before
// environment and file are merged, which set flags, too.
func (f *Flags) said() (names []string) {
	f.fs.Visit(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}

// idle refuses flags that nothing asks for, as the others stand. It is for what
// cannot be meant so: a question that is not asked, an answer that is not kept. Who
// says --offline knows that nobody is asked.
func (f *Flags) idle(c *Config) error {
	fetched := OnlineAIA | OnlineOCSP | OnlineCRL
	ssh := slices.ContainsFunc(c.Via, func(u *url.URL) bool { return u != nil && u.Scheme == "ssh" })
	var errs []error
	for _, x := range []struct {
		flag     string
		idle     bool
		why, tip string
	}{
		{"contact", f.which.Logs && !c.Online.Has(OnlineCT) && !f.offline, "no CT log is asked", "add --online ct, or leave it out"},
		{"cache", c.Asks()&fetched == 0, "nothing is fetched that it could keep", "add --online aia,ocsp,crl, or --offline to take earlier answers from it"},
		{"allow-private-urls", c.Asks() == 0 && !f.offline, "nobody is asked whom a certificate names", "add --online aia,ocsp,crl, or leave it out"},
		{"resolver", !f.which.Network && !c.Online.Has(OnlineDNS), "no name is looked up", "add --online dns, or leave it out"},
		{"compare-port", f.which.Network && !c.ProbePath, "hops are counted with --probe-path alone", "add --probe-path, or leave it out"},
		{"mail-domain", f.which.Network && !c.Online.Has(OnlineDNS), "no policy of a domain is looked up", "add --online dns, or leave it out"},
		{"ssh-config", !f.hides("ssh-config") && !f.which.Inventory && !ssh, "ssh is not used", "add --via ssh://HOST, or leave it out"},
	} {
		if x.idle && slices.Contains(c.Said, x.flag) {
			errs = append(errs, &Idle{x.flag, x.why, x.tip})
		}
	}
	return errors.Join(errs...)
}

// misleading are the flags of networkFlags that say where and how to look: who gives
// one to a command that dials nobody takes its answer for one of there. The others
// say how fast.
var misleading = []string{"port", "sni", "resolve", "all-addresses", "every-hello", "probe-path", "compare-port", "via", "ssh-config", "follow", "mail-domain"}

// unused are flags that a command takes for the sake of those that use them. They
// are told and not refused: one set of options serves every command.
func (f *Flags) unused(c *Config) (out []*Idle) {
	for _, name := range misleading {
		if !f.which.Network && f.hides(name) && slices.Contains(c.Said, name) {
			out = append(out, &Idle{name, "no target is dialled here", "leave it out, or look at the server: certassay scan"})
		}
	}
	return out
}

func (f *Flags) hides(name string) bool { return f.fs.Lookup(name).Hidden }
