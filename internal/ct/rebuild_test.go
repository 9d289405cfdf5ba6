package ct

import (
	"bytes"
	"strings"
	"testing"

	ctx509 "github.com/google/certificate-transparency-go/x509"
	"golang.org/x/crypto/cryptobyte"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

// precert is the precertificate of the lab's honest leaf.
func precert(l *lab.Lab) lab.Template {
	t := l.LeafTemplate()
	t.Set(poison)
	return t
}

func TestCertificateTBSIsThatOfThePrecertificate(t *testing.T) {
	for _, c := range []lab.Config{{}, {RSA: true}} {
		l := lab.New(c)
		leaf := cert.Parse(l.Leaf)
		got, err := CertificateTBS(leaf)
		if err != nil {
			t.Fatal(err)
		}
		want, err := PrecertificateTBS(cert.Parse(precert(l).Sign(l.Intermediate.Key, "")), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("CertificateTBS = %x\nwant that of the precertificate, %x", got, want)
		}
		// A second opinion, which decodes and encodes again.
		if other, err := ctx509.RemoveSCTList(leaf.TBS); err != nil || !bytes.Equal(got, other) {
			t.Errorf("certificate-transparency-go rebuilds %x, %v", other, err)
		}
		issuer, logs := l.Intermediate.Key.SPKI, lab.Logs()
		e, err := PrecertEntry(issuer, got)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range embedded(t, leaf) {
			if err := labLog(logs[i].Key).Verify(&s, e); err != nil {
				t.Errorf("SCT %d: %v", i, err)
			}
		}
	}
}

func TestPrecertificateTBSOfSigner(t *testing.T) {
	l := lab.New(lab.Config{})
	signerName, signerKey := lab.Named("CN=Lab Precertificate Signing"), lab.ForgedKey()
	signer := lab.Template{
		Serial: []byte{7}, Issuer: l.Intermediate.Name, Subject: signerName, Key: signerKey,
		NotBefore: l.At, NotAfter: l.At,
		Extensions: []lab.Extension{
			lab.ExtKeyUsage("1.3.6.1.4.1.11129.2.4.4"), lab.AKI(l.Intermediate.KeyID),
		},
	}
	parsed := cert.Parse(signer.Sign(l.Intermediate.Key, ""))
	if !IsPrecertSigner(parsed) || IsPrecertSigner(cert.Parse(l.Intermediate.DER)) {
		t.Error("IsPrecertSigner does not tell a signing certificate from a CA")
	}
	want, err := CertificateTBS(cert.Parse(l.Leaf))
	if err != nil {
		t.Fatal(err)
	}
	pre := precert(l)
	pre.Issuer = signerName
	pre.Set(lab.AKI(signerKey.ID))
	der := cert.Parse(pre.Sign(signerKey, lab.SHA256ECDSA))
	got, err := PrecertificateTBS(der, parsed)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("PrecertificateTBS = %x, %v\nwant that of the final certificate, %x", got, err, want)
	}
	stdSigner, err := ctx509.ParseCertificate(parsed.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := ctx509.BuildPrecertTBS(der.TBS, stdSigner); err != nil || !bytes.Equal(got, other) {
		t.Errorf("certificate-transparency-go builds %x, %v", other, err)
	}
	if _, err := PrecertificateTBS(cert.Parse(precert(l).Sign(signerKey, "")), parsed); err == nil {
		t.Error("PrecertificateTBS accepts a signer that the precertificate does not name")
	}
}

// A signer without an authority key identifier takes it from the certificate; a
// certificate without one gets the signer's.
func TestPrecertificateTBSKeyIDs(t *testing.T) {
	l := lab.New(lab.Config{})
	name := lab.Named("CN=Signer")
	for _, c := range []struct {
		name                string
		inSigner, inPrecert bool
	}{{"only the precertificate", false, true}, {"only the signer", true, false}} {
		signer := lab.Template{Serial: []byte{7}, Issuer: l.Intermediate.Name, Subject: name, Key: l.LeafKey, NotBefore: l.At, NotAfter: l.At}
		signer.Extensions = []lab.Extension{lab.ExtKeyUsage("1.3.6.1.4.1.11129.2.4.4")}
		if c.inSigner {
			signer.Set(lab.AKI(l.Intermediate.KeyID))
		}
		pre := precert(l)
		pre.Issuer = name
		if !c.inPrecert {
			pre.Drop(lab.IDAKI)
		}
		parsed, der := cert.Parse(signer.Sign(l.LeafKey, "")), cert.Parse(pre.Sign(l.LeafKey, ""))
		got, err := PrecertificateTBS(der, parsed)
		std, stdErr := ctx509.ParseCertificate(parsed.Raw)
		if err != nil || stdErr != nil {
			t.Fatal(c.name, err, stdErr)
		}
		if other, err := ctx509.BuildPrecertTBS(der.TBS, std); err != nil || !bytes.Equal(got, other) {
			t.Errorf("%s: PrecertificateTBS = %x\ncertificate-transparency-go builds %x, %v", c.name, got, other, err)
		}
	}
}

func TestRebuildRefuses(t *testing.T) {
	l := lab.New(lab.Config{})
	scts := lab.SCTList(l.LeafTemplate(), l.Intermediate, l.At)
	sign := func(change func(*lab.Template)) *cert.Certificate {
		tmpl := l.LeafTemplate()
		change(&tmpl)
		return cert.Parse(tmpl.Sign(l.Intermediate.Key, ""))
	}
	add := func(x ...lab.Extension) func(*lab.Template) {
		return func(t *lab.Template) { t.Extensions = append(t.Extensions, x...) }
	}
	for _, c := range []struct {
		name string
		in   *cert.Certificate
		want string
	}{
		{"no list", sign(add()), "0 SCT lists"},
		{"two lists", sign(add(scts, scts)), "2 SCT lists"},
		{"a precertificate", sign(add(scts, poison)), "precertificate already"},
		{"nothing else", sign(func(t *lab.Template) { t.Extensions = []lab.Extension{scts} }), "no other extension"},
		{"no extensions", sign(func(t *lab.Template) { t.Extensions = nil }), "no extensions"},
		{"nothing at all", cert.Parse(nil), "not DER"},
		{"a length in too many bytes", cert.Parse(widen(l.Leaf)), "not DER"},
	} {
		if got, err := CertificateTBS(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: CertificateTBS = %x, %v, want an error with %q", c.name, got, err, c.want)
		}
	}
	if _, err := PrecertificateTBS(cert.Parse(l.Leaf), nil); err == nil || !strings.Contains(err.Error(), "0 poison") {
		t.Errorf("PrecertificateTBS of a certificate: %v", err)
	}
}

// widen writes the serial number of a certificate with a length that DER
// forbids.
func widen(der []byte) []byte {
	c := cert.Parse(der)
	i := bytes.Index(der, append([]byte{2, byte(len(c.Serial))}, c.Serial...))
	out := append(bytes.Clone(der[:i]), 2, 0x81)
	out = append(out, der[i+1:]...)
	out[3]++ // one byte more in the certificate, and in its signed part
	out[7]++
	return out
}

// Whatever a certificate says: with an SCT list put anywhere among its
// extensions, and with poison put anywhere, the rebuilt parts are the same bytes
// as without either.
func FuzzRebuild(f *testing.F) {
	f.Add([]byte{1}, []byte("value"), "www.lab.example", uint8(3), uint8(9))
	f.Add([]byte{0, 0xff}, bytes.Repeat([]byte{0xa3}, 300), "", uint8(0), uint8(0))
	l := lab.New(lab.Config{})
	f.Fuzz(func(t *testing.T, serial, value []byte, name string, at, poisonAt uint8) {
		base := l.LeafTemplate()
		base.Serial = serial
		base.Set(lab.DNSNames(name), lab.Extension{ID: "1.2.3.4", Value: value})
		with := func(x lab.Extension, at uint8) *cert.Certificate {
			t := base.Clone()
			i := int(at) % (len(t.Extensions) + 1)
			t.Extensions = append(t.Extensions[:i:i], append([]lab.Extension{x}, t.Extensions[i:]...)...)
			return cert.Parse(t.Sign(l.LeafKey, ""))
		}
		want := cert.Parse(base.Sign(l.LeafKey, "")).TBS
		final, err := CertificateTBS(with(lab.Extension{ID: lab.IDSCTs, Value: value}, at))
		if err != nil || !bytes.Equal(final, want) {
			t.Errorf("CertificateTBS = %x, %v, want %x", final, err, want)
		}
		pre, err := PrecertificateTBS(with(poison, poisonAt), nil)
		if err != nil || !bytes.Equal(pre, want) {
			t.Errorf("PrecertificateTBS = %x, %v, want %x", pre, err, want)
		}
	})
}

// Where arbitrary bytes are accepted, exactly one extension was taken out, and
// what is left is a DER structure with everything else in its place.
func FuzzCertificateTBS(f *testing.F) {
	l := lab.New(lab.Config{})
	f.Add(l.Leaf)
	f.Add(precert(l).Sign(l.LeafKey, ""))
	f.Fuzz(func(t *testing.T, der []byte) {
		c := cert.Parse(der)
		got, err := CertificateTBS(c)
		if err != nil {
			return
		}
		before, errBefore := splitTBS(c.TBS)
		after, errAfter := splitTBS(got)
		if errBefore != nil || errAfter != nil {
			t.Fatalf("what was rebuilt cannot be taken apart: %v, %v", errBefore, errAfter)
		}
		before.remove(cert.OIDSCTList)
		if len(before.fields) != len(after.fields) || len(before.extensions) != len(after.extensions) {
			t.Fatalf("CertificateTBS(%x) = %x: parts were lost", der, got)
		}
		for i := range before.fields {
			if !bytes.Equal(before.fields[i], after.fields[i]) {
				t.Errorf("field %d changed", i)
			}
		}
		for i := range before.extensions {
			if !bytes.Equal(before.extensions[i].raw, after.extensions[i].raw) {
				t.Errorf("extension %d changed", i)
			}
		}
	})
}

func TestAppendHeader(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535, 65536, 1<<24 - 1, 1 << 24} {
		b := cryptobyte.NewBuilder(nil)
		b.AddASN1(tagExtensions, func(b *cryptobyte.Builder) { b.AddBytes(make([]byte, n)) })
		want := b.BytesOrPanic()
		if got := appendHeader([]byte{7}, tagExtensions, n); !bytes.Equal(got[1:], want[:len(want)-n]) || len(got) != 1+cert.HeaderSize(n) {
			t.Errorf("appendHeader(%d) = %x, want %x", n, got[1:], want[:len(want)-n])
		}
	}
}
