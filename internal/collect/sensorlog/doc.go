// Package sensorlog takes certificates out of the logs of network sensors:
// Zeek's x509.log and ssl.log, as tab-separated text or JSON, and Suricata's EVE
// JSON with TLS records.
//
// Zeek logs certificates only with the policy protocols/ssl/log-certs-base64,
// into x509.log; Suricata with "certificate" and "chain" among the custom fields
// of its tls logger. A log without them has names and hashes that the sensor's
// parser made: nothing of it is judged, it is counted and said to be unchecked.
//
// # Design
//
// A chain that a log ties to a connection is an endpoint, as in package capture:
// name, address and time are the record's. ssl.log names certificates by their
// SHA-256 (or, in logs of before 2022, by the id of a file); they are taken from
// the x509.log beside it. The hash is computed from the bytes there and not
// taken from the log. No log says whether the server proved its key, so that
// there is no handshake in the evidence, and no rule asks for that proof.
package sensorlog

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// Limits, each with the attack it stops.
const (
	// maxLine is the longest line: one without end would fill memory. A chain of
	// ten certificates in base64 is 20 kB.
	maxLine = 4 << 20
	// MaxObservations is the most different chains, certificates and servers.
	MaxObservations = 100_000
	// maxKept bounds the certificates of one log, in bytes.
	maxKept = 512 << 20
	// maxChain is the most certificates of one record.
	maxChain = 100
)

// Prefix is how many bytes [Kind] wants to see, at most: the first lines.
const Prefix = 4096

// A Log is a kind of log.
type Log int

// The kinds of logs.
const (
	None        Log = iota // something else
	ZeekX509               // certificates
	ZeekSSL                // TLS connections
	SuricataEVE            // events
)

// Kind says what log begins with head. A Zeek log in JSON does not name itself:
// it is told by its fields.
func Kind(head []byte) Log {
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	if bytes.HasPrefix(head, []byte("#separator ")) {
		for line := range bytes.Lines(head) {
			if path, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "#path"); ok {
				switch strings.TrimSpace(path) {
				case "x509":
					return ZeekX509
				case "ssl":
					return ZeekSSL
				}
			}
		}
		return None
	}
	return kindOfJSON(head)
}

func kindOfJSON(head []byte) Log {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	has := func(key string) bool { return bytes.Contains(line, []byte(`"`+key+`"`)) }
	switch {
	case !bytes.HasPrefix(line, []byte("{")):
	case has("event_type") && has("timestamp"):
		return SuricataEVE
	case has("ts") && has("certificate.version"):
		return ZeekX509
	case has("ts") && has("id.resp_h") && (has("cert_chain_fps") || has("cert_chain_fuids") || has("established") && has("ssl_history") || has("version") && has("cipher")):
		return ZeekSSL
	}
	return None
}

// Began is the time of the first record of a log that begins with head; zero
// where that cannot be read.
func Began(head []byte) time.Time {
	kind := Kind(head)
	if kind == None {
		return time.Time{}
	}
	var at time.Time
	_ = lines(bytes.NewReader(head), func(line []byte) bool {
		if kind == SuricataEVE {
			var e event
			_ = json.Unmarshal(line, &e)
			at = e.seen()
			return at.IsZero()
		}
		return true
	})
	if kind != SuricataEVE {
		z := &zeek{}
		_ = z.each(bytes.NewReader(head), func(r record) bool {
			at = r.time("ts")
			return at.IsZero()
		})
	}
	return at
}
