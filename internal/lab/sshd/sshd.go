// Package sshd is an SSH server for tests, which forwards connections and can be
// made to fail. It is not OpenSSH's: that one is in the tests against real servers.
package sshd

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/certassay/certassay/internal/lab"
)

// A Server lets in the user bob, and forwards every channel to one address,
// whatever is asked for.
type Server struct {
	// Address is host:port of the server; Dir holds its files: identity,
	// known_hosts and config, an ssh_config in which "box" is the server.
	Address, Dir string
	// Asked are the addresses that were asked for.
	Asked chan string
	// Logins counts connections, Live those that are open.
	Logins, Live atomic.Int64
	// Refuse is why no channel is opened; nil opens them. Hang takes no notice of
	// channels and requests.
	Refuse atomic.Pointer[ssh.RejectionReason]
	Hang   atomic.Bool

	upstream string
	host     ssh.Signer
	mu       sync.Mutex
	conns    []net.Conn // guarded by mu
}

// Start serves until the end of the test. It skips the test where there is no ssh
// program.
func Start(t testing.TB, upstream string) *Server {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("there is no ssh program")
	}
	s := &Server{Dir: t.TempDir(), Asked: make(chan string, 1000), upstream: upstream}
	var key ed25519.PrivateKey
	var user ssh.Signer
	_, s.host = newKey(t)
	key, user = newKey(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, offered ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "bob" || string(offered.Marshal()) != string(user.PublicKey().Marshal()) {
			return nil, fmt.Errorf("not bob")
		}
		return nil, nil
	}}
	config.AddHostKey(s.host)
	s.Address = lab.Listen(t, func(_ context.Context, conn net.Conn) { s.serve(conn, config) })
	t.Cleanup(s.Cut)
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	s.Write(t, "identity", string(pem.EncodeToMemory(block)))
	s.Write(t, "known_hosts", knownhosts.Line([]string{s.Address}, s.host.PublicKey())+"\n")
	s.Configure(t, "")
	return s
}

// Configure writes the ssh_config anew, with lines that go over its own.
func (s *Server) Configure(t testing.TB, lines string) (path string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.Address)
	return s.Write(t, "config", fmt.Sprintf(`Host box
%s
  HostName %s
  Port %s
  User bob
  IdentityFile "%s/identity"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "%[4]s/known_hosts"
  GlobalKnownHostsFile /dev/null
`, lines, host, port, s.Dir))
}

// Write writes a file into Dir.
func (s *Server) Write(t testing.TB, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Forget makes the known hosts have another key for the server, or none.
func (s *Server) Forget(t testing.TB, other bool) {
	t.Helper()
	_, key := newKey(t)
	line := ""
	if other {
		line = knownhosts.Line([]string{s.Address}, key.PublicKey()) + "\n"
	}
	s.Write(t, "known_hosts", line)
}

// Cut ends every connection so far.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
}

func newKey(t testing.TB) (ed25519.PrivateKey, ssh.Signer) {
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

func (s *Server) serve(conn net.Conn, config *ssh.ServerConfig) {
	s.mu.Lock()
	s.conns = append(s.conns, conn)
	s.mu.Unlock()
	s.Logins.Add(1)
	s.Live.Add(1)
	defer s.Live.Add(-1)
	_ = conn.SetDeadline(time.Now().Add(5 * time.Minute))
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		for r := range requests {
			if !s.Hang.Load() {
				_ = r.Reply(false, nil)
			}
		}
	}()
	for c := range channels {
		if !s.Hang.Load() {
			go s.forward(c)
		}
	}
}

func (s *Server) forward(c ssh.NewChannel) {
	if reason := s.Refuse.Load(); reason != nil {
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
	s.Asked <- fmt.Sprintf("%s:%d", to.Host, to.Port)
	remote, err := net.Dial("tcp", s.upstream)
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := c.Accept()
	if err != nil {
		_ = remote.Close()
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
