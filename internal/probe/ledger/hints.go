package ledger

import (
	"fmt"
	"slices"
	"strings"
)

// A Binding is what CAA records said of a listed server's name when it was looked
// at (RFC 8657). What they said when a certificate was issued nobody knows.
type Binding struct {
	Name string
	// FoundAt is where the records are; empty where there are none.
	FoundAt string
	// Accounts are those that may order. Open says that one CA at least may take
	// orders from any.
	Accounts []string
	Open     bool
}

// maxHints bounds the names of which the CAA records are told.
const maxHints = 3

// hints say for people what points to who ordered a certificate. Logs do not say
// it: the CA does, asked for the serial number.
func (l *Ledger) hints(x *logged, h habit) (out []string) {
	for _, what := range ordered {
		if v, ok := x.profile[what]; ok {
			out = append(out, fmt.Sprintf("%s %.200s", what, v))
		}
	}
	switch {
	case h.peers < few:
		out = append(out, fmt.Sprintf("only %d earlier certificates of the CA for %s to compare with", h.peers, x.domain.Name))
	case len(h.differs) == 0:
		out = append(out, fmt.Sprintf("nothing sets it apart from the %d earlier certificates of the CA for %s", h.peers, x.domain.Name))
	default:
		for _, d := range h.differs {
			out = append(out, "unlike earlier ones of the CA: "+d)
		}
	}
	out = append(out, fmt.Sprintf("the CA knows the account by the serial number %x", x.cert.Serial[:min(len(x.cert.Serial), 32)]))
	told := 0
	for i := range l.book.Bindings {
		b := &l.book.Bindings[i]
		if told == maxHints || !slices.ContainsFunc(x.names, func(n string) bool { return Covers(n, b.Name) }) {
			continue
		}
		told++
		switch {
		case b.FoundAt == "":
			out = append(out, b.Name+" has no CAA records now: any account of any CA may order for it")
		case b.Open:
			out = append(out, fmt.Sprintf("CAA of %s binds no account now (accounturi): any account of a CA that it names may order for %s", b.FoundAt, b.Name))
		case len(b.Accounts) == 0:
			out = append(out, fmt.Sprintf("CAA of %s lets nobody order for %s now", b.FoundAt, b.Name))
		default:
			out = append(out, fmt.Sprintf("CAA of %s lets only these accounts order for %s now: %.400s", b.FoundAt, b.Name, strings.Join(b.Accounts, " and ")))
		}
	}
	return out
}
