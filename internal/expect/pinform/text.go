package pinform

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/certassay/certassay/internal/expect"
)

// lines gives the lines of a text with their numbers from 1.
func lines(data []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range bytes.Lines(data) {
			n++
			if !yield(n, strings.TrimRight(string(line), "\r\n")) {
				return
			}
		}
	}
}

// column is where a byte of a line stands, in characters from 1.
func column(line string, at int) int { return utf8.RuneCountInString(line[:at]) + 1 }

var (
	// hpkpForm is a directive of RFC 7469 section 2.1; names are of either case.
	hpkpForm = regexp.MustCompile(`(?i)\bpin-([a-z0-9]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))`)
	hpkpSubs = regexp.MustCompile(`(?i)(?:^|[;:\s])includeSubDomains\s*(?:;|$)`)
)

// parseHPKP reads headers, or the value of one. All of a file are of one host;
// max-age has no meaning outside of a response, and report-uri none here.
func parseHPKP(f *File, data []byte) error {
	s := Set{}
	for n, line := range lines(data) {
		for _, m := range hpkpForm.FindAllStringSubmatchIndex(line, -1) {
			if !strings.EqualFold(line[m[2]:m[3]], "sha256") {
				f.Notes = append(f.Notes, fmt.Sprintf("line %d: pin-%.20s was left out, as RFC 7469 section 2.1.1 asks for hashes other than sha256", n, line[m[2]:m[3]]))
				continue
			}
			at, end := m[4], m[5]
			if at < 0 {
				at, end = m[6], m[7]
			}
			p, err := expect.ParsePin("sha256/" + line[at:end])
			if err != nil {
				return errorf(n, column(line, at), "a pin is 44 characters of base64, the SHA-256 of a key", "%.60q is no pin: %w", line[at:end], err)
			}
			s.Pins = append(s.Pins, Pin{Pin: p})
		}
		s.Subdomains = s.Subdomains || hpkpSubs.MatchString(line)
	}
	f.Sets = append(f.Sets, s)
	return nil
}

// hpkpAge is the longest time for which browsers are to keep pins, 60 days (RFC
// 7469 section 4.1).
const hpkpAge = 60 * 86400

func printHPKP(b *bytes.Buffer, sets []Set) {
	b.WriteString("Public-Key-Pins:")
	for _, p := range sets[0].Pins {
		fmt.Fprintf(b, " pin-sha256=%q;", strings.TrimPrefix(p.Pin.String(), "sha256/"))
	}
	fmt.Fprintf(b, " max-age=%d", hpkpAge)
	if sets[0].Subdomains {
		b.WriteString("; includeSubDomains")
	}
	b.WriteString("\n")
}

// word is one pin in lists of any habit: a line each, with commas or semicolons,
// in quotes.
var word = regexp.MustCompile(`[^\s,;"'()\[\]]+`)

// curlForm is a pin with two slashes in front of all its base64.
var curlForm = regexp.MustCompile(`sha256//[A-Za-z0-9+/]{43}=`)

const pinHint = "a key's pin is sha256/ and 44 characters of base64; a certificate's sha256: and 64 hex digits; what follows # is a comment"

// parseSPKI reads pins as an inventory has them. curl's second slash is
// understood.
func parseSPKI(f *File, data []byte) error { return parseWords(f, data, Any) }

// parseCurl reads the value of curl's option --pinnedpubkey, or the whole option.
func parseCurl(f *File, data []byte) error { return parseWords(f, data, Leaf) }

func parseWords(f *File, data []byte, role Role) error {
	s := Set{}
	for n, line := range lines(data) {
		text, _, _ := strings.Cut(line, "#")
		for _, m := range word.FindAllStringIndex(text, -1) {
			w := text[m[0]:m[1]]
			if w == "--pinnedpubkey" || w == "-" || w == "curl" {
				continue
			}
			p, err := parseWord(w)
			if err == nil && role == Leaf && (p.Of != expect.SPKI || p.Hash != expect.SHA256) {
				err = errors.New("curl compares with the SHA-256 of a key")
			}
			if err != nil {
				return errorf(n, column(line, m[0]), pinHint, "%.60q is no pin: %w", w, err)
			}
			s.Pins = append(s.Pins, Pin{Pin: p, Role: role})
		}
	}
	f.Sets = append(f.Sets, s)
	return nil
}

// parseWord reads a pin with one slash or with curl's two. Base64 may begin with a
// slash, too: the length tells.
func parseWord(w string) (expect.Pin, error) {
	p, err := expect.ParsePin(w)
	if err != nil {
		if q, err := expect.ParsePin(strings.Replace(w, "sha256//", "sha256/", 1)); err == nil {
			return q, nil
		}
	}
	return p, err
}

func printSPKI(b *bytes.Buffer, sets []Set) {
	for _, p := range sets[0].Pins {
		b.WriteString(p.Pin.String())
		if note := comment(p.Note); note != "" {
			b.WriteString("  # " + note)
		}
		b.WriteString("\n")
	}
}

func printCurl(b *bytes.Buffer, sets []Set) {
	for i, p := range sets[0].Pins {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString("sha256/" + strings.TrimPrefix(p.Pin.String(), "sha256"))
	}
	b.WriteString("\n")
}

// fingerprintForm is a line of "openssl x509 -fingerprint".
var fingerprintForm = regexp.MustCompile(`(?im)^[ \t]*([a-z0-9_-]+)[ \t]+Fingerprint[ \t]*=[ \t]*([^\r\n]*?)[ \t]*\r?$`)

// parseOpenSSL reads what "openssl x509 -fingerprint" prints. Everything else
// that openssl prints beside it is passed over.
func parseOpenSSL(f *File, data []byte) error {
	s := Set{}
	for n, line := range lines(data) {
		m := fingerprintForm.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		digits := strings.ReplaceAll(line[m[4]:m[5]], ":", "")
		p := expect.Pin{Of: expect.Certificate}
		switch name := strings.ToLower(strings.ReplaceAll(line[m[2]:m[3]], "-", "")); name {
		case "sha256":
		case "sha1":
			p.Hash = expect.SHA1
		case "sha512":
			p.Hash = expect.SHA512
		default:
			return errorf(n, column(line, m[2]), "print it anew: openssl x509 -in cert.pem -noout -fingerprint -sha256", "a fingerprint made with %.20s pins nothing", line[m[2]:m[3]])
		}
		sum, err := hex.DecodeString(digits)
		if err == nil && len(sum) != p.Hash.Size() {
			err = fmt.Errorf("%d bytes where %s has %d", len(sum), p.Hash, p.Hash.Size())
		}
		if err != nil {
			return errorf(n, column(line, m[4]), "", "%.60q is no fingerprint: %w", line[m[4]:m[5]], err)
		}
		p.Sum = string(sum)
		s.Pins = append(s.Pins, Pin{Pin: p})
	}
	f.Sets = append(f.Sets, s)
	return nil
}

func printOpenSSL(b *bytes.Buffer, sets []Set) {
	for _, p := range sets[0].Pins {
		fmt.Fprintf(b, "%s Fingerprint=", p.Hash)
		for i := range len(p.Sum) {
			if i > 0 {
				b.WriteByte(':')
			}
			fmt.Fprintf(b, "%02X", p.Sum[i])
		}
		b.WriteByte('\n')
	}
}
