package tlsdial

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/collect/ntske"
	"github.com/certassay/certassay/internal/collect/starttls"
	"github.com/certassay/certassay/internal/evidence"
)

// An unreadyError is a server with which TLS cannot be begun. It reads as what
// it wraps: the stage of the Failure says the rest.
type unreadyError struct{ error }

// Unwrap gives what was wrapped.
func (e unreadyError) Unwrap() error { return e.error }

// preamble speaks what goes before TLS in the target's protocol, if anything,
// and leaves the connection ready for the ClientHello. It may take as long as a
// handshake, and the handshake as long again: mail servers let clients wait for
// their greeting on purpose. Nothing of it is recorded as a part of TLS.
func (s *session) preamble(ctx context.Context, conn *recorder, a *attempt) error {
	if !starttls.Spoken(s.target.Scheme) {
		return nil
	}
	began := time.Now()
	p, err := starttls.Start(conn.Conn, s.target.Scheme, s.domain())
	p.Elapsed = time.Since(began)
	a.Preamble = &p
	if err != nil {
		return unreadyError{err}
	}
	conn.Conn = starttls.Wrap(conn.Conn, s.target.Scheme)
	_ = conn.SetDeadline(s.deadline())
	// Where the run ended in between, the deadline that says so was overwritten.
	return ctx.Err()
}

// domain is the name that a protocol with virtual hosts is asked for: as in SNI,
// what Options.ServerName says goes before the host.
func (s *session) domain() string {
	if s.d.opts.ServerName != "" {
		return s.d.opts.ServerName
	}
	return s.target.Host
}

// preambleFailure says why TLS could not be begun.
func preambleFailure(outcome evidence.PreambleOutcome, err error) evidence.Failure {
	f := evidence.Failure{Stage: evidence.StageStartTLS, Error: err.Error()}
	switch outcome {
	case evidence.PreambleMissing:
		f.Hint = "the server never had it, or somebody on the path removed the offer; compare with another network position (--via), and with the owner's word"
	case evidence.PreambleRefused:
		f.Hint = "the server may turn away strangers or too many of them; try again later, or from another address"
	case evidence.PreambleMalformed:
		f.Hint = "check port and protocol; where TLS begins with the first byte, write tls://HOST:PORT"
	case evidence.PreambleTooLong:
		f.Hint = "no honest server says that much before TLS"
	case evidence.PreambleTooSlow:
		f.Hint = "the server is slow, or waits for TLS itself: where TLS begins with the first byte, write tls://HOST:PORT; --timeout gives it longer"
	case evidence.PreambleClosed:
		f.Hint = "the server hung up; it may turn away strangers, or speak another protocol on this port"
	case evidence.PreambleReady:
	}
	return f
}

func (s *session) nts() bool { return s.target.Scheme == "nts" }

// askNTS asks a server for NTS cookies. One that did not agree to the protocol is
// not asked: it would take the question for something else.
func askNTS(client *tls.Conn, protocol string) *evidence.NTS {
	if protocol != ntske.ALPN {
		return &evidence.NTS{Failure: ntsFailure(fmt.Errorf("the server did not agree to application protocol %s", ntske.ALPN))}
	}
	answer, err := ntske.Exchange(client)
	if err != nil {
		answer.Failure = ntsFailure(err)
	}
	return &answer
}

func ntsFailure(err error) *evidence.Failure {
	return &evidence.Failure{
		Stage: evidence.StageNTS,
		Error: err.Error(),
		Hint:  "TLS was completed, but what answers there did not show that it is a time server",
	}
}
