package cert

// Signer is the first certificate among some that bears the name of c's issuer and
// whose key made the signature on c; nil where none did. It tries no more than limit
// keys: a chain can hold any number of certificates under one name.
func (c *Certificate) Signer(among []*Certificate, limit int) *Certificate {
	want, tried := c.Issuer.Normal(), 0
	for _, issuer := range among {
		if want == "" || issuer.SPKI == nil || issuer.Subject.Normal() != want {
			continue
		}
		if tried++; tried > limit {
			return nil
		}
		if outcome, _ := c.CheckSignature(&issuer.Key); outcome == Verified {
			return issuer
		}
	}
	return nil
}
