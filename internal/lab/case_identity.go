package lab

// identities are certificates that carry the name of a known interceptor, an
// attack tool, or an example.
func (l *Lab) identities() []Case {
	cases := []Case{l.cobaltStrike(), l.internetWidgits()}
	for _, ca := range []struct{ name, subject string }{
		{"fiddler", "OU=Created by http://www.fiddler2.com, O=DO_NOT_TRUST, CN=DO_NOT_TRUST_FiddlerRoot"},
		{"burp", "C=PortSwigger, ST=PortSwigger, L=PortSwigger, O=PortSwigger, OU=PortSwigger CA, CN=PortSwigger CA"},
		{"fortigate", "C=US, ST=California, L=Sunnyvale, O=Fortinet, OU=Certificate Authority, CN=FortiGate CA"},
		{"zscaler", "C=US, O=Zscaler Inc., CN=Zscaler Root CA"},
		{"mkcert", "O=mkcert development CA, CN=mkcert lab@host"},
	} {
		interceptor := l.SelfSignedCA(Named(ca.subject), InterceptorKey())
		cases = append(cases, l.forged("interceptor-"+ca.name, "suspicious", []string{"known interceptor name", "no path to a root that is named"},
			l.interceptorLeaf(interceptor), interceptor.DER))
	}
	return cases
}

// interceptorLeaf is what a careful product makes: the genuine leaf again, with a
// key and a serial number of its own, and none of the pointers to the CA.
func (l *Lab) interceptorLeaf(ca *CA) []byte {
	t := l.LeafTemplate()
	t.Issuer, t.Key, t.Serial = ca.Name, ForgedRSAKey(), SerialOf("interceptor"+string(ca.Name))
	t.Set(SKI(t.Key.ID), AKI(ca.KeyID), KeyUsage(DigitalSignature, KeyEncipherment).MakeCritical())
	t.Drop(IDAIA, IDCRLPoints, IDPolicies)
	return t.Sign(ca.Key, "")
}

// cobaltStrike is the default certificate of its team server: name, key type and
// serial number 146473198 as its start script and keytool make them.
func (l *Lab) cobaltStrike() Case {
	name := Named("C=Earth, ST=Cyberspace, L=Somewhere, O=cobaltstrike, OU=AdvancedPenTesting, CN=Major Cobalt Strike")
	t := Template{
		Serial: []byte{0x08, 0xbb, 0x00, 0xee}, Issuer: name, Subject: name, Key: ForgedRSAKey(),
		NotBefore: l.At.Add(-30 * day), NotAfter: l.At.Add(60 * day), Extensions: []Extension{SKI(ForgedRSAKey().ID)},
	}
	return l.forged("c2-cobalt-strike", "suspicious", []string{"default certificate of Cobalt Strike", "serial 146473198", "not valid for the name"},
		t.Sign(t.Key, ""))
}

// internetWidgits is what "openssl req -x509" makes of its defaults: a leaf that
// is a CA.
func (l *Lab) internetWidgits() Case {
	name := Named("C=AU, ST=Some-State, O=Internet Widgits Pty Ltd")
	t := Template{
		Serial: SerialOf("widgits"), Issuer: name, Subject: name, Key: ForgedRSAKey(),
		NotBefore: l.At.Add(-day), NotAfter: l.At.Add(364 * day),
		Extensions: []Extension{SKI(ForgedRSAKey().ID), AKI(ForgedRSAKey().ID), Basic(true, -1).MakeCritical()},
	}
	return l.forged("default-values-openssl", "suspicious", []string{"example names of OpenSSL", "not valid for the name"}, t.Sign(t.Key, ""))
}
