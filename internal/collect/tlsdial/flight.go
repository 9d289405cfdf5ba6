package tlsdial

import "golang.org/x/crypto/cryptobyte"

// Record types (RFC 8446 section 5.1).
const (
	recordCCS       = 20
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23
)

// Handshake types (RFC 8446 section 4, RFC 5246 section 7.4, RFC 6066 section 8).
const (
	typeServerHello         = 2
	typeEncryptedExtensions = 8
	typeCertificate         = 11
	typeServerKeyExchange   = 12
	typeServerHelloDone     = 14
	typeCertificateVerify   = 15
	typeFinished            = 20
	typeCertificateStatus   = 22
)

// Extensions that a server answers with.
const (
	extStatusRequest     = 5
	extALPN              = 16
	extSCT               = 18
	extSupportedVersions = 43
	extKeyShare          = 51
)

const (
	tls10 = 0x0301
	tls12 = 0x0303
	tls13 = 0x0304
)

// A flight reads the server's first messages out of records, tolerantly: what
// cannot be read is left out and what came before it is kept. It verifies
// nothing. The zero value reads TLS up to 1.2 and keeps no certificate.
type flight struct {
	secret   []byte // SERVER_HANDSHAKE_TRAFFIC_SECRET, for TLS 1.3
	maxCerts int

	hs     []byte  // handshake messages so far, records joined
	off    int     // of the first message in hs that is not read
	opener *opener // set once the first encrypted record was met
	over   bool    // nothing after this can be read

	// What was met. Slices are parts of hs.
	hello   bool // a ServerHello that is no HelloRetryRequest
	version uint16
	cipher  uint16
	group   uint16
	alpn    string
	random  []byte
	certs   [][]byte
	dropped int  // certificates beyond maxCerts
	chain   bool // a Certificate message was met
	ocsp    []byte
	scts    [][]byte
	ske     []byte
	helloed bool // ServerHelloDone
	retried bool // a HelloRetryRequest came first
	// proof is the CertificateVerify of TLS 1.3; hs up to covered is what it
	// signs of the server's messages.
	proof   []byte
	covered int
	alert   *alert
}

// An alert is a plaintext or decrypted alert of the server.
type alert struct{ level, code byte }

// add reads one record.
func (f *flight) add(r record) {
	if f.over {
		return
	}
	switch r.kind {
	case recordHandshake:
		if f.opener == nil { // in the clear nothing follows what is encrypted
			f.hs = append(f.hs, r.body()...)
		}
	case recordAlert:
		f.alerted(r.body())
	case recordCCS:
		// Up to TLS 1.2 the rest is encrypted with keys that we do not have;
		// in 1.3 the record means nothing (RFC 8446 appendix D.4).
		f.over = f.hello && f.version != tls13
	case recordData:
		f.decrypt(r)
	}
	f.messages()
}

func (f *flight) alerted(body []byte) {
	if len(body) == 2 {
		f.alert = &alert{body[0], body[1]}
	}
}

func (f *flight) decrypt(r record) {
	if f.opener == nil {
		var err error
		if f.opener, err = newOpener(f.cipher, f.secret); err != nil {
			f.over = true
			return
		}
	}
	kind, plain, err := f.opener.open(r)
	switch {
	case err != nil:
		f.over = true
	case kind == recordHandshake:
		f.hs = append(f.hs, plain...)
	case kind == recordAlert:
		f.alerted(plain)
	}
}

// messages reads all complete messages.
func (f *flight) messages() {
	for !f.over {
		rest := cryptobyte.String(f.hs[f.off:])
		var kind uint8
		var body cryptobyte.String
		if !rest.ReadUint8(&kind) || !rest.ReadUint24LengthPrefixed(&body) {
			return
		}
		if kind == typeCertificateVerify && f.proof == nil && f.version == tls13 {
			f.proof, f.covered = body, f.off
		}
		f.off += 4 + len(body)
		f.message(kind, body)
	}
}

func (f *flight) message(kind uint8, body cryptobyte.String) {
	switch kind {
	case typeServerHello:
		f.serverHello(body)
	case typeEncryptedExtensions:
		eachExtension(body, f.extension)
	case typeCertificate:
		f.certificate(body)
	case typeCertificateStatus:
		f.status(body)
	case typeServerKeyExchange:
		if f.ske == nil {
			f.ske = body
		}
	case typeServerHelloDone:
		f.helloed = true
	case typeFinished:
		f.over = true // TLS 1.3 changes keys here
	}
}

// rescue takes the certificates that arrived whole out of a Certificate
// message that did not. It is for the end of the stream.
func (f *flight) rescue() {
	rest := f.hs[f.off:]
	if !f.chain && len(rest) > 4 && rest[0] == typeCertificate {
		f.certificate(rest[4:])
	}
}

// helloRetry is the random that makes a ServerHello a HelloRetryRequest
// (RFC 8446 section 4.1.3).
const helloRetry = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

func (f *flight) serverHello(s cryptobyte.String) {
	var version, suite uint16
	var random []byte
	var session cryptobyte.String
	if f.hello || !s.ReadUint16(&version) || !s.ReadBytes(&random, 32) ||
		!s.ReadUint8LengthPrefixed(&session) || !s.ReadUint16(&suite) || !s.Skip(1) {
		return
	}
	f.hello = string(random) != helloRetry
	f.retried = f.retried || !f.hello
	f.version, f.cipher, f.random = version, suite, random
	eachExtension(s, f.extension)
}

// eachExtension reads a list of extensions as far as it goes, and returns what
// follows the list.
func eachExtension(s cryptobyte.String, do func(kind uint16, data cryptobyte.String)) cryptobyte.String {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return nil
	}
	for {
		var kind uint16
		var data cryptobyte.String
		if !list.ReadUint16(&kind) || !list.ReadUint16LengthPrefixed(&data) {
			return s
		}
		do(kind, data)
	}
}

func (f *flight) extension(kind uint16, data cryptobyte.String) {
	switch kind {
	case extSupportedVersions:
		data.ReadUint16(&f.version)
	case extKeyShare:
		data.ReadUint16(&f.group)
	case extALPN:
		var list, name cryptobyte.String
		if data.ReadUint16LengthPrefixed(&list) && list.ReadUint8LengthPrefixed(&name) {
			f.alpn = string(name)
		}
	default:
		f.leafExtension(kind, data)
	}
}

// leafExtension reads what TLS 1.2 puts beside the chain and TLS 1.3 into it.
func (f *flight) leafExtension(kind uint16, data cryptobyte.String) {
	switch kind {
	case extSCT:
		f.scts = sctList(data)
	case extStatusRequest:
		f.status(data)
	}
}

// status reads a CertificateStatus (RFC 6066 section 8). In a ServerHello of
// TLS 1.2 the extension is empty and this reads nothing.
func (f *flight) status(data cryptobyte.String) {
	var kind uint8
	var response cryptobyte.String
	if data.ReadUint8(&kind) && kind == 1 && data.ReadUint24LengthPrefixed(&response) && f.ocsp == nil {
		f.ocsp = response
	}
}

// sctList reads the list of RFC 6962 section 3.3, as far as it goes.
func sctList(data cryptobyte.String) (scts [][]byte) {
	var list, sct cryptobyte.String
	if !data.ReadUint16LengthPrefixed(&list) {
		return nil
	}
	for list.ReadUint16LengthPrefixed(&sct) && len(sct) > 0 {
		scts = append(scts, sct)
	}
	return scts
}

// certificate reads a Certificate message (RFC 5246 section 7.4.2, RFC 8446
// section 4.4.2). Of a message that is cut short it takes what is whole.
func (f *flight) certificate(s cryptobyte.String) {
	if f.chain {
		return // a second chain is not this handshake's
	}
	f.chain = true
	var context, list cryptobyte.String
	if f.version == tls13 && !s.ReadUint8LengthPrefixed(&context) {
		return
	}
	if !s.ReadUint24LengthPrefixed(&list) {
		list = s // the length is a lie or the message is cut: read what is there
	}
	var der cryptobyte.String
	for first := true; list.ReadUint24LengthPrefixed(&der); first = false {
		f.keep(der)
		if f.version != tls13 {
			continue
		}
		do := f.leafExtension
		if !first {
			do = func(uint16, cryptobyte.String) {} // OCSP of an issuer has no place in evidence
		}
		list = eachExtension(list, do)
	}
}

func (f *flight) keep(der []byte) {
	if len(f.certs) >= f.maxCerts {
		f.dropped++
		return
	}
	f.certs = append(f.certs, der)
}

// salvage reads a recorded stream: all that the server sent from its first
// byte on. With the handshake secret it reads TLS 1.3 too.
func salvage(stream, secret []byte, maxCerts int) *flight {
	f := &flight{secret: secret, maxCerts: maxCerts}
	for {
		r, err := cutRecord(stream)
		if err != nil {
			break
		}
		f.add(r)
		stream = stream[len(r.raw):]
	}
	if f.opener == nil && !f.over && len(stream) > 5 && stream[0] == recordHandshake {
		f.hs = append(f.hs, stream[5:]...) // the record that was cut off, in the clear
		f.messages()
	}
	f.rescue()
	return f
}
