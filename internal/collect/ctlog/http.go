package ctlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/certassay/certassay/internal/collect/fetch"
)

// A fetcher reads what lies at a path below a log's prefix. fresh asks caches
// for a new answer. The answer is written to buffer[:0], which may be nil, where
// it fits there.
type fetcher interface {
	get(ctx context.Context, path string, limit int64, fresh bool, buffer []byte) ([]byte, error)
}

// A web is a log on the network. It is safe for concurrent use.
type web struct {
	prefix  string // ends with a slash
	options Options
	client  *http.Client
	rate    *rate.Limiter

	mu    sync.Mutex
	until time.Time // no request before, because the log said so; guarded by mu
}

func newWeb(prefix string, o Options) (*web, error) {
	u, err := url.Parse(prefix)
	if err != nil {
		return nil, fmt.Errorf("reading address of log: %w", err)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !o.Private) || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%.200q is no address of a log: https:// and a host, without user, query and fragment", prefix)
	}
	dialer := &net.Dialer{Timeout: o.Timeout / 3, Control: fetch.Guard}
	// Behind a proxy it is the proxy that is dialled, which the user named.
	var proxy func(*http.Request) (*url.URL, error)
	if o.Private || o.Via != nil {
		dialer.Control = nil
	}
	dial := o.Dial
	if dial == nil {
		dial = dialer.DialContext
		if o.Via != nil {
			proxy = http.ProxyURL(o.Via)
		}
	}
	w := &web{prefix: strings.TrimSuffix(prefix, "/") + "/", options: o, rate: rate.NewLimiter(rate.Limit(o.Rate), max(1, int(o.Rate/2)))}
	w.client = &http.Client{
		Timeout: o.Timeout,
		// What is packed is unpacked here, with limits. Proxies are not taken
		// from the environment.
		Transport: &http.Transport{
			Proxy: proxy, DialContext: dial, DisableCompression: true, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: o.Concurrency, MaxResponseHeaderBytes: 64 << 10,
			TLSHandshakeTimeout: o.Timeout / 3, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme || len(via) > maxRedirects {
				return ErrRedirect
			}
			return nil
		},
	}
	return w, nil
}

// get asks until there is an answer, the retries are used up, or asking again
// would not help.
func (w *web) get(ctx context.Context, path string, limit int64, fresh bool, buffer []byte) ([]byte, error) {
	pause := w.options.Backoff
	for attempt := 0; ; attempt++ {
		b, err := w.once(ctx, path, limit, fresh, buffer)
		if err == nil {
			return b, nil
		}
		err = fmt.Errorf("%s%s: %w", w.prefix, path, err)
		var status *StatusError
		wait := time.Duration((0.5 + w.options.Jitter()) * float64(pause))
		if errors.As(err, &status) && status.RetryAfter > 0 {
			wait = status.RetryAfter
		}
		if attempt >= w.options.Retries || ctx.Err() != nil || !transient(err) || wait > w.options.MaxWait {
			return nil, err
		}
		w.hold(status, wait)
		if sleep(ctx, wait) != nil {
			return nil, err
		}
		pause = min(2*pause, w.options.MaxWait)
	}
}

// hold makes all requests to the log wait that said it has too many.
func (w *web) hold(status *StatusError, wait time.Duration) {
	if status == nil || status.Code != http.StatusTooManyRequests && status.RetryAfter == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if until := time.Now().Add(wait); until.After(w.until) {
		w.until = until
	}
}

func (w *web) held() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.until)
}

// transient says whether asking again may help.
func transient(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code == http.StatusTooManyRequests || status.Code >= 500 || status.Code == http.StatusRequestTimeout
	}
	var way interface{ Final() bool } // of Options.Dial
	if errors.As(err, &way) && way.Final() {
		return false
	}
	for _, final := range []error{ErrTooLarge, ErrRedirect, ErrPrivate, ErrMalformed} {
		if errors.Is(err, final) {
			return false
		}
	}
	return true
}

func (w *web) once(ctx context.Context, path string, limit int64, fresh bool, buffer []byte) ([]byte, error) {
	if err := sleep(ctx, w.held()); err != nil {
		return nil, err
	}
	if err := w.rate.Wait(ctx); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.prefix+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", w.options.UserAgent)
	r.Header.Set("Accept-Encoding", "gzip")
	if fresh {
		r.Header.Set("Cache-Control", "no-cache")
	}
	answer, err := w.client.Do(r)
	if err != nil {
		var u *url.Error // says the address again, which get says already
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, &StatusError{Code: answer.StatusCode, RetryAfter: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	}
	if answer.ContentLength > limit {
		return nil, ErrTooLarge
	}
	b, err := readAll(io.LimitReader(answer.Body, limit+1), answer.ContentLength, buffer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading answer: %w", err)
	case int64(len(b)) > limit:
		return nil, ErrTooLarge
	}
	return b, nil
}

// readAll reads to the end, into buffer[:0] as far as it goes. said is how much
// there is said to be, or negative: it spares growing, but what is only said may
// fill no memory.
func readAll(r io.Reader, said int64, buffer []byte) ([]byte, error) {
	const most = 2 << 20
	if need := int(min(max(said, 0), most) + bytes.MinRead); cap(buffer) < need {
		buffer = make([]byte, 0, need)
	}
	b := bytes.NewBuffer(buffer[:0])
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3); zero where there
// is neither.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now))
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
