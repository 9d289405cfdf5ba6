package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/trust"
)

// A ca is a certificate with its key.
type ca struct {
	der []byte
	std *x509.Certificate
	key crypto.Signer
}

var notBefore = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func template(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: notBefore, NotAfter: notBefore.AddDate(0, 1, 0), BasicConstraintsValid: true,
	}
}

func newCA(t *testing.T, name string, key crypto.Signer) ca {
	t.Helper()
	tmpl := template(1, name)
	tmpl.IsCA = true
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	std, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return ca{der, std, key}
}

func (c ca) issue(t *testing.T, serial int64, name string) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template(serial, name), c.std, c.key.Public(), c.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func store(t *testing.T, roots ...[]byte) *trust.Store {
	t.Helper()
	var sets []trust.Set
	if len(roots) > 0 {
		sets = append(sets, trust.Set{Name: "test", Certificates: roots})
	}
	s, err := trust.New(sets, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(ders ...[]byte) (out []*cert.Certificate) {
	for _, der := range ders {
		out = append(out, cert.Parse(der))
	}
	return out
}

// The name of a certificate is overwritten in place, as a forger would who has
// no key; its honest twin stands beside it.
func TestTransplant(t *testing.T) {
	issuer := newCA(t, "issuer", rsaKey(t))
	genuine := issuer.issue(t, 2, "good.example")
	altered := bytes.Replace(genuine, []byte("good.example"), []byte("evil.example"), 1)
	donor := cert.Parse(genuine).SHA256()
	for _, tt := range []struct {
		name     string
		chain    [][]byte
		known    *trust.Store
		bad      bool
		served   bool
		original string
	}{
		{"honest", [][]byte{genuine, issuer.der}, store(t), false, false, ""},
		{"altered", [][]byte{altered, issuer.der}, store(t), true, true, ""},
		{"altered, with the original behind", [][]byte{altered, issuer.der, genuine}, store(t), true, true, "sha256:" + hex.EncodeToString(donor[:])},
		{"altered, known issuer", [][]byte{altered}, store(t, issuer.der), true, false, ""},
		{"altered twice", [][]byte{altered, altered, issuer.der}, store(t), true, true, ""},
		{"altered, issuer unknown", [][]byte{altered}, store(t), false, false, ""},
	} {
		bad, reuse := Links(parse(tt.chain...), tt.known, new(Checker))
		if bad == nil || reuse == nil || len(bad) != map[bool]int{true: 1}[tt.bad] || len(reuse) != 0 {
			t.Errorf("%s: Links = %+v, %+v, want %v", tt.name, bad, reuse, tt.bad)
			continue
		}
		if !tt.bad {
			continue
		}
		f := bad[0]
		if f.Trick != "transplant" || f.Index != 0 || f.Served != tt.served || f.Hash != "sha256" || f.Original != tt.original ||
			f.Subject != "CN=evil.example" || f.Issuer != "CN=issuer" || f.NoKey {
			t.Errorf("%s: Links = %+v", tt.name, f)
		}
	}
}

// A link that verifies under one of several keys of a name is good.
func TestSeveralKeys(t *testing.T) {
	one, two := newCA(t, "issuer", rsaKey(t)), newCA(t, "issuer", rsaKey(t))
	leaf := two.issue(t, 2, "good.example")
	if bad, _ := Links(parse(leaf, one.der, two.der), store(t), new(Checker)); len(bad) != 0 {
		t.Errorf("Links(a name with two keys) = %+v, want nothing", bad)
	}
	if bad, _ := Links(parse(leaf, one.der), store(t), new(Checker)); len(bad) != 1 || bad[0].Trick != "foreign-key" {
		t.Errorf("Links(the wrong one of two keys) = %+v, want foreign-key", bad)
	}
}

// What was signed may have been encoded otherwise: then another hash in the
// signature is no transplant.
func TestTransplantNeedsDER(t *testing.T) {
	issuer := newCA(t, "issuer", rsaKey(t))
	altered := parse(bytes.Replace(issuer.issue(t, 2, "good.example"), []byte("good.example"), []byte("evil.example"), 1), issuer.der)
	altered[0].Quirks |= cert.IndefiniteLength
	if bad, _ := Links(altered, store(t), new(Checker)); len(bad) != 0 {
		t.Errorf("Links(BER) = %+v, want nothing", bad)
	}
}

// careless signs with one nonce again and again.
type careless struct{ *ecdsa.PrivateKey }

func (c careless) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	n := c.Params().N
	d, err := c.Bytes()
	if err != nil {
		return nil, err
	}
	one, err := ecdsa.ParseRawPrivateKey(c.Curve, big.NewInt(777).FillBytes(make([]byte, 32)))
	if err != nil {
		return nil, err
	}
	point, err := one.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	r := new(big.Int).SetBytes(point[1:33])
	s := new(big.Int).Mul(r, new(big.Int).SetBytes(d))
	s.Add(s, new(big.Int).SetBytes(digest)).Mul(s, new(big.Int).ModInverse(big.NewInt(777), n)).Mod(s, n)
	return asn1.Marshal(struct{ R, S *big.Int }{r, s})
}

func TestNonceReuse(t *testing.T) {
	key := ecKey(t)
	good, bad := newCA(t, "issuer", key), newCA(t, "issuer", careless{key})
	for _, tt := range []struct {
		name  string
		chain [][]byte
		want  int
	}{
		{"careless", [][]byte{bad.issue(t, 2, "leaf"), bad.der}, 1},
		{"honest twin", [][]byte{good.issue(t, 2, "leaf"), good.der}, 0},
		{"the same twice", [][]byte{bad.der, bad.der}, 0},
	} {
		_, reuse := Links(parse(tt.chain...), store(t), new(Checker))
		if reuse == nil || len(reuse) != tt.want {
			t.Errorf("%s: Links = %+v, want %d", tt.name, reuse, tt.want)
			continue
		}
		if tt.want > 0 && (!reuse[0].Recovered || reuse[0].Malleated || reuse[0].First != 0 || reuse[0].Second != 1 || reuse[0].Issuer != "CN=issuer" || len(reuse[0].Key) != len("sha256/")+44) {
			t.Errorf("%s: Links = %+v", tt.name, reuse[0])
		}
	}
}

// A chain that is too long hides nothing, and is not called clean.
func TestLongChain(t *testing.T) {
	issuer := newCA(t, "issuer", ecKey(t))
	var ders [][]byte
	for i := range int64(maxLinks + 1) {
		ders = append(ders, issuer.issue(t, i+2, fmt.Sprint("leaf ", i)))
	}
	if bad, reuse := Links(parse(ders...), store(t), new(Checker)); bad != nil || reuse != nil {
		t.Errorf("Links(%d certificates) = %v, %v, want unknown", len(ders), bad, reuse)
	}
	if bad, reuse := Links(parse(ders[:maxLinks]...), store(t), new(Checker)); bad == nil || reuse == nil {
		t.Errorf("Links(%d certificates) is unknown, want nothing found", maxLinks)
	}
	root := newCA(t, "root", rsaKey(t))
	ders[0], ders[1] = bytes.Replace(root.issue(t, 2, "good.example"), []byte("good.example"), []byte("evil.example"), 1), root.der
	if bad, reuse := Links(parse(ders...), store(t), new(Checker)); len(bad) != 1 || reuse != nil {
		t.Errorf("Links(a transplant in a long chain) = %v, %v, want it found and the rest unknown", bad, reuse)
	}
	// Many certificates under one name exhaust the tries.
	var crowd [][]byte
	for i := range 12 {
		crowd = append(crowd, newCA(t, "issuer", ecKey(t)).der, issuer.issue(t, int64(i)+100, "leaf"))
	}
	if bad, reuse := Links(parse(crowd...), store(t), new(Checker)); bad != nil && len(bad) == 0 || reuse != nil {
		t.Errorf("Links(a crowd) = %v, %v, want unknown", bad, reuse)
	}
}
