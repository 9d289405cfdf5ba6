package forge

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

// A vector is one of Project Wycheproof's (github.com/C2SP/wycheproof,
// testvectors_v1).
type vector struct {
	ID      int      `json:"tcId"`
	Comment string   `json:"comment"`
	Flags   []string `json:"flags"`
	Message string   `json:"msg"`
	Value   string   `json:"sig"`
	Result  string   `json:"result"`
}

type vectors struct {
	Schema string `json:"schema"`
	Groups []struct {
		Key   string   `json:"publicKeyDer"`
		Hash  string   `json:"sha"`
		Tests []vector `json:"tests"`
	} `json:"testGroups"`
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wycheproof runs a function over every vector of CERTASSAY_CORPUS/wycheproof
// whose schema has this name.
func wycheproof(t *testing.T, schema string, f func(key *cert.Key, alg cert.Algorithm, v vector, message, value []byte)) {
	t.Helper()
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("CERTASSAY_CORPUS is not set: no Wycheproof vectors")
	}
	files, err := filepath.Glob(filepath.Join(dir, "wycheproof", "*.json.xz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors in %s: %v", filepath.Join(dir, "wycheproof"), err)
	}
	unpack, err := exec.LookPath("xz")
	if err != nil {
		t.Skip("xz is not installed: ", err)
	}
	for _, name := range files {
		b, err := exec.Command(unpack, "-dc", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		var all vectors
		if err := json.Unmarshal(b, &all); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(all.Schema, schema) {
			continue
		}
		for _, g := range all.Groups {
			key := cert.ParseKey(unhex(t, g.Key))
			alg := cert.Algorithm{Hash: strings.ToLower(strings.Replace(g.Hash, "-", "", 1)), Key: key.Algorithm}
			for _, v := range g.Tests {
				f(&key, alg, v, unhex(t, v.Message), unhex(t, v.Value))
			}
		}
	}
}

// named are the tricks that may explain the vectors of a flag. A flag that is
// not listed is that of honest edge cases, or of signatures that are merely
// wrong: those need no name, and must not verify.
var named = map[string][]Trick{
	"BerEncodedPadding":   {BERLength, DigestInfo, ParameterGarbage, UnknownPayload},
	"InvalidAsnInPadding": {BERLength, DigestInfo, HashName, ParameterGarbage, TrailingGarbage, UnknownPayload},
	"ModifiedPadding":     {BERLength, DigestInfo, HashName, ParameterGarbage, Transplant, UnknownPayload},
	"InvalidPadding":      {PaddingBytes, RawDigest, UnknownPayload, Trivial},
	"ShortPadding":        {BlockType},
	"WrongHash":           {HashName, HashSubstitution},
	"NoHash":              {UnknownPayload, Transplant},
	"WrongPrimitive":      {WrongPrimitive},
	// Two vectors of each file lost their first octets: no verifier accepts them.
	"SignatureMalleability": {NotReduced, WrongLength, ForeignKey},
	"MissingNull":           {MissingNull},

	"BerEncodedSignature":     {Reencoded},
	"InvalidEncoding":         {NotAPair, NotDER, Reencoded},
	"InvalidTypesInSignature": {NotAPair},
	"MissingZero":             {Reencoded},
	"IntegerOverflow":         {OutOfRange},
	"RangeCheck":              {OutOfRange, NotReduced},
}

// checkNames wants every vector to be told from honest signatures, and every
// trick to be named.
func checkNames(t *testing.T, schema string) {
	t.Helper()
	total, honest, tricks, unnamed := 0, 0, map[Trick]int{}, 0
	wycheproof(t, schema, func(key *cert.Key, alg cert.Algorithm, v vector, message, value []byte) {
		total++
		r, err := Explain(key, alg, message, value)
		switch {
		case err != nil:
			t.Errorf("vector %d (%s): %v", v.ID, v.Comment, err)
		case v.Result == "valid":
			honest++
			if r.Trick != Exact || r.NoPrivateKey {
				t.Errorf("vector %d (%s) is valid: %+v", v.ID, v.Comment, r)
			}
		case r.Trick == Exact:
			t.Errorf("vector %d (%s) is %s: exact", v.ID, v.Comment, v.Result)
		default:
			tricks[r.Trick]++
			want, ok := named[v.Flags[0]]
			if ok && !slices.Contains(want, r.Trick) {
				t.Errorf("vector %d (%s, %s) = %s, want one of %s", v.ID, v.Comment, v.Flags[0], r.Trick, want)
			}
			if ok && r.Trick == ForeignKey {
				unnamed++
				t.Logf("vector %d (%s) has no name", v.ID, v.Comment)
			}
		}
	})
	t.Logf("%d vectors: %d valid, %v, %d forgeries without a name", total, honest, tricks, unnamed)
}

func TestWycheproofRSA(t *testing.T) { checkNames(t, "rsassa_pkcs1") }

func TestWycheproofECDSA(t *testing.T) { checkNames(t, "ecdsa_verify") }

// identifiers are the AlgorithmIdentifiers of RFC 4055 section 5 and RFC 5758 section
// 3.2 that the vectors are for.
var identifiers = map[string]string{
	"ecdsa sha256": "300a06082a8648ce3d040302", "ecdsa sha384": "300a06082a8648ce3d040303",
	"rsa sha256": "300d06092a864886f70d01010b0500", "rsa sha384": "300d06092a864886f70d01010c0500",
	"rsa sha512": "300d06092a864886f70d01010d0500",
}

// A key that checks many signatures is checked with another way than one that does
// not, and gives the same answers, which are those of the vectors.
func TestWycheproofPrepared(t *testing.T) {
	for _, schema := range []string{"ecdsa_verify", "rsassa_pkcs1"} {
		total, points, prepared := 0, new(cert.Points), map[*cert.Key]cert.Key{}
		wycheproof(t, schema, func(key *cert.Key, a cert.Algorithm, v vector, message, value []byte) {
			alg := cert.ParseAlgorithm(unhex(t, identifiers[string(a.Key)+" "+a.Hash]))
			total++
			ready, ok := prepared[key]
			if !ok {
				ready = *key
				ready.Prepare(points)
				for range 64 { // signatures, after which a key has its table
					_, _ = cert.Check(&ready, alg, nil, []byte{0x30, 0})
				}
				prepared[key] = ready
			}
			plain, _ := cert.Check(key, alg, message, value)
			got, _ := cert.Check(&ready, alg, message, value)
			if want := v.Result == "valid"; got != plain || v.Result != "acceptable" && (got == cert.Verified) != want {
				t.Errorf("vector %d (%s, %s) is %v when prepared, %v when not", v.ID, v.Comment, v.Result, got, plain)
			}
		})
		t.Logf("%s: %d vectors under %d keys", schema, total, len(prepared))
	}
}
