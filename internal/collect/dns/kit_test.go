package dns

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A server answers on loopback as it is told, over UDP and TCP on one port.
type server struct {
	addr string

	mu    sync.Mutex
	asked []string // "udp example.org. CAA"; guarded by mu
}

// serve starts a server. handle changes the reply to a query, or gives nil for
// none; it is told the transport.
func serve(t testing.TB, handle func(transport string, q *dns.Msg, reply *dns.Msg) *dns.Msg) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String()}
	for transport, d := range map[string]*dns.Server{"tcp": {Listener: l}, "udp": {PacketConn: pc}} {
		d.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			s.mu.Lock()
			s.asked = append(s.asked, transport+" "+q.Question[0].Name+" "+dns.TypeToString[q.Question[0].Qtype])
			s.mu.Unlock()
			reply := new(dns.Msg)
			reply.SetReply(q)
			reply.RecursionAvailable = true
			if reply = handle(transport, q, reply); reply != nil {
				_ = w.WriteMsg(reply)
			}
		})
		started := make(chan struct{})
		d.NotifyStartedFunc = func() { close(started) }
		go func() { _ = d.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = d.ShutdownContext(ctx)
		})
	}
	return s
}

// questions are those that were asked so far.
func (s *server) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// askedMore waits for more questions than so many: a datagram may lie unread when
// who sent it has given up.
func (s *server) askedMore(than int) bool {
	for end := time.Now().Add(time.Minute); len(s.questions()) <= than; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// zone answers from records in zone-file form; a name with none does not exist.
func zone(t testing.TB, records string) func(string, *dns.Msg, *dns.Msg) *dns.Msg {
	t.Helper()
	var all []dns.RR
	p := dns.NewZoneParser(strings.NewReader("$TTL 60\n"+records+"\n"), "", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		all = append(all, rr)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return func(_ string, q, reply *dns.Msg) *dns.Msg {
		reply.AuthenticatedData = true
		name := q.Question[0].Name
		for range 10 {
			next := ""
			for _, rr := range all {
				if !strings.EqualFold(rr.Header().Name, name) {
					continue
				}
				if c, ok := rr.(*dns.CNAME); ok {
					next = c.Target
				}
				if rr.Header().Rrtype == q.Question[0].Qtype || rr.Header().Rrtype == dns.TypeCNAME {
					reply.Answer = append(reply.Answer, rr)
				}
			}
			if next == "" {
				break
			}
			name = next
		}
		return reply
	}
}

func resolver(t testing.TB, addr string) *Resolver {
	t.Helper()
	r, err := New(Options{Server: addr, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
