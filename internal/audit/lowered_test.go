package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/lab"
)

// What every case of the lab is told by rules that run quickly is what CEL says,
// to the letter.
func TestLabIsJudgedAsByCEL(t *testing.T) {
	set := shippedRules(t)
	for _, c := range lab.Cases() {
		for _, at := range []string{"file", "endpoint"} {
			quick, slow := labAuditor(t, set, c.Roots, c.At), labAuditor(t, set.Interpreted(), c.Roots, c.At)
			s := subjectOf(c)
			if at == "endpoint" {
				s = live(subjectOf(c))
			}
			if diff := cmp.Diff(slow.Judge(s).Subject, quick.Judge(s).Subject); diff != "" {
				t.Errorf("%s as %s: CEL says -, the quick way +\n%s", c.Name, at, diff)
			}
		}
	}
}
