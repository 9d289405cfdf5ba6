package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		in, server, tls string
		local           bool
	}{
		{"127.0.0.1", "127.0.0.1:53", "", true},
		{"127.0.0.1:5353", "127.0.0.1:5353", "", true},
		{"::1", "[::1]:53", "", true},
		{"[::1]", "[::1]:53", "", true},
		{"[2001:db8::1]:5353", "[2001:db8::1]:5353", "", false},
		{"192.0.2.53", "192.0.2.53:53", "", false},
		{"127.0.0.11", "127.0.0.11:53", "", false},
		{"tls://192.0.2.53", "192.0.2.53:853", "192.0.2.53", false},
		{"tls://192.0.2.53:8853#dns.example.org", "192.0.2.53:8853", "dns.example.org", false},
	} {
		r, err := New(Options{Server: tt.in})
		if err != nil {
			t.Errorf("New(%q): %v", tt.in, err)
			continue
		}
		if r.Server() != tt.server || r.tlsName != tt.tls || r.local != tt.local {
			t.Errorf("New(%q) = %s, %q, local %t; want %s, %q, %t", tt.in, r.Server(), r.tlsName, r.local, tt.server, tt.tls, tt.local)
		}
	}
	for _, in := range []string{"dns.example.org", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:99999", "tls://dns.example.org", "192.0.2.53#x"} {
		if r, err := New(Options{Server: in}); err == nil {
			t.Errorf("New(%q) = %s, want it refused", in, r.Server())
		}
	}
}

func TestDoTWithAPortOfItsOwn(t *testing.T) {
	r, err := New(Options{Server: "tls://192.0.2.53:8853"})
	if err != nil || r.tlsName == "" {
		t.Errorf("DNS over TLS at another port is asked in the clear: %+v, %v", r, err)
	}
}

func TestSystem(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got, err := system(write("search x\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n")); err != nil || got != "192.0.2.1" {
		t.Errorf("system = %q, %v", got, err)
	}
	for _, path := range []string{write("search x\n"), "/nonexistent"} {
		_, err := system(path)
		var h interface{ Hint() string }
		if !errors.As(err, &h) || !strings.Contains(h.Hint(), "--resolver") {
			t.Errorf("system(%s): %v, want a hint", path, err)
		}
	}
}

// The question asks for signatures and the resolver's word on them, and nothing
// is taken for the answer that does not fit it.
func TestAsk(t *testing.T) {
	answer := zone(t, `example.org. CAA 0 issue "ca.example"`)
	s := serve(t, func(_ string, q, reply *dns.Msg) *dns.Msg {
		opt := q.IsEdns0()
		if !q.RecursionDesired || !q.AuthenticatedData || q.CheckingDisabled || opt == nil || !opt.Do() || opt.UDPSize() != maxDatagram {
			t.Errorf("query has the wrong bits: %v", q)
		}
		return answer("", q, reply)
	})
	r := resolver(t, s.addr)
	a, msg := r.ask(t.Context(), "Example.ORG.", dns.TypeCAA)
	if a.Failure != nil || msg == nil || len(msg.Answer) != 1 || !msg.AuthenticatedData {
		t.Fatalf("ask = %+v, %v", a, msg)
	}
	if a.Name != "example.org." || a.Type != dns.TypeCAA || a.Resolver != s.addr || a.Transport != "udp" || !a.Local || a.Asked.IsZero() {
		t.Errorf("answer is %+v", a)
	}
	again := new(dns.Msg)
	if err := again.Unpack(a.Message); err != nil || again.String() != msg.String() {
		t.Errorf("what is kept is not what came: %v", err)
	}
	// The same question is not asked twice.
	if b, _ := r.ask(t.Context(), "example.org.", dns.TypeCAA); !cmp.Equal(a, b) {
		t.Error("the second answer is another one")
	}
	if got := s.questions(); len(got) != 1 {
		t.Errorf("asked %v", got)
	}
}

func TestAskFailures(t *testing.T) {
	for _, tt := range []struct {
		name   string
		handle func(transport string, q, reply *dns.Msg) *dns.Msg
		want   string
		kept   bool
	}{
		{"silence", func(string, *dns.Msg, *dns.Msg) *dns.Msg { return nil }, "asking 127.0.0.1", false},
		{"SERVFAIL", func(_ string, _, r *dns.Msg) *dns.Msg { r.Rcode = dns.RcodeServerFailure; return r }, "answered SERVFAIL", true},
		{"bogus", func(_ string, _, r *dns.Msg) *dns.Msg {
			r.Rcode = dns.RcodeServerFailure
			r.SetEdns0(1232, true)
			r.IsEdns0().Option = append(r.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus})
			return r
		}, "answered SERVFAIL: DNSSEC Bogus", true},
		{"REFUSED", func(_ string, _, r *dns.Msg) *dns.Msg { r.Rcode = dns.RcodeRefused; return r }, "answered REFUSED", true},
		{"another id", func(_ string, _, r *dns.Msg) *dns.Msg { r.Id++; return r }, "waiting for the answer", false},
		{"another name", func(_ string, _, r *dns.Msg) *dns.Msg { r.Question[0].Name = "x.example."; return r }, "waiting for the answer", false},
		{"another type", func(_ string, _, r *dns.Msg) *dns.Msg { r.Question[0].Qtype = dns.TypeA; return r }, "waiting for the answer", false},
		{"a query", func(_ string, _, r *dns.Msg) *dns.Msg { r.Response = false; return r }, "waiting for the answer", false},
		{"cut short over TCP, too", func(_ string, _, r *dns.Msg) *dns.Msg { r.Truncated = true; return r }, "cut short", true},
		{"another name over TCP", func(transport string, _, r *dns.Msg) *dns.Msg {
			r.Truncated = true
			if transport == "tcp" {
				r.Question[0].Name = "x.example."
			}
			return r
		}, "no answer to the question", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.handle)
			o := Options{Server: s.addr, Timeout: time.Minute, Retries: 1}
			if !tt.kept { // what does not answer the question is passed over
				o.Timeout = 200 * time.Millisecond
			}
			r, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			a, msg := r.ask(t.Context(), "example.org.", dns.TypeCAA)
			if msg != nil || a.Failure == nil || a.Failure.Stage != "dns" || a.Failure.Hint == "" || !strings.Contains(a.Failure.Error, tt.want) {
				t.Fatalf("ask = %+v, %v; want a failure that says %q", a.Failure, msg, tt.want)
			}
			if (len(a.Message) > 0) != tt.kept {
				t.Errorf("%d bytes are kept", len(a.Message))
			}
			if !s.askedMore(1) {
				t.Errorf("asked %d times, want another try", len(s.questions()))
			}
			// A failure is not remembered.
			asked := len(s.questions())
			if r.ask(t.Context(), "example.org.", dns.TypeCAA); !s.askedMore(asked) {
				t.Error("a failure was taken from memory")
			}
		})
	}
}

// An answer that does not fit into a datagram is had over TCP.
func TestTruncated(t *testing.T) {
	s := serve(t, func(transport string, q, reply *dns.Msg) *dns.Msg {
		if transport == "udp" {
			reply.Truncated = true
			return reply
		}
		for i := range 500 {
			rr, _ := dns.NewRR(fmt.Sprintf(`example.org. CAA 0 issue "ca%d.example"`, i))
			reply.Answer = append(reply.Answer, rr)
		}
		return reply
	})
	a, msg := resolver(t, s.addr).ask(t.Context(), "example.org.", dns.TypeCAA)
	if msg == nil || len(msg.Answer) != 500 || a.Transport != "tcp" {
		t.Fatalf("answer %+v, %v", a.Failure, msg)
	}
	if want := []string{"udp example.org. CAA", "tcp example.org. CAA"}; !cmp.Equal(s.questions(), want) {
		t.Errorf("asked %v, want %v", s.questions(), want)
	}
}

// A flood of datagrams that answer other questions ends before the deadline.
func TestStrayDatagrams(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		buf := make([]byte, 2048)
		n, from, err := pc.ReadFrom(buf)
		if err != nil {
			return
		}
		for range 4 * maxStray {
			buf[1]++
			_, _ = pc.WriteTo(buf[:n], from)
		}
	}()
	r, err := New(Options{Server: pc.LocalAddr().String(), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := r.ask(t.Context(), "example.org.", dns.TypeCAA); a.Failure == nil || !strings.Contains(a.Failure.Error, "other questions") {
		t.Errorf("failure is %+v", a.Failure)
	}
}

// An interrupt ends a question at once.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(string, *dns.Msg, *dns.Msg) *dns.Msg { cancel(); return nil })
	r, err := New(Options{Server: s.addr, Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := r.ask(ctx, "example.org.", dns.TypeCAA); a.Failure == nil {
		t.Errorf("%+v, want a failure", a)
	}
}

func TestLookupNetIP(t *testing.T) {
	s := serve(t, zone(t, "a.example.org. CNAME b.example.org.\nb.example.org. A 192.0.2.1\nb.example.org. AAAA 2001:db8::1\n"))
	r := resolver(t, s.addr)
	got, err := r.LookupNetIP(t.Context(), "ip", "a.example.org.")
	if err != nil || fmt.Sprint(got) != "[192.0.2.1 2001:db8::1]" {
		t.Errorf("LookupNetIP = %v, %v", got, err)
	}
	_, err = r.LookupNetIP(t.Context(), "ip", "none.example.org")
	var dnsErr *net.DNSError
	if !errors.As(err, &dnsErr) || !dnsErr.IsNotFound {
		t.Errorf("a name without addresses: %v", err)
	}
	broken := serve(t, func(_ string, _, reply *dns.Msg) *dns.Msg { reply.Rcode = dns.RcodeServerFailure; return reply })
	_, err = resolver(t, broken.addr).LookupNetIP(t.Context(), "ip", "a.example.org")
	if !errors.As(err, &dnsErr) || dnsErr.IsNotFound || !strings.Contains(err.Error(), "SERVFAIL") {
		t.Errorf("SERVFAIL is %v", err)
	}
}
