package cert

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestNameString(t *testing.T) {
	two := func(a, b []byte) []byte { return tlv(idSet, a, b) }
	pair := func(oid, v string) []byte { return seq(oidTLV(oid), str(idUTF8, v)) }
	for _, tt := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"order", seq(attr(OIDCountry, idPrintable, "DE"), attr(OIDOrganization, idUTF8, "Müller"), attr(OIDCommonName, idUTF8, "a.example")), "CN=a.example,O=Müller,C=DE"},
		{"several in one", seq(two(pair(OIDCommonName, "a"), pair(OIDUserID, "b"))), "CN=a+UID=b"},
		{"special characters", cn(` #a,b+c"d\e<f>g;h `), `CN=\ #a\,b\+c\"d\\e\<f\>g\;h\ `},
		{"hash first", cn("#a"), `CN=\#a`},
		{"controls", cn("a\x00b\x1b[31m\n"), `CN=a\00b\1B[31m\0A`},
		{"bidi", cn("a\u202eb"), `CN=a\E2\80\AEb`},
		{"unknown type", seq(attr("\x2a\x03", idUTF8, "x")), "1.2.3=x"},
		{"no string", seq(attr(OIDCommonName, idInteger, "\x05")), "CN=#05"},
		{"invalid UTF-8", cn("a\xffb"), "CN=a\ufffdb"},
		{"BMPString", seq(attr(OIDCommonName, idBMP, "\x00a\x04\x30")), "CN=aа"},
		{"UniversalString", seq(attr(OIDCommonName, idUniversal, "\x00\x00\x00a")), "CN=a"},
		{"T61String", seq(attr(OIDCommonName, idT61, "caf\xe9")), "CN=café"},
		{"empty", seq(), ""},
		{"cut", []byte{0x30, 5, 0x31}, ""},
		{"garbage behind", seq(attr(OIDCommonName, idUTF8, "a"), []byte{5, 0}), "?,CN=a"},
	} {
		if got := (Name{Raw: tt.raw}).String(); got != tt.want {
			t.Errorf("%s: String() = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNameAccessors(t *testing.T) {
	n := Name{Raw: seq(attr(OIDCountry, idPrintable, "DE"), attr(OIDOrganization, idUTF8, "O"),
		attr(OIDOrganizationalUnit, idUTF8, "U"), attr(OIDCommonName, idUTF8, "a"), attr(OIDCommonName, idUTF8, "b"))}
	got := [][]string{n.CommonNames(), n.Organizations(), n.Units(), n.Countries(), n.Values(OIDSerialNumber)}
	want := [][]string{{"a", "b"}, {"O"}, {"U"}, {"DE"}, {}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if n.Empty() || !(Name{Raw: seq()}).Empty() || !(Name{}).Empty() {
		t.Error("Empty() is wrong")
	}
}

func TestNameNormal(t *testing.T) {
	base := Name{Raw: seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idUTF8, "Let's Encrypt"))}.Normal()
	for name, same := range map[string][]byte{
		"string type": seq(attr(OIDCountry, idUTF8, "US"), attr(OIDOrganization, idPrintable, "Let's Encrypt")),
		"case":        seq(attr(OIDCountry, idPrintable, "us"), attr(OIDOrganization, idUTF8, "LET'S encrypt")),
		"white space": seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idUTF8, "  Let's \u00a0 Encrypt ")),
		"zero width":  seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idUTF8, "Let's\u200b Encrypt")),
		"full width":  seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idUTF8, "Let's Ｅncrypt")),
		"BMPString":   seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idBMP, "\x00L\x00e\x00t\x00'\x00s\x00 \x00E\x00n\x00c\x00r\x00y\x00p\x00t")),
	} {
		if got := (Name{Raw: same}).Normal(); got != base {
			t.Errorf("%s: Normal() = %q, want %q", name, got, base)
		}
	}
	for name, other := range map[string][]byte{
		"order":       seq(attr(OIDOrganization, idUTF8, "Let's Encrypt"), attr(OIDCountry, idPrintable, "US")),
		"attribute":   seq(attr(OIDCountry, idPrintable, "US"), attr(OIDCommonName, idUTF8, "Let's Encrypt")),
		"space":       seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idUTF8, "Let'sEncrypt")),
		"look-alike":  seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idUTF8, "Let's Еncrypt")),
		"shorter":     seq(attr(OIDCountry, idPrintable, "US")),
		"joined":      seq(tlv(idSet, seq(oidTLV(OIDCountry), str(idPrintable, "US")), seq(oidTLV(OIDOrganization), str(idUTF8, "Let's Encrypt")))),
		"not a text":  seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idOctetString, "Let's Encrypt")),
		"garbage end": seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idUTF8, "Let's Encrypt"), []byte{5, 0}),
	} {
		if got := (Name{Raw: other}).Normal(); got == base {
			t.Errorf("%s: Normal() is the same", name)
		}
	}
	a := Name{Raw: seq(tlv(idSet, seq(oidTLV(OIDCommonName), str(idUTF8, "ς")), seq(oidTLV(OIDUserID), str(idUTF8, "b"))))}
	b := Name{Raw: seq(tlv(idSet, seq(oidTLV(OIDUserID), str(idUTF8, "b")), seq(oidTLV(OIDCommonName), str(idUTF8, "Σ"))))}
	if a.Normal() != b.Normal() {
		t.Errorf("a set in another order: %q, want %q", b.Normal(), a.Normal())
	}
}

func TestCheckText(t *testing.T) {
	for text, want := range map[string]TextFlaws{
		"": {}, "plain text": {}, "Müller & Söhne": {}, "日本Certificate株式会社": {}, "한국 CA": {}, "中文ABC": {},
		"Сбербанк": {}, "Сбербанк Online": {}, "Αθήνα": {}, "ООО Google": {}, "5µm": {}, "Ελλάς-CA": {},
		"a\x00b": {NUL: true}, "a\x1b[0m": {Control: true}, "a\u0085b": {Control: true}, "a\u202eb": {Bidi: true},
		"a\u2066b": {Bidi: true}, "Gооgle": {MixedScript: true}, "Ρaypal": {MixedScript: true}, "Micrօsoft": {MixedScript: true},
		"рaypal.com Inc": {MixedScript: true},
		"Go\u200bDaddy":  {Control: true}, "Go\u00adDaddy": {Control: true}, "Go\u2060Daddy": {Control: true}, "\ufeffGoDaddy": {Control: true}, "Go\U000e0041Daddy": {Control: true},
		"Go\u00a0Daddy": {}, "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645": {},
	} {
		if diff := cmp.Diff(want, CheckText(text)); diff != "" {
			t.Errorf("CheckText(%q) (-want +got):\n%s", text, diff)
		}
	}
}

func TestNameCheck(t *testing.T) {
	for _, tt := range []struct {
		name string
		raw  []byte
		want NameFlaws
	}{
		{"plain", cn("a"), NameFlaws{}},
		{"empty", seq(), NameFlaws{}},
		{"loose", seq(attr(OIDCommonName, idPrintable, "*.example@_")), NameFlaws{Loose: true}},
		{"invalid UTF-8", cn("\xff"), NameFlaws{Malformed: true}},
		{"high PrintableString", seq(attr(OIDCommonName, idPrintable, "\xe9")), NameFlaws{Malformed: true}},
		{"odd BMPString", seq(attr(OIDCommonName, idBMP, "\x00a\x00")), NameFlaws{Malformed: true}},
		{"surrogate", seq(attr(OIDCommonName, idBMP, "\xd8\x00")), NameFlaws{Malformed: true}},
		{"bad UniversalString", seq(attr(OIDCommonName, idUniversal, "\x7f\xff\xff\xff")), NameFlaws{Malformed: true}},
		{"integer", seq(attr(OIDCommonName, idInteger, "\x05")), NameFlaws{Malformed: true}},
		{"a birth date", seq(attr("\x2b\x06\x01\x05\x05\x07\x09\x01", idGenTime, "19700101000000Z")), NameFlaws{}},
		{"empty set", seq(tlv(idSet)), NameFlaws{Malformed: true}},
		{"no set", seq(seq()), NameFlaws{Malformed: true}},
		{"trailing", seq(tlv(idSet, seq(oidTLV(OIDCommonName), str(idUTF8, "a"), []byte{5, 0}))), NameFlaws{Malformed: true}},
		{"nothing", nil, NameFlaws{Malformed: true}},
		{"NUL", cn("bank.example\x00.evil.example"), NameFlaws{TextFlaws: TextFlaws{NUL: true}}},
	} {
		if diff := cmp.Diff(tt.want, Name{Raw: tt.raw}.Check()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCheckDNSName(t *testing.T) {
	for name, want := range map[string]DNSFlaws{
		"a.example": {}, "*.example": {}, "a_b.example": {}, "a.example.": {}, "xn--mnchen-3ya.example": {},
		"xn--80ak6aa92e.com":                   {}, // аррӏе: wholly Cyrillic
		"xn--pypal-4ve.com":                    {TextFlaws: TextFlaws{MixedScript: true}},
		"xn--ab-g4t.example":                   {Character: true}, // a, U+202E, b
		"XN--PYPAL-4VE.com":                    {TextFlaws: TextFlaws{MixedScript: true}},
		"a\x00b.example":                       {TextFlaws: TextFlaws{NUL: true}, Character: true},
		"a b.example":                          {Space: true, Character: true},
		" a.example":                           {Space: true, Character: true},
		"münchen.example":                      {NonASCII: true, Character: true},
		"192.0.2.1":                            {IP: true},
		"2001:db8::1":                          {IP: true, Character: true},
		"a*.example":                           {Wildcard: true},
		"a.*.example":                          {Wildcard: true},
		"*":                                    {Wildcard: true},
		"**.example":                           {Wildcard: true},
		"":                                     {Empty: true},
		"a..example":                           {Empty: true},
		".example":                             {Empty: true},
		"http://a.example/":                    {Character: true},
		"xn--" + strings.Repeat("z9", 100_000): {},
	} {
		got := CheckDNSName(name)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("CheckDNSName(%.40q) (-want +got):\n%s", name, diff)
		}
	}
}

// FuzzName checks that text for display has nothing in it that a terminal
// obeys, and that normalising is stable.
func FuzzName(f *testing.F) {
	for _, der := range roots(f)[:20] {
		f.Add(Parse(der).Subject.Raw)
	}
	f.Add(cn("a\u202eb\x00\x1b"))
	f.Add(seq(attr(OIDCommonName, idBMP, "\xd8\x00\x00"), attr("\x80", 0x9f, "x")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := Name{Raw: raw}
		s := n.String()
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("String() = %q holds what is not printable", s)
		}
		attrs := n.Attributes()
		if n.Empty() != (len(attrs) == 0) {
			t.Errorf("Empty() = %v with %d attributes", n.Empty(), len(attrs))
		}
		for _, a := range attrs {
			within(t, raw, a.Value)
			if !utf8.ValidString(a.Text) {
				t.Errorf("Text = %q is not UTF-8", a.Text)
			}
			once := NormalText(a.Text)
			if strings.ToUpper(once) == once && NormalText(once) != once {
				t.Errorf("NormalText(%q) = %q, again %q", a.Text, once, NormalText(once))
			}
		}
		if n.Normal() != (Name{Raw: slices.Clone(raw)}).Normal() {
			t.Error("Normal() differs from run to run")
		}
		n.Check()
	})
}
