package config

import (
	"net/url"
	"path/filepath"
	"slices"
)

// SSH says how to log in to the server of --via ssh://.
type SSH struct {
	// User logs in where the URL names nobody; empty where the environment does
	// not say who runs this.
	User string
	// Identity is the file of a private key; empty for none.
	Identity string
	// Agent is the socket of ssh-agent; empty where none runs.
	Agent string
	// KnownHosts is the file of the host keys that are trusted.
	KnownHosts string
}

// ssh joins the flags with what the environment says of the user, as ssh does.
func (f *Flags) ssh(via []*url.URL, env Env) SSH {
	if !slices.ContainsFunc(via, func(u *url.URL) bool { return u != nil && u.Scheme == "ssh" }) {
		return SSH{}
	}
	first := func(names ...string) string {
		for _, name := range names {
			if v, _ := env(name); v != "" {
				return v
			}
		}
		return ""
	}
	s := SSH{User: first("USER", "LOGNAME", "USERNAME"), Identity: f.sshIdentity, Agent: first("SSH_AUTH_SOCK"), KnownHosts: f.sshKnownHosts}
	if s.KnownHosts == "" {
		s.KnownHosts = filepath.Join(first("HOME", "USERPROFILE"), ".ssh", "known_hosts")
	}
	return s
}
