package corpus

import (
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

// caseOf is a case of the laboratory.
func caseOf(t *testing.T, name string) lab.Case {
	t.Helper()
	for _, c := range lab.Cases() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("the laboratory has no case %s", name)
	return lab.Case{}
}

// An SCT names one certificate: a second one with it is a copy. The genuine
// certificates of one CA have each their own, and a certificate that was signed
// twice has the same.
func TestCopiedSCTs(t *testing.T) {
	c := caseOf(t, "sct-copied")
	copied, model := c.Chain[0], c.Beside[0]
	honest := lab.New(lab.Config{Host: "time.lab.example", At: c.At})
	again := honest.LeafTemplate()
	again.Set(lab.SCTList(honest.LeafTemplate(), honest.Intermediate, honest.LeafTemplate().NotBefore))
	for _, tt := range []struct {
		name      string
		ders      [][]byte
		reference bool
		want      int
	}{
		{"copied", [][]byte{model, copied}, false, 1},
		{"honest twins", [][]byte{model, honest.Leaf}, false, 0},
		{"one alone", [][]byte{copied}, false, 0},
		{"signed twice", [][]byte{again.Sign(honest.Intermediate.Key, ""), again.Sign(lab.ImpostorKey(), "")}, false, 0},
		{"references alone", [][]byte{model, copied}, true, 0},
	} {
		var s Set
		for _, der := range tt.ders {
			s.Add(Member{Certificate: cert.Parse(der), Leaf: true, Reference: tt.reference})
		}
		got := s.Facts(nil).CopiedSCT
		if len(got) != tt.want {
			t.Errorf("%s: CopiedSCT = %+v, want %d", tt.name, got, tt.want)
		}
		for _, c := range got {
			if c.Count != 2 || len(c.Certificates) != 2 || !strings.HasPrefix(c.What, "SCT ") {
				t.Errorf("%s: %+v", tt.name, c)
			}
		}
	}
}

// The report has to say whose key it is that anybody can compute now.
func TestNonceReuseNamesTheKey(t *testing.T) {
	c := caseOf(t, "ecdsa-nonce-shared")
	issuer := cert.Parse(c.Chain[1])
	var s Set
	for _, der := range [][]byte{c.Chain[0], c.Beside[0]} {
		s.Add(Member{Certificate: cert.Parse(der), Leaf: true, Issuer: issuer})
	}
	got := s.Facts(nil).NonceReuse
	if len(got) != 1 || !strings.HasPrefix(got[0].What, issuer.Subject.String()+" (sha256/") {
		t.Errorf("NonceReuse = %+v, want one of %s", got, issuer.Subject.String())
	}
}
