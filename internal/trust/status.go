package trust

import "fmt"

// A Data is one set of data that verdicts rest on.
type Data struct {
	Name string
	// Date is when its source was last changed, 2006-01-02; "-" where the
	// owner or the machine keeps it.
	Date    string
	Entries int
	Source  string
}

// identitiesDate is when the tables of identities were last checked.
const identitiesDate = "2026-11-22"

// Status lists every set of data, the bundled ones first.
func (s *Store) Status() []Data {
	out := []Data{}
	for _, p := range s.programs {
		d := Data{Name: "roots: " + p.Name, Date: p.Date, Entries: p.Roots, Source: "named by the owner"}
		if p.Anchor == Public {
			d.Source = "a public root program, from a file"
		}
		if p.Name == "mozilla" && p.Anchor == Public {
			d.Source = "Mozilla's root program, from golang.org/x/crypto/x509roots/fallback"
		}
		out = append(out, d)
	}
	if s.local != nil {
		out = append(out, Data{
			Name: "roots: local", Date: "-", Entries: len(s.local.Subjects()), //nolint:staticcheck // a count; the platform's own store may add more
			Source: "this machine's store; never makes a chain good",
		})
	}
	out = append(out, s.data...)
	return append(out,
		Data{"intermediates", s.disclosed.Date(), s.disclosed.Facts() + s.disclosed.Hashes(),
			fmt.Sprintf("%s; %d with their keys, the others by the hashes of theirs", disclosedSource, s.disclosed.Facts())},
		Data{"interceptors", identitiesDate, len(interceptors) + len(interceptedLeaves), "CA names and leaf names of interception software"},
		Data{"attack tools", identitiesDate, len(attackTools) + len(magicSerials), "default names and serial numbers of attack tools"},
		Data{"incidents", incidents().date, incidents().all, "documented forgeries and leaks, with hashes of their certificates and keys"},
		Data{"CAA identifiers", caaDate, len(caaOwners), caaSource},
		Data{"distrusted CAs", distrusted().date, distrusted().all, "CAs that root programs decided against, with dates"},
		Data{"retired roots", retired().date, retired().all, "roots that Mozilla's list held once, with dates"},
		Data{"revoked CAs", s.RevokedDate(), s.revokedList().entries, "Mozilla's OneCRL, as Firefox ships it: certificates that it refuses whoever vouches for them"},
	)
}
