package dns

import (
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/evidence"
)

// Limits, with the attack that each one stops.
const (
	// maxRecords bounds the records of one answer: 64 KiB can hold thousands, and
	// each TLSA record is compared with each certificate.
	maxRecords = 256
	// maxAliases bounds a chain of CNAME records, which could be a ring.
	maxAliases = 16
)

// A response is an answer that holds, with its records in the section that they
// stood in.
type response struct {
	msg      *dns.Msg
	security string
	// owner is the name asked for, or what it is an alias of.
	owner string
}

var (
	errUnreadable = errors.New("the answer cannot be read")
	errOther      = errors.New("the answer is to another question")
	errRecords    = fmt.Errorf("the answer holds more than %d records", maxRecords)
	errAliases    = fmt.Errorf("the name is an alias of an alias more than %d times over", maxAliases)
)

// read gives an answer that says something: records, or that there are none.
func read(a *evidence.DNSAnswer) (*response, error) {
	if a.Failure != nil {
		return nil, errors.New(a.Failure.Error)
	}
	about := func(err error) error { return fmt.Errorf("%s of %s: %w", dns.TypeToString[a.Type], a.Name, err) }
	msg := new(dns.Msg)
	if err := msg.Unpack(a.Message); err != nil {
		return nil, about(errUnreadable)
	}
	switch {
	case !msg.Response || msg.Opcode != dns.OpcodeQuery || len(msg.Question) != 1 || msg.Question[0].Qtype != a.Type ||
		msg.Question[0].Qclass != dns.ClassINET || dns.CanonicalName(msg.Question[0].Name) != dns.CanonicalName(a.Name):
		return nil, about(errOther)
	case msg.Rcode != dns.RcodeSuccess && msg.Rcode != dns.RcodeNameError:
		return nil, about(fmt.Errorf("the resolver answered %s", dns.RcodeToString[msg.Rcode]))
	case msg.Truncated:
		return nil, about(errors.New("the answer is cut short"))
	case len(msg.Answer)+len(msg.Ns) > maxRecords:
		return nil, about(errRecords)
	}
	r := &response{msg: msg, security: unsigned, owner: dns.CanonicalName(a.Name)}
	if msg.AuthenticatedData && a.Local {
		r.security = validated
	} else if msg.AuthenticatedData {
		r.security = claimed
	}
	if !r.follow() {
		return nil, about(errAliases)
	}
	return r, nil
}

// follow goes along the CNAME records of the answer to the last name.
func (r *response) follow() bool {
	for range maxAliases {
		next := ""
		for _, rr := range r.msg.Answer {
			if c, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(c.Hdr.Name) == r.owner {
				next = dns.CanonicalName(c.Target)
			}
		}
		if next == "" {
			return true
		}
		r.owner = next
	}
	return false
}

// records are those of one type at the name that was asked for.
func records[T dns.RR](r *response) (out []T) {
	for _, rr := range r.msg.Answer {
		if t, ok := rr.(T); ok && dns.CanonicalName(rr.Header().Name) == r.owner && rr.Header().Class == dns.ClassINET {
			out = append(out, t)
		}
	}
	return out
}

// signedSince is the latest inception of the signatures over what the answer says
// of a type: the records themselves, the aliases that lead to them, or the proof
// that there are none. It is not zero only where there is one of them and the
// answer was validated. Signatures of the SOA record do not count: it changes with
// every other record of the zone.
func (r *response) signedSince(typ uint16) (latest time.Time) {
	if r.security != validated {
		return time.Time{}
	}
	for _, section := range [][]dns.RR{r.msg.Answer, r.msg.Ns} {
		for _, rr := range section {
			sig, ok := rr.(*dns.RRSIG)
			if !ok {
				continue
			}
			switch sig.TypeCovered {
			case typ, dns.TypeCNAME, dns.TypeDNAME, dns.TypeNSEC, dns.TypeNSEC3:
				if t := time.Unix(int64(sig.Inception), 0); t.After(latest) {
					latest = t
				}
			}
		}
	}
	return latest
}
