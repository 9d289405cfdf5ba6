package tlsdial

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/certassay/certassay/internal/evidence"
)

// A probe is one further handshake with an address that has answered.
type probe struct {
	// profile is what evidence calls it, form the ClientHello that is sent.
	profile, form string
	// name is sent as SNI; none where empty.
	name string
	// connect is the host that the proxy is asked for; the usual one where empty.
	connect string
}

// form is the ClientHello of a profile.
func (s *session) form(profile string) string {
	if s.probe != nil {
		return s.probe.form
	}
	return profile
}

// further makes the probes that the options ask for, adds them to the subject, and
// gives a subject for every other leaf that was answered with. An address that
// showed no certificate is not probed. A refusal is an answer: a server without an
// RSA certificate refuses one hello. Where there is none after a second try, the
// subject says so: who lets the usual hello pass and drops the others would
// otherwise look like a server that holds one certificate.
func (s *session) further(ctx context.Context, subject *evidence.Subject) []*evidence.Subject {
	plan := s.plan(subject)
	if len(plan) == 0 {
		return nil
	}
	s.until, s.dropped = time.Now().Add(s.d.opts.Total), 0
	defer func() { s.probe = nil }()
	var silent []*evidence.Handshake
	for i := range plan {
		s.probe = &plan[i]
		h, answered := s.ask(ctx, plan[i].profile)
		if !answered && !s.over(ctx) {
			h, answered = s.ask(ctx, plan[i].profile)
		}
		subject.Probes = append(subject.Probes, h)
		if !answered {
			silent = append(silent, &h)
		}
	}
	others := s.others(subject)
	if len(silent) > 0 {
		subject.Failures = append(subject.Failures, unanswered(silent, len(plan)))
	}
	if s.d.opts.ProbePath {
		subject.Distances = s.distances(ctx, subject)
	}
	return others
}

// unanswered is the failure of a subject whose probes got no answer.
func unanswered(silent []*evidence.Handshake, all int) evidence.Failure {
	var names []string
	for _, h := range silent {
		names = append(names, h.Profile)
	}
	return evidence.Failure{
		Stage: evidence.StageHandshake,
		Error: fmt.Sprintf("%d of %d further ClientHellos got no answer (%s): %s", len(silent), all, strings.Join(names, ", "), silent[0].Failure.Error),
		Hint:  "what they would have been shown is not known; ask again, more slowly (--rate) or for longer (--timeout)",
	}
}

// ask makes the handshake of a probe. One for which no time is left says so.
// answered says that the server, or the proxy that was asked for a name, showed a
// certificate or refused to.
func (s *session) ask(ctx context.Context, profile string) (h evidence.Handshake, answered bool) {
	s.began, s.connected = time.Now(), 0
	conn, err := s.dial(ctx)
	if err == nil {
		a := s.attempt(ctx, conn, profile)
		return a.Handshake, a.answered()
	}
	f := dialFailure(err)
	h = s.handshake(profile)
	h.Elapsed, h.Failure = time.Since(s.began), &f
	return h, s.probe.connect != "" // a proxy finds no invented name
}

// answered says that a probe was answered. Servers that have nothing for a hello
// drop it, some of them without an alert; not one that is like the hello that they
// took, or smaller.
func (a *attempt) answered() bool {
	switch {
	case len(a.Certificates) > 0:
		return true
	case a.trouble == closed:
		return a.Profile != profileClassical && a.Profile != evidence.ProbeAgain
	}
	return a.trouble != tooSlow && a.trouble != cancelled
}

// plan lists the probes of a subject, in the order in which they are made.
func (s *session) plan(subject *evidence.Subject) (plan []probe) {
	answered := slices.IndexFunc(subject.Handshakes, func(h evidence.Handshake) bool { return len(h.Certificates) > 0 })
	if answered < 0 {
		return nil
	}
	name, form := s.serverName(), subject.Handshakes[answered].Profile
	if form == profileZcrypto {
		form = profileLegacy // it sees the same certificate
	}
	if s.d.opts.EveryHello {
		hellos := []string{profileECDSA, profileRSA, profileTLS12, profileClassical}
		if s.nts() { // TLS 1.3 alone (RFC 8915 section 3)
			hellos = []string{profileClassical}
		}
		for _, p := range hellos {
			if p != form {
				plan = append(plan, probe{profile: p, form: p, name: name})
			}
		}
	}
	if (s.d.opts.EveryHello || s.d.opts.ProbePath) && name != "" {
		plan = append(plan, probe{profile: evidence.ProbeNoName, form: form})
	}
	if s.d.opts.ProbePath {
		plan = append(plan, probe{profile: evidence.ProbeAgain, form: form, name: name})
		if sibling := invented(name); sibling != "" {
			plan = append(plan, probe{profile: evidence.ProbeSibling, form: form, name: sibling})
		}
		plan = append(plan, probe{profile: evidence.ProbeStranger, form: form, name: invented("invalid")})
		plan = append(plan, s.connects(name, form)...)
	}
	return plan
}

// connects lists the probes of a proxy that is asked for names: some interceptors
// make their certificates for what the proxy is asked for, and do not read the
// ClientHello. An honest proxy finds no invented name, and says so. (Of a jump
// host no interceptor is known that knows more than the address.)
func (s *session) connects(name, form string) (plan []probe) {
	if !s.d.asksByName() {
		return nil
	}
	if sibling := invented(name); sibling != "" {
		plan = append(plan, probe{evidence.ProbeConnectSibling, form, sibling, sibling})
	}
	plan = append(plan, probe{evidence.ProbeConnectStranger, form, name, invented("invalid")})
	if _, err := netip.ParseAddr(s.target.Host); err != nil && s.addr.IsValid() {
		plan = append(plan, probe{evidence.ProbeConnectName, form, name, s.target.Host})
	}
	return plan
}

// asksByName says that connections are made by a proxy that may be told a name.
func (d *Dialer) asksByName() bool { return d.opts.Via != nil }

// invented makes up a name below the registrable domain of a name, or below
// "invalid": "certassay-" and twelve random hexadecimal digits. That nobody can
// have a certificate for it from before is the point; the prefix tells the owner
// of a server who asked. Empty for what has no domain.
func invented(name string) string {
	domain := name
	if name != "invalid" {
		if _, err := netip.ParseAddr(name); err == nil || name == "" {
			return ""
		}
		var err error
		if domain, err = publicsuffix.EffectiveTLDPlusOne(strings.ToLower(name)); err != nil {
			return ""
		}
	}
	random := make([]byte, 6)
	rand.Read(random) // never fails
	return "certassay-" + hex.EncodeToString(random) + "." + domain
}

// others are the answers with another leaf than the judged one, each once, that
// are for the name which was asked for. A ClientHello without a name gets the
// certificate of another site, or a placeholder, from many honest servers: that
// one counts only where it is valid for the name.
func (s *session) others(subject *evidence.Subject) (out []*evidence.Subject) {
	seen := [][]byte{subject.Certificates[0]}
	for _, h := range subject.Probes {
		switch h.Profile {
		case evidence.ProbeSibling, evidence.ProbeStranger,
			// Where the proxy finds the name need not be the address of the subject.
			evidence.ProbeConnectSibling, evidence.ProbeConnectStranger, evidence.ProbeConnectName:
			continue
		case evidence.ProbeNoName:
			if len(h.Certificates) == 0 || !validFor(h.Certificates[0], subject.Name) {
				continue
			}
		}
		if len(h.Certificates) == 0 || slices.ContainsFunc(seen, func(der []byte) bool { return bytes.Equal(der, h.Certificates[0]) }) {
			continue
		}
		seen = append(seen, h.Certificates[0])
		other := *subject
		other.ID += "#" + h.Profile
		other.Handshakes, other.Probes, other.Certificates, other.Seen = []evidence.Handshake{h}, nil, h.Certificates, h.Started
		other.Failures = s.failures(other.Handshakes)
		out = append(out, &other)
	}
	return out
}

func validFor(der []byte, name string) bool {
	c, err := x509.ParseCertificate(der)
	return err == nil && c.VerifyHostname(name) == nil
}
