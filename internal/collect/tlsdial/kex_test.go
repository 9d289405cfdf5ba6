package tlsdial

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"
	"testing"
)

func TestKeyExchangeSchemes(t *testing.T) {
	rsaDER, ecDER, edDER := selfSigned(t, keys().rsa), selfSigned(t, keys().ecdsa), selfSigned(t, keys().ed)
	client, server := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	params := append([]byte{3, 0, 29, 32}, bytes.Repeat([]byte{9}, 32)...)
	signed := slices.Concat(client, server, params)
	pss := func(h crypto.Hash) crypto.SignerOpts {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
	}
	tests := []struct {
		name   string
		scheme uint16
		der    []byte
		key    crypto.Signer
		opts   crypto.SignerOpts
	}{
		{"PKCS #1 MD5", 0x0101, rsaDER, keys().rsa, crypto.MD5},
		{"PKCS #1 SHA-1", 0x0201, rsaDER, keys().rsa, crypto.SHA1},
		{"PKCS #1 SHA-224", 0x0301, rsaDER, keys().rsa, crypto.SHA224},
		{"PKCS #1 SHA-256", 0x0401, rsaDER, keys().rsa, crypto.SHA256},
		{"PKCS #1 SHA-512", 0x0601, rsaDER, keys().rsa, crypto.SHA512},
		{"PSS SHA-256", 0x0804, rsaDER, keys().rsa, pss(crypto.SHA256)},
		{"PSS SHA-384", 0x0805, rsaDER, keys().rsa, pss(crypto.SHA384)},
		{"PSS SHA-512 with a PSS key", 0x080b, rsaDER, keys().rsa, pss(crypto.SHA512)},
		{"ECDSA SHA-1", 0x0203, ecDER, keys().ecdsa, crypto.SHA1},
		{"ECDSA SHA-256", 0x0403, ecDER, keys().ecdsa, crypto.SHA256},
		{"ECDSA SHA-512", 0x0603, ecDER, keys().ecdsa, crypto.SHA512},
		{"Ed25519", 0x0807, edDER, keys().ed, crypto.Hash(0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			digest := signed
			if h := tt.opts.HashFunc(); h != 0 {
				digest = sum(h, signed)
			}
			signature, err := tt.key.Sign(rand.Reader, digest, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			m := slices.Concat(params, []byte{byte(tt.scheme >> 8), byte(tt.scheme)}, vec16(signature))
			kx, err := parseKeyExchange(kexECDHE, tls12, m)
			if err != nil || kx.group != 29 || !bytes.Equal(kx.params, params) {
				t.Fatalf("parseKeyExchange = %+v, %v", kx, err)
			}
			if err := kx.verify(tt.der, client, server); err != nil {
				t.Errorf("verify = %v", err)
			}
			// Each part of what is signed counts.
			other := slices.Clone(client)
			other[0] ^= 1
			if err := kx.verify(tt.der, other, server); !errors.Is(err, errSignature) {
				t.Errorf("verify with another client random = %v, want errSignature", err)
			}
			if err := kx.verify(tt.der, client, other); !errors.Is(err, errSignature) {
				t.Errorf("verify with another server random = %v, want errSignature", err)
			}
			kx.params = slices.Concat(params[:35], []byte{8})
			if err := kx.verify(tt.der, client, server); !errors.Is(err, errSignature) {
				t.Errorf("verify with other parameters = %v, want errSignature", err)
			}
			// A key of another kind is not "wrong", it is not checked.
			wrongKind := edDER
			if tt.scheme == 0x0807 {
				wrongKind = rsaDER
			}
			if err := kx.verify(wrongKind, client, server); err == nil || errors.Is(err, errSignature) {
				t.Errorf("verify with another kind of key = %v", err)
			}
		})
	}
}

func TestParseKeyExchangeRefuses(t *testing.T) {
	good := slices.Concat([]byte{3, 0, 29, 1, 9}, []byte{4, 3}, vec16([]byte{1}))
	if _, err := parseKeyExchange(kexECDHE, tls12, good); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := parseKeyExchange(kexECDHE, tls12, good[:n]); err == nil {
			t.Errorf("the first %d bytes are accepted", n)
		}
	}
	explicit := slices.Clone(good)
	explicit[0] = 1
	for name, kx := range map[string][]byte{"trailing byte": append(good, 0), "explicit curve": explicit} {
		if _, err := parseKeyExchange(kexECDHE, tls12, kx); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := parseKeyExchange(kexOther, tls12, good); err == nil {
		t.Error("a key exchange of static RSA is accepted")
	}
}

func FuzzKeyExchange(f *testing.F) {
	f.Add(true, uint16(tls12), slices.Concat([]byte{3, 0, 29, 1, 9}, []byte{4, 3}, vec16([]byte{1})))
	f.Add(false, uint16(tls10), slices.Concat(vec16([]byte{23}), vec16([]byte{2}), vec16([]byte{7}), vec16([]byte{1, 2})))
	der := selfSigned(f, keys().ecdsa)
	f.Fuzz(func(t *testing.T, ecdhe bool, version uint16, m []byte) {
		kind := kexDHE
		if ecdhe {
			kind = kexECDHE
		}
		kx, err := parseKeyExchange(kind, version, m)
		if err != nil {
			return
		}
		// The parts are the whole message and nothing else.
		again := slices.Clone(kx.params)
		if version >= tls12 {
			again = append(again, byte(kx.scheme>>8), byte(kx.scheme))
		}
		if again = append(again, vec16(kx.signature)...); !bytes.Equal(again, m) {
			t.Fatalf("message %x, read as %x", m, again)
		}
		if kx.verify(der, make([]byte, 32), make([]byte, 32)) == nil {
			t.Fatal("a made-up signature verifies")
		}
	})
}
