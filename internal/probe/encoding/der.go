package encoding

import (
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
)

// Encoding gives the facts about how a certificate is written. It is never nil:
// bytes that are no certificate are a fact, too.
func Encoding(c *cert.Certificate) *facts.Enc {
	return &facts.Enc{
		DER: c.Quirks.DER(), Quirks: c.Quirks.Strings(),
		Trailing:    c.Quirks.Has(cert.TrailingData | cert.TrailingInValue),
		Appended:    c.Quirks.Has(cert.BehindSignature),
		Unreadable:  !c.Readable(),
		TimeInvalid: c.Readable() && (c.NotBeforeErr != nil || c.NotAfterErr != nil),
		UniqueIDs:   c.IssuerUniqueID != nil || c.SubjectUniqueID != nil,
		Size:        int64(len(c.Raw)),
	}
}
