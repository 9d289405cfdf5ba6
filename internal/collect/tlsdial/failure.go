package tlsdial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/certassay/certassay/internal/collect/neterr"
	"github.com/certassay/certassay/internal/collect/sshjump"
	"github.com/certassay/certassay/internal/evidence"
)

// A trouble is what went wrong with an attempt, as far as the next step
// depends on it.
type trouble int

const (
	fine      trouble = iota
	unready           // the server did not go ahead with TLS
	cancelled         // the run ended, or the time for the target
	tooSlow           // the time for the handshake ended
	flooded           // the server sent too much
	notTLS            // the server speaks something else
	closed            // the connection ended
	refused           // an alert, or our library's refusal
)

func troubleOf(err error) trouble {
	var header tls.RecordHeaderError
	var network net.Error
	var before unreadyError
	switch {
	case err == nil:
		return fine
	case errors.As(err, &before):
		return unready
	case errors.Is(err, errFlood):
		return flooded
	case errors.Is(err, errNotTLS), errors.As(err, &header):
		return notTLS
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout(), neterr.Timeout(err):
		return tooSlow
	case dropped(err):
		return closed
	}
	return refused
}

func dropped(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || neterr.Dropped(err)
}

// transientDial says that dialling again may help.
func transientDial(err error) bool {
	var network net.Error
	var status proxyRefusal
	if jump, ok := errors.AsType[*sshjump.Error](err); ok {
		return jump.Passing
	}
	if errors.As(err, &status) {
		return status >= 502 && status <= 504
	}
	return dropped(err) || neterr.Exhausted(err) || errors.As(err, &network) && network.Timeout() || neterr.Timeout(err)
}

func resolveFailure(err error) evidence.Failure {
	f := evidence.Failure{Stage: evidence.StageResolve, Error: err.Error()}
	var dns *net.DNSError
	switch {
	case errors.Is(err, errNoAddress), errors.As(err, &dns) && dns.IsNotFound:
		f.Hint = "check the spelling, or name the address with --resolve HOST:PORT:ADDRESS"
	case errors.As(err, &dns):
		f.Hint = "the resolver did not answer properly; try again, or use --resolve HOST:PORT:ADDRESS"
	}
	return f
}

func dialFailure(err error) evidence.Failure {
	f := evidence.Failure{Stage: evidence.StageDial, Error: err.Error()}
	// net says again what was dialled.
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		f.Error = strings.Replace(f.Error, fmt.Sprintf("dial %s %s: ", op.Net, op.Addr), "", 1)
	}
	var status proxyRefusal
	var jump *sshjump.Error
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		f.Stage, f.Hint = evidence.StageCollect, "the run was interrupted"
	case errors.Is(err, errWaiting), errors.Is(err, errTotal):
		f.Stage, f.Hint = evidence.StageCollect, "allow more time with --timeout, or fewer connections at a time with --concurrency"
	case errors.As(err, &jump):
		f.Hint = jump.Hint()
	case errors.As(err, &status) && status == 407, strings.Contains(f.Error, "username/password authentication"):
		f.Hint = "the proxy wants other credentials; write them into --via as user:password@"
	case errors.As(err, &status):
		f.Hint = "the proxy would not make this connection"
	case neterr.Exhausted(err):
		f.Hint = "this machine ran out of sockets; lower --concurrency or --rate, or raise the limit of open files"
	case neterr.Refused(err):
		f.Hint = "nothing listens there, or a firewall says so; check the port"
	case neterr.Unroutable(err):
		f.Hint = "this machine has no route to that address"
	case errors.As(err, &network) && network.Timeout(), neterr.Timeout(err):
		f.Hint = "no answer in time: a firewall may drop the packets; --timeout gives it longer"
	}
	return f
}

// handshakeFailure says why an attempt did not complete.
func handshakeFailure(what trouble, err error, got []byte) evidence.Failure {
	f := evidence.Failure{Stage: evidence.StageHandshake, Error: err.Error()}
	switch what {
	case cancelled:
		f.Stage = evidence.StageCollect
		f.Error = "ended before the handshake: " + f.Error
		f.Hint = "interrupted, or the time for one target was used up; --timeout gives it longer"
	case tooSlow:
		f.Error = fmt.Sprintf("no complete handshake in time: %v", err)
		f.Hint = "the server is silent or sends very slowly; --timeout gives it longer"
	case flooded:
		f.Hint = "no honest handshake is that long; what arrived before was kept"
	case notTLS:
		f.Error = "the server does not speak TLS on this port"
		if len(got) > 0 {
			f.Error += fmt.Sprintf("; it began with %q", got[:min(len(got), 24)])
		}
		f.Hint = hintForGreeting(got)
	case closed:
		if len(got) == 0 {
			f.Error = fmt.Sprintf("the connection was dropped right after the ClientHello: %v", err)
		} else {
			f.Error = fmt.Sprintf("the server closed the connection during the handshake: %v", err)
		}
	}
	return f
}

func hintForGreeting(got []byte) string {
	greeting := string(got[:min(len(got), 8)])
	switch {
	case strings.HasPrefix(greeting, "HTTP/"):
		return "plain HTTP: look at the port that serves https"
	case strings.HasPrefix(greeting, "SSH-"):
		return "this is an SSH server, which has no certificate of this kind"
	case strings.HasPrefix(greeting, "220"):
		return "a greeting in clear text: this may be smtp:// or ftp://"
	case strings.HasPrefix(greeting, "* OK"):
		return "a greeting in clear text: this may be imap://"
	case strings.HasPrefix(greeting, "+OK"):
		return "a greeting in clear text: this may be pop3://"
	case strings.HasPrefix(greeting, "200"), strings.HasPrefix(greeting, "201"):
		return "a greeting in clear text: this may be nntp://"
	}
	return "check the port; a protocol that starts in clear text needs its own scheme, such as smtp://"
}
