package e2e

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// TestMirrors: interceptors that copy the genuine server as far as its keys allow:
// names, dates, serial numbers, key identifiers, SCTs, the stapled OCSP response,
// version, suite, group and protocol of each connection, and what it answers to
// names that it does not know. Nothing is known of the genuine certificate. What
// is left are the keys: that of a name that belongs to another key, that of the
// log, of the responder, of the root; no setting gives an interceptor those.
func TestMirrors(t *testing.T) {
	o := newStapling(t, need(t, "nginx")[0])
	o.scanPublic(t, o.port, "--probe-path", "--every-hello").wantPublic(t)
	stolen := lab.New(lab.Config{Host: host}).Intermediate.Key.Signer
	const (
		impostor = "chain-known-ca-not-verified"
		badSCT   = "sct-signature-invalid"
		noSCT    = "sct-missing"
		unlogged = "path-unlogged-answer"
	)
	for _, tt := range []struct {
		name   string
		mirror *lab.Mirror
		alone  []string // what is found on the path alone
		beside string   // and besides where the genuine server is looked at in the same run
	}{
		{"all that can be copied", &lab.Mirror{}, []string{impostor, badSCT, untrusted}, vantages},
		{"own key identifiers", &lab.Mirror{OwnKeyIDs: true}, []string{untrusted, badSCT}, vantages},
		{"own serial numbers", &lab.Mirror{OwnSerials: true, WithoutStaple: true}, []string{impostor, badSCT, untrusted}, vantages},
		{"no SCTs", &lab.Mirror{WithoutSCTs: true}, []string{impostor, untrusted}, vantages},
		{"own key identifiers, no SCTs, no staple", &lab.Mirror{OwnKeyIDs: true, OwnSerials: true, WithoutSCTs: true, WithoutStaple: true},
			[]string{untrusted, "chain-issuer-name-borrowed"}, vantages},
		{"a stolen CA key", &lab.Mirror{Issuer: stolen}, []string{badSCT}, unlogged},
		// A public certificate that was not logged is by itself no proof of anything:
		// owners may ask for that. Beside the logged one it is suspicious.
		{"a stolen CA key, no SCTs", &lab.Mirror{Issuer: stolen, WithoutSCTs: true, OwnSerials: true, WithoutStaple: true}, []string{noSCT}, unlogged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.mirror.Server = "127.0.0.1:" + o.port
			_, port, err := net.SplitHostPort(tt.mirror.Serve(t))
			if err != nil {
				t.Fatal(err)
			}
			r := o.scanPublic(t, port, "--probe-path", "--every-hello")
			t.Logf("%s by %v", r.Subjects[0].Verdict, r.accusing())
			for _, rule := range tt.alone {
				if !slices.Contains(r.accusing(), rule) {
					t.Errorf("found %v, want %s among them", r.accusing(), rule)
				}
			}
			if tt.alone[0] != noSCT {
				r.wantCaught(t, caught)
			}
			if slices.Contains(r.rules(), minting) {
				t.Errorf("%s, of who makes no certificate on demand", minting)
			}
			both := o.probe(t, []string{host}, "--via", "direct", "--via", "http://"+leadTo(t, "127.0.0.1:"+port), "--fail-on", "suspicious")
			if got := both.rules(); !slices.Contains(got, tt.beside) || both.exit != 1 || both.Subjects[0].Verdict != "ok" {
				t.Errorf("beside the genuine server, which is %s: %v, exit %d; want %s, 1", both.Subjects[0].Verdict, got, both.exit, tt.beside)
			}
		})
	}
	o.scanPublic(t, o.port).wantPublic(t)
}

// newStapling is nginx that staples an OCSP response.
func newStapling(t *testing.T, nginx string) origin {
	t.Helper()
	file := filepath.Join(workDir(t), "staple.der")
	l := lab.New(lab.Config{Host: host, At: time.Now()})
	now := time.Now().UTC().Truncate(time.Second)
	der := lab.OCSP{Issuer: l.Intermediate, Answers: []lab.Status{{Serial: l.LeafTemplate().Serial}}, This: now.Add(-time.Hour), Next: now.AddDate(0, 0, 3)}.Sign()
	if err := os.WriteFile(file, der, 0o644); err != nil {
		t.Fatal(err)
	}
	return newOriginOf(t, nginx, "", "ssl_stapling on; ssl_stapling_file "+file+";")
}
