package e2e

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A zone is what name servers say of "example.", which all names here are in.
type zone struct {
	records string
	signed  bool
	// inception is how long ago the signatures begin.
	inception time.Duration
	// broken is a record whose text is changed after it was signed.
	broken string
}

// startDNS runs BIND as the authoritative server of the zone, and Unbound as the
// resolver that asks it and validates. It gives the resolver's address. Neither
// asks anybody else: the root, too, is a stub that leads to BIND.
func (o origin) startDNS(t *testing.T, z zone) string {
	t.Helper()
	named, unbound := lookup(t, "named"), lookup(t, "unbound")
	dir := workDir(t)
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("zone", "$TTL 60\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"+z.records+"\n")
	anchor := ""
	if z.signed {
		file, anchor = z.sign(t, dir, file)
	}
	authority, resolver := freePort(t), freePort(t)
	start(t, dir, authority, named, "-g", "-c", write("named.conf", fmt.Sprintf(`
options {
  directory "%[1]s"; pid-file none; session-keyfile none; managed-keys-directory "%[1]s";
  listen-on port %[2]s { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify no; empty-zones-enable no;
};
controls { };
zone "example" { type primary; file "%[3]s"; };
`, dir, authority, file)))
	start(t, dir, resolver, unbound, "-d", "-c", write("unbound.conf", fmt.Sprintf(`
server:
  directory: "%[1]s"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  interface: 127.0.0.1
  port: %[2]s
  do-ip6: no
  do-not-query-localhost: no
  ede: yes
  module-config: "validator iterator"
  %[3]s
remote-control:
  control-enable: no
stub-zone:
  name: "example."
  stub-addr: 127.0.0.1@%[4]s
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@%[4]s
`, dir, resolver, anchor, authority)))
	return "127.0.0.1:" + resolver
}

// sign makes the zone's keys and signatures, and breaks what is to be broken.
func (z zone) sign(t *testing.T, dir, file string) (signed, anchor string) {
	t.Helper()
	for _, more := range [][]string{{"-f", "KSK"}, nil} {
		run(t, dir, lookup(t, "dnssec-keygen"), append(more, "-q", "-a", "ECDSAP256SHA256", "-K", dir, "example")...)
	}
	signed = filepath.Join(dir, "zone.signed")
	begin := time.Now().Add(-time.Hour - z.inception).UTC().Format("20060102150405")
	run(t, dir, lookup(t, "dnssec-signzone"), "-S", "-K", dir, "-d", dir, "-o", "example", "-s", begin, "-e", "now+2592000", "-f", signed, file)
	if z.broken != "" {
		text, err := os.ReadFile(signed)
		if err != nil {
			t.Fatal(err)
		}
		changed := regexp.MustCompile(z.broken).ReplaceAllString(string(text), "${1}00")
		if changed == string(text) {
			t.Fatalf("nothing in the zone is like %s:\n%s", z.broken, text)
		}
		if err := os.WriteFile(signed, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := filepath.Glob(filepath.Join(dir, "Kexample.*.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		text, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "DNSKEY 257") {
			return signed, fmt.Sprintf("trust-anchor-file: %q", key)
		}
	}
	t.Fatal("no key of the zone signs keys")
	return "", ""
}

// tlsa is the record for the leaf's key, "3 1 1", as it is and with one octet
// changed.
func (o origin) tlsa(t *testing.T, port string) (right, wrong string) {
	t.Helper()
	text, err := os.ReadFile(o.file("chain.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	owner := "_" + port + "._tcp." + host + ". TLSA 3 1 1 "
	right = owner + hex.EncodeToString(sum[:])
	sum[0] ^= 1
	return right, owner + hex.EncodeToString(sum[:])
}

// wantRules wants exactly these rules to have found something, and an exit code.
func (r report) wantRules(t *testing.T, exit int, rules ...string) {
	t.Helper()
	var got []string
	for _, f := range r.Subjects[0].Findings {
		got = append(got, f.Rule)
	}
	if r.exit != exit || !slices.Equal(got, rules) {
		t.Errorf("exit %d, found %v; want %d and %v\n%s", r.exit, got, exit, rules, r.text)
	}
}

// TestDNS: BIND, Unbound, and nginx with a certificate of a public CA that CAA
// records can name.
func TestDNS(t *testing.T) {
	programs := need(t, "nginx", "named", "unbound", "dnssec-keygen", "dnssec-signzone")
	o := newOriginOf(t, programs[0], "Let's Encrypt")
	right, wrong := o.tlsa(t, o.port)
	const old = 60 * 24 * time.Hour // the leaf began 30 days ago
	const ours = "lab CAA 0 issue \"letsencrypt.org\"\n"
	const theirs = "lab CAA 0 issue \"pki.goog\"\n"
	for _, tt := range []struct {
		name  string
		zone  zone
		exit  int
		rules []string
	}{
		{"CAA and TLSA match", zone{records: ours + right, signed: true}, 0, nil},
		{"CAA allows another", zone{records: theirs, signed: true}, 1, []string{"dns-caa-issuer-forbidden"}},
		{"CAA allowed another before", zone{records: theirs, signed: true, inception: old}, 1, []string{"dns-caa-forbidden-at-issue"}},
		{"CAA allows nobody", zone{records: "lab CAA 0 issue \";\"", signed: true}, 1, []string{"dns-caa-issuer-forbidden"}},
		{"CAA allows somebody unknown", zone{records: "lab CAA 0 issue \"ca.example\"", signed: true, inception: old}, 0, nil},
		{"the nearest CAA counts", zone{records: theirs + "time.lab CAA 0 issue \"letsencrypt.org\"", signed: true, inception: old}, 0, nil},
		{"CAA behind an alias", zone{records: theirs + "time.lab CNAME web.lab\nweb.lab CAA 0 issue \"letsencrypt.org\"", signed: true, inception: old}, 0, nil},
		{"no CAA", zone{records: "time.lab A 127.0.0.1", signed: true}, 0, []string{"dns-caa-absent"}},
		{"TLSA names another key", zone{records: ours + wrong, signed: true}, 1, []string{"dns-tlsa-mismatch"}},
		{"TLSA of the old and the new key", zone{records: ours + wrong + "\n" + right, signed: true}, 0, nil},
		{"TLSA of what the name is an alias of", zone{records: ours + "time.lab CNAME web.lab\n" + strings.Replace(wrong, "time.lab", "web.lab", 1) + "\n" + right, signed: true}, 1, []string{"dns-tlsa-mismatch"}},
		{"nothing is signed", zone{records: theirs + wrong}, 0, []string{"dns-caa-issuer-forbidden-unsigned", "dns-tlsa-mismatch-unsigned", "dns-tlsa-unsigned"}},
		{"TLSA changed after it was signed", zone{records: ours + right, signed: true, broken: `(TLSA\s+3 1 1 [^)R]*?)[0-9A-F]{2}(?:\s)`}, 3, nil},
		{"CAA changed after it was signed", zone{records: ours + right, signed: true, broken: `(CAA\s+0 issue ")letsencrypt.org`}, 3, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resolver := o.startDNS(t, tt.zone)
			bundle := filepath.Join(workDir(t), "evidence")
			r := scan(t, "https://"+host+":"+o.port, "--resolve", host+":"+o.port+":127.0.0.1", "--program", "lab="+o.file("root.pem"),
				"--online", "dns", "--resolver", resolver, "--rule", "dns-*", "--evidence", bundle)
			r.wantRules(t, tt.exit, tt.rules...)
			if tt.exit == 3 && !strings.Contains(r.text, "SERVFAIL") {
				t.Errorf("nothing says that the resolver answered SERVFAIL\n%s", r.text)
			}
			o.wantReplay(t, r, bundle)
		})
	}
	t.Run("no resolver", func(t *testing.T) {
		r := scan(t, "https://"+host+":"+o.port, "--resolve", host+":"+o.port+":127.0.0.1", "--program", "lab="+o.file("root.pem"),
			"--online", "dns", "--resolver", "127.0.0.1:"+freePort(t), "--rule", "dns-*", "--timeout", "2s")
		r.wantRules(t, 3)
	})
}

// wantReplay wants the evidence alone to give the same report.
func (o origin) wantReplay(t *testing.T, r report, bundle string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "check", "--format", "json", bundle, "--program", "lab="+o.file("root.pem"), "--rule", "dns-*")
	out, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	cut := func(text string) string {
		_, subjects, _ := strings.Cut(text, `"summary"`)
		return subjects
	}
	if cmd.ProcessState.ExitCode() != r.exit || cut(string(out)) != cut(r.text) {
		t.Errorf("replayed: exit %d, and\n%s\nwant %d and\n%s", cmd.ProcessState.ExitCode(), out, r.exit, r.text)
	}
}

// TestDNSForMail: Postfix behind MX records, with TLS and without.
func TestDNSForMail(t *testing.T) {
	need(t, "postfix", "named", "unbound", "dnssec-keygen", "dnssec-signzone")
	o := newSite(t)
	follow := func(t *testing.T, port, resolver string) report {
		return scan(t, "smtp://lab.example:"+port, "--follow", "mx", "--online", "dns", "--resolver", resolver, "--roots", o.file("root.pem"), "--rule", "dns-*")
	}
	const mail = "lab MX 10 time.lab\ntime.lab A 127.0.0.1\n"
	t.Run("starttls", func(t *testing.T) {
		plain, _ := startPostfix(t, o, "may")
		right, wrong := o.tlsa(t, plain)
		pkix := strings.Replace(right, "3 1 1", "1 1 1", 1)
		for _, tt := range []struct {
			name, records string
			signed        bool
			exit          int
			rules         []string
		}{
			{"match", mail + right, true, 0, nil},
			{"mismatch", mail + wrong, true, 1, []string{"dns-tlsa-mismatch"}},
			{"a usage that mail does not use", mail + pkix, true, 0, []string{"dns-tlsa-unusable"}},
			{"unsigned", mail, false, 0, []string{"dns-led-unsigned"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				r := follow(t, plain, o.startDNS(t, zone{records: tt.records, signed: tt.signed}))
				r.wantRules(t, tt.exit, tt.rules...)
				if want := "smtp://" + host + ":" + plain + "/127.0.0.1?mx=lab.example"; r.Subjects[0].ID != want {
					t.Errorf("subject is %s, want %s", r.Subjects[0].ID, want)
				}
			})
		}
		t.Run("no mail taken", func(t *testing.T) {
			r := follow(t, plain, o.startDNS(t, zone{records: "lab MX 0 .", signed: true}))
			r.wantOnlyError(t, "resolve", "takes no mail")
		})
		t.Run("MX changed after it was signed", func(t *testing.T) {
			r := follow(t, plain, o.startDNS(t, zone{records: mail, signed: true, broken: `(MX\s+)10`}))
			r.wantOnlyError(t, "dns", "SERVFAIL")
		})
	})
	t.Run("stripped", func(t *testing.T) {
		plain, _ := startPostfix(t, o, "none")
		right, _ := o.tlsa(t, plain)
		follow(t, plain, o.startDNS(t, zone{records: mail + right, signed: true})).wantRules(t, 1, "dns-starttls-stripped")
		follow(t, plain, o.startDNS(t, zone{records: mail + right})).wantRules(t, 3, "dns-led-unsigned", "dns-starttls-stripped-unsigned", "dns-tlsa-unsigned")
		follow(t, plain, o.startDNS(t, zone{records: mail, signed: true})).wantRules(t, 3)
	})
}
