package lab

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// md5Block is one half of an MD5 collision of two blocks for the prefix that
// [Lab.colliding] has in the default [Config]. It was computed with Stevens'
// method (https://www.win.tue.nl/hashclash/On%20Collisions%20for%20MD5%20-%20M.M.J.%20Stevens.pdf)
// in a second; whatever changes the prefix calls for another one.
const md5Block = "" +
	"a5405895c4fbf24821411dd39ddb84574385aaa9198e2c7214d241312e081f25" +
	"dfebbad26eec5c214f2c46a3aa2354038f3fc208e0034fdd6b26e67965ba9174" +
	"9ca9baad0a4e69625d288662514322b5492fc71586fbea1cf4d4dea74b9591ce" +
	"f5effedf84918fe57a14598a837832bcc4a0fddc95c60320e1d66f5d99c67b47"

// collisions is a certificate that was not signed: the CA signed another one with
// the same MD5. The two differ in a block that no software reads; a real forger
// puts there what a key or a name begins with.
//
// There is none for SHA-1: a collision for a prefix of our own costs 2^61 steps,
// and those that are published are for theirs.
func (l *Lab) collisions() []Case {
	rsa := New(Config{Host: l.Host, At: l.At, RSA: true})
	signed, forged := rsa.colliding(unhex(md5Block)), rsa.colliding(otherHalf(unhex(md5Block)))
	original := signed.Sign(rsa.Intermediate.Key, MD5RSA)
	c := rsa.forged("md5-collision", "forged", []string{"half of an MD5 collision", "the signature is that of another certificate"},
		forged.SignWith(MD5RSA, func([]byte) []byte { return original[len(original)-256:] }), rsa.Intermediate.DER)
	return []Case{c.beside(original).firing("signature-collision-md5", "signature-copied").twin("honest-rsa")}
}

// colliding is a leaf whose first extension holds these octets at the beginning
// of a block of MD5. It was never logged: SCTs would be over the octets.
func (l *Lab) colliding(octets []byte) Template {
	t := l.LeafTemplate()
	extensions := t.Extensions
	for padding := 0; ; padding++ {
		value := append(bytes.Repeat([]byte{' '}, padding), octets...)
		t.Extensions = slices.Concat([]Extension{{ID: "1.3.6.1.4.1.55555.2", Value: value}}, extensions)
		if bytes.Index(t.tbs(MD5RSA), octets)%64 == 0 {
			return t
		}
	}
}

// otherHalf adds the differences of Wang's attack (https://eprint.iacr.org/2004/199)
// to two blocks: to words 4, 11 and 14 of each.
func otherHalf(blocks []byte) []byte {
	out := bytes.Clone(blocks)
	for i, difference := range map[int]uint32{4: 1 << 31, 11: 1 << 15, 14: 1 << 31, 20: 1 << 31, 27: 1<<32 - 1<<15, 30: 1 << 31} {
		word := binary.LittleEndian.Uint32(out[4*i:])
		binary.LittleEndian.PutUint32(out[4*i:], word+difference)
	}
	return out
}
