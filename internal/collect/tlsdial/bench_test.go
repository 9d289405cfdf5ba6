//go:build unix

package tlsdial

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// serverVariable makes the test binary the benchmarks' server, in a process
// of its own, so that CPU time here is the client's alone.
const serverVariable = "CERTASSAY_BENCHMARK_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		benchmarkServer()
		return
	}
	os.Exit(m.Run())
}

// benchmarkServer serves a leaf and an intermediate, both P-256, until its
// standard input ends.
func benchmarkServer() {
	t := &testing.B{}
	der := selfSigned(t, keys().ecdsa)
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der, der)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Addr())
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				server := tls.Server(conn, config)
				if server.Handshake() == nil {
					_, _ = io.Copy(io.Discard, server)
				}
			}()
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func startServer(b *testing.B) netip.AddrPort {
	b.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), serverVariable+"=1")
	stdin, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	addr, err := netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil {
		b.Fatal(err)
	}
	return addr
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHandshake compares a bare crypto/tls client with Collect. Compare
// cpu-µs/op within one run: wall time on a shared machine says little.
func BenchmarkHandshake(b *testing.B) {
	addr := startServer(b)
	bare := func(b *testing.B) {
		dialer := net.Dialer{KeepAlive: -1}
		conn, err := dialer.DialContext(b.Context(), "tcp", addr.String())
		if err != nil {
			b.Fatal(err)
		}
		client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: testHost})
		if err := client.Handshake(); err != nil {
			b.Fatal(err)
		}
		if n := len(client.ConnectionState().PeerCertificates); n != 2 {
			b.Fatalf("%d certificates", n)
		}
		_ = client.Close()
	}
	what, _ := at(addr, Options{})
	ours := func(opts Options) func(b *testing.B) {
		_, opts = at(addr, opts)
		d, err := New(opts)
		if err != nil {
			b.Fatal(err)
		}
		return func(b *testing.B) {
			s := d.Collect(b.Context(), what)[0]
			if len(s.Certificates) != 2 || len(s.Handshakes) != 1 || len(s.Failures) > 0 {
				b.Fatalf("subject %+v", s)
			}
		}
	}
	for _, bench := range []struct {
		name string
		do   func(*testing.B)
	}{{"Bare", bare}, {"Default", ours(Options{})}, {"Fast", ours(Options{Fast: true})}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			began := cpuTime()
			for b.Loop() {
				bench.do(b)
			}
			b.ReportMetric(float64(cpuTime()-began)/float64(b.N)/1e3, "cpu-µs/op")
		})
	}
}

// BenchmarkScan collects from 10 000 targets in one run. Its peak-MB is that of
// the heap, which must not grow with the number of targets.
func BenchmarkScan(b *testing.B) {
	const n = 10_000
	addr := startServer(b)
	what, opts := at(addr, Options{Fast: true})
	limits := collect.Limits{HostConcurrency: 64}
	opts.Pacer = collect.NewPacer(limits)
	d, err := New(opts)
	if err != nil {
		b.Fatal(err)
	}
	var peak uint64
	for b.Loop() {
		good := 0
		err := collect.Run(b.Context(), slices.Values(slices.Repeat([]target.Target{what}, n)), limits, d.Collect,
			func(_ target.Target, f evidence.Failure) []*evidence.Subject {
				b.Fatalf("lost a target: %+v", f)
				return nil
			},
			func(s []*evidence.Subject) error {
				if good++; len(s[0].Certificates) != 2 || len(s[0].Failures) > 0 {
					b.Fatalf("subject %+v", s[0])
				}
				if good%1000 == 0 {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapAlloc)
				}
				return nil
			})
		if err != nil || good != n {
			b.Fatalf("Run = %v after %d targets", err, good)
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "targets/s")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
}
