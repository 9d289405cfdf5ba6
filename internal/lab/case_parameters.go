package lab

// parameters are leaves whose signatures hold, under an AlgorithmIdentifier that
// no public CA may write, and their honest twin in RSASSA-PSS.
func (l *Lab) parameters() []Case {
	rsa := New(Config{Host: l.Host, At: l.At, RSA: true})
	pss := func(a Algorithm, salt int) []byte {
		t := rsa.LeafTemplate()
		t.Inner = a
		t.Set(SCTList(t, rsa.Intermediate, t.NotBefore))
		return t.SignWith(a, func(tbs []byte) []byte {
			return power(rsa.Intermediate.Key, pssBlock(256, salt, a.digest(tbs)))
		})
	}
	return []Case{
		rsa.honestCase("honest-rsa-pss", pss(SHA256PSS, 32), rsa.Intermediate.DER),
		rsa.forged("rsa-pss-salt", "", []string{"a salt of 20 octets beside SHA-256"}, pss(SHA256PSSSalt20, 20), rsa.Intermediate.DER).
			firing("signature-pss-parameters").twin("honest-rsa-pss"),
		rsa.forged("rsa-no-parameters", "", []string{"no NULL in the signature algorithm"},
			rsa.LeafTemplate().Sign(rsa.Intermediate.Key, SHA256RSABare), rsa.Intermediate.DER).
			firing("signature-parameters").twin("honest-rsa"),
		l.forged("ecdsa-null-parameters", "", []string{"NULL in the signature algorithm"},
			l.LeafTemplate().Sign(l.Intermediate.Key, SHA256ECDSANull), l.Intermediate.DER).
			firing("signature-parameters"),
	}
}
