package tlsdial

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSalvageTLS12(t *testing.T) {
	random := bytes.Repeat([]byte{5}, 32)
	a, b, c := []byte("first"), []byte{}, bytes.Repeat([]byte("long"), 10_000)
	hello := serverHello(tls12, 0xc02b, random)
	messages := slices.Concat(hello, certificateMessage(a, b, c), message(typeServerHelloDone, nil))
	whole := records(recordHandshake, messages, 1<<14)
	tests := []struct {
		name   string
		stream []byte
		want   [][]byte
	}{
		{"one message to a record", whole, [][]byte{a, b, c}},
		{"a byte to a record", records(recordHandshake, messages, 1), [][]byte{a, b, c}},
		{"warnings between", slices.Concat(whole[:0], []byte{recordAlert, 3, 3, 0, 2, 1, 0}, whole), [][]byte{a, b, c}},
		{"cut in the third certificate", whole[:20_000], [][]byte{a, b}},
		{"cut in the first", whole[:5+len(hello)+4+3+3+2], nil},
		{"nothing", nil, nil},
		{"garbage", []byte("HTTP/1.1 400\r\n"), nil},
		{"chain too long is kept to the limit", records(recordHandshake, slices.Concat(hello, certificateMessage(a, a, a, a, a)), 1<<14), [][]byte{a, a, a, a}},
		{"second chain is not taken", records(recordHandshake, slices.Concat(hello, certificateMessage(a), certificateMessage(c)), 1<<14), [][]byte{a}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := salvage(tt.stream, nil, 4)
			if len(f.certs) != len(tt.want) {
				t.Fatalf("%d certificates, want %d", len(f.certs), len(tt.want))
			}
			for i := range tt.want {
				if !bytes.Equal(f.certs[i], tt.want[i]) {
					t.Errorf("certificate %d differs", i)
				}
			}
		})
	}
	f := salvage(whole, nil, 4)
	if f.version != tls12 || f.cipher != 0xc02b || !bytes.Equal(f.random, random) || !f.helloed {
		t.Errorf("version %#x, cipher %#x, random %x, done %v", f.version, f.cipher, f.random, f.helloed)
	}
	if f := salvage(records(recordHandshake, slices.Concat(hello, certificateMessage(a, a, a)), 1<<14), nil, 2); f.dropped != 1 {
		t.Errorf("%d certificates dropped, want 1", f.dropped)
	}
}

// tapped records what a TLS 1.3 server sends and the secret that opens it.
func tapped(t testing.TB, config *tls.Config, client *tls.Config) (stream, secret []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", serveTLS(t, config).String())
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder(conn, 1<<20, func() {})
	defer r.Close()
	_ = conn.SetDeadline(time.Now().Add(unbounded))
	var log secretLog
	client.InsecureSkipVerify, client.KeyLogWriter = true, &log
	_ = tls.Client(r, client).Handshake()
	stream = bytes.Clone(r.recorded())
	return stream, log.secret()
}

func TestSalvageTLS13(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	odd := append(bytes.Clone(der), 0)
	config := &tls.Config{
		Certificates: chainOf(keys().ecdsa, odd, der), MinVersion: tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.CurveP384}, NextProtos: []string{"h2"},
	}
	config.Certificates[0].OCSPStaple = []byte("a response")
	stream, secret := tapped(t, config, &tls.Config{NextProtos: []string{"h2"}})
	f := salvage(stream, secret, 10)
	if diff := cmp.Diff([][]byte{odd, der}, f.certs); diff != "" {
		t.Errorf("certificates differ:\n%s", diff)
	}
	if f.version != tls13 || f.group != uint16(tls.CurveP384) || f.alpn != "h2" || string(f.ocsp) != "a response" {
		t.Errorf("version %#x, group %#x, ALPN %q, OCSP %q", f.version, f.group, f.alpn, f.ocsp)
	}
	for name, secret := range map[string][]byte{"no secret": nil, "another secret": bytes.Repeat([]byte{1}, 32), "a short secret": {1}} {
		if f := salvage(stream, secret, 10); len(f.certs) > 0 || f.version != tls13 {
			t.Errorf("%s opens %d certificates", name, len(f.certs))
		}
	}
}

// The key schedule against RFC 8448 section 3: the server's handshake keys.
func TestOpenerVector(t *testing.T) {
	secret, _ := hex.DecodeString("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
	o, err := newOpener(0x1301, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(o.nonce[:]); got != "5d313eb2671276ee13000b30" {
		t.Errorf("iv = %s, want that of the RFC", got)
	}
	for suite, want := range map[uint16]int{0x1302: 48, 0x1303: 32} {
		if _, err := newOpener(suite, make([]byte, want)); err != nil {
			t.Errorf("newOpener(%#x) = %v", suite, err)
		}
	}
	if _, err := newOpener(0xc02b, secret); err == nil {
		t.Error("newOpener for a suite of TLS 1.2 succeeded")
	}
}

func TestRecordsOfAllSuites(t *testing.T) {
	for suite, size := range map[uint16]int{0x1301: 32, 0x1302: 48, 0x1303: 32} {
		secret := bytes.Repeat([]byte{7}, size)
		sealer, err := newOpener(suite, secret)
		if err != nil {
			t.Fatal(err)
		}
		hello := serverHello(tls12, suite, bytes.Repeat([]byte{5}, 32))
		hello = append(hello, 0, 6, 0, extSupportedVersions, 0, 2, 3, 4)
		hello[3] += 8
		list := append(vec24([]byte("odd")), 0, 0)
		inner := message(typeCertificate, append([]byte{0}, vec24(list)...))
		plain := append(inner, recordHandshake, 0, 0, 0) // padded
		header := []byte{recordData, 3, 3, 0, byte(len(plain) + 16)}
		sealed := sealer.aead.Seal(header, sealer.nonce[:], plain, header)
		f := salvage(append(records(recordHandshake, hello, 1<<14), sealed...), secret, 5)
		if len(f.certs) != 1 || string(f.certs[0]) != "odd" {
			t.Errorf("suite %#x: certificates %q", suite, f.certs)
		}
	}
}

func FuzzSalvage(f *testing.F) {
	der := selfSigned(f, keys().ecdsa)
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der, der)}
	stream, secret := tapped(f, config, &tls.Config{})
	f.Add(stream, secret)
	stream, secret = tapped(f, config, &tls.Config{MaxVersion: tls.VersionTLS12})
	f.Add(stream, secret)
	f.Add(records(recordHandshake, slices.Concat(serverHello(tls12, 0xc02b, make([]byte, 32)), certificateMessage(der, der)), 100), []byte(nil))
	f.Fuzz(func(t *testing.T, stream, secret []byte) {
		const limit = 8
		flight := salvage(stream, secret, limit)
		if len(flight.certs) > limit {
			t.Fatalf("%d certificates, the limit is %d", len(flight.certs), limit)
		}
		if flight.opener != nil {
			return
		}
		// In the clear every certificate is what the records hold, put together.
		var joined []byte
		rest := stream
		for {
			r, err := cutRecord(rest)
			if err != nil {
				break
			}
			if r.kind == recordHandshake {
				joined = append(joined, r.body()...)
			}
			rest = rest[len(r.raw):]
		}
		if len(rest) > 5 {
			joined = append(joined, rest[5:]...)
		}
		total := 0
		for _, der := range flight.certs {
			if total += len(der); !bytes.Contains(joined, der) {
				t.Fatalf("certificate %x is not in the stream", der)
			}
		}
		if total > len(stream) {
			t.Fatalf("%d bytes of certificates from %d", total, len(stream))
		}
	})
}
