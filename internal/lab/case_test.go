package lab

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// renamed are the cases whose subject is itself what is odd, so that it cannot be
// the twin's.
var renamed = []string{
	"name-mismatch", "cn-nul", "cn-not-in-san", "o-control", "o-bidi", "o-mixed-script", "o-bad-string", "o-teletex",
	"c2-cobalt-strike", "default-values-openssl",
}

// TestTwins holds every forgery against its honest twin: same host, same subject,
// and a want of "ok", so that no rule can pass by accusing everything.
func TestTwins(t *testing.T) {
	cases := Cases()
	byName := map[string]Case{}
	for _, c := range cases {
		if _, ok := byName[c.Name]; ok {
			t.Errorf("two cases are called %s", c.Name)
		}
		byName[c.Name] = c
	}
	for _, c := range cases {
		if c.Want == "ok" {
			if c.Twin != "" || len(c.Tells) != 0 || len(c.Rules) != 0 {
				t.Errorf("%s: an honest case with a twin, tells or rules", c.Name)
			}
			continue
		}
		twin, ok := byName[c.Twin]
		switch {
		case !ok || twin.Want != "ok":
			t.Errorf("%s: twin %q is no honest case", c.Name, c.Twin)
		case twin.Host != c.Host || !twin.At.Equal(c.At):
			t.Errorf("%s: twin %s is for another host or time", c.Name, c.Twin)
		case bytes.Equal(subject(t, twin.Chain[0]), subject(t, c.Chain[0])) == slices.Contains(renamed, c.Name):
			t.Errorf("%s: its subject and that of twin %s are not as they should be", c.Name, c.Twin)
		case len(c.Tells) == 0:
			t.Errorf("%s: no tell", c.Name)
		}
	}
}

// beyond says that crypto/x509 does not look at what is wrong: it knows nothing
// of logs, of keys that others have, of several signatures together, of registries, and
// not what follows a signature.
func beyond(c Case) bool {
	return slices.ContainsFunc(c.Rules, func(rule string) bool {
		return strings.HasPrefix(rule, "sct-") || strings.HasPrefix(rule, "key-") ||
			rule == "signature-nonce-reuse" || rule == "signature-malleated" || rule == "encoding-appended" || rule == "chain-foreign-tail" || rule == "name-wildcard-registry"
	})
}

// TestStandardLibrary asks crypto/x509 for a second opinion: it accepts what is
// honest and nothing that wants an accusation, unless it does not look.
func TestStandardLibrary(t *testing.T) {
	for _, c := range Cases() {
		err := verify(c)
		switch c.Want {
		case "ok":
			if err != nil {
				t.Errorf("%s: Verify = %v, want nil", c.Name, err)
			}
		case "forged", "suspicious", "inconclusive":
			if err == nil && !beyond(c) {
				t.Errorf("%s: Verify accepts what wants %s", c.Name, c.Want)
			}
		case "":
		default:
			t.Errorf("%s: want %q is no verdict", c.Name, c.Want)
		}
	}
}

func verify(c Case) error {
	leaf, err := x509.ParseCertificate(c.Chain[0])
	if err != nil {
		return err
	}
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), DNSName: c.Host, CurrentTime: c.At}
	options.Roots.AppendCertsFromPEM(PEM(c.Roots...))
	options.Intermediates.AppendCertsFromPEM(PEM(c.Chain[1:]...))
	_, err = leaf.Verify(options)
	return err
}

// TestOddities looks for the one odd thing that each of these cases is about.
func TestOddities(t *testing.T) {
	byName := map[string]Case{}
	for _, c := range Cases() {
		byName[c.Name] = c
	}
	holds := func(part string) func(Case) bool {
		return func(c Case) bool { return bytes.Contains(c.Chain[0], []byte(part)) }
	}
	serial := func(octets ...byte) func(Case) bool {
		return holds(string(append([]byte{2, byte(len(octets))}, octets...)))
	}
	ownKey := func(c Case) bool {
		leaf, err := x509.ParseCertificate(c.Chain[0])
		return err == nil && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil &&
			!bytes.Equal(leaf.RawSubject, leaf.RawIssuer)
	}
	for name, shown := range map[string]func(Case) bool{
		"own-key-mitmproxy":                ownKey,
		"own-key-mitmproxy-upstream-chain": ownKey,
		"own-key-squid":                    ownKey,
		"own-key-genuine-issuer":           ownKey,
		"honest":                           func(c Case) bool { return !ownKey(c) },
		"serial-negative":                  holds("\x02\x12\xff\x21"),
		"serial-zero":                      serial(0),
		"serial-empty":                     holds("\x02\x01\x02\x02\x00"),
		"serial-ettercap":                  serial(0, 0xe7, 0x7e, 0xe7, 0x7e),
		"c2-cobalt-strike":                 serial(0x08, 0xbb, 0x00, 0xee),
		"md5":                              holds("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"),
		"sha1":                             holds("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"),
		"san-nul":                          holds("time.lab.example\x00.evil.example"),
		"cn-nul":                           holds("time.lab.example\x00.evil.example"),
		"san-ip-as-dns":                    holds("\x82\x09192.0.2.1"),
		"o-control":                        holds("\x1b[31m"),
		"o-bidi":                           holds("\u202e"),
		"v1-bare":                          func(c Case) bool { return !holds("\x55\x1d")(c) },
		"duplicate-extension":              func(c Case) bool { return bytes.Count(c.Chain[0], []byte{0x55, 0x1d, 17}) == 2 },
		"algorithm-mismatch": func(c Case) bool {
			return bytes.Count(c.Chain[0], SHA256ECDSA.ID()) == 1 && holds(string(SHA384ECDSA.ID()))(c)
		},
		"impostor-chain":             sameKeyIDOtherKey(1),
		"impostor-chain-root-served": sameKeyIDOtherKey(2),
	} {
		c, ok := byName[name]
		if !ok || !shown(c) {
			t.Errorf("%s: does not show what it is about", name)
		}
	}
}

// sameKeyIDOtherKey says whether the certificate at i has the name and key
// identifier of the honest chain's, and another key.
func sameKeyIDOtherKey(i int) func(Case) bool {
	return func(c Case) bool {
		l := New(Config{})
		genuine, err := x509.ParseCertificate([][]byte{l.Leaf, l.Intermediate.DER, l.Root.DER}[i])
		if err != nil {
			return false
		}
		impostor, err := x509.ParseCertificate(c.Chain[i])
		return err == nil && bytes.Equal(genuine.RawSubject, impostor.RawSubject) &&
			bytes.Equal(genuine.SubjectKeyId, impostor.SubjectKeyId) &&
			!bytes.Equal(genuine.RawSubjectPublicKeyInfo, impostor.RawSubjectPublicKeyInfo)
	}
}

// subject finds the subject without a parser that could refuse.
func subject(t *testing.T, der []byte) []byte {
	t.Helper()
	var certificate, tbs, name cryptobyte.String
	s := cryptobyte.String(der)
	ok := s.ReadASN1(&certificate, asn1.SEQUENCE) && certificate.ReadASN1(&tbs, asn1.SEQUENCE) &&
		tbs.SkipOptionalASN1(asn1.Tag(0).ContextSpecific().Constructed()) && tbs.SkipASN1(asn1.INTEGER) &&
		tbs.SkipASN1(asn1.SEQUENCE) && tbs.SkipASN1(asn1.SEQUENCE) && tbs.SkipASN1(asn1.SEQUENCE) &&
		tbs.ReadASN1Element(&name, asn1.SEQUENCE)
	if !ok {
		t.Fatal("no subject found")
	}
	return name
}

func TestHolds(t *testing.T) {
	for _, tt := range []struct {
		want, verdict string
		holds         bool
	}{
		{"ok", "ok", true}, {"ok", "suspicious", false}, {"ok", "inconclusive", false},
		{"suspicious", "suspicious", true}, {"suspicious", "forged", true}, {"suspicious", "ok", false},
		{"suspicious", "inconclusive", false},
		{"forged", "forged", true}, {"forged", "suspicious", false},
		{"", "ok", true}, {"", "forged", true},
	} {
		if got := (Case{Want: tt.want}).Holds(tt.verdict); got != tt.holds {
			t.Errorf("Case{Want: %q}.Holds(%q) = %v, want %v", tt.want, tt.verdict, got, tt.holds)
		}
	}
}
