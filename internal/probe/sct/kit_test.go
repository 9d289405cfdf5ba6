package sct

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
)

// A testLog is a log that signs whatever it is asked to.
type testLog struct {
	key      *lab.Key
	operator string
	tiled    bool
	state    string // usable where empty
	since    string
	from, to string // interval; none where empty
}

var logA, logB, logRSA, logTiled = testLog{key: lab.Logs()[0].Key, operator: "A"}, testLog{key: lab.Logs()[1].Key, operator: "B"},
	testLog{key: lab.IssuingRSAKey(), operator: "C"}, testLog{key: lab.ForgedKey(), operator: "D", tiled: true}

// logs makes the list of these logs, by way of its JSON.
func logs(t testing.TB, in ...testLog) *ct.LogList {
	t.Helper()
	operators := []any{}
	for _, l := range in {
		sum := sha256.Sum256(l.key.SPKI)
		if l.state == "" {
			l.state, l.since = "usable", "2020-01-01T00:00:00Z"
		}
		e := map[string]any{
			"description": "Log " + l.operator, "mmd": 60, "key": base64.StdEncoding.EncodeToString(l.key.SPKI),
			"log_id": base64.StdEncoding.EncodeToString(sum[:]),
			"state":  map[string]any{l.state: map[string]any{"timestamp": l.since}},
		}
		if l.from != "" {
			e["temporal_interval"] = map[string]any{"start_inclusive": l.from, "end_exclusive": l.to}
		}
		member := "logs"
		if l.tiled {
			member = "tiled_logs"
		}
		operators = append(operators, map[string]any{"name": l.operator, member: []any{e}})
	}
	b, err := json.Marshal(map[string]any{"log_list_timestamp": "2026-10-01T00:00:00Z", "operators": operators})
	if err != nil {
		t.Fatal(err)
	}
	list, err := ct.ParseList(b)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// sign makes an SCT over an entry; a tiled log adds its leaf index.
func (l testLog) sign(t testing.TB, e ct.Entry, at time.Time) []byte {
	t.Helper()
	s := ct.SCT{LogID: sha256.Sum256(l.key.SPKI), Time: at, Hash: 4, Algorithm: 1}
	if _, ok := l.key.Public().(*ecdsa.PublicKey); ok {
		s.Algorithm = 3
	}
	if l.tiled {
		s.Extensions = []byte{0, 0, 5, 0, 0, 0, 0, 42}
	}
	digest := sha256.Sum256(e.Signed(&s))
	var err error
	if s.Signature, err = l.key.Sign(nil, digest[:], crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	return s.Append(nil)
}

// extension is an SCT list as certificates embed it.
func extension(scts ...[]byte) lab.Extension {
	var value cryptobyte.Builder
	value.AddASN1OctetString(tlsList(scts...))
	return lab.Extension{ID: lab.IDSCTs, Value: value.BytesOrPanic()}
}

func tlsList(scts ...[]byte) []byte {
	var body []byte
	for _, s := range scts {
		body = append(binary.BigEndian.AppendUint16(body, uint16(len(s))), s...)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

// issue logs a certificate and signs it, as a public CA does.
func issue(t testing.TB, l *lab.Lab, tmpl lab.Template, at time.Time, in ...testLog) *cert.Certificate {
	t.Helper()
	pre := tmpl.Clone()
	pre.Drop(lab.IDSCTs)
	e := precertEntry(t, cert.Parse(pre.Sign(l.Intermediate.Key, "")).TBS, l.Intermediate.Key)
	var scts [][]byte
	for _, log := range in {
		scts = append(scts, log.sign(t, e, at))
	}
	tmpl.Set(extension(scts...))
	return cert.Parse(tmpl.Sign(l.Intermediate.Key, ""))
}

func precertEntry(t testing.TB, tbs []byte, issuer *lab.Key) ct.Entry {
	t.Helper()
	e, err := ct.PrecertEntry(issuer.SPKI, tbs)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func check(child, issuer *cert.Certificate) cert.Outcome {
	outcome, _ := child.CheckSignature(&issuer.Key)
	return outcome
}

// input is the honest question: the lab's intermediate behind the certificate.
func input(t testing.TB, l *lab.Lab, c *cert.Certificate, in ...testLog) *Input {
	t.Helper()
	return &Input{
		Certificate: c, Chain: []*cert.Certificate{c, cert.Parse(l.Intermediate.DER)}, Logs: logs(t, in...),
		Signed: check, Verify: &Verifier{}, At: l.At, Reasons: map[string]string{},
	}
}

// verdicts names the verdicts in order, "?" where unknown.
func verdicts(scts []facts.SCT) []string {
	out := []string{}
	for _, s := range scts {
		if s.Verdict == nil {
			out = append(out, "?")
		} else {
			out = append(out, *s.Verdict)
		}
	}
	return out
}
