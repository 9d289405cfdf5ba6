package localfile

import (
	"bytes"
	"slices"

	"github.com/certassay/certassay/internal/collect/keystore"
	"github.com/certassay/certassay/internal/evidence"
)

// Stores say how key stores are read. The zero value reads those that have no
// password or a usual one, for judging what is in them.
type Stores struct {
	// Passwords are tried beside "" and "changeit".
	Passwords []string
	// Anchors says that the certificates will be trusted. Then a store is
	// refused that is not verified by its password, and of one that says which
	// certificates it trusts only those are taken.
	Anchors bool
}

// A Warning is something that a person has to know beside what was read.
type Warning struct{ Text, Hint string }

// keys takes over what was read of a key store.
func (c *content) keys(s *keystore.Store, stores Stores) {
	c.store = true
	for _, p := range s.Problems {
		c.fail(p.Text, p.Hint)
	}
	for _, text := range s.Notes {
		c.note(text)
	}
	entries := s.Entries
	if stores.Anchors {
		entries = c.anchors(s)
	} else if !s.Verified && len(s.Problems) == 0 {
		c.warnings = append(c.warnings, Warning{
			printable(c.path) + ": the integrity of this " + s.Format + " store was not checked: no password fits, or it has none",
			"its certificates are judged all the same; pass its password with --store-password-file FILE"})
	}
	for _, e := range entries {
		certs := e.Certificates
		if e.Kind == keystore.Plain {
			certs = leafFirst(certs)
		}
		c.entry(nameOf(e.Alias), certs)
	}
	if c.empty() && len(c.failures) == 0 {
		c.fail("this "+s.Format+" store holds no certificate", "pass the certificate that belongs to it")
	}
}

// anchors are the entries of a store that may be trusted.
func (c *content) anchors(s *keystore.Store) []keystore.Entry {
	if !s.Verified {
		if len(s.Problems) == 0 {
			c.fail("the integrity of this "+s.Format+" store cannot be checked, so that nothing in it is trusted: no password fits, or it has none",
				"pass its password with --store-password-file FILE, or the certificates as PEM")
		}
		return nil
	}
	trusted := slices.DeleteFunc(slices.Clone(s.Entries), func(e keystore.Entry) bool { return e.Kind != keystore.Trusted })
	switch {
	case len(trusted) > 0:
		if left := len(s.Entries) - len(trusted); left > 0 {
			c.note("only the entries that this store trusts are taken; there are others")
		}
		return trusted
	case s.HasKeys():
		c.fail("this "+s.Format+" store holds private keys and says of no certificate that it is to be trusted",
			"pass the certificates of the CAs alone, as PEM or in a trust store")
		return nil
	}
	return s.Entries
}

// entry keeps certificates under a name.
func (c *content) entry(name string, certs [][]byte) {
	e := entry{name: name}
	for _, der := range certs {
		if len(der) > MaxCertificate {
			c.fail("a certificate is larger than a mebibyte: it was left out", "")
			continue
		}
		e.certs = append(e.certs, evidence.DER(bytes.Clone(der)))
	}
	if len(e.certs) > 0 {
		c.entries = append(c.entries, e)
	}
}
