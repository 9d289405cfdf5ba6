package tlsdial

import (
	"bytes"
	"errors"

	"golang.org/x/crypto/cryptobyte"

	"github.com/certassay/certassay/internal/evidence"
)

// ProfileRecorded is the profile of a handshake that others made and somebody
// recorded.
const ProfileRecorded = "recorded"

// maxRecordedCerts is the most certificates that are taken out of one recorded
// message: it may be of empty ones.
const maxRecordedCerts = 100

// typeClientHello is a message that we only read in recordings.
const typeClientHello = 1

const extServerName = 0

// A Recorded is what the messages of a handshake tell that somebody recorded, as
// far as they were sent in the clear.
type Recorded struct {
	// Handshake has the server's answer: certificates up to TLS 1.2, and what
	// proves its key. Addresses and times are the caller's to fill in.
	evidence.Handshake
	// ClientHello and ServerHello say which messages were met; a
	// HelloRetryRequest is no ServerHello, and sets Retried.
	ClientHello, ServerHello, Retried bool
	// Cut says that the server's Certificate message is there in part, and
	// that Certificates are those that are whole. Dropped counts certificates
	// that are too many.
	Cut     bool
	Dropped int
	// ClientCertificates are the chain that the client showed.
	ClientCertificates []evidence.DER
}

// ReadRecorded reads the two directions of a recorded connection, from the first
// TLS record on; either may be empty, or end anywhere. It reads the server's
// messages as those of live servers are read, and never fails: what cannot be
// read is not there.
func ReadRecorded(client, server []byte) *Recorded {
	r := &Recorded{Handshake: evidence.Handshake{Profile: ProfileRecorded}}
	hello := readClientHello(client)
	r.ClientHello, r.ServerName = hello.random != nil, hello.name
	f := salvage(server, nil, maxRecordedCerts)
	r.ServerHello, r.Retried = f.hello, f.retried
	r.Version, r.Cipher, r.Group, r.ALPN = f.version, f.cipher, f.group, f.alpn
	r.OCSP, r.Dropped = bytes.Clone(f.ocsp), f.dropped
	rest := f.hs[f.off:]
	r.Cut = f.chain && len(rest) > 4 && rest[0] == typeCertificate
	for _, sct := range f.scts {
		r.SCTs = append(r.SCTs, bytes.Clone(sct))
	}
	r.Certificates = cloned(f.certs)
	if hello.random != nil && len(f.certs) > 0 {
		r.prove(f, hello.random)
	}
	r.ClientCertificates = cloned(salvage(client, nil, maxRecordedCerts).certs)
	return r
}

func cloned(certs [][]byte) (out []evidence.DER) {
	for _, der := range certs {
		out = append(out, bytes.Clone(der))
	}
	return out
}

// prove says whether the server signed the key exchange with its key.
func (r *Recorded) prove(f *flight, random []byte) {
	kx, err := parseKeyExchange(kexOf(f.cipher), f.version, f.ske)
	if err != nil {
		return
	}
	r.Group = kx.group
	err = kx.verify(f.certs[0], random, f.random)
	r.Possession, r.Refuted = err == nil, errors.Is(err, errSignature)
}

// A recordedHello is what matters of a ClientHello; random is nil where there is none.
type recordedHello struct {
	random []byte
	name   string
}

// readClientHello reads the first message of a client (RFC 8446 section 4.1.2),
// or the SSL 2.0 form of it that old clients begin with (RFC 5246 appendix E.2).
func readClientHello(stream []byte) (h recordedHello) {
	if random := oldHello(stream); random != nil {
		return recordedHello{random: random}
	}
	var hs []byte
	for {
		r, err := cutRecord(stream)
		if err != nil || r.kind != recordHandshake {
			break
		}
		hs, stream = append(hs, r.body()...), stream[len(r.raw):]
	}
	s := cryptobyte.String(hs)
	var kind uint8
	var body, skipped cryptobyte.String
	var random []byte
	if !s.ReadUint8(&kind) || kind != typeClientHello || !s.ReadUint24LengthPrefixed(&body) ||
		!body.Skip(2) || !body.ReadBytes(&random, 32) {
		return h
	}
	h.random = random
	if body.ReadUint8LengthPrefixed(&skipped) && body.ReadUint16LengthPrefixed(&skipped) && body.ReadUint8LengthPrefixed(&skipped) {
		eachExtension(body, func(kind uint16, data cryptobyte.String) {
			var list, name cryptobyte.String
			var form uint8
			if kind == extServerName && data.ReadUint16LengthPrefixed(&list) && list.ReadUint8(&form) && form == 0 && list.ReadUint16LengthPrefixed(&name) {
				h.name = string(name)
			}
		})
	}
	return h
}

// oldHello gives the random of a ClientHello in the form of SSL 2.0: its
// challenge, with zeros before it.
func oldHello(b []byte) []byte {
	s := cryptobyte.String(b)
	var length, version, ciphers, session, challenge uint16
	var kind uint8
	if !s.ReadUint16(&length) || length&0x8000 == 0 || !s.ReadUint8(&kind) || kind != typeClientHello ||
		!s.ReadUint16(&version) || version>>8 != 3 || !s.ReadUint16(&ciphers) || !s.ReadUint16(&session) || !s.ReadUint16(&challenge) {
		return nil
	}
	var value []byte
	if challenge > 32 || !s.Skip(int(ciphers)+int(session)) || !s.ReadBytes(&value, int(challenge)) {
		return nil
	}
	return append(make([]byte, 32-len(value)), value...)
}
