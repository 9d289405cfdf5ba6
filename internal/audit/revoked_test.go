package audit

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// TestRevokedList judges an honest chain by lists that hold one of its certificates,
// each for a reason, and asks which rule speaks and what becomes of the verdict.
func TestRevokedList(t *testing.T) {
	l := lab.New(lab.Config{})
	set := shippedRules(t)
	own := []string{
		"chain-revoked-ca", "chain-revoked-ca-later", "chain-revoked-ca-avoided", "chain-compromised-ca-listed",
		"revocation-listed", "revocation-listed-misissued", "revocation-listed-key-compromise",
	}
	for _, tt := range []struct {
		name    string
		der     []byte
		days    int // from the time of judgement
		reason  trust.Reason
		rule    string
		verdict finding.Verdict
	}{
		{"nothing", nil, 0, "", "", finding.OK},
		{"CA out of service", l.Intermediate.DER, -1, "", "chain-revoked-ca", finding.OK},
		{"CA whose key got out", l.Intermediate.DER, -1, trust.KeyCompromise, "chain-compromised-ca-listed", finding.Suspicious},
		{"CA that is revoked later", l.Intermediate.DER, 1, trust.KeyCompromise, "chain-revoked-ca-later", finding.OK},
		{"leaf", l.Leaf, -1, trust.LateSHA1, "revocation-listed", finding.OK},
		{"leaf that is revoked later", l.Leaf, 1, "", "chain-revoked-ca-later", finding.OK},
		{"leaf for somebody else", l.Leaf, -1, trust.WronglyIssued, "revocation-listed-misissued", finding.Suspicious},
		{"leaf whose key got out", l.Leaf, -1, trust.KeyCompromise, "revocation-listed-key-compromise", finding.Suspicious},
		{"root that the owner named", l.Root.DER, -1, "", "", finding.OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := trust.RevokedFile{Date: "2026-10-28", Batches: []trust.RevokedBatch{{Listed: l.At.AddDate(0, 0, tt.days).Format("2006-01-02"), Reason: tt.reason}}}
			if tt.der != nil {
				c := cert.Parse(tt.der)
				f.Issuers = []trust.RevokedIssuer{{Name: c.Issuer.Raw, Serials: map[string]int{base64.RawStdEncoding.EncodeToString(c.Serial): 0}}}
			}
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			list, err := trust.ReadRevoked(text)
			if err != nil {
				t.Fatal(err)
			}
			a := labAuditor(t, set, nil, l.At)
			a.trust, err = trust.Open(trust.Options{Sets: []trust.Set{{Name: "lab", Certificates: [][]byte{l.Root.DER}}}, Revoked: list})
			if err != nil {
				t.Fatal(err)
			}
			s := &evidence.Subject{ID: tt.name, Kind: evidence.Chain, Certificates: []evidence.DER{l.Leaf, l.Intermediate.DER}}
			j := a.judge(s)
			var spoke []string
			for _, f := range j.findings {
				id := f.Rule
				if slices.Contains(own, id) {
					spoke = append(spoke, id)
				}
			}
			want := []string{tt.rule}
			if tt.rule == "" {
				want = nil
			}
			if !slices.Equal(spoke, want) {
				t.Errorf("%v speak, want %v", spoke, want)
			}
			if v := finding.Judge(j.findings, j.gaps, true); v != tt.verdict {
				t.Errorf("verdict %s, want %s", v, tt.verdict)
			}
		})
	}
}
