package ctlog

import (
	"context"
	"math/rand/v2"
	"net"
	"net/url"
	"time"
)

// Limits on what one answer of a log can be.
const (
	// maxHashes is a full tile of hashes.
	maxHashes = 256 * 32
	// maxPacked and maxTile bound a data tile as sent and unpacked. The
	// specification allows 256 entries of 32 MiB each; the largest tiles of
	// real logs have about 2 MiB.
	maxPacked = 16 << 20
	maxTile   = 64 << 20
	// maxRatio bounds what a packed byte may become beyond the first
	// freeRatio bytes: certificates shrink to a half, made ones to a tenth.
	maxRatio  = 100
	freeRatio = 1 << 20
	// maxPage bounds a page of get-entries: 1000 entries in base64, with
	// their chains, have about 5 MB.
	maxPage = 64 << 20
	// maxAnswer bounds every other answer.
	maxAnswer = 256 << 10
	// maxRedirects bounds redirects within the log's own host.
	maxRedirects = 3
)

// Options say how to talk to a log. The zero value is useful.
type Options struct {
	// UserAgent tells the log's operator who reads. Operators ask for a way to
	// reach the reader in it. Default "certassay".
	UserAgent string
	// Timeout is the time for one request, answer included. Default 30 s.
	Timeout time.Duration
	// Rate is the number of requests a second to one log. Default 10.
	Rate float64
	// Concurrency is the number of tiles that are fetched at the same time.
	// Default 4.
	Concurrency int
	// Retries is how often a request is repeated after 429, 5xx or a broken
	// connection. Default 4; negative means never.
	Retries int
	// Backoff is the mean pause before the first repetition, and doubles with
	// each one. Default 500 ms.
	Backoff time.Duration
	// MaxWait is the longest pause, also where a log asks for a longer one in
	// Retry-After: then the request fails. Default 60 s.
	MaxWait time.Duration
	// Private allows addresses that are not public. It is for logs that the
	// user named, never for those of a list from elsewhere.
	Private bool
	// Via is the proxy that the log is asked through, socks5://, socks5h://,
	// http:// or https://; nil asks directly. The proxy finds the log's address,
	// so that Private has no say.
	Via *url.URL
	// Dial connects to the log in place of this machine, and finds its address;
	// then Private has no say, nor has Via. Default nil: this machine.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Tiles says that an RFC 6962 log is to be read through data tiles, where it
	// serves such.
	Tiles bool
	// Page is the number of entries that are asked for at once of an RFC 6962
	// log; logs give fewer. Default 1000.
	Page int
	// Segment is the number of entries that two proofs verify. Default 8192.
	Segment int
	// Jitter returns a number in [0, 1) that spreads the pauses. Default
	// math/rand/v2.
	Jitter func() float64
}

func (o Options) withDefaults() Options {
	if o.UserAgent == "" {
		o.UserAgent = "certassay"
	}
	o.Timeout = orDefault(o.Timeout, 30*time.Second)
	o.Rate = orDefault(o.Rate, 10)
	o.Concurrency = orDefault(o.Concurrency, 4)
	o.Backoff = orDefault(o.Backoff, 500*time.Millisecond)
	o.MaxWait = orDefault(o.MaxWait, time.Minute)
	o.Page = orDefault(o.Page, 1000)
	o.Segment = orDefault(o.Segment, 8192)
	if o.Retries == 0 {
		o.Retries = 4
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	return o
}

func orDefault[T int | time.Duration | float64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
