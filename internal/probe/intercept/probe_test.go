package intercept

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/probe/signature"
)

const (
	strange = "certassay-0123456789ab.invalid"
	address = "192.0.2.7"
)

// issued is a leaf for names that a CA signed, with the key of the laboratory's
// leaf.
func issued(l *lab.Lab, ca *lab.CA, names ...string) evidence.DER {
	t := l.LeafTemplate()
	t.Issuer, t.Subject = ca.Name, lab.Named("CN="+names[0])
	t.Set(lab.SAN(names...))
	t.Set(lab.AKI(ca.KeyID))
	return t.Sign(ca.Key, "")
}

func TestProbe(t *testing.T) {
	l := lab.New(lab.Config{})
	mitm := l.SelfSignedCA(lab.Named("CN=Inspection"), lab.ForgedKey())
	clone := l.SelfSignedCA(l.Intermediate.Name, lab.ForgedKey())
	copied := *clone
	copied.KeyID = l.Intermediate.KeyID
	forged := []evidence.DER{issued(l, mitm, l.Host), mitm.DER}
	genuine := []evidence.DER{l.Leaf, l.Intermediate.DER}
	stranger := func(ders ...evidence.DER) evidence.Handshake {
		return evidence.Handshake{Profile: evidence.ProbeStranger, ServerName: strange, Certificates: ders}
	}
	minted := func(ca *lab.CA, same bool) []facts.Minted {
		return []facts.Minted{{Name: strange, Reserved: true, Leaf: evidence.Hash(issued(l, ca, strange).SHA256()), SameIssuer: &same, SameSigner: &same, SameKey: true}}
	}
	unsigned := func(m []facts.Minted) []facts.Minted { m[0].SameSigner = nil; return m }
	text := func(s string) *string { return &s }
	byName := func(ders ...evidence.DER) []evidence.Handshake {
		return []evidence.Handshake{{Profile: evidence.ProbeConnectName, ServerName: l.Host, Address: l.Host + ":443", Certificates: ders}}
	}
	refused := &evidence.Failure{Stage: evidence.StageHandshake}
	for _, tt := range []struct {
		name   string
		chain  []evidence.DER
		probes []evidence.Handshake
		want   *facts.Probe
	}{
		{"an interceptor", forged, []evidence.Handshake{stranger(issued(l, mitm, strange), mitm.DER)},
			&facts.Probe{Invented: 1, Answered: 1, Minted: minted(mitm, true), Connects: []string{}}},
		{"one that sends the leaf alone", forged[:1], []evidence.Handshake{stranger(issued(l, mitm, strange))},
			&facts.Probe{Invented: 1, Answered: 1, Minted: unsigned(minted(mitm, true)), Connects: []string{}}},
		{"a genuine leaf alone beside a copy of its issuer's name and key identifier", genuine[:1], []evidence.Handshake{stranger(issued(l, &copied, strange))},
			&facts.Probe{Invented: 1, Answered: 1, Minted: unsigned(minted(&copied, true)), Connects: []string{}}},
		{"one that sends its CA the second time only", forged[:1], []evidence.Handshake{stranger(issued(l, mitm, strange), mitm.DER)},
			&facts.Probe{Invented: 1, Answered: 1, Minted: minted(mitm, true), Connects: []string{}}},
		{"a genuine site beside names that are made on demand", genuine, []evidence.Handshake{stranger(issued(l, mitm, strange), mitm.DER)},
			&facts.Probe{Invented: 1, Answered: 1, Minted: minted(mitm, false), Connects: []string{}}},
		{"an issuer of the genuine one's name and another key", genuine, []evidence.Handshake{stranger(issued(l, clone, strange), clone.DER)},
			&facts.Probe{Invented: 1, Answered: 1, Minted: minted(clone, false), Connects: []string{}}},
		{"the default certificate", genuine, []evidence.Handshake{stranger(genuine...)},
			&facts.Probe{Invented: 1, Answered: 1, Minted: []facts.Minted{}, Connects: []string{}}},
		{"a wildcard", genuine, []evidence.Handshake{stranger(issued(l, l.Intermediate, "*.invalid"))},
			&facts.Probe{Invented: 1, Answered: 1, Minted: []facts.Minted{}, Connects: []string{}}},
		{"an alert", genuine, []evidence.Handshake{stranger()}, &facts.Probe{Invented: 1, Minted: []facts.Minted{}, Connects: []string{}}},
		{"bytes that are no certificate", genuine, []evidence.Handshake{stranger(evidence.DER("nothing"))},
			&facts.Probe{Invented: 1, Answered: 1, Minted: []facts.Minted{}, Connects: []string{}}},
		{"the same again", genuine, []evidence.Handshake{{Profile: evidence.ProbeAgain, Certificates: genuine}},
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{}, Again: text("same")}},
		{"a new one each time", forged, []evidence.Handshake{{Profile: evidence.ProbeAgain, Certificates: []evidence.DER{issued(l, mitm, l.Host, "x."+l.Host)}}},
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{}, Again: text("new-certificate")}},
		{"another issuer", genuine, []evidence.Handshake{{Profile: evidence.ProbeAgain, Certificates: forged}},
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{}, Again: text("other")}},
		{"nothing the second time", genuine, []evidence.Handshake{{Profile: evidence.ProbeAgain, Failure: refused}},
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{}}},
		{"no name, refused", genuine, []evidence.Handshake{{Profile: evidence.ProbeNoName, Failure: refused}, stranger()},
			&facts.Probe{Invented: 1, Minted: []facts.Minted{}, Connects: []string{}, NoName: text("nothing")}},
		{"no name, unreachable", genuine, []evidence.Handshake{{Profile: evidence.ProbeNoName, Failure: &evidence.Failure{Stage: evidence.StageDial}}, stranger()},
			&facts.Probe{Invented: 1, Minted: []facts.Minted{}, Connects: []string{}}},
		{"no name, the same", genuine, []evidence.Handshake{{Profile: evidence.ProbeNoName, Certificates: genuine}, stranger()},
			&facts.Probe{Invented: 1, Minted: []facts.Minted{}, Connects: []string{}, NoName: text("same")}},
		{"no name, another", genuine, []evidence.Handshake{{Profile: evidence.ProbeNoName, Certificates: forged}, stranger()},
			&facts.Probe{Invented: 1, Minted: []facts.Minted{}, Connects: []string{}, NoName: text("other")}},
		{"other ClientHellos are no probe of the path", genuine, []evidence.Handshake{
			{Profile: evidence.ProbeRSA, Certificates: genuine}, {Profile: evidence.ProbeNoName, Certificates: genuine}}, nil},
		{"a proxy that makes certificates for what it is asked for", forged, []evidence.Handshake{
			{Profile: evidence.ProbeConnectStranger, ServerName: l.Host, Address: strange + ":443", Certificates: []evidence.DER{issued(l, mitm, strange), mitm.DER}}},
			&facts.Probe{Invented: 1, Answered: 1, Minted: minted(mitm, true), Connects: []string{}}},
		{"a proxy that connects to one server whatever it is asked for", genuine, []evidence.Handshake{
			{Profile: evidence.ProbeConnectStranger, ServerName: l.Host, Address: strange + ":443", Certificates: genuine}},
			&facts.Probe{Invented: 1, Answered: 1, Minted: []facts.Minted{}, Connects: []string{}}},
		{"an honest proxy", genuine, []evidence.Handshake{
			{Profile: evidence.ProbeConnectSibling, ServerName: strange, Address: strange + ":443", Failure: &evidence.Failure{Stage: evidence.StageDial}},
			{Profile: evidence.ProbeConnectName, ServerName: l.Host, Address: l.Host + ":443", Certificates: genuine}},
			&facts.Probe{Invented: 1, Minted: []facts.Minted{}, Connects: []string{"same"}}},
		{"one that does not find the name", genuine, []evidence.Handshake{
			{Profile: evidence.ProbeConnectName, ServerName: l.Host, Address: l.Host + ":443", Failure: refused}},
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{}}},
		{"a certificate for the address, then one for the name", []evidence.DER{issued(l, mitm, address), mitm.DER}, byName(issued(l, mitm, l.Host), mitm.DER),
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{"follows"}}},
		{"the same of two issuers", []evidence.DER{issued(l, mitm, address), mitm.DER}, byName(issued(l, l.Intermediate, l.Host), l.Intermediate.DER),
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{"other"}}},
		{"the first is for the name, too", []evidence.DER{issued(l, mitm, address, l.Host), mitm.DER}, byName(issued(l, mitm, l.Host), mitm.DER),
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{"other"}}},
		{"the second is for the address, too", []evidence.DER{issued(l, mitm, address), mitm.DER}, byName(issued(l, mitm, l.Host, address), mitm.DER),
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{"other"}}},
		{"the second is for another name", []evidence.DER{issued(l, mitm, address), mitm.DER}, byName(issued(l, mitm, "other.lab.example"), mitm.DER),
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{"other"}}},
		{"the first is not for the address", []evidence.DER{issued(l, mitm, "other.lab.example"), mitm.DER}, byName(issued(l, mitm, l.Host), mitm.DER),
			&facts.Probe{Minted: []facts.Minted{}, Connects: []string{"other"}}},
		{"none", genuine, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var check signature.Checker
			var chain []*cert.Certificate
			for _, der := range tt.chain {
				chain = append(chain, cert.Parse(der))
			}
			got := Probe(&evidence.Subject{Address: address + ":443", Probes: tt.probes, Certificates: tt.chain}, chain, &check)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
		})
	}
}
