package lab

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Write writes the hierarchy for servers and shell tests into dir, which it
// makes: root.pem, intermediate.pem, leaf.pem, chain.pem (leaf and intermediate),
// key.pem, and a foreign CA for interceptors: interceptor.pem, interceptor.key
// and both together in interceptor-both.pem.
func (l *Lab) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	foreign := l.SelfSignedCA(Named("O=Lab Interceptor, CN=Lab Interceptor CA"), InterceptorKey())
	both := append(PEM(foreign.DER), foreign.Key.PEM()...)
	for _, f := range []struct {
		name string
		text []byte
	}{
		{"root.pem", PEM(l.Root.DER)},
		{"intermediate.pem", PEM(l.Intermediate.DER)},
		{"leaf.pem", PEM(l.Leaf)},
		{"chain.pem", PEM(l.Chain()...)},
		{"key.pem", l.LeafKey.PEM()},
		{"interceptor.pem", PEM(foreign.DER)},
		{"interceptor.key", foreign.Key.PEM()},
		{"interceptor-both.pem", both},
	} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A row is one line of the manifest that WriteCases writes.
type row struct {
	Served string    `json:"served"`
	Roots  string    `json:"roots,omitempty"`
	Case   string    `json:"case"`
	Want   string    `json:"want,omitempty"`
	Tells  []string  `json:"tells,omitempty"`
	Name   string    `json:"name"`
	At     time.Time `json:"at"`
	Twin   string    `json:"twin,omitempty"`
	// Logs is the file of the log list to judge with, Beside that of what it is
	// compared with, Rules what has to speak of it.
	Logs   string   `json:"logs"`
	Beside string   `json:"beside,omitempty"`
	Rules  []string `json:"rules,omitempty"`
}

// WriteCases writes every case into dir, which it makes: NAME.pem, the anchors in
// NAME.roots.pem where there are any, what it is compared with in
// NAME.beside.pem, the log list in logs.json, and manifest.json, a list of rows
// with the names of these files, the host, the time and the verdict to expect.
func WriteCases(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	const logs = "logs.json"
	if err := os.WriteFile(filepath.Join(dir, logs), New(Config{}).LogList(), 0o644); err != nil {
		return err
	}
	var rows []row
	for _, c := range Cases() {
		r := row{
			Served: c.Name + ".pem", Case: c.Name, Want: c.Want, Tells: c.Tells, Name: c.Host, At: c.At, Twin: c.Twin,
			Logs: logs, Rules: c.Rules,
		}
		if err := os.WriteFile(filepath.Join(dir, r.Served), PEM(c.Chain...), 0o644); err != nil {
			return err
		}
		if len(c.Roots) > 0 {
			r.Roots = c.Name + ".roots.pem"
			if err := os.WriteFile(filepath.Join(dir, r.Roots), PEM(c.Roots...), 0o644); err != nil {
				return err
			}
		}
		if len(c.Beside) > 0 {
			r.Beside = c.Name + ".beside.pem"
			if err := os.WriteFile(filepath.Join(dir, r.Beside), PEM(c.Beside...), 0o644); err != nil {
				return err
			}
		}
		rows = append(rows, r)
	}
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "manifest.json"), append(text, '\n'), 0o644)
}

// PEM writes certificates as PEM blocks, whatever their bytes are.
func PEM(certificates ...[]byte) []byte {
	var text bytes.Buffer
	for _, der := range certificates {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a Buffer takes everything
	}
	return text.Bytes()
}

// PEM writes the private key as PKCS #8.
func (k *Key) PEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		panic(fmt.Sprintf("lab: writing a key: %v", err))
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
