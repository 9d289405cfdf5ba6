package lab

import "bytes"

// chains are served chains that do not hold together.
func (l *Lab) chains() []Case {
	foreign := l.SelfSignedCA(Named("O=Lab Interceptor, CN=Lab Interceptor CA"), InterceptorKey())
	elsewhere := New(Config{Host: "www.bank.example", At: l.At})
	strayLeaf := l.sslsplitLeaf(foreign)
	mismatch := l.forged("name-mismatch", "suspicious", []string{"a genuine certificate for another name"}, elsewhere.Chain()...)
	return []Case{
		l.forged("untrusted-root-sslsplit", "suspicious", []string{"no path to a root that is named", "AKI names issuer and serial", "no AIA, CRL or policy"},
			strayLeaf, foreign.DER).beside(l.Chain()...).firing("chain-untrusted-root", "encoding-serial-near"),
		l.forged("genuine-tail", "suspicious", []string{"the genuine chain stands behind a foreign leaf", "no path to a root that is named"},
			strayLeaf, l.Leaf, l.Intermediate.DER).firing("chain-genuine-tail"),
		l.forged("foreign-tail", "suspicious", []string{"an interceptor's certificate for the same names stands behind the genuine one"},
			l.Leaf, l.Intermediate.DER, strayLeaf, foreign.DER).firing("chain-foreign-tail").inFile(),
		l.forged("broken-link", "forged", []string{"the served issuer does not verify the leaf"},
			l.brokenLink(), l.Intermediate.DER).firing("chain-broken-link", "chain-claimed-signer"),
		l.forged("tampered", "forged", []string{"the name was changed after signing"},
			l.tampered(), l.Intermediate.DER).firing("chain-claimed-signer"),
		l.forged("issued-by-leaf", "suspicious", []string{"a leaf that is no CA issued it"},
			l.issuedByLeaf(elsewhere), elsewhere.Leaf, elsewhere.Intermediate.DER).firing("chain-leaf-issues"),
		l.forged("self-signed", "suspicious", []string{"it is its own issuer"}, l.selfSigned()),
		mismatch.firing("name-mismatch"),
	}
}

// sslsplitLeaf has the shape that sslsplit gives: SKI AKI BC! KU EKU SAN, the AKI
// with issuer and serial, begun a day ago, the genuine serial number plus a
// little.
func (l *Lab) sslsplitLeaf(ca *CA) []byte {
	t := l.LeafTemplate()
	t.Issuer, t.Key = ca.Name, ForgedRSAKey()
	t.Serial = bytes.Clone(t.Serial)
	t.Serial[len(t.Serial)-4] ^= 0x2a
	t.NotBefore, t.NotAfter = l.At.Add(-day), l.At.Add(364*day)
	t.Set(SKI(t.Key.ID), AKINaming(ca.KeyID, ca.Name, SerialOf("root"+string(ca.Name))), KeyUsage(DigitalSignature, KeyEncipherment))
	t.Keep(IDSKI, IDAKI, IDBasic, IDKeyUsage, IDExtKeyUsage, IDSAN)
	return t.Sign(ca.Key, "")
}

// brokenLink is signed by a key that nobody knows, under the genuine issuer's
// name and key identifier.
func (l *Lab) brokenLink() []byte { return l.cloneLeaf(&CA{Key: ImpostorKey()}) }

// tampered is the genuine leaf with one letter of its second name changed and the
// signature left as it was.
func (l *Lab) tampered() []byte {
	return bytes.Replace(l.Leaf, []byte("www."+l.Host), []byte("wwv."+l.Host), 1)
}

func (l *Lab) issuedByLeaf(elsewhere *Lab) []byte {
	t := l.LeafTemplate()
	t.Issuer, t.Key = Named("CN="+elsewhere.Host), ForgedKey()
	t.Set(SKI(t.Key.ID), AKI(elsewhere.LeafKey.ID))
	return t.Sign(elsewhere.LeafKey, "")
}

func (l *Lab) selfSigned() []byte {
	t := l.LeafTemplate()
	t.Issuer, t.Key = t.Subject, ForgedKey()
	t.Set(SKI(t.Key.ID), AKI(t.Key.ID))
	t.Keep(IDSKI, IDAKI, IDBasic, IDSAN)
	return t.Sign(t.Key, "")
}
