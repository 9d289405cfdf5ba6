package clock

import (
	"encoding/binary"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
)

// A variant is a change of an honest leaf, and who signs it with what.
type variant struct {
	edit func(*lab.Template)
	key  *lab.Key
	alg  lab.Algorithm
}

func edit(f func(*lab.Template)) variant { return variant{edit: f} }

func set(e ...lab.Extension) variant { return edit(func(t *lab.Template) { t.Set(e...) }) }

func drop(ids ...string) variant { return edit(func(t *lab.Template) { t.Drop(ids...) }) }

func names(n ...string) variant { return set(lab.SAN(n...)) }

// spki makes a key of another algorithm; the numbers in it mean nothing.
func spki(oid string, parameters string, public []byte) variant {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(oid)) })
			b.AddBytes([]byte(parameters))
		})
		b.AddASN1BitString(public)
	})
	return edit(func(t *lab.Template) { t.SPKI = b.BytesOrPanic() })
}

func rsaKey(bits uint, exponent int64) variant {
	var b cryptobyte.Builder
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(n.Add(n, big.NewInt(1)))
		b.AddASN1Int64(exponent)
	})
	return spki("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "\x05\x00", b.BytesOrPanic())
}

// scts embeds one SCT, which nobody signed, of a log.
func scts(log [32]byte, extensions ...byte) variant {
	s := ct.SCT{LogID: log, Time: noon, Extensions: extensions, Hash: 4, Algorithm: 3, Signature: []byte{0x30, 0}}
	one := s.Append(nil)
	list := binary.BigEndian.AppendUint16(nil, uint16(len(one)+2))
	list = append(binary.BigEndian.AppendUint16(list, uint16(len(one))), one...)
	var b cryptobyte.Builder
	b.AddASN1OctetString(list)
	return set(lab.Extension{ID: lab.IDSCTs, Value: b.BytesOrPanic()})
}

// shard is a log of one period whose first state is on record.
func shard(t testing.TB) *ct.Log {
	t.Helper()
	for _, l := range ct.Known().Logs() {
		if !l.From.IsZero() && len(l.States) > 0 && l.States[0].State == ct.Qualified {
			return l
		}
	}
	t.Fatal("no log with a period is known")
	return nil
}

const null = "\x05\x00"

// makers has for every trait what has it.
func makers(t testing.TB) map[string]variant {
	ev, ov := "2.23.140.1.1", "2.23.140.1.2.2"
	return map[string]variant{
		"sct-list":             scts([32]byte{1}),
		"leaf-index":           scts([32]byte{1}, 0, 0, 5, 0, 0, 0, 0, 42),
		"log-shard":            scts(shard(t).ID),
		"must-staple":          set(lab.Extension{ID: "1.3.6.1.5.5.7.1.24", Value: []byte{0x30, 3, 2, 1, 5}}),
		"delegated-credential": set(lab.Extension{ID: "1.3.6.1.4.1.44363.44", Value: []byte(null)}),
		"cabf-policy":          set(lab.Policies(ov)),
		"cabf-policy-iv":       set(lab.Policies("2.23.140.1.2.3")),
		"organization-id":      set(lab.Extension{ID: "2.23.140.3.1", Value: []byte{0x30, 0}}),
		"onion-descriptor":     set(lab.Extension{ID: "2.23.140.1.31", Value: []byte{0x30, 0}}),
		"ed25519":              spki(oidEd25519, "", make([]byte, 32)),
		"ml-dsa":               spki(nistSignatures+"\x12", "", make([]byte, 32)),
		"slh-dsa":              spki(nistSignatures+"\x1f", "", make([]byte, 32)),
		"rsa-pss":              spki(oidPSS, "", make([]byte, 32)),
		"sha2":                 {key: lab.IssuingRSAKey(), alg: lab.SHA256RSA},
		"ecdsa-sha2":           {key: lab.LeafKey(), alg: lab.SHA256ECDSA},
		"sha3":                 spki(nistSignatures+"\x0a", "", make([]byte, 32)),

		"version":             edit(func(t *lab.Template) { t.Version = 2 }),
		"md5":                 {key: lab.IssuingRSAKey(), alg: lab.MD5RSA},
		"sha1":                {key: lab.IssuingRSAKey(), alg: lab.SHA1RSA},
		"signature-algorithm": {edit: func(t *lab.Template) {}, alg: "ed25519"},
		"rsa-size":            rsaKey(2047, 65537),
		"rsa-exponent":        rsaKey(2048, 65536),
		"key-algorithm":       spki(oidEd25519, "", make([]byte, 32)),
		"serial":              edit(func(t *lab.Template) { t.Serial = []byte{1, 2, 3, 4} }),
		"validity":            edit(func(t *lab.Template) { t.NotAfter = t.NotBefore.Add(1900 * day) }),
		"internal-name":       names("a.example.com", "intranet"),
		"underscore":          names("a_b.example.com"),
		"reserved-label":      names("ab--cd.example.com"),
		"reverse-zone":        names("1.2.0.192.in-addr.arpa"),
		"organizational-unit": edit(func(t *lab.Template) { t.Subject = lab.Named("OU=x, CN=time.lab.example") }),
		"no-eku":              drop(lab.IDExtKeyUsage),
		"any-eku":             set(lab.ExtKeyUsage(lab.ServerAuth, "2.5.29.37.0")),
		"no-aki":              drop(lab.IDAKI),
		"no-policy":           drop(lab.IDPolicies),
		"no-cabf-policy":      set(lab.Policies("1.2.3")),
		"no-ocsp":             drop(lab.IDAIA),
		"no-revocation":       drop(lab.IDAIA, lab.IDCRLPoints),
		"dv-organization":     edit(func(t *lab.Template) { t.Subject = lab.Named("O=x, CN=time.lab.example") }),
		"ev-wildcard":         set(lab.Policies(ev), lab.SAN("*.example.com")),
	}
}

// made is an honest leaf with a change, and with these dates.
func made(m variant, notBefore time.Time) *cert.Certificate {
	l := lab.New(lab.Config{})
	t := l.LeafTemplate()
	t.NotBefore, t.NotAfter = notBefore, notBefore.Add(40*day)
	key, alg := l.Intermediate.Key, m.alg
	if m.key != nil {
		key = m.key
	}
	if m.edit != nil {
		m.edit(&t)
	}
	if alg == "ed25519" {
		// A lone identifier says which algorithm it would be.
		der := t.Sign(key, lab.SHA256ECDSA)
		return cert.Parse([]byte(strings.ReplaceAll(string(der), string(lab.SHA256ECDSA.ID()), "\x30\x0a\x06\x08\x2b\x06\x01\x04\x01\x82\x37\x63")))
	}
	return cert.Parse(t.Sign(key, alg))
}

// Each trait is found on its side of its date, and not on the other.
func TestTraits(t *testing.T) {
	makers := makers(t)
	// The day decides about a shard by its log, about short-lived ones by length.
	for _, table := range []struct {
		name   string
		traits []trait
		list   func(*facts.Profile) []string
		before bool // found before the date
	}{
		{"novelties", novelties, func(f *facts.Profile) []string { return f.TooNew }, true},
		{"demands", demands, func(f *facts.Profile) []string { return f.Broken }, false},
	} {
		for _, tr := range table.traits {
			t.Run(tr.name, func(t *testing.T) {
				m, ok := makers[tr.name]
				if !ok {
					t.Fatal("no test makes this trait")
				}
				from := tr.from
				if tr.name == "log-shard" {
					from = shard(t).States[0].Since.Truncate(time.Second).Add(-shardSlack)
				}
				for _, at := range []time.Time{from.Add(-time.Second), from} {
					f := Profile(made(m, at), false, ct.Known())
					if f == nil {
						t.Fatal("the profile is unknown")
					}
					want := at.Before(from) == table.before
					if got := slices.Contains(table.list(f), tr.name); got != want {
						t.Errorf("at %s found = %v, want %v", at.Format(time.DateTime), got, want)
					}
				}
				if !tr.until.IsZero() && slices.Contains(table.list(Profile(made(m, tr.until), false, nil)), tr.name) {
					t.Error("found after the rule had ended")
				}
				doc, _ := reflect.TypeFor[facts.Profile]().FieldByName(map[bool]string{true: "TooNew", false: "Broken"}[table.before])
				if !strings.Contains(doc.Tag.Get("doc"), tr.name) {
					t.Error("the vocabulary does not name it")
				}
			})
		}
	}
}

// What an honest CA issues today, and near misses of each trait, have none.
func TestHonestProfile(t *testing.T) {
	for _, tt := range []struct {
		name   string
		m      variant
		server bool
	}{
		{"as issued", variant{}, true},
		{"with SCTs of today", scts([32]byte{1}, 0, 0, 5, 0, 0, 0, 0, 42), true},
		{"an address of the public Internet", names("192.0.2.1"), true},
		{"a wildcard", names("*.example.com"), true},
		{"an A-label", names("xn--bcher-kva.example"), true},
		{"validated organization", edit(func(t *lab.Template) {
			t.Subject = lab.Named("O=x, CN=time.lab.example")
			t.Set(lab.Policies("2.23.140.1.2.2"))
		}), true},
		{"no OCSP, but a CRL", drop(lab.IDAIA), true},
		{"RSA with 2048 bits", rsaKey(2048, 65537), true},
		{"a client's certificate is bound by none", edit(func(t *lab.Template) {
			t.Drop(lab.IDAKI, lab.IDPolicies)
			t.Set(lab.ExtKeyUsage(lab.ClientAuth))
		}), false},
		{"nor is a self-signed one", edit(func(t *lab.Template) { t.Issuer, t.Serial = t.Subject, []byte{1} }), true},
		{"nor a CA", edit(func(t *lab.Template) { t.Set(lab.Basic(true, -1)); t.Serial = []byte{1} }), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := Profile(made(tt.m, noon), false, ct.Known())
			if f == nil || len(f.TooNew)+len(f.Broken) > 0 || f.Server != tt.server {
				t.Errorf("Profile() = %+v, want nothing, server %v", f, tt.server)
			}
		})
	}
}

// Short-lived certificates need no revocation, and the day decides what is short.
func TestShortLived(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   time.Time
		life time.Duration
		want bool
	}{
		{"ten days in 2025", date(2025, 1, 1), 10 * day, false},
		{"a second more", date(2025, 1, 1), 10*day + time.Second, true},
		{"seven days in 2026", date(2026, 4, 1), 7 * day, false},
		{"eight", date(2026, 4, 1), 8 * day, true},
	} {
		m := edit(func(t *lab.Template) {
			t.Drop(lab.IDAIA, lab.IDCRLPoints)
			t.NotAfter = t.NotBefore.Add(tt.life - time.Second)
		})
		if got := slices.Contains(Profile(made(m, tt.at), false, nil).Broken, "no-revocation"); got != tt.want {
			t.Errorf("%s: no-revocation = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestProfileOfIssuers(t *testing.T) {
	signer := set(lab.ExtKeyUsage("1.3.6.1.4.1.11129.2.4.4"), lab.Basic(true, 0))
	for _, tt := range []struct {
		name string
		m    variant
		at   time.Time
		want []string
	}{
		{"before the end", signer, noPrecertSigners.Add(-time.Second), []string{}},
		{"after it", signer, noPrecertSigners, []string{"precertificate-signer"}},
		{"an ordinary CA", set(lab.Basic(true, 0)), noon, []string{}},
	} {
		if f := Profile(made(tt.m, tt.at), true, nil); !slices.Equal(f.Broken, tt.want) {
			t.Errorf("%s: broken = %q, want %q", tt.name, f.Broken, tt.want)
		}
	}
	if f := Profile(cert.Parse([]byte("no certificate")), false, nil); f != nil {
		t.Errorf("Profile() of garbage = %+v, want unknown", f)
	}
}

func BenchmarkProfile(b *testing.B) {
	c := made(scts(shard(b).ID, 0, 0, 5, 0, 0, 0, 0, 42), noon)
	b.ReportAllocs()
	for b.Loop() {
		Profile(c, false, ct.Known())
	}
}
