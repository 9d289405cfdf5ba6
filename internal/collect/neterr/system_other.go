//go:build !windows

package neterr

func system() table { return unix() }
