package inventory

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/target"
)

const (
	pinA = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	pinB = "sha256/Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU="
	pinC = "sha256/kvp87NXOn25iHgL0zw4FnvLjlMTUBcT/ACdap3xlUI8="
)

func pinOf(t testing.TB, s string) expect.Pin {
	t.Helper()
	p, err := expect.ParsePin(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func loaded(t testing.TB, text string) *Inventory {
	t.Helper()
	inv, err := Load(FileName, Options{FS: fstest.MapFS{}, Overlay: map[string][]byte{FileName: []byte(text)}, At: time.Unix(1.8e9, 0)})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return inv
}

func entry(t testing.TB, inv *Inventory, text string) *Entry {
	t.Helper()
	spec, err := target.Parse(text, target.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	for tt := range spec.All() {
		if e := inv.Find(tt.ID()); e != nil {
			return e
		}
	}
	t.Fatalf("%s is not listed", text)
	return nil
}

func TestAmend(t *testing.T) {
	noted := pinOf(t, pinA)
	noted.Note, noted.Until = `learnt "today"`, time.Date(2027, 5, 2, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, before, after string
		add                 []string // targets that are new
		keys                []expect.Pin
		issuers             []string
		replace             bool
	}{
		{
			name:   "a target on a line of its own",
			before: "version: 1\ngroups:\n  # web\n  - name: web\n\n    targets:\n      - a.example # the first\n      - b.example\n",
			after:  "version: 1\ngroups:\n  # web\n  - name: web\n\n    targets:\n      - target: a.example # the first\n        # seen\n        expect:\n          keys:\n            - \"" + pinA + "\"\n      - b.example\n",
			keys:   []expect.Pin{pinOf(t, pinA)},
		},
		{
			name:   "in brackets",
			before: "version: 1\ngroups: [{name: web, targets: [a.example, 'b.example']}] # all\n",
			after:  "version: 1\ngroups: [{name: web, targets: [{target: a.example, expect: {keys: [\"" + pinA + "\"]}}, 'b.example']}] # all\n",
			keys:   []expect.Pin{pinOf(t, pinA)},
		},
		{
			name:   "in brackets and quotes, with a note",
			before: "version: 1\ngroups: [{name: \"w]eb\", targets: [\"a.example\"]}]\n",
			after:  "version: 1\ngroups: [{name: \"w]eb\", targets: [{target: \"a.example\", expect: {keys: [{pin: \"" + pinA + "\", until: 2027-05-01, note: \"learnt \\\"today\\\"\"}]}}]}]\n",
			keys:   []expect.Pin{noted},
		},
		{
			name:   "a target with settings and without expectations",
			before: "version: 1\ngroups:\n- name: web\n  targets:\n  - owner: me\n    target: a.example\n    fail_on: low\n",
			after:  "version: 1\ngroups:\n- name: web\n  targets:\n  - owner: me\n    target: a.example\n    # seen\n    expect:\n      keys:\n        - \"" + pinA + "\"\n    fail_on: low\n",
			keys:   []expect.Pin{pinOf(t, pinA)},
		},
		{
			name:   "other expectations",
			before: "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect:\n      min_tls: 1.2 # no older\n\n    owner: me\n",
			after:  "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect:\n      min_tls: 1.2 # no older\n      keys:\n        - \"" + pinA + "\"\n\n    owner: me\n",
			keys:   []expect.Pin{pinOf(t, pinA)},
		},
		{
			name:    "other expectations in brackets",
			before:  "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect: {min_tls: 1.2}\n",
			after:   "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect: {issuers: [\"" + pinB + "\"], min_tls: 1.2}\n",
			issuers: []string{pinB},
		},
		{
			name:   "one more pin",
			before: "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect:\n      keys:\n      - " + pinB + " # in the safe\n      - {pin: " + pinC + ", note: old}\n      ct: optional\n",
			after:  "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect:\n      keys:\n      - " + pinB + " # in the safe\n      - {pin: " + pinC + ", note: old}\n      - \"" + pinA + "\"\n      ct: optional\n",
			keys:   []expect.Pin{pinOf(t, pinB), pinOf(t, pinA), pinOf(t, pinC)},
		},
		{
			name:   "one more pin in brackets over lines",
			before: "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect:\n      keys: [\n        " + pinB + " # ]\n      ]\n",
			after:  "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect:\n      keys: [\n        " + pinB + " # ]\n      , \"" + pinA + "\"]\n",
			keys:   []expect.Pin{pinOf(t, pinB), pinOf(t, pinA)},
		},
		{
			name:    "other pins",
			before:  "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect:\n      # all\n      keys:\n      - " + pinB + "\n      - pin: " + pinC + "\n        note: old\n      ct: optional\n",
			after:   "version: 1\ngroups:\n- name: web\n  targets:\n  - target: a.example\n    expect:\n      # all\n      keys:\n      - " + pinB + "\n      - \"" + pinA + "\"\n      ct: optional\n",
			keys:    []expect.Pin{pinOf(t, pinB), pinOf(t, pinA)},
			replace: true,
		},
		{
			name:    "other pins in brackets",
			before:  "version: 1\ngroups:\n- name: web\n  targets:\n  - {target: a.example, expect: {keys: [" + pinB + "]}}\n",
			after:   "version: 1\ngroups:\n- name: web\n  targets:\n  - {target: a.example, expect: {keys: [\"" + pinA + "\"]}}\n",
			keys:    []expect.Pin{pinOf(t, pinA)},
			replace: true,
		},
		{
			name:   "an empty list",
			before: "version: 1\ngroups:\n- name: web\n  targets:\n  - {target: a.example, expect: {keys: []}}\n",
			after:  "version: 1\ngroups:\n- name: web\n  targets:\n  - {target: a.example, expect: {keys: [\"" + pinA + "\"]}}\n",
			keys:   []expect.Pin{pinOf(t, pinA)},
		},
		{
			name:   "new targets, and no line break at the end",
			before: "version: 1\ngroups:\n  - name: web\n    targets:\n      - b.example",
			after:  "version: 1\ngroups:\n  - name: web\n    targets:\n      - b.example\n      - target: a.example\n        # seen\n        expect:\n          keys:\n            - \"" + pinA + "\"\n      - target: \"[2001:db8::1]:443\"\n        # seen\n        expect:\n          keys:\n            - \"" + pinA + "\"\n",
			add:    []string{"a.example", "[2001:db8::1]:443"},
			keys:   []expect.Pin{pinOf(t, pinA)},
		},
		{
			name:   "a new group",
			before: "version: 1\r\ngroups:\r\n  - name: mail\r\n    targets: [b.example]\r\nwaivers: [] # none\r\n",
			after:  "version: 1\r\ngroups:\r\n  - name: mail\r\n    targets: [b.example]\r\n  - name: web\r\n    trust: [public]\r\n    targets:\r\n      - target: a.example\r\n        # seen\r\n        expect:\r\n          issuers:\r\n            - \"" + pinA + "\" # CN=CA\r\nwaivers: [] # none\r\n",
			add:    []string{"a.example"}, issuers: []string{pinA},
		},
		{
			name:   "no groups",
			before: "version: 1\n# nothing yet\n",
			after:  "version: 1\n# nothing yet\ngroups:\n  - name: web\n    trust: [public]\n    targets:\n      - a.example\n",
			add:    []string{"a.example"},
		},
		{
			name:   "no groups, in brackets",
			before: "version: 1\ngroups: []\nwaivers: []\n",
			after:  "version: 1\ngroups: \n  - name: web\n    trust: [public]\n    targets:\n      - a.example\nwaivers: []\n",
			add:    []string{"a.example"},
		},
		{
			name:   "a group without targets of its own",
			before: "version: 1\ngroups:\n  - name: web\n    owner: me\n",
			after:  "version: 1\ngroups:\n  - name: web\n    targets:\n      - a.example\n    owner: me\n",
			add:    []string{"a.example"},
		},
		{
			name:   "a group in brackets",
			before: "version: 1\ngroups:\n  - {name: web, targets: []}\n",
			after:  "version: 1\ngroups:\n  - {name: web, targets: [{target: a.example, expect: {keys: [\"" + pinA + "\"]}}]}\n",
			add:    []string{"a.example"}, keys: []expect.Pin{pinOf(t, pinA)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := loaded(t, tt.before)
			base := Change{Group: "web", Trust: []string{"public"}, Keys: tt.keys, Replace: tt.replace, Comment: "seen", Notes: map[string]string{pinA: "CN=CA"}}
			for _, text := range tt.issuers {
				i, err := expect.ParseIssuerKey(text)
				if err != nil {
					t.Fatal(err)
				}
				base.Issuers = append(base.Issuers, i)
			}
			var changes []Change
			if tt.add == nil {
				c := base
				c.Target, c.Place = "a.example", entry(t, inv, "a.example").Place
				changes = append(changes, c)
				tt.add = []string{"a.example"}
			} else {
				for _, text := range tt.add {
					c := base
					c.Target = text
					changes = append(changes, c)
				}
			}
			got, err := Amend([]byte(tt.before), changes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			after := loaded(t, string(got))
			for _, text := range tt.add {
				e := entry(t, after, text).Terms().Expect
				if len(e.Keys) != len(tt.keys) || len(e.Issuers) != len(tt.issuers) {
					t.Fatalf("%s: %d keys, %d issuers, want %d, %d", text, len(e.Keys), len(e.Issuers), len(tt.keys), len(tt.issuers))
				}
				for _, p := range tt.keys {
					if !slices.ContainsFunc(e.Keys, p.Same) {
						t.Errorf("%s is not pinned", p)
					}
				}
			}
			// What is there already changes nothing.
			for i := range changes {
				changes[i].Place = entry(t, after, changes[i].Target).Place
			}
			if again, err := Amend(got, changes); err != nil || string(again) != string(got) && !tt.replace {
				t.Errorf("a second time: %v\n%s", err, cmp.Diff(string(got), string(again)))
			}
			for _, l := range strings.Split(strings.TrimSpace(tt.before), "\n") {
				if i := strings.Index(l, "#"); i >= 0 && !strings.Contains(string(got), strings.TrimSpace(l[i:])) {
					t.Errorf("the comment %q is lost", l[i:])
				}
			}
		})
	}
}

func TestAmendRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no such place":        "version: 1\ngroups:\n- name: web\n  targets: [b.example]\n",
		"everything in braces": "{version: 1}",
		"not a mapping":        "[]",
		"not YAML":             "a: [",
	} {
		changes := []Change{{Target: "a.example", Group: "new", Keys: []expect.Pin{pinOf(t, pinA)}}}
		if name == "no such place" {
			changes[0].Place = expect.Place{Line: 1, Col: 1}
		}
		if got, err := Amend([]byte(text), changes); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// FuzzAmend: whatever an inventory looks like, a pin that was written into it is
// there when it is read again, or reading fails, which the caller sees; nothing
// panics, and other targets keep their pins.
func FuzzAmend(f *testing.F) {
	f.Add("version: 1\ngroups:\n- name: web\n  targets:\n  - a.example # x\n  - {target: b.example, expect: {keys: [\""+pinB+"\"]}}\n", true)
	f.Add("version: 1\ngroups: [{name: web, targets: ['a.example']}]", false)
	f.Fuzz(func(t *testing.T, text string, fresh bool) {
		load := func(text []byte) (*Inventory, error) {
			return Load(FileName, Options{FS: fstest.MapFS{}, Overlay: map[string][]byte{FileName: text}, At: time.Unix(1.8e9, 0)})
		}
		inv, err := load([]byte(text))
		if err != nil {
			return
		}
		c := Change{Target: "new.example", Group: "web", Keys: []expect.Pin{pinOf(t, pinA)}}
		if !fresh {
			if len(inv.Entries()) == 0 {
				return
			}
			e := inv.Entries()[0]
			c.Target, c.Place = e.Spec.Raw(), e.Place
		}
		got, err := Amend([]byte(text), []Change{c})
		if err != nil {
			return
		}
		after, err := load(got)
		if err != nil {
			return
		}
		for _, e := range after.Entries() {
			if e.Spec.Raw() == c.Target && !slices.ContainsFunc(e.Terms().Expect.Keys, c.Keys[0].Same) {
				t.Errorf("the pin is lost:\n%s\n%s", text, got)
			}
		}
	})
}
