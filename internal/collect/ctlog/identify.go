package ctlog

import (
	"bytes"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
)

// A place is where in a certificate an identifier stands.
type place byte

const (
	placeDNS  place = iota // a dNSName
	placeURI               // a uniformResourceIdentifier
	placeIP                // an iPAddress
	placeName              // a commonName of the subject

	placeOrg    // an organizationName of the subject
	placeSerial // the serial number's content octets
	placeKey    // the SubjectPublicKeyInfo
)

// identifiers calls found for all that a client could take for the name of a
// server: every commonName of the subject, and every dNSName, URI, iPAddress,
// SRVName and XmppAddr of every subjectAltName; and for organisation, serial number
// and key. It says whether all of the certificate could be read that can hold one.
//
// Nearly all certificates are plain DER, which quick reads; for all others, and
// for nothing else, there is the tolerant walker of package cert.
func identifiers(e *ct.LogEntry, found func(place, []byte)) (readable bool) {
	var q quick
	if q.read(e.Signed, e.Precert) {
		q.each(found)
		return true
	}
	return tolerant(e.Certificate(), found)
}

// tolerant reads whatever is there.
func tolerant(c *cert.Certificate, found func(place, []byte)) (readable bool) {
	// What stands behind the extensions names nobody, and a TBSCertificate has
	// nothing there.
	readable = c.Readable() && c.ExtensionsErr == nil
	if c.Serial != nil {
		found(placeSerial, c.Serial)
	}
	if c.SPKI != nil {
		found(placeKey, c.SPKI)
	}
	for _, a := range c.Subject.Attributes() {
		switch meant(a.Type) {
		case cert.OIDCommonName:
			commonName(&a, found)
		case cert.OIDOrganization:
			found(placeOrg, []byte(a.Text))
		}
		readable = readable && a.Type != nil && (a.Err == nil || a.Text != "")
	}
	for i := range c.Extensions {
		x := &c.Extensions[i]
		if x.OID == nil {
			readable = false
		}
		if meant(x.OID) == cert.OIDSubjectAltName {
			readable = tolerantNames(x, found) && readable
		}
	}
	return readable
}

// constructed is the bit of an identifier octet that says so.
const constructed = 0x20

// commonName gives a common name as its type says, and as it is to readers that
// do not look at the type: X509_NAME_get_text_by_NID of OpenSSL gives the octets
// of whatever is there. A string in pieces is joined, and each further value is
// one.
func commonName(a *cert.Attribute, found func(place, []byte)) {
	found(placeName, []byte(a.Text))
	value := a.Value
	if a.ID&constructed != 0 {
		value = nil
		for b := a.Value; len(b) > 0; {
			piece, rest, err := cert.Next(b)
			if err != nil {
				break
			}
			value, b = append(value, piece.Body...), rest
		}
	}
	raw := func(b []byte) {
		// Other octets are text of another encoding: each would be any name. The
		// zeros are those of two octets for a letter.
		text := bytes.ReplaceAll(b, []byte{0}, nil)
		if plainASCII(b) && string(b) != a.Text && string(text) != a.Text {
			found(placeName, text)
		}
	}
	raw(value)
	for b := a.Rest; len(b) > 0; {
		further, rest, err := cert.Next(b)
		if err != nil {
			return
		}
		raw(further.Body)
		b = rest
	}
}

// meant is an object identifier without the padding that makes it longer than it
// has to be (X.690 section 8.19.2), and that lax readers pass over.
func meant(oid []byte) string {
	if bytes.IndexByte(oid, 0x80) < 0 {
		return string(oid)
	}
	var out []byte
	begins := true
	for _, c := range oid {
		if begins && c == 0x80 {
			continue
		}
		out = append(out, c)
		begins = c < 0x80
	}
	return string(out)
}

// Types of otherName that are names of servers: id-on-dnsSRV (RFC 4985) and
// id-on-xmppAddr (RFC 6120 section 13.7.1.4), as content octets of their OIDs.
const (
	oidSRVName  = "\x2b\x06\x01\x05\x05\x07\x08\x07"
	oidXMPPAddr = "\x2b\x06\x01\x05\x05\x07\x08\x05"
)

// otherName gives the name of a server that an otherName holds.
func otherName(b []byte, found func(place, []byte)) {
	oid, rest, err := cert.Next(b)
	if err != nil || string(oid.Body) != oidSRVName && string(oid.Body) != oidXMPPAddr {
		return
	}
	value, _, err := cert.Next(rest)
	if err != nil {
		return
	}
	text := value.Body
	if inner, _, err := cert.Next(text); err == nil {
		text = inner.Body
	}
	found(placeDNS, text)
	// _service.name: the name is that of the service, and of whoever has it.
	if _, name, ok := bytes.Cut(text, []byte(".")); ok && len(text) > 0 && text[0] == '_' {
		found(placeDNS, name)
	}
}

func tolerantNames(x *cert.Extension, found func(place, []byte)) bool {
	list, rest, err := cert.Next(x.Value)
	readable := x.Err == nil && err == nil && len(rest) == 0 && list.ID == 0x30
	for b := list.Body; len(b) > 0; {
		name, rest, err := cert.Next(b)
		// By the number of the tag alone, as lax readers do: a name of another
		// class, or in pieces, is a name to some client.
		if at, ok := placeOf(name.ID); ok {
			found(at, name.Body)
		} else if name.ID&0x1f == 0 {
			otherName(name.Body, found)
		}
		if err != nil {
			return false
		}
		b = rest
	}
	return readable
}

func placeOf(id byte) (place, bool) {
	switch cert.GeneralName.LaxKind(cert.GeneralName{ID: id}) {
	case cert.DNSName:
		return placeDNS, true
	case cert.URIName:
		return placeURI, true
	case cert.IPName:
		return placeIP, true
	}
	return 0, false
}

// A quick is what is found in plain DER: definite, minimal lengths, short tags,
// the usual fields in the usual order, and nothing left over.
type quick struct {
	serial  []byte
	subject []byte
	key     []byte
	san     []byte
	sans    int
}

// tlv takes an element with a short tag and a definite length off b.
func tlv(b []byte) (tag byte, body, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return 0, nil, nil, false
	}
	n, i := int(b[1]), 2
	if n >= 0x80 {
		switch {
		case n == 0x81 && len(b) > 2 && b[2] >= 0x80:
			n, i = int(b[2]), 3
		case n == 0x82 && len(b) > 3 && b[2] != 0:
			n, i = int(b[2])<<8|int(b[3]), 4
		case n == 0x83 && len(b) > 4 && b[2] != 0:
			n, i = int(b[2])<<16|int(b[3])<<8|int(b[4]), 5
		default:
			return 0, nil, nil, false
		}
	}
	if n > len(b)-i {
		return 0, nil, nil, false
	}
	return b[0], b[i : i+n], b[i+n:], true
}

// read finds subject and names; false where the certificate is not plain, or has
// names in more than one place.
func (q *quick) read(der []byte, isTBS bool) bool {
	tag, b, rest, ok := tlv(der)
	if !ok || tag != 0x30 || len(rest) != 0 {
		return false
	}
	if !isTBS {
		if tag, b, _, ok = tlv(b); !ok || tag != 0x30 {
			return false
		}
	}
	if tag, _, rest, ok = tlv(b); ok && tag == 0xa0 {
		b = rest
	}
	for i, want := range [...]byte{0x02, 0x30, 0x30, 0x30, 0x30, 0x30} {
		var body []byte
		whole := b
		if tag, body, b, ok = tlv(b); !ok || tag != want {
			return false
		}
		switch i {
		case 0:
			q.serial = body
		case 4:
			q.subject = body
		case 5:
			q.key = whole[:len(whole)-len(b)]
		}
	}
	for len(b) > 0 {
		var body []byte
		if tag, body, b, ok = tlv(b); !ok {
			return false
		}
		if tag == 0xa3 && !q.extensions(body) {
			return false
		}
	}
	return q.sans <= 1 && q.plainSubject() && q.plainNames()
}

func (q *quick) extensions(b []byte) bool {
	tag, list, rest, ok := tlv(b)
	if !ok || tag != 0x30 || len(rest) != 0 {
		return false
	}
	for len(list) > 0 {
		var x, oid []byte
		if tag, x, list, ok = tlv(list); !ok || tag != 0x30 {
			return false
		}
		if tag, oid, x, ok = tlv(x); !ok || tag != 0x06 || mayBePadded(oid) {
			return false
		}
		if string(oid) != cert.OIDSubjectAltName {
			continue
		}
		tag, body, rest, ok := tlv(x)
		if ok && tag == 0x01 {
			tag, body, rest, ok = tlv(rest)
		}
		if !ok || tag != 0x04 || len(rest) != 0 {
			return false
		}
		if tag, q.san, rest, ok = tlv(body); !ok || tag != 0x30 || len(rest) != 0 {
			return false
		}
		q.sans++
	}
	return true
}

// mayBePadded says that an object identifier may be that of a common name or of
// alternative names, which have three octets, with padding in it.
func mayBePadded(oid []byte) bool { return len(oid) > 3 && bytes.IndexByte(oid, 0x80) >= 0 }

// plainNames says whether all general names are elements of the usual class.
func (q *quick) plainNames() bool {
	for b := q.san; len(b) > 0; {
		tag, _, rest, ok := tlv(b)
		// An otherName may be the name of a server.
		if !ok || tag&0xc0 != 0x80 || tag&0x1f > 8 || tag&0x1f == 0 {
			return false
		}
		b = rest
	}
	return true
}

// plainSubject says whether the subject is well formed and its common names are
// ASCII in a type of which the octets are the text.
func (q *quick) plainSubject() bool {
	for b := q.subject; len(b) > 0; {
		tag, set, rest, ok := tlv(b)
		if !ok || tag != 0x31 || len(set) == 0 {
			return false
		}
		for b = rest; len(set) > 0; {
			var pair, oid, value []byte
			if tag, pair, set, ok = tlv(set); !ok || tag != 0x30 {
				return false
			}
			if tag, oid, pair, ok = tlv(pair); !ok || tag != 0x06 || len(oid) == 0 || mayBePadded(oid) {
				return false
			}
			if tag, value, rest, ok = tlv(pair); !ok || len(rest) != 0 {
				return false
			}
			if tag != 0x0c && tag != 0x13 && tag != 0x16 || !plainASCII(value) {
				return false
			}
		}
	}
	return true
}

func plainASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// each calls found for what read has found.
func (q *quick) each(found func(place, []byte)) {
	found(placeSerial, q.serial)
	found(placeKey, q.key)
	for b := q.subject; len(b) > 0; {
		_, set, rest, _ := tlv(b)
		for b = rest; len(set) > 0; {
			var pair []byte
			_, pair, set, _ = tlv(set)
			_, oid, pair, _ := tlv(pair)
			switch string(oid) {
			case cert.OIDCommonName:
				_, value, _, _ := tlv(pair)
				found(placeName, value)
			case cert.OIDOrganization:
				_, value, _, _ := tlv(pair)
				found(placeOrg, value)
			}
		}
	}
	for b := q.san; len(b) > 0; {
		tag, body, rest, _ := tlv(b)
		if at, ok := placeOf(tag); ok {
			found(at, body)
		}
		b = rest
	}
}
