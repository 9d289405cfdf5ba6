package reallogs

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/certassay/certassay/internal/lab/ctlog"
)

// A Proxy stands between a log and its reader, and answers wrongly where it is
// told to.
type Proxy struct {
	// URL is the prefix to read at.
	URL string

	mu    sync.Mutex // guards what follows
	fault ctlog.Fault
	calls map[string]int
}

// NewProxy puts a proxy before the log. fault may be nil.
func NewProxy(t testing.TB, l *Log, fault ctlog.Fault) *Proxy {
	t.Helper()
	p := &Proxy{fault: fault, calls: map[string]int{}}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	t.Cleanup(client.CloseIdleConnections)
	p.URL = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.answer(w, r, client, l.Monitor) }))
	return p
}

// Set changes what the proxy does.
func (p *Proxy) Set(fault ctlog.Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
	clear(p.calls)
}

// Calls is how often a path was asked for since the fault was set.
func (p *Proxy) Calls(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

func (p *Proxy) answer(w http.ResponseWriter, r *http.Request, client *http.Client, prefix string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	p.mu.Lock()
	p.calls[path]++
	call, fault := p.calls[path], p.fault
	p.mu.Unlock()
	status, body, err := ask(r.Context(), client, prefix+strings.TrimPrefix(r.URL.RequestURI(), "/"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if status != http.StatusOK {
		body = nil
	}
	if fault != nil {
		answer, send := fault(w, r, body, call)
		if !send {
			return
		}
		if answer != nil && body == nil {
			status = http.StatusOK
		}
		body = answer
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the reader may have gone
}

func ask(ctx context.Context, client *http.Client, url string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}
