package ct

import (
	"bytes"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Identifiers as content octets.
const (
	oidOCSPBasic = "\x2b\x06\x01\x05\x05\x07\x30\x01\x01"     // RFC 6960 section 4.2.1
	oidOCSPSCTs  = "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x05" // RFC 6962 section 3.3
	maxResponses = 256                                        // answers looked at in one response; a staple holds one
)

var errOCSP = errors.New("reading OCSP response: not a basic response in DER")

// OCSPList gives the SignedCertificateTimestampList in an OCSP response (RFC
// 6962 section 3.3) for the certificate with this serial number, content octets
// as written. It is nil where there is none. Nothing of the response is
// verified: SCTs bring a signature of their own. A response without an answer,
// such as tryLater, is no error.
func OCSPList(response, serial []byte) ([]byte, error) {
	responses, err := singleResponses(response)
	if err != nil {
		return nil, err
	}
	for n := 0; !responses.Empty() && n < maxResponses; n++ {
		var single, certID, got cryptobyte.String
		if !responses.ReadASN1(&single, asn1.SEQUENCE) || !single.ReadASN1(&certID, asn1.SEQUENCE) ||
			!certID.SkipASN1(asn1.SEQUENCE) || !certID.SkipASN1(asn1.OCTET_STRING) ||
			!certID.SkipASN1(asn1.OCTET_STRING) || !certID.ReadASN1(&got, asn1.INTEGER) {
			return nil, errOCSP
		}
		if !bytes.Equal(got, serial) {
			continue
		}
		return singleSCTs(single)
	}
	return nil, nil
}

// singleResponses finds the answers: OCSPResponse, ResponseBytes,
// BasicOCSPResponse, ResponseData.
func singleResponses(der []byte) (responses cryptobyte.String, err error) {
	in := cryptobyte.String(der)
	var outer, explicit, envelope, oid, basic, body, data cryptobyte.String
	var has bool
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.SkipASN1(asn1.ENUM) ||
		!outer.ReadOptionalASN1(&explicit, &has, context(0)) {
		return nil, errOCSP
	}
	if !has {
		return nil, nil
	}
	if !explicit.ReadASN1(&envelope, asn1.SEQUENCE) || !envelope.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
		string(oid) != oidOCSPBasic || !envelope.ReadASN1(&basic, asn1.OCTET_STRING) ||
		!basic.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1(&data, asn1.SEQUENCE) ||
		!data.SkipOptionalASN1(context(0)) {
		return nil, errOCSP
	}
	var responder cryptobyte.String
	var tag asn1.Tag
	if !data.ReadAnyASN1(&responder, &tag) || !data.SkipASN1(asn1.GeneralizedTime) ||
		!data.ReadASN1(&responses, asn1.SEQUENCE) {
		return nil, errOCSP
	}
	return responses, nil
}

// singleSCTs reads what follows the CertID of a SingleResponse.
func singleSCTs(single cryptobyte.String) ([]byte, error) {
	var status, explicit, list cryptobyte.String
	var tag asn1.Tag
	var has bool
	if !single.ReadAnyASN1(&status, &tag) || !single.SkipASN1(asn1.GeneralizedTime) ||
		!single.SkipOptionalASN1(context(0)) || !single.ReadOptionalASN1(&explicit, &has, context(1)) {
		return nil, errOCSP
	}
	if !has {
		return nil, nil
	}
	if !explicit.ReadASN1(&list, asn1.SEQUENCE) {
		return nil, errOCSP
	}
	for !list.Empty() {
		var x, oid, value, scts cryptobyte.String
		if !list.ReadASN1(&x, asn1.SEQUENCE) || !x.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
			!x.SkipOptionalASN1(asn1.BOOLEAN) || !x.ReadASN1(&value, asn1.OCTET_STRING) {
			return nil, errOCSP
		}
		if string(oid) != oidOCSPSCTs {
			continue
		}
		if !value.ReadASN1(&scts, asn1.OCTET_STRING) || !value.Empty() {
			return nil, errors.New("reading OCSP response: the SCT list is not an OCTET STRING")
		}
		return scts, nil
	}
	return nil, nil
}

func context(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }
