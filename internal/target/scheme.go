package target

import (
	"slices"

	"github.com/certassay/certassay/internal/suggest"
)

// A Scheme is a protocol that carries TLS.
type Scheme struct {
	// Name is written before "://".
	Name string
	// Port is the one that is meant where none is written.
	Port uint16
	// Implicit says that TLS begins with the first byte of a TCP connection.
	// The others need a preamble (STARTTLS) or run over another transport.
	Implicit bool
}

// Schemes are all schemes that Parse accepts, implicit TLS first. The ports
// are those of the IANA service name registry.
func Schemes() []Scheme { return slices.Clone(schemes[:]) }

// LookupScheme finds a scheme by its lower-case name.
func LookupScheme(name string) (Scheme, bool) {
	for _, s := range schemes {
		if s.Name == name {
			return s, true
		}
	}
	return Scheme{}, false
}

var schemes = [...]Scheme{
	{"tls", 443, true},
	{"https", 443, true},
	{"smtp", 25, false},
	{"imap", 143, false},
	{"pop3", 110, false},
	{"ftp", 21, false},
	{"ldap", 389, false},
	{"xmpp", 5222, false},
	{"xmpp-server", 5269, false},
	{"postgres", 5432, false},
	{"mysql", 3306, false},
	{"nntp", 119, false},
	{"sieve", 4190, false},
	{"irc", 6667, false},
	{"rdp", 3389, false},
	{"nts", 4460, false},
	{"quic", 443, false},
}

// hintFor says what to write instead of a scheme that does not exist.
func hintFor(name string) string {
	switch name {
	case "http":
		return "it carries no certificate; write https://"
	case "smtps", "submissions":
		return "write tls://HOST:465"
	case "imaps":
		return "write tls://HOST:993"
	case "pop3s":
		return "write tls://HOST:995"
	case "ldaps":
		return "write tls://HOST:636"
	case "ftps":
		return "write tls://HOST:990"
	case "file":
		return `files are read by "certassay check"`
	}
	names := make([]string, len(schemes))
	for i, s := range schemes {
		names[i] = s.Name
	}
	best := suggest.Nearest(name, names)
	if best == "" {
		return "write tls:// for TLS from the first byte"
	}
	return "did you mean " + best + "://?"
}
