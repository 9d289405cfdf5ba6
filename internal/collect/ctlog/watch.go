package ctlog

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// WatchSyntax says, for help texts, what can be looked for.
const WatchSyntax = `What is looked for:
  example.org              that name alone
  .example.org             that name and all below it
  *.example.org            all names one label below it
  192.0.2.1  192.0.2.0/24  an address, or a range of them (ip:… does as well)
  org:Example Corp         an organisation in the subject, whatever its case,
                           spaces and punctuation, or in letters that look alike
  issuer:sha256/…          what the key with this pin issued: the SHA-256 of its
                           SubjectPublicKeyInfo, in base64 or hexadecimal
  key:sha256/…             certificates over the key with this pin
  serial:0a1b2c            certificates with this serial number
  lookalike:example.org    names that look like it or borrow it, and are not
                           below it: confusable letters, one letter off, another
                           top-level domain, example-login.com,
                           example.org.evil.test
A wildcard in a certificate matches every name that it covers.`

// maxNets and maxLooks bound what costs time or memory for each item that is
// looked for: a range of addresses is compared with each address, and a name has
// about a thousand look-alikes, of 16 bytes each.
const (
	maxNets  = 1000
	maxLooks = 1000
)

// watch takes one item over into the matcher.
func (m *Matcher) watch(item string) error {
	kind, rest, ok := strings.Cut(item, ":")
	if ok {
		switch kind {
		case "org":
			return m.addOrg(item, rest)
		case "issuer":
			return addPin(m.issuers, item, rest)
		case "key":
			return addPin(m.keys, item, rest)
		case "serial":
			return m.addSerial(item, rest)
		case "lookalike":
			return m.addLook(item, rest)
		case "ip":
			if known, err := m.addIP(item, rest); known {
				return err
			}
			return fmt.Errorf("%.80q: %.80q is neither an address nor a range", item, rest)
		}
	}
	if known, err := m.addIP(item, item); known {
		return err
	}
	return m.add(item)
}

// addIP takes an address or a range; known is false where text is neither.
func (m *Matcher) addIP(item, text string) (known bool, err error) {
	text = strings.Trim(text, "[]")
	if n := len(text); n == 0 || !strings.Contains(text, ":") && (text[n-1] < '0' || text[n-1] > '9') {
		return false, nil // most are names, and to refuse them by parsing takes longer
	}
	if ip, err := netip.ParseAddr(text); err == nil {
		m.ips[ip.Unmap().WithZone("")] = item
		return true, nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return false, nil //nolint:nilerr // it is a name, then
	}
	if len(m.nets) == maxNets {
		return true, fmt.Errorf("%.80q: more than %d ranges of addresses", item, maxNets)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	m.nets = append(m.nets, watchedNet{p.Masked(), item})
	return true, nil
}

// A watchedNet is a range of addresses.
type watchedNet struct {
	prefix netip.Prefix
	text   string
}

func (m *Matcher) addOrg(item, name string) error {
	key := normalOrg(name)
	if key == "" {
		return fmt.Errorf("%.80q names no organisation", item)
	}
	m.orgs[key] = item
	m.orgFolds[fold(key)] = item
	return nil
}

// normalOrg is an organisation's name without what people write in different
// ways: case, width and other compatibility forms, spaces, punctuation.
func normalOrg(name string) string {
	words := strings.FieldsFunc(strings.ToLower(norm.NFKC.String(name)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
	return strings.Join(words, " ")
}

var errPin = errors.New("a pin is sha256/ and 32 bytes in base64 or hexadecimal")

func addPin(to map[[32]byte]string, item, text string) error {
	text, ok := strings.CutPrefix(text, "sha256/")
	if !ok {
		return fmt.Errorf("%.120q: %w", item, errPin)
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		b, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil || len(b) != 32 {
		return fmt.Errorf("%.120q: %w", item, errPin)
	}
	to[[32]byte(b)] = item
	return nil
}

func (m *Matcher) addSerial(item, text string) error {
	text = strings.ReplaceAll(text, ":", "")
	if len(text)%2 == 1 {
		text = "0" + text
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) == 0 || len(b) > 64 {
		return fmt.Errorf("%.120q: a serial number is written in hexadecimal", item)
	}
	m.serials[plainSerial(b)] = item
	return nil
}

// plainSerial leaves out what does not change the number: leading zeros.
func plainSerial(b []byte) string { return strings.TrimLeft(string(b), "\x00") }
