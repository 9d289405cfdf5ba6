// Package logs says which Certificate Transparency logs a command asks, and how: the
// flags that all commands about logs share, and the logs that --log chooses among those
// that are known.
package logs

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/fetched"
	"github.com/certassay/certassay/internal/cli/version"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/collect/sshjump"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
)

// Flags are the flags that the commands about logs share. What a command has no flag
// for it may set itself.
type Flags struct {
	LogList string   // file of a list that is known, too
	Data    string   // directory of fetched data
	Logs    []string // that --log names
	Format  string
	Contact string // told to the logs

	Concurrency int // tiles at once; no flag
	Retries     int // 0 is the default of package ctlog; no flag
	Rate        float64
	Timeout     time.Duration
	DataTiles   bool // of RFC 6962 logs

	via       string
	SSHConfig string
	Proxy     *url.URL       // of via; nil asks directly
	Jump      *sshjump.Proxy // in place of Proxy
}

// Bind defines the flags. formats are those of the output, for the help.
func (f *Flags) Bind(fs *pflag.FlagSet, formats string) {
	fs.StringVar(&f.LogList, "log-list", "", "also know the logs of the v3 list in `FILE`")
	fs.StringVar(&f.Data, "data", "", "also know the logs of the list that \"data update\" fetched to `DIR`")
	fs.StringVarP(&f.Format, "format", "f", "text", "output format: "+formats)
	fs.Float64Var(&f.Rate, "rate", 10, "requests a second to one log")
	fs.DurationVar(&f.Timeout, "timeout", 30*time.Second, "time for one request")
	fs.StringVar(&f.via, "via", "", "ask the logs through the proxy `URL`: "+ViaHelp)
	fs.StringVar(&f.SSHConfig, "ssh-config", "", "have ssh read `FILE` for --via ssh:// (default: your ~/.ssh/config and the system's)")
	f.BindLogs(fs)
}

// BindLogs defines the flags that say which logs are asked, and as whom.
func (f *Flags) BindLogs(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.Logs, "log", nil, "the `LOG`, or URL=KEY, to ask (repeatable)")
	fs.StringVar(&f.Contact, "contact", "", "`MAIL` or address of yours, told to the logs: they slow down strangers")
}

// BindTiles defines --data-tiles, for commands that read many entries.
func (f *Flags) BindTiles(fs *pflag.FlagSet) {
	fs.BoolVar(&f.DataTiles, "data-tiles", false, "read RFC 6962 logs through data tiles where they serve such: less traffic, and some logs answer sooner")
}

// ViaHelp are the ways to the logs.
const ViaHelp = "socks5://, http://, https://, or ssh:// by your ssh"

// Check refuses values before anything is read or contacted.
func (f *Flags) Check(c *call.Call, formats ...string) error {
	if !slices.Contains(formats, f.Format) {
		return config.Meant(fmt.Errorf("unknown format %q (want %s)", f.Format, strings.Join(formats, ", ")), f.Format, formats)
	}
	if f.via != "" {
		via, err := config.ParseVantage(f.via)
		if err != nil {
			return err
		}
		if err := f.GoVia(c, via); err != nil {
			return err
		}
	}
	return f.CheckLogs()
}

// GoVia takes over the way to the logs; nil is the direct one.
func (f *Flags) GoVia(c *call.Call, via *url.URL) (err error) {
	if !call.IsSSH(via) {
		f.Proxy = via
		return nil
	}
	f.Jump, err = c.Jumps.Open(via, f.SSHConfig, f.Timeout)
	return err
}

// Vantage is where the logs are asked from.
func (f *Flags) Vantage() string {
	switch {
	case f.Jump != nil:
		return f.Jump.Name()
	case f.Proxy != nil:
		return f.Proxy.Redacted()
	}
	return "direct"
}

// Known gives the logs that are known.
func (f *Flags) Known() (*ct.LogList, error) {
	if f.Data != "" {
		if err := fetched.Check(f.Data); err != nil {
			return nil, err
		}
	}
	list, _, err := fetched.KnownLogs(f.LogList, f.Data)
	return list, err
}

// CheckLogs refuses values of the flags that all commands about logs have.
func (f *Flags) CheckLogs() error {
	switch {
	case !(f.Rate > 0 && f.Rate <= 1000):
		return errors.New("--rate has to be above 0 and at most 1000")
	case f.Timeout <= 0:
		return errors.New("--timeout has to be above 0")
	case strings.ContainsFunc(f.Contact, func(r rune) bool { return r < ' ' || r > '~' || r == '(' || r == ')' }):
		return errors.New("--contact has characters that no header may have")
	}
	return nil
}

// Options are those to read a log with; private lets it have a private address.
func (f *Flags) Options(private bool) ctlog.Options {
	agent := "certassay/" + version.String()
	if f.Contact != "" {
		agent += " (" + f.Contact + ")"
	}
	o := ctlog.Options{UserAgent: agent, Timeout: f.Timeout, Rate: f.Rate, Concurrency: f.Concurrency, Retries: f.Retries, Private: private, Via: f.Proxy, Tiles: f.DataTiles}
	if f.Jump != nil {
		o.Dial = f.Jump.DialContext
	}
	return o
}
