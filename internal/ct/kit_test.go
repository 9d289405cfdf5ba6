package ct

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

// poison is the critical extension of precertificates (RFC 6962 section 3.1).
var poison = lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}}

// labLog is a log of the laboratory as our lists know it.
func labLog(k *lab.Key) *Log {
	return &Log{ID: sha256.Sum256(k.SPKI), Key: k.SPKI, Name: "lab"}
}

// signed makes an SCT over an entry with the log's private key.
func signed(t testing.TB, k *lab.Key, at time.Time, extensions []byte, e Entry) SCT {
	t.Helper()
	s := SCT{LogID: sha256.Sum256(k.SPKI), Time: at, Extensions: extensions, Hash: hashSHA256, Algorithm: algorithmRSA}
	if _, ok := k.Public().(*ecdsa.PublicKey); ok {
		s.Algorithm = algorithmECDSA
	}
	digest := sha256.Sum256(e.Signed(&s))
	var err error
	if s.Signature, err = k.Sign(nil, digest[:], crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	return s
}

// embedded reads the SCTs of a certificate.
func embedded(t testing.TB, c *cert.Certificate) (out []SCT) {
	t.Helper()
	parts, err := SplitList(c.SCTList().Value)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		s, err := ParseSCT(part)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// entryJSON is a log of a v3 list.
func entryJSON(k *lab.Key, name string) map[string]any {
	sum := sha256.Sum256(k.SPKI)
	return map[string]any{
		"description": name, "key": base64.StdEncoding.EncodeToString(k.SPKI),
		"log_id": base64.StdEncoding.EncodeToString(sum[:]), "mmd": 86400,
		"state": map[string]any{"usable": map[string]any{"timestamp": "2024-01-01T00:00:00Z"}},
	}
}

// listJSON is a list of one operator.
func listJSON(t testing.TB, logs, tiled []any) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"version": "7.1", "log_list_timestamp": "2026-06-14T13:37:40Z",
		"operators": []any{map[string]any{"name": "Lab", "email": []string{"x@lab.example"}, "logs": logs, "tiled_logs": tiled}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
