package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/certassay/certassay/internal/finding"
)

func parse(t *testing.T, env map[string]string, args ...string) (*Config, error) {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := Bind(fs, Which{Network: true}, []string{"text", "json", "jsonl"})
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f.Config(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "options.yaml")
	if err := os.WriteFile(file, []byte("concurrency: 5\nrate: 7\nretries: 3\nroots: [a.pem, b.pem]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"CERTASSAY_CONFIG": file, "CERTASSAY_RATE": "8", "CERTASSAY_CONCURRENCY": "6", "CERTASSAY_AT": "", "NO_COLOR": "1"}
	c, err := parse(t, env, "--concurrency", "9")
	if err != nil {
		t.Fatal(err)
	}
	if c.Concurrency != 9 || c.Rate != 8 || c.Retries != 3 || len(c.Roots) != 2 || c.Timeout != 10*time.Second || c.Color != Never {
		t.Errorf("config = %+v, want flag over environment over file over default", c)
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--at", "soon"}, "cannot read the time"},
		{[]string{"--fail-on", "ok"}, "cannot fail on"},
		{[]string{"--concurrency", "10001"}, "out of range"},
		{[]string{"--timeout", "-1s"}, "not a positive time"},
		{[]string{"--retries", "-1"}, "negative"},
		{[]string{"--color", "pink"}, "unknown --color"},
		{[]string{"--via", "ftp://x"}, "cannot dial via"},
		{[]string{"--mail-domain", "example.org:25"}, "is no domain"},
		{[]string{"--mail-domain", "192.0.2.1"}, "is no domain"},
		{[]string{"--mail-domain", "smtp://example.org"}, "--mail-domain"},
		{[]string{"--port", "0"}, "--port 0 is out of range"},
		{[]string{"--at", ""}, "--at is empty"},
		{[]string{"--output", ""}, "--output is empty"},
		{[]string{"--evidence", "", "--cache="}, "--evidence is empty"},
		{[]string{"--name", "https://example.org"}, `--name "https://example.org" is no name`},
		{[]string{"--name", "example.org:443"}, "is no name"},
		{[]string{"-o", "x", "--evidence", "./x"}, "a report and the evidence, would be written to"},
		{[]string{"-o", "x", "--report", "json=./x"}, "would be written to"},
		{[]string{"--sni", "a b"}, `--sni "a b" is no name`},
		{[]string{"--sni", "a\n"}, "is no name"},
		{[]string{"--mail-domain", "a b"}, "cannot read --mail-domain"},
		{[]string{"--compare-port", "0"}, "4 ports at most, of 1 to 65535"},
		{[]string{"--compare-port", "80,65536"}, "4 ports at most"},
		{[]string{"--compare-port", "1,2,3,4,5"}, "4 ports at most"},
		{[]string{"--via", "http://user:secret@[::1"}, "cannot read a --via URL"},
		{[]string{"--severity", "dire"}, "unknown severity"},
		{[]string{"--online", "ct,ocps"}, `unknown --online "ocps"`},
		{[]string{"--online", ""}, `unknown --online ""`},
		{[]string{"--online", "ct", "--offline"}, "exclude each other"},
		{[]string{"--report", "xml=x"}, "unknown report format"},
		{[]string{"-c", "/nonexistent.yaml"}, "reading configuration"},
	} {
		_, err := parse(t, nil, c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one with %q", c.args, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: the error shows the password: %v", c.args, err)
		}
	}
}

// A name is asked for as people write it, and stands in certificates as A-labels.
func TestInternationalName(t *testing.T) {
	for in, want := range map[string]string{"bücher.example": "xn--bcher-kva.example", "Host.Example": "Host.Example", "*.a_b": "*.a_b"} {
		c, err := parse(t, nil, "--name", in, "--sni", in)
		if err != nil || c.Name != want || c.SNI != want {
			t.Errorf("--name %s gives %q and SNI %q, %v, want %q", in, c.Name, c.SNI, err, want)
		}
	}
	if _, err := parse(t, nil, "--name", "a\u202eb.example"); err == nil {
		t.Error("a name that IDNA cannot write was taken")
	}
}

func TestParseFailOn(t *testing.T) {
	for in, want := range map[string]FailOn{
		"never": {}, "low": {Severity: finding.Low}, "critical": {Severity: finding.Critical},
		"suspicious": {Verdict: finding.Suspicious}, "inconclusive": {Verdict: finding.Undetermined},
	} {
		if got, err := ParseFailOn(in); err != nil || got != want {
			t.Errorf("ParseFailOn(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
}

// Every mistake in a file is reported at once, with its place.
func TestFileErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "options.yaml")
	text := "format: json\nformat: text\ncolour: never\nroots: {a: b}\nrate: fast\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := parse(t, nil, "-c", file)
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("error %v, want one that names the file", err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte("format: json\nroots: [a, b]\n"))
	f.Add([]byte("- a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		fs := pflag.NewFlagSet("fuzz", pflag.ContinueOnError)
		Bind(fs, Which{Network: true}, []string{"text"})
		values, err := decodeFile("fuzz.yaml", text, fs)
		for name := range values {
			if err == nil && fs.Lookup(name) == nil {
				t.Errorf("decodeFile(%q) accepts %q, which is no flag", text, name)
			}
		}
	})
}

// Whoever says on the command line that nobody is to be contacted is obeyed,
// whatever a file says; and the other way round.
func TestOnline(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		want Online
	}{
		{"nobody", nil, nil, 0},
		{"a list", nil, []string{"--online", "ocsp, crl"}, OnlineOCSP | OnlineCRL},
		{"repeated", nil, []string{"--online", "ct", "--online", "dns,aia"}, OnlineCT | OnlineDNS | OnlineAIA},
		{"the environment", map[string]string{"CERTASSAY_ONLINE": "ct,dns"}, nil, OnlineCT | OnlineDNS},
		{"offline over the environment", map[string]string{"CERTASSAY_ONLINE": "ct"}, []string{"--offline"}, 0},
		{"online over the environment", map[string]string{"CERTASSAY_OFFLINE": "true"}, []string{"--online", "ct"}, OnlineCT},
		{"not offline", nil, []string{"--offline=false", "--online", "ct"}, OnlineCT},
	} {
		got, err := parse(t, c.env, c.args...)
		if err != nil || got.Online != c.want {
			t.Errorf("%s: online = %q, %v, want %q", c.name, got.Online, err, c.want)
		}
	}
	if _, err := parse(t, map[string]string{"CERTASSAY_ONLINE": "ct", "CERTASSAY_OFFLINE": "1"}); err == nil {
		t.Error("both in the environment: no error")
	}
	if o := OnlineOCSP | OnlineCRL; o.String() != "ocsp,crl" || !o.Has(OnlineCRL) || o.Has(OnlineCRL|OnlineCT) || Online(0).String() != "" {
		t.Errorf("set = %q", o)
	}
}

// Nothing in NO_COLOR asks for nothing, see https://no-color.org.
func TestColor(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		want Color
	}{
		{"nothing set", nil, nil, Auto},
		{"set to nothing", map[string]string{"NO_COLOR": ""}, nil, Auto},
		{"set", map[string]string{"NO_COLOR": "0"}, nil, Never},
		{"a dumb terminal", map[string]string{"TERM": "dumb"}, nil, Never},
		{"a flag goes before", map[string]string{"NO_COLOR": "1", "TERM": "dumb"}, []string{"--color", "always"}, Always},
	} {
		if got, err := parse(t, c.env, c.args...); err != nil || got.Color != c.want {
			t.Errorf("%s: colour %v, error %v, want %v", c.name, got.Color, err, c.want)
		}
	}
}
