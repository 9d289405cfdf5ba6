package lab

import (
	"bytes"
	"math/big"
)

// pkcs1 are leaves whose RSA signatures carry the honest CA's own mark and are
// not what PKCS #1 v1.5 requires: blocks for verifiers that parse carelessly, or
// signatures that were made of something else.
func (l *Lab) pkcs1() []Case {
	rsa := New(Config{Host: l.Host, At: l.At, RSA: true})
	k := rsa.Intermediate.Key
	const size = 256
	signed := func(name, tell, rule string, em func(digest, tbs []byte) []byte) Case {
		leaf := rsa.LeafTemplate().SignWith(SHA256RSA, func(tbs []byte) []byte {
			return power(k, em(SHA256RSA.digest(tbs), tbs))
		})
		return rsa.forged(name, "suspicious", []string{tell}, leaf, rsa.Intermediate.DER).firing(rule).twin("honest-rsa")
	}
	payload := func(name, tell, rule string, make func(digest []byte) []byte) Case {
		return signed(name, tell, rule, func(digest, _ []byte) []byte { return block(size, make(digest)) })
	}
	changed := func(name, tell string, change func(em []byte)) Case {
		return signed(name, tell, "signature-padding", func(digest, _ []byte) []byte {
			em := block(size, digestInfo(idSHA256, null, digest))
			change(em)
			return em
		})
	}
	return append([]Case{
		payload("rsa-missing-null", "no NULL behind the hash algorithm", "signature-missing-null", func(digest []byte) []byte {
			return digestInfo(idSHA256, nil, digest)
		}),
		payload("rsa-hash-name", "SHA-256 under the name of SHA-384", "signature-digest-info", func(digest []byte) []byte {
			return digestInfo(idSHA384, null, digest)
		}),
		payload("rsa-parameter-garbage", "octets in the parameters of the hash algorithm", "signature-digest-info", func(digest []byte) []byte {
			return digestInfo(idSHA256, bytes.Repeat([]byte{4, 2, 0xca, 0x5e}, 8), digest)
		}),
		payload("rsa-raw-digest", "the bare hash", "signature-hash-substitution", bytes.Clone),
		signed("rsa-hash-substitution", "signed over SHA-1, SHA-256 is stated", "signature-hash-substitution", func(_, tbs []byte) []byte {
			return block(size, digestInfo(idSHA1, null, SHA1RSA.digest(tbs)))
		}),
		signed("rsa-short-padding", "no octet of padding, garbage behind the hash", "signature-padding", func(digest, _ []byte) []byte {
			em := append([]byte{0, 1, 0}, digestInfo(idSHA256, null, digest)...)
			return append(em, bytes.Repeat([]byte{0xca}, size-len(em))...)
		}),
		changed("rsa-padding-bytes", "padding of other octets than ff", func(em []byte) { copy(em[20:], "certassay") }),
		changed("rsa-block-type-0", "block type 0", func(em []byte) { em[1] = 0 }),
		changed("rsa-block-type-2", "block type 2", func(em []byte) { em[1] = 2 }),
		changed("rsa-leading-octet", "the block does not begin with zero", func(em []byte) { em[0] = 1 }),
		signed("rsa-pss-under-pkcs1", "RSA-PSS where PKCS #1 v1.5 is stated", "signature-wrong-primitive", func(digest, _ []byte) []byte {
			return pssBlock(size, 32, digest)
		}),
		signed("rsa-oaep", "an RSA-OAEP encryption in place of a signature", "signature-wrong-primitive", func(digest, _ []byte) []byte {
			return oaepBlock(size, digest)
		}),
		rsa.forged("rsa-tampered", "forged", []string{"the name was changed after signing", "the hash in the signature is that of the genuine leaf"},
			rsa.tampered(), rsa.Intermediate.DER).firing("signature-transplanted").twin("honest-rsa"),
	}, rsa.transplanted()...)
}

// transplanted are leaves with signature values that were not made for them.
func (l *Lab) transplanted() []Case {
	valued := func(name, want, tell, rule string, value func(tbs []byte) []byte) Case {
		return l.forged(name, want, []string{tell}, l.LeafTemplate().SignWith(SHA256RSA, value), l.Intermediate.DER).firing(rule).twin("honest-rsa")
	}
	other := New(Config{Host: "www.bank.example", At: l.At, RSA: true})
	donor := l.forged("rsa-transplant", "forged", []string{"the signature of another leaf"}, l.LeafTemplate().SignWith(SHA256RSA, func([]byte) []byte {
		return other.Leaf[len(other.Leaf)-256:]
	}), l.Intermediate.DER)
	return []Case{
		donor.beside(other.Leaf).firing("signature-transplanted", "signature-copied").twin("honest-rsa"),
		valued("rsa-empty", "suspicious", "no signature", "signature-empty", func([]byte) []byte { return nil }),
		valued("rsa-value-one", "forged", "the signature is 1", "signature-no-private-key", func([]byte) []byte {
			return big.NewInt(1).FillBytes(make([]byte, 256))
		}),
		valued("rsa-wrong-length", "suspicious", "a zero octet before the signature", "signature-reencoded", func(tbs []byte) []byte {
			return append([]byte{0}, SHA256RSA.sign(l.Intermediate.Key, tbs)...)
		}),
	}
}

// exponentThree is an honest RSA hierarchy whose intermediate has the public
// exponent 3, as many had that were made before 2006.
func (l *Lab) exponentThree() *Lab {
	rsa := New(Config{Host: l.Host, At: l.At, RSA: true})
	rsa.Intermediate = rsa.newIntermediate(Named("C=XX, O=Lab Trust Services, CN=Lab TLS CA 3"), issuingE3Key())
	rsa.Leaf = rsa.Issue(rsa.LeafTemplate())
	return rsa
}

// cubeRoots are leaves under an issuer with exponent 3 whose signatures were
// computed as cube roots: without any private key.
func (l *Lab) cubeRoots() []Case {
	rsa := l.exponentThree()
	honest := rsa.honestCase("honest-exponent-three", rsa.Chain()...)
	forged := func(name, tell, rule string, leaf []byte) Case {
		return rsa.forged(name, "forged", []string{tell, "the cube does not reach the modulus"}, leaf, rsa.Intermediate.DER).
			firing(rule, "signature-no-private-key").twin(honest.Name)
	}
	return []Case{
		honest,
		forged("e3-trailing-garbage", "octets behind the hash (CVE-2006-4339)", "signature-trailing-garbage", rsa.LeafTemplate().SignWith(SHA256RSA, trailing)),
		forged("e3-ber-length", "a length of many octets hides others (CVE-2014-1568)", "signature-ber-length", rsa.berLength()),
	}
}

// trailing is Bleichenbacher's forgery of 2006: a block of eight octets of
// padding, with what follows the hash left to chance.
func trailing(tbs []byte) []byte {
	head := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 8)...)
	head = append(append(head, 0), digestInfo(idSHA256, null, SHA256RSA.digest(tbs))...)
	return cubeRoot(256, head).FillBytes(make([]byte, 256))
}

// berLength is the forgery that its finders called BERserk: the lengths of
// DigestInfo and of the algorithm in it are written with 127 and 67 octets, which
// a decoder that forgets all but the last ones skips. The cube has to begin with
// the head and end with the tail, and is tried until two octets in the middle
// are right as well. Only an odd hash has a root: the serial number is counted up
// until it is.
func (l *Lab) berLength() []byte {
	t := l.LeafTemplate()
	for t.Serial = bytes.Clone(t.Serial); ; t.Serial[15]++ {
		digest := SHA256RSA.digest(t.tbs(SHA256RSA))
		if digest[31]&1 == 0 {
			continue
		}
		return t.SignWith(SHA256RSA, func([]byte) []byte { return berRoot(digest) })
	}
}

func berRoot(digest []byte) []byte {
	const size, long, longer = 256, 67, 127
	head := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 8)...)
	head = append(head, 0, 0x30, 0x80|longer)
	middle := []byte{0x30, 0x80 | long}
	tail := digestInfo(idSHA256, null, digest)[4:] // without the two tags and lengths
	high, low := cubeRoot(size, append(head, 0x01)), cubeRootEnding(tail)
	free := uint(8 * len(tail))
	high.Rsh(high, free).Lsh(high, free)
	at := len(head) + longer
	for step := new(big.Int).Lsh(big.NewInt(1), free); ; high.Add(high, step) {
		s := new(big.Int).Add(high, low)
		if em := cube(s).FillBytes(make([]byte, size)); bytes.Equal(em[at:at+2], middle) {
			return s.FillBytes(make([]byte, size))
		}
	}
}
