package lab

import "time"

// ownKey are leaves that verify under their own key although they name another
// issuer: mitmproxy, squid, Traffic Server and whistle use one key for their CA
// and for every leaf.
func (l *Lab) ownKey() []Case {
	tell := "the leaf verifies under its own key though its issuer is another"
	proxy := l.SelfSignedCA(Named("CN=mitmproxy, O=mitmproxy"), InterceptorKey())
	squid := l.SelfSignedCA(Named("O=Lab Interceptor, CN=Lab Interceptor CA"), InterceptorKey())
	return []Case{
		l.forged("own-key-mitmproxy", "forged", []string{tell, "known interceptor name", "extensions are EKU SAN only", "validity of 367 days"},
			l.mitmproxyLeaf(proxy)),
		l.forged("own-key-mitmproxy-upstream-chain", "forged", []string{tell, "the genuine chain stands behind a foreign leaf"},
			l.mitmproxyLeaf(proxy), l.Leaf, l.Intermediate.DER),
		l.forged("own-key-squid", "forged", []string{tell, "the CA is served twice", "no AIA, CRL or policy"},
			l.squidLeaf(squid), squid.DER, squid.DER),
		l.forged("own-key-genuine-issuer", "forged", []string{tell, "the issuer name is a genuine CA's", "the served issuer does not verify it"},
			l.replacedKey(), l.Intermediate.DER),
	}
}

// mitmproxyLeaf has the shape that mitmproxy 8 gives: begun 48 hours ago, 367
// days, extensions EKU and SAN.
func (l *Lab) mitmproxyLeaf(ca *CA) []byte {
	t := l.LeafTemplate()
	t.Issuer, t.Key, t.Serial = ca.Name, ca.Key, SerialOf("mitmproxy")
	t.NotBefore, t.NotAfter = l.At.Add(-2*day), l.At.Add(365*day)
	t.Keep(IDExtKeyUsage, IDSAN)
	return t.Sign(ca.Key, "")
}

// squidLeaf has the shape that squid's stare-and-bump gives: subject, dates, SAN
// and EKU copied, key usage its own, all pointers to the CA dropped.
func (l *Lab) squidLeaf(ca *CA) []byte {
	t := l.LeafTemplate()
	t.Issuer, t.Key, t.Serial = ca.Name, ca.Key, SerialOf("squid")
	t.Set(KeyUsage(DigitalSignature, KeyEncipherment).MakeCritical(), AKI(ca.KeyID))
	t.Keep(IDSAN, IDKeyUsage, IDExtKeyUsage, IDBasic, IDAKI)
	return t.Sign(ca.Key, "")
}

// replacedKey is the genuine leaf with another key, signed by that key: what
// certmitm sends first.
func (l *Lab) replacedKey() []byte {
	t := l.LeafTemplate()
	t.Set(SCTList(t, l.Intermediate, t.NotBefore.Add(time.Minute)))
	t.Key = ForgedKey()
	return t.Sign(ForgedKey(), "")
}
