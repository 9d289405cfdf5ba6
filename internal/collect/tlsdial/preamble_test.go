package tlsdial

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/collect/starttls"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// smtpUpTo plays an SMTP server and says whether it came to the go-ahead.
func smtpUpTo(conn net.Conn, capabilities, goAhead string) bool {
	in := bufio.NewReader(conn)
	_, _ = io.WriteString(conn, "220 mail.test ESMTP\r\n")
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "EHLO ") {
		return false
	}
	_, _ = io.WriteString(conn, capabilities)
	if line, err := in.ReadString('\n'); err != nil || line != "STARTTLS\r\n" {
		return false
	}
	_, _ = io.WriteString(conn, goAhead)
	return true
}

const (
	withTLS    = "250-mail.test\r\n250 STARTTLS\r\n"
	withoutTLS = "250-mail.test\r\n250 SIZE\r\n"
	goOn       = "220 go on\r\n"
)

func serveSMTP(t testing.TB, config *tls.Config, capabilities, goAhead string) netip.AddrPort {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		if smtpUpTo(conn, capabilities, goAhead) {
			server := tls.Server(conn, config)
			_ = server.Handshake()
			_, _ = io.Copy(io.Discard, server)
		}
	})
}

// collectAs looks at addr in the given scheme.
func collectAs(t testing.TB, scheme string, addr netip.AddrPort, opts Options) *evidence.Subject {
	t.Helper()
	what, opts := at(addr, opts)
	what.Scheme = scheme
	opts.Overrides = map[string][]netip.Addr{what.HostPort(): {addr.Addr()}}
	return collectOne(t.Context(), t, what, opts)
}

func TestCollectSTARTTLS(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der)}
	for _, fast := range []bool{false, true} {
		s := collectAs(t, "smtp", serveSMTP(t, config, withTLS, goOn), Options{Fast: fast})
		wantCertificates(t, s, der)
		h := s.Handshakes[0]
		if len(s.Handshakes) != 1 || !h.Possession || len(s.Failures) > 0 || s.Protocol != "smtp" || !strings.HasPrefix(s.ID, "smtp://"+testHost) {
			t.Errorf("fast %v: %s, protocol %s, handshake %+v, failures %v", fast, s.ID, s.Protocol, h, s.Failures)
		}
		if p := h.Preamble; p == nil || p.Outcome != evidence.PreambleReady || p.PipelinedPlaintext || p.Elapsed <= 0 || !strings.HasPrefix(p.Said, "220 mail.test ESMTP") {
			t.Errorf("fast %v: preamble %+v, want ready and the greeting", fast, h.Preamble)
		}
	}
}

// Certificates that the TLS library refuses are salvaged from the bytes after
// the preamble.
func TestCollectSTARTTLSSalvages(t *testing.T) {
	odd := append(selfSigned(t, keys().ecdsa), 0)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := &tls.Config{Certificates: chainOf(keys().ecdsa, odd), MinVersion: version, MaxVersion: version}
		s := collectAs(t, "smtp", serveSMTP(t, config, withTLS, goOn), Options{})
		wantCertificates(t, s, odd)
		if !s.Handshakes[0].Salvaged {
			t.Errorf("version %#x: not salvaged: %+v", version, s.Handshakes[0])
		}
	}
}

// Every further ClientHello has its own preamble.
func TestCollectSTARTTLSRetries(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der)}
	addr := listen(t, func(conn net.Conn) {
		if !smtpUpTo(conn, withTLS, goOn) {
			return
		}
		hello, err := readHello(conn)
		if err != nil || len(hello) > 1024 {
			reset(conn)
			return
		}
		server := tls.Server(&tunnel{Conn: conn, early: hello}, config)
		_ = server.Handshake()
		_, _ = io.Copy(io.Discard, server)
	})
	s := collectAs(t, "smtp", addr, Options{})
	wantCertificates(t, s, der)
	if !slices.Equal(profiles(s), []string{"default", "classical", "default"}) || !s.Handshakes[2].Reset || !s.Handshakes[0].Reset || s.Handshakes[1].Preamble == nil || !s.Handshakes[1].Completed {
		t.Errorf("profiles %v, handshakes %+v; want a reset and a second preamble", profiles(s), s.Handshakes)
	}
}

// A client that took "250 injected" for protected would be fooled; it must reach
// neither the handshake nor what is kept of it.
func TestCollectSTARTTLSPipelined(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der)}
	s := collectAs(t, "smtp", serveSMTP(t, config, withTLS, goOn+"250 injected\r\n"), Options{})
	wantCertificates(t, s, der)
	if h := s.Handshakes[0]; !h.Preamble.PipelinedPlaintext || !h.Completed || len(s.Failures) > 0 {
		t.Errorf("preamble %+v, completed %v, failures %v; want plain text noted and TLS completed", h.Preamble, h.Completed, s.Failures)
	}
}

func TestCollectSTARTTLSFailures(t *testing.T) {
	tests := []struct {
		name  string
		serve func(net.Conn)
		want  evidence.PreambleOutcome
		text  string
		hint  string
	}{
		{"stripped", func(conn net.Conn) { smtpUpTo(conn, withoutTLS, "") }, evidence.PreambleMissing, "does not offer STARTTLS", "removed the offer"},
		{"refused", func(conn net.Conn) { smtpUpTo(conn, withTLS, "454 no\r\n") }, evidence.PreambleRefused, "454 no", "turn away"},
		{"wrong greeting", func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-x\r\n") }, evidence.PreambleMalformed, "SSH-2.0-x", "check port"},
		{"oversize", func(conn net.Conn) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(conn, strings.Repeat("220-x\r\n", 100))
			}
		}, evidence.PreambleTooLong, "lines", "no honest server"},
		{"silent", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, evidence.PreambleTooSlow, "timeout", "tls://HOST:PORT"},
		{"slow", func(conn net.Conn) {
			for err := error(nil); err == nil; time.Sleep(20 * time.Millisecond) {
				_, err = io.WriteString(conn, "2")
			}
		}, evidence.PreambleTooSlow, "timeout", "slow"},
		{"closed", func(net.Conn) {}, evidence.PreambleClosed, "EOF", "hung up"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr := listen(t, func(conn net.Conn) {
				tt.serve(conn)
				_, _ = io.Copy(io.Discard, io.LimitReader(conn, 1<<20))
			})
			if tt.name == "closed" {
				addr = listen(t, tt.serve)
			}
			patiently(t, func(limit time.Duration) error {
				s := collectAs(t, "smtp", addr, Options{Handshake: limit, Total: time.Hour})
				if len(s.Failures) != 1 || len(s.Handshakes) != 1 || s.Collected() {
					return fmt.Errorf("failures %+v, %d handshakes; want one of each and no certificate", s.Failures, len(s.Handshakes))
				}
				f, h := s.Failures[0], s.Handshakes[0]
				if f.Stage != evidence.StageStartTLS || !strings.Contains(f.Error, tt.text) || !strings.Contains(f.Hint, tt.hint) {
					return fmt.Errorf("failure %+v; want stage starttls, %q and hint %q", f, tt.text, tt.hint)
				}
				if h.Preamble.Outcome != tt.want || h.Reset || h.HelloSize > 0 {
					return fmt.Errorf("handshake %+v, outcome %s; want %s and no ClientHello", h, h.Preamble.Outcome, tt.want)
				}
				return nil
			})
		})
	}
}

// A run that is interrupted during a preamble ends then.
func TestCollectSTARTTLSInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := listen(t, func(conn net.Conn) {
		cancel()
		_, _ = io.Copy(io.Discard, conn)
	})
	what := target.Target{Scheme: "imap", Host: "127.0.0.1", Port: addr.Port()}
	s := collectOne(ctx, t, what, Options{Handshake: time.Hour, Total: time.Hour})
	if len(s.Failures) != 1 || s.Failures[0].Stage != evidence.StageCollect {
		t.Errorf("failures %+v; want one of stage collect", s.Failures)
	}
}

func TestCollectSTARTTLSThroughProxy(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der)}
	addr := serveSMTP(t, config, withTLS, goOn)
	proxy := listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for line, err := "-", error(nil); err == nil && line != "\r\n"; {
			line, err = in.ReadString('\n')
		}
		onward, err := net.Dial("tcp", addr.String())
		if err != nil {
			return
		}
		defer onward.Close()
		// The server's greeting comes in one packet with the proxy's answer.
		greeting := make([]byte, 64)
		n, _ := onward.Read(greeting)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"+string(greeting[:n]))
		go func() { _, _ = io.Copy(onward, in) }()
		_, _ = io.Copy(conn, onward)
	})
	via, err := parseVia("http://" + proxy.String())
	if err != nil {
		t.Fatal(err)
	}
	s := collectAs(t, "smtp", addr, Options{Via: via})
	wantCertificates(t, s, der)
	if len(s.Failures) > 0 || !s.Handshakes[0].Completed {
		t.Errorf("failures %v, handshake %+v", s.Failures, s.Handshakes[0])
	}
}

// TDS carries the handshake in packets of its own.
func TestCollectMSSQL(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der), MaxVersion: tls.VersionTLS12}
	addr := listen(t, func(conn net.Conn) {
		prelogin := make([]byte, 26)
		if _, err := io.ReadFull(conn, prelogin); err != nil || prelogin[0] != 0x12 {
			return
		}
		_, _ = io.WriteString(conn, "\x04\x01\x00\x0f\x00\x00\x01\x00\x01\x00\x06\x00\x01\xff\x01")
		server := tls.Server(starttls.Wrap(conn, "mssql"), config)
		_ = server.Handshake()
		_, _ = io.Copy(io.Discard, conn)
	})
	for _, fast := range []bool{false, true} {
		s := collectAs(t, "mssql", addr, Options{Fast: fast})
		wantCertificates(t, s, der)
		if len(s.Failures) > 0 || !s.Handshakes[0].Possession || s.Handshakes[0].HelloSize == 0 {
			t.Errorf("fast %v: failures %v, handshake %+v", fast, s.Failures, s.Handshakes[0])
		}
	}
}

func TestCollectNTS(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	good := "\x80\x01\x00\x02\x00\x00\x80\x04\x00\x02\x00\x0f\x00\x05\x00\x04cook\x80\x00\x00\x00"
	tests := []struct {
		name    string
		config  *tls.Config
		answer  string
		cookies int
		text    string // of the first failure
		stage   string
	}{
		{"a time server", &tls.Config{NextProtos: []string{"ntske/1"}}, good, 1, "", ""},
		{"no cookies", &tls.Config{NextProtos: []string{"ntske/1"}}, "\x80\x00\x00\x00", 0, "NTPv4", evidence.StageNTS},
		{"another protocol", &tls.Config{}, good, 0, "ntske/1", evidence.StageNTS},
		{"TLS 1.2 only", &tls.Config{NextProtos: []string{"ntske/1"}, MaxVersion: tls.VersionTLS12}, good, 0, "", evidence.StageHandshake},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := tt.config.Clone()
			config.Certificates = chainOf(keys().ecdsa, der)
			addr := listen(t, func(conn net.Conn) {
				server := tls.Server(conn, config)
				if server.Handshake() == nil {
					_, _ = io.ReadFull(server, make([]byte, 16))
					_, _ = io.WriteString(server, tt.answer)
				}
			})
			s := collectAs(t, "nts", addr, Options{Fast: true})
			wantCertificates(t, s, der)
			if tt.stage == "" != (len(s.Failures) == 0) {
				t.Fatalf("failures %+v, want stage %q", s.Failures, tt.stage)
			}
			if tt.stage != "" && (s.Failures[0].Stage != tt.stage || !strings.Contains(s.Failures[0].Error, tt.text) || s.Failures[0].Hint == "" && tt.text != "") {
				t.Errorf("failure %+v, want stage %s and %q", s.Failures[0], tt.stage, tt.text)
			}
			h := s.Handshakes[0]
			if tt.stage == evidence.StageHandshake {
				if h.NTS != nil || h.Completed {
					t.Errorf("handshake %+v, want none below TLS 1.3", h)
				}
				return
			}
			if h.NTS == nil || h.NTS.Cookies != tt.cookies || h.Version != tls.VersionTLS13 {
				t.Errorf("NTS %+v over version %#x, want %d cookies over TLS 1.3", h.NTS, h.Version, tt.cookies)
			}
		})
	}
}

func TestALPNOfSchemes(t *testing.T) {
	for scheme, want := range map[string][]string{"https": {"h2", "http/1.1"}, "nts": {"ntske/1"}, "dot": {"dot"}, "smtps": nil} {
		s := &session{d: &Dialer{}, target: target.Target{Scheme: scheme}}
		if got := s.alpn(); !slices.Equal(got, want) {
			t.Errorf("ALPN of %s = %v, want %v", scheme, got, want)
		}
	}
}
