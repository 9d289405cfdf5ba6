package chain

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/probe/name"
	"github.com/certassay/certassay/internal/trust"
)

// A violation is something that a certificate of a path does and must not.
type violation struct {
	reason string
	index  int // on the path, 0 is the leaf
	detail string
}

// A judge looks for the violations of one path.
type judge struct {
	in *Input
	p  *path
	// at is the index of the certificate that is looked at.
	at   int
	left int // comparisons of names with subtrees
	out  []violation
}

func (j *judge) say(reason, format string, args ...any) {
	j.out = append(j.out, violation{reason, j.at, fmt.Sprintf(format, args...)})
}

func (j *judge) sayIf(is bool, reason, format string, args ...any) {
	if is {
		j.say(reason, format, args...)
	}
}

// judgePath fills in the violations of a path.
func judgePath(in *Input, p *path) {
	j := &judge{in: in, p: p, left: maxComparisons}
	for i := range p.steps {
		j.at = i
		c := p.steps[i].c
		if c.SPKI == nil {
			j.say(reasonUnreadable, "%v", c.Err)
			continue
		}
		j.dates(c)
		j.key(c)
		j.extensions(c)
		if i < len(p.steps)-1 {
			j.signature(c, p.steps[i+1].c)
		}
		if i == 0 {
			j.leaf(c)
		}
		if i > 0 || len(p.steps) == 1 && p.steps[0].anchor != trust.None && c.BasicConstraints().Value.CA {
			j.subjectOfCA(c)
		}
		if i > 0 {
			j.issuer(c)
			j.constraints(c)
		}
	}
	p.violations = j.out
}

// root says that the certificate looked at is the trusted end of the path.
func (j *judge) root() bool {
	return j.at == len(j.p.steps)-1 && j.p.steps[j.at].anchor != trust.None
}

func (j *judge) dates(c *cert.Certificate) {
	// notAfter is inclusive, and has no fractions (RFC 5280 section 4.1.2.5).
	at := j.in.At.Truncate(time.Second)
	j.sayIf(c.NotAfterErr == nil && at.After(c.NotAfter), reasonExpired, "valid until %s", c.NotAfter.UTC().Format(time.RFC3339))
	j.sayIf(c.NotBeforeErr == nil && j.in.At.Before(c.NotBefore), reasonEarly, "valid from %s", c.NotBefore.UTC().Format(time.RFC3339))
}

// key looks at what the Baseline Requirements (section 6.1.5 and 6.1.6) allow.
func (j *judge) key(c *cert.Certificate) {
	k := &c.Key
	switch k.Algorithm {
	case cert.RSA:
		j.sayIf(k.Bits < 2048, reasonWeakKey, "RSA with %d bits", k.Bits)
		j.sayIf(k.Bits%8 != 0, reasonKeyShape, "an RSA modulus of %d bits, which is no number of octets", k.Bits)
		j.sayIf(!isPSS(k) && !bytes.Equal(k.Params, []byte{5, 0}), reasonKeyParameters, "an RSA key whose parameters are not NULL")
	case cert.ECDSA:
		known := k.Curve == "P-256" || k.Curve == "P-384" || k.Curve == "P-521"
		j.sayIf(!known, reasonWeakKey, "the curve %s", k.Curve)
	case cert.DSA:
		j.say(reasonWeakKey, "DSA")
	}
}

// isPSS says that an RSA key is for PSS signatures alone (RFC 4055 section 1.2);
// its parameters may be absent.
func isPSS(k *cert.Key) bool { return string(k.OID) == "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a" }

// signature looks at how c is signed by its issuer.
func (j *judge) signature(c, issuer *cert.Certificate) {
	alg := c.SignatureAlgorithm()
	switch alg.Hash {
	case "sha1":
		j.say(reasonSHA1, "signed with SHA-1, issued %s", c.NotBefore.UTC().Format(time.DateOnly))
	case "md5", "md4", "md2":
		j.say(reasonOldHash, "signed with %s", strings.ToUpper(alg.Hash))
	}
	j.sayIf(!bytes.Equal(c.Issuer.Raw, issuer.Subject.Raw), reasonNameForm,
		"the issuer's name is written in another way than in the issuer's certificate")
}

// extensions looks at what holds for every certificate.
func (j *judge) extensions(c *cert.Certificate) {
	if ids := c.UnknownCritical(); len(ids) > 0 {
		j.say(reasonCritical, "%v", ids)
	}
	critical := func(oid string) bool { x := c.Extension(oid); return x != nil && x.Critical }
	j.sayIf(critical(cert.OIDAuthorityKeyID), reasonCriticalAKI, "the authority key identifier is critical")
	j.sayIf(critical(cert.OIDSubjectKeyID), reasonCriticalSKI, "the subject key identifier is critical")
	pc := c.Extension(cert.OIDPolicyConstraints)
	j.sayIf(pc != nil && !pc.Critical, reasonPolicies, "policy constraints that are not critical")
	j.keyIDs(c)
	serial := strings.TrimLeft(string(c.Serial), "\x00")
	switch {
	case c.SerialErr != nil:
	case c.SerialNegative():
		j.say(reasonSerial, "the serial number is negative")
	case j.root():
		// Nobody looks a root up by its serial number; many have zero.
	case serial == "":
		j.say(reasonSerial, "the serial number is zero")
	case len(c.Serial) > 20:
		j.say(reasonSerial, "the serial number has %d octets", len(c.Serial))
	}
}

func (j *judge) keyIDs(c *cert.Certificate) {
	aki := c.AuthorityKeyID()
	ski := c.SubjectKeyID()
	if j.root() && c.SelfIssued() {
		v := aki.Value
		j.sayIf(aki.Present && (len(v.KeyID) == 0 || v.Issuer != nil || v.Serial != nil || ski.Present && !bytes.Equal(v.KeyID, ski.Value)),
			reasonRootAKI, "the root's authority key identifier is not its own subject key identifier alone")
		return
	}
	// What a root says of whoever cross-signed it is of no use to anybody.
	j.sayIf(len(aki.Value.KeyID) == 0 && !j.root() && !c.SelfIssued(), reasonNoAKI, "no key identifier of its issuer")
	if j.at == len(j.p.steps)-1 || aki.Value.Serial == nil {
		return
	}
	issuer := j.p.steps[j.at+1].c
	j.sayIf(!bytes.Equal(aki.Value.Serial, issuer.Serial), reasonIssuerAKI, "the authority key identifier names another serial number than the issuer has")
}

// leaf looks at what holds for the certificate of a server.
func (j *judge) leaf(c *cert.Certificate) {
	bc, usage := c.BasicConstraints(), c.KeyUsage()
	j.sayIf(bc.Value.CA, reasonLeafIsCA, "the server's certificate is a CA")
	j.sayIf(!bc.Value.CA && usage.Value&cert.KeyCertSign != 0, reasonLeafMaySign, "keyCertSign in a certificate that is no CA")
	j.sayIf(!bc.Value.CA && c.NameConstraints().Present, reasonNameOnLeaf, "name constraints in a certificate that is no CA")
	if eku := c.ExtKeyUsage(); eku.Present {
		j.sayIf(len(eku.Value) == 0, reasonUsageEmpty, "an extended key usage without a purpose")
		j.sayIf(!allows(c, cert.OIDServerAuth), reasonUsage, "not for servers")
		j.sayIf(hasOID(eku.Value, cert.OIDAnyPurpose), reasonUsageAny, "for any purpose")
		x := c.Extension(cert.OIDExtKeyUsage)
		j.sayIf(x != nil && x.Critical, reasonUsageCritical, "the extended key usage is critical")
	}
	j.sayIf(c.Issuer.Empty(), reasonIssuerEmpty, "the issuer's name is empty")
	if san := c.Extension(cert.OIDSubjectAltName); san != nil {
		j.sayIf(c.Subject.Empty() && !san.Critical, reasonSAN, "the subject is empty and the alternative names are not critical")
		j.sayIf(!c.Subject.Empty() && san.Critical, reasonSAN, "the subject is not empty and the alternative names are critical")
	}
	j.hostNames(c)
}

// hostNames looks at what browsers refuse in names.
func (j *judge) hostNames(c *cert.Certificate) {
	for _, n := range c.DNSNames() {
		if why := unfit(n); why != "" {
			j.say(reasonHostName, "%s: %s", n, why)
			break
		}
	}
	for _, cn := range commonNames(c) {
		j.say(reasonCommonName, "the common name %s is none of the alternative names, letter for letter", cn)
	}
	for _, cn := range commonAddresses(c) {
		j.say(reasonCommonAddress, "the common name %s is an address as it is not usually written", cn)
	}
}

// subjectOfCA looks at what holds for every CA, roots included.
func (j *judge) subjectOfCA(c *cert.Certificate) {
	j.sayIf(c.Subject.Empty(), reasonSubjectEmpty, "a CA without a name")
	j.sayIf(!c.SubjectKeyID().Present, reasonNoSKI, "a CA without a subject key identifier")
	j.sayIf(j.root() && c.ExtKeyUsage().Present, reasonUsageOnRoot, "an extended key usage in a root")
}

// issuer looks at whether c may sign what stands below it (RFC 5280 section
// 6.1.4).
func (j *judge) issuer(c *cert.Certificate) {
	bc, x := c.BasicConstraints(), c.Extension(cert.OIDBasicConstraints)
	switch {
	case c.Version != 3 && !j.root():
		j.say(reasonVersion, "an issuer of version %d, which cannot say that it is a CA", c.Version)
	case c.Version != 3:
		// Old roots are of version 1; that they are trusted says that they are CAs.
	case !bc.Present:
		j.say(reasonBCMissing, "an issuer without basicConstraints")
		j.say(reasonNotCA, "an issuer that does not say that it is a CA")
	case !bc.Value.CA:
		j.say(reasonNotCA, "an issuer that is no CA")
	case !x.Critical:
		j.say(reasonBCNotCritical, "the basicConstraints of a CA are not critical")
	}
	if usage := c.KeyUsage(); usage.Present {
		j.sayIf(usage.Value&cert.KeyCertSign == 0, reasonKeyUsage, "an issuer without keyCertSign")
	}
	if bc.Value.PathLen >= 0 && bc.Value.CA {
		below := j.below()
		j.sayIf(below > bc.Value.PathLen, reasonPathLength, "%d CAs below one that allows %d", below, bc.Value.PathLen)
	}
	j.sayIf(!allows(c, cert.OIDServerAuth) && !j.standIn(j.at), reasonUsage, "an issuer not for servers")
}

// standIn says that the certificate at an index is a Precertificate Signing
// Certificate, which signed the precertificate below it in place of its own issuer: it
// is for nothing else, and no CA of the path that clients will see (RFC 6962 section
// 3.1).
func (j *judge) standIn(at int) bool {
	return at == 1 && ct.IsPrecertSigner(j.p.steps[1].c) && j.p.steps[0].c.Poison().Present
}

// below counts the CAs between the certificate looked at and the leaf;
// self-issued ones do not count (RFC 5280 section 4.2.1.9).
func (j *judge) below() (n int) {
	for i := 1; i < j.at; i++ {
		if !j.p.steps[i].c.SelfIssued() && !j.standIn(i) {
			n++
		}
	}
	return n
}

// constraints holds the names below against the subtrees of c.
func (j *judge) constraints(c *cert.Certificate) {
	s := constraintsOf(c)
	if !s.present {
		return
	}
	x := c.Extension(cert.OIDNameConstraints)
	j.sayIf(!x.Critical, reasonNameNotCritical, "name constraints that are not critical")
	j.sayIf(s.err != nil, reasonNameMalformed, "%v", s.err)
	j.sayIf(s.dotted != "", reasonNameDot, "the DNS subtree %s begins with a dot", s.dotted)
	for i, below := range j.p.steps[:j.at] {
		if i > 0 && below.c.SelfIssued() {
			continue
		}
		for _, n := range namesOf(below.c) {
			err := s.escape(n, &j.left)
			if errors.Is(err, errTooMany) {
				j.say(reasonNameLimit, "%v", err)
				return
			}
			if err != nil {
				j.say(n.reason(), "%v", err)
				return
			}
		}
	}
	j.commonName(&s)
}

// reason is what an escape of such a name is called: hosts are what a server's
// certificate is about.
func (n constrained) reason() string {
	if n.kind == cert.DNSName || n.kind == cert.IPName {
		return reasonNames
	}
	return reasonOtherNames
}

// commonName holds the leaf's common name against the subtrees, where it looks
// like a host name: old clients take it for one, and verifiers no longer do.
func (j *judge) commonName(s *subtrees) {
	for _, cn := range j.p.steps[0].c.Subject.CommonNames() {
		n := constrained{cert.DNSName, []byte(cn)}
		if ip, err := netip.ParseAddr(cn); err == nil {
			n = constrained{cert.IPName, ip.AsSlice()}
		} else if !name.HostLike(cn) {
			continue
		}
		if err := s.escape(n, &j.left); err != nil {
			j.say(reasonNameCN, "the common name: %v", err)
			return
		}
	}
}

// allows says whether the extended key usage permits a purpose; without the
// extension it does.
func allows(c *cert.Certificate, oid string) bool {
	eku := c.ExtKeyUsage()
	return !eku.Present || len(eku.Value) == 0 || hasOID(eku.Value, oid) || hasOID(eku.Value, cert.OIDAnyPurpose) ||
		oid == cert.OIDServerAuth && (hasOID(eku.Value, oidServerGated) || hasOID(eku.Value, oidServerGatedNetscape))
}

// Server-gated cryptography: what CAs wrote for servers until about 2010, and
// crypto/x509 never took for it.
const (
	oidServerGated         = "\x2b\x06\x01\x04\x01\x82\x37\x0a\x03\x03"
	oidServerGatedNetscape = "\x60\x86\x48\x01\x86\xf8\x42\x04\x01"
)

func hasOID(list []cert.OID, oid string) bool {
	return slices.ContainsFunc(list, func(o cert.OID) bool { return string(o) == oid })
}

// flaw gives the first violation, from the leaf upwards, that no acceptance can
// stand with; nil where there is none.
func (p *path) flaw() *violation {
	for i := range p.violations {
		if slices.Contains(breaking, p.violations[i].reason) {
			return &p.violations[i]
		}
	}
	return nil
}
