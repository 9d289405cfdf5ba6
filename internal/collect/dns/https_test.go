package dns

import (
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// overHTTPS starts a server that answers questions over HTTPS, on loopback, and
// gives a resolver that trusts its certificate. change may spoil a response.
func overHTTPS(t *testing.T, records string, change func(w http.ResponseWriter, r *http.Request) bool) (*Resolver, *atomic.Int32) {
	t.Helper()
	answer := zone(t, records)
	var asked atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		body, err := io.ReadAll(req.Body)
		q := new(dns.Msg)
		if err != nil || q.Unpack(body) != nil || q.Id != 0 || req.Method != http.MethodPost || req.Header.Get("Content-Type") != messageType || req.URL.Path != "/ask" {
			http.Error(w, "no question", http.StatusBadRequest)
			return
		}
		if change(w, req) {
			return
		}
		reply := new(dns.Msg)
		reply.SetReply(q)
		out, err := answer("https", q, reply).Pack()
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", messageType)
		_, _ = w.Write(out)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	// The certificate of httptest is valid for this name.
	r, err := New(Options{Server: "https://" + s.Listener.Addr().String() + "/ask{?dns}#example.com", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	r.roots = x509.NewCertPool()
	r.roots.AddCert(s.Certificate())
	r.https = r.newHTTPS()
	return r, &asked
}

func TestOverHTTPS(t *testing.T) {
	var version atomic.Value
	r, asked := overHTTPS(t, `example.org. CAA 0 issue "ca.example"`, func(_ http.ResponseWriter, req *http.Request) bool {
		version.Store(req.Proto)
		if req.Header.Get("User-Agent") != "" || !strings.HasPrefix(req.Host, "example.com:") {
			t.Errorf("asked %s as %q", req.Host, req.Header.Get("User-Agent"))
		}
		return false
	})
	for range 2 {
		answer, msg := r.ask(t.Context(), "Example.org", dns.TypeCAA)
		if answer.Failure != nil || msg == nil || len(msg.Answer) != 1 || answer.Transport != "https" || !answer.Local || len(answer.Message) == 0 {
			t.Errorf("answer %+v", answer)
		}
	}
	if asked.Load() != 1 || version.Load() != "HTTP/2.0" {
		t.Errorf("asked %d times by %s, want once by HTTP/2.0", asked.Load(), version.Load())
	}
}

// A server that is not the one that was named, or that sends anything but an
// answer, has not answered: nothing of it is taken for "no such record".
func TestOverHTTPSFails(t *testing.T) {
	tests := []struct {
		name, want string
		change     func(http.ResponseWriter, *http.Request) bool
	}{
		{"redirect", "HTTP status 302", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/ask?again", http.StatusFound)
			return true
		}},
		{"error", "HTTP status 503", func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}},
		{"page", `sent "text/html" and no`, func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>")
			return true
		}},
		{"garbage", "no answer to the question", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", messageType)
			_, _ = io.WriteString(w, "garbage")
			return true
		}},
		{"another answer", "no answer to the question", func(w http.ResponseWriter, _ *http.Request) bool {
			other := new(dns.Msg)
			other.SetQuestion("example.net.", dns.TypeCAA)
			other.Id, other.Response = 0, true
			out, _ := other.Pack()
			w.Header().Set("Content-Type", messageType)
			_, _ = w.Write(out)
			return true
		}},
		{"flood", "longer than 65535 bytes", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", messageType)
			for range 100 {
				_, _ = io.WriteString(w, strings.Repeat("x", 1<<12))
			}
			return true
		}},
		{"bomb", "no answer to the question", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", messageType)
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "\x1f\x8b")
			return true
		}},
		{"silence", "deadline", func(_ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return true
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, asked := overHTTPS(t, "", tt.change)
			if tt.name == "silence" {
				r.timeout = 500 * time.Millisecond
			}
			answer, msg := r.ask(t.Context(), "example.org", dns.TypeCAA)
			if answer.Failure == nil || msg != nil || !strings.Contains(answer.Failure.Error, tt.want) {
				t.Errorf("failure %+v, message %v, want a failure that says %q", answer.Failure, msg, tt.want)
			}
			if asked.Load() != 1 {
				t.Errorf("asked %d times, want once", asked.Load())
			}
		})
	}
	r, _ := overHTTPS(t, "", func(http.ResponseWriter, *http.Request) bool { return false })
	r.roots, r.tlsName = x509.NewCertPool(), "example.com"
	r.https = r.newHTTPS()
	if answer, _ := r.ask(t.Context(), "example.org", dns.TypeCAA); answer.Failure == nil || !strings.Contains(answer.Failure.Error, "certificate") {
		t.Errorf("a server whose certificate nobody vouches for: %+v", answer.Failure)
	}
}

func TestParseHTTPS(t *testing.T) {
	tests := []struct{ in, want string }{
		{"https://192.0.2.53", "192.0.2.53:443 192.0.2.53 https://192.0.2.53/dns-query"},
		{"https://192.0.2.53/#dns.example.org", "192.0.2.53:443 dns.example.org https://dns.example.org/dns-query"},
		{"https://[2001:db8::53]:8443/q/a%20b#dns.example.org", "[2001:db8::53]:8443 dns.example.org https://dns.example.org:8443/q/a%20b"},
		{"https://[2001:db8::53]{?dns}", "[2001:db8::53]:443 2001:db8::53 https://[2001:db8::53]/dns-query"},
		{"https://192.0.2.53/dns-query{?dns}", "192.0.2.53:443 192.0.2.53 https://192.0.2.53/dns-query"},
	}
	for _, tt := range tests {
		r, err := New(Options{Server: tt.in})
		if err != nil {
			t.Errorf("New(%q): %v", tt.in, err)
			continue
		}
		if got := fmt.Sprint(r.server, " ", r.tlsName, " ", r.endpoint); got != tt.want {
			t.Errorf("New(%q) asks %s, want %s", tt.in, got, tt.want)
		}
	}
	for _, in := range []string{"https://dns.example.org/", "https://", "https://u:p@192.0.2.53/", "https://192.0.2.53/?a=b", "https://192.0.2.53:0/",
		"https://192.0.2.53:/", "https://192.0.2.53/{dns}", "https://192.0.2.53/#a b/c", "https://192.0.2.53#x:y@z/", "https://192.0.2.53#a/b"} {
		if _, err := New(Options{Server: in}); err == nil {
			t.Errorf("New(%q) takes it", in)
		}
	}
}
