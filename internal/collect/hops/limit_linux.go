package hops

import (
	"fmt"
	"strings"
	"syscall"
)

// limit sets how many routers the packets of a socket may pass.
func limit(network string, raw syscall.RawConn, ttl int) error {
	level, option := syscall.IPPROTO_IP, syscall.IP_TTL
	if strings.HasSuffix(network, "6") {
		level, option = syscall.IPPROTO_IPV6, syscall.IPV6_UNICAST_HOPS
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.SetsockoptInt(int(fd), level, option, ttl) }); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("limiting hops: %w", failed)
	}
	return nil
}
