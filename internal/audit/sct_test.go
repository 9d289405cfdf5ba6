package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// labLogs is an owner's log list with the logs of the laboratory.
func labLogs(t testing.TB) *ct.LogList {
	t.Helper()
	var logs []any
	for _, l := range lab.Logs() {
		sum := sha256.Sum256(l.Key.SPKI)
		logs = append(logs, map[string]any{
			"description": l.Description, "mmd": 86400, "key": base64.StdEncoding.EncodeToString(l.Key.SPKI),
			"log_id": base64.StdEncoding.EncodeToString(sum[:]),
			"state":  map[string]any{"usable": map[string]any{"timestamp": "2024-01-01T00:00:00Z"}},
		})
	}
	b, err := json.Marshal(map[string]any{"operators": []any{map[string]any{"name": "Lab", "logs": logs}}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := ct.ParseList(b)
	if err != nil {
		t.Fatal(err)
	}
	return ct.Join(list, ct.Known())
}

func sctAuditor(t testing.TB, l *lab.Lab, logs *ct.LogList) *Auditor {
	t.Helper()
	store, err := trust.New([]trust.Set{{Name: "lab", Certificates: l.Roots()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Rules: shippedRules(t), Trust: store, Logs: logs, At: l.At})
}

func chainOf(l *lab.Lab, chain ...[]byte) *evidence.Subject {
	s := &evidence.Subject{ID: "chain", Kind: evidence.Chain, Name: l.Host}
	for _, der := range chain {
		s.Certificates = append(s.Certificates, der)
	}
	return s
}

func found(j *judgement, rule string) bool {
	return slices.ContainsFunc(j.findings, func(f finding.Finding) bool { return f.Rule == rule })
}

// What is remembered of a leaf with one issuer is not the answer for another:
// an answer that an impostor's chain got must not stick to the genuine one.
func TestSCTsDependOnIssuers(t *testing.T) {
	l := lab.New(lab.Config{})
	impostor := l.SelfSignedCA(l.Intermediate.Name, lab.ImpostorKey())
	forged := l.LeafTemplate()
	forged.Set(lab.Extension{ID: lab.IDSCTs, Value: cert.Parse(l.Leaf).Extension(cert.OIDSCTList).Value})
	clone := forged.Sign(lab.ImpostorKey(), "")
	a := sctAuditor(t, l, labLogs(t))
	for range 2 {
		if j := a.judge(chainOf(l, l.Chain()...)); len(j.findings) != 0 || finding.Judge(j.findings, j.gaps, true) != finding.OK {
			t.Errorf("honest chain: %v, %v", ids(j), j.gaps)
		}
		if j := a.judge(chainOf(l, l.Leaf)); found(j, "sct-signature-invalid") || !slices.ContainsFunc(j.gaps, func(g finding.Gap) bool {
			return g.Rule == "sct-signature-invalid" && strings.Contains(g.Reason, "no certificate of the issuer")
		}) {
			t.Errorf("without the issuer: %v, %v", ids(j), j.gaps)
		}
		if j := a.judge(chainOf(l, clone, impostor.DER)); !found(j, "sct-signature-invalid") || finding.Judge(j.findings, j.gaps, true) != finding.Forged {
			t.Errorf("clone: %v", ids(j))
		}
	}
	if n := len(sctAuditor(t, l, nil).logs.Logs()); n != len(ct.Known().Logs()) {
		t.Errorf("without a list %d logs are known, want the embedded ones", n)
	}
}

// A CA of the owner's that logs in own logs is expected to; one of which nothing
// is said is not.
func TestSCTsDueFromOwnLogs(t *testing.T) {
	l := lab.New(lab.Config{})
	unlogged := l.LeafTemplate().Sign(l.Intermediate.Key, "")
	for name, c := range map[string]struct {
		logs *ct.LogList
		leaf []byte
		want finding.Verdict
	}{
		"own logs, not logged":       {labLogs(t), unlogged, finding.Suspicious},
		"own logs, logged":           {labLogs(t), l.Leaf, finding.OK},
		"no list, not logged":        {nil, unlogged, finding.OK},
		"a public list, not logged":  {ct.Join(ct.Known(), ct.Known()), unlogged, finding.OK},
		"no list, logs of strangers": {nil, l.Leaf, finding.OK},
	} {
		j := sctAuditor(t, l, c.logs).judge(chainOf(l, c.leaf, l.Intermediate.DER))
		if got := finding.Judge(j.findings, j.gaps, true); got != c.want || found(j, "sct-missing-from-own-log") != (c.want == finding.Suspicious) {
			t.Errorf("%s: verdict %s, want %s: %v, %v", name, got, c.want, ids(j), j.gaps)
		}
	}
}

// SCTs of the handshake are judged with those of the leaf.
func TestSCTsOfHandshake(t *testing.T) {
	l := lab.New(lab.Config{})
	parts, err := ct.SplitList(cert.Parse(l.Leaf).SCTList().Value)
	if err != nil {
		t.Fatal(err)
	}
	s := chainOf(l, l.LeafTemplate().Sign(l.Intermediate.Key, ""), l.Intermediate.DER)
	s.Handshakes = []evidence.Handshake{{Profile: "default", SCTs: parts, Certificates: s.Certificates, Started: time.Time{}}}
	j := sctAuditor(t, l, labLogs(t)).judge(s)
	// They are over the precertificate, which a server may deliver as well.
	if found(j, "sct-signature-invalid") || found(j, "sct-missing-from-own-log") || j.facts.CT == nil {
		t.Errorf("honest SCTs by TLS: %v", ids(j))
	}
	other := l.LeafTemplate()
	other.Set(lab.SAN("other.lab.example", l.Host))
	s.Certificates[0] = other.Sign(l.Intermediate.Key, "")
	if j := sctAuditor(t, l, labLogs(t)).judge(s); !found(j, "sct-signature-invalid") {
		t.Errorf("SCTs of another certificate by TLS: %v", ids(j))
	}
}
