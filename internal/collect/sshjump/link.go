package sshjump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// maxChannels bounds the channels of one SSH connection: each holds up to
	// 2 MiB of what its target sends unasked.
	maxChannels = 128
	// answerTime is how long a server may take to show that it lives, after it
	// left a request for a channel without an answer.
	answerTime = 2 * time.Second
	// maxReason bounds what is repeated of a server's reason for a refusal,
	// which it writes as it likes.
	maxReason = 200
)

// A link is one connection to an SSH server, over the socket of the ssh that made
// it.
type link struct {
	client *ssh.Client
	slots  chan struct{} // one element for each channel
	// end ends the ssh that made the connection; nil where that is the user's.
	end  func()
	once sync.Once
}

// newLink takes part in the connection that is shared over a socket.
func newLink(ctx context.Context, socket string) (*link, error) {
	conn, err := dialSocket(ctx, socket)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(socketTime)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	client, channels, requests, err := ssh.NewControlClientConn(conn)
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("sharing the connection of ssh: %w", err)
	}
	return &link{client: ssh.NewClient(client, channels, requests), slots: make(chan struct{}, maxChannels)}, nil
}

// close ends the connection, and waits for the ssh that made it.
func (l *link) close() {
	l.once.Do(func() {
		_ = l.client.Close()
		if l.end != nil {
			l.end()
		}
	})
}

// open makes a channel to the target. The server resolves its name.
func (l *link) open(ctx context.Context, address string) (net.Conn, error) {
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
func (l *link) join(channel net.Conn, release func()) net.Conn {
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

// answers asks the server for a sign of life: a channel that it cannot know. Any
// answer is one. (The ssh between passes on no keep-alive.)
func (l *link) answers() bool {
	alive := make(chan bool, 1)
	go func() {
		_, _, err := l.client.OpenChannel("alive@certassay", nil)
		_, answered := errors.AsType[*ssh.OpenChannelError](err)
		alive <- answered
	}()
	select {
	case ok := <-alive:
		return ok
	case <-time.After(answerTime):
		return false
	}
}

// rejection says why the server did not open a channel (RFC 4254 section 5.1).
func rejection(e *ssh.OpenChannelError) *Error {
	reason := e.Message[:min(len(e.Message), maxReason)]
	switch e.Reason {
	case ssh.Prohibited:
		return &Error{text: fmt.Sprintf("the SSH server does not let this user connect there: %q", reason), hint: "its sshd_config needs AllowTcpForwarding and a PermitOpen that has the target"}
	case ssh.ConnectionFailed:
		return &Error{text: fmt.Sprintf("the SSH server could not connect to the target: %q", reason), hint: "the name or port may be wrong as seen from there, or a firewall there says no"}
	}
	return &Error{text: fmt.Sprintf("the SSH server opened no channel (%v): %q", e.Reason, reason), hint: "it may be at its limits; lower --concurrency"}
}
