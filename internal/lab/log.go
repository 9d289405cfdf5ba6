package lab

import (
	"crypto/sha256"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// A Log is a CT log of the laboratory that signs whatever it is asked to.
type Log struct {
	Description string
	Key         *Key
}

// Logs are the two logs that every honest leaf is logged in.
func Logs() []Log {
	return []Log{{"Lab Log 1", log1Key()}, {"Lab Log 2", log2Key()}}
}

// ID is the log's identifier (RFC 6962 section 3.2): SHA-256 of its key.
func (l Log) ID() [32]byte { return sha256.Sum256(l.Key.SPKI) }

// SCTList makes the SCT list extension for a certificate of issuer: one SCT of
// each log, over the precertificate without that extension.
func SCTList(t Template, issuer *CA, at time.Time) Extension {
	t = t.Clone()
	t.Drop(IDSCTs)
	tbs := t.tbs(fitting(issuer.Key))
	var list cryptobyte.Builder
	list.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, log := range Logs() {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { log.addSCT(b, tbs, issuer, at) })
		}
	})
	var value cryptobyte.Builder
	value.AddASN1OctetString(list.BytesOrPanic())
	return Extension{ID: IDSCTs, Value: value.BytesOrPanic()}
}

// addSCT writes a SerializedSCT (RFC 6962 section 3.2): ECDSA with SHA-256.
func (l Log) addSCT(b *cryptobyte.Builder, tbs []byte, issuer *CA, at time.Time) {
	id := l.ID()
	b.AddUint8(0) // v1
	b.AddBytes(id[:])
	b.AddUint64(uint64(at.UnixMilli()))
	b.AddUint16(0) // no extensions
	b.AddUint8(4)  // sha256
	b.AddUint8(3)  // ecdsa
	signed := signedEntry(tbs, issuer, at)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(SHA256ECDSA.sign(l.Key, signed)) })
}

// signedEntry is what the log signs: certificate_timestamp over a precert_entry.
func signedEntry(tbs []byte, issuer *CA, at time.Time) []byte {
	issuerKeyHash := sha256.Sum256(issuer.Key.SPKI)
	var b cryptobyte.Builder
	b.AddUint8(0) // v1
	b.AddUint8(0) // certificate_timestamp
	b.AddUint64(uint64(at.UnixMilli()))
	b.AddUint16(1) // precert_entry
	b.AddBytes(issuerKeyHash[:])
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(tbs) })
	b.AddUint16(0) // no extensions
	return b.BytesOrPanic()
}
