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
	{"smtps", 465, true},
	{"imaps", 993, true},
	{"pop3s", 995, true},
	{"ldaps", 636, true},
	{"ftps", 990, true},
	{"nntps", 563, true},
	{"ircs", 6697, true},
	{"dot", 853, true}, // DNS over TLS
	{"nts", 4460, true},
	{"smtp", 25, false},
	{"submission", 587, false},
	{"lmtp", 24, false},
	{"imap", 143, false},
	{"pop3", 110, false},
	{"ftp", 21, false},
	{"ldap", 389, false},
	{"xmpp", 5222, false},
	{"xmpp-server", 5269, false},
	{"postgres", 5432, false},
	{"mysql", 3306, false},
	{"mssql", 1433, false},
	{"nntp", 119, false},
	{"sieve", 4190, false},
	{"irc", 6667, false},
	{"rdp", 3389, false},
	{"vnc", 5900, false},
	{"quic", 443, false},
}

// hintFor says what to write instead of a scheme that does not exist.
func hintFor(name string) string {
	switch name {
	case "http":
		return "it carries no certificate; write https://"
	case "submissions":
		return "write smtps://"
	case "mariadb":
		return "write mysql://"
	case "sqlserver", "tds":
		return "write mssql://"
	case "managesieve":
		return "write sieve://"
	case "file":
		return `files are read by "certassay check"`
	}
	names := make([]string, len(schemes))
	for i, s := range schemes {
		names[i] = s.Name
	}
	best := suggest.Nearest(name, names[:2]) // a slip of https is as near to ftps
	if best == "" {
		best = suggest.Nearest(name, names)
	}
	if best == "" {
		return "write tls:// for TLS from the first byte"
	}
	return "did you mean " + best + "://?"
}
