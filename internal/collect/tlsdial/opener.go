package tlsdial

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/cryptobyte"
)

// An opener decrypts the server's handshake records of TLS 1.3 (RFC 8446
// section 5.2). It opens each record once, in order.
type opener struct {
	aead  cipher.AEAD
	nonce [12]byte // the static IV
	seq   uint64
}

var errNoSecret = errors.New("there is no handshake secret for this connection")

// newOpener derives key and IV from a traffic secret (RFC 8446 section 7.3).
func newOpener(suite uint16, secret []byte) (*opener, error) {
	if secret == nil {
		return nil, errNoSecret
	}
	newHash, size, newAEAD := sha256.New, 16, newGCM
	switch suite {
	case 0x1301: // TLS_AES_128_GCM_SHA256
	case 0x1302: // TLS_AES_256_GCM_SHA384
		newHash, size = sha512.New384, 32
	case 0x1303: // TLS_CHACHA20_POLY1305_SHA256
		size, newAEAD = 32, chacha20poly1305.New
	default:
		return nil, fmt.Errorf("cipher suite 0x%04x is none of TLS 1.3", suite)
	}
	key, err := expandLabel(newHash, secret, "key", size)
	if err != nil {
		return nil, err
	}
	iv, err := expandLabel(newHash, secret, "iv", 12)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, fmt.Errorf("making the record cipher: %w", err)
	}
	return &opener{aead: aead, nonce: [12]byte(iv)}, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// open returns the type and the contents of an encrypted record, unpadded.
func (o *opener) open(r record) (kind byte, plain []byte, err error) {
	nonce := o.nonce
	low := nonce[4:]
	binary.BigEndian.PutUint64(low, binary.BigEndian.Uint64(low)^o.seq)
	o.seq++
	plain, err = o.aead.Open(nil, nonce[:], r.body(), r.raw[:5])
	if err != nil {
		return 0, nil, fmt.Errorf("opening record %d: %w", o.seq-1, err)
	}
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 {
		return 0, nil, errors.New("the record has no content type")
	}
	return plain[len(plain)-1], plain[:len(plain)-1], nil
}

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446 section 7.1).
func expandLabel(h func() hash.Hash, secret []byte, label string, size int) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint16(uint16(size))
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte("tls13 " + label)) })
	b.AddUint8(0)
	out, err := hkdf.Expand(h, secret, string(b.BytesOrPanic()), size)
	if err != nil {
		return nil, fmt.Errorf("deriving the record %s: %w", label, err)
	}
	return out, nil
}

// A secretLog is a tls.Config.KeyLogWriter that remembers the one line that
// opens the server's handshake records, and hands it to nobody.
type secretLog struct{ line []byte }

const serverHandshakeLabel = "SERVER_HANDSHAKE_TRAFFIC_SECRET "

// Write implements io.Writer. crypto/tls writes each line in one call.
func (l *secretLog) Write(line []byte) (int, error) {
	if bytes.HasPrefix(line, []byte(serverHandshakeLabel)) {
		l.line = line // a fresh slice of crypto/tls, written once
	}
	return len(line), nil
}

// secret is nil where none was logged.
func (l *secretLog) secret() []byte {
	text := bytes.TrimSpace(l.line[bytes.LastIndexByte(l.line, ' ')+1:])
	secret, err := hex.DecodeString(string(text))
	if err != nil || len(secret) == 0 {
		return nil
	}
	return secret
}
