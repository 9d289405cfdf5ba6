package hops

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
)

var far = netip.MustParseAddrPort("192.0.2.1:443")

// A network is somebody who answers at a distance, and routers before him.
type network struct {
	distance func(n int) int // of the n-th connection
	silent   bool            // routers say nothing of what they drop
	refuses  bool
	made     int
}

func (w *network) connect(ctx context.Context, _ netip.AddrPort, ttl int) error {
	w.made++
	switch {
	case ttl >= w.distance(w.made) && w.refuses:
		return fmt.Errorf("connect: %w", errno(syscall.ECONNREFUSED, 10061))
	case ttl >= w.distance(w.made):
		return nil
	case w.silent:
		<-ctx.Done()
		return ctx.Err()
	}
	return fmt.Errorf("connect: %w", errno(syscall.EHOSTUNREACH, 10065))
}

// errno is what a socket of this system says.
func errno(unix, winsock syscall.Errno) error {
	if runtime.GOOS == "windows" {
		return winsock
	}
	return unix
}

func (w *network) count(t testing.TB, ctx context.Context) evidence.Distance {
	t.Helper()
	held := 0
	c := New(0, func(context.Context, netip.Addr) (func(), error) { held++; return func() { held-- }, nil })
	c.connect, c.try = w.connect, 2*time.Millisecond
	d := c.Count(ctx, far)
	if w.made > maxConnections || d.Connections != w.made || held != 0 {
		t.Errorf("%d connections, said to be %d, %d turns not given back; want %d at most", w.made, d.Connections, held, maxConnections)
	}
	return d
}

func constant(n int) func(int) int { return func(int) int { return n } }

// Every distance is found, whether routers speak or not, and whoever answers.
func TestCount(t *testing.T) {
	for distance := 1; distance <= most; distance++ {
		for _, w := range []*network{{}, {silent: true}, {refuses: true}} {
			w.distance = constant(distance)
			d := w.count(t, t.Context())
			want := evidence.DistanceAccepted
			if w.refuses {
				want = evidence.DistanceRefused
			}
			if d.Hops != distance || d.Failure != nil || d.Answer != want || d.Address != far.String() {
				t.Errorf("%+v, want %d hops, %s", d, distance, want)
			}
		}
	}
}

// What does not hold still gets no number.
func TestCountRefuses(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name     string
		ctx      context.Context
		distance func(n int) int
		want     string
	}{
		{"nobody answers", t.Context(), constant(most + 1), "does not answer"},
		{"two paths in turn", t.Context(), func(n int) int { return 5 + 7*(n%2) }, "another with each connection"},
		{"nearer at the end", t.Context(), func(n int) int {
			if n >= maxConnections-1 {
				return 1
			}
			return 12
		}, "another with each connection"},
		{"farther at the end", t.Context(), func(n int) int {
			if n >= maxConnections-3 {
				return 13
			}
			return 12
		}, "another with each connection"},
		{"the run ends", over, constant(3), "used up"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := (&network{distance: tt.distance}).count(t, tt.ctx)
			if d.Hops != 0 || d.Failure == nil || !strings.Contains(d.Failure.Error, tt.want) {
				t.Errorf("%+v, want a failure with %q", d, tt.want)
			}
		})
	}
	// An answer that is now this, now that, is that of two.
	w, n := &network{distance: constant(7)}, 0
	c := New(0, nil)
	c.connect = func(ctx context.Context, to netip.AddrPort, ttl int) error {
		n++
		w.refuses = n%2 == 0
		return w.connect(ctx, to, ttl)
	}
	if d := c.Count(t.Context(), far); d.Hops != 0 || d.Failure == nil {
		t.Errorf("%+v of one who accepts and refuses in turn", d)
	}
	c.connect = func(context.Context, netip.AddrPort, int) error { return errors.New("no sockets") }
	if d := c.Count(t.Context(), far); d.Failure == nil || !strings.Contains(d.Failure.Error, "no sockets") || d.Connections != 1 {
		t.Errorf("%+v where nothing can be dialled", d)
	}
}

// On loopback everything is one hop away, whether it listens or not.
func TestLoopback(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			t.Logf("%s: %v", address, err)
			continue
		}
		defer listener.Close()
		open := listener.Addr().(*net.TCPAddr).AddrPort()
		closed := netip.AddrPortFrom(open.Addr(), 1)
		for to, want := range map[netip.AddrPort]string{open: evidence.DistanceAccepted, closed: evidence.DistanceRefused} {
			c := New(time.Millisecond, nil)
			c.try = time.Minute // there is an answer, and nothing to be found out by waiting
			d := c.Count(t.Context(), to)
			if runtime.GOOS != "linux" {
				if d.Failure == nil || !strings.Contains(d.Failure.Error, ErrSystem.Error()) {
					t.Errorf("%s: %+v on %s", to, d, runtime.GOOS)
				}
				continue
			}
			if d.Hops != 1 || d.Answer != want {
				t.Errorf("%s: %+v, want one hop, %s", to, d, want)
			}
		}
	}
}

// TestTopology counts through real routers, where the system lets us have a
// network of our own: with privileges, or with user namespaces.
func TestTopology(t *testing.T) {
	switch os.Getenv("ROLE") {
	case "client":
		c := New(50*time.Millisecond, nil)
		c.try = 10 * time.Second // routers answer, of which the system sends so many a second
		for _, port := range []string{"443", "80"} {
			fmt.Printf("port %s: %+v\n", port, c.Count(t.Context(), netip.MustParseAddrPort("203.0.113.2:"+port)))
		}
		return
	case "router":
		listener, err := net.Listen("tcp", ":4443")
		if err != nil {
			t.Fatal(err)
		}
		for {
			if conn, err := listener.Accept(); err == nil {
				_ = conn.Close()
			}
		}
	}
	if runtime.GOOS != "linux" {
		t.Log("no network of our own here")
		return
	}
	self := "exec " + os.Args[0] + " -test.run '^TestTopology$' -test.v"
	out, taken := lab.Routers(t, "export ROLE=router; "+self, "export ROLE=client; "+self)
	if !strings.Contains(out, "port 80:") {
		t.Logf("this machine gives us no network of our own:\n%s", out)
		return
	}
	if !strings.Contains(out, "port 80: {Address:203.0.113.2:80 Hops:4 Answer:refused") {
		t.Errorf("the server is four hops away:\n%s", out)
	}
	t.Logf("%s", out)
	if !taken {
		t.Log("no firewall program: nobody took port 443 to himself")
	} else if !strings.Contains(out, "port 443: {Address:203.0.113.2:443 Hops:1 Answer:accepted") {
		t.Errorf("whoever answers on port 443 is one hop away:\n%s", out)
	}
}
