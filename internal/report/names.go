package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/finding"
)

// subjectName is how people know a subject: its target, and the address where
// that says more. It is escaped.
func subjectName(s *Subject) string {
	name := cmp.Or(s.Target, s.ID)
	if s.Address != "" && s.Address != s.Target {
		name += " (" + s.Address + ")"
	}
	return outside(name)
}

// listed says where a subject is listed and whose it is: "certassay.yaml:12:5, in
// group mail, of ops"; empty where no inventory lists it. It is escaped.
func listed(s *Subject) string {
	var parts []string
	if s.Source != nil {
		parts = append(parts, s.Source.String())
	}
	if s.Group != "" {
		parts = append(parts, "in group "+s.Group)
	}
	if s.Owner != "" {
		parts = append(parts, "of "+s.Owner)
	}
	return outside(strings.Join(parts, ", "))
}

// certificateName says which certificate a finding is about. It is escaped.
func certificateName(s *Subject, f *finding.Finding) string {
	if i := slices.Index(s.Chain, f.Certificate); i >= 0 {
		return fmt.Sprintf("certificate #%d, %s", i, outside(f.Certificate))
	}
	return "certificate " + outside(f.Certificate)
}

// plainLink says whether a link can be given to a browser: https, with nothing in
// it that needs escaping in any format we write.
func plainLink(link string) bool {
	rest, ok := strings.CutPrefix(link, "https://")
	if !ok || rest == "" || len(link) > maxText {
		return false
	}
	for _, c := range []byte(rest) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !('0' <= c && c <= '9') && !strings.ContainsRune("-._~/?#=&+,;:%", rune(c)) {
			return false
		}
	}
	return true
}
