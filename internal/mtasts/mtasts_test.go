package mtasts

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	const good = "v=STSv1; id=20160831085700Z;"
	for _, tt := range []struct {
		name  string
		texts []string
		id    string
	}{
		{"of the RFC", []string{good}, "20160831085700Z"},
		{"without a last semicolon", []string{"v=STSv1;id=a"}, "a"},
		{"an extension", []string{"v=STSv1 ;\tx=1; id=a ; y=2"}, "a"},
		{"among others", []string{"v=spf1 -all", good, "v=STSv11; id=b"}, "20160831085700Z"},
		{"none", nil, ""},
		{"two", []string{good, good}, ""},
		{"two, one malformed", []string{good, "v=STSv1;"}, ""},
		{"no id", []string{"v=STSv1; x=1"}, ""},
		{"two ids", []string{"v=STSv1; id=a; id=b"}, ""},
		{"an empty id", []string{"v=STSv1; id=;"}, ""},
		{"an id of 32", []string{"v=STSv1; id=" + strings.Repeat("a", 32)}, strings.Repeat("a", 32)},
		{"a longer id", []string{"v=STSv1; id=" + strings.Repeat("a", 33)}, ""},
		{"another character", []string{"v=STSv1; id=a-b"}, ""},
		{"an empty field", []string{"v=STSv1;; id=a"}, ""},
		{"a field without a value", []string{"v=STSv1; id=a; x"}, ""},
		{"a field without a name", []string{"v=STSv1; id=a; =x"}, ""},
		{"the version alone", []string{"v=STSv1"}, ""},
		{"the version in another case", []string{"v=stsv1; id=a"}, ""},
		{"something before", []string{" v=STSv1; id=a"}, ""},
	} {
		if id, ok := Find(tt.texts); id != tt.id && ok || ok != (tt.id != "") {
			t.Errorf("%s: Find = %q, %v, want %q", tt.name, id, ok, tt.id)
		}
	}
}

func TestParsePolicy(t *testing.T) {
	const rest = "\nmode: enforce\nmx: a.example\nmax_age: 86400\n"
	for _, tt := range []struct {
		name, text string
		want       *Policy
		err        string
	}{
		{"of the RFC", "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.Example.net\r\nmax_age: 604800\r\n",
			&Policy{Enforce, []string{"mail.example.com", "*.example.net"}, 604800}, ""},
		{"no end of line", "version:STSv1\nmode:testing\nmx:a.example\nmax_age:0", &Policy{Testing, []string{"a.example"}, 0}, ""},
		{"none needs no mx", "version: STSv1\nmode: none\nmax_age: 1", &Policy{None, nil, 1}, ""},
		{"the first one counts", "version: STSv1\nmode: enforce\nmode: none\nmx: a.example\nmax_age: 1\nversion: x\nmax_age: 2",
			&Policy{Enforce, []string{"a.example"}, 1}, ""},
		{"unknown fields, blank lines and ends", "version: STSv1 \n\nx: y: z\n" + rest, &Policy{Enforce, []string{"a.example"}, 86400}, ""},
		{"another version", "version: STSv2" + rest, nil, "version"},
		{"no version", rest, nil, "version"},
		{"another mode", "version: STSv1\nmode: strict\nmx: a\nmax_age: 1", nil, "mode"},
		{"no mode", "version: STSv1\nmx: a\nmax_age: 1", nil, "mode"},
		{"no mx", "version: STSv1\nmode: enforce\nmax_age: 1", nil, "no mx"},
		{"no mx in testing", "version: STSv1\nmode: testing\nmax_age: 1", nil, "no mx"},
		{"no max_age", "version: STSv1\nmode: none", nil, "max_age"},
		{"a negative max_age", "version: STSv1\nmode: none\nmax_age: -1", nil, "max_age"},
		{"a long max_age", "version: STSv1\nmode: none\nmax_age: 00000000001", nil, "max_age"},
		{"no field", "version: STSv1\nhello" + rest, nil, "line 2"},
		{"no key", "version: STSv1\n: x" + rest, nil, "line 2"},
		{"no value", "version: STSv1\nmx:" + rest, nil, "line 2"},
		{"an empty label", "version: STSv1\nmx: a..example" + rest, nil, "host name"},
		{"an asterisk elsewhere", "version: STSv1\nmx: a.*.example" + rest, nil, "host name"},
		{"an asterisk alone", "version: STSv1\nmx: *" + rest, nil, "host name"},
		{"another alphabet", "version: STSv1\nmx: \u0430.example" + rest, nil, "host name"},
		{"a long label", "version: STSv1\nmx: " + strings.Repeat("a", 64) + rest, nil, "host name"},
		{"a long name", "version: STSv1\nmx: " + strings.Repeat("a.", 130) + "a" + rest, nil, "host name"},
		{"too long", "version: STSv1" + rest + strings.Repeat("\n", MaxPolicy), nil, "longer than"},
		{"a page", "<html>\n<p>portal</p>", nil, "line 1"},
	} {
		got, err := ParsePolicy([]byte(tt.text))
		switch {
		case tt.err == "" && (err != nil || !cmp.Equal(got, tt.want)):
			t.Errorf("%s: %v, %s", tt.name, err, cmp.Diff(tt.want, got))
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.err)
		}
	}
}

func TestAllows(t *testing.T) {
	p := &Policy{MX: []string{"mail.example.com", "*.example.net"}}
	for host, want := range map[string]bool{
		"mail.example.com": true, "MAIL.example.com.": true, "a.example.net": true,
		"example.net": false, ".example.net": false, "a.b.example.net": false, "evil-example.net": false,
		"a.mail.example.com": false, "example.com": false, "": false,
	} {
		if got := p.Allows(host); got != want {
			t.Errorf("Allows(%q) = %v, want %v", host, got, want)
		}
	}
}

// FuzzParsePolicy: what is read is usable, says the same when it is written down
// again, and allows what it names and nothing below.
func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"))
	f.Add([]byte("version: STSv1\nmode: none\nmax_age: 1\nx: y"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePolicy(text)
		if err != nil {
			return
		}
		again := fmt.Sprintf("version: STSv1\nmode: %s\nmax_age: %d\n", p.Mode, p.MaxAge)
		for _, mx := range p.MX {
			again += "mx: " + mx + "\n"
			host := strings.Replace(mx, "*", "label", 1)
			if !p.Allows(host) || (&Policy{MX: []string{mx}}).Allows("label.below."+host) {
				t.Errorf("%q allows %q %v, and what is below it", mx, host, p.Allows(host))
			}
		}
		if len(again) > MaxPolicy {
			return
		}
		if q, err := ParsePolicy([]byte(again)); err != nil || !cmp.Equal(p, q) || p.Mode != None && len(p.MX) == 0 {
			t.Errorf("written down again: %v, %s", err, cmp.Diff(p, q))
		}
	})
}
