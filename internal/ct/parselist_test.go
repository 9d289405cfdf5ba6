package ct

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

func TestParseList(t *testing.T) {
	k := lab.Logs()
	one, two := entryJSON(k[0].Key, "One"), entryJSON(k[1].Key, "Two")
	one["url"] = "https://one.example/"
	one["temporal_interval"] = map[string]any{"start_inclusive": "2026-01-01T00:00:00Z", "end_exclusive": "2027-01-01T00:00:00Z"}
	one["previous_operators"] = []any{map[string]any{"name": "Before", "end_time": "2025-01-01T00:00:00Z"}}
	one["log_type"] = "prod"
	two["submission_url"], two["monitoring_url"], two["mmd"] = "https://log.two.example/", "https://mon.two.example/", 60
	two["state"] = map[string]any{"shelved": map[string]any{"timestamp": "2025-01-01T00:00:00Z", "why": 1}}
	unusable := entryJSON(lab.RootKey(), "On P-384")
	list, err := ParseList(listJSON(t, []any{one, unusable}, []any{two}))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(list.Logs()); n != 2 || list.Version != "7.1" || list.Date.Format(time.DateOnly) != "2026-06-14" {
		t.Errorf("%d logs, version %s, date %v", n, list.Version, list.Date)
	}
	if len(list.Unusable()) != 1 || list.Log(sha256.Sum256(lab.RootKey().SPKI)) != nil {
		t.Errorf("Unusable = %v", list.Unusable())
	}
	a, b := list.Log(k[0].ID()), list.Log(k[1].ID())
	if a == nil || a.Name != "One" || a.Tiled || a.URL != "https://one.example/" || a.MMD != 24*time.Hour ||
		a.From.Year() != 2026 || a.To.Year() != 2027 || a.Operator() != "Lab" ||
		a.OperatorAt(a.From.AddDate(-2, 0, 0)) != "Before" || a.StateAt(a.From) != Usable {
		t.Errorf("first log = %+v", a)
	}
	if b == nil || !b.Tiled || b.URL != "https://log.two.example/" || b.Monitor != "https://mon.two.example/" ||
		b.MMD != time.Minute || b.StateAt(list.Date) != "shelved" || b.StateAt(list.Date).Approved() {
		t.Errorf("second log = %+v", b)
	}
}

// Where a read-only log stopped is in the list, and binds what it signs.
func TestFinalTree(t *testing.T) {
	k := lab.Logs()[0].Key
	root := sha256.Sum256([]byte("root"))
	with := func(state string, final any) (*Log, error) {
		e := entryJSON(k, "One")
		e["state"] = map[string]any{state: map[string]any{"timestamp": "2026-01-01T00:00:00Z", "final_tree_head": final}}
		list, err := ParseList(listJSON(t, []any{e}, nil))
		if err != nil {
			return nil, err
		}
		return list.Logs()[0], nil
	}
	log, err := with("readonly", map[string]any{"sha256_root_hash": root[:], "tree_size": 100})
	if err != nil {
		t.Fatal(err)
	}
	for want, h := range map[string]*TreeHead{
		FinalSame: {Size: 100, Root: root}, FinalBefore: {Size: 99, Root: root}, FinalBeyond: {Size: 101, Root: root}, FinalOther: {Size: 100},
	} {
		if got := log.AgainstFinal(h); got != want {
			t.Errorf("AgainstFinal(%d) = %q, want %q", h.Size, got, want)
		}
	}
	if log, err = with("usable", map[string]any{"sha256_root_hash": root[:], "tree_size": 100}); err != nil || log.Final != nil || log.AgainstFinal(&TreeHead{Size: 101}) != "" {
		t.Errorf("a usable log with an end: %+v, %v, want none", log, err)
	}
	for name, bad := range map[string]any{
		"short root": map[string]any{"sha256_root_hash": root[:31], "tree_size": 1}, "no size": map[string]any{"sha256_root_hash": root[:]},
		"negative size": map[string]any{"sha256_root_hash": root[:], "tree_size": -1}, "no base64": map[string]any{"sha256_root_hash": "?", "tree_size": 1},
	} {
		if _, err := with("readonly", bad); err == nil || !strings.Contains(err.Error(), "final_tree_head") {
			t.Errorf("%s: %v, want an error about final_tree_head", name, err)
		}
	}
}

func TestParseListRefuses(t *testing.T) {
	change := func(key string, value any) []byte {
		e := entryJSON(lab.Logs()[0].Key, "One")
		e[key] = value
		return listJSON(t, []any{e}, nil)
	}
	good := entryJSON(lab.Logs()[0].Key, "One")
	for _, c := range []struct {
		name, want string
		in         []byte
	}{
		{"not JSON", "reading log list", []byte("<html>")},
		{"version 2", "names no operators", []byte(`{"logs": [], "log_list_timestamp": "2026-06-14T13:37:40Z"}`)},
		{"two documents", "something follows", append(listJSON(t, nil, nil), "{}"...)},
		{"a bad date", "log_list_timestamp", []byte(`{"operators": [], "log_list_timestamp": "yesterday"}`)},
		{"another id", "not the SHA-256", change("log_id", "AAAA")},
		{"an id that is not base64", "log_id", change("log_id", "%")},
		{"a key that is not base64", "key", change("key", "%")},
		{"no merge delay", "mmd", change("mmd", -1)},
		{"a state without a time", "state", change("state", map[string]any{"usable": map[string]any{}})},
		{"an interval that ends first", "ends before", change("temporal_interval", map[string]any{"start_inclusive": "2027-01-01T00:00:00Z", "end_exclusive": "2026-01-01T00:00:00Z"})},
		{"an interval without an end", "temporal_interval", change("temporal_interval", map[string]any{"start_inclusive": "2027-01-01T00:00:00Z"})},
		{"an operator without an end", "previous_operators", change("previous_operators", []any{map[string]any{"name": "x"}})},
		{"too many operators", "more than 64", change("previous_operators", make([]any, 65))},
		{"the same log twice", "stands twice", listJSON(t, []any{good}, []any{good})},
		{"too large", "more than", make([]byte, MaxListSize+1)},
		{"a wrong type", "reading log list", change("mmd", "a day")},
	} {
		if _, err := ParseList(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ParseList error = %v, want one with %q", c.name, err, c.want)
		}
	}
	// Independent problems are reported together.
	bad := entryJSON(lab.Logs()[1].Key, "Two")
	bad["log_id"] = "AAAA"
	worse := entryJSON(lab.ForgedKey(), "Three")
	worse["mmd"] = -1
	if _, err := ParseList(listJSON(t, []any{bad, worse}, nil)); err == nil || !strings.Contains(err.Error(), "Two") || !strings.Contains(err.Error(), "Three") {
		t.Errorf("ParseList error = %v, want both logs in it", err)
	}
}

// Accepted lists hold no log under an id that is not its key's, and none twice.
func FuzzParseList(f *testing.F) {
	k := lab.Logs()
	f.Add(listJSON(f, []any{entryJSON(k[0].Key, "One")}, []any{entryJSON(k[1].Key, "Two")}))
	f.Add([]byte(`{"operators":[{"logs":[{}]}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		list, err := ParseList(in)
		if (err == nil) != (list != nil) {
			t.Fatalf("ParseList = %v, %v", list, err)
		}
		seen := map[[32]byte]bool{}
		for _, log := range list.Logs() {
			if log.ID != sha256.Sum256(log.Key) || seen[log.ID] || list.Log(log.ID) != log || !log.From.IsZero() && !log.From.Before(log.To) {
				t.Errorf("ParseList gives the log %+v", log)
			}
			seen[log.ID] = true
		}
	})
}

func TestCheckListSignature(t *testing.T) {
	k, list := lab.IssuingRSAKey(), []byte(`{"operators": []}`)
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.SPKI}))
	digest := sha256.Sum256(list)
	signature, err := k.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckListSignature(list, signature, public); err != nil {
		t.Errorf("CheckListSignature of an honest list: %v", err)
	}
	if err := CheckListSignature(append(bytes.Clone(list), '\n'), signature, public); err == nil {
		t.Error("CheckListSignature accepts a changed list")
	}
	if err := CheckListSignature(list, signature, ""); err == nil {
		t.Error("CheckListSignature takes a stranger's signature for Google's")
	}
	notRSA := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: lab.LeafKey().SPKI}))
	for _, key := range []string{"no PEM", notRSA, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if err := CheckListSignature(list, signature, key); err == nil {
			t.Errorf("CheckListSignature accepts the key %q", key)
		}
	}
}

func TestJoin(t *testing.T) {
	k := lab.Logs()
	parse := func(logs ...any) *LogList {
		l, err := ParseList(listJSON(t, logs, nil))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	known := parse(entryJSON(k[0].Key, "Public"))
	begin, end := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

	own := entryJSON(k[1].Key, "Own")
	own["temporal_interval"] = map[string]any{"start_inclusive": "2026-01-01T00:00:00Z", "end_exclusive": "2027-01-01T00:00:00Z"}
	l := Join(parse(own), known)
	if len(l.Logs()) != 2 || l.Own() != 1 || l.Log(k[0].ID()) == nil || l.Log(k[1].ID()) == nil {
		t.Errorf("Join lost a log: %v", l.Logs())
	}
	if !l.Due(begin, end) || l.Due(begin, end.AddDate(1, 0, 0)) || l.Due(begin.AddDate(-3, 0, 0), end) {
		t.Error("Due: want it for a certificate within the interval of an own log that was usable, and for no other")
	}
	// One public log, and the list is no statement on the owner's CAs.
	mixed := Join(parse(own, entryJSON(k[0].Key, "Renamed")), known)
	if mixed.Due(begin, end) {
		t.Error("Due is true under a list with a public log")
	}
	if mixed.Log(k[0].ID()).Name != "Renamed" || len(mixed.Logs()) != 2 {
		t.Error("Join does not let the owner's word on a log stand")
	}
	if known.Due(begin, end) || (*LogList)(nil).Due(begin, end) || (*LogList)(nil).Log(k[0].ID()) != nil {
		t.Error("without an owner's list something is due")
	}
}
