package audit

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/certassay/certassay/internal/evidence"
)

// Hashes are those of the octets as they are now, whether known, changed since, or in
// the place of others that end alike.
func TestSums(t *testing.T) {
	var s sums
	var chain []evidence.DER
	for i := range 2 * knownSums {
		der := fmt.Appendf(nil, "certificate %d", i)
		chain = append(chain, der, append(bytes.Repeat(der, 1+i%3), "the same signature"...))
	}
	chain = append(chain, nil, []byte("short"), make([]byte, longestSum), make([]byte, longestSum+1))
	for range 3 {
		for i, got := range s.of(chain) {
			if want := chain[i].SHA256(); got != want {
				t.Errorf("the hash of %.20q... = %x, want %x", chain[i], got, want)
			}
			if len(chain[i]) > 0 {
				chain[i][0]++
			}
		}
	}
	for _, at := range s.known {
		if len(at.der) > longestSum {
			t.Errorf("%d octets are kept", len(at.der))
		}
	}
}
