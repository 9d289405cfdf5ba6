package revocation

import (
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/crl"
	"github.com/certassay/certassay/internal/lab"
)

// A distribution point that is named in the issuer's directory is no other one,
// and no proof that it is the right one.
func TestScopeWithoutAddress(t *testing.T) {
	c := cert.Parse(lab.New(lab.Config{}).Leaf)
	for _, tt := range []struct {
		scope   *crl.Scope
		wrong   bool // for other certificates
		problem bool // does not count
	}{
		{nil, false, false},
		{&crl.Scope{OnlyUser: true}, false, false},
		{&crl.Scope{Named: true}, false, true},
		{&crl.Scope{Named: true, URLs: []string{"http://crl.other.example"}}, true, false},
		{&crl.Scope{Named: true, OnlyCA: true}, true, false},
	} {
		var a answer
		if got := a.scope(&crl.List{Scope: tt.scope}, c); (got != "") != tt.wrong || (a.Problem != "") != tt.problem {
			t.Errorf("%+v: %q, %q", tt.scope, got, a.Problem)
		}
	}
}
