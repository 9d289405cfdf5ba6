package e2e

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// command runs a program and gives its exit code and what it wrote.
func command(t *testing.T, dir, stdin, program string, args ...string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, strings.NewReader(stdin), &out, &out
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// TestPinsOfOtherPrograms: what learn exports is what curl and OpenSSL pin by,
// and what OpenSSL and GnuTLS print is read as the same pins. When the server's
// key is swapped, all of them notice.
func TestPinsOfOtherPrograms(t *testing.T) {
	programs := need(t, "nginx", "curl", "openssl", "danetool")
	curl, openssl, danetool := programs[1], programs[2], programs[3]
	o := newOrigin(t, programs[0])
	at := host + ":" + o.port
	here := []string{"--resolve", at + ":127.0.0.1"}
	certassay := func(want int, args ...string) string {
		t.Helper()
		code, out := command(t, o.dir, "", binary, args...)
		if code != want {
			t.Fatalf("certassay %s: exit %d, want %d\n%s", strings.Join(args, " "), code, want, out)
		}
		return out
	}
	certassay(0, append([]string{
		"learn", at, "-c", "pins.yaml", "--roots", "root.pem", "--write",
		"--export", "curl=pins.curl", "--export", "tlsa=pins.zone", "--export", "openssl=pins.openssl",
	}, here...)...)
	certassay(0, append([]string{"audit", "-c", "pins.yaml"}, here...)...)
	pin := strings.TrimSpace(read(t, o.file("pins.curl")))

	// The same name and root, another key, at another address.
	l := lab.New(lab.Config{Host: host, At: time.Now()})
	template := l.LeafTemplate()
	template.Key, template.Serial = lab.ForgedKey(), lab.SerialOf("swapped")
	template.Set(lab.SKI(lab.ForgedKey().ID))
	serveAt(t, net.JoinHostPort("127.0.0.72", o.port), tls.Certificate{
		Certificate: [][]byte{l.Issue(template), l.Intermediate.DER}, PrivateKey: lab.ForgedKey().Signer,
	})
	there := []string{"--resolve", at + ":127.0.0.72"}

	t.Run("curl", func(t *testing.T) {
		get := func(resolve []string) int {
			code, _ := command(t, o.dir, "", curl, append([]string{"-sS", "--cacert", "root.pem", "--pinnedpubkey", pin, "https://" + at}, resolve...)...)
			return code
		}
		if code := get(here); code != 0 {
			t.Errorf("curl refuses the pin that learn exported: exit %d", code)
		}
		if code := get(there); code != 90 { // CURLE_SSL_PINNEDPUBKEYNOTMATCH
			t.Errorf("curl takes the swapped key: exit %d, want 90", code)
		}
	})
	t.Run("openssl, TLSA", func(t *testing.T) {
		_, data, _ := strings.Cut(strings.TrimSpace(read(t, o.file("pins.zone"))), " TLSA ")
		_, out := command(t, o.dir, "", openssl, "s_client", "-brief", "-connect", "127.0.0.1:"+o.port, "-servername", host,
			"-dane_tlsa_domain", host, "-dane_tlsa_rrdata", data)
		if !strings.Contains(out, "Verification: OK") || !strings.Contains(out, "DANE TLSA 3 1 1") {
			t.Errorf("OpenSSL does not take the record %q:\n%s", data, out)
		}
	})
	t.Run("openssl, fingerprint", func(t *testing.T) {
		_, out := command(t, o.dir, "", openssl, "x509", "-in", "leaf.pem", "-noout", "-fingerprint", "-sha256")
		if got := read(t, o.file("pins.openssl")); got != out {
			t.Errorf("learn exports %q, OpenSSL prints %q", got, out)
		}
	})
	t.Run("danetool", func(t *testing.T) {
		_, out := command(t, o.dir, "", danetool, "--tlsa-rr", "--host", host, "--port", o.port, "--load-certificate", "leaf.pem")
		if err := os.WriteFile(o.file("dane.zone"), []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(certassay(0, "learn", "--import", "dane.zone", "--export", "curl=dane.curl", "-c", "dane.yaml")); !strings.Contains(got, "dane.curl was written") {
			t.Error(got)
		}
		if got := strings.TrimSpace(read(t, o.file("dane.curl"))); got != pin {
			t.Errorf("GnuTLS's record is read as %s, want %s", got, pin)
		}
	})
	t.Run("certassay", func(t *testing.T) {
		out := certassay(1, append([]string{"audit", "-c", "pins.yaml"}, there...)...)
		if want := strings.Replace(pin, "//", "/", 1); !strings.Contains(out, "pin-key-mismatch") || !strings.Contains(out, want) {
			t.Errorf("an audit of the swapped key does not name rule and pin:\n%s", out)
		}
		certassay(1, append([]string{"learn", at, "-c", "pins.yaml", "--write"}, there...)...)
	})
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
