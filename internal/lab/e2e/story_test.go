package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// A pipeline is a repository with an inventory that a CI job audits.
type pipeline struct {
	origin
	at time.Time
}

// serveFor starts a server of the laboratory for a name and gives the target, as
// an inventory writes it, and the pin of the key that it should have.
func (p pipeline) serveFor(t *testing.T, name string, change func(*lab.Lab, *lab.Template) *lab.Key) (target, pin string) {
	t.Helper()
	l := lab.New(lab.Config{Host: name, At: p.at, Organization: "Let's Encrypt"})
	leaf, key := l.Leaf, l.LeafKey
	if change != nil {
		template := l.LeafTemplate()
		key = change(l, &template)
		leaf = l.Issue(template)
	}
	address := lab.Serve(t, [][]byte{leaf, l.Intermediate.DER}, key, lab.Server{})
	port := address[strings.LastIndexByte(address, ':')+1:]
	return fmt.Sprintf("{target: %q, address: 127.0.0.1}", "https://"+name+":"+port), pinOf(l.LeafKey)
}

func pinOf(k *lab.Key) string {
	sum := sha256.Sum256(k.SPKI)
	return "sha256/" + base64.StdEncoding.EncodeToString(sum[:])
}

// audit runs the job with the laboratory's root as that of a public program, and
// its logs.
func (p pipeline) audit(t *testing.T, inventory string, args ...string) (r report, stderr string) {
	t.Helper()
	return p.run(t, inventory, append([]string{"--program", "laboratory=root.pem", "--log-list", "logs.json"}, args...)...)
}

// run runs certassay audit in the repository.
func (p pipeline) run(t *testing.T, inventory string, args ...string) (r report, stderr string) {
	t.Helper()
	p.write(t, "certassay.yaml", inventory)
	ctx, cancel := context.WithTimeout(t.Context(), scanTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"audit", "-f", "json"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", cmd, err)
	}
	r = report{exit: cmd.ProcessState.ExitCode(), text: out.String()}
	if r.exit != 2 {
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%s: exit %d, no report: %v\n%s", cmd, r.exit, err, &errs)
		}
	}
	return r, errs.String()
}

// grave are the rules of high severity and above that spoke and were not waived,
// over all subjects.
func (r report) grave() (out []string) {
	var doc struct {
		Subjects []struct {
			Findings []struct {
				Rule     string          `json:"rule"`
				Severity string          `json:"severity"`
				Waiver   json.RawMessage `json:"waiver"`
			} `json:"findings"`
		} `json:"subjects"`
	}
	_ = json.Unmarshal([]byte(r.text), &doc)
	for _, s := range doc.Subjects {
		for _, f := range s.Findings {
			if (f.Severity == "high" || f.Severity == "critical") && (f.Waiver == nil || string(f.Waiver) == "null") {
				out = append(out, f.Rule)
			}
		}
	}
	slices.Sort(out)
	return out
}

// want wants an exit code and exactly these grave findings.
func (r report) wantGrave(t *testing.T, exit int, rules ...string) {
	t.Helper()
	slices.Sort(rules)
	if got := r.grave(); r.exit != exit || !slices.Equal(got, rules) {
		t.Errorf("exit %d with %v, want %d with %v\n%s", r.exit, got, exit, rules, r.text)
	}
}

// TestCIStory is what happens to an inventory in a pipeline, one event after the
// other.
func TestCIStory(t *testing.T) {
	need(t, "named", "unbound", "dnssec-keygen", "dnssec-signzone", "openssl")
	p := pipeline{origin{dir: workDir(t)}, time.Now()}
	if err := lab.New(lab.Config{Host: host, At: p.at, Organization: "Let's Encrypt"}).Write(p.dir); err != nil {
		t.Fatal(err)
	}
	p.write(t, "logs.json", string(lab.New(lab.Config{Host: host}).LogList()))

	good, pin := p.serveFor(t, "good.lab.example", nil)
	swapped, _ := p.serveFor(t, "swapped.lab.example", func(_ *lab.Lab, leaf *lab.Template) *lab.Key {
		leaf.Key = lab.ForgedKey()
		leaf.Set(lab.SKI(leaf.Key.ID))
		return leaf.Key
	})
	inventory := func(expect string, targets ...string) string {
		return fmt.Sprintf("version: 1\ngroups:\n  - name: web\n    owner: web-team\n    expect: %s\n    targets: [%s]\n", expect, strings.Join(targets, ", "))
	}
	pinned := "{keys: [" + pin + "], ct: required}"

	t.Run("clean", func(t *testing.T) {
		r, _ := p.audit(t, inventory(pinned, good))
		r.wantGrave(t, 0)
	})
	t.Run("swapped key", func(t *testing.T) {
		r, _ := p.audit(t, inventory(pinned, good, swapped))
		r.wantGrave(t, 1, "pin-key-mismatch")
		if !strings.Contains(r.text, pinOf(lab.ForgedKey())) {
			t.Errorf("the key that is served, %s, is not named", pinOf(lab.ForgedKey()))
		}
	})
	t.Run("not logged", func(t *testing.T) {
		l := lab.New(lab.Config{Host: "unlogged.lab.example", At: p.at, Organization: "Let's Encrypt"})
		address := lab.Serve(t, [][]byte{l.LeafTemplate().Sign(l.Intermediate.Key, ""), l.Intermediate.DER}, l.LeafKey, lab.Server{})
		target := fmt.Sprintf("{target: %q, address: 127.0.0.1}", "https://unlogged.lab.example:"+address[strings.LastIndexByte(address, ':')+1:])
		r, _ := p.audit(t, inventory("{ct: required}", good, target))
		if r.exit != 1 || !slices.Contains(r.grave(), "pin-not-logged") {
			t.Errorf("exit %d with %v\n%s", r.exit, r.grave(), r.text)
		}
	})
	t.Run("DNS", func(t *testing.T) { p.dns(t, inventory) })
	t.Run("revocation", func(t *testing.T) { p.revocation(t, inventory) })
	t.Run("unreachable", func(t *testing.T) {
		closed := fmt.Sprintf("{target: \"https://closed.lab.example:%s\", address: 127.0.0.1}", freePort(t))
		r, _ := p.audit(t, inventory(pinned, good, closed))
		r.wantGrave(t, 3)
		r, _ = p.audit(t, inventory(pinned, good, closed), "--allow-unreachable")
		r.wantGrave(t, 0)
	})
	t.Run("broken inventory", func(t *testing.T) {
		r, stderr := p.audit(t, strings.Replace(inventory(pinned, swapped), "owner:", "ownr:", 1))
		if r.exit != 2 || !strings.Contains(stderr, "certassay.yaml:4:5") || r.text != "" {
			t.Errorf("exit %d\n%s\n%s", r.exit, stderr, r.text)
		}
	})
	t.Run("waiver", func(t *testing.T) {
		other, _ := p.serveFor(t, "other.lab.example", func(_ *lab.Lab, leaf *lab.Template) *lab.Key {
			leaf.Key = lab.LeafRSAKey()
			leaf.Set(lab.SKI(leaf.Key.ID))
			return leaf.Key
		})
		waiver := func(expires time.Time) string {
			return fmt.Sprintf("waivers:\n  - {rule: pin-key-mismatch, match: {spki: %s}, reason: key ceremony, owner: web-team, expires: %s}\n",
				pinOf(lab.ForgedKey()), expires.Format(time.DateOnly))
		}
		r, _ := p.audit(t, inventory(pinned, swapped, other)+waiver(p.at.AddDate(0, 1, 0)))
		r.wantGrave(t, 1, "pin-key-mismatch") // the other one's
		r, _ = p.audit(t, inventory(pinned, swapped)+waiver(p.at.AddDate(0, 1, 0)))
		r.wantGrave(t, 0)
		r, _ = p.audit(t, inventory(pinned, swapped)+waiver(p.at.AddDate(0, 0, -2)))
		r.wantGrave(t, 1, "pin-key-mismatch")
		if !strings.Contains(r.text, "expired") {
			t.Errorf("nothing says that the waiver expired\n%s", r.text)
		}
	})
}

// dns: a zone that is signed says who may issue, and which key a server has.
func (p pipeline) dns(t *testing.T, inventory func(string, ...string) string) {
	fits, _ := p.serveFor(t, "fits.lab.example", nil)
	forbidden, _ := p.serveFor(t, "forbidden.lab.example", nil)
	mismatched, _ := p.serveFor(t, "mismatched.lab.example", nil)
	port := func(target string) string {
		_, rest, _ := strings.Cut(target, ".example:")
		return rest[:strings.IndexByte(rest, '"')]
	}
	right := sha256.Sum256(lab.New(lab.Config{}).LeafKey.SPKI)
	wrong := right
	wrong[0] ^= 1
	records := "lab CAA 0 issue \"letsencrypt.org\"\nforbidden.lab CAA 0 issue \"pki.goog\"\n" +
		fmt.Sprintf("_%s._tcp.fits.lab TLSA 3 1 1 %x\n_%s._tcp.mismatched.lab TLSA 3 1 1 %x", port(fits), right, port(mismatched), wrong)
	resolver := p.startDNS(t, zone{records: records, signed: true})
	ask := []string{"--online", "dns", "--resolver", resolver}

	r, _ := p.audit(t, inventory("{caa: match, tlsa: match}", fits), ask...)
	r.wantGrave(t, 0)
	r, _ = p.audit(t, inventory("{caa: match}", fits, forbidden), ask...)
	if r.exit != 1 || !slices.Contains(r.grave(), "dns-caa-expected") {
		t.Errorf("CAA: exit %d with %v\n%s", r.exit, r.grave(), r.text)
	}
	r, _ = p.audit(t, inventory("{caa: match, tlsa: match}", mismatched), ask...)
	if r.exit != 1 || !slices.Contains(r.grave(), "dns-tlsa-mismatch") {
		t.Errorf("TLSA: exit %d with %v\n%s", r.exit, r.grave(), r.text)
	}
	// What was expected and not asked is not taken for granted.
	r, _ = p.audit(t, inventory("{caa: match, tlsa: match}", fits))
	r.wantGrave(t, 3)
}

// revocation: one certificate is revoked, and one the CA never issued.
func (p pipeline) revocation(t *testing.T, inventory func(string, ...string) string) {
	b := newBooks(t)
	root, err := os.ReadFile(filepath.Join(b.dir, "root.pem"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "books.pem", string(root))
	for _, tt := range []struct {
		leaf  string
		exit  int
		rules []string
	}{
		{"good", 0, nil},
		{"revoked", 1, []string{"revocation-key-compromised"}},
		{"ghost", 1, []string{"revocation-unknown-to-ca"}},
	} {
		port := freePort(t)
		start(t, b.dir, port, b.openssl, "s_server", "-accept", "127.0.0.1:"+port, "-cert", tt.leaf+".pem", "-key", tt.leaf+".key", "-cert_chain", "ca.pem", "-quiet")
		target := fmt.Sprintf("{target: \"https://revocation.lab.example:%s\", address: 127.0.0.1}", port)
		r, _ := p.run(t, "trust: {books: {roots: [books.pem]}}\ndefaults: {trust: [books]}\n"+inventory("{}", target), "--online", "ocsp", "--allow-private-urls")
		r.wantGrave(t, tt.exit, tt.rules...)
	}
}
