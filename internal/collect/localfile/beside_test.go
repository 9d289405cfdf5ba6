package localfile

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
)

// TestBeside names certificates subject<issuer.
func TestBeside(t *testing.T) {
	for _, tt := range []struct {
		name  string
		certs [][2]string
		want  []string
	}{
		{"a chain", [][2]string{{"leaf", "ca"}, {"ca", "root"}, {"root", "root"}}, nil},
		{"one alone", [][2]string{{"leaf", "ca"}}, nil},
		{"out of order", [][2]string{{"leaf", "ca"}, {"root", "root"}, {"ca", "root"}}, nil},
		{"two chains", [][2]string{{"a", "ca"}, {"ca", "root"}, {"b", "ca2"}, {"ca2", "root"}, {"root", "root"}}, []string{"f.pem#2: b ca2 root"}},
		{"one CA", [][2]string{{"a", "ca"}, {"ca", "root"}, {"b", "ca"}, {"c", "ca"}}, []string{"f.pem#2: b ca", "f.pem#3: c ca"}},
		{"the same again", [][2]string{{"a", "ca"}, {"ca", "root"}, {"a", "ca"}}, nil},
		{"an issuer that is not there", [][2]string{{"a", "ca"}, {"b", "x"}}, []string{"f.pem#2: b"}},
		{"behind the issuer", [][2]string{{"ca", "root"}, {"a", "ca"}}, []string{"f.pem#2: a ca"}},
		{"a cross", [][2]string{{"a", "x"}, {"x", "y"}, {"y", "x"}, {"b", "x"}}, []string{"f.pem#2: b x y"}},
	} {
		var data string
		for _, c := range tt.certs {
			data += armour("CERTIFICATE", made(t, c[0], c[1]))
		}
		path := filepath.Join(t.TempDir(), "f.pem")
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		var first, got []string
		err := Read(context.Background(), path, Options{
			Emit: func(s *evidence.Subject) { first = append(first, s.ID) },
			Beside: func(s *evidence.Subject) {
				line := filepath.Base(s.ID) + ":"
				for _, der := range s.Certificates {
					line += " " + cert.Parse(der).Subject.Values(cert.OIDCommonName)[0]
				}
				got = append(got, line)
			},
		})
		if err != nil || len(first) != 1 {
			t.Errorf("%s: %d subjects, error %v", tt.name, len(first), err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: besides (-want +got):\n%s", tt.name, diff)
		}
	}
}
