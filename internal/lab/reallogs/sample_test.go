package reallogs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/lab/ctlog"
)

// sampleSize is how many entries the benchmarks read: 256 full tiles.
const sampleSize = 256 * 256

// A sample makes a log with the mix of entries that public logs have: six of ten
// are precertificates, half of the keys and signatures are RSA, a third of the
// issuers is on P-384, most hold one or two names and some a hundred. All are
// distinct, and truly signed.
type sample struct {
	lab     *lab.Lab
	issuers []sampleIssuer
	moduli  []*big.Int
	bases   []string
}

type sampleIssuer struct {
	ca    *lab.CA
	share float64 // of entries
	rsa   float64 // share of RSA among leaf keys
	days  int
	org   bool
}

// sampleDir gives a directory with the tiles of a sample. It is kept for the next
// run: making it takes longer than reading it.
func sampleDir(b testing.TB) string {
	b.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("certassay-sample-%d-v3", sampleSize))
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err == nil {
		return dir
	}
	began := time.Now()
	made, err := os.MkdirTemp(os.TempDir(), "certassay-sample-*")
	if err != nil {
		b.Fatal(err)
	}
	l := ctlog.New(lab.LeafKey(), Origin, sampleTime)
	newSample().fill(l)
	if err := l.WriteTiles(made); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(made, dir); err != nil {
		b.Fatal(err)
	}
	b.Logf("made %d entries in %s (%s)", sampleSize, dir, time.Since(began).Round(time.Second))
	return dir
}

var sampleTime = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

const issuerNames = "C=US, O=Sample Trust Services, CN="

func newSample() *sample {
	s := &sample{lab: lab.New(lab.Config{At: sampleTime})}
	s.issuers = []sampleIssuer{
		{s.intermediate("E7", lab.ImpostorRootKey()), .30, 0, 90, false},
		{s.intermediate("R12", lab.IssuingRSAKey()), .35, .75, 90, false},
		{s.intermediate("WE1", lab.IssuingKey()), .13, 0, 90, false},
		{s.intermediate("Public Server Authentication CA DV E36", lab.ImpostorKey()), .05, .1, 198, false},
		{s.intermediate("Global G2 TLS RSA SHA256 2020 CA1", lab.RootRSAKey()), .17, .9, 198, true},
	}
	s.moduli, s.bases = sampleModuli(), sampleBases()
	return s
}

func (s *sample) intermediate(name string, k *lab.Key) *lab.CA {
	t := lab.Template{
		Serial: lab.SerialOf(name), Issuer: s.lab.Root.Name, Subject: lab.Named(issuerNames + name), Key: k,
		NotBefore: sampleTime.AddDate(-1, 0, 0), NotAfter: sampleTime.AddDate(4, 0, 0),
		Extensions: []lab.Extension{
			lab.KeyUsage(lab.DigitalSignature, lab.KeyCertSign, lab.CRLSign).MakeCritical(), lab.ExtKeyUsage(lab.ServerAuth),
			lab.Basic(true, 0).MakeCritical(), lab.SKI(k.ID), lab.AKI(s.lab.Root.KeyID), lab.Policies(lab.DomainValidated),
		},
	}
	return &lab.CA{Name: t.Subject, Key: k, KeyID: k.ID, DER: t.Sign(s.lab.Root.Key, "")}
}

// sampleModuli are products of few primes, one for each issuance: that they share
// factors is seen only by who holds many against each other.
func sampleModuli() (out []*big.Int) {
	var primes []*big.Int
	for range 260 {
		p, err := rand.Prime(rand.Reader, 1024)
		if err != nil {
			panic(err)
		}
		primes = append(primes, p)
	}
	for i, p := range primes {
		for _, q := range primes[:i] {
			if n := new(big.Int).Mul(p, q); n.BitLen() == 2048 {
				out = append(out, n)
			}
		}
	}
	return out
}

var sampleWords = strings.Fields(`shop web app cloud data mail home tech online media group store news travel design studio
	digital market auto energy health food sport music photo game book law bank finance estate garden green blue red black
	silver star moon ocean river forest city park school college clinic dental care life love family baby dog horse farm
	fresh nail fit run bike truck service clean water solar wind electric light glass stone paper label box cargo trade
	inter national world alpine north east best plus super nano smart fast quick express local central prime first two`)

var sampleTops = strings.Fields("com com com com com com net org de co.uk ru com.br nl fr it io app xyz online shop info pl com.au jp cn")

var sampleBases = sync.OnceValue(func() []string {
	r := mathrand.New(mathrand.NewPCG(1, 7))
	out := make([]string, 60_000)
	for i := range out {
		word := func() string { return sampleWords[r.IntN(len(sampleWords))] }
		label := word() + []string{"", "-", word(), word() + word()}[r.IntN(4)] + word()
		if r.IntN(3) == 0 {
			label += fmt.Sprint(r.IntN(1000))
		}
		out[i] = label + "." + sampleTops[r.IntN(len(sampleTops))]
	}
	return out
})

func (s *sample) names(r *mathrand.Rand) []string {
	n := 1
	switch x := r.Float64(); {
	case x > .98:
		n = 20 + r.IntN(80)
	case x > .90:
		n = 6 + r.IntN(10)
	case x > .76:
		n = 3 + r.IntN(3)
	case x > .42:
		n = 2
	}
	base := s.bases[int(float64(len(s.bases))*r.Float64()*r.Float64())]
	out := []string{[]string{base, "www." + base, "*." + base}[r.IntN(3)]}
	for len(out) < n {
		sub := sampleWords[r.IntN(len(sampleWords))]
		switch r.IntN(4) {
		case 0:
			sub = fmt.Sprintf("%s-%08x.prod", sub, r.Uint32())
		case 1:
			sub = fmt.Sprintf("ip-10-%d-%d-%d", r.IntN(256), r.IntN(256), r.IntN(256))
		case 2:
			base = s.bases[r.IntN(len(s.bases))]
		}
		if name := sub + "." + base; !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// leafSPKI is a key of which no private half is kept.
func (s *sample) leafSPKI(r *mathrand.Rand, share float64, i int) []byte {
	if r.Float64() >= share {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
		if err != nil {
			panic(err)
		}
		return spki
	}
	spki := slices.Clone(lab.LeafRSAKey().SPKI)
	// The modulus stands before the exponent: two octets of header, three of value.
	s.moduli[i%len(s.moduli)].FillBytes(spki[len(spki)-5-256 : len(spki)-5])
	return spki
}

// An issuance is a precertificate and, for most, the certificate.
type issuance struct {
	pre, tbs, final, issuer, spki []byte
	at                            time.Time
}

func (s *sample) issue(i int) (out issuance) {
	r := mathrand.New(mathrand.NewPCG(uint64(i), 11))
	x, share := s.issuers[0], r.Float64()
	for _, x = range s.issuers {
		if share -= x.share; share < 0 {
			break
		}
	}
	names := s.names(r)
	begin := sampleTime.Add(-time.Duration(r.IntN(20*86400)) * time.Second)
	t := lab.Template{
		Serial: binary.BigEndian.AppendUint64(lab.SerialOf(fmt.Sprint("sample", i))[:8], uint64(i)), Issuer: x.ca.Name,
		NotBefore: begin, NotAfter: begin.AddDate(0, 0, x.days).Add(-time.Second), SPKI: s.leafSPKI(r, x.rsa, i),
		Extensions: []lab.Extension{
			lab.KeyUsage(lab.DigitalSignature).MakeCritical(), lab.ExtKeyUsage(lab.ServerAuth), lab.Basic(false, -1).MakeCritical(),
			lab.AKI(x.ca.KeyID), lab.AIA("http://ocsp.sample.example", "http://i.sample.example/issuer.crt"), lab.SAN(names...),
			lab.Policies(lab.DomainValidated), lab.CRLPoint(fmt.Sprintf("http://c.sample.example/%d.crl", r.IntN(128))),
		},
	}
	if r.IntN(4) > 0 && len(names[0]) <= 64 {
		t.Subject = lab.Named("CN=" + names[0])
	}
	if x.org {
		t.Subject = lab.Named("C=US, ST=California, L=San Francisco, O=" + strings.Fields(names[0])[0] + " Inc., CN=" + names[0])
	}
	pre := t.Clone()
	pre.Set(poison)
	out = issuance{pre: pre.Sign(x.ca.Key, ""), issuer: x.ca.DER, spki: x.ca.Key.SPKI, at: begin.Add(time.Minute)}
	var err error
	if out.tbs, err = ct.PrecertificateTBS(cert.Parse(out.pre), nil); err != nil {
		panic(err)
	}
	if r.IntN(10) < 7 {
		t.Set(lab.SCTList(t, x.ca, begin.Add(time.Minute)))
		out.final = t.Sign(x.ca.Key, "")
	}
	return out
}

// fill logs issuances until there are sampleSize entries. A certificate follows
// its precertificate some tiles later, as in public logs.
func (s *sample) fill(l *ctlog.Log) {
	const batch, behind = 4096, 2048
	var all []issuance
	entries := 0
	for next := 0; entries < sampleSize; next++ {
		if next == len(all) {
			made := make([]issuance, batch)
			var wait sync.WaitGroup
			for part := range 8 {
				wait.Go(func() {
					for i := part; i < batch; i += 8 {
						made[i] = s.issue(next + i)
					}
				})
			}
			wait.Wait()
			all = append(all, made...)
		}
		x := &all[next]
		l.AddPrecert(x.tbs, x.spki, x.pre, x.at, x.issuer, s.lab.Root.DER)
		entries++
		if next >= behind && all[next-behind].final != nil && entries < sampleSize {
			y := &all[next-behind]
			l.Add(y.final, y.at, y.issuer, s.lab.Root.DER)
			entries++
			*y = issuance{}
		}
	}
}
