package audit

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// Genuine certificates, as entries of a log, are accused of nothing, and neither
// are the precertificates that they were once: no rule finds more in these than
// that their signatures, which nobody but the CA could make anew, do not fit. Set
// CERTASSAY_CORPUS to the folder of outside vectors.
func TestGenuineEntriesAreNotAccused(t *testing.T) {
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("CERTASSAY_CORPUS is not set")
	}
	var list []struct {
		Served, Label string
		At            time.Time
	}
	b, err := os.ReadFile(filepath.Join(dir, "genuine", "manifest.json"))
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil || len(list) == 0 {
		t.Fatal("no chains", err)
	}
	set := shippedRules(t)
	var roots [][]byte
	for _, der := range readPEM(t, filepath.Join(dir, "genuine", "roots.pem")) {
		roots = append(roots, der)
	}
	extra, judged, precerts := map[string]int{}, 0, 0
	m := newEntry(t, false)
	for i, one := range list {
		// Every third will do: it is a matter of seconds.
		if one.Label != "genuine" || i%3 != 0 {
			continue
		}
		file := one.Served
		chain := readPEM(t, filepath.Join(dir, "genuine", file))
		leaf := cert.Parse(chain[0])
		a := auditor(t, set, roots, one.At)
		m.at, m.chain = one.At, nil
		m.own = chain[0]
		for _, der := range chain[1:] {
			m.chain = append(m.chain, der)
		}
		m.entry = must(ct.X509Entry(m.own))
		m.sct.Time = leaf.NotBefore
		asCertificate := a.Judge(m.subject())
		judged++
		if v := asCertificate.Subject.Verdict; v == finding.Forged || v == finding.Suspicious {
			t.Errorf("%s: %s %v", file, v, ruleIDs(asCertificate.Subject.Findings))
		}
		pre, ok := poisoned(leaf)
		if !ok || len(m.chain) == 0 {
			continue
		}
		precerts++
		m.own = pre
		m.entry = must(ct.PrecertEntry(cert.Parse(m.chain[0]).SPKI, must(ct.PrecertificateTBS(cert.Parse(pre), nil))))
		asPrecert := a.Judge(m.subject())
		for _, id := range ruleIDs(asPrecert.Subject.Findings) {
			if !slices.Contains(ruleIDs(asCertificate.Subject.Findings), id) {
				extra[id]++
			}
		}
	}
	for id, n := range extra {
		if !slices.Contains([]string{
			"chain-broken-link", "chain-claimed-signer", "chain-genuine-tail", "chain-known-ca-not-verified", "chain-untrusted-root",
			"issuance-key-id-borrowed", "signature-transplanted",
		}, id) {
			t.Errorf("%s accuses %d precertificates, and not their certificates", id, n)
		}
	}
	t.Logf("%d certificates, %d precertificates; beyond the certificates' findings: %v", judged, precerts, extra)
}

func readPEM(t *testing.T, path string) (out []evidence.DER) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return out
		}
		out = append(out, block.Bytes)
	}
}

// poisoned is the certificate with the poison in the place of its SCTs, under the
// signature that it had.
func poisoned(c *cert.Certificate) ([]byte, bool) {
	scts := c.Extension(cert.OIDSCTList)
	if scts == nil {
		return nil, false
	}
	poison := append([]byte{0x30, 0x13, 0x06, 0x0a}, cert.OIDPoison...)
	poison = append(poison, 1, 1, 0xff, 4, 2, 5, 0)
	var fields []byte
	body, _, _ := cert.Next(c.TBS)
	for b := body.Body; len(b) > 0; {
		field, rest, err := cert.Next(b)
		if err != nil {
			return nil, false
		}
		raw := b[:len(b)-len(rest)]
		if b = rest; field.ID == 0xa3 {
			list, _, _ := cert.Next(field.Body)
			raw = wrap(0xa3, wrap(0x30, bytes.Replace(list.Body, scts.Raw, poison, 1)))
		}
		fields = append(fields, raw...)
	}
	outer, _, _ := cert.Next(c.Raw)
	return wrap(0x30, append(wrap(0x30, fields), outer.Body[len(c.TBS):]...)), true
}

func wrap(id byte, body []byte) []byte {
	switch n := len(body); {
	case n < 0x80:
		return append([]byte{id, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{id, 0x81, byte(n)}, body...)
	default:
		return append([]byte{id, 0x82, byte(n >> 8), byte(n)}, body...)
	}
}
