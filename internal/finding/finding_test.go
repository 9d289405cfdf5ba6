package finding

import (
	"encoding/json"
	"testing"
)

func TestJudge(t *testing.T) {
	f := func(rule string, class Class, c Confidence) Finding {
		return Finding{Rule: rule, Class: class, Confidence: c}
	}
	waived := f("chain-a", Forgery, Proof)
	waived.Waiver = &Waiver{Reason: "known"}
	for _, c := range []struct {
		name      string
		findings  []Finding
		gaps      []Gap
		collected bool
		want      Verdict
	}{
		{"nothing found", nil, nil, true, OK},
		{"nothing collected", nil, nil, false, Undetermined},
		{"needed gap", nil, []Gap{{Needed: true}}, true, Undetermined},
		{"other gap", nil, []Gap{{}}, true, OK},
		{"forgery proven", []Finding{f("chain-a", Forgery, Proof)}, nil, true, Forged},
		{"interception proven", []Finding{f("path-a", Interception, Proof)}, nil, true, Forged},
		{"misissuance proven", []Finding{f("issuance-a", Misissuance, Proof)}, []Gap{{Needed: true}}, true, Forged},
		{"compromised key proven", []Finding{f("key-a", CompromisedKey, Proof)}, nil, true, Suspicious},
		{"compromised key strong", []Finding{f("key-a", CompromisedKey, Strong)}, nil, true, OK},
		{"strong", []Finding{f("chain-a", Forgery, Strong)}, []Gap{{Needed: true}}, true, Suspicious},
		{"strong, nothing collected", []Finding{f("chain-a", Forgery, Strong)}, nil, false, Suspicious},
		{"one weak", []Finding{f("chain-a", Forgery, Weak)}, nil, true, OK},
		{"two weak of one family", []Finding{f("chain-a", Forgery, Weak), f("chain-b", Forgery, Weak)}, nil, true, OK},
		{"two weak of two families", []Finding{f("chain-a", Forgery, Weak), f("time-b", Misissuance, Weak)}, nil, true, Suspicious},
		{"weak and weak hygiene", []Finding{f("chain-a", Forgery, Weak), f("time-b", Hygiene, Weak)}, nil, true, OK},
		{"policy proven", []Finding{f("key-a", Policy, Proof)}, nil, true, OK},
		{"waived proof", []Finding{waived}, nil, true, OK},
	} {
		if got := Judge(c.findings, c.gaps, c.collected); got != c.want {
			t.Errorf("%s: Judge = %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWorse(t *testing.T) {
	for i, v := range Verdicts {
		for k, w := range Verdicts {
			if got := v.Worse(w); got != (i < k) {
				t.Errorf("%s.Worse(%s) = %v", v, w, got)
			}
		}
	}
}

// The names are what rule files, flags and reports use: they read back.
func TestNames(t *testing.T) {
	for _, s := range Severities {
		if got, err := ParseSeverity(s.String()); err != nil || got != s {
			t.Errorf("ParseSeverity(%q) = %v, %v", s, got, err)
		}
	}
	for _, o := range []Outcome{Inconclusive, Pass, NotApplicable, Found} {
		if got, err := ParseOutcome(o.String()); err != nil || got != o {
			t.Errorf("ParseOutcome(%q) = %v, %v", o, got, err)
		}
	}
	for _, v := range Verdicts {
		if got, err := ParseVerdict(string(v)); err != nil || got != v {
			t.Errorf("ParseVerdict(%q) = %v, %v", v, got, err)
		}
	}
	for _, bad := range []string{"", "dire"} {
		_, e1 := ParseSeverity(bad)
		_, e2 := ParseVerdict(bad)
		_, e3 := ParseOutcome(bad)
		if e1 == nil || e2 == nil || e3 == nil {
			t.Errorf("%q is accepted as a name: %v, %v, %v", bad, e1, e2, e3)
		}
	}
	b, err := json.Marshal(map[string]Severity{"s": High})
	if err != nil || string(b) != `{"s":"high"}` {
		t.Errorf("a severity is written as %s, %v", b, err)
	}
}

// Fingerprints are stable: a change here makes every baseline in the world
// forget what it knew.
func TestFingerprint(t *testing.T) {
	if got, want := Fingerprint("a", "b"), "v1:470280645a98ddefa919d9b465d638f1"; got != want {
		t.Errorf("Fingerprint(a, b) = %q, want %q", got, want)
	}
	if Fingerprint("a", "bc") == Fingerprint("ab", "c") {
		t.Error("rule and identity run into each other")
	}
}

func TestFamily(t *testing.T) {
	if f := (&Finding{Rule: "chain-untrusted-root"}); f.Family() != "chain" {
		t.Errorf("Family = %q, want chain", f.Family())
	}
}

// Weak signs of different servers are no sign of anything together.
func TestJudgeTogether(t *testing.T) {
	weak := []Finding{{Rule: "path-a", Class: Interception, Confidence: Weak}, {Rule: "issuance-b", Class: Misissuance, Confidence: Weak}}
	if got := Judge(weak, nil, true); got != Suspicious {
		t.Errorf("Judge(two weak) = %s, want suspicious", got)
	}
	if got := JudgeTogether(weak, nil); got != OK {
		t.Errorf("JudgeTogether(two weak) = %s, want ok", got)
	}
	if got := JudgeTogether(append(weak, Finding{Rule: "path-c", Class: Interception, Confidence: Strong}), nil); got != Suspicious {
		t.Errorf("JudgeTogether(a strong one) = %s, want suspicious", got)
	}
	if got := JudgeTogether(nil, []Gap{{Rule: "path-d", Needed: true}}); got != Undetermined {
		t.Errorf("JudgeTogether(a gap) = %s, want inconclusive", got)
	}
	if weak[0].Rule != "path-a" || len(weak) != 2 {
		t.Error("JudgeTogether changed what it was given")
	}
}
