package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/lab"
)

// What an inventory says is logged, and is in no log, is told where all was read
// that can hold it, and only there.
func TestAuditWanted(t *testing.T) {
	nobodys := "sha256/" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	server := pinText(lab.New(lab.Config{}).LeafKey.SPKI)
	const all, some = "2500h", "240h"
	for _, tt := range []struct {
		name, expect, domain, since string
		want, note                  string // in the finding, in the notes
	}{
		{"a domain without certificates", "{ct: required, max_validity: 100d}", "quiet.example", all, "a certificate for quiet.example", ""},
		{"of pinned keys", "{ct: required, max_validity: 100d, keys: [\"" + server + "\"]}", "quiet.example", all, "", ""},
		{"not read as far back", "{ct: required, max_validity: 100d}", "quiet.example", some, "", "was not read as far back as 100 days"},
		{"nobody says for how long", "{ct: required}", "quiet.example", all, "", "max_validity"},
		{"need not be logged", "{max_validity: 100d}", "quiet.example", all, "", ""},
		{"the server's key, and a backup", "{ct: required, max_validity: 100d, keys: [\"" + nobodys + "\", \"" + server + "\"]}", ".lab.example", all, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReconcileLab(t, nil, tt.expect)
			text, err := os.ReadFile(r.inventory)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, r.inventory, []byte(strings.Replace(string(text), "- www.lab.example", "- "+tt.domain, 1)))
			var out, errs bytes.Buffer
			args := []string{"audit", "-c", r.inventory, "--online", "ct", "--ct-since", tt.since, "--log", r.flag, "-f", "json"}
			Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
			var doc reported
			if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
				t.Fatalf("%v\n%s", err, errs.String())
			}
			message := ""
			for _, s := range doc.Subjects {
				for _, f := range s.Findings {
					if f.Rule == "issuance-expected-absent" {
						message += f.Message
					}
				}
			}
			if (message != "") != (tt.want != "") || !strings.Contains(message, tt.want) {
				t.Errorf("found %q, want %q\n%s", message, tt.want, errs.String())
			}
			if said := strings.Contains(errs.String(), "has to be logged"); said != (tt.note != "") || !strings.Contains(errs.String(), tt.note) {
				t.Errorf("notes lack %q:\n%s", tt.note, errs.String())
			}
		})
	}
}
