package pin

import (
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// Input is what was expected and what was seen.
type Input struct {
	// Expected may be nil: then nothing is expected.
	Expected *expect.Expectation
	// Certificates are those served, the leaf first; none where no handshake
	// delivered any.
	Certificates []*cert.Certificate
	// Issuers are further certificates that may stand on paths.
	Issuers []*cert.Certificate
	// Leaf, Chain and Endpoint are what the other probes made of them; Chain
	// and Leaf nil where there is no certificate, Endpoint where it is no server.
	Leaf *facts.Cert
	SCTs []facts.SCT
	// CT is what they say together; nil where it was not looked at.
	CT       *facts.CT
	Chain    *facts.Chain
	Endpoint *facts.Endpoint
	Trust    *trust.Store
	At       time.Time
	// Reasons is told why a fact is unknown.
	Reasons map[string]string
}

// Reasons for which a fact is unknown.
const (
	reasonNoCertificate = "no certificate was served"
	reasonAllEnded      = "every pin has ended: see pin-none-in-force"
	reasonUnvouched     = "a pinned key stands above the leaf on a path that no public or inventory root vouches for; name its root under trust"
	reasonIncomplete    = "the server left out the certificate of the issuer"
	reasonOperator      = "nobody knows which CA stands behind the issuer's name or the identifier; allow it by key"
	reasonClaimed       = "a CA above the leaf bears the name of an allowed one, below a root of another, and its key is in no list of CAs: fetch one with \"certassay data update\", name it with --ca-data, or allow the CA by key"
	reasonNoKey         = "the key could not be read"
	reasonNoNames       = "the names of the leaf could not be read"
	reasonNoVersion     = "no handshake got as far as a version"
)

// Expect compares them. It never gives nil.
func Expect(in *Input) *facts.Expect {
	e := in.Expected
	if e == nil {
		e = &expect.Expectation{}
	}
	f := &facts.Expect{
		Stated: !e.Empty(), Place: e.Place.String(),
		Pins: []facts.Pin{}, Matched: []string{}, Ended: []string{}, Weak: []string{}, Issuers: []string{}, Anchors: []string{},
		AnchorFound: []string{}, Names: list(e.Names), NamesExactly: e.NamesExactly, KeyTypes: []string{},
		MaxValidity: int64(e.MaxValidity / time.Second), CAA: e.CAA, TLSA: e.TLSA, CT: e.CT,
		DaysLeft: -1, Stapling: e.Stapling, MustStaple: e.MustStaple, MinTLS: expect.TLSVersion(e.MinTLS), StartTLS: e.StartTLS,
	}
	for _, i := range e.Issuers {
		f.Issuers = append(f.Issuers, i.String())
	}
	for _, a := range e.Anchors {
		f.Anchors = append(f.Anchors, a.Name)
	}
	for _, t := range e.KeyTypes {
		f.KeyTypes = append(f.KeyTypes, t.String())
	}
	in.version(f, e)
	if len(in.Certificates) == 0 {
		in.pins(f, e, nil)
		for _, fact := range []string{"key_matches", "served_key", "issuer_allowed", "anchor_allowed", "names_missing", "names_extra", "key_type_allowed", "logged", "leaf_must_staple"} {
			in.unknown(fact, reasonNoCertificate)
		}
		return f
	}
	var paths []path
	if f.Stated {
		// Most subjects have no owner who asks.
		paths = in.paths()
	}
	in.pins(f, e, paths)
	in.issuer(f, e, paths)
	in.anchor(f, e, paths)
	in.leaf(f, e)
	return f
}

func list(s []string) []string { return append([]string{}, s...) }

func (in *Input) unknown(fact, reason string) {
	if in.Reasons != nil {
		in.Reasons["expect."+fact] = reason
	}
}

// pins compares keys and certificates.
func (in *Input) pins(f *facts.Expect, e *expect.Expectation, paths []path) {
	m := prints{}
	unvouched := false
	var last *time.Time
	endless := false
	for _, p := range e.Keys {
		out := facts.Pin{Text: p.String(), Ended: !p.InForce(in.At), Weak: p.Weak(), Note: p.Note}
		var aside bool
		out.Match, aside = in.match(p, paths, m)
		unvouched = unvouched || aside && !out.Ended
		f.Pins = append(f.Pins, out)
		switch {
		case out.Ended && out.Match != "":
			f.Ended = append(f.Ended, out.Text)
		case out.Ended:
		default:
			f.InForce++
			if out.Weak {
				f.Weak = append(f.Weak, out.Text)
			}
			if out.Match == "" {
				continue
			}
			f.Matched = append(f.Matched, out.Text)
			endless = endless || p.Until.IsZero()
			if last == nil || p.Until.After(*last) {
				last = &p.Until
			}
		}
	}
	if last != nil && !endless {
		f.DaysLeft = int64(last.Sub(in.At) / (24 * time.Hour))
	}
	if len(in.Certificates) == 0 {
		return
	}
	if f.Served = keyText(in.Certificates[0]); f.Served == nil {
		in.unknown("served_key", reasonNoKey)
	}
	found := len(f.Matched) > 0
	switch {
	case found:
		f.KeyMatches = &found
	case len(f.Pins) > 0 && f.InForce == 0:
		in.unknown("key_matches", reasonAllEnded)
	case unvouched:
		in.unknown("key_matches", reasonUnvouched)
	default:
		f.KeyMatches = &found
	}
}

// match says what a pin meets. aside says that it meets a CA on a path that is
// not vouched for.
func (in *Input) match(p expect.Pin, paths []path, m prints) (what string, aside bool) {
	if len(in.Certificates) > 0 && m.of(in.Certificates[0]).meets(p) {
		return "leaf", false
	}
	for _, path := range paths {
		for _, c := range path.issuers() {
			if !m.of(c).meets(p) {
				continue
			}
			if path.vouched {
				return "issuer", false
			}
			aside = true
		}
	}
	return "", aside
}

// anchor compares the roots at the ends of paths with the owner's.
func (in *Input) anchor(f *facts.Expect, e *expect.Expectation, paths []path) {
	allowed := false
	for _, p := range paths {
		if !p.vouched {
			continue
		}
		tops := in.roots(p.certs[len(p.certs)-1])
		for _, name := range p.Programs {
			if !slices.Contains(f.AnchorFound, name) {
				f.AnchorFound = append(f.AnchorFound, name)
			}
		}
		for _, a := range e.Anchors {
			allowed = allowed || slices.ContainsFunc(tops, func(top [32]byte) bool { return slices.Contains(a.Roots, top) }) || a.Name == expect.PublicAnchors && in.publicRoot(p)
		}
	}
	if !allowed && !in.complete(paths) {
		in.unknown("anchor_allowed", reasonIncomplete)
		return
	}
	f.AnchorOK = &allowed
}

// roots are the certificate at the end of a path, and the owner's of which it is a
// renewal over the same key.
func (in *Input) roots(top *cert.Certificate) [][32]byte {
	out := [][32]byte{top.SHA256()}
	for _, ca := range in.Trust.ByKey(top.SPKI) {
		if ca.Anchor == trust.Inventory && ca.Certificate.Subject.Normal() == top.Subject.Normal() {
			out = append(out, ca.Certificate.SHA256())
		}
	}
	return out
}

// publicRoot says that a root program has the root of a path, whatever set of the
// owner's has it as well.
func (in *Input) publicRoot(p path) bool {
	return p.Anchor == string(trust.Public)
}

// complete says that there is nothing more to ask the server for: a path reaches
// a root, or the issuer's certificate is there.
func (in *Input) complete(paths []path) bool {
	return slices.ContainsFunc(paths, func(p path) bool { return p.vouched }) || in.Chain != nil && in.Chain.IssuerSupplied
}

// version compares the version of TLS.
func (in *Input) version(f *facts.Expect, e *expect.Expectation) {
	if in.Endpoint != nil {
		if v, err := expect.ParseTLS(in.Endpoint.Version); err == nil {
			older := v < e.MinTLS
			f.TLSOlder = &older
			return
		}
	}
	in.unknown("tls_older", reasonNoVersion)
}

// leaf compares what stands in the leaf alone.
func (in *Input) leaf(f *facts.Expect, e *expect.Expectation) {
	if names := in.Leaf.Names; names == nil || !names.Readable {
		in.unknown("names_missing", reasonNoNames)
		in.unknown("names_extra", reasonNoNames)
	} else {
		f.NamesMissing, f.NamesExtra = in.names(e, append(list(names.DNS), names.IP...))
	}
	if key := in.Leaf.Key; key == nil || !key.Readable {
		in.unknown("key_type_allowed", reasonNoKey)
	} else {
		ok := slices.ContainsFunc(e.KeyTypes, func(t expect.KeyType) bool { return t.Matches(key.Algorithm, key.Bits, key.Curve) })
		f.KeyTypeOK = &ok
	}
	in.logged(f)
	c := in.Certificates[0]
	if c.ExtensionsErr != nil || !c.Readable() {
		in.unknown("leaf_must_staple", "the extensions of the leaf could not be read")
		return
	}
	requires := c.MustStaple().Value
	f.Requires = &requires
}

// names tells which names are missing and which are too many. The name that was
// asked for is allowed, whatever entry of the leaf covers it.
func (in *Input) names(e *expect.Expectation, have []string) (missing, extra []string) {
	missing, extra = []string{}, []string{}
	for _, n := range e.Names {
		if !slices.Contains(have, n) {
			missing = append(missing, n)
		}
	}
	asked := ""
	if in.Chain != nil {
		asked = strings.ToLower(strings.TrimSuffix(in.Chain.Name, "."))
	}
	for _, n := range have {
		_, below, wildcard := strings.Cut(asked, ".")
		covers := n == asked || wildcard && n == "*."+below
		if !covers && !slices.Contains(e.Names, n) {
			extra = append(extra, n)
		}
	}
	return missing, extra
}

// logged asks the SCTs. Those of the two logs whose keys are public prove
// nothing.
func (in *Input) logged(f *facts.Expect) {
	yes, undecided := false, in.SCTs == nil
	for i := range in.SCTs {
		s := &in.SCTs[i]
		yes = yes || !s.Mimic && s.Verdict != nil && *s.Verdict == "ok"
		undecided = undecided || s.Verdict == nil
	}
	if in.CT != nil && in.CT.Vouched != nil && !*in.CT.Vouched {
		undecided = false // of logs that were made up: a list that is younger has none of them
	}
	if !yes && undecided {
		in.unknown("logged", "an SCT could not be verified: its log or the issuer's key is not known; a newer list of logs may have it (certassay data update)")
		return
	}
	f.Logged = &yes
}
