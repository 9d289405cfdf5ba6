//go:build linux || (darwin && amd64)

package tlsdial

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	ztls "github.com/zmap/zcrypto/tls"
)

// zcryptoAttempt makes one handshake with zcrypto alone.
func zcryptoAttempt(t *testing.T, addr net.Addr) *attempt {
	t.Helper()
	d, err := New(Options{Handshake: unbounded})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	s := &session{d: d, began: time.Now(), until: time.Now().Add(unbounded)}
	s.target.Host = testHost
	return s.attempt(t.Context(), newRecorder(conn, 1<<20, func() {}), profileZcrypto)
}

func TestZcryptoCompletes(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on this machine")
	}
	addr, ok := startOpenSSL(t, openssl, "DHE-RSA-AES128-SHA256", "rsa:2048")
	if !ok {
		t.Skip("this openssl does not serve it")
	}
	a := zcryptoAttempt(t, net.TCPAddrFromAddrPort(addr))
	if !a.Completed || !a.Possession || a.Failure != nil || len(a.Certificates) != 1 || a.Cipher != 0x0067 || a.HelloSize == 0 {
		t.Errorf("completed %v, possession %v, cipher %#x, hello %d bytes, failure %+v", a.Completed, a.Possession, a.Cipher, a.HelloSize, a.Failure)
	}
}

// zcrypto goes on after a wrong DHE signature; possession must not follow.
func TestZcryptoPossession(t *testing.T) {
	valid := &ztls.DigitalSignature{Valid: true}
	tests := []struct {
		name string
		log  *ztls.ServerHandshake
		want bool
	}{
		{"no log", nil, false},
		{"no key exchange", &ztls.ServerHandshake{}, false},
		{"no signature", &ztls.ServerHandshake{ServerKeyExchange: &ztls.ServerKeyExchange{}}, false},
		{"not valid", &ztls.ServerHandshake{ServerKeyExchange: &ztls.ServerKeyExchange{Signature: &ztls.DigitalSignature{}}}, false},
		{"error", &ztls.ServerHandshake{ServerKeyExchange: &ztls.ServerKeyExchange{Signature: valid, SignatureError: "wrong"}}, false},
		{"valid", &ztls.ServerHandshake{ServerKeyExchange: &ztls.ServerKeyExchange{Signature: valid}}, true},
	}
	for _, tt := range tests {
		if got := proven(tt.log); got != tt.want {
			t.Errorf("proven(%s) = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// withKey puts an RSA key into a certificate; nothing is signed anew.
func withKey(t *testing.T, n, e *big.Int) []byte {
	t.Helper()
	der := selfSigned(t, keys().rsa)
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	public, err := asn1.Marshal(struct{ N, E *big.Int }{n, e})
	if err != nil {
		t.Fatal(err)
	}
	var spki struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &spki); err != nil {
		t.Fatal(err)
	}
	spki.Key = asn1.BitString{Bytes: public, BitLength: 8 * len(public)}
	key, err := asn1.Marshal(spki)
	if err != nil {
		t.Fatal(err)
	}
	var parts struct{ TBS, Algorithm, Signature asn1.RawValue }
	if _, err := asn1.Unmarshal(der, &parts); err != nil {
		t.Fatal(err)
	}
	parts.TBS = asn1.RawValue{Class: 0, Tag: 16, IsCompound: true, Bytes: bytes.Replace(parts.TBS.Bytes, c.RawSubjectPublicKeyInfo, key, 1)}
	out, err := asn1.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// hostileKeys are those that cost zcrypto minutes or make it panic.
func hostileKeys(t *testing.T) map[string][]byte {
	n := keys().rsa.N
	big1 := func(bits uint) *big.Int { return new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1) }
	f4 := big.NewInt(65537)
	return map[string][]byte{
		"modulus of 65536 bits": withKey(t, big1(65536), f4),
		"exponent of 33 bits":   withKey(t, n, big1(33)),
		"exponent of 8192 bits": withKey(t, big1(8192), big1(8192)),
		"negative exponent":     withKey(t, n, big.NewInt(-1)),
		"even exponent":         withKey(t, n, big.NewInt(4)),
		"exponent one":          withKey(t, n, big.NewInt(1)),
		"even modulus":          withKey(t, new(big.Int).Lsh(big.NewInt(1), 2047), f4),
		"negative modulus":      withKey(t, new(big.Int).Neg(n), f4),
		"no certificate":        []byte("nothing"),
		"cut short":             selfSigned(t, keys().rsa)[:600],
	}
}

func TestZcryptoSafe(t *testing.T) {
	for name, der := range hostileKeys(t) {
		if err := zcryptoSafe(der); !errors.Is(err, errScreened) {
			t.Errorf("zcryptoSafe(%s) = %v, want it refused", name, err)
		}
	}
	n := keys().rsa.N
	for name, der := range map[string][]byte{
		"RSA":                   selfSigned(t, keys().rsa),
		"P-256":                 selfSigned(t, keys().ecdsa),
		"Ed25519":               selfSigned(t, keys().ed),
		"exponent of 32 bits":   withKey(t, n, big.NewInt(1<<32-1)),
		"modulus of 16384 bits": withKey(t, new(big.Int).SetBit(big.NewInt(1), 16383, 1), big.NewInt(3)),
	} {
		if err := zcryptoSafe(der); err != nil {
			t.Errorf("zcryptoSafe(%s) = %v", name, err)
		}
	}
}

// What is hostile must not get through the screen, whichever connection it
// comes on: a server may serve other certificates the second time.
func TestZcryptoIsScreened(t *testing.T) {
	serve := func(der []byte, edit func([]byte) []byte) *attempt {
		addr := listen(t, dheServer(t, tls12, 0x009e, der, edit))
		return zcryptoAttempt(t, net.TCPAddrFromAddrPort(addr))
	}
	for name, der := range hostileKeys(t) {
		a := serve(der, nil)
		if a.Failure == nil || !strings.Contains(a.Failure.Error, errScreened.Error()) {
			t.Errorf("%s: failure %+v, want it screened", name, a.Failure)
		}
		if len(a.Certificates) != 1 || !bytes.Equal(a.Certificates[0], der) {
			t.Errorf("%s: the certificate was lost", name)
		}
	}
	prime := func([]byte) []byte {
		p := bytes.Repeat([]byte{0xff}, 20_000)
		return slices.Concat(vec16(p), vec16([]byte{2}), vec16(p), []byte{4, 1}, vec16(make([]byte, 256)))
	}
	a := serve(selfSigned(t, keys().rsa), prime)
	if a.Failure == nil || !strings.Contains(a.Failure.Error, "160000 bits") {
		t.Errorf("failure %+v, want the prime screened", a.Failure)
	}
}

// Keys that cost too much are not computed with on our own path either.
func TestRSAKeyBounds(t *testing.T) {
	for name, der := range hostileKeys(t) {
		if key, err := publicKey(der); err == nil && name != "cut short" {
			if _, ok := key.(*rsa.PublicKey); ok {
				t.Errorf("publicKey(%s) succeeded", name)
			}
		}
	}
}
