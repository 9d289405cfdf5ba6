//go:build !linux

package hops

import "syscall"

// limit is known to work on Linux only: elsewhere systems wait where a router has
// already said that it dropped a packet, or do not say so.
func limit(string, syscall.RawConn, int) error { return ErrSystem }
