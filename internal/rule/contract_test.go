package rule_test

import (
	"testing"
	"testing/fstest"

	"github.com/certassay/certassay/internal/rule"
)

// The examples of the published format load as they stand and their tests pass.
func TestLoadContract(t *testing.T) {
	set, err := rule.Load(fstest.MapFS{
		"sct/sct-signature-invalid.yaml":    {Data: []byte(flowStyle)},
		"chain/chain-lookalike-issuer.yaml": {Data: []byte(blockStyle)},
	}, rule.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rule.Test(set) {
		t.Error(f)
	}
	if got := len(set.Active()); got != 2 {
		t.Errorf("%d rules run, want 2", got)
	}
}

const flowStyle = `id: sct-signature-invalid      # permanent, never reused; first word = family; no severity in it
version: 1                     # bump when the same facts could give another answer
status: stable                 # experimental (off by default) | stable | deprecated (never runs)
since: v0.1.0
aliases: []                    # old ids keep working
title: Embedded SCT does not verify
summary: >                     # what it looks at
  An SCT that names a log whose key we hold does not verify over the precertificate rebuilt from
  this certificate with this issuer's key.
why: >                         # why that means forgery
  A log never signs what it did not accept: the SCT was copied from another certificate, or the
  certificate was changed after the log saw it.
benign: [The chain carried the wrong issuer certificate; the probe tries every known issuer key.]
class: forgery                 # forgery | interception | misissuance | compromised-key | policy | hygiene
severity: critical             # harm if true: info | low | medium | high | critical
confidence: proof              # proof | strong | weak: how surely the facts mean it
tags: [ct]
references: [https://www.rfc-editor.org/rfc/rfc6962#section-3.2]   # https, at least one, primary source
remediation: >
  Treat the certificate as forged until explained; keep the bundle; report the chain to the issuer.
subject: certificate           # certificate | chain | endpoint | log-entry | corpus
applies: ""                    # optional CEL; false = not-applicable
when: scts.exists(s, s.log_known && s.verdict == "bad-signature")   # CEL over facts
message: "{{bad}} of {{total}} embedded SCTs do not verify"
show:                          # named CEL values printed with the finding
  bad: size(scts.filter(s, s.log_known && s.verdict == "bad-signature"))
  total: size(scts)
tests:                         # every rule: at least one finding, one pass, one inconclusive
  - {name: grafted from another certificate, want: finding, facts: {scts: [{log_known: true, verdict: bad-signature}]}}
  - {name: all verify,                       want: pass,    facts: {scts: [{log_known: true, verdict: ok}]}}
  - {name: unknown log proves nothing,       want: pass,    facts: {scts: [{log_known: false, verdict: bad-signature}]}}
  - {name: SCTs were not collected,          want: inconclusive, facts: {}}
`

const blockStyle = `id: chain-lookalike-issuer     # permanent; never reused; no severity in it
version: 2                     # bump when the verdict can change
status: stable                 # experimental | stable | deprecated
since: v0.1.0
aliases: [chain-fake-ca-name]  # old ids keep working
title: Issuer carries a known CA's name but not its key
summary: >                     # what it looks at
  A CA certificate in the chain has the subject of a publicly known CA, and its
  key is none of the keys ever published under that name.
why: >                         # why that suggests forgery
  The name in an issuer field is a claim; the key is the identity.
benign: [The CA cut over to a new key after our CA list was built.]
severity: high                 # harm if true
confidence: strong             # proof | strong | weak: how surely it means forgery
class: forgery
tags: [impersonation]
references: [https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.4]
remediation: >
  Compare the issuer key hash with CCADB; find out who answered on this path.
subject: certificate
when: chain.links.exists(l, l.is_ca && l.name_known && !l.key_known)
message: issuer name belongs to a known CA, issuer key does not
tests:
  - name: proxy root named after a public CA
    want: finding
    facts: {chain: {links: [{is_ca: true, name_known: true, key_known: false}]}}
  - name: the known CA itself
    want: pass
    facts: {chain: {links: [{is_ca: true, name_known: true, key_known: true}]}}
  - name: no chain was presented
    want: inconclusive
    facts: {}
`
