package ocsp

import (
	"crypto"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Parse reads a response. It refuses what is no OCSPResponse in DER with, where
// there is any, a basic response; an error comes with nothing.
func Parse(der []byte) (*Response, error) {
	if len(der) > MaxSize {
		return nil, ErrSize
	}
	in := cryptobyte.String(der)
	var outer, wrapped, envelope, oid, basic cryptobyte.String
	var has bool
	r := &Response{}
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !readEnum(&outer, (*int)(&r.Code)) ||
		!outer.ReadOptionalASN1(&wrapped, &has, explicit(0)) || !outer.Empty() {
		return nil, ErrForm
	}
	if !has {
		return r, nil
	}
	if !wrapped.ReadASN1(&envelope, asn1.SEQUENCE) || !wrapped.Empty() ||
		!envelope.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) || string(oid) != oidBasic ||
		!envelope.ReadASN1(&basic, asn1.OCTET_STRING) || !envelope.Empty() || !r.basic(basic) {
		return nil, ErrForm
	}
	return r, nil
}

func readEnum(in *cryptobyte.String, out *int) bool {
	var b cryptobyte.String
	if !in.ReadASN1(&b, asn1.ENUM) || len(b) != 1 {
		return false
	}
	*out = int(b[0])
	return true
}

// basic reads a BasicOCSPResponse.
func (r *Response) basic(in cryptobyte.String) bool {
	var body, data, algorithm, signature, certs, list cryptobyte.String
	var has bool
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() ||
		!body.ReadASN1Element(&data, asn1.SEQUENCE) || !body.ReadASN1Element(&algorithm, asn1.SEQUENCE) ||
		!body.ReadASN1(&signature, asn1.BIT_STRING) || len(signature) == 0 || signature[0] != 0 ||
		!body.ReadOptionalASN1(&certs, &has, explicit(0)) || !body.Empty() {
		return false
	}
	if has && (!certs.ReadASN1(&list, asn1.SEQUENCE) || !certs.Empty()) {
		return false
	}
	for !list.Empty() && len(r.Certificates) < maxCertificates {
		var der cryptobyte.String
		if !list.ReadASN1Element(&der, asn1.SEQUENCE) {
			return false
		}
		r.Certificates = append(r.Certificates, der)
	}
	r.Data, r.Algorithm, r.Signature = data, algorithm, signature[1:]
	return r.data(data)
}

// data reads a ResponseData.
func (r *Response) data(in cryptobyte.String) bool {
	var data, responder, inner, answers, extensions cryptobyte.String
	var tag asn1.Tag
	var has bool
	if !in.ReadASN1(&data, asn1.SEQUENCE) || !data.SkipOptionalASN1(explicit(0)) || !data.ReadAnyASN1(&responder, &tag) ||
		!data.ReadASN1GeneralizedTime(&r.Produced) || !data.ReadASN1(&answers, asn1.SEQUENCE) ||
		!data.ReadOptionalASN1(&extensions, &has, explicit(1)) || !data.Empty() {
		return false
	}
	switch tag {
	case explicit(1):
		if !responder.ReadASN1Element(&inner, asn1.SEQUENCE) {
			return false
		}
		r.Name = inner
	case explicit(2):
		if !responder.ReadASN1(&inner, asn1.OCTET_STRING) {
			return false
		}
		r.KeyHash = inner
	default:
		return false
	}
	for !answers.Empty() {
		if len(r.Answers) == maxAnswers {
			r.More = true
			break
		}
		var a Answer
		var single cryptobyte.String
		if !answers.ReadASN1(&single, asn1.SEQUENCE) || !a.read(single) {
			return false
		}
		r.Answers = append(r.Answers, a)
	}
	return !has || each(extensions, func(oid, value cryptobyte.String) {
		switch string(oid) {
		case oidNonce:
			r.Nonce = nonce(value)
		case oidExtendedRevoke:
			r.ExtendedRevoke = true
		}
	})
}

// nonce is the value of a nonce: an OCTET STRING in the extension's own. Old
// responders leave the inner one out.
func nonce(value cryptobyte.String) []byte {
	whole := value
	var inner cryptobyte.String
	if value.ReadASN1(&inner, asn1.OCTET_STRING) && value.Empty() {
		return inner
	}
	return whole
}

// each walks the Extensions within in.
func each(in cryptobyte.String, visit func(oid, value cryptobyte.String)) bool {
	var list cryptobyte.String
	if !in.ReadASN1(&list, asn1.SEQUENCE) || !in.Empty() {
		return false
	}
	for !list.Empty() {
		var x, oid, value cryptobyte.String
		if !list.ReadASN1(&x, asn1.SEQUENCE) || !x.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
			!x.SkipOptionalASN1(asn1.BOOLEAN) || !x.ReadASN1(&value, asn1.OCTET_STRING) {
			return false
		}
		visit(oid, value)
	}
	return true
}

// read reads a SingleResponse. Times that end before they begin are kept as they
// are.
func (a *Answer) read(single cryptobyte.String) bool {
	var id, status, wrapped, extensions cryptobyte.String
	var tag asn1.Tag
	var hasNext, hasExtensions bool
	if !single.ReadASN1(&id, asn1.SEQUENCE) || !a.ID.read(id) || !single.ReadAnyASN1(&status, &tag) ||
		!a.status(status, tag) || !single.ReadASN1GeneralizedTime(&a.This) ||
		!single.ReadOptionalASN1(&wrapped, &hasNext, explicit(0)) ||
		!single.ReadOptionalASN1(&extensions, &hasExtensions, explicit(1)) || !single.Empty() {
		return false
	}
	if hasNext && (!wrapped.ReadASN1GeneralizedTime(&a.Next) || !wrapped.Empty()) {
		return false
	}
	return !hasExtensions || each(extensions, func(oid, value cryptobyte.String) {
		if string(oid) == oidSCTs && a.scts == nil {
			a.scts = value
		}
	})
}

func (a *Answer) status(b cryptobyte.String, tag asn1.Tag) bool {
	a.Reason = NoReason
	switch tag {
	case asn1.Tag(0).ContextSpecific():
		a.State = Good
	case asn1.Tag(2).ContextSpecific():
		a.State = Unknown
	case explicit(1):
		a.State = Revoked
		var wrapped cryptobyte.String
		var has bool
		if !b.ReadASN1GeneralizedTime(&a.RevokedAt) || !b.ReadOptionalASN1(&wrapped, &has, explicit(0)) || !b.Empty() {
			return false
		}
		return !has || readEnum(&wrapped, &a.Reason) && wrapped.Empty()
	default:
		return false
	}
	return b.Empty()
}

// hashes are the algorithms that name certificates, by content octets.
var hashes = []struct {
	oid  string
	hash crypto.Hash
}{
	{"\x2b\x0e\x03\x02\x1a", crypto.SHA1},
	{"\x60\x86\x48\x01\x65\x03\x04\x02\x01", crypto.SHA256},
	{"\x60\x86\x48\x01\x65\x03\x04\x02\x02", crypto.SHA384},
	{"\x60\x86\x48\x01\x65\x03\x04\x02\x03", crypto.SHA512},
}

// read reads a CertID.
func (id *ID) read(in cryptobyte.String) bool {
	var algorithm, oid, name, key, serial cryptobyte.String
	if !in.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
		!in.ReadASN1(&name, asn1.OCTET_STRING) || !in.ReadASN1(&key, asn1.OCTET_STRING) ||
		!in.ReadASN1(&serial, asn1.INTEGER) || !in.Empty() {
		return false
	}
	for _, h := range hashes {
		if h.oid == string(oid) {
			id.Hash = h.hash
		}
	}
	id.NameHash, id.KeyHash, id.Serial = name, key, serial
	return true
}

func explicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }
