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
	// Tiled says that it follows the static-ct-api: its SCTs hold a leaf index.
	Tiled bool
	// From and To bound the notAfter that it accepts, From inclusive, To
	// exclusive; both are zero for a log that accepts any.
	From, To time.Time
	// Retired is when it was given up; zero means never.
	Retired time.Time
}

// Logs are the two logs that every honest leaf is logged in.
func Logs() []Log {
	return []Log{{Description: "Lab Log 1", Key: log1Key()}, {Description: "Lab Log 2", Key: log2Key()}}
}

// ID is the log's identifier (RFC 6962 section 3.2): SHA-256 of its key.
func (l Log) ID() [32]byte { return sha256.Sum256(l.Key.SPKI) }

// SCTList makes the SCT list extension for a certificate of issuer: one SCT of
// each log in [Logs], over the precertificate without that extension.
func SCTList(t Template, issuer *CA, at time.Time) Extension {
	var scts [][]byte
	for _, log := range Logs() {
		scts = append(scts, log.SCT(t, issuer, at))
	}
	return EmbedSCTs(scts...)
}

// EmbedSCTs makes the SCT list extension (RFC 6962 section 3.3) of these
// SerializedSCTs, whatever they are.
func EmbedSCTs(scts ...[]byte) Extension {
	var list cryptobyte.Builder
	list.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, sct := range scts {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(sct) })
		}
	})
	var value cryptobyte.Builder
	value.AddASN1OctetString(list.BytesOrPanic())
	return Extension{ID: IDSCTs, Value: value.BytesOrPanic()}
}

// leafIndex is the extension that SCTs of tiled logs hold
// (c2sp.org/static-ct-api): entry 42.
var leafIndex = []byte{0, 0, 5, 0, 0, 0, 0, 42}

// SCT makes a SerializedSCT (RFC 6962 section 3.2) over the precertificate of t
// that issuer submits, with ECDSA and SHA-256.
func (l Log) SCT(t Template, issuer *CA, at time.Time) []byte {
	t = t.Clone()
	t.Drop(IDSCTs)
	var extensions []byte
	if l.Tiled {
		extensions = leafIndex
	}
	stated := t.Inner
	if stated == "" {
		stated = fitting(issuer.Key)
	}
	signed := signedEntry(t.tbs(stated), issuer, at, extensions)
	id := l.ID()
	var b cryptobyte.Builder
	b.AddUint8(0) // v1
	b.AddBytes(id[:])
	b.AddUint64(uint64(at.UnixMilli()))
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(extensions) })
	b.AddUint8(4) // sha256
	b.AddUint8(3) // ecdsa
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(SHA256ECDSA.sign(l.Key, signed)) })
	return b.BytesOrPanic()
}

// signedEntry is what the log signs: certificate_timestamp over a precert_entry.
func signedEntry(tbs []byte, issuer *CA, at time.Time, extensions []byte) []byte {
	issuerKeyHash := sha256.Sum256(issuer.Key.SPKI)
	var b cryptobyte.Builder
	b.AddUint8(0) // v1
	b.AddUint8(0) // certificate_timestamp
	b.AddUint64(uint64(at.UnixMilli()))
	b.AddUint16(1) // precert_entry
	b.AddBytes(issuerKeyHash[:])
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(tbs) })
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(extensions) })
	return b.BytesOrPanic()
}
