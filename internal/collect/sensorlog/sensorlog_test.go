package sensorlog

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/evidence"
)

// Certificates are bytes here; nothing in this package reads them.
var leaf, issuer = []byte("the leaf"), []byte("its issuer")

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

const (
	x509Head = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tx509\n#open\t2026-10-03-12-00-00\n"
	sslHead  = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n#open\t2026-10-03-12-00-00\n"
)

func x509TSV(certs ...string) string {
	out := x509Head + "#fields\tts\tfingerprint\tcertificate.version\tcertificate.subject\tcert\n#types\ttime\tstring\tcount\tstring\tstring\n"
	for _, c := range certs {
		out += "1759492800.250000\tabc\t3\tCN=x\t" + c + "\n"
	}
	return out + "#close\t2026-10-03-13-00-00\n"
}

func sslTSV(lines ...string) string {
	return sslHead + "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\tcipher\tserver_name\tcert_chain_fps\n" + strings.Join(lines, "")
}

func sslLine(name, chain string) string {
	return "1759492800.250000\tCx\t192.0.2.7\t50000\t198.51.100.1\t443\tTLSv12\tTLS_X\t" + name + "\t" + chain + "\n"
}

// run reads a log; files are beside it.
func run(tb testing.TB, path, text string, files map[string]string) (out []*evidence.Subject) {
	tb.Helper()
	beside := func(name string) (io.ReadCloser, error) {
		if text, ok := files[name]; ok {
			return io.NopCloser(strings.NewReader(text)), nil
		}
		return nil, fs.ErrNotExist
	}
	if err := Read(context.Background(), Kind([]byte(text[:min(len(text), Prefix)])), path, strings.NewReader(text), beside, func(s *evidence.Subject) { out = append(out, s) }); err != nil {
		tb.Fatal(err)
	}
	return out
}

func shown(subjects []*evidence.Subject) (out []string) {
	for _, s := range subjects {
		line := fmt.Sprintf("%s %s %q", s.ID, s.Kind, s.Name)
		for _, der := range s.Certificates {
			line += fmt.Sprintf(" %q", []byte(der))
		}
		if s.Vantage != "" {
			line += " " + s.Vantage
		}
		for _, f := range s.Failures {
			line += " / " + f.Error
		}
		out = append(out, line)
	}
	return out
}

func TestRead(t *testing.T) {
	both := fingerprint(leaf) + "," + fingerprint(issuer)
	pair := x509TSV(b64(leaf), b64(issuer))
	chain := `s.log#1 198.51.100.1:443 endpoint "time.example" "the leaf" "its issuer" Zeek log of 192.0.2.7`
	ofSSL := func(s string) string { return strings.Replace(s, "s.log", "ssl.log", 1) }
	eve := func(tls string) string {
		return `{"timestamp":"2026-10-03T14:00:00.250000+0200","event_type":"tls","src_ip":"192.0.2.7","src_port":50000,"dest_ip":"2001:db8::2","dest_port":8443,"tls":{` + tls + "}}\n"
	}
	seen := `e.json#1 [2001:db8::2]:8443 endpoint "time.example" "the leaf" "its issuer" Suricata log of 192.0.2.7`
	for _, tt := range []struct {
		name, path, text string
		files            map[string]string
		want             []string
	}{
		{name: "x509.log", path: "x509.log", text: x509TSV(b64(leaf), b64(issuer), b64(leaf)), want: []string{`x509.log#1 certificate "" "the leaf"`, `x509.log#2 certificate "" "its issuer"`}},
		{name: "x509.log in JSON", path: "x", text: `{"ts":1759492800.25,"fingerprint":"a","certificate.version":3,"cert":"` + b64(leaf) + "\"}\n", want: []string{`x#1 certificate "" "the leaf"`}},
		{name: "x509.log without certificates", path: "x", text: x509TSV("-", "-", b64(leaf)), want: []string{`x#1 certificate "" "the leaf"`,
			`x chain "" / x: 2 certificates are logged without their bytes, as names and dates only: they could not be checked`}},
		{name: "broken lines", path: "x", text: x509TSV(b64(leaf)) + "1\t2\n{\n", want: []string{`x#1 certificate "" "the leaf"`, `x chain "" / x: 2 lines cannot be read`}},
		{name: "ssl.log", path: "ssl.log", files: map[string]string{"x509.log": pair}, text: sslTSV(sslLine("time.example", both), sslLine("time.example", both)), want: []string{ofSSL(chain)}},
		{name: "ssl.log in JSON, names of files", path: "d/ssl.log", files: map[string]string{"x509.log": `{"ts":1,"id":"F1","certificate.version":3,"cert":"` + b64(leaf) + "\"}\n"},
			text: `{"ts":"2026-10-03T12:00:00Z","id.orig_h":"192.0.2.7","id.resp_h":"198.51.100.1","id.resp_p":443,"cert_chain_fuids":["F1","F2"]}` + "\n",
			want: []string{`d/ssl.log#1 198.51.100.1:443 endpoint "" "the leaf" Zeek log of 192.0.2.7 / 1 more certificates of the chain are not in the log, or cannot be read`}},
		{name: "ssl.log alone", path: "ssl.log", text: sslTSV(sslLine("time.example", both), sslLine("-", "-")), want: []string{
			`ssl.log chain "" / ssl.log: 1 TLS connections are logged with names or hashes of certificates only: they could not be checked` +
				` / ssl.log: 1 TLS connections are logged without certificates, being of TLS 1.3 or continued: they could not be checked`}},
		{name: "a hash that the log only claims", path: "ssl.log", files: map[string]string{"x509.log": x509TSV(b64(leaf))}, text: sslTSV(sslLine("time.example", "abc")), want: []string{
			`ssl.log chain "" / ssl.log: 1 TLS connections are logged with names or hashes of certificates only: they could not be checked`}},
		{name: "Suricata", path: "e.json", text: eve(`"sni":"time.example","chain":["`+b64(leaf)+`","`+b64(issuer)+`"],"certificate":"`+b64(leaf)+`"`) + `{"timestamp":"2026-10-03T14:00:01+0200","event_type":"dns"}` + "\n", want: []string{seen}},
		{name: "Suricata, a chain without its leaf", path: "e.json", text: eve(`"sni":"time.example","chain":["` + b64(issuer) + `"],"certificate":"` + b64(leaf) + `"`), want: []string{seen}},
		{name: "Suricata without certificates", path: "e", text: eve(`"sni":"a","subject":"CN=a","fingerprint":"00:11"`) + eve(`"sni":"a","version":"TLS 1.3"`), want: []string{
			`e chain "" / e: 1 TLS connections are logged with names or hashes of certificates only: they could not be checked` +
				` / e: 1 TLS connections are logged without certificates, being of TLS 1.3 or continued: they could not be checked`}},
		{name: "hostile names", path: "e.json", text: eve(`"sni":"\u001b[31m","certificate":"` + b64(leaf) + `","chain":["!"]`), want: []string{
			`e.json#1 [2001:db8::2]:8443 endpoint "" "the leaf" Suricata log of 192.0.2.7 / 1 more certificates of the chain are not in the log, or cannot be read`}},
		{name: "no TLS", path: "e", text: `{"timestamp":"2026-10-03T14:00:01+0200","event_type":"dns"}`, want: []string{`e chain "" / e: there is no certificate in this log`}},
		{name: "endless line", path: "x", text: x509TSV(b64(leaf)) + strings.Repeat("a", maxLine+1), want: []string{`x#1 certificate "" "the leaf"`, `x chain "" / x: the log cannot be read to its end: a line is longer than 4 MiB`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, tt.path, tt.text, tt.files)
			if diff := cmp.Diff(tt.want, shown(got)); diff != "" {
				t.Errorf("subjects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSeen(t *testing.T) {
	want := time.Unix(1759492800, 250_000_000).UTC()
	for name, text := range map[string]string{
		"x509": x509TSV(b64(leaf)), "JSON": `{"ts":1759492800.25,"certificate.version":3,"cert":"` + b64(leaf) + "\"}\n",
		"EVE": `{"timestamp":"2025-10-03T14:00:00.250000+0200","event_type":"tls","dest_ip":"192.0.2.1","dest_port":1,"tls":{"certificate":"` + b64(leaf) + "\"}}\n",
	} {
		if got := run(t, "l", text, nil)[0].Seen; !got.Equal(want) {
			t.Errorf("%s: seen %v, want %v", name, got, want)
		}
		if got := Began([]byte(text)); !got.Equal(want) {
			t.Errorf("%s: Began = %v, want %v", name, got, want)
		}
	}
	for _, text := range []string{"", "x", x509Head, `{"timestamp":"never","event_type":"tls"}`, x509TSV("x")[:200]} {
		if got := Began([]byte(text)); !got.IsZero() {
			t.Errorf("Began(%q) = %v", text, got)
		}
	}
}

func TestKind(t *testing.T) {
	for text, want := range map[string]Log{
		x509TSV(): ZeekX509, sslTSV(): ZeekSSL, strings.Replace(sslHead, "ssl", "conn", 1): None, "": None, "{": None, "-----BEGIN": None,
		`{"timestamp":"x","event_type":"y"}`: SuricataEVE, `{"ts":1,"certificate.version":3}`: ZeekX509, `{"ts":1,"id.resp_h":"a","version":"TLSv12","cipher":"x"}`: ZeekSSL,
		`{"ts":1,"id.resp_h":"a","query":"x"}`: None, `{"schema":"certassay/report/v1"}`: None,
	} {
		if got := Kind([]byte(text)); got != want {
			t.Errorf("Kind(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Read(ctx, ZeekX509, "x", strings.NewReader(x509TSV()), nil, func(*evidence.Subject) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v, want it cancelled", err)
	}
}

// FuzzRead checks that what is emitted stands in the log, in base64, and that
// something is always said.
func FuzzRead(f *testing.F) {
	f.Add([]byte(x509TSV(b64(leaf), "-")))
	f.Add([]byte(sslTSV(sslLine("a", fingerprint(leaf)))))
	f.Add([]byte(`{"timestamp":"2025-10-03T14:00:00.250000+0200","event_type":"tls","dest_ip":"192.0.2.1","dest_port":1,"tls":{"chain":["` + b64(leaf) + `"]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		Began(text)
		if Kind(text) == None || !bytes.HasPrefix(text, text[:min(len(text), Prefix)]) || Kind(text[:min(len(text), Prefix)]) == None {
			return
		}
		got := run(t, "ssl.log", string(text), map[string]string{"x509.log": x509TSV(b64(leaf))})
		if len(got) == 0 {
			t.Error("nothing is said")
		}
		for _, s := range got {
			if printable(s.Name) != s.Name || len(s.Certificates) == 0 && len(s.Failures) == 0 {
				t.Errorf("subject %q", shown([]*evidence.Subject{s}))
			}
		}
	})
}
