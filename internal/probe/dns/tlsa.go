package dns

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// Certificate usages of TLSA records (RFC 7218 section 2.1).
const (
	pkixTA = 0
	pkixEE = 1
	daneTA = 2
	daneEE = 3
)

// tlsa gives what the TLSA records say of the certificates; nil where they were
// not asked for or could not be had. Records of an alias go before those of the
// name itself (RFC 7671 section 7).
func tlsa(in *Input) *facts.TLSA {
	var f *facts.TLSA
	for _, l := range in.of(evidence.DNSForTLSA) {
		for i := range l.Answers {
			r, err := read(&l.Answers[i])
			if err != nil {
				in.unknown("dns.tlsa", err)
				return nil
			}
			f = &facts.TLSA{Name: l.Name, Security: r.security, Verdict: "none", Records: []facts.TLSARecord{}, Mail: in.Subject.Protocol == "smtp"}
			if set := records[*dns.TLSA](r); len(set) > 0 {
				in.match(set, f)
				return f
			}
		}
	}
	return f
}

// match judges every record of a set, and the set.
func (in *Input) match(set []*dns.TLSA, f *facts.TLSA) {
	pkix := in.Chain != nil && anchored(in.Chain)
	path := in.path()
	var satisfied, wanting bool
	for _, rr := range set {
		data, _ := hex.DecodeString(rr.Certificate)
		rec := facts.TLSARecord{
			Usage: int64(rr.Usage), Selector: int64(rr.Selector), Matching: int64(rr.MatchingType), Data: rr.Certificate, Matches: -1,
		}
		if rr.MatchingType == 0 {
			sum := sha256.Sum256(data)
			rec.Data = hex.EncodeToString(sum[:])
		}
		if rec.Unusable = in.unusable(rr, data, set, f.Mail); rec.Unusable == "" {
			inPlace := in.find(rr, data, path, &rec)
			needsPKIX := rr.Usage == pkixTA || rr.Usage == pkixEE
			rec.Satisfied = inPlace && (pkix || !needsPKIX)
			wanting = wanting || inPlace && !rec.Satisfied
			f.Usable++
		}
		satisfied = satisfied || rec.Satisfied
		f.Records = append(f.Records, rec)
	}
	switch {
	case len(in.Certificates) == 0:
		f.Verdict = "unseen"
	case f.Usable == 0:
		f.Verdict = "unusable"
	case satisfied:
		f.Verdict = "match"
	case wanting:
		f.Verdict = "pkix"
	default:
		f.Verdict = "mismatch"
	}
}

// unusable says why a record cannot be used, and is empty where it can.
func (in *Input) unusable(rr *dns.TLSA, data []byte, set []*dns.TLSA, mail bool) string {
	switch {
	case rr.Usage > daneEE || rr.Selector > 1 || rr.MatchingType > 2:
		return "usage, selector or matching type is not defined"
	case mail && rr.Usage < daneTA:
		return "mail servers do not use usages 0 and 1 (RFC 7672 section 3.1.3)"
	case rr.MatchingType == 1 && len(data) != sha256.Size, rr.MatchingType == 2 && len(data) != sha512.Size:
		return "the hash has the wrong length"
	case rr.MatchingType == 0 && !readable(rr, data):
		return "it holds no certificate or key"
	case rr.MatchingType == 1 && stronger(rr, set):
		return "a record with a stronger hash stands beside it (RFC 7671 section 9)"
	case rr.MatchingType == 0 && rr.Selector == 1 && rr.Usage == daneTA && in.holder(rr, data) < 0:
		return "it holds the bare key of a CA that is not in the chain, which this version does not follow"
	}
	return ""
}

// readable says whether the data of a record of matching type 0 are what its
// selector says.
func readable(rr *dns.TLSA, data []byte) bool {
	if rr.Selector == 0 {
		return cert.Parse(data).Readable()
	}
	e, rest, err := cert.Next(data)
	return err == nil && len(rest) == 0 && len(e.Body) > 0
}

// stronger says whether a SHA-512 of the same usage and selector is in the set:
// only the strongest hash of each counts, or one broken hash would break all.
func stronger(rr *dns.TLSA, set []*dns.TLSA) bool {
	for _, o := range set {
		data, _ := hex.DecodeString(o.Certificate)
		if o.Usage == rr.Usage && o.Selector == rr.Selector && o.MatchingType == 2 && len(data) == sha512.Size {
			return true
		}
	}
	return false
}

// find looks for the certificate that a record names. inPlace says that it stands
// where the usage wants it: the leaf for 1 and 3, on the way up from the leaf for
// 0 and 2, where the root that was not sent counts, and for 2 a certificate that
// the record itself holds.
func (in *Input) find(rr *dns.TLSA, data []byte, path map[int]bool, rec *facts.TLSARecord) (inPlace bool) {
	leafOnly := rr.Usage == pkixEE || rr.Usage == daneEE
	for i, c := range in.Certificates {
		if !matches(rr, data, c) {
			continue
		}
		if rec.Matches < 0 {
			rec.Matches = int64(i)
		}
		if leafOnly && i == 0 || !leafOnly && path[i] {
			rec.Matches = int64(i)
			return true
		}
	}
	if leafOnly {
		return false
	}
	// For usage 2 the server should have sent it (RFC 7671 section 5.2.2), but a
	// leaf that leads to the very root that is named is not somebody else's.
	for _, root := range in.roots() {
		if matches(rr, data, root) {
			return true
		}
	}
	if rr.Usage == daneTA && rr.Selector == 0 && rr.MatchingType == 0 {
		anchor := cert.Parse(data)
		for i := range path {
			if in.Signed(in.Certificates[i], anchor) == cert.Verified {
				return true
			}
		}
	}
	return false
}

// holder is the index of the certificate that a record matches, -1 where none.
func (in *Input) holder(rr *dns.TLSA, data []byte) int {
	for i, c := range in.Certificates {
		if matches(rr, data, c) {
			return i
		}
	}
	return -1
}

// matches compares a record with a certificate, wherever it stands (RFC 6698
// section 2.1).
func matches(rr *dns.TLSA, data []byte, c *cert.Certificate) bool {
	content := c.Raw
	if rr.Selector == 1 {
		content = c.SPKI
	}
	if len(content) == 0 {
		return false
	}
	switch rr.MatchingType {
	case 1:
		sum := sha256.Sum256(content)
		content = sum[:]
	case 2:
		sum := sha512.Sum512(content)
		content = sum[:]
	}
	return bytes.Equal(content, data)
}

// path holds the indices of the leaf and of the certificates above it, each of
// which verifies the one before.
func (in *Input) path() map[int]bool {
	on := map[int]bool{}
	if in.Chain == nil || len(in.Chain.Links) != len(in.Certificates) {
		return on
	}
	for i := 0; i >= 0 && i < len(in.Chain.Links) && !on[i]; i = int(in.Chain.Links[i].SignedBy) {
		on[i] = true
	}
	return on
}

// roots are the roots at the ends of the paths that were found, which servers need
// not send.
func (in *Input) roots() (out []*cert.Certificate) {
	if in.Chain == nil || in.Trust == nil {
		return nil
	}
	ends := map[string]bool{}
	for i := range in.Chain.Paths {
		if p := &in.Chain.Paths[i]; len(p.Certificates) > 0 && (p.Anchor == string(trust.Public) || p.Anchor == string(trust.Inventory)) {
			ends[strings.ToLower(p.Certificates[len(p.Certificates)-1])] = true
		}
	}
	for _, c := range in.Certificates {
		for _, ca := range in.Trust.ByName(&c.Issuer) {
			if hash := evidence.Hash(ca.Certificate.SHA256()); ends[hash] {
				out = append(out, ca.Certificate)
				delete(ends, hash)
			}
		}
	}
	return out
}
