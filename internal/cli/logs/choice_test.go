package logs

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
)

// known are two logs of the laboratory.
func known() *ct.LogList {
	a, b := lab.Logs()[0].Key.SPKI, lab.Logs()[1].Key.SPKI
	return ct.NewList([]*ct.Log{
		ct.NewLog("Lab 'Willow2026h1'", a, false, "https://willow.example/2026h1/", ""),
		ct.NewLog("Lab 'Willow2026h2'", b, true, "https://submit.example/willow/", "https://monitor.example/willow/"),
	})
}

func names(choices []*Choice) (out []string) {
	for _, ch := range choices {
		out = append(out, ch.Log.Name)
	}
	return out
}

// A log is named by its addresses, its id in either form, and a part of its name.
func TestPick(t *testing.T) {
	list := known()
	first, second := list.Logs()[0], list.Logs()[1]
	for _, tt := range []struct {
		text string
		want []*ct.Log
	}{
		{"https://willow.example/2026h1", []*ct.Log{first}},
		{"HTTPS://Willow.example/2026h1/", []*ct.Log{first}},
		{"https://submit.example/willow/", []*ct.Log{second}},
		{"https://monitor.example/willow", []*ct.Log{second}},
		{hex.EncodeToString(first.ID[:]), []*ct.Log{first}},
		{strings.ToUpper(hex.EncodeToString(first.ID[:])), []*ct.Log{first}},
		{base64.StdEncoding.EncodeToString(second.ID[:]), []*ct.Log{second}},
		{"willow2026H2", []*ct.Log{second}},
		{"willow", []*ct.Log{first, second}},
		{"https://willow.example/", nil},
		{"oak", nil},
		{"", nil},
	} {
		choices, err := Pick(list, tt.text)
		if (err == nil) != (tt.want != nil) || len(choices) != len(tt.want) {
			t.Errorf("Pick(%q) = %q, %v", tt.text, names(choices), err)
			continue
		}
		for i, ch := range choices {
			if ch.Log != tt.want[i] || ch.Own {
				t.Errorf("Pick(%q) = %q, own %v", tt.text, names(choices), ch.Own)
			}
		}
	}
}

// A log of the user's own has the key in base64, or in a file in DER or PEM. A key
// that no log can have is refused before anybody is asked.
func TestPickOwn(t *testing.T) {
	key := lab.LeafKey().SPKI
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, text := range map[string]string{
		"base64": base64.StdEncoding.EncodeToString(key),
		"DER":    file("key.der", key),
		"PEM":    file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: key})),
	} {
		choices, err := Pick(known(), "https://own.example/log/="+text)
		if err != nil || len(choices) != 1 {
			t.Errorf("%s: %q, %v", name, names(choices), err)
			continue
		}
		ch := choices[0]
		if !ch.Own || ch.Address != "https://own.example/log/" || ch.Log.Name != "https://own.example/log" || string(ch.Log.Key) != string(key) {
			t.Errorf("%s: %+v of %+v", name, ch, ch.Log)
		}
	}
	for name, text := range map[string]string{
		"no such file": filepath.Join(dir, "none"),
		"no key":       file("garbage", []byte("garbage")),
		"too long":     file("long", make([]byte, maxLogKey+1)),
		"nothing":      "",
	} {
		if choices, err := Pick(known(), "https://own.example/log/="+text); err == nil {
			t.Errorf("%s: %q, want an error", name, names(choices))
		}
	}
}

// Each log is chosen once, in the order of the flags; without flags those that the
// command means. One name that fits nothing spoils all.
func TestChoose(t *testing.T) {
	list := known()
	for _, tt := range []struct {
		flags []string
		want  []string
		wrong bool
	}{
		{nil, []string{"Lab 'Willow2026h2'"}, false},
		{[]string{"h2", "willow"}, []string{"Lab 'Willow2026h2'", "Lab 'Willow2026h1'"}, false},
		{[]string{"h1", "oak"}, []string{"Lab 'Willow2026h1'"}, true},
	} {
		f := &Flags{Logs: tt.flags}
		choices, err := f.Choose(list, func(l *ct.Log) bool { return l.Tiled })
		if got := names(choices); !slices.Equal(got, tt.want) || (err != nil) != tt.wrong {
			t.Errorf("%q: %q, %v, want %q", tt.flags, got, err, tt.want)
		}
	}
	// One's own log is another choice than the listed one with its key: it may have
	// another address.
	f := &Flags{Logs: []string{"h1", "https://copy.example/=" + base64.StdEncoding.EncodeToString(list.Logs()[0].Key)}}
	if choices, err := f.Choose(list, nil); err != nil || len(choices) != 2 || choices[0].Own || !choices[1].Own {
		t.Errorf("a listed log and a copy: %q, %v", names(choices), err)
	}
}

func TestOne(t *testing.T) {
	all, err := Pick(known(), "willow")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := One(all, "willow"); err == nil || !strings.Contains(err.Error(), "names 2 logs") {
		t.Errorf("One of two: %v", err)
	}
	if ch, err := One(all[1:], "h2"); err != nil || ch != all[1] {
		t.Errorf("One = %v, %v", ch, err)
	}
}

// What no log can be asked with is refused.
func TestCheck(t *testing.T) {
	good := Flags{Format: "text", Rate: 10, Timeout: time.Second}
	for name, tt := range map[string]struct {
		change func(*Flags)
		want   string
	}{
		"as it is":         {func(*Flags) {}, ""},
		"format":           {func(f *Flags) { f.Format = "jsno" }, "unknown format"},
		"no rate":          {func(f *Flags) { f.Rate = 0 }, "--rate"},
		"no number":        {func(f *Flags) { f.Rate = math.NaN() }, "--rate"},
		"too fast":         {func(f *Flags) { f.Rate = 1001 }, "--rate"},
		"no time":          {func(f *Flags) { f.Timeout = 0 }, "--timeout"},
		"header in header": {func(f *Flags) { f.Contact = "a\r\nX: b" }, "--contact"},
		"comment":          {func(f *Flags) { f.Contact = "me)" }, "--contact"},
		"contact":          {func(f *Flags) { f.Contact = "security@example.org" }, ""},
		"proxy":            {func(f *Flags) { f.via = "socks5://127.0.0.1:1080" }, ""},
		"no proxy":         {func(f *Flags) { f.via = "gopher://x" }, "gopher"},
	} {
		f := good
		tt.change(&f)
		err := f.Check(&call.Call{}, "text", "json")
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// Where the logs are asked from is said without passwords, and who asks without
// anything but what was given.
func TestVantage(t *testing.T) {
	f := Flags{Format: "text", Rate: 10, Timeout: time.Second, via: "socks5://me:secret@127.0.0.1:1080", Contact: "me@example.org"}
	if v := (&Flags{}).Vantage(); v != "direct" {
		t.Errorf("Vantage = %q", v)
	}
	if err := f.Check(&call.Call{}, "text"); err != nil {
		t.Fatal(err)
	}
	if v := f.Vantage(); !strings.Contains(v, "127.0.0.1:1080") || strings.Contains(v, "secret") {
		t.Errorf("Vantage = %q", v)
	}
	o := f.Options(true)
	if !o.Private || o.Via == nil || !strings.HasPrefix(o.UserAgent, "certassay/") || !strings.HasSuffix(o.UserAgent, " (me@example.org)") {
		t.Errorf("options %+v", o)
	}
	if o := (&Flags{}).Options(false); o.Private || o.Via != nil || strings.Contains(o.UserAgent, "(") {
		t.Errorf("options %+v", o)
	}
	if _, err := (&Flags{Data: t.TempDir()}).Known(); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty directory of data: %v, want a hint and no system's error", err)
	}
}
