package localfile

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/certassay/certassay/internal/evidence"
)

// javaStore is a JKS with the given trusted certificates, and with a key whose
// chain is given, if any.
func javaStore(tb testing.TB, password string, chain [][]byte, trusted map[string][]byte) []byte {
	tb.Helper()
	ks := jks.New(jks.WithOrderedAliases())
	if chain != nil {
		key := jks.PrivateKeyEntry{PrivateKey: []byte("secret")}
		for _, der := range chain {
			key.CertificateChain = append(key.CertificateChain, jks.Certificate{Type: "X.509", Content: der})
		}
		if err := ks.SetPrivateKeyEntry("server", key, []byte(password)); err != nil {
			tb.Fatal(err)
		}
	}
	for alias, der := range trusted {
		if err := ks.SetTrustedCertificateEntry(alias, jks.TrustedCertificateEntry{Certificate: jks.Certificate{Type: "X.509", Content: der}}); err != nil {
			tb.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := ks.Store(&out, []byte(password)); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func parsed(tb testing.TB, ders ...[]byte) (out []*x509.Certificate) {
	tb.Helper()
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

// shown is what of subjects is compared: name, kind, and how many certificates.
func shown(subjects []*evidence.Subject) (out []string) {
	for _, s := range subjects {
		line := fmt.Sprintf("%s %s %d", s.ID, s.Kind, len(s.Certificates))
		for _, f := range s.Failures {
			line += " / " + f.Error
		}
		out = append(out, line)
	}
	return out
}

func TestStores(t *testing.T) {
	leaf, inter, root, other := made(t, "leaf", "inter"), made(t, "inter", "root"), made(t, "root", "root"), made(t, "other", "other")
	p12 := func(e *pkcs12.Encoder, password string) []byte {
		all := parsed(t, leaf, inter, root)
		out, err := e.Encode(testKey, all[0], []*x509.Certificate{all[2], all[1]}, password)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	trust, err := pkcs12.Modern2023.EncodeTrustStore(parsed(t, root, other), "changeit")
	if err != nil {
		t.Fatal(err)
	}
	both := map[string][]byte{"root ca": root, "\u202e": other}
	many := map[string][]byte{}
	for i := range 40 {
		many[fmt.Sprint("ca-", i)] = root
	}
	for _, tt := range []struct {
		name    string
		data    []byte
		stores  Stores
		want    []string
		warning string
		count   int
	}{
		{name: "JKS", data: javaStore(t, "changeit", [][]byte{leaf, inter}, both),
			want: []string{"f#root ca certificate 1", "f#server chain 2", "f#3 certificate 1"}},
		{name: "JKS, password unknown", data: javaStore(t, "geheim", [][]byte{leaf, inter}, nil), want: []string{"f chain 2"}, warning: "integrity of this JKS store was not checked"},
		{name: "JKS, password given", data: javaStore(t, "geheim", [][]byte{leaf}, nil), stores: Stores{Passwords: []string{"geheim"}}, want: []string{"f certificate 1"}},
		{name: "JKS as anchors", data: javaStore(t, "changeit", [][]byte{leaf, inter}, map[string][]byte{"ca": root}), stores: Stores{Anchors: true}, want: []string{"f certificate 1"}},
		{name: "JKS as anchors, unverified", data: javaStore(t, "geheim", nil, both), stores: Stores{Anchors: true},
			want: []string{"f chain 0 / f: the integrity of this JKS store cannot be checked, so that nothing in it is trusted: no password fits, or it has none"}},
		{name: "JKS as anchors, only a key", data: javaStore(t, "changeit", [][]byte{leaf, inter}, nil), stores: Stores{Anchors: true},
			want: []string{"f chain 0 / f: this JKS store holds private keys and says of no certificate that it is to be trusted"}},
		{name: "JKS of many", data: javaStore(t, "changeit", nil, many), count: 40},
		{name: "empty JKS", data: javaStore(t, "changeit", nil, nil), want: []string{"f chain 0 / f: this JKS store holds no certificate"}},
		{name: "PKCS #12", data: p12(pkcs12.Modern2023, "changeit"), want: []string{"f chain 3"}},
		{name: "PKCS #12 as anchors", data: p12(pkcs12.LegacyRC2, ""), stores: Stores{Anchors: true},
			want: []string{"f chain 0 / f: this PKCS #12 store holds private keys and says of no certificate that it is to be trusted"}},
		{name: "PKCS #12, password unknown", data: p12(pkcs12.Modern2026, "geheim"), stores: Stores{Passwords: []string{"falsch"}},
			want: []string{`f chain 0 / f: PKCS #12: no password fits, neither "" nor "changeit" nor one that was given`}},
		{name: "PKCS #12, no protection", data: p12(pkcs12.Passwordless, ""), want: []string{"f chain 3"}, warning: "integrity of this PKCS #12 store was not checked"},
		{name: "trust store as anchors", data: trust, stores: Stores{Anchors: true}, count: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := decode("f", tt.data, tt.stores)
			got := shown(c.subjects())
			if tt.count > 0 {
				if len(got) != tt.count {
					t.Errorf("%d subjects, want %d: %q", len(got), tt.count, got)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("subjects (-want +got):\n%s", diff)
			}
			if (len(c.warnings) > 0) != (tt.warning != "") || tt.warning != "" && !strings.Contains(c.warnings[0].Text, tt.warning) {
				t.Errorf("warnings %q, want %q", c.warnings, tt.warning)
			}
			if strings.Contains(fmt.Sprint(c), "secret") {
				t.Error("a key is kept")
			}
		})
	}
}

// A store whose password is unknown takes nothing from the files beside it, and
// is reported whatever its name.
func TestStoreInDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.pem", []byte(armourAll(made(t, "a", "b"))))
	all := parsed(t, made(t, "c", "d"))
	closed, err := pkcs12.Modern2023.EncodeTrustStore(all, "geheim")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "cacerts", closed)
	write(t, dir, "z.jks", javaStore(t, "geheim", nil, map[string][]byte{"x": made(t, "e", "e")}))
	got := read(t, dir, nil)
	if len(got.subjects) != 3 || !got.subjects[0].Collected() || got.subjects[1].Collected() || !got.subjects[2].Collected() {
		t.Fatalf("subjects %q", shown(got.subjects))
	}
	if f := got.subjects[1].Failures; len(f) != 1 || !strings.Contains(f[0].Hint, "--store-password-file") {
		t.Errorf("failures %+v, want one with a hint", f)
	}
}

func TestKubernetes(t *testing.T) {
	leaf, inter, root := made(t, "leaf", "inter"), made(t, "inter", "root"), made(t, "root", "root")
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	secret := func(name, data string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + ", namespace: prod, labels: {a: b}}\ntype: kubernetes.io/tls\n" + data
	}
	key := armour("PRIVATE KEY", []byte("secret"))
	full := secret("web", "data:\n  tls.crt: "+b64(armourAll(leaf, inter))+"\n  ca.crt: "+b64(armourAll(root))+"\n  tls.key: "+b64(key)+"\n  other: "+b64("text")+"\n")
	indented := func(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n" }
	for _, tt := range []struct {
		name, data string
		want       []string
	}{
		{"one", full, []string{"f#prod/web/ca.crt certificate 1", "f#prod/web/tls.crt chain 2"}},
		{"several documents", "---\n" + full + "---\n# nothing\n---\n" + secret("mail", "stringData:\n  tls.crt: |\n"+indented(armourAll(leaf))+"  tls.key: |\n"+indented(key)) + "---\nkind: Service\napiVersion: v1\n",
			[]string{"f#prod/web/ca.crt certificate 1", "f#prod/web/tls.crt chain 2", "f#prod/mail/tls.crt certificate 1"}},
		{"a list in JSON", `{"apiVersion":"v1","kind":"List","items":[{"kind":"Secret","metadata":{"name":"a"},"data":{"tls.crt":"` + b64(armourAll(leaf)) + `"}},{"kind":"Pod"},{"kind":"Secret","metadata":{"name":"b"},"data":{"tls.crt":"` + b64(armourAll(leaf, inter)) + `"}}]}`,
			[]string{"f#a/tls.crt certificate 1", "f#b/tls.crt chain 2"}},
		{"a config map", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: roots}\ndata:\n  bundle.pem: |\n" + indented(armourAll(root)) + "  note: x\n", []string{"f certificate 1"}},
		{"a key store", secret("java", "data:\n  trust.jks: "+b64(string(javaStore(t, "changeit", nil, map[string][]byte{"x": root})))+"\n"), []string{"f certificate 1"}},
		{"broken base64", secret("web", "data: {tls.crt: '!'}\n"), []string{"f chain 0 / f: prod/web/tls.crt: it is not base64"}},
		{"not issued yet", secret("web", "data: {tls.crt: '', ca.crt: "+b64(armourAll(root))+"}\n"), []string{"f certificate 1 / f: prod/web/tls.crt: it is empty"}},
		{"no certificate", secret("web", "data: {tls.crt: "+b64("hello")+"}\n"), []string{"f chain 0 / f: prod/web/tls.crt: this is no certificate in any known form"}},
		{"only a password", secret("web", "data: {password: "+b64("hello")+"}\n"), []string{"f chain 0 / f: there is no certificate in it"}},
		{"cut off", full + "---\n" + "a: [\n", []string{"f#prod/web/ca.crt certificate 1 / f: document 2 cannot be read whole as YAML: what follows was left out", "f#prod/web/tls.crt chain 2"}},
		{"twice", full + "---\n" + full, []string{"f#prod/web/ca.crt certificate 1", "f#prod/web/tls.crt chain 2", "f#3 certificate 1", "f#4 chain 2"}},
		{"text with PEM", "apiVersion kind Secret: [\n" + armourAll(leaf), []string{"f certificate 1"}},
		{"nested without end", secret("a", "stringData:\n  tls.crt: |\n"+indented(secret("b", "data: {tls.crt: "+b64(armourAll(leaf))+"}\n"))), []string{"f chain 0 / f: prod/a/tls.crt: this is no certificate in any known form"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := decode("f", []byte(tt.data), Stores{})
			if diff := cmp.Diff(tt.want, shown(c.subjects())); diff != "" {
				t.Errorf("subjects (-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(c), "secret\n") {
				t.Error("a key is kept")
			}
		})
	}
}
