package chain

import (
	"bytes"
	"slices"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/name"
	"github.com/certassay/certassay/internal/trust"
)

// A node is one certificate of the chain with what is asked of it often.
type node struct {
	c               *cert.Certificate
	sha256          [32]byte
	subject, issuer string // normalised
	isCA            bool
	selfIssued      bool
	duplicate       bool
	reached         bool // on a path from the leaf, by name
	vouches         bool // on a path from the leaf, by signatures
	signedBy        int  // index, -1 none
	signedKnown     bool
	nameKnown       bool // subject is a known CA's
	keyKnown        bool
	named           []int // certificates whose subject is the issuer
	refuted         bool  // every one of named could be tried, and none verifies
}

// A graph is the chain with its links resolved.
type graph struct {
	in    *Input
	nodes []node
	// bySubject are the indexes of served certificates by normalised subject.
	bySubject map[string][]int
	// fetched are the fetched certificates by normalised subject.
	fetched map[string][]*cert.Certificate
	checks  int
	// capped says that a limit was hit, so that absence proves nothing.
	capped bool
}

func newGraph(in *Input) *graph {
	certs := in.Certificates
	g := &graph{in: in, capped: len(certs) > maxLinks, nodes: make([]node, len(certs)), bySubject: map[string][]int{}}
	seen := make(map[[32]byte]bool, len(certs))
	for i, c := range certs {
		n := &g.nodes[i]
		n.c, n.sha256, n.signedBy = c, c.SHA256(), -1
		n.duplicate = seen[n.sha256]
		seen[n.sha256] = true
		if c.SPKI == nil {
			continue
		}
		n.subject, n.issuer, n.selfIssued = c.Subject.Normal(), c.Issuer.Normal(), c.SelfIssued()
		n.isCA = c.BasicConstraints().Value.CA || c.Version == 1 && n.selfIssued
		n.nameKnown, n.keyKnown = in.Trust.Knows(c)
		if n.subject != "" && !n.duplicate {
			g.bySubject[n.subject] = append(g.bySubject[n.subject], i)
		}
	}
	for i := range g.head() {
		g.link(i)
	}
	g.reach()
	g.fetched = in.candidates()
	return g
}

// head is the part of the chain that is judged.
func (g *graph) head() []node { return g.nodes[:min(len(g.nodes), maxLinks)] }

// link finds what in the chain, or among known CAs, signed the i-th certificate.
func (g *graph) link(i int) {
	n := &g.nodes[i]
	if n.c.SPKI == nil {
		return
	}
	tried, undecided := 0, false
	for j := range g.head() {
		m := &g.nodes[j]
		if j == i && !n.selfIssued || j != i && (m.duplicate || n.issuer == "" || m.subject != n.issuer) {
			continue
		}
		if j != i {
			n.named = append(n.named, j)
		}
		if n.signedBy >= 0 {
			continue
		}
		switch g.check(n.c, m.c) {
		case cert.Verified:
			n.signedBy = j
		case cert.Mismatch:
			tried++
		default:
			undecided = true
		}
	}
	for _, ca := range g.in.Trust.ByName(&n.c.Issuer) {
		if n.signedKnown = g.check(n.c, ca.Certificate) == cert.Verified; n.signedKnown {
			break
		}
	}
	n.signedKnown = n.signedKnown || n.signedBy < 0 && g.signer(n.c) != nil
	n.refuted = n.signedBy < 0 && !n.signedKnown && len(n.named) > 0 && tried > 0 && !undecided
}

// check is a signature check within the chain's budget.
func (g *graph) check(child, issuer *cert.Certificate) cert.Outcome {
	if g.checks >= maxChecks {
		g.capped = true
		return cert.Unsupported
	}
	g.checks++
	return g.in.Check.Check(child, issuer)
}

// reach marks what is on a path from the leaf, by name and by signatures.
func (g *graph) reach() {
	todo := []int{0}
	for len(todo) > 0 {
		n := &g.nodes[todo[0]]
		todo = todo[1:]
		if n.reached {
			continue
		}
		n.reached = true
		todo = append(todo, n.named...)
	}
	for i := 0; i >= 0 && !g.nodes[i].vouches; i = g.nodes[i].signedBy {
		g.nodes[i].vouches = true
	}
}

func (g *graph) links() []facts.Link {
	out := make([]facts.Link, len(g.nodes))
	for i := range g.nodes {
		n := &g.nodes[i]
		out[i] = facts.Link{
			Index: int64(i), SHA256: hash(n.sha256), Subject: n.c.Subject.String(), IsCA: n.isCA, SelfIssued: n.selfIssued,
			NameKnown: n.nameKnown, KeyKnown: n.keyKnown, SignedBy: int64(n.signedBy), SignedKnown: n.signedKnown,
			NamesIssuer: len(n.named) > 0, Duplicate: n.duplicate, Stray: !n.reached && !n.duplicate && i < maxLinks,
			Ended: n.c.NotAfterErr == nil && g.in.At.After(n.c.NotAfter),
		}
		if !n.signedKnown {
			_, out[i].SignedGone = g.in.formerSigner(n.c, n.c.NotBefore, goneRoots())
		}
		g.knowledge(n, &out[i])
	}
	return out
}

func (g *graph) inOrder() bool {
	for i := range len(g.nodes) - 1 {
		if g.nodes[i].issuer == "" || g.nodes[i].issuer != g.nodes[i+1].subject {
			return false
		}
	}
	return true
}

func (g *graph) rootServed() bool {
	for i := range g.nodes {
		if i > 0 && g.nodes[i].selfIssued {
			return true
		}
	}
	return false
}

func (g *graph) issuerSupplied() bool {
	leaf := &g.nodes[0]
	return leaf.selfIssued || len(leaf.named) > 0 || len(g.in.Trust.ByName(&leaf.c.Issuer)) > 0
}

// copiedNames says whether another end-entity certificate bears a name of the
// leaf.
func (g *graph) copiedNames() bool {
	for i := range g.nodes {
		n := &g.nodes[i]
		if i > 0 && !n.isCA && n.sha256 != g.nodes[0].sha256 && g.namesLeaf(n) {
			return true
		}
	}
	return false
}

// namesLeaf says whether a certificate is for one of the first maxNames names of
// the leaf.
func (g *graph) namesLeaf(n *node) bool {
	leaf, other := hostNames(g.nodes[0].c), hostNames(n.c)
	if len(leaf) > maxNames || len(other) > maxNames {
		leaf, other = leaf[:min(len(leaf), maxNames)], other[:min(len(other), maxNames)]
	}
	return slices.ContainsFunc(leaf, func(d string) bool {
		return slices.ContainsFunc(other, func(pattern string) bool { return name.Match(pattern, d) })
	})
}

// hostNames are the DNS names that a certificate is for. What has no alternative
// names at all, as the first thing that OpenSSL makes for somebody in a hurry, is
// meant for its common names.
func hostNames(c *cert.Certificate) []string {
	if c.AltNames().Present {
		return c.DNSNames()
	}
	return c.Subject.CommonNames()
}

// maxNames bounds the names of two certificates that are compared with each
// other: twenty thousand in each would take minutes.
const maxNames = 256

// brokenLink looks for a certificate on the leaf's path that names a served
// issuer whose key did not sign it.
func (g *graph) brokenLink() *bool {
	unclear := false
	for i := range g.head() {
		n := &g.nodes[i]
		if !n.reached {
			continue
		}
		if n.refuted {
			return maybe(true, true)
		}
		unclear = unclear || n.signedBy < 0 && !n.signedKnown && len(n.named) > 0
	}
	return maybe(false, !unclear && !g.capped)
}

// claimsGenuineSigner looks among the broken links for one whose certificate says
// itself, by key identifier, which key signed it, where a known root stands behind
// that key: then it is not the wrong issuer that was put beside it.
func (g *graph) claimsGenuineSigner(broken *bool) *bool {
	if broken == nil || !*broken {
		return broken
	}
	for i := range g.head() {
		n := &g.nodes[i]
		aki := n.c.AuthorityKeyID().Value.KeyID
		if !n.reached || !n.refuted || len(aki) == 0 {
			continue
		}
		for _, j := range n.named {
			if m := &g.nodes[j]; m.isCA && bytes.Equal(aki, m.c.SubjectKeyID().Value) && g.genuine(j) {
				return maybe(true, true)
			}
		}
	}
	return maybe(false, !g.capped)
}

// genuine says whether signatures lead from a certificate to a known root, whenever
// they were made: a CA that has expired did not sign more for that.
func (g *graph) genuine(i int) bool {
	for range maxLinks {
		n := &g.nodes[i]
		if n.signedKnown {
			return true
		}
		if n.signedBy < 0 || n.signedBy == i {
			return n.keyKnown
		}
		i = n.signedBy
	}
	return false
}

// keyIDMismatch compares the key identifiers over links that verify.
func (g *graph) keyIDMismatch() *bool {
	for i := range g.head() {
		n := &g.nodes[i]
		if n.signedBy < 0 || n.signedBy == i {
			continue
		}
		aki, ski := n.c.AuthorityKeyID().Value.KeyID, g.nodes[n.signedBy].c.SubjectKeyID().Value
		if len(aki) > 0 && len(ski) > 0 && !bytes.Equal(aki, ski) {
			return maybe(true, true)
		}
	}
	return maybe(false, true)
}

// keyIDCopied looks for one subject key identifier over two keys.
func (g *graph) keyIDCopied() bool {
	keys := map[string][]byte{}
	for i := range g.nodes {
		c := g.nodes[i].c
		id := string(c.SubjectKeyID().Value)
		if id == "" || c.SPKI == nil {
			continue
		}
		if other, ok := keys[id]; ok && !bytes.Equal(other, c.SPKI) {
			return true
		}
		keys[id] = c.SPKI
	}
	return false
}

// sharedKeys looks for one key under two subjects: the leaf's own, and any.
func (g *graph) sharedKeys() (leafs *bool, twice bool) {
	holder := map[string]int{}
	leaf := false
	for i := range g.nodes {
		n := &g.nodes[i]
		if n.c.SPKI == nil {
			continue
		}
		first, ok := holder[string(n.c.SPKI)]
		if !ok {
			holder[string(n.c.SPKI)] = i
			continue
		}
		if g.nodes[first].subject != n.subject {
			twice = true
			leaf = leaf || first == 0 && n.isCA
		}
	}
	return maybe(leaf, g.nodes[0].c.SPKI != nil), twice
}

// leafIsIssuer looks for a certificate that is no CA and yet verifies another.
// Version 1 certificates cannot say what they are. A self-signed one that forgot to
// call itself a CA is a root made by hand: nobody gave it what it abuses. A proxy
// certificate (RFC 3820) is signed by its owner's, and stands for no host.
func (g *graph) leafIsIssuer() *bool {
	for i := range g.head() {
		j := g.nodes[i].signedBy
		if j < 0 || j == i {
			continue
		}
		if m := &g.nodes[j]; !m.isCA && m.c.Version == 3 && m.sha256 != g.nodes[i].sha256 &&
			!(m.selfIssued && m.signedBy == j) && !proxyOf(g.nodes[i].c, m.c) {
			return maybe(true, true)
		}
	}
	return maybe(false, !g.capped)
}

// proxyInfo are the extensions that make a proxy certificate: proxyCertInfo of RFC
// 3820, and Globus's before that.
var proxyInfo = []string{"\x2b\x06\x01\x05\x05\x07\x01\x0e", "\x2b\x06\x01\x04\x01\x9b\x50\x01\x81\x5e"}

// proxyOf says whether c is a proxy certificate of another: it says so, has the
// other's name and one common name more (RFC 3820 section 3.4), and no alternative
// names, so that it passes for nobody else.
func proxyOf(c, owner *cert.Certificate) bool {
	own, with := owner.Subject.Attributes(), c.Subject.Attributes()
	if c.AltNames().Present || !slices.ContainsFunc(proxyInfo, func(oid string) bool { return c.Extension(oid) != nil }) {
		return false
	}
	return len(own) > 0 && len(with) == len(own)+1 && slices.EqualFunc(own, with[:len(own)], func(a, b cert.Attribute) bool {
		return string(a.Type) == string(b.Type) && a.Text == b.Text
	}) && string(with[len(own)].Type) == cert.OIDCommonName
}

// genuineTail looks for a certificate behind the leaf that chains to a public or
// inventory root although the leaf does not.
func genuineTail(in *Input, g *graph, v verified) *bool {
	if v.anchor == trust.Public || v.anchor == trust.Inventory {
		return maybe(false, true)
	}
	// Each of them costs as much as the leaf did.
	if v.capped {
		return nil
	}
	for i := range g.head() {
		n := &g.nodes[i]
		// What signed the leaf belongs to it, whatever else is wrong with the path.
		if n.vouches || n.duplicate || n.selfIssued || i > maxTails {
			continue
		}
		if a := verify(in, g, n.c).anchor; a == trust.Public || a == trust.Inventory {
			return maybe(true, true)
		}
	}
	return maybe(false, !g.capped)
}

// foreignTail looks behind a leaf that reaches a root for a certificate of the
// same names that does not. Clients pass over it; who keeps certificates in one
// file and has them checked must not be told that all is well.
func foreignTail(in *Input, g *graph, v verified, reasons map[string]string) *bool {
	if in.Live || v.anchor != trust.Public && v.anchor != trust.Inventory {
		return maybe(false, true)
	}
	unclear := false
	for i := range g.nodes {
		n := &g.nodes[i]
		if i == 0 || n.vouches || n.duplicate || bytes.Equal(n.c.SPKI, g.nodes[0].c.SPKI) || !g.namesLeaf(n) {
			continue
		}
		if i > maxTails || v.capped || g.capped {
			unclear = true
			continue
		}
		if a := verify(in, g, n.c).anchor; a == trust.Public || a == trust.Inventory {
			continue
		}
		if n.signedBy > 0 && n.signedBy != i {
			return maybe(true, true)
		}
		unclear = true
	}
	if unclear {
		reasons["chain.foreign_tail"] = "the file holds another certificate for the same names, and only the first was judged; put each into a file of its own"
	}
	return maybe(false, !unclear)
}

// maxTails bounds the certificates behind a leaf without anchor that are
// verified themselves.
const maxTails = 8
