package trust

import (
	_ "embed" // the table of distrusted CAs
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/cert"
)

// A Decision is what a root program decided about a CA. The zero value is none.
type Decision struct {
	// Program is mozilla, chrome, apple or microsoft.
	Program string
	Kind    DecisionKind
	// Date is what Kind says. Where a publisher tells only the year it is the
	// year's last day; where a root left a list unannounced it is the date of
	// the last list that held it.
	Date time.Time
}

// A DecisionKind says which certificates a Decision is about.
type DecisionKind string

// The kinds.
const (
	// Removed and Blocked are about every certificate, from Date on; a blocked
	// CA is refused even where something else vouches for it.
	Removed DecisionKind = "removed"
	Blocked DecisionKind = "blocked"
	// AfterNotBefore is about those whose notBefore is later than Date.
	AfterNotBefore DecisionKind = "not-before"
	// AfterSCT is about those whose earliest SCT is later than Date.
	AfterSCT DecisionKind = "sct"
)

// A Distrusted is a CA that root programs decided against.
type Distrusted struct {
	// ID is permanent: a word and the year.
	ID string
	// Owner is who ran the CA, Name what the CA is called.
	Owner, Name string
	// Why is the reason in our words, Sources https addresses.
	Why       string
	Sources   []string
	Decisions []Decision
	// Exempt are SHA-256 hashes of the keys of intermediates, in hexadecimal,
	// that the programs excepted because others run them.
	Exempt []string
	// CA holds the CA's subject and key, and nothing else.
	CA *cert.Certificate
	// GivenUp says that nobody decided against it: a list that held it holds it no
	// longer, as it does with roots that are old or not needed any more.
	GivenUp bool
}

// distrustFile is the table, kept by hand: families of CAs of one owner with
// the same decisions.
//
//go:embed data/distrust.json
var distrustFile []byte

// distrusted is read when first asked for.
var distrusted = sync.OnceValue(func() *distrustTable {
	t, err := readDistrust(distrustFile)
	if err != nil {
		panic(err) // a test reads it
	}
	return t
})

// A distrustTable finds distrusted CAs by certificate, key, and name.
type distrustTable struct {
	date                 string
	all                  int
	certificates, byKeys map[string]*Distrusted
	// names are normalised.
	names map[string][]*Distrusted
}

// DistrustedCA says whether root programs decided against this CA: its
// certificate or its key.
func DistrustedCA(c *cert.Certificate) (Distrusted, bool) {
	t := distrusted()
	sum := c.SHA256()
	if d := t.certificates[hex.EncodeToString(sum[:])]; d != nil {
		return *d, true
	}
	if spki, ok := c.SPKISHA256(); ok {
		if d := t.byKeys[hex.EncodeToString(spki[:])]; d != nil {
			return *d, true
		}
	}
	return Distrusted{}, false
}

// DistrustedName gives the distrusted CAs that bear a name, compared as
// normalised text. Anybody can write a name: ask the key of each.
func DistrustedName(n *cert.Name) []Distrusted {
	normal := n.Normal()
	if normal == "" {
		return nil
	}
	var out []Distrusted
	for _, d := range distrusted().names[normal] {
		out = append(out, *d)
	}
	return out
}

type fileFamily struct {
	ID        string         `json:"id"`
	Owner     string         `json:"owner"`
	Why       string         `json:"why"`
	Sources   []string       `json:"sources"`
	Decisions []fileDecision `json:"decisions"`
	CAs       []fileCA       `json:"cas"`
	Exempt    []string       `json:"exempt"`
}

type fileDecision struct {
	Program string       `json:"program"`
	Kind    DecisionKind `json:"kind"`
	Date    time.Time    `json:"date"`
}

// A fileCA is a CA with the hash of its certificate, and its subject and
// SubjectPublicKeyInfo in DER.
type fileCA struct {
	Name        string `json:"name"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	Subject     string `json:"subject"`
}

func readDistrust(data []byte) (*distrustTable, error) {
	var file struct {
		Date     string       `json:"date"`
		Families []fileFamily `json:"families"`
	}
	if err := strict(data, &file); err != nil {
		return nil, fmt.Errorf("reading distrusted CAs: %w", err)
	}
	t := &distrustTable{
		date:         file.Date,
		certificates: map[string]*Distrusted{}, byKeys: map[string]*Distrusted{}, names: map[string][]*Distrusted{},
	}
	ids := map[string]bool{}
	for i := range file.Families {
		f := &file.Families[i]
		if ids[f.ID] {
			return nil, fmt.Errorf("reading distrusted CAs: %q stands there twice", f.ID)
		}
		ids[f.ID] = true
		if err := t.add(f); err != nil {
			return nil, fmt.Errorf("reading distrusted CAs %q: %w", f.ID, err)
		}
	}
	return t, nil
}

func (t *distrustTable) add(f *fileFamily) error {
	base := Distrusted{ID: f.ID, Owner: f.Owner, Why: f.Why, Sources: f.Sources, Exempt: f.Exempt}
	switch {
	case f.ID == "" || f.Owner == "" || f.Why == "" || len(f.CAs) == 0 || len(f.Decisions) == 0:
		return errors.New("id, owner, reason, CAs or decisions are missing")
	case len(f.Sources) == 0 || slices.ContainsFunc(f.Sources, func(s string) bool { return !strings.HasPrefix(s, "https://") }):
		return errors.New("no source, or one that is no https address")
	}
	for _, d := range f.Decisions {
		switch d.Kind {
		case Removed, Blocked, AfterNotBefore, AfterSCT:
		default:
			return fmt.Errorf("unknown kind of decision %q", d.Kind)
		}
		if d.Program == "" || d.Date.IsZero() {
			return errors.New("a decision has no program or no date")
		}
		base.Decisions = append(base.Decisions, Decision(d))
	}
	for _, ca := range f.CAs {
		if err := t.addCA(ca, base); err != nil {
			return fmt.Errorf("CA %q: %w", ca.Name, err)
		}
	}
	return nil
}

func (t *distrustTable) addCA(f fileCA, entry Distrusted) error {
	ca, err := keyHolder(f.Subject, f.Key)
	switch {
	case err != nil:
		return err
	case f.Name == "":
		return errors.New("it is not named")
	case !hash32(f.Certificate):
		return errors.New("the hash of its certificate is not 32 octets in lower-case hexadecimal")
	case t.certificates[f.Certificate] != nil:
		return errors.New("its certificate stands there twice")
	}
	entry.Name, entry.CA = f.Name, ca
	t.all++
	t.certificates[f.Certificate] = &entry
	spki, _ := ca.SPKISHA256()
	if key := hex.EncodeToString(spki[:]); t.byKeys[key] == nil {
		t.byKeys[key] = &entry
	}
	normal := ca.Subject.Normal()
	t.names[normal] = append(t.names[normal], &entry)
	return nil
}

// keyHolder makes a certificate that holds a subject and a key alone, from their
// DER in base64.
func keyHolder(subject, key string) (*cert.Certificate, error) {
	name, err := base64.StdEncoding.DecodeString(subject)
	if err != nil {
		return nil, fmt.Errorf("reading its name: %w", err)
	}
	spki, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, fmt.Errorf("reading its key: %w", err)
	}
	ca := &cert.Certificate{Subject: cert.Name{Raw: name}, SPKI: spki, Key: cert.ParseKey(spki)}
	if ca.Subject.Normal() == "" || ca.Key.Err != nil {
		return nil, errors.New("it has no readable name or key")
	}
	return ca, nil
}

func hash32(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 32 && strings.ToLower(s) == s
}
