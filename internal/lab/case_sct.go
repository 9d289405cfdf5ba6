package lab

import (
	"encoding/hex"
	"time"
)

// timestamps are leaves of the honest CA whose SCTs are not what they seem. The
// twins of those that need one of the laboratory's other logs are in them, too.
func (l *Lab) timestamps() []Case {
	return append(l.falseSCTs(), l.oddSCTs()...)
}

// logged is a case about a leaf with these SCTs.
func (l *Lab) logged(name, want, tell string, t Template, scts ...[]byte) Case {
	t = t.Clone()
	t.Set(EmbedSCTs(scts...))
	return l.forged(name, want, []string{tell}, t.Sign(l.Intermediate.Key, ""), l.Intermediate.DER)
}

// unlogged is a case about a leaf without SCTs, with one thing about it that is
// to excuse that.
func (l *Lab) unlogged(name, tell string, change func(*Template)) Case {
	t := l.LeafTemplate()
	change(&t)
	return l.forged(name, "suspicious", []string{tell}, t.Sign(l.Intermediate.Key, ""), l.Intermediate.DER).firing("sct-missing-from-own-log")
}

// falseSCTs are SCTs that no log made for this certificate.
func (l *Lab) falseSCTs() []Case {
	const rule = "sct-signature-invalid"
	t := l.LeafTemplate()
	one, two, at := Logs()[0], Logs()[1], t.NotBefore.Add(time.Minute)
	other := New(Config{Host: "www.bank.example", At: l.At})
	changed := t.Clone()
	changed.Set(SAN(l.Host, "evil.example"))
	foreign := l.SelfSignedCA(l.Intermediate.Name, ImpostorKey())
	copied := l.logged("sct-copied", "forged", "SCTs of another certificate of the same issuer", t,
		one.SCT(other.LeafTemplate(), other.Intermediate, at), two.SCT(other.LeafTemplate(), other.Intermediate, at))
	return []Case{
		copied.beside(other.Leaf).firing(rule, "sct-copied"),
		l.logged("sct-before-change", "forged", "a name was added after the certificate was logged", changed,
			one.SCT(t, l.Intermediate, at), two.SCT(t, l.Intermediate, at)).firing(rule),
		l.logged("sct-wrong-issuer", "forged", "logged for an issuer of the same name with another key", t,
			one.SCT(t, foreign, at), two.SCT(t, foreign, at)).firing(rule),
		l.logged("sct-one-false", "forged", "one of two SCTs is of another time than was signed", t,
			one.SCT(t, l.Intermediate, at), delayed(two.SCT(t, l.Intermediate, at))).firing(rule),
		l.logged("sct-mimic-log", "forged", "an SCT of a log whose private key is published", t,
			one.SCT(t, l.Intermediate, at), mimicked(two.SCT(t, l.Intermediate, at))).firing("sct-mimic-log"),
		l.logged("sct-malformed", "", "an SCT that ends too soon", t,
			one.SCT(t, l.Intermediate, at), two.SCT(t, l.Intermediate, at)[:50]).firing("sct-malformed"),
	}
}

// delayed changes the lowest bits of an SCT's time.
func delayed(sct []byte) []byte {
	sct[40] ^= 0xff
	return sct
}

// mimicked puts the id of Google's first "mimic" log in place of the SCT's own.
// Its private key is published (GoogleChrome/CertificateTransparency,
// 3p_libraries.md) and not needed here: the id alone is what gives it away.
func mimicked(sct []byte) []byte {
	id, err := hex.DecodeString("f44195d6f00e2db55435cadd577892e53e15ad417058f878e14ff6b918741589")
	if err != nil {
		panic("lab: id of the mimic log")
	}
	copy(sct[1:], id)
	return sct
}

// oddSCTs are SCTs that a log did make, when or where it should not have.
func (l *Lab) oddSCTs() []Case {
	t := l.LeafTemplate()
	one, two, at := Logs()[0], Logs()[1], t.NotBefore.Add(time.Minute)
	sct := func(log Log, t Template, at time.Time) []byte { return log.SCT(t, l.Intermediate, at) }
	pair := func(name, tell string, t Template, at time.Time) Case {
		return l.logged(name, "", tell, t, sct(one, t, at), sct(two, t, at))
	}
	lasting := func(from, to time.Duration) Template {
		t := l.LeafTemplate()
		t.NotBefore, t.NotAfter = l.At.Add(from), l.At.Add(to)
		return t
	}
	fresh, late, past := lasting(-5*day, 85*day), lasting(-5*day, 150*day), lasting(-40*day, -10*day)
	bare := func(name, want, tell, rule string) Case {
		return l.forged(name, want, []string{tell}, t.Sign(l.Intermediate.Key, ""), l.Intermediate.DER).firing(rule)
	}
	others := l.logged("honest-other-logs", "ok", "", t, sct(one, t, at), sct(l.quarterly(), t, at), sct(l.retired(), t, at), sct(l.tiled(), t, at))
	others.Tells, others.Twin = nil, ""
	plain := l.tiled()
	plain.Tiled = false
	cases := []Case{
		others,
		bare("sct-missing-from-own-log", "suspicious", "the owner's logs do not hold a certificate of the owner's CA", "sct-missing-from-own-log"),
		pair("sct-backdated-own", "begins three weeks before the owner's logs saw it", t, t.NotBefore.Add(21*day)).wanting("suspicious").firing("sct-backdated-own"),
		l.unlogged("sct-missing-and-ca", "is a CA, too, as if it need not be logged", func(t *Template) { t.Set(Basic(true, -1).MakeCritical()) }),
		l.unlogged("sct-missing-and-poison", "has a poison that stops no client", func(t *Template) {
			t.Set(Extension{ID: IDPoison, Value: []byte{5, 0}})
		}),
		l.logged("sct-future", "", "an SCT of tomorrow beside one of its time", t, sct(one, t, at), sct(two, t, l.At.Add(day))).firing("sct-future"),
		l.logged("sct-outside-interval", "", "a log that does not take what ends then", late, sct(one, late, l.At.Add(-5*day)), sct(l.quarterly(), late, l.At.Add(-5*day))).
			firing("sct-outside-interval").twin(others.Name),
		l.logged("sct-after-retirement", "", "an SCT of a log from after its end", fresh, sct(one, fresh, l.At.Add(-5*day)), sct(l.retired(), fresh, l.At.Add(-5*day))).
			firing("sct-after-retirement").twin(others.Name),
		l.logged("sct-no-leaf-index", "", "an SCT of a tiled log without its leaf index", t, sct(one, t, at), sct(plain, t, at)).
			firing("sct-tiled-no-leaf-index").twin(others.Name),
		l.logged("sct-duplicate-log", "", "two SCTs of one log", t, sct(one, t, at), sct(one, t, at.Add(time.Second))).firing("sct-duplicate-log"),
		pair("sct-after-expiry", "logged after it had expired", past, l.At.Add(-5*day)).firing("sct-after-expiry"),
	}
	for _, c := range []Case{
		bare("sct-missing", "", "a certificate of a public CA without SCTs", "sct-missing"),
		l.logged("sct-list-hollow", "", "an SCT list with nothing in it", t).firing("sct-list-hollow"),
		l.logged("sct-one-log", "", "an SCT of one log alone", t, sct(one, t, at)).firing("sct-chrome-policy", "sct-apple-policy"),
		pair("sct-backdated", "begins three weeks before it was logged", t, t.NotBefore.Add(21*day)).firing("sct-backdated"),
		pair("sct-backdated-months", "begins 75 days before it was logged", lasting(-80*day, 10*day), l.At.Add(-5*day)).firing("sct-backdated", "sct-backdated-months"),
		pair("sct-before-validity", "logged three days before it begins", t, t.NotBefore.Add(-3*day)).firing("sct-before-validity"),
	} {
		c.Public = true
		cases = append(cases, c)
	}
	return cases
}
