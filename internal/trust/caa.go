package trust

import (
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/cert"
)

// A CAAOwner is one operator of CAs as CAA records know it (RFC 8659): the issuer
// domain names that it recognises as its own, and the organisation names that
// stand in its CA certificates.
type CAAOwner struct {
	// Name is the operator's, for people.
	Name string
	// Identifiers are the issuer domain names, in lower case: those in use and
	// those of brands and predecessors whose records it still honours.
	Identifiers []string
	// Organizations are values of organizationName in the subjects of its roots
	// and intermediates. A name alone identifies nobody: see [Store.Operators].
	Organizations []string
}

// caaDate is when the table below was last reviewed.
const caaDate = "2026-11-23"

// caaSource says where it comes from.
const caaSource = "issuer domain names of CAs, written from general knowledge and compared with one public list; not a copy of CCADB's report"

// caaOwners errs on the side of the CA: an identifier too many makes a breach of
// CAA go unseen, one too few accuses an honest CA. An operator that is not here
// is unknown and is never said to be forbidden.
var caaOwners = []CAAOwner{
	{"ACCV", []string{"accv.es"}, []string{"ACCV", "ISTEC"}},
	{"Actalis", []string{"actalis.it"}, []string{"Actalis S.p.A./03358520967", "Actalis S.p.A."}},
	{"Amazon Trust Services", amazon, []string{"Amazon", "Amazon Trust Services", "Starfield Technologies, Inc."}},
	{"ANF", []string{"anf.es"}, []string{"ANF Autoridad de Certificacion"}},
	{"Apple", []string{"pki.apple.com"}, []string{"Apple Inc."}},
	{"Asseco (Certum)", []string{"certum.pl", "certum.eu", "yandex.ru"}, []string{"Asseco Data Systems S.A.", "Unizeto Technologies S.A.", "Unizeto Sp. z o.o."}},
	{"Beijing CA", []string{"bjca.cn"}, []string{"BEIJING CERTIFICATE AUTHORITY"}},
	{"Buypass", []string{"buypass.com", "buypass.no"}, []string{"Buypass AS-983163327"}},
	{"Certainly", []string{"certainly.com"}, []string{"Certainly"}},
	{"Certigna", []string{"certigna.fr", "certigna.com", "dhimyotis.com"}, []string{"Dhimyotis", "Certigna"}},
	{"certSIGN", []string{"certsign.ro"}, []string{"CERTSIGN SA", "certSIGN"}},
	{"CFCA", []string{"cfca.com.cn"}, []string{"China Financial Certification Authority"}},
	{"Cybertrust Japan", []string{"cybertrust.co.jp", "cybertrust.ne.jp"}, []string{"Cybertrust Japan Co., Ltd."}},
	{"D-Trust", []string{"d-trust.net", "dtrust.de", "d-trust.de", "dtrust.net"}, []string{"D-Trust GmbH", "D-TRUST GmbH"}},
	{"Deutsche Telekom Security", []string{"telesec.de", "pki.dfn.de", "dfn.de"}, []string{"Deutsche Telekom Security GmbH", "T-Systems Enterprise Services GmbH", "T-Systems International GmbH"}},
	{"DigiCert", append([]string{
		"digicert.com", "www.digicert.com", "digicert.ne.jp", "thawte.com", "geotrust.com", "rapidssl.com", "symantec.com",
		"quovadisglobal.com", "digitalcertvalidation.com", "volusion.digitalcertvalidation.com", "stratossl.digitalcertvalidation.com",
		"intermediatecertificate.digitalcertvalidation.com", "1and1.digitalcertvalidation.com", "cybertrust.ne.jp",
		"pkioverheid.nl", "www.pkioverheid.nl",
	}, amazon...), []string{"DigiCert Inc", "DigiCert, Inc.", "QuoVadis Limited", "QuoVadis Trustlink B.V.", "QuoVadis Trustlink Schweiz AG", "QuoVadis Trustlink Deutschland GmbH"}},
	{"Disig", []string{"disig.sk"}, []string{"Disig a.s."}},
	{"eMudhra", []string{"emsign.com"}, []string{"eMudhra Technologies Limited", "eMudhra Inc"}},
	{"Entrust", []string{"entrust.net", "affirmtrust.com"}, []string{"Entrust, Inc.", "Entrust Limited", "Entrust Corporation", "AffirmTrust"}},
	{"Firmaprofesional", []string{"firmaprofesional.com"}, []string{"Firmaprofesional S.A.", "Firmaprofesional SA"}},
	{"FNMT", []string{"fnmt.es"}, []string{"FNMT-RCM"}},
	{"GlobalSign", []string{"globalsign.com"}, []string{"GlobalSign nv-sa", "GlobalSign"}},
	{"GoDaddy", []string{"godaddy.com", "starfieldtech.com"}, []string{"GoDaddy.com, Inc.", "Starfield Technologies, Inc.", "Starfield Technologies"}},
	{"Google Trust Services", []string{"pki.goog", "google.com"}, []string{"Google Trust Services LLC", "Google Trust Services"}},
	{"HARICA", []string{"harica.gr"}, []string{"Hellenic Academic and Research Institutions CA", "Hellenic Academic and Research Institutions Cert. Authority"}},
	{"IdenTrust", []string{"identrust.com"}, []string{"IdenTrust", "IdenTrust, Inc."}},
	{"ISRG (Let's Encrypt)", []string{"letsencrypt.org"}, []string{"Internet Security Research Group", "Let's Encrypt", "ISRG"}},
	{"Izenpe", []string{"izenpe.com", "izenpe.eus"}, []string{"IZENPE S.A."}},
	{"Microsec", []string{"e-szigno.hu"}, []string{"Microsec Ltd."}},
	{"Microsoft", []string{"microsoft.com", "digicert.com"}, []string{"Microsoft Corporation"}},
	{"NETLOCK", []string{"netlock.hu", "netlock.net", "netlock.eu", "netlock.com"}, []string{"NetLock Kft.", "NETLOCK Kft.", "NETLOCK Ltd."}},
	{"SECOM", []string{"secomtrust.net"}, []string{"SECOM Trust Systems CO.,LTD.", "SECOM Trust Systems Co., Ltd."}},
	{"Sectigo", sectigo, []string{"Sectigo Limited", "COMODO CA Limited", "The USERTRUST Network", "Gehirn Inc."}},
	{"SHECA", []string{"sheca.com", "imtrust.cn", "wwwtrust.cn"}, []string{"UniTrust"}},
	{"SSL.com", []string{"ssl.com", "entrust.net", "affirmtrust.com"}, []string{"SSL Corporation", "SSL Corp"}},
	{"SwissSign", []string{"swisssign.com", "swisssign.net", "swissign.com", "swisssign.ch", "swisssign.li", "swissign.li"}, []string{"SwissSign AG"}},
	{"Telia", []string{"telia.com", "telia.fi", "telia.se", "trust.telia.com"}, []string{"Telia Company AB", "Telia Finland Oyj", "TeliaSonera"}},
	{"TrustAsia", []string{"trustasia.com"}, []string{"TrustAsia Technologies, Inc."}},
	{"TWCA", []string{"twca.com.tw"}, []string{"TAIWAN-CA", "TAIWAN-CA Inc.", "TAIWAN-CA INC."}},
	{"VikingCloud", []string{"trustwave.com", "securetrust.com", "vikingcloud.com"}, []string{"Trustwave Holdings, Inc.", "Viking Cloud, Inc.", "SecureTrust Corporation"}},
	{"WISeKey", []string{"wisekey.com", "hightrusted.com", "certifyid.com", "oiste.org"}, []string{"WISeKey", "OISTE Foundation"}},
	{"ZeroSSL", append([]string{"zerossl.com"}, sectigo...), []string{"ZeroSSL", "ZeroSSL GmbH"}},
}

var (
	amazon  = []string{"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com", "aws.amazon.com"}
	sectigo = []string{"sectigo.com", "comodo.com", "comodoca.com", "usertrust.com", "trust-provider.com", "entrust.net", "affirmtrust.com", "zerossl.com"}
)

// CAAOwners are the operators that an organisation name of a CA certificate may
// stand for: more than one where keys changed hands. None where nobody is known
// by it.
func CAAOwners(organization string) (out []CAAOwner) {
	for _, o := range caaOwners {
		if o.Issues([]string{organization}) {
			out = append(out, o)
		}
	}
	return out
}

// Operators are the operators that hold the key of a CA certificate. A rogue CA
// under a public root may write any name into its certificate, so that the name is
// not asked: the key has to be that of a root of a public program, of a CA in a
// list of CAs, or of one that the owner knows to be genuine, and it is the
// organisation in the certificate there, or the owner in the list, that counts.
// There are none where the key is nobody's, or its holder is not in the table.
func (s *Store) Operators(c *cert.Certificate) (out []CAAOwner) {
	add := func(organizations ...string) {
		for _, name := range organizations {
			for _, o := range CAAOwners(name) {
				if !slices.ContainsFunc(out, func(x CAAOwner) bool { return x.Name == o.Name }) {
					out = append(out, o)
				}
			}
		}
	}
	if r := s.Listed(c.SHA256()); r != nil {
		add(r.Owner)
		add(c.Subject.Organizations()...)
	}
	if c.SPKI == nil {
		return out
	}
	for _, ca := range s.ByKey(c.SPKI) {
		if ca.Anchor != Public && ca.Anchor != None {
			continue // what the owner's own roots are called is the owner's to say
		}
		if r := s.Listed(ca.Certificate.SHA256()); r != nil {
			add(r.Owner)
		}
		add(ca.Certificate.Subject.Organizations()...)
	}
	return out
}

// Issues says whether any of the organisation names of a CA certificate stands for
// this operator.
func (o CAAOwner) Issues(organizations []string) bool {
	return slices.ContainsFunc(organizations, func(name string) bool {
		return slices.ContainsFunc(o.Organizations, func(s string) bool { return strings.EqualFold(s, name) })
	})
}

// CAAIdentified are the operators that recognise an issuer domain name; none
// where it is not in the table.
func CAAIdentified(identifier string) (out []CAAOwner) {
	for _, o := range caaOwners {
		if o.Recognises(identifier) {
			out = append(out, o)
		}
	}
	return out
}

// Recognises says whether an issuer domain name of a CAA record allows this
// operator. Case and a trailing dot do not matter.
func (o CAAOwner) Recognises(identifier string) bool {
	return slices.Contains(o.Identifiers, strings.ToLower(strings.TrimSuffix(identifier, ".")))
}

// ByCAA gives the public roots of the operators that recognise an issuer domain
// name. known is false where nobody in the table does: then nothing follows from
// the list being empty.
func (s *Store) ByCAA(identifier string) (roots []CA, known bool) {
	owners := CAAIdentified(identifier)
	for _, cas := range s.cas.byKey {
		for _, ca := range cas {
			if ca.Anchor == Public && slices.ContainsFunc(owners, func(o CAAOwner) bool { return o.Issues(ca.Certificate.Subject.Organizations()) }) {
				roots = append(roots, ca)
			}
		}
	}
	slices.SortFunc(roots, func(a, b CA) int {
		x, y := a.Certificate.SHA256(), b.Certificate.SHA256()
		return slices.Compare(x[:], y[:])
	})
	return roots, len(owners) > 0
}
