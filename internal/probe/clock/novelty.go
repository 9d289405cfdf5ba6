package clock

import (
	"strings"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
)

// Object identifiers as content octets.
const (
	oidDelegated      = "\x2b\x06\x01\x04\x01\x82\xda\x4b\x2c" // RFC 9345 section 4.2
	oidOnion          = "\x67\x81\x0c\x01\x1f"                 // CA/B Forum ballot 144
	oidOrgID          = "\x67\x81\x0c\x03\x01"                 // EV Guidelines 9.8.2
	oidEV             = "\x67\x81\x0c\x01\x01"                 // Baseline Requirements 7.1.6.1, as the next ones
	oidDV             = "\x67\x81\x0c\x01\x02\x01"
	oidOV             = "\x67\x81\x0c\x01\x02\x02"
	oidIV             = "\x67\x81\x0c\x01\x02\x03"
	oidPSS            = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a" // RFC 4055 section 3.1
	oidEd25519        = "\x2b\x65\x70"                         // RFC 8410 section 3
	oidEd448          = "\x2b\x65\x71"
	nistSignatures    = "\x60\x86\x48\x01\x65\x03\x04\x03" // NIST CSOR, sigAlgs
	firstSHA3         = 9                                  // id-ecdsa-with-sha3-224
	lastSHA3          = 16                                 // id-rsassa-pkcs1-v1-5-with-sha3-512
	firstMLDSA        = 17
	lastMLDSA         = 19
	firstSLHDSA       = 20
	lastSLHDSA        = 31
	oidPrecertSigning = "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x04" // RFC 6962 section 3.1
)

// shardSlack is how long before the first state that lists have of it a log may
// have been running: the longest that was met is seven months.
const shardSlack = 365 * day

// novelties are what a certificate cannot have whose notBefore is before the day.
// Where the day is not sharp it is the earliest that can be defended: that of the
// first draft, not of the standard. The leaf of a private CA may claim any date.
var novelties = []trait{
	// RFC 6962, June 2013; Google's first log, Pilot, has run since March 2013.
	{name: "sct-list", from: date(2013, 3, 1), has: func(p *profile) bool { return p.extension(cert.OIDSCTList) || p.extension(cert.OIDPoison) }},
	// static-ct-api, first published with Sunlight on 14 March 2024.
	{name: "leaf-index", from: date(2024, 1, 1), has: func(p *profile) bool { return p.anySCT(leafIndexed) }},
	// Any time: the shard decides.
	{name: "log-shard", from: date(9999, 1, 1), has: (*profile).shardUnborn},
	// RFC 7633, October 2015; the identifier is in drafts since 2013.
	{name: "must-staple", from: date(2013, 1, 1), has: func(p *profile) bool { return p.extension(cert.OIDMustStaple) }},
	// RFC 9345; draft-rescorla-tls-subcerts-00 is of July 2016.
	{name: "delegated-credential", from: date(2016, 1, 1), has: func(p *profile) bool { return p.extension(oidDelegated) }},
	// Baseline Requirements 1.0, adopted 22 November 2011; public draft of 11 April.
	{name: "cabf-policy", from: date(2011, 4, 11), has: func(p *profile) bool { return p.policy(oidDV) || p.policy(oidOV) }},
	// Ballot 151, 28 September 2015.
	{name: "cabf-policy-iv", from: date(2015, 1, 1), has: func(p *profile) bool { return p.policy(oidIV) }},
	// Ballot SC17, in force 21 May 2019.
	{name: "organization-id", from: date(2019, 1, 1), has: func(p *profile) bool { return p.extension(oidOrgID) }},
	// Ballot 144, 18 February 2015.
	{name: "onion-descriptor", from: date(2015, 1, 1), has: func(p *profile) bool { return p.extension(oidOnion) }},
	// RFC 8410, August 2018; the identifiers are in draft-ietf-curdle-pkix-00 of 2016.
	{name: "ed25519", from: date(2016, 1, 1), has: func(p *profile) bool { return p.algorithm(oidEd25519) || p.algorithm(oidEd448) }},
	// FIPS 204 and 205, 13 August 2024.
	{name: "ml-dsa", from: date(2024, 1, 1), has: func(p *profile) bool { return p.nist(firstMLDSA, lastMLDSA) }},
	{name: "slh-dsa", from: date(2024, 1, 1), has: func(p *profile) bool { return p.nist(firstSLHDSA, lastSLHDSA) }},
	// PKCS #1 v2.1, 14 June 2002.
	{name: "rsa-pss", from: date(2002, 6, 14), has: func(p *profile) bool { return p.algorithm(oidPSS) }},
	{name: "sha2", from: date(2002, 6, 14), has: func(p *profile) bool {
		return p.sig.Key == cert.RSA && strings.HasPrefix(p.sig.Hash, "sha") && p.sig.Hash != "sha1"
	}},
	// ANSI X9.62-2005.
	{name: "ecdsa-sha2", from: date(2005, 1, 1), has: func(p *profile) bool { return p.sig.Key == cert.ECDSA && p.sig.Hash != "sha1" }},
	// FIPS 202, August 2015.
	{name: "sha3", from: date(2015, 1, 1), has: func(p *profile) bool { return p.nist(firstSHA3, lastSHA3) }},
}

func (p *profile) anySCT(is func(*ct.SCT) bool) bool {
	for i := range p.scts {
		if is(&p.scts[i]) {
			return true
		}
	}
	return false
}

func leafIndexed(s *ct.SCT) bool {
	_, present, valid := s.LeafIndex()
	return present && valid
}

// shardUnborn says whether an embedded SCT names a log for certificates of one
// period that was not set up until long after notBefore. It holds whether the SCT
// verifies or not. Of a log that lists only know by its end nothing is said.
func (p *profile) shardUnborn() bool {
	if p.logs == nil {
		return false
	}
	return p.anySCT(func(s *ct.SCT) bool {
		log := p.logs.Log(s.LogID)
		if log == nil || log.From.IsZero() || len(log.States) == 0 {
			return false
		}
		switch first := log.States[0]; first.State {
		case ct.Pending, ct.Qualified, ct.Usable:
			return p.c.NotBefore.Before(first.Since.Add(-shardSlack))
		}
		return false
	})
}

// algorithm says whether the key or the signature is of this algorithm.
func (p *profile) algorithm(oid string) bool {
	return string(p.sig.OID) == oid || string(p.c.Key.OID) == oid
}

// nist says whether the key or the signature has one of NIST's identifiers of
// signature algorithms.
func (p *profile) nist(first, last byte) bool {
	for _, oid := range []string{string(p.sig.OID), string(p.c.Key.OID)} {
		if arc, ok := strings.CutPrefix(oid, nistSignatures); ok && len(arc) == 1 && arc[0] >= first && arc[0] <= last {
			return true
		}
	}
	return false
}
