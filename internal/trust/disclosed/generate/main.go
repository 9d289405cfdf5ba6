// Command generate makes intermediates.bin, the table of disclosed CAs of package
// trust, from three things that anybody can fetch:
//
//	generate -list intermediates.json -onecrl onecrl.json -o intermediates.bin FILE|DIR...
//
// The first two are defaults/settings/security-state of a Firefox (in a package of a
// distribution, its omni.ja aside): Mozilla's list of disclosed intermediates, with
// the SHA-256 of each certificate and of its key, and its revoked certificates. The
// rest is any collection of certificates, in PEM or DER: facts are read from those
// that the list has both hashes of, wherever they were kept, and never from others.
// It says what it left out and why.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/trust/disclosed"
)

func main() {
	list := flag.String("list", "", "Mozilla's intermediates, `FILE`")
	onecrl := flag.String("onecrl", "", "Mozilla's revoked certificates, `FILE`")
	out := flag.String("o", "", "write the table to `FILE`")
	flag.Parse()
	if err := run(*list, *onecrl, *out, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(list, onecrl, out string, paths []string, log io.Writer) error {
	l, err := readList(list)
	if err != nil {
		return err
	}
	r, err := readRevoked(onecrl)
	if err != nil {
		return err
	}
	c := newCollection(l, r)
	for _, p := range paths {
		if err := c.walk(p); err != nil {
			return err
		}
	}
	facts := c.facts()
	table, err := disclosed.Encode(l.date, facts, l.pairs)
	if err != nil {
		return err
	}
	t, err := disclosed.Decode(table)
	if err != nil {
		return err
	}
	if err := t.Check(); err != nil {
		return err
	}
	fmt.Fprintf(log, "%d octets of %s: facts of %d CAs, hashes of %d more\n", len(table), t.Date(), t.Facts(), t.Hashes())
	for _, why := range slices.Sorted(maps.Keys(c.left)) {
		fmt.Fprintf(log, "left out %4d: %s\n", c.left[why], why)
	}
	return os.WriteFile(out, table, 0o644)
}

// A list is Mozilla's of disclosed intermediates.
type list struct {
	date  string
	pairs []disclosed.Pair
	keys  map[[32]byte][32]byte // of the key, by that of the certificate
}

func readList(file string) (*list, error) {
	var records struct {
		Timestamp int64 `json:"timestamp"` // ms
		Data      []struct {
			DERHash    []byte `json:"derHash"`
			PubKeyHash []byte `json:"pubKeyHash"`
			Attachment struct {
				Filename string `json:"filename"`
			} `json:"attachment"`
		} `json:"data"`
	}
	if err := readJSON(file, &records); err != nil {
		return nil, err
	}
	l := &list{date: time.UnixMilli(records.Timestamp).UTC().Format(time.DateOnly), keys: map[[32]byte][32]byte{}}
	for i, r := range records.Data {
		// Newer records have the hash of the key in the name of the attachment alone.
		key, err := base64.URLEncoding.DecodeString(strings.TrimSuffix(r.Attachment.Filename, ".pem"))
		if err != nil {
			return nil, fmt.Errorf("%s: record %d: reading the hash of the key: %w", file, i, err)
		}
		if len(r.DERHash) != 32 || len(key) != 32 || len(r.PubKeyHash) > 0 && string(r.PubKeyHash) != string(key) {
			return nil, fmt.Errorf("%s: record %d: hashes that are no SHA-256, or differ", file, i)
		}
		p := disclosed.Pair{Certificate: [32]byte(r.DERHash), SPKI: [32]byte(key)}
		l.pairs = append(l.pairs, p)
		l.keys[p.Certificate] = p.SPKI
	}
	if records.Timestamp == 0 || len(l.pairs) == 0 {
		return nil, fmt.Errorf("%s: no date or no records", file)
	}
	return l, nil
}

// revoked are certificates by issuer and serial number, and keys by subject and
// SHA-256 of the key.
type revoked map[[2]string]bool

func readRevoked(file string) (revoked, error) {
	var records struct {
		Data []struct {
			IssuerName   []byte `json:"issuerName"`
			SerialNumber []byte `json:"serialNumber"`
			Subject      []byte `json:"subject"`
			PubKeyHash   []byte `json:"pubKeyHash"`
		} `json:"data"`
	}
	if err := readJSON(file, &records); err != nil {
		return nil, err
	}
	out := revoked{}
	for _, r := range records.Data {
		out[[2]string{string(r.IssuerName), trimmed(r.SerialNumber)}] = true
		out[[2]string{string(r.Subject), string(r.PubKeyHash)}] = true
	}
	delete(out, [2]string{})
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no records", file)
	}
	return out, nil
}

// trimmed is a serial number without the zeros that it may begin with.
func trimmed(serial []byte) string { return strings.TrimLeft(string(serial), "\x00") }

func readJSON(file string, into any) error {
	if file == "" {
		return errors.New("both -list and -onecrl are needed")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	return nil
}
