package lab

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	encoding "encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var errNotCopied = errors.New("lab: the certificate cannot be copied")

// copied writes a certificate again, byte for byte but for the key, the signature
// and what the options of m change.
func (m *Mirror) copied(genuine *x509.Certificate, key, signer crypto.Signer) ([]byte, error) {
	hash := crypto.SHA256
	if a := genuine.SignatureAlgorithm; a == x509.ECDSAWithSHA384 || a == x509.SHA384WithRSA {
		hash = crypto.SHA384
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	var serial []byte
	if m.OwnSerials {
		serial = freshSerial(genuine.SerialNumber.Bytes())
	}
	tbs, err := m.rewrite(genuine.RawTBSCertificate, serial, spki, keyIDOf(signer.Public()))
	if err != nil {
		return nil, err
	}
	digest := hash.New()
	digest.Write(tbs)
	signature, err := signer.Sign(rand.Reader, digest.Sum(nil), hash)
	if err != nil {
		return nil, err
	}
	whole, algorithm := cryptobyte.String(genuine.Raw), cryptobyte.String(nil)
	if !whole.ReadASN1(&whole, asn1.SEQUENCE) || !whole.SkipASN1(asn1.SEQUENCE) || !whole.ReadASN1Element(&algorithm, asn1.SEQUENCE) {
		return nil, errNotCopied
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(algorithm)
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}

// rewrite puts another key into the signed part, another serial number unless it
// is nil, and the extensions that are to be.
func (m *Mirror) rewrite(tbs, serial, spki, issuerID []byte) ([]byte, error) {
	in := cryptobyte.String(tbs)
	if !in.ReadASN1(&in, asn1.SEQUENCE) {
		return nil, errNotCopied
	}
	explicit := func(n uint8) asn1.Tag { return asn1.Tag(n).Constructed().ContextSpecific() }
	var parts []cryptobyte.String
	for !in.Empty() {
		var part cryptobyte.String
		var tag asn1.Tag
		if !in.ReadAnyASN1Element(&part, &tag) {
			return nil, errNotCopied
		}
		switch {
		case tag == asn1.INTEGER && serial != nil:
			var b cryptobyte.Builder
			b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(serial) })
			part = b.BytesOrPanic()
		case tag == explicit(3):
			rewritten, err := m.extensions(part, explicit(3), spki, issuerID)
			if err != nil {
				return nil, err
			}
			part = rewritten
		}
		parts = append(parts, part)
	}
	// version, serial number, algorithm, issuer, validity, subject, key (RFC 5280
	// section 4.1); a version 1 has none of interest.
	if len(parts) < 7 {
		return nil, errNotCopied
	}
	parts[6] = spki
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, part := range parts {
			b.AddBytes(part)
		}
	})
	return b.Bytes()
}

// extensions are the genuine ones in their order, without SCTs and with other key
// identifiers where that is asked for.
func (m *Mirror) extensions(in cryptobyte.String, tag asn1.Tag, spki, issuerID []byte) ([]byte, error) {
	var list cryptobyte.String
	if !in.ReadASN1(&in, tag) || !in.ReadASN1(&list, asn1.SEQUENCE) {
		return nil, errNotCopied
	}
	var kept [][]byte
	for !list.Empty() {
		var whole cryptobyte.String
		if !list.ReadASN1Element(&whole, asn1.SEQUENCE) {
			return nil, errNotCopied
		}
		inner := whole
		var id encoding.ObjectIdentifier
		if !inner.ReadASN1(&inner, asn1.SEQUENCE) || !inner.ReadASN1ObjectIdentifier(&id) {
			return nil, errNotCopied
		}
		switch text := id.String(); {
		case m.WithoutSCTs && text == IDSCTs:
			continue
		case m.OwnKeyIDs && text == IDSKI:
			whole = SKI(keyID(spki)).der()
		case m.OwnKeyIDs && text == IDAKI:
			whole = AKI(issuerID).der()
		}
		kept = append(kept, whole)
	}
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, e := range kept {
				b.AddBytes(e)
			}
		})
	})
	return b.Bytes()
}
