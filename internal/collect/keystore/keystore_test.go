package keystore

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// A hierarchy is a key with its certificate and those above.
type hierarchy struct {
	key              *ecdsa.PrivateKey
	pkcs8            []byte
	leaf, inter, top *x509.Certificate
}

func made(tb testing.TB) hierarchy {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	h := hierarchy{key: key}
	if h.pkcs8, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		tb.Fatal(err)
	}
	one := func(subject, issuer string) *x509.Certificate {
		t := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: subject},
			NotBefore: time.Unix(1.7e9, 0), NotAfter: time.Unix(1.8e9, 0)}
		der, err := x509.CreateCertificate(rand.Reader, t, &x509.Certificate{Subject: pkix.Name{CommonName: issuer}}, key.Public(), key)
		if err != nil {
			tb.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
	h.leaf, h.inter, h.top = one("leaf", "inter"), one("inter", "top"), one("top", "top")
	return h
}

// summary is what of an entry is compared.
type summary struct {
	Alias string
	Kind  Kind
	DER   []string
}

func (h hierarchy) name(der []byte) string {
	for name, c := range map[string]*x509.Certificate{"leaf": h.leaf, "inter": h.inter, "top": h.top} {
		if bytes.Equal(c.Raw, der) {
			return name
		}
	}
	return hex.EncodeToString(der)
}

func (h hierarchy) summaries(s *Store) (out []summary) {
	for _, e := range s.Entries {
		one := summary{Alias: e.Alias, Kind: e.Kind}
		for _, der := range e.Certificates {
			one.DER = append(one.DER, h.name(der))
		}
		out = append(out, one)
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// wantNoKey expects nothing of the private key in what was read.
func wantNoKey(t *testing.T, h hierarchy, s *Store) {
	t.Helper()
	secret, err := h.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.Entries {
		for _, der := range e.Certificates {
			if bytes.Contains(der, secret) {
				t.Error("a private key is among the certificates")
			}
		}
	}
}

func TestPKCS12(t *testing.T) {
	h := made(t)
	chain := []summary{{Kind: KeyChain, DER: []string{"leaf", "inter", "top"}}}
	full := func(e *pkcs12.Encoder, password string) []byte {
		return must(e.Encode(h.key, h.leaf, []*x509.Certificate{h.top, h.inter}, password))
	}
	trust := func(e *pkcs12.Encoder, password string) []byte {
		return must(e.EncodeTrustStoreEntries([]pkcs12.TrustStoreEntry{{Cert: h.top, FriendlyName: "wurzel"}, {Cert: h.inter, FriendlyName: "中"}}, password))
	}
	trusted := []summary{{"wurzel", Trusted, []string{"top"}}, {"中", Trusted, []string{"inter"}}}
	const secret = "pässwörd 中"
	for _, tt := range []struct {
		name      string
		file      []byte
		passwords []string
		want      []summary
		verified  bool
		problem   string
	}{
		{name: "RC2", file: full(pkcs12.LegacyRC2, "changeit"), want: chain, verified: true},
		{name: "3DES", file: full(pkcs12.LegacyDES, "changeit"), want: chain, verified: true},
		{name: "PBES2", file: full(pkcs12.Modern2023, "changeit"), want: chain, verified: true},
		{name: "PBMAC1", file: full(pkcs12.Modern2026, "changeit"), want: chain, verified: true},
		{name: "empty password", file: full(pkcs12.Modern2023, ""), want: chain, verified: true},
		{name: "empty password, legacy", file: full(pkcs12.LegacyRC2, ""), want: chain, verified: true},
		{name: "given password, legacy", file: full(pkcs12.LegacyRC2, secret), passwords: []string{"x", secret}, want: chain, verified: true},
		{name: "given password", file: full(pkcs12.Modern2026, secret), passwords: []string{"x", secret}, want: chain, verified: true},
		{name: "no protection", file: full(pkcs12.Passwordless, ""), want: chain},
		{name: "many rounds", file: full(pkcs12.Modern2023.WithIterations(100_000), "changeit"), want: chain, verified: true},
		{name: "wrong password", file: full(pkcs12.Modern2023, secret), passwords: []string{"x"}, problem: "no password fits"},
		{name: "wrong password, legacy", file: full(pkcs12.LegacyRC2, secret), problem: "no password fits"},
		{name: "trust store", file: trust(pkcs12.Modern2023, "changeit"), want: trusted, verified: true},
		{name: "trust store, RC2", file: trust(pkcs12.LegacyRC2, "changeit"), want: trusted, verified: true},
		{name: "trust store without protection", file: trust(pkcs12.Passwordless, ""), want: trusted},
		{name: "too many rounds", file: hugeRounds(full(pkcs12.Modern2023.WithIterations(65536), "changeit")), problem: "more than 2000000 rounds"},
		{name: "too many rounds, legacy", file: hugeRounds(full(pkcs12.LegacyRC2.WithIterations(65536), "changeit")), problem: "more than 2000000 rounds"},
		{name: "too many rounds, PBMAC1", file: hugeRounds(full(pkcs12.Modern2026.WithIterations(65536), "changeit")), problem: "more than 2000000 rounds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := PKCS12(tt.file, tt.passwords)
			if diff := cmp.Diff(tt.want, h.summaries(s)); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if s.Verified != tt.verified {
				t.Errorf("Verified = %t", s.Verified)
			}
			wantProblem(t, s, tt.problem)
			wantNoKey(t, h, s)
		})
	}
}

// hugeRounds makes each 65 536 rounds of a store 8 388 607.
func hugeRounds(file []byte) []byte {
	return bytes.ReplaceAll(file, []byte{2, 3, 1, 0, 0}, []byte{2, 3, 0x7f, 0xff, 0xff})
}

func TestEffort(t *testing.T) {
	p := pfx{Store: &Store{}, effort: MaxEffort}
	n := 0
	for p.spend(MaxIterations, 2) == nil {
		n++
	}
	if n != MaxEffort/MaxIterations/2 {
		t.Errorf("%d derivations of %d rounds in two blocks, want %d", n, MaxIterations, MaxEffort/MaxIterations/2)
	}
	for _, bad := range []int{-1, 0, MaxIterations + 1} {
		p.effort = MaxEffort
		if p.spend(bad, 1) == nil {
			t.Errorf("%d rounds are accepted", bad)
		}
	}
}

func wantProblem(t *testing.T, s *Store, part string) {
	t.Helper()
	if (len(s.Problems) > 0) != (part != "") {
		t.Fatalf("problems %q, want %q", s.Problems, part)
	}
	if part == "" {
		return
	}
	for _, p := range s.Problems {
		if strings.Contains(p.Text, part) {
			return
		}
	}
	t.Errorf("problems %q, want %q", s.Problems, part)
}

// tlv encodes one value.
func tlv(id byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	if n := len(body); n >= 0x80 {
		return append([]byte{id, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
	}
	return append([]byte{id, byte(len(body))}, body...)
}

func bag(number byte, value []byte, attributes ...[]byte) []byte {
	return tlv(idSequence, tlv(idOID, []byte(oidBags), []byte{number}), tlv(idContext0, value), tlv(idSet, attributes...))
}

func certificate(der []byte) []byte {
	return tlv(idSequence, tlv(idOID, []byte(oidX509)), tlv(idContext0, tlv(idOctets, der)))
}

func keyID(id string) []byte {
	return tlv(idSequence, tlv(idOID, []byte(oidLocalKeyID)), tlv(idSet, tlv(idOctets, []byte(id))))
}

// data is a ContentInfo with safe contents that are not encrypted.
func data(bags ...[]byte) []byte {
	return tlv(idSequence, tlv(idOID, []byte(oidData)), tlv(idContext0, tlv(idOctets, tlv(idSequence, bags...))))
}

func pfxOf(parts ...[]byte) []byte {
	return tlv(idSequence, []byte{2, 1, 3}, tlv(idSequence, tlv(idOID, []byte(oidData)),
		tlv(idContext0, tlv(idOctets, tlv(idSequence, parts...)))))
}

// What libraries refuse is read: several keys, certificates without keys, what
// is no certificate at all, other entries between.
func TestPKCS12Odd(t *testing.T) {
	h := made(t)
	secret := []byte("the secret of a key")
	nested := bag(bagCert, certificate(h.top.Raw))
	for range maxDepth + 2 {
		nested = bag(bagNested, tlv(idSequence, nested))
	}
	for _, tt := range []struct {
		name    string
		file    []byte
		want    []summary
		problem string
		keys    bool
	}{
		{name: "without keys", file: pfxOf(data(bag(bagCert, certificate(h.inter.Raw)), bag(bagCert, certificate(h.leaf.Raw)))),
			want: []summary{{DER: []string{"inter", "leaf"}}}},
		{name: "no certificate", file: pfxOf(data(bag(bagCert, certificate([]byte("x"))))), want: []summary{{DER: []string{"78"}}}},
		{name: "two keys", keys: true, file: pfxOf(
			data(bag(bagCert, certificate(h.leaf.Raw), keyID("1")), bag(bagCert, certificate(h.top.Raw), keyID("2")), bag(bagCert, certificate(h.inter.Raw))),
			data(bag(bagKey, secret, keyID("1")), bag(bagShrouded, secret, keyID("2")), bag(5, secret))),
			want: []summary{{Kind: KeyChain, DER: []string{"leaf", "inter", "top"}}, {Kind: KeyChain, DER: []string{"top"}}}},
		{name: "key without certificate", keys: true, file: pfxOf(data(bag(bagKey, secret, keyID("1"))))},
		{name: "nested", file: pfxOf(data(bag(bagNested, tlv(idSequence, bag(bagCert, certificate(h.top.Raw)))))), want: []summary{{DER: []string{"top"}}}},
		{name: "nested too deep", file: pfxOf(data(nested)), problem: "nested too deep"},
		{name: "damage behind", file: pfxOf(data(bag(bagCert, certificate(h.top.Raw)), []byte("garbage"))), want: []summary{{DER: []string{"top"}}}, problem: "malformed"},
		{name: "damaged part", file: pfxOf(data([]byte("garbage")), data(bag(bagCert, certificate(h.top.Raw)))), want: []summary{{DER: []string{"top"}}}, problem: "part 1"},
		{name: "cut off", file: pfxOf(data())[:20], problem: "cut off"},
		{name: "for a public key", file: pfxOf(tlv(idSequence, tlv(idOID, []byte(oidSignedData)), tlv(idContext0, []byte("x")))), problem: "public key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := PKCS12(tt.file, nil)
			if diff := cmp.Diff(tt.want, h.summaries(s)); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			wantProblem(t, s, tt.problem)
			if s.Verified || s.HasKeys() != tt.keys {
				t.Errorf("Verified = %t, HasKeys = %t", s.Verified, s.HasKeys())
			}
		})
	}
}

// A hierarchy in which every certificate is another's issuer ends.
func TestPKCS12Loop(t *testing.T) {
	h := made(t)
	var bags [][]byte
	for range 50 {
		bags = append(bags, bag(bagCert, certificate(h.inter.Raw), keyID("k")))
	}
	s := PKCS12(pfxOf(data(append(bags, bag(bagKey, nil, keyID("k")))...)), nil)
	if len(s.Entries) != 50 || !s.HasKeys() {
		t.Errorf("%d entries, want 50", len(s.Entries))
	}
}

func javaStore(h hierarchy, password string) []byte {
	ks := jks.New(jks.WithOrderedAliases())
	der := func(c *x509.Certificate) jks.Certificate { return jks.Certificate{Type: "X.509", Content: c.Raw} }
	entry := jks.PrivateKeyEntry{PrivateKey: h.pkcs8, CertificateChain: []jks.Certificate{der(h.leaf), der(h.inter)}}
	if err := ks.SetPrivateKeyEntry("a key", entry, []byte(password)); err != nil {
		panic(err)
	}
	for alias, c := range map[string]*x509.Certificate{"b root": h.top, "c other": h.inter} {
		if err := ks.SetTrustedCertificateEntry(alias, jks.TrustedCertificateEntry{Certificate: der(c)}); err != nil {
			panic(err)
		}
	}
	var out bytes.Buffer
	if err := ks.Store(&out, []byte(password)); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func TestJava(t *testing.T) {
	h := made(t)
	want := []summary{{"a key", KeyChain, []string{"leaf", "inter"}}, {"b root", Trusted, []string{"top"}}, {"c other", Trusted, []string{"inter"}}}
	file := javaStore(h, "changeit")
	jceks := bytes.Clone(file)
	binary.BigEndian.PutUint32(jceks, magicJCEKS)
	flipped := bytes.Clone(file)
	flipped[len(flipped)-30] ^= 1
	for _, tt := range []struct {
		name, format string
		file         []byte
		passwords    []string
		want         []summary
		verified     bool
		problem      string
	}{
		{name: "JKS", file: file, want: want, verified: true},
		{name: "another password", file: javaStore(h, "geheim"), want: want},
		{name: "that password", file: javaStore(h, "geheim"), passwords: []string{"x", "geheim"}, want: want, verified: true},
		{name: "JCEKS with a digest of JKS", format: "JCEKS", file: jceks, want: want},
		{name: "no integrity code", file: file[:len(file)-20], want: want, problem: "0 bytes instead of"},
		{name: "more behind", file: append(bytes.Clone(file), 1), want: want, problem: "21 bytes instead of"},
		{name: "cut off", file: file[:len(file)-40], want: want[:2], problem: "after 2 whole entries"},
		{name: "head only", file: file[:12], problem: "after 0 whole entries"},
		{name: "4 GiB", file: slices.Concat(file[:8], []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, 0, 0}, make([]byte, 8), []byte{0, 0, 0xff, 0xff, 0xff, 0xff}), problem: "after 0 whole"},
		{name: "chain of 4 G", file: slices.Concat(file[:11], []byte{1, 0, 0, 0, 1, 0, 0}, make([]byte, 8), []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}), problem: "after 0 whole"},
		{name: "a secret key", format: "JCEKS", file: slices.Concat(jceks[:11], []byte{1, 0, 0, 0, 3, 0, 1, 'x'}, make([]byte, 40)), problem: "secret key"},
		{name: "unknown entry", file: slices.Concat(file[:11], []byte{1, 0, 0, 0, 9, 0, 1, 'x'}, make([]byte, 40)), problem: "malformed"},
		{name: "nothing", format: "JKS", file: []byte("x"), problem: "no Java key store"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Java(tt.file, tt.passwords)
			if diff := cmp.Diff(tt.want, h.summaries(s)); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if s.Verified != tt.verified || tt.format != "" && s.Format != tt.format {
				t.Errorf("Verified = %t, Format = %s", s.Verified, s.Format)
			}
			wantProblem(t, s, tt.problem)
			wantNoKey(t, h, s)
		})
	}
	if Java(flipped, nil).Verified {
		t.Error("a changed store is verified")
	}
}

// TestRC2 has the vectors of RFC 2268 section 5 whose effective length is that
// of the key.
func TestRC2(t *testing.T) {
	for _, tt := range []struct{ key, plain, sealed string }{
		{"ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", "1000000000000001", "30649edf9be7d2c2"},
		{"88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"},
	} {
		got := make([]byte, 8)
		newRC2(must(hex.DecodeString(tt.key))).Decrypt(got, must(hex.DecodeString(tt.sealed)))
		if hex.EncodeToString(got) != tt.plain {
			t.Errorf("Decrypt with %s = %x, want %s", tt.key, got, tt.plain)
		}
	}
}

func TestIs(t *testing.T) {
	h := made(t)
	p12 := pfxOf(data())
	for _, tt := range []struct {
		name           string
		b              []byte
		java, isPKCS12 bool
	}{
		{"JKS", javaStore(h, "x"), true, false}, {"PKCS #12", p12, false, true}, {"certificate", h.leaf.Raw, false, false},
		{"key", h.pkcs8, false, false}, {"nothing", nil, false, false}, {"Java class", []byte("\xca\xfe\xba\xbe\x00\x00\x00\x02"), false, false},
	} {
		if IsJava(tt.b) != tt.java || IsPKCS12(tt.b) != tt.isPKCS12 {
			t.Errorf("%s: IsJava = %t, IsPKCS12 = %t", tt.name, IsJava(tt.b), IsPKCS12(tt.b))
		}
	}
}

// FuzzStore checks that every certificate stands in the file where nothing is
// encrypted, and that there is an entry, a problem, a note or a key.
func FuzzStore(f *testing.F) {
	h := made(f)
	f.Add(javaStore(h, "changeit"))
	f.Add(pfxOf(data(bag(bagCert, certificate(h.top.Raw), keyID("1")), bag(bagKey, nil, keyID("1")))))
	f.Add(must(pkcs12.LegacyRC2.WithIterations(1).Encode(h.key, h.leaf, nil, "")))
	f.Add(must(pkcs12.Modern2026.WithIterations(1).Encode(h.key, h.leaf, nil, "")))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range []*Store{Java(b, nil), PKCS12(b, nil)} {
			for _, e := range s.Entries {
				if len(e.Certificates) == 0 {
					t.Error("an entry without certificates")
				}
				if s.Format != "PKCS #12" && !bytes.Contains(b, e.Certificates[0]) {
					t.Error("a certificate that is not in the file")
				}
			}
			if len(s.Problems) == 0 && s.Verified && s.Format == "JKS" && len(b) < 32 {
				t.Error("verified without contents")
			}
		}
	})
}
