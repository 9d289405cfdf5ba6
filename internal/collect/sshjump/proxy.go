package sshjump

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Options say how to reach the server. The zero value is useful.
type Options struct {
	// Program is the ssh to start. Default "ssh", looked for in PATH.
	Program string
	// Config is read in place of ~/.ssh/config and the system's, as by ssh -F.
	// Default empty: the user's own.
	Config string
	// Timeout is the time for one TCP connection to a server; a login, with all
	// servers on its way, takes three times as long at most. Default 10 s.
	Timeout time.Duration
}

const (
	// maxLogins is how many logins in a row may fail before there is a pause: with
	// thousands of targets, servers take repeated ones for an attack.
	maxLogins = 3
	// pause is that, also after one that was refused for good.
	pause = 5 * time.Minute
)

// An Error is a failure of the way to the target.
type Error struct {
	text, hint string
	// Passing says that trying again at once is worth it.
	Passing bool
	final   bool // trying again soon is of no use
}

func (e *Error) Error() string { return e.text }

// Final says that trying again soon is not worth it.
func (e *Error) Final() bool { return e.final }

// Hint says what a person can do.
func (e *Error) Hint() string { return e.hint }

var errClosed = &Error{text: "the connection to the SSH server was given up", hint: "the run has ended", final: true}

// A Proxy dials from an SSH server over one connection, which is made with the
// first target and again after it broke. It is safe for use by several goroutines.
type Proxy struct {
	dest    destination
	program string
	config  string
	timeout time.Duration
	stop    context.CancelFunc // ends a login under way
	running context.Context

	mu      sync.Mutex
	dir     string   // of the sockets; guarded by mu, empty before the first login
	logins  int      // how many were made; guarded by mu
	failed  int      // how many of them failed in a row; guarded by mu
	own     bool     // never to use the connection that the user shares; guarded by mu
	link    *link    // guarded by mu; nil where there is no connection
	login   *attempt // guarded by mu; nil where none is under way
	refused error    // what all are told until then; guarded by mu
	until   time.Time
	closed  bool // guarded by mu
}

// A destination is what ssh is told of where to go.
type destination struct{ user, host, port string }

func (d destination) String() string {
	if d.port == "" {
		return d.host
	}
	return net.JoinHostPort(d.host, d.port)
}

// args name the destination. Nothing in them is taken for an option.
func (d destination) args() (args []string) {
	if d.user != "" {
		args = append(args, "-l", d.user)
	}
	if d.port != "" {
		args = append(args, "-p", d.port)
	}
	return append(args, "--", d.host)
}

// New checks a URL ssh://[user@]alias[:port] and looks for the program. Nobody is
// contacted. The Proxy has to be closed.
func New(u *url.URL, o Options) (*Proxy, error) {
	if err := Check(u); err != nil {
		return nil, err
	}
	if runtime.GOOS == "windows" {
		return nil, &Error{text: "ssh:// does not work on Windows, whose ssh cannot share a connection", hint: "open it as a proxy: ssh -N -D 127.0.0.1:1080 HOST, then --via socks5://127.0.0.1:1080"}
	}
	if o.Program == "" {
		o.Program = "ssh"
	}
	program, err := exec.LookPath(o.Program)
	if err != nil {
		return nil, &Error{text: fmt.Sprintf("looking for the ssh program: %v", err), hint: "install OpenSSH's client; or open a proxy elsewhere with ssh -N -D ADDRESS:1080 HOST, and name it with --via socks5://"}
	}
	if o.Config != "" {
		f, err := os.Open(o.Config) //nolint:gosec // the user named it
		if err != nil {
			return nil, fmt.Errorf("reading the SSH configuration: %w", err)
		}
		_ = f.Close()
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	p := &Proxy{dest: destination{u.User.Username(), u.Hostname(), u.Port()}, program: program, config: o.Config, timeout: o.Timeout}
	p.running, p.stop = context.WithCancel(context.Background())
	return p, nil
}

// Check says what is wrong with a URL, as far as that shows without the program.
// Its errors never show a password.
func Check(u *url.URL) error {
	user, host := u.User.Username(), u.Hostname()
	_, password := u.User.Password()
	switch {
	case password:
		return &Error{text: "ssh:// takes no password", hint: "log in with a key: ssh-add it, or name it as IdentityFile in ssh_config"}
	case u.Scheme != "ssh" || host == "":
		return errors.New("write ssh://HOST or ssh://USER@HOST:PORT, where HOST may be an alias of ssh_config")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the ssh:// URL has more than user, host and port")
	case !plain(host, ".-_:%"), u.User != nil && !plain(user, ".-_@+\\"):
		// ssh puts both into command lines (ProxyCommand, Match exec).
		return errors.New("the user and host of ssh:// have letters, digits and few signs, and begin with no -")
	}
	return nil
}

// plain says that text is of ASCII letters, digits and the signs alone, and cannot
// be taken for an option.
func plain(text, signs string) bool {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(signs, r)
	}
	return text != "" && len(text) <= 255 && text[0] != '-' && !strings.ContainsFunc(text, odd)
}

// Name is the vantage, without the user.
func (p *Proxy) Name() string { return "ssh://" + p.dest.String() }

// Ready logs in where that is to be done. Time that a person's hardware key takes
// is thus nobody's but the login's.
func (p *Proxy) Ready(ctx context.Context) error {
	_, err := p.connected(ctx)
	return err
}

// DialContext connects from the SSH server to a TCP address, whose name is looked
// up there.
func (p *Proxy) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	for again := false; ; again = true {
		link, err := p.connected(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := link.open(ctx, address)
		if err == nil {
			return conn, nil
		}
		if rejected, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
			return nil, rejection(rejected)
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		if ctx.Err() != nil {
			if link.answers() {
				return nil, fmt.Errorf("from the SSH server: %w", ctx.Err())
			}
			p.drop(link)
			return nil, &Error{text: "the SSH server no longer answers", hint: "the next connection logs in again; look at the SSH server and the network to it", Passing: true}
		}
		// The connection broke, perhaps while nobody used it.
		p.drop(link)
		if again {
			return nil, fmt.Errorf("the connection to the SSH server broke: %w", err)
		}
	}
}

// drop closes a connection; the next target makes another. One that the user
// shares is not tried a second time.
func (p *Proxy) drop(l *link) {
	l.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == l {
		p.link = nil
		p.own = p.own || l.end == nil
	}
}

// Close ends the connection, and the ssh program that made it. Nothing can be
// dialled afterwards.
func (p *Proxy) Close() error {
	p.stop()
	p.mu.Lock()
	login := p.login
	p.closed = true
	p.mu.Unlock()
	if login != nil {
		<-login.done
	}
	p.mu.Lock()
	link, dir := p.link, p.dir
	p.link, p.dir = nil, ""
	p.mu.Unlock()
	if link != nil {
		link.close()
	}
	if dir == "" {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the sockets of ssh: %w", err)
	}
	return nil
}
