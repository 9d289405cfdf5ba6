package cli

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/certassay/certassay/internal/lab"
)

// writeLogs writes logs of Suricata: of an honest server and of a forger.
func writeLogs(t *testing.T, dir string, honest, forged [][]byte) {
	t.Helper()
	for name, of := range map[string]struct {
		address string
		chain   [][]byte
	}{"honest.json": {"198.51.100.1", honest}, "forged.json": {"198.51.100.2", forged}} {
		var chain []string
		for _, der := range of.chain {
			chain = append(chain, strconv.Quote(base64.StdEncoding.EncodeToString(der)))
		}
		line := fmt.Sprintf(`{"timestamp":"2026-11-01T12:00:00.000000+0000","event_type":"tls","src_ip":"192.0.2.7","src_port":1,"dest_ip":%q,"dest_port":443,"tls":{"sni":"time.lab.example","chain":[%s]}}`,
			of.address, strings.Join(chain, ","))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// writeStores writes key stores: roots.jks, which trusts the lab's root and has
// the password "geheim", server.jks, with a chain that belongs to a key, closed.p12, which
// nothing opens; and secret.yaml, a Kubernetes Secret.
func writeStores(t *testing.T, l *lab.Lab, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	save := func(name string, fill func(jks.KeyStore) error) {
		store, f := jks.New(), &bytes.Buffer{}
		if err := errorsOf(fill(store), store.Store(f, []byte("geheim")), os.WriteFile(filepath.Join(dir, name), f.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	certificate := func(der []byte) jks.Certificate { return jks.Certificate{Type: "X.509", Content: der} }
	save("roots.jks", func(s jks.KeyStore) error {
		return s.SetTrustedCertificateEntry("root", jks.TrustedCertificateEntry{Certificate: certificate(l.Root.DER)})
	})
	save("server.jks", func(s jks.KeyStore) error {
		e := jks.PrivateKeyEntry{PrivateKey: []byte("not a key")}
		for _, der := range l.Chain() {
			e.CertificateChain = append(e.CertificateChain, certificate(der))
		}
		return s.SetPrivateKeyEntry("server", e, []byte("geheim"))
	})
	root, err := x509.ParseCertificate(l.Root.DER)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := pkcs12.Modern2023.EncodeTrustStore([]*x509.Certificate{root}, "verloren")
	if err := errorsOf(err, os.WriteFile(filepath.Join(dir, "closed.p12"), closed, 0o600)); err != nil {
		t.Fatal(err)
	}
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: time}\ndata: {tls.crt: " + base64.StdEncoding.EncodeToString(lab.PEM(l.Chain()...)) + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "secret.yaml"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
}
