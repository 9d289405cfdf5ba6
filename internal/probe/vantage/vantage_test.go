package vantage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

const service = "https://a.example:443"

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func yes(b bool) *bool { return &b }

// genuine is an answer with a public root and SCTs, under key k of issuer i.
func genuine(vantage, address, hello string, k, i byte) Answer {
	return Answer{
		Service: service, Vantage: vantage, Address: address, Hello: hello, Seen: noon,
		Leaf: [32]byte{k}, Key: [32]byte{k}, Issuer: [32]byte{i}, Anchored: true, Public: true, Logged: yes(true),
	}
}

// forged is the same with neither.
func forged(vantage, address, hello string, k, i byte) Answer {
	a := genuine(vantage, address, hello, k, i)
	a.Anchored, a.Public, a.Logged = false, false, yes(false)
	return a
}

func with(a Answer, change func(*Answer)) Answer {
	change(&a)
	return a
}

func factsOf(list ...Answer) ([]facts.Answers, []facts.Loss) {
	var s Set
	for _, a := range list {
		s.Add(a)
	}
	return s.Facts()
}

func TestApart(t *testing.T) {
	network := []Answer{ // a content network: three keys, two issuers, all genuine
		genuine("direct", "192.0.2.1:443", "default", 1, 1), genuine("direct", "192.0.2.2:443", "default", 2, 2),
		genuine("socks5://p:1", "192.0.2.1:443", "rsa", 3, 1),
	}
	for _, tt := range []struct {
		name     string
		answers  []Answer
		apart    string
		odd      []string
		unlogged int
	}{
		{"a content network", network, "", []string{}, 0},
		{"one vantage", append(slices.Clone(network), forged("proxy", "192.0.2.1:443", "default", 9, 9)), "vantage", []string{hash(9)}, 0},
		{"one address", []Answer{
			genuine("direct", "192.0.2.1:443", "default", 1, 1), forged("direct", "192.0.2.2:443", "default", 9, 9),
		}, "address", []string{hash(9)}, 0},
		{"a server that forgot its intermediate", []Answer{
			genuine("direct", "192.0.2.1:443", "default", 1, 1),
			with(forged("direct", "192.0.2.2:443", "default", 9, 9), func(a *Answer) { a.Logged, a.Incomplete = nil, true }),
		}, "", []string{}, 0},
		{"a leaf alone without an SCT", []Answer{
			genuine("direct", "192.0.2.1:443", "default", 1, 1),
			with(forged("direct", "192.0.2.2:443", "default", 9, 9), func(a *Answer) { a.Incomplete = true }),
		}, "address", []string{hash(9)}, 0},
		{"one hello", []Answer{
			genuine("direct", "192.0.2.1:443", "default", 1, 1), forged("direct", "192.0.2.1:443", "rsa", 9, 9),
		}, "hello", []string{hash(9)}, 0},
		{"now this, now that", []Answer{
			genuine("direct", "192.0.2.1:443", "default", 1, 1), forged("direct", "192.0.2.1:443", "default", 9, 9),
		}, "mixed", []string{hash(9)}, 0},
		{"vantages that both see both", []Answer{
			genuine("direct", "1", "default", 1, 1), forged("direct", "2", "default", 9, 9),
			genuine("proxy", "1", "default", 1, 1), forged("proxy", "2", "default", 9, 9),
		}, "address", []string{hash(9)}, 0},
		{"nobody vouches for any", []Answer{
			forged("direct", "1", "default", 8, 9), forged("proxy", "1", "default", 9, 9),
		}, "", []string{}, 0},
		{"logged under a root that we do not know", []Answer{
			genuine("direct", "1", "default", 1, 1),
			with(forged("proxy", "1", "default", 9, 9), func(a *Answer) { a.Logged = yes(true) }),
		}, "", []string{}, 0},
		{"SCTs that cannot be checked vouch for nothing", []Answer{
			genuine("direct", "1", "default", 1, 1),
			with(forged("proxy", "1", "default", 9, 9), func(a *Answer) { a.Logged = nil }),
		}, "vantage", []string{hash(9)}, 0},
		{"the owner's root", []Answer{
			genuine("direct", "1", "default", 1, 1),
			with(forged("proxy", "1", "default", 9, 9), func(a *Answer) { a.Anchored = true }),
		}, "", []string{}, 0},
		{"long ago", []Answer{
			genuine("direct", "1", "default", 1, 1),
			with(forged("proxy", "1", "default", 9, 9), func(a *Answer) { a.Seen = noon.Add(-Week - time.Second) }),
		}, "", []string{}, 0},
		{"within the week", []Answer{
			genuine("direct", "1", "default", 1, 1),
			with(forged("proxy", "1", "default", 9, 9), func(a *Answer) { a.Seen = noon.Add(-Week) }),
		}, "vantage", []string{hash(9)}, 0},
		{"no date", []Answer{
			genuine("direct", "1", "default", 1, 1),
			with(forged("proxy", "1", "default", 9, 9), func(a *Answer) { a.Seen = time.Time{} }),
		}, "vantage", []string{hash(9)}, 0},
		{"a public root and no log", []Answer{
			genuine("direct", "1", "default", 1, 1),
			with(genuine("proxy", "1", "default", 9, 9), func(a *Answer) { a.Logged = yes(false) }),
		}, "", []string{}, 1},
		{"a public root and SCTs that cannot be checked", []Answer{
			genuine("direct", "1", "default", 1, 1),
			with(genuine("proxy", "1", "default", 9, 9), func(a *Answer) { a.Logged = nil }),
		}, "", []string{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := factsOf(tt.answers...)
			if len(got) != 1 {
				t.Fatalf("%d services, want 1", len(got))
			}
			if a := got[0]; a.Apart != tt.apart || !slices.Equal(a.Odd, tt.odd) || len(a.Unlogged) != tt.unlogged {
				t.Errorf("apart %q, odd %v, unlogged %v; want %q, %v, %d", a.Apart, a.Odd, a.Unlogged, tt.apart, tt.odd, tt.unlogged)
			}
			slices.Reverse(tt.answers)
			if again, _ := factsOf(tt.answers...); !cmp.Equal(got, again) {
				t.Errorf("another order gives other facts:\n%s", cmp.Diff(got, again))
			}
		})
	}
}

func hash(k byte) string { return fmt.Sprintf("sha256:%02x%062x", k, 0) }

// One key is no difference, whoever vouches for its certificates.
func TestOneKey(t *testing.T) {
	renewed := with(genuine("proxy", "1", "default", 1, 2), func(a *Answer) { a.Leaf = [32]byte{7}; a.Anchored = false; a.Logged = yes(false) })
	if got, _ := factsOf(genuine("direct", "1", "default", 1, 1), renewed); len(got) != 0 {
		t.Errorf("%+v, want nothing: the key is the same", got)
	}
}

func TestCounts(t *testing.T) {
	pinned := genuine("direct", "1", "default", 1, 1)
	pinned.Expected = yes(true)
	other := genuine("direct", "2", "default", 2, 1)
	other.Expected = yes(false)
	got, _ := factsOf(pinned, other, forged("direct", "3", "default", 3, 4))
	if a := got[0]; a.Keys != 3 || a.Issuers != 2 || a.Vouched != 2 || a.Unexpected != 1 || !slices.Equal(a.OddFrom, []string{"direct 3"}) {
		t.Errorf("got %+v", a)
	}
}

func TestService(t *testing.T) {
	for id, want := range map[string]string{
		"https://a.example:443": service, "https://a.example:443/192.0.2.1": service,
		"https://a.example:443/192.0.2.1?via=socks5://p:1": service, "https://a.example:443#rsa": service,
		"https://a.example:443?via=http://p:1#rsa": service, "https://[2001:db8::1]:443/2001:db8::1": "https://[2001:db8::1]:443",
		"chain.pem": "", "": "",
	} {
		if got := Service(&evidence.Subject{Kind: evidence.Endpoint, ID: id}); got != want {
			t.Errorf("Service(%q) = %q, want %q", id, got, want)
		}
	}
	if got := Service(&evidence.Subject{Kind: evidence.Chain, ID: service}); got != "" {
		t.Errorf("a chain from a file has the service %q", got)
	}
}

func TestLosses(t *testing.T) {
	full := Offer{TLS13: true, PostQuantum: true, LargeHello: true, Stapled: true, ALPN: "h2"}
	poor := Offer{LargeHello: true, ALPN: "http/1.1"}
	from := func(vantage string, o Offer) Answer {
		return with(genuine(vantage, "1", "default", 1, 1), func(a *Answer) { a.Offer = &o })
	}
	everything := []string{"TLS 1.3", "post-quantum group", "ALPN h2", "OCSP staple"}
	for _, tt := range []struct {
		name    string
		answers []Answer
		past    []Offer
		want    []facts.Loss
	}{
		{"alike", []Answer{from("direct", full), from("proxy", full)}, nil, []facts.Loss{}},
		{"one vantage", []Answer{from("direct", full), from("proxy", poor)}, nil, []facts.Loss{
			{Service: service, Vantage: "direct", Than: "proxy", What: []string{"ALPN http/1.1"}},
			{Service: service, Vantage: "proxy", Than: "direct", What: everything}}},
		{"one server of several", []Answer{from("direct", full), from("direct", poor), from("proxy", poor)}, nil, []facts.Loss{}},
		{"against a baseline", []Answer{from("direct", poor)}, []Offer{full}, []facts.Loss{
			{Service: service, Vantage: "direct", Than: "baseline", What: everything}}},
		{"a large hello", []Answer{from("direct", Offer{})}, []Offer{{LargeHello: true}}, []facts.Loss{
			{Service: service, Vantage: "direct", Than: "baseline", What: []string{"large ClientHello"}}}},
		{"gained", []Answer{from("direct", full)}, []Offer{{LargeHello: true, ALPN: "h2"}}, []facts.Loss{}},
		{"nothing to compare with", []Answer{from("direct", poor)}, nil, []facts.Loss{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s Set
			for _, a := range tt.answers {
				s.Add(a)
			}
			for _, o := range tt.past {
				s.Refer(service, o)
			}
			_, got := s.Facts()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("losses differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOfferOf(t *testing.T) {
	leaf := []evidence.DER{{1}}
	large := evidence.Handshake{Profile: "default", Completed: true, Certificates: leaf, Version: 0x0304, Group: 4588, ALPN: "h2", OCSP: []byte{1}}
	small := evidence.Handshake{Profile: "classical", Completed: true, Certificates: leaf, Version: 0x0303}
	for _, tt := range []struct {
		name string
		made []evidence.Handshake
		want *Offer
	}{
		{"everything", []evidence.Handshake{large}, &Offer{true, true, true, true, "h2"}},
		{"after a reset", []evidence.Handshake{{Profile: "default", Reset: true}, small}, &Offer{}},
		{"after one that was lost", []evidence.Handshake{{Profile: "default", Reset: true}, small, large}, &Offer{true, true, true, true, "h2"}},
		{"not everything was offered", []evidence.Handshake{{Profile: "rsa", Completed: true, Certificates: leaf}}, nil},
		{"nothing came", []evidence.Handshake{{Profile: "default"}}, nil},
	} {
		if diff := cmp.Diff(tt.want, OfferOf(&evidence.Subject{Handshakes: tt.made})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestLimits(t *testing.T) {
	var s Set
	for i := range maxAnswers + 1 {
		s.Add(genuine("direct", fmt.Sprint(i), "default", byte(i), 1))
	}
	if got, _ := s.Facts(); !s.Truncated || got[0].Keys > 256 {
		t.Errorf("truncated %v after %d answers", s.Truncated, maxAnswers+1)
	}
}
