package limbo

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A testcase is one case of a suite, in the form of x509-limbo's limbo.json.
type testcase struct {
	ID            string   `json:"id"`
	Features      []string `json:"features"`
	Kind          string   `json:"validation_kind"`
	Trusted       []string `json:"trusted_certs"`
	Intermediates []string `json:"untrusted_intermediates"`
	Peer          string   `json:"peer_certificate"`
	Time          string   `json:"validation_time"`
	Expected      string   `json:"expected_result"`
	Name          *struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	} `json:"expected_peer_name"`
	MaxDepth *int     `json:"max_chain_depth"`
	CRLs     []string `json:"crls"`
}

// undated is when the cases without a time are judged; their certificates are
// valid from 1970 to 2969.
var undated = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func (c *testcase) at(t *testing.T) time.Time {
	t.Helper()
	if c.Time == "" {
		return undated
	}
	at, err := time.Parse(time.RFC3339, c.Time)
	if err != nil {
		t.Fatalf("time of %s: %v", c.ID, err)
	}
	return at
}

func (c *testcase) wanted() bool { return c.Expected == "SUCCESS" }

// outOfScope says why a case asks what certassay does not answer.
func (c *testcase) outOfScope() string {
	switch {
	case c.Kind != "SERVER":
		return "certificates of clients are not judged"
	case c.Name == nil:
		return "no name is asked for"
	case len(c.CRLs) > 0:
		return "revocation lists are evidence of their own, not part of a chain in a file"
	case c.MaxDepth != nil && *c.MaxDepth < 10:
		return "the depth of a chain is not a setting"
	}
	return ""
}

// load reads a suite, packed or not.
func load(t *testing.T, name string) []testcase {
	t.Helper()
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("CERTASSAY_CORPUS names no directory that holds limbo/")
	}
	path := filepath.Join(dir, "limbo", name)
	text, err := os.ReadFile(path)
	if err != nil {
		text, err = unpack(path + ".xz")
	}
	if err != nil {
		t.Skipf("reading %s: %v", path, err)
	}
	var suite struct {
		Testcases []testcase `json:"testcases"`
	}
	if err := json.Unmarshal(text, &suite); err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
	return suite.Testcases
}

func unpack(path string) ([]byte, error) {
	out, err := exec.Command("xz", "-dc", "--", path).Output()
	if err != nil {
		return nil, fmt.Errorf("unpacking with xz: %w", err)
	}
	return out, nil
}

func der(t *testing.T, texts ...string) (out [][]byte) {
	t.Helper()
	for _, text := range texts {
		block, rest := pem.Decode([]byte(text))
		if block == nil || strings.TrimSpace(string(rest)) != "" {
			t.Fatalf("not one PEM block: %q", text)
		}
		out = append(out, block.Bytes)
	}
	return out
}
