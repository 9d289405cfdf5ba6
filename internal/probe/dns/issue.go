package dns

import (
	"regexp"
	"strings"
)

// A permission is the value of an issue, issuewild or issuemail property (RFC
// 8659 section 4.2).
type permission struct {
	// issuer is the issuer domain name in lower case; empty allows nobody.
	issuer string
	// parameters by their tag in lower case.
	parameters map[string]string
}

var (
	issuerForm = regexp.MustCompile(`^[A-Za-z0-9]+(-+[A-Za-z0-9]+)*(\.[A-Za-z0-9]+(-+[A-Za-z0-9]+)*)*$`)
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9]+(-+[A-Za-z0-9]+)*$`)
)

// parseIssue reads the value of a property. What is not of the form is taken for
// one that allows nobody, as section 4.2 demands; a semicolon too many at the end
// is forgiven, as CAs do.
func parseIssue(value string) permission {
	name, rest, _ := strings.Cut(value, ";")
	name = trim(name)
	if name != "" && !issuerForm.MatchString(name) {
		return permission{}
	}
	p := permission{issuer: strings.ToLower(name), parameters: map[string]string{}}
	for param := range strings.SplitSeq(rest, ";") {
		if param = trim(param); param == "" {
			continue
		}
		tag, value, ok := strings.Cut(param, "=")
		tag, value = trim(tag), trim(value)
		if !ok || !tagForm.MatchString(tag) || strings.IndexFunc(value, notValue) >= 0 {
			return permission{}
		}
		p.parameters[strings.ToLower(tag)] = value
	}
	return p
}

// trim leaves out white space as the grammar knows it.
func trim(s string) string { return strings.Trim(s, " \t") }

// notValue says whether a character cannot stand in the value of a parameter.
func notValue(c rune) bool { return c < 0x21 || c > 0x7e || c == ';' }
