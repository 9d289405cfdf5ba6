//go:build linux || (darwin && amd64)

package cert

import (
	"bytes"
	"crypto/x509"
	"slices"
	"testing"
)

func seeds(f *testing.F) {
	for _, der := range roots(f)[:10] {
		f.Add(der)
	}
	for _, tt := range odd {
		p := baseline()
		if tt.change != nil {
			tt.change(&p)
		}
		der := p.der()
		if tt.after != nil {
			der = tt.after(der)
		}
		f.Add(der)
	}
}

// FuzzParse checks that nothing is made up: every slice is a piece of the
// input, and what crypto/x509 accepts has the same parts for us.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, der []byte) {
		c := Parse(der)
		for _, b := range [][]byte{c.Raw, c.TBS, c.Serial, c.SigAlgInner, c.SigAlgOuter, c.Issuer.Raw, c.Subject.Raw,
			c.Validity, c.SPKI, c.Key.N, c.Key.E, c.Key.Public, c.Key.Params, c.Signature, c.IssuerUniqueID,
			c.SubjectUniqueID, c.SubjectKeyID().Value, c.AuthorityKeyID().Value.KeyID, c.SCTList().Value} {
			within(t, der, b)
		}
		for _, x := range c.Extensions {
			within(t, der, x.Raw)
			within(t, der, x.Value)
		}
		for _, g := range c.AltNames().Value {
			within(t, der, g.Raw)
		}
		if c.Readable() && c.Subject.Raw == nil || c.SPKI == nil && c.Err == nil {
			t.Error("a field has neither value nor error")
		}
		x, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		if c.Err != nil || !bytes.Equal(c.Subject.Raw, x.RawSubject) || !bytes.Equal(c.Issuer.Raw, x.RawIssuer) ||
			!bytes.Equal(c.SPKI, x.RawSubjectPublicKeyInfo) || !bytes.Equal(c.TBS, x.RawTBSCertificate) ||
			integer(c.Serial).Cmp(x.SerialNumber) != 0 || !c.NotAfter.Equal(x.NotAfter) {
			t.Errorf("Parse: error %v, or other parts than crypto/x509", c.Err)
		}
		// crypto/x509 ignores extensions in versions 1 and 2, and takes the
		// names before a second list.
		if x.Version == 3 && !slices.Equal(c.DNSNames(), x.DNSNames) {
			t.Errorf("DNSNames() = %q, crypto/x509 says %q", c.DNSNames(), x.DNSNames)
		}
	})
}

// FuzzLibraries checks that the guard keeps away whatever makes a library
// panic, and that the answers are consistent.
func FuzzLibraries(f *testing.F) {
	seeds(f)
	f.Add(selfIssued(tlv(idInteger, append([]byte{0, 0x80}, make([]byte, 64)...)), []byte{2, 1, 0xff}))
	f.Fuzz(func(t *testing.T, der []byte) {
		c := Parse(der)
		l := c.Libraries()
		if l.Stdlib.Panic != nil || l.ZCrypto.Panic != nil || l.CTGo.Panic != nil {
			t.Errorf("panics: %v, %v, %v", l.Stdlib.Panic, l.ZCrypto.Panic, l.CTGo.Panic)
		}
		for _, ok := range []bool{
			l.Stdlib.Accepted() != (l.Stdlib.Err != nil || l.Stdlib.Skipped != nil),
			l.ZCrypto.Accepted() != (l.ZCrypto.Err != nil || l.ZCrypto.Skipped != nil),
			l.CTGo.Accepted() != (l.CTGo.Err != nil || l.CTGo.Skipped != nil),
		} {
			if !ok {
				t.Error("a result is neither or both of accepted and refused")
			}
		}
		for _, d := range c.Disagreements(l) {
			if d.Field == "" || len(d.Readers) == 0 {
				t.Errorf("disagreement %+v", d)
			}
		}
		if out, err := c.CheckSignature(&c.Key); (out == Verified) != (err == nil) {
			t.Errorf("CheckSignature = %v, %v", out, err)
		}
	})
}
