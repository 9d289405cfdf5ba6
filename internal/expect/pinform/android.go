package pinform

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/expect"
)

const day = 24 * time.Hour

// parseAndroid reads network_security_config.xml. A <domain-config> without pins
// of its own has those of the one around it, as on Android; what is not about
// pins is passed over.
func parseAndroid(f *File, data []byte) error {
	root, err := parseXML(data)
	if err != nil {
		return err
	}
	if root.name != "network-security-config" {
		return root.errorf("", "want <network-security-config>")
	}
	return androidConfigs(f, root, nil)
}

func androidConfigs(f *File, e *element, inherited []Pin) error {
	for _, c := range e.children {
		if c.name != "domain-config" {
			continue
		}
		pins := inherited
		for _, p := range c.children {
			if p.name == "pin-set" {
				var err error
				if pins, err = androidPins(p); err != nil {
					return err
				}
			}
		}
		for _, d := range c.children {
			if d.name != "domain" {
				continue
			}
			h, err := host(d.text())
			if err != nil {
				return d.errorf("", "%w", err)
			}
			if len(pins) == 0 {
				continue
			}
			if len(f.Sets) > maxSets {
				return d.errorf("", "too many hosts")
			}
			below, _ := d.attr("includeSubdomains")
			f.Sets = append(f.Sets, Set{Host: h, Subdomains: below == "true", Pins: append([]Pin(nil), pins...)})
		}
		if err := androidConfigs(f, c, pins); err != nil {
			return err
		}
	}
	return nil
}

func androidPins(set *element) (pins []Pin, err error) {
	var until time.Time
	if text, ok := set.attr("expiration"); ok {
		until, err = time.Parse(time.DateOnly, text)
		if err != nil || until.Year() < 2000 {
			return nil, set.errorf("write it as 2027-01-31", "expiration %.40q is no date", text)
		}
	}
	for _, e := range set.children {
		if e.name != "pin" {
			return nil, e.errorf("", "a <pin-set> holds nothing but <pin>")
		}
		if digest, _ := e.attr("digest"); digest != "SHA-256" {
			return nil, e.errorf(`Android knows digest="SHA-256" only`, "unknown digest %.20q", digest)
		}
		p, err := expect.ParsePin("sha256/" + e.text())
		if err != nil {
			return nil, e.errorf("a pin is 44 characters of base64, the SHA-256 of a key", "%.60q is no pin: %w", e.text(), err)
		}
		p.Until = until
		pins = append(pins, Pin{Pin: p})
	}
	return pins, nil
}

func printAndroid(b *bytes.Buffer, sets []Set) {
	b.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<network-security-config>\n")
	for _, s := range sets {
		fmt.Fprintf(b, "    <domain-config>\n        <domain includeSubdomains=\"%t\">%s</domain>\n        <pin-set", s.Subdomains, s.Host)
		if until := s.Pins[0].Until; !until.IsZero() {
			fmt.Fprintf(b, " expiration=%q", until.UTC().Format(time.DateOnly))
		}
		b.WriteString(">\n")
		for _, p := range s.Pins {
			fmt.Fprintf(b, "            <pin digest=\"SHA-256\">%s</pin>\n", strings.TrimPrefix(p.Pin.String(), "sha256/"))
		}
		b.WriteString("        </pin-set>\n    </domain-config>\n")
	}
	b.WriteString("</network-security-config>\n")
}
