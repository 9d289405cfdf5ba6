package pinform

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/certassay/certassay/internal/expect"
)

// Keys of a property list (Apple, "NSPinnedDomains").
const (
	iosSecurity = "NSAppTransportSecurity"
	iosDomains  = "NSPinnedDomains"
	iosBelow    = "NSIncludesSubdomains"
	iosLeaf     = "NSPinnedLeafIdentities"
	iosIssuer   = "NSPinnedCAIdentities"
	iosPin      = "SPKI-SHA256-BASE64"
)

// parseIOS reads NSPinnedDomains of a property list in XML or in binary form, which
// may be an app's Info.plist or nothing but that part of it.
func parseIOS(f *File, data []byte) error {
	read := parseXML
	if bytes.HasPrefix(data, []byte(binaryPlist)) {
		read = parseBinary
	}
	root, err := read(data)
	if err != nil {
		return err
	}
	if root.name != "plist" || len(root.children) != 1 {
		return root.errorf("", "want a <plist> with one <dict>")
	}
	top := root.children[0]
	for _, key := range []string{iosSecurity, iosDomains} {
		found, err := top.entry(key)
		if err != nil {
			return err
		}
		if found != nil {
			top = found
		} else if key == iosDomains {
			return nil
		}
	}
	return top.entries(func(key string, value *element) error {
		h, err := host(key)
		if err != nil {
			return value.errorf("", "%w", err)
		}
		if len(f.Sets) > maxSets {
			return value.errorf("", "too many hosts")
		}
		s, err := iosSet(h, value)
		if err == nil {
			f.Sets = append(f.Sets, s)
		}
		return err
	})
}

func iosSet(h string, dict *element) (Set, error) {
	s := Set{Host: h}
	lists := map[Role]bool{}
	err := dict.entries(func(key string, value *element) error {
		role := Leaf
		switch key {
		case iosBelow:
			s.Subdomains = value.name == "true"
			return nil
		case iosIssuer:
			role = Issuer
		case iosLeaf:
		default:
			return value.errorf("", "unknown key %.40q of a pinned domain", key)
		}
		if value.name != "array" || len(value.children) == 0 {
			return value.errorf("list at least one identity, or take the key out", "%s is no list of pins", key)
		}
		lists[role] = true
		for _, identity := range value.children {
			pin, err := identity.entry(iosPin)
			if err != nil {
				return err
			}
			if pin == nil {
				return identity.errorf("", "there is no %s", iosPin)
			}
			p, err := expect.ParsePin("sha256/" + pin.text())
			if err != nil {
				return pin.errorf("a pin is 44 characters of base64, the SHA-256 of a key", "%.60q is no pin: %w", pin.text(), err)
			}
			s.Pins = append(s.Pins, Pin{Pin: p, Role: role})
		}
		return nil
	})
	s.Both = lists[Leaf] && lists[Issuer]
	return s, err
}

// entries calls do for every pair of a <dict>, and fails where it is none or has
// one key twice.
func (e *element) entries(do func(key string, value *element) error) error {
	if e.name != "dict" || len(e.children)%2 != 0 {
		return e.errorf("", "want a <dict> of keys and values")
	}
	seen := map[string]bool{}
	for i := 0; i < len(e.children); i += 2 {
		key := e.children[i]
		text := key.text()
		if key.name != "key" || seen[text] {
			return key.errorf("", "want a <key> that was not there before")
		}
		seen[text] = true
		if err := do(text, e.children[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// entry gives the value of a key, nil where it is not there.
func (e *element) entry(want string) (found *element, err error) {
	err = e.entries(func(key string, value *element) error {
		if key == want {
			found = value
		}
		return nil
	})
	return found, err
}

func printIOS(b *bytes.Buffer, sets []Set) {
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>NSAppTransportSecurity</key>
	<dict>
		<key>NSPinnedDomains</key>
		<dict>
`)
	for _, s := range sets {
		fmt.Fprintf(b, "\t\t\t<key>%s</key>\n\t\t\t<dict>\n", s.Host)
		if s.Subdomains {
			fmt.Fprintf(b, "\t\t\t\t<key>%s</key>\n\t\t\t\t<true/>\n", iosBelow)
		}
		printIdentities(b, iosLeaf, Leaf, s.Pins)
		printIdentities(b, iosIssuer, Issuer, s.Pins)
		b.WriteString("\t\t\t</dict>\n")
	}
	b.WriteString("\t\t</dict>\n\t</dict>\n</dict>\n</plist>\n")
}

func printIdentities(b *bytes.Buffer, key string, role Role, pins []Pin) {
	n := 0
	for _, p := range pins {
		if p.Role != role {
			continue
		}
		if n++; n == 1 {
			fmt.Fprintf(b, "\t\t\t\t<key>%s</key>\n\t\t\t\t<array>\n", key)
		}
		fmt.Fprintf(b, "\t\t\t\t\t<dict>\n\t\t\t\t\t\t<key>%s</key>\n\t\t\t\t\t\t<string>%s</string>\n\t\t\t\t\t</dict>\n", iosPin, strings.TrimPrefix(p.Pin.String(), "sha256/"))
	}
	if n > 0 {
		b.WriteString("\t\t\t\t</array>\n")
	}
}
