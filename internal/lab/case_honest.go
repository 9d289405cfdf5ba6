package lab

// honest are chains that must not be accused, among them all that carelessness
// makes of an honest one.
func (l *Lab) honest() []Case {
	rsa := New(Config{Host: l.Host, At: l.At, RSA: true})
	renewed := l.LeafTemplate()
	renewed.Key, renewed.Serial = ForgedKey(), SerialOf("renewed")
	renewed.Set(SKI(ForgedKey().ID))
	wildcard := l.LeafTemplate()
	wildcard.Serial = SerialOf("wildcard")
	wildcard.Set(SAN("*.lab.example"))
	cases := []Case{
		l.honestCase("honest", l.Chain()...),
		{Name: "honest-rsa", Chain: rsa.Chain(), Roots: rsa.Roots(), Host: l.Host, At: l.At, Want: "ok"},
		l.honestCase("honest-renewed-key", l.Issue(renewed), l.Intermediate.DER),
		l.honestCase("honest-wildcard", l.Issue(wildcard), l.Intermediate.DER),
		l.honestCase("honest-root-served", l.Leaf, l.Intermediate.DER, l.Root.DER),
		l.honestCase("honest-out-of-order", l.Leaf, l.Root.DER, l.Intermediate.DER),
		l.honestCase("honest-duplicate", l.Leaf, l.Intermediate.DER, l.Intermediate.DER),
		l.honestCase("honest-foreign-tail", l.Leaf, l.Intermediate.DER, rsa.Intermediate.DER),
	}
	return append(cases, l.otherHosts()...)
}

// otherHosts are honest chains for names of another kind, twins of forgeries with
// odd names.
func (l *Lab) otherHosts() []Case {
	idn := New(Config{Host: "xn--80akhbyknj4f.example", At: l.At}) // all Cyrillic
	ip := New(Config{Host: "203.0.113.7", At: l.At})
	private := New(Config{Host: "printer.internal", At: l.At})
	ipLeaf := ip.LeafTemplate()
	ipLeaf.Set(SAN("203.0.113.7"))
	unanchored := private.honestCase("private-unanchored", private.Chain()...)
	unanchored.Roots, unanchored.Want, unanchored.Twin = nil, "inconclusive", "honest-private"
	unanchored.Tells = []string{"a private name, and no inventory anchor to judge it by"}
	return []Case{
		idn.honestCase("honest-idn", idn.Chain()...),
		ip.honestCase("honest-ip", ip.Issue(ipLeaf), ip.Intermediate.DER),
		private.honestCase("honest-private", private.Chain()...),
		unanchored,
	}
}
