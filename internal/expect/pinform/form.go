package pinform

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/suggest"
)

// Limits on what is read.
const (
	// MaxInput is the largest file: a pin takes some hundred bytes in the most
	// verbose form. It stops a file that never ends.
	MaxInput = 4 << 20
	// maxPins and maxSets bound the pins and hosts of a file. They stop a small
	// file from becoming a large inventory.
	maxPins = 10_000
	maxSets = 10_000
)

// A Format is a form in which pins are written. Its zero value is none.
type Format string

// The forms.
const (
	HPKP    Format = "hpkp"    // Public-Key-Pins: pin-sha256="…" (RFC 7469)
	SPKI    Format = "spki"    // sha256/…, one a line, as in an inventory
	Curl    Format = "curl"    // sha256//…;sha256//… (curl --pinnedpubkey)
	Android Format = "android" // network_security_config.xml
	IOS     Format = "ios"     // NSPinnedDomains in a property list
	TLSA    Format = "tlsa"    // records of a zone file (RFC 6698)
	OpenSSL Format = "openssl" // sha256 Fingerprint=AA:BB:…
	PEM     Format = "pem"     // PUBLIC KEY or CERTIFICATE
)

// Formats lists the forms.
func Formats() []string {
	return []string{string(HPKP), string(SPKI), string(Curl), string(Android), string(IOS), string(TLSA), string(OpenSSL), string(PEM)}
}

// ParseFormat reads the name of a form.
func ParseFormat(s string) (Format, error) {
	if slices.Contains(Formats(), s) {
		return Format(s), nil
	}
	err := fmt.Errorf("unknown form of pins %q (want %s)", s, strings.Join(Formats(), ", "))
	if near := suggest.Nearest(strings.ToLower(s), Formats()); near != "" {
		return "", &Error{Err: err, Tip: fmt.Sprintf("did you mean %q?", near)}
	}
	return "", err
}

// A Role is which certificate of a chain a pin speaks of.
type Role uint8

// The roles. Any is what forms mean that do not say.
const (
	Any    Role = iota // the leaf or a CA above it
	Leaf               // the leaf alone
	Issuer             // a CA above the leaf
)

// A Pin is one pin of a form.
type Pin struct {
	expect.Pin
	Role Role
	// DER is what was hashed, where it is known; empty otherwise. [Pin.Same]
	// does not compare it.
	DER string
}

// A Set is the pins of one host.
type Set struct {
	// Host is in lower case; empty where the form does not name one.
	Host string
	// Port and Transport are those of a TLSA record; 0 and empty elsewhere, and
	// where the record is for every port.
	Port      uint16
	Transport string
	// Subdomains says that the hosts below are meant, too.
	Subdomains bool
	// Both says that a pin of the leaf and a pin of an issuer have to match,
	// not one of all.
	Both bool
	Pins []Pin
}

// A File is what was read of a form.
type File struct {
	Sets []Set
	// Notes say, to a person, what was read with a reservation.
	Notes []string
}

// An Error says where a form could not be read or why it cannot be written.
type Error struct {
	Line, Col int // from 1; 0 where not known
	Err       error
	Tip       string // what a person can do; may be empty
}

// Error gives "line:column: what".
func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return e.Err.Error()
	case e.Col == 0:
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d, column %d: %v", e.Line, e.Col, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is printed on a line of its own.
func (e *Error) Hint() string { return e.Tip }

func errorf(line, col int, hint, format string, args ...any) error {
	return &Error{Line: line, Col: col, Err: fmt.Errorf(format, args...), Tip: hint}
}

var errTooLong = errors.New("file of pins is longer than 4 MiB")

// binaryPlist begins property lists in Apple's binary form.
const binaryPlist = "bplist"

// Detect finds the form of a file from its contents. It fails where there is
// nothing that looks like a pin.
func Detect(data []byte) (Format, error) {
	if len(data) > MaxInput {
		return "", errTooLong
	}
	has := func(s string) bool { return bytes.Contains(data, []byte(s)) }
	switch {
	case bytes.HasPrefix(data, []byte(binaryPlist)), has("<plist"):
		return IOS, nil
	case has("<network-security-config"):
		return Android, nil
	case has(pemBegin), isDER(data):
		return PEM, nil
	case hpkpForm.Match(data):
		return HPKP, nil
	case fingerprintForm.Match(data):
		return OpenSSL, nil
	case tlsaForm.Match(data):
		return TLSA, nil
	case curlForm.Match(data):
		return Curl, nil
	case has("sha256/"), has("sha256:"), has("sha1/"), has("sha1:"), has("sha512/"), has("sha512:"):
		return SPKI, nil
	}
	return "", &Error{
		Err: errors.New("found no pin in any form that is known"),
		Tip: "known are " + strings.Join(Formats(), ", ") + "; a bare hash needs sha256/ in front, or nobody can tell what it is the hash of",
	}
}

// Parse reads pins. A file without any is an error: whoever imports one means to
// pin something.
func Parse(f Format, data []byte) (*File, error) {
	if len(data) > MaxInput {
		return nil, errTooLong
	}
	out := &File{}
	if err := formOf(f).parse(out, bytes.TrimPrefix(data, []byte("\ufeff"))); err != nil {
		return nil, err
	}
	n := 0
	for i := range out.Sets {
		out.Sets[i].Pins = unique(out.Sets[i].Pins)
		n += len(out.Sets[i].Pins)
	}
	switch {
	case n == 0:
		return nil, &Error{Err: fmt.Errorf("found no pin in the form %s", f), Tip: "name another form, or leave it out to have it found"}
	case n > maxPins, len(out.Sets) > maxSets:
		return nil, &Error{Err: fmt.Errorf("%d pins of %d hosts are too many", n, len(out.Sets)), Tip: fmt.Sprintf("split the file: %d pins and %d hosts are read at once", maxPins, maxSets)}
	}
	if slices.ContainsFunc(out.Sets, func(s Set) bool { return slices.ContainsFunc(s.Pins, func(p Pin) bool { return p.Weak() }) }) {
		out.Notes = append(out.Notes, "a SHA-1 hash is a weak pin: whoever can make two certificates that collide meets it with either; pin with SHA-256")
	}
	return out, nil
}

// unique leaves out pins that say the same as an earlier one.
func unique(pins []Pin) []Pin {
	seen := map[Pin]bool{}
	out := pins[:0]
	for _, p := range pins {
		id := p.identity()
		if !seen[id] {
			seen[id] = true
			out = append(out, p)
		}
	}
	return out
}

// identity is all of a pin that a form can hold.
func (p Pin) identity() Pin {
	p.DER, p.Note, p.Place = "", "", expect.Place{}
	return p
}

// A form is how one format is read and written, and what it can hold.
type form struct {
	parse func(*File, []byte) error
	print func(*bytes.Buffer, []Set)
	// hosts says that every set names its host; there may be several then.
	hosts bool
	// roles says that leaf and issuer are kept apart; onlyLeaf that there is no
	// other.
	roles, onlyLeaf, both, until, subdomains bool
	// keys and certificates are what it can pin, with hashes.
	keys, certificates bool
	hashes             []expect.Hash
	// needDER says that it holds keys and not their hashes.
	needDER bool
}

var onlySHA256 = []expect.Hash{expect.SHA256}

func formOf(f Format) form {
	switch f {
	case HPKP:
		return form{parse: parseHPKP, print: printHPKP, keys: true, hashes: onlySHA256, subdomains: true}
	case SPKI:
		return form{parse: parseSPKI, print: printSPKI, keys: true, certificates: true, hashes: allHashes}
	case Curl:
		return form{parse: parseCurl, print: printCurl, keys: true, hashes: onlySHA256, onlyLeaf: true}
	case Android:
		return form{parse: parseAndroid, print: printAndroid, hosts: true, keys: true, hashes: onlySHA256, until: true, subdomains: true}
	case IOS:
		return form{parse: parseIOS, print: printIOS, hosts: true, keys: true, hashes: onlySHA256, roles: true, both: true, subdomains: true}
	case TLSA:
		return form{parse: parseTLSA, print: printTLSA, hosts: true, keys: true, certificates: true, hashes: []expect.Hash{expect.SHA256, expect.SHA512}, roles: true}
	case OpenSSL:
		return form{parse: parseOpenSSL, print: printOpenSSL, certificates: true, hashes: allHashes}
	case PEM:
		return form{parse: parsePEM, print: printPEM, keys: true, hashes: onlySHA256, needDER: true}
	}
	panic("pinform: unknown format " + string(f))
}

var allHashes = []expect.Hash{expect.SHA256, expect.SHA1, expect.SHA512}

// hostForm is a host name as DNS and TLS have it; "_" stands in some.
var hostForm = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// host reads the name of a host.
func host(s string) (string, error) {
	h := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), "."))
	if len(h) > 253 || !hostForm.MatchString(h) {
		return "", fmt.Errorf("%.80q is not the name of a host", s)
	}
	return h, nil
}

// Hosts says that the form names the host of each pin, so that there can be
// several.
func (f Format) Hosts() bool { return formOf(f).hosts }

// Keys says that the form can hold pins of keys; others hold certificates alone.
func (f Format) Keys() bool { return formOf(f).keys }
