package sensorlog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/certassay/certassay/internal/evidence"
)

// Read reads a log of a kind that [Kind] tells and emits what it shows: a
// subject for each server, name and chain, or each certificate of an x509.log,
// in the order met, and at the end one without certificates that says what could
// not be checked. path names it. beside opens another file of the same
// directory; nil where there is none. The error is that of the context.
func Read(ctx context.Context, kind Log, path string, in io.Reader, beside func(name string) (io.ReadCloser, error), emit func(*evidence.Subject)) error {
	l := &log{ctx: ctx, path: path, emit: emit, known: map[string]bool{}}
	in = stopping{ctx, in}
	var err error
	switch kind {
	case ZeekX509:
		seen := map[string]bool{}
		err = l.certificates(in, nil, func(der []byte, at time.Time) {
			if sum := fingerprint(der); !seen[sum] && len(seen) < MaxObservations {
				seen[sum] = true
				l.number++
				l.emit(&evidence.Subject{ID: fmt.Sprintf("%s#%d", path, l.number), Target: path, Kind: evidence.Certificate,
					Certificates: []evidence.DER{der}, Seen: at})
			} else if !seen[sum] {
				l.full = true
			}
		})
	case ZeekSSL:
		err = l.connections(in, l.x509(path, beside))
	case SuricataEVE:
		err = l.events(in)
	}
	if err != nil && ctx.Err() == nil {
		l.fail("the log cannot be read to its end: "+err.Error(), "what came before was used")
		err = nil
	}
	l.remainder(kind)
	return err
}

// stopping is a reader that ends with a context.
type stopping struct {
	ctx context.Context
	in  io.Reader
}

func (s stopping) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, fmt.Errorf("reading a log: %w", context.Cause(s.ctx))
	}
	return s.in.Read(b)
}

// A log is the reading of one.
type log struct {
	ctx    context.Context
	path   string
	emit   func(*evidence.Subject)
	known  map[string]bool
	number int
	kept   int
	full   bool

	broken   int // lines
	without  int // certificates that are logged without their bytes
	named    int // connections whose certificates are only named
	hidden   int // connections without certificates: TLS 1.3, continued
	failures []evidence.Failure
}

// An observation is a chain that a record ties to a server.
type observation struct {
	by, server, client, name string
	seen                     time.Time
	chain                    [][]byte
	missing                  int
}

// x509 reads the certificates that the x509.log beside an ssl.log holds.
func (l *log) x509(path string, beside func(string) (io.ReadCloser, error)) map[string][]byte {
	known := map[string][]byte{}
	at := strings.LastIndexByte(path, '/') + 1
	name := strings.Replace(path[at:], "ssl", "x509", 1)
	if beside == nil || name == path[at:] {
		return known
	}
	f, err := beside(name)
	if err != nil {
		return known
	}
	defer f.Close()
	head := bufio.NewReaderSize(f, Prefix)
	if start, _ := head.Peek(Prefix); Kind(start) != ZeekX509 {
		return known
	}
	other := &log{ctx: l.ctx}
	if err := other.certificates(stopping{l.ctx, head}, known, nil); err != nil {
		l.fail("reading "+name+" beside it: "+err.Error(), "")
	}
	return known
}

func (l *log) add(o *observation) {
	sum := sha256.New()
	for _, der := range o.chain {
		one := sha256.Sum256(der)
		sum.Write(one[:])
	}
	key := o.server + "|" + o.name + "|" + string(sum.Sum(nil))
	if l.known[key] || l.ctx.Err() != nil {
		return
	}
	if len(l.known) >= MaxObservations {
		l.full = true
		return
	}
	l.known[key] = true
	l.emit(l.subject(o))
}

func (l *log) subject(o *observation) *evidence.Subject {
	l.number++
	name := printable(o.name)
	s := &evidence.Subject{
		ID: fmt.Sprintf("%s#%d %s", l.path, l.number, o.server), Target: strings.TrimSuffix(fmt.Sprintf("%s#%d %s", l.path, l.number, name), " "),
		Kind: evidence.Endpoint, Name: name, Protocol: "tls", Address: o.server, Vantage: o.by + " log of " + address(o.client), Seen: o.seen,
	}
	for _, der := range o.chain {
		s.Certificates = append(s.Certificates, der)
	}
	if o.missing > 0 {
		s.Failures = []evidence.Failure{{Stage: evidence.StageDecode, Error: fmt.Sprintf("%d more certificates of the chain are not in the log, or cannot be read", o.missing)}}
	}
	return s
}

func (l *log) fail(text, hint string) {
	l.failures = append(l.failures, evidence.Failure{Stage: evidence.StageDecode, Error: l.path + ": " + text, Hint: hint})
}

// Hints for the logs of each sensor.
const (
	hintZeek     = `let Zeek load policy/protocols/ssl/log-certs-base64, and keep x509.log beside ssl.log`
	hintSuricata = `add "certificate" and "chain" to the custom fields of Suricata's tls logger`
	hintScan     = `audit those servers with "certassay scan"`
)

// remainder says what could not be checked.
func (l *log) remainder(kind Log) {
	hint := hintZeek
	if kind == SuricataEVE {
		hint = hintSuricata
	}
	if l.without > 0 {
		l.fail(fmt.Sprintf("%d certificates are logged without their bytes, as names and dates only: they could not be checked", l.without), hint)
	}
	if l.named > 0 {
		l.fail(fmt.Sprintf("%d TLS connections are logged with names or hashes of certificates only: they could not be checked", l.named), hint)
	}
	if l.hidden > 0 {
		l.fail(fmt.Sprintf("%d TLS connections are logged without certificates, being of TLS 1.3 or continued: they could not be checked", l.hidden), hintScan)
	}
	if l.broken > 0 {
		l.fail(fmt.Sprintf("%d lines cannot be read", l.broken), "")
	}
	if l.full {
		l.fail(fmt.Sprintf("more than %d different chains or certificates: the rest was left out", MaxObservations), "split the log")
	}
	if l.number == 0 && len(l.failures) == 0 {
		l.fail("there is no certificate in this log", hint)
	}
	if len(l.failures) > 0 {
		l.emit(&evidence.Subject{ID: l.path, Target: l.path, Kind: evidence.Chain, Failures: l.failures})
	}
}

// errLine says that a line has no end.
var errLine = errors.New("a line is longer than 4 MiB")

// lines gives the lines of a log that are not empty.
func lines(in io.Reader, do func([]byte) bool) error {
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxLine)
	for s.Scan() {
		line := bytes.TrimRight(bytes.TrimPrefix(s.Bytes(), []byte("\ufeff")), "\r")
		if len(bytes.TrimSpace(line)) > 0 && !do(line) {
			return nil
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return errLine
	}
	return s.Err()
}

func decoded(text string) ([]byte, bool) {
	text = strings.TrimSpace(text)
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		der, err = base64.RawStdEncoding.DecodeString(text)
	}
	return der, err == nil && len(der) > 0
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// join gives address and port, or nothing where they are none.
func join(addr, port string) string {
	a, err := netip.ParseAddr(addr)
	p, err2 := strconv.ParseUint(port, 10, 16)
	if err != nil || err2 != nil {
		return ""
	}
	return netip.AddrPortFrom(a.WithZone(""), uint16(p)).String()
}

func address(text string) string {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.WithZone("").String()
	}
	return "an unknown client"
}

// printable is a server name that can be one; anything else is none.
func printable(name string) string {
	if len(name) > 253 || strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) || r == ' ' }) {
		return ""
	}
	return strings.TrimSuffix(name, ".")
}
