// Package starttls brings a connection on which TLS does not begin with the
// first byte to the point where it does: it speaks the few clear-text words of
// SMTP, IMAP, LDAP, PostgreSQL and others that ask for TLS.
//
// Each preamble is a small state machine over an [io.ReadWriter], without clock,
// goroutine or state of its own: the caller sets the deadline, and the same bytes
// always lead to the same outcome. Nobody vouches for these bytes, and a person
// in the middle can send any: everything that is read is bounded, nothing is
// interpreted further than needed, and nothing but fixed text and the name of
// the host is sent. No preamble logs in.
//
// Whoever sits in the middle of such a connection can keep TLS from being
// offered at all, and clients that make do then talk in the clear. So "does not
// offer TLS" is an outcome of its own, evidence.PreambleMissing, and what the
// server said is kept.
package starttls

import (
	"errors"
	"io"
	"net"
	"os"

	"github.com/certassay/certassay/internal/evidence"
)

// A dialogue asks for TLS and returns nil where the next byte of the client
// begins it.
type dialogue func(*conversation) error

// dialogueOf is nil for a scheme without a preamble.
func dialogueOf(scheme string) dialogue {
	switch scheme {
	case "smtp", "submission":
		return func(c *conversation) error { return mail(c, "EHLO") }
	case "lmtp":
		return func(c *conversation) error { return mail(c, "LHLO") }
	case "imap":
		return imap
	case "pop3":
		return pop3
	case "ftp":
		return ftp
	case "nntp":
		return nntp
	case "sieve":
		return sieve
	case "irc":
		return irc
	case "ldap":
		return ldap
	case "xmpp":
		return func(c *conversation) error { return xmpp(c, "jabber:client") }
	case "xmpp-server":
		return func(c *conversation) error { return xmpp(c, "jabber:server") }
	case "postgres":
		return postgres
	case "mysql":
		return mysql
	case "rdp":
		return rdp
	case "mssql":
		return mssql
	case "vnc":
		return vnc
	}
	return nil
}

// Spoken says whether there is a preamble for a scheme of package target.
func Spoken(scheme string) bool { return dialogueOf(scheme) != nil }

// Start speaks the preamble of a scheme. The host is what protocols with virtual
// hosts are asked for. It returns what happened in any case, and an error unless
// the outcome is evidence.PreambleReady: an [*Error] where the server answered
// something else, the error of rw where it did not answer. The deadline is the
// caller's to set.
//
// Bytes that came together with the server's go-ahead are dropped, and reported
// as PipelinedPlaintext: they were sent in the clear and must not be taken for a
// part of what TLS protects (CVE-2011-0411).
func Start(rw io.ReadWriter, scheme, host string) (evidence.Preamble, error) {
	speak := dialogueOf(scheme)
	if speak == nil {
		err := &Error{Outcome: evidence.PreambleMalformed, Text: scheme + " has no preamble that is known here"}
		return evidence.Preamble{Outcome: err.Outcome}, err
	}
	c := &conversation{rw: rw, host: host}
	err := speak(c)
	p := evidence.Preamble{Outcome: outcomeOf(err), Said: c.transcript()}
	p.PipelinedPlaintext = err == nil && len(c.buf) > 0
	return p, err
}

// An Error is an answer that does not lead to TLS.
type Error struct {
	Outcome evidence.PreambleOutcome
	// Text is a sentence in which what the server sent is quoted and escaped.
	Text string
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

func outcomeOf(err error) evidence.PreambleOutcome {
	var answer *Error
	var network net.Error
	switch {
	case err == nil:
		return evidence.PreambleReady
	case errors.As(err, &answer):
		return answer.Outcome
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return evidence.PreambleTooSlow
	}
	return evidence.PreambleClosed
}
