package keystore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"slices"
	"unicode/utf16"

	"github.com/certassay/certassay/internal/cert"
)

// A password is one in the two forms that PKCS #12 wants: UTF-8 for what comes
// from PKCS #5, and UTF-16 with a zero at the end for its own derivation (RFC
// 7292 appendix B.1).
type password struct {
	utf8 string
	bmp  []byte
}

// encodings gives the forms of a password. That of the empty one is either the
// zero alone or nothing at all: programs differ.
func encodings(text string) []password {
	p := password{utf8: text}
	for _, unit := range utf16.Encode([]rune(text)) {
		p.bmp = append(p.bmp, byte(unit>>8), byte(unit))
	}
	p.bmp = append(p.bmp, 0, 0)
	if text == "" {
		return []password{p, {}}
	}
	return []password{p}
}

// hashOf gives the digest function of an identifier, by its content octets, as
// such and as HMAC; nil where it is none of them.
func hashOf(oid string) func() hash.Hash {
	switch oid {
	case "\x2b\x0e\x03\x02\x1a", "\x2a\x86\x48\x86\xf7\x0d\x02\x07":
		return sha1.New
	case "\x60\x86\x48\x01\x65\x03\x04\x02\x04", "\x2a\x86\x48\x86\xf7\x0d\x02\x08":
		return sha256.New224
	case "\x60\x86\x48\x01\x65\x03\x04\x02\x01", "\x2a\x86\x48\x86\xf7\x0d\x02\x09":
		return sha256.New
	case "\x60\x86\x48\x01\x65\x03\x04\x02\x02", "\x2a\x86\x48\x86\xf7\x0d\x02\x0a":
		return sha512.New384
	case "\x60\x86\x48\x01\x65\x03\x04\x02\x03", "\x2a\x86\x48\x86\xf7\x0d\x02\x0b":
		return sha512.New
	}
	return nil
}

// Schemes of protection.
const (
	oidPBMAC1 = "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0e"
	oidPBES2  = "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"
	oidPBKDF2 = "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"
	oidLegacy = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01" // and a number
)

// spend takes the rounds of a derivation from what the store may cost.
func (p *pfx) spend(iterations, blocks int) error {
	if iterations < 1 || iterations > MaxIterations {
		return fmt.Errorf("it asks for none or more than %d rounds of key derivation", MaxIterations)
	}
	return p.charge(iterations * blocks)
}

func (p *pfx) charge(rounds int) error {
	if p.effort -= rounds; p.effort < 0 {
		return fmt.Errorf("it asks for more than %d rounds of key derivation in all", MaxEffort)
	}
	return nil
}

// verify finds the password that gives the integrity code (RFC 7292 section 4,
// RFC 9579), and makes it the only one.
func (p *pfx) verify(macData, content []byte) error {
	f := fields{b: macData}
	digest := fields{b: f.next(idSequence)}
	algorithm, want := digest.next(idSequence), digest.next(idOctets)
	salt := f.next(idOctets)
	iterations := 1
	if len(f.b) > 0 {
		iterations = integer(f.next(idInteger))
	}
	if f.err != nil || digest.err != nil {
		return errors.New("its integrity code is malformed")
	}
	for _, candidate := range p.passwords {
		if err := p.charge(len(content) / 64); err != nil {
			return err
		}
		got, err := p.mac(algorithm, salt, iterations, candidate, content)
		if err != nil {
			return err
		}
		if hmac.Equal(got, want) {
			p.Verified, p.passwords = true, []password{candidate}
			return nil
		}
	}
	return errPassword
}

func (p *pfx) mac(algorithm, salt []byte, iterations int, pw password, content []byte) ([]byte, error) {
	f := fields{b: algorithm}
	oid := string(f.next(idOID))
	if oid == oidPBMAC1 {
		return p.pbmac1(f.next(idSequence), pw, content)
	}
	h := hashOf(oid)
	if h == nil {
		return nil, errors.New("its integrity code is of an unknown kind")
	}
	if err := p.spend(iterations, 1); err != nil {
		return nil, err
	}
	m := hmac.New(h, derive(h, 3, pw.bmp, salt, iterations, h().Size()))
	m.Write(content)
	return m.Sum(nil), nil
}

func (p *pfx) pbmac1(params []byte, pw password, content []byte) ([]byte, error) {
	f := fields{b: params}
	kdf, scheme := f.next(idSequence), fields{b: f.next(idSequence)}
	h := hashOf(string(scheme.next(idOID)))
	if f.err != nil || scheme.err != nil || h == nil {
		return nil, errors.New("its integrity code is of an unknown kind")
	}
	// RFC 9579 section 5: the length of the key has to be given. A short key
	// is as good as none.
	key, err := p.pbkdf2(kdf, pw.utf8, 0)
	if err != nil {
		return nil, err
	}
	if len(key) < 20 {
		return nil, fmt.Errorf("the key of its integrity code has %d bytes: too short to prove anything", len(key))
	}
	m := hmac.New(h, key)
	m.Write(content)
	return m.Sum(nil), nil
}

// maxKey is the longest key that is derived: length without bound would be work
// without bound.
const maxKey = 64

// pbkdf2 derives a key as an AlgorithmIdentifier says (RFC 8018 appendix A.2).
// length is that of the key where the cipher fixes it, else 0.
func (p *pfx) pbkdf2(algorithm []byte, pw string, length int) ([]byte, error) {
	f := fields{b: algorithm}
	if oid := string(f.next(idOID)); oid != oidPBKDF2 {
		return nil, errors.New("its key derivation is not PBKDF2: it cannot be read")
	}
	params := fields{b: f.next(idSequence)}
	salt, iterations := params.next(idOctets), integer(params.next(idInteger))
	h := sha1.New
	for len(params.b) > 0 && params.err == nil {
		e, rest, err := cert.Next(params.b)
		params.b = rest
		switch {
		case err != nil:
			params.err = err
		case e.ID == idInteger && length == 0:
			length = integer(e.Body)
		case e.ID == idSequence:
			prf := fields{b: e.Body}
			h = hashOf(string(prf.next(idOID)))
		}
	}
	if f.err != nil || params.err != nil || h == nil || length < 1 || length > maxKey {
		return nil, errors.New("its key derivation is malformed or of an unknown kind")
	}
	size := h().Size()
	if err := p.spend(iterations, (length+size-1)/size); err != nil {
		return nil, err
	}
	return pbkdf2.Key(h, pw, salt, iterations, length)
}

// decrypt opens an EncryptedData (RFC 5652 section 8) with the first password
// that gives a sequence. The caller clears what it gets.
func (p *pfx) decrypt(b []byte) ([]byte, error) {
	outer := fields{b: b}
	data := fields{b: outer.next(idSequence)}
	data.next(idInteger)
	info := fields{b: data.next(idSequence)}
	info.next(idOID)
	algorithm := info.next(idSequence)
	e, _, err := cert.Next(info.b)
	sealed := e.Body
	if err == nil && e.ID == idContext0 {
		sealed, err = joined(e.Body)
	} else if e.ID != idEncrypted {
		err = errors.New("it is malformed")
	}
	if err = errors.Join(err, outer.err, data.err, info.err); err != nil {
		return nil, errors.New("it is malformed")
	}
	for _, candidate := range p.passwords {
		if err := p.charge(len(sealed) / 64); err != nil {
			return nil, err
		}
		mode, err := p.cipher(algorithm, candidate)
		if err != nil {
			return nil, err
		}
		if plain, ok := open(mode, sealed); ok {
			return plain, nil
		}
	}
	return nil, errPassword
}

// open decrypts and takes the padding off. It is no oracle: who holds the file
// learns nothing from us.
func open(mode cipher.BlockMode, sealed []byte) ([]byte, bool) {
	size := mode.BlockSize()
	if len(sealed) == 0 || len(sealed)%size != 0 {
		return nil, false
	}
	plain := make([]byte, len(sealed))
	mode.CryptBlocks(plain, sealed)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > size || slices.ContainsFunc(plain[len(plain)-pad:], func(b byte) bool { return int(b) != pad }) {
		return nil, false
	}
	plain = plain[:len(plain)-pad]
	e, _, err := cert.Next(plain)
	return plain, err == nil && e.ID == idSequence
}

// cipher makes the cipher that an AlgorithmIdentifier names, with its key.
func (p *pfx) cipher(algorithm []byte, pw password) (cipher.BlockMode, error) {
	f := fields{b: algorithm}
	oid := string(f.next(idOID))
	params := fields{b: f.next(idSequence)}
	if f.err != nil {
		return nil, errors.New("its encryption is malformed or of an unknown kind")
	}
	if oid == oidPBES2 {
		return p.pbes2(params, pw.utf8)
	}
	if len(oid) != len(oidLegacy)+1 || oid[:len(oidLegacy)] != oidLegacy {
		return nil, errors.New("its encryption is of an unknown kind")
	}
	salt, iterations := params.next(idOctets), integer(params.next(idInteger))
	if params.err != nil {
		return nil, errors.New("its encryption is malformed")
	}
	if err := p.spend(iterations, 3); err != nil {
		return nil, err
	}
	key := func(n int) []byte { return derive(sha1.New, 1, pw.bmp, salt, iterations, n) }
	var block cipher.Block
	var err error
	switch oid[len(oidLegacy)] { // RFC 7292 appendix C
	case 3:
		block, err = des.NewTripleDESCipher(key(24))
	case 4:
		two := key(16)
		block, err = des.NewTripleDESCipher(append(two, two[:8]...))
	case 5:
		block = newRC2(key(16))
	case 6:
		block = newRC2(key(5))
	default:
		return nil, errors.New("its encryption is RC4: it cannot be read")
	}
	if err != nil {
		return nil, err
	}
	return cipher.NewCBCDecrypter(block, derive(sha1.New, 2, pw.bmp, salt, iterations, block.BlockSize())), nil
}

// pbes2 reads PBES2-params (RFC 8018 appendix A.4).
func (p *pfx) pbes2(params fields, pw string) (cipher.BlockMode, error) {
	kdf, scheme := params.next(idSequence), fields{b: params.next(idSequence)}
	oid, iv := string(scheme.next(idOID)), scheme.next(idOctets)
	if params.err != nil || scheme.err != nil {
		return nil, errors.New("its encryption is malformed or of an unknown kind")
	}
	make := aes.NewCipher
	var length int
	switch oid {
	case "\x60\x86\x48\x01\x65\x03\x04\x01\x02":
		length = 16
	case "\x60\x86\x48\x01\x65\x03\x04\x01\x16":
		length = 24
	case "\x60\x86\x48\x01\x65\x03\x04\x01\x2a":
		length = 32
	case "\x2a\x86\x48\x86\xf7\x0d\x03\x07":
		make, length = des.NewTripleDESCipher, 24
	default:
		return nil, errors.New("its encryption is of an unknown kind")
	}
	key, err := p.pbkdf2(kdf, pw, length)
	if err != nil {
		return nil, err
	}
	block, err := make(key)
	if err != nil || len(iv) != block.BlockSize() {
		return nil, errors.New("its encryption is malformed")
	}
	return cipher.NewCBCDecrypter(block, iv), nil
}

// integer reads a small one; -1 where it is negative or large.
func integer(b []byte) int {
	if len(b) == 0 || len(b) > 4 || b[0] >= 0x80 {
		return -1
	}
	n := 0
	for _, one := range b {
		n = n<<8 | int(one)
	}
	return n
}

// derive is the key derivation of RFC 7292 appendix B.2. purpose is 1 for a
// key, 2 for an IV, 3 for an integrity key.
func derive(h func() hash.Hash, purpose byte, pw, salt []byte, iterations, size int) []byte {
	d := h()
	v := d.BlockSize()
	diversifier := slices.Repeat([]byte{purpose}, v)
	in := append(repeated(salt, v), repeated(pw, v)...)
	var out []byte
	for {
		d.Reset()
		d.Write(diversifier)
		d.Write(in)
		a := d.Sum(nil)
		for range iterations - 1 {
			d.Reset()
			d.Write(a)
			a = d.Sum(a[:0])
		}
		if out = append(out, a...); len(out) >= size {
			return out[:size]
		}
		b := repeated(a, v)[:v]
		for block := range slices.Chunk(in, v) {
			carry := 1
			for i := v - 1; i >= 0; i-- {
				carry += int(block[i]) + int(b[i])
				block[i] = byte(carry)
				carry >>= 8
			}
		}
	}
}

// repeated is b over and over, up to the next multiple of v bytes.
func repeated(b []byte, v int) []byte {
	if len(b) == 0 {
		return nil
	}
	n := (len(b) + v - 1) / v * v
	return slices.Repeat(b, n/len(b)+1)[:n]
}
