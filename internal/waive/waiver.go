package waive

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/certassay/certassay/internal/finding"
)

// A Waiver is one entry of a waivers file, checked. It is safe for concurrent
// use.
type Waiver struct {
	Rule    string // id, after [List.Resolve] the current one
	Match   Match
	Reason  string
	Owner   string
	Expires time.Time // midnight UTC of its last day
	// Place is where it stands, "waivers.yaml:4:3".
	Place string

	used atomic.Bool
	wide atomic.Bool // it met a finding that an endpoint cannot stand for
	src  *source
	line int
	col  int
}

// A Match is the one identity that a waiver is for; exactly one field is set.
type Match struct {
	SPKI        string // "sha256/" and base64, of the key of the certificate that the finding is about
	Certificate string // "sha256:" and hex, of the certificate that the finding is about
	Fingerprint string // "v1:…", of the finding itself
	// Endpoint is "host:port", name or address. It stands for what is found of the
	// server itself, and for what accuses nobody. A finding that accuses a
	// certificate it does not cover: whoever answers there next has another one,
	// and would be accepted with it.
	Endpoint string
}

// String gives the identity as it is written in a file.
func (m Match) String() string {
	switch {
	case m.SPKI != "":
		return "spki " + m.SPKI
	case m.Certificate != "":
		return "certificate " + m.Certificate
	case m.Fingerprint != "":
		return "fingerprint " + m.Fingerprint
	}
	return "endpoint " + m.Endpoint
}

// An Identity is what waivers of one subject are matched against. The zero value
// matches fingerprints only.
type Identity struct {
	// Endpoints are the subject's host:port forms, by name and by address.
	Endpoints []string
	// Leaf is the hash of its leaf, "sha256:…". Findings about the subject as a
	// whole are taken to be about the leaf.
	Leaf string
	// SPKI gives, by certificate hash, the hash of the key, "sha256/…".
	SPKI map[string]string
}

// covers says whether the identity of the waiver is that of a finding. What is
// not known matches nothing.
func (m Match) covers(id Identity, f *finding.Finding) bool {
	cert := f.Certificate
	if cert == "" {
		cert = id.Leaf
	}
	switch {
	case m.SPKI != "":
		return cert != "" && id.SPKI[cert] == m.SPKI
	case m.Certificate != "":
		return cert == m.Certificate
	case m.Fingerprint != "":
		return f.Fingerprint == m.Fingerprint
	case m.Endpoint != "":
		return m.at(id) && !m.tooWide(f)
	}
	return false
}

// at says whether a subject is at the endpoint.
func (m Match) at(id Identity) bool {
	return m.Endpoint != "" && slices.ContainsFunc(id.Endpoints, func(text string) bool {
		e, err := endpoint(text)
		return err == nil && e == m.Endpoint
	})
}

// tooWide says that the finding accuses a certificate and the waiver names none.
func (m Match) tooWide(f *finding.Finding) bool {
	return m.Endpoint != "" && f.Certificate != "" && (f.Class.Accuses() || f.Class == finding.CompromisedKey)
}

// Expired says whether the waiver's last day, in UTC, is over.
func (w *Waiver) Expired(at time.Time) bool { return !at.Before(w.Expires.AddDate(0, 0, 1)) }

var (
	errSPKI        = errors.New(`want "sha256/" and the base64 of 32 bytes, as in pins`)
	errCertificate = errors.New(`want "sha256:" and 64 lower-case hexadecimal digits`)
	errFingerprint = errors.New(`want "v1:" and 32 lower-case hexadecimal digits, as in the report`)
	errEndpoint    = errors.New(`want "host:port" or "[address]:port"`)
)

func checkSPKI(s string) (string, error) {
	b64, ok := strings.CutPrefix(s, "sha256/")
	b, err := base64.StdEncoding.Strict().DecodeString(b64)
	if !ok || err != nil || len(b) != 32 {
		return "", errSPKI
	}
	return s, nil
}

func checkHex(s, prefix string, size int, bad error) (string, error) {
	digits, ok := strings.CutPrefix(s, prefix)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != size || digits != strings.ToLower(digits) {
		return "", bad
	}
	return s, nil
}

var hostForm = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// endpoint gives the one form of a host and port: lower case, addresses in their
// shortest form, no final dot.
func endpoint(s string) (string, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil && ap.Port() > 0 && ap.Addr().Zone() == "" {
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String(), nil
	}
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return "", errEndpoint
	}
	host, port := strings.TrimSuffix(strings.ToLower(s[:at]), "."), s[at+1:]
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port || len(host) > 253 || !hostForm.MatchString(host) {
		return "", errEndpoint
	}
	return host + ":" + port, nil
}

// A List is the waivers of a run. Its zero value waives nothing. It is safe for
// concurrent use after [List.Resolve].
type List struct {
	waivers []*Waiver
}

// All lists the waivers in the order written.
func (l *List) All() []*Waiver { return l.waivers }

// Resolve replaces every waiver's rule by the current id that canonical gives
// for it, so that old ids keep working, and reports rules that are unknown. Call
// it once, before [List.Apply].
func (l *List) Resolve(canonical func(string) (string, error)) error {
	var errs []error
	for _, w := range l.waivers {
		id, err := canonical(w.Rule)
		if err != nil {
			errs = append(errs, w.src.error(w.line, w.col, `"certassay rules list" shows all`, "%v", err))
			continue
		}
		w.Rule = id
	}
	return errors.Join(errs...)
}

// Apply marks the findings of one subject that an unexpired waiver covers. Where
// two do, the one that lasts longer is named and both count as used.
func (l *List) Apply(id Identity, findings []finding.Finding, at time.Time) {
	for i := range findings {
		f := &findings[i]
		var best *Waiver
		for _, w := range l.waivers {
			if w.Rule != f.Rule || w.Expired(at) {
				continue
			}
			if !w.Match.covers(id, f) {
				if w.Match.at(id) && w.Match.tooWide(f) {
					w.wide.Store(true)
				}
				continue
			}
			w.used.Store(true)
			if best == nil || w.Expires.After(best.Expires) {
				best = w
			}
		}
		if best != nil {
			f.Waiver = &finding.Waiver{Reason: best.Reason, Owner: best.Owner, Expires: best.Expires.Format(time.DateOnly)}
		}
	}
}

// Expired lists the waivers that have stopped working.
func (l *List) Expired(at time.Time) []*Waiver {
	return l.filter(func(w *Waiver) bool { return w.Expired(at) })
}

// Unused lists the waivers that still work and covered nothing so far: what they
// were for is gone, or they do not say what their owner thinks.
func (l *List) Unused(at time.Time) []*Waiver {
	return l.filter(func(w *Waiver) bool { return !w.Expired(at) && !w.used.Load() })
}

// TooWide says that the waiver names a server and not the certificate that its rule
// accuses there, so that it covers nothing; see [Match.Endpoint].
func (w *Waiver) TooWide() bool { return w.wide.Load() }

func (l *List) filter(keep func(*Waiver) bool) []*Waiver {
	var out []*Waiver
	for _, w := range l.waivers {
		if keep(w) {
			out = append(out, w)
		}
	}
	return out
}

// Join gives one list of several, as from a file and an inventory.
func Join(lists ...*List) *List {
	out := new(List)
	for _, l := range lists {
		if l != nil {
			out.waivers = append(out.waivers, l.waivers...)
		}
	}
	return out
}

// String names the waiver for a person: where it stands and what it is for.
func (w *Waiver) String() string {
	return fmt.Sprintf("%s: waiver of %s for %s, until %s (%s)", w.Place, w.Rule, w.Match, w.Expires.Format(time.DateOnly), w.Owner)
}
