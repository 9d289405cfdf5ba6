package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// der begins like a certificate.
var der = []byte{0x30, 0x03, 0x02, 0x01, 0x05}

// serve answers on loopback.
func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s.URL
}

func TestGet(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		kind, body := "application/pkix-cert", der
		switch r.URL.Path {
		case "/unlabelled":
			w.Header()["Content-Type"] = nil
			kind = ""
		case "/pem":
			kind, body = "text/plain; charset=utf-8", []byte("-----BEGIN CERTIFICATE-----")
		case "/html":
			kind, body = "text/html", []byte("<html>no</html>")
		case "/hidden":
			kind, body = "application/octet-stream", []byte("\r\n <!DOCTYPE html>")
		case "/image":
			kind = "image/png"
		case "/packed":
			w.Header().Set("Content-Encoding", "gzip")
		case "/empty":
			body = nil
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		case "/huge":
			body = make([]byte, Certificates().Limit+1)
		case "/endless":
			w.Header().Set("Content-Type", kind)
			for range 100 {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
			return
		case "/slow":
			<-r.Context().Done()
			return
		case "/moved":
			http.Redirect(w, r, "/good", http.StatusFound)
			return
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
			return
		case "/file":
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
			return
		case "/mail":
			w.Header().Set("Location", "http://127.0.0.1:25/")
			w.WriteHeader(http.StatusFound)
			return
		}
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		_, _ = w.Write(body)
	})
	f, impatient := New(Options{Private: true, HostRate: 1000}), New(Options{Private: true, Timeout: 500 * time.Millisecond})
	defer f.Close()
	defer impatient.Close()
	for _, tt := range []struct {
		path string
		want error
		text string
	}{
		{"/good", nil, ""},
		{"/unlabelled", nil, ""},
		{"/pem", nil, ""},
		{"/moved", nil, ""},
		{"/html", ErrContent, "text/html"},
		{"/hidden", ErrContent, "HTML"},
		{"/image", ErrContent, "image/png"},
		{"/packed", ErrContent, "packed"},
		{"/empty", ErrContent, "empty"},
		{"/missing", new(StatusError), "404 Not Found"},
		{"/huge", ErrTooLarge, "limit"},
		{"/endless", ErrTooLarge, "limit"},
		{"/slow", nil, "no answer within"},
		{"/loop", ErrRedirect, "more than 3"},
		{"/file", ErrRedirect, "only http"},
		{"/mail", ErrRedirect, "port 25"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			by := f
			if tt.path == "/slow" {
				by = impatient
			}
			r := by.Get(t.Context(), base+tt.path, Certificates())
			var status *StatusError
			switch {
			case tt.text == "":
				if r.Err != nil || len(r.Body) == 0 || r.Address == "" || r.Started.IsZero() {
					t.Errorf("Get(%s) = %+v, want an answer", tt.path, r)
				}
				return
			case r.Err == nil || r.Body != nil || !strings.Contains(r.Err.Error(), tt.text):
				t.Fatalf("Get(%s) = %d bytes, %v, want no bytes and an error with %q", tt.path, len(r.Body), r.Err, tt.text)
			}
			if _, ok := tt.want.(*StatusError); ok && //nolint:errorlint // the table holds no wrapped error
				!errors.As(r.Err, &status) || !ok && tt.want != nil && !errors.Is(r.Err, tt.want) {
				t.Errorf("Get(%s) = %v, want %v", tt.path, r.Err, tt.want)
			}
		})
	}
}

// What a certificate names is never a file, another service, or anybody's inside.
// The addresses here are refused before anything is sent.
func TestRefused(t *testing.T) {
	reached := false
	base := serve(t, func(http.ResponseWriter, *http.Request) { reached = true })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	f := New(Options{})
	for _, tt := range []struct {
		url  string
		want error
	}{
		{"file:///etc/passwd", ErrURL},
		{"ldap://127.0.0.1/cn=ca?cACertificate", ErrURL},
		{"gopher://127.0.0.1/", ErrURL},
		{"/relative", ErrURL},
		{"http://", ErrURL},
		{"http://user:secret@127.0.0.1/", ErrURL},
		{"http://127.0.0.1:22/", ErrURL},
		{"http://127.0.0.1:99999/", ErrURL},
		{"http://127.0.0.1/" + strings.Repeat("a", maxURL), ErrURL},
		{"http://\x00/", ErrURL},
		{base, ErrPrivate},
		{"http://localhost:" + port, ErrPrivate},
		{"http://[::1]:" + port, ErrPrivate},
		{"http://[::ffff:127.0.0.1]:" + port, ErrPrivate},
	} {
		if r := f.Get(t.Context(), tt.url, CRL()); !errors.Is(r.Err, tt.want) {
			t.Errorf("Get(%.60q) = %v, want %v", tt.url, r.Err, tt.want)
		}
	}
	if reached {
		t.Error("a private address was reached")
	}
}

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1": true, "64:ff9b::808:808": true, "2002:808:808::1": true,
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "0.0.0.0": false, "0.1.2.3": false, "224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false,
		"198.18.0.1": false, "192.0.2.1": false, "fe80::1": false, "fc00::1": false, "fd12::1": false, "ff02::1": false, "::": false,
		"::ffff:10.0.0.1": false, "::10.0.0.1": false, "64:ff9b::a00:1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::1": false,
		"2002:a00:1::": false, "2001::1": false, "2001:db8::1": false, "fec0::1": false, "64:ff9b:1::1": false, "::ffff:0:a00:1": false, "4000::1": false,
	} {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("Public(%s) = %v, want %v", text, got, want)
		}
	}
	for address, ok := range map[string]bool{"8.8.8.8:80": true, "127.0.0.1:80": false, "nonsense": false, "[fe80::1%eth0]:80": false} {
		if err := Guard("tcp", address, nil); (err == nil) != ok {
			t.Errorf("Guard(%s) = %v, want ok %v", address, err, ok)
		}
	}
}

// A list that many certificates name is fetched once, whoever asks meanwhile; so
// many at a time from one host, and questions are part of what was asked.
func TestAskedOnce(t *testing.T) {
	var asked, now, most atomic.Int64
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		time.Sleep(5 * time.Millisecond)
		w.Header().Set("Content-Type", "application/ocsp-response")
		fmt.Fprint(w, r.Method, r.Header.Get("Content-Type"))
	})
	f := New(Options{Private: true, HostConcurrency: 2, HostRate: 1000})
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			r := f.Post(t.Context(), base, OCSP(), []byte{byte(i % 8)})
			if r.Err != nil || string(r.Body) != "POSTapplication/ocsp-request" {
				t.Errorf("Post = %q, %v", r.Body, r.Err)
			}
		})
	}
	all.Wait()
	if asked.Load() != 8 || most.Load() > 2 {
		t.Errorf("%d requests, %d at a time, want 8, at most 2", asked.Load(), most.Load())
	}
	if f.Get(t.Context(), base, OCSP()); asked.Load() != 9 {
		t.Error("a GET was answered from what a POST was asked")
	}
}

// An interrupt is no answer: the next one who asks, asks.
func TestInterruptIsNotRemembered(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(der) })
	f := New(Options{Private: true})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if r := f.Get(gone, base, CRL()); !errors.Is(r.Err, context.Canceled) {
		t.Fatalf("Get after the interrupt = %v, want Canceled", r.Err)
	}
	if r := f.Get(t.Context(), base, CRL()); r.Err != nil {
		t.Errorf("the next Get = %v", r.Err)
	}
}

// The environment's proxy would stand between the guard and the address.
func TestNoProxyFromEnvironment(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(der) })
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	t.Setenv("HTTP_PROXY", proxy)
	if r := New(Options{Private: true}).Get(t.Context(), strings.Replace(base, "127.0.0.1", "localhost", 1), CRL()); r.Err != nil {
		t.Errorf("Get = %v, want it to pass the proxy by", r.Err)
	}
}

// What its origin vouches for comes by https, or from this machine.
func TestHTTPSOnly(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		if r.URL.Path == "/signature" {
			_, _ = w.Write([]byte("<\x01\x02"))
			return
		}
		_, _ = w.Write([]byte("data"))
	})
	f := New(Options{Private: true, HTTPS: true})
	if r := f.Get(t.Context(), base, Data("list", 4)); r.Err != nil || string(r.Body) != "data" {
		t.Errorf("Get from this machine = %q, %v", r.Body, r.Err)
	}
	if r := f.Get(t.Context(), base, Data("short list", 3)); !errors.Is(r.Err, ErrTooLarge) {
		t.Errorf("Get of too much: %v", r.Err)
	}
	if r := f.Get(t.Context(), base+"/signature", Signature()); r.Err != nil || r.Body[0] != '<' {
		t.Errorf("Get of a signature that begins like a page = %q, %v", r.Body, r.Err)
	}
	for _, url := range []string{"http://192.0.2.1/", "http://localhost.example/", base + "/away"} {
		if r := f.Get(t.Context(), url, Data("list", 4)); !errors.Is(r.Err, ErrURL) {
			t.Errorf("Get(%s) = %v, want %v", url, r.Err, ErrURL)
		}
	}
}
