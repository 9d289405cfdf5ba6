package lab

import (
	"bytes"
	"cmp"
	"time"
)

// Config says what hierarchy to make. The zero value is the one that nearly all
// tests want.
type Config struct {
	// Host is the name that the leaf is for; empty means "time.lab.example".
	Host string
	// At is when the hierarchy is looked at: 30 days after the leaf began.
	// Zero means noon of 1 November 2026, UTC.
	At time.Time
	// RSA gives every certificate an RSA key in place of P-384 and P-256.
	RSA bool
	// Organization is the organizationName of root and intermediate; empty means
	// "Lab Trust Services". It must have no comma.
	Organization string
}

// A CA is a certificate that issues others.
type CA struct {
	Name []byte // its subject, DER
	Key  *Key
	// KeyID is its subjectKeyIdentifier; an impostor's is not that of its key.
	KeyID []byte
	DER   []byte
}

// A Lab is an honest hierarchy: root, intermediate, and a leaf that looks like
// what a public CA issues today.
type Lab struct {
	Host               string
	At                 time.Time
	Root, Intermediate *CA
	LeafKey            *Key
	// Leaf is the honest leaf, logged in both logs of the laboratory.
	Leaf []byte
}

// The logs, responders and lists that honest certificates point to. Nothing
// listens there.
const (
	ocspURL   = "http://ocsp.lab.example"
	issuerURL = "http://ca.lab.example/issuer.der"
	crlURL    = "http://crl.lab.example/1.crl"
)

const day = 24 * time.Hour

// New makes the hierarchy. The same Config gives the same bytes.
func New(c Config) *Lab {
	if c.Host == "" {
		c.Host = "time.lab.example"
	}
	if c.At.IsZero() {
		c.At = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	}
	l := &Lab{Host: c.Host, At: c.At.UTC().Truncate(time.Second), LeafKey: LeafKey()}
	rootKey, issuingKey, generation := RootKey(), IssuingKey(), "1"
	if c.RSA {
		rootKey, issuingKey, generation = RootRSAKey(), IssuingRSAKey(), "2"
		l.LeafKey = LeafRSAKey()
	}
	owner := cmp.Or(c.Organization, "Lab Trust Services")
	l.Root = l.newRoot(Named("C=XX, O="+owner+", CN=Lab Root R"+generation), rootKey)
	l.Intermediate = l.newIntermediate(Named("C=XX, O="+owner+", CN=Lab TLS CA "+generation), issuingKey)
	l.Leaf = l.Issue(l.LeafTemplate())
	return l
}

// Chain is what an honest server serves: the leaf and the intermediate.
func (l *Lab) Chain() [][]byte { return [][]byte{l.Leaf, l.Intermediate.DER} }

// Roots are the anchors that the owner of the host names.
func (l *Lab) Roots() [][]byte { return [][]byte{l.Root.DER} }

func (l *Lab) newRoot(name []byte, k *Key) *CA {
	return newCA(rootTemplate(name, k, l.At), k, k)
}

func rootTemplate(name []byte, k *Key, at time.Time) Template {
	return Template{
		Serial: SerialOf("root" + string(name)), Issuer: name, Subject: name, Key: k,
		NotBefore: at.Add(-5 * 365 * day), NotAfter: at.Add(15 * 365 * day),
		Extensions: []Extension{
			Basic(true, -1).MakeCritical(), KeyUsage(KeyCertSign, CRLSign).MakeCritical(), SKI(k.ID),
		},
	}
}

func (l *Lab) newIntermediate(name []byte, k *Key) *CA {
	return newCA(l.intermediateTemplate(name, k), k, l.Root.Key)
}

func (l *Lab) intermediateTemplate(name []byte, k *Key) Template {
	return Template{
		Serial: SerialOf("intermediate" + string(name)), Issuer: l.Root.Name, Subject: name, Key: k,
		NotBefore: l.At.Add(-365 * day), NotAfter: l.At.Add(4 * 365 * day),
		Extensions: []Extension{
			KeyUsage(DigitalSignature, KeyCertSign, CRLSign).MakeCritical(), ExtKeyUsage(ServerAuth, ClientAuth),
			Basic(true, 0).MakeCritical(), SKI(k.ID), AKI(l.Root.KeyID), AIA(ocspURL, issuerURL),
			CRLPoint(crlURL), Policies(DomainValidated),
		},
	}
}

// newCA signs the template of a CA and remembers what its children have to say.
func newCA(t Template, k, signer *Key) *CA {
	ca := &CA{Name: t.Subject, Key: k, KeyID: k.ID, DER: t.Sign(signer, "")}
	for _, e := range t.Extensions {
		if e.ID == IDSKI {
			ca.KeyID = bytes.Clone(e.Value[2:])
		}
	}
	return ca
}

// LeafTemplate is the honest leaf before it is logged and signed, in the order of
// extensions that Let's Encrypt uses: 90 days, begun 30 days before At.
func (l *Lab) LeafTemplate() Template {
	usage := KeyUsage(DigitalSignature)
	if l.LeafKey == LeafRSAKey() {
		usage = KeyUsage(DigitalSignature, KeyEncipherment)
	}
	begin := l.At.Add(-30 * day)
	return Template{
		Serial: SerialOf("leaf" + l.Host), Issuer: l.Intermediate.Name, Subject: Named("CN=" + l.Host), Key: l.LeafKey,
		NotBefore: begin, NotAfter: begin.Add(90*day - time.Second),
		Extensions: []Extension{
			usage.MakeCritical(), ExtKeyUsage(ServerAuth), Basic(false, -1).MakeCritical(),
			SKI(l.LeafKey.ID), AKI(l.Intermediate.KeyID), AIA(ocspURL, issuerURL),
			SAN(l.Host, "www."+l.Host), Policies(DomainValidated), CRLPoint(crlURL),
		},
	}
}

// Issue logs the certificate in both logs of the laboratory, embeds their SCTs
// and signs it as the honest intermediate, as a public CA would.
func (l *Lab) Issue(t Template) []byte {
	t = t.Clone()
	t.Set(SCTList(t, l.Intermediate, t.NotBefore.Add(time.Minute)))
	return t.Sign(l.Intermediate.Key, "")
}

// SelfSignedCA makes a root outside of the hierarchy: an interceptor's.
func (l *Lab) SelfSignedCA(name []byte, k *Key) *CA { return l.newRoot(name, k) }
