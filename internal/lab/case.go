package lab

import (
	"slices"
	"sync"
	"time"
)

// A Case is one chain with the answer it deserves.
type Case struct {
	Name string
	// Chain is what is served, the leaf first, each in DER.
	Chain [][]byte
	// Roots are the anchors to pass with --roots, in DER; none means that the
	// owner named none.
	Roots [][]byte
	// Host is the name that was asked for.
	Host string
	// At is the time to judge at.
	At time.Time
	// Want is the verdict: ok, suspicious, forged or inconclusive. Suspicious
	// means at least that. Empty means that the oddity alone settles nothing:
	// the tells have to be reported, the verdict is a matter of the rules.
	Want string
	// Tells say in words what there is to find.
	Tells []string
	// Twin names the honest case for the same host and, unless the subject is
	// what is odd, of the same subject. Empty for honest cases.
	Twin string
	// Rules are ids of rules that have to find something in this case, and
	// nothing in its twin when that is judged with the same roots.
	Rules []string
	// Beside is another chain of the same run that this one has to be compared
	// with before the rules can; the twin is compared with it as well.
	Beside [][]byte
	// Public says that the rules speak only of chains to a public root, which the
	// laboratory's is not: who judges has to take it for one.
	Public bool
	// File says that it is to be found in a file only: what a server sends behind its
	// chain clients pass over.
	File bool
}

// firing gives the case with the rules that have to find something in it.
func (c Case) firing(rules ...string) Case {
	c.Rules = rules
	return c
}

// inFile gives the case as one that is only to be found in a file.
func (c Case) inFile() Case {
	c.File = true
	return c
}

// wanting gives the case with the verdict that it deserves.
func (c Case) wanting(verdict string) Case {
	c.Want = verdict
	return c
}

// beside gives the case with another chain of the run.
func (c Case) beside(chain ...[]byte) Case {
	c.Beside = chain
	return c
}

// anonymous gives the case without any root that its owner named.
func (c Case) anonymous() Case {
	c.Roots = nil
	return c
}

// twin gives the case with another twin.
func (c Case) twin(name string) Case {
	c.Twin = name
	return c
}

// Holds says whether a verdict is an answer that the case allows.
func (c Case) Holds(verdict string) bool {
	switch c.Want {
	case "":
		return true
	case "suspicious":
		return verdict == "suspicious" || verdict == "forged"
	}
	return verdict == c.Want
}

// Cases are all cases, honest ones first, for the default [Config]. They are made
// once, in about 150 ms: the certificates must not be changed.
func Cases() []Case { return slices.Clone(made()) }

var made = sync.OnceValue(makeCases)

func makeCases() []Case {
	l := New(Config{})
	return slices.Concat(
		l.honest(), l.ownKey(), l.impostors(), l.chains(), l.validity(),
		l.weak(), l.keyIDs(), l.serials(), l.names(), l.encodings(), l.identities(),
		l.timestamps(), l.pkcs1(), l.parameters(), l.cubeRoots(), l.collisions(), l.ecdsa(), l.curves(), l.keys(),
	)
}

// honestCase is a chain that deserves "ok".
func (l *Lab) honestCase(name string, chain ...[]byte) Case {
	return Case{Name: name, Chain: chain, Roots: l.Roots(), Host: l.Host, At: l.At, Want: "ok"}
}

// forged is a chain served for the host in place of the honest one.
func (l *Lab) forged(name, want string, tells []string, chain ...[]byte) Case {
	return Case{
		Name: name, Chain: chain, Roots: l.Roots(), Host: l.Host, At: l.At,
		Want: want, Tells: tells, Twin: "honest",
	}
}

// odd is a leaf of the honest CA with one thing odd about it, served with its
// issuer.
func (l *Lab) odd(name, want, tell string, change func(*Template)) Case {
	t := l.LeafTemplate()
	change(&t)
	return l.forged(name, want, []string{tell}, l.Issue(t), l.Intermediate.DER)
}
