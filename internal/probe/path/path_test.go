package path

import (
	"testing"

	"github.com/certassay/certassay/internal/evidence"
)

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
		got := "unknown"
		if r := helloReset(&evidence.Subject{Handshakes: tt.made}); r != nil {
			got = map[bool]string{true: "yes", false: "no"}[*r]
		}
		if got != tt.want {
			t.Errorf("%s: helloReset() = %s, want %s", tt.name, got, tt.want)
		}
	}
}
