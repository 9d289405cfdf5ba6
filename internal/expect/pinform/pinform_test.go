package pinform

import (
	"cmp"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/expect"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func pin(t testing.TB, s string) expect.Pin {
	t.Helper()
	p, err := expect.ParsePin(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	keyText    = "sha256/kvp87NXOn25iHgL0zw4FnvLjlMTUBcT/ACdap3xlUI8="
	backupText = "sha256/Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU="
	certText   = "sha256:adefc48ef79cf91679dcfbafdc5a7b9c40b627fdffae17ab132c4f0612b217e5"
)

// texts are the pins of a set as an inventory writes them, with their roles.
func texts(s Set) (out []string) {
	for _, p := range s.Pins {
		out = append(out, []string{"any ", "leaf ", "issuer "}[p.Role]+p.Pin.String())
	}
	return out
}

// Files that other programs made hold the pins that openssl computes.
func TestParseFiles(t *testing.T) {
	end := time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		file string
		form Format
		want []Set // Pins left out
		pins [][]string
	}{
		{"pins.hpkp", HPKP, []Set{{Subdomains: true}}, [][]string{{"any " + keyText, "any " + backupText}}},
		{"pins.spki", SPKI, []Set{{}}, [][]string{{"any " + keyText, "any " + backupText}}},
		{"pins.curl", Curl, []Set{{}}, [][]string{{"leaf " + keyText, "leaf " + backupText}}},
		{
			"pins.android.xml", Android, []Set{{Host: "www.example.org", Subdomains: true}, {Host: "api.www.example.org"}},
			[][]string{{"any " + keyText, "any " + backupText}, {"any " + keyText, "any " + backupText}},
		},
		{"pins.ios.plist", IOS, []Set{{Host: "www.example.org", Subdomains: true}}, [][]string{{"leaf " + keyText, "leaf " + backupText}}},
		{
			"pins.zone", TLSA,
			[]Set{{Host: "www.example.org", Port: 443, Transport: "tcp"}, {Host: "mail.example.org", Port: 25, Transport: "tcp"}, {Host: "dns.example.org", Port: 853, Transport: "udp"}},
			[][]string{
				{"leaf " + keyText, "leaf " + backupText},
				{"leaf " + keyText, "issuer " + certText},
				{"leaf sha512/SFSbidIFAbXNXr2FNJYN8p2oKsoCceStjd7Wg2/H5Z7yg4fClhR4YA25t4yE6D4pl1eDvcdyWHRvxw/hG9TYaQ==", "leaf " + certText},
			},
		},
		{"sha256.openssl", OpenSSL, []Set{{}}, [][]string{{"any " + certText}}},
		{"sha1.openssl", OpenSSL, []Set{{}}, [][]string{{"any sha1:0cd7f058eae7141b5c64022bb1c7bdcde3d69c13"}}},
		{"key.pem", PEM, []Set{{}}, [][]string{{"any " + keyText}}},
		{"cert.pem", PEM, []Set{{}}, [][]string{{"any " + keyText}}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			data := file(t, tt.file)
			if form, err := Detect(data); form != tt.form || err != nil {
				t.Fatalf("Detect = %q, %v, want %q", form, err, tt.form)
			}
			f, err := Parse(tt.form, data)
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Sets) != len(tt.want) {
				t.Fatalf("%d sets, want %d", len(f.Sets), len(tt.want))
			}
			for i, s := range f.Sets {
				if diff := gocmp.Diff(tt.pins[i], texts(s)); diff != "" {
					t.Errorf("pins of set %d (-want +got):\n%s", i, diff)
				}
				for _, p := range s.Pins {
					if tt.form == Android && !p.Until.Equal(end) {
						t.Errorf("pin ends %v, want %v", p.Until, end)
					}
				}
				s.Pins = nil
				if diff := gocmp.Diff(tt.want[i], s); diff != "" {
					t.Errorf("set %d (-want +got):\n%s", i, diff)
				}
			}
			if weak := tt.file == "sha1.openssl"; weak != (len(f.Notes) > 0) {
				t.Errorf("notes = %q, weak pin %t", f.Notes, weak)
			}
		})
	}
}

// What one form holds, every other that has a word for it holds too: exported and
// imported again it is the same pin.
func TestEveryFormToEveryOther(t *testing.T) {
	block, _ := pem.Decode(file(t, "cert.pem"))
	c := cert.Parse(block.Bytes)
	end := time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
	for _, name := range Formats() {
		form := Format(name)
		for _, role := range []Role{Leaf, Issuer} {
			if form == Curl && role == Issuer {
				continue // curl has no word for it: see TestPrintRefuses
			}
			in := Set{Host: "www.example.org", Port: 443, Transport: "tcp", Pins: []Pin{OfCertificate(form, c, role)}}
			if form == Android {
				in.Pins[0].Until = end
			}
			text, _, err := Print(form, []Set{in})
			if err != nil {
				t.Fatalf("Print(%s) = %v", form, err)
			}
			if got, err := Detect(text); got != form {
				t.Errorf("Detect of %s = %q, %v:\n%s", form, got, err, text)
			}
			f, err := Parse(form, text)
			if err != nil {
				t.Fatalf("Parse(%s) = %v\n%s", form, err, text)
			}
			want := keyText
			if form == OpenSSL {
				want = certText
			}
			if len(f.Sets) != 1 || len(f.Sets[0].Pins) != 1 || f.Sets[0].Pins[0].Pin.String() != want {
				t.Errorf("%s reads its own output as %+v, want %s", form, f.Sets, want)
				continue
			}
			got := f.Sets[0].Pins[0]
			if !got.Until.Equal(in.Pins[0].Until) {
				t.Errorf("%s: pin ends %v, want %v", form, got.Until, in.Pins[0].Until)
			}
			if (form == TLSA || form == IOS || form == Curl) && got.Role != role {
				t.Errorf("%s: role = %d, want %d", form, got.Role, role)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	pinTag := `<pin digest="SHA-256">` + strings.TrimPrefix(keyText, "sha256/") + `</pin>`
	for _, tt := range []struct {
		name string
		form Format
		in   string
		want string
	}{
		{"no pin", SPKI, "# nothing\n", "found no pin"},
		{"place", SPKI, keyText + "\n  sha256/short\n", "line 2, column 3:"},
		{"bare hash", SPKI, strings.TrimPrefix(keyText, "sha256/"), "line 1, column 1:"},
		{"certificate for curl", Curl, certText, "of a key"},
		{"bad base64", HPKP, `pin-sha256="!"`, "line 1, column 13:"},
		{"only other hashes", HPKP, `pin-sha1="2jmj7l5rSw0yVb/vlWAYkK/YBwk="`, "found no pin"},
		{"MD5", OpenSSL, "MD5 Fingerprint=AA:BB", "pins nothing"},
		{"short fingerprint", OpenSSL, "sha256 Fingerprint=AA:BB", "2 bytes where sha256 has 32"},
		{"odd fingerprint", OpenSSL, "sha256 Fingerprint=AA:B", "line 1, column 20:"},
		{"entity", Android, `<!DOCTYPE x [<!ENTITY a "b">]><network-security-config/>`, "declarations of its own"},
		{"external subset", Android, `<!DOCTYPE network-security-config SYSTEM "file:///etc/passwd"><network-security-config/>`, "declarations of its own"},
		{"undefined entity", Android, `<network-security-config>&a;</network-security-config>`, "invalid character entity"},
		{"subset in a property list", IOS, `<!DOCTYPE plist [<!ENTITY a "b">]><plist><dict/></plist>`, "declarations of its own"},
		{"depth", Android, strings.Repeat("<domain-config>", maxDepth+1), "nests deeper"},
		{"elements", Android, "<a>" + strings.Repeat("<b/>", maxElements) + "</a>", "more than"},
		{"second root", IOS, "<plist><dict/></plist><plist/>", "second root"},
		{"encoding", Android, `<?xml version="1.0" encoding="ISO-8859-1"?><network-security-config/>`, "only UTF-8 is read"},
		{"not closed", Android, "<network-security-config>", "unexpected EOF"},
		{"wrong root", Android, "<html/>", "want <network-security-config>"},
		{"digest", Android, `<network-security-config><domain-config><pin-set><pin digest="SHA-1">x</pin></pin-set></domain-config></network-security-config>`, "unknown digest"},
		{"expiration", Android, `<network-security-config><domain-config><pin-set expiration="soon">` + pinTag + `</pin-set></domain-config></network-security-config>`, "is no date"},
		{"year one", Android, `<network-security-config><domain-config><pin-set expiration="0001-01-01">` + pinTag + `</pin-set></domain-config></network-security-config>`, "is no date"},
		{"host", Android, `<network-security-config><domain-config><domain>a b</domain><pin-set>` + pinTag + `</pin-set></domain-config></network-security-config>`, "not the name of a host"},
		{"binary property list", IOS, "bplist00\xd1", "cut short"},
		{"empty list", IOS, `<plist><dict><key>NSPinnedDomains</key><dict><key>a.example</key><dict><key>NSPinnedLeafIdentities</key><array/></dict></dict></dict></plist>`, "no list of pins"},
		{"one key twice", IOS, `<plist><dict><key>NSPinnedDomains</key><dict/><key>NSPinnedDomains</key><dict/></dict></plist>`, "was not there before"},
		{"unknown key", IOS, `<plist><dict><key>NSPinnedDomains</key><dict><key>a.example</key><dict><key>NSPinnedLeaf</key><array/></dict></dict></dict></plist>`, "unknown key"},
		{"zone place", TLSA, "a. IN A 192.0.2.1\n_443._tcp.a. IN TLSA x 1 1 00\n", "line 2, column"},
		{"usage", TLSA, "_443._tcp.a. IN TLSA 4 1 1 " + strings.Repeat("00", 32), "unknown usage 4"},
		{"selector", TLSA, "_443._tcp.a. IN TLSA 3 2 1 " + strings.Repeat("00", 32), "unknown selector 2"},
		{"matching type", TLSA, "_443._tcp.a. IN TLSA 3 1 3 " + strings.Repeat("00", 32), "unknown matching type 3"},
		{"length", TLSA, "_443._tcp.a. IN TLSA 3 1 1 00", "1 bytes of data"},
		{"not a key", TLSA, "_443._tcp.a. IN TLSA 3 1 0 00", "no key or certificate"},
		{"owner", TLSA, "www.a. IN TLSA 3 1 1 " + strings.Repeat("00", 32), "does not begin with a port"},
		{"port", TLSA, "_70000._tcp.a. IN TLSA 3 1 1 " + strings.Repeat("00", 32), "no port"},
		{"many from one line", TLSA, "$GENERATE 1-65535 _$._tcp.a. TLSA 3 1 1 00", "not followed"},
		{"other files", TLSA, "$INCLUDE /etc/passwd", "not followed"},
		{"private key", PEM, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("x")})), "no place among pins"},
		{"garbage in PEM", PEM, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "line 1:"},
		{"damaged block", PEM, string(file(t, "key.pem")) + "-----BEGIN PUBLIC KEY-----\nAAAA", "only 1 of 2"},
		{"not DER", PEM, "hello", "neither as a certificate nor as a public key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse(tt.form, []byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) || f != nil {
				t.Errorf("Parse(%s, %.200q) = %+v, %v, want error with %q", tt.form, tt.in, f, err, tt.want)
			}
		})
	}
}

func TestPrintRefuses(t *testing.T) {
	key, backup := Pin{Pin: pin(t, keyText)}, Pin{Pin: pin(t, backupText)}
	certificate := Pin{Pin: pin(t, certText)}
	as := func(p Pin, r Role) Pin { p.Role = r; return p }
	ends := func(p Pin) Pin { p.Until = time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC); return p }
	for _, tt := range []struct {
		name string
		form Format
		sets []Set
		want string
	}{
		{"nothing", SPKI, nil, "no pin to write"},
		{"no pins", SPKI, []Set{{}}, "no pin of the host"},
		{"two hosts in a form without", SPKI, []Set{{Host: "a.example", Pins: []Pin{key}}, {Host: "b.example", Pins: []Pin{key}}}, "names no hosts"},
		{"no host", Android, []Set{{Pins: []Pin{key}}}, "needs the name of a host"},
		{"host that breaks out", IOS, []Set{{Host: "a</key>", Pins: []Pin{as(key, Leaf)}}}, "needs the name of a host"},
		{"certificate as a key", HPKP, []Set{{Pins: []Pin{certificate}}}, "pins a certificate"},
		{"key as a certificate", OpenSSL, []Set{{Pins: []Pin{key}}}, "pins a key"},
		{"hash to key", PEM, []Set{{Pins: []Pin{key}}}, "is a hash"},
		{"issuer for curl", Curl, []Set{{Pins: []Pin{as(key, Issuer)}}}, "the leaf alone"},
		{"role for iOS", IOS, []Set{{Host: "a.example", Pins: []Pin{key}}}, "is not known"},
		{"one of leaf or issuer", IOS, []Set{{Host: "a.example", Pins: []Pin{as(key, Leaf), as(backup, Issuer)}}}, "one is enough"},
		{"leaf and issuer", TLSA, []Set{{Host: "a.example", Both: true, Pins: []Pin{as(key, Leaf), as(backup, Issuer)}}}, "takes one match for enough"},
		{"SHA-1 as TLSA", TLSA, []Set{{Host: "a.example", Pins: []Pin{{Pin: pin(t, "sha1:0cd7f058eae7141b5c64022bb1c7bdcde3d69c13")}}}}, "no word for sha1"},
		{"different ends", Android, []Set{{Host: "a.example", Pins: []Pin{key, ends(backup)}}}, "end at different times"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, _, err := Print(tt.form, tt.sets)
			if err == nil || !strings.Contains(err.Error(), tt.want) || text != nil {
				t.Errorf("Print(%s) = %q, %v, want error with %q", tt.form, text, err, tt.want)
			}
		})
	}
}

func TestPrintNotes(t *testing.T) {
	p := Pin{Pin: pin(t, keyText)}
	p.Until = time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		form Format
		want []string
	}{
		{HPKP, []string{"without a backup pin", "until when"}},
		{SPKI, []string{"hosts below", "until when"}},
		{Android, []string{"end with a day|ends pins with a day"}},
	} {
		_, notes, err := Print(tt.form, []Set{{Host: "a.example", Subdomains: true, Pins: []Pin{p}}})
		if err != nil || len(notes) != len(tt.want) {
			t.Errorf("Print(%s) notes = %q, %v, want %q", tt.form, notes, err, tt.want)
			continue
		}
		for _, w := range tt.want {
			if !slices.ContainsFunc(notes, func(n string) bool {
				return slices.ContainsFunc(strings.Split(w, "|"), func(part string) bool { return strings.Contains(n, part) })
			}) {
				t.Errorf("Print(%s) notes = %q, want one with %q", tt.form, notes, w)
			}
		}
	}
}

func TestTooMuch(t *testing.T) {
	if _, err := Parse(SPKI, make([]byte, MaxInput+1)); err == nil {
		t.Error("a file beyond the limit is read")
	}
	if _, err := Detect(make([]byte, MaxInput+1)); err == nil {
		t.Error("a file beyond the limit is looked at")
	}
	var b strings.Builder
	for i := range maxPins + 1 {
		p := expect.Pin{Sum: string([]byte{byte(i), byte(i >> 8), 31: 0})}
		b.WriteString(p.String() + "\n")
	}
	if _, err := Parse(SPKI, []byte(b.String())); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("%d pins: %v", maxPins+1, err)
	}
}

// One record for the leaf and one for an issuer of the same key are one pin that
// either may meet.
func TestTLSAOfBoth(t *testing.T) {
	sum := "92fa7cecd5ce9f6e621e02f4cf0e059ef2e394c4d405c4ff00275aa77c65508f"
	f, err := Parse(TLSA, []byte("*._tcp.a. TLSA 3 1 1 "+sum+"\n*._tcp.a. TLSA 2 1 1 "+sum+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]string{"any " + keyText}, texts(f.Sets[0])); diff != "" || f.Sets[0].Port != 0 {
		t.Errorf("port %d, pins (-want +got):\n%s", f.Sets[0].Port, diff)
	}
}

// Base64 may begin with the slash that curl doubles.
func TestLeadingSlash(t *testing.T) {
	p := expect.Pin{Sum: "\xfc" + string(make([]byte, 31))}
	for form, text := range map[Format]string{SPKI: p.String(), Curl: strings.Replace(p.String(), "/", "//", 1)} {
		got, err := Detect([]byte(text))
		if err != nil || got != form {
			t.Errorf("Detect(%q) = %q, %v, want %q", text, got, err, form)
		}
		f, err := Parse(form, []byte(text))
		if err != nil || len(f.Sets[0].Pins) != 1 || !f.Sets[0].Pins[0].Same(p) {
			t.Errorf("Parse(%s, %q) = %+v, %v", form, text, f, err)
		}
	}
}

func TestParseFormat(t *testing.T) {
	for _, name := range Formats() {
		if f, err := ParseFormat(name); err != nil || string(f) != name {
			t.Errorf("ParseFormat(%q) = %q, %v", name, f, err)
		}
	}
	_, err := ParseFormat("androit")
	if h, ok := err.(interface{ Hint() string }); !ok || h.Hint() != `did you mean "android"?` {
		t.Errorf("ParseFormat(androit) = %v", err)
	}
	if _, err := Detect([]byte("hello")); err == nil {
		t.Error("Detect(hello) found a form")
	}
}

// normal is what a form keeps of sets, in one order.
func normal(sets []Set) []Set {
	out := slices.Clone(sets)
	for i := range out {
		pins := slices.Clone(out[i].Pins)
		for j := range pins {
			pins[j] = pins[j].identity()
		}
		slices.SortFunc(pins, func(a, b Pin) int {
			return cmp.Or(cmp.Compare(a.Role, b.Role), strings.Compare(a.Pin.String(), b.Pin.String()), a.Until.Compare(b.Until))
		})
		out[i].Pins = pins
	}
	return out
}

// FuzzParse: what is read of a form is written in it, and read again as the same.
func FuzzParse(f *testing.F) {
	for i, name := range []string{"pins.hpkp", "pins.spki", "pins.curl", "pins.android.xml", "pins.ios.plist", "pins.zone", "sha256.openssl", "key.pem"} {
		f.Add(uint8(i), file(f, name))
	}
	f.Add(uint8(7), file(f, "cert.pem"))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		form := Format(Formats()[int(which)%len(Formats())])
		first, err := Parse(form, data)
		if err != nil {
			return
		}
		text, _, err := Print(form, first.Sets)
		if err != nil {
			t.Fatalf("%s cannot be written: %v", form, err)
		}
		second, err := Parse(form, text)
		if err != nil {
			t.Fatalf("%s cannot be read again: %v\n%s", form, err, text)
		}
		if diff := gocmp.Diff(normal(first.Sets), normal(second.Sets)); diff != "" {
			t.Errorf("%s is read again as something else (-first +second):\n%s\n%s", form, diff, text)
		}
	})
}
