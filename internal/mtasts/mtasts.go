// Package mtasts reads what a domain publishes about how mail has to reach it
// (MTA-STS, RFC 8461): the record in DNS that says that there is a policy, and the
// policy itself. It fetches nothing and believes nobody: a policy is worth what the
// TLS of its fetch was.
package mtasts

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxPolicy is the length of a policy that is read (RFC 8461 section 3.3 suggests
// 64 KiB): an endless one would fill memory.
const MaxPolicy = 64 << 10

// A Mode says what a sender does where the policy is not met (RFC 8461 section 5).
type Mode string

// The modes.
const (
	Enforce Mode = "enforce" // do not deliver
	Testing Mode = "testing" // deliver, and report
	None    Mode = "none"    // as without a policy
)

// A Policy is one that can be used. The zero value is none.
type Policy struct {
	Mode Mode
	// MX are host names in lower case, or such behind "*."; empty only in mode
	// [None].
	MX []string
	// MaxAge is how many seconds a sender may keep the policy.
	MaxAge int64
}

// RecordName is where the record of a domain lies.
func RecordName(domain string) string { return "_mta-sts." + domain }

// URL is where the policy of a domain lies (RFC 8461 section 3.3).
func URL(domain string) string { return "https://mta-sts." + domain + "/.well-known/mta-sts.txt" }

// Find gives the id of the record among the TXT records of a domain. ok is false
// where there is none, several, or one that is malformed: then the domain has no
// policy (RFC 8461 section 3.1).
func Find(texts []string) (id string, ok bool) {
	var fields []string
	for _, text := range texts {
		list := strings.Split(text, ";")
		if len(list) < 2 || strings.TrimRight(list[0], " \t") != "v=STSv1" {
			continue
		}
		if fields != nil {
			return "", false
		}
		fields = list[1:]
	}
	for i, field := range fields {
		field = strings.Trim(field, " \t")
		key, value, found := strings.Cut(field, "=")
		switch {
		case field == "" && i == len(fields)-1: // what stands behind a last semicolon
		case !found || key == "" || value == "":
			return "", false
		case key != "id":
		case id != "" || len(value) > 32 || strings.IndexFunc(value, notAlphanumeric) >= 0:
			return "", false
		default:
			id = value
		}
	}
	return id, id != ""
}

func notAlphanumeric(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
}

// ParsePolicy reads a policy (RFC 8461 section 3.2). Of a field that must stand
// once the first one counts, and unknown fields are passed over. One bad line makes
// it unusable: what it meant to allow cannot be known.
func ParsePolicy(text []byte) (*Policy, error) {
	if len(text) > MaxPolicy {
		return nil, fmt.Errorf("reading MTA-STS policy: longer than %d bytes", MaxPolicy)
	}
	p, first := &Policy{}, map[string]string{}
	number := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		number++
		line = strings.Trim(strings.TrimSuffix(line, "\r"), " \t")
		if line == "" {
			continue
		}
		key, value, found := strings.Cut(line, ":")
		value = strings.TrimLeft(value, " \t")
		switch _, again := first[key]; {
		case !found || key == "" || value == "":
			return nil, fmt.Errorf("reading MTA-STS policy: line %d is no field", number)
		case key == "mx":
			if !validPattern(value) {
				return nil, fmt.Errorf("reading MTA-STS policy: line %d: %.100q is no host name", number, value)
			}
			p.MX = append(p.MX, strings.ToLower(value))
		case !again:
			first[key] = value
		}
	}
	if err := p.conclude(first); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Policy) conclude(fields map[string]string) error {
	p.Mode = Mode(fields["mode"])
	age, err := strconv.ParseUint(fields["max_age"], 10, 63)
	switch {
	case fields["version"] != "STSv1":
		return errors.New("reading MTA-STS policy: it is not of version STSv1")
	case p.Mode != Enforce && p.Mode != Testing && p.Mode != None:
		return fmt.Errorf("reading MTA-STS policy: mode %.20q is not known", fields["mode"])
	case err != nil || len(fields["max_age"]) > 10:
		return fmt.Errorf("reading MTA-STS policy: max_age %.20q is no number of seconds", fields["max_age"])
	case len(p.MX) == 0 && p.Mode != None:
		return errors.New("reading MTA-STS policy: it names no mx")
	}
	p.MaxAge = int64(age)
	return nil
}

// validPattern says whether s is a host name, or one behind "*.".
func validPattern(s string) bool {
	s = strings.TrimPrefix(s, "*.")
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		other := func(c rune) bool { return notAlphanumeric(c) && c != '-' && c != '_' }
		if label == "" || len(label) > 63 || strings.IndexFunc(label, other) >= 0 {
			return false
		}
	}
	return true
}

// Allows says whether the policy names a host that takes mail. An asterisk stands
// for one label (RFC 8461 section 4.1).
func (p *Policy) Allows(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	label, parent, _ := strings.Cut(host, ".")
	for _, pattern := range p.MX {
		rest, wild := strings.CutPrefix(pattern, "*.")
		if pattern == host || wild && label != "" && rest == parent {
			return true
		}
	}
	return false
}
