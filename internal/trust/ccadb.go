package trust

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/cert"
)

// A CAData is a list of CA certificates, as CCADB publishes them.
type CAData struct {
	// Name is what the caller calls it, such as its file name.
	Name string
	// Date is when it was taken, 2006-01-02, and Source where; both are empty where
	// the owner keeps it.
	Date, Source string
	Records      []Record
}

// A Record is what a list says of one CA certificate.
type Record struct {
	SHA256 [32]byte
	// Certificate is nil where the list holds no PEM: then only its hash and
	// what stands below is known.
	Certificate *cert.Certificate
	// Owner is the organisation that answers for it.
	Owner string
	// Revoked is CCADB's revocation status where it is not "Not Revoked":
	// "Revoked" or "Parent Cert Revoked". Empty otherwise.
	Revoked string
}

// MaxCAData is the longest list of CAs that is read.
const MaxCAData = 256 << 20

// Limits on lists of CAs. CCADB had about 12 000 records in 2026.
const (
	// maxCCADBBytes bounds a file; with PEM the whole of CCADB is about 40 MB. One
	// without end would fill memory.
	maxCCADBBytes = MaxCAData
	// maxCCADBRows bounds the records, each of which costs a parse.
	maxCCADBRows = 200_000
	// maxCCADBErrors is how many bad rows are named; a file of another kind
	// would give one for each line.
	maxCCADBErrors = 10
)

// Columns that lists of CCADB use, the same fact under several names over the
// years. Comparison ignores case.
var (
	columnSHA256  = []string{"SHA-256 Fingerprint", "SHA256 Fingerprint"}
	columnPEM     = []string{"X.509 Certificate (PEM)", "PEM Info", "PEM"}
	columnOwner   = []string{"CA Owner", "Owner"}
	columnRevoked = []string{"Revocation Status", "Revocation Status (CCADB)"}
)

// ErrNotCCADB says that a file has none of the columns that a list of CAs needs.
var ErrNotCCADB = errors.New(`neither a column "SHA-256 Fingerprint" nor a column of PEM`)

// ReadCCADB reads a list of CAs in the form of CCADB's public CSV reports:
// columns are found by the names in the first line, in any order; others are
// ignored. It needs a column of SHA-256 fingerprints or one of PEM. Rows that
// cannot be read make it fail as a whole, with up to ten of them named: half a
// list would turn genuine CAs into strangers. Name is what the list is called.
func ReadCCADB(name string, r io.Reader) (*CAData, error) {
	limited := &io.LimitedReader{R: r, N: maxCCADBBytes + 1}
	text := bufio.NewReader(limited)
	// A spreadsheet puts a byte order mark before the first quote.
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	in := csv.NewReader(text)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("reading CA data %s: first line: %w", name, err)
	}
	cols, err := columns(head)
	if err != nil {
		return nil, fmt.Errorf("reading CA data %s: %w", name, err)
	}
	d := &CAData{Name: name}
	var bad []error
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line := 0
		var rec Record
		if err == nil {
			line, _ = in.FieldPos(0)
			rec, err = cols.record(row)
		}
		switch {
		case limited.N <= 0:
			return nil, fmt.Errorf("reading CA data %s: more than %d bytes", name, maxCCADBBytes)
		case len(d.Records) >= maxCCADBRows:
			return nil, fmt.Errorf("reading CA data %s: more than %d rows", name, maxCCADBRows)
		case err != nil && line > 0:
			err = fmt.Errorf("reading CA data %s: line %d: %w", name, line, err)
		case err != nil:
			// The reader's own errors name their line.
			err = fmt.Errorf("reading CA data %s: %w", name, err)
		}
		if err == nil {
			d.Records = append(d.Records, rec)
			continue
		}
		if bad = append(bad, err); len(bad) == maxCCADBErrors {
			break
		}
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("reading CA data %s: more than %d bytes", name, maxCCADBBytes)
	}
	return d, nil
}

// Missing are the certificates that d has and newer has not.
func (d *CAData) Missing(newer *CAData) (sums [][32]byte) {
	has := make(map[[32]byte]bool, len(newer.Records))
	for i := range newer.Records {
		has[newer.Records[i].SHA256] = true
	}
	for i := range d.Records {
		if sum := d.Records[i].SHA256; !has[sum] {
			has[sum] = true // a list may name one twice
			sums = append(sums, sum)
		}
	}
	return sums
}

// A layout is where the columns stand, -1 where there is none.
type layout struct{ sha256, pem, owner, revoked int }

func columns(head []string) (layout, error) {
	find := func(names []string) int {
		return slices.IndexFunc(head, func(h string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(h)) })
		})
	}
	l := layout{find(columnSHA256), find(columnPEM), find(columnOwner), find(columnRevoked)}
	if l.sha256 < 0 && l.pem < 0 {
		return l, ErrNotCCADB
	}
	return l, nil
}

func (l layout) record(row []string) (r Record, err error) {
	field := func(i int) string {
		if i < 0 || i >= len(row) {
			return ""
		}
		return strings.TrimSpace(row[i])
	}
	r.Owner = strings.Clone(field(l.owner))
	if s := field(l.revoked); s != "" && !strings.EqualFold(s, "Not Revoked") {
		r.Revoked = strings.Clone(s)
	}
	fingerprint := field(l.sha256)
	if fingerprint != "" {
		if r.SHA256, err = parseFingerprint(fingerprint); err != nil {
			return r, err
		}
	}
	text := field(l.pem)
	if text == "" {
		if fingerprint == "" {
			return r, errors.New("neither fingerprint nor certificate")
		}
		return r, nil
	}
	// Some of the reports put the PEM between single quotes.
	block, _ := pem.Decode([]byte(strings.Trim(text, "'")))
	if block == nil || block.Type != "CERTIFICATE" {
		return r, errors.New("the PEM holds no certificate")
	}
	sum := sha256.Sum256(block.Bytes)
	if fingerprint != "" && sum != r.SHA256 {
		return r, fmt.Errorf("the certificate is not the one of fingerprint %s", fingerprint)
	}
	r.SHA256, r.Certificate = sum, cert.Parse(block.Bytes)
	return r, nil
}

// parseFingerprint reads 64 hexadecimal digits, with colons between them or
// without.
func parseFingerprint(s string) (sum [32]byte, err error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	if err != nil || len(b) != len(sum) {
		return sum, fmt.Errorf("%q is no SHA-256 fingerprint", s)
	}
	return [32]byte(b), nil
}
