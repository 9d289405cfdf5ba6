package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// The demo finds what nobody ordered, names it, and is silent about the renewal.
func TestReconcile(t *testing.T) {
	var out, errs bytes.Buffer
	if err := reconcile(time.Now(), &out, &errs, "-f", "json"); err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	_, report, _ := strings.Cut(out.String(), "\n{")
	var doc struct {
		Subjects []struct {
			Kind, Target, Verdict string
			Source                struct{ Line int }
			Findings              []struct{ Rule, Message string }
		}
	}
	if err := json.NewDecoder(strings.NewReader("{" + report)).Decode(&doc); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if len(doc.Subjects) != 2 || doc.Subjects[0].Kind != "endpoint" || doc.Subjects[0].Verdict != "ok" {
		t.Fatalf("subjects %+v, want the server, which is ok, and one log entry", doc.Subjects)
	}
	s := doc.Subjects[1]
	if s.Kind != "log-entry" || s.Verdict != "suspicious" || !strings.Contains(s.Target, "login.lab.example") || s.Source.Line != 12 {
		t.Errorf("%+v, want the certificate for login.lab.example, suspicious, at line 12", s)
	}
	var rules []string
	message := ""
	for _, f := range s.Findings {
		rules = append(rules, f.Rule)
		if f.Rule == "issuance-unexplained" {
			message = f.Message
		}
	}
	if got := strings.Join(rules, " "); !strings.Contains(got, "issuance-unexplained") || !strings.Contains(got, "time-issued-outside-hours") {
		t.Errorf("rules %s", got)
	}
	if !strings.Contains(message, "Lab TLS CA 1") || !strings.Contains(message, "entry 2") {
		t.Errorf("message %q does not say who issued it and where it is", message)
	}
}
