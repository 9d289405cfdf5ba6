package aia

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
)

// A site is a web server with a file for each path.
func site(t *testing.T) (base string, files map[string][]byte) {
	t.Helper()
	files = map[string][]byte{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := files[r.URL.Path]
		switch {
		case r.URL.Path == "/slow":
			<-r.Context().Done()
		case !ok:
			http.NotFound(w, r)
		default:
			w.Header().Set("Content-Type", "application/pkix-cert")
			_, _ = w.Write(body)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, files
}

func ask(o Options, chain ...[]byte) *evidence.Subject {
	s := &evidence.Subject{}
	for _, der := range chain {
		s.Certificates = append(s.Certificates, der)
	}
	New(o).Ask(context.Background(), s)
	return s
}

// leafNaming is a leaf of the lab that names an address for its issuer.
func leafNaming(l *lab.Lab, url string) []byte {
	t := l.LeafTemplate()
	t.Set(lab.AIA("http://ocsp.lab.example", url))
	return t.Sign(l.Intermediate.Key, "")
}

func TestAsk(t *testing.T) {
	l := lab.New(lab.Config{})
	other := lab.New(lab.Config{RSA: true})
	base, files := site(t)
	files["/der"] = l.Intermediate.DER
	files["/pem"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.Intermediate.DER})
	files["/garbage"] = []byte("\x30\x03\x02\x01\x05")
	files["/html"] = []byte("<html><body>Please log in</body></html>")
	files["/huge"] = make([]byte, 65<<10)
	files["/wrong"] = other.Intermediate.DER
	if p7, err := pkcs7(t, l.Intermediate.DER); err == nil {
		files["/p7c"] = p7
	}
	for _, tt := range []struct {
		path, want string // want is a part of the error; empty for none
		fetched    bool
	}{
		{"/der", "", true},
		{"/pem", "", true},
		{"/p7c", "", true},
		{"/wrong", "", true},
		{"/garbage", "not a certificate", false},
		{"/html", "HTML", false},
		{"/huge", "limit", false},
		{"/missing", "404", false},
		{"/slow", "no answer within", false},
	} {
		t.Run(tt.path, func(t *testing.T) {
			if tt.path == "/p7c" && files["/p7c"] == nil {
				t.Skip("needs openssl")
			}
			o := fetch.Options{Private: true}
			if tt.path == "/slow" {
				o.Timeout = 300 * time.Millisecond
			}
			f := fetch.New(o)
			s := ask(Options{Fetch: f}, leafNaming(l, base+tt.path))
			if len(s.Fetches) == 0 {
				t.Fatal("nothing was fetched")
			}
			got := s.Fetches[0]
			switch {
			case got.Kind != evidence.FetchIssuer || got.URL != base+tt.path || got.For != evidence.Hash(s.Certificates[0].SHA256()) || got.Started.IsZero():
				t.Errorf("fetch = %+v", got)
			case tt.fetched != (len(got.Certificates) == 1), tt.fetched != (got.Failure == nil):
				t.Errorf("%d certificates, failure %v, want fetched %v", len(got.Certificates), got.Failure, tt.fetched)
			case !tt.fetched && !strings.Contains(got.Failure.Error, tt.want):
				t.Errorf("failure = %v, want %q in it", got.Failure, tt.want)
			case tt.path == "/der" && !bytes.Equal(got.Certificates[0], l.Intermediate.DER):
				t.Error("what was fetched is not what was served")
			}
		})
	}
}

// pkcs7 makes a certs-only message with OpenSSL.
func pkcs7(t *testing.T, der []byte) ([]byte, error) {
	t.Helper()
	c := exec.Command("openssl", "crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin", "-outform", "DER")
	c.Stdin = bytes.NewReader(lab.PEM(der))
	return c.Output()
}

// Nothing is fetched where nothing is missing, nor from where nobody may go.
func TestNotFetched(t *testing.T) {
	l := lab.New(lab.Config{})
	base, files := site(t)
	files["/der"] = l.Intermediate.DER
	leaf := leafNaming(l, base+"/der")
	open := fetch.New(fetch.Options{Private: true})
	knowing := func(der []byte) func(*cert.Certificate) []*cert.Certificate {
		return func(*cert.Certificate) []*cert.Certificate { return []*cert.Certificate{cert.Parse(der)} }
	}
	for name, s := range map[string]*evidence.Subject{
		"issuer served, and known root": ask(Options{Fetch: open, Known: knowing(l.Root.DER)}, leaf, l.Intermediate.DER),
		"issuer known":                  ask(Options{Fetch: open, Known: knowing(l.Intermediate.DER)}, leaf, l.Root.DER),
		"self-signed":                   ask(Options{Fetch: open}, l.Root.DER),
		"unreadable":                    ask(Options{Fetch: open}, []byte("x")),
		"no certificate":                ask(Options{Fetch: open}),
	} {
		if len(s.Fetches) != 0 {
			t.Errorf("%s: fetched %+v", name, s.Fetches)
		}
	}
	for name, s := range map[string]*evidence.Subject{
		"a private address":        ask(Options{Fetch: fetch.New(fetch.Options{})}, leaf),
		"a redirect to a file":     ask(Options{Fetch: open}, leafNaming(l, "file:///etc/passwd")),
		"a directory":              ask(Options{Fetch: open}, leafNaming(l, "ldap://ldap.lab.example/cn=ca?cACertificate")),
		"an address like no other": ask(Options{Fetch: open}, leafNaming(l, "http://\xff\xfe/")),
	} {
		if len(s.Fetches) != 1 || s.Fetches[0].Failure == nil || s.Fetches[0].Address != "" || len(s.Fetches[0].Certificates) != 0 {
			t.Errorf("%s: fetches = %+v, want one that failed", name, s.Fetches)
		}
	}
}

// Every fetched certificate names a further one: a few are followed, and that is
// said. The keys are few, so that names tell the links apart.
func TestEndlessChain(t *testing.T) {
	base, files := site(t)
	l := lab.New(lab.Config{})
	name := func(i int) []byte { return lab.Named(fmt.Sprintf("CN=CA %d", i)) }
	issue := func(i int) []byte {
		c := l.LeafTemplate()
		c.Subject, c.Issuer, c.Key = name(i), name(i+1), l.Intermediate.Key
		c.Set(lab.Basic(true, -1))
		c.Set(lab.AIA("http://ocsp.lab.example", fmt.Sprintf("%s/%d", base, i+1)))
		return c.Sign(l.Intermediate.Key, "")
	}
	for i := range 20 {
		files[fmt.Sprintf("/%d", i)] = issue(i)
	}
	s := ask(Options{Fetch: fetch.New(fetch.Options{Private: true})}, issue(0))
	if n := len(s.Fetches); n != maxDepth+1 || s.Fetches[n-1].Failure == nil || !strings.Contains(s.Fetches[n-1].Failure.Error, "no more are fetched") {
		t.Errorf("%d fetches, the last %+v, want %d and then a refusal", n, s.Fetches[n-1].Failure, maxDepth)
	}
	// In a circle there is nothing to fetch again.
	files["/2"] = func() []byte {
		c := l.LeafTemplate()
		c.Subject, c.Issuer, c.Key = name(2), name(1), l.Intermediate.Key
		c.Set(lab.AIA("http://ocsp.lab.example", base+"/1"))
		return c.Sign(l.Intermediate.Key, "")
	}()
	s = ask(Options{Fetch: fetch.New(fetch.Options{Private: true})}, issue(0))
	if len(s.Fetches) != 2 {
		t.Errorf("%d fetches in a circle, want 2", len(s.Fetches))
	}
}
