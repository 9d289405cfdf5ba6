package lab

import (
	"encoding/binary"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// validity are leaves of the honest CA that are out of their time, or have too
// much of it.
func (l *Lab) validity() []Case {
	lasting := func(from, to time.Duration) func(*Template) {
		return func(t *Template) { t.NotBefore, t.NotAfter = l.At.Add(from), l.At.Add(to) }
	}
	return []Case{
		l.odd("expired", "", "notAfter has passed", lasting(-100*day, -10*day)).firing("time-expired"),
		l.odd("not-yet-valid", "", "notBefore is to come", lasting(10*day, 100*day)).firing("time-not-yet-valid"),
		l.odd("too-long", "", "825 days where 200 are allowed", lasting(-30*day, 795*day)),
		l.odd("ends-before-it-begins", "", "notAfter is before notBefore", lasting(10*day, -10*day)).firing("time-inverted"),
	}
}

// weak are leaves with keys or signatures that nobody may issue any more.
func (l *Lab) weak() []Case {
	rsa := New(Config{Host: l.Host, At: l.At, RSA: true})
	signed := func(name, tell string, algorithm Algorithm) Case {
		c := rsa.forged(name, "suspicious", []string{tell, "no library accepts the signature"},
			rsa.LeafTemplate().Sign(rsa.Intermediate.Key, algorithm), rsa.Intermediate.DER)
		c.Twin = "honest-rsa"
		return c
	}
	sha1 := l.forged("sha1-ecdsa", "suspicious", []string{"SHA-1 signature"},
		l.LeafTemplate().Sign(l.Intermediate.Key, SHA1ECDSA), l.Intermediate.DER)
	return []Case{
		signed("md5", "MD5 signature", MD5RSA).firing("signature-md5"),
		signed("sha1", "SHA-1 signature", SHA1RSA).firing("signature-sha1", "signature-sha1-after-sunset"),
		sha1.firing("signature-sha1", "signature-sha1-after-sunset"),
		l.odd("rsa-1024", "", "RSA key of 1024 bits", func(t *Template) {
			t.Key = WeakKey()
			t.Set(SKI(t.Key.ID))
		}).firing("key-rsa-short"),
	}
}

// keyIDs are leaves whose key identifiers contradict the keys.
func (l *Lab) keyIDs() []Case {
	return []Case{
		l.odd("ski-of-another-key", "", "SKI is not of this key", func(t *Template) { t.Set(SKI(ForgedKey().ID)) }),
		l.odd("ski-of-the-issuer", "", "leaf and issuer share one SKI over two keys", func(t *Template) { t.Set(SKI(l.Intermediate.KeyID)) }).firing("key-identifier-reused"),
		l.odd("aki-of-another-key", "", "AKI is not the issuer's SKI", func(t *Template) { t.Set(AKI(ForgedKey().ID)) }),
		l.odd("bare-profile", "", "no AIA, CRL, policy, EKU, KU, SKI or AKI", func(t *Template) { t.Keep(IDSAN) }).firing("issuance-no-aki"),
	}
}

// serials are leaves of the honest CA with odd serial numbers.
func (l *Lab) serials() []Case {
	serial := func(name, tell string, octets []byte) Case {
		return l.odd(name, "", tell, func(t *Template) { t.Serial = octets })
	}
	milliseconds := binary.BigEndian.AppendUint64(nil, uint64(l.LeafTemplate().NotBefore.UnixMilli()))[2:]
	return []Case{
		serial("serial-negative", "serial below zero", append([]byte{0xff, 0x21}, SerialOf("negative")...)).firing("encoding-serial-negative"),
		serial("serial-zero", "serial zero", []byte{0}),
		serial("serial-empty", "serial without content", []byte{}).firing("encoding-serial-zero", "encoding-not-der"),
		serial("serial-short", "serial of 27 bits", []byte{0x05, 0x1b, 0x3c, 0x77}),
		serial("serial-padded", "serial with a needless zero octet", append([]byte{0}, SerialOf("padded")...)).firing("encoding-not-der"),
		serial("serial-time", "serial is notBefore in milliseconds", milliseconds).firing("encoding-serial-timestamp"),
		l.ettercap(),
	}
}

// ettercap has the shape that its source gives: serial e77ee77e, the genuine
// issuer's name kept, of the extensions only the AKI with two octets overwritten,
// SHA-1, and a certificate behind it that did not sign it.
func (l *Lab) ettercap() Case {
	t := l.LeafTemplate()
	t.Serial, t.Key = []byte{0x00, 0xe7, 0x7e, 0xe7, 0x7e}, InterceptorKey()
	id := append([]byte(nil), l.Intermediate.KeyID...)
	id[3], id[4] = 0xe7, 0x7e // octets 7 and 8 of the extension's value
	t.Set(AKI(id))
	t.Keep(IDAKI)
	return l.forged("serial-ettercap", "suspicious", []string{"serial e77ee77e", "signed by its own key", "SHA-1", "no SAN"},
		t.Sign(InterceptorKey(), SHA1RSA)).firing("encoding-serial-magic", "chain-leaf-signed-by-own-key")
}

// names are leaves whose names try to be read as something else.
func (l *Lab) names() []Case {
	organization := func(name, tell, value string, tag asn1.Tag) Case {
		return l.odd(name, "", tell, func(t *Template) {
			t.Subject = DN(Attr{"O", value, tag}, Attr{"CN", l.Host, 0})
		})
	}
	nul := l.odd("san-nul", "suspicious", "dNSName with a NUL before another domain", func(t *Template) {
		t.Set(SAN(l.Host + "\x00.evil.example"))
	})
	mixed := New(Config{Host: "xn--80akhbyknj4f.example", At: l.At}).odd("san-mixed-script", "", "a label mixes Latin and Cyrillic", func(t *Template) {
		t.Set(SAN("xn--80akhbyknj4f.example", "xn--pypal-4ve.example")) // "p\u0430ypal"
	})
	mixed.Twin = "honest-idn"
	return []Case{
		nul.firing("name-nul"), mixed.firing("name-mixed-script"),
		l.odd("san-wildcard-registry", "suspicious", "a wildcard over everybody's names", func(t *Template) { t.Set(SAN(l.Host, "*.co.uk")) }).firing("name-wildcard-registry"),
		l.odd("cn-nul", "", "commonName with a NUL", func(t *Template) { t.Subject = Named("CN=" + l.Host + "\x00.evil.example") }).firing("name-nul"),
		l.odd("cn-not-in-san", "", "commonName is another host than the SANs", func(t *Template) { t.Subject = Named("CN=www.bank.example") }).firing("name-cn-not-in-san"),
		l.odd("san-control", "", "dNSName with an escape sequence", func(t *Template) { t.Set(SAN(l.Host, "\x1b[2J.lab.example")) }).firing("name-control-character"),
		l.odd("san-ip-as-dns", "", "dNSName that is an IP address", func(t *Template) { t.Set(DNSNames(l.Host, "192.0.2.1")) }).firing("name-ip-as-dns"),
		organization("o-control", "organization with an escape sequence", "Lab\x1b[31mForged\x1b[0m", 0).firing("name-control-character"),
		organization("o-bidi", "organization with a bidirectional override", "Lab \u202eetsurT\u202c Services", 0).firing("name-bidi"),
		organization("o-mixed-script", "organization mixes Latin and Cyrillic", "L\u0430b Trust Services", 0).firing("name-mixed-script"),
		organization("o-bad-string", "UTF8String that is not UTF-8", "Lab \xff\xfe", 0).firing("name-malformed"),
		organization("o-teletex", "TeletexString of Latin-1 octets", "Caf\xe9 Lab", asn1.T61String),
	}
}

// encodings are leaves that parsers refuse or read differently.
func (l *Lab) encodings() []Case {
	duplicate := l.LeafTemplate()
	duplicate.Extensions = append(duplicate.Extensions, SAN("evil.example"))
	return []Case{
		l.odd("v1-with-extensions", "", "version 1 with extensions", func(t *Template) { t.Version = 1 }).firing("encoding-extensions-in-old-version"),
		l.forged("v1-bare", "suspicious", []string{"version 1, no name to match"}, l.v1Bare(), l.Intermediate.DER),
		l.forged("duplicate-extension", "", []string{"two subjectAltName extensions"}, l.Issue(duplicate), l.Intermediate.DER).
			firing("encoding-duplicate-extension", "encoding-parsers-disagree"),
		l.odd("algorithm-mismatch", "", "the algorithm inside is not the one outside", func(t *Template) { t.Inner = SHA384ECDSA }).firing("signature-algorithm-mismatch"),
		l.forged("trailing-data", "", []string{"octets follow the certificate"}, append(append([]byte(nil), l.Leaf...), 0, 0), l.Intermediate.DER).
			firing("encoding-trailing-data", "encoding-no-parser-accepts"),
		l.forged("appended", "suspicious", []string{"a fourth value behind the signature"}, appended(l.Leaf), l.Intermediate.DER).firing("encoding-appended"),
		l.odd("unknown-critical", "", "critical extension that nobody knows", func(t *Template) {
			t.Set(Extension{ID: "1.3.6.1.4.1.55555.1", Critical: true, Value: []byte{5, 0}})
		}).firing("encoding-unknown-critical"),
	}
}

// appended is a certificate with a fourth value behind the signature: it still
// verifies, and has another hash.
func appended(der []byte) []byte {
	body := cryptobyte.String(der)
	if !body.ReadASN1(&body, asn1.SEQUENCE) {
		panic("lab: a certificate of our own is no sequence")
	}
	return sequence(func(b *cryptobyte.Builder) {
		b.AddBytes(body)
		b.AddASN1OctetString([]byte("nobody signed this"))
	})
}

func (l *Lab) v1Bare() []byte {
	t := l.LeafTemplate()
	t.Version, t.Extensions = 1, nil
	return t.Sign(l.Intermediate.Key, "")
}
