package audit

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/ocsp"
	"github.com/certassay/certassay/internal/trust"
)

// A statusLab makes answers about the honest leaf of the laboratory.
type statusLab struct {
	*lab.Lab
	serial []byte
}

const labDay = 24 * time.Hour

func (l statusLab) ocsp(change func(*lab.OCSP)) []byte {
	o := lab.OCSP{Issuer: l.Intermediate, Answers: []lab.Status{{Serial: l.serial}}, This: l.At.Add(-labDay), Next: l.At.Add(labDay)}
	if change != nil {
		change(&o)
	}
	return o.Sign()
}

func (l statusLab) crl(change func(*lab.CRL)) []byte {
	c := lab.CRL{Issuer: l.Intermediate, This: l.At.Add(-labDay), Next: l.At.Add(labDay), Entries: []lab.Status{{Serial: []byte{77}, At: l.At.Add(-labDay)}}}
	if change != nil {
		change(&c)
	}
	return c.Sign()
}

// subject is an endpoint that served the honest chain.
func (l statusLab) subject(staple []byte, fetches ...evidence.Fetch) *evidence.Subject {
	chain := []evidence.DER{l.Leaf, l.Intermediate.DER}
	return &evidence.Subject{
		ID: "tls://" + l.Host, Kind: evidence.Endpoint, Name: l.Host, Seen: l.At, Certificates: chain, Fetches: fetches,
		Handshakes: []evidence.Handshake{{Profile: "default", Certificates: chain, OCSP: staple, Completed: true, Possession: true, Version: 0x304}},
	}
}

func (l statusLab) fetched(kind evidence.FetchKind, of []byte, body []byte) evidence.Fetch {
	return evidence.Fetch{Kind: kind, URL: "http://" + string(kind) + ".lab.example", For: evidence.Hash(evidence.DER(of).SHA256()), Started: l.At, Body: body}
}

func fromCache(f evidence.Fetch) evidence.Fetch {
	f.Cached = true
	return f
}

func revokedFor(serial []byte, at time.Time, reason int) []lab.Status {
	return []lab.Status{{Serial: serial, State: "revoked", At: at, Reason: reason}}
}

// Every answer that an honest or a hostile responder can give, from the evidence
// to what the rules say and to the verdict.
func TestRevocation(t *testing.T) {
	l := statusLab{Lab: lab.New(lab.Config{})}
	leaf := cert.Parse(l.Leaf)
	l.serial = leaf.Serial
	set := shippedRules(t)
	since := l.At.Add(-10 * labDay)
	delegate := l.Responder(l.Intermediate, lab.WeakKey())
	delegate.Key = lab.ForgedKey()
	delegated := func(change func(*lab.Template)) func(*lab.OCSP) {
		return func(o *lab.OCSP) {
			d := delegate.Clone()
			signer := l.Intermediate.Key
			if change != nil {
				change(&d)
			}
			if string(d.Issuer) != string(l.Intermediate.Name) {
				signer = lab.ImpostorKey()
			}
			o.Responder, o.Certificates = lab.ForgedKey(), [][]byte{d.Sign(signer, "")}
		}
	}
	tampered := func(der []byte) []byte { // good becomes unknown; revoked times move
		out := bytes.Clone(der)
		i := bytes.LastIndex(out, l.serial)
		out[i+len(l.serial)] ^= 2
		return out
	}
	staple := func(change func(*lab.OCSP)) *evidence.Subject { return l.subject(l.ocsp(change)) }
	ask := func(change func(*lab.OCSP)) *evidence.Subject {
		return l.subject(nil, l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(change)))
	}
	list := func(change func(*lab.CRL)) *evidence.Subject {
		return l.subject(nil, l.fetched(evidence.FetchCRL, l.Leaf, l.crl(change)))
	}
	nonced := func(sent, got string) *evidence.Subject {
		f := l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(func(o *lab.OCSP) { o.Nonce = []byte(got) }))
		f.Request = ocsp.Request(leaf, cert.Parse(l.Intermediate.DER), []byte(sent))
		return l.subject(nil, f)
	}
	inScope := func(c *lab.CRL) { c.URL = "http://crl.lab.example/1.crl" }
	for _, tt := range []struct {
		name    string
		subject *evidence.Subject
		verdict finding.Verdict
		// rules are all of the family that find something.
		rules string
		// gap is a part of the reason why the status is unknown, if it is.
		gap string
	}{
		{"nobody was asked", l.subject(nil), "ok", "", ""},
		{"staple: good", staple(nil), "ok", "", ""},
		{"staple: revoked", staple(func(o *lab.OCSP) { o.Answers = revokedFor(l.serial, since, 4) }), "suspicious", "revocation-revoked", ""},
		{"staple: key compromise", staple(func(o *lab.OCSP) { o.Answers = revokedFor(l.serial, since, 1) }), "suspicious", "revocation-key-compromised", ""},
		{"staple: changed", l.subject(tampered(l.ocsp(nil))), "suspicious", "revocation-staple-forged", ""},
		{"staple: by a stranger's key under the same name", staple(func(o *lab.OCSP) { o.Responder, o.Named = lab.ImpostorKey(), l.Intermediate.Key }), "suspicious", "revocation-staple-forged", ""},
		{"staple: by a responder that it names and does not bring along", staple(func(o *lab.OCSP) { o.Responder = lab.WeakKey() }), "inconclusive", "", "verified"},
		{"staple: of another certificate", staple(func(o *lab.OCSP) { o.Answers[0].Serial = []byte{9} }), "ok", "", ""},
		{"staple: garbage", l.subject([]byte("garbage")), "ok", "", ""},
		{"staple: busy", l.subject([]byte{0x30, 3, 0x0a, 1, 3}), "ok", "", ""},
		{"staple: stale", staple(func(o *lab.OCSP) { o.Next = l.At.Add(-time.Hour) }), "ok", "", ""},
		{"staple: stale and revoked", staple(func(o *lab.OCSP) { o.Next, o.Answers = l.At.Add(-time.Hour), revokedFor(l.serial, since, 0) }), "suspicious", "revocation-revoked", ""},
		{"staple: delegated", staple(delegated(nil)), "ok", "", ""},
		{"staple: delegate without the purpose", staple(delegated(func(d *lab.Template) { d.Set(lab.ExtKeyUsage(lab.ServerAuth)) })), "ok", "revocation-responder-not-authorised", ""},
		{"staple: expired delegate", staple(delegated(func(d *lab.Template) { d.NotAfter = l.At.Add(-5 * labDay) })), "ok", "revocation-responder-not-authorised", ""},
		{"staple: delegate of another CA", staple(delegated(func(d *lab.Template) { d.Issuer = lab.Named("CN=Other") })), "ok", "revocation-responder-not-authorised", ""},
		{"staple: SHA-1", staple(func(o *lab.OCSP) { o.Algorithm = lab.SHA1ECDSA }), "ok", "revocation-answer-sha1", ""},

		{"ocsp: good", ask(nil), "ok", "", ""},
		{"ocsp: revoked", ask(func(o *lab.OCSP) { o.Answers = revokedFor(l.serial, since, 0) }), "suspicious", "revocation-revoked", ""},
		{"ocsp: never issued", ask(func(o *lab.OCSP) { o.Answers, o.ExtendedRevoke = revokedFor(l.serial, time.Unix(0, 0), 6), true }), "suspicious", "revocation-never-issued", ""},
		{"ocsp: on hold is no forgery", ask(func(o *lab.OCSP) { o.Answers, o.ExtendedRevoke = revokedFor(l.serial, since, 6), true }), "suspicious", "revocation-revoked", ""},
		{"ocsp: unknown", ask(func(o *lab.OCSP) { o.Answers[0].State = "unknown" }), "suspicious", "revocation-unknown-to-ca", ""},
		{"ocsp: replay of another serial", ask(func(o *lab.OCSP) { o.Answers[0].Serial = []byte{9} }), "inconclusive", "revocation-answer-other-certificate", "other certificates"},
		{"ocsp: changed", l.subject(nil, l.fetched(evidence.FetchOCSP, l.Leaf, tampered(l.ocsp(nil)))), "suspicious", "revocation-answer-forged", "not the issuer's"},
		{"ocsp: expired", ask(func(o *lab.OCSP) { o.Next = l.At.Add(-time.Hour) }), "inconclusive", "revocation-answer-stale", "out of date"},
		{"ocsp: without an end, old", ask(func(o *lab.OCSP) { o.This, o.Next = l.At.Add(-11*labDay), time.Time{} }), "inconclusive", "revocation-answer-stale", "out of date"},
		{"ocsp: from the future", ask(func(o *lab.OCSP) { o.This, o.Next = l.At.Add(time.Hour), l.At.Add(labDay) }), "inconclusive", "", "future"},
		{"ocsp: expired, on hold then", ask(func(o *lab.OCSP) { o.Next, o.Answers = l.At.Add(-time.Hour), revokedFor(l.serial, since, 6) }), "inconclusive", "revocation-answer-stale", "out of date"},
		{"ocsp: nonce", nonced("mine", "mine"), "ok", "", ""},
		{"ocsp: another nonce", nonced("mine", "yours"), "inconclusive", "revocation-nonce-wrong", "nonce"},
		{"ocsp: unauthorized", l.subject(nil, l.fetched(evidence.FetchOCSP, l.Leaf, []byte{0x30, 3, 0x0a, 1, 6})), "inconclusive", "", "unauthorized"},
		{"ocsp: nothing came", l.subject(nil, evidence.Fetch{Kind: evidence.FetchOCSP, For: evidence.Hash(evidence.DER(l.Leaf).SHA256()),
			Failure: &evidence.Failure{Stage: evidence.StageFetch, Error: "the server answered 404"}}), "inconclusive", "", "404"},
		{"ocsp: says revoked, staple good", l.subject(l.ocsp(nil), l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(func(o *lab.OCSP) { o.Answers = revokedFor(l.serial, since, 1) }))),
			"suspicious", "revocation-key-compromised revocation-sources-disagree", ""},

		{"crl: good", list(nil), "ok", "", ""},
		{"crl: good, sharded", list(inScope), "ok", "", ""},
		{"crl: revoked", list(func(c *lab.CRL) { c.Entries = append(c.Entries, lab.Status{Serial: l.serial, At: since, Reason: 1}) }), "suspicious", "revocation-key-compromised", ""},
		{"crl: taken back", list(func(c *lab.CRL) { c.Entries = append(c.Entries, lab.Status{Serial: l.serial, At: since, Reason: 8}) }), "ok", "", ""},
		{"crl: another shard", list(func(c *lab.CRL) { c.URL = "http://crl.lab.example/2.crl" }), "inconclusive", "revocation-list-other-scope", "distribution point"},
		{"crl: of CAs", list(func(c *lab.CRL) { c.OnlyCA = true }), "inconclusive", "revocation-list-other-scope", "another kind"},
		{"crl: of users", list(func(c *lab.CRL) { c.OnlyUser = true }), "ok", "", ""},
		{"crl: changes alone", list(func(c *lab.CRL) { c.Delta = true }), "inconclusive", "", "changes"},
		{"crl: indirect", list(func(c *lab.CRL) { c.Indirect = true }), "inconclusive", "", "several issuers"},
		{"crl: critical extension", list(func(c *lab.CRL) { c.Critical = true }), "inconclusive", "", "critical"},
		{"crl: out of date", list(func(c *lab.CRL) { c.Next = l.At.Add(-time.Hour) }), "inconclusive", "revocation-answer-stale", "out of date"},
		{"crl: forged", list(func(c *lab.CRL) { c.Signer = lab.ImpostorKey() }), "suspicious", "revocation-answer-forged", "not the issuer's"},
		{"crl: by a newer key of the CA", list(func(c *lab.CRL) { c.Signer, c.KeyID = lab.ImpostorKey(), lab.ImpostorKey().ID }), "inconclusive", "", "another key of the issuer"},
		{"crl: out of date, on hold then", list(func(c *lab.CRL) {
			c.Next, c.Entries = l.At.Add(-time.Hour), []lab.Status{{Serial: l.serial, At: since, Reason: 6}}
		}), "inconclusive", "revocation-answer-stale", "out of date"},
		{"crl: of another issuer", list(func(c *lab.CRL) { c.Issuer = l.Root }), "inconclusive", "", "another issuer"},
		{"crl: garbage", l.subject(nil, l.fetched(evidence.FetchCRL, l.Leaf, []byte("garbage"))), "inconclusive", "", "not a certificate list"},
		{"crl: good and no responder", l.subject(nil, l.fetched(evidence.FetchCRL, l.Leaf, l.crl(nil)), l.fetched(evidence.FetchOCSP, l.Leaf, []byte{0x30, 3, 0x0a, 1, 3})), "ok", "", ""},

		{"cache: good", l.subject(nil, fromCache(l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(nil)))), "ok", "", ""},
		{"cache: revoked", l.subject(nil, fromCache(l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(func(o *lab.OCSP) { o.Answers = revokedFor(l.serial, since, 1) })))), "suspicious", "revocation-key-compromised", ""},
		{"cache: out of date", l.subject(nil, fromCache(l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(func(o *lab.OCSP) { o.Next = l.At.Add(-time.Hour) })))), "inconclusive", "", "from the cache"},
		{"cache: changed by somebody", l.subject(nil, fromCache(l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(func(o *lab.OCSP) { o.Issuer = l.Root })))), "inconclusive", "", "from the cache"},

		{"issuer: good", l.subject(nil, l.fetched(evidence.FetchCRL, l.Intermediate.DER, lab.CRL{Issuer: l.Root, This: since, Next: l.At.Add(labDay)}.Sign())), "ok", "", ""},
		{"issuer: revoked", l.subject(nil, l.fetched(evidence.FetchCRL, l.Intermediate.DER, lab.CRL{Issuer: l.Root, This: since, Next: l.At.Add(labDay),
			Entries: []lab.Status{{Serial: cert.Parse(l.Intermediate.DER).Serial, At: since, Reason: 2}}}.Sign())), "suspicious", "revocation-issuer-revoked", ""},
		{"issuer: never issued, and on no list", l.subject(nil,
			l.fetched(evidence.FetchOCSP, l.Intermediate.DER, lab.OCSP{Issuer: l.Root, This: since, Next: l.At.Add(labDay),
				Answers: revokedFor(cert.Parse(l.Intermediate.DER).Serial, time.Unix(0, 0), 6)}.Sign()),
			l.fetched(evidence.FetchCRL, l.Intermediate.DER, lab.CRL{Issuer: l.Root, This: since, Next: l.At.Add(labDay)}.Sign())), "suspicious", "revocation-issuer-revoked", ""},
		{"issuer: nothing came", l.subject(nil, evidence.Fetch{Kind: evidence.FetchCRL, For: evidence.Hash(evidence.DER(l.Intermediate.DER).SHA256()),
			Failure: &evidence.Failure{Stage: evidence.StageFetch, Error: "no route"}}), "inconclusive", "", "no route"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := labAuditor(t, set, l.Roots(), l.At).Judge(tt.subject).Subject
			var got []string
			for _, f := range r.Findings {
				if strings.HasPrefix(f.Rule, "revocation-") {
					got = append(got, f.Rule)
				}
			}
			slices.Sort(got)
			if strings.Join(got, " ") != tt.rules || r.Verdict != tt.verdict {
				t.Errorf("%s, %v, want %s, %q (findings %v, gaps %v)", r.Verdict, got, tt.verdict, tt.rules, r.Findings, r.Inconclusive)
			}
			gap := ""
			for _, g := range r.Inconclusive {
				if strings.HasPrefix(g.Rule, "revocation-") {
					gap += g.Reason
				}
			}
			if (gap != "") != (tt.gap != "") || !strings.Contains(gap, tt.gap) {
				t.Errorf("gap = %q, want %q in it", gap, tt.gap)
			}
		})
	}
}

// A certificate that a log saw within two days is not yet known everywhere; an
// expired or short-lived one has nothing to be asked. The date in the certificate
// is the forger's choice, and excuses nothing by itself.
func TestRevocationOfYoungAndOld(t *testing.T) {
	l := statusLab{Lab: lab.New(lab.Config{})}
	set := shippedRules(t)
	const own = "unknown: revocation.young: by its own word the certificate is less than two days old, and no SCT that verifies says so: ask again in two days"
	for _, tt := range []struct {
		name        string
		from, until time.Duration
		logged      time.Duration // 0 for no SCT
		public      bool
		state, rule string
	}{
		{"logged today", -36 * time.Hour, 80 * labDay, -12 * time.Hour, true, "unknown", "revocation-unknown-young"},
		{"logged today, and never issued", -36 * time.Hour, 80 * labDay, -12 * time.Hour, true, "neverissued", "revocation-unknown-young"},
		{"logged today, and dated back", -20 * labDay, 60 * labDay, -12 * time.Hour, true, "unknown", "revocation-unknown-young"},
		{"logged long ago, and dated today", -time.Hour, 80 * labDay, -30 * labDay, true, "unknown", "revocation-unknown-to-ca"},
		{"a public CA's without an SCT", -time.Hour, 80 * labDay, 0, true, "unknown", "revocation-unknown-to-ca"},
		{"another CA's without an SCT", -time.Hour, 80 * labDay, 0, false, "unknown", own},
		{"another CA's, old by its own word", -30 * labDay, 60 * labDay, 0, false, "unknown", "revocation-unknown-to-ca"},
		{"old", -30 * labDay, 60 * labDay, -30 * labDay, true, "unknown", "revocation-unknown-to-ca"},
		{"expired", -90 * labDay, -labDay, 0, false, "unknown", ""},
		{"short-lived, nothing to ask", -labDay, 5 * labDay, 0, false, "", ""},
		{"expired, nothing to ask", -90 * labDay, -labDay, 0, false, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := l.LeafTemplate()
			c.NotBefore, c.NotAfter = l.At.Add(tt.from), l.At.Add(tt.until)
			c.Drop(lab.IDSCTs)
			if tt.logged != 0 {
				c.Set(lab.EmbedSCTs(lab.Logs()[0].SCT(c, l.Intermediate, l.At.Add(tt.logged))))
			}
			l := l
			l.Lab = &lab.Lab{Host: l.Host, At: l.At, Root: l.Root, Intermediate: l.Intermediate, LeafKey: l.LeafKey, Leaf: c.Sign(l.Intermediate.Key, "")}
			l.serial = c.Serial
			f := l.fetched(evidence.FetchOCSP, l.Leaf, nil)
			f.Failure = &evidence.Failure{Stage: evidence.StageFetch, Error: "names nobody"}
			switch tt.state {
			case "unknown":
				f = l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(func(o *lab.OCSP) { o.Answers[0].State = tt.state }))
			case "neverissued":
				f = l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(func(o *lab.OCSP) {
					o.Answers = revokedFor(l.serial, time.Unix(0, 0), 6)
				}))
			}
			a := labAuditor(t, set, l.Roots(), l.At)
			if tt.public {
				var err error
				if a.trust, err = trust.Open(trust.Options{Programs: []trust.Set{{Name: "lab", Certificates: l.Roots()}}}); err != nil {
					t.Fatal(err)
				}
			}
			r := a.Judge(l.subject(nil, f)).Subject
			seen := map[string]bool{}
			var got []string
			add := func(s string) {
				if !seen[s] {
					got = append(got, s)
				}
				seen[s] = true
			}
			for _, f := range r.Findings {
				if strings.HasPrefix(f.Rule, "revocation-") {
					add(f.Rule)
				}
			}
			for _, g := range r.Inconclusive {
				if strings.HasPrefix(g.Rule, "revocation-") {
					add(g.Reason)
				}
			}
			if strings.Join(got, " ") != tt.rule {
				t.Errorf("findings and gaps = %v, want %q", got, tt.rule)
			}
			if gap := slices.ContainsFunc(r.Inconclusive, func(g finding.Gap) bool { return g.Reason == own && g.Needed }); gap != (tt.rule == own) {
				t.Errorf("the verdict waits for the age of the certificate: %t", gap)
			}
		})
	}
}

// A certificate that demands stapling gets a finding where nothing is stapled, and
// a verified answer proves a time.
func TestMustStapleAndClock(t *testing.T) {
	l := statusLab{Lab: lab.New(lab.Config{})}
	c := l.LeafTemplate()
	c.Set(lab.MustStaple())
	l.Leaf, l.serial = l.Issue(c), c.Serial
	set := shippedRules(t)
	for _, staple := range [][]byte{nil, l.ocsp(nil)} {
		j := labAuditor(t, set, l.Roots(), l.At).judge(l.subject(staple))
		found := slices.ContainsFunc(j.findings, func(f finding.Finding) bool { return f.Rule == "revocation-must-staple-ignored" })
		if found == (staple != nil) {
			t.Errorf("stapled %v: finding %v", staple != nil, found)
		}
		if proven := j.facts.Clock.Floor != nil && strings.Contains(j.facts.Clock.FloorBy, "OCSP"); proven != (staple != nil) {
			t.Errorf("stapled %v: the response proves a time %v (%q)", staple != nil, proven, j.facts.Clock.FloorBy)
		}
		if j := labAuditor(t, set, nil, l.At).judge(l.subject(staple)); strings.Contains(j.facts.Clock.FloorBy, "OCSP") {
			t.Error("a stranger's response proves a time")
		}
	}
	late := l.subject(l.ocsp(func(o *lab.OCSP) { o.This = l.At.Add(2 * labDay); o.Next = l.At.Add(3 * labDay) }))
	late.Seen = l.At.Add(2 * labDay)
	if j := labAuditor(t, set, l.Roots(), l.At).judge(late); j.facts.Clock.Behind {
		t.Error("a response that was made while the run went on makes the clock doubtful")
	}
}

// Whoever has the key of a CA may write its name into a leaf: that takes nothing
// from what has to be asked, while a certificate that signs itself has nobody to be
// asked.
func TestRevocationOfALeafThatBearsItsIssuersName(t *testing.T) {
	l := statusLab{Lab: lab.New(lab.Config{})}
	set := shippedRules(t)
	c := l.LeafTemplate()
	c.Subject = l.Intermediate.Name
	l.Leaf, l.serial = l.Issue(c), c.Serial
	f := l.fetched(evidence.FetchOCSP, l.Leaf, l.ocsp(func(o *lab.OCSP) { o.Answers[0].State = "unknown" }))
	j := labAuditor(t, set, l.Roots(), l.At).judge(l.subject(nil, f))
	if !slices.ContainsFunc(j.findings, func(f finding.Finding) bool { return f.Rule == "revocation-unknown-to-ca" }) {
		t.Errorf("the answer is passed over (exempt: %q)", j.facts.Revocation.Exempt)
	}
	l.Leaf = l.SelfSignedCA(lab.Named("CN="+l.Host), lab.ForgedKey()).DER
	if j := labAuditor(t, set, l.Roots(), l.At).judge(l.subject(nil)); j.facts.Revocation.Exempt != "self-issued" {
		t.Errorf("a self-signed certificate is exempt as %q", j.facts.Revocation.Exempt)
	}
}
