package tlsdial

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/evidence"
)

// An attempt is one handshake and what the choice of the next depends on.
type attempt struct {
	evidence.Handshake
	trouble trouble
	// worth says that a completed DHE handshake would tell what a signature
	// that cannot be checked here did not.
	worth bool
}

// next is the profile that could tell more, or "".
func (a *attempt) next() string {
	hopeless := a.trouble == cancelled || a.trouble == flooded || a.trouble == unready
	switch a.Profile {
	case profileFast:
		if !a.Possession && !hopeless {
			return profileDefault
		}
	case profileDefault, profileClassical:
		switch {
		case a.Completed || hopeless:
		case a.Reset && a.Profile == profileDefault:
			return profileClassical
		case a.trouble == closed, a.trouble == refused:
			return profileLegacy
		}
	case profileLegacy:
		if a.worth {
			return profileZcrypto
		}
	}
	return ""
}

// attempt makes one handshake on conn and closes it.
func (s *session) attempt(ctx context.Context, conn *recorder, profile string) *attempt {
	a := &attempt{Handshake: s.handshake(profile)}
	defer conn.Close() //nolint:errcheck // what was seen stays seen
	bare := conn.Conn  // the preamble may put another around it
	_ = bare.SetDeadline(s.deadline())
	stop := context.AfterFunc(ctx, func() { _ = bare.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	err := s.preamble(ctx, conn, a)
	if err == nil {
		err = s.speak(conn, a)
	}
	a.Elapsed = time.Since(s.began)
	a.HelloSize = len(conn.hello)
	if a.trouble = troubleOf(err); err != nil {
		if s.over(ctx) {
			a.trouble = cancelled
		}
		got := conn.recorded()
		a.Reset = len(got) == 0 && (a.trouble == closed || a.trouble == tooSlow)
		f := handshakeFailure(a.trouble, err, got)
		if a.trouble == unready {
			f = preambleFailure(a.Preamble.Outcome, err)
		}
		if len(a.Certificates) > 0 && f.Hint == "" {
			f.Hint = "the certificates were kept"
		}
		a.Failure = &f
	}
	return a
}

// deadline is the end of a handshake that begins now. Setting it fails only on
// a connection that reads will fail on too.
func (s *session) deadline() time.Time {
	deadline := time.Now().Add(s.d.opts.Handshake)
	if s.until.Before(deadline) {
		return s.until
	}
	return deadline
}

// speak makes the handshake of the attempt's profile.
func (s *session) speak(conn *recorder, a *attempt) error {
	switch s.form(a.Profile) {
	case profileFast, profileLegacy:
		return s.raw(conn, a)
	case profileZcrypto:
		return s.zcrypto(conn, a, s.deadline())
	}
	return s.standard(conn, a)
}

// standard is the handshake of crypto/tls.
func (s *session) standard(conn *recorder, a *attempt) error {
	var secrets secretLog
	config := s.d.configs.of(s.form(a.Profile)).Clone()
	config.ServerName, config.NextProtos, config.KeyLogWriter = a.ServerName, s.alpn(), &secrets
	if s.nts() {
		config.MinVersion = tls.VersionTLS13 // RFC 8915 section 3
	}
	client := tls.Client(conn, config)
	err := client.Handshake() //nolint:noctx // attempt turns the context into a deadline
	state := client.ConnectionState()
	if err != nil {
		f := s.salvage(conn, secrets.secret())
		s.fill(a, f)
		a.Salvaged = len(f.certs) > 0 && len(state.PeerCertificates) == 0
		a.proved(f.possession(conn.hello))
		return err
	}
	conn.drop()
	a.Completed, a.Possession = true, true
	a.Version, a.Cipher, a.Group, a.ALPN = state.Version, state.CipherSuite, uint16(state.CurveID), state.NegotiatedProtocol
	a.OCSP = bytes.Clone(state.OCSPResponse)
	for _, sct := range state.SignedCertificateTimestamps {
		a.SCTs = append(a.SCTs, bytes.Clone(sct))
	}
	for i, c := range state.PeerCertificates {
		if i == s.d.opts.MaxCertificates {
			s.dropped = len(state.PeerCertificates) - i
			break
		}
		a.Certificates = append(a.Certificates, bytes.Clone(c.Raw))
	}
	if s.nts() && s.probe == nil {
		a.NTS = askNTS(client, a.ALPN)
	}
	_ = client.Close() // a polite close_notify; what was seen stays seen
	return nil
}

// rest is how long the end of a server's flight is waited for once crypto/tls
// has refused its certificates. It was sent in one go and is usually there.
const rest = 200 * time.Millisecond

// salvage reads what was recorded, and what the server had sent besides up to
// its proof of possession.
func (s *session) salvage(conn *recorder, secret []byte) *flight {
	f := salvage(conn.recorded(), secret, s.d.opts.MaxCertificates)
	if len(f.certs) == 0 || f.version != tls13 || f.proof != nil {
		return f
	}
	_ = conn.SetReadDeadline(time.Now().Add(rest))
	for f.proof == nil && !f.over && conn.fill() == nil {
		f = salvage(conn.recorded(), secret, s.d.opts.MaxCertificates)
	}
	return f
}

// proved takes over the answer to whether the server proved its key: nil for
// yes, errSignature for a wrong signature, anything else for unknown.
func (a *attempt) proved(err error) {
	a.Possession = err == nil
	a.Refuted = errors.Is(err, errSignature)
}

// fill takes over what a flight met, in memory of its own.
func (s *session) fill(a *attempt, f *flight) {
	a.Version, a.Cipher, a.Group, a.ALPN = f.version, f.cipher, f.group, f.alpn
	a.OCSP = bytes.Clone(f.ocsp)
	for _, sct := range f.scts {
		a.SCTs = append(a.SCTs, bytes.Clone(sct))
	}
	for _, der := range f.certs {
		a.Certificates = append(a.Certificates, bytes.Clone(der))
	}
	s.dropped = max(s.dropped, f.dropped)
}

// raw is our own ClientHello up to the server's key exchange.
func (s *session) raw(conn *recorder, a *attempt) error {
	hello := newHello(s.form(a.Profile), a.ServerName, s.alpn())
	if _, err := conn.Write(hello.record); err != nil {
		return err
	}
	f := &flight{maxCerts: s.d.opts.MaxCertificates}
	err := readFlight(conn, f)
	f.rescue()
	if len(f.ske) > 0 && len(f.certs) > 0 && err == nil {
		err = s.prove(a, f, hello.random)
		a.worth = err != nil && !errors.Is(err, errSignature) && kexOf(f.cipher) == kexDHE
	}
	s.fill(a, f)
	return err
}

func (s *session) prove(a *attempt, f *flight, random []byte) error {
	kx, err := parseKeyExchange(kexOf(f.cipher), f.version, f.ske)
	if err != nil {
		return fmt.Errorf("possession of the key is not proven: %w", err)
	}
	f.group = kx.group
	err = kx.verify(f.certs[0], random, f.random)
	a.proved(err)
	if err != nil {
		return fmt.Errorf("possession of the key is not proven: %w", err)
	}
	return nil
}

var errScreened = errors.New("zcrypto is not given what the server sent")

var errUnproven = errors.New("possession of the key is not proven: the server chose a key exchange without a signature")

// An alertError is an alert of the server (RFC 8446 section 6).
type alertError alert

func (e alertError) Error() string {
	return fmt.Sprintf("the server refused with alert %d (%v)", e.code, tls.AlertError(e.code))
}

// readFlight reads records until the server has said all that it says before
// our turn.
func readFlight(conn *recorder, f *flight) error {
	for f.ske == nil {
		r, err := conn.next()
		if err != nil {
			return err
		}
		f.add(r)
		switch {
		case f.alert != nil && f.alert.level == 2:
			return alertError(*f.alert)
		case f.helloed && f.ske == nil, f.over:
			return errUnproven
		}
	}
	return nil
}
