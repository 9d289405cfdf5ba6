//go:build !(linux || (darwin && amd64))

package limbo

var further []verifier
