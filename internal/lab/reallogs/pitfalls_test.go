package reallogs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A pitfall is a way in which monitors of CT logs were seen to fail: by reading
// their sources, by breaking logs for them, or in what operators told. tests
// names what holds us against it, as "folder Test/subtest" below internal; for
// the folder "." it is one of these. Where it is not held, open says why.
type pitfall struct {
	number int
	title  string
	tests  []string
	open   string
}

const (
	ctlogs = "collect/ctlog "
)

var pitfalls = []pitfall{
	{1, "get-entries returns fewer than asked", []string{". TestFaults/pages of 32", ". TestFaults/pages of 7", ". TestRealLogs"}, ""},
	{2, "zero entries", []string{". TestFaults/no entries", ". TestFaults/entries is null", ". TestFaults/empty tile"}, ""},
	{3, "more entries than asked", []string{". TestFaults/more than asked for"}, ""},
	{4, "log shrinks between get-sth and get-entries", []string{". TestFaults/shrunk since its head"}, ""},
	{5, "429 with Retry-After in seconds", []string{". TestFaults/429 with seconds", ". TestFaults/429 for hours"}, ""},
	{6, "429 with Retry-After as a date", []string{". TestFaults/429 with date", ctlogs + "TestRetryAfter"}, ""},
	{7, "429 without header", []string{". TestFaults/429 without header", ". TestFaults/429 without end", "watch TestHealth"}, ""},
	{8, "503, and HTML with status 200", []string{". TestFaults/HTML page with status 200", ". TestFaults/HTML page with status 503", ". TestFaults/503 for a while", ". TestFaults/head is HTML"}, ""},
	{9, "endless body", []string{". TestFaults/endless", ". TestFaults/drips"}, ""},
	{10, "redirect to another host", []string{". TestFaults/redirect to another host"}, ""},
	{11, "gzip unasked, identity when gzip was asked for", []string{". TestFaults/packed unasked", ". TestRealLogs"}, ""},
	{12, "gzip bomb", []string{". TestFaults/bomb"}, ""},
	{13, "rollback", []string{". TestSplitView", ". TestWatch", "watch TestRollback"}, ""},
	{14, "fork, smaller", []string{". TestSplitView/smaller"}, ""},
	{15, "fork, same size", []string{". TestSplitView/same size", ". TestFaults/head of another tree"}, ""},
	{16, "fork, larger", []string{". TestSplitView/larger", ". TestWatch", "watch TestFork"}, ""},
	{17, "bit flip in an entry", []string{". TestFaults/flipped byte in a tile", ". TestFaults/flipped bit in an entry", ". TestArchive"}, ""},
	{18, "leaf_index states another index", []string{ctlogs + "TestWrongIndexIsOdd"}, ""},
	{19, "trailing bytes, 255 or 257 entries in a tile", []string{". TestFaults/trailing bytes in a tile", ctlogs + "TestFaultyTiles/one entry only", ". TestFaults/empty tile"}, ""},
	{20, "partial tile gone, full one there", []string{". TestRealLogs", ctlogs + "TestPartialTileThatHasGrown"}, ""},
	{21, "partial tile that never grows", []string{"watch TestPartial", ". TestRealLogs"}, ""},
	{22, "partial data tile is not fetched while it grows, its hashes are verified", []string{"watch TestPartial", ". TestFaults/flipped byte in the hashes of a partial tile", ". TestFaults/flipped byte in a partial tile"}, ""},
	{23, "signature lines of others, the log's own last", []string{"ct TestParseCheckpoint/grease and other algorithms first", "ct TestSunlightCheckpoint"}, ""},
	{24, "signature line of four bytes", []string{"ct TestParseCheckpoint/signature line of four bytes"}, ""},
	{25, "origin differs from the list", []string{"ct TestParseCheckpoint/of another log", ctlogs + "TestOnlyOneAddress"}, ""},
	{26, "extension line in a checkpoint", []string{"ct TestParseCheckpoint/extension line"}, ""},
	{27, "stale head", []string{". TestFaults/stale head", "watch TestStaleAndFuture"}, ""},
	{28, "head of the future", []string{". TestFaults/future head", "watch TestStaleAndFuture"}, ""},
	{29, "read-only log beyond its final tree head", []string{"ct TestFinalTree", "cli TestCTFinalTree"}, ""},
	{30, "SCT older than the merge delay and not in the tree", []string{". TestRealLogs/prove"}, ""},
	{31, "leaf hash of an SCT with extensions", []string{". TestRealLogs/prove", "ct TestLeafOfHoldsExtensions"}, ""},
	{32, "pre_certificate does not match the TBSCertificate", []string{". TestFaults/uncovered bytes", "ct TestCheckSubmitted"}, ""},
	{33, "issuer_key_hash does not match the chain", []string{"ct TestCheckSubmitted/another issuer"}, ""},
	{34, "issuer missing, or with other bytes", []string{". TestFaults/uncovered bytes", "watch TestChainError"}, ""},
	{35, "precertificate and certificate in two logs", []string{"watch TestTwoLogs"}, ""},
	{36, "certificate with another content than its precertificate", []string{"watch TestSameSerial"}, ""},
	{37, "NUL in a name", []string{". TestOddCertificates/NUL before the name", ". TestOddCertificates/NUL after the name"}, ""},
	{38, "upper case, trailing dot", []string{". TestOddCertificates/upper case", ". TestOddCertificates/trailing dot"}, ""},
	{39, "spaces, newline, URL", []string{". TestOddCertificates/spaces", ". TestOddCertificates/newline", ". TestOddCertificates/URL"}, ""},
	{40, "U-label and Latin-1", []string{". TestOddSpellings"}, ""},
	{41, "empty name", []string{". TestOddCertificates/empty name before"}, ""},
	{42, "commonName only, as UTF8String", []string{". TestOddCertificates/CN UTF8"}, ""},
	{43, "commonName only, as BMPString", []string{". TestOddCertificates/CN BMP"}, ""},
	{44, "commonName only, as T61String", []string{". TestOddCertificates/CN T61"}, ""},
	{45, "two commonNames, RDN of two values", []string{". TestOddCertificates/two CNs", ". TestOddCertificates/multi-valued RDN"}, ""},
	{46, "two SAN extensions", []string{". TestOddCertificates/two SAN extensions"}, ""},
	{47, "zero byte after the SAN", []string{". TestOddCertificates/zero byte after SAN"}, ""},
	{48, "IP address of five bytes", []string{". TestOddCertificates/IP address of five bytes"}, ""},
	{49, "bad URI, name only in a URI", []string{". TestOddCertificates/bad URI", ". TestOddCertificates/name only in URI"}, ""},
	{50, "negative serial number, and zero", []string{". TestOddCertificates/negative serial", ". TestOddCertificates/zero serial"}, ""},
	{51, "serial number of 25 bytes, and padded", []string{". TestOddCertificates/serial of 25", ". TestOddCertificates/serial padded"}, ""},
	{52, "version 1 with a SAN", []string{". TestOddCertificates/version 1"}, ""},
	{53, "version 5", []string{". TestOddCertificates/version 5"}, ""},
	{54, "bad times", []string{". TestOddCertificates/ends first"}, ""},
	{55, "key off its curve", []string{". TestOddCertificates/off-curve key"}, ""},
	{56, "negative RSA modulus", []string{". TestOddCertificates/negative RSA modulus"}, ""},
	{57, "trailing byte, BER length", []string{". TestOddCertificates/trailing byte", ". TestOddCertificates/BER length"}, ""},
	{58, "wildcard above what is watched", []string{". TestOddCertificates/wildcard above"}, ""},
	{59, "question mark in a name", []string{". TestOddCertificates/question mark"}, ""},
	{60, "name of 300 bytes", []string{". TestOddCertificates/a name of 300 bytes"}, ""},
	{61, "leaf that cannot be read", []string{". TestOddLeaves", "ct TestParseLeaf", "ct TestParseTileLeafRefuses", "watch TestOddEntry"}, ""},
	{62, "kill -9 at any moment", []string{"watch TestEveryStep", "store TestKill"}, ""},
	{63, "full disk, state that cannot be written", []string{"store TestFull", "store TestReadOnlyDirectory"}, ""},
	{64, "two instances on one state", []string{"store TestHold", "store TestProcesses"}, ""},
	{65, "log lists with errors", []string{"ct TestParseList", "ct TestParseListRefuses/another id", "ct TestParseListRefuses/the same log twice", "ct TestCheckListSignature", "ct TestKnown"}, ""},
	{66, "key or address of a log changed between runs", []string{"watch TestNewKey", "watch TestRunReloads"}, ""},
	{67, "RFC 6962 log that serves tiles too, without checkpoint", []string{ctlogs + "TestHybrid", ctlogs + "TestHybridFallsBack", ctlogs + "TestHybridGap"}, ""},
	{68, "cached consistency proof", []string{". TestCachedConsistency"}, ""},
	{69, "leaf without extension in an archive of tiles", []string{". TestOddLeaves"}, ""},
	{70, "watched name as U-label, A-label, in upper case", []string{". TestOddSpellings", ctlogs + "TestMatchNames"}, ""},
}

// Each pitfall is held by tests that are there, or says why it is not.
func TestPitfalls(t *testing.T) {
	const all = 70
	sources := map[string]string{}
	for i, p := range pitfalls {
		if p.number != i+1 {
			t.Errorf("pitfall %d stands at %d", p.number, i+1)
		}
		t.Run(fmt.Sprintf("%02d %s", p.number, p.title), func(t *testing.T) {
			if (len(p.tests) == 0) == (p.open == "") {
				t.Error("it needs tests, or a reason why there are none")
			}
			for _, name := range p.tests {
				if err := exists(sources, name); err != nil {
					t.Error(err)
				}
			}
			if p.open != "" {
				t.Logf("not held here: %s", p.open)
			}
		})
	}
	if len(pitfalls) != all {
		t.Errorf("%d pitfalls, want %d", len(pitfalls), all)
	}
}

// exists looks for a test by its name in the source, and for its subtest as a
// string that stands in the same file. Subtests of tests that are made of others
// stand in any file here.
func exists(sources map[string]string, name string) error {
	folder, test, _ := strings.Cut(name, " ")
	test, sub, _ := strings.Cut(test, "/")
	if sources[folder] == "" {
		dir := "."
		if folder != "." {
			dir = filepath.Join("..", "..", filepath.FromSlash(folder))
		}
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			return err
		}
		for _, f := range files {
			if filepath.Base(f) == "pitfalls_test.go" {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			sources[folder] += string(b)
		}
	}
	if !regexp.MustCompile(`(?m)^func ` + test + `\(t \*testing\.T\)`).MatchString(sources[folder]) {
		return fmt.Errorf("there is no %s in %s", test, folder)
	}
	if sub != "" && !strings.Contains(sources[folder], `"`+sub) {
		return fmt.Errorf("there is no subtest %q of %s in %s", sub, test, folder)
	}
	return nil
}
