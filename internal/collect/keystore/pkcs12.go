package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/certassay/certassay/internal/cert"
)

// Identifier octets.
const (
	idInteger     = 0x02
	idOctets      = 0x04
	idOID         = 0x06
	idBMPString   = 0x1e
	idSequence    = 0x30
	idSet         = 0x31
	idOctetsParts = 0x24 // an OCTET STRING in parts (BER)
	idContext0    = 0xa0
	idEncrypted   = 0x80 // [0] IMPLICIT OCTET STRING
)

// Content octets of object identifiers.
const (
	oidData          = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
	oidSignedData    = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
	oidEncryptedData = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"

	oidBags         = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01" // and a number
	oidX509         = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01"
	oidFriendlyName = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14"
	oidLocalKeyID   = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15"
	// oidJavaTrusted marks the certificates that Java trusts.
	oidJavaTrusted = "\x60\x86\x48\x01\x86\xf9\x66\xad\xca\x7b\x01\x01"
)

// IsPKCS12 says whether b starts like a PFX (RFC 7292 section 4): version 3 and
// a ContentInfo.
func IsPKCS12(b []byte) bool {
	outer, _, _ := cert.Next(b)
	version, rest, err := cert.Next(outer.Body)
	if err != nil || outer.ID != idSequence || version.ID != idInteger || string(version.Body) != "\x03" {
		return false
	}
	info, _, _ := cert.Next(rest)
	kind, _, _ := cert.Next(info.Body)
	return info.ID == idSequence && kind.ID == idOID && strings.HasPrefix(string(kind.Body), oidData[:8])
}

// PKCS12 reads a PKCS #12 store. The first of the passwords, "" and
// "changeit" that fits is used; the problems say it where none does. A store or part of one that is not encrypted
// is read without. Certificates come in the order of the file, those with keys
// as chains, leaf first.
func PKCS12(b []byte, passwords []string) *Store {
	s := &Store{Format: "PKCS #12"}
	p := &pfx{Store: s, effort: MaxEffort}
	if err := p.open(b, passwords); err != nil {
		s.problem("PKCS #12: "+err.Error(), hintOf(err))
	}
	p.arrange()
	return s
}

// errPassword says that no password fits.
var errPassword = errors.New(`no password fits, neither "" nor "changeit" nor one that was given`)

func hintOf(err error) string {
	if errors.Is(err, errPassword) {
		return hintPassword
	}
	return ""
}

// A pfx is the reading of one store.
type pfx struct {
	*Store
	passwords []password
	effort    int
	bags      []certBag
	keyIDs    map[string]bool // local key identifiers of the keys
}

// A certBag is a certificate with what its attributes say.
type certBag struct {
	der          []byte
	alias, keyID string
	trusted      bool
	used         bool // in a chain
}

func (p *pfx) open(b []byte, passwords []string) error {
	outer, _, err := cert.Next(b)
	if err != nil {
		return errors.New("it is cut off or malformed")
	}
	f := fields{b: outer.Body}
	f.next(idInteger)
	info := fields{b: f.next(idSequence)}
	kind := string(info.next(idOID))
	if kind == oidSignedData {
		return errors.New("it is signed instead of protected by a password, which no common program writes: it cannot be read")
	}
	safe, err := octets(info.next(idContext0))
	if kind != oidData || f.err != nil || info.err != nil || err != nil {
		return errors.New("it is malformed")
	}
	for _, text := range candidates(passwords) {
		p.passwords = append(p.passwords, encodings(text)...)
	}
	if len(f.b) > 0 {
		// A password that does not fit is no problem where nothing is hidden:
		// Verified says it.
		if err := p.verify(f.next(idSequence), safe); err != nil && !errors.Is(err, errPassword) {
			p.problem("PKCS #12: checking its integrity: "+err.Error(), "")
		}
	}
	return p.contents(safe)
}

// contents reads the AuthenticatedSafe, part by part: what one part hides says
// nothing against the others.
func (p *pfx) contents(safe []byte) error {
	list, _, err := cert.Next(safe)
	if err != nil || list.ID != idSequence {
		return errors.New("its contents are malformed")
	}
	p.keyIDs = map[string]bool{}
	rest, hidden := list.Body, false
	for n := 1; len(rest) > 0; n++ {
		var info cert.Element
		if info, rest, err = cert.Next(rest); err != nil {
			return fmt.Errorf("part %d is cut off or malformed", n)
		}
		err := p.part(info.Body)
		hidden = hidden || errors.Is(err, errPassword)
		if err != nil && !errors.Is(err, errPassword) {
			p.problem(fmt.Sprintf("PKCS #12: part %d: %v", n, err), "")
		}
	}
	if hidden {
		return errPassword
	}
	return nil
}

func (p *pfx) part(b []byte) error {
	f := fields{b: b}
	kind, body := string(f.next(idOID)), f.next(idContext0)
	if f.err != nil {
		return errors.New("it is malformed")
	}
	switch kind {
	case oidData:
		plain, err := octets(body)
		if err != nil {
			return err
		}
		return p.safeContents(plain, 0)
	case oidEncryptedData:
		plain, err := p.decrypt(body)
		if err != nil {
			return err
		}
		// There may be a private key in it.
		defer clear(plain)
		return p.safeContents(plain, 0)
	}
	return errors.New("it is encrypted for a public key: it cannot be read")
}

// safeContents reads bags (RFC 7292 section 4.2).
func (p *pfx) safeContents(b []byte, depth int) error {
	list, _, err := cert.Next(b)
	if err != nil || list.ID != idSequence {
		return errors.New("its contents are malformed")
	}
	for rest := list.Body; len(rest) > 0; {
		var bag cert.Element
		if bag, rest, err = cert.Next(rest); err != nil {
			return errors.New("it is cut off or malformed")
		}
		if err := p.bag(bag.Body, depth); err != nil {
			return err
		}
		if len(p.bags) > MaxEntries {
			return fmt.Errorf("more than %d certificates: the rest was left out", MaxEntries)
		}
	}
	return nil
}

// The numbers of bags below oidBags.
const (
	bagKey      = 1
	bagShrouded = 2
	bagCert     = 3
	bagNested   = 6
)

func (p *pfx) bag(b []byte, depth int) error {
	f := fields{b: b}
	kind, value := string(f.next(idOID)), f.next(idContext0)
	number, ok := strings.CutPrefix(kind, oidBags)
	if f.err != nil || !ok || len(number) != 1 {
		return errors.New("an entry is malformed or of an unknown kind")
	}
	a := attributes(f.b)
	switch number[0] {
	case bagKey, bagShrouded:
		p.keys++
		p.keyIDs[a.keyID] = true
	case bagCert:
		v := fields{b: value}
		c := fields{b: v.next(idSequence)}
		if string(c.next(idOID)) != oidX509 {
			p.note("a certificate of another type than X.509: left out")
			return nil
		}
		der, err := octets(c.next(idContext0))
		if err != nil || c.err != nil {
			return errors.New("an entry with a certificate is malformed")
		}
		a.der = bytes.Clone(der)
		p.bags = append(p.bags, a)
	case bagNested:
		if depth >= maxDepth {
			return errors.New("entries are nested too deep")
		}
		return p.safeContents(value, depth+1)
	default:
		p.note("an entry that is neither key nor certificate: left out")
	}
	return nil
}

// attributes reads the attributes of a bag. What is malformed is not there:
// nothing depends on them but names and the order.
func attributes(b []byte) (a certBag) {
	all, _, _ := cert.Next(b)
	for rest := all.Body; len(rest) > 0; {
		var one cert.Element
		var err error
		if one, rest, err = cert.Next(rest); err != nil {
			return a
		}
		f := fields{b: one.Body}
		kind, values := string(f.next(idOID)), f.next(idSet)
		value, _, _ := cert.Next(values)
		switch {
		case f.err != nil:
		case kind == oidFriendlyName && value.ID == idBMPString:
			a.alias = fromBMP(value.Body)
		case kind == oidLocalKeyID && value.ID == idOctets:
			a.keyID = string(value.Body)
		case kind == oidJavaTrusted:
			a.trusted = true
		}
	}
	return a
}

func fromBMP(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[0])<<8|uint16(b[1]))
	}
	return string(utf16.Decode(units))
}

// arrange makes entries: a chain for each certificate of a key, then what Java
// trusts, one by one, then the rest together.
func (p *pfx) arrange() {
	var plain Entry
	parsed := make([]*cert.Certificate, len(p.bags))
	for i := range p.bags {
		parsed[i] = cert.Parse(p.bags[i].der)
	}
	bySubject := map[string][]int{}
	for i, c := range parsed {
		bySubject[string(c.Subject.Raw)] = append(bySubject[string(c.Subject.Raw)], i)
	}
	for i := range p.bags {
		if bag := &p.bags[i]; bag.keyID != "" && p.keyIDs[bag.keyID] {
			p.keys--
			p.add(Entry{Alias: bag.alias, Kind: KeyChain, Certificates: p.chain(i, parsed, bySubject)})
		}
	}
	for i := range p.bags {
		switch bag := &p.bags[i]; {
		case bag.used:
		case bag.trusted:
			p.add(Entry{Alias: bag.alias, Kind: Trusted, Certificates: [][]byte{bag.der}})
		default:
			plain.Certificates = append(plain.Certificates, bag.der)
		}
	}
	p.keys = max(p.keys, 0)
	p.add(plain)
}

// maxPath bounds a chain that is put together by names: each step is a lookup,
// and the same certificates serve many keys.
const maxPath = 32

// chain is the certificate at i and its issuers as far as the store has them.
func (p *pfx) chain(i int, parsed []*cert.Certificate, bySubject map[string][]int) (out [][]byte) {
	var taken []int
	for i >= 0 && len(out) < maxPath {
		p.bags[i].used = true
		out, taken = append(out, p.bags[i].der), append(taken, i)
		c := parsed[i]
		i = -1
		if c.Issuer.Raw == nil || c.SelfIssued() {
			break
		}
		for _, candidate := range bySubject[string(c.Issuer.Raw)] {
			if !slices.Contains(taken, candidate) {
				i = candidate
				break
			}
		}
	}
	return out
}

// fields reads the members of a sequence one after the other. After an error it
// gives nothing more.
type fields struct {
	b   []byte
	err error
}

// next gives the contents of the next member, which has to be of a kind.
func (f *fields) next(id byte) []byte {
	if f.err != nil {
		return nil
	}
	e, rest, err := cert.Next(f.b)
	if err != nil || e.ID != id {
		f.err = errors.New("it is malformed")
		return nil
	}
	f.b = rest
	return e.Body
}

// octets gives the contents of an OCTET STRING, in one piece or, as BER allows
// and Windows and Firefox write it, in parts.
func octets(b []byte) ([]byte, error) {
	e, _, err := cert.Next(b)
	switch {
	case err != nil:
	case e.ID == idOctets:
		return e.Body, nil
	case e.ID == idOctetsParts:
		return joined(e.Body)
	}
	return nil, errors.New("it is malformed")
}

// joined puts the parts of a string together.
func joined(b []byte) ([]byte, error) {
	var out []byte
	for len(b) > 0 {
		e, rest, err := cert.Next(b)
		if err != nil || e.ID != idOctets {
			return nil, errors.New("it is malformed")
		}
		out, b = append(out, e.Body...), rest
	}
	return out, nil
}
