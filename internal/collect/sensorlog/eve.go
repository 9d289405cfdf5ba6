package sensorlog

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
)

// An event is what matters of a line of EVE JSON.
type event struct {
	Timestamp string `json:"timestamp"`
	Client    string `json:"src_ip"`
	Server    string `json:"dest_ip"`
	Port      int    `json:"dest_port"`
	TLS       *struct {
		SNI         string   `json:"sni"`
		Certificate string   `json:"certificate"`
		Chain       []string `json:"chain"`
		Fingerprint string   `json:"fingerprint"`
		Subject     string   `json:"subject"`
	} `json:"tls"`
}

func (e *event) seen() time.Time {
	// The offset has no colon: 2026-10-03T12:00:00.000001+0000.
	for _, layout := range []string{"2006-01-02T15:04:05.999999999-0700", time.RFC3339Nano} {
		if at, err := time.Parse(layout, e.Timestamp); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

// events reads EVE JSON: the TLS records, and what other events say of TLS.
func (l *log) events(in io.Reader) error {
	return lines(in, func(line []byte) bool {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			l.broken++
			return true
		}
		if e.TLS == nil {
			return true
		}
		o := observation{server: join(e.Server, strconv.Itoa(e.Port)), client: e.Client, name: e.TLS.SNI, seen: e.seen(), by: "Suricata"}
		texts := e.TLS.Chain
		// The chain begins with the certificate; without it, that is all there is.
		if len(texts) == 0 || e.TLS.Certificate != "" && e.TLS.Certificate != texts[0] {
			texts = append([]string{e.TLS.Certificate}, texts...)
		}
		for _, text := range texts[:min(len(texts), maxChain)] {
			der, ok := decoded(text)
			if ok {
				o.chain = append(o.chain, der)
			} else if strings.TrimSpace(text) != "" {
				o.missing++
			}
		}
		switch {
		case len(o.chain) > 0:
			l.add(&o)
		case e.TLS.Fingerprint != "" || e.TLS.Subject != "" || o.missing > 0:
			l.named++
		default:
			l.hidden++
		}
		return true
	})
}
