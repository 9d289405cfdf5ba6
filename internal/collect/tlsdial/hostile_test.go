package tlsdial

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
)

// One interceptor (sslsplit 0.5.5) resets every ClientHello above about 1 KiB.
func TestCollectRetriesWithSmallHello(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der)}
	drop := map[string]func(net.Conn){
		"reset":   reset,
		"close":   func(conn net.Conn) { _ = conn.Close() },
		"silence": func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
	}
	for name, drop := range drop {
		t.Run(name, func(t *testing.T) {
			addr := listen(t, func(conn net.Conn) {
				hello, err := readHello(conn)
				if err != nil || len(hello) > 1024 {
					drop(conn)
					return
				}
				server := tls.Server(&tunnel{Conn: conn, early: hello}, config)
				_ = server.Handshake()
				_, _ = io.Copy(io.Discard, server)
			})
			patiently(t, func(limit time.Duration) error {
				s := collectFrom(t, addr, Options{Handshake: limit, Total: time.Hour})
				if !slices.Equal(profiles(s), []string{"default", "classical", "default"}) {
					return fmt.Errorf("handshakes %v, failures %v", profiles(s), s.Failures)
				}
				first, second := s.Handshakes[0], s.Handshakes[1]
				if !s.Handshakes[2].Reset || !first.Reset || first.Failure == nil || first.HelloSize < 1024 {
					return fmt.Errorf("first handshake %+v, want a reset of a large ClientHello", first)
				}
				if !second.Completed || second.HelloSize >= 600 || len(s.Failures) > 0 {
					return fmt.Errorf("second handshake %+v, failures %v, want completion with under 600 bytes", second, s.Failures)
				}
				wantCertificates(t, s, der)
				return nil
			})
		})
	}
}

// A connection that is lost by chance is none that is dropped for its size: the
// large ClientHello is sent again.
func TestCollectConfirmsReset(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	var connections atomic.Int32
	addr := listen(t, func(conn net.Conn) {
		if connections.Add(1) == 1 {
			_, _ = readHello(conn)
			reset(conn)
			return
		}
		_ = tls.Server(conn, &tls.Config{Certificates: chainOf(keys().ecdsa, der)}).Handshake()
	})
	s := collectFrom(t, addr, Options{})
	wantCertificates(t, s, der)
	if !slices.Equal(profiles(s), []string{"default", "classical", "default"}) || !s.Handshakes[2].Completed || len(s.Failures) > 0 {
		t.Errorf("profiles %v, handshakes %+v, failures %v; want that the large hello was answered", profiles(s), s.Handshakes, s.Failures)
	}
}

func TestClassicalHelloIsSmall(t *testing.T) {
	if n := len(classicalSuites) + 3; n > 9 {
		t.Errorf("%d suites, want a single digit", n)
	}
}

// A server that closes at each stage: the answer to a ClientHello, cut after
// every so many bytes.
func TestCollectServerClosesAnywhere(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("stages", func(t *testing.T) {
		der := selfSigned(t, keys().rsa)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			config := &tls.Config{Certificates: chainOf(keys().rsa, der), MinVersion: version, MaxVersion: version}
			for _, n := range []int{0, 1, 4, 5, 6, 40, 70, 100, 130, 200, 500, 800, 900, 1000, 1200, 1500} {
				addr := listen(t, func(conn net.Conn) {
					server := tls.Server(&cutConn{Conn: conn, left: n}, config)
					_ = server.Handshake()
				})
				s := collectFrom(t, addr, Options{})
				if !s.Collected() && (len(s.Failures) == 0 || s.Failures[0].Stage != evidence.StageHandshake) {
					t.Errorf("cut after %d bytes: failures %+v, want one of the handshake", n, s.Failures)
				}
				if s.Collected() && !bytes.Equal(s.Certificates[0], der) {
					t.Errorf("cut after %d bytes: the certificate differs", n)
				}
				if version == tls.VersionTLS12 && n >= 1200 && !s.Collected() {
					t.Errorf("cut after %d bytes: the certificate was lost", n)
				}
				if len(s.Handshakes) > 3 {
					t.Errorf("cut after %d bytes: %d connections", n, len(s.Handshakes))
				}
			}
		}
	})
	settled(t, before)
}

// A cutConn closes after it has written so many bytes.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b[:min(len(b), c.left)])
	if c.left -= n; c.left == 0 {
		_ = c.Conn.Close()
		return n, errTest
	}
	return n, err
}

func TestCollectHostileServers(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	random := make([]byte, 32)
	opening := records(recordHandshake, append(serverHello(tls12, 0xc02b, random), certificateMessage(der)...), 1<<14)
	tests := []struct {
		name  string
		serve func(net.Conn)
		want  string // in the first failure
		hint  string
		kept  bool
	}{
		{"one byte a second", func(conn net.Conn) {
			for _, b := range opening {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond) // all of it takes longer than any limit here
			}
		}, "no complete handshake in time", "--timeout", false},
		{"slow after the certificate", func(conn net.Conn) {
			_, _ = conn.Write(opening)
			_, _ = io.Copy(io.Discard, conn)
		}, "no complete handshake in time", "--timeout", true},
		{"100 MB of a message", func(conn net.Conn) {
			_, _ = conn.Write(opening)
			junk := records(recordHandshake, append([]byte{typeServerKeyExchange, 0xff, 0xff, 0xff}, make([]byte, 1<<14-4)...), 1<<14)
			for range 100 << 20 / len(junk) {
				if _, err := conn.Write(junk); err != nil {
					return
				}
			}
		}, "", "", true},
		{"endless warnings", func(conn net.Conn) {
			_, _ = conn.Write(opening)
			for range 1 << 20 {
				if _, err := conn.Write(bytes.Repeat([]byte{recordAlert, 3, 3, 0, 2, 1, 90}, 100)); err != nil {
					return
				}
			}
		}, "", "", true},
		{"endless change cipher spec", func(conn net.Conn) {
			for range 1 << 20 {
				if _, err := conn.Write(bytes.Repeat([]byte{recordCCS, 3, 3, 0, 1, 1}, 100)); err != nil {
					return
				}
			}
		}, "", "", false},
		{"garbage", func(conn net.Conn) { _, _ = conn.Write([]byte("\x00\x1b[31mgarbage\xff\xfe")) },
			`does not speak TLS on this port; it began with "\x00\x1b[31mgarbage`, "check the port", false},
		{"http", func(conn net.Conn) { _, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, "does not speak TLS", "plain HTTP", false},
		{"smtp", func(conn net.Conn) { _, _ = conn.Write([]byte("220 mail.test ESMTP\r\n")) }, "does not speak TLS", "smtp://", false},
		{"ssh", func(conn net.Conn) { _, _ = conn.Write([]byte("SSH-2.0-OpenSSH_9.2\r\n")) }, "does not speak TLS", "SSH", false},
		{"alert", func(conn net.Conn) { _, _ = conn.Write([]byte{recordAlert, 3, 3, 0, 2, 2, 40}) }, "handshake failure", "", false},
		{"empty chain", func(conn net.Conn) {
			_, _ = conn.Write(records(recordHandshake, append(serverHello(tls12, 0xc02b, random), certificateMessage()...), 1<<14))
		}, "", "", false},
		{"chain with lengths that lie", func(conn net.Conn) {
			m := certificateMessage(der)
			m[6]++ // of the list
			_, _ = conn.Write(records(recordHandshake, append(serverHello(tls12, 0xc02b, random), m...), 1<<14))
		}, "", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			addr := listen(t, func(conn net.Conn) {
				if _, err := readHello(conn); err == nil {
					tt.serve(conn)
					// Let the client read what was sent before the RST that
					// unread bytes would cause.
					_ = conn.(*net.TCPConn).CloseWrite()
					_, _ = io.Copy(io.Discard, conn)
				}
			})
			var m0, m1 runtime.MemStats
			patiently(t, func(limit time.Duration) error {
				began := time.Now()
				runtime.ReadMemStats(&m0)
				s := collectFrom(t, addr, Options{Handshake: limit, Total: 3 * limit})
				runtime.ReadMemStats(&m1)
				if took := time.Since(began); took > unbounded {
					return fmt.Errorf("took %v", took)
				}
				if used := m1.TotalAlloc - m0.TotalAlloc; used > 32<<20 {
					t.Errorf("allocated %d bytes in all", used)
				}
				if len(s.Failures) == 0 || !strings.Contains(s.Failures[0].Error, tt.want) || !strings.Contains(s.Failures[0].Hint, tt.hint) {
					return fmt.Errorf("failures %+v, want %q with hint %q", s.Failures, tt.want, tt.hint)
				}
				if s.Failures[0].Stage != evidence.StageHandshake {
					return fmt.Errorf("stage %q, want the handshake", s.Failures[0].Stage)
				}
				if tt.kept != s.Collected() {
					return fmt.Errorf("%d certificates, want some: %v", len(s.Certificates), tt.kept)
				}
				if tt.kept {
					wantCertificates(t, s, der)
				}
				return nil
			})
			settled(t, before+2) // the listener
		})
	}
}

func TestCollectNothingListens(t *testing.T) {
	addr := listen(t, func(net.Conn) {})
	what, opts := at(addr, Options{})
	what.Port = 1
	opts.Overrides[what.HostPort()] = opts.Overrides[testHost+":"+addr.String()[strings.LastIndexByte(addr.String(), ':')+1:]]
	s := collectOne(t.Context(), t, what, opts)
	if len(s.Failures) != 1 || s.Failures[0].Stage != evidence.StageDial || !strings.Contains(s.Failures[0].Hint, "nothing listens") {
		t.Errorf("failures %+v, want a refused connection", s.Failures)
	}
	if s.Address != "127.0.0.1:1" || len(s.Handshakes) != 0 {
		t.Errorf("address %q, handshakes %v", s.Address, s.Handshakes)
	}
}

func TestCollectLongChains(t *testing.T) {
	leaf := selfSigned(t, keys().ecdsa)
	tests := []struct {
		name  string
		chain [][]byte
		kept  int // at least
		told  string
	}{
		{"100 certificates", slices.Repeat([][]byte{leaf}, 100), 100, ""},
		{"300 certificates", slices.Repeat([][]byte{leaf}, 300), 256, "44 certificates beyond the first 256"},
		{"a message of 100 kB", [][]byte{leaf, make([]byte, 100<<10)}, 2, ""},
		{"a message of 400 kB", append([][]byte{leaf}, slices.Repeat([][]byte{make([]byte, 40<<10)}, 10)...), 11, ""},
		{"a message of 3 MB", append([][]byte{leaf}, slices.Repeat([][]byte{make([]byte, 40<<10)}, 75)...), 3, "more than a handshake may have"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, tt.chain...), MaxVersion: tls.VersionTLS12})
			s := collectFrom(t, addr, Options{})
			if n := len(s.Certificates); n < tt.kept || n > 256 {
				t.Errorf("%d certificates kept, want at least %d", n, tt.kept)
			}
			if !bytes.Equal(s.Certificates[0], leaf) {
				t.Error("the leaf differs")
			}
			var told string
			for _, f := range s.Failures {
				told += f.Error + "\n"
			}
			if !strings.Contains(told, tt.told) || tt.told == "" && told != "" {
				t.Errorf("failures %q, want %q", told, tt.told)
			}
		})
	}
}

// Nothing of a recording is left with the evidence.
func TestCollectMemoryIsNotHeld(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	odd := append(bytes.Clone(der), 0)
	junk := make([]byte, 200<<10)
	if _, err := rand.Read(junk); err != nil {
		t.Fatal(err)
	}
	addr := listen(t, func(conn net.Conn) {
		if _, err := readHello(conn); err != nil {
			return
		}
		hello := serverHello(tls12, 0xc02b, make([]byte, 32))
		big := message(99, junk) // unknown, and so kept by nobody
		_, _ = conn.Write(records(recordHandshake, slices.Concat(hello, certificateMessage(odd), big), 1<<14))
	})
	what, opts := at(addr, Options{})
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	var kept []*evidence.Subject
	goroutines := runtime.NumGoroutine()
	var before, after runtime.MemStats
	kept = append(kept, d.Collect(t.Context(), what)...) // warms up
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 40 {
		kept = append(kept, d.Collect(t.Context(), what)...)
	}
	settled(t, goroutines) // what the server holds is not ours
	runtime.GC()
	runtime.GC() // empties the pool
	runtime.ReadMemStats(&after)
	wantCertificates(t, kept[40], odd)
	if per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / 40; per > 20<<10 {
		t.Errorf("each subject holds %d bytes", per)
	}
	runtime.KeepAlive(kept)
}
