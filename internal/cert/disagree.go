package cert

import (
	"bytes"
	"crypto/x509"
	"math/big"
	"net/netip"
	"slices"
	"time"
)

// A Disagreement is a field that an accepting library reads differently from
// the walker.
type Disagreement struct {
	// Field is version, serial, not_before, not_after, subject, issuer, spki,
	// tbs, sig_alg, subject_cn, subject_cn_t61 (the library does not decode
	// T61String, which old genuine certificates have), dns_names,
	// email_addresses, ip_addresses, is_ca, path_len, key_usage,
	// ext_key_usage, ski, aki or policies.
	Field string
	// Readers are the libraries that differ, of stdlib, zcrypto and ctgo, in
	// this order.
	Readers []string
}

// Disagreements compares what the accepting libraries read with the walker. Two
// libraries that differ from each other cannot both agree with it, so that is
// covered. The order is fixed; nil means that all agree.
func (c *Certificate) Disagreements(l *Libraries) []Disagreement {
	var found []Disagreement
	walker := c.reading()
	compare := func(reader string, r *reading) {
		for _, field := range walker.differences(r) {
			i := slices.IndexFunc(found, func(d Disagreement) bool { return d.Field == field })
			if i < 0 {
				found, i = append(found, Disagreement{Field: field}), len(found)
			}
			found[i].Readers = append(found[i].Readers, reader)
		}
	}
	if l.Stdlib.Accepted() {
		compare("stdlib", stdlibReading(l.Stdlib.Certificate))
	}
	if l.ZCrypto.Accepted() {
		compare("zcrypto", zcryptoReading(l.ZCrypto.Certificate))
	}
	if l.CTGo.Accepted() {
		compare("ctgo", ctgoReading(l.CTGo.Certificate))
	}
	slices.SortFunc(found, func(a, b Disagreement) int {
		return bytes.Compare([]byte(a.Field), []byte(b.Field))
	})
	return found
}

// reading is one reader's idea of a certificate, in common terms.
type reading struct {
	version                    int
	serial                     *big.Int
	notBefore, notAfter        time.Time
	subject, issuer, spki, tbs []byte
	sigAlg                     string
	cn                         string
	cnT61                      bool
	dns, emails                []string
	ips                        []netip.Addr
	ca                         bool
	pathLen                    int
	keyUsage                   int
	purposes                   purposes
	ski, aki                   []byte
	policies                   []OID
}

// purposes is an extended key usage without its order, which the libraries do
// not keep: how many there are, and which of those that matter to TLS.
type purposes struct {
	total                                      int
	any, server, client, code, email, ts, ocsp bool
}

func (w *reading) differences(r *reading) (fields []string) {
	cn := "subject_cn"
	if w.cnT61 {
		cn = "subject_cn_t61"
	}
	for _, f := range [...]struct {
		name string
		same bool
	}{
		{"version", w.version == r.version},
		{"serial", w.serial.Cmp(r.serial) == 0},
		{"not_before", w.notBefore.Equal(r.notBefore)},
		{"not_after", w.notAfter.Equal(r.notAfter)},
		{"subject", bytes.Equal(w.subject, r.subject)},
		{"issuer", bytes.Equal(w.issuer, r.issuer)},
		{"spki", bytes.Equal(w.spki, r.spki)},
		{"tbs", bytes.Equal(w.tbs, r.tbs)},
		{"sig_alg", w.sigAlg == r.sigAlg || r.sigAlg == "0"},
		{cn, w.cn == r.cn},
		{"dns_names", slices.Equal(w.dns, r.dns)},
		{"email_addresses", slices.Equal(w.emails, r.emails)},
		{"ip_addresses", slices.Equal(w.ips, r.ips)},
		{"is_ca", w.ca == r.ca},
		{"path_len", w.pathLen == r.pathLen},
		{"key_usage", w.keyUsage == r.keyUsage},
		{"ext_key_usage", w.purposes == r.purposes},
		{"ski", bytes.Equal(w.ski, r.ski)},
		{"aki", bytes.Equal(w.aki, r.aki)},
		{"policies", slices.EqualFunc(w.policies, r.policies, func(a, b OID) bool { return bytes.Equal(a, b) })},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

func (c *Certificate) reading() *reading {
	bc := c.BasicConstraints().Value
	r := &reading{
		version: c.Version, serial: integer(c.Serial), notBefore: c.NotBefore, notAfter: c.NotAfter,
		subject: c.Subject.Raw, issuer: c.Issuer.Raw, spki: c.SPKI, tbs: c.TBS,
		sigAlg: c.SignatureAlgorithm().Name,
		ca:     bc.CA, pathLen: bc.PathLen,
		keyUsage: int(c.KeyUsage().Value),
		ski:      c.SubjectKeyID().Value, aki: c.AuthorityKeyID().Value.KeyID,
		policies: c.Policies().Value,
	}
	if cn, ok := c.Subject.last(OIDCommonName); ok {
		r.cn, r.cnT61 = cn.Text, cn.ID == idT61
		if cn.isNotText() {
			r.cn = ""
		}
	}
	for _, g := range c.AltNames().Value {
		switch g.Kind() {
		case DNSName:
			r.dns = append(r.dns, string(g.Value))
		case EmailName:
			r.emails = append(r.emails, string(g.Value))
		case IPName:
			if ip, ok := g.IP(); ok {
				r.ips = append(r.ips, ip)
			}
		}
	}
	for _, id := range c.ExtKeyUsage().Value {
		r.purposes.total++
		p := purposeOf(id)
		r.purposes.join(p)
	}
	return r
}

// integer is the value of an INTEGER's content octets (X.690 section 8.3).
func integer(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}

// Purposes of extended key usage, as content octets (RFC 5280 section 4.2.1.12).
const (
	OIDAnyPurpose  = "\x55\x1d\x25\x00"
	OIDServerAuth  = "\x2b\x06\x01\x05\x05\x07\x03\x01"
	OIDClientAuth  = "\x2b\x06\x01\x05\x05\x07\x03\x02"
	OIDCodeSigning = "\x2b\x06\x01\x05\x05\x07\x03\x03"
	OIDEmailProt   = "\x2b\x06\x01\x05\x05\x07\x03\x04"
	OIDTimeStamp   = "\x2b\x06\x01\x05\x05\x07\x03\x08"
	OIDOCSPSigning = "\x2b\x06\x01\x05\x05\x07\x03\x09"
)

func purposeOf(id OID) (p purposes) {
	switch string(id) {
	case OIDAnyPurpose:
		p.any = true
	case OIDServerAuth:
		p.server = true
	case OIDClientAuth:
		p.client = true
	case OIDCodeSigning:
		p.code = true
	case OIDEmailProt:
		p.email = true
	case OIDTimeStamp:
		p.ts = true
	case OIDOCSPSigning:
		p.ocsp = true
	}
	return p
}

func (p *purposes) join(q purposes) {
	p.any, p.server, p.client = p.any || q.any, p.server || q.server, p.client || q.client
	p.code, p.email, p.ts, p.ocsp = p.code || q.code, p.email || q.email, p.ts || q.ts, p.ocsp || q.ocsp
}

func addresses[T ~[]byte](in []T) (out []netip.Addr) {
	for _, b := range in {
		ip, _ := netip.AddrFromSlice(b)
		out = append(out, ip)
	}
	return out
}

func oids[T ~[]int](in []T) (out []OID) {
	for _, id := range in {
		if len(id) < 2 {
			continue
		}
		enc := appendBase128(nil, uint64(id[0])*40+uint64(id[1]))
		for _, arc := range id[2:] {
			enc = appendBase128(enc, uint64(arc))
		}
		out = append(out, enc)
	}
	return out
}

// pathLen is the path length in our terms: -1 where there is none.
func pathLen(present bool, n int) int {
	if !present {
		return -1
	}
	return n
}

func stdlibReading(x *x509.Certificate) *reading {
	r := &reading{
		version: x.Version, serial: x.SerialNumber, notBefore: x.NotBefore, notAfter: x.NotAfter,
		subject: x.RawSubject, issuer: x.RawIssuer, spki: x.RawSubjectPublicKeyInfo, tbs: x.RawTBSCertificate,
		sigAlg: x.SignatureAlgorithm.String(), cn: x.Subject.CommonName,
		dns: x.DNSNames, emails: x.EmailAddresses, ips: addresses(x.IPAddresses),
		ca: x.IsCA, pathLen: pathLen(x.BasicConstraintsValid, x.MaxPathLen), keyUsage: int(x.KeyUsage),
		ski: x.SubjectKeyId, aki: x.AuthorityKeyId, policies: oids(x.PolicyIdentifiers),
	}
	r.purposes.total = len(x.ExtKeyUsage) + len(x.UnknownExtKeyUsage)
	for _, u := range x.ExtKeyUsage {
		switch u {
		case x509.ExtKeyUsageAny:
			r.purposes.any = true
		case x509.ExtKeyUsageServerAuth:
			r.purposes.server = true
		case x509.ExtKeyUsageClientAuth:
			r.purposes.client = true
		case x509.ExtKeyUsageCodeSigning:
			r.purposes.code = true
		case x509.ExtKeyUsageEmailProtection:
			r.purposes.email = true
		case x509.ExtKeyUsageTimeStamping:
			r.purposes.ts = true
		case x509.ExtKeyUsageOCSPSigning:
			r.purposes.ocsp = true
		}
	}
	return r
}
