package audit

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"strings"
	"sync"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/probe/log"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
)

// # Design
//
// Judging an entry of a log costs a millisecond, nearly all of it signatures: the
// entry's own, those above it, those of its SCTs. A log with a billion entries is
// then two weeks of a core. But most entries share some hundred chains. Screening
// therefore looks at all that the entry's own bytes say, verifies its signature
// where that is [cheap], and judges in full whatever it cannot pass over. What it
// passes over is screened and not ok: there is no verdict, because paths, SCTs,
// dear signatures and second opinions of other parsers were not asked for.
//
// Rejected: taking "the log verified it" as the fact that it verifies, which would
// let a log that lies make our answer.

// sampled is how many of the entries that screening passes over are judged in full
// all the same, one in so many, chosen by their hash: enough to notice a log that
// takes what it should not, as no rule of thumb about entries does.
const sampled = 512

// notAsked is the reason of facts that screening leaves unknown.
const notAsked = "not asked for when entries are screened"

// Screen judges the entry of a log in full unless screening passes over it; then
// screened is true, and there is no verdict.
//
// An entry is passed over when all of this holds:
//
//   - an owner says nothing of it, and nothing is reconciled;
//   - its leaf is readable, what the log submitted with it belongs to it, and it
//     names the issuer that comes with it;
//   - the certificate is DER without a quirk, crypto/x509 reads it too, it is not
//     self-issued, and it is signed with an algorithm of its issuer's kind of key,
//     which verifies where the key is RSA of at most 3072 bits or P-256;
//   - another entry under the very same chain was judged in full and neither
//     accused nor under a distrusted or revoked CA, and nothing in that chain constrains names;
//   - all its SCTs name known logs whose keys nobody has leaked;
//   - no rule about one certificate or a log entry finds anything that matters, and
//     none that the verdict rests on is undecided for another reason than that
//     screening does not ask;
//   - no list of revoked certificates holds it;
//   - it is not the one in 512 that is judged all the same.
//
// What is passed over was not asked, besides paths: whether its SCTs verify, whether
// a signature under a key that is not [cheap] does (one by P-384 is verified for what
// is judged in full, of the rest for one in 512), what zcrypto and
// certificate-transparency-go make of it, whether it is signed by its own key under
// another name, and how it compares with the profile of its time unless a rule that
// matters reads that.
//
// matters says which findings do, besides those that accuse; it may be nil.
func (a *Auditor) Screen(s *evidence.Subject, matters func(*rule.Rule) bool) (judged Judged, screened bool) {
	if a.passesOver(s, matters) {
		return Judged{}, true
	}
	j := a.judge(s)
	out := a.conclude(s, j)
	a.screened.note(s, j, out.Subject.Verdict)
	return out, false
}

func (a *Auditor) passesOver(s *evidence.Subject, matters func(*rule.Rule) bool) bool {
	if s.Kind != evidence.LogEntry || s.Log == nil || s.Log.Entry == nil || len(s.Certificates) < 2 || a.expect(s) != nil || a.ledger != nil {
		return false
	}
	above := a.sums.of(s.Certificates[1:])
	if !a.screened.has(chainKey(s.Log.Key, above)) {
		return false
	}
	c := &certificate{role: roleLogged, parsed: cert.Parse(s.Certificates[0]), reasons: map[string]string{}}
	c.sha256 = c.parsed.SHA256()
	if (uint(c.sha256[30])<<8|uint(c.sha256[31]))%sampled == 0 {
		return false
	}
	certs := []*cert.Certificate{c.parsed}
	for i, der := range s.Certificates[1:] {
		up := a.hashed(der, above[i], roleIssuer, a.trust)
		if i == 0 {
			c.above = up
		}
		certs = append(certs, up.parsed)
	}
	c.parsed.ShareIssuer(c.above.parsed)
	if !a.plain(c.parsed, c.above.parsed) || a.trust.Revoked(c.parsed) != nil {
		return false
	}
	record := log.Facts(&log.Input{Subject: s, Certificates: certs, Logs: a.logs, Heads: &a.heads, At: a.at})
	if log.Belongs(record, len(certs)) != len(certs) {
		return false
	}
	heeds := func(r *rule.Rule) bool {
		return r.Class.Accuses() || r.Class == finding.CompromisedKey || matters != nil && matters(r)
	}
	c.plain = !slices.ContainsFunc(a.profiling, heeds)
	c.facts = a.certificateFacts(c, roleLogged, a.trust)
	f := &facts.Facts{At: &a.at, Cert: c.facts, Log: record, Reasons: c.reasons}
	f.Ledger = a.ledger.Facts(s, f.Reasons)
	c.reasons["cert.parsers"], c.reasons["cert.signed_by_own_key"], c.reasons["scts"] = notAsked, notAsked, notAsked
	if c.parsed.Extension(cert.OIDSCTList) == nil {
		f.SCTs = []facts.SCT{}
	}
	return a.rules.Silent(f, heeds, notAsked, rule.ScopeCertificate, rule.ScopeLogEntry)
}

// plain says that there is nothing about a certificate that parsers could read in
// two ways, that its issuer could have signed it, and that its SCTs are of known
// logs.
func (a *Auditor) plain(c, issuer *cert.Certificate) bool {
	if !c.Readable() || len(c.Quirks.Strings()) > 0 || c.SelfIssued() || c.Issuer.Normal() == "" || c.Issuer.Normal() != issuer.Subject.Normal() {
		return false
	}
	if _, err := x509.ParseCertificate(c.Raw); err != nil {
		return false
	}
	if by := c.SignatureAlgorithm(); by.Err != nil || by.Key == "" || by.Key != issuer.Key.Algorithm {
		return false
	}
	if cheap(&issuer.Key) {
		if ok, _ := c.CheckSignature(&issuer.Key); ok != cert.Verified {
			return false
		}
	}
	if issuer.NotBeforeErr != nil || issuer.NotAfterErr != nil || c.NotBefore.Before(issuer.NotBefore) || c.NotAfter.After(issuer.NotAfter) {
		return false
	}
	list := c.SCTList()
	if !list.Present {
		return true
	}
	parts, err := ct.SplitList(list.Value)
	if list.Err != nil || err != nil {
		return false
	}
	for _, part := range parts {
		t, err := ct.ParseSCT(part)
		if err != nil || ct.Mimic(t.LogID) || a.logs.Log(t.LogID) == nil {
			return false
		}
	}
	return true
}

// profiling lists the rules asked while screening that hold a certificate against
// what certificates of its time were like: the dearest question after those about
// keys and signatures, and one that hardly any rule but those about chains asks.
func profiling(set *rule.Set) (out []*rule.Rule) {
	for _, r := range set.Active() {
		asked := r.Scope() == rule.ScopeCertificate || r.Scope() == rule.ScopeLogEntry
		if asked && slices.ContainsFunc(r.Reads(), func(path string) bool { return strings.HasPrefix(path, "cert.profile") }) {
			out = append(out, r)
		}
	}
	return out
}

// cheap says that a signature by the key is verified when entries are screened: it
// costs 12 to 30 microseconds once the key is known. One by P-384 costs 640, and would
// be nine tenths of everything.
func cheap(k *cert.Key) bool {
	return k.Algorithm == cert.RSA && k.Bits <= 3072 || k.Algorithm == cert.ECDSA && k.Curve == "P-256"
}

// maxChains is how many chains are remembered: of all logs they are some thousand.
const maxChains = 1 << 14

// screenedChains remembers the chains under which an entry was judged. The zero
// value is ready; it is safe for concurrent use.
type screenedChains struct {
	mu    sync.Mutex
	known map[[32]byte]bool
}

// chainKey is the hash of the key of a log and of the certificates above an entry,
// which are given by theirs.
func chainKey(log []byte, above [][32]byte) [32]byte {
	h := sha256.New()
	h.Write(log)
	for i := range above {
		h.Write(above[i][:])
	}
	return [32]byte(h.Sum(nil))
}

func (n *screenedChains) has(chain [32]byte) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[chain]
}

// note remembers a chain under which an entry was judged, where all that is above
// the entry speaks for no entry in particular.
func (n *screenedChains) note(s *evidence.Subject, j *judgement, verdict finding.Verdict) {
	if s.Log == nil || len(s.Certificates) < 2 || len(j.certs) != len(s.Certificates) ||
		verdict == finding.Forged || verdict == finding.Suspicious || len(j.facts.Distrust) > 0 || j.facts.Chain == nil {
		return
	}
	for _, c := range j.certs[1:] {
		if c.parsed.Extension(cert.OIDNameConstraints) != nil {
			return
		}
	}
	if slices.ContainsFunc(j.facts.Chain.Revoked, func(r facts.Revoked) bool { return !r.Leaf && r.OnBestPath }) {
		return
	}
	if c := j.facts.Chain; c.Anchor == string(trust.Public) && c.VerifyError != "" {
		return
	}
	var above [][32]byte
	for _, c := range j.certs[1:] {
		above = append(above, c.sha256)
	}
	k := chainKey(s.Log.Key, above)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil || len(n.known) >= maxChains {
		n.known = map[[32]byte]bool{}
	}
	n.known[k] = true
}
