// Command generate writes the list of revoked CA certificates from Mozilla's OneCRL,
// in the form in which Firefox ships and fetches it: a JSON object with "timestamp"
// and "data" (or "changes"). In the directory of package trust:
//
//	go run ./generate ONECRL.json data/onecrl.json
//
// Debian's package firefox-esr has it in omni.ja, as
// defaults/settings/security-state/onecrl.json.
package main

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/trust"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: generate ONECRL.json OUTPUT")
	}
	in, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("reading OneCRL: %w", err)
	}
	out, err := convert(in)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return os.WriteFile(args[1], out, 0o644)
}

// A record is one of OneCRL's. Firefox enforces all of them, whatever "enabled" says.
type record struct {
	Modified   int64  `json:"last_modified"`
	Issuer     []byte `json:"issuerName"`
	Serial     []byte `json:"serialNumber"`
	Subject    []byte `json:"subject"`
	SPKISHA256 []byte `json:"pubKeyHash"`
	Details    struct {
		Bug, Name, Why string
	} `json:"details"`
}

func convert(in []byte) ([]byte, error) {
	var doc struct {
		Timestamp     int64
		Data, Changes []record
	}
	if err := json.Unmarshal(in, &doc); err != nil {
		return nil, fmt.Errorf("reading OneCRL: %w", err)
	}
	records := append(doc.Data, doc.Changes...)
	if len(records) == 0 || doc.Timestamp == 0 {
		return nil, errors.New("there are no records, or no timestamp")
	}
	slices.SortFunc(records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.Modified, b.Modified), bytes.Compare(a.Issuer, b.Issuer), bytes.Compare(a.Serial, b.Serial))
	})
	out := trust.RevokedFile{Date: day(doc.Timestamp), Keys: []trust.RevokedByKey{}}
	batches, issuers := map[trust.RevokedBatch]int{}, map[string]int{}
	for _, r := range records {
		b := trust.RevokedBatch{Listed: day(r.Modified), Bug: bug(r.Details.Bug), Reason: reason(r.Details.Name + "\n" + r.Details.Why)}
		n, ok := batches[b]
		if !ok {
			n = len(out.Batches)
			batches[b], out.Batches = n, append(out.Batches, b)
		}
		if len(r.Issuer) == 0 {
			out.Keys = append(out.Keys, trust.RevokedByKey{Subject: r.Subject, SPKISHA256: r.SPKISHA256, Batch: n})
			continue
		}
		i, ok := issuers[string(r.Issuer)]
		if !ok {
			i = len(out.Issuers)
			issuers[string(r.Issuer)] = i
			out.Issuers = append(out.Issuers, trust.RevokedIssuer{Name: r.Issuer, Serials: map[string]int{}})
		}
		serial := base64.RawStdEncoding.EncodeToString(r.Serial)
		if _, twice := out.Issuers[i].Serials[serial]; !twice { // the first day counts
			out.Issuers[i].Serials[serial] = n
		}
	}
	slices.SortFunc(out.Issuers, func(a, b trust.RevokedIssuer) int { return bytes.Compare(a.Name, b.Name) })
	return lines(out)
}

// lines writes the list with a line for each part, so that a newer one can be compared.
func lines(f trust.RevokedFile) ([]byte, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	s := strings.NewReplacer(`},{`, "},\n{", `:[{`, ":[\n{", `}],`, "}\n],\n").Replace(string(text))
	if _, err := trust.ReadRevoked([]byte(s)); err != nil {
		return nil, err
	}
	return []byte(s + "\n"), nil
}

func day(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateOnly) }

var digits = regexp.MustCompile(`^(?:https://bugzilla\.mozilla\.org/show_bug\.cgi\?id=)?([0-9]{5,8})$`)

func bug(text string) int {
	m := digits.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// reason sorts what Mozilla wrote beside a record. Most records have nothing there.
func reason(text string) trust.Reason {
	text = strings.ToLower(text)
	for _, r := range []struct {
		is    trust.Reason
		words []string
	}{
		{trust.UsedToIntercept, []string{"mitm", "rcs certification", "mcsholding", "turktrust mis-issued"}},
		{trust.KeyCompromise, []string{"key compromise", "private key"}},
		{trust.WronglyIssued, []string{"registry problem", "registry compromise", "unauthorized", "misused", "xs4all", "live.fi"}},
		{trust.TestCertificate, []string{"test certificate", "badssl"}},
		{trust.LateSHA1, []string{"sha-1"}},
	} {
		if slices.ContainsFunc(r.words, func(w string) bool { return strings.Contains(text, w) }) {
			return r.is
		}
	}
	return ""
}
