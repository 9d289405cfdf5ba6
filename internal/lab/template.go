package lab

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// A Template is what a certificate shall say. Unlike x509.Certificate it refuses
// nothing: every field is written as it stands, so that odd certificates can be
// made. The zero value is written as a version 3 certificate with an empty serial
// number and no names.
type Template struct {
	// Version is 1, 2 or 3; 0 means 3. Extensions are written whatever it says.
	Version int
	// Serial is the content octets of the serial number, two's complement.
	Serial              []byte
	Issuer, Subject     []byte // DER, see [DN]; empty means a name without attributes
	NotBefore, NotAfter time.Time
	// Key is the subject's key; SPKI, where set, is written in its place.
	Key  *Key
	SPKI []byte
	// Extensions are written in this order.
	Extensions []Extension
	// Inner and Outer are the algorithms named inside the signed part and
	// outside of it; empty means the one that signs.
	Inner, Outer Algorithm
}

// Clone copies the template so that the copy's extensions can be changed.
func (t Template) Clone() Template {
	t.Extensions = slices.Clone(t.Extensions)
	return t
}

// Set replaces the extensions of the same identifiers, or adds them at the end.
func (t *Template) Set(extensions ...Extension) {
	for _, e := range extensions {
		i := slices.IndexFunc(t.Extensions, func(x Extension) bool { return x.ID == e.ID })
		if i < 0 {
			t.Extensions = append(t.Extensions, e)
			continue
		}
		t.Extensions[i] = e
	}
}

// Drop removes the extensions of these identifiers.
func (t *Template) Drop(ids ...string) {
	t.Extensions = slices.DeleteFunc(t.Extensions, func(e Extension) bool { return slices.Contains(ids, e.ID) })
}

// Keep removes all extensions but these, and puts them in this order.
func (t *Template) Keep(ids ...string) {
	var kept []Extension
	for _, id := range ids {
		for _, e := range t.Extensions {
			if e.ID == id {
				kept = append(kept, e)
			}
		}
	}
	t.Extensions = kept
}

// Sign writes the certificate and signs it with k, whoever its issuer is said to
// be. An empty algorithm means the one that fits the key.
func (t Template) Sign(k *Key, algorithm Algorithm) []byte {
	if algorithm == "" {
		algorithm = fitting(k)
	}
	return t.SignWith(algorithm, func(tbs []byte) []byte { return algorithm.sign(k, tbs) })
}

// SignWith writes the certificate with the signature value that is made of its
// signed part, whatever that is, and states the algorithm.
func (t Template) SignWith(stated Algorithm, value func(tbs []byte) []byte) []byte {
	inner, outer := stated, stated
	if t.Inner != "" {
		inner = t.Inner
	}
	if t.Outer != "" {
		outer = t.Outer
	}
	tbs := t.tbs(inner)
	return sequence(func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(outer.ID())
		b.AddASN1BitString(value(tbs))
	})
}

func fitting(k *Key) Algorithm {
	public, ok := k.Public().(*ecdsa.PublicKey)
	switch {
	case !ok:
		return SHA256RSA
	case public.Curve.Params().BitSize > 256:
		return SHA384ECDSA
	}
	return SHA256ECDSA
}

// tbs writes the TBSCertificate (RFC 5280 section 4.1).
func (t Template) tbs(algorithm Algorithm) []byte {
	return sequence(func(b *cryptobyte.Builder) {
		if t.Version != 1 {
			version := t.Version
			if version == 0 {
				version = 3
			}
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(version - 1)) })
		}
		b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(t.Serial) })
		b.AddBytes(algorithm.ID())
		b.AddBytes(orEmpty(t.Issuer))
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addTime(b, t.NotBefore)
			addTime(b, t.NotAfter)
		})
		b.AddBytes(orEmpty(t.Subject))
		if t.SPKI != nil {
			b.AddBytes(t.SPKI)
		} else {
			b.AddBytes(t.Key.SPKI)
		}
		if len(t.Extensions) > 0 {
			b.AddASN1(asn1.Tag(3).ContextSpecific().Constructed(), t.addExtensions)
		}
	})
}

func (t Template) addExtensions(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range t.Extensions {
			b.AddBytes(e.der())
		}
	})
}

func orEmpty(name []byte) []byte {
	if len(name) == 0 {
		return DN()
	}
	return name
}

// addTime writes UTCTime up to 2049 and GeneralizedTime after (RFC 5280 section
// 4.1.2.5).
func addTime(b *cryptobyte.Builder, at time.Time) {
	at = at.UTC()
	if at.Year() >= 2050 {
		b.AddASN1GeneralizedTime(at)
		return
	}
	b.AddASN1UTCTime(at)
}

// SerialOf makes a positive serial number of 127 bits from what it is for: the
// same text gives the same number.
func SerialOf(text string) []byte {
	sum := sha256.Sum256([]byte("certassay lab serial\x00" + text))
	sum[0] = sum[0]&0x3f | 0x40
	return sum[:16]
}
