package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/report"
)

// reportOf is a report about the chain of the laboratory, with a change made.
func reportOf(t testing.TB, change func(*report.Document)) []byte {
	t.Helper()
	l := lab.New(lab.Config{})
	var chain []evidence.DER
	certificates := map[string]report.Certificate{}
	for _, der := range l.Chain() {
		chain = append(chain, der)
		hash := evidence.Hash(sha256.Sum256(der))
		certificates[hash] = report.Certificate{DNSNames: []string{}, PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	}
	s := report.NewSubject(&evidence.Subject{
		ID: "https://a.example:443/192.0.2.1", Kind: evidence.Endpoint, Target: "a.example", Name: "a.example", Vantage: "direct",
		Address: "192.0.2.1:443", Certificates: chain, Seen: l.At,
	})
	s.Verdict, s.Anchor = "ok", "public"
	doc := &report.Document{
		Schema: report.SchemaName, Tool: report.Tool{Data: map[string]string{}}, Run: evidence.Run{Command: "scan", Started: l.At, At: l.At, Contacted: []string{}},
		Subjects: []report.Subject{*s}, Certificates: certificates, Rules: map[string]report.Rule{}, Warnings: []report.Warning{},
	}
	doc.Summary.Add(s)
	change(doc)
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestObserved(t *testing.T) {
	l := lab.New(lab.Config{})
	var s source
	if err := s.read(bytes.NewReader(reportOf(t, func(*report.Document) {}))); err != nil {
		t.Fatal(err)
	}
	e := s.subjects[0]
	if len(s.subjects) != 1 || !bytes.Equal(e.Certificates[0], l.Leaf) || e.Vantage != "direct" || !e.Seen.Equal(l.At) || e.Address != "192.0.2.1:443" {
		t.Errorf("got %+v", e)
	}
	for name, tt := range map[string]struct {
		change func(*report.Subject)
		want   string
	}{
		"no vantage, as earlier versions":  {func(s *report.Subject) { s.Vantage = "" }, "direct"},
		"no vantage, and a proxy":          {func(s *report.Subject) { s.Vantage, s.ID = "", s.ID+"?via=socks5://p:1" }, "socks5://p:1"},
		"no time: that of the run's start": {func(s *report.Subject) { s.Seen = time.Time{} }, "direct"},
	} {
		t.Run(name, func(t *testing.T) {
			var s source
			if err := s.read(bytes.NewReader(reportOf(t, func(d *report.Document) { tt.change(&d.Subjects[0]) }))); err != nil {
				t.Fatal(err)
			}
			if e := s.subjects[0]; e.Vantage != tt.want || !e.Seen.Equal(l.At) {
				t.Errorf("vantage %q at %v", e.Vantage, e.Seen)
			}
		})
	}
}

func TestLabelled(t *testing.T) {
	got, err := labelled([]string{"runs/office.evidence", "home=b.json", "c.d/e=f.json"})
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, s := range got {
		labels = append(labels, s.Label+" "+s.File)
	}
	if want := "[office runs/office.evidence home b.json e=f c.d/e=f.json]"; fmt.Sprint(labels) != want {
		t.Errorf("got %v, want %s", labels, want)
	}
}

// Whatever a report says, the certificates that are taken from it are those that
// it names, all subjects are endpoints, and nothing of one source looks like that
// of another.
func FuzzObserved(f *testing.F) {
	f.Add(reportOf(f, func(*report.Document) {}))
	f.Add(reportOf(f, func(d *report.Document) { d.Subjects[0].Kind, d.Subjects[0].ID = evidence.Chain, "x" }))
	f.Add(reportOf(f, func(d *report.Document) {
		for hash, c := range d.Certificates {
			c.PEM = strings.Replace(c.PEM, "M", "N", 1)
			d.Certificates[hash] = c
		}
	}))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := report.Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		s := source{Label: "a"}
		if s.read(bytes.NewReader(in)) != nil {
			return
		}
		leaves := map[string]bool{} // by ID and hash: an ID may come twice
		for i := range doc.Subjects {
			if r := &doc.Subjects[i]; len(r.Chain) > 0 {
				leaves[r.ID+" "+r.Chain[0]] = true
			}
		}
		for _, e := range s.subjects {
			if e.Kind != evidence.Endpoint || len(e.Certificates) > 0 && !leaves[e.ID+" "+evidence.Hash(e.Certificates[0].SHA256())] {
				t.Errorf("%q: not the endpoint or the leaf that the report names", e.ID)
			}
			if got := s.relabel(e); !strings.HasPrefix(got.Vantage, "a") || !strings.HasSuffix(got.ID, "?from=a") {
				t.Errorf("%q: vantage %q does not name its source", got.ID, got.Vantage)
			}
		}
	})
}
