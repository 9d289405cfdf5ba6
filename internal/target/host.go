package target

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// lookup is idna.Lookup without two of its refusals: underscores and hyphens
// in the third and fourth place are in names that exist (RFC 5891 section
// 5.4 leaves both to the application). checkName judges the result.
var lookup = idna.New(
	idna.MapForLookup(),
	idna.BidiRule(),
	idna.CheckJoiners(true),
	idna.CheckHyphens(false),
	idna.StrictDomainName(false),
	idna.Transitional(false),
)

// ASCII gives a host name in the form in which it travels and stands in
// certificates: an internationalised name as A-labels (RFC 5891). What is written in
// ASCII is given back as it is, right or wrong: a name may be asked for because it
// is odd. It refuses what IDNA cannot write.
func ASCII(name string) (string, error) {
	if isASCII(name) {
		return name, nil
	}
	ascii, err := lookup.ToASCII(name)
	if err != nil {
		return "", fmt.Errorf("%q is no internationalised name: %w", name, err)
	}
	return ascii, nil
}

// parseHost makes the canonical form of a DNS name or an IP address.
func parseHost(s string) (string, error) {
	if s == "" {
		return "", errors.New("names no host")
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return addrHost(addr)
	}
	name, err := ASCII(s)
	if err != nil {
		return "", err
	}
	// Names already in ASCII are not put through IDNA: a malformed A-label that
	// a server answers to is just what an auditor may have to look at.
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if addr, err := netip.ParseAddr(name); err == nil {
		return addrHost(addr)
	}
	return name, checkName(name)
}

func addrHost(addr netip.Addr) (string, error) {
	if addr.Zone() != "" {
		return "", errors.New("has a zone; link-local addresses of one interface cannot be audited")
	}
	return addr.Unmap().String(), nil
}

// checkName applies RFC 1123 section 2.1 and the lengths of RFC 1035 section
// 2.3.4, with underscores allowed.
func checkName(name string) error {
	if name == "" {
		return errors.New("names no host")
	}
	if len(name) > 253 {
		return fmt.Errorf("has a name of %d bytes; DNS names have at most 253", len(name))
	}
	label := ""
	for label = range strings.SplitSeq(name, ".") {
		if err := checkLabel(label); err != nil {
			return err
		}
	}
	if strings.Trim(label, "0123456789") == "" || strings.HasPrefix(label, "0x") && strings.Trim(label[2:], "0123456789abcdef") == "" {
		// Resolvers disagree on "127.1" and "0x7f000001": some dial 127.0.0.1.
		return fmt.Errorf("%q ends in a number and is not an IP address", name)
	}
	return nil
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("has an empty label: two dots in a row or one in front")
	case label == "*":
		return errors.New("is a wildcard; write one name that it covers")
	case len(label) > 63:
		return fmt.Errorf("has a label of %d bytes; the limit is 63", len(label))
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Errorf("has the label %q, which begins or ends with a hyphen", label)
	}
	for i := range len(label) {
		c := label[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' {
			continue
		}
		return fmt.Errorf("has %q in the host name", c)
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
