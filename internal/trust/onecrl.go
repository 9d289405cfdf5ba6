package trust

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits on a list of revoked certificates. OneCRL had about 2 000 records in 1.2 MB
// in 2026.
const (
	// MaxRevoked is the longest list that is read. One without end would fill memory.
	MaxRevoked = 32 << 20
	// maxRevokedRecords bounds the records, each of which is held in memory.
	maxRevokedRecords = 100_000
)

// A oneCRLRecord is one of OneCRL's. Firefox enforces all of them, whatever "enabled"
// says.
type oneCRLRecord struct {
	Modified   int64  `json:"last_modified"`
	Deleted    bool   `json:"deleted"`
	Issuer     []byte `json:"issuerName"`
	Serial     []byte `json:"serialNumber"`
	Subject    []byte `json:"subject"`
	SPKISHA256 []byte `json:"pubKeyHash"`
	Details    struct {
		Bug, Name, Why string
	} `json:"details"`
}

// ReadOneCRL reads a list of revoked certificates as Mozilla publishes it, see
// [ConvertOneCRL], or in the form of [RevokedFile].
func ReadOneCRL(data []byte) (*RevokedList, error) {
	var own struct {
		Batches json.RawMessage `json:"batches"`
	}
	if err := json.Unmarshal(data, &own); err == nil && own.Batches != nil {
		return ReadRevoked(data)
	}
	f, err := ConvertOneCRL(data)
	if err != nil {
		return nil, err
	}
	return newRevokedList(f)
}

// ConvertOneCRL reads OneCRL as Remote Settings has it and Firefox ships it: a JSON
// object with the records in "data" or "changes", and the time of the last change in
// "timestamp"; without one the last change of a record counts. Fields that it does not
// need may be there. It fails as a whole where a record cannot be read: half a list
// would let through what it should refuse.
func ConvertOneCRL(data []byte) (*RevokedFile, error) {
	var doc struct {
		Timestamp     int64
		Data, Changes []oneCRLRecord
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("reading OneCRL: %w", err)
	}
	records := slices.DeleteFunc(append(doc.Data, doc.Changes...), func(r oneCRLRecord) bool { return r.Deleted })
	switch {
	case len(records) == 0:
		return nil, errors.New("reading OneCRL: there are no records")
	case len(records) > maxRevokedRecords:
		return nil, fmt.Errorf("reading OneCRL: more than %d records", maxRevokedRecords)
	}
	slices.SortFunc(records, func(a, b oneCRLRecord) int {
		return cmp.Or(cmp.Compare(a.Modified, b.Modified), bytes.Compare(a.Issuer, b.Issuer), bytes.Compare(a.Serial, b.Serial))
	})
	if records[0].Modified <= 0 {
		return nil, errors.New("reading OneCRL: a record does not say of when it is")
	}
	last := cmp.Or(doc.Timestamp, records[len(records)-1].Modified)
	c := conversion{out: &RevokedFile{Date: day(last), Keys: []RevokedByKey{}}, batches: map[RevokedBatch]int{}, issuers: map[string]int{}, keys: map[string]bool{}}
	for i := range records {
		c.add(&records[i])
	}
	slices.SortFunc(c.out.Issuers, func(a, b RevokedIssuer) int { return bytes.Compare(a.Name, b.Name) })
	if _, err := newRevokedList(c.out); err != nil {
		return nil, err
	}
	return c.out, nil
}

// A conversion is a list that is being put together, with what is in it already.
type conversion struct {
	out     *RevokedFile
	batches map[RevokedBatch]int
	issuers map[string]int
	keys    map[string]bool
}

// add adds a record, later ones after earlier ones: what is listed twice counts from
// the first day.
func (c *conversion) add(r *oneCRLRecord) {
	b := RevokedBatch{Listed: day(r.Modified), Bug: bug(r.Details.Bug), Reason: reason(r.Details.Name + "\n" + r.Details.Why)}
	n, ok := c.batches[b]
	if !ok {
		n = len(c.out.Batches)
		c.batches[b], c.out.Batches = n, append(c.out.Batches, b)
	}
	if len(r.Issuer) == 0 {
		key := string(r.Subject) + string(r.SPKISHA256)
		if !c.keys[key] {
			c.keys[key] = true
			c.out.Keys = append(c.out.Keys, RevokedByKey{Subject: r.Subject, SPKISHA256: r.SPKISHA256, Batch: n})
		}
		return
	}
	i, ok := c.issuers[string(r.Issuer)]
	if !ok {
		i = len(c.out.Issuers)
		c.issuers[string(r.Issuer)] = i
		c.out.Issuers = append(c.out.Issuers, RevokedIssuer{Name: r.Issuer, Serials: map[string]int{}})
	}
	serial := base64.RawStdEncoding.EncodeToString(r.Serial)
	if _, twice := c.out.Issuers[i].Serials[serial]; !twice {
		c.out.Issuers[i].Serials[serial] = n
	}
}

func day(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateOnly) }

var bugNumber = regexp.MustCompile(`^(?:https://bugzilla\.mozilla\.org/show_bug\.cgi\?id=)?([0-9]{5,8})$`)

func bug(text string) int {
	m := bugNumber.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// reason sorts what Mozilla wrote beside a record. Most records have nothing there.
func reason(text string) Reason {
	text = strings.ToLower(text)
	for _, r := range []struct {
		is    Reason
		words []string
	}{
		{UsedToIntercept, []string{"mitm", "rcs certification", "mcsholding", "turktrust mis-issued"}},
		{KeyCompromise, []string{"key compromise", "private key"}},
		{WronglyIssued, []string{"registry problem", "registry compromise", "unauthorized", "misused", "xs4all", "live.fi"}},
		{TestCertificate, []string{"test certificate", "badssl"}},
		{LateSHA1, []string{"sha-1"}},
	} {
		if slices.ContainsFunc(r.words, func(w string) bool { return strings.Contains(text, w) }) {
			return r.is
		}
	}
	return ""
}
