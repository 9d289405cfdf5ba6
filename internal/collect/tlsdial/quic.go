package tlsdial

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/certassay/certassay/internal/collect/quicdial"
	"github.com/certassay/certassay/internal/evidence"
)

// schemeQUIC is QUIC, over UDP: HTTP/3 and DNS over QUIC.
const schemeQUIC = "quic"

// quic inspects the first of addrs that answers to QUIC. UDP refuses nothing, so
// that each address without an answer takes its whole time.
func (s *session) quic(ctx context.Context, addrs []netip.Addr) *evidence.Subject {
	var failures []evidence.Failure
	for _, s.addr = range addrs {
		h, err := s.quicHandshake(ctx)
		if err != nil {
			failures = append(failures, dialFailure(err))
			break
		}
		if h.Failure == nil || h.Failure.Stage == evidence.StageHandshake {
			subject := s.d.subject(s.target, s.addr)
			subject.Handshakes, subject.Certificates, subject.Seen = []evidence.Handshake{h}, h.Certificates, h.Started
			subject.Failures = s.failures(subject.Handshakes)
			return subject
		}
		failures = append(failures, *h.Failure)
		if s.over(ctx) {
			break
		}
	}
	if len(addrs) > 1 {
		s.addr = netip.Addr{}
	}
	subject := s.d.subject(s.target, s.addr)
	subject.Failures = failures
	return subject
}

// quicHandshake makes one handshake within the limits of the run.
func (s *session) quicHandshake(ctx context.Context) (evidence.Handshake, error) {
	asked := time.Now()
	release, err := s.d.opts.Pacer.Acquire(ctx, s.addr)
	if err != nil {
		return evidence.Handshake{}, fmt.Errorf("%w: %w", errWaiting, err)
	}
	defer release()
	s.until = s.until.Add(time.Since(asked))
	if s.over(ctx) {
		return evidence.Handshake{}, errTotal
	}
	alpn := s.d.opts.ALPN
	if alpn == nil {
		alpn = quicdial.ALPN
	}
	h, dropped := quicdial.Handshake(ctx, netip.AddrPortFrom(s.addr, s.target.Port), quicdial.Options{
		ServerName: s.serverName(), ALPN: alpn, Timeout: time.Until(s.deadline()),
		MaxBytes: s.d.opts.MaxHandshakeBytes, MaxCertificates: s.d.opts.MaxCertificates,
	})
	s.dropped = dropped
	return h, nil
}
