// Package capture takes certificate chains out of packet captures: pcap and
// pcapng, whatever wrote them.
//
// Up to TLS 1.2 a server sends its chain in the clear. Every TCP connection is
// put together again and watched for a TLS handshake, on any port, at its start
// or after a conversation in the clear (STARTTLS). What the server signed of the
// handshake is verified, as of a live one. TLS 1.3 and QUIC encrypt the
// certificates: such connections are counted, and said to be unchecked.
//
// # Design
//
// An observation is an endpoint, as a scan's is, and judged like one: the name
// is the SNI that the client sent, the address the server's, the vantage the
// client, the time that of the packets. Two connections of one server and name
// with the same chain are one observation; thousands would be noise.
//
// A server's messages count only where the other direction has a ClientHello,
// or nothing of it was recorded: the download of a file with a handshake in it
// is no handshake, and must not accuse the host that it came from.
//
// IP fragments are put together first. Those that overlap or contradict each other
// are refused and counted; see the limits of fragments.
//
// Packets are decoded and put in order by gopacket, in Go, without libpcap. It
// is told to keep little: what waits for a lost segment is bounded for each
// connection and in all, and so is all that we keep ourselves; see the limits.
package capture

import "time"

// Limits, each with the attack it stops. They are far above honest captures.
const (
	// MaxBytes is the most that is read of a capture, unpacked: a gzip bomb, or
	// an endless pipe.
	MaxBytes = 64 << 30
	// MaxOverhead is the most of it that is no packet: pcapng names and secrets
	// are kept by the reader and would fill memory.
	MaxOverhead = 256 << 20
	// MaxPackets is the most packets that are read.
	MaxPackets = 1 << 30
	// maxFlows is how many connections are open at once: one SYN each would
	// fill memory.
	maxFlows = 100_000
	// maxBuffered is how much of handshakes is kept at once, in bytes.
	maxBuffered = 256 << 20
	// maxHandshake is how much of one direction is kept: a handshake that never
	// ends. A message of TLS is 16 MiB at most; no chain is.
	maxHandshake = 512 << 10
	// maxPreamble is how far into a direction a handshake may begin.
	maxPreamble = 1 << 20
	// maxPages and maxPagesPerFlow bound what waits for lost segments, in pages
	// of 1900 bytes.
	maxPages, maxPagesPerFlow = 1 << 16, 1 << 9
	// MaxObservations is the most different chains of different servers.
	MaxObservations = 100_000
	// maxKept bounds the certificates of all observations, in bytes.
	maxKept = 512 << 20
	// idle is after how long a connection without packets is given up, by the
	// clock of the capture; and flushEvery is how many packets are read before
	// that is looked for.
	idle       = 2 * time.Minute
	flushEvery = 1 << 16
)

// Prefix is how many bytes [Is] wants to see.
const Prefix = 12

// Is says whether a file that starts with b is a packet capture.
func Is(b []byte) bool {
	if len(b) < Prefix {
		return false
	}
	switch string(b[:4]) {
	case "\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d":
		return true
	case "\x0a\x0d\x0d\x0a": // pcapng, and its byte order
		return string(b[8:12]) == "\x1a\x2b\x3c\x4d" || string(b[8:12]) == "\x4d\x3c\x2b\x1a"
	}
	return false
}
