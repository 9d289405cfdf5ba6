package tlsdial

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSH says how to log in where Options.Via is ssh://[user@]host[:port]. The
// zero value cannot log in. No ssh program is started: its configuration, and
// with it ProxyCommand and ProxyJump, is not read.
type SSH struct {
	// User is who logs in where the URL names nobody.
	User string
	// Identity is the file of a private key without a passphrase; empty for none.
	Identity string
	// Agent is the socket of an ssh-agent, whose keys come after Identity; empty
	// for none.
	Agent string
	// KnownHosts is a file in the format of sshd(8). A server that it does not
	// know, or knows with another key, is refused.
	KnownHosts string
}

// An sshError is a failure of the way to the target, with what a person can do.
// One that is final is not tried again: with thousands of targets, servers take
// repeated refusals for an attack. One that passes is worth a retry at once.
type sshError struct {
	text, hint     string
	final, passing bool
}

func (e *sshError) Error() string { return e.text }

// An sshProxy dials targets from an SSH server (direct-tcpip, RFC 4254 section
// 7.2) over one connection, which is made with the first target and again after
// it broke. It is safe for use by several goroutines.
type sshProxy struct {
	address string // host:port
	user    string
	signer  ssh.Signer // of SSH.Identity, or nil
	agent   string
	known   ssh.HostKeyCallback
	algos   []string
	net     net.Dialer
	timeout time.Duration

	mu      sync.Mutex
	link    *sshLink  // guarded by mu; nil where there is no connection
	login   *sshLogin // guarded by mu; nil where none is under way
	refused error     // guarded by mu; set once and for all
}

// newSSHProxy reads the files that opts name. Nothing is contacted.
func newSSHProxy(opts Options, address string) (*sshProxy, error) {
	p := &sshProxy{address: address, user: opts.SSH.User, agent: opts.SSH.Agent, timeout: opts.Dial}
	if u := opts.Via.User; u.Username() != "" {
		p.user = u.Username()
	}
	if p.user == "" {
		return nil, fmt.Errorf("nobody is named to log in to %s (write ssh://USER@HOST)", address)
	}
	var errs []error
	var err error
	if p.signer, err = readIdentity(opts.SSH.Identity); err != nil {
		errs = append(errs, err)
	}
	if opts.SSH.Identity == "" && p.agent == "" {
		errs = append(errs, fmt.Errorf("there is no key to log in to %s (start ssh-agent and ssh-add a key, or name a file with --ssh-identity)", address))
	}
	if err := p.readKnownHosts(opts.SSH.KnownHosts); err != nil {
		errs = append(errs, err)
	}
	return p, errors.Join(errs...)
}

func readIdentity(path string) (ssh.Signer, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the SSH identity: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		return nil, fmt.Errorf("the SSH identity %s has a passphrase (use ssh-agent: ssh-add %[1]s, and leave out --ssh-identity)", path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the SSH identity %s: %w", path, err)
	}
	return signer, nil
}

// readKnownHosts finds what is known of the server. Only the kinds of host key
// that are known are asked for: a server has several, and a genuine one that is
// not known would look like a changed one.
func (p *sshProxy) readKnownHosts(path string) error {
	how := fmt.Sprintf("connect once with ssh to %s, compare the fingerprint with the server's owner, and accept it there; or name another file with --ssh-known-hosts", p.address)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading known hosts: %w (%s)", err, how)
	}
	if p.known, err = knownhosts.New(path); err != nil {
		return fmt.Errorf("reading known hosts: %w", err)
	}
	nobody, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return err
	}
	var unknown *knownhosts.KeyError
	if err := p.known(p.address, &net.TCPAddr{}, nobody); !errors.As(err, &unknown) {
		return fmt.Errorf("looking for %s among the known hosts: %w", p.address, err)
	}
	if len(unknown.Want) == 0 {
		return fmt.Errorf("the SSH server %s is not among the known hosts of %s, and is not trusted (%s)", p.address, path, how)
	}
	lines := strings.Split(string(text), "\n")
	for _, want := range unknown.Want {
		kind := want.Key.Type()
		switch {
		case want.Line <= len(lines) && strings.HasPrefix(strings.TrimSpace(lines[want.Line-1]), "@cert-authority"):
			p.algos = append([]string{ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01}, p.algos...)
		case kind == ssh.KeyAlgoRSA:
			p.algos = append(p.algos, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			p.algos = append(p.algos, kind)
		}
	}
	return nil
}

// DialContext implements contextDialer.
func (p *sshProxy) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
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
			return nil, &sshError{text: "the SSH server no longer answers", hint: "the next connection logs in again; look at the SSH server and the network to it", passing: true}
		}
		// The connection broke, perhaps while nobody used it.
		p.drop(link)
		if again {
			return nil, fmt.Errorf("the connection to the SSH server broke: %w", err)
		}
	}
}

// An sshLogin is the one attempt to log in for which all wait.
type sshLogin struct {
	done chan struct{}
	link *sshLink // written before done is closed, as is err
	err  error
}

// connected gives the connection, which it makes where there is none.
func (p *sshProxy) connected(ctx context.Context) (*sshLink, error) {
	p.mu.Lock()
	if p.refused != nil || p.link != nil {
		defer p.mu.Unlock()
		return p.link, p.refused
	}
	login := p.login
	if login == nil {
		login = &sshLogin{done: make(chan struct{})}
		p.login = login
		// Not under ctx: others wait for it, too. It ends after p.timeout.
		go p.finish(login)
	}
	p.mu.Unlock()
	select {
	case <-login.done:
		return login.link, login.err
	case <-ctx.Done():
		return nil, fmt.Errorf("logging in to the SSH server %s: %w", p.address, ctx.Err())
	}
}

func (p *sshProxy) finish(login *sshLogin) {
	login.link, login.err = p.logIn()
	p.mu.Lock()
	p.login, p.link = nil, login.link
	if e, ok := errors.AsType[*sshError](login.err); ok && e.final {
		p.refused = login.err
	}
	p.mu.Unlock()
	close(login.done)
	if login.link != nil {
		_ = login.link.client.Wait()
		p.drop(login.link)
	}
}

// drop closes a connection; the next target makes another.
func (p *sshProxy) drop(link *sshLink) {
	_ = link.client.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == link {
		p.link = nil
	}
}

// logIn makes a connection and authenticates both sides of it.
func (p *sshProxy) logIn() (*sshLink, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	until, _ := ctx.Deadline()
	conn, err := p.net.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, &sshError{text: fmt.Sprintf("connecting to the SSH server: %v", err), hint: "the SSH server of --via cannot be reached; nothing was asked of the target"}
	}
	if err := conn.SetDeadline(until); err != nil {
		_ = conn.Close()
		return nil, err
	}
	keys, closeAgent, err := p.keys(ctx, until)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	defer closeAgent()
	var accepted atomic.Bool
	var wrong atomic.Pointer[sshError]
	client, channels, requests, err := ssh.NewClientConn(conn, p.address, &ssh.ClientConfig{
		User: p.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(keys...)}, HostKeyAlgorithms: p.algos,
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			if err := p.known(host, remote, key); err != nil {
				wrong.Store(wrongHostKey(host, key, err))
				return err
			}
			accepted.Store(true)
			return nil
		},
	})
	if err != nil {
		_ = conn.Close()
		if e := wrong.Load(); e != nil {
			return nil, e
		}
		return nil, p.notLoggedIn(err, accepted.Load())
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		_ = client.Close()
		return nil, err
	}
	return newSSHLink(ssh.NewClient(client, channels, requests)), nil
}

func wrongHostKey(host string, key ssh.PublicKey, err error) *sshError {
	return &sshError{
		text: fmt.Sprintf("the SSH server %s has another host key than the known hosts say (%s, %s): %v", host, key.Type(), ssh.FingerprintSHA256(key), err),
		hint: "somebody may stand between you and the SSH server, or its key was replaced: ask its owner for the fingerprint before you change known hosts", final: true,
	}
}

// notLoggedIn tells a refusal, which holds for all targets, from a connection
// that broke or a server that hangs.
func (p *sshProxy) notLoggedIn(err error, hostAccepted bool) error {
	var negotiation *ssh.AlgorithmNegotiationError
	var network net.Error
	switch {
	case errors.As(err, &negotiation):
		return &sshError{text: fmt.Sprintf("the SSH server %s shares no algorithm with us: %v", p.address, err), hint: "it may have replaced the host key that the known hosts have; ssh -v shows what it offers", final: true}
	case errors.As(err, &network) || !hostAccepted || dropped(err):
		return &sshError{text: fmt.Sprintf("logging in to the SSH server %s: %v", p.address, err), hint: "look whether ssh reaches it; --timeout gives it longer", passing: true}
	}
	return &sshError{text: fmt.Sprintf("the SSH server %s refused the login of --via: %v", p.address, err), hint: "try the same with ssh; a key of ssh-agent or --ssh-identity must be among the user's authorized_keys there", final: true}
}

// keys are what is offered to the server; those of the agent work until closed.
func (p *sshProxy) keys(ctx context.Context, until time.Time) ([]ssh.Signer, func(), error) {
	var keys []ssh.Signer
	if p.signer != nil {
		keys = append(keys, p.signer)
	}
	if p.agent == "" {
		return keys, func() {}, nil
	}
	theirs, closeAgent, err := p.agentKeys(ctx, until)
	keys = append(keys, theirs...)
	if len(keys) == 0 {
		closeAgent()
		text := "ssh-agent has no keys"
		if err != nil {
			text = fmt.Sprintf("asking ssh-agent for keys: %v", err)
		}
		return nil, nil, &sshError{text: text, hint: "ssh-add a key, or name a file with --ssh-identity", final: true}
	}
	return keys, closeAgent, nil
}

func (p *sshProxy) agentKeys(ctx context.Context, until time.Time) ([]ssh.Signer, func(), error) {
	conn, err := p.net.DialContext(ctx, "unix", p.agent)
	if err != nil {
		return nil, func() {}, err
	}
	closeAgent := func() { _ = conn.Close() }
	if err := conn.SetDeadline(until); err != nil {
		return nil, closeAgent, err
	}
	keys, err := agent.NewClient(conn).Signers()
	return keys, closeAgent, err
}
