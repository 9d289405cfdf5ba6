package ctlog

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

var pages = []string{
	`{"entries":[{"leaf_input":"AAAA","extra_data":"AAAB"},{"leaf_input":"AA==","extra_data":""}]}`,
	`{"entries":[{"extra_data":"AAAB","leaf_input":"AAAA"}]}`,
	`{ "entries" : [ {"leaf_input":"AAAA"} ], "more": 1}`,
	`{"entries":[{"leaf_input":"\u0041AAA","extra_data":"AA\/B"}]}`,
	`{"entries":[]}`, `{"entries":null}`, `{}`, ``, `[]`,
	`{"entries":[{"leaf_input":"AAAA","extra_data":"AAAB"}]}x`,
	`{"entries":[{"leaf_input":"A","extra_data":"AAAB"}]}`,
	"{\"entries\":[{\"leaf_input\":\"AA\nAA\",\"extra_data\":\"AAAB\"}]}",
	`{"entries":[{"leaf_input":"AAAA","extra_data":"AAAB"},`,
}

// leafOf is a leaf of a kind, in base64, as far as reading a page looks at it.
func leafOf(kind byte) string {
	return base64.StdEncoding.EncodeToString([]byte{11: kind, 12: 0})
}

// extraOf is the extra data of a precertificate of n octets, or of a certificate if n
// is negative, with a chain.
func extraOf(n int, chain string) string {
	b := append([]byte{0, 0, byte(len(chain))}, chain...)
	if n >= 0 {
		b = append(append([]byte{0, 0, byte(n)}, bytes.Repeat([]byte{0xa5}, n)...), b...)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// pageOf is a page of entries under few chains.
func pageOf(entries int) string {
	var all []string
	for i := range entries {
		chain := strings.Repeat("issuer", i%3+3)
		kind, extra := byte(0), extraOf(-1, chain)
		if i%2 == 0 {
			kind, extra = 1, extraOf(i%7, chain)
		}
		all = append(all, `{"leaf_input":"`+leafOf(kind)+`","extra_data":"`+extra+`"}`)
	}
	return `{"entries":[` + strings.Join(all, ",") + `]}`
}

// Chains that are met again are the same octets, wherever they begin, and a text that
// only looks as if it ended like another one is refused as ever.
func TestKnownChains(t *testing.T) {
	var k knownChains
	chain := "a chain of certificates"
	space := make([]byte, 0, 1<<10)
	for range 2 {
		for n := -1; n < 12; n++ {
			leaf := []byte{11: byte(min(n+1, 1))}
			text := extraOf(n, chain)
			want, _ := base64.StdEncoding.DecodeString(text)
			if got, ok := k.decode(space, []byte(text), leaf); !ok || !bytes.Equal(got, want) {
				t.Errorf("decode(%d octets before the chain) = %q, %v, want %q", n, got, ok, want)
			}
		}
	}
	if len(k.known) > 4 {
		t.Errorf("%d ends are remembered of one chain, want one for each position", len(k.known))
	}
	end := string(k.known[0].text)
	for _, before := range []string{"AAA=", "AA==", "AAA", "A*AA", "\n"} {
		text := before + end
		got, ok := k.decode(space, []byte(text), nil)
		if _, err := base64.StdEncoding.DecodeString(text); ok != (err == nil && before != "\n") {
			t.Errorf("decode(%q) = %q, %v, package base64 says %v", text, got, ok, err)
		}
	}
	for i := range 100 {
		k.decode(space, []byte(extraOf(-1, strings.Repeat("x", i+1))), nil)
	}
	if len(k.known) > maxKnownChains {
		t.Errorf("%d chains are remembered, want %d", len(k.known), maxKnownChains)
	}
}

// However a page is read, it is what encoding/json makes of it.
func FuzzPage(f *testing.F) {
	for _, p := range append(pages, pageOf(3), pageOf(9)) {
		f.Add([]byte(p))
	}
	var p page // one for all, as a search has it: nothing of one page may be left in the next
	f.Fuzz(func(t *testing.T, b []byte) {
		err := p.decode(b)
		got := p.entries
		var want struct{ Entries []entryJSON }
		wantErr := json.Unmarshal(b, &want)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("decode = %v, encoding/json says %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if len(got) != len(want.Entries) {
			t.Fatalf("%d entries, want %d", len(got), len(want.Entries))
		}
		for i := range got {
			if !bytes.Equal(got[i].Leaf, want.Entries[i].Leaf) || !bytes.Equal(got[i].Extra, want.Entries[i].Extra) {
				t.Fatalf("entry %d differs", i)
			}
		}
	})
}

// What decode64 gives is what package base64 gives, behind what was there; line ends
// apart, it gives it for all.
func FuzzDecode64(f *testing.F) {
	for _, s := range []string{"", "AA==", "AAA=", "AAAA", "A", "====", "AAAAAAAAAAAAAAAAAA==", "AAAAAAAA\nAAAAAAAA", "AAAAAAAAAAAAAAA\r\n", "AAAA==AAAAAAAAAA", "+/+/+/+/+/+/+/+/"} {
		f.Add([]byte(s))
		f.Add([]byte(base64.StdEncoding.EncodeToString([]byte(s + "some more octets"))))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		const before = "before"
		space := append(make([]byte, 0, len(before)+len(text)/4*3+16), before...)
		got, ok := decode64(space, text)
		want, err := base64.StdEncoding.DecodeString(string(text))
		if lines := bytes.ContainsAny(text, "\r\n"); ok != (err == nil && !lines) {
			t.Fatalf("decode64(%q) = %v, package base64 says %v", text, ok, err)
		}
		if ok && string(got) != before+string(want) {
			t.Fatalf("decode64(%q) = %x, want %x", text, got, before+string(want))
		}
		if _, ok := decode64(make([]byte, 0, len(text)/2), text); ok && len(want) > len(text)/2 {
			t.Fatalf("decode64(%q) into too little room = ok", text)
		}
	})
}

// What logs write is read quickly, or the test above compares nothing.
func TestPageIsQuick(t *testing.T) {
	if !new(page).quick([]byte(pages[0] + "\n")) {
		t.Errorf("quick(%s) = false, want true", pages[0])
	}
	if p := pageOf(40); !new(page).quick([]byte(p)) {
		t.Errorf("quick(%s) = false, want true", p)
	}
	for _, p := range pages[1:] {
		if new(page).quick([]byte(p)) {
			t.Errorf("quick(%q) = true, want it left to encoding/json", p)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	leaf := strings.Repeat("ABCD", 500)
	text := []byte(`{"entries":[` + strings.TrimSuffix(strings.Repeat(`{"leaf_input":"`+leaf+`","extra_data":"`+leaf+leaf+`"},`, 256), ",") + `]}`)
	b.SetBytes(int64(len(text)))
	var p page
	for b.Loop() {
		if err := p.decode(text); err != nil || len(p.entries) != 256 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(256*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
