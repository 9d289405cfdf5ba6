package rule

import (
	"fmt"
	"slices"
	"strings"
)

// Scaffold gives the text of a complete rule file for an id, which loads as it
// is, with tests that pass: something to change rather than to fill in. It
// refuses an id that no rule may have.
func Scaffold(id string) (string, error) {
	family, _, _ := strings.Cut(id, "-")
	switch {
	case !idForm.MatchString(id):
		return "", &SelectionError{id, fmt.Sprintf("id %q is malformed", id), "lower-case words and digits joined by hyphens, the family first: sct-signature-invalid"}
	case !slices.Contains(Families, family):
		return "", &SelectionError{id, fmt.Sprintf("id %q begins with %q, which is no family", id, family),
			hintOr(didYouMean(family, Families), "families are "+strings.Join(Families, ", "))}
	}
	return strings.NewReplacer("{ID}", id).Replace(scaffold), nil
}

// scaffold is a rule that finds certificates without a serial number worth the
// name: short, and with every key of the format.
const scaffold = `# yaml-language-server: $schema=../schema.json
# Keys are explained by "certassay schema rule", facts by "certassay schema facts".
id: {ID}
version: 1                  # raise it when the same facts could give another answer
status: experimental        # experimental (off by default) | stable | deprecated
since: v0.1.0               # the release that brings it
aliases: []                 # ids it had before
title: Serial number is short and positive
summary: >
  What it looks at: the serial number of the certificate has fewer than 64 bits.
why: >
  Why that means what the class says: public CAs must put 64 random bits into it.
benign:                     # what else explains it; if you cannot say, confidence is weak
  - A private CA that counts its certificates.
class: hygiene              # forgery | interception | misissuance | compromised-key | policy | hygiene
severity: low               # harm if it is true: info | low | medium | high | critical
confidence: weak            # how surely the facts mean it: proof | strong | weak
tags: []
references:                 # primary sources, https
  - https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.2
remediation: >
  What the reader should do next.
subject: certificate        # certificate | chain | endpoint | log-entry | corpus
applies: cert.role == "leaf"
when: cert.serial.bits < 64 && !cert.serial.negative
message: "the serial number has {{bits}} bits"
show:
  bits: cert.serial.bits
tests:                      # every term of applies and when must be noticed by one of them
  - name: a counter
    want: finding
    facts: {cert: {role: leaf, serial: {bits: 12}}}
  - name: random
    want: pass
    facts: {cert: {role: leaf, serial: {bits: 127}}}
  - name: negative, which is another rule's matter
    want: pass
    facts: {cert: {role: leaf, serial: {bits: 12, negative: true}}}
  - name: an issuer
    want: not-applicable
    facts: {cert: {role: issuer, serial: {bits: 12}}}
  - name: the serial number could not be read
    want: inconclusive
    facts: {cert: {role: leaf}}
  - name: nothing is known
    want: inconclusive
    facts: {}
`
