package encoding

import (
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
)

var begin = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// made signs a leaf of the laboratory after a change.
func made(change func(*lab.Template)) *cert.Certificate {
	l := lab.New(lab.Config{})
	t := l.LeafTemplate()
	t.NotBefore = begin
	change(&t)
	return cert.Parse(t.Sign(l.Intermediate.Key, ""))
}

func serial(octets []byte, at time.Time) *facts.Serial {
	return Serial(made(func(t *lab.Template) { t.Serial = octets }), at)
}

func TestSerial(t *testing.T) {
	for _, tt := range []struct {
		name   string
		octets []byte
		want   facts.Serial
	}{
		{"zero", []byte{0}, facts.Serial{Hex: "00", Octets: 1, Zero: true, Minimal: true}},
		{"one", []byte{1}, facts.Serial{Hex: "01", Octets: 1, Bits: 1, Minimal: true}},
		{"negative", []byte{0x80}, facts.Serial{Hex: "80", Octets: 1, Bits: 8, Negative: true, Minimal: true}},
		{"minus one", []byte{0xff}, facts.Serial{Hex: "ff", Octets: 1, Bits: 1, Negative: true, Minimal: true}},
		{"its sign written out", []byte{0, 0x80}, facts.Serial{Hex: "0080", Octets: 2, Bits: 8, Minimal: true}},
		{"a zero too many", []byte{0, 0x7f}, facts.Serial{Hex: "007f", Octets: 2, Bits: 7}},
		{"twenty octets", slices.Repeat([]byte{0x55}, 20), facts.Serial{Hex: strings.Repeat("55", 20), Octets: 20, Bits: 159, Minimal: true}},
	} {
		got := *serial(tt.octets, begin)
		got.Magic = tt.want.Magic // of the tables, which are tested where they are
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if f := Serial(cert.Parse([]byte("no certificate")), begin); f != nil {
		t.Errorf("no serial number: %+v", f)
	}
}

// A serial number is a clock where it is a time at which the certificate can have
// been made, in a usual resolution; what is further away is chance.
func TestLikeTime(t *testing.T) {
	judged := begin.AddDate(0, 1, 0)
	number := func(s string) []byte {
		n, ok := new(big.Int).SetString(s, 10)
		if !ok {
			t.Fatalf("%q is no number", s)
		}
		b := n.Bytes()
		if b[0]&0x80 != 0 {
			b = append([]byte{0}, b...)
		}
		return b
	}
	unix := func(at time.Time, unit int64) []byte { return number(big.NewInt(at.Unix() * unit).String()) }
	day := 24 * time.Hour
	for _, tt := range []struct {
		name   string
		octets []byte
		want   bool
	}{
		{"seconds", unix(begin, 1), true},
		{"milliseconds", unix(begin, 1e3), true},
		{"tenths of them", unix(begin, 1e4), true},
		{"microseconds", unix(begin, 1e6), true},
		{"nanoseconds", unix(begin, 1e9), true},
		{"another resolution", unix(begin, 1e5), false},
		{"just within two days before", unix(begin.Add(-2*day+time.Second), 1), true},
		{"two days before", unix(begin.Add(-2*day), 1), false},
		{"backdated by a month", unix(begin.Add(maxBackdate-time.Second), 1), true},
		{"backdated by more", unix(begin.Add(maxBackdate), 1), false},
		{"zero", []byte{0}, false},
		{"negative", []byte{0x96, 0, 0, 0}, false},
		{"ten digits, and ten more", number(big.NewInt(begin.Unix()).String() + "1234567890"), true},
		{"ten digits, and two more", number(big.NewInt(begin.Unix()).String() + "12"), false},
		{"ten digits of another year, and ten more", number("1234567890" + "1234567890"), false},
		{"ten digits, and twenty more", number(big.NewInt(begin.Unix()).String() + strings.Repeat("7", 20)), false},
		{"random", []byte{0x3d, 0x99, 0x17, 0x52, 0xfe, 0x83, 0x21, 0x60}, false},
	} {
		if got := serial(tt.octets, judged).LooksLikeTime; got != tt.want {
			t.Errorf("%s: looks like a time: %v", tt.name, got)
		}
	}
	// What was made after the time of judgement was not made.
	if serial(unix(begin.Add(10*day), 1), begin).LooksLikeTime {
		t.Error("a time of after the judgement is a time")
	}
	if !serial(unix(begin.Add(day), 1), begin).LooksLikeTime {
		t.Error("a clock that is a day ahead is none")
	}
}

func TestExtensions(t *testing.T) {
	f := Extensions(made(func(t *lab.Template) {
		t.Extensions = []lab.Extension{
			lab.KeyUsage(lab.DigitalSignature).MakeCritical(), lab.ExtKeyUsage(lab.ServerAuth), lab.Basic(true, 3).MakeCritical(),
			lab.SKI([]byte{1, 2}), lab.AKI([]byte{3}), {ID: "1.2.3.4", Critical: true, Value: []byte{5, 0}}, {ID: "1.2.3.5", Value: []byte{5, 0}},
		}
	}))
	if !slices.Equal(f.OIDs, []string{"2.5.29.15", "2.5.29.37", "2.5.29.19", "2.5.29.14", "2.5.29.35", "1.2.3.4", "1.2.3.5"}) || !slices.Equal(f.UnknownCritical, []string{"1.2.3.4"}) {
		t.Errorf("extensions %v, unknown and critical %v", f.OIDs, f.UnknownCritical)
	}
	if words := strings.Fields(f.Set); len(words) != 7 || !strings.HasSuffix(words[0], "!") || strings.HasSuffix(words[1], "!") || words[5] != "1.2.3.4!" {
		t.Errorf("as one line: %q", f.Set)
	}
	if !f.IsCA || !f.BC || f.PathLen != 3 || f.SKI != "0102" || !f.HasSKI || f.AKI != "03" || !f.HasAKI || f.AKISerial || !f.HasKU || !f.HasEKU {
		t.Errorf("facts %+v", f)
	}
	if f.Duplicate || f.InOldVersion || f.Poison || f.Poisoned || f.SCTList || f.HasAIA || f.HasCRLDP || f.HasPolicies {
		t.Errorf("what is not there: %+v", f)
	}
	if f := Extensions(cert.Parse([]byte("no certificate"))); f != nil {
		t.Errorf("no certificate: %+v", f)
	}
}

// Whether a certificate is for TLS servers is not only what serverAuth says.
func TestServerAuth(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*lab.Template)
		want   bool
		eku    []string
	}{
		{"serverAuth", func(t *lab.Template) { t.Set(lab.ExtKeyUsage(lab.ServerAuth)) }, true, []string{"serverAuth"}},
		{"clientAuth", func(t *lab.Template) { t.Set(lab.ExtKeyUsage(lab.ClientAuth)) }, false, []string{"clientAuth"}},
		{"any", func(t *lab.Template) { t.Set(lab.ExtKeyUsage("2.5.29.37.0")) }, true, []string{"any"}},
		{"step-up", func(t *lab.Template) { t.Set(lab.ExtKeyUsage("2.16.840.1.113730.4.1")) }, true, []string{"netscapeSGC"}},
		{"something else, too", func(t *lab.Template) { t.Set(lab.ExtKeyUsage("1.2.3", lab.ServerAuth)) }, true, []string{"1.2.3", "serverAuth"}},
		{"none", func(t *lab.Template) { t.Drop(lab.IDExtKeyUsage) }, true, []string{}},
	} {
		if f := Extensions(made(tt.change)); f.ServerAuth != tt.want || !slices.Equal(f.EKU, tt.eku) {
			t.Errorf("%s: for servers %v, purposes %v", tt.name, f.ServerAuth, f.EKU)
		}
	}
}

func TestPoison(t *testing.T) {
	for _, critical := range []bool{true, false} {
		f := Extensions(made(func(t *lab.Template) {
			t.Set(lab.Extension{ID: lab.IDPoison, Critical: critical, Value: []byte{5, 0}})
		}))
		if !f.Poison || f.Poisoned != critical {
			t.Errorf("critical %v: poison %v, poisoned %v", critical, f.Poison, f.Poisoned)
		}
	}
}

func TestEncoding(t *testing.T) {
	honest := made(func(*lab.Template) {})
	if f := Encoding(honest); !f.DER || f.Unreadable || f.Trailing || f.Appended || f.TimeInvalid || f.UniqueIDs || f.Size != int64(len(honest.Raw)) || len(f.Quirks) != 0 {
		t.Errorf("an honest one: %+v", f)
	}
	if f := Encoding(cert.Parse(append(slices.Clone(honest.Raw), 0))); !f.Trailing || f.Unreadable {
		t.Errorf("with an octet behind: %+v", f)
	}
	if f := Encoding(cert.Parse([]byte("no certificate"))); !f.Unreadable || f.TimeInvalid {
		t.Errorf("no certificate: %+v", f)
	}
}

// Each library's word is counted, and fields that they read differently are named once.
func TestParsers(t *testing.T) {
	honest := made(func(*lab.Template) {})
	f := Parsers(honest, honest.Libraries())
	if f.Stdlib != "ok" || f.ZCrypto != "ok" || f.CTGo != "ok" || f.Accepting != 3 || f.Refusing != 0 || len(f.Disagree) != 0 {
		t.Errorf("an honest one: %+v", f)
	}
	garbage := cert.Parse([]byte("no certificate"))
	if f := Parsers(garbage, garbage.Libraries()); f.Accepting != 0 || f.Refusing != 2 || f.ZCrypto != "skipped" {
		t.Errorf("garbage: %+v", f)
	}
	negative := made(func(t *lab.Template) { t.Serial = []byte{0x80} })
	if f := Parsers(negative, negative.Libraries()); f.Stdlib != "error" || f.Refusing == 3 || f.Accepting+f.Refusing != 3 {
		t.Errorf("a negative serial number: %+v", f)
	}
}
