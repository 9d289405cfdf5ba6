package localfile

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
)

func TestDecode(t *testing.T) {
	leaf, inter, root := made(t, "leaf", "inter"), made(t, "inter", "root"), made(t, "root", "root")
	chain := armourAll(leaf, inter)
	body, _, _ := cert.Next(leaf)
	indefinite := "\x30\x80" + string(body.Body) + "\x00\x00"
	wrapped := func(der []byte) string { return base64.StdEncoding.EncodeToString(der) }
	for _, tt := range []struct {
		name  string
		data  string
		certs [][]byte
		fails []string // parts of the failures, in order
		notes []string
	}{
		{name: "PEM", data: chain, certs: [][]byte{leaf, inter}},
		{name: "CRLF", data: strings.ReplaceAll(chain, "\n", "\r\n"), certs: [][]byte{leaf, inter}},
		{name: "bare CR", data: strings.ReplaceAll(chain, "\n", "\r"), certs: [][]byte{leaf, inter}},
		{name: "no line end", data: strings.TrimSpace(chain), certs: [][]byte{leaf, inter}},
		{name: "joined marks", data: strings.ReplaceAll(chain, "-----\n-----", "----------"), certs: [][]byte{leaf, inter}},
		{name: "byte order mark", data: "\ufeff" + chain, certs: [][]byte{leaf, inter}},
		{name: "indented", data: strings.ReplaceAll(chain, "\n", "\n    "), certs: [][]byte{leaf, inter}},
		{name: "text around", data: "0 s:CN=leaf\n" + strings.ReplaceAll(chain, "-----BEGIN", "# 说明\n i:CN=inter\n-----BEGIN") + "---\nServer certificate", certs: [][]byte{leaf, inter}},
		{name: "headers", data: strings.ReplaceAll(armourAll(leaf), "CERTIFICATE-----\nM", "CERTIFICATE-----\nX: y\n\nM"), certs: [][]byte{leaf}},
		{name: "other labels", data: armour("X509 CERTIFICATE", leaf) + armour("TRUSTED CERTIFICATE", append(bytes.Clone(inter), 0x30, 2, 5, 0)),
			certs: [][]byte{leaf, inter}, notes: []string{"block 2 (line 8): 4 bytes of trust settings"}},
		{name: "a key", data: armour("PRIVATE KEY", []byte("secret")) + armourAll(leaf), certs: [][]byte{leaf},
			notes: []string{"block 1 (line 1): PRIVATE KEY is no certificate"}},
		{name: "only a key", data: armour("PRIVATE KEY", []byte("secret")), fails: []string{"no certificate in it"},
			notes: []string{"block 1 (line 1): PRIVATE KEY is no certificate"}},
		{name: "bad base64", data: "-----BEGIN CERTIFICATE-----\nM!\n-----END CERTIFICATE-----\n" + armourAll(leaf), certs: [][]byte{leaf},
			fails: []string{"block 1 (line 1): a certificate cannot be read: it is not base64"}},
		{name: "no end", data: armourAll(leaf) + "\n-----BEGIN CERTIFICATE-----\nMIIB", certs: [][]byte{leaf},
			fails: []string{fmt.Sprintf("block 2 (line %d): a certificate cannot be read: it does not end", strings.Count(armourAll(leaf), "\n")+2)}},
		{name: "no end before the next", data: "-----BEGIN CERTIFICATE-----\nMIIB\n" + armourAll(leaf), certs: [][]byte{leaf},
			fails: []string{"block 1 (line 1): a certificate cannot be read: it does not end before the next"}},
		{name: "another end", data: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END X-----\n" + armourAll(leaf), certs: [][]byte{leaf},
			fails: []string{"block 1 (line 1): a certificate cannot be read: it ends as another"}},
		{name: "empty block", data: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", fails: []string{"it is empty"}},
		{name: "garbage in a block", data: armour("CERTIFICATE", []byte("garbage")), certs: [][]byte{[]byte("garbage")}},
		{name: "DER", data: string(leaf), certs: [][]byte{leaf}},
		{name: "DER and a line end", data: string(leaf) + "\n", certs: [][]byte{leaf}, notes: []string{"a line end"}},
		{name: "several DER", data: string(leaf) + string(inter) + string(root), certs: [][]byte{leaf, inter, root}},
		{name: "DER and garbage", data: string(leaf) + "garbage", certs: [][]byte{append(bytes.Clone(leaf), "garbage"...)}},
		{name: "truncated DER", data: string(leaf[:100]), certs: [][]byte{leaf[:100]}},
		{name: "DER, then truncated", data: string(leaf) + string(inter[:100]), certs: [][]byte{leaf, inter[:100]}},
		{name: "indefinite length", data: indefinite, certs: [][]byte{[]byte(indefinite)}},
		{name: "base64", data: wrapped(leaf), certs: [][]byte{leaf}},
		{name: "base64 in lines", data: wrapped(leaf)[:64] + "\r\n" + wrapped(leaf)[64:] + "\n", certs: [][]byte{leaf}},
		{name: "PKCS #7", data: string(pkcs7(leaf, inter, root)), certs: [][]byte{leaf, inter, root}},
		{name: "PKCS #7 in order of DER", data: string(pkcs7(root, inter, leaf)), certs: [][]byte{leaf, inter, root}},
		{name: "PKCS #7 in PEM", data: armour("PKCS7", pkcs7(inter, leaf)), certs: [][]byte{leaf, inter}},
		{name: "PKCS #7 in base64", data: wrapped(pkcs7(leaf)), certs: [][]byte{leaf}},
		{name: "PKCS #7 cut off", data: string(pkcs7(leaf, inter)[:len(leaf)+200]), fails: []string{"cut off"}},
		{name: "PKCS #7 without certificates", data: string(pkcs7()), fails: []string{"no certificates in it"}},
		{name: "PKCS #7 in BER", data: "\x30\x80" + string(pkcs7(leaf)[5:]) + "\x00\x00", certs: [][]byte{leaf}},
		{name: "zeros", data: string(make([]byte, 1<<20)), fails: []string{"no certificate in any known form"}},
		{name: "empty", data: "", fails: []string{"empty"}},
		{name: "text", data: "hello\n", fails: []string{"no certificate in any known form"}},
		{name: "a terminal's orders", data: "\x1b]0;x\x07", fails: []string{"no certificate in any known form"}},
		{name: "PKCS #12", data: string(tlv(idSequence, []byte{2, 1, 3}, tlv(idSequence, tlv(idOID, []byte(signedData[:8]+"\x01"))))), fails: []string{"PKCS #12: it is malformed"}},
		{name: "a key in DER", data: string(tlv(idSequence, []byte{2, 1, 0}, []byte{2, 1, 5})), fails: []string{"private key"}},
		{name: "a request", data: string(tlv(idSequence, tlv(idSequence, []byte{2, 1, 0}, tlv(idSequence)))), fails: []string{"request"}},
		{name: "a large block", data: armour("CERTIFICATE", make([]byte, MaxCertificate+1)), fails: []string{"more than 1048576"}},
		{name: "much behind a certificate", data: string(leaf) + string(make([]byte, MaxCertificate)), certs: [][]byte{leaf}, fails: []string{"are no certificate"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := decode("FILE", []byte(tt.data), Stores{})
			if tt.name == "PKCS #7 cut off" {
				tt.certs = [][]byte{leaf, inter[:len(c.certs[len(c.certs)-1])]}
			}
			if diff := cmp.Diff(ders(tt.certs...), c.certs); diff != "" {
				t.Errorf("certificates (-want +got):\n%s", diff)
			}
			var fails []string
			for _, f := range c.failures {
				fails = append(fails, f.Error)
				if f.Stage != evidence.StageDecode || !strings.HasPrefix(f.Error, "FILE: ") || strings.ContainsAny(f.Error, "\x1b\n") {
					t.Errorf("failure %+v", f)
				}
			}
			match(t, "failures", fails, tt.fails)
			match(t, "notes", c.notes, tt.notes)
			if strings.Contains(fmt.Sprint(fails, c.notes), "secret") {
				t.Error("the contents of a key are printed")
			}
		})
	}
}

// match expects each text to contain its part.
func match(t *testing.T, what string, got, parts []string) {
	t.Helper()
	if len(got) != len(parts) {
		t.Fatalf("%s = %q, want %d like %q", what, got, len(parts), parts)
	}
	for i := range got {
		if !strings.Contains(got[i], parts[i]) {
			t.Errorf("%s = %q, want %q in it", what, got[i], parts[i])
		}
	}
}

func TestSubjects(t *testing.T) {
	chainOf := func(n int, issuer func(i int) string) (out [][]byte) {
		for i := range n {
			out = append(out, made(t, fmt.Sprint("c", i), issuer(i)))
		}
		return out
	}
	self := func(i int) string { return fmt.Sprint("c", i) }
	next := func(i int) string { return fmt.Sprint("c", i+1) }
	strange := func(i int) string { return fmt.Sprint("x", i) }
	ids := func(path string, n int) (out []string) {
		for i := range n {
			id := path
			if i > 0 {
				id = fmt.Sprintf("%s#%d", path, i+1)
			}
			out = append(out, id)
		}
		return out
	}
	for _, tt := range []struct {
		name  string
		certs [][]byte
		kind  evidence.Kind
		ids   []string
	}{
		{"one", chainOf(1, self), evidence.Certificate, ids("f", 1)},
		{"two", chainOf(2, next), evidence.Chain, ids("f", 1)},
		{"few roots", chainOf(MaxChain, self), evidence.Chain, ids("f", 1)},
		{"many roots", chainOf(MaxChain+1, self), evidence.Certificate, ids("f", MaxChain+1)},
		{"many strangers", chainOf(40, strange), evidence.Certificate, ids("f", 40)},
		{"a long chain", chainOf(100, next), evidence.Chain, ids("f", 1)},
		{"many garbled", make([][]byte, 20), evidence.Certificate, ids("f", 20)},
	} {
		c := &content{path: "f", certs: ders(tt.certs...), failures: []evidence.Failure{{Stage: evidence.StageDecode}}}
		var got []string
		total, failures := 0, 0
		for _, s := range c.subjects() {
			got = append(got, s.ID)
			total += len(s.Certificates)
			failures += len(s.Failures)
			if s.Kind != tt.kind || s.Target != "f" || !s.Seen.IsZero() {
				t.Errorf("%s: subject %s of kind %s for %s", tt.name, s.ID, s.Kind, s.Target)
			}
		}
		if diff := cmp.Diff(tt.ids, got); diff != "" {
			t.Errorf("%s: subjects (-want +got):\n%s", tt.name, diff)
		}
		if total != len(tt.certs) || failures != 1 {
			t.Errorf("%s: %d certificates and %d failures, want %d and 1", tt.name, total, failures, len(tt.certs))
		}
	}
}

func TestMaxCertificates(t *testing.T) {
	one := armour("CERTIFICATE", []byte("x"))
	c := decode("FILE", []byte(strings.Repeat(one, MaxCertificates+1)), Stores{})
	if len(c.certs) != MaxCertificates || len(c.failures) != 1 {
		t.Errorf("decode of %d blocks: %d certificates, failures %v", MaxCertificates+1, len(c.certs), c.failures)
	}
}

// TestCorpus reads odd certificates from a directory named by the environment:
// each file is one certificate, byte for byte.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("set CERTASSAY_CORPUS to a directory that holds odd-der/*.der")
	}
	files, err := filepath.Glob(filepath.Join(dir, "odd-der", "*.der"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, file, nil).subjects
		if len(got) != 1 || len(got[0].Certificates) != 1 || !bytes.Equal(got[0].Certificates[0], data) || got[0].Failures != nil {
			t.Errorf("%s: %d subjects, want one with its bytes", file, len(got))
		}
	}
}

// FuzzDecode checks that the PEM reader finds all that encoding/pem finds, and
// that nothing unprintable gets into what is printed.
func FuzzDecode(f *testing.F) {
	leaf, inter := made(f, "leaf", "inter"), made(f, "inter", "root")
	f.Add([]byte(armourAll(leaf, inter)))
	f.Add([]byte("x\n-----BEGIN A-----\na: b\n" + armourAll(leaf)))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nA: b\n\nMA==\n-----END CERTIFICATE-----\n-----END A-----"))
	f.Add(append(bytes.Clone(leaf), inter...))
	f.Add(pkcs7(leaf, inter))
	f.Add(append([]byte{0x30, 0x80}, pkcs7(leaf)[5:]...))
	f.Add(javaStore(f, "changeit", [][]byte{leaf, inter}, map[string][]byte{"x": inter}))
	f.Add([]byte("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {tls.crt: " + base64.StdEncoding.EncodeToString([]byte(armourAll(leaf))) + "}\n---\nkind: ConfigMap\ndata: {a: b}\n"))
	f.Add([]byte(base64.StdEncoding.EncodeToString(leaf)))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := decode("FILE", data, Stores{})
		if c.empty() && len(c.failures) == 0 {
			t.Error("neither a certificate nor a failure")
		}
		for _, der := range c.certs {
			if len(der) == 0 {
				t.Error("an empty certificate")
			}
			cert.Parse(der)
		}
		for _, f := range c.failures {
			if printable(f.Error) != f.Error {
				t.Errorf("failure %q is not printable", f.Error)
			}
		}
		if !certificateLike(data) && !isSignedData(data) && !c.store && len(c.entries) == 0 {
			wantPEM(t, data, c)
		}
	})
}
