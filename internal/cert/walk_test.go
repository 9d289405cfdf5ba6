package cert

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRoots(t *testing.T) {
	for _, der := range roots(t) {
		c := Parse(der)
		if c.Err != nil || c.Key.Err != nil || c.ExtensionsErr != nil || c.SignatureErr != nil {
			t.Errorf("Parse(%s): errors %v, %v, %v, %v", c.Subject, c.Err, c.Key.Err, c.ExtensionsErr, c.SignatureErr)
		}
		// One root has a GeneralizedTime in 2046.
		if q := c.Quirks &^ TimeOutOfForm; q != 0 {
			t.Errorf("Parse(%s): quirks %v, want none", c.Subject, q.Strings())
		}
		if d := c.Disagreements(c.Libraries()); d != nil {
			t.Errorf("Disagreements(%s) = %v, want none", c.Subject, d)
		}
		if !c.SelfIssued() || !c.BasicConstraints().Value.CA && c.Version == 3 {
			t.Errorf("Parse(%s): not a self-issued CA", c.Subject)
		}
		if got, err := c.CheckSignature(&c.Key); got != Verified {
			t.Errorf("CheckSignature(%s) = %v, %v, want verified", c.Subject, got, err)
		}
	}
}

// odd are certificates made by surgery on a baseline, with what must be said
// about each.
var odd = []struct {
	name     string
	change   func(*parts)
	after    func([]byte) []byte
	quirks   []string
	statuses string // of stdlib, zcrypto and ctgo
	differ   []string
}{
	{name: "baseline", statuses: "ok ok ok"},
	{name: "negative serial", change: func(p *parts) { p.serial = []byte{2, 1, 0x85} }, statuses: "ok ok ok"},
	{name: "non-minimal serial", change: func(p *parts) { p.serial = []byte{2, 2, 0, 1} },
		quirks: []string{"non-minimal-integer"}, statuses: "error error ok"},
	{name: "empty serial", change: func(p *parts) { p.serial = []byte{2, 0} },
		quirks: []string{"empty-integer"}, statuses: "error error error"},
	{name: "long serial", change: func(p *parts) { p.serial = tlv(2, bytes.Repeat([]byte{7}, 21)) },
		quirks: []string{"long-serial"}, statuses: "ok ok ok"},
	{name: "explicit version 1", change: func(p *parts) { p.version, p.exts = []byte{0xa0, 3, 2, 1, 0}, nil },
		quirks: []string{"explicit-default"}, statuses: "ok ok ok"},
	{name: "version 4", change: func(p *parts) { p.version = []byte{0xa0, 3, 2, 1, 3} },
		quirks: []string{"unknown-version"}, statuses: "error ok ok"},
	{name: "huge version", change: func(p *parts) { p.version = []byte{0xa0, 4, 2, 2, 1, 0} },
		quirks: []string{"unknown-version"}, statuses: "error ok ok", differ: []string{"version"}},
	{name: "extensions in version 1", change: func(p *parts) { p.version = nil },
		quirks: []string{"extensions-in-old-version"}, statuses: "ok ok ok", differ: []string{"dns_names"}},
	{name: "SAN tag of class application", change: func(p *parts) { p.exts = [][]byte{sanExt(str(0x42, "evil.example"))} },
		quirks: []string{"odd-general-name"}, statuses: "ok ok ok", differ: []string{"dns_names"}},
	{name: "SAN tag universal", change: func(p *parts) { p.exts = [][]byte{sanExt(str(0x02, "evil.example"))} },
		quirks: []string{"odd-general-name"}, statuses: "ok ok ok", differ: []string{"dns_names"}},
	{name: "SAN constructed", change: func(p *parts) { p.exts = [][]byte{sanExt(tlv(0xa2, str(idIA5, "evil.example")))} },
		quirks: []string{"odd-general-name"}, statuses: "ok ok ok", differ: []string{"dns_names"}},
	{name: "SAN twice", change: func(p *parts) { p.exts = append(p.exts, sanExt(dnsName("evil.example"))) },
		quirks: []string{"duplicate-extension"}, statuses: "error ok ok", differ: []string{"dns_names"}},
	{name: "SAN without names", change: func(p *parts) { p.exts = [][]byte{sanExt()} },
		quirks: []string{"empty-alt-names"}, statuses: "ok ok ok"},
	{name: "SAN with a second list", change: func(p *parts) {
		p.exts = [][]byte{ext(OIDSubjectAltName, append(seq(dnsName("a.example")), seq(dnsName("evil.example"))...))}
	}, quirks: []string{"trailing-in-value"}, statuses: "ok ok error"},
	{name: "BER boolean", change: func(p *parts) {
		p.exts = append(p.exts, ext(OIDBasicConstraints, []byte{0x30, 3, 1, 1, 1}))
	}, quirks: []string{"boolean-not-der"}, statuses: "error ok error", differ: []string{"is_ca"}},
	{name: "explicit FALSE", change: func(p *parts) {
		p.exts = append(p.exts, ext(OIDBasicConstraints, []byte{0x30, 3, 1, 1, 0}))
	}, quirks: []string{"explicit-default"}, statuses: "ok ok ok"},
	{name: "negative path length", change: func(p *parts) {
		p.exts = append(p.exts, ext(OIDBasicConstraints, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0xff}))
	}, statuses: "error ok ok"},
	{name: "no extensions in the list", change: func(p *parts) { p.exts = [][]byte{} },
		quirks: []string{"empty-extensions"}, statuses: "ok ok ok"},
	{name: "garbage in a known extension", change: func(p *parts) { p.exts = append(p.exts, ext(OIDExtKeyUsage, []byte("garbage"))) },
		quirks: []string{"truncated", "value-not-der"}, statuses: "error error error"},
	{name: "algorithm differs", change: func(p *parts) { p.outer = sha256RSA },
		quirks: []string{"algorithm-mismatch"}, statuses: "error ok error"},
	{name: "empty issuer", change: func(p *parts) { p.issuer = seq() },
		quirks: []string{"empty-name"}, statuses: "ok ok ok"},
	{name: "empty set", change: func(p *parts) { p.subject = seq(tlv(idSet)) },
		quirks: []string{"empty-set"}, statuses: "ok ok ok"},
	{name: "T61String", change: func(p *parts) { p.subject = seq(attr(OIDCommonName, idT61, "caf\xe9")) },
		statuses: "ok ok ok", differ: []string{"subject_cn_t61"}},
	{name: "two common names", change: func(p *parts) {
		p.subject = seq(attr(OIDCommonName, idUTF8, "a.example"), attr(OIDCommonName, idUTF8, "b.example"))
	}, statuses: "ok ok ok"},
	{name: "time without seconds", change: func(p *parts) { p.validity = seq(str(idUTCTime, "2601010000Z"), utc2027) },
		quirks: []string{"time-not-der"}, statuses: "ok ok ok"},
	{name: "30 February", change: func(p *parts) { p.validity = seq(str(idUTCTime, "260230000000Z"), utc2027) },
		statuses: "error error error"},
	{name: "GeneralizedTime too early", change: func(p *parts) { p.validity = seq(str(idGenTime, "20260101000000Z"), utc2027) },
		quirks: []string{"generalized-time-before-2050"}, statuses: "ok ok ok"},
	{name: "indefinite length", after: func(der []byte) []byte {
		return slices.Concat([]byte{0x30, 0x80}, der[3:], []byte{0, 0})
	}, quirks: []string{"indefinite-length"}, statuses: "error error error"},
	{name: "non-minimal length", after: func(der []byte) []byte {
		return slices.Concat([]byte{0x30, 0x82, 0}, der[2:])
	}, quirks: []string{"non-minimal-length"}, statuses: "error error error"},
	{name: "trailing data", after: func(der []byte) []byte { return append(der, 0) },
		quirks: []string{"trailing-data"}, statuses: "error error error"},
	{name: "OID with a leading 0x80", change: func(p *parts) { p.exts = append(p.exts, ext("\x55\x80\x1d\x07", []byte{5, 0})) },
		quirks: []string{"non-minimal-oid"}, statuses: "error error ok"},
	{name: "unique identifier in version 1", change: func(p *parts) {
		p.version, p.exts = nil, nil
		p.spki = append(p.spki, 0x81, 2, 0, 1)
	}, quirks: []string{"unique-id-in-v1"}, statuses: "ok ok ok"},
	{name: "explicit curve", change: func(p *parts) {
		p.spki = seq(seq(oidTLV(oidEC), seq([]byte{2, 1, 1})), tlv(idBitString, []byte{0, 4}, make([]byte, 64)))
	}, statuses: "error error error"},
	{name: "RSA key with unused bits", change: func(p *parts) {
		p.spki = seq(rsaAlg, tlv(idBitString, []byte{3}, seq(integerTLV(oddNumber(1024)), []byte{2, 1, 3}), []byte{0}))
	}, quirks: []string{"trailing-in-value"}, statuses: "error skipped error"},
}

func TestOddCertificates(t *testing.T) {
	for _, tt := range odd {
		t.Run(tt.name, func(t *testing.T) {
			p := baseline()
			if tt.change != nil {
				tt.change(&p)
			}
			der := p.der()
			if tt.after != nil {
				der = tt.after(der)
			}
			c := Parse(der)
			if !c.Readable() || c.Err != nil {
				t.Errorf("Parse: readable %v, error %v", c.Readable(), c.Err)
			}
			if diff := cmp.Diff(append([]string{}, tt.quirks...), c.Quirks.Strings()); diff != "" {
				t.Errorf("Quirks (-want +got):\n%s", diff)
			}
			l := c.Libraries()
			got := strings.Join([]string{l.Stdlib.Status(), l.ZCrypto.Status(), l.CTGo.Status()}, " ")
			if got != tt.statuses {
				t.Errorf("statuses = %s, want %s (%v, %v, %v)", got, tt.statuses, l.Stdlib.Err, l.ZCrypto.Err, l.CTGo.Err)
			}
			var fields []string
			for _, d := range c.Disagreements(l) {
				fields = append(fields, d.Field)
			}
			if diff := cmp.Diff(tt.differ, fields); diff != "" {
				t.Errorf("Disagreements (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseTruncated(t *testing.T) {
	der := baseline().der()
	whole := Parse(der)
	for n := range der {
		c := Parse(der[:n])
		if c.Err == nil {
			t.Fatalf("Parse of %d of %d bytes: no error", n, len(der))
		}
		if n > bytes.Index(der, whole.SPKI)+len(whole.SPKI) && !bytes.Equal(c.SPKI, whole.SPKI) {
			t.Fatalf("Parse of %d of %d bytes lost the key", n, len(der))
		}
		if c.Subject.Raw == nil && c.Subject.Err == nil || c.SPKI == nil && c.Key.Err == nil {
			t.Fatalf("Parse of %d of %d bytes: a field has neither value nor error", n, len(der))
		}
	}
}

func TestParseOtherStructures(t *testing.T) {
	name, times := cn("x"), seq(utc2026, utc2027)
	for what, der := range map[string][]byte{
		"nothing":       nil,
		"zeros":         make([]byte, 1<<20),
		"text":          []byte("-----BEGIN CERTIFICATE-----\n"),
		"a list of CRL": seq(seq([]byte{2, 1, 1}, sha256RSA, name, utc2026, utc2027, seq()), sha256RSA, []byte{3, 1, 0}),
		"a request":     seq(seq([]byte{2, 1, 0}, name, baseline().spki, tlv(0xa0)), sha256RSA, []byte{3, 1, 0}),
		"nesting":       bytes.Repeat([]byte{0x30, 0x80}, 1<<19),
		"a key":         seq([]byte{2, 1, 0}, times, times),
	} {
		if c := Parse(der); c.Readable() || c.Err == nil || len(c.Raw) != len(der) {
			t.Errorf("Parse(%s): readable %v, error %v", what, c.Readable(), c.Err)
		}
	}
}

func TestViews(t *testing.T) {
	p := baseline()
	p.exts = [][]byte{
		criticalExt(OIDKeyUsage, []byte{3, 2, 5, 0xa0}),
		ext(OIDExtKeyUsage, seq(oidTLV(OIDServerAuth), oidTLV(OIDClientAuth))),
		criticalExt(OIDBasicConstraints, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 3}),
		ext(OIDSubjectKeyID, tlv(idOctetString, []byte("ski"))),
		ext(OIDAuthorityKeyID, seq(str(0x80, "aki"), tlv(0xa1, tlv(0xa4, cn("x"))), str(0x82, "\x05"))),
		ext(OIDAuthorityInfo, seq(seq(oidTLV(oidOCSP), str(0x86, "http://ocsp")), seq(oidTLV(oidCAIssuers), str(0x86, "http://ca")))),
		ext(OIDCRLDistribution, seq(seq(tlv(0xa0, tlv(0xa0, str(0x86, "http://crl")))))),
		ext(OIDPolicies, seq(seq(oidTLV("\x67\x81\x0c\x01\x02\x01")))),
		ext(OIDSCTList, tlv(idOctetString, []byte{0, 0})),
		criticalExt(OIDPoison, []byte{5, 0}),
		ext(OIDNetscapeComment, str(idIA5, "OpenSSL Generated Certificate")),
		criticalExt(OIDNameConstraints, seq(tlv(0xa0, seq(dnsName("example"))))),
		criticalExt("\x2a\x03\x04", []byte{5, 0}),
		sanExt(dnsName("a.example"), str(0x87, "\x7f\x00\x00\x01"), str(0x81, "a@b"), str(0x86, "urn:x")),
	}
	c := Parse(p.der())
	if c.Quirks != 0 {
		t.Errorf("Quirks = %v, want none", c.Quirks.Strings())
	}
	aki := c.AuthorityKeyID()
	got := map[string]any{
		"ku": c.KeyUsage().Value.Strings(), "eku": dotted(c.ExtKeyUsage().Value),
		"bc": c.BasicConstraints(), "ski": string(c.SubjectKeyID().Value),
		"aki": string(aki.Value.KeyID), "aki serial": aki.Value.Serial, "aki issuer": aki.Value.Issuer != nil,
		"aia": c.AuthorityInfo().Value, "crl": c.CRLDistribution().Value, "cp": dotted(c.Policies().Value),
		"sct": c.SCTList().Value, "poison": c.Poison(), "comment": c.NetscapeComment().Value,
		"nc": c.NameConstraints().Value, "unknown": dotted(c.UnknownCritical()),
		"dns": c.DNSNames(), "email": c.EmailAddresses(), "uri": c.URIs(), "ip": c.IPAddresses()[0].String(),
	}
	want := map[string]any{
		"ku": []string{"digitalSignature", "keyEncipherment"}, "eku": []string{"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"},
		"bc": View[BasicConstraints]{Present: true, Value: BasicConstraints{CA: true, PathLen: 3}}, "ski": "ski",
		"aki": "aki", "aki serial": []byte{5}, "aki issuer": true,
		"aia": AuthorityInfo{OCSP: []string{"http://ocsp"}, Issuers: []string{"http://ca"}},
		"crl": []string{"http://crl"}, "cp": []string{"2.23.140.1.2.1"},
		"sct": []byte{0, 0}, "poison": View[struct{}]{Present: true}, "comment": "OpenSSL Generated Certificate",
		"nc": true, "unknown": []string{"1.2.3.4"},
		"dns": []string{"a.example"}, "email": []string{"a@b"}, "uri": []string{"urn:x"}, "ip": "127.0.0.1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
	if bc := Parse(baseline().der()).BasicConstraints(); bc.Present || bc.Value.PathLen != -1 {
		t.Errorf("BasicConstraints of a certificate without = %+v", bc)
	}
}

func dotted(in []OID) (out []string) {
	for _, o := range in {
		out = append(out, o.String())
	}
	return out
}

func TestViewErrors(t *testing.T) {
	p := baseline()
	p.exts = [][]byte{
		ext(OIDBasicConstraints, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0xff}),
		ext(OIDKeyUsage, []byte{3, 1, 4}), ext(OIDExtKeyUsage, seq([]byte{2, 1, 1})),
		ext(OIDSubjectKeyID, nil), ext(OIDAuthorityKeyID, []byte("x")), ext(OIDPolicies, seq(seq())),
		ext(OIDPoison, []byte{5, 0}), sanExt(str(0x87, "12345")), seq(oidTLV(OIDSCTList)),
	}
	c := Parse(p.der())
	for name, err := range map[string]error{
		"BasicConstraints": c.BasicConstraints().Err, "KeyUsage": c.KeyUsage().Err, "ExtKeyUsage": c.ExtKeyUsage().Err,
		"SubjectKeyID": c.SubjectKeyID().Err, "AuthorityKeyID": c.AuthorityKeyID().Err, "Policies": c.Policies().Err,
		"Poison": c.Poison().Err, "AltNames": c.AltNames().Err, "SCTList": c.SCTList().Err,
	} {
		if err == nil {
			t.Errorf("%s of a malformed extension: no error", name)
		}
	}
	if !c.BasicConstraints().Value.CA {
		t.Error("BasicConstraints lost the CA bit before the error")
	}
}

func TestParseTime(t *testing.T) {
	day := func(y, m, d, h, mi, s int) time.Time { return time.Date(y, time.Month(m), d, h, mi, s, 0, time.UTC) }
	for _, tt := range []struct {
		id    byte
		text  string
		want  time.Time
		quirk Quirks
		bad   bool
	}{
		{id: idUTCTime, text: "260102030405Z", want: day(2026, 1, 2, 3, 4, 5)},
		{id: idUTCTime, text: "500102030405Z", want: day(1950, 1, 2, 3, 4, 5)},
		{id: idUTCTime, text: "491231235959Z", want: day(2049, 12, 31, 23, 59, 59)},
		{id: idUTCTime, text: "2601020304Z", want: day(2026, 1, 2, 3, 4, 0), quirk: TimeNotDER},
		{id: idUTCTime, text: "260102030405+0100", want: day(2026, 1, 2, 2, 4, 5), quirk: TimeNotDER},
		{id: idUTCTime, text: "260102030405-0130", want: day(2026, 1, 2, 4, 34, 5), quirk: TimeNotDER},
		{id: idUTCTime, text: "260102030460Z", want: day(2026, 1, 2, 3, 5, 0), quirk: TimeNotDER},
		{id: idGenTime, text: "20500102030405Z", want: day(2050, 1, 2, 3, 4, 5)},
		{id: idGenTime, text: "20490102030405Z", want: day(2049, 1, 2, 3, 4, 5), quirk: TimeOutOfForm},
		{id: idGenTime, text: "00000102030405Z", want: day(0, 1, 2, 3, 4, 5), quirk: TimeOutOfForm},
		{id: idGenTime, text: "20600102030405.500Z", want: day(2060, 1, 2, 3, 4, 5).Add(time.Second / 2), quirk: TimeNotDER},
		{id: idGenTime, text: "20600102030405", want: day(2060, 1, 2, 3, 4, 5), quirk: TimeNotDER},
		{id: idGenTime, text: "99991231235959Z", want: day(9999, 12, 31, 23, 59, 59)},
		{id: idUTCTime, text: "260230000000Z", bad: true},
		{id: idUTCTime, text: "261301000000Z", bad: true},
		{id: idUTCTime, text: "260132000000Z", bad: true},
		{id: idUTCTime, text: "260132000060Z", bad: true},
		{id: idUTCTime, text: "260100000000Z", bad: true},
		{id: idUTCTime, text: "260101240000Z", bad: true},
		{id: idUTCTime, text: "260101000061Z", bad: true},
		{id: idUTCTime, text: "26010100Z", bad: true},
		{id: idUTCTime, text: "26010100000aZ", bad: true},
		{id: idUTCTime, text: "260102030405+01", bad: true},
		{id: idUTCTime, text: "260102030405+9900", bad: true},
		{id: idUTCTime, text: "", bad: true},
		{id: idGenTime, text: "2060", bad: true},
		{id: idIA5, text: "260102030405Z", bad: true},
	} {
		var q Quirks
		got, err := parseTime(Element{ID: tt.id, Body: []byte(tt.text)}, &q)
		if (err != nil) != tt.bad || !got.Equal(tt.want) || !tt.bad && q != tt.quirk {
			t.Errorf("parseTime(%q) = %v, %v, quirks %v, want %v, quirks %v", tt.text, got, err, q.Strings(), tt.want, tt.quirk.Strings())
		}
	}
}

func TestOIDString(t *testing.T) {
	for in, want := range map[string]string{
		"\x2a\x86\x48\x86\xf7\x0d": "1.2.840.113549", "\x55\x1d\x11": "2.5.29.17", "\x88\x37\x03": "2.999.3",
		"\x00": "0.0", "": "hex:", "\x55\x80": "hex:5580", "\x67\x81\x0c": "2.23.140",
		"\x2a" + strings.Repeat("\xff", 9) + "\x7f":      "1.2.1180591620717411303423",
		"\x2a" + strings.Repeat("\xff", maxArc) + "\x7f": "hex:2a" + strings.Repeat("ff", maxArc) + "7f",
	} {
		if got := OID(in).String(); got != want {
			t.Errorf("OID(%x).String() = %s, want %s", in, got, want)
		}
	}
}

func TestQuirkNames(t *testing.T) {
	all := Quirks(math.MaxUint64).Strings()
	if len(all) != numQuirks || slices.Contains(all, "") {
		t.Errorf("Strings() of all quirks = %q, want %d names", all, numQuirks)
	}
	if DuplicateExtension.DER() == false || ExplicitDefault.DER() {
		t.Error("DER() takes a departure from RFC 5280 for one from DER, or the reverse")
	}
}

func TestMustStaple(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value []byte
		want  View[bool] // of Err only whether there is one
		wrong bool
	}{
		{"status_request", []byte{0x30, 3, 2, 1, 5}, View[bool]{Present: true, Value: true}, false},
		{"behind another", []byte{0x30, 6, 2, 1, 17, 2, 1, 5}, View[bool]{Present: true, Value: true}, false},
		{"before one that is no number", []byte{0x30, 6, 2, 1, 5, 4, 1, 0}, View[bool]{Present: true, Value: true}, true},
		{"status_request_v2 alone", []byte{0x30, 3, 2, 1, 17}, View[bool]{Present: true}, false},
		{"1285", []byte{0x30, 4, 2, 2, 5, 5}, View[bool]{Present: true}, false},
		{"no number", []byte{0x30, 3, 4, 1, 5}, View[bool]{Present: true}, true},
		{"empty", []byte{0x30, 0}, View[bool]{Present: true}, false},
		{"cut short", []byte{0x30, 3, 2}, View[bool]{Present: true}, true},
		{"nothing", nil, View[bool]{Present: true}, true},
	} {
		p := baseline()
		p.exts = append(p.exts, ext(OIDMustStaple, tt.value))
		got := Parse(p.der()).MustStaple()
		wrong := got.Err != nil
		if got.Err = nil; got != tt.want || wrong != tt.wrong {
			t.Errorf("%s: %+v, wrong %v; want %+v, wrong %v", tt.name, got, wrong, tt.want, tt.wrong)
		}
	}
	if got := Parse(baseline().der()).MustStaple(); got != (View[bool]{}) {
		t.Errorf("without the extension: %+v", got)
	}
}
