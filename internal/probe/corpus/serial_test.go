package corpus

import (
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

// Devices of one make call and number themselves alike, each with a key of its own.
// A long serial number would have to be copied, and so would one of somebody's CA.
func TestSelfMadeSerials(t *testing.T) {
	long := lab.SerialOf("device")
	begin := time.Date(2020, 6, 5, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		serial []byte
		issuer string
		want   int
	}{
		{"AnyDesk's clients", []byte{1}, "CN=AnyDesk Client", 0},
		{"a device's certificate cloned", long, "CN=AnyDesk Client", 1},
		{"numbered by a CA", []byte{1}, "CN=Device CA", 1},
	} {
		var s Set
		for _, key := range []*lab.Key{lab.LeafKey(), lab.IssuingKey()} {
			tpl := lab.Template{Serial: tt.serial, Subject: lab.Named("CN=AnyDesk Client"), Issuer: lab.Named(tt.issuer), Key: key, NotBefore: begin, NotAfter: begin.AddDate(50, 0, 0)}
			c := cert.Parse(tpl.Sign(key, ""))
			s.Add(Member{Certificate: c, Leaf: true})
		}
		if got := len(s.Facts(nil).SameSerial); got != tt.want {
			t.Errorf("%s: %d serial numbers reused, want %d", tt.name, got, tt.want)
		}
	}
}
