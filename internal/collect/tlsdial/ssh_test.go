//go:build unix

package tlsdial

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/collect/sshjump"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab/sshd"
	"github.com/certassay/certassay/internal/target"
)

var sshTarget = target.Target{Raw: "host.test:4433", Scheme: "tls", Host: testHost, Port: 4433}

// jumpTo gives the options that dial through a server which leads to upstream.
func jumpTo(t testing.TB, upstream netip.AddrPort) (*sshd.Server, Options) {
	t.Helper()
	server := sshd.Start(t, upstream.String())
	p, err := sshjump.New(&url.URL{Scheme: "ssh", User: url.User("bob"), Host: "box"}, sshjump.Options{Config: filepath.Join(server.Dir, "config"), Timeout: unbounded})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return server, Options{Jump: p, Pacer: collect.NewPacer(collect.Limits{Retries: 2})}
}

func one(t testing.TB, opts Options, to target.Target) *evidence.Subject {
	t.Helper()
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	got := d.Collect(t.Context(), to)
	if len(got) != 1 {
		t.Fatalf("%d subjects, want 1", len(got))
	}
	return got[0]
}

func TestSSH(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	server, opts := jumpTo(t, serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)}))
	for range 2 {
		s := one(t, opts, sshTarget)
		wantCertificates(t, s, der)
		if want := "ssh://box"; !s.Handshakes[0].Completed || s.Vantage != want || s.ID != "tls://host.test:4433?via="+want || strings.Contains(fmt.Sprintf("%+v", s), "bob") {
			t.Errorf("completed %v, vantage %q, id %q", s.Handshakes[0].Completed, s.Vantage, s.ID)
		}
		if got := <-server.Asked; got != "host.test:4433" {
			t.Errorf("the server was asked for %q", got)
		}
	}
	quic := one(t, opts, target.Target{Raw: "quic://host.test", Scheme: schemeQUIC, Host: testHost, Port: 443})
	if len(quic.Failures) != 1 || !strings.Contains(quic.Failures[0].Error, "TCP alone") {
		t.Errorf("QUIC was not refused: %+v", quic)
	}
	refused := ssh.Prohibited
	server.Refuse.Store(&refused)
	s := one(t, opts, sshTarget)
	if len(s.Failures) != 1 || len(s.Handshakes) != 0 || s.Failures[0].Stage != evidence.StageDial || !strings.Contains(s.Failures[0].Hint, "PermitOpen") {
		t.Errorf("failures %+v, %d handshakes", s.Failures, len(s.Handshakes))
	}
	opts.Via = &url.URL{Scheme: "http", Host: "h"}
	if _, err := New(opts); err == nil {
		t.Error("a vantage may be a proxy and an SSH server")
	}
}

// The time that a login takes is none of the target's.
func TestSSHLoginTime(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	server, opts := jumpTo(t, serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)}))
	opts.Pacer = nil // nothing is tried again
	patiently(t, func(limit time.Duration) error {
		opts.Dial, opts.Total = limit, 5*limit
		server.Configure(t, fmt.Sprintf("  Match exec \"sleep %.1f\"\nHost box", limit.Seconds()))
		if s := one(t, opts, sshTarget); len(s.Failures) != 0 || len(s.Certificates) != 1 || !bytes.Equal(s.Certificates[0], der) {
			return fmt.Errorf("%d certificates, failures %+v", len(s.Certificates), s.Failures)
		}
		return nil
	})
}

// What goes before TLS lives by deadlines, which SSH channels do not have.
func TestSSHWithSTARTTLS(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	mail := serveSMTP(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)}, withTLS, goOn)
	_, opts := jumpTo(t, mail)
	s := collectAs(t, "smtp", mail, opts)
	wantCertificates(t, s, der)
	if len(s.Failures) > 0 || !s.Handshakes[0].Completed {
		t.Errorf("failures %v, handshake %+v", s.Failures, s.Handshakes[0])
	}
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	_, opts = jumpTo(t, silent)
	opts.Handshake = 200 * time.Millisecond
	if s := collectAs(t, "smtp", silent, opts); len(s.Failures) == 0 {
		t.Errorf("a silent server: failures %v", s.Failures)
	}
}
