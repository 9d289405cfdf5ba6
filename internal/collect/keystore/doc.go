// Package keystore takes certificates out of key stores: Java's JKS and JCEKS
// (cacerts files of older releases), and PKCS #12 (RFC 7292; .p12, .pfx, Java's
// default since Java 9).
//
// Certificates come out byte for byte, also those that no parser accepts.
// Private and secret keys are never decrypted, and nothing of them is kept.
//
// # Design
//
// The libraries were tried first and are what the tests write stores with.
// go-pkcs12 reads a store with exactly one key, or one that has Java's trust
// attribute on every certificate: it refuses what "openssl pkcs12 -export
// -nokeys" writes, stores with two keys, and the whole store where crypto/x509
// refuses one certificate, which is the one we are after. It takes any number
// of iterations. keystore-go allocates whatever a length field asks for, 4 GiB
// for a file of 30 bytes, reads nothing without the password, and knows no
// JCEKS. Both would need a walk over the hostile bytes before them that finds
// every length and iteration count; after that walk only a cipher is left to
// call, and that is the standard library's (RC2 excepted).
//
// The integrity code of a store is its password's: that of JKS is one SHA-1, and
// most stores have the password "changeit". It tells a damaged file and not a
// careful attacker. What a store says it trusts is taken as anchors only where
// the code was checked nevertheless; see [Store.Verified].
package keystore

import "slices"

// Limits on a store, with the attack each one stops.
const (
	// MaxIterations bounds one derivation of a key: a store that asks for 2^31
	// rounds would keep a core busy for a quarter of an hour. Java 26 asks for
	// 10 000, OpenSSL for 2 048, careful people for a million.
	MaxIterations = 2_000_000
	// MaxEffort bounds the rounds of one store over all passwords and parts:
	// a thousand parts with a million each would take as long. Decrypting 64
	// bytes counts like a round.
	MaxEffort = 16_000_000
	// MaxPasswords bounds those that are tried: each one costs all of the above.
	MaxPasswords = 32
	// MaxEntries bounds the entries of a store: empty ones are a few bytes of
	// the file and more of memory.
	MaxEntries = 100_000
	// maxDepth is how deep safe contents may nest in each other (RFC 7292
	// section 4.2.6): recursion without end would overflow the stack.
	maxDepth = 8
)

// A Store is what was read of a key store.
type Store struct {
	// Format is "JKS", "JCEKS" or "PKCS #12".
	Format string
	// Entries are those that hold certificates, in the order of the file;
	// never more than [MaxEntries].
	Entries []Entry
	// Verified says that one of the passwords fits and that the store is as
	// it was written with it. False where no password fits, and where the
	// store has no integrity code at all.
	Verified bool
	// Notes say what was left out on purpose: other kinds of entries. They
	// hold nothing of the contents.
	Notes []string
	// Problems are what could not be read. There may be entries all the same:
	// those before the damage, or in the parts that are not encrypted.
	Problems []Problem
	// keys counts private keys that come without a chain of their own.
	keys int
}

// HasKeys says whether the store holds private keys.
func (s *Store) HasKeys() bool {
	for i := range s.Entries {
		if s.Entries[i].Kind == KeyChain {
			return true
		}
	}
	return s.keys > 0
}

// An Entry is one thing that a store holds by name.
type Entry struct {
	// Alias is the name as it stands there, hostile like everything else;
	// empty where there is none.
	Alias string
	Kind  Kind
	// Certificates are in DER, never none; the leaf of a chain comes first.
	Certificates [][]byte
}

// A Kind says what an entry is for. The zero value is [Plain].
type Kind int

// The kinds of entries.
const (
	// Plain are certificates of which the store does not say what they are for:
	// those of a PKCS #12 without keys and without Java's attribute.
	Plain Kind = iota
	// Trusted is a single certificate that the store says to trust.
	Trusted
	// KeyChain is the chain of a private key in the store.
	KeyChain
)

// A Problem is something that could not be read, and what a person can do.
type Problem struct{ Text, Hint string }

func (s *Store) problem(text, hint string) { s.Problems = append(s.Problems, Problem{text, hint}) }

func (s *Store) note(text string) { s.Notes = append(s.Notes, text) }

// add keeps an entry, up to [MaxEntries], and says whether there is room.
func (s *Store) add(e Entry) bool {
	if len(s.Entries) >= MaxEntries {
		s.problem("it has more entries than are read: the rest was left out", "")
		return false
	}
	if len(e.Certificates) > 0 {
		s.Entries = append(s.Entries, e)
	}
	return true
}

// candidates are the passwords to try: those that were given, and those that
// stores have where nobody chose one.
func candidates(given []string) []string {
	return append(slices.Clone(given[:min(len(given), MaxPasswords)]), "", "changeit")
}

// hintPassword is what helps where no password fits.
const hintPassword = `put the password into a file and pass it with --store-password-file FILE`
