package cli

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/fetched"
	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/noun"
	"github.com/certassay/certassay/internal/cli/version"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/collect/sshjump"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
)

func (c *command) newCT() *cobra.Command {
	return noun.New("ct", "Read and search Certificate Transparency logs", c.ctLogs(), c.ctSearch(), c.ctWatch(), c.ctProve(), c.ctEntry())
}

const ctExitHelp = `Exit codes:
  0    everything asked for was read and verified
  1    a log contradicts what it signed, or an SCT is not genuine (prove only)
  2    wrong command line; nothing was contacted
  3    incomplete: something could not be read or verified
  4    the run failed
  130  interrupted`

const ctLogHelp = `A log is named by its address, its id or a part of its name, as "certassay ct
logs" shows them. --log URL=KEY adds one that is in no list: KEY is its public
key, in base64 or as the name of a file in PEM or DER; the protocol is found out.
file://DIR=KEY reads a directory of tiles. Only a log that is added so may have a
private address. Nobody but the chosen logs is contacted.`

// ctFlags are the flags that the commands about logs share.
type ctFlags struct {
	logList, format, contact string
	data                     string // directory of fetched data
	logs                     []string
	concurrency              int // tiles at once; no flag
	retries                  int // 0 is the default of package ctlog; no flag
	rate                     float64
	timeout                  time.Duration
	via, sshConfig           string
	proxy                    *url.URL       // of via; nil asks directly
	jump                     *sshjump.Proxy // in place of proxy
	dataTiles                bool           // of RFC 6962 logs
}

func (f *ctFlags) bind(fs *pflag.FlagSet, formats string) {
	fs.StringVar(&f.logList, "log-list", "", "also know the logs of the v3 list in `FILE`")
	fs.StringVar(&f.data, "data", "", "also know the logs of the list that \"data update\" fetched to `DIR`")
	fs.StringVarP(&f.format, "format", "f", "text", "output format: "+formats)
	fs.Float64Var(&f.rate, "rate", 10, "requests a second to one log")
	fs.DurationVar(&f.timeout, "timeout", 30*time.Second, "time for one request")
	fs.StringVar(&f.via, "via", "", "ask the logs through the proxy `URL`: "+viaHelp)
	fs.StringVar(&f.sshConfig, "ssh-config", "", "have ssh read `FILE` for --via ssh:// (default: your ~/.ssh/config and the system's)")
	f.bindLogs(fs)
}

// bindLogs defines the flags that say which logs are asked, and as whom.
func (f *ctFlags) bindLogs(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.logs, "log", nil, "the `LOG`, or URL=KEY, to ask (repeatable)")
	fs.StringVar(&f.contact, "contact", "", "`MAIL` or address of yours, told to the logs: they slow down strangers")
}

// bindTiles defines --data-tiles, for commands that read many entries.
func (f *ctFlags) bindTiles(fs *pflag.FlagSet) {
	fs.BoolVar(&f.dataTiles, "data-tiles", false, "read RFC 6962 logs through data tiles where they serve such: less traffic, and some logs answer sooner")
}

// viaHelp are the ways to the logs.
const viaHelp = "socks5://, http://, https://, or ssh:// by your ssh"

// check refuses values before anything is read or contacted.
func (f *ctFlags) check(c *command, formats ...string) error {
	if !slices.Contains(formats, f.format) {
		return config.Meant(fmt.Errorf("unknown format %q (want %s)", f.format, strings.Join(formats, ", ")), f.format, formats)
	}
	if f.via != "" {
		via, err := config.ParseVantage(f.via)
		if err != nil {
			return err
		}
		if err := f.goVia(c, via); err != nil {
			return err
		}
	}
	return f.checkLogs()
}

// goVia takes over the way to the logs; nil is the direct one.
func (f *ctFlags) goVia(c *command, via *url.URL) (err error) {
	if !call.IsSSH(via) {
		f.proxy = via
		return nil
	}
	f.jump, err = c.Jumps.Open(via, f.sshConfig, f.timeout)
	return err
}

// vantage is where the logs are asked from.
func (f *ctFlags) vantage() string {
	switch {
	case f.jump != nil:
		return f.jump.Name()
	case f.proxy != nil:
		return f.proxy.Redacted()
	}
	return "direct"
}

// known gives the logs that are known.
func (f *ctFlags) known() (*ct.LogList, error) {
	if f.data != "" {
		if err := fetched.Check(f.data); err != nil {
			return nil, err
		}
	}
	list, _, err := fetched.KnownLogs(f.logList, f.data)
	return list, err
}

// checkLogs refuses values of the flags that all commands about logs have.
func (f *ctFlags) checkLogs() error {
	switch {
	case !(f.rate > 0 && f.rate <= 1000):
		return errors.New("--rate has to be above 0 and at most 1000")
	case f.timeout <= 0:
		return errors.New("--timeout has to be above 0")
	case strings.ContainsFunc(f.contact, func(r rune) bool { return r < ' ' || r > '~' || r == '(' || r == ')' }):
		return errors.New("--contact has characters that no header may have")
	}
	return nil
}

func (f *ctFlags) options(private bool) ctlog.Options {
	agent := "certassay/" + version.String()
	if f.contact != "" {
		agent += " (" + f.contact + ")"
	}
	o := ctlog.Options{UserAgent: agent, Timeout: f.timeout, Rate: f.rate, Concurrency: f.concurrency, Retries: f.retries, Private: private, Via: f.proxy, Tiles: f.dataTiles}
	if f.jump != nil {
		o.Dial = f.jump.DialContext
	}
	return o
}

// A ctChoice is a log that was chosen. own says that the user gave its key.
type ctChoice struct {
	log     *ct.Log
	address string // of an own log, whose protocol is found out
	own     bool
}

// open prepares to read the log. For one whose protocol is unknown it asks.
func (ch *ctChoice) open(ctx context.Context, f *ctFlags) (ctlog.Source, error) {
	o := f.options(ch.own)
	if ch.own {
		log, err := ctlog.Detect(ctx, ch.log.Name, ch.address, ch.log.Key, o)
		if err != nil {
			return nil, err
		}
		ch.log = log
	}
	return ctlog.Open(ch.log, o)
}

// choose gives the logs that the user named, in order and each once; without any
// those of known that all says.
func (f *ctFlags) choose(known *ct.LogList, all func(*ct.Log) bool) (out []*ctChoice, err error) {
	var errs []error
	for _, text := range f.logs {
		found, err := pickLogs(known, text)
		if err != nil {
			errs = append(errs, err)
		}
		for _, ch := range found {
			if !slices.ContainsFunc(out, func(x *ctChoice) bool { return x.log.ID == ch.log.ID && x.own == ch.own }) {
				out = append(out, ch)
			}
		}
	}
	if len(f.logs) == 0 {
		for _, log := range known.Logs() {
			if all(log) {
				out = append(out, &ctChoice{log: log})
			}
		}
	}
	return out, errors.Join(errs...)
}

// pickLogs reads one --log.
func pickLogs(known *ct.LogList, text string) ([]*ctChoice, error) {
	if i := strings.Index(text, "://"); i >= 0 {
		if address, key, ok := strings.Cut(text[i:], "="); ok {
			ch, err := ownLog(text[:i]+address, key)
			if err != nil {
				return nil, err
			}
			return []*ctChoice{ch}, nil
		}
	}
	var out []*ctChoice
	for _, log := range known.Logs() {
		if namesLog(log, text) {
			out = append(out, &ctChoice{log: log})
		}
	}
	if len(out) == 0 {
		return nil, hint.With(fmt.Errorf("no log is known as %q", text), "\"certassay ct logs --all\" lists the logs; --log URL=KEY adds one")
	}
	return out, nil
}

// namesLog says whether the text is the log's address or id, or part of its name.
func namesLog(log *ct.Log, text string) bool {
	if text == "" {
		return false
	}
	for _, exact := range []string{log.URL, log.Monitor} {
		if exact != "" && strings.EqualFold(strings.TrimSuffix(exact, "/"), strings.TrimSuffix(text, "/")) {
			return true
		}
	}
	return strings.EqualFold(text, hex.EncodeToString(log.ID[:])) || text == base64.StdEncoding.EncodeToString(log.ID[:]) ||
		strings.Contains(strings.ToLower(log.Name), strings.ToLower(text))
}

func ownLog(address, key string) (*ctChoice, error) {
	spki, err := readLogKey(key)
	if err != nil {
		return nil, err
	}
	log := ct.NewLog(strings.TrimSuffix(address, "/"), spki, true, "", address)
	if err := log.CheckKey(); err != nil {
		return nil, fmt.Errorf("--log %s: %w", address, err)
	}
	return &ctChoice{log: log, address: address, own: true}, nil
}

// maxLogKey bounds a file with a key; one of 4096 bits has 800 bytes in PEM.
const maxLogKey = 64 << 10

// readLogKey reads a key from the command line, in base64, or from a file.
func readLogKey(key string) ([]byte, error) {
	if der, err := base64.StdEncoding.DecodeString(key); err == nil && len(der) > 32 {
		return der, nil
	}
	b, err := given.Bounded(filepath.Clean(key), maxLogKey)
	if err != nil {
		return nil, hint.With(fmt.Errorf("reading log key: %w", err), "KEY is a public key in base64, or a file in PEM or DER")
	}
	if block, _ := pem.Decode(b); block != nil {
		return block.Bytes, nil
	}
	return b, nil
}

// approved are the logs that browsers accept now and that can be asked.
func approved(log *ct.Log) bool {
	return log.StateAt(audit.Now()).Approved() && (log.URL != "" || log.Monitor != "")
}

// writeJSON writes a document as people read it.
func (c *command) writeJSON(v any) error {
	e := json.NewEncoder(c.Streams.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// interruptedOr gives the exit of a run about logs.
func interruptedOr(ctx context.Context, code int) error {
	switch {
	case ctx.Err() != nil:
		return exit.With(exit.Interrupted, hint.With(exit.ErrInterrupted, "what was finished was written"))
	case code == exit.OK:
		return nil
	}
	return exit.With(code, nil)
}

var errNoLog = errors.New("no log was chosen")

// oneLog is what a command that asks a single log chose.
func oneLog(choices []*ctChoice, text string) (*ctChoice, error) {
	if len(choices) == 1 {
		return choices[0], nil
	}
	var names []string
	for _, ch := range choices[:min(len(choices), 8)] {
		names = append(names, ch.log.Name)
	}
	return nil, hint.With(fmt.Errorf("%q names %d logs", text, len(choices)), "say which: "+strings.Join(names, "; "))
}
