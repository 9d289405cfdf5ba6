package ct

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// The entry types of RFC 6962 section 3.1.
const (
	typeX509    = 0
	typePrecert = 1
)

// maxEntry is what the length field of an entry holds.
const maxEntry = 1<<24 - 1

// An Entry is what a log puts its name to: a certificate, or a precertificate
// with the key of its issuer. The zero value is no entry.
type Entry struct {
	kind uint16
	body []byte // signed_entry of RFC 6962 section 3.2
}

// X509Entry is the entry of a certificate: what SCTs in handshakes and OCSP
// responses speak of.
func X509Entry(der []byte) (Entry, error) {
	if len(der) == 0 || len(der) > maxEntry {
		return Entry{}, fmt.Errorf("making log entry: a certificate of %d bytes does not fit", len(der))
	}
	return Entry{typeX509, vector24(nil, der)}, nil
}

// PrecertEntry is the entry of a precertificate: what embedded SCTs speak of.
// issuerSPKI is the SubjectPublicKeyInfo of the CA that issues the final
// certificate, and tbs what [CertificateTBS] or [PrecertificateTBS] rebuilt.
func PrecertEntry(issuerSPKI, tbs []byte) (Entry, error) {
	switch {
	case len(tbs) == 0 || len(tbs) > maxEntry:
		return Entry{}, fmt.Errorf("making log entry: a precertificate of %d bytes does not fit", len(tbs))
	case len(issuerSPKI) == 0:
		return Entry{}, errors.New("making log entry: the issuer has no key")
	}
	hash := sha256.Sum256(issuerSPKI)
	return Entry{typePrecert, vector24(hash[:], tbs)}, nil
}

// vector24 writes what precedes and a vector with a length of three bytes.
func vector24(precedes, b []byte) []byte {
	out := make([]byte, 0, len(precedes)+3+len(b))
	out = append(out, precedes...)
	out = append(out, byte(len(b)>>16), byte(len(b)>>8), byte(len(b)))
	return append(out, b...)
}

// Signed gives the bytes that a log signs for this entry in s: the
// digitally-signed struct of RFC 6962 section 3.2.
func (e Entry) Signed(s *SCT) []byte {
	const certificateTimestamp = 0
	out := make([]byte, 0, 1+1+8+2+len(e.body)+2+len(s.Extensions))
	out = append(out, s.Version, certificateTimestamp)
	out = binary.BigEndian.AppendUint64(out, uint64(s.Time.UnixMilli()))
	out = binary.BigEndian.AppendUint16(out, e.kind)
	out = append(out, e.body...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(s.Extensions)))
	return append(out, s.Extensions...)
}
