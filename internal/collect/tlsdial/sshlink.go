package tlsdial

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// maxSSHChannels bounds the channels of one SSH connection: each holds up to
	// 2 MiB of what its target sends unasked.
	maxSSHChannels = 128
	// sshAnswerTime is how long a server may take to show that it lives, after it
	// left a request for a channel without an answer.
	sshAnswerTime = 2 * time.Second
	// maxSSHReason bounds what is repeated of a server's reason for a refusal,
	// which it writes as it likes.
	maxSSHReason = 200
)

// An sshLink is one connection to an SSH server.
type sshLink struct {
	client *ssh.Client
	slots  chan struct{} // one element for each channel
}

func newSSHLink(client *ssh.Client) *sshLink {
	return &sshLink{client: client, slots: make(chan struct{}, maxSSHChannels)}
}

// open makes a channel to the target. The server resolves its name.
func (l *sshLink) open(ctx context.Context, address string) (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	type opened struct {
		conn net.Conn
		err  error
	}
	result := make(chan opened, 1)
	release := sync.OnceFunc(func() { <-l.slots })
	// Not Client.DialContext: who gives up still holds a channel, until the
	// server has answered.
	go func() {
		conn, err := l.client.Dial("tcp", address)
		if err != nil {
			release()
		}
		result <- opened{conn, err}
	}()
	select {
	case r := <-result:
		if r.err != nil {
			return nil, r.err
		}
		return l.join(r.conn, release), nil
	case <-ctx.Done():
		go func() {
			if r := <-result; r.err == nil {
				_ = r.conn.Close()
				release()
			}
		}()
		return nil, ctx.Err()
	}
}

// join puts a pipe before the channel, for SSH channels have no deadlines and
// everything here lives by them.
func (l *sshLink) join(channel net.Conn, release func()) net.Conn {
	near, far := net.Pipe()
	go func() {
		_, _ = io.Copy(far, channel)
		_ = far.Close()
	}()
	go func() {
		_, _ = io.Copy(channel, far)
		_ = far.Close()
		_ = channel.Close()
		release()
	}()
	return near
}

// answers asks the server for a sign of life. Any answer is one.
func (l *sshLink) answers() bool {
	alive := make(chan bool, 1)
	go func() {
		_, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil)
		alive <- err == nil
	}()
	select {
	case ok := <-alive:
		return ok
	case <-time.After(sshAnswerTime):
		return false
	}
}

// rejection says why the server did not open a channel (RFC 4254 section 5.1).
func rejection(e *ssh.OpenChannelError) *sshError {
	reason := e.Message[:min(len(e.Message), maxSSHReason)]
	switch e.Reason {
	case ssh.Prohibited:
		return &sshError{text: fmt.Sprintf("the SSH server does not let this user connect there: %q", reason), hint: "its sshd_config needs AllowTcpForwarding and a PermitOpen that has the target"}
	case ssh.ConnectionFailed:
		return &sshError{text: fmt.Sprintf("the SSH server could not connect to the target: %q", reason), hint: "the name or port may be wrong as seen from there, or a firewall there says no"}
	}
	return &sshError{text: fmt.Sprintf("the SSH server opened no channel (%v): %q", e.Reason, reason), hint: "it may be at its limits; lower --concurrency"}
}
