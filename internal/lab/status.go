package lab

import (
	"crypto/sha1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Further identifiers of what tells whether a certificate is revoked.
const (
	OCSPSigning  = "1.3.6.1.5.5.7.3.9"
	IDMustStaple = "1.3.6.1.5.5.7.1.24"
	IDNoCheck    = "1.3.6.1.5.5.7.48.1.5"

	idBasicOCSP      = "1.3.6.1.5.5.7.48.1.1"
	idNonce          = "1.3.6.1.5.5.7.48.1.2"
	idExtendedRevoke = "1.3.6.1.5.5.7.48.1.9"
	idCRLNumber      = "2.5.29.20"
	idReason         = "2.5.29.21"
	idIDP            = "2.5.29.28"
	idDelta          = "2.5.29.27"
)

// A Status is what an OCSP response or a list shall say of one certificate. The
// zero value of State is good.
type Status struct {
	// Serial is the content octets of the serial number.
	Serial []byte
	// State is "good", "revoked" or "unknown"; empty means good.
	State string
	// At and Reason are of a revoked one; Reason is written where it is not 0.
	At     time.Time
	Reason int
}

// An OCSP is a response that shall be made. It is made whatever it says.
type OCSP struct {
	// Issuer is the CA that the answers are about.
	Issuer *CA
	// Responder signs, and is named by its key; nil means Issuer.
	Responder *Key
	// Named is whose key it says that it is signed with; nil means the one that
	// signs.
	Named *Key
	// Certificates are brought along.
	Certificates [][]byte
	Answers      []Status
	// This, Next and Produced are the times; Next may be zero, Produced is This
	// where zero.
	This, Next, Produced time.Time
	// Nonce is written where it is not nil.
	Nonce []byte
	// ExtendedRevoke says that serial numbers never issued are called revoked.
	ExtendedRevoke bool
	// Algorithm signs; empty means the one that fits the key.
	Algorithm Algorithm
}

const (
	seq = asn1.SEQUENCE
	oct = asn1.OCTET_STRING
)

func addExtension(b *cryptobyte.Builder, e Extension) { b.AddBytes(e.der()) }

// build writes one value.
func build(tag asn1.Tag, content func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, content)
	return b.BytesOrPanic()
}

func tagged(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

func bare(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific() }

// Sign makes the response.
func (o OCSP) Sign() []byte {
	k := o.Responder
	if k == nil {
		k = o.Issuer.Key
	}
	alg := o.Algorithm
	if alg == "" {
		alg = fitting(k)
	}
	named := o.Named
	if named == nil {
		named = k
	}
	data := o.data(named)
	return build(seq, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.ENUM, func(b *cryptobyte.Builder) { b.AddUint8(0) })
		b.AddASN1(tagged(0), func(b *cryptobyte.Builder) {
			b.AddASN1(seq, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oid(idBasicOCSP))
				b.AddASN1(oct, func(b *cryptobyte.Builder) {
					b.AddASN1(seq, func(b *cryptobyte.Builder) {
						b.AddBytes(data)
						b.AddBytes(alg.ID())
						b.AddASN1BitString(alg.sign(k, data))
						if len(o.Certificates) > 0 {
							b.AddASN1(tagged(0), func(b *cryptobyte.Builder) {
								b.AddASN1(seq, func(b *cryptobyte.Builder) {
									for _, der := range o.Certificates {
										b.AddBytes(der)
									}
								})
							})
						}
					})
				})
			})
		})
	})
}

func (o OCSP) data(k *Key) []byte {
	produced := o.Produced
	if produced.IsZero() {
		produced = o.This
	}
	return build(seq, func(b *cryptobyte.Builder) {
		b.AddASN1(tagged(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(k.ID) })
		b.AddASN1GeneralizedTime(produced.UTC())
		b.AddASN1(seq, func(b *cryptobyte.Builder) {
			for _, a := range o.Answers {
				o.answer(b, a)
			}
		})
		if o.Nonce == nil && !o.ExtendedRevoke {
			return
		}
		b.AddASN1(tagged(1), func(b *cryptobyte.Builder) {
			b.AddASN1(seq, func(b *cryptobyte.Builder) {
				if o.Nonce != nil {
					value := build(oct, func(b *cryptobyte.Builder) { b.AddBytes(o.Nonce) })
					addExtension(b, Extension{ID: idNonce, Value: value})
				}
				if o.ExtendedRevoke {
					addExtension(b, Extension{ID: idExtendedRevoke, Value: []byte{5, 0}})
				}
			})
		})
	})
}

func (o OCSP) answer(b *cryptobyte.Builder, s Status) {
	name := sha1.Sum(o.Issuer.Name)
	b.AddASN1(seq, func(b *cryptobyte.Builder) {
		b.AddASN1(seq, func(b *cryptobyte.Builder) {
			b.AddASN1(seq, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid(idSHA1)); b.AddASN1NULL() })
			b.AddASN1OctetString(name[:])
			b.AddASN1OctetString(o.Issuer.Key.ID)
			b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(s.Serial) })
		})
		switch s.State {
		case "revoked":
			b.AddASN1(tagged(1), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(s.At.UTC())
				if s.Reason != 0 {
					b.AddASN1(tagged(0), func(b *cryptobyte.Builder) {
						b.AddASN1(asn1.ENUM, func(b *cryptobyte.Builder) { b.AddUint8(uint8(s.Reason)) })
					})
				}
			})
		case "unknown":
			b.AddASN1(bare(2), func(*cryptobyte.Builder) {})
		default:
			b.AddASN1(bare(0), func(*cryptobyte.Builder) {})
		}
		b.AddASN1GeneralizedTime(o.This.UTC())
		if !o.Next.IsZero() {
			b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(o.Next.UTC()) })
		}
	})
}

// A CRL is a revocation list that shall be made. It is made whatever it says.
type CRL struct {
	// Issuer names itself in it, and signs unless Signer does.
	Issuer *CA
	Signer *Key
	// Entries are the revoked certificates.
	Entries []Status
	// This and Next are the times; Next may be zero.
	This, Next time.Time
	// URL is the distribution point that it is for, alone; empty writes none.
	URL string
	// KeyID is whose key it says that it is signed with; empty means the issuer's.
	KeyID []byte
	// OnlyCA and OnlyUser leave the others out; Indirect covers other issuers;
	// Delta makes it a list of changes.
	OnlyCA, OnlyUser, Indirect, Delta bool
	// Critical adds a critical extension that nobody knows.
	Critical bool
}

// Sign makes the list.
func (c CRL) Sign() []byte {
	k := c.Signer
	if k == nil {
		k = c.Issuer.Key
	}
	alg := fitting(k)
	tbs := build(seq, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddBytes(alg.ID())
		b.AddBytes(c.Issuer.Name)
		b.AddASN1UTCTime(c.This.UTC())
		if !c.Next.IsZero() {
			b.AddASN1UTCTime(c.Next.UTC())
		}
		if len(c.Entries) > 0 {
			b.AddASN1(seq, func(b *cryptobyte.Builder) {
				for _, e := range c.Entries {
					c.entry(b, e)
				}
			})
		}
		b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddASN1(seq, c.extensions) })
	})
	return build(seq, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(alg.ID())
		b.AddASN1BitString(alg.sign(k, tbs))
	})
}

func (c CRL) entry(b *cryptobyte.Builder, e Status) {
	b.AddASN1(seq, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(e.Serial) })
		b.AddASN1UTCTime(e.At.UTC())
		if e.Reason != 0 {
			b.AddASN1(seq, func(b *cryptobyte.Builder) {
				value := build(asn1.ENUM, func(b *cryptobyte.Builder) { b.AddUint8(uint8(e.Reason)) })
				addExtension(b, Extension{ID: idReason, Value: value})
			})
		}
	})
}

func (c CRL) extensions(b *cryptobyte.Builder) {
	if len(c.KeyID) > 0 {
		addExtension(b, AKI(c.KeyID))
	} else {
		addExtension(b, AKI(c.Issuer.KeyID))
	}
	addExtension(b, Extension{ID: idCRLNumber, Value: []byte{2, 1, 7}})
	if c.Delta {
		addExtension(b, Extension{ID: idDelta, Critical: true, Value: []byte{2, 1, 6}})
	}
	if c.Critical {
		addExtension(b, Extension{ID: "1.3.6.1.4.1.99999.1", Critical: true, Value: []byte{5, 0}})
	}
	if c.URL == "" && !c.OnlyCA && !c.OnlyUser && !c.Indirect {
		return
	}
	addExtension(b, Extension{ID: idIDP, Critical: true, Value: build(seq, func(b *cryptobyte.Builder) {
		if c.URL != "" {
			b.AddASN1(tagged(0), func(b *cryptobyte.Builder) {
				b.AddASN1(tagged(0), func(b *cryptobyte.Builder) {
					b.AddASN1(bare(6), func(b *cryptobyte.Builder) { b.AddBytes([]byte(c.URL)) })
				})
			})
		}
		for _, flag := range []struct {
			n   uint8
			set bool
		}{{1, c.OnlyUser}, {2, c.OnlyCA}, {4, c.Indirect}} {
			if flag.set {
				b.AddASN1(bare(flag.n), func(b *cryptobyte.Builder) { b.AddUint8(0xff) })
			}
		}
	})})
}

// MustStaple writes the TLS feature extension that asks for a stapled OCSP
// response (RFC 7633).
func MustStaple() Extension {
	return Extension{ID: IDMustStaple, Value: []byte{0x30, 3, 2, 1, 5}}
}

// NoCheck writes the extension by which a responder's certificate is not asked
// about itself.
func NoCheck() Extension { return Extension{ID: IDNoCheck, Value: []byte{5, 0}} }

// Responder makes a certificate of issuer for signing OCSP responses with k.
func (l *Lab) Responder(issuer *CA, k *Key) Template {
	return Template{
		Serial: SerialOf("responder"), Issuer: issuer.Name, Subject: Named("C=XX, O=Lab Trust Services, CN=Lab OCSP"), Key: k,
		NotBefore: l.At.Add(-10 * day), NotAfter: l.At.Add(30 * day),
		Extensions: []Extension{
			KeyUsage(DigitalSignature).MakeCritical(), ExtKeyUsage(OCSPSigning), Basic(false, -1).MakeCritical(),
			SKI(k.ID), AKI(issuer.KeyID), NoCheck(),
		},
	}
}
