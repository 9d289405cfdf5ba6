package e2e

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// startTime is how long a server may take until it listens: mitmproxy
	// imports Python for some seconds on a busy machine.
	startTime = 3 * time.Minute
	// stopTime is how long it may take to end before it is killed.
	stopTime = 5 * time.Second
	// scanTime bounds one run of the binary.
	scanTime = 5 * time.Minute
)

// need skips the test unless real servers are asked for and the programs are
// installed, and gives their paths.
func need(t *testing.T, programs ...string) []string {
	t.Helper()
	if os.Getenv("CERTASSAY_E2E") != "1" {
		t.Skip("CERTASSAY_E2E=1 is not set: no real servers are started")
	}
	var paths []string
	for _, program := range programs {
		paths = append(paths, lookup(t, program))
	}
	return paths
}

// lookup finds a program, also where Debian keeps those of daemons and squid its
// helper.
func lookup(t *testing.T, program string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/lib/squid"} {
		path := filepath.Join(dir, program)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed", program)
	return ""
}

// workDir makes a directory that every user may enter: squid and nginx give up
// root. (t.TempDir is closed to others.)
func workDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "certassay-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// give hands a directory and all below it to the user that a server drops to.
// Nothing happens where we are not root or there is no such user: the server then
// stays what we are.
func give(t *testing.T, dir, name string) {
	t.Helper()
	u, err := user.Lookup(name)
	if os.Getuid() != 0 || err != nil {
		return
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	err = filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A lane is a range of ports that this process has for itself among all that run
// these tests: it listens on the first of them as long as it lives. Systems choose
// ports for connections above the last of all lanes, so that none is taken between
// freePort and the server that it is for, be it mitmproxy, which needs seconds.
type lane struct {
	mu   sync.Mutex
	last int // guarded by mu; 0 before there is a lane
	end  int // guarded by mu
	hold net.Listener
}

const (
	firstPort, lastPort = 10240, 32000 // Linux takes 32768 and above
	lanePorts           = 640
)

var ports lane

// freePort gives a port on which nobody listens, as text, and none twice.
func freePort(t *testing.T) string {
	t.Helper()
	ports.mu.Lock()
	defer ports.mu.Unlock()
	for {
		if ports.last == ports.end {
			ports.enter(t)
		}
		ports.last++
		if port := strconv.Itoa(ports.last); unused(port) {
			return port
		}
	}
}

// enter finds a lane that no other process has. The caller holds mu.
func (l *lane) enter(t *testing.T) {
	t.Helper()
	const lanes = (lastPort - firstPort) / lanePorts
	begin := rand.IntN(lanes)
	for i := range lanes {
		first := firstPort + (begin+i)%lanes*lanePorts
		if hold, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(first)); err == nil {
			l.hold, l.last, l.end = hold, first, first+lanePorts-1
			return
		}
	}
	t.Fatal("no range of ports is free")
}

// unused says that a port is free at every address, for both protocols.
func unused(port string) bool {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return false
	}
	_ = listener.Close()
	packets, err := net.ListenPacket("udp", ":"+port)
	if err != nil {
		return false
	}
	_ = packets.Close()
	return true
}

// start runs a server in dir until the end of the test and waits until it listens
// on the port.
func start(t *testing.T, dir, port, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var output lockedBuffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &output, &output
	cmd.Env = append(os.Environ(), "HOME="+dir)
	// A helper process that keeps the pipe open must not keep us.
	cmd.WaitDelay = stopTime
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		stop(cmd, ended)
		if t.Failed() {
			t.Logf("the last that %s said:\n%s", filepath.Base(program), tail(output.String()))
		}
	})
	awaitPort(t, port, filepath.Base(program), ended)
}

// tail keeps the end of what a talkative server said.
func tail(text string) string { return text[max(0, len(text)-2000):] }

func awaitPort(t *testing.T, port, program string, ended <-chan struct{}) {
	t.Helper()
	deadline := time.Now().Add(startTime)
	for time.Now().Before(deadline) {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended before it listened", program)
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not listen after %v", program, startTime)
}

func stop(cmd *exec.Cmd, ended <-chan struct{}) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(stopTime):
		_ = cmd.Process.Kill()
		<-ended
	}
}

// withoutDNS gives the command line that runs a program which would ask the
// machine's name server for the names of these tests: it is shown one on loopback
// that does not exist. Where we may not do that, it asks.
func withoutDNS(t *testing.T, o origin, program string, args ...string) (string, []string) {
	t.Helper()
	const bind = `mount --bind "$0" /etc/resolv.conf && exec "$@"`
	o.write(t, "resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
	alone := []string{"--mount", "sh", "-c", bind, o.file("resolv.conf")}
	unshare, err := exec.LookPath("unshare")
	if err != nil || exec.Command(unshare, append(slices.Clone(alone), "true")...).Run() != nil {
		return program, args
	}
	return unshare, slices.Concat(alone, []string{program}, args)
}

// run runs a program to its end and fails the test where it fails.
func run(t *testing.T, dir, program string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(program), err, output)
	}
	return output
}

// A lockedBuffer takes what a process writes while the test may read it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
