package inventory

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/expect"
)

var at = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

const pin = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

// loadText loads an inventory of one file.
func loadText(text string, more ...string) (*Inventory, error) {
	files := fstest.MapFS{"certassay.yaml": {Data: []byte(text)}}
	for i := 0; i+1 < len(more); i += 2 {
		files[more[i]] = &fstest.MapFile{Data: []byte(more[i+1])}
	}
	return Load("certassay.yaml", Options{FS: files, At: at})
}

func TestLoadExample(t *testing.T) {
	inv, err := Load("certassay.yaml", Options{FS: os.DirFS("testdata"), Dir: "ci", At: at})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range inv.Entries() {
		terms := e.Terms()
		got = append(got, fmt.Sprintf("%s %s | %s, %s | trust %v, fail on %s, TLS %s, CT %t, %d keys",
			e.Spec.Raw(), e.Place, terms.Expect.Group, terms.Expect.Owner, terms.Trust, terms.FailOn,
			expect.TLSVersion(terms.Expect.MinTLS), terms.Expect.CT, len(terms.Expect.Keys)))
	}
	const times = " | time services, ntp-team | trust [public corp], fail on high, TLS 1.2, CT true, 2 keys"
	want := []string{
		"https://time.example.org ci/certassay.yaml:16:9" + times,
		"nts://nts.example.org ci/certassay.yaml:17:9" + times,
		"legacy.example.org:8443 ci/certassay.yaml:18:17 | time services, attic | trust [public corp], fail on critical, TLS , CT false, 0 keys",
		"192.0.2.0/28 ci/certassay.yaml:22:9" + times,
		"192.0.2.4 ci/certassay.yaml:23:9" + times,
		"a.example.org ci/lists/hosts.csv:2:3" + times,
		"b.example.org:8443 ci/lists/hosts.csv:3:3" + times,
		"c.example.org ci/lists/hosts.json:2:12" + times,
		"d.example.org ci/lists/hosts.json:3:12" + times,
		"e.example.org ci/lists/hosts.txt:2:1" + times,
		"f.example.org:444 ci/lists/hosts.txt:4:1" + times,
		"smtp://mail.example.org:25 ci/teams/mail.yaml:7:15 | mail, mail-team | trust [public mail-ca], fail on high, TLS 1.2, CT true, 0 keys",
		"imaps://mail.example.org ci/teams/hosts.txt:1:1 | mail, mail-team | trust [public mail-ca], fail on high, TLS 1.2, CT true, 0 keys",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	files := []string{"ci/certassay.yaml", "ci/lists/hosts.csv", "ci/lists/hosts.json", "ci/lists/hosts.txt", "ci/teams/mail.yaml", "ci/teams/hosts.txt"}
	if diff := cmp.Diff(files, inv.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if n := len(inv.Waivers.All()); n != 1 {
		t.Errorf("%d waivers, want 1", n)
	}
	mail := inv.TrustSet("mail-ca")
	if mail == nil || mail.Roots[0].Path != "/etc/ssl/mail.pem" || mail.Roots[0].Base != "ci/teams" {
		t.Errorf("trust set of the included file: %+v", mail)
	}
}

func TestExpectation(t *testing.T) {
	inv, err := Load("certassay.yaml", Options{FS: os.DirFS("testdata"), At: at})
	if err != nil {
		t.Fatal(err)
	}
	e := inv.Entries()[0].Terms().Expect
	backup := e.Keys[1]
	e.Keys, e.Issuers[0].Key, e.Issuers[0].Place, e.Issuers[1].Place, e.Issuers[1].Key = nil, expect.Pin{}, expect.Place{}, expect.Place{}, expect.Pin{}
	want := expect.Expectation{
		Issuers: []expect.Issuer{{}, {CA: "letsencrypt.org"}},
		Names:   []string{"time.example.org", "*.time.example.org", "192.0.2.1"}, NamesExactly: true,
		MaxValidity: 100 * 24 * time.Hour, KeyTypes: []expect.KeyType{{Algorithm: "ecdsa", Curve: "P-256"}, {Algorithm: "rsa", Bits: 2048, OrMore: true}},
		CAA: true, TLSA: true, CT: true, Stapling: true, MinTLS: 0x0303, StartTLS: true, Group: "time services", Owner: "ntp-team",
		Place: expect.Place{File: "certassay.yaml", Line: 16, Col: 9},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("expectation (-want +got):\n%s", diff)
	}
	last := time.Date(2027, 5, 1, 23, 59, 0, 0, time.UTC)
	if backup.Of != expect.Certificate || backup.Note != "backup, in the safe" || !backup.InForce(last) || backup.InForce(last.Add(time.Minute)) {
		t.Errorf("backup pin = %+v", backup)
	}
	g := inv.Groups[0]
	if diff := cmp.Diff([]string{".example.org", "example.net"}, g.Domains); diff != "" {
		t.Error(diff)
	}
	if i := g.Issuance; i.Zone.String() != "Asia/Shanghai" || i.From != 8*time.Hour || i.To != 20*time.Hour || i.RenewAfter != 0.5 {
		t.Errorf("issuance = %+v", i)
	}
}

// Of every value it is known who said it.
func TestSettings(t *testing.T) {
	inv, err := Load("certassay.yaml", Options{FS: os.DirFS("testdata"), At: at})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range inv.Entries()[2].Settings() {
		got[s.Key] = fmt.Sprintf("%s %s %s", strings.Join(s.Value, ","), s.Layer, s.Place)
	}
	for key, want := range map[string]string{
		"owner":               "attic target certassay.yaml:19:16",
		"expect.min_tls":      "any target certassay.yaml:21:27",
		"expect.keys":         " target certassay.yaml:21:52",
		"expect.max_validity": "100d group certassay.yaml:35:21",
		"trust":               "public,corp group certassay.yaml:14:12",
		"fail_on":             "critical target certassay.yaml:20:18",
	} {
		if got[key] != want {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
	if d := inv.Defaults(); d.Expect.MinTLS != 0x0303 || d.FailOn != "high" || len(inv.DefaultSettings()) != 5 {
		t.Errorf("defaults = %+v, %v", d, inv.DefaultSettings())
	}
}

// A subject is found by what was asked for, whatever address answered.
func TestFind(t *testing.T) {
	inv, err := loadText(`version: 1
groups:
  - name: wide
    targets: [192.0.2.0/24, "tls://[2001:db8::]/120", https://a.example.org]
  - name: narrow
    targets: [192.0.2.16/28, 192.0.2.20]
  - name: one
    targets: [192.0.2.33, a.example.org:8443, smtp://a.example.org]
`)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"tls://a.example.org:443/203.0.113.7":                  "wide",
		"tls://a.example.org:443/2001:db8::1?via=socks5://h:1": "wide",
		"tls://a.example.org:443?via=http://proxy:3128":        "wide",
		"tls://a.example.org:8443":                             "one",
		"smtp://a.example.org:25/203.0.113.7":                  "one",
		"tls://192.0.2.1:443/192.0.2.1":                        "wide",
		"tls://192.0.2.17:443/192.0.2.17":                      "narrow",
		"tls://192.0.2.20:443/192.0.2.20":                      "narrow",
		"tls://192.0.2.33:443":                                 "one",
		"tls://[2001:db8::5]:443/2001:db8::5":                  "wide",
		"tls://192.0.2.33:8443":                                "",
		"tls://192.0.3.1:443":                                  "",
		"smtp://192.0.2.1:25":                                  "",
		"tls://b.example.org:443":                              "",
		"chain.pem":                                            "",
		"":                                                     "",
	} {
		got := ""
		if e := inv.Find(id); e != nil {
			got = e.Group.Name
		}
		if got != want {
			t.Errorf("Find(%q) is in %q, want %q", id, got, want)
		}
	}
}

// Everything that is wrong is said at once, with its place.
// placed is the begin of an error in the text of several.
var placed = regexp.MustCompile(`(?m)^certassay\.yaml:[0-9]+:[0-9]+: `)

func TestBroken(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string // in the text of the error, in any order
	}{
		{"empty", "", []string{"certassay.yaml:1:1: the file is empty"}},
		{"a control character", "version: 1\ngroups: é\x00\n", []string{"certassay.yaml:2:10: not valid YAML"}},
		{"no UTF-8", "version: 1\n\xff\n", []string{"certassay.yaml:2:1: not valid YAML"}},
		{"no YAML", "version: 1\n  x: [", []string{"certassay.yaml:2:", "not valid YAML"}},
		{"a file of another kind", "root " + strings.Repeat("root:x:0:0:", 20), []string{`unknown key "root root:x:0:0:root:x:0:0:root:x:0:0:root:x:0:0:root:x:0:0:…"`}},
		{"no mapping", "- 1\n", []string{"certassay.yaml:1:1: inventory: want a mapping, found a list"}},
		{"second document", "version: 1\n---\nversion: 1\n", []string{"a second document"}},
		{"no version", "groups: []\n", []string{`1:1: inventory: the key "version" is missing`}},
		{"other version", "version: 2\n", []string{"1:10: version: want 1, found 2"}},
		{"alias", "version: 1\ndefaults: &d {owner: a}\ntrust: *d\n", []string{"2:11: anchors and aliases", "3:8: anchors and aliases"}},
		{"merge key", "version: 1\ndefaults: {<<: {owner: a}}\n", []string{`2:12: defaults: unknown key "<<"`}},
		{"tag", "version: !!int 1\n", []string{"YAML tags"}},
		{"null", "version: 1\ngroups:\n", []string{"2:8: groups: want a list, found nothing", "leave the key out"}},
		{"all at once", "version: 1\ntargts: []\ngroups:\n  - nme: x\n    targets: [\"http://a.example.org\", b.example.org, \"x y\"]\n  - name: g\n    expect: {ct: requird, keys: [abc], issuers: [\"CN=R3\"], max_validity: 5, key_types: [rsa-1]}\n", []string{
			`2:1: inventory: unknown key "targts"`, `4:5: group: unknown key "nme"`, `did you mean "name"?`, `the key "name" is missing`,
			`5:15: target "http://a.example.org": unknown scheme "http"`, "write https://", `5:54: target "x y": has a space`,
			`7:18: ct: want required or optional, found "requird"`, `did you mean "required"?`, "7:34: pin: want sha256/",
			`7:50: issuer "CN=R3"`, "is what a forger copies", "7:74: max_validity: want days", "7:89: key type"}},
		{"twice in a mapping", "version: 1\nversion: 1\n", []string{`2:1: inventory: the key "version" is already there in line 1`}},
		{"target twice", "version: 1\ngroups:\n  - name: a\n    targets: [a.example.org, \"https://A.example.org/\"]\n", []string{`4:30: the target is already listed in group "a": certassay.yaml:4:15`}},
		{"group twice", "version: 1\ngroups: [{name: a}, {name: a}]\n", []string{`2:28: the group "a" is already there: certassay.yaml:2:17`}},
		{"pin twice", "version: 1\ndefaults:\n  expect:\n    keys: [\"" + pin + "\", \"" + pin + "\"]\n", []string{"4:67: this pin is already there in line 4"}},
		{"unknown trust set", "version: 1\ndefaults: {trust: [publik]}\n", []string{`2:20: no trust set is called "publik"`, `did you mean "public"?`}},
		{"taken trust set", "version: 1\ntrust: {public: {roots: [a]}}\n", []string{`2:9: the name "public" is taken`}},
		{"no roots", "version: 1\ntrust: {a: {roots: []}}\n", []string{"2:20: trust set \"a\" has no roots"}},
		{"distinguished name", "version: 1\ndefaults: {expect: {issuers: [{name: \"Let's Encrypt\"}]}}\n", []string{`unknown key "name"`, "is what a forger copies"}},
		{"pin without hash", "version: 1\ndefaults: {expect: {keys: [{until: 2027-05-01}]}}\n", []string{`pin: the key "pin" is missing`}},
		{"until", "version: 1\ndefaults: {expect: {keys: [{pin: \"" + pin + "\", until: tomorrow}]}}\n", []string{"until: want the last day"}},
		{"TLS version", "version: 1\ndefaults: {expect: {min_tls: 1.25}}\n", []string{"2:30: min_tls: want 1.0, 1.1"}},
		{"number as owner", "version: 1\ndefaults: {owner: 42}\n", []string{"2:19: owner: want text, found 42", "put it in quotes"}},
		{"control character", "version: 1\ndefaults: {owner: \"a\\e[2J\"}\n", []string{"does not print"}},
		{"issuance", "version: 1\ngroups: [{name: a, issuance: {timezone: Mars/Olympus, hours: 8-20, renew_after: 2}}]\n", []string{
			"2:41: timezone", "2:62: hours", "2:81: renew_after"}},
		{"local zone", "version: 1\ngroups: [{name: a, issuance: {timezone: Local}}]\n", []string{"timezone"}},
		{"domains", "version: 1\ngroups: [{name: a, domains: [org, \"*.example.org\", 192.0.2.1, \"https://a.b\"]}]\n", []string{
			`2:30: domain "org"`, `2:35: domain "*.example.org"`, `2:52: domain "192.0.2.1"`, `2:63: "https://a.b" is no name`}},
		{"waiver", "version: 1\nwaivers: [{rule: chain-untrusted-root}]\n", []string{`certassay.yaml:2:11: waiver: the key "match" is missing`}},
		{"include outside", "version: 1\ninclude: [../x.yaml, /etc/passwd, \"*.yaml\", 'a\\b']\n", []string{
			`2:11: "../x.yaml" lies outside`, `2:22: "/etc/passwd" lies outside`, `2:35: "*.yaml": patterns`, "backslashes"}},
		{"include what is not there", "version: 1\ninclude: [a.yaml]\n", []string{"2:11: cannot read a.yaml: file does not exist"}},
		{"include itself", "version: 1\ninclude: [./certassay.yaml]\n", []string{"2:11: certassay.yaml is already part of this inventory"}},
		{"command", "version: 1\ngroups: [{name: a, targets_from: {command: [ls]}}]\n", []string{"starts no program", `the key "file" is missing`}},
		{"list outside", "version: 1\ngroups: [{name: a, targets_from: {file: ../hosts.txt}}]\n", []string{"lies outside", "pipe it in"}},
		{"column of a text", "version: 1\ngroups: [{name: a, targets_from: {file: a.txt, column: x}}]\n", []string{"column is for a list in csv, and this one is txt"}},
		{"wrong kinds", "version: 1\ngroups: {a: b}\nwaivers: {}\ndefaults: [a]\ntrust: [b]\ninclude: c.yaml\n", []string{"2:9: groups: want a list", "3:10: waivers: want a list", "4:11: defaults: want a mapping"}},
		{"wrong values", "version: 1\ngroups: [{name: a, targets: [{address: 1.2.3.4}, {target: b.example.org, address: x}, {target: 1}], expect: {names: [\"a b\", \"https://x\", []], names_exactly: 7, key_types: [x, [y]], stapling: yes, keys: [{pin: [], until: [], note: 3}]}}, {name: \"\"}, {}]\n", []string{
			"names_exactly: want true or false", `the key "target" is missing`}},
		{"wrong waivers", "version: 1\nwaivers: [{rule: X, match: {spki: x, endpoint: y}, reason: \"\", owner: [], expires: x}, 7, {rule: a-b, rule: a-b}]\n", []string{`2:18: rule "X"`, "match: want exactly one identity"}},
		{"standard input that is not read", "version: 1\ngroups: [{name: a, targets_from: {file: \"-\"}}]\n", []string{"which is not read here"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv, err := loadText(tt.text)
			if err == nil {
				t.Fatalf("Load took it: %+v", inv)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q:\n%v", want, err)
				}
			}
			// Each says where, and what to do.
			places, hints := len(placed.FindAllString(err.Error(), -1)), strings.Count(err.Error(), "\n    hint: ")
			if starts := strings.Count("\n"+err.Error(), "\ncertassay.yaml"); places != starts || hints != places {
				t.Errorf("%d errors, %d with line and column, %d with a hint:\n%v", starts, places, hints, err)
			}
		})
	}
}

// The caret stands below what is meant.
func TestCaret(t *testing.T) {
	_, err := loadText("version: 1\ndefaults:\n\towner: x\n")
	if err == nil {
		t.Fatal("tabs are taken for indentation")
	}
	_, err = loadText("version: 1\ndefaults: {owner: 42}\n")
	const want = `certassay.yaml:2:19: owner: want text, found 42
    defaults: {owner: 42}
                      ^
    hint: put it in quotes`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

func TestLists(t *testing.T) {
	for _, tt := range []struct {
		name, from, file, text, want string // want is part of the error, or the targets
	}{
		{"csv without a row of names", "{file: a.csv, column: 2}", "a.csv", "x,a.example.org\ny,b.example.org\n", "a.example.org b.example.org"},
		{"csv by default", "{file: a.csv}", "a.csv", "target\na.example.org\n", "a.example.org"},
		{"csv with a mark", "{file: a.csv}", "a.csv", "\ufefftarget\na.example.org\n", "a.example.org"},
		{"csv without the column", "{file: a.csv, column: hst}", "a.csv", "id,host\n", `a.csv:1:1: no column is called "hst"`},
		{"csv with a gap", "{file: a.csv, column: host}", "a.csv", "host,x\n,1\n", `a.csv:2:1: the row has no value in column "host"`},
		{"csv with a bad target", "{file: a.csv, column: host}", "a.csv", "id,host\n1,http://a\n", `a.csv:2:3: target "http://a"`},
		{"no csv", "{file: a.csv}", "a.csv", "target\n\"a\n", "a.csv:2:"},
		{"json list", "{file: a.json}", "a.json", `["a.example.org", "b.example.org"]`, "a.example.org b.example.org"},
		{"json lines", "{file: a.jsonl, field: h}", "a.jsonl", "{\"h\":\"a.example.org\"}\n{\"h\":\"b.example.org\"}\n", "a.example.org b.example.org"},
		{"json of another name", "{file: a.txt, format: json}", "a.txt", `["a.example.org"]`, "a.example.org"},
		{"json without the field", "{file: a.json, field: name}", "a.json", "[{\"name\":\"a.example.org\"},\n {\"nam\":1}]", `a.json:2:10: the object has no field "name"`},
		{"json number", "{file: a.json}", "a.json", "[1]", "a.json:1:2: a target has to be text"},
		{"json object", "{file: a.json}", "a.json", "[{}]", "name the way to the targets with field"},
		{"no json", "{file: a.json}", "a.json", "[\n\"a.example.org\",", "not valid JSON"},
		{"deep json", "{file: a.json}", "a.json", strings.Repeat("[", 100), "nested deeper than 64"},
		{"text with a bad line", "{file: a.txt}", "a.txt", "a.example.org\nhttp://b\n", "a.txt:2: target"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv, err := loadText("version: 1\ngroups: [{name: a, targets_from: "+tt.from+"}]\n", tt.file, tt.text)
			got := fmt.Sprint(err)
			if err == nil {
				var raw []string
				for _, e := range inv.Entries() {
					raw = append(raw, e.Spec.Raw())
				}
				got = strings.Join(raw, " ")
			}
			if !strings.Contains(got, tt.want) || err == nil && got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A list that lost its lines is no error of the owner's, and no clean run.
func TestEmptyList(t *testing.T) {
	inv, err := loadText("version: 1\ngroups: [{name: a, targets: [x.example.org], targets_from: [{file: a.txt}, {file: a.json}]}]\n", "a.txt", "# none\n", "a.json", "[]")
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Empty) != 2 || inv.Empty[0].Line != 2 {
		t.Errorf("Empty = %v, want both lists", inv.Empty)
	}
}

func TestStandardInput(t *testing.T) {
	files := fstest.MapFS{"i": {Data: []byte("version: 1\ngroups:\n  - {name: a, targets_from: {file: \"-\", format: json}}\n")}}
	inv, err := Load("i", Options{FS: files, At: at, Stdin: strings.NewReader(`["a.example.org"]`)})
	if err != nil || len(inv.Entries()) != 1 || inv.Entries()[0].Place.File != "standard input" {
		t.Errorf("Load = %+v, %v", inv, err)
	}
	files["i"].Data = append(files["i"].Data, "  - {name: b, targets_from: {file: \"-\"}}\n"...)
	if _, err := Load("i", Options{FS: files, At: at, Stdin: strings.NewReader("[]")}); err == nil || !strings.Contains(err.Error(), "once only") {
		t.Errorf("standard input twice: %v", err)
	}
}

// Defaults go down into included files, and those of a file hold there alone.
func TestIncludeDefaults(t *testing.T) {
	const sub = "version: 1\ndefaults: {owner: sub}\ninclude: [c.yaml]\ngroups: [{name: b, targets: [b.example.org]}]\n"
	inv, err := loadText("version: 1\ndefaults: {owner: top, fail_on: low}\ninclude: [d/b.yaml]\ngroups: [{name: a, targets: [a.example.org]}]\n",
		"d/b.yaml", sub, "d/c.yaml", "version: 1\ngroups: [{name: c, targets: [c.example.org]}]\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range inv.Entries() {
		terms := e.Terms()
		got = append(got, e.Group.Name+" "+terms.Expect.Owner+" "+terms.FailOn)
	}
	if diff := cmp.Diff([]string{"a top low", "b sub low", "c sub low"}, got); diff != "" {
		t.Error(diff)
	}
	if d := inv.Defaults(); d.Expect.Owner != "top" {
		t.Errorf("an included file changed the defaults: %q", d.Expect.Owner)
	}
}

func TestLimits(t *testing.T) {
	more := []string{}
	for i := range 12 {
		more = append(more, fmt.Sprintf("%d.yaml", i), fmt.Sprintf("version: 1\ninclude: [%d.yaml]\n", i+1))
	}
	if _, err := loadText("version: 1\ninclude: [0.yaml]\n", more...); err == nil || !strings.Contains(err.Error(), "7.yaml") && !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("deep include: %v", err)
	}
	if _, err := loadText("version: 1\n" + strings.Repeat("#", maxFile)); err == nil || !strings.Contains(err.Error(), "larger than 8 MiB") {
		t.Errorf("large file: %v", err)
	}
	_, err := loadText("version: 1\ngroups:\n" + strings.Repeat("  - {}\n", 200))
	if err == nil || !strings.Contains(err.Error(), "and 150 more") || strings.Count(err.Error(), "\n") > 4*maxErrors {
		t.Errorf("many errors: %v", err)
	}
	if _, err := Load("missing.yaml", Options{FS: fstest.MapFS{}, Dir: "up", At: at}); err == nil || !strings.HasPrefix(err.Error(), "up/missing.yaml: cannot read up/missing.yaml: file does not exist") {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Load("d", Options{FS: fstest.MapFS{"d/x": {}}, At: at}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("directory: %v", err)
	}
}

// large is an inventory of n targets as people write it.
func large(n int) string {
	var b strings.Builder
	b.WriteString("version: 1\ndefaults: {trust: [public], expect: {ct: required, min_tls: 1.2}}\ngroups:\n")
	for i := range n {
		if i%100 == 0 {
			fmt.Fprintf(&b, "  - name: group %d\n    owner: team-%d\n    expect: {keys: [%q], max_validity: 100d}\n    targets:\n", i/100, i/1000, pin)
		}
		if i%10 == 0 {
			fmt.Fprintf(&b, "      - {target: \"host-%d.example.org:8443\", expect: {min_tls: 1.3}}\n", i)
		} else {
			fmt.Fprintf(&b, "      - https://host-%d.example.org\n", i)
		}
	}
	return b.String()
}

// BenchmarkLoad reads ten thousand targets.
func BenchmarkLoad(b *testing.B) {
	text := large(10_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		inv, err := loadText(text)
		if err != nil || len(inv.Entries()) != 10_000 {
			b.Fatal(len(inv.Entries()), err)
		}
	}
}
