package ctlog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
)

// matched are the items that an entry matches, with why.
func matched(t *testing.T, e *ct.LogEntry, items ...string) map[string]Hit {
	t.Helper()
	m, err := NewMatcher(items)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Hit{}
	for _, h := range m.Match(e, nil) {
		out[h.Watched] = h
	}
	return out
}

func TestWatchKeysAndIssuers(t *testing.T) {
	l := lab.New(lab.Config{})
	leaf, issuer := cert.Parse(l.Leaf), cert.Parse(l.Intermediate.DER)
	pin := func(c *cert.Certificate) [32]byte { sum, _ := c.SPKISHA256(); return sum }
	in64 := func(sum [32]byte) string { return "sha256/" + base64.StdEncoding.EncodeToString(sum[:]) }
	inHex := func(sum [32]byte) string { return "sha256/" + hex.EncodeToString(sum[:]) }
	template := l.LeafTemplate()
	template.Drop(lab.IDSCTs)
	template.Set(lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}})
	tbs, err := ct.PrecertificateTBS(cert.Parse(l.Issue(template)), nil)
	if err != nil {
		t.Fatal(err)
	}
	print := sha256.Sum256(l.Intermediate.DER)
	key, other := "key:"+in64(pin(leaf)), "key:"+inHex(pin(issuer))
	from, from2 := "issuer:"+inHex(pin(issuer)), "issuer:"+in64(pin(leaf))
	serial := "serial:00" + hex.EncodeToString(leaf.Serial)
	items := []string{key, other, from, from2, serial, "org:lab trust services"}
	for name, e := range map[string]*ct.LogEntry{
		"certificate": {Signed: l.Leaf, Chain: [][]byte{l.Intermediate.DER}},
		"precert":     {Signed: tbs, Precert: true, IssuerKeyHash: pin(issuer)},
		"tiled":       {Signed: l.Leaf, Fingerprints: [][32]byte{print}},
	} {
		m, err := NewMatcher(items)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		chain := func() ([][]byte, error) { asked++; return [][]byte{l.Intermediate.DER}, nil }
		for range 2 {
			got := map[string]bool{}
			for _, h := range m.MatchChain(e, nil, chain) {
				got[h.Watched] = true
			}
			if !got[key] || !got[from] || !got[serial] || got[other] || got[from2] {
				t.Errorf("%s: %v, want key, issuer and serial number", name, got)
			}
		}
		if want := map[string]int{"tiled": 1}[name]; asked != want {
			t.Errorf("%s: the chain was asked for %d times, want %d", name, asked, want)
		}
	}
}

func TestWatchOrganisations(t *testing.T) {
	l := lab.New(lab.Config{})
	for _, c := range []struct {
		name, in, item, why string
		want                bool
	}{
		{"same", "O=Example Corp", "org:Example Corp", "", true},
		{"case, spaces and punctuation", "O=EXAMPLE  corp.", "org:Example Corp", "", true},
		{"another", "O=Example Corporation", "org:Example Corp", "", false},
		{"Cyrillic", "O=Ехаmрlе Corp", "org:Example Corp", "letters that look alike", true},
		{"digits for letters", "O=Examp1e Corp", "org:Example Corp", "letters that look alike", true},
		{"as common name", "CN=Example Corp", "org:Example Corp", "", false},
	} {
		template := l.LeafTemplate()
		template.Subject = lab.Named(c.in)
		got, ok := matched(t, asEntry(l.Issue(template)), c.item)[c.item]
		if ok != c.want || got.Why != c.why || got.Unreadable {
			t.Errorf("%s: %+v %v, want %v %q", c.name, got, ok, c.want, c.why)
		}
	}
}

func TestWatchAddresses(t *testing.T) {
	ip := func(b ...byte) []byte { return made(nil, sanOf(der(0x87, b))) }
	for _, c := range []struct {
		name, item string
		der        []byte
		want       bool
	}{
		{"in the range", "192.0.2.0/24", ip(192, 0, 2, 9), true},
		{"with a prefix", "ip:192.0.2.0/24", ip(192, 0, 2, 9), true},
		{"outside", "192.0.2.0/25", ip(192, 0, 2, 200), false},
		{"IPv4 in IPv6", "192.0.2.0/24", ip(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1), true},
		{"range of IPv4 in IPv6", "::ffff:192.0.2.0/120", ip(192, 0, 2, 9), true},
		{"IPv6", "2001:db8::/32", ip(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), true},
		{"as dNSName", "192.0.2.0/24", made(nil, sanOf(dns("192.0.2.77"))), true},
		{"of five octets", "192.0.2.0/24", ip(9, 9, 9, 9, 9), true},
	} {
		if _, got := matched(t, asEntry(c.der), c.item)[c.item]; got != c.want {
			t.Errorf("%s: matched %v, want %v", c.name, got, c.want)
		}
	}
}

func TestLookalikes(t *testing.T) {
	const item = "lookalike:example.org"
	for name, why := range map[string]string{
		"example.org": "", "www.example.org": "", "*.example.org": "",
		"example.com": "another top-level domain", "www.example.co.uk": "another top-level domain", "*.example.net": "another top-level domain",
		"examp1e.org": "letters that look alike", "exarnple.com": "letters that look alike", "EXAMP1E.org": "letters that look alike",
		"xn--exmple-4nf.org": "letters that look alike", // а is Cyrillic
		"exámple.org":        "letters that look alike",
		"exmple.org":         "one letter off", "exampple.org": "one letter off", "exanple.org": "one letter off", "exmaple.org": "one letter off",
		"example-login.com": "with other words", "my-example.net": "with other words", "examplelogin.org": "with other words", "secureexample.test": "with other words",
		"login.example.org.evil.test": "in front of another domain", "example.org-login.evil.test": "in front of another domain",
		"www-example-org.evil.test": "in front of another domain",
		"example.evil.test":         "", "counterexample.org": "", "exam.org": "", "examplify.org": "", "org": "", "other.test": "",
	} {
		got := matched(t, asEntry(made(nil, sanOf(dns(name)))), item)[item]
		if got.Why != why {
			t.Errorf("%s: %q, want %q", name, got.Why, why)
		}
	}
	// The owner's other domains are none.
	if got := matched(t, asEntry(made(nil, sanOf(dns("www.example.com")))), item, "lookalike:example.com"); len(got) != 0 {
		t.Errorf("own domain: %v, want no match", got)
	}
}

func TestWatchRefuses(t *testing.T) {
	for _, item := range []string{
		"org:", "org: .,", "issuer:abc", "issuer:sha256/abc", "key:sha1/00", "serial:", "serial:xyz", "lookalike:org", "lookalike:co.uk",
		"lookalike:192.0.2.1x y", "ip:example.org", "ip:192.0.2.0/33", "192.0.2.0/33",
	} {
		if _, err := NewMatcher([]string{item}); err == nil {
			t.Errorf("NewMatcher(%q) gave no error", item)
		}
	}
}

// How many genuine names are taken for look-alikes of other genuine domains. Set
// CERTASSAY_CORPUS to the folder of outside vectors.
func TestLookalikesOfGenuineNames(t *testing.T) {
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("CERTASSAY_CORPUS is not set")
	}
	files, err := filepath.Glob(filepath.Join(dir, "genuine", "chains", "*.pem"))
	if err != nil || len(files) == 0 {
		t.Fatal("no chains", err)
	}
	names, domains := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if block, _ := pem.Decode(b); block != nil {
			for _, n := range cert.Parse(block.Bytes).DNSNames() {
				n = strings.TrimPrefix(strings.ToLower(n), "*.")
				if d, err := publicsuffix.EffectiveTLDPlusOne(n); err == nil {
					names[n], domains[d] = true, true
				}
			}
		}
	}
	pairs, swaps, others, why := 0, 0, 0, map[string]int{}
	for i, d := range slices.Sorted(maps.Keys(domains)) {
		if i%20 != 0 {
			continue
		}
		m, err := NewMatcher([]string{"lookalike:" + d})
		if err != nil {
			continue
		}
		for n := range names {
			pairs++
			for _, h := range m.Match(asEntry(made(nil, sanOf(dns(n)))), nil) {
				if why[h.Why]++; h.Why == "another top-level domain" {
					swaps++
				} else {
					others++
				}
			}
		}
	}
	t.Logf("%d pairs of a domain and a name: %v", pairs, why)
	// Names under another top-level domain are mostly of the same owner here.
	if others*2000 > pairs || swaps*50 > pairs {
		t.Errorf("of %d genuine pairs %d are taken for look-alikes, and %d for swaps of the top-level domain: too many to be looked at", pairs, others, swaps)
	}
}
