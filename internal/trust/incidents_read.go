package trust

import (
	"bytes"
	_ "embed" // the table of incidents
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/certassay/certassay/internal/cert"
)

// incidentFile is the table, kept by hand. Every hash stands beside the name of
// its certificate or key. A pull request that adds an incident adds its account
// in our own words and a public source.
//
//go:embed data/incidents.json
var incidentFile []byte

// incidents is read when first asked for.
var incidents = sync.OnceValue(func() *incidentTable {
	t, err := readIncidents(incidentFile)
	if err != nil {
		panic(err) // a test reads it
	}
	return t
})

// An incidentTable finds incidents by what is known of a certificate.
type incidentTable struct {
	date string
	all  int
	// certificates are by SHA-256, sha1 by SHA-1 where no better hash is known,
	// keys by the SHA-256 of SubjectPublicKeyInfo, serials by the SHA-256 of
	// the issuer's name and the serial number's octets. All are in hexadecimal.
	certificates, sha1, keys, serials map[string]*Incident
	// signers are keys by the normalised name of their CA.
	signers map[string][]signer
	byID    map[string]*Incident
}

type signer struct {
	key      *cert.Certificate
	incident *Incident
}

// fileIncident and fileMatch are the form of the file.
type fileIncident struct {
	ID      string      `json:"id"`
	Year    int         `json:"year"`
	Title   string      `json:"title"`
	Account string      `json:"account"`
	Sources []string    `json:"sources"`
	Matches []fileMatch `json:"matches"`
}

type fileMatch struct {
	Means        Meaning           `json:"means"`
	Certificates map[string]string `json:"certificates"`
	SHA1         map[string]string `json:"sha1"`
	Keys         map[string]string `json:"keys"`
	Issued       map[string]string `json:"issued"`
	Signers      []fileSigner      `json:"signers"`
}

// A fileSigner is the subject and the SubjectPublicKeyInfo of a CA, in DER.
type fileSigner struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

func readIncidents(data []byte) (*incidentTable, error) {
	var file struct {
		Date      string         `json:"date"`
		Incidents []fileIncident `json:"incidents"`
	}
	if err := strict(data, &file); err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	t := &incidentTable{
		date: file.Date, all: len(file.Incidents),
		certificates: map[string]*Incident{}, sha1: map[string]*Incident{}, keys: map[string]*Incident{},
		serials: map[string]*Incident{}, signers: map[string][]signer{}, byID: map[string]*Incident{},
	}
	for i := range file.Incidents {
		if err := t.add(&file.Incidents[i]); err != nil {
			return nil, fmt.Errorf("reading incident %q: %w", file.Incidents[i].ID, err)
		}
	}
	return t, nil
}

// strict decodes a whole JSON document without unknown keys.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one document")
	}
	return nil
}

func (t *incidentTable) add(f *fileIncident) error {
	switch {
	case f.ID == "" || t.byID[f.ID] != nil:
		return errors.New("id is missing or not new")
	case f.Year < 1990 || f.Title == "" || f.Account == "":
		return errors.New("year, title or account is missing")
	case len(f.Sources) == 0 || slices.ContainsFunc(f.Sources, func(s string) bool { return !strings.HasPrefix(s, "https://") }):
		return errors.New("no source, or one that is no https address")
	}
	base := Incident{ID: f.ID, Year: f.Year, Title: f.Title, Account: f.Account, Sources: f.Sources}
	t.byID[f.ID] = &base
	for _, m := range f.Matches {
		if !slices.Contains(meanings, m.Means) {
			return fmt.Errorf("unknown meaning %q", m.Means)
		}
		of := base
		of.Means = m.Means
		for _, part := range []struct {
			by     string
			length int
			hashes map[string]string
			into   map[string]*Incident
		}{
			{ByCertificate, 32, m.Certificates, t.certificates}, {ByCertificate, 20, m.SHA1, t.sha1},
			{ByKey, 32, m.Keys, t.keys}, {BySerial, 0, m.Issued, t.serials},
		} {
			of.By = part.by
			if err := enter(part.into, part.hashes, part.length, of); err != nil {
				return err
			}
		}
		of.By = BySigner
		if err := t.addSigners(m.Signers, of); err != nil {
			return err
		}
	}
	return nil
}

// enter adds the records of one kind; length is in octets, 0 for a hash, a colon
// and a serial number.
func enter(into map[string]*Incident, hashes map[string]string, length int, of Incident) error {
	for hash, record := range hashes {
		digits, want := hash, length
		if length == 0 {
			issuer, serial, _ := strings.Cut(hash, ":")
			digits, want = issuer, 32
			if _, err := hex.DecodeString(serial); err != nil || serial == "" {
				return fmt.Errorf("%q has no serial number", hash)
			}
		}
		raw, err := hex.DecodeString(digits)
		if err != nil || len(raw) != want || strings.ToLower(hash) != hash {
			return fmt.Errorf("%q is not %d octets in lower-case hexadecimal", hash, want)
		}
		if record == "" || into[hash] != nil {
			return fmt.Errorf("%q has no name, or stands there twice", hash)
		}
		entry := of
		entry.Record = record
		into[hash] = &entry
	}
	return nil
}

func (t *incidentTable) addSigners(list []fileSigner, of Incident) error {
	for _, s := range list {
		ca, err := keyHolder(s.Name, s.Key)
		if err != nil {
			return fmt.Errorf("a signer: %w", err)
		}
		entry := of
		entry.Record = ca.Subject.String()
		normal := ca.Subject.Normal()
		t.signers[normal] = append(t.signers[normal], signer{ca, &entry})
	}
	return nil
}
