package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Online is the set of third parties that may be contacted besides the targets.
// The zero value is nobody.
type Online uint8

// What can be asked of third parties.
const (
	OnlineCT   Online = 1 << iota // CT logs: is it logged, and what else is
	OnlineOCSP                    // the responder that the certificate names: is it revoked
	OnlineCRL                     // the revocation lists that the certificate names
	OnlineDNS                     // name servers: CAA, TLSA
	OnlineAIA                     // the issuer's certificate, where the certificate says it lies
)

// onlineNames are the members of the set as the flag names them, in bit order.
var onlineNames = []string{"ct", "ocsp", "crl", "dns", "aia"}

// Has says that every member of what is in the set.
func (o Online) Has(what Online) bool { return o&what == what }

// String writes the set as the flag takes it: "ocsp,crl". It is empty for nobody.
func (o Online) String() string {
	var out []string
	for i, name := range onlineNames {
		if o.Has(1 << i) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ",")
}

// ParseOnline reads lists of members, each separated by commas. All that is
// unknown is reported together.
func ParseOnline(lists []string) (o Online, err error) {
	var errs []error
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			name = strings.TrimSpace(name)
			i := slices.Index(onlineNames, name)
			if i < 0 {
				errs = append(errs, Meant(fmt.Errorf("unknown --online %q (want %s)", name, strings.Join(onlineNames, ", ")), name, onlineNames))
				continue
			}
			o |= 1 << i
		}
	}
	return o, errors.Join(errs...)
}

// switches are the two options about third parties, and whether they were given.
type switches struct{ online, offline bool }

// given says which of the two switches stand on the command line. It has to be
// asked before environment and file are merged, which set flags, too.
func (f *Flags) given() switches {
	return switches{online: f.fs.Changed("online"), offline: f.fs.Changed("offline") && f.offline}
}

// resolveOnline brings --online and --offline together. Either on the command
// line wins over the other in environment or file; both at one place are a
// contradiction.
func (f *Flags) resolveOnline(given switches) (Online, error) {
	o, err := ParseOnline(f.online)
	switch {
	case err != nil || !f.offline || o == 0:
		return o, err
	case given.offline && !given.online:
		return 0, nil
	case given.online && !given.offline:
		return o, nil
	}
	return 0, fmt.Errorf("--offline and --online %s exclude each other", o)
}
