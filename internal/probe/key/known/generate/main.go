// Command generate makes published.dat: the records of blocklists in badkeys'
// format whose list is not left out, each hash once.
//
//	generate -without 1 -o published.dat blocklist.dat ...
//
// The table in the tree was made so on 2026-11-22 from 671 124 records: keys of
// CVE-2021-41117 (github.com/badkeys/keypairvuln, 71 680), keys in packages
// (github.com/badkeys/pkgkeys, 9 114), and keys of the test suites of OpenSSL, Go
// and Chromium (302). 590 028 of Debian's generator were left out.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

const recordSize = 16

func main() {
	without := flag.String("without", "", "leave out these `LISTS`, by number, with commas")
	out := flag.String("o", "", "write the table to `FILE`")
	flag.Parse()
	if err := run(*out, *without, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(out, without string, files []string) error {
	leave := map[byte]bool{}
	for _, s := range strings.FieldsFunc(without, func(r rune) bool { return r == ',' }) {
		n, err := strconv.ParseUint(s, 10, 8)
		if err != nil {
			return fmt.Errorf("list %q: %w", s, err)
		}
		leave[byte(n)] = true
	}
	var records [][]byte
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if len(data)%recordSize != 0 {
			return fmt.Errorf("%s: %d octets are no multiple of %d", name, len(data), recordSize)
		}
		for r := range slices.Chunk(data, recordSize) {
			if !leave[r[recordSize-1]] {
				records = append(records, r)
			}
		}
	}
	slices.SortFunc(records, bytes.Compare)
	records = slices.CompactFunc(records, func(a, b []byte) bool {
		return bytes.Equal(a[:recordSize-1], b[:recordSize-1])
	})
	return os.WriteFile(out, slices.Concat(records...), 0o644)
}
