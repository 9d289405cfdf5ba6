package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/store"
)

// maxAnswer bounds what is read of an answer: only its status counts, and what is
// read lets the connection be used again.
const maxAnswer = 64 << 10

// Webhook says where and how to post notifications.
type Webhook struct {
	// URL is https://, or http:// within a private network. It may hold a
	// secret, and is never shown as a whole.
	URL string
	// Token is sent as a bearer token; empty sends none.
	Token string
	// Header is sent with each request, beside our own; it may hold secrets.
	Header map[string]string
	// Timeout is the time for one request. Default 10 s.
	Timeout time.Duration
	// UserAgent names the sender. Default "certassay".
	UserAgent string
}

type webhook struct {
	Webhook
	name   string
	client *http.Client
}

// NewWebhook checks w. Notifications are sent as JSON with POST; the header
// Idempotency-Key is the notification's id. Any answer of 200 to 299 means that
// it was taken. Redirects are not followed: what is told goes to where the user
// said and nowhere else.
func NewWebhook(w Webhook) (Receiver, error) {
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("a webhook has to be a URL with https://") // the URL may be a secret
	}
	if u.Scheme == "http" && !inside(u.Hostname()) {
		return nil, fmt.Errorf("the webhook at %s has to use https://: anybody on the way could read it", u.Host)
	}
	if u.User != nil {
		return nil, fmt.Errorf("the webhook at %s has a user in its URL: give a token instead", u.Host)
	}
	if w.Timeout <= 0 {
		w.Timeout = 10 * time.Second
	}
	if w.UserAgent == "" {
		w.UserAgent = "certassay"
	}
	sum := sha256.Sum256([]byte(w.URL))
	return &webhook{
		Webhook: w, name: fmt.Sprintf("webhook %s://%s (%x)", u.Scheme, u.Host, sum[:4]),
		client: &http.Client{
			Timeout:       w.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			// Proxies are not taken from the environment.
			Transport: &http.Transport{ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Minute},
		},
	}, nil
}

// inside says whether a host is one that only a private network knows.
func inside(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsPrivate() || ip.IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".internal") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".localhost")
}

func (w *webhook) Name() string { return w.name }
func (w *webhook) most() int    { return 1 }

func (w *webhook) deliver(ctx context.Context, offset int64, batch []store.Delivery) (int, int64, error) {
	if err := w.post(ctx, &batch[0]); err != nil {
		return 0, offset, err
	}
	return 1, offset, nil
}

func (w *webhook) post(ctx context.Context, d *store.Delivery) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(d.Body))
	if err != nil {
		return err
	}
	for name, value := range w.Header {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", w.UserAgent)
	r.Header.Set("Idempotency-Key", d.ID)
	if w.Token != "" {
		r.Header.Set("Authorization", "Bearer "+w.Token)
	}
	answer, err := w.client.Do(r)
	if err != nil {
		var u *url.Error // holds the URL, which may be a secret
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // only the status counts
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode <= 299:
		return nil
	case answer.StatusCode >= 300 && answer.StatusCode <= 399:
		return fmt.Errorf("HTTP status %d: redirects are not followed; give the address that it leads to", answer.StatusCode)
	}
	err = fmt.Errorf("HTTP status %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	if n, parseErr := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 31); parseErr == nil {
		err = &delayError{err, time.Duration(n) * time.Second}
	}
	return err
}
