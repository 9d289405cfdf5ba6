package tlsdial

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
)

func TestFast(t *testing.T) {
	rsaDER, ecDER := selfSigned(t, keys().rsa), selfSigned(t, keys().ecdsa)
	tests := []struct {
		name string
		key  crypto.Signer
		der  []byte
		edit func(*tls.Config)
		want []string // profiles
	}{
		{"P-256", keys().ecdsa, ecDER, nil, []string{"fast"}},
		{"P-384", keys().p384, selfSigned(t, keys().p384), nil, []string{"fast"}},
		{"RSA PSS", keys().rsa, rsaDER, nil, []string{"fast"}},
		{"Ed25519", keys().ed, selfSigned(t, keys().ed), nil, []string{"fast"}},
		{"TLS 1.0 RSA", keys().rsa, rsaDER, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }, []string{"fast"}},
		{"TLS 1.1 ECDSA", keys().ecdsa, ecDER, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, []string{"fast"}},
		{"TLS 1.3 only", keys().ecdsa, ecDER, func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, []string{"fast", "default"}},
		{"static RSA only", keys().rsa, rsaDER, func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		}, []string{"fast", "default"}},
		{"odd certificate with a readable key", keys().ecdsa, oddities(t, ecDER)["negative serial"], nil, []string{"fast"}},
		{"key of another", keys().ecdsa, selfSigned(t, keys().p384), nil, []string{"fast", "default", "legacy"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := &tls.Config{Certificates: chainOf(tt.key, tt.der, rsaDER), NextProtos: []string{"http/1.1"}}
			config.Certificates[0].OCSPStaple = []byte("a response")
			config.Certificates[0].SignedCertificateTimestamps = [][]byte{{7}}
			if tt.edit != nil {
				tt.edit(config)
			}
			s := collectFrom(t, serveTLS(t, config), Options{Fast: true})
			wantCertificates(t, s, tt.der, rsaDER)
			if !slices.Equal(profiles(s), tt.want) {
				t.Errorf("profiles %v, want %v", profiles(s), tt.want)
			}
			if len(tt.want) == 3 {
				if len(s.Failures) == 0 || slices.ContainsFunc(s.Handshakes, func(h evidence.Handshake) bool { return h.Possession }) {
					t.Errorf("failures %v, want possession unproven", s.Failures)
				}
				return
			}
			h := s.Handshakes[len(s.Handshakes)-1]
			if !h.Possession || h.Failure != nil || h.Completed != (len(tt.want) == 2) || len(s.Failures) > 0 {
				t.Errorf("handshake %+v, failures %v, want possession proven", h, s.Failures)
			}
			if string(h.OCSP) != "a response" || len(h.SCTs) != 1 || h.ALPN != "http/1.1" || h.Cipher == 0 {
				t.Errorf("OCSP %q, SCTs %x, ALPN %q, cipher %#x", h.OCSP, h.SCTs, h.ALPN, h.Cipher)
			}
			if len(tt.want) == 1 && h.Group != uint16(tls.X25519) {
				t.Errorf("group %#x", h.Group)
			}
		})
	}
}

// dheServer answers with DHE_RSA, which crypto/tls does not speak: it sends an
// alert to a ClientHello that offers no DHE.
func dheServer(t *testing.T, version, suite uint16, der []byte, edit func(m []byte) []byte) func(net.Conn) {
	return func(conn net.Conn) {
		hello, err := readHello(conn)
		if err != nil {
			return
		}
		if !bytes.Contains(hello, []byte{byte(suite >> 8), byte(suite)}) {
			_, _ = conn.Write([]byte{recordAlert, 3, 3, 0, 2, 2, 40})
			return
		}
		client, random := hello[11:43], bytes.Repeat([]byte{9}, 32)
		prime := bytes.Repeat([]byte{0xab}, 256)
		params := slices.Concat(vec16(prime), vec16([]byte{2}), vec16(prime[:200]))
		signed := slices.Concat(client, random, params)
		var scheme, signature []byte
		if version == tls12 {
			scheme = []byte{5, 1} // SHA-384 with PKCS #1
			signature, err = rsa.SignPKCS1v15(rand.Reader, keys().rsa, crypto.SHA384, sum(crypto.SHA384, signed))
		} else {
			both := append(sum(crypto.MD5, signed), sum(crypto.SHA1, signed)...)
			signature, err = rsa.SignPKCS1v15(rand.Reader, keys().rsa, crypto.MD5SHA1, both)
		}
		if err != nil {
			t.Error(err)
			return
		}
		kx := slices.Concat(params, scheme, vec16(signature))
		if edit != nil {
			kx = edit(kx)
		}
		flight := slices.Concat(serverHello(version, suite, random), certificateMessage(der), message(typeServerKeyExchange, kx), message(typeServerHelloDone, nil))
		_, _ = conn.Write(records(recordHandshake, flight, 300)) // messages over several records
		_, _ = readHello(conn)
	}
}

func TestLegacy(t *testing.T) {
	der := selfSigned(t, keys().rsa)
	last := func(kx []byte) []byte { kx[len(kx)-1] ^= 1; return kx }
	tests := []struct {
		name     string
		version  uint16
		suite    uint16
		edit     func([]byte) []byte
		profiles []string
		proven   bool
	}{
		{"DHE 1.2", tls12, 0x009e, nil, []string{"default", "legacy"}, true},
		{"DHE Camellia 1.0", tls10, 0x0045, nil, []string{"default", "legacy"}, true},
		{"DHE CCM", tls12, 0xc09e, nil, []string{"default", "legacy"}, true},
		{"wrong signature", tls12, 0x009e, last, []string{"default", "legacy"}, false},
		{"wrong old signature", tls10, 0x0033, last, []string{"default", "legacy"}, false},
		{"bytes after the signature", tls12, 0x009e, func(kx []byte) []byte { return append(kx, 0) }, []string{"default", "legacy", "zcrypto"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := collectFrom(t, listen(t, dheServer(t, tt.version, tt.suite, der, tt.edit)), Options{Handshake: time.Second})
			wantCertificates(t, s, der)
			if !slices.Equal(profiles(s), tt.profiles) {
				t.Errorf("profiles %v, want %v", profiles(s), tt.profiles)
			}
			h := s.Handshakes[1]
			if h.Possession != tt.proven || h.Completed || h.Version != tt.version || h.Cipher != tt.suite || (len(s.Failures) == 0) != tt.proven {
				t.Errorf("handshake %+v, failures %v, want possession %v", h, s.Failures, tt.proven)
			}
		})
	}
}

func TestHelloSizes(t *testing.T) {
	long := strings.Repeat("a", 63) + ".test"
	for _, profile := range []string{profileFast, profileLegacy} {
		h := newHello(profile, long, []string{"h2", "http/1.1"})
		if len(h.record) > 1000 || len(h.random) != 32 || !bytes.Equal(h.record[11:43], h.random) {
			t.Errorf("%s ClientHello has %d bytes", profile, len(h.record))
		}
		if got := newHello(profile, long, nil); bytes.Equal(got.random, h.random) {
			t.Error("two ClientHellos with one random")
		}
	}
}

func TestSuitesAreUnique(t *testing.T) {
	all := concat(ecdheSuites, otherECDHESuites, dheSuites, rsaSuites)
	slices.Sort(all)
	if n := len(slices.Compact(slices.Clone(all))); n != len(all) {
		t.Errorf("%d suites, %d of them different", len(all), n)
	}
}

// TestOpenSSL looks at what only OpenSSL serves.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on this machine")
	}
	tests := []struct {
		name, suite, key string
	}{
		{"DHE-RSA", "DHE-RSA-AES128-SHA256", "rsa:2048"},
		{"Camellia", "ECDHE-RSA-CAMELLIA128-SHA256", "rsa:2048"},
		{"CBC with SHA-384", "ECDHE-RSA-AES256-SHA384", "rsa:2048"},
		{"CCM", "DHE-RSA-AES128-CCM", "rsa:2048"},
		{"DHE-DSS", "DHE-DSS-AES128-SHA256", "dsa:1024"},
		{"DHE-DSS of 2048 bits", "DHE-DSS-AES128-SHA256", "dsa:2048"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, ok := startOpenSSL(t, openssl, tt.suite, tt.key)
			if !ok {
				t.Skip("this openssl does not serve it")
			}
			s := collectFrom(t, addr, Options{})
			if len(s.Certificates) != 1 || len(s.Failures) > 0 {
				t.Fatalf("%d certificates, failures %v", len(s.Certificates), s.Failures)
			}
			h := s.Handshakes[len(s.Handshakes)-1]
			if h.Profile != "legacy" || !h.Possession || h.Completed {
				t.Errorf("profile %s, possession %v", h.Profile, h.Possession)
			}
		})
	}
}

func startOpenSSL(t *testing.T, openssl, suite, newKey string) (addr netip.AddrPort, ok bool) {
	t.Helper()
	dir := t.TempDir()
	key, der := filepath.Join(dir, "key"), filepath.Join(dir, "cert")
	if bits, ok := strings.CutPrefix(newKey, "dsa:"); ok {
		params := filepath.Join(dir, "params")
		if out, err := exec.Command(openssl, "dsaparam", "-out", params, bits).CombinedOutput(); err != nil {
			t.Logf("%v: %s", err, out)
			return addr, false
		}
		newKey = "dsa:" + params
	}
	request := exec.Command(openssl, "req", "-x509", "-nodes", "-newkey", newKey, "-subj", "/CN="+testHost, "-keyout", key, "-out", der)
	if out, err := request.CombinedOutput(); err != nil {
		t.Logf("%v: %s", err, out)
		return addr, false
	}
	server := exec.Command(openssl, "s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", der, "-cipher", suite+":@SECLEVEL=0", "-tls1_2")
	stdin, err := server.StdinPipe() // at the end of its input it would close
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() { // it says where it listens, once it does
		if address, found := strings.CutPrefix(lines.Text(), "ACCEPT "); found {
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			addr, err := netip.ParseAddrPort(address)
			return addr, err == nil
		}
	}
	return addr, false
}
