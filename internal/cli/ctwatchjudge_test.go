package cli

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/lab"
)

// watchInventory runs one round over the log by an inventory with this group, and
// gives what is told as index and verdict.
func (l *ctLab) watchInventory(t *testing.T, group string, more ...string) (told []string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.ReadFile(l.roots)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "root.pem"), root)
	writeFile(t, filepath.Join(dir, "certassay.yaml"), []byte("version: 1\ntrust: {corp: {roots: [root.pem]}}\ngroups:\n  - {name: lab, trust: [corp], "+group+"}\n"))
	writeFile(t, filepath.Join(dir, "watch.yaml"), fmt.Appendf(nil, "version: 1\nstate: state\ninventory: certassay.yaml\nlogs: [%q]\nstart: 1000\n", l.flag(t, nil)))
	code, out, errs := runCT(t, append([]string{"watch", "-c", filepath.Join(dir, "watch.yaml"), "--once"}, more...)...)
	if code != 0 {
		t.Fatalf("%s: exit code %d\n%s%s", group, code, out, errs)
	}
	for _, m := range decodeLines(t, out) {
		text := fmt.Sprint(*m.Index, " ", m.Verdict)
		if m.Expected {
			text += " expected"
		}
		for _, f := range m.Findings {
			if strings.HasPrefix(f.Rule, "pin-") && f.Rule != "pin-no-backup" {
				text += " " + f.Rule
			}
		}
		told = append(told, text)
	}
	return told
}

func pinOfKey(spki []byte) string {
	sum := sha256.Sum256(spki)
	return "sha256/" + base64.StdEncoding.EncodeToString(sum[:])
}

// "Notify me only of certificates that I did not request": what the inventory
// explains is not told; anything else is, with the rule that says why.
func TestWatchInventory(t *testing.T) {
	l := newCTLab(t, true) // entry 42 is the owner's
	issuer, key := pinOfKey(l.lab.Intermediate.Key.SPKI), pinOfKey(lab.LeafKey().SPKI)
	// Somebody else has a certificate from the same CA, and a forger one in its
	// name.
	other := l.lab.LeafTemplate()
	other.Drop(lab.IDSCTs)
	other.Key, other.Serial = lab.ForgedKey(), lab.SerialOf("other")
	l.log.Add(other.Sign(l.lab.Intermediate.Key, ""), l.submitted.Add(time.Hour), l.lab.Intermediate.DER)
	forged := l.lab.LeafTemplate()
	forged.Drop(lab.IDSCTs)
	forged.Serial = lab.SerialOf("forged")
	l.log.Add(forged.Sign(lab.ForgedKey(), ""), l.submitted.Add(time.Hour), l.lab.Intermediate.DER)
	for _, c := range []struct {
		group string
		more  []string
		want  string
	}{
		{group: "domains: [.lab.example], expect: {keys: [" + key + "]}", want: "300 suspicious pin-key-mismatch; 301 forged pin-anchor-unexpected"},
		{group: "domains: [.lab.example], expect: {issuers: [" + issuer + "]}", want: "301 forged pin-anchor-unexpected pin-issuer-unexpected"},
		{group: "domains: [.lab.example], expect: {keys: [" + key + "], issuers: [" + key + "]}", want: "42 suspicious pin-issuer-unexpected; 300 suspicious pin-issuer-unexpected pin-key-mismatch; 301 forged pin-anchor-unexpected"},
		// Nothing is said, so that nothing is explained.
		{group: "domains: [.lab.example]", want: "42 ok; 300 ok; 301 forged pin-anchor-unexpected"},
		{group: "targets: [\"https://time.lab.example\"], expect: {keys: [" + key + "]}", want: "300 suspicious pin-key-mismatch; 301 forged pin-anchor-unexpected"},
		{group: "domains: [.lab.example], expect: {keys: [" + key + "]}", more: []string{"--tell-expected"}, want: "42 ok expected; 300 suspicious pin-key-mismatch; 301 forged pin-anchor-unexpected"},
		// A name of the command line belongs to nobody's group.
		{group: "domains: [nowhere.example], expect: {keys: [" + key + "]}", more: []string{".lab.example", "--roots", l.roots}, want: "42 ok; 300 ok; 301 forged"},
		// A pinned key in a certificate for others is nobody's group's, and told.
		{group: "domains: [nowhere.example], expect: {keys: [" + key + "]}", more: []string{"--roots", l.roots}, want: "42 ok; 301 forged"},
		{group: "domains: [nowhere.example]", more: []string{"--all", "--roots", l.roots}, want: "301 forged"},
	} {
		if got := strings.Join(l.watchInventory(t, c.group, c.more...), "; "); got != c.want {
			t.Errorf("%s %q: told %s\nwant %s", c.group, c.more, got, c.want)
		}
	}
}

func TestWatchInventoryRefuses(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "certassay.yaml")
	writeFile(t, empty, []byte("version: 1\ngroups:\n  - {name: lab, targets: [\"192.0.2.1:443\"]}\n"))
	for _, c := range []struct {
		want string
		args []string
	}{
		{"names nothing that logs could be searched for", []string{"--inventory", empty}},
		{"no such file", []string{"--inventory", empty + "x"}},
		{"no such file", []string{".x.test", "--waivers", empty + "x"}},
		{"no such file", []string{".x.test", "--roots", empty + "x"}},
	} {
		args := append([]string{"watch", "--state", filepath.Join(dir, "state"), "--once"}, c.args...)
		if code, _, errs := runCT(t, args...); code != exit.Misuse || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit code %d, %s, want 2 and %q", c.args, code, errs, c.want)
		}
	}
}
