package collision

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
)

// Published pairs, each with where it was published.
var pairs = []struct {
	name, source string
	one, two     string
	block        int
	class        string
	family       string
}{
	{
		name: "Wang and Yu", source: "https://eprint.iacr.org/2004/199 and Eurocrypt 2005",
		one: "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f89" +
			"55ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b" +
			"d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0" +
			"e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70",
		two: "d131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f89" +
			"55ad340609f4b30283e4888325f1415a085125e8f7cdc99fd91dbd7280373c5b" +
			"d8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0" +
			"e99f33420f577ee8ce54b67080280d1ec69821bcb6a8839396f965ab6ff72a70",
		block: 1, class: "m4.31 m11.15 m14.31", family: familyIdentical,
	},
	{
		name: "Stevens 2012", source: "https://marc-stevens.nl/research/md5-1block-collision/",
		one: "4dc968ff0ee35c209572d4777b721587d36fa7b21bdc56b74a3dc0783e7b9518" +
			"afbfa200a8284bf36e8e4b55b35f427593d849676da0d1555d8360fb5f07fea2",
		two: "4dc968ff0ee35c209572d4777b721587d36fa7b21bdc56b74a3dc0783e7b9518" +
			"afbfa202a8284bf36e8e4b55b35f427593d849676da0d1d55d8360fb5f07fea2",
		block: 0, class: "m8.25 m13.31", family: familySingleIPC,
	},
	{
		name: "Xie and Feng", source: "https://eprint.iacr.org/2010/643",
		one: "0e306561559aa787d00bc6f70bbdfe3404cf03659e704f8534c00ffb659c4c87" +
			"40cc942feb2da115a3f4155cbb8607497386656d7d1f34a42059d78f5a8dd1ef",
		two: "0e306561559aa787d00bc6f70bbdfe3404cf03659e744f8534c00ffb659c4c87" +
			"40cc942feb2da115a3f415dcbb8607497386656d7d1f34a42059d78f5a8dd1ef",
		block: 0, class: "m5.10 m10.31", family: familyXieFeng,
	},
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPublishedPairs(t *testing.T) {
	for _, tt := range pairs {
		t.Run(tt.name, func(t *testing.T) {
			one, two := fromHex(t, tt.one), fromHex(t, tt.two)
			if md5.Sum(one) != md5.Sum(two) || bytes.Equal(one, two) {
				t.Fatalf("the pair of %s is none", tt.source)
			}
			for i, m := range [][]byte{one, two} {
				// What follows does not undo a collision.
				hits := MD5(append(m[:len(m):len(m)], "and more"...))
				if len(hits) != 1 || hits[0].Block != tt.block || hits[0].Class != tt.class || hits[0].Family != tt.family {
					t.Fatalf("MD5(message %d) = %+v, want one hit in block %d with %s", i+1, hits, tt.block, tt.class)
				}
				if got, want := hits[0].Chaining, chainingBefore([][]byte{one, two}[i], tt.block); !cmp.Equal(got, want) {
					t.Errorf("Chaining = %08x, want %08x", got, want)
				}
				if got, want := hits[0].Sibling, chainingBefore([][]byte{two, one}[i], tt.block); !cmp.Equal(got, want) {
					t.Errorf("Sibling = %08x, want %08x: the other half's", got, want)
				}
			}
		})
	}
}

func chainingBefore(m []byte, blocks int) []uint32 {
	c := initial
	for i := range blocks {
		c = compress(c, m[64*i:]).out()
	}
	return c.standard()
}

// One changed bit destroys a collision, and with it what was found.
func TestChangedPair(t *testing.T) {
	for _, tt := range pairs {
		m := fromHex(t, tt.one)
		m[len(m)-60] ^= 1
		if hits := MD5(m); hits != nil {
			t.Errorf("MD5(%s with a bit changed) = %+v, want nothing", tt.name, hits)
		}
	}
}

// Compression and padding are those of RFC 1321 and FIPS 180-4, for every length
// of the last block.
func TestCompressionMatchesLibrary(t *testing.T) {
	for n := range 200 {
		m := randomBytes(uint64(n), n)
		c, s := initial, [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}
		for i := range blocks(m) {
			b := bytes.Clone(block(m, i))
			c = compress(c, b).out()
			if i == blocks(m)-1 {
				binary.BigEndian.PutUint64(b[56:], uint64(8*n))
			}
			s = compressSHA1(s, b).out()
		}
		var got [16]byte
		for i, v := range c.standard() {
			binary.LittleEndian.PutUint32(got[4*i:], v)
		}
		if got != md5.Sum(m) {
			t.Errorf("MD5 of %d octets = %x, want %x", n, got, md5.Sum(m))
		}
		var got1 [20]byte
		for i, v := range s {
			binary.BigEndian.PutUint32(got1[4*i:], v)
		}
		if got1 != sha1.Sum(m) {
			t.Errorf("SHA-1 of %d octets = %x, want %x", n, got1, sha1.Sum(m))
		}
	}
}

func randomBytes(seed uint64, n int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

// plainTrial is a trial without any shortcut: 64 steps from the flipped state.
func plainTrial(r *run, d *difference, flip uint32) (in, out chain) {
	var q [steps + 4]uint32
	m := r.message
	for i := range m {
		m[i] += d.words[i]
	}
	for i := d.middle + 1; i <= d.middle+4; i++ {
		q[i] = r.state[i] ^ flip
	}
	s := run{message: m, state: q}
	for t := d.middle; t >= 0; t-- {
		p := schedule[t]
		x := s.state[t+4] - s.state[t+3]
		x = x>>p.shift | x<<(32-p.shift)
		s.state[t] = x - mix(t, s.state[t+3], s.state[t+2], s.state[t+1]) - p.constant - m[p.word]
	}
	return s.in(), compressWords(s.in(), m).out()
}

func compressWords(in chain, m [16]uint32) *run {
	var b [64]byte
	for i, w := range m {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
	return compress(in, b[:])
}

// Every class with either sign is found where it leads, and only there: the
// sibling of a random block is computed without shortcuts, and what it leads to
// is looked for.
func TestEveryClass(t *testing.T) {
	absent := map[string]bool{}
	for i := range differences {
		d := &differences[i]
		for _, flip := range []uint32{0, highest} {
			found := false
			for seed := uint64(0); seed < 1<<14 && !found; seed++ {
				r := compress(initial, randomBytes(seed, 64))
				in, out := plainTrial(r, d, flip)
				if flip != 0 && !stays(r, compressWords(in, added(r.message, d.words))) {
					continue // no attack follows such a trail
				}
				found = true
				got, ok := r.trial(d, flip, &out)
				if !ok || got != in {
					t.Errorf("%s, flip %#x: trial = %08x, %v, want %08x", d.name, flip, got, ok, in)
				}
				out[seed%4] ^= 1
				if got, ok := r.trial(d, flip, &out); ok {
					t.Errorf("%s, flip %#x: trial with another goal = %08x, want nothing", d.name, flip, got)
				}
			}
			if !found {
				absent[fmt.Sprintf("%s/%x", d.name, flip)] = true
			}
		}
	}
	// From the earliest middle a flip survives round 3 only beside changes of
	// highest bits.
	want := map[string]bool{
		"m2.8/80000000": true, "m0.31 m6.31 m13.27/80000000": true,
		"m2.31 m9.27 m12.31/80000000": true, "m5.10 m9.27/80000000": true,
	}
	if diff := cmp.Diff(want, absent); diff != "" {
		t.Errorf("trails that no block of 2^14 follows to step %d (-want +got):\n%s", pure, diff)
	}
}

// The pair of den Boer and Bosselaers, with printable text around it.
func TestTextColl(t *testing.T) {
	// Marc Stevens, https://github.com/cr-marcstevens/hashclash (TextColl).
	one := []byte("TEXTCOLLBYfGiJUETHQ4hAcKSMd5zYpgqf1YRDhkmxHkhPWptrkoyz28wnI9V0aHeAuaKnak")
	two := []byte("TEXTCOLLBYfGiJUETHQ4hEcKSMd5zYpgqf1YRDhkmxHkhPWptrkoyz28wnI9V0aHeAuaKnak")
	if md5.Sum(one) != md5.Sum(two) {
		t.Fatal("the pair is none")
	}
	for i, m := range [][]byte{one, two} {
		hits := MD5(m)
		if len(hits) != 1 || hits[0].Block != 0 || hits[0].Class != "m5.10" || hits[0].Family != familyPseudo {
			t.Errorf("MD5(text %d) = %+v, want one hit in block 0 with m5.10", i+1, hits)
		}
		// The second block is part of it.
		if hits := MD5(append(m, 'x')); hits != nil {
			t.Errorf("MD5(text %d with a letter behind it) = %+v, want nothing", i+1, hits)
		}
	}
}

func added(m, d [16]uint32) [16]uint32 {
	for i := range m {
		m[i] += d[i]
	}
	return m
}

// stays says that only highest bits differ up to the last pure step.
func stays(r, s *run) bool {
	for i := 48; i <= pure+4; i++ {
		if (r.state[i]-s.state[i])<<1 != 0 {
			return false
		}
	}
	return true
}

func TestDifferences(t *testing.T) {
	trials := 0
	for i := range differences {
		d := &differences[i]
		trials += 2
		if d.before >= d.after || d.before > d.middle || d.after <= d.middle {
			t.Errorf("%s: middle %d is not between %d and %d", d.name, d.middle, d.before, d.after)
		}
	}
	// The last one is that of no difference behind a flip.
	if trials+1 != 223 {
		t.Errorf("trials per block = %d, want 223", trials+1)
	}
}

func TestQuietOnRandomBlocks(t *testing.T) {
	const size = 1 << 20
	m := randomBytes(1, size)
	if hits := MD5(m); hits != nil {
		t.Errorf("MD5(%d random blocks) = %+v, want nothing", size/64, hits)
	}
	if hits := SHA1(m); hits != nil {
		t.Errorf("SHA1(%d random blocks) = %+v, want nothing", size/64, hits)
	}
	for n := range 300 {
		for _, fill := range []byte{0, 0xff, 0x80} {
			if hits := MD5(bytes.Repeat([]byte{fill}, n)); hits != nil {
				t.Errorf("MD5(%d times %#x) = %+v, want nothing", n, fill, hits)
			}
		}
	}
}

// moduleData is the folder of test files of the SHA-1 detector in the module
// cache; its test package imports nothing that we do not have.
func moduleData(t testing.TB) string {
	t.Helper()
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Skip("no module cache: ", err)
		}
		cache = filepath.Join(home, "go", "pkg", "mod")
	}
	all, _ := filepath.Glob(filepath.Join(cache, "github.com/pjbgf/sha1cd@v0.7.0/test/testdata/files"))
	if len(all) == 0 {
		t.Skip("the module cache holds no test data of github.com/pjbgf/sha1cd")
	}
	return all[0]
}

func TestSHA1Collisions(t *testing.T) {
	dir := moduleData(t)
	for _, tt := range []struct {
		one, two string
		block    int
	}{
		{"shattered-1.pdf", "shattered-2.pdf", 4},
		{"sha-mbles-1.bin", "sha-mbles-2.bin", 9},
	} {
		var found [2]Hit
		for i, name := range []string{tt.one, tt.two} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			hits := SHA1(b)
			if len(hits) != 1 || hits[0].Block != tt.block || hits[0].Class != "II(52,0)" {
				t.Fatalf("SHA1(%s) = %+v, want one hit in block %d", name, hits, tt.block)
			}
			found[i] = hits[0]
		}
		if !cmp.Equal(found[0].Chaining, found[1].Sibling) || !cmp.Equal(found[1].Chaining, found[0].Sibling) {
			t.Errorf("%s and %s do not name each other: %+v", tt.one, tt.two, found)
		}
	}
}

// manyBlocks is how many blocks TestQuietOnManyBlocks looks at: all of one
// random stream, in messages as long as a certificate.
const manyBlocks = 10_000_000

// No block of many is accused. It takes some minutes: set CERTASSAY_MANY=1.
func TestQuietOnManyBlocks(t *testing.T) {
	if os.Getenv("CERTASSAY_MANY") == "" {
		t.Skip("CERTASSAY_MANY is not set: skipping ten million blocks")
	}
	const size = 64 * 15
	for n := 0; n < manyBlocks; n += 16 {
		m := randomBytes(uint64(n), size)
		if hits := MD5(m); hits != nil {
			t.Errorf("MD5(message %d) = %+v, want nothing", n, hits)
		}
		if hits := SHA1(m); hits != nil {
			t.Errorf("SHA1(message %d) = %+v, want nothing", n, hits)
		}
	}
	t.Logf("%d blocks, each under MD5 and SHA-1", manyBlocks)
}

// Nothing that a certificate can hold stops the detectors, and what is found is
// always explained.
func FuzzDetectors(f *testing.F) {
	for _, p := range pairs {
		f.Add(fromHex(f, p.one))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, m []byte) {
		for _, h := range append(MD5(m), SHA1(m)...) {
			if h.Block < 0 || h.Block >= blocks(m) || h.Class == "" || h.Family == "" {
				t.Errorf("%x: hit %+v names no block or no class", m, h)
			}
			if h.Block == 0 && !cmp.Equal(h.Chaining, h.Sibling) && h.Family != familyPseudo {
				t.Errorf("%x: hit %+v needs another initial value", m, h)
			}
		}
	})
}

func BenchmarkMD5(b *testing.B) {
	m := randomBytes(3, 927)
	for b.Loop() {
		MD5(m)
	}
}

func BenchmarkSHA1(b *testing.B) {
	m := randomBytes(3, 1500)
	for b.Loop() {
		SHA1(m)
	}
}

// corpus is a folder of collision files, or none.
func corpus(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("CERTASSAY_CORPUS is not set: no collision files")
	}
	return dir
}

func TestCorpus(t *testing.T) {
	for _, kind := range []struct {
		folder string
		detect func([]byte) []Hit
	}{{"md5", MD5}, {"sha1", SHA1}} {
		files, err := filepath.Glob(filepath.Join(corpus(t), "collisions", kind.folder, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files for %s: %v", kind.folder, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			hits := kind.detect(b)
			if len(hits) == 0 {
				t.Errorf("%s: nothing found in %s", kind.folder, filepath.Base(name))
			}
			for _, h := range hits {
				t.Logf("%s: block %d, %s, %s", filepath.Base(name), h.Block, h.Class, h.Family)
			}
		}
	}
}

// Genuine certificates are accused under neither hash, whatever they are signed
// with; the rogue CA of 2008 is.
func TestCertificates(t *testing.T) {
	seen, total := map[string]bool{}, 0
	files, err := filepath.Glob(filepath.Join(corpus(t), "genuine", "chains", "*.pem"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no genuine chains: %v", err)
	}
	for _, name := range files {
		rest, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
			tbs := cert.Parse(block.Bytes).TBS
			if seen[string(tbs)] {
				continue
			}
			seen[string(tbs)] = true
			total += blocks(tbs)
			if hits := append(MD5(tbs), SHA1(tbs)...); len(hits) > 0 {
				t.Errorf("%s: %+v", filepath.Base(name), hits)
			}
		}
	}
	t.Logf("%d genuine certificates, %d blocks", len(seen), total)
	der, err := os.ReadFile(filepath.Join(corpus(t), "collisions", "certificates", "rogue-ca.der"))
	if err != nil {
		t.Fatal(err)
	}
	hits := MD5(cert.Parse(der).TBS)
	if len(hits) != 1 || hits[0].Block != 10 || hits[0].Class != "m11.9" || hits[0].Family != familyChosen {
		t.Errorf("MD5(rogue CA) = %+v, want block 10 with m11.9", hits)
	}
}
