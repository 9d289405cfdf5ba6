package pinform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/expect"
)

var (
	tlsaForm = regexp.MustCompile(`(?i)\s(TLSA|TYPE52)\s`)
	// tlsaOwner is the name of a record: port, protocol, host (RFC 6698 section
	// 3). Every port may be meant.
	tlsaOwner = regexp.MustCompile(`^(\*|_[0-9]{1,5})\._(tcp|udp|sctp)\.(.+)$`)
	zonePlace = regexp.MustCompile(` at line: (\d+):(\d+)$`)
	generate  = regexp.MustCompile(`(?im)^\s*\$(GENERATE|INCLUDE)\b`)
)

// Fields of a TLSA record (RFC 6698 section 2.1 as named by RFC 7218).
const (
	usagePKIXTA  = 0
	usagePKIXEE  = 1
	usageDANETA  = 2
	usageDANEEE  = 3
	selectorCert = 0
	selectorSPKI = 1
	matchFull    = 0
	matchSHA256  = 1
	matchSHA512  = 2
)

// maxRecords bounds the records of any type that are read on the way to TLSA.
const maxRecords = 100_000

// parseTLSA reads the TLSA records of a zone file; other records are passed over.
// Names that are not absolute are taken to be below the root, unless $ORIGIN says
// otherwise. $GENERATE and $INCLUDE are refused: the first makes thousands of
// records from one line, the second reads other files.
func parseTLSA(f *File, data []byte) error {
	if m := generate.FindIndex(data); m != nil {
		return errorf(bytes.Count(data[:m[0]], []byte("\n"))+1, 0, "write the records out, such as named-compilezone does", "$GENERATE and $INCLUDE are not followed")
	}
	z := dns.NewZoneParser(bytes.NewReader(data), ".", "")
	z.SetDefaultTTL(3600)
	at := map[string]int{}
	for n := 0; ; n++ {
		rr, ok := z.Next()
		if !ok {
			break
		}
		if n > maxRecords {
			return fmt.Errorf("the zone file has more than %d records", maxRecords)
		}
		record, ok := rr.(*dns.TLSA)
		if !ok {
			continue
		}
		if err := f.addTLSA(at, record); err != nil {
			return errorf(0, 0, tlsaHint, "TLSA record of %.100q: %w", record.Hdr.Name, err)
		}
	}
	if err := z.Err(); err != nil {
		return zoneError(err)
	}
	for i := range f.Sets {
		f.Sets[i].Pins = anyRole(f.Sets[i].Pins)
	}
	return nil
}

const tlsaHint = "a record is written: _443._tcp.www.example.org. IN TLSA 3 1 1 HEX"

// zoneError takes the place out of a parser's error.
func zoneError(err error) error {
	text := strings.TrimPrefix(err.Error(), "dns: ")
	m := zonePlace.FindStringSubmatch(text)
	if m == nil {
		return errorf(0, 0, tlsaHint, "reading zone file: %s", text)
	}
	line, _ := strconv.Atoi(m[1])
	col, _ := strconv.Atoi(m[2])
	return errorf(line, max(col, 1), tlsaHint, "reading zone file: %s", strings.TrimSuffix(text, m[0]))
}

func (f *File) addTLSA(at map[string]int, record *dns.TLSA) error {
	owner := strings.ToLower(record.Hdr.Name)
	m := tlsaOwner.FindStringSubmatch(owner)
	if m == nil {
		return errors.New("the name does not begin with a port and a protocol")
	}
	h, err := host(m[3])
	if err != nil {
		return err
	}
	s := Set{Host: h, Transport: m[2]}
	if m[1] != "*" {
		port, err := strconv.ParseUint(m[1][1:], 10, 16)
		if err != nil || port == 0 {
			return fmt.Errorf("%s is no port", m[1])
		}
		s.Port = uint16(port)
	}
	p, err := tlsaPin(record)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%d %s %s", s.Port, s.Transport, s.Host)
	i, ok := at[key]
	if !ok {
		if len(f.Sets) > maxSets {
			return errors.New("there are too many names")
		}
		i = len(f.Sets)
		at[key] = i
		f.Sets = append(f.Sets, s)
	}
	f.Sets[i].Pins = append(f.Sets[i].Pins, p)
	return nil
}

// tlsaPin reads the data of a record. One that holds a key or certificate itself
// becomes its SHA-256.
func tlsaPin(record *dns.TLSA) (p Pin, err error) {
	switch record.Usage {
	case usagePKIXTA, usageDANETA:
		p.Role = Issuer
	case usagePKIXEE, usageDANEEE:
		p.Role = Leaf
	default:
		return p, fmt.Errorf("unknown usage %d", record.Usage)
	}
	switch record.Selector {
	case selectorCert:
		p.Of = expect.Certificate
	case selectorSPKI:
	default:
		return p, fmt.Errorf("unknown selector %d", record.Selector)
	}
	data, err := hex.DecodeString(record.Certificate)
	if err != nil {
		return p, fmt.Errorf("its data is not hexadecimal: %w", err)
	}
	switch record.MatchingType {
	case matchFull:
		readable := cert.ParseKey(data).Err == nil
		if p.Of == expect.Certificate {
			readable = cert.Parse(data).Readable()
		}
		if !readable {
			return p, errors.New("its data is no key or certificate")
		}
		sum := sha256.Sum256(data)
		p.DER, data = string(data), sum[:]
	case matchSHA256:
	case matchSHA512:
		p.Hash = expect.SHA512
	default:
		return p, fmt.Errorf("unknown matching type %d", record.MatchingType)
	}
	if len(data) != p.Hash.Size() {
		return p, fmt.Errorf("%d bytes of data where %s has %d", len(data), p.Hash, p.Hash.Size())
	}
	p.Sum = string(data)
	return p, nil
}

// anyRole joins pins of a leaf and of an issuer that are of the same thing: of
// records one match is enough.
func anyRole(pins []Pin) []Pin {
	roles := map[Pin]map[Role]bool{}
	id := func(p Pin) Pin {
		p.Role = Any
		return p.identity()
	}
	for _, p := range pins {
		if roles[id(p)] == nil {
			roles[id(p)] = map[Role]bool{}
		}
		roles[id(p)][p.Role] = true
	}
	for i := range pins {
		if len(roles[id(pins[i])]) > 1 {
			pins[i].Role = Any
		}
	}
	return pins
}

// printTLSA writes records of usages 2 and 3, which need no public root and which
// mail servers understand (RFC 7672 section 3.1). The owner's expectation of a
// public root is not lost: an audit keeps it.
func printTLSA(b *bytes.Buffer, sets []Set) {
	for _, s := range sets {
		owner := "*"
		if s.Port > 0 {
			owner = "_" + strconv.Itoa(int(s.Port))
		}
		transport := s.Transport
		if transport == "" {
			transport = "tcp"
		}
		for _, p := range s.Pins {
			selector, match := selectorSPKI, matchSHA256
			if p.Of == expect.Certificate {
				selector = selectorCert
			}
			if p.Hash == expect.SHA512 {
				match = matchSHA512
			}
			for _, usage := range usages(p.Role) {
				fmt.Fprintf(b, "%s._%s.%s. IN TLSA %d %d %d %x\n", owner, transport, s.Host, usage, selector, match, p.Sum)
			}
		}
	}
}

func usages(r Role) []int {
	switch r {
	case Leaf:
		return []int{usageDANEEE}
	case Issuer:
		return []int{usageDANETA}
	}
	return []int{usageDANEEE, usageDANETA}
}
