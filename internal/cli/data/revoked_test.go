package data_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/fetched"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// programsRevoked is the program's list as it stands in its source.
func programsRevoked(t *testing.T) *trust.RevokedFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "trust", "data", "onecrl.json"))
	if err != nil {
		t.Fatal(err)
	}
	f := &trust.RevokedFile{}
	if err := json.Unmarshal(text, f); err != nil {
		t.Fatal(err)
	}
	return f
}

// remoteSettings writes the program's list as Mozilla's server would, as of a day,
// without some of the records and with those of more certificates.
func remoteSettings(t *testing.T, day time.Time, without int, more ...*cert.Certificate) []byte {
	t.Helper()
	f := programsRevoked(t)
	var records []map[string]any
	add := func(batch int, fields map[string]any) {
		if without--; without >= 0 {
			return
		}
		listed, err := time.Parse(time.DateOnly, f.Batches[batch].Listed)
		if err != nil {
			t.Fatal(err)
		}
		fields["last_modified"], fields["enabled"] = listed.UnixMilli(), false
		fields["details"] = map[string]string{"bug": fmt.Sprint(f.Batches[batch].Bug), "who": "", "created": ""}
		records = append(records, fields)
	}
	for _, k := range f.Keys {
		add(k.Batch, map[string]any{"subject": k.Subject, "pubKeyHash": k.SPKISHA256})
	}
	for _, of := range f.Issuers {
		for serial, batch := range of.Serials {
			raw, err := base64.RawStdEncoding.DecodeString(serial)
			if err != nil {
				t.Fatal(err)
			}
			add(batch, map[string]any{"issuerName": of.Name, "serialNumber": raw})
		}
	}
	for _, c := range more {
		records = append(records, map[string]any{"issuerName": c.Issuer.Raw, "serialNumber": c.Serial, "last_modified": day.UnixMilli()})
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]string{"signature": "of nobody"}, "timestamp": day.UnixMilli(), "changes": records})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestUpdateRevoked(t *testing.T) {
	p := newPublisher(t)
	days := func(n int) time.Time { return updated.AddDate(0, 0, -n) }
	want := "nothing"
	step := func(name string, code int, text []byte, after string, says []string, args ...string) {
		t.Helper()
		p.publishFile("/onecrl.json", text)
		out := p.update(t, code, append([]string{"onecrl", "--onecrl", p.url + "/onecrl.json"}, args...)...)
		for _, s := range says {
			if !strings.Contains(out, s) {
				t.Errorf("%s: nothing says %q:\n%s", name, s, out)
			}
		}
		if after != "" {
			want = after
		}
		got := "nothing"
		if f, err := fetched.ReadRevoked(p.dir); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if f != nil {
			got = fmt.Sprintf("%s with %d", f.List.Date(), f.List.Entries())
		}
		if got != want {
			t.Errorf("%s: kept is %s, want %s", name, got, want)
		}
	}
	ca := cert.Parse(lab.New(lab.Config{}).Intermediate.DER)
	n := trust.BuiltinRevoked().Entries()
	at := func(day time.Time, n int) string { return fmt.Sprintf("%s with %d", day.Format(time.DateOnly), n) }
	step("older than the program's", 4, remoteSettings(t, days(400), 0), "", []string{"and the one in use of " + trust.BuiltinRevoked().Date(), "--force"})
	step("cut short", 4, remoteSettings(t, days(9), n/2), "", []string{fmt.Sprintf("%d of %d revoked certificates and keys are no longer there", n/2, n)})
	step("only looked at", 0, remoteSettings(t, days(9), 0, ca), "", []string{"1 added, 0 no longer there"}, "--dry-run")
	step("the first", 0, remoteSettings(t, days(9), 0, ca), at(days(9), n+1), []string{"1 added, 0 no longer there", "--data"})
	step("a few ended", 0, remoteSettings(t, days(8), 3, ca), at(days(8), n-2), []string{"0 added, 3 no longer there"})
	step("the first again", 4, remoteSettings(t, days(9), 0, ca), "", []string{"it is of " + days(9).Format(time.DateOnly)})
	step("half of it, by force", 0, remoteSettings(t, days(7), n/2), at(days(7), n-n/2), []string{"warning"}, "--force")
	step("of next year", 4, remoteSettings(t, updated.AddDate(1, 0, 0), 0), "", []string{"which is to come"})
	step("HTML", 4, []byte("<html>log in</html>"), "", []string{"HTML"})
	step("no records, by force", 4, []byte(`{"timestamp":1,"data":[]}`), "", []string{"no records"}, "--force")
	step("a record that says nothing, by force", 4, []byte(`{"data":[{"last_modified":5}]}`), "", []string{"no name"}, "--force")
	own := programsRevoked(t)
	own.Date = days(2).Format(time.DateOnly)
	text, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	step("in the form of the program", 0, text, at(days(2), n), []string{fmt.Sprintf("%d added", n/2)})
	p.update(t, exit.Misuse, "onecrl", "--onecrl", "http://mirror.example/onecrl.json")
}

// A CA that only a fetched list revokes is accused where --data says so, and an
// older list than the program's is passed over, and said to be.
func TestFetchedRevokedIsUsed(t *testing.T) {
	p := newPublisher(t)
	l := lab.New(lab.Config{At: updated})
	p.publishFile("/onecrl.json", remoteSettings(t, updated, 0, cert.Parse(l.Intermediate.DER)))
	p.update(t, 0, "onecrl", "--onecrl", p.url+"/onecrl.json")
	dir := t.TempDir()
	for name, ders := range map[string][][]byte{"chain.pem": l.Chain(), "root.pem": l.Roots()} {
		if err := os.WriteFile(filepath.Join(dir, name), lab.PEM(ders...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
		return out.String()
	}
	check := []string{"check", filepath.Join(dir, "chain.pem"), "--roots", filepath.Join(dir, "root.pem"), "--at", updated.Add(time.Hour).Format(time.RFC3339)}
	with := append(check, "--data", p.dir)
	if out := run(check...); strings.Contains(out, "OneCRL") {
		t.Errorf("without --data:\n%s", out)
	}
	if out := run(with...); !strings.Contains(out, "chain-revoked-ca") || !strings.Contains(out, "OneCRL "+updated.Format(time.DateOnly)) {
		t.Errorf("with --data:\n%s", out)
	}
	if out := run("data", "status", "--data", p.dir); !strings.Contains(out, "fetched revoked CAs") || !strings.Contains(out, p.url) {
		t.Errorf("status:\n%s", out)
	}
	p.publishFile("/onecrl.json", remoteSettings(t, updated.AddDate(-2, 0, 0), 0, cert.Parse(l.Intermediate.DER)))
	p.update(t, 0, "onecrl", "--onecrl", p.url+"/onecrl.json", "--force")
	if out := run(with...); !strings.Contains(out, "the latter is used") || strings.Contains(out, "chain-revoked-ca") {
		t.Errorf("with an old list:\n%s", out)
	}
	if out := run("data", "status", "--data", p.dir); !strings.Contains(out, "not used") {
		t.Errorf("status of an old list:\n%s", out)
	}
}
