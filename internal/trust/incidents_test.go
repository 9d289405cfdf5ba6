package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
)

// TestIncidentFile reads the shipped table: what is wrong in it would stop the
// program when it first looks something up.
func TestIncidentFile(t *testing.T) {
	table, err := readIncidents(incidentFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.DateOnly, table.date); err != nil {
		t.Errorf("date: %v", err)
	}
	used := map[Meaning]bool{}
	for _, m := range []map[string]*Incident{table.certificates, table.sha1, table.keys, table.serials} {
		for hash, i := range m {
			used[i.Means] = true
			if i.By == "" || i.Record == "" || i.Account == "" {
				t.Errorf("%s of %s says too little: %+v", hash, i.ID, i)
			}
		}
	}
	for _, m := range meanings {
		if !used[m] {
			t.Errorf("no record means %q: its rule can never fire", m)
		}
	}
	for name, list := range table.signers {
		for _, s := range list {
			spki, _ := s.key.SPKISHA256()
			if table.keys[hex.EncodeToString(spki[:])] == nil {
				t.Errorf("key of signer %q is not among the keys of its incident", name)
			}
		}
		if len(list) > 16 {
			t.Errorf("%d signers are called %q: the probe tries 16", len(list), name)
		}
	}
}

const (
	aHash = "0f912fd7be760be25afbc56bdc09cd9e5dcc9c6f6a55a778aefcb6aa30e31554"
	entry = `{"id":"a-2020","year":2020,"title":"A","account":"It was so.","sources":["https://a.example"],"matches":[MATCH]}`
)

func document(match string) []byte {
	return []byte(`{"date":"2026-01-01","incidents":[` + strings.ReplaceAll(entry, "MATCH", match) + `]}`)
}

func TestReadIncidentsRefuses(t *testing.T) {
	good := `{"means":"forged","certificates":{"` + aHash + `":"A"}}`
	if _, err := readIncidents(document(good)); err != nil {
		t.Fatalf("readIncidents(good) = %v", err)
	}
	for _, tt := range []struct{ name, doc, want string }{
		{"unknown meaning", string(document(`{"means":"bad","certificates":{}}`)), `unknown meaning "bad"`},
		{"short hash", string(document(`{"means":"forged","certificates":{"00ff":"A"}}`)), "not 32 octets"},
		{"long SHA-1", string(document(`{"means":"forged","sha1":{"` + aHash + `":"A"}}`)), "not 20 octets"},
		{"upper case", string(document(`{"means":"forged","keys":{"` + strings.ToUpper(aHash) + `":"A"}}`)), "lower-case"},
		{"nameless", string(document(`{"means":"forged","keys":{"` + aHash + `":""}}`)), "has no name"},
		{"twice", string(document(good + "," + good)), "stands there twice"},
		{"no serial", string(document(`{"means":"forged","issued":{"` + aHash + `":"A"}}`)), "no serial number"},
		{"unknown key", string(document(`{"means":"forged","hashes":{}}`)), "unknown field"},
		{"signer without a name", string(document(`{"means":"forged","signers":[{"name":"","key":""}]}`)), "no readable name or key"},
		{"signer that is no base64", string(document(`{"means":"forged","signers":[{"name":"!","key":""}]}`)), "a signer: reading its name"},
		{"plain http", strings.ReplaceAll(string(document(good)), "https:", "http:"), "no https address"},
		{"no account", strings.ReplaceAll(string(document(good)), "It was so.", ""), "account is missing"},
		{"second document", string(document(good)) + "{}", "more than one document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readIncidents([]byte(tt.doc)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("readIncidents = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// TestFindBySerial builds a certificate of the listed issuer and serial number
// and of other bytes: a precertificate of the listed one, say.
func TestFindBySerial(t *testing.T) {
	issuer := []byte("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02XX")
	sum := sha256.Sum256(issuer)
	table, err := readIncidents(document(`{"means":"misissued","issued":{"` + hex.EncodeToString(sum[:]) + `:00c0ff":"A"}}`))
	if err != nil {
		t.Fatal(err)
	}
	c := &cert.Certificate{Raw: []byte("x"), Issuer: cert.Name{Raw: issuer}, Serial: []byte{0, 0xc0, 0xff}}
	if i := table.find(c); i == nil || i.By != BySerial || i.Means != Misissued {
		t.Errorf("find(issuer and serial) = %+v, want the record", i)
	}
	c.Serial = []byte{0xc0, 0xff}
	if i := table.find(c); i != nil {
		t.Errorf("find(other serial) = %+v, want nothing", i)
	}
}

// TestFindPrefersTheCertificate: a copy of a listed CA has its key and is
// something else.
func TestFindPrefersTheCertificate(t *testing.T) {
	raw, spki := []byte("certificate"), []byte("key")
	a, b := sha256.Sum256(raw), sha256.Sum256(spki)
	table, err := readIncidents(document(`{"means":"override-stub","certificates":{"` + hex.EncodeToString(a[:]) + `":"A"}},` +
		`{"means":"rogue-ca","keys":{"` + hex.EncodeToString(b[:]) + `":"B"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if i := table.find(&cert.Certificate{Raw: raw, SPKI: spki}); i == nil || i.Means != OverrideStub || i.By != ByCertificate {
		t.Errorf("find(copy) = %+v, want the stub", i)
	}
	if i := table.find(&cert.Certificate{Raw: []byte("another"), SPKI: spki}); i == nil || i.Means != RogueCA || i.By != ByKey {
		t.Errorf("find(reissue) = %+v, want the key", i)
	}
	if i := table.find(&cert.Certificate{Raw: []byte("another"), SPKI: raw}); i != nil {
		t.Errorf("find(stranger) = %+v, want nothing", i)
	}
}

func TestNamedIncident(t *testing.T) {
	if i, ok := NamedIncident("superfish-2015"); !ok || i.Year != 2015 || i.Means != "" {
		t.Errorf("NamedIncident(superfish-2015) = %+v, %v", i, ok)
	}
	for _, id := range []string{"", "debianssl"} {
		if i, ok := NamedIncident(id); ok {
			t.Errorf("NamedIncident(%q) = %+v, want none", id, i)
		}
	}
}

// TestSigners asks by a name in another case and string type, which RFC 5280
// section 7.1 holds for the same.
func TestSigners(t *testing.T) {
	name := func(s string) *cert.Name {
		rdn := "\x30" + string(rune(5+2+len(s))) + "\x06\x03\x55\x04\x03\x0c" + string(rune(len(s))) + s
		set := "\x31" + string(rune(len(rdn))) + rdn
		return &cert.Name{Raw: []byte("\x30" + string(rune(len(set))) + set)}
	}
	if got := Signers(name("harmony(test)")); len(got) != 1 || got[0].Incident.ID != "preinstalled-test-roots" || got[0].Incident.By != BySigner {
		t.Errorf("Signers(harmony(test)) = %+v, want the preinstalled root", got)
	}
	if got := Signers(name("Honest CA")); len(got) != 0 {
		t.Errorf("Signers(Honest CA) = %+v, want none", got)
	}
	if got := Signers(&cert.Name{}); got != nil {
		t.Errorf("Signers(no name) = %+v, want none", got)
	}
}

func TestDistrustFile(t *testing.T) {
	table, err := readDistrust(distrustFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.DateOnly, table.date); err != nil {
		t.Errorf("date: %v", err)
	}
	owners := map[string]bool{}
	for _, d := range table.certificates {
		owners[strings.Fields(d.Owner)[0]] = true
		for _, x := range d.Exempt {
			if !hash32(x) {
				t.Errorf("%s: exempt key %q is no hash", d.ID, x)
			}
		}
	}
	for _, want := range []string{
		"Symantec", "WoSign", "CNNIC", "DigiNotar", "TrustCor", "Camerfirma", "E-Tugra", "Certinomis", "PROCERT", "Entrust", "Chunghwa", "NetLock", "GLOBALTRUST",
	} {
		if !owners[want] {
			t.Errorf("no CA of %s", want)
		}
	}
}

func TestReadDistrustRefuses(t *testing.T) {
	const good = `{"date":"2026-01-01","families":[{"id":"a","owner":"A","why":"So.","sources":["https://a.example"],
		"decisions":[{"program":"mozilla","kind":"removed","date":"2020-01-01T00:00:00Z"}],
		"cas":[{"name":"A CA","certificate":"` + aHash + `","key":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==","subject":"MA0xCzAJBgNVBAYTAlhY"}]}]}`
	if _, err := readDistrust([]byte(good)); err != nil {
		t.Fatalf("readDistrust(good) = %v", err)
	}
	for _, tt := range []struct{ name, old, new, want string }{
		{"kind", `"removed"`, `"gone"`, "unknown kind"},
		{"program", `"mozilla"`, `""`, "no program"},
		{"hash", `"certificate":"0f`, `"certificate":"zz`, "hash of its certificate"},
		{"key", `"key":"MFkw`, `"key":"MFkx`, "no readable name or key"},
		{"base64", `"key":"MFkw`, `"key":"!`, "reading its key"},
		{"subject", `MA0x`, `!!!!`, "reading its name"},
		{"empty subject", `MA0xCzAJBgNVBAYTAlhY`, `MAA=`, "no readable name"},
		{"source", "https:", "http:", "no https"},
		{"reason", "So.", "", "missing"},
		{"extra", `"owner"`, `"more":1,"owner"`, "unknown field"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := strings.Replace(good, tt.old, tt.new, 1)
			if _, err := readDistrust([]byte(doc)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("readDistrust = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// TestRootsStillTrusted holds the bundled roots against both tables: no root may
// be in the table of incidents, and those distrusted are distrusted by date.
func TestRootsStillTrusted(t *testing.T) {
	s, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	met := 0
	for _, list := range s.cas.byName {
		for _, ca := range list {
			if i, ok := FindIncident(ca.Certificate); ok {
				t.Errorf("%s is in the table as %s of %s", ca.Certificate.Subject, i.Means, i.ID)
			}
			d, ok := DistrustedCA(ca.Certificate)
			if !ok {
				continue
			}
			met++
			if names := DistrustedName(&ca.Certificate.Subject); !slices.ContainsFunc(names, func(n Distrusted) bool { return n.ID == d.ID }) {
				t.Errorf("%s is not found by its name", ca.Certificate.Subject)
			}
			for _, x := range d.Decisions {
				if x.Program == "mozilla" && x.Kind != AfterNotBefore {
					t.Errorf("%s is in Mozilla's list and %s by it", ca.Certificate.Subject, x.Kind)
				}
			}
		}
	}
	if met == 0 {
		t.Error("no bundled root is distrusted by date, want HiPKI and NetLock, which Chrome gave up")
	}
}

func BenchmarkReadTables(b *testing.B) {
	for b.Loop() {
		if _, err := readIncidents(incidentFile); err != nil {
			b.Fatal(err)
		}
		if _, err := readDistrust(distrustFile); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFindIncident(b *testing.B) {
	c := &cert.Certificate{Raw: make([]byte, 1200), SPKI: make([]byte, 294), Issuer: cert.Name{Raw: make([]byte, 80)}, Serial: make([]byte, 16)}
	b.ReportAllocs()
	for b.Loop() {
		FindIncident(c)
	}
}
