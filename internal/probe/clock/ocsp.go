package clock

import (
	"bytes"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Limits on a stapled OCSP response.
const (
	// maxStaple is above any honest response with its responder's certificate
	// (about 5 kB). A handshake message can hold 16 MB.
	maxStaple = 64 << 10
	// maxAnswers bounds the answers that are compared with the serial number; a
	// staple holds one.
	maxAnswers = 64
)

// oidBasic is id-pkix-ocsp-basic as content octets (RFC 6960 section 4.2.1).
const oidBasic = "\x2b\x06\x01\x05\x05\x07\x30\x01\x01"

var (
	errStaple     = errors.New("reading OCSP response: not a basic response in DER")
	errStapleSize = errors.New("reading OCSP response: longer than 64 KiB")
)

// A response is the times of an OCSP response. Those of a response without
// answers, such as tryLater, are zero.
type response struct {
	produced time.Time
	// answers says that an answer is for the serial number that was asked for;
	// else this and next are zero. next is zero, too, where it is absent.
	answers    bool
	this, next time.Time
}

// readResponse reads the times of an OCSP response that concern the certificate
// with this serial number, content octets as written. It refuses what is no
// OCSPResponse in DER, and verifies nothing.
//
// golang.org/x/crypto/ocsp is not used: it verifies the signature with the key of
// the certificate that the response brings along, whatever the size of that key.
// A response of 51 kB costs it 1.3 s, and this function 36 µs.
func readResponse(der, serial []byte) (r response, err error) {
	if len(der) > maxStaple {
		return r, errStapleSize
	}
	data, err := responseData(der)
	if err != nil || data == nil {
		return r, err
	}
	var responder, answers cryptobyte.String
	var tag asn1.Tag
	if !data.SkipOptionalASN1(explicit(0)) || !data.ReadAnyASN1(&responder, &tag) ||
		!data.ReadASN1GeneralizedTime(&r.produced) || !data.ReadASN1(&answers, asn1.SEQUENCE) {
		return response{}, errStaple
	}
	for n := 0; !answers.Empty() && n < maxAnswers; n++ {
		var answer cryptobyte.String
		if !answers.ReadASN1(&answer, asn1.SEQUENCE) || !r.answer(answer, serial) {
			return response{}, errStaple
		}
		if r.answers {
			break
		}
	}
	return r, nil
}

// responseData finds the ResponseData: OCSPResponse, ResponseBytes,
// BasicOCSPResponse. It is nil for a response without any.
func responseData(der []byte) (data cryptobyte.String, err error) {
	in := cryptobyte.String(der)
	var outer, wrapped, envelope, oid, basic, body cryptobyte.String
	var has bool
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.SkipASN1(asn1.ENUM) ||
		!outer.ReadOptionalASN1(&wrapped, &has, explicit(0)) || !outer.Empty() {
		return nil, errStaple
	}
	if !has {
		return nil, nil
	}
	if !wrapped.ReadASN1(&envelope, asn1.SEQUENCE) || !envelope.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
		string(oid) != oidBasic || !envelope.ReadASN1(&basic, asn1.OCTET_STRING) ||
		!basic.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1(&data, asn1.SEQUENCE) {
		return nil, errStaple
	}
	return data, nil
}

// answer reads a SingleResponse, and keeps its times if it is for this serial
// number. Times that end before they begin are kept as they are.
func (r *response) answer(single cryptobyte.String, serial []byte) bool {
	var id, got, status, wrapped cryptobyte.String
	var tag asn1.Tag
	var has bool
	var this, next time.Time
	if !single.ReadASN1(&id, asn1.SEQUENCE) || !id.SkipASN1(asn1.SEQUENCE) ||
		!id.SkipASN1(asn1.OCTET_STRING) || !id.SkipASN1(asn1.OCTET_STRING) || !id.ReadASN1(&got, asn1.INTEGER) ||
		!single.ReadAnyASN1(&status, &tag) || !single.ReadASN1GeneralizedTime(&this) ||
		!single.ReadOptionalASN1(&wrapped, &has, explicit(0)) ||
		has && (!wrapped.ReadASN1GeneralizedTime(&next) || !wrapped.Empty()) {
		return false
	}
	if bytes.Equal(got, serial) {
		r.answers, r.this, r.next = true, this, next
	}
	return true
}

func explicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }
