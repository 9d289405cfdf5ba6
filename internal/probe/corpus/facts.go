package corpus

import (
	"encoding/hex"
	"math/big"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/key/batch"
	"github.com/certassay/certassay/internal/probe/name"
)

// maxClashes bounds the clashes of one kind that are told apart, and
// maxCertificates those that each one names: a scan of one hosting company can
// have thousands.
const (
	maxClashes      = 256
	maxCertificates = 8
)

// Facts compares all that was added. progress is told how far the search for
// shared primes is, which takes a minute for 100 000 keys; it may be nil.
func (s *Set) Facts(progress func(done, total int)) *facts.Corpus {
	f := &facts.Corpus{Truncated: s.truncated}
	for i := range s.records {
		if !s.records[i].reference {
			f.Certificates++
		}
	}
	f.SameSerial = s.groups("serial number ", func(r *record) (id, string, bool) {
		return idOf(r.issuer[:], []byte(r.serialText)), r.serialText, r.serial.Sign() != 0
	}, func(a, b *record) bool { return a.content != b.content && !a.selfMade(b) })
	f.SharedKeyID = s.groups("subject key identifier ", func(r *record) (id, string, bool) {
		return idOf([]byte(r.keyID)), hex.EncodeToString([]byte(r.keyID)), r.keyID != ""
	}, func(a, b *record) bool { return a.key != b.key })
	f.SharedKey = s.groups("key ", func(r *record) (id, string, bool) {
		return r.key, hex.EncodeToString(r.key[:]), r.leaf && !r.anchored && len(r.claimed()) > 0
	}, strangers)
	f.SharedIssuer = s.groups("issuer key ", func(r *record) (id, string, bool) {
		return r.signer, hex.EncodeToString(r.signer[:]), r.signer != id{} && r.leaf && !r.anchored && !r.publicCA && !r.reference && public(r.served())
	}, func(a, b *record) bool { return apart(a.served(), b.served()) })
	f.CopiedSignature = s.groups("signature ", func(r *record) (id, string, bool) {
		return r.signature, hex.EncodeToString(r.signature[:]), r.hasSignature
	}, func(a, b *record) bool { return a.tbs != b.tbs })
	f.SameContent = s.groups("signed part ", func(r *record) (id, string, bool) {
		return r.tbs, hex.EncodeToString(r.tbs[:]), true
	}, func(a, b *record) bool { return a.sha256 != b.sha256 })
	f.CopiedSCT = s.copiedSCTs()
	f.CopiedValidity = s.copiedValidity()
	f.NearSerial = s.nearSerial()
	f.SharedPrime = s.sharedPrimes(progress)
	f.NonceReuse = s.nonceReuse()
	return f
}

// maxFirstSerial bounds the numbers that software gives to the first certificates
// it makes.
const maxFirstSerial = 16

// selfMade says that two certificates were each signed with their own key, and
// numbered as software numbers its first ones. Every device of one make says the
// same of itself then; only a serial number of some length would have to be copied.
func (r *record) selfMade(other *record) bool {
	return r.selfIssued && other.selfIssued && r.key != other.key && r.serial.BitLen() <= maxFirstSerial
}

// served are the names that a leaf stands for: those that servers were asked for
// when they showed it, or, from a file, its own. Some interceptors write the names
// of one server into the certificates of all.
func (r *record) served() []string {
	if len(r.asked) > 0 {
		return r.asked
	}
	return r.names
}

// claimed are the names that a leaf says it is for; of one without any, the public
// ones that servers were asked for when they showed it. Certificates that were made
// for a name can be without it, beside those that come with an appliance.
func (r *record) claimed() []string {
	if len(r.names) == 0 && public(r.asked) {
		return r.asked
	}
	return r.names
}

// public says that there are names, and all are of the public Internet.
func public(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !name.Public(strings.TrimPrefix(n, "*.")) })
}

// strangers says that two leaves are for different registrable domains.
func strangers(a, b *record) bool { return apart(a.claimed(), b.claimed()) }

// apart says that no registrable domain is common to two lists of names.
func apart(a, b []string) bool {
	of := domains(b)
	return !slices.ContainsFunc(domains(a), func(d string) bool { return slices.Contains(of, d) })
}

// groups finds records that agree in key and of which two differ. A group of
// reference certificates alone is no finding.
func (s *Set) groups(what string, key func(*record) (id, string, bool), differ func(a, b *record) bool) []facts.Clash {
	first := map[id]*record{}
	members := map[id][]*record{}
	for i := range s.records {
		r := &s.records[i]
		k, _, ok := key(r)
		if !ok {
			continue
		}
		if first[k] == nil {
			first[k] = r
			continue
		}
		if members[k] == nil {
			members[k] = []*record{first[k]}
		}
		members[k] = append(members[k], r)
	}
	out := []facts.Clash{}
	for _, group := range members {
		if clash, ok := clashOf(group, differ); ok {
			_, text, _ := key(group[0])
			clash.What = what + text
			out = append(out, clash)
		}
	}
	return sorted(out)
}

// clashOf names the members of a group that differ from its first one, and that
// one. That is linear: what differs from none but others is found through them.
func clashOf(group []*record, differ func(a, b *record) bool) (facts.Clash, bool) {
	head := group[0]
	odd := []*record{head}
	judged := !head.reference
	for _, r := range group[1:] {
		if differ(head, r) {
			odd = append(odd, r)
			judged = judged || !r.reference
		}
	}
	if len(odd) == 1 || !judged {
		return facts.Clash{}, false
	}
	return clash("", odd), true
}

func clash(what string, records []*record) facts.Clash {
	slices.SortFunc(records, less)
	c := facts.Clash{What: what, Count: int64(len(records)), Certificates: []string{}}
	for _, r := range records[:min(len(records), maxCertificates)] {
		c.Certificates = append(c.Certificates, "sha256:"+hex.EncodeToString(r.sha256[:]))
	}
	return c
}

// sorted puts clashes into an order that does not depend on maps.
func sorted(list []facts.Clash) []facts.Clash {
	slices.SortFunc(list, func(a, b facts.Clash) int {
		if n := strings.Compare(a.What, b.What); n != 0 {
			return n
		}
		return slices.Compare(a.Certificates, b.Certificates)
	})
	return list[:min(len(list), maxClashes)]
}

// copiedSCTs groups certificates that hold one SCT and are not of one content. A
// log signs one: whoever has the others took it from there. A group is told once,
// however many SCTs it shares.
func (s *Set) copiedSCTs() []facts.Clash {
	members := map[id][]*record{}
	for i := range s.records {
		r := &s.records[i]
		for k, sct := range r.scts {
			if !slices.Contains(r.scts[:k], sct) {
				members[sct] = append(members[sct], r)
			}
		}
	}
	out := []facts.Clash{}
	told := map[string]bool{}
	for sct, group := range members {
		if len(group) < 2 {
			continue
		}
		clash, ok := clashOf(group, func(a, b *record) bool { return a.content != b.content })
		if !ok {
			continue
		}
		clash.What = "SCT " + hex.EncodeToString(sct[:])
		out = append(out, clash)
	}
	return slices.DeleteFunc(sorted(out), func(c facts.Clash) bool {
		who := strings.Join(c.Certificates, " ")
		again := told[who]
		told[who] = true
		return again
	})
}

// copiedValidity pairs leaves without anchor with anchored ones of the same name
// and dates under another key.
func (s *Set) copiedValidity() []facts.Clash {
	type period struct {
		name                string
		notBefore, notAfter int64
	}
	genuine := map[period][]*record{}
	each := func(r *record, do func(period)) {
		for _, n := range r.names {
			if (r.leaf || r.reference) && r.notAfter != 0 {
				do(period{n, r.notBefore, r.notAfter})
			}
		}
	}
	for i := range s.records {
		if r := &s.records[i]; r.anchored || r.reference {
			each(r, func(p period) { genuine[p] = append(genuine[p], r) })
		}
	}
	out := []facts.Clash{}
	for i := range s.records {
		r := &s.records[i]
		if r.anchored || r.reference {
			continue
		}
		found := false
		each(r, func(p period) {
			for _, g := range genuine[p] {
				if !found && g.key != r.key {
					found = true
					out = append(out, clash("name "+p.name+" and both dates", []*record{g, r}))
				}
			}
		})
	}
	return sorted(out)
}

// near is the distance of serial numbers that a program leaves which adds a
// random 32-bit number to the genuine one.
var near = new(big.Int).Lsh(big.NewInt(1), 33)

// minSerialBits keeps counters apart from random numbers: two of these do not
// come near each other by chance.
const minSerialBits = 96

// nearSerial compares neighbours in the order of serial numbers, each with the
// next few: a forgery stands right beside its model.
func (s *Set) nearSerial() []facts.Clash {
	var list []*record
	for i := range s.records {
		if r := &s.records[i]; r.serial.BitLen() >= minSerialBits {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *record) int {
		if n := a.serial.Cmp(b.serial); n != 0 {
			return n
		}
		return less(a, b)
	})
	out := []facts.Clash{}
	gap := new(big.Int)
	for i, a := range list {
		for _, b := range list[i+1 : min(len(list), i+4)] {
			if gap.Sub(b.serial, a.serial).Cmp(near) > 0 {
				break
			}
			copied := a.leaf && !a.anchored && !a.reference || b.leaf && !b.anchored && !b.reference
			if copied && a.issuer != b.issuer && a.key != b.key && shareName(a, b) {
				out = append(out, clash("serial numbers "+a.serialText+" and "+b.serialText, []*record{a, b}))
			}
		}
	}
	return sorted(out)
}

// sharedPrimes runs over the different RSA keys.
func (s *Set) sharedPrimes(progress func(done, total int)) []facts.Clash {
	var moduli []*big.Int
	var owner []*record
	seen := map[id]bool{}
	for i := range s.records {
		if r := &s.records[i]; r.modulus != nil && !seen[r.key] {
			seen[r.key] = true
			moduli, owner = append(moduli, r.modulus), append(owner, r)
		}
	}
	out := []facts.Clash{}
	if len(moduli) < 2 {
		return out
	}
	for _, hit := range batch.Shared(moduli, progress) {
		group := []*record{owner[hit.Index]}
		judged := !owner[hit.Index].reference
		first := true
		for _, with := range hit.With {
			group = append(group, owner[with])
			judged = judged || !owner[with].reference
			first = first && with > hit.Index
		}
		// Each pair is found from both sides: the earlier one speaks.
		if judged && first {
			out = append(out, clash("a prime factor", group))
		}
	}
	return sorted(out)
}

func (s *Set) nonceReuse() []facts.Clash {
	out := []facts.Clash{}
	for _, r := range s.reuses {
		if r.Recovered {
			a, b := &s.records[s.byHash[r.First]], &s.records[s.byHash[r.Second]]
			out = append(out, clash(r.issuer, []*record{a, b}))
		}
	}
	return sorted(out)
}
