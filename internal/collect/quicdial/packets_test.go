package quicdial

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/quicvarint"
	"golang.org/x/crypto/cryptobyte"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vector is the server's Initial packet of RFC 9001 appendix A.3: the same
// protection as that of Handshake packets, under another secret.
func TestOpenAES(t *testing.T) {
	p := newProtection(sha256.New, unhex(t, "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b"), 16, false)
	packet := unhex(t, "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee")
	whole, pn, kind, rest, ok := longHeader(append(bytes.Clone(packet), 0, 0))
	if !ok || kind != initialPacket || len(whole) != len(packet) || len(rest) != 2 {
		t.Fatalf("longHeader: %d octets, type %d, %d left, %v", len(whole), kind, len(rest), ok)
	}
	plain, err := p.open(whole, pn)
	if err != nil {
		t.Fatal(err)
	}
	var s stream
	frames(plain, &s)
	want := unhex(t, "020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304")
	if got := s.head(); !bytes.Equal(got, want) {
		t.Errorf("CRYPTO frames hold %x, want %x", got, want)
	}
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		if _, err := p.open(changed, pn); err == nil {
			t.Fatalf("a packet changed at octet %d was opened", i)
		}
	}
}

// The vector is that of RFC 9001 appendix A.5.
func TestMaskChaCha(t *testing.T) {
	p := newProtection(sha256.New, unhex(t, "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b"), 32, true)
	if got, want := p.mask(unhex(t, "5e5cd55c41f69080575d7999c25a5bfb")), unhex(t, "aefefe7d03"); !bytes.Equal(got, want) {
		t.Errorf("mask = %x, want %x", got, want)
	}
	if got, want := p.iv, unhex(t, "e0459b3474bdd0e44a41c144"); !bytes.Equal(got, want) {
		t.Errorf("IV = %x, want %x", got, want)
	}
}

// message is a Certificate message behind another one.
func message(ders [][]byte) []byte {
	var b cryptobyte.Builder
	b.AddUint8(8)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddUint16(0) })
	b.AddUint8(certificateMessage)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(0)
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, der := range ders {
				b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(der) })
				b.AddUint16(0)
			}
		})
	})
	return b.BytesOrPanic()
}

func cryptoFrame(at int, data []byte) []byte {
	b := quicvarint.Append([]byte{frameCrypto}, uint64(at))
	return append(quicvarint.Append(b, uint64(len(data))), data...)
}

// In whatever order and however often the parts of a message come, its
// certificates are the same.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("a certificate"), []byte{}, uint64(1))
	f.Add(bytes.Repeat([]byte{0x30}, 5000), []byte{1}, uint64(7))
	f.Fuzz(func(t *testing.T, a, b []byte, seed uint64) {
		if len(a)+len(b) > 1<<16 || len(a) == 0 {
			return
		}
		want := [][]byte{a, b}
		whole := message(want)
		random := rand.New(rand.NewPCG(seed, 0))
		var parts [][]byte
		for at := 0; at < len(whole); {
			n := min(len(whole)-at, 1+random.IntN(1200))
			parts = append(parts, cryptoFrame(at, whole[at:at+n]))
			if random.IntN(3) == 0 { // sent again, and overlapping
				parts = append(parts, cryptoFrame(at/2, whole[at/2:at+n]))
			}
			at += n
		}
		random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		var s stream
		for _, p := range parts {
			frames(append([]byte{framePing, framePadding, frameACK, 4, 0, 1, 0, 1, 1}, p...), &s)
		}
		if s.size > maxStream {
			t.Fatalf("%d octets are kept", s.size)
		}
		if diff := cmp.Diff(want, certificates(s.head())); diff != "" && s.size < maxStream-1200 {
			t.Error(diff)
		}
	})
}

// Whatever comes from the network costs no more than is kept.
func FuzzDatagram(f *testing.F) {
	secret := make([]byte, 32)
	f.Add([]byte{0xe0, 0, 0, 0, 1, 0, 0, 0x40, 30}, secret)
	f.Add(cryptoFrame(1<<40, []byte("far")), secret)
	f.Fuzz(func(t *testing.T, d, secret []byte) {
		salvage([][]byte{d}, secret)
		var s stream
		frames(d, &s)
		if got := s.head(); len(got) > maxStream || len(got) > len(d) {
			t.Errorf("%d octets out of a datagram of %d", len(got), len(d))
		}
		total := 0
		for _, der := range certificates(d) {
			total += len(der)
		}
		if total > len(d) {
			t.Errorf("certificates of %d octets out of %d", total, len(d))
		}
	})
}
