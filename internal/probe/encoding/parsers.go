package encoding

import (
	"slices"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
)

// Parsers gives the facts about what the X.509 libraries made of a certificate.
func Parsers(c *cert.Certificate, libs *cert.Libraries) *facts.Parsers {
	f := &facts.Parsers{
		Stdlib: libs.Stdlib.Status(), ZCrypto: libs.ZCrypto.Status(), CTGo: libs.CTGo.Status(), Disagree: []string{},
	}
	for _, status := range []string{f.Stdlib, f.ZCrypto, f.CTGo} {
		switch status {
		case "ok":
			f.Accepting++
		case "error":
			f.Refusing++
		}
	}
	for _, d := range c.Disagreements(libs) {
		if !slices.Contains(f.Disagree, d.Field) {
			f.Disagree = append(f.Disagree, d.Field)
		}
	}
	return f
}
