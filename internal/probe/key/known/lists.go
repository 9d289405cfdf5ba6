package known

import (
	"crypto/sha256"
	"fmt"

	"github.com/certassay/certassay/internal/cert"
)

// names are badkeys' lists by their numbers.
var names = map[byte]string{
	1: "debianssl", 2: "keypair", 3: "ransomware", 4: "documentation", 5: "firmware",
	6: "localhostcert", 7: "localroot", 8: "misc", 9: "softwaretests", 10: "testvectors",
	11: "rfc", 12: "web", 13: "git", 14: "forti", 15: "pkg", 16: "firmwares",
}

// Debian is the list of keys that Debian's OpenSSL made from 2006 to 2008
// (CVE-2008-0166). Every other list is of keys that somebody published.
const Debian = "debianssl"

// A Hit says where a key was found.
type Hit struct {
	// List is the list, by badkeys' name for it or by that of an incident; "list
	// 17" and so on for numbers without a name. Empty if the key is on no list.
	List string
	// Source is "built-in" or the name of the table.
	Source string
}

// builtIn is the source of a hit in the tables that the program carries.
const builtIn = "built-in"

// Tables are what keys are looked up in. The zero value is the built-in ones. It
// is safe for concurrent use.
type Tables struct {
	more []*Table
}

// With gives the built-in tables and more.
func With(more []*Table) Tables { return Tables{more} }

// Lookup looks a key up by its SubjectPublicKeyInfo and by its public number, so
// that a listed modulus is found under any exponent and encoding. The tables of
// the owner come first, being newer. An error means that one could not be read
// and the key was not found in the others: then nothing is known.
func (t Tables) Lookup(spki []byte, k *cert.Key) (Hit, error) {
	var failed error
	hash, hashed := publicHash(k)
	for _, table := range t.more {
		if !hashed {
			break
		}
		switch list, found, err := table.list(hash); {
		case err != nil:
			failed = err
		case found:
			return Hit{nameOf(list), table.name}, nil
		}
	}
	if incident := incidents()[sha256.Sum256(spki)]; incident != "" {
		return Hit{incident, builtIn}, nil
	}
	if hashed {
		if list, found, err := embedded().list(hash); err == nil && found {
			return Hit{nameOf(list), builtIn}, nil
		}
	}
	return Hit{}, failed
}

func nameOf(list byte) string {
	if name := names[list]; name != "" {
		return name
	}
	return fmt.Sprintf("list %d", list)
}
