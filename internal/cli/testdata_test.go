package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/report"
)

// fixtures is the top-level testdata directory; see the README there.
const fixtures = "../../testdata"

// recorded is what testdata holds: chains by verdict, the anchors, and a bundle
// of them all as if servers had sent them.
func recorded(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{"roots.pem": lab.PEM(lab.New(lab.Config{}).Roots()...), "logs.json": lab.New(lab.Config{}).LogList()}
	var bundle bytes.Buffer
	w := evidence.NewWriter(&bundle)
	run := evidence.Run{Command: "scan", Vantage: "direct", Contacted: []string{}}
	for _, c := range lab.Cases() {
		if !simple(&c) {
			continue
		}
		dir := "forged"
		if c.Want == "ok" {
			dir = "benign"
		}
		files[dir+"/"+c.Name+".pem"] = lab.PEM(c.Chain...)
		if c.File {
			continue
		}
		s := &evidence.Subject{
			ID: "tls://" + c.Host + ":443/203.0.113.7#" + c.Name, Kind: evidence.Endpoint, Target: c.Name, Name: c.Host,
			Protocol: "https", Address: "203.0.113.7:443", Vantage: "direct", Seen: c.At,
		}
		for _, der := range c.Chain {
			s.Certificates = append(s.Certificates, der)
		}
		s.Handshakes = []evidence.Handshake{{
			Profile: "default", Address: s.Address, Started: c.At, Elapsed: time.Millisecond, Completed: true, Possession: true,
			HelloSize: 1500, Version: 0x0304, Cipher: 0x1301, Group: 29, Certificates: s.Certificates,
		}}
		if err := w.Add(s); err != nil {
			t.Fatal(err)
		}
		run.Started, run.Finished, run.At = c.At, c.At, c.At
	}
	run.Complete = true
	if err := w.Close(run); err != nil {
		t.Fatal(err)
	}
	files["bundles/lab.evidence"] = bundle.Bytes()
	return files
}

// simple says that a case can be told with the common anchors and time, and
// wants a verdict.
func simple(c *lab.Case) bool {
	l := lab.New(lab.Config{})
	return c.Want != "" && len(c.Beside) == 0 && !c.Public && c.At.Equal(l.At) && len(c.Roots) == 1 && bytes.Equal(c.Roots[0], l.Root.DER)
}

// The files are what the laboratory makes: nothing in them comes from elsewhere.
func TestFixturesAreMade(t *testing.T) {
	want := recorded(t)
	if os.Getenv("UPDATE") != "" {
		for _, dir := range []string{"benign", "forged", "bundles"} {
			if err := errorsOf(os.RemoveAll(filepath.Join(fixtures, dir)), os.MkdirAll(filepath.Join(fixtures, dir), 0o755)); err != nil {
				t.Fatal(err)
			}
		}
		for name, content := range want {
			if err := os.WriteFile(filepath.Join(fixtures, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, content := range want {
		got, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("testdata/%s is not what the laboratory makes (%v); UPDATE=1 writes it anew", name, err)
		}
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Judged through the command line, no benign chain is accused and every forged
// one is, from files and from the recorded bundle.
func TestFixturesVerdicts(t *testing.T) {
	cases := map[string]lab.Case{}
	for _, c := range lab.Cases() {
		cases[c.Name] = c
	}
	common := []string{
		"--roots", fixtures + "/roots.pem", "--log-list", fixtures + "/logs.json", "--fail-on", "never", "--exit-zero", "-f", "json",
	}
	var args []string
	files, err := filepath.Glob(fixtures + "/*/*.pem")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	byHost := map[string][]string{}
	for _, file := range files {
		host := cases[strings.TrimSuffix(filepath.Base(file), ".pem")].Host
		byHost[host] = append(byHost[host], file)
	}
	at := lab.New(lab.Config{}).At.Format(time.RFC3339)
	for host, paths := range byHost {
		args = append(slices.Concat([]string{"check"}, paths, common), "--name", host, "--at", at)
		for _, s := range judge(t, args).Subjects {
			holds(t, cases, strings.TrimSuffix(filepath.Base(s.Target), ".pem"), &s)
		}
	}
	for _, s := range judge(t, append([]string{"check", fixtures + "/bundles/lab.evidence"}, common...)).Subjects {
		holds(t, cases, s.Target, &s)
	}
}

// Honest chains compared with each other do not accuse each other.
func TestBenignTogether(t *testing.T) {
	l := lab.New(lab.Config{})
	doc := judge(t, []string{
		"check", fixtures + "/benign", "--roots", fixtures + "/roots.pem", "--log-list", fixtures + "/logs.json",
		"--at", l.At.Format(time.RFC3339), "--fail-on", "never", "--exit-zero", "-f", "json",
	})
	if len(doc.Subjects) < 10 {
		t.Fatalf("only %d benign chains", len(doc.Subjects))
	}
	for _, s := range doc.Subjects {
		if s.Verdict != finding.OK {
			t.Errorf("%s: verdict %s: %v", s.ID, s.Verdict, s.Findings)
		}
	}
}

func judge(t *testing.T, args []string) *report.Document {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exit.OK {
		t.Fatalf("%v ended with %d\n%s", args, code, errs.String())
	}
	var doc report.Document
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	return &doc
}

func holds(t *testing.T, cases map[string]lab.Case, name string, s *report.Subject) {
	t.Helper()
	if s.Kind == evidence.Corpus {
		return // forged and genuine together: that is accused, and has tests of its own
	}
	name, number, more := strings.Cut(name, ".pem#")
	c, ok := cases[name]
	if !ok {
		t.Errorf("the laboratory has no case %q", name)
		return
	}
	if more {
		// A further server's certificate in the file, judged by itself: genuine or not
		// in a forged case, never accused in an honest one.
		if c.Want == "ok" && s.Verdict != finding.OK {
			t.Errorf("%s: verdict %s of certificate %s beside an honest one", s.ID, s.Verdict, number)
		}
		return
	}
	if !c.Holds(string(s.Verdict)) {
		t.Errorf("%s: verdict %s, want %s (%v)", s.ID, s.Verdict, c.Want, c.Tells)
	}
}
