package sshjump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	// lingering is how long the ssh in the background lives after the last of us
	// has left it, where nobody could end it.
	lingering = 10 * time.Second
	// endTime is how long it may take to end when it is told to: some
	// milliseconds, but for a machine with much to do.
	endTime = 10 * time.Second
	// socketTime is how long it may take to answer on its socket.
	socketTime = 5 * time.Second
	// maxSaid bounds what is repeated of ssh's words, and maxConfig the
	// configuration it shows: a server can have part in the first, a Match exec
	// in the second.
	maxSaid, maxConfig = 400, 1 << 20
)

// An attempt is the one login for which all wait.
type attempt struct {
	done chan struct{}
	link *link // written before done is closed, as is err
	err  error
}

// connected gives the connection, which it makes where there is none.
func (p *Proxy) connected(ctx context.Context) (*link, error) {
	p.mu.Lock()
	switch {
	case p.closed:
		defer p.mu.Unlock()
		return nil, errClosed
	case p.link != nil:
		defer p.mu.Unlock()
		return p.link, nil
	case time.Now().Before(p.until):
		defer p.mu.Unlock()
		return nil, p.refused
	}
	login := p.login
	if login == nil {
		login = &attempt{done: make(chan struct{})}
		p.login = login
		// Not under ctx: others wait for it, too. It ends after its own time.
		go p.finish(login)
	}
	p.mu.Unlock()
	select {
	case <-login.done:
		return login.link, login.err
	case <-ctx.Done():
		return nil, fmt.Errorf("logging in to the SSH server %s: %w", p.dest, ctx.Err())
	}
}

func (p *Proxy) finish(login *attempt) {
	login.link, login.err = p.logIn()
	p.mu.Lock()
	p.login, p.link = nil, login.link
	if p.failed++; login.err == nil {
		p.failed = 0
	}
	if e, ok := errors.AsType[*Error](login.err); login.err != nil && (ok && e.final || p.failed >= maxLogins) {
		p.refused, p.until = login.err, time.Now().Add(pause)
	}
	p.mu.Unlock()
	close(login.done)
	if login.link != nil {
		_ = login.link.client.Wait()
		p.drop(login.link)
	}
}

// logIn finds the connection that the user shares, or makes one.
func (p *Proxy) logIn() (*link, error) {
	ctx, cancel := context.WithTimeout(p.running, 3*p.timeout)
	defer cancel()
	shared, err := p.shared(ctx)
	if err != nil {
		return nil, err
	}
	if shared != "" {
		if l, err := newLink(ctx, shared); err == nil {
			return l, nil
		}
	}
	return p.start(ctx)
}

// shared is the socket over which the user's configuration shares connections, or
// empty. That ssh reads its configuration shows here, too.
func (p *Proxy) shared(ctx context.Context) (string, error) {
	said, err := os.CreateTemp("", "certassay-ssh-")
	if err != nil {
		return "", fmt.Errorf("preparing to start ssh: %w", err)
	}
	defer os.Remove(said.Name())
	defer said.Close()
	var config limited
	if err := p.run(ctx, &config, said, append([]string{"-G"}, p.dest.args()...)); err != nil {
		return "", p.problem(ctx, "reading the SSH configuration of "+p.dest.String(), err, said, true)
	}
	p.mu.Lock()
	own := p.own
	p.mu.Unlock()
	for line := range strings.Lines(config.text.String()) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "controlpath "); ok && filepath.IsAbs(path) && !own {
			return path, nil
		}
	}
	return "", nil
}

// start logs in with an ssh of our own, which goes to the background once it is
// through.
func (p *Proxy) start(ctx context.Context) (*link, error) {
	socket, err := p.socket()
	if err != nil {
		return nil, fmt.Errorf("preparing to start ssh: %w", err)
	}
	said, err := os.Create(socket + ".said") //nolint:gosec // a directory of ours
	if err != nil {
		return nil, fmt.Errorf("preparing to start ssh: %w", err)
	}
	defer said.Close()
	if err := p.run(ctx, nil, said, p.master(socket)); err != nil {
		return nil, p.problem(ctx, "logging in to the SSH server "+p.dest.String(), err, said, false)
	}
	l, err := newLink(ctx, socket)
	if err != nil {
		p.end(socket)
		return nil, &Error{text: fmt.Sprintf("ssh logged in to %s and shares no connection: %v", p.dest, err), hint: "ssh has to be OpenSSH's, of version 7.4 or newer (ssh -V)", final: true}
	}
	l.end = func() { p.end(socket) }
	return l, nil
}

// master are the arguments that log in. The first value of an option wins with
// ssh, so that these go over the user's.
func (p *Proxy) master(socket string) []string {
	args := []string{"-f", "-N", "-T", "-a", "-x", "-S", socket}
	for _, o := range []string{
		"BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "LogLevel=ERROR",
		"ConnectTimeout=" + strconv.Itoa(max(1, int(p.timeout/time.Second))),
		"ServerAliveInterval=5", "ServerAliveCountMax=3",
		"ControlMaster=yes", "ControlPersist=" + strconv.Itoa(int(lingering/time.Second)),
		"ClearAllForwardings=yes", "Tunnel=no", "PermitLocalCommand=no", "RemoteCommand=none",
	} {
		args = append(args, "-o", o)
	}
	return append(args, p.dest.args()...)
}

// socket is a path that no connection had before: where there is a socket
// already, ssh shares none and stays for ever.
func (p *Proxy) socket() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dir == "" {
		dir, err := os.MkdirTemp("", "certassay-ssh-")
		if err != nil {
			return "", err
		}
		p.dir = dir
	}
	p.logins++
	return filepath.Join(p.dir, strconv.Itoa(p.logins)), nil
}

// end tells the ssh in the background to end.
func (p *Proxy) end(socket string) {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	_ = p.run(ctx, nil, nil, append([]string{"-S", socket, "-O", "exit"}, p.dest.args()...))
	for ctx.Err() == nil { // it removes its socket last
		if _, err := os.Lstat(socket); err != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// run runs ssh to its end, without a terminal on which it, or the ssh of a
// ProxyJump, could ask anybody.
func (p *Proxy) run(ctx context.Context, out io.Writer, said *os.File, args []string) error {
	if p.config != "" {
		args = append([]string{"-F", p.config}, args...)
	}
	cmd := exec.CommandContext(ctx, p.program, args...) //nolint:gosec // the user's ssh, arguments checked by Check
	cmd.Env = append(cmd.Environ(), "SSH_ASKPASS_REQUIRE=never", "LC_ALL=C")
	// A file and no pipe: a ssh of ProxyJump keeps it open as long as it lives.
	if cmd.Stdout = out; said != nil {
		cmd.Stderr = said
	}
	apart(cmd)
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if err != nil {
		sweep(cmd)
	}
	return err
}

// problem says why ssh failed, in its own words.
func (p *Proxy) problem(ctx context.Context, doing string, err error, said *os.File, final bool) error {
	words := lastWords(said)
	switch {
	case p.running.Err() != nil:
		return errClosed
	case ctx.Err() != nil:
		return &Error{text: fmt.Sprintf("%s: not within %v; ssh said %q", doing, 3*p.timeout, tail(words)), hint: "look whether ssh reaches it without asking for anything: ssh -o BatchMode=yes " + p.dest.host + "; --timeout gives it longer", Passing: true}
	case words == "":
		words = err.Error()
	}
	e := &Error{text: fmt.Sprintf("%s: ssh said %q", doing, tail(words)), hint: "try the same with ssh -v " + p.dest.host, final: final}
	// These words choose the hint, and whether trying again could help; nothing is
	// believed because of them.
	for _, known := range []struct {
		words, hint string
		final       bool
	}{
		{"IDENTIFICATION HAS CHANGED", "somebody may stand between you and the SSH server, or its key was replaced: ask its owner for the fingerprint before you change known hosts", true},
		{"Host key verification failed", "its key is not among your known hosts: connect once with ssh, compare the fingerprint with the server's owner, and accept it there", true},
		{"Permission denied", "ssh has to log in without asking: a key of ssh-agent, or an IdentityFile without passphrase, that is among the authorized keys there", true},
		{"Too many authentication failures", "name the one key for this server in ssh_config, with IdentityFile and IdentitiesOnly", true},
		{"Could not resolve hostname", "no such host, and no such alias in ssh_config", true},
		{"too long for Unix domain socket", "set TMPDIR to a directory with a shorter name", true},
		{"Connection refused", "the SSH server, or one on the way to it, cannot be reached; nothing was asked of the target", false},
		// So it ends where a server of ProxyJump does not answer: its ssh is not heard.
		{"onnection closed by", "the SSH server, or one on the way to it (ProxyJump), cannot be reached, or closed the connection; ssh -v tells which", false},
		{"timed out", "the SSH server, or one on the way to it, cannot be reached, or is slow; --timeout gives it longer", false},
	} {
		if i := strings.Index(words, known.words); i >= 0 {
			if i < len(words)-maxSaid { // the end of a long speech lacks it
				e.text = fmt.Sprintf("%s: ssh said %q", doing, strings.ToValidUTF8(words[i:i+maxSaid], ""))
			}
			e.hint, e.final = known.hint, e.final || known.final
			break
		}
	}
	return e
}

// lastWords are the end of what ssh wrote, in one line and without control
// characters.
func lastWords(said *os.File) string {
	text := make([]byte, 4*maxSaid)
	size, err := said.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	n, _ := said.ReadAt(text, max(0, size-int64(len(text))))
	var lines []string
	for line := range strings.Lines(string(text[:n])) {
		line = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, strings.TrimSpace(line))
		if strings.Trim(line, "@ ") != "" { // OpenSSH frames what matters most
			lines = append(lines, strings.Trim(line, "@ "))
		}
	}
	return strings.Join(lines, " ")
}

// tail is as much of the words as is repeated: ssh says last what it died of.
func tail(words string) string {
	return strings.ToValidUTF8(words[max(0, len(words)-maxSaid):], "")
}

// A limited writer keeps the beginning of what it takes.
type limited struct{ text bytes.Buffer }

func (l *limited) Write(b []byte) (int, error) {
	if room := maxConfig - l.text.Len(); room > 0 {
		l.text.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

// dialSocket connects to a socket of ours, or to one that the user's
// configuration names, which nobody may listen on.
func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, socketTime)
	defer cancel()
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}
