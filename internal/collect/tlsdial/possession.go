package tlsdial

import (
	"crypto"
	"errors"

	"golang.org/x/crypto/cryptobyte"
)

// verifyContext goes before what a server signs in TLS 1.3 (RFC 8446 section
// 4.4.3).
const verifyContext = "                                                                " +
	"TLS 1.3, server CertificateVerify\x00"

var errNoProof = errors.New("the server's proof of possession was not received, or cannot be checked")

// possession checks the CertificateVerify of TLS 1.3 over the messages as they
// were recorded, the ClientHello with its record header first. crypto/tls does
// so itself; this is for servers whose certificates it refuses to read.
func (f *flight) possession(clientHello []byte) error {
	// After a HelloRetryRequest the transcript is another one.
	if f.proof == nil || f.retried || len(f.certs) == 0 || len(clientHello) < 5 {
		return errNoProof
	}
	body := cryptobyte.String(f.proof)
	var scheme uint16
	var signature cryptobyte.String
	if !body.ReadUint16(&scheme) || !body.ReadUint16LengthPrefixed(&signature) || !body.Empty() {
		return errNoProof
	}
	key, err := publicKey(f.certs[0])
	if err != nil {
		return err
	}
	transcript := crypto.SHA256
	if f.cipher == 0x1302 { // TLS_AES_256_GCM_SHA384
		transcript = crypto.SHA384
	}
	h := transcript.New()
	h.Write(clientHello[5:])
	h.Write(f.hs[:f.covered])
	return verifyScheme(key, scheme, h.Sum([]byte(verifyContext)), signature)
}
