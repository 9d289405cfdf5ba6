package tlsdial

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// An sshServer forwards every channel to upstream, whatever is asked for.
type sshServer struct {
	addr     netip.AddrPort
	host     ssh.Signer
	opts     Options // that log in
	upstream netip.AddrPort
	logins   atomic.Int64
	asked    chan string
	refuse   atomic.Pointer[ssh.RejectionReason]
	hang     atomic.Bool // takes no notice of channels and requests

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

func sshKey(t testing.TB) (ed25519.PrivateKey, ssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, signer
}

// newSSHServer serves, and gives the options of somebody whom it lets in.
func newSSHServer(t testing.TB, upstream netip.AddrPort) *sshServer {
	t.Helper()
	s := &sshServer{upstream: upstream, asked: make(chan string, 1000)}
	_, s.host = sshKey(t)
	key, signer := sshKey(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, offered ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "bob" || string(offered.Marshal()) != string(signer.PublicKey().Marshal()) {
			return nil, fmt.Errorf("not bob")
		}
		return nil, nil
	}}
	config.AddHostKey(s.host)
	// A second host key that nobody knows: it must not be asked for.
	ecdsaHost, err := ssh.NewSignerFromKey(keys().ecdsa)
	if err != nil {
		t.Fatal(err)
	}
	config.AddHostKey(ecdsaHost)
	s.addr = listen(t, func(conn net.Conn) { s.serve(conn, config) })
	t.Cleanup(s.cut) // connections live as long as the program
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	s.opts = Options{
		Via: &url.URL{Scheme: "ssh", User: url.User("bob"), Host: s.addr.String()},
		SSH: SSH{Identity: writeFile(t, pem.EncodeToMemory(block)), KnownHosts: s.known(t, s.host.PublicKey())},
	}
	return s
}

func writeFile(t testing.TB, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *sshServer) known(t testing.TB, key ssh.PublicKey) string {
	t.Helper()
	return writeFile(t, []byte("# known\n"+knownhosts.Line([]string{s.addr.String()}, key)+"\n"))
}

func (s *sshServer) serve(conn net.Conn, config *ssh.ServerConfig) {
	s.mu.Lock()
	s.conns = append(s.conns, conn)
	s.mu.Unlock()
	s.logins.Add(1)
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		for r := range requests {
			if !s.hang.Load() {
				_ = r.Reply(false, nil)
			}
		}
	}()
	for c := range channels {
		if !s.hang.Load() {
			go s.forward(c)
		}
	}
}

func (s *sshServer) forward(c ssh.NewChannel) {
	if reason := s.refuse.Load(); reason != nil {
		_ = c.Reject(*reason, "no\x1b[2J "+strings.Repeat("x", 10_000))
		return
	}
	var to struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(c.ExtraData(), &to); err != nil || c.ChannelType() != "direct-tcpip" {
		_ = c.Reject(ssh.UnknownChannelType, "")
		return
	}
	s.asked <- fmt.Sprintf("%s:%d", to.Host, to.Port)
	remote, err := net.Dial("tcp", s.upstream.String())
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(channel, remote)
		_ = channel.Close()
	}()
	_, _ = io.Copy(remote, channel)
	_ = remote.Close()
}

// cut ends every connection so far.
func (s *sshServer) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
}

func sshUpstream(t testing.TB) (netip.AddrPort, []byte) {
	t.Helper()
	der := selfSigned(t, keys().ecdsa)
	return serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)}), der
}

var sshTarget = target.Target{Raw: "host.test:4433", Scheme: "tls", Host: testHost, Port: 4433}

func newDialer(t testing.TB, opts Options) *Dialer {
	t.Helper()
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *Dialer) one(t testing.TB) *evidence.Subject {
	t.Helper()
	got := d.Collect(t.Context(), sshTarget)
	if len(got) != 1 {
		t.Fatalf("%d subjects, want 1", len(got))
	}
	return got[0]
}

func wantDialFailure(t testing.TB, s *evidence.Subject, text, hint string) {
	t.Helper()
	if len(s.Failures) != 1 || len(s.Handshakes) != 0 {
		t.Fatalf("%d handshakes, failures %+v; want 0 and one failure", len(s.Handshakes), s.Failures)
	}
	f := s.Failures[0]
	if f.Stage != evidence.StageDial || !strings.Contains(f.Error, text) || !strings.Contains(f.Hint, hint) {
		t.Errorf("failure %+v, want %q and a hint with %q", f, text, hint)
	}
	if strings.ContainsRune(f.Error, 0x1b) || len(f.Error) > 600 {
		t.Errorf("the error has %d bytes, or control characters of the server", len(f.Error))
	}
}

func TestSSH(t *testing.T) {
	upstream, der := sshUpstream(t)
	server := newSSHServer(t, upstream)
	d := newDialer(t, server.opts)
	for range 2 {
		s := d.one(t)
		wantCertificates(t, s, der)
		if want := "ssh://" + server.addr.String(); !s.Handshakes[0].Completed || s.Vantage != want || s.ID != "tls://host.test:4433?via="+want || strings.Contains(fmt.Sprintf("%+v", s), "bob") {
			t.Errorf("completed %v, vantage %q, id %q", s.Handshakes[0].Completed, s.Vantage, s.ID)
		}
		// The name is resolved on the far side.
		if got := <-server.asked; got != "host.test:4433" {
			t.Errorf("the server was asked for %q", got)
		}
	}
	if got := server.logins.Load(); got != 1 {
		t.Errorf("%d logins for two targets, want 1", got)
	}
	quic := d.Collect(t.Context(), target.Target{Raw: "quic://host.test", Scheme: schemeQUIC, Host: testHost, Port: 443})
	if len(quic) != 1 || len(quic[0].Failures) != 1 || !strings.Contains(quic[0].Failures[0].Error, "TCP alone") {
		t.Errorf("QUIC was not refused: %+v", quic)
	}
}

func TestSSHAgent(t *testing.T) {
	upstream, der := sshUpstream(t)
	server := newSSHServer(t, upstream)
	text, err := os.ReadFile(server.opts.SSH.Identity)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn) }()
		}
	}()
	opts := server.opts
	opts.SSH.Identity, opts.SSH.Agent = "", socket
	wantDialFailure(t, newDialer(t, opts).one(t), "ssh-agent has no keys", "ssh-add")
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	wantCertificates(t, newDialer(t, opts).one(t), der)
}

// Who cannot be trusted, or does not trust us, is asked for nothing, and once.
func TestSSHRefusals(t *testing.T) {
	upstream, _ := sshUpstream(t)
	server := newSSHServer(t, upstream)
	_, other := sshKey(t)
	wrongKey, wrongUser := server.opts, server.opts
	wrongKey.SSH.KnownHosts = server.known(t, other.PublicKey())
	wrongUser.Via = &url.URL{Scheme: "ssh", User: url.User("eve"), Host: server.addr.String()}
	for _, tt := range []struct {
		name, text, hint string
		opts             Options
	}{
		{"changed host key", "another host key", "somebody may stand between", wrongKey},
		{"login", "refused the login", "authorized_keys", wrongUser},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := server.logins.Load()
			d := newDialer(t, tt.opts)
			for range 3 {
				wantDialFailure(t, d.one(t), tt.text, tt.hint)
			}
			if got := server.logins.Load() - before; got != 1 {
				t.Errorf("%d connections, want 1: a refusal holds", got)
			}
		})
	}
	for reason, text := range map[ssh.RejectionReason]string{
		ssh.Prohibited: "does not let this user", ssh.ConnectionFailed: "could not connect to the target", ssh.ResourceShortage: "opened no channel",
	} {
		server.refuse.Store(&reason)
		wantDialFailure(t, newDialer(t, server.opts).one(t), text, "")
	}
	if len(server.asked) != 0 {
		t.Error("a refused login reached a target")
	}
}

// What can be known before anything is contacted is said then.
func TestSSHOptions(t *testing.T) {
	server := newSSHServer(t, netip.MustParseAddrPort("127.0.0.1:9"))
	key, _ := sshKey(t)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(secretWord))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"unknown host":   {func(o *Options) { o.SSH.KnownHosts = writeFile(t, nil) }, "compare the fingerprint"},
		"no known hosts": {func(o *Options) { o.SSH.KnownHosts += "x" }, "compare the fingerprint"},
		"garbage":        {func(o *Options) { o.SSH.KnownHosts = writeFile(t, []byte("host garbage")) }, "known hosts"},
		"no key":         {func(o *Options) { o.SSH.Identity = "" }, "ssh-agent"},
		"no identity":    {func(o *Options) { o.SSH.Identity += "x" }, "reading the SSH identity"},
		"passphrase":     {func(o *Options) { o.SSH.Identity = writeFile(t, pem.EncodeToMemory(block)) }, "use ssh-agent"},
		"no user":        {func(o *Options) { o.Via = &url.URL{Scheme: "ssh", Host: server.addr.String()} }, "ssh://USER@HOST"},
		"password":       {func(o *Options) { o.Via.User = url.UserPassword("bob", secretWord) }, "takes no password"},
	} {
		opts := server.opts
		via := *opts.Via
		opts.Via = &via
		tt.change(&opts)
		if _, err := New(opts); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secretWord) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if server.logins.Load() != 0 {
		t.Error("New contacted the server")
	}
}

// A server that dies or hangs costs at most the target of that moment.
func TestSSHBreaks(t *testing.T) {
	upstream, der := sshUpstream(t)
	server := newSSHServer(t, upstream)
	opts := server.opts
	opts.Dial = 500 * time.Millisecond
	d := newDialer(t, opts)
	wantCertificates(t, d.one(t), der)
	server.cut()
	wantCertificates(t, d.one(t), der)
	server.hang.Store(true)
	wantDialFailure(t, d.one(t), "no longer answers", "logs in again")
	server.hang.Store(false)
	wantCertificates(t, d.one(t), der)
	if got := server.logins.Load(); got != 3 {
		t.Errorf("%d logins, want 3", got)
	}
	// A server that never says a word ends within the time for it.
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	opts.Via = &url.URL{Scheme: "ssh", User: url.User("bob"), Host: silent.String()}
	opts.SSH.KnownHosts = writeFile(t, []byte(knownhosts.Line([]string{silent.String()}, server.host.PublicKey())))
	wantDialFailure(t, newDialer(t, opts).one(t), "logging in to the SSH server", "")
}

// More targets at once than channels are allowed share one connection.
func TestSSHConcurrent(t *testing.T) {
	upstream, _ := sshUpstream(t)
	server := newSSHServer(t, upstream)
	opts := server.opts
	opts.Dial, opts.Handshake, opts.Total, opts.Pacer = 20*time.Second, 20*time.Second, 60*time.Second, collect.NewPacer(collect.Limits{})
	d := newDialer(t, opts)
	var wg sync.WaitGroup
	var good atomic.Int64
	const targets = maxSSHChannels + 40
	for range targets {
		wg.Go(func() {
			if got := d.Collect(context.Background(), sshTarget); len(got) == 1 && len(got[0].Handshakes) == 1 && got[0].Handshakes[0].Completed {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if good.Load() != targets || server.logins.Load() != 1 {
		t.Errorf("%d of %d targets answered, %d logins; want all, 1", good.Load(), targets, server.logins.Load())
	}
	link := d.proxy.(*sshProxy).link
	for range 100 { // every channel is given back
		if len(link.slots) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d channels are still held", len(link.slots))
}

// What goes before TLS lives by deadlines, which SSH channels do not have.
func TestSSHWithSTARTTLS(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	mail := serveSMTP(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)}, withTLS, goOn)
	s := collectAs(t, "smtp", mail, newSSHServer(t, mail).opts)
	wantCertificates(t, s, der)
	if len(s.Failures) > 0 || !s.Handshakes[0].Completed {
		t.Errorf("failures %v, handshake %+v", s.Failures, s.Handshakes[0])
	}
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	opts := newSSHServer(t, silent).opts
	opts.Handshake = 200 * time.Millisecond
	began := time.Now()
	if s := collectAs(t, "smtp", silent, opts); len(s.Failures) == 0 || time.Since(began) > 5*time.Second {
		t.Errorf("a silent server: failures %v after %v", s.Failures, time.Since(began))
	}
}
