package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// check runs "certassay check --format json" and reads its report.
func check(t *testing.T, args ...string) report {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"check", "--format", "json"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("%s: %v", cmd, err)
	}
	r := report{exit: cmd.ProcessState.ExitCode(), text: string(stdout)}
	if err := json.Unmarshal(stdout, &r); err != nil {
		t.Fatalf("%s: exit %d, output is no report: %v\n%s\n%s", cmd, r.exit, err, stdout, stderr.String())
	}
	return r
}

// stores makes the files of an honest hierarchy with a password file in a
// directory, and gives a function that runs a program there.
func stores(t *testing.T) (dir string, do func(program string, args ...string)) {
	t.Helper()
	dir = workDir(t)
	if err := lab.New(lab.Config{Host: host, At: time.Now()}).Write(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("geheim 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, func(program string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
}

// TestOpenSSLStores reads what "openssl pkcs12" writes, with every protection
// that it has.
func TestOpenSSLStores(t *testing.T) {
	openssl := need(t, "openssl")[0]
	dir, do := stores(t)
	for name, options := range map[string][]string{
		"default": nil,
		"legacy":  {"-legacy"}, // RC2-40 and 3DES
		"3des":    {"-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"},
		"2des":    {"-legacy", "-certpbe", "PBE-SHA1-2DES"},
		"rc2-128": {"-legacy", "-certpbe", "PBE-SHA1-RC2-128"},
		"aes-128": {"-certpbe", "AES-128-CBC", "-macalg", "sha512"},
		"des3":    {"-certpbe", "DES-EDE3-CBC", "-macalg", "sha384"},
		"open":    {"-certpbe", "NONE"},
		"nomac":   {"-nomac"},
		"rounds":  {"-iter", "600000"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name+".p12")
			args := []string{"pkcs12", "-export", "-in", "leaf.pem", "-inkey", "key.pem", "-certfile", "chain.pem", "-passout", "file:password", "-out", file}
			do(openssl, append(args, options...)...)
			r := check(t, file, "--roots", filepath.Join(dir, "root.pem"), "--name", host, "--store-password-file", filepath.Join(dir, "password"))
			if s := r.Subjects[0]; s.Verdict != "ok" || !s.Complete {
				t.Errorf("verdict %s, complete %v\n%s", s.Verdict, s.Complete, r.text)
			}
			if strings.Contains(r.text, "PRIVATE KEY") || strings.Contains(r.text, "geheim") {
				t.Error("the report tells a secret")
			}
		})
	}
	t.Run("anchors", func(t *testing.T) {
		file := filepath.Join(dir, "ca.p12")
		do(openssl, "pkcs12", "-export", "-nokeys", "-in", "root.pem", "-passout", "file:password", "-out", file)
		r := check(t, filepath.Join(dir, "chain.pem"), "--roots", file, "--name", host, "--store-password-file", filepath.Join(dir, "password"))
		r.wantOK(t)
	})
}

// TestKeytoolStores reads what Java's keytool writes: trust stores as anchors,
// key stores as chains.
func TestKeytoolStores(t *testing.T) {
	programs := need(t, "keytool", "openssl")
	dir, do := stores(t)
	do(programs[1], "pkcs12", "-export", "-in", "leaf.pem", "-inkey", "key.pem", "-certfile", "chain.pem", "-name", "server", "-passout", "file:password", "-out", "key.p12")
	for _, kind := range []string{"JKS", "JCEKS", "PKCS12"} {
		t.Run(kind, func(t *testing.T) {
			trust, keys := filepath.Join(dir, "trust."+kind), filepath.Join(dir, "keys."+kind)
			do(programs[0], "-importcert", "-noprompt", "-alias", "wurzel", "-file", "root.pem", "-keystore", trust, "-storetype", kind, "-storepass:file", "password")
			do(programs[0], "-importkeystore", "-noprompt", "-srckeystore", "key.p12", "-srcstoretype", "PKCS12", "-srcstorepass:file", "password",
				"-destkeystore", keys, "-deststoretype", kind, "-deststorepass:file", "password")
			password := filepath.Join(dir, "password")
			check(t, filepath.Join(dir, "chain.pem"), "--roots", trust, "--name", host, "--store-password-file", password).wantOK(t)
			check(t, keys, "--roots", trust, "--name", host, "--store-password-file", password).wantOK(t)
			if r := exec.CommandContext(t.Context(), binary, "check", filepath.Join(dir, "chain.pem"), "--roots", trust); r.Run() == nil || r.ProcessState.ExitCode() != 2 {
				t.Errorf("%s without its password is taken as anchors: exit %d", kind, r.ProcessState.ExitCode())
			}
		})
	}
}

// TestCaptures compares with tshark on captures that others made: every chain
// that it extracts has to be found, byte for byte.
func TestCaptures(t *testing.T) {
	tshark := need(t, "tshark")[0]
	corpus := os.Getenv("CERTASSAY_CORPUS")
	files, _ := filepath.Glob(filepath.Join(corpus, "pcap", "*.pcap*"))
	if corpus == "" || len(files) == 0 {
		t.Skip("CERTASSAY_CORPUS names no directory that holds pcap/")
	}
	var theirs, ours int
	for _, file := range files {
		r := check(t, file)
		var found []string
		for _, s := range r.Subjects {
			if len(s.Chain) > 0 {
				found = append(found, strings.Join(s.Chain, " "))
			}
		}
		ours += len(found)
		for _, chain := range extracted(t, tshark, file) {
			theirs++
			if !slices.Contains(found, chain) {
				t.Errorf("%s: tshark extracts %s, we have %q", filepath.Base(file), chain, found)
			}
		}
	}
	t.Logf("%d captures: tshark extracts %d different chains, certassay %d", len(files), theirs, ours)
	if theirs == 0 {
		t.Error("tshark extracts nothing: the comparison is of no use")
	}
}

// extracted are the different chains that tshark extracts, as hashes.
func extracted(t *testing.T, tshark, file string) (out []string) {
	t.Helper()
	// -n: no names are looked up.
	fields := []string{"tls.handshake.certificate", "dtls.handshake.certificate"}
	rows, err := exec.CommandContext(t.Context(), tshark, "-n", "-r", file, "-Y", strings.Join(fields, " or "), "-T", "fields", "-e", fields[0], "-e", fields[1]).Output()
	if err != nil {
		t.Fatalf("tshark on %s: %v", file, err)
	}
	for _, row := range strings.Fields(string(rows)) {
		var chain []string
		for _, text := range strings.Split(row, ",") {
			der, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(der)
			chain = append(chain, "sha256:"+hex.EncodeToString(sum[:]))
		}
		if joined := strings.Join(chain, " "); !slices.Contains(out, joined) {
			out = append(out, joined)
		}
	}
	return out
}
