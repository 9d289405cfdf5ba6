package known

import (
	"bytes"
	_ "embed" // the two tables
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
)

// Date is when the built-in tables were last changed, 2006-01-02.
const Date = "2026-11-22"

// published is a table of public numbers in badkeys' format, made by generate.
//
//go:embed published.dat
var published []byte

// incidentKeys are hashes of SubjectPublicKeyInfo structures, one a line with
// the name of the incident behind it.
//
//go:embed incidents.txt
var incidentKeys string

// embedded is the table of published.dat.
var embedded = sync.OnceValue(func() *Table {
	t, err := NewTable(builtIn, bytes.NewReader(published), int64(len(published)))
	if err != nil {
		panic(err) // a test reads it
	}
	return t
})

// incidents is incidents.txt by hash.
var incidents = sync.OnceValue(func() map[[32]byte]string {
	out, err := parseIncidents(incidentKeys)
	if err != nil {
		panic(err) // a test reads it
	}
	return out
})

func parseIncidents(text string) (map[[32]byte]string, error) {
	out := map[[32]byte]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		hash, name, _ := strings.Cut(line, " ")
		sum, err := hex.DecodeString(hash)
		if err != nil || len(sum) != 32 || name == "" || out[[32]byte(sum)] != "" {
			return nil, fmt.Errorf("reading built-in keys: line %q is not a new hash with a name", line)
		}
		out[[32]byte(sum)] = name
	}
	return out, nil
}
