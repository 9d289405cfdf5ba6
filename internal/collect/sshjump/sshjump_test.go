//go:build unix

package sshjump

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/lab/sshd"
)

const password = "s3cret"

// patience is how long what has to happen may take, however busy the machine is.
const patience = time.Minute

// echo gives back what it is sent.
func echo(t testing.TB) string {
	return lab.Listen(t, func(_ context.Context, conn net.Conn) { _, _ = io.Copy(conn, conn) })
}

func open(t testing.TB, s *sshd.Server, via string) *Proxy {
	t.Helper()
	return openWith(t, via, Options{Config: filepath.Join(s.Dir, "config"), Timeout: patience})
}

func openWith(t testing.TB, via string, o Options) *Proxy {
	t.Helper()
	u, err := url.Parse(via)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// say dials, and holds the connection to give back what it is sent.
func say(p *Proxy) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := p.DialContext(ctx, "tcp", "host.test:4433")
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	answer := make([]byte, 5)
	if _, err := conn.Write([]byte("hello")); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "hello" {
		return errors.Join(err, errors.New("the answer is "+string(answer)))
	}
	return nil
}

// await waits for what happens on the far side.
func await(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Errorf("not in time: %s", what)
}

func wantError(t testing.TB, err error, text, hint string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Error(), text) || !strings.Contains(e.Hint(), hint) {
		t.Errorf("error %v, want %q with a hint %q", err, text, hint)
		return
	}
	if strings.ContainsRune(e.Error(), 0x1b) || len(e.Error()) > 700 {
		t.Errorf("the error has %d bytes, or control characters of the server", len(e.Error()))
	}
}

// One login serves all; its end leaves neither a process nor a file.
func TestDial(t *testing.T) {
	server := sshd.Start(t, echo(t))
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	p := open(t, server, "ssh://box")
	if p.Name() != "ssh://box" {
		t.Errorf("name %q", p.Name())
	}
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := say(p); err != nil {
			t.Fatal(err)
		}
		// The name is looked up on the far side.
		if got := <-server.Asked; got != "host.test:4433" {
			t.Errorf("the server was asked for %q", got)
		}
	}
	if got := server.Logins.Load(); got != 1 {
		t.Errorf("%d logins, want 1", got)
	}
	conn, err := p.DialContext(t.Context(), "tcp", "host.test:1")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading of a silent connection: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	await(t, "ssh has ended", func() bool { return server.Live.Load() == 0 })
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := p.DialContext(t.Context(), "tcp", "host.test:1"); !errors.Is(err, errClosed) {
		t.Errorf("dialling after the end: %v", err)
	}
}

// What the user's configuration shares is used, and left alone afterwards.
func TestShared(t *testing.T) {
	server := sshd.Start(t, echo(t))
	socket := filepath.Join(server.Dir, "shared")
	config := server.Configure(t, `  ControlPath "`+socket+`"`)
	if out, err := exec.Command("ssh", "-F", config, "-f", "-N", "-M", "-o", "ControlPersist=300", "box").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	end := func() { _ = exec.Command("ssh", "-F", config, "-O", "exit", "box").Run() }
	t.Cleanup(end)
	p := open(t, server, "ssh://box")
	if err := say(p); err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	if server.Logins.Load() != 1 || server.Live.Load() != 1 {
		t.Errorf("%d logins, %d open; want the user's one, open", server.Logins.Load(), server.Live.Load())
	}
	// One that has ended leaves a path that nobody listens on.
	end()
	await(t, "the user's ssh has ended", func() bool {
		_, err := os.Lstat(socket) // which it removes last
		return err != nil && server.Live.Load() == 0
	})
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := say(open(t, server, "ssh://box")); err != nil {
		t.Errorf("with a dead socket: %v", err)
	}
}

// Who cannot be trusted, or does not trust us, is asked for nothing, and once,
// whatever the configuration would allow.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, lines, text, hint string
		before                  func(*sshd.Server)
	}{
		{"changed host key", "", "IDENTIFICATION HAS CHANGED", "somebody may stand between", func(s *sshd.Server) { s.Forget(t, true) }},
		{"changed host key, and careless", "  StrictHostKeyChecking no", "IDENTIFICATION HAS CHANGED", "somebody may stand between", func(s *sshd.Server) { s.Forget(t, true) }},
		{"unknown host key, and careless", "  StrictHostKeyChecking accept-new", "Host key verification failed", "compare the fingerprint", func(s *sshd.Server) { s.Forget(t, false) }},
		{"login", "  User eve", "Permission denied", "authorized keys", nil},
		{"configuration", "  NoSuchOption yes", "nosuchoption", "ssh -v", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := sshd.Start(t, echo(t))
			server.Configure(t, tt.lines)
			if tt.before != nil {
				tt.before(server)
			}
			p := open(t, server, "ssh://box")
			for range 3 {
				wantError(t, say(p), tt.text, tt.hint)
			}
			if got := server.Logins.Load(); got > 1 {
				t.Errorf("%d connections: a refusal holds", got)
			}
			if known, _ := os.ReadFile(filepath.Join(server.Dir, "known_hosts")); strings.Count(string(known), "\n") > 1 {
				t.Errorf("the known hosts were changed: %s", known)
			}
		})
	}
}

func TestRejections(t *testing.T) {
	server := sshd.Start(t, echo(t))
	p := open(t, server, "ssh://box")
	for reason, want := range map[ssh.RejectionReason][2]string{
		ssh.Prohibited: {"does not let this user", "AllowTcpForwarding"}, ssh.ConnectionFailed: {"could not connect to the target", "as seen from there"},
		ssh.ResourceShortage: {"opened no channel", "--concurrency"},
	} {
		server.Refuse.Store(&reason)
		wantError(t, say(p), want[0], want[1])
	}
	if server.Refuse.Store(nil); say(p) != nil || server.Logins.Load() != 1 {
		t.Error("after a refusal the connection was not used again")
	}
}

// A server that dies or hangs costs at most the target of that moment.
func TestBreaks(t *testing.T) {
	server := sshd.Start(t, echo(t))
	p := open(t, server, "ssh://box")
	if err := say(p); err != nil {
		t.Fatal(err)
	}
	server.Cut()
	if err := say(p); err != nil {
		t.Errorf("after a cut: %v", err)
	}
	server.Hang.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := p.DialContext(ctx, "tcp", "host.test:1")
	wantError(t, err, "no longer answers", "logs in again")
	server.Hang.Store(false)
	if err := say(p); err != nil {
		t.Errorf("after a hang: %v", err)
	}
	if got := server.Logins.Load(); got != 3 {
		t.Errorf("%d logins, want 3", got)
	}
}

// More targets at once than channels are allowed share one connection, and give
// every channel back.
func TestConcurrent(t *testing.T) {
	server := sshd.Start(t, echo(t))
	p := open(t, server, "ssh://box")
	var wg sync.WaitGroup
	var good atomic.Int64
	const targets = maxChannels + 40
	for range targets {
		wg.Go(func() {
			if say(p) == nil {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if good.Load() != targets || server.Logins.Load() != 1 {
		t.Errorf("%d of %d targets answered, %d logins; want all, 1", good.Load(), targets, server.Logins.Load())
	}
	await(t, "every channel is given back", func() bool { return len(p.link.slots) == 0 })
}

// What never gets anywhere ends in its time, with all that was started, and is
// not repeated for ever.
func TestSilent(t *testing.T) {
	t.Parallel()
	var connections, live atomic.Int64
	silent := lab.Listen(t, func(_ context.Context, conn net.Conn) {
		connections.Add(1)
		live.Add(1)
		defer live.Add(-1)
		_, _ = io.Copy(io.Discard, conn)
	})
	server := sshd.Start(t, echo(t))
	host, port, _ := net.SplitHostPort(silent)
	config := server.Write(t, "config", "Host box\n  HostName "+host+"\n  Port "+port+"\nHost far\n  HostName 127.0.0.1\n  ProxyCommand ssh -F '"+server.Dir+"/config' -W %h:%p box\n")
	for _, alias := range []string{"box", "far"} {
		p := openWith(t, "ssh://"+alias, Options{Config: config, Timeout: 500 * time.Millisecond})
		before := connections.Load()
		for range maxLogins + 2 {
			wantError(t, say(p), "the SSH", "--timeout")
		}
		if got := connections.Load() - before; got > maxLogins {
			t.Errorf("%s: %d connections, want %d at most", alias, got, maxLogins)
		}
		await(t, alias+": every ssh has ended", func() bool { return live.Load() == 0 })
	}
}

// A login under way ends with the run.
func TestCloseWhileLoggingIn(t *testing.T) {
	begun := filepath.Join(t.TempDir(), "begun")
	program := script(t, `case "$*" in *-G*) exit 0;; esac; trap "" TERM; : >"`+begun+`"; exec sleep 120`)
	p := openWith(t, "ssh://box", Options{Program: program, Timeout: time.Hour})
	done := make(chan error)
	go func() { done <- p.Ready(context.Background()) }()
	await(t, "the login is under way", func() bool { _, err := os.Stat(begun); return err == nil })
	began := time.Now()
	_ = p.Close()
	if err := <-done; !errors.Is(err, errClosed) || time.Since(began) > patience {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// script writes a program that stands in for ssh.
func script(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ssh")
	// A program that is being started elsewhere would hold it open for writing.
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// What a program says is bounded, and cannot draw on a terminal.
func TestWordsOfSSH(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"flood", `head -c 3000000 /dev/zero | tr '\0' x; head -c 300000 /dev/zero | tr '\0' y >&2; echo >&2; echo "the end" >&2; exit 1`, "the end"},
		{"colours", `printf '\033[2Jred\033[0m\r\n@@@ framed @@@\n' >&2; exit 1`, "[2Jred[0m framed"},
		{"nothing", `exit 7`, "exit status 7"},
		{"no socket", `exit 0`, "shares no connection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := openWith(t, "ssh://box", Options{Program: script(t, tt.text)})
			wantError(t, say(p), tt.want, "ssh")
		})
	}
}

// The arguments keep what the user wrote from being an option, and go over what a
// configuration would do besides.
func TestArguments(t *testing.T) {
	said := filepath.Join(t.TempDir(), "args")
	p := openWith(t, "ssh://me@[fe80::1%25eth0]:2222", Options{Program: script(t, `echo "$@" >>"`+said+`"; [ "$SSH_ASKPASS_REQUIRE" = never ] || exit 9; exit 0`)})
	_ = p.Ready(t.Context())
	text, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 3 || lines[0] != "-G -l me -p 2222 -- fe80::1%eth0" {
		t.Fatalf("arguments %q", lines)
	}
	for _, want := range []string{"BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10", "ClearAllForwardings=yes", "ControlPersist=10", "-l me -p 2222 -- fe80::1%eth0"} {
		if !strings.Contains(lines[1], want) {
			t.Errorf("arguments %q lack %s", lines[1], want)
		}
	}
	if !strings.Contains(lines[2], "-O exit") {
		t.Errorf("what shares no connection was not ended: %q", lines[2])
	}
}

func TestCheck(t *testing.T) {
	for _, good := range []string{"ssh://box", "ssh://bob@h.example:2222", "ssh://[::1]:2222", "ssh://Box_1", "ssh://dom%5Cbob@h"} {
		u, err := url.Parse(good)
		if err == nil {
			err = Check(u)
		}
		if err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"ssh://", "ssh://bob@", "ssh://h/path", "ssh://h?q", "ssh://h#f", "http://h", "ssh://-oProxyCommand=x", "ssh://-ox@h", "ssh://a;b", "ssh://a$(b)",
		"ssh://a'b@h", "ssh://%60b%60@h", "ssh://@h", "ssh://bob:" + password + "@h", "ssh://" + strings.Repeat("a", 300),
	} {
		u, err := url.Parse(bad)
		if err != nil {
			continue // no way to us
		}
		if err := Check(u); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v, want an error", bad, err)
		}
	}
	u := &url.URL{Scheme: "ssh", Host: "box"}
	if _, err := New(u, Options{Program: "no-such-ssh"}); err == nil || !strings.Contains(err.Error(), "looking for the ssh program") {
		t.Errorf("without a program: %v", err)
	}
	if _, err := New(u, Options{Program: script(t, ""), Config: "/no/such/file"}); err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("without its configuration: %v", err)
	}
}
