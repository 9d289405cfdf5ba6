package keystore

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// The magic numbers that Java's own stores begin with.
const (
	magicJKS   = 0xfeedfeed
	magicJCEKS = 0xcececece
)

// The tags of entries.
const (
	tagKey         = 1
	tagCertificate = 2
	tagSecret      = 3 // of JCEKS: a serialized Java object
)

// whitener stands between password and contents in the integrity code.
const whitener = "Mighty Aphrodite"

// IsJava says whether a file that starts with b is a JKS or JCEKS store. It
// needs 8 bytes.
func IsJava(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	magic, version := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	return (magic == magicJKS || magic == magicJCEKS) && (version == 1 || version == 2)
}

// Java reads a JKS or JCEKS store. The certificates of these formats are not
// encrypted: they are read without a password, and [Store.Verified] says whether
// one of the passwords, "" or "changeit" fits. What [IsJava] does not know gives a problem and no
// entries.
func Java(b []byte, passwords []string) *Store {
	s := &Store{Format: "JKS"}
	if !IsJava(b) {
		s.problem("this is no Java key store", "")
		return s
	}
	if binary.BigEndian.Uint32(b) == magicJCEKS {
		s.Format = "JCEKS"
	}
	s.Verified = javaDigest(b, candidates(passwords))
	r := &javaReader{b: b[8:], typed: binary.BigEndian.Uint32(b[4:]) == 2}
	count := r.uint32()
	for n := uint32(0); n < count && r.err == nil; n++ {
		if !r.entry(s, n+1) {
			return s
		}
	}
	switch {
	case r.err != nil:
		s.problem(fmt.Sprintf("the %s store is cut off or malformed after %d whole entries", s.Format, r.whole), "")
	case len(r.b) != sha1.Size:
		s.problem(fmt.Sprintf("the %s store ends with %d bytes instead of its %d-byte integrity code", s.Format, len(r.b), sha1.Size), "")
	}
	return s
}

// javaDigest says whether one of the passwords gives the digest at the end.
func javaDigest(b []byte, passwords []string) bool {
	if len(b) < sha1.Size {
		return false
	}
	body, want := b[:len(b)-sha1.Size], b[len(b)-sha1.Size:]
	for _, password := range passwords {
		h := sha1.New()
		for _, unit := range utf16.Encode([]rune(password)) {
			h.Write([]byte{byte(unit >> 8), byte(unit)})
		}
		h.Write([]byte(whitener))
		h.Write(body)
		if subtle.ConstantTimeCompare(h.Sum(nil), want) == 1 {
			return true
		}
	}
	return false
}

// A javaReader reads the fields of DataOutputStream. After an error it gives
// zero values, and never more than there is.
type javaReader struct {
	b     []byte
	typed bool // certificates come with their type: version 2
	whole int
	err   error
}

// entry reads one entry; false where no further one can be read.
func (r *javaReader) entry(s *Store, number uint32) bool {
	tag, alias := r.uint32(), string(r.bytes(int(r.uint16())))
	if r.err == nil && tag == tagSecret {
		s.problem(fmt.Sprintf("entry %d is a secret key in Java's serialization: it and what follows cannot be read", number),
			`take the certificates out with "keytool -list -rfc -storetype JCEKS -keystore FILE"`)
		return false
	}
	r.bytes(8) // when it was made
	e := Entry{Alias: alias, Kind: Trusted}
	switch {
	case tag == tagKey:
		e.Kind = KeyChain
		r.bytes(r.length()) // the key
		for n := r.uint32(); n > 0 && r.err == nil; n-- {
			e.Certificates = r.certificate(s, e.Certificates)
		}
	case tag == tagCertificate:
		e.Certificates = r.certificate(s, nil)
	case r.err == nil:
		r.err = errors.New("unknown kind of entry")
	}
	if r.err == nil {
		r.whole++
	}
	if e.Kind == KeyChain && len(e.Certificates) == 0 {
		s.keys++
	}
	return s.add(e)
}

// certificate appends the next one to certs, if it is of the usual type.
func (r *javaReader) certificate(s *Store, certs [][]byte) [][]byte {
	kind := "X.509"
	if r.typed {
		kind = string(r.bytes(int(r.uint16())))
	}
	der := r.bytes(r.length())
	switch {
	case r.err != nil:
	case kind != "X.509" && kind != "X509":
		s.note("a certificate of another type than X.509: left out")
	default:
		return append(certs, bytes.Clone(der))
	}
	return certs
}

func (r *javaReader) length() int {
	n := r.uint32()
	// A length beyond the file is refused before it is an int of 32 bits.
	if uint64(n) > uint64(len(r.b)) {
		r.err = errors.New("a length is beyond the end")
		return 0
	}
	return int(n)
}

func (r *javaReader) bytes(n int) []byte {
	if r.err == nil && n > len(r.b) {
		r.err = errors.New("the end comes too early")
	}
	if r.err != nil {
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *javaReader) uint16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *javaReader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}
