package path

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

// answer is a fact of three values as tests write it.
func answer(b *bool) string {
	switch {
	case b == nil:
		return "unknown"
	case *b:
		return "yes"
	}
	return "no"
}

// A large ClientHello is refused for its size where it was dropped and a small one
// taken, unless it was taken when it was sent again.
func TestHelloReset(t *testing.T) {
	leaf := []evidence.DER{{1}}
	dropped := evidence.Handshake{Profile: "default", Reset: true, HelloSize: 1500}
	large := evidence.Handshake{Profile: "default", Certificates: leaf, HelloSize: 1500}
	small := evidence.Handshake{Profile: "classical", Certificates: leaf, HelloSize: 300}
	silent := evidence.Handshake{Profile: "classical", HelloSize: 300}
	for _, tt := range []struct {
		name string
		made []evidence.Handshake
		want string
	}{
		{"none was made", nil, "unknown"},
		{"the large one is taken", []evidence.Handshake{large}, "no"},
		{"the small one alone is taken", []evidence.Handshake{dropped, small}, "yes"},
		{"and again", []evidence.Handshake{dropped, small, dropped}, "yes"},
		{"the first was lost by chance", []evidence.Handshake{dropped, small, large}, "no"},
		{"neither is taken", []evidence.Handshake{dropped, silent}, "unknown"},
	} {
		got := answer(helloReset(&evidence.Subject{Handshakes: tt.made}))
		if got != tt.want {
			t.Errorf("%s: helloReset() = %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What all handshakes of a server told, taken together.
func TestEndpoint(t *testing.T) {
	one, two := evidence.DER{1}, evidence.DER{2}
	s := &evidence.Subject{
		Kind: evidence.Endpoint, Protocol: "nts", Address: "192.0.2.1:4460", Certificates: []evidence.DER{one},
		Handshakes: []evidence.Handshake{
			{Reset: true, HelloSize: 1500, Preamble: &evidence.Preamble{Outcome: "closed"}},
			{
				Certificates: []evidence.DER{one}, HelloSize: 300, Version: 0x303, Cipher: 0xc02f, Group: 29, ALPN: "ntske/1", OCSP: []byte{1}, Salvaged: true,
				Preamble: &evidence.Preamble{Outcome: "ready", Said: "220 hello", PipelinedPlaintext: true},
			},
			{Certificates: []evidence.DER{one}, Version: 0x304, Cipher: 0x1301, Completed: true, Possession: true, NTS: &evidence.NTS{Cookies: 8}, Preamble: &evidence.Preamble{Outcome: "ready", Said: "220 other"}},
			{Certificates: []evidence.DER{two}, Version: 0x304},
		},
	}
	want := &facts.Endpoint{
		Protocol: "nts", Port: 4460, Private: false, Answered: true, Completed: true, Possession: new(true), Version: "1.2",
		Cipher: Cipher(0xc02f), Group: Group(29), ALPN: "ntske/1", Stapled: true, HelloReset: new(true), Refused: true, Answers: 2,
		Preambles: []string{"closed", "ready", "ready"}, Said: "220 hello", Pipelined: true, Cookies: new(int64(8)),
	}
	if d := cmp.Diff(want, Endpoint(s)); d != "" {
		t.Error(d)
	}
	want = &facts.Endpoint{Protocol: "https", Port: 443, Private: true, Preambles: []string{}, HelloReset: new(false)}
	silent := &evidence.Subject{Kind: evidence.Endpoint, Protocol: "https", Address: "[fd00::1]:443", Handshakes: []evidence.Handshake{{}}}
	if d := cmp.Diff(want, Endpoint(silent)); d != "" {
		t.Error(d)
	}
	unknown := &evidence.Subject{Kind: evidence.Endpoint, Protocol: "https", Address: "host:443"}
	if f := Endpoint(unknown); f.Port != 0 || f.Private || f.HelloReset != nil {
		t.Errorf("an address that is none: %+v", f)
	}
	if f := Endpoint(&evidence.Subject{Kind: evidence.Chain, Protocol: "https"}); f != nil {
		t.Errorf("of a file: %+v", f)
	}
}

// A key is proven for the leaf that is judged, and for no other; that it was not
// proven is said where a proof failed.
func TestPossession(t *testing.T) {
	leaf, other := []evidence.DER{{1}, {9}}, []evidence.DER{{2}}
	for _, tt := range []struct {
		name string
		made []evidence.Handshake
		want string
	}{
		{"none", nil, "unknown"},
		{"not that far", []evidence.Handshake{{Certificates: leaf}}, "unknown"},
		{"proven", []evidence.Handshake{{Certificates: leaf, Possession: true}}, "yes"},
		{"proven the second time", []evidence.Handshake{{Certificates: leaf}, {Certificates: leaf, Possession: true}}, "yes"},
		{"refuted", []evidence.Handshake{{Certificates: leaf, Refuted: true}}, "no"},
		{"refuted, then proven", []evidence.Handshake{{Certificates: leaf, Refuted: true}, {Certificates: leaf, Possession: true}}, "no"},
		{"proven, then refuted", []evidence.Handshake{{Certificates: leaf, Possession: true}, {Certificates: leaf, Refuted: true}}, "no"},
		{"proven for another", []evidence.Handshake{{Certificates: other, Possession: true}}, "unknown"},
		{"refuted for another", []evidence.Handshake{{Certificates: other, Refuted: true}, {Certificates: leaf, Possession: true}}, "yes"},
		{"without a certificate", []evidence.Handshake{{Possession: true}}, "unknown"},
	} {
		got := answer(possession(&evidence.Subject{Certificates: leaf, Handshakes: tt.made}))
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if p := possession(&evidence.Subject{Handshakes: []evidence.Handshake{{Possession: true, Certificates: leaf}}}); p != nil {
		t.Errorf("no leaf is judged, and its key is proven: %v", *p)
	}
}

func TestVersion(t *testing.T) {
	for v, want := range map[uint16]string{0: "", 0x300: "SSL 3.0", 0x301: "1.0", 0x302: "1.1", 0x303: "1.2", 0x304: "1.3", 0x7f1c: "0x7f1c"} {
		if got := Version(v); got != want {
			t.Errorf("Version(%#x) = %s, want %s", v, got, want)
		}
	}
}
