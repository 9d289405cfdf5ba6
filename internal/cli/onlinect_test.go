package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// A promiseLab is a log, and certificates with an SCT of it that the log has, or
// has not, or has time left to take.
type promiseLab struct {
	log               *lablog.Log
	lab               *lab.Lab
	roots             string
	kept, broken, new [][]byte
}

func newPromiseLab(t *testing.T, tiled bool) *promiseLab {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	p := &promiseLab{log: lablog.New(lab.ForgedKey(), "lab.example/log", now), lab: lab.New(lab.Config{At: now})}
	p.log.Indexed = tiled
	signer := lab.Log{Key: lab.ForgedKey(), Tiled: tiled}
	for i := range 42 { // the SCTs of the lab's tiled logs are of entry 42
		filler := p.template("filler", i)
		filler.Set(lab.SAN("filler.test"), lab.SKI(lab.IssuingKey().ID))
		filler.Subject, filler.SPKI = lab.Named("CN=filler.test"), lab.IssuingKey().SPKI
		p.log.Add(filler.Sign(p.lab.Intermediate.Key, ""), now.Add(-80*time.Hour), p.lab.Intermediate.DER)
	}
	make := func(serial int, at time.Time, logged bool) [][]byte {
		template := p.template("time.lab.example", serial)
		bare := template.Clone()
		template.Set(lab.EmbedSCTs(signer.SCT(template, p.lab.Intermediate, at)))
		leaf := template.Sign(p.lab.Intermediate.Key, "")
		if logged {
			tbs, err := ct.CertificateTBS(cert.Parse(leaf))
			if err != nil {
				t.Fatal(err)
			}
			bare.Set(lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}})
			p.log.AddPrecert(tbs, p.lab.Intermediate.Key.SPKI, bare.Sign(p.lab.Intermediate.Key, ""), at, p.lab.Intermediate.DER)
		}
		return [][]byte{leaf, p.lab.Intermediate.DER}
	}
	p.kept = make(100, now.Add(-72*time.Hour), true)
	p.broken = make(101, now.Add(-72*time.Hour), false)
	p.new = make(102, now.Add(-time.Hour), false)
	p.roots = filepath.Join(t.TempDir(), "root.pem")
	writeFile(t, p.roots, lab.PEM(p.lab.Root.DER))
	return p
}

func (p *promiseLab) template(name string, serial int) lab.Template {
	template := p.lab.LeafTemplate()
	template.Drop(lab.IDSCTs)
	template.Serial = lab.SerialOf(name + string(rune(serial)))
	return template
}

func writeFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// reported is what the tests read of a report.
type reported struct {
	Subjects []struct {
		ID, Kind, Verdict, Target string
		Source                    *struct {
			File string
			Line int
		}
		Findings     []struct{ Rule, Message, Fingerprint string }
		Inconclusive []struct{ Rule, Reason string }
		Errors       []struct{ Stage, Error string }
	}
	Warnings []struct{ Message string }
}

func (r *reported) rules(subject int) (out []string) {
	for _, f := range r.Subjects[subject].Findings {
		out = append(out, f.Rule)
	}
	return out
}

// runJSON runs a command for its JSON report.
func runJSON(t *testing.T, wantCode int, args ...string) (doc reported, text string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := Run(t.Context(), append(args, "-f", "json"), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if code != wantCode {
		t.Errorf("%q: exit code %d, want %d\n%s%s", args, code, wantCode, out.String(), errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatalf("%q: %v\n%s%s", args, err, out.String(), errs.String())
	}
	return doc, out.String()
}

// With --online ct every SCT is looked up in its log: what is there is well, what
// the log owes is found, at the certificate and at the log, and replays alike.
func TestOnlineCT(t *testing.T) {
	for _, tiled := range []bool{true, false} {
		p := newPromiseLab(t, tiled)
		fault := lablog.Fault(nil)
		if !tiled {
			fault = plain(nil)
		}
		log := p.log.Serve(t, fault) + "=" + base64.StdEncoding.EncodeToString(p.log.Key.SPKI)
		file, bundle := filepath.Join(t.TempDir(), "chain.pem"), filepath.Join(t.TempDir(), "run.evidence")
		common := []string{"--roots", p.roots, "--log", log, "--name", "time.lab.example"}
		check := func(code int, chain [][]byte) reported {
			writeFile(t, file, lab.PEM(chain...))
			doc, _ := runJSON(t, code, append([]string{"check", file, "--online", "ct", "--evidence", bundle}, common...)...)
			return doc
		}
		if doc := check(0, p.kept); len(doc.Subjects) != 1 || doc.Subjects[0].Verdict != "ok" {
			t.Errorf("tiled %v, kept: %+v, want ok", tiled, doc.Subjects)
		}
		if doc := check(0, p.new); len(doc.Subjects) != 1 || doc.Subjects[0].Verdict != "ok" {
			t.Errorf("tiled %v, within the merge delay: %+v, want ok", tiled, doc.Subjects)
		}
		doc := check(exit.Findings, p.broken)
		if len(doc.Subjects) != 2 || doc.Subjects[0].Verdict != "suspicious" || !slices.Contains(doc.rules(0), "sct-in-no-log") ||
			doc.Subjects[1].Kind != "log-entry" || !slices.Equal(doc.rules(1), []string{"log-promise-broken"}) {
			t.Errorf("tiled %v, broken: %+v", tiled, doc.Subjects)
		}
		again, _ := runJSON(t, exit.Findings, append([]string{"check", bundle}, common[:4]...)...)
		if len(again.Subjects) != 2 || !slices.Equal(again.rules(0), doc.rules(0)) || !slices.Equal(again.rules(1), doc.rules(1)) {
			t.Errorf("tiled %v, replayed: %+v, want what was found", tiled, again.Subjects)
		}
	}
}

// A log that cannot be asked leaves the question open; it is no pass, and it is
// asked about one certificate once, whatever number of servers shows it.
func TestOnlineCTUnanswered(t *testing.T) {
	p := newPromiseLab(t, true)
	faults := map[string]lablog.Fault{
		"down": func(w http.ResponseWriter, _ *http.Request, _ []byte, _ int) ([]byte, bool) {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return nil, false
		},
		"tiles are gone": func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
			if strings.Contains(r.URL.Path, "tile/") {
				return nil, true
			}
			return honest, true
		},
	}
	for name, fault := range faults {
		log := p.log.Serve(t, fault) + "=" + base64.StdEncoding.EncodeToString(p.log.Key.SPKI)
		a, b := lab.Serve(t, p.broken, p.lab.LeafKey, lab.Server{}), lab.Serve(t, p.broken, p.lab.LeafKey, lab.Server{})
		doc, _ := runJSON(t, exit.Incomplete, "scan", a, b, "--name", "time.lab.example", "--roots", p.roots, "--log", log, "--online", "ct", "--retries", "0")
		if len(doc.Subjects) != 2 {
			t.Fatalf("%s: %+v", name, doc.Subjects)
		}
		for _, s := range doc.Subjects {
			if s.Verdict != "inconclusive" || len(s.Findings) > 0 && s.Findings[0].Rule == "sct-in-no-log" || len(s.Errors) == 0 || s.Errors[0].Stage != "log" {
				t.Errorf("%s: %+v, want inconclusive with an error", name, s)
			}
		}
	}
}
