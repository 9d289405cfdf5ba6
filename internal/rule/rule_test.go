package rule_test

import (
	"testing"

	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/rules"
)

func load(t testing.TB) *rule.Set {
	t.Helper()
	set, err := rule.Load(rules.FS, rule.Options{})
	if err != nil {
		t.Fatalf("loading the shipped rules:\n%v", err)
	}
	return set
}

// The tests of the shipped rules pass, and every term of their conditions is
// needed by one of them.
func TestShippedRules(t *testing.T) {
	set := load(t)
	if len(set.All()) == 0 {
		t.Fatal("no rules are shipped")
	}
	for _, f := range rule.Test(set) {
		t.Error(f)
	}
	survivors, err := rule.Mutate(set)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range survivors {
		t.Error(s)
	}
}
