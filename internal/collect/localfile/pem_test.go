package localfile

import (
	"bytes"
	"encoding/pem"
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/evidence"
)

// wantPEM expects every certificate that encoding/pem finds.
func wantPEM(t *testing.T, data []byte, c *content) {
	t.Helper()
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			return
		}
		if b.Type != "CERTIFICATE" || len(b.Bytes) == 0 || len(b.Bytes) > MaxCertificate {
			continue
		}
		if !slices.ContainsFunc(c.certs, func(der evidence.DER) bool { return bytes.Equal(der, b.Bytes) }) {
			t.Errorf("encoding/pem finds %x", b.Bytes)
		}
	}
}

func TestBlocksLines(t *testing.T) {
	data := []byte("text\n-----BEGIN A-----\nMA==\n-----END A-----\n\n\n-----BEGIN B C-----\nMQ==\n-----END B C-----\n")
	var lines []int
	for i, b := range blocks(data) {
		if b.err != nil || b.number != i+1 || string(b.bytes) != string(rune('0'+i)) {
			t.Errorf("block %d: %+v", i+1, b)
		}
		lines = append(lines, b.line)
	}
	if !slices.Equal(lines, []int{2, 7}) {
		t.Errorf("lines = %v, want 2 and 7", lines)
	}
}
