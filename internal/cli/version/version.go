// Package version is the version of this program, as reports, servers that are asked
// and "certassay version" are told it.
package version

import (
	"runtime/debug"
)

// release is set by the release build. A build from source or by "go install"
// takes what the Go toolchain recorded.
var release = ""

// String is the version; "devel" where nothing is known of it.
func String() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
