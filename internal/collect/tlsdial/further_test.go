package tlsdial

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/evidence"
)

func probed(s *evidence.Subject) (names []string) {
	for _, h := range s.Probes {
		names = append(names, h.Profile)
	}
	return names
}

func probeNamed(t *testing.T, s *evidence.Subject, profile string) evidence.Handshake {
	t.Helper()
	i := slices.IndexFunc(s.Probes, func(h evidence.Handshake) bool { return h.Profile == profile })
	if i < 0 {
		t.Fatalf("no probe %q among %v", profile, probed(s))
	}
	return s.Probes[i]
}

// A server with two certificates: each is a subject, once, and what the probes
// got is evidence of the first.
func TestEveryHello(t *testing.T) {
	ec, rsa := selfSigned(t, keys().ecdsa), selfSigned(t, keys().rsa)
	config := &tls.Config{Certificates: append(chainOf(keys().ecdsa, ec), chainOf(keys().rsa, rsa)...)}
	what, opts := at(serveTLS(t, config), Options{EveryHello: true})
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	subjects := d.Collect(t.Context(), what)
	if len(subjects) != 2 {
		t.Fatalf("%d subjects, want 2", len(subjects))
	}
	first, second := subjects[0], subjects[1]
	wantCertificates(t, first, ec)
	wantCertificates(t, second, rsa)
	if diff := cmp.Diff([]string{"ecdsa", "rsa", "tls12", "classical", "no-name"}, probed(first)); diff != "" {
		t.Errorf("probes differ (-want +got):\n%s", diff)
	}
	if want := first.ID + "#rsa"; second.ID != want {
		t.Errorf("ID = %q, want %q", second.ID, want)
	}
	if len(first.Handshakes) != 1 || len(second.Handshakes) != 1 || second.Handshakes[0].Profile != "rsa" || len(second.Probes) != 0 {
		t.Errorf("handshakes: %v and %v, want one each", profiles(first), profiles(second))
	}
	for _, profile := range []string{"ecdsa", "rsa", "tls12"} {
		if h := probeNamed(t, first, profile); h.Version != tls.VersionTLS12 || !h.Possession || h.ServerName != testHost {
			t.Errorf("%s: version %#x, possession %v, name %q", profile, h.Version, h.Possession, h.ServerName)
		}
	}
	if h := probeNamed(t, first, "classical"); h.Group != uint16(tls.X25519) || h.HelloSize >= 1024 {
		t.Errorf("classical: group %d in %d bytes", h.Group, h.HelloSize)
	}
	if h := probeNamed(t, first, "no-name"); h.ServerName != "" {
		t.Errorf("no-name sent %q", h.ServerName)
	}
	if len(first.Failures)+len(second.Failures) != 0 {
		t.Errorf("failures %v, %v", first.Failures, second.Failures)
	}
}

// A server with one certificate refuses a hello for the other kind: that is no
// failure of the subject, and nothing is added.
func TestEveryHelloOfOneCertificate(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	s := collectFrom(t, serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)}), Options{EveryHello: true})
	if h := probeNamed(t, s, "rsa"); h.Failure == nil || len(h.Certificates) != 0 {
		t.Errorf("rsa: failure %v, %d certificates", h.Failure, len(h.Certificates))
	}
	if len(s.Failures) != 0 {
		t.Errorf("failures %v, want none", s.Failures)
	}
}

// What a client without a name gets is often another site's: it is judged only
// where it is for the name.
func TestNoName(t *testing.T) {
	der, other := selfSigned(t, keys().ecdsa), selfSignedNamed(t, "other.test")
	for _, tt := range []struct {
		name     string
		fallback []byte
		want     int
	}{
		{"another site", other, 1},
		{"the same name", selfSigned(t, keys().ecdsa), 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if h.ServerName == "" {
					return &chainOf(keys().ecdsa, tt.fallback)[0], nil
				}
				return &chainOf(keys().ecdsa, der)[0], nil
			}}
			what, opts := at(serveTLS(t, config), Options{EveryHello: true})
			d, _ := New(opts)
			got := d.Collect(t.Context(), what)
			if len(got) != tt.want {
				t.Errorf("%d subjects, want %d", len(got), tt.want)
			}
			if h := probeNamed(t, got[0], "no-name"); !bytes.Equal(h.Certificates[0], tt.fallback) {
				t.Error("the evidence does not hold what came without a name")
			}
		})
	}
}

func selfSignedNamed(t testing.TB, name string) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, keys().ecdsa.Public(), keys().ecdsa)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Invented names go out in their documented form, new ones each time, and what
// comes back is evidence and no subject.
func TestProbePath(t *testing.T) {
	var asked atomic.Value
	asked.Store([]string(nil))
	config := &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		asked.Store(append(asked.Load().([]string), h.ServerName))
		if h.ServerName == testHost || h.ServerName == "" {
			return &chainOf(keys().ecdsa, selfSigned(t, keys().ecdsa))[0], nil
		}
		return &chainOf(keys().ecdsa, selfSignedNamed(t, h.ServerName))[0], nil
	}}
	what, opts := at(serveTLS(t, config), Options{ProbePath: true})
	d, _ := New(opts)
	got := d.Collect(t.Context(), what)
	first := got[0]
	if diff := cmp.Diff([]string{"no-name", "again", "sibling", "stranger"}, probed(first)); diff != "" {
		t.Errorf("probes differ (-want +got):\n%s", diff)
	}
	for profile, form := range map[string]string{
		"sibling": `^certassay-[0-9a-f]{12}\.host\.test$`, "stranger": `^certassay-[0-9a-f]{12}\.invalid$`,
	} {
		h := probeNamed(t, first, profile)
		if !regexp.MustCompile(form).MatchString(h.ServerName) || !slices.Contains(asked.Load().([]string), h.ServerName) {
			t.Errorf("%s asked for %q; the server heard %q", profile, h.ServerName, asked.Load())
		}
		if len(h.Certificates) != 1 {
			t.Errorf("%s: %d certificates", profile, len(h.Certificates))
		}
	}
	for _, s := range got[1:] {
		if strings.HasSuffix(s.ID, "#sibling") || strings.HasSuffix(s.ID, "#stranger") {
			t.Errorf("%s is judged, an answer for an invented name", s.ID)
		}
	}
	if again := d.Collect(t.Context(), what)[0]; probeNamed(t, again, "stranger").ServerName == probeNamed(t, first, "stranger").ServerName {
		t.Error("the invented name came twice: somebody could have prepared for it")
	}
}

// A proxy is asked for invented names, and for the name of the server where it was
// asked for the address. One that finds none says so at once.
func TestProbePathThroughProxy(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	server := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)})
	asked := make(chan string, 20)
	honest := func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		asked <- request.Host
		if strings.HasPrefix(request.Host, "certassay-") {
			_, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
			return
		}
		remote, err := net.Dial("tcp", server.String())
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		pipe(conn, remote)
	}
	via, err := parseVia("http://" + listen(t, honest).String())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		byName bool
		want   []string
	}{
		{"asked by address", false, []string{"no-name", "again", "sibling", "stranger", "connect-sibling", "connect-stranger", "connect-name"}},
		{"asked by name", true, []string{"no-name", "again", "sibling", "stranger", "connect-sibling", "connect-stranger"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			what, opts := at(server, Options{ProbePath: true, Via: via, Pacer: collect.NewPacer(collect.Limits{Retries: 3, RetryBudget: 9})})
			if tt.byName {
				opts.Overrides = nil
			}
			s := collectOne(t.Context(), t, what, opts)
			if diff := cmp.Diff(tt.want, probed(s)); diff != "" {
				t.Fatalf("probes differ (-want +got):\n%s", diff)
			}
			for profile, form := range map[string]string{
				"connect-sibling": `^certassay-[0-9a-f]{12}\.host\.test:\d+$`, "connect-stranger": `^certassay-[0-9a-f]{12}\.invalid:\d+$`,
			} {
				h := probeNamed(t, s, profile)
				if !regexp.MustCompile(form).MatchString(h.Address) || h.Failure == nil || !strings.Contains(h.Failure.Error, "502") || len(h.Certificates) != 0 {
					t.Errorf("%s: asked for %s, failure %+v", profile, h.Address, h.Failure)
				}
				if sni := h.ServerName == testHost; sni != (profile == "connect-stranger") {
					t.Errorf("%s: SNI %q", profile, h.ServerName)
				}
			}
			var names []string
			for range len(tt.want) + 1 {
				names = append(names, <-asked)
			}
			if len(asked) > 0 {
				t.Errorf("asked %v and %d times more; want no second try for a name that nobody has", names, len(asked))
			}
			if !tt.byName {
				if h := probeNamed(t, s, "connect-name"); h.Address != what.HostPort() || h.ServerName != testHost || !bytes.Equal(h.Certificates[0], der) {
					t.Errorf("connect-name: asked for %s with SNI %q", h.Address, h.ServerName)
				}
			}
			if len(s.Failures) != 0 {
				t.Errorf("failures %v: that a proxy finds no invented name is none", s.Failures)
			}
		})
	}
}

func TestInvented(t *testing.T) {
	for _, tt := range []struct{ name, domain string }{
		{"www.example.co.uk", ".example.co.uk"}, {"EXAMPLE.org", ".example.org"}, {"a.b.printer.internal", ".printer.internal"},
		{"invalid", ".invalid"}, {"", ""}, {"192.0.2.1", ""}, {"2001:db8::1", ""}, {"com", ""}, {"localhost", ""},
	} {
		got := invented(tt.name)
		if (tt.domain == "") != (got == "") || !strings.HasSuffix(got, tt.domain) {
			t.Errorf("invented(%q) = %q, want a name below %q", tt.name, got, tt.domain)
		}
	}
}

// A server that takes its time with every probe, or shuts itself away, costs the
// time of one target once more and no longer, and says so in the evidence.
func TestProbesAreBounded(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	var connections atomic.Int32
	addr := listen(t, func(conn net.Conn) {
		if connections.Add(1) > 1 {
			_, _ = io.Copy(io.Discard, conn)
			return
		}
		server := tls.Server(conn, &tls.Config{Certificates: chainOf(keys().ecdsa, der)})
		_ = server.Handshake()
	})
	patiently(t, func(limit time.Duration) error {
		connections.Store(0)
		began := time.Now()
		s := collectFrom(t, addr, Options{EveryHello: true, ProbePath: true, Total: 3 * limit, Handshake: limit})
		if took := time.Since(began); took > unbounded { // without a bound held, eight times
			return fmt.Errorf("took %v", took)
		}
		if !s.Collected() {
			return fmt.Errorf("no certificate, failures %+v", s.Failures)
		}
		wantCertificates(t, s, der)
		if len(s.Probes) != 8 || slices.ContainsFunc(s.Probes, func(h evidence.Handshake) bool { return h.Failure == nil }) {
			return fmt.Errorf("%d probes, want 8 that failed: %+v", len(s.Probes), s.Probes)
		}
		if n := connections.Load(); n > 9 {
			return fmt.Errorf("%d connections, want 9 at most", n)
		}
		if len(s.Distances) != 1 || s.Distances[0].Failure == nil || s.Distances[0].Connections != 0 {
			return fmt.Errorf("distances %+v, want that the time was used up", s.Distances)
		}
		if len(s.Failures) != 1 || !strings.Contains(s.Failures[0].Error, "8 of 8 further ClientHellos got no answer (ecdsa, ") {
			return fmt.Errorf("failures %+v, want one of eight probes", s.Failures)
		}
		return nil
	})
}

// Who drops every hello but the usual one hides what others are shown; a refusal,
// by alert or by hanging up, is an answer, and one that is lost is asked for again.
func TestProbesWithoutAnswer(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	for _, tt := range []struct {
		name string
		// drops says whether a connection is dropped, 1 being the first.
		drops func(connection int32) bool
		want  string
	}{
		{"all but the first", func(n int32) bool { return n > 1 }, "1 of 5 further ClientHellos got no answer (classical)"},
		{"the first of the small ones", func(n int32) bool { return n == 5 }, ""},
		{"none", func(int32) bool { return false }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var connections atomic.Int32
			addr := listen(t, func(conn net.Conn) {
				if tt.drops(connections.Add(1)) {
					_, _ = readHello(conn)
					reset(conn)
					return
				}
				_ = tls.Server(conn, &tls.Config{Certificates: chainOf(keys().ecdsa, der)}).Handshake()
			})
			s := collectFrom(t, addr, Options{EveryHello: true})
			switch {
			case tt.want == "" && len(s.Failures) > 0:
				t.Errorf("failures %+v, want none", s.Failures)
			case tt.want != "" && (len(s.Failures) != 1 || !strings.Contains(s.Failures[0].Error, tt.want)):
				t.Errorf("failures %+v, want %q", s.Failures, tt.want)
			}
			wantCertificates(t, s, der)
		})
	}
}

// Where only a small ClientHello passes, the probes are small.
func TestProbesUseWhatWasAnswered(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	addr := listen(t, func(conn net.Conn) {
		hello, err := readHello(conn)
		if err != nil || len(hello) > 1024 {
			reset(conn)
			return
		}
		server := tls.Server(&tunnel{Conn: conn, early: hello}, &tls.Config{Certificates: chainOf(keys().ecdsa, der)})
		_ = server.Handshake()
	})
	s := collectFrom(t, addr, Options{ProbePath: true})
	for _, h := range s.Probes {
		if h.HelloSize > 1024 || len(h.Certificates) == 0 {
			t.Errorf("%s: hello of %d bytes, %d certificates, failure %v", h.Profile, h.HelloSize, len(h.Certificates), h.Failure)
		}
	}
}
