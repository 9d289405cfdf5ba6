package config

import (
	"path/filepath"
	"runtime"
)

// DataDir is where "certassay data update" keeps what it fetches where nobody names
// a directory: CERTASSAY_DATA, or else certassay in the user's directory for data
// (XDG_DATA_HOME, ~/.local/share; LOCALAPPDATA on Windows). It is empty where the
// environment names none of them.
func DataDir(env Env) string {
	get := func(name string) string {
		v, _ := env(name)
		return v
	}
	if dir := get("CERTASSAY_DATA"); dir != "" {
		return dir
	}
	// The specification of XDG has relative paths ignored.
	base := get("XDG_DATA_HOME")
	switch home := get("HOME"); {
	case filepath.IsAbs(base):
	case runtime.GOOS == "windows":
		base = get("LOCALAPPDATA")
	case filepath.IsAbs(home):
		base = filepath.Join(home, ".local", "share")
	default:
		base = ""
	}
	if base == "" {
		return ""
	}
	return filepath.Join(base, "certassay")
}
