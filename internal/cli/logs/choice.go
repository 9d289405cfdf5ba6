package logs

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
)

// Help explains how logs are named.
const Help = `A log is named by its address, its id or a part of its name, as "certassay ct
logs" shows them. --log URL=KEY adds one that is in no list: KEY is its public
key, in base64 or as the name of a file in PEM or DER; the protocol is found out.
file://DIR=KEY reads a directory of tiles. Only a log that is added so may have a
private address. Nobody but the chosen logs is contacted.`

// A Choice is a log that was chosen. own says that the user gave its key.
type Choice struct {
	Log     *ct.Log
	Address string // of an own log, whose protocol is found out
	Own     bool
}

// Open prepares to read the log. For one whose protocol is unknown it asks.
func (ch *Choice) Open(ctx context.Context, f *Flags) (ctlog.Source, error) {
	o := f.Options(ch.Own)
	if ch.Own {
		log, err := ctlog.Detect(ctx, ch.Log.Name, ch.Address, ch.Log.Key, o)
		if err != nil {
			return nil, err
		}
		ch.Log = log
	}
	return ctlog.Open(ch.Log, o)
}

// Choose gives the logs that the user named, in order and each once; without any
// those of known that all says.
func (f *Flags) Choose(known *ct.LogList, all func(*ct.Log) bool) (out []*Choice, err error) {
	var errs []error
	for _, text := range f.Logs {
		found, err := Pick(known, text)
		if err != nil {
			errs = append(errs, err)
		}
		for _, ch := range found {
			if !slices.ContainsFunc(out, func(x *Choice) bool { return x.Log.ID == ch.Log.ID && x.Own == ch.Own }) {
				out = append(out, ch)
			}
		}
	}
	if len(f.Logs) == 0 {
		for _, log := range known.Logs() {
			if all(log) {
				out = append(out, &Choice{Log: log})
			}
		}
	}
	return out, errors.Join(errs...)
}

// Pick reads one --log.
func Pick(known *ct.LogList, text string) ([]*Choice, error) {
	if i := strings.Index(text, "://"); i >= 0 {
		if address, key, ok := strings.Cut(text[i:], "="); ok {
			ch, err := ownLog(text[:i]+address, key)
			if err != nil {
				return nil, err
			}
			return []*Choice{ch}, nil
		}
	}
	var out []*Choice
	for _, log := range known.Logs() {
		if namesLog(log, text) {
			out = append(out, &Choice{Log: log})
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

func ownLog(address, key string) (*Choice, error) {
	spki, err := readLogKey(key)
	if err != nil {
		return nil, err
	}
	log := ct.NewLog(strings.TrimSuffix(address, "/"), spki, true, "", address)
	if err := log.CheckKey(); err != nil {
		return nil, fmt.Errorf("--log %s: %w", address, err)
	}
	return &Choice{Log: log, Address: address, Own: true}, nil
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

// Approved are the logs that browsers accept now and that can be asked.
func Approved(log *ct.Log) bool {
	return log.StateAt(audit.Now()).Approved() && (log.URL != "" || log.Monitor != "")
}

// ErrNone says that nothing was chosen.
var ErrNone = errors.New("no log was chosen")

// One is what a command that asks a single log chose.
func One(choices []*Choice, text string) (*Choice, error) {
	if len(choices) == 1 {
		return choices[0], nil
	}
	var names []string
	for _, ch := range choices[:min(len(choices), 8)] {
		names = append(names, ch.Log.Name)
	}
	return nil, hint.With(fmt.Errorf("%q names %d logs", text, len(choices)), "say which: "+strings.Join(names, "; "))
}
