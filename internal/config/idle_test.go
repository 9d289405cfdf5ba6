package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// configOf is what a command of a kind makes of its flags.
func configOf(t *testing.T, which Which, env map[string]string, args ...string) (*Config, error) {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := Bind(fs, which, []string{"text"})
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f.Config(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

// A flag without effect is refused on the command line, by the reason that makes it
// so, and taken from environment and file, which set options for every command.
func TestIdle(t *testing.T) {
	scan, check, audit := Which{Network: true, Logs: true}, Which{Logs: true}, Which{Network: true, Logs: true, Inventory: true}
	for _, tt := range []struct {
		name        string
		which       Which
		flag, value string
		with        string // what gives it an effect
	}{
		{"contact", scan, "contact", "me@example.org", "--online=ct"},
		{"contact, other question", scan, "contact", "me@example.org", "--online=ocsp,ct"},
		{"cache", check, "cache", "dir", "--offline"},
		{"cache of a question", scan, "cache", "dir", "--online=crl"},
		{"private URLs", scan, "allow-private-urls", "true", "--online=aia"},
		{"resolver", check, "resolver", "127.0.0.1", "--online=dns"},
		{"port to compare", scan, "compare-port", "80", "--probe-path"},
		{"mail domain", scan, "mail-domain", "example.org", "--online=dns"},
		{"ssh", scan, "ssh-config", "config", "--via=ssh://host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			flag := "--" + tt.flag + "=" + tt.value
			_, err := configOf(t, tt.which, nil, flag)
			var idle *Idle
			if !errors.As(err, &idle) || idle.Flag != tt.flag || idle.Hint() == "" || !strings.HasPrefix(idle.Error(), "--"+tt.flag+" has no effect: ") {
				t.Errorf("%s alone: %v", flag, err)
			}
			if _, err := configOf(t, tt.which, nil, flag, tt.with); err != nil {
				t.Errorf("%s %s: %v", flag, tt.with, err)
			}
			if _, err := configOf(t, tt.which, map[string]string{envName(tt.flag): tt.value}); err != nil {
				t.Errorf("in the environment: %v", err)
			}
			file := filepath.Join(t.TempDir(), "options.yaml")
			if err := os.WriteFile(file, []byte(tt.flag+": "+tt.value+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := configOf(t, tt.which, nil, "--config", file); err != nil && !tt.which.Inventory {
				t.Errorf("in a file: %v", err)
			}
		})
	}
	for _, fine := range []struct {
		which Which
		args  []string
	}{{scan, []string{"--resolver", "127.0.0.1"}}, {audit, []string{"--ssh-config", "c"}}, {scan, []string{"--via", "ssh://h", "--via", "direct", "--ssh-config", "c"}}} {
		if _, err := configOf(t, fine.which, nil, fine.args...); err != nil {
			t.Errorf("%v: %v", fine.args, err)
		}
	}
}

// What shapes how targets are dialled is told where none is, and refused nowhere.
func TestUnused(t *testing.T) {
	args := []string{"--via", "direct", "--sni", "a.example", "--timeout", "3s", "--retries", "0"}
	c, err := configOf(t, Which{Logs: true}, map[string]string{"CERTASSAY_PORT": "8443"}, args...)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range c.Unused {
		names = append(names, x.Flag)
	}
	if got := strings.Join(names, " "); got != "sni via" {
		t.Errorf("unused: %s, want sni and via", got)
	}
	if c, err = configOf(t, Which{Network: true}, nil, args...); err != nil || len(c.Unused) > 0 {
		t.Errorf("a command that dials: %v, %v", c.Unused, err)
	}
}
