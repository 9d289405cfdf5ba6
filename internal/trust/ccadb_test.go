package trust

import (
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func fingerprint(der []byte) string {
	sum := cert.Parse(der).SHA256()
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func TestReadCCADB(t *testing.T) {
	l := lab.New(lab.Config{})
	mid, root := l.Intermediate.DER, l.Root.DER
	sum := fingerprint(mid)
	list := "\ufeff\"CA Owner\",\"Ignored\",\"sha-256 fingerprint\",\"Revocation Status\",\"PEM Info\"\n" +
		fmt.Sprintf("\"Lab, Inc.\",x,%s,Not Revoked,\"'%s'\"\n", sum, pemOf(mid)) +
		fmt.Sprintf("Lab,x,%s,Parent Cert Revoked,\n", fingerprint(root)) +
		fmt.Sprintf("Lab,x,,Revoked,\"%s\"\n", pemOf(root))
	d, err := ReadCCADB("list.csv", strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Records) != 3 || d.Name != "list.csv" {
		t.Fatalf("%d records of %s", len(d.Records), d.Name)
	}
	a, b, c := d.Records[0], d.Records[1], d.Records[2]
	if a.Owner != "Lab, Inc." || a.Revoked != "" || a.Certificate == nil || a.SHA256 != cert.Parse(mid).SHA256() {
		t.Errorf("first record = %+v", a)
	}
	if b.Revoked != "Parent Cert Revoked" || b.Certificate != nil || b.SHA256 != cert.Parse(root).SHA256() {
		t.Errorf("second record = %+v", b)
	}
	if c.Revoked != "Revoked" || c.Certificate == nil || c.SHA256 != cert.Parse(root).SHA256() {
		t.Errorf("third record = %+v", c)
	}
	s := open(t, Options{CAData: []*CAData{d}})
	if cas := s.ByName(&a.Certificate.Subject); len(cas) != 1 || cas[0].Anchor != None || cas[0].Program != "list.csv" {
		t.Errorf("the listed CA: %+v", cas)
	}
	if r := s.Listed(a.SHA256); r == nil || r.Owner != "Lab, Inc." {
		t.Errorf("Listed = %+v", r)
	}
	if r := s.Listed([32]byte{}); r != nil {
		t.Errorf("Listed of nothing = %+v", r)
	}
}

// Fingerprints come with colons in some reports.
func TestFingerprintForms(t *testing.T) {
	plain := strings.Repeat("0aB1", 16)
	var colons []string
	for i := 0; i < len(plain); i += 2 {
		colons = append(colons, plain[i:i+2])
	}
	a, err1 := parseFingerprint(plain)
	b, err2 := parseFingerprint(strings.Join(colons, ":"))
	if err1 != nil || err2 != nil || a != b {
		t.Errorf("%x (%v) and %x (%v)", a, err1, b, err2)
	}
	for _, bad := range []string{"", "00", plain + "00", "zz" + plain[2:]} {
		if _, err := parseFingerprint(bad); err == nil {
			t.Errorf("parseFingerprint(%q): no error", bad)
		}
	}
}

// What one list leaves out of a certificate another one says.
func TestListsTogether(t *testing.T) {
	c := cert.Parse(lab.New(lab.Config{}).Intermediate.DER)
	a := &CAData{Date: "2026-11-02", Records: []Record{{SHA256: c.SHA256(), Owner: "Lab", Revoked: "Revoked"}}}
	b := &CAData{Date: "2026-11-01", Records: []Record{{SHA256: c.SHA256(), Certificate: c}}}
	for _, lists := range [][]*CAData{{a, b}, {b, a}} {
		s := open(t, Options{CAData: lists})
		if r := s.Listed(c.SHA256()); r == nil || r.Owner != "Lab" || r.Revoked != "Revoked" || r.Certificate == nil || s.CADataDate() != "2026-11-02" {
			t.Errorf("Listed = %+v, of %s", r, s.CADataDate())
		}
	}
	if a.Records[0].Certificate != nil || b.Records[0].Owner != "" {
		t.Error("a list was changed")
	}
	other := [32]byte{1}
	if got := (&CAData{Records: []Record{{SHA256: other}, {SHA256: c.SHA256()}, {SHA256: other}}}).Missing(a); len(got) != 1 || got[0] != other {
		t.Errorf("Missing = %x", got)
	}
}

func TestReadCCADBRefuses(t *testing.T) {
	l := lab.New(lab.Config{})
	other := strings.Repeat("00", 32)
	for name, tt := range map[string]struct{ list, want string }{
		"nothing":                     {"", "first line"},
		"another file":                {"a,b\n1,2\n", "neither a column"},
		"a fingerprint that is none":  {"SHA-256 Fingerprint\nxyz\n", "line 2"},
		"neither":                     {"SHA-256 Fingerprint,PEM\n,\n", "neither fingerprint nor certificate"},
		"no certificate in the PEM":   {"PEM\nhello\n", "no certificate"},
		"a key in the PEM":            {"PEM\n\"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n\"\n", "no certificate"},
		"another certificate":         {"SHA-256 Fingerprint,PEM\n" + other + ",\"" + pemOf(l.Root.DER) + "\"\n", "not the one of fingerprint"},
		"a row with too many columns": {"SHA-256 Fingerprint\n" + other + ",1\n", "wrong number of fields"},
		"a quote that does not end":   {"SHA-256 Fingerprint\n\"" + other + "\n", "extraneous or missing"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ReadCCADB("x", strings.NewReader(tt.list))
			if err == nil || d != nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "reading CA data x: ") {
				t.Errorf("ReadCCADB = %v, %v; want an error with %q", d, err, tt.want)
			}
		})
	}
	if _, err := ReadCCADB("x", strings.NewReader("a\n")); !errors.Is(err, ErrNotCCADB) {
		t.Errorf("another file: %v, want %v", err, ErrNotCCADB)
	}
	many := "SHA-256 Fingerprint\n" + strings.Repeat("bad\n", 100)
	if _, err := ReadCCADB("x", strings.NewReader(many)); strings.Count(err.Error(), "line") != maxCCADBErrors {
		t.Errorf("%d bad rows are named, want %d", strings.Count(err.Error(), "line"), maxCCADBErrors)
	}
}

// FuzzReadCCADB: whatever is read, every record has a hash that is that of its
// certificate where it has one, and reading it again gives the same.
func FuzzReadCCADB(f *testing.F) {
	l := lab.New(lab.Config{})
	f.Add("SHA-256 Fingerprint,Revocation Status\n" + fingerprint(l.Root.DER) + ",Revoked\n")
	f.Add("CA Owner,PEM Info\nLab,\"'" + pemOf(l.Root.DER) + "'\"\n")
	f.Add("PEM\n\"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n\"\n")
	f.Fuzz(func(t *testing.T, list string) {
		d, err := ReadCCADB("x", strings.NewReader(list))
		if (d == nil) == (err == nil) {
			t.Fatalf("ReadCCADB = %v, %v", d, err)
		}
		if err != nil {
			return
		}
		for _, r := range d.Records {
			if r.Certificate != nil && r.Certificate.SHA256() != r.SHA256 {
				t.Errorf("record %x holds the certificate %x", r.SHA256, r.Certificate.SHA256())
			}
			if strings.EqualFold(r.Revoked, "Not Revoked") {
				t.Errorf("record %x is revoked as %q", r.SHA256, r.Revoked)
			}
		}
		if _, err := Open(Options{CAData: []*CAData{d}}); err != nil {
			t.Errorf("Open: %v", err)
		}
	})
}
