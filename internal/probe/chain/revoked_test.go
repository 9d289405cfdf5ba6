package chain

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// revoking is a list that holds some certificates since a day.
func revoking(tb testing.TB, listed time.Time, ders ...[]byte) *trust.RevokedList {
	tb.Helper()
	f := trust.RevokedFile{Date: "2026-10-28", Batches: []trust.RevokedBatch{{Listed: listed.Format(time.DateOnly), Bug: 5}}, Keys: []trust.RevokedByKey{}}
	for _, der := range ders {
		c := cert.Parse(der)
		f.Issuers = append(f.Issuers, trust.RevokedIssuer{Name: c.Issuer.Raw, Serials: map[string]int{base64.RawStdEncoding.EncodeToString(c.Serial): 0}})
	}
	text, err := json.Marshal(f)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := trust.ReadRevoked(text)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// asPublic trusts a root as Mozilla would.
func asPublic(root []byte) trust.Options {
	return trust.Options{Programs: []trust.Set{{Name: programMozilla, Certificates: [][]byte{root}}}}
}

func TestRevokedPath(t *testing.T) {
	m := honest()
	chain, root := m.served()
	for _, tt := range []struct {
		name          string
		o             trust.Options
		listed        time.Time
		revoked       []byte
		inForce, leaf bool
		accepted      bool
	}{
		{"intermediate", asPublic(root), now.AddDate(0, 0, -1), chain[1], true, false, false},
		{"intermediate, owner's root", owners(root), now.AddDate(0, 0, -1), chain[1], true, false, true},
		{"listed later", asPublic(root), now.AddDate(0, 0, 1), chain[1], false, false, true},
		{"leaf", asPublic(root), now.AddDate(0, 0, -1), chain[0], true, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := tt.o
			o.Revoked = revoking(t, tt.listed, tt.revoked)
			f := judged(t, o, chain...)
			if len(f.Revoked) != 1 || !f.Revoked[0].OnBestPath || f.Revoked[0].InForce != tt.inForce || f.Revoked[0].Leaf != tt.leaf || f.Revoked[0].Told != "" {
				t.Fatalf("revoked = %+v", f.Revoked)
			}
			p := f.Paths[0]
			if p.Accepted != tt.accepted || len(p.Revoked) != 1 || p.Revoked[0].InForce != tt.inForce {
				t.Errorf("path = %+v, want accepted %v", p, tt.accepted)
			}
			if !tt.accepted && (p.Reason != reasonRevoked || p.FailedAt != p.Revoked[0].Index || !strings.HasPrefix(p.Detail, "revoked: OneCRL 2026-10-28: CN=")) {
				t.Errorf("reason %q at %d: %q", p.Reason, p.FailedAt, p.Detail)
			}
			// A revoked path still tells which root it ends in: a stranger's is another finding.
			if f.Anchor == string(trust.None) || f.VerifyError != "" {
				t.Errorf("anchor %s, verify error %q", f.Anchor, f.VerifyError)
			}
		})
	}
	t.Run("a root is not looked up", func(t *testing.T) {
		o := asPublic(root)
		o.Revoked = revoking(t, now.AddDate(-1, 0, 0), root)
		if f := judged(t, o, append(chain, root)...); len(f.Revoked) != 0 || !f.Paths[0].Accepted {
			t.Errorf("revoked = %+v", f.Revoked)
		}
	})
	t.Run("nothing is listed", func(t *testing.T) {
		if f := judged(t, asPublic(root), chain...); f.Revoked == nil || len(f.Revoked) != 0 {
			t.Errorf("revoked = %+v, want none, and known", f.Revoked)
		}
	})
}

// A path that nobody revoked comes first, though it is longer, and is the only one
// that Mozilla accepts.
func TestRevokedPathIsAvoided(t *testing.T) {
	m := honest()
	chain, root := m.served()
	cross := m.mid
	cross.Serial = lab.SerialOf("another certificate of the same CA")
	other := cross.Sign(m.rootKey, "")
	o := asPublic(root)
	o.Revoked = revoking(t, now.AddDate(0, 0, -1), chain[1])
	f := judged(t, o, chain[0], chain[1], other)
	best := f.Paths[0]
	if !best.Accepted || len(best.Revoked) != 0 || best.Certificates[1] != hash(cert.Parse(other).SHA256()) {
		t.Errorf("best path = %+v, want the one through the other certificate", best)
	}
	if len(f.Revoked) != 1 || f.Revoked[0].OnBestPath || !f.Revoked[0].InForce {
		t.Errorf("revoked = %+v, want one that is avoided", f.Revoked)
	}
	if f.Paths[1].Reason != reasonRevoked {
		t.Errorf("second path: %+v", f.Paths[1])
	}
}

// TestRevokedAtIssue: Mozilla did not accept at issue what it refused by then.
func TestRevokedAtIssue(t *testing.T) {
	chain, root := honest().served()
	begin := cert.Parse(chain[0]).NotBefore
	for _, tt := range []struct {
		listed time.Time
		want   int
	}{{begin.AddDate(0, 0, -1), 0}, {begin.AddDate(0, 0, 1), 1}} {
		o := asPublic(root)
		o.Revoked = revoking(t, tt.listed, chain[1])
		if p := judged(t, o, chain...).Paths[0]; len(p.AtIssue) != tt.want {
			t.Errorf("listed %s: accepted at issue by %v, want %d", tt.listed, p.AtIssue, tt.want)
		}
	}
}

// TestRevokedTold: what an incident's rules say is said once.
func TestRevokedTold(t *testing.T) {
	chain, _ := honest().served()
	in := input(t, trust.Options{}, chain...)
	if told := in.told(in.Certificates[1], &revocation{index: 1}); told != "" {
		t.Errorf("a CA of no incident is told of by %q", told)
	}
}
