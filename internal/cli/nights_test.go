package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/lab"
)

// An answer is what a server does with a connection: it shows a chain, or, where
// there is none, resets.
type answer struct {
	chain [][]byte
	key   *lab.Key
}

// A night is an operator's inventory of one server, which is audited again and
// again while what the server shows changes.
type night struct {
	lab    *lab.Lab
	dir    string
	port   string
	common []string

	mu     sync.Mutex
	count  int
	choose func(connection int) answer // guarded by mu
}

// newNight serves the honest chain of a lab whose root is taken for a public one.
func newNight(t *testing.T) *night {
	t.Helper()
	n := &night{lab: lab.New(lab.Config{}), dir: t.TempDir()}
	n.show(n.lab.Chain(), n.lab.LeafKey)
	address := lab.Listen(t, func(ctx context.Context, raw net.Conn) {
		n.mu.Lock()
		n.count++
		a := n.choose(n.count)
		n.mu.Unlock()
		if a.chain == nil {
			_, _ = raw.Read(make([]byte, 1)) // not before the ClientHello came
			_ = raw.(*net.TCPConn).SetLinger(0)
			return
		}
		conn := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{{Certificate: a.chain, PrivateKey: a.key.Signer}}})
		if conn.HandshakeContext(ctx) == nil {
			_ = conn.Close()
		}
	})
	var err error
	if _, n.port, err = net.SplitHostPort(address); err != nil {
		t.Fatal(err)
	}
	root, logs := n.file("root.pem"), n.file("logs.json")
	writeFile(t, root, lab.PEM(n.lab.Root.DER))
	writeFile(t, logs, n.lab.LogList())
	n.common = []string{"--program", "lab=" + root, "--log-list", logs, "--timeout", "60s"}
	n.inventory(t, "{}", "")
	return n
}

func (n *night) file(name string) string { return filepath.Join(n.dir, name) }

// show makes every connection get this chain.
func (n *night) show(chain [][]byte, k *lab.Key) {
	n.serve(func(int) answer { return answer{chain, k} })
}

// serve has connections, which are counted from 1, answered as choose says.
func (n *night) serve(choose func(connection int) answer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.count, n.choose = 0, choose
}

// inventory writes the owner's file.
func (n *night) inventory(t *testing.T, expect, more string) {
	t.Helper()
	writeFile(t, n.file("certassay.yaml"), fmt.Appendf(nil, `version: 1
groups:
  - name: time
    targets: [{target: "https://%s:%s", address: 127.0.0.1}]
    expect: %s
%s`, n.lab.Host, n.port, expect, more))
}

// audit runs the command at a time.
func (n *night) audit(t *testing.T, want int, at time.Time, more ...string) reported {
	t.Helper()
	args := slices.Concat([]string{"audit", "-c", n.file("certassay.yaml"), "--at", at.Format(time.RFC3339)}, n.common, more)
	doc, _ := runJSON(t, want, args...)
	return doc
}

// leaf changes the honest leaf, which no log gets to see.
func (n *night) leaf(change func(*lab.Template)) [][]byte {
	t := n.lab.LeafTemplate()
	change(&t)
	return [][]byte{t.Sign(n.lab.Intermediate.Key, ""), n.lab.Intermediate.DER}
}

func wantVerdicts(t *testing.T, doc reported, want ...string) {
	t.Helper()
	var got []string
	for _, s := range doc.Subjects {
		got = append(got, s.Verdict)
	}
	if !slices.Equal(got, want) {
		t.Errorf("verdicts %q, want %q: %+v", got, want, doc.Subjects)
	}
}

// Weak signs add up to a suspicious server, and that fails the job, though each
// of them is below the bar; whether the baseline had one of them or none. A bar
// above says that such things do not fail.
func TestNightsWeakSigns(t *testing.T) {
	n := newNight(t)
	began := n.lab.At.Add(-3 * time.Minute)
	n.show(n.leaf(func(t *lab.Template) { t.NotBefore, t.NotAfter = began, began.Add(90*24*time.Hour-time.Second) }), n.lab.LeafKey)
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At.Add(time.Hour), "--report", "json="+n.file("one.json")), "ok")
	wantVerdicts(t, n.audit(t, exit.Findings, n.lab.At), "suspicious")
	wantVerdicts(t, n.audit(t, exit.Findings, n.lab.At, "--baseline", n.file("one.json")), "suspicious")
	wantVerdicts(t, n.audit(t, exit.Findings, n.lab.At, "--report", "json="+n.file("both.json")), "suspicious")
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At, "--baseline", n.file("both.json")), "suspicious")
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At, "--fail-on", "critical"), "suspicious")
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At, "--fail-on", "never"), "suspicious")
}

// A renewal this minute, of which logs tell, and a connection that is dropped are
// two accidents of an honest night.
func TestNightsRenewedNow(t *testing.T) {
	n := newNight(t)
	tmpl := n.lab.LeafTemplate()
	tmpl.NotBefore, tmpl.NotAfter = n.lab.At.Add(-3*time.Minute), n.lab.At.Add(90*24*time.Hour)
	renewed := answer{[][]byte{n.lab.Issue(tmpl), n.lab.Intermediate.DER}, n.lab.LeafKey}
	n.serve(func(connection int) answer {
		if connection%2 == 1 {
			return answer{}
		}
		return renewed
	})
	doc := n.audit(t, exit.OK, n.lab.At)
	wantVerdicts(t, doc, "ok")
	if rules := doc.rules(0); !slices.Contains(rules, "path-large-hello-reset") {
		t.Errorf("findings %q: every large ClientHello was dropped", rules)
	}
	n.serve(func(connection int) answer {
		if connection == 1 {
			return answer{}
		}
		return renewed
	})
	if doc := n.audit(t, exit.OK, n.lab.At); slices.Contains(doc.rules(0), "path-large-hello-reset") {
		t.Error("one connection that was lost is a large ClientHello that was reset")
	}
}

// A waiver of a server does not accept whoever answers there: it says so, and one
// of the key holds for that key alone.
func TestNightsWaiverOfEndpoint(t *testing.T) {
	n := newNight(t)
	forged := caseNamed(t, "own-key-mitmproxy").Chain
	box := lab.New(lab.Config{Organization: "Box"}).SelfSignedCA(lab.Named("CN=Box"), lab.InterceptorKey())
	tmpl := n.lab.LeafTemplate()
	tmpl.Drop(lab.IDSCTs)
	tmpl.Issuer = box.Name
	tmpl.Set(lab.AKI(box.KeyID))
	n.show([][]byte{tmpl.Sign(box.Key, ""), box.DER}, n.lab.LeafKey)
	waiver := func(match string) {
		n.inventory(t, "{}", "waivers:\n  - {rule: chain-untrusted-root, match: {"+match+"}, reason: box, owner: us, expires: 2027-05-01}\n")
	}
	waiver(fmt.Sprintf("endpoint: %q", n.lab.Host+":"+n.port))
	doc := n.audit(t, exit.Findings, n.lab.At)
	wantVerdicts(t, doc, "suspicious")
	if len(doc.Warnings) != 1 || !strings.Contains(doc.Warnings[0].Message, "covers no certificate that is accused") {
		t.Errorf("warnings %q, want one of the waiver", doc.Warnings)
	}
	waiver(fmt.Sprintf("spki: %q", pinText(n.lab.LeafKey.SPKI)))
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At), "ok")
	n.show(forged, lab.LeafKey())
	wantVerdicts(t, n.audit(t, exit.Findings, n.lab.At), "forged")
}

// Logs that came after the list do not make a certificate unlogged: who requires
// logging is told that it could not be checked. A younger list has no such logs,
// and then they were made up.
func TestNightsUnknownLogs(t *testing.T) {
	n := newNight(t)
	tmpl := n.lab.LeafTemplate()
	tmpl.Drop(lab.IDSCTs)
	tmpl.NotBefore = n.lab.At.Add(-3 * time.Minute)
	sct := lab.Log{Key: lab.ForgedKey()}.SCT(tmpl, n.lab.Intermediate, tmpl.NotBefore)
	tmpl.Set(lab.EmbedSCTs(sct))
	n.show([][]byte{tmpl.Sign(n.lab.Intermediate.Key, ""), n.lab.Intermediate.DER}, n.lab.LeafKey)
	dated := func(at time.Time) {
		list := regexp.MustCompile(`"log_list_timestamp": *"[^"]*"`).ReplaceAll(n.lab.LogList(), fmt.Appendf(nil, `"log_list_timestamp": %q`, at.Format(time.RFC3339)))
		writeFile(t, n.file("logs.json"), list)
	}
	dated(n.lab.At.AddDate(-2, 0, 0))
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At), "ok")
	n.inventory(t, "{ct: required}", "")
	wantVerdicts(t, n.audit(t, exit.Incomplete, n.lab.At), "inconclusive")
	dated(n.lab.At)
	wantVerdicts(t, n.audit(t, exit.Findings, n.lab.At), "suspicious")
}

// An appliance whose own certificate the owner named as a root makes it anew over
// the same key, and is the same appliance. Who has its names, or its names and its
// key with another signature, is not.
func TestNightsAppliance(t *testing.T) {
	n := newNight(t)
	n.common = []string{"--timeout", "60s"} // the owner runs no logs
	made := func(day int, k, signer *lab.Key) [][]byte {
		tmpl := n.lab.LeafTemplate()
		tmpl.Drop(lab.IDSCTs)
		tmpl.Drop(lab.IDAIA)
		tmpl.Serial, tmpl.Key, tmpl.Issuer = lab.SerialOf(fmt.Sprint("appliance", day)), k, tmpl.Subject
		tmpl.NotBefore = n.lab.At.AddDate(0, 0, day)
		tmpl.NotAfter = tmpl.NotBefore.AddDate(0, 0, 300)
		tmpl.Set(lab.SKI(k.ID))
		tmpl.Set(lab.AKI(k.ID))
		return [][]byte{tmpl.Sign(signer, "")}
	}
	first := made(-200, n.lab.LeafKey, n.lab.LeafKey)
	writeFile(t, n.file("appliance.pem"), lab.PEM(first...))
	writeFile(t, n.file("certassay.yaml"), fmt.Appendf(nil, `version: 1
trust: {appliance: {roots: [appliance.pem]}}
groups:
  - name: time
    trust: [appliance]
    targets: [{target: "https://%s:%s", address: 127.0.0.1}]
`, n.lab.Host, n.port))
	n.show(first, n.lab.LeafKey)
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At), "ok")
	n.show(made(-2, n.lab.LeafKey, n.lab.LeafKey), n.lab.LeafKey)
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At), "ok")
	n.show(made(-2, lab.ForgedKey(), lab.ForgedKey()), lab.ForgedKey())
	wantVerdicts(t, n.audit(t, exit.Findings, n.lab.At), "suspicious")
	n.show(made(-2, n.lab.LeafKey, lab.ForgedKey()), n.lab.LeafKey)
	for _, s := range n.audit(t, exit.Findings, n.lab.At).Subjects {
		if s.Verdict != "forged" && s.Verdict != "suspicious" {
			t.Errorf("another's signature over the same key: %s", s.Verdict)
		}
	}
}

// A day is what a server shows on one of an operator's nights, and what the audit
// of that night ends with.
type day struct {
	name    string
	answer  func(connection int) answer
	code    int
	verdict string // of the server; empty where any will do
	rule    string // one that has to be found; none where empty
}

// always is one answer to all.
func always(chain [][]byte, k *lab.Key) func(int) answer {
	return func(int) answer { return answer{chain, k} }
}

// issued is a certificate that a public CA issued and logged, begun so many days
// before the night, for 90 days.
func issued(l *lab.Lab, days int, k *lab.Key) [][]byte {
	tmpl := l.LeafTemplate()
	tmpl.Key, tmpl.Serial = k, lab.SerialOf(fmt.Sprint("issued", days, string(k.ID)))
	tmpl.Set(lab.SKI(k.ID))
	tmpl.NotBefore = l.At.AddDate(0, 0, -days)
	tmpl.NotAfter = tmpl.NotBefore.AddDate(0, 0, 90)
	return [][]byte{l.Issue(tmpl), l.Intermediate.DER}
}

// made is a certificate of an interceptor's CA for the host.
func (n *night) made(ca *lab.CA, k *lab.Key) [][]byte {
	tmpl := n.lab.LeafTemplate()
	tmpl.Drop(lab.IDSCTs)
	tmpl.Key, tmpl.Issuer, tmpl.Serial = k, ca.Name, lab.SerialOf("made")
	tmpl.Set(lab.SKI(k.ID))
	tmpl.Set(lab.AKI(ca.KeyID))
	return [][]byte{tmpl.Sign(ca.Key, ""), ca.DER}
}

// The life of an honest server, night after night, each with the report of the one
// before as its baseline: nothing of it accuses.
func TestNightsHonest(t *testing.T) {
	n := newNight(t)
	other := lab.New(lab.Config{RSA: true})
	writeFile(t, n.file("root.pem"), append(lab.PEM(n.lab.Root.DER), lab.PEM(other.Root.DER)...))
	own, fresh := n.lab.LeafKey, lab.InterceptorKey()
	lagging, renewed := answer{issued(n.lab, 88, own), own}, answer{issued(n.lab, 1, fresh), fresh}
	var before []string
	for _, d := range []day{
		{"the first", always(issued(n.lab, 80, own), own), exit.OK, "ok", ""},
		{"renewed over the same key", always(issued(n.lab, 20, own), own), exit.OK, "ok", ""},
		{"renewed with a new key", always(issued(n.lab, 1, fresh), fresh), exit.OK, "ok", ""},
		{"half of the machines renewed", func(c int) answer { return []answer{lagging, renewed}[c%2] }, exit.OK, "ok", ""},
		{"moved to another CA", always(issued(other, 1, fresh), fresh), exit.OK, "ok", ""},
		{"every other connection is dropped", func(c int) answer { return []answer{renewed, {}}[c%2] }, exit.OK, "ok", ""},
		{"forgotten", always(issued(n.lab, 91, own), own), exit.Findings, "ok", "time-expired"},
		{"down", func(int) answer { return answer{} }, exit.Incomplete, "inconclusive", ""},
		{"back", always(issued(n.lab, 0, own), own), exit.OK, "ok", ""},
	} {
		n.serve(d.answer)
		n.wantDay(t, d, append(before, "--report", "json="+n.file("tonight.json"))...)
		before = []string{"--baseline", n.file("before.json")}
		text, err := os.ReadFile(n.file("tonight.json"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, n.file("before.json"), text)
	}
}

// wantDay audits one night.
func (n *night) wantDay(t *testing.T, d day, args ...string) {
	t.Helper()
	doc := n.audit(t, d.code, n.lab.At, args...)
	if len(doc.Subjects) == 0 {
		t.Fatalf("%s: no subjects", d.name)
	}
	if got := doc.Subjects[0].Verdict; d.verdict != "" && got != d.verdict {
		t.Errorf("%s: %s, want %s: %+v", d.name, got, d.verdict, doc.Subjects[0].Findings)
	}
	var rules []string
	for i := range doc.Subjects {
		rules = append(rules, doc.rules(i)...)
	}
	if d.rule != "" && !slices.Contains(rules, d.rule) {
		t.Errorf("%s: findings %q lack %s", d.name, rules, d.rule)
	}
}

// Whoever attacks one night is found that night, though a quiet one is the
// baseline; and who makes the audit incomplete is not taken for quiet.
func TestNightsAttacked(t *testing.T) {
	n := newNight(t)
	other := lab.New(lab.Config{RSA: true})
	writeFile(t, n.file("root.pem"), append(lab.PEM(n.lab.Root.DER), lab.PEM(other.Root.DER)...))
	own, forger := n.lab.LeafKey, lab.ForgedKey()
	genuine := answer{n.lab.Chain(), own}
	unlogged := n.leaf(func(t *lab.Template) {
		t.Key, t.Serial = forger, lab.SerialOf("unlogged")
		t.Set(lab.SKI(forger.ID))
	})
	stranger := n.lab.SelfSignedCA(lab.Named("CN=Transit"), lab.InterceptorKey())
	impostor := n.lab.SelfSignedCA(n.lab.Intermediate.Name, lab.ImpostorKey())
	// third answers one connection of three; --every-hello and --probe-path make more.
	third := func(chain [][]byte) func(int) answer {
		return func(c int) answer {
			if c%3 == 0 {
				return answer{chain, forger}
			}
			return genuine
		}
	}
	n.inventory(t, fmt.Sprintf("{issuers: [%q], ct: required}", pinText(n.lab.Intermediate.Key.SPKI)), "")
	n.wantDay(t, day{"quiet", always(genuine.chain, own), exit.OK, "ok", ""}, "--report", "json="+n.file("before.json"))
	for _, d := range []day{
		{"a CA of nobody's", always(n.made(stranger, forger), forger), exit.Findings, "suspicious", "chain-untrusted-root"},
		{"a CA with the genuine one's name", always(n.made(impostor, forger), forger), exit.Findings, "", "chain-untrusted-root"},
		{"another public CA", always(issued(other, 1, forger), forger), exit.Findings, "suspicious", "pin-issuer-unexpected"},
		{"the same CA, kept out of the logs", always(unlogged, forger), exit.Findings, "suspicious", "pin-not-logged"},
		{"one connection of three", third(n.made(stranger, forger)), exit.Findings, "", "path-hellos-differ"},
		{"one connection of three, kept out of the logs", third(unlogged), exit.Findings, "", "path-unlogged-answer"},
		{"all but the first are dropped", func(c int) answer {
			if c == 1 {
				return genuine
			}
			return answer{}
		}, exit.Incomplete, "ok", ""},
		{"all are dropped", func(int) answer { return answer{} }, exit.Incomplete, "inconclusive", ""},
	} {
		n.serve(d.answer)
		n.wantDay(t, d, "--baseline", n.file("before.json"), "--every-hello", "--probe-path", "--allow-unreachable")
	}
}

// What a baseline or a lesson accepted of one certificate holds for no other.
func TestNightsAccepted(t *testing.T) {
	n := newNight(t)
	box := n.lab.SelfSignedCA(lab.Named("CN=Box"), lab.InterceptorKey())
	stranger := n.lab.SelfSignedCA(lab.Named("CN=Transit"), lab.ImpostorKey())
	n.show(n.made(box, n.lab.LeafKey), n.lab.LeafKey)
	n.audit(t, exit.Findings, n.lab.At, "--report", "json="+n.file("before.json"))
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At, "--baseline", n.file("before.json")), "suspicious")
	n.show(n.made(stranger, lab.ForgedKey()), lab.ForgedKey())
	n.audit(t, exit.Findings, n.lab.At, "--baseline", n.file("before.json"))

	learn := func(want int, more ...string) {
		t.Helper()
		args := slices.Concat([]string{"learn", "-c", n.file("certassay.yaml"), "https://" + n.lab.Host + ":" + n.port, "--write", "--at", n.lab.At.Format(time.RFC3339)}, n.common, more)
		if code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}); code != want {
			t.Errorf("%q: exit code %d, want %d", args, code, want)
		}
	}
	empty, err := os.ReadFile(n.file("certassay.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	learn(exit.Findings, "--replace", "--inconclusive")
	if text, err := os.ReadFile(n.file("certassay.yaml")); err != nil || !bytes.Equal(text, empty) {
		t.Errorf("learnt from an interceptor: %s %v", text, err)
	}
	n.show(n.lab.Chain(), n.lab.LeafKey)
	learn(exit.OK)
	wantVerdicts(t, n.audit(t, exit.OK, n.lab.At), "ok")
	n.show(issued(n.lab, 1, lab.ForgedKey()), lab.ForgedKey()) // logged, and of the same CA
	learn(exit.Findings)
	wantVerdicts(t, n.audit(t, exit.Findings, n.lab.At), "suspicious")
}
