// Package fetch reads what certificates point to: issuers' certificates, OCSP
// responders and revocation lists; the policies of mail domains; and lists of logs
// and CAs.
//
// The addresses come from certificates, which anybody can write. So a Fetcher
// takes http and https alone, never a file; looks at every address after the name
// was resolved, at each redirect anew, and refuses all that are not public; takes
// no credentials, sends no cookies and uses no proxy from the environment; follows
// few redirects; and bounds time, size, the connections to one host and what it
// remembers. What it gives is bytes that somebody else signed: nothing is believed
// because of where it came from, except with [Options.Roots].
package fetch

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Errors that callers tell apart.
var (
	// ErrURL says that an address is not fetched, whoever asks.
	ErrURL = errors.New("the address is not one to fetch from")
	// ErrRedirect says that the server sent us on too often, or elsewhere than
	// to http or https.
	ErrRedirect = errors.New("the redirect is not followed")
	// ErrTooLarge says that an answer is longer than its kind can be.
	ErrTooLarge = errors.New("the answer is too long")
	// ErrContent says that an answer is something else than what was asked for.
	ErrContent = errors.New("the answer is of another kind")
)

// A StatusError is an HTTP status that is no success.
type StatusError struct{ Code int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.Code, http.StatusText(e.Code))
}

// Limits on one run, with the attack each one stops.
const (
	// maxURL bounds an address: a certificate can hold one of 16 MB.
	maxURL = 2048
	// maxRedirects bounds a chain of redirects; CAs move servers once.
	maxRedirects = 3
	// maxKept bounds the bytes of answers that are remembered within a run:
	// every certificate can name another list.
	maxKept = 256 << 20
	// maxEntries bounds the addresses that are remembered.
	maxEntries = 1 << 16
)

// Options are how to fetch. The zero value of each field means its default.
type Options struct {
	// Private allows addresses that are not public: a laboratory, or the
	// responder of an internal CA. Default false.
	Private bool
	// Timeout is for one fetch with all its redirects. Default 10 s.
	Timeout time.Duration
	// HostConcurrency is the number of fetches from one host at the same time,
	// HostRate that of new ones a second. Defaults 4 and 20.
	HostConcurrency int
	HostRate        float64
	// UserAgent says who asks. Default "certassay".
	UserAgent string
	// Roots vouch for servers of https: a certificate has to lead to a root of one
	// of these pools. Default nil: the machine's own store. That suffices where
	// somebody signed what is fetched, and not where its origin is all that speaks
	// for it.
	Roots []*x509.CertPool
	// NoRedirects takes a redirect for an error.
	NoRedirects bool
	// HTTPS refuses plain http but from this machine itself, by its address or as
	// localhost: what is fetched is then vouched for by its origin.
	HTTPS bool
	// Cache keeps answers for later runs; nil keeps none.
	Cache *Cache
	// Lookup finds the addresses of a host. Default nil: this machine's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// A Fetcher fetches, and remembers the answers within its life: one list serves
// all certificates of a run. It is safe for concurrent use.
type Fetcher struct {
	options Options
	client  *http.Client

	mu    sync.Mutex
	hosts map[string]*host   // guarded by mu
	asked map[string]*answer // guarded by mu
	kept  int64              // bytes in asked; guarded by mu
}

// A host is what bounds the fetches from one host.
type host struct {
	slots chan struct{}
	rate  *rate.Limiter
}

// An answer is one that was asked for, or is being.
type answer struct {
	done   chan struct{}
	result Result
}

// A Result is what came of one fetch. Body is nil where Err is set.
type Result struct {
	Body []byte
	Err  error
	// Started is when the fetch began, Elapsed what it took. Of an answer from the
	// cache it is the fetch of then.
	Started time.Time
	Elapsed time.Duration
	// Address is the host and port that answered last, after redirects; empty
	// where none did.
	Address string
	// Cached says that nobody was asked: the answer is from the cache.
	Cached bool
}

// New makes a Fetcher.
func New(o Options) *Fetcher {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.HostConcurrency <= 0 {
		o.HostConcurrency = 4
	}
	if o.HostRate <= 0 {
		o.HostRate = 20
	}
	if o.UserAgent == "" {
		o.UserAgent = "certassay"
	}
	f := &Fetcher{options: o, hosts: map[string]*host{}, asked: map[string]*answer{}}
	dialer := &net.Dialer{Timeout: o.Timeout / 2, Control: Guard}
	if o.Private {
		dialer.Control = nil
	}
	f.client = &http.Client{
		// Proxies are not taken from the environment: with one, the address that
		// is looked at would be the proxy's.
		Transport: &http.Transport{
			DialContext: o.dial(dialer), TLSClientConfig: o.tls(), DisableCompression: true, ForceAttemptHTTP2: true,
			MaxIdleConns: 64, MaxIdleConnsPerHost: o.HostConcurrency, MaxResponseHeaderBytes: 64 << 10,
			TLSHandshakeTimeout: o.Timeout / 2, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: f.redirect,
	}
	return f
}

func (f *Fetcher) redirect(r *http.Request, via []*http.Request) error {
	if f.options.NoRedirects {
		return fmt.Errorf("%w: what is asked for has to lie where it was asked for", ErrRedirect)
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: more than %d", ErrRedirect, maxRedirects)
	}
	if err := f.allowed(r.URL); err != nil {
		return fmt.Errorf("%w: %w", ErrRedirect, err)
	}
	return nil
}

// Get fetches what lies at an address.
func (f *Fetcher) Get(ctx context.Context, address string, k Kind) Result {
	return f.once(ctx, address, k, nil)
}

// Post puts a question to an address.
func (f *Fetcher) Post(ctx context.Context, address string, k Kind, question []byte) Result {
	return f.once(ctx, address, k, question)
}

// once asks each question once, whoever else asks it meanwhile. An answer that
// the end of ctx cut off is not remembered.
func (f *Fetcher) once(ctx context.Context, address string, k Kind, question []byte) Result {
	key := k.Name + "\x00" + address + "\x00" + string(question)
	f.mu.Lock()
	a, ok := f.asked[key]
	if !ok {
		a = &answer{done: make(chan struct{})}
		if len(f.asked) >= maxEntries {
			f.asked, f.kept = map[string]*answer{}, 0
		}
		f.asked[key] = a
	}
	f.mu.Unlock()
	if ok {
		select {
		case <-a.done:
			if ctx.Err() != nil || !errors.Is(a.result.Err, context.Canceled) {
				return a.result
			}
			return f.fetch(ctx, address, k, question)
		case <-ctx.Done():
			return Result{Started: time.Now(), Err: ctx.Err()}
		}
	}
	a.result = f.fetch(ctx, address, k, question)
	close(a.done)
	f.keep(key, a)
	return a.result
}

// keep counts what is remembered, and forgets all of it where it is too much.
func (f *Fetcher) keep(key string, a *answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept += int64(len(a.result.Body)); f.kept > maxKept {
		f.asked, f.kept = map[string]*answer{key: a}, int64(len(a.result.Body))
	}
}

func (f *Fetcher) fetch(ctx context.Context, address string, k Kind, question []byte) Result {
	ctx, cancel := context.WithTimeoutCause(ctx, f.options.Timeout, fmt.Errorf("no answer within %v", f.options.Timeout))
	defer cancel()
	cache := f.options.Cache
	if cache != nil {
		if r, ok := cache.get(&k, address, question); ok {
			return r
		}
	}
	r := Result{Started: time.Now()}
	var header http.Header
	if cache != nil && cache.only {
		r.Err = ErrNotKept
	} else {
		r.Body, header, r.Address, r.Err = f.ask(ctx, address, k, question)
	}
	r.Elapsed = time.Since(r.Started)
	if r.Err == nil && cache != nil {
		if until, keep := lifetime(header, r.Started); keep {
			cache.put(&k, address, question, r.Body, r.Started, until)
		}
	}
	if r.Err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			r.Err = context.Cause(ctx)
		}
		r.Body, r.Err = nil, fmt.Errorf("fetching %s from %s: %w", k.Name, shown(address), r.Err)
	}
	return r
}

// shown is an address for an error, whatever its length.
func shown(address string) string {
	if len(address) > 200 {
		address = address[:200] + "…"
	}
	return strconv.Quote(address)
}

func (f *Fetcher) ask(ctx context.Context, address string, k Kind, question []byte) (body []byte, header http.Header, from string, err error) {
	u, err := f.Parse(address)
	if err != nil {
		return nil, nil, "", err
	}
	release, err := f.enter(ctx, u.Host)
	if err != nil {
		return nil, nil, "", err
	}
	defer release()
	method, content := http.MethodGet, io.Reader(http.NoBody)
	if question != nil {
		method, content = http.MethodPost, bytes.NewReader(question)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return nil, nil, "", fmt.Errorf("%w: %w", ErrURL, err)
	}
	r.Header.Set("User-Agent", f.options.UserAgent)
	r.Header.Set("Accept", "*/*")
	if question != nil {
		r.Header.Set("Content-Type", k.Accept)
	}
	reply, err := f.client.Do(r)
	if err != nil {
		var u *url.Error // says the address again
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, nil, "", err
	}
	defer reply.Body.Close()
	body, err = read(reply, k)
	return body, reply.Header, reply.Request.URL.Host, err
}

// read takes the body of a reply within the limit of its kind.
func read(reply *http.Response, k Kind) ([]byte, error) {
	if reply.StatusCode != http.StatusOK {
		return nil, &StatusError{Code: reply.StatusCode}
	}
	if e := reply.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, fmt.Errorf("%w: it is packed as %.40q, which was not asked for", ErrContent, e)
	}
	if reply.ContentLength > k.Limit {
		return nil, fmt.Errorf("%w: %d bytes, the limit for a %s is %d", ErrTooLarge, reply.ContentLength, k.Name, k.Limit)
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, k.Limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case int64(len(body)) > k.Limit:
		return nil, fmt.Errorf("%w: the limit for a %s is %d bytes", ErrTooLarge, k.Name, k.Limit)
	}
	return body, k.check(reply.Header.Get("Content-Type"), body)
}

// Parse says whether an address is one to fetch from, before anybody is asked.
func (f *Fetcher) Parse(address string) (*url.URL, error) {
	if len(address) > maxURL {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrURL, maxURL)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: it is malformed", ErrURL)
	}
	u.Fragment = ""
	return u, f.allowed(u)
}

// allowed says whether an address may be fetched from, before its name is
// resolved. A port below 1024 is that of some other service, which might take a
// request for a command.
func (f *Fetcher) allowed(u *url.URL) error {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: only http and https are", ErrURL)
	case u.Hostname() == "":
		return fmt.Errorf("%w: it names no host", ErrURL)
	case f.options.HTTPS && u.Scheme != "https" && !loopback(u.Hostname()):
		return fmt.Errorf("%w: only https is", ErrURL)
	case u.User != nil:
		return fmt.Errorf("%w: it holds a user's name", ErrURL)
	case u.Port() == "" || u.Port() == "80" || u.Port() == "443":
		return nil
	case err != nil || port < 1024:
		return fmt.Errorf("%w: port %.10s is another service's", ErrURL, u.Port())
	}
	return nil
}

// loopback says that a host of an address is this machine.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}

// enter waits for a place among the fetches from a host.
func (f *Fetcher) enter(ctx context.Context, name string) (release func(), err error) {
	f.mu.Lock()
	h := f.hosts[name]
	if h == nil {
		if len(f.hosts) >= maxEntries {
			clear(f.hosts)
		}
		h = &host{
			slots: make(chan struct{}, f.options.HostConcurrency),
			rate:  rate.NewLimiter(rate.Limit(f.options.HostRate), f.options.HostConcurrency),
		}
		f.hosts[name] = h
	}
	f.mu.Unlock()
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := h.rate.Wait(ctx); err != nil {
		<-h.slots
		return nil, err
	}
	return func() { <-h.slots }, nil
}

// Close ends what idle connections there are.
func (f *Fetcher) Close() { f.client.CloseIdleConnections() }
