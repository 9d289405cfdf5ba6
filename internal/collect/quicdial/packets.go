package quicdial

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"

	"github.com/quic-go/quic-go/quicvarint"
	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/cryptobyte"
)

// salvage takes the certificates out of the server's Handshake packets (RFC 9001
// section 5). It gives what it finds, and nothing without a secret.
func salvage(datagrams [][]byte, secret []byte) [][]byte {
	for _, p := range protections(secret) {
		var s stream
		for _, d := range datagrams {
			p.datagram(d, &s)
		}
		if raw := certificates(s.head()); len(raw) > 0 {
			return raw
		}
	}
	return nil
}

// A protection opens packets of one cipher suite.
type protection struct {
	aead cipher.AEAD
	iv   []byte
	// mask gives the five octets that cover the header (RFC 9001 section 5.4).
	mask func(sample []byte) []byte
}

// protections are those that a secret of this length can belong to: the suite is
// in packets that are not read here, and trying tells it.
func protections(secret []byte) []*protection {
	switch len(secret) {
	case sha256.Size:
		return []*protection{newProtection(sha256.New, secret, 16, false), newProtection(sha256.New, secret, 32, true)}
	case sha512.Size384:
		return []*protection{newProtection(sha512.New384, secret, 32, false)}
	}
	return nil
}

// newProtection derives the keys. Their lengths are constants that the ciphers
// take, so that nothing here can fail.
func newProtection(h func() hash.Hash, secret []byte, size int, chacha bool) *protection {
	expand := func(label string, n int) []byte {
		var info cryptobyte.Builder
		info.AddUint16(uint16(n))
		info.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte("tls13 " + label)) })
		info.AddUint8(0)
		key, err := hkdf.Expand(h, secret, string(info.BytesOrPanic()), n)
		if err != nil {
			panic("quicdial: deriving a key: " + err.Error())
		}
		return key
	}
	key, header := expand("quic key", size), expand("quic hp", size)
	p := &protection{iv: expand("quic iv", 12)}
	if chacha {
		p.aead, _ = chacha20poly1305.New(key)
		p.mask = func(sample []byte) []byte {
			out := make([]byte, 5)
			c, err := chacha20.NewUnauthenticatedCipher(header, sample[4:16])
			if err != nil {
				return out
			}
			c.SetCounter(binary.LittleEndian.Uint32(sample))
			c.XORKeyStream(out, out)
			return out
		}
		return p
	}
	block, _ := aes.NewCipher(key)
	p.aead, _ = cipher.NewGCM(block)
	cover, _ := aes.NewCipher(header)
	p.mask = func(sample []byte) []byte {
		out := make([]byte, aes.BlockSize)
		cover.Encrypt(out, sample[:aes.BlockSize])
		return out[:5]
	}
	return p
}

// Types of long header packets (RFC 9000 section 17.2).
const (
	initialPacket   = 0
	handshakePacket = 2
)

// datagram adds what the Handshake packets of a datagram hold; several packets may
// share one.
func (p *protection) datagram(d []byte, s *stream) {
	for len(d) > 0 {
		packet, pn, kind, rest, ok := longHeader(d)
		if !ok {
			return
		}
		d = rest
		if kind != handshakePacket {
			continue
		}
		if plain, err := p.open(packet, pn); err == nil {
			frames(plain, s)
		}
	}
}

// longHeader finds the end of the first packet of d, where its packet number
// begins, and its type.
func longHeader(d []byte) (packet []byte, pn int, kind byte, rest []byte, ok bool) {
	r := cryptobyte.String(d)
	var first uint8
	var version uint32
	var to, from cryptobyte.String
	if !r.ReadUint8(&first) || first&0xc0 != 0xc0 || !r.ReadUint32(&version) || version != 1 ||
		!r.ReadUint8LengthPrefixed(&to) || !r.ReadUint8LengthPrefixed(&from) {
		return nil, 0, 0, nil, false
	}
	kind = first >> 4 & 3
	if kind == initialPacket {
		if n, ok := varint(&r); !ok || n > uint64(len(r)) || !r.Skip(int(n)) {
			return nil, 0, 0, nil, false
		}
	}
	n, ok := varint(&r)
	if !ok || n > uint64(len(r)) {
		return nil, 0, 0, nil, false
	}
	pn = len(d) - len(r)
	return d[:pn+int(n)], pn, kind, d[pn+int(n):], true
}

func varint(r *cryptobyte.String) (uint64, bool) {
	v, n, err := quicvarint.Parse(*r)
	if err != nil {
		return 0, false
	}
	return v, r.Skip(n)
}

var errShort = errors.New("the packet is too short")

// open removes the protection of a packet whose packet number begins at pn. The
// first packets of a connection have numbers that are written whole.
func (p *protection) open(packet []byte, pn int) ([]byte, error) {
	if len(packet) < pn+4+16 {
		return nil, errShort
	}
	mask := p.mask(packet[pn+4 : pn+4+16])
	header := bytes.Clone(packet[:pn+4])
	header[0] ^= mask[0] & 0x0f
	size := int(header[0]&3) + 1
	nonce := bytes.Clone(p.iv)
	for i := range size {
		header[pn+i] ^= mask[1+i]
		nonce[len(nonce)-size+i] ^= header[pn+i]
	}
	return p.aead.Open(nil, nonce, packet[pn+size:], header[:pn+size])
}
