package inventory

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("inventory", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("inventory")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// value is what an editor makes of YAML before it asks the schema: JSON's types,
// dates as text.
func value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		l := []any{}
		for _, c := range n.Content {
			l = append(l, value(c))
		}
		return l
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
		}
	}
	return n.Value
}

func accepts(t testing.TB, s *jsonschema.Schema, text string) error {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		return err
	}
	return s.Validate(value(doc.Content[0]))
}

// What has the right form by the schema has it by the program, and the other way
// round. Where only the program can tell, semantic says so.
func TestSchemaAgrees(t *testing.T) {
	s := compiled(t)
	in := func(s string) string { return "version: 1\ndefaults: {" + s + "}\n" }
	exp := func(s string) string { return in("expect: {" + s + "}") }
	group := func(s string) string { return "version: 1\ngroups: [{name: a, " + s + "}]\n" }
	spki := "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	for _, tt := range []struct {
		text         string
		ok, semantic bool
	}{
		{"version: 1\n", true, false},
		{"version: 2\n", false, false},
		{"version: \"1\"\n", false, false},
		{"groups: []\n", false, false},
		{"[]\n", false, false},
		{"version: 1\ngrops: []\n", false, false},
		{"version: 1\ngroups: {}\n", false, false},
		{"version: 1\ngroups: [{}]\n", false, false},
		{"version: 1\ngroups: [a]\n", false, false},
		{"version: 1\ninclude: [b.yaml]\n", true, false},
		{"version: 1\ninclude: [/b.yaml]\n", false, false},
		{"version: 1\ninclude: [../b.yaml]\n", false, true},
		{"version: 1\ninclude: [\"*.yaml\"]\n", false, false},
		{"version: 1\ntrust: {a: {roots: [r.pem]}}\n", true, false},
		{"version: 1\ntrust: {a: {roots: []}}\n", false, false},
		{"version: 1\ntrust: {a: {}}\n", false, false},
		{"version: 1\ntrust: {public: {roots: [r.pem]}}\n", false, false},
		{in("owner: a"), true, false},
		{in("owner: \"\""), false, false},
		{in("owner: 1"), false, false},
		{in("owner: "), false, false},
		{in("fail_on: high"), true, false},
		{in("fail_on: ok"), false, false},
		{in("fail_on: never"), true, false},
		{in("trust: [public]"), true, false},
		{in("trust: public"), false, false},
		{in("trust: [nobody]"), false, true},
		{in("trust: []"), true, false},
		{in("targets: []"), false, false},
		{exp(""), true, false},
		{exp("keys: [\"" + spki + "\"]"), true, false},
		{exp("keys: []"), true, false},
		{exp("keys: [\"sha256/AAAA\"]"), false, false},
		{exp("keys: [\"" + strings.Replace(spki, "FU=", "FV=", 1) + "\"]"), false, false},
		{exp("keys: [\"sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709\"]"), true, false},
		{exp("keys: [\"sha1/2jmj7l5rSw0yVb/vlWAYkK/YBwk=\"]"), true, false},
		{exp("keys: [{pin: \"" + spki + "\", until: 2027-05-01, note: x}]"), true, false},
		{exp("keys: [{pin: \"" + spki + "\", until: 2027-13-01}]"), false, false},
		{exp("keys: [{pin: \"" + spki + "\", until: 2027-02-30}]"), false, true},
		{exp("keys: [{until: 2027-05-01}]"), false, false},
		{exp("keys: [{pin: \"" + spki + "\", x: 1}]"), false, false},
		{exp("issuers: [\"" + spki + "\", {ca: letsencrypt.org}]"), true, false},
		{exp("issuers: [\"sha256:" + strings.Repeat("0", 64) + "\"]"), false, false},
		{exp("issuers: [letsencrypt.org]"), false, false},
		{exp("issuers: [{ca: \"Let's Encrypt\"}]"), false, false},
		{exp("issuers: [{}]"), false, false},
		{exp("issuers: [\"CN=R3,O=Let's Encrypt\"]"), false, false},
		{exp("names: [a.example.org, \"*.example.org\", 192.0.2.1, \"2001:db8::1\"]"), true, false},
		{exp("names: [\"https://a.example.org\"]"), false, false},
		{exp("names: [\"a b\"]"), false, false},
		{exp("names: [\"a..b\"]"), false, true},
		{exp("names_exactly: true"), true, false},
		{exp("names_exactly: yes"), false, false},
		{exp("names_exactly: \"true\""), false, false},
		{exp("max_validity: 100d"), true, false},
		{exp("max_validity: any"), true, false},
		{exp("max_validity: 100"), false, false},
		{exp("max_validity: 0d"), false, false},
		{exp("max_validity: 1y"), false, false},
		{exp("max_validity: 999999d"), false, true},
		{exp("key_types: [rsa, rsa-2048+, rsa-16384, ecdsa, ecdsa-p521, ed25519]"), true, false},
		{exp("key_types: [rsa-1023]"), false, false},
		{exp("key_types: [rsa-16385]"), false, false},
		{exp("key_types: [RSA]"), false, false},
		{exp("caa: match, tlsa: match, ct: required, stapling: required, must_staple: required, starttls: required"), true, false},
		{exp("caa: ignore, tlsa: ignore, ct: optional, stapling: optional, must_staple: optional, starttls: optional"), true, false},
		{exp("ct: match"), false, false},
		{exp("caa: required"), false, false},
		{exp("ct: true"), false, false},
		{exp("min_tls: 1.2"), true, false},
		{exp("min_tls: 1.20"), true, false},
		{exp("min_tls: \"1.3\""), true, false},
		{exp("min_tls: any"), true, false},
		{exp("min_tls: 1.4"), false, false},
		{exp("min_tls: 1.25"), false, false},
		{exp("min_tls: TLSv1.2"), false, false},
		{group("targets: [a.example.org, {target: b.example.org, owner: x, expect: {ct: optional}}]"), true, false},
		{group("targets: [{owner: x}]"), false, false},
		{group("targets: [{target: b.example.org, address: 192.0.2.1}, {target: c.example.org, address: \"2001:db8::1\"}]"), true, false},
		{group("targets: [{target: b.example.org, address: \"192.0.2.1:443\"}]"), false, true},
		{group("targets: [{target: b.example.org, address: c.example.org}]"), false, false},
		{group("targets: [{target: 192.0.2.2, address: 192.0.2.1}]"), false, true},
		{group("targets: [{target: b.example.org, domains: []}]"), false, false},
		{group("targets: [\"a b\"]"), false, false},
		{group("targets: [\"http://a\"]"), false, true},
		{group("targets: [4]"), false, false},
		{group("targets: a.example.org"), false, false},
		{group("targets_from: {file: h.txt}"), true, false},
		{group("targets_from: [{file: h.csv, column: host}, {file: h.csv, column: 1}, {file: h.jsonl, field: a.b}, {file: h, format: json, field: a.b}]"), true, false},
		{group("targets_from: {file: h.txt, column: host}"), false, false},
		{group("targets_from: {file: h.csv, field: host}"), false, false},
		{group("targets_from: {file: h.csv, format: json, column: host}"), false, false},
		{group("targets_from: {file: h.csv, column: 0}"), false, false},
		{group("targets_from: {file: h, format: xml}"), false, false},
		{group("targets_from: {}"), false, false},
		{group("targets_from: h.txt"), false, false},
		{group("domains: [.example.org, example.org]"), true, false},
		{group("domains: [org]"), false, false},
		{group("domains: [\"*.example.org\"]"), false, false},
		{group("issuance: {timezone: UTC, hours: \"22:00-04:00\", renew_after: 1}"), true, false},
		{group("issuance: {hours: \"8:00-20:00\"}"), false, false},
		{group("issuance: {hours: \"24:00-25:00\"}"), false, false},
		{group("issuance: {renew_after: 0}"), false, false},
		{group("issuance: {renew_after: 50%}"), false, false},
		{group("issuance: {timezone: Nowhere}"), false, true},
		{"version: 1\nwaivers: [{rule: a-b, match: {endpoint: \"a:1\"}, reason: r, owner: o, expires: 2027-05-01}]\n", true, false},
		{"version: 1\nwaivers: [{rule: a, match: {endpoint: \"a:1\"}, reason: r, owner: o, expires: 2027-05-01}]\n", false, false},
		{"version: 1\nwaivers: [{rule: a-b, match: {}, reason: r, owner: o, expires: 2027-05-01}]\n", false, false},
		{"version: 1\nwaivers: [{rule: a-b, match: {name: x}, reason: r, owner: o, expires: 2027-05-01}]\n", false, false},
		{"version: 1\nwaivers: [{rule: a-b, match: {endpoint: \"a:1\"}, owner: o, expires: 2027-05-01}]\n", false, false},
		{"version: 1\nwaivers: [{rule: a-b, match: {endpoint: \"a:1\"}, reason: r, owner: o, expires: 2099-05-01}]\n", false, true},
	} {
		if tt.semantic {
			if err := accepts(t, s, tt.text); err != nil {
				t.Errorf("%s: the schema refuses what is no matter of form: %v", tt.text, err)
			}
		} else if err := accepts(t, s, tt.text); (err == nil) != tt.ok {
			t.Errorf("%s: the schema says %v, want accepted %t", tt.text, err, tt.ok)
		}
		_, err := loadText(tt.text, "b.yaml", "version: 1\n", "h.txt", "x1.example.org", "h", "[{\"a\":{\"b\":\"x2.example.org\"}}]",
			"h.jsonl", "{\"a\":{\"b\":\"x3.example.org\"}}", "h.csv", "host\nx4.example.org\n")
		// The row of names is no target, and that is all that is wrong there.
		if err != nil && strings.Contains(tt.text, "column: 1}") {
			err = nil
		}
		if (err == nil) != tt.ok {
			t.Errorf("%s: Load says %v, want accepted %t", tt.text, err, tt.ok)
		}
	}
}

func TestSchemaTakesExample(t *testing.T) {
	s := compiled(t)
	for _, name := range []string{"testdata/certassay.yaml", "testdata/teams/mail.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := accepts(t, s, string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var knownKeys = regexp.MustCompile(`hint: known are (.*)`)

// The schema names the very keys that the program knows, which it lists where it
// meets one that is far from all.
func TestSchemaHasEveryKey(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	const far = "qqqqqqqqqqqq: 1"
	for _, tt := range []struct {
		name, text string
		path       []string // of the schema
	}{
		{"inventory", "{version: 1, " + far + "}", nil},
		{"defaults", "{version: 1, defaults: {" + far + "}}", []string{"properties", "defaults"}},
		{"group", "{version: 1, groups: [{name: a, " + far + "}]}", []string{"$defs", "group"}},
		{"target", "{version: 1, groups: [{name: a, targets: [{target: a.b, " + far + "}]}]}", []string{"$defs", "target"}},
		{"list", "{version: 1, groups: [{name: a, targets_from: {file: h, " + far + "}}]}", []string{"$defs", "list"}},
		{"expect", "{version: 1, defaults: {expect: {" + far + "}}}", []string{"$defs", "expect"}},
		{"issuance", "{version: 1, groups: [{name: a, issuance: {" + far + "}}]}", []string{"$defs", "group", "properties", "issuance"}},
		{"waiver", "{version: 1, waivers: [{" + far + "}]}", []string{"$defs", "waiver"}},
		{"match", "{version: 1, waivers: [{match: {" + far + "}}]}", []string{"$defs", "waiver", "properties", "match"}},
	} {
		node := root
		for _, step := range tt.path {
			node = node[step].(map[string]any)
		}
		var want []string
		for key := range node["properties"].(map[string]any) {
			want = append(want, key)
		}
		slices.Sort(want)
		_, err := loadText(tt.text, "h", "a.example.org")
		if err == nil {
			t.Errorf("%s: an unknown key is taken", tt.name)
			continue
		}
		m := knownKeys.FindStringSubmatch(err.Error())
		if m == nil {
			t.Errorf("%s: no hint in %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(want, strings.Split(m[1], ", ")); diff != "" {
			t.Errorf("%s: keys of schema and program (-schema +program):\n%s", tt.name, diff)
		}
	}
}

// FuzzLoad: what is taken has the form of the schema, every target of it is
// found again by its name, and nothing is left without origin.
func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile("testdata/certassay.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add(large(3))
	f.Add("version: 1\ngroups: [{name: a, targets_from: {file: l.csv, column: 1}}]\n")
	s := compiled(f)
	f.Fuzz(func(t *testing.T, text string) {
		files := fstest.MapFS{"i": {Data: []byte(text)}, "l.csv": {Data: []byte(text)}, "l.json": {Data: []byte(text)}, "l.txt": {Data: []byte(text)}}
		inv, err := Load("i", Options{FS: files, At: at})
		if err != nil {
			if strings.ContainsAny(strings.ReplaceAll(err.Error(), "\n", ""), "\x1b\r\x00\u202e") {
				t.Errorf("the error could steer a terminal: %q", err)
			}
			return
		}
		if err := accepts(t, s, text); err != nil {
			t.Errorf("the schema refuses what Load takes: %v", err)
		}
		for _, e := range inv.Entries() {
			for target := range e.Spec.All() {
				if found := inv.Find(target.ID()); found == nil || !found.Spec.Covers(target) {
					t.Errorf("%s is not found", target.ID())
				}
				break
			}
			for _, s := range e.Settings() {
				if s.Place.Line == 0 || s.Layer == "" {
					t.Errorf("%s of %s has no origin", s.Key, e.Spec.Raw())
				}
			}
		}
	})
}

// FuzzList: whatever a list holds, every target of it has a place in it at which
// it stands, and two readings give the same.
func FuzzList(f *testing.F) {
	f.Add("target,x\na.example.org,1\n\"b.example.org\",2\n", uint8(0))
	f.Add("[{\"h\": [\"a.example.org\", {\"h\": 1}]},\n {\"h\": \"b.example.org\"}]", uint8(1))
	f.Add("a.example.org # one\r\n\r\n192.0.2.0/28\n", uint8(2))
	lists := []string{"{file: l, format: csv}", "{file: l, format: json, field: h}", "{file: l}"}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		from := lists[int(kind)%len(lists)]
		load := func() ([]string, error) {
			inv, err := loadText("version: 1\ngroups: [{name: a, targets_from: "+from+"}]\n", "l", text)
			if err != nil {
				return nil, err
			}
			var out []string
			for _, e := range inv.Entries() {
				out = append(out, e.Spec.Raw()+" "+e.Place.String())
				lines := strings.Split(text, "\n")
				if e.Place.File != "l" || e.Place.Line < 1 || e.Place.Line > len(lines) || e.Place.Col < 1 {
					t.Errorf("%q is at %s", e.Spec.Raw(), e.Place)
				} else if kind%3 == 2 && !strings.Contains(lines[e.Place.Line-1], e.Spec.Raw()) {
					t.Errorf("%q does not stand at %s", e.Spec.Raw(), e.Place)
				}
			}
			if len(out) == 0 != (len(inv.Empty) == 1) {
				t.Errorf("%d targets, empty lists %v", len(out), inv.Empty)
			}
			return out, nil
		}
		first, err := load()
		second, again := load()
		if diff := cmp.Diff(first, second); diff != "" || (err == nil) != (again == nil) {
			t.Errorf("read twice: %s, %v, %v", diff, err, again)
		}
	})
}
