package ctindex

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The kinds of index.
const (
	CrtSh       = "crtsh"
	CertSpotter = "certspotter"
)

// Limits on what one index can hand out, with the attack each one stops.
const (
	// maxAnswer bounds a list or page: an endless one would fill memory.
	maxAnswer = 32 << 20
	// maxCertificate bounds one certificate; the largest honest ones of the Web
	// have some 20 kB.
	maxCertificate = 128 << 10
	// maxID bounds what is sent back to a Cert Spotter as "after".
	maxID = 64
	// maxPages bounds how often an index can say that there is more.
	maxPages = 1000
	// maxBytes bounds all that is kept of what one question brings.
	maxBytes = 64 << 20
	// maxFailures is how many certificates in a row may be refused before the rest
	// is not asked for: an index that is down would be asked thousands of times.
	maxFailures = 3
	// maxRedirects bounds redirects, which stay on the host that was named.
	maxRedirects = 3
)

// Options say how to ask. The zero value of each field means its default.
type Options struct {
	// UserAgent says who asks. Default "certassay".
	UserAgent string
	// Timeout is for one request, Total for all about one domain. Defaults 60 s
	// (crt.sh is slow) and 15 min.
	Timeout, Total time.Duration
	// Pause is the time between requests. Default 1 s, which is what the public
	// indexes stand; negative means none.
	Pause time.Duration
	// Retries is how often a request is repeated after 429 or 5xx. Default 2;
	// negative means never. MaxWait is the longest pause before that, also where
	// Retry-After asks for a longer one: then it fails. Default 60 s.
	Retries int
	MaxWait time.Duration
	// Token is a secret that is sent to a Cert Spotter, as bearer token, and to
	// nobody else; empty sends none. See [Index.TakesToken].
	Token string
	// Via is the proxy that the index is asked through, socks5://, socks5h://,
	// http:// or https://. Dial makes connections in place of this machine; then
	// Via has no say. Default nil: the index is asked directly.
	Via  *url.URL
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Certificates is how many are taken at most for one domain. Default 5000.
	Certificates int
}

func (o Options) withDefaults() Options {
	if o.UserAgent == "" {
		o.UserAgent = "certassay"
	}
	if o.Retries == 0 {
		o.Retries = 2
	}
	if o.Certificates <= 0 {
		o.Certificates = 5000
	}
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{{&o.Timeout, time.Minute}, {&o.Total, 15 * time.Minute}, {&o.MaxWait, time.Minute}} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	return o
}

// An Index is one that a user named. Its String shows the kind and the host alone:
// what else is in the address may be a key.
type Index struct {
	kind string
	base *url.URL
}

// Parse reads KIND=URL. No error repeats the address.
func Parse(text string) (*Index, error) {
	kind, address, found := strings.Cut(text, "=")
	if !found || kind != CrtSh && kind != CertSpotter {
		return nil, errors.New("an index is crtsh=URL or certspotter=URL")
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("the address of the %s index is not one: https:// and a host, without user and fragment", kind)
	}
	return &Index{kind: kind, base: u}, nil
}

// Host is the host and port of the index.
func (x *Index) Host() string { return x.base.Host }

// Origin is the scheme and host of the address.
func (x *Index) Origin() string { return x.base.Scheme + "://" + x.base.Host }

// TakesToken says whether the index knows tokens, and can be sent one that nobody
// on the way reads: by TLS, or on this machine.
func (x *Index) TakesToken() error {
	ip := net.ParseIP(x.base.Hostname())
	switch {
	case x.kind != CertSpotter:
		return fmt.Errorf("the %s takes no token", x)
	case x.base.Scheme != "https" && (ip == nil || !ip.IsLoopback()):
		return fmt.Errorf("the %s is asked without TLS, so that anybody on the way could read the token", x)
	}
	return nil
}

// ID names the index in evidence.
func (x *Index) ID() string { return "ctindex://" + x.kind + "/" + x.base.Host }

// String names the index.
func (x *Index) String() string { return x.kind + " index at " + x.base.Host }

// Find asks for the certificates for a domain; for all below it too where it
// begins with a dot. It gives each once, in the order met. err says what could not
// be had: what is given with it are the rest. Without err it is what the index
// wanted to show, and no more.
func (x *Index) Find(ctx context.Context, domain string, o Options) ([][]byte, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, o.Total, fmt.Errorf("it took longer than %v", o.Total))
	defer cancel()
	q := &query{index: x, options: o, seen: map[[32]byte]bool{}}
	// Proxies are not taken from the environment. Addresses are not held back as
	// those in certificates are: the user named this one.
	transport := &http.Transport{DisableCompression: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10, DialContext: o.Dial}
	if o.Via != nil && o.Dial == nil {
		transport.Proxy = http.ProxyURL(o.Via)
	}
	q.client = &http.Client{Timeout: o.Timeout, Transport: transport, CheckRedirect: sameHost}
	defer q.client.CloseIdleConnections()
	find := q.crtSh
	if x.kind == CertSpotter {
		find = q.certSpotter
	}
	if err := find(ctx, domain); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return q.found, fmt.Errorf("asking the %s for %s: %w", x, domain, err)
	}
	return q.found, nil
}

func sameHost(r *http.Request, via []*http.Request) error {
	if r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme || len(via) > maxRedirects {
		return errors.New("the redirect is not followed")
	}
	return nil
}

// A query is one question about one domain.
type query struct {
	index   *Index
	options Options
	client  *http.Client
	asked   bool
	seen    map[[32]byte]bool
	found   [][]byte
	bytes   int
}

func (q *query) crtSh(ctx context.Context, domain string) error {
	name, tree := strings.CutPrefix(domain, ".")
	patterns := []string{name}
	if tree {
		patterns = append(patterns, "%."+name)
	} else if _, parent, found := strings.Cut(name, "."); found {
		patterns = append(patterns, "*."+parent)
	}
	var first error
	asked, failures := map[uint64]bool{}, 0
	for _, p := range patterns {
		body, err := q.get(ctx, "", url.Values{"q": {p}, "output": {"json"}, "exclude": {"expired"}}, maxAnswer)
		if err != nil {
			return err
		}
		ids, bad := decodeIDs(body)
		for _, id := range ids {
			if asked[id] {
				continue
			}
			if asked[id] = true; len(asked) > q.options.Certificates {
				return fmt.Errorf("%w: more than %d certificates", ErrTooMuch, q.options.Certificates)
			}
			der, err := q.byID(ctx, id)
			if err != nil {
				first = cmp.Or(first, fmt.Errorf("certificate %d: %w", id, err))
				// One that is down is not asked thousands of times.
				if failures++; failures == maxFailures || ctx.Err() != nil {
					return first
				}
				continue
			}
			failures = 0
			if err := q.add(der); err != nil {
				return cmp.Or(first, err)
			}
		}
		if first = cmp.Or(first, bad); bad != nil && !errors.As(bad, new(*rowError)) {
			return first
		}
	}
	return first
}

func (q *query) byID(ctx context.Context, id uint64) ([]byte, error) {
	body, err := q.get(ctx, "", url.Values{"d": {strconv.FormatUint(id, 10)}}, 2*maxCertificate)
	if err != nil {
		return nil, err
	}
	return decodeCertificate(body)
}

func (q *query) certSpotter(ctx context.Context, domain string) error {
	name, tree := strings.CutPrefix(domain, ".")
	values := url.Values{"domain": {name}, "include_subdomains": {strconv.FormatBool(tree)}, "match_wildcards": {"true"}, "expand": {"cert_der"}}
	seen := map[string]bool{}
	var first error
	for range maxPages {
		body, err := q.get(ctx, "/v1/issuances", values, maxAnswer)
		if err != nil {
			return cmp.Or(first, err)
		}
		page, err := decodeIssuances(body)
		for _, i := range page {
			if i.der == nil {
				continue
			}
			if err := q.add(i.der); err != nil {
				return cmp.Or(first, err)
			}
		}
		if first = cmp.Or(first, err); len(page) == 0 || err != nil && !errors.As(err, new(*rowError)) {
			return first
		}
		last := page[len(page)-1].id
		if seen[last] {
			return cmp.Or(first, fmt.Errorf("%w: its pages go in a circle", ErrAnswer))
		}
		seen[last] = true
		values.Set("after", last)
	}
	return cmp.Or(first, fmt.Errorf("%w: more than %d pages", ErrTooMuch, maxPages))
}

// add keeps a certificate, within the limits.
func (q *query) add(der []byte) error {
	sum := sha256.Sum256(der)
	if q.seen[sum] {
		return nil
	}
	if q.bytes += len(der); len(q.found) >= q.options.Certificates || q.bytes > maxBytes {
		return fmt.Errorf("%w: more than %d certificates or %d bytes of them", ErrTooMuch, q.options.Certificates, maxBytes)
	}
	q.seen[sum], q.found = true, append(q.found, der)
	return nil
}

// A statusError is an HTTP status that is no success.
type statusError struct {
	code  int
	after time.Duration
}

func (e *statusError) Error() string {
	if e.code == http.StatusUnauthorized || e.code == http.StatusForbidden {
		return fmt.Sprintf("the server answered %d %s: it may want a token, or another one", e.code, http.StatusText(e.code))
	}
	return fmt.Sprintf("the server answered %d %s", e.code, http.StatusText(e.code))
}

// get asks until there is an answer, or asking again would not help.
func (q *query) get(ctx context.Context, path string, values url.Values, limit int64) ([]byte, error) {
	if q.asked && sleep(ctx, q.options.Pause) != nil {
		return nil, ctx.Err()
	}
	q.asked = true
	wait := 2 * time.Second
	for attempt := 0; ; attempt++ {
		body, err := q.once(ctx, path, values, limit)
		var status *statusError
		if err == nil || !errors.As(err, &status) || status.code != http.StatusTooManyRequests && status.code < 500 {
			return body, err
		}
		pause := max(wait, status.after)
		if attempt >= q.options.Retries || pause > q.options.MaxWait || sleep(ctx, pause) != nil {
			if status.after > 0 {
				err = fmt.Errorf("%w, and wants to be left alone for %v", err, status.after)
			}
			return nil, err
		}
		wait *= 2
	}
}

func (q *query) once(ctx context.Context, path string, values url.Values, limit int64) ([]byte, error) {
	u := *q.index.base
	if path != "" {
		u.Path = strings.TrimSuffix(u.Path, "/") + path
	}
	own := u.Query()
	for k, v := range values {
		own[k] = v
	}
	u.RawQuery = own.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, errors.New("the address cannot be asked")
	}
	r.Header.Set("User-Agent", q.options.UserAgent)
	r.Header.Set("Accept", "*/*")
	if q.options.Token != "" && q.index.TakesToken() == nil {
		r.Header.Set("Authorization", "Bearer "+q.options.Token)
	}
	reply, err := q.client.Do(r)
	if err != nil {
		var u *url.Error // says the address, in which a key may be
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return nil, &statusError{reply.StatusCode, retryAfter(reply.Header.Get("Retry-After"), time.Now())}
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("%w: an answer of more than %d bytes", ErrTooMuch, limit)
	}
	return body, nil
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3); zero where there
// is neither.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now).Round(time.Second))
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
