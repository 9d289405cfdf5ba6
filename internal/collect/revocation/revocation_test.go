package revocation

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/ocsp"
)

// A site is a responder and a web server with a list.
type site struct {
	l    *lab.Lab
	base string
	// refuse says how a POST is answered: "" for well.
	refuse string
	hits   atomic.Int64
	// next is when a newer answer comes; zero where none says.
	next time.Time
	// signer signs in place of the issuer where it is set.
	signer *lab.CA
	posts  atomic.Int64
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{l: lab.New(lab.Config{})}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.base = server.URL
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.hits.Add(1)
	list := lab.CRL{Issuer: s.issuer(), This: s.l.At, Next: s.next}.Sign()
	switch {
	case r.URL.Path == "/list":
		_, _ = w.Write(list)
	case r.URL.Path == "/pem":
		_ = pem.Encode(w, &pem.Block{Type: "X509 CRL", Bytes: list})
	case r.URL.Path == "/junk":
		_, _ = w.Write([]byte("\x30\x03\x02\x01\x05"))
	case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/ocsp"):
		s.posts.Add(1)
		request, _ := io.ReadAll(r.Body)
		s.answer(w, request, s.refuse)
	case strings.HasPrefix(r.URL.EscapedPath(), "/ocsp/"):
		text, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/ocsp/"))
		request, err2 := base64.StdEncoding.DecodeString(text)
		if err != nil || err2 != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.answer(w, request, "")
	default:
		http.NotFound(w, r)
	}
}

func (s *site) issuer() *lab.CA {
	if s.signer != nil {
		return s.signer
	}
	return s.l.Intermediate
}

func (s *site) answer(w http.ResponseWriter, request []byte, refuse string) {
	w.Header().Set("Content-Type", "application/ocsp-response")
	switch refuse {
	case "status":
		w.WriteHeader(http.StatusMethodNotAllowed)
	case "malformed":
		_, _ = w.Write([]byte{0x30, 3, 0x0a, 1, 1})
	default:
		leaf := cert.Parse(s.l.Leaf)
		_, _ = w.Write(lab.OCSP{Issuer: s.issuer(), Answers: []lab.Status{{Serial: leaf.Serial}}, This: s.l.At, Next: s.next, Nonce: ocsp.RequestNonce(request)}.Sign())
	}
}

// leaf names a responder and a list; empty ones are left out.
func (s *site) leaf(responder, list string) []byte {
	t := s.l.LeafTemplate()
	t.Drop(lab.IDAIA, lab.IDCRLPoints)
	if responder != "" {
		t.Set(lab.AIA(s.base+responder, s.base+"/issuer"))
	}
	if list != "" {
		t.Set(lab.CRLPoint(s.base + list))
	}
	return t.Sign(s.l.Intermediate.Key, "")
}

func (s *site) ask(o Options, chain ...[]byte) *evidence.Subject {
	subject := &evidence.Subject{}
	for _, der := range chain {
		subject.Certificates = append(subject.Certificates, der)
	}
	if o.Fetch == nil {
		o.Fetch = fetch.New(fetch.Options{Private: true, Timeout: time.Minute})
	}
	o.Nonce = func(b []byte) { copy(b, "a nonce") }
	o.Root = func(c *cert.Certificate) bool { return bytes.Equal(c.Raw, s.l.Intermediate.DER) }
	New(o).Ask(context.Background(), subject)
	return subject
}

func TestAskResponder(t *testing.T) {
	for _, tt := range []struct {
		refuse string
		nonce  bool
	}{{"", true}, {"status", false}, {"malformed", false}} {
		s := newSite(t)
		s.refuse = tt.refuse
		leaf := s.leaf("/ocsp", "/list")
		got := s.ask(Options{OCSP: true}, leaf, s.l.Intermediate.DER).Fetches
		if len(got) != 1 {
			t.Fatalf("refusing POST by %q: fetches = %+v, want one", tt.refuse, got)
		}
		f := got[0]
		if f.Kind != evidence.FetchOCSP || f.URL != s.base+"/ocsp" || f.For != evidence.Hash(evidence.DER(leaf).SHA256()) || f.Failure != nil || f.Address == "" {
			t.Errorf("refusing POST by %q: fetch = %+v", tt.refuse, f)
		}
		r, err := ocsp.Parse(f.Body)
		if err != nil || (r.Nonce != nil) != tt.nonce || (ocsp.RequestNonce(f.Request) != nil) != tt.nonce {
			t.Errorf("refusing POST by %q: response %+v, %v, want a nonce %v", tt.refuse, r, err, tt.nonce)
		}
	}
}

func TestAskLists(t *testing.T) {
	s := newSite(t)
	web := fetch.New(fetch.Options{Private: true})
	for _, tt := range []struct {
		path, failure string
	}{{"/list", ""}, {"/list", ""}, {"/pem", ""}, {"/junk", "what came is none"}, {"/missing", "404"}} {
		got := s.ask(Options{Fetch: web, CRL: true, OCSP: false}, s.leaf("/ocsp", tt.path), s.l.Intermediate.DER).Fetches
		if len(got) != 1 || got[0].Kind != evidence.FetchCRL || (got[0].Failure == nil) != (tt.failure == "") || (len(got[0].Body) > 0) != (tt.failure == "") {
			t.Fatalf("%s: fetches = %+v", tt.path, got)
		}
		if tt.failure != "" && !strings.Contains(got[0].Failure.Error, tt.failure) {
			t.Errorf("%s: failure = %v, want %q in it", tt.path, got[0].Failure, tt.failure)
		}
	}
	if s.hits.Load() != 4 || s.posts.Load() != 0 {
		t.Errorf("%d requests, %d to the responder; want 4, as one list was asked for twice, and none", s.hits.Load(), s.posts.Load())
	}
}

// What cannot be asked is said; what need not be is passed over.
func TestNobodyToAsk(t *testing.T) {
	s := newSite(t)
	both := Options{OCSP: true, CRL: true}
	for _, tt := range []struct {
		name  string
		o     Options
		chain [][]byte
		want  string // of the failure; empty for no fetch at all
	}{
		{"names nobody", both, [][]byte{s.leaf("", ""), s.l.Intermediate.DER}, "names neither"},
		{"names a list alone", Options{OCSP: true}, [][]byte{s.leaf("", "/list"), s.l.Intermediate.DER}, "--online crl"},
		{"names a responder alone", Options{CRL: true}, [][]byte{s.leaf("/ocsp", ""), s.l.Intermediate.DER}, "--online ocsp"},
		{"issuer not at hand", Options{OCSP: true}, [][]byte{s.leaf("/ocsp", "")}, "--online aia"},
		{"self-signed", both, [][]byte{s.l.Root.DER}, ""},
		{"unreadable", both, [][]byte{[]byte("x")}, ""},
		{"no certificate", both, nil, ""},
		{"a private address", Options{OCSP: true, Fetch: fetch.New(fetch.Options{})}, [][]byte{s.leaf("/ocsp", ""), s.l.Intermediate.DER}, "not public"},
	} {
		got := s.ask(tt.o, tt.chain...).Fetches
		if tt.want == "" {
			if len(got) != 0 {
				t.Errorf("%s: fetches = %+v, want none", tt.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Failure == nil || !strings.Contains(got[0].Failure.Error, tt.want) {
			t.Errorf("%s: fetches = %+v, want one that failed with %q", tt.name, got, tt.want)
		}
	}
	if s.hits.Load() != 0 {
		t.Errorf("%d requests, want none", s.hits.Load())
	}
}

// Intermediates are asked about, too, where they name somebody of the kind.
func TestAskAboutIntermediates(t *testing.T) {
	s := newSite(t)
	subject := &evidence.Subject{Certificates: []evidence.DER{s.leaf("/ocsp", "/list"), s.l.Intermediate.DER}}
	web := fetch.New(fetch.Options{Timeout: time.Second}) // nobody is reached
	New(Options{Fetch: web, OCSP: true, CRL: true, Known: func(*cert.Certificate) []*cert.Certificate { return []*cert.Certificate{cert.Parse(s.l.Root.DER)} },
		Root: func(c *cert.Certificate) bool { return true }}).Ask(context.Background(), subject)
	if len(subject.Fetches) != 0 {
		t.Errorf("a trusted leaf was asked about: %+v", subject.Fetches)
	}
}
