package reallogs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/lab/ctlog"
)

// An odd is a way to write a certificate for victim.example so that some parser
// refuses it, or does not see the name. No real log takes most of them, but logs
// took such ones before; so they stand in a log of ours.
type odd struct {
	make func(h *lab.Lab, t *lab.Template)
	der  func([]byte) []byte
	want bool // the name itself, and not only that nothing can be ruled out
}

func value(tag byte, text string) []byte {
	if len(text) < 128 {
		return append([]byte{tag, byte(len(text))}, text...)
	}
	return append([]byte{tag, 0x82, byte(len(text) >> 8), byte(len(text))}, text...)
}

func names(values ...[]byte) lab.Extension {
	return lab.Extension{ID: lab.IDSAN, Value: value(0x30, string(slices.Concat(values...)))}
}

func dnsName(text string) odd {
	return odd{make: func(_ *lab.Lab, t *lab.Template) { t.Set(names(value(0x82, text))) }, want: true}
}

func commonName(attrs ...lab.Attr) odd {
	return odd{make: func(_ *lab.Lab, t *lab.Template) { t.Drop(lab.IDSAN); t.Subject = lab.DN(attrs...) }, want: true}
}

func field(set func(t *lab.Template)) odd {
	return odd{make: func(_ *lab.Lab, t *lab.Template) { t.Set(names(value(0x82, "victim.example"))); set(t) }, want: true}
}

func odds() map[string]odd {
	utf16 := "\x00v\x00i\x00c\x00t\x00i\x00m\x00.\x00e\x00x\x00a\x00m\x00p\x00l\x00e"
	victim := "victim.example"
	return map[string]odd{
		"NUL before the name": dnsName("evil.test\x00victim.example"), "NUL after the name": dnsName("victim.example\x00.evil.test"),
		"upper case": dnsName("VICTIM.Example"), "trailing dot": dnsName("victim.example."), "spaces": dnsName(" victim.example "),
		"URL": dnsName("https://victim.example/path"), "newline": dnsName("evil.test\nvictim.example"),
		"wildcard above": dnsName("*.example"), "question mark": dnsName("?.example"),
		"a name of 300 bytes": {make: func(_ *lab.Lab, t *lab.Template) {
			t.Set(names(value(0x82, strings.Repeat("a", 300)), value(0x82, victim)))
		}, want: true},
		"empty name before": {make: func(_ *lab.Lab, t *lab.Template) { t.Set(names(value(0x82, ""), value(0x82, victim))) }, want: true},
		"CN UTF8":           commonName(lab.Attr{Type: "CN", Value: victim}),
		"CN BMP":            commonName(lab.Attr{Type: "CN", Value: utf16, Tag: asn1.Tag(30)}),
		"CN T61":            commonName(lab.Attr{Type: "CN", Value: victim, Tag: asn1.T61String}),
		"two CNs":           commonName(lab.Attr{Type: "CN", Value: victim}, lab.Attr{Type: "CN", Value: "ok.test"}),
		"multi-valued RDN": {make: func(_ *lab.Lab, t *lab.Template) {
			t.Drop(lab.IDSAN)
			attribute := func(arc byte, text string) []byte {
				return value(0x30, string(append([]byte{6, 3, 0x55, 4, arc}, value(0x0c, text)...)))
			}
			t.Subject = value(0x30, string(value(0x31, string(append(attribute(3, victim), attribute(10, "Org")...)))))
		}, want: true},
		"two SAN extensions": {make: func(_ *lab.Lab, t *lab.Template) {
			t.Set(names(value(0x82, victim)))
			t.Extensions = append(t.Extensions, lab.SAN("ok.test"))
		}, want: true},
		"zero byte after SAN": {make: func(_ *lab.Lab, t *lab.Template) {
			e := names(value(0x82, victim))
			e.Value = append(e.Value, 0)
			t.Set(e)
		}, want: true},
		"IP address of five bytes": {make: func(_ *lab.Lab, t *lab.Template) {
			t.Set(names(value(0x87, "\x01\x02\x03\x04\x05"), value(0x82, victim)))
		}, want: true},
		"bad URI":          {make: func(_ *lab.Lab, t *lab.Template) { t.Set(names(value(0x86, "http://[::1"), value(0x82, victim))) }, want: true},
		"name only in URI": {make: func(_ *lab.Lab, t *lab.Template) { t.Set(names(value(0x86, "https://victim.example/x"))) }, want: true},
		"negative serial":  field(func(t *lab.Template) { t.Serial = []byte{0xff, 1} }),
		"zero serial":      field(func(t *lab.Template) { t.Serial = []byte{0} }),
		"serial of 25":     field(func(t *lab.Template) { t.Serial = []byte(strings.Repeat("\x11", 25)) }),
		"serial padded":    field(func(t *lab.Template) { t.Serial = []byte{0, 0, 7} }),
		"version 1":        field(func(t *lab.Template) { t.Version = 1 }),
		"version 5":        field(func(t *lab.Template) { t.Version = 5 }),
		"ends first":       field(func(t *lab.Template) { t.NotAfter = t.NotBefore.Add(-time.Hour) }),
		"off-curve key": field(func(t *lab.Template) {
			t.SPKI = slices.Clone(lab.LeafKey().SPKI)
			t.SPKI[len(t.SPKI)-1] ^= 1
		}),
		"negative RSA modulus": field(func(t *lab.Template) {
			spki := slices.Clone(lab.LeafRSAKey().SPKI)
			for i := range spki[:len(spki)-256] { // the zero before the modulus
				if string(spki[i:i+5]) == "\x02\x82\x01\x01\x00" {
					spki[i+4] = 0xff
				}
			}
			t.SPKI = spki
		}),
		"trailing byte": {make: func(_ *lab.Lab, t *lab.Template) { t.Set(names(value(0x82, victim))) }, want: true,
			der: func(b []byte) []byte { return append(b, 0) }},
		"BER length": {make: func(_ *lab.Lab, t *lab.Template) { t.Set(names(value(0x82, victim))) }, want: true,
			der: func(b []byte) []byte { return slices.Concat([]byte{0x30, 0x83, 0}, b[2:]) }},
		"cut short": {make: func(_ *lab.Lab, t *lab.Template) { t.Set(names(value(0x82, "other.test"))) },
			der: func(b []byte) []byte { return b[:len(b)/2] }},
		"no certificate": {make: func(*lab.Lab, *lab.Template) {}, der: func([]byte) []byte { return []byte("no certificate") }},
	}
}

// No way of writing hides a name, and none harms the entries beside it.
func TestOddCertificates(t *testing.T) {
	t.Parallel()
	h := hierarchy()
	now := time.Now()
	l := ctlog.New(lab.LeafKey(), Origin, now)
	all, order := odds(), []string{}
	for name := range all {
		order = append(order, name)
	}
	slices.Sort(order)
	for _, name := range order {
		tmpl := template(h, "other.test")
		all[name].make(h, &tmpl)
		der := tmpl.Sign(h.Intermediate.Key, "")
		if all[name].der != nil {
			der = all[name].der(der)
		}
		l.Add(der, now, h.Intermediate.DER)
		l.Add(template(h, "other.test").Sign(h.Intermediate.Key, ""), now, h.Intermediate.DER) // the honest twin
	}
	dir := t.TempDir()
	if err := l.WriteTiles(dir); err != nil {
		t.Fatal(err)
	}
	for way, address := range map[string]string{"archive": "file://" + filepath.ToSlash(dir), "rfc6962": l.Serve(t, only("checkpoint", missing))} {
		got, log := search(t, 3, &Log{Key: l.Key}, address, "victim.example")
		if !log.Complete || log.Verified != uint64(2*len(order)) {
			t.Errorf("%s: searched = %+v, want all %d", way, log, 2*len(order))
		}
		hits := map[uint64]hitJSON{}
		for _, hit := range got.Hits {
			hits[hit.Index] = hit
		}
		for i, name := range order {
			hit, found := hits[uint64(2*i)]
			named := slices.ContainsFunc(hit.Matches, func(m struct{ Name, Identifier string }) bool { return m.Name == "victim.example" })
			if !found || all[name].want && !named {
				t.Errorf("%s: %s: %+v, want it found", way, name, hit)
			}
			if hit, found := hits[uint64(2*i+1)]; found {
				t.Errorf("%s: the twin of %s is found: %+v", way, name, hit)
			}
		}
	}
}

// Leaves that are no leaves are named by index; leaves as RFC 6962 logs had them,
// in an archive of tiles, are read.
func TestOddLeaves(t *testing.T) {
	t.Parallel()
	h := hierarchy()
	now := time.Now()
	l := ctlog.New(lab.LeafKey(), Origin, now)
	l.Indexed = false
	for i := range 3 {
		l.Add(template(h, fmt.Sprintf("old%d.test", i)).Sign(h.Intermediate.Key, ""), now, h.Intermediate.DER)
	}
	dir := t.TempDir()
	if err := l.WriteTiles(dir); err != nil {
		t.Fatal(err)
	}
	got, log := search(t, 0, &Log{Key: l.Key}, "file://"+filepath.ToSlash(dir), "old1.test")
	if len(got.Hits) != 1 || !log.Complete || len(log.Odd) != 0 {
		t.Errorf("archive of an RFC 6962 log: %+v, want one hit and nothing odd", got)
	}
	l.AddLeaf([]byte("no leaf at all"))
	l.Add(template(h, "last.test").Sign(h.Intermediate.Key, ""), now, h.Intermediate.DER)
	got, log = search(t, 3, &Log{Key: l.Key}, l.Serve(t, only("checkpoint", missing)), "last.test")
	if len(got.Hits) != 2 || got.Hits[0].Index != 3 || got.Hits[1].Index != 4 || log.Verified != 5 || len(log.Odd) != 1 || log.Odd[0].From != 3 {
		t.Errorf("a leaf that is none: %+v, want it odd and not ruled out, and what follows found", got)
	}
	// In a tile nothing says where the next entry begins.
	dir = t.TempDir()
	if err := l.WriteTiles(dir); err != nil {
		t.Fatal(err)
	}
	if got, log = search(t, 3, &Log{Key: l.Key}, "file://"+filepath.ToSlash(dir), "last.test"); log.Complete || gapsOf(log) == 0 {
		t.Errorf("a tile with a leaf that is none: %+v, want a gap", got)
	}
}

// An internationalised name is watched by either spelling, and found in either.
func TestOddSpellings(t *testing.T) {
	t.Parallel()
	h := hierarchy()
	now := time.Now()
	l := ctlog.New(lab.LeafKey(), Origin, now)
	spellings := []string{"xn--bcher-kva.example", "bücher.example", "B\xfcCHER.example", "XN--BCHER-KVA.example.", "*.example"}
	for _, s := range append(spellings, "buecher.example", "xn--.example") {
		tmpl := template(h, "other.test")
		tmpl.Set(names(value(0x82, s)))
		l.Add(tmpl.Sign(h.Intermediate.Key, ""), now, h.Intermediate.DER)
	}
	dir := t.TempDir()
	if err := l.WriteTiles(dir); err != nil {
		t.Fatal(err)
	}
	for _, watched := range []string{"bücher.example", "xn--bcher-kva.example", "BÜCHER.example"} {
		got, _ := search(t, 3, &Log{Key: l.Key}, "file://"+filepath.ToSlash(dir), watched)
		var found []uint64
		for _, hit := range got.Hits {
			found = append(found, hit.Index)
		}
		// xn-- alone is no encoding of anything, so that it cannot be ruled out.
		if slices.Contains(found, 5) || len(found) < len(spellings) || found[len(spellings)-1] != uint64(len(spellings)-1) {
			t.Errorf("%s is found in %v, want in %q", watched, found, spellings)
		}
	}
}
