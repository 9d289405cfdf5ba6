package dns

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/evidence"
)

// pending is an answer that is there, or on its way.
type pending struct {
	done   chan struct{}
	answer evidence.DNSAnswer
	msg    *dns.Msg
}

// ask puts one question, or gives what was answered to it before. The message is
// nil where the answer is a failure.
func (r *Resolver) ask(ctx context.Context, name string, typ uint16) (evidence.DNSAnswer, *dns.Msg) {
	q := question{dns.CanonicalName(name), typ}
	r.mu.Lock()
	p, ok := r.cache[q]
	if !ok {
		p = &pending{done: make(chan struct{})}
		if len(r.cache) >= maxCached {
			clear(r.cache)
		}
		r.cache[q] = p
	}
	r.mu.Unlock()
	if !ok {
		p.answer, p.msg = r.exchange(ctx, q)
		if p.answer.Failure != nil { // somebody else's time may suffice
			r.mu.Lock()
			if r.cache[q] == p {
				delete(r.cache, q)
			}
			r.mu.Unlock()
		}
		close(p.done)
	}
	select {
	case <-p.done:
		return p.answer, p.msg
	case <-ctx.Done():
		return r.failed(q, "udp", time.Now(), fmt.Errorf("waiting for the answer: %w", context.Cause(ctx))), nil
	}
}

// exchange asks until there is an answer or no try is left.
func (r *Resolver) exchange(ctx context.Context, q question) (answer evidence.DNSAnswer, msg *dns.Msg) {
	for try := 0; ; try++ {
		answer, msg = r.once(ctx, q)
		if answer.Failure == nil || try >= r.retries || ctx.Err() != nil {
			return answer, msg
		}
	}
}

// once asks over UDP and, where the answer does not fit, over TCP; or over TLS or HTTPS.
func (r *Resolver) once(ctx context.Context, q question) (evidence.DNSAnswer, *dns.Msg) {
	transport := "udp"
	switch {
	case r.endpoint != "":
		transport = "https"
	case r.tlsName != "":
		transport = "tls"
	}
	for {
		began := time.Now()
		raw, msg, err := r.over(ctx, transport, q)
		if err == nil && msg.Truncated && transport == "udp" {
			transport = "tcp"
			continue
		}
		if err == nil && msg.Truncated {
			err = errors.New("the answer is cut short")
		}
		answer := r.failed(q, transport, began, err)
		answer.Message = raw
		if err != nil {
			return answer, nil
		}
		if msg.Rcode != dns.RcodeSuccess && msg.Rcode != dns.RcodeNameError {
			answer.Failure = refusal(msg)
			return answer, nil
		}
		answer.Failure = nil
		return answer, msg
	}
}

// failed is an answer with nothing but where, when and why not.
func (r *Resolver) failed(q question, transport string, began time.Time, err error) evidence.DNSAnswer {
	a := evidence.DNSAnswer{
		Name: q.name, Type: q.typ, Resolver: r.server.String(), Transport: transport, Local: r.local,
		Asked: began.UTC(), Elapsed: time.Since(began),
	}
	if err != nil {
		a.Failure = &evidence.Failure{
			Stage: evidence.StageDNS,
			Error: fmt.Sprintf("asking %s for %s of %s: %v", r.server, dns.TypeToString[q.typ], q.name, err),
			Hint:  "check that the resolver answers, or name another with --resolver",
		}
	}
	return a
}

// refusal says what a resolver answered in place of an answer, with its reason
// where it gives one (RFC 8914).
func refusal(msg *dns.Msg) *evidence.Failure {
	rcode := dns.RcodeToString[msg.Rcode]
	if rcode == "" {
		rcode = fmt.Sprintf("code %d", msg.Rcode)
	}
	text, hint := "the resolver answered "+rcode, "ask the resolver itself what is wrong; this is not the same as no record"
	if opt := msg.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				text += ": " + dns.ExtendedErrorCodeToString[e.InfoCode]
				if 6 <= e.InfoCode && e.InfoCode <= 12 { // RFC 8914 section 4.7 to 4.13
					hint = "the zone's signatures do not hold: its operator broke them, or somebody on the way changed the answer"
				}
				break
			}
		}
	}
	q := msg.Question[0]
	return &evidence.Failure{Stage: evidence.StageDNS, Error: fmt.Sprintf("asking for %s of %s: %s", dns.TypeToString[q.Qtype], q.Name, text), Hint: hint}
}

// over asks over one transport. What is returned was sent to the question that
// was asked, as far as its id, name and type tell.
func (r *Resolver) over(ctx context.Context, transport string, q question) ([]byte, *dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if transport == "https" {
		return r.overHTTPS(ctx, q)
	}
	conn, err := r.dial(ctx, transport)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	query := newQuery(q)
	c := &dns.Conn{Conn: conn, UDPSize: maxDatagram}
	if err := c.WriteMsg(query); err != nil {
		return nil, nil, fmt.Errorf("sending: %w", err)
	}
	for range maxStray {
		raw, err := c.ReadMsgHeader(nil)
		if err != nil {
			return nil, nil, fmt.Errorf("waiting for the answer: %w", cmpErr(context.Cause(ctx), err))
		}
		msg := new(dns.Msg)
		if err := msg.Unpack(raw); err == nil && answers(msg, query) {
			return raw, msg, nil
		}
		if transport != "udp" {
			return raw, nil, errors.New("what came is no answer to the question")
		}
	}
	return nil, nil, errors.New("only answers to other questions came")
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func (r *Resolver) dial(ctx context.Context, transport string) (net.Conn, error) {
	var d net.Dialer
	switch transport {
	case "tls":
		t := tls.Dialer{NetDialer: &d, Config: &tls.Config{ServerName: r.tlsName, NextProtos: []string{"dot"}, MinVersion: tls.VersionTLS12, RootCAs: r.roots}}
		return t.DialContext(ctx, "tcp", r.server.String())
	default:
		return d.DialContext(ctx, transport, r.server.String())
	}
}

// newQuery asks for the records, their signatures and the resolver's word on
// them: RD, AD and DO (RFC 6840 section 5.7), not CD, and nothing else. The id is
// random.
func newQuery(q question) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(q.name, q.typ)
	m.AuthenticatedData = true
	m.SetEdns0(maxDatagram, true)
	return m
}

// answers says whether msg is one to query. Names are compared without case:
// some resolvers restore their own spelling.
func answers(msg, query *dns.Msg) bool {
	if msg.Id != query.Id || !msg.Response || msg.Opcode != dns.OpcodeQuery || len(msg.Question) != 1 {
		return false
	}
	a, b := msg.Question[0], query.Question[0]
	return a.Qtype == b.Qtype && a.Qclass == b.Qclass && strings.EqualFold(a.Name, b.Name)
}
