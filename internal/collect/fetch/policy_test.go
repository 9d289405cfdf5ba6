package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// TestPolicy: what has nothing but its origin to speak for it comes from the very
// server that was asked for, which roots of the caller vouch for.
func TestPolicy(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/policy", http.StatusFound)
		case "/unlabelled":
			w.Header().Set("Content-Type", "application/octet-stream")
		case "/long":
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write(make([]byte, MTASTS().Limit+1))
		default:
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		_, _ = w.Write([]byte("version: STSv1"))
	}))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	own := x509.NewCertPool()
	own.AddCert(s.Certificate())
	loopback := func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	none := func(context.Context, string) ([]netip.Addr, error) { return nil, nil }
	lost := func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("SERVFAIL") }
	both := []*x509.CertPool{x509.NewCertPool(), own}
	for _, tt := range []struct {
		name, url string
		options   Options
		err       string
	}{
		{"a root of the second pool", "https://example.com:" + port + "/policy", Options{Private: true, Roots: both, Lookup: loopback}, ""},
		{"another root", "https://example.com:" + port + "/policy", Options{Private: true, Roots: both[:1], Lookup: loopback}, "verifying the server"},
		{"no root", "https://example.com:" + port + "/policy", Options{Private: true, Roots: both[:0], Lookup: loopback}, "no roots"},
		{"the machine's roots", "https://example.com:" + port + "/policy", Options{Private: true, Lookup: loopback}, "x509"},
		{"another name", "https://example.org:" + port + "/policy", Options{Private: true, Roots: both, Lookup: loopback}, "not example.org"},
		{"no name", "https://127.0.0.1:" + port + "/policy", Options{Private: true, Roots: both, Lookup: loopback}, "by a name"},
		{"a private address", "https://example.com:" + port + "/policy", Options{Roots: both, Lookup: loopback}, ErrPrivate.Error()},
		{"no address", "https://example.com:" + port + "/policy", Options{Private: true, Roots: both, Lookup: none}, "no address"},
		{"no answer", "https://example.com:" + port + "/policy", Options{Private: true, Roots: both, Lookup: lost}, "SERVFAIL"},
		{"a redirect", "https://example.com:" + port + "/moved", Options{Private: true, Roots: both, Lookup: loopback}, ErrRedirect.Error()},
		{"another type", "https://example.com:" + port + "/unlabelled", Options{Private: true, Roots: both, Lookup: loopback}, "octet-stream"},
		{"too long", "https://example.com:" + port + "/long", Options{Private: true, Roots: both, Lookup: loopback}, "too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.NoRedirects = true
			f := New(tt.options)
			defer f.Close()
			r := f.Get(t.Context(), tt.url, MTASTS())
			switch {
			case tt.err == "" && (r.Err != nil || string(r.Body) != "version: STSv1"):
				t.Errorf("Get = %q, %v, want the policy", r.Body, r.Err)
			case tt.err != "" && (r.Err == nil || r.Body != nil || !strings.Contains(r.Err.Error(), tt.err)):
				t.Errorf("Get = %q, %v, want an error with %q", r.Body, r.Err, tt.err)
			}
		})
	}
}
