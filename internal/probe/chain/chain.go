// Package chain turns the certificates of a subject into facts about how they
// hang together and what vouches for them.
//
// A link is believed only where a signature verifies. Names say who is meant;
// the order of serving says nothing.
package chain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/name"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
)

// Input is what a chain is judged from.
type Input struct {
	// Certificates are in the order served; the first is the leaf.
	Certificates []*cert.Certificate
	// Fetches are attempts to fetch issuers that were not served. What came is
	// searched for paths like what was served, and is no part of the chain.
	Fetches []Fetch
	// Name is the name or address that was asked for, or empty.
	Name string
	// Live says that an endpoint served it.
	Live bool
	// At is the time of judgement.
	At    time.Time
	Trust *trust.Store
	Check *signature.Checker
	// Parsed gives the standard library's view of a certificate, nil where it
	// refuses it.
	Parsed func(*cert.Certificate) *Parsed
}

// Limits on one chain. What lies behind them is listed and not judged.
const (
	// maxLinks bounds the pairs that are looked at; honest chains have four
	// certificates.
	maxLinks = 32
	// maxChecks bounds the signature checks of one chain: a P-521 check costs
	// 3.4 ms, and a server can send many certificates under one name.
	maxChecks = 48
)

// Chain gives the facts about a chain; nil where there are no certificates.
// reasons says why facts are unknown.
func Chain(in *Input, reasons map[string]string) *facts.Chain {
	if len(in.Certificates) == 0 {
		return nil
	}
	leaf := in.Certificates[0]
	g := newGraph(in)
	f := &facts.Chain{
		Name: in.Name, NameAsked: in.Name != "", Length: int64(len(in.Certificates)), Live: in.Live,
		Links: g.links(), InOrder: g.inOrder(), RootServed: g.rootServed(),
		IssuerSupplied: g.issuerSupplied(),
	}
	for _, l := range f.Links {
		f.Duplicates += count(l.Duplicate)
		f.Strays += count(l.Stray)
	}
	if in.Name != "" {
		f.NameMatches = maybe(name.Covers(leaf, in.Name))
	}
	f.NamePublic = namePublic(leaf, in.Name)
	f.CopiedNames = g.copiedNames()
	f.BrokenLink = g.brokenLink()
	f.ClaimedSigner = g.claimsGenuineSigner(f.BrokenLink)
	f.KeyIDMismatch = g.keyIDMismatch()
	f.KeyIDCopied = g.keyIDCopied()
	f.LeafKeyIsIssuer, f.SameKeyTwice = g.sharedKeys()
	f.LeafIsIssuer = g.leafIsIssuer()
	v := verify(in, g, leaf)
	f.Anchor, f.Programs, f.VerifyError = string(v.anchor), v.programs, v.reason
	v.describe(in, f)
	f.Fetched, f.Completed = in.fetched(f.Paths[0].Certificates, v.paths[0].anchor() != trust.None)
	if in.Name != "" {
		alt := name.Alternative(leaf)
		f.NameJudged = name.Public(in.Name) || alt == nil || alt.Public || v.anchor == trust.Public || v.anchor == trust.Inventory
		f.NameInCN = maybe(v.certifiesCommonName(in.Name))
		f.CNCounts = commonNameCounts(leaf, f.NameInCN, reasons)
	}
	f.GenuineTail = genuineTail(in, g, v)
	f.ForeignTail = foreignTail(in, g, v, reasons)
	f.AnchorExpected = anchorExpected(in, f, &v, reasons)
	if g.capped || v.capped {
		sayLimits(f, reasons)
	}
	return f
}

// sayLimits gives what a limit left open its reason.
func sayLimits(f *facts.Chain, reasons map[string]string) {
	const reason = "the chain is larger than what is looked at: its first %d certificates, and for paths %d steps, or as many signature checks as take about %d ms"
	for fact, value := range map[string]*bool{
		"chain.broken_link": f.BrokenLink, "chain.claims_genuine_signer": f.ClaimedSigner, "chain.leaf_is_issuer": f.LeafIsIssuer,
		"chain.genuine_tail": f.GenuineTail, "chain.key_id_mismatch": f.KeyIDMismatch,
	} {
		if value == nil && reasons[fact] == "" {
			reasons[fact] = fmt.Sprintf(reason, maxLinks, maxSteps, maxPrice/20)
		}
	}
}

func count(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// maybe is a fact, or unknown where ok is false.
func maybe(yes, ok bool) *bool {
	if !ok {
		return nil
	}
	return &yes
}

// namePublic looks at the name that was asked for, or else at those in the leaf.
// The common name of a leaf that has no alternative names counts where it says that
// it is for TLS servers and no CA's: without that, anna.li may be a person. One from
// before browsers stopped to read common names may be a genuine one of a public CA
// that no root program has any more.
func namePublic(leaf *cert.Certificate, asked string) *bool {
	if asked != "" {
		return maybe(name.Public(asked), true)
	}
	alt := name.Alternative(leaf)
	if alt == nil {
		return nil
	}
	if len(alt.DNS)+len(alt.IP) > 0 {
		return &alt.Public
	}
	server := hasOID(leaf.ExtKeyUsage().Value, cert.OIDServerAuth) && !leaf.BasicConstraints().Value.CA
	late := leaf.NotBeforeErr == nil && !leaf.NotBefore.Before(commonNameEnd)
	if hosts := commonHosts(leaf); len(hosts) > 0 && server && late {
		return maybe(slices.ContainsFunc(hosts, name.Public), true)
	}
	return nil
}

// commonHosts are the host names and addresses among the common names of a leaf
// without alternative names.
func commonHosts(leaf *cert.Certificate) (out []string) {
	if leaf.AltNames().Present {
		return nil
	}
	for _, cn := range leaf.Subject.CommonNames() {
		if name.HostLike(cn) && unfit(cn) == "" || looseAddress(cn) {
			out = append(out, strings.TrimPrefix(cn, "*."))
		}
	}
	return out
}

// anchorExpected says whether such a chain has to reach a public or inventory
// root. Where only the owner can say, it is unknown; so it is where the key of a public
// CA made the last signature and nothing more is known of that CA, where a root did
// vouch for a leaf that the library cannot read, and where one did that has gone since.
func anchorExpected(in *Input, f *facts.Chain, v *verified, reasons map[string]string) *bool {
	const path = "chain.anchor_expected"
	if f.Anchor == string(trust.Public) || f.Anchor == string(trust.Inventory) {
		return maybe(true, true)
	}
	former, wasRoot := v.formerRoot(in, goneRoots())
	local := f.Anchor == string(trust.Local)
	switch {
	case f.NamePublic == nil && len(commonHosts(in.Certificates[0])) > 0:
		reasons[path] = "no name was asked for, and the certificate names a host in its common name alone, which counts here only in one that says it is for TLS servers, from " + commonNameEnd.Format(time.DateOnly) + " or later: nothing says which root it must reach; name the host with --name, or its root with --roots"
	case f.NamePublic == nil:
		reasons[path] = "no name was asked for and the certificate names no host, so nothing says which root it must reach; name one with --name, or its root with --roots"
	case !*f.NamePublic:
		reasons[path] = "this is a private name or address: only its owner can say which root it must reach; name that root with --roots FILE"
	case wasRoot:
		reasons[path] = formerReason(&former)
	case v.vouchedUnread(in):
		reasons[path] = "crypto/x509 cannot read the certificate, so it verifies no path; every signature up to a known root does verify, and no stranger made these: have the certificate reissued in an encoding that software reads"
	case v.listedSigner(in):
		reasons[path] = "the issuer's certificate was left out; the signature was made with the key of a CA on Mozilla's list of disclosed intermediates, which has nothing but the key's hash; have the certificate fetched (--online aia), or name it (--known)"
	case !local && !in.Live && !f.IssuerSupplied:
		reasons[path] = "the issuer's certificate is not in the file, so the chain cannot be followed; add it to the file, or name its root with --roots FILE"
	default:
		return maybe(true, true)
	}
	return nil
}
