// Package quicdial makes the handshake of QUIC (RFC 9000, RFC 9001) and keeps what
// the server served, byte for byte, whether or not a parser accepts it. It judges
// nothing and sends no request.
//
// # Design
//
// quic-go makes the handshake, with crypto/tls inside. crypto/tls forgets a
// certificate that it cannot parse; so every datagram is recorded, and where the
// handshake fails the Handshake packets are opened with the secret from the key
// log and the certificates taken from their CRYPTO frames. Only QUIC version 1 is
// offered, so that there is one packet form to read.
package quicdial

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/certassay/certassay/internal/evidence"
)

// Profile is the name of this client profile in evidence.
const Profile = "quic"

// ALPN are the protocols that are offered: HTTP/3 (RFC 9114) and DNS over QUIC
// (RFC 9250).
var ALPN = []string{"h3", "doq"}

// Options say how to connect; every field has to be set but ServerName, which
// empty sends no SNI.
type Options struct {
	ServerName string
	ALPN       []string
	// Timeout is the time for the whole handshake.
	Timeout time.Duration
	// MaxBytes bounds what is recorded of the server's datagrams, and
	// MaxCertificates the certificates that are kept.
	MaxBytes, MaxCertificates int
}

// Handshake connects to addr and gives what it saw; Failure in it says why the
// handshake did not complete. dropped counts the certificates beyond the limit.
func Handshake(ctx context.Context, addr netip.AddrPort, o Options) (h evidence.Handshake, dropped int) {
	h = evidence.Handshake{Profile: Profile, ServerName: o.ServerName, Address: addr.String(), Started: time.Now().UTC()}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	err := dial(ctx, addr, o, &h, &dropped)
	h.Elapsed = time.Since(h.Started)
	if err != nil {
		f := failure(err)
		if len(h.Certificates) > 0 {
			f.Hint = "the certificates were kept"
		}
		h.Failure = &f
	}
	return h, dropped
}

func dial(ctx context.Context, addr netip.AddrPort, o Options, h *evidence.Handshake, dropped *int) error {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{})
	if err != nil {
		return fmt.Errorf("opening a UDP socket: %w", err)
	}
	recorded := &recorder{PacketConn: socket, room: o.MaxBytes}
	transport := &quic.Transport{Conn: recorded}
	defer func() {
		_ = transport.Close()
		_ = socket.Close()
	}()
	var secrets secretLog
	config := &tls.Config{
		ServerName: o.ServerName, NextProtos: o.ALPN, MinVersion: tls.VersionTLS13, KeyLogWriter: &secrets,
		// What the server shows is judged later, by rules.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			*dropped = keep(h, raw, o.MaxCertificates)
			return nil
		},
	}
	conn, err := transport.Dial(ctx, net.UDPAddrFromAddrPort(addr), config, &quic.Config{
		Versions: []quic.Version{quic.Version1}, HandshakeIdleTimeout: o.Timeout,
		MaxIncomingStreams: -1, MaxIncomingUniStreams: -1, DisablePathMTUDiscovery: true,
	})
	if err != nil {
		if raw := salvage(recorded.datagrams(), secrets.server()); len(h.Certificates) == 0 && len(raw) > 0 {
			*dropped = keep(h, raw, o.MaxCertificates)
			h.Salvaged, h.Version = true, tls.VersionTLS13
		}
		return err
	}
	state := conn.ConnectionState().TLS
	h.Completed, h.Possession = true, true
	h.Version, h.Cipher, h.Group, h.ALPN = state.Version, state.CipherSuite, uint16(state.CurveID), state.NegotiatedProtocol
	h.OCSP = bytes.Clone(state.OCSPResponse)
	for _, sct := range state.SignedCertificateTimestamps {
		h.SCTs = append(h.SCTs, bytes.Clone(sct))
	}
	// What was seen stays seen.
	_ = conn.CloseWithError(0, "")
	return nil
}

// keep puts at most limit certificates into h and says how many there were more.
func keep(h *evidence.Handshake, raw [][]byte, limit int) (dropped int) {
	h.Certificates = nil
	for _, der := range raw[:min(len(raw), limit)] {
		h.Certificates = append(h.Certificates, bytes.Clone(der))
	}
	return len(raw) - len(h.Certificates)
}

// failure says at which stage QUIC failed. Nobody refuses a datagram: silence is
// all that a port without QUIC, or a filter on the path, answers.
func failure(err error) evidence.Failure {
	f := evidence.Failure{Stage: evidence.StageHandshake, Error: err.Error()}
	var idle *quic.IdleTimeoutError
	var handshake *quic.HandshakeTimeoutError
	var version *quic.VersionNegotiationError
	var transport *quic.TransportError
	switch {
	case errors.As(err, &idle), errors.As(err, &handshake), errors.Is(err, context.DeadlineExceeded):
		f.Stage, f.Error = evidence.StageDial, "no answer to QUIC"
		f.Hint = "nothing speaks QUIC there, or UDP is filtered on the path; browsers then fall back to TCP: look at https:// too"
	case errors.Is(err, context.Canceled):
		f.Stage = evidence.StageCollect
	case errors.As(err, &transport) && transport.ErrorCode == quic.CryptoBufferExceeded:
		f.Hint = "the server's handshake is larger than 16 KiB, which is more than is taken over QUIC; look at https:// too"
	case errors.As(err, &version):
		f.Hint = "the server does not speak QUIC version 1"
	}
	return f
}
