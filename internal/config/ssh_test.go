package config

import (
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
)

func TestSSH(t *testing.T) {
	home := t.TempDir()
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"LOGNAME": "bob", "SSH_AUTH_SOCK": "/agent", "HOME": home}[name]
		return v, ok
	}
	own := filepath.Join(home, ".ssh", "known_hosts")
	for _, tt := range []struct {
		args []string
		want SSH
	}{
		{[]string{"--via", "ssh://host"}, SSH{User: "bob", Agent: "/agent", KnownHosts: own}},
		{[]string{"--via", "direct", "--via", "ssh://eve@host:2222", "--ssh-identity", "key", "--ssh-known-hosts", "hosts"}, SSH{User: "bob", Agent: "/agent", Identity: "key", KnownHosts: "hosts"}},
		{[]string{"--via", "direct", "--via", "http://host", "--ssh-identity", "key"}, SSH{}},
	} {
		fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
		flags := Bind(fs, Which{Network: true}, []string{"text"})
		if err := fs.Parse(tt.args); err != nil {
			t.Fatal(err)
		}
		cfg, err := flags.Config(env)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.SSH != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.args, cfg.SSH, tt.want)
		}
	}
	for _, s := range []string{"ssh://host", "ssh://eve@host:2222"} {
		if _, err := ParseProxy(s); err == nil {
			t.Errorf("ParseProxy(%q) succeeded; logs are not asked through ssh", s)
		}
	}
}
